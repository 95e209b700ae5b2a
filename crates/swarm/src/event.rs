//! Events: what the engine tells the owner of a torrent (own design).
use crate::external::External;
use crate::ids::{ConnId, TorrentId};
use crate::job::DiskError;
use crate::memory::Memory;
use crate::remote::{Encrypted, Remote, Transport};
use crate::search::Search;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::net::{IpAddr, SocketAddr};
use core::time::Duration;
use teem_metainfo::{AnnounceUrl, Info};
use teem_wire::compact::Family;

/// What a torrent is doing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum State {
    /// Asking peers for the info dictionary.
    Metadata,
    /// The info dictionary is there; the owner is to say which files are wanted.
    Choosing,
    /// The info dictionary is there; a place for the content is being looked for.
    Placing,
    /// Looking at what is on the disk.
    Checking,
    /// Asking peers for the pieces that are wanted and missing.
    Downloading,
    /// Complete (or publishing): serving others.
    Seeding,
    /// Not downloading because of the disk; serving what there is.
    DiskTrouble,
    /// Cannot go on; an `Event::Failed` said why.
    Failed,
    /// On its way to its end or to its rest: trackers are told, state is saved.
    Stopping,
    /// At rest until it is resumed: no connections, no open files.
    Paused,
}

impl State {
    /// One word for scripts.
    pub fn word(self) -> &'static str {
        match self {
            Self::Metadata => "metadata",
            Self::Choosing => "choosing",
            Self::Placing => "placing",
            Self::Checking => "checking",
            Self::Downloading => "downloading",
            Self::Seeding => "seeding",
            Self::DiskTrouble => "disk_trouble",
            Self::Failed => "failed",
            Self::Stopping => "stopping",
            Self::Paused => "paused",
        }
    }
}

/// How one of our nodes of the DHT stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NodeFigures {
    /// The family that it speaks.
    pub family: Family,
    /// The id that others know it by.
    pub id: [u8; 20],
    /// Nodes in its table.
    pub nodes: u32,
    /// Those of them that have answered and did not fail since.
    pub good: u32,
    /// Nodes in the whole network, as far as can be told.
    pub network: Option<u64>,
    /// Hashes that we are announced under.
    pub torrents: u32,
    /// The address that the nodes see us at.
    pub outside: Option<IpAddr>,
}

