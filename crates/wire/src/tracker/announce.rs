//! An announce and its answer as values, whatever transport carries them (BEP 3, 15, 23).
use crate::peer::handshake::PeerId;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::net::{IpAddr, SocketAddr};
use core::time::Duration;
use teem_metainfo::InfoHash;

/// Why the announce is sent (BEP 3).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AnnounceEvent {
    /// A regular one, at the interval.
    None,
    /// The first of a run.
    Started,
    /// The last piece has just been verified; never when it was complete at the start.
    Completed,
    /// The last of a run.
    Stopped,
    /// A partial seed that wants no more (BEP 21).
    Paused,
}

/// How much an announce over HTTP says beyond what BEP 3 demands. Trackers that refuse what they don't know are asked with less.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Form {
    /// All that is of use.
    #[default]
    Full,
    /// Without `key`, `numwant` and `no_peer_id`.
    Lean,
    /// Without `compact` and the tracker's id too: BEP 3's own, and the event.
    Bare,
}

/// What a client tells a tracker. Counters are payload bytes of this run.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Announce {
    /// The torrent that is announced.
    pub info_hash: InfoHash,
    /// Our id in this torrent.
    pub peer_id: PeerId,
    /// TCP port that takes connections.
    pub port: u16,
    /// Payload bytes sent to peers in this run.
    pub uploaded: u64,
    /// Payload bytes received in this run.
    pub downloaded: u64,
    /// Bytes still missing; 16384 while the metadata is missing.
    pub left: u64,
    /// The reason for announcing now.
    pub event: AnnounceEvent,
    /// Peers wanted; 0 with `Stopped`.
    pub num_want: u32,
    /// The same for all address families of one run.
    pub key: u32,
    /// What the tracker gave as `tracker id` before.
    pub tracker_id: Option<Vec<u8>>,
    /// How much of this is said over HTTP; over UDP all has its place.
    pub form: Form,
}

/// A tracker's good answer.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct AnnounceReply {
    /// When to announce again, as the tracker said, clamped to 60 s .. 6 h by the decoder.
    pub interval: Duration,
    /// Never sooner than this.
    pub min_interval: Option<Duration>,
    /// Other peers, at most 500.
    pub peers: Vec<SocketAddr>,
    /// The ids of these, in their order, as far as they are known: for an answer in the form of BEP 3. Not read from answers.
    pub ids: Vec<Option<PeerId>>,
    /// Seeds that the tracker knows.
    pub complete: Option<u32>,
    /// Downloaders that the tracker knows.
    pub incomplete: Option<u32>,
    /// To be sent back in later announces.
    pub tracker_id: Option<Vec<u8>>,
    /// A warning for the user, at most 512 bytes.
    pub warning: Option<String>,
    /// Our address as the tracker sees it (BEP 24).
    pub external_ip: Option<IpAddr>,
}

/// Why an announce failed, for the user's eyes and for the retry policy.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum AnnounceError {
    /// The tracker answered with a `failure reason` (at most 512 bytes); with BEP 31 when to try again.
    Refused {
        /// The tracker's words.
        reason: String,
        /// BEP 31: `None` when not said; `Some(None)` is "never".
        retry_in: Option<Option<Duration>>,
    },
    /// An HTTP status other than 200; 410 is final.
    Status(u16),
    /// The body was no tracker's answer.
    Malformed(String),
    /// No answer in time.
    TimedOut,
    /// Name resolution, connection, TLS: in words.
    Unreachable(String),
    /// Our own rules forbid that address or scheme.
    Forbidden(String),
}

impl fmt::Display for AnnounceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused { reason, retry_in } => {
                write!(f, "the tracker refused: {}", reason.escape_debug())?;
                match retry_in {
                    None => Ok(()),
                    Some(None) => f.write_str(" (for good)"),
                    Some(Some(pause)) => write!(f, " (for {} min)", pause.as_secs().div_ceil(60)),
                }
            }
            Self::Status(410) => f.write_str("the tracker is gone for good (HTTP 410)"),
            Self::Status(code) => write!(f, "the tracker answered with HTTP status {code}"),
            Self::Malformed(what) => write!(f, "the tracker's answer is of no use: {what}"),
            Self::TimedOut => f.write_str("the tracker did not answer in time"),
            Self::Unreachable(why) => write!(f, "the tracker cannot be reached: {why}"),
            Self::Forbidden(why) => write!(f, "the tracker may not be asked: {why}"),
        }
    }
}

impl core::error::Error for AnnounceError {}
