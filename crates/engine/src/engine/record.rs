//! What is kept of a complete torrent without peers (own design), and what others of the engine want done to records.
use crate::input::PeerSource;
use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::net::SocketAddr;
use teem_metainfo::{AnnounceUrl, Info};
use teem_swarm::ask::{Answer, AskId};
use teem_swarm::event::{Snapshot, State};
use teem_swarm::ids::TorrentId;
use teem_swarm::time::Time;
use teem_swarm::torrent::announce::{Announcer, Counters};

/// A torrent at rest.
#[derive(Debug, Default)]
pub(super) struct Record {
    /// Its trackers; none where there are none.
    pub(super) announcer: Option<Box<Announcer>>,
    /// What these are told.
    pub(super) counters: Counters,
    pub(super) is_private: bool,
    /// Bytes that are wanted, those of them that are verified, and pieces.
    pub(super) wanted: u64,
    pub(super) have: u64,
    pub(super) pieces: u32,
}

impl Record {
    /// The figures of this moment, but for what was moved before.
    pub(super) fn figures(&self, now: Time, torrent: TorrentId) -> Snapshot {
        let mut figures = Snapshot::new(torrent, State::Seeding);
        (figures.wanted, figures.have, figures.pieces) = (self.wanted, self.have, self.pieces);
        figures.trackers = self.announcer.as_ref().map(|announcer| announcer.stats(now)).unwrap_or_default();
        figures
    }
}

/// What is to be done to a record, or to a torrent that becomes one or was one: carried out at the end of the input (`at_rest`).
#[derive(Debug)]
pub(super) enum Step {
    /// A torrent was called: whether it is idle, and whether the disk has let go of it.
    Look(TorrentId, bool, bool),
    /// The disk has let go of a torrent that goes to rest, or has not in time.
    LaidDown(TorrentId),
    /// Peers were found.
    Found(TorrentId, PeerSource, Vec<SocketAddr>),
    /// A tracker has answered.
    Answered(TorrentId, AskId, Answer),
    /// The metadata is there, or is not to be had.
    Loaded(TorrentId, Result<Arc<Info>, String>),
    /// The question for it was not taken.
    LoadLater(TorrentId),
    /// Nothing comes of waking it.
    TurnAway(TorrentId),
    /// It is to be paused, or else removed.
    Leave(TorrentId, bool),
    /// Its trackers know, or have had their time.
    Left(TorrentId),
    /// It was paused while it rested, and rests again; whether it is private.
    Again(TorrentId, bool),
    /// It has other trackers.
    Trackers(TorrentId, Vec<Vec<AnnounceUrl>>),
    /// Its trackers are to be asked as soon as they let themselves be asked.
    Hurry(TorrentId),
    /// We listen on another port, or are elsewhere (`true`).
    Elsewhere(bool),
}
