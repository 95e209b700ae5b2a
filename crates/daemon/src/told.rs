//! A torrent as the interface tells it (own design): one flat object. Keys are added, never changed.
use serde::Serialize;
use utoipa::ToSchema;

/// A torrent: what its owner wants of it, and how far it is.
#[derive(Clone, PartialEq, Default, Debug, Serialize, ToSchema)]
#[schema(as = Torrent)]
pub(crate) struct Told {
    /// The 20 bytes that peers know it by, as 40 hexadecimal digits.
    pub(crate) infohash: String,
    /// Its name; the link's while the metadata is missing, the info-hash where that has none.
    pub(crate) name: String,
    /// What it does: `metadata`, `choosing`, `placing`, `checking`, `downloading`, `seeding`, `disk_trouble`, `failed`, `stopping`, `paused`, `moving`, `queued` or
    /// `finished`. Further words may come.
    pub(crate) state: String,
    /// The folder that its content lies in, or is moved to once it is complete: an absolute path.
    pub(crate) folder: String,
    /// The folder that it lies in until then: an absolute path; null where that is the same, and afterwards.
    pub(crate) incomplete: Option<String>,
    /// Words of its owner's, sorted.
    pub(crate) labels: Vec<String>,
    /// When it was added, in seconds since 1970.
    pub(crate) added: u64,
    /// Bytes of all its files; null while the metadata is missing.
    pub(crate) size: Option<u64>,
    /// Bytes of its files that are wanted.
    pub(crate) wanted: u64,
    /// Bytes that are wanted and verified.
    pub(crate) have: u64,
    /// Whether all that is wanted is there and verified.
    pub(crate) complete: bool,
    /// Payload received, in bytes a second.
    pub(crate) down_rate: u64,
    /// Payload sent, in bytes a second.
    pub(crate) up_rate: u64,
    /// Bytes of payload received since the daemon started.
    pub(crate) downloaded: u64,
    /// Bytes of payload sent since the daemon started.
    pub(crate) uploaded: u64,
    /// Bytes of payload received over all runs, as kept on the disk a few seconds ago: it never goes back.
    pub(crate) downloaded_total: u64,
    /// Bytes of payload sent over all runs, as kept on the disk a few seconds ago: it never goes back.
    pub(crate) uploaded_total: u64,
    /// What part of what is wanted is there, from 0 to 1; null while the metadata is missing.
    pub(crate) progress: Option<f64>,
    /// Payload sent over all runs for each byte received, or, where none was, for each that is there; null where nothing is.
    pub(crate) ratio: Option<f64>,
    /// Connected peers that have everything.
    pub(crate) seeds: u32,
    /// Connected peers that miss something.
    pub(crate) downloaders: u32,
    /// Seconds until it is complete at the present rate; null where nothing is missing or nothing comes.
    pub(crate) eta: Option<u64>,
    /// Limit of what it sends, in payload bytes a second; null where it has none of its own.
    pub(crate) up_limit: Option<u64>,
    /// Limit of what it receives, in payload bytes a second; null where it has none of its own.
    pub(crate) down_limit: Option<u64>,
    /// Its own goal, as `teem add --until` says it; null where the daemon's file says when it has given enough.
    pub(crate) until: Option<String>,
    /// Whether it works whatever others do.
    pub(crate) forced: bool,
    /// Bytes of a move that are done, while it is `moving`; else null.
    pub(crate) job_done: Option<u64>,
    /// Bytes that are to be moved, while it is `moving`; else null.
    pub(crate) job_of: Option<u64>,
    /// Pieces that were damaged or missing when all of it was hashed again; null when it was not, or is being hashed.
    pub(crate) lost: Option<u32>,
    /// Why it cannot go on, or the present trouble of its disk: a sentence; null where there is none.
    pub(crate) error: Option<String>,
    /// The host of its first tracker; null where it has none.
    pub(crate) tracker: Option<String>,
    /// When it became complete by downloading, in seconds since 1970; null where it did not.
    pub(crate) completed: Option<u64>,
    /// When payload last moved, in seconds since 1970; null where none did.
    pub(crate) moved: Option<u64>,
    /// Seconds that it was at work over all runs, as kept on the disk up to a minute ago.
    pub(crate) active_time: u64,
    /// Seconds that it was at work and complete over all runs, as kept on the disk up to a minute ago.
    pub(crate) seeding_time: u64,
}

/// Why a torrent does not move.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, ToSchema)]
#[schema(as = Why)]
pub(crate) struct WhyTold {
    /// The torrent's info-hash, as 40 hexadecimal digits.
    pub(crate) infohash: String,
    /// The torrent's name.
    pub(crate) name: String,
    /// What the torrent does: a word, as in its object.
    pub(crate) state: String,
    /// A word for scripts; null of a torrent that could not be begun.
    pub(crate) verdict: Option<String>,
    /// The reason, in a sentence for its owner; null where there is none.
    pub(crate) why: Option<String>,
    /// What would help, in a sentence; null where nothing would.
    pub(crate) help: Option<String>,
    /// The evidence, line by line.
    pub(crate) report: Vec<String>,
}