/// Something that happened to a torrent.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event {
    /// What is to be kept of its announces has changed. Comes only where the engine is told that it is kept.
    Announced {
        /// The torrent that it happened to.
        torrent: TorrentId,
        /// What the next run should know.
        memory: alloc::boxed::Box<Memory>,
    },
    /// The metadata is there and valid. Comes only for torrents added without it; a place for the content is asked for next.
    Metadata {
        /// The torrent that it happened to.
        torrent: TorrentId,
        /// The metadata, parsed and valid.
        info: Arc<Info>,
    },
    /// The torrent does something else now.
    State {
        /// The torrent that it happened to.
        torrent: TorrentId,
        /// What it does from now on.
        state: State,
    },
    /// The answer to [`Command::Nodes`](crate::command::Command::Nodes).
    Nodes {
        /// Our nodes, one for each family that has one.
        nodes: Vec<NodeFigures>,
        /// Ids and addresses of nodes that the next run may begin with.
        saved: Vec<([u8; 20], SocketAddr)>,
    },
    /// A piece was downloaded and verified.
    PieceVerified {
        /// The torrent that it happened to.
        torrent: TorrentId,
        /// Index of the piece.
        piece: u32,
    },
    /// A piece has been hashed again because the owner asked ([`Command::Recheck`](crate::command::Command::Recheck)).
    Checked {
        /// The torrent that it happened to.
        torrent: TorrentId,
        /// Index of the piece.
        piece: u32,
        /// Whether it is what it should be.
        ok: bool,
    },
    /// All pieces have been hashed again.
    Rechecked {
        /// The torrent that it happened to.
        torrent: TorrentId,
        /// How many pieces that were verified before, or that saved state took for perhaps there, are damaged or missing.
        lost: u32,
    },
    /// A downloaded piece hashed wrong.
    PieceFailed {
        /// The torrent that it happened to.
        torrent: TorrentId,
        /// Index of the piece.
        piece: u32,
    },
    /// A peer that sent corrupt data is not spoken to again.
    Banned {
        /// The torrent that it happened to.
        torrent: TorrentId,
        /// The peer's end of the connection.
        addr: Remote,
        /// What it called itself (BEP 10 `v`, or by its peer id).
        client: String,
        /// Why, in words.
        why: String,
    },
    /// Every wanted piece is verified.
    Complete {
        /// The torrent that it happened to.
        torrent: TorrentId,
        /// Whether that was so from the start of this run.
        at_start: bool,
    },
    /// Everything verified is on the disk for good and claimed in the saved state.
    Durable {
        /// The torrent that it happened to.
        torrent: TorrentId,
        /// Whether the torrent was complete then.
        complete: bool,
    },
    /// Every block has left this publisher at least once, or is in pieces that peers show. Told again when the last of
    /// those has left too.
    AllOut {
        /// The torrent that it happened to.
        torrent: TorrentId,
        /// Payload bytes sent until then.
        sent: u64,
        /// Bytes of pieces that did not leave here as far as is known, and that others say they have: another source's, or sent
        /// before a crash.
        elsewhere: u64,
    },
    /// A tracker answered, or did not.
    Tracker {
        /// The torrent that it happened to.
        torrent: TorrentId,
        /// The tracker's URL as it stands in the torrent.
        url: AnnounceUrl,
        /// Peers it gave, or what went wrong in a sentence.
        result: Result<u32, String>,
    },
    /// Most trackers and peers that told us say that they see us at this address: it is new, or another than before.
    External {
        /// The torrent that it happened to.
        torrent: TorrentId,
        /// Our public address of its family.
        ip: IpAddr,
    },
    /// The disk is in trouble; downloading pauses.
    Disk {
        /// The torrent that it happened to.
        torrent: TorrentId,
        /// The disk's error.
        error: DiskError,
    },
    /// The disk works again.
    DiskRecovered {
        /// The torrent that it happened to.
        torrent: TorrentId,
    },
    /// The torrent cannot go on.
    Failed {
        /// The torrent that it happened to.
        torrent: TorrentId,
        /// Why, in a sentence.
        why: String,
        /// When it is the disk that refuses.
        disk: Option<DiskError>,
    },
    /// A fault of this program has ended the torrent alone: nothing of it is left but its name, until it is removed.
    Fault {
        /// The torrent that it happened to.
        torrent: TorrentId,
        /// A sentence that names the torrent and says what is to be reported.
        why: String,
    },
    /// Something that the user should know once, in a sentence.
    Notice {
        /// The torrent that it happened to.
        torrent: TorrentId,
        /// The sentence, ready to be printed.
        text: String,
    },
    /// As much was sent as `Command::TellSent` asked to be told of.
    Sent {
        /// The torrent that it happened to.
        torrent: TorrentId,
    },
    /// The answer to `Command::Snapshot`.
    Snapshot(alloc::boxed::Box<Snapshot>),
    /// The answer to `Command::Snapshots`.
    Snapshots {
        /// As it was asked.
        ask: u64,
        /// In the order in which they were named, or by id where all were asked for.
        list: Vec<Snapshot>,
    },
    /// The answer to `Command::Availability`.
    Availability {
        /// The torrent that it happened to.
        torrent: TorrentId,
        /// How many connected peers have shown each piece, whether we have it or not; empty while the metadata is missing.
        pieces: alloc::boxed::Box<[u16]>,
    },
    /// The answer to `Command::Verified`.
    Verified {
        /// The torrent that it happened to.
        torrent: TorrentId,
        /// The verified pieces as a bitfield of the wire (BEP 3): the first piece in the highest bit. Empty while the metadata is missing, and of a
        /// torrent that is not at work.
        pieces: alloc::boxed::Box<[u8]>,
    },
    /// The answer to `Command::Search`.
    Search(alloc::boxed::Box<Search>),
    /// A complete torrent without peers rests: it serves as before, and nothing of it is held but what a record keeps. Whatever its owner
    /// holds of its metadata may go too.
    Rests {
        /// The torrent that it happened to.
        torrent: TorrentId,
    },
    /// A torrent that rested is at work again.
    Woken {
        /// The torrent that it happened to.
        torrent: TorrentId,
        /// Its metadata, as it was read again from where it is kept.
        info: Arc<Info>,
    },
    /// The torrent is gone: everything saved, nothing held.
    Removed {
        /// The torrent that it happened to.
        torrent: TorrentId,
    },
}

