//! Questions to the world outside the engine, and their answers (own design; BEP 3, 9, 15).
//!
//! A question goes out as [`Output::Ask`](crate::output::Output::Ask) under an [`AskId`], and its answer comes back by that id, so any
//! number may be under way at once, of one torrent and to one tracker too. Each question gets one answer. [`Answer::Busy`] says that it was
//! not taken: whatever asked asks again after a while, under a new id. A further kind of question (DHT, LSD, port mapping, a web seed) is one
//! variant of [`Question`] and one of [`Answer`]; the compiler then names the places where it is carried out and answered.
use crate::ids::TorrentId;
use crate::rng::Rng;
use crate::selection::Selection;
use crate::torrent::address::PeerSource;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::net::SocketAddr;
use core::time::Duration;
use teem_metainfo::{AnnounceUrl, Info};
use teem_wire::tracker::announce::{Announce, AnnounceError, AnnounceReply};

/// The least wait before a question that was not taken is asked again, in milliseconds.
const AGAIN_MIN_MS: u64 = 1000;
/// How much is added to it at random, so that many do not come back at once.
const AGAIN_SPREAD_MS: u64 = 4000;

/// The name of a question; never used again for another by the same engine.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct AskId(pub u64);

/// Gives names to questions: an engine has one for all its torrents.
#[derive(Debug, Default)]
pub struct AskIds(u64);

impl AskIds {
    /// A name that was not given before.
    pub fn draw(&mut self) -> AskId {
        self.0 += 1;
        AskId(self.0)
    }
}

/// What is asked.
#[derive(Clone, Debug)]
pub enum Question {
    /// Announce to a tracker. UDP trackers are the engine's own work, so only HTTP and HTTPS leave it.
    Announce {
        /// For which torrent.
        torrent: TorrentId,
        /// The tracker's URL.
        url: AnnounceUrl,
        /// What to say.
        announce: Announce,
    },
    /// Resolve a host name of somebody who is sent packets. The egress policy is applied by the resolver.
    Resolve {
        /// The host name, without a port.
        host: String,
        /// The port that the addresses get.
        port: u16,
        /// What is spoken there.
        speaks: Speaks,
    },
    /// The metadata of a magnet link is there: find its content a place, and tell the disk.
    Place {
        /// The torrent whose content needs a place.
        torrent: TorrentId,
        /// The metadata, which names the content's files.
        info: Arc<Info>,
    },
    /// A torrent that rests is wanted again: load its metadata, and tell the disk where its content lies.
    Load {
        /// The torrent that is to work again.
        torrent: TorrentId,
    },
}

/// What somebody speaks who has a name: where only a proxy looks names up, it is asked in its own words where it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Speaks {
    /// A tracker over UDP (BEP 15).
    Tracker,
    /// A node of the DHT (BEP 5).
    Dht,
}

/// What comes back.
#[derive(Clone, Debug)]
pub enum Answer {
    /// The answer to [`Question::Announce`].
    Announced {
        /// Whether the tracker's address is public, private or loopback: decides what may be dialled.
        source: PeerSource,
        /// What it said.
        reply: Result<AnnounceReply, AnnounceError>,
    },
    /// To [`Question::Resolve`]: at most 16 addresses, or why there are none.
    Resolved(Result<Vec<SocketAddr>, String>),
    /// To [`Question::Place`]: the disk knows the place, and these files are wanted (`None`: those of the last run, or all); or why there
    /// is no place, in a sentence.
    Placed(Result<Option<Selection>, String>),
    /// To [`Question::Load`]: the metadata, and the disk knows the place; or why it cannot be had, in a sentence.
    Loaded(Result<Arc<Info>, String>),
    /// To any question: it was not taken, because too many wait. It is to be asked again.
    Busy,
}

/// How long to wait before a question is asked again that was not taken: 1 to 5 s.
pub fn again_after(rng: &mut Rng) -> Duration {
    Duration::from_millis(AGAIN_MIN_MS + rng.below(AGAIN_SPREAD_MS))
}
