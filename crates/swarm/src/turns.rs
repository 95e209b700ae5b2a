//! Whether a tracker may be asked now (own design): one decides for all torrents, since thousands of them come due together.
//!
//! A torrent asks for each announce. Where it may not be sent yet, the torrent waits until it is told that its turn has come
//! ([`Torrent::has_turn`](crate::torrent::Torrent::has_turn)), and then asks again.
use crate::ask::AskId;
use crate::ids::TorrentId;
use crate::time::Time;
use core::fmt::Debug;
use core::time::Duration;
use teem_metainfo::AnnounceUrl;

/// What an announce is for: those that wait go in this order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Urgency {
    /// The last word to a tracker, which nobody waits for long.
    Last,
    /// Peers are needed: something that is wanted is missing.
    Download,
    /// Others are to find us.
    Seed,
}

/// An announce that is to be sent.
#[derive(Clone, Copy, Debug)]
pub struct Wish<'a> {
    /// For which torrent.
    pub torrent: TorrentId,
    /// To which tracker.
    pub url: &'a AnnounceUrl,
    /// Under which name it goes out, when it may.
    pub id: AskId,
    /// What it is for.
    pub urgency: Urgency,
    /// Since when it is due: of two with the same urgency the one that waits longer goes first.
    pub due: Time,
}

/// Decides who may announce when.
pub trait Turns: Debug {
    /// Whether this announce may go out now; it does then. Else the torrent is told when its turn comes.
    fn may_ask(&mut self, now: Time, wish: Wish<'_>) -> bool;

    /// Over which time all torrents are spread that have to announce through no doing of their own.
    fn spread(&self) -> Duration;
}

/// Everybody may announce at once: for a torrent that is alone.
#[derive(Clone, Copy, Default, Debug)]
pub struct Always;

impl Turns for Always {
    fn may_ask(&mut self, _: Time, _: Wish<'_>) -> bool {
        true
    }

    fn spread(&self) -> Duration {
        Duration::ZERO
    }
}