impl Event {
    /// The torrent that it is about; `None` of an answer about many.
    pub fn torrent(&self) -> Option<TorrentId> {
        match self {
            Self::Metadata { torrent, .. }
            | Self::State { torrent, .. }
            | Self::PieceVerified { torrent, .. }
            | Self::Checked { torrent, .. }
            | Self::Rechecked { torrent, .. }
            | Self::PieceFailed { torrent, .. }
            | Self::Banned { torrent, .. }
            | Self::Complete { torrent, .. }
            | Self::Durable { torrent, .. }
            | Self::AllOut { torrent, .. }
            | Self::Tracker { torrent, .. }
            | Self::External { torrent, .. }
            | Self::Disk { torrent, .. }
            | Self::DiskRecovered { torrent }
            | Self::Failed { torrent, .. }
            | Self::Fault { torrent, .. }
            | Self::Notice { torrent, .. }
            | Self::Sent { torrent }
            | Self::Rests { torrent }
            | Self::Woken { torrent, .. }
            | Self::Announced { torrent, .. }
            | Self::Availability { torrent, .. }
            | Self::Verified { torrent, .. }
            | Self::Removed { torrent } => Some(*torrent),
            Self::Snapshot(snapshot) => Some(snapshot.torrent),
            Self::Search(search) => Some(search.torrent),
            Self::Snapshots { .. } | Self::Nodes { .. } => None,
        }
    }
}

/// The figures of one torrent at a moment. Bytes, bytes a second, counts.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Snapshot {
    /// The torrent that the figures are of.
    pub torrent: TorrentId,
    /// What it does.
    pub state: State,
    /// Bytes of verified pieces (without pads).
    pub have: u64,
    /// Bytes wanted (without pads); 0 while the metadata is missing.
    pub wanted: u64,
    /// Number of verified pieces.
    pub pieces: u32,
    /// Pieces hashed so far, and to be hashed, as they lie on the disk: at the beginning, or when the owner last asked for it.
    pub checked: (u32, u32),
    /// Index of the file that most of the current requests lie in.
    pub file: Option<u32>,
    /// Payload rate in, over the last seconds.
    pub down_rate: u64,
    /// Payload rate out.
    pub up_rate: u64,
    /// Payload received in this run.
    pub downloaded: u64,
    /// Payload sent in this run.
    pub uploaded: u64,
    /// Payload sent in all runs, as far as is remembered.
    pub uploaded_ever: u64,
    /// Payload received that was of no use (duplicates, corrupt pieces).
    pub wasted: u64,
    /// Verified bytes that peers have shown since this run began, over all peers ever connected: what the swarm has.
    pub swarm_shown: u64,
    /// Bytes of pieces that have left a source or are elsewhere, while its first copy is on the way; `None` at any other time.
    pub first_copy: Option<u64>,
    /// Connected peers that have everything; of a source that grants its pieces what counts is what it says it holds.
    pub seeds: u32,
    /// Connected peers that miss something.
    pub downloaders: u32,
    /// Peers that are sending to us or may.
    pub unchoked_us: u32,
    /// Metadata pieces received, of how many (0 when unknown).
    pub metadata: (u32, u32),
    /// Dials: candidates known, under way, refused, timed out, over this run.
    pub dials: Dials,
    /// Our public addresses, as trackers and peers say.
    pub external: External,
    /// The peers, at most 100.
    pub peers: Vec<PeerStats>,
    /// The trackers, in the order in which they are tried.
    pub trackers: Vec<TrackerStats>,
}

impl Snapshot {
    /// The figures of a torrent of which nothing is known yet.
    pub fn new(torrent: TorrentId, state: State) -> Self {
        Self {
            torrent,
            state,
            have: 0,
            wanted: 0,
            pieces: 0,
            checked: (0, 0),
            file: None,
            down_rate: 0,
            up_rate: 0,
            downloaded: 0,
            uploaded: 0,
            uploaded_ever: 0,
            wasted: 0,
            swarm_shown: 0,
            first_copy: None,
            seeds: 0,
            downloaders: 0,
            unchoked_us: 0,
            metadata: (0, 0),
            dials: Dials::default(),
            external: External::default(),
            peers: Vec::new(),
            trackers: Vec::new(),
        }
    }

