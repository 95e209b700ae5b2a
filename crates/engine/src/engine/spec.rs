//! What a torrent is begun from, kept as long as the engine has it (own design). Of thousands that rest most have nothing but trackers, so what else there
//! may be is held apart.
use crate::input::PeerSource;
use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::net::SocketAddr;
use teem_metainfo::{AnnounceUrl, Info, TorrentKey};
use teem_swarm::command::{AddTorrent, Spreading};
use teem_swarm::ids::TorrentId;
use teem_swarm::memory::Memory;
use teem_swarm::selection::Selection;

/// What a torrent is begun from.
#[derive(Debug)]
pub(super) struct Spec {
    pub(super) torrent: TorrentId,
    pub(super) key: TorrentKey,
    /// In tiers (BEP 12).
    pub(super) trackers: Vec<Vec<AnnounceUrl>>,
    publish: bool,
    cooperative: bool,
    spreading: Spreading,
    more: Option<Box<More>>,
}

/// What most torrents have not while they rest.
#[derive(Clone, Default, Debug)]
pub(super) struct More {
    /// The metadata, and the name in it, once known.
    pub(super) info: Option<Arc<Info>>,
    pub(super) name: Option<String>,
    peers: Vec<(PeerSource, Vec<SocketAddr>)>,
    pub(super) up: Option<u64>,
    pub(super) down: Option<u64>,
    pub(super) selection: Option<Selection>,
    pub(super) choose: bool,
    /// What an earlier run kept of its announces.
    pub(super) announced: Option<Box<Memory>>,
    /// The owner is told when so many bytes were sent in this run.
    pub(super) tell_sent: Option<u64>,
}

impl More {
    fn is_empty(&self) -> bool {
        let Self { info, name, peers, up, down, selection, choose, announced, tell_sent } = self;
        let is_known = info.is_some() || name.is_some() || selection.is_some() || announced.is_some();
        let is_limited = up.is_some() || down.is_some() || tell_sent.is_some();
        !is_known && !is_limited && peers.is_empty() && !choose
    }
}

impl Spec {
    pub(super) fn new(add: AddTorrent) -> Self {
        let AddTorrent { torrent, key, info, mut trackers, peers, up, down, publish, .. } = add;
        let AddTorrent { spreading, cooperative, selection, choose, announced, .. } = add;
        let more = More { info, name: None, peers, up, down, selection, choose, announced, tell_sent: None };
        trackers.shrink_to_fit();
        let more = (!more.is_empty()).then(|| Box::new(more));
        Self { torrent, key, trackers, publish, cooperative, spreading, more }
    }

    /// The torrent as it is begun.
    pub(super) fn add(&self) -> AddTorrent {
        let More { info, peers, up, down, selection, choose, announced, .. } =
            self.more.as_deref().cloned().unwrap_or_default();
        AddTorrent {
            torrent: self.torrent,
            key: self.key,
            info,
            trackers: self.trackers.clone(),
            peers,
            up,
            down,
            publish: self.publish,
            spreading: self.spreading,
            cooperative: self.cooperative,
            selection,
            choose,
            announced,
        }
    }

    /// What is known beside trackers, if anything is.
    pub(super) fn more(&self) -> Option<&More> {
        self.more.as_deref()
    }

    /// Changes what is known beside trackers.
    pub(super) fn change(&mut self, change: impl FnOnce(&mut More)) {
        let mut more = self.more.take().unwrap_or_default();
        change(&mut more);
        self.more = Some(more).filter(|more| !more.is_empty());
    }

    /// It goes to rest: its metadata, and what it was begun with once, are not needed until it is woken.
    pub(super) fn forget_metadata(&mut self) {
        self.change(|more| {
            *more = More {
                up: more.up,
                down: more.down,
                announced: more.announced.take(),
                tell_sent: more.tell_sent,
                ..More::default()
            };
        });
    }
}
