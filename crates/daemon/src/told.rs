//! A torrent as the interface tells it (own design): one flat object. Keys are added, never changed.
use serde::Serialize;

/// What is told of one torrent. Bytes, bytes a second, seconds.
#[derive(Clone, PartialEq, Default, Debug, Serialize)]
pub(crate) struct Told {
    /// The 20 bytes that peers know it by, in hexadecimal digits.
    pub(crate) infohash: String,
    /// Its name; the link's while the metadata is missing, the info-hash where that has none.
    pub(crate) name: String,
    /// A word: see `docs/api.md`.
    pub(crate) state: String,
    pub(crate) folder: String,
    pub(crate) labels: Vec<String>,
    /// When it was added, in seconds since 1970.
    pub(crate) added: u64,
    /// Bytes of all its files; `None` while the metadata is missing.
    pub(crate) size: Option<u64>,
    /// Bytes that are wanted, and those of them that are verified.
    pub(crate) wanted: u64,
    pub(crate) have: u64,
    pub(crate) complete: bool,
    pub(crate) down_rate: u64,
    pub(crate) up_rate: u64,
    /// Payload received and sent since the daemon started.
    pub(crate) downloaded: u64,
    pub(crate) uploaded: u64,
    /// The same over all runs, as kept on the disk a few seconds ago: it never goes back.
    pub(crate) downloaded_total: u64,
    pub(crate) uploaded_total: u64,
    /// What part of what is wanted is there, from 0 to 1; `None` while the metadata is missing.
    pub(crate) progress: Option<f64>,
    /// Payload sent over all runs for each byte received, or, where none was, for each that is there.
    pub(crate) ratio: Option<f64>,
    pub(crate) seeds: u32,
    pub(crate) downloaders: u32,
    /// Seconds until it is complete at the present rate.
    pub(crate) eta: Option<u64>,
    /// Limits in payload bytes a second.
    pub(crate) up_limit: Option<u64>,
    pub(crate) down_limit: Option<u64>,
    /// Its own goal.
    pub(crate) until: Option<String>,
    /// Whether it works whatever others do.
    pub(crate) forced: bool,
    /// Bytes that are done of a move, and of how many, while it is `moving`.
    pub(crate) job_done: Option<u64>,
    pub(crate) job_of: Option<u64>,
    /// Pieces that were damaged or missing when all of it was hashed again; `None` when it was not, or is being hashed.
    pub(crate) lost: Option<u32>,
    /// Why it cannot go on.
    pub(crate) error: Option<String>,
    /// The host of its first tracker.
    pub(crate) tracker: Option<String>,
    /// When it became complete by downloading, and when payload last moved, in seconds since 1970.
    pub(crate) completed: Option<u64>,
    pub(crate) moved: Option<u64>,
    /// Seconds that it was at work over all runs, and that it was complete meanwhile.
    pub(crate) active_time: u64,
    pub(crate) seeding_time: u64,
}

/// Why a torrent does not move.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub(crate) struct WhyTold {
    pub(crate) infohash: String,
    pub(crate) name: String,
    pub(crate) state: String,
    /// A word for scripts; `None` of a torrent that could not be begun.
    pub(crate) verdict: Option<String>,
    /// The sentence for its owner.
    pub(crate) why: Option<String>,
    /// What would help.
    pub(crate) help: Option<String>,
    /// The evidence, line by line.
    pub(crate) report: Vec<String>,
}