    /// The figures that are left of a torrent when it comes to rest: nobody is connected, and nothing moves.
    #[must_use]
    pub fn at_rest(self) -> Self {
        let dials = Dials { pending: 0, ..self.dials };
        let (peers, state) = (Vec::new(), State::Paused);
        let (down_rate, up_rate, seeds, downloaders, unchoked_us, file) = (0, 0, 0, 0, 0, None);
        let at_rest = |one: TrackerStats| TrackerStats { answered: None, next: None, ..one };
        let trackers = self.trackers.into_iter().map(at_rest).collect();
        Self { state, file, down_rate, up_rate, seeds, downloaders, unchoked_us, dials, peers, trackers, ..self }
    }
}

/// How dialling went, over this run.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
#[non_exhaustive]
pub struct Dials {
    /// Addresses known of peers that are not connected.
    pub known: u32,
    /// Under way now.
    pub pending: u32,
    /// Tried in all: by one way, or by two that raced.
    pub tried: u32,
    /// What came of those over TCP that came to nothing.
    pub tcp: Outcomes,
    /// The same over uTP.
    pub utp: Outcomes,
    /// What came of meetings with a third's help.
    pub punched: Punched,
}

impl Dials {
    /// What came of those that came to nothing, over both.
    pub fn all(&self) -> Outcomes {
        self.tcp.and(self.utp)
    }
}

/// What came of meetings with a third's help (BEP 55), over this run.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
#[non_exhaustive]
pub struct Punched {
    /// Meetings that a third was asked for, or had us dial for.
    pub tried: u32,
    /// Those that led to a peer.
    pub reached: u32,
    /// Those that were given up.
    pub in_vain: u32,
}

/// What came of dials that came to nothing.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
#[non_exhaustive]
pub struct Outcomes {
    /// Refused by the other side.
    pub refused: u32,
    /// Not answered in time.
    pub timed_out: u32,
    /// Other failures (unreachable, closed before a handshake).
    pub failed: u32,
}

impl Outcomes {
    /// The sums of both, of each kind.
    pub(crate) fn and(self, other: Self) -> Self {
        Self {
            refused: self.refused.saturating_add(other.refused),
            timed_out: self.timed_out.saturating_add(other.timed_out),
            failed: self.failed.saturating_add(other.failed),
        }
    }

    /// How many that are.
    pub fn count(&self) -> u32 {
        self.refused.saturating_add(self.timed_out).saturating_add(self.failed)
    }
}

/// One connected peer.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct PeerStats {
    /// Name of the connection.
    pub conn: ConnId,
    /// The peer's end of the connection.
    pub addr: Remote,
    /// What the connection travels over; `None` where it was brought from outside.
    pub transport: Option<Transport>,
    /// What of the conversation is encrypted.
    pub encrypted: Encrypted,
    /// Whether it was met with a third's help (BEP 55).
    pub punched: bool,
    /// Whether it came to us.
    pub incoming: bool,
    /// What it calls itself.
    pub client: String,
    /// Pieces it has shown.
    pub pieces: u32,
    /// Payload rate from it.
    pub down_rate: u64,
    /// Payload rate to it.
    pub up_rate: u64,
    /// Whether it chokes us.
    pub choking_us: bool,
    /// Whether we choke it.
    pub choked: bool,
    /// Whether it has something that we want.
    pub interesting: bool,
    /// Whether it says that we have something that it wants.
    pub interested: bool,
    /// Payload received from it over this connection.
    pub downloaded: u64,
    /// Payload sent to it over this connection.
    pub uploaded: u64,
}

/// The figures of one tracker.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct TrackerStats {
    /// Its URL as it stands in the torrent.
    pub url: AnnounceUrl,
    /// The tier that it stands in (BEP 12), the first being 0.
    pub tier: usize,
    /// How long ago it answered last; `None` where it never did, or the torrent rests.
    pub answered: Option<Duration>,
    /// In how long it may be asked next; `None` where it is being asked, is never asked again, or the torrent rests.
    pub next: Option<Duration>,
    /// What its last answer was: peers given, or a sentence; `None` before the first.
    pub last: Option<Result<u32, String>>,
    /// Seeds and downloaders it told of.
    pub swarm: Option<(u32, u32)>,
}

impl TrackerStats {
    /// Of a tracker that has not been asked.
    pub fn unasked(url: AnnounceUrl) -> Self {
        Self { url, tier: 0, answered: None, next: None, last: None, swarm: None }
    }
}
