//! Nodes that are whole engines (own design): commands, dials and handshakes go their real way.
use super::disk::Disk;
use super::{World, at};
use crate::block::SimBlock;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use teem_engine::input::{Input, PeerSource};
use teem_engine::{Engine, EngineConfig};
use teem_metainfo::{AnnounceUrl, Info, InfoHash};
use teem_swarm::command::{AddTorrent, Command, Spreading};
use teem_swarm::event::Event;
use teem_swarm::ids::{ConnId, TorrentId};

/// The torrent of worlds that have one.
pub const TORRENT: TorrentId = TorrentId(1);

/// Messages and disks of these worlds take the same, so that answers of both come in the order of their causes.
const DELAY: Duration = Duration::from_millis(10);

/// The info-hash that peers name a torrent by.
pub fn hash(info: &Info) -> InfoHash {
    info.key().wire()
}

/// The command that adds a torrent; with `known` the metadata is there from the start.
pub fn torrent(info: &Arc<Info>, known: bool, peers: &[SocketAddr], trackers: &[&str]) -> Command {
    Command::Add(Box::new(AddTorrent {
        torrent: TORRENT,
        key: info.key(),
        info: known.then(|| info.clone()),
        trackers: trackers.iter().map(|url| vec![AnnounceUrl::of_user(*url)]).collect(),
        peers: peers.iter().map(|peer| (PeerSource::User, vec![*peer])).collect(),
        up: None,
        down: None,
        publish: false,
        spreading: Spreading::default(),
        cooperative: false,
        selection: None,
        choose: false,
        announced: None,
    }))
}

impl World<Engine<SimBlock>> {
    /// A world of engines, a hundred seconds after the beginning of all clocks.
    pub fn of_engines(info: Arc<Info>) -> Self {
        let mut world = Self::new(info);
        (world.now, world.delay, world.disk) = (at(100), DELAY, DELAY);
        world
    }

    /// Adds an engine at 198.18.0.`n`:5000; with `whole` its disk has everything of what is opened.
    pub fn node(&mut self, whole: bool) -> usize {
        self.node_with(whole, |config| config)
    }

    /// The same with settings of its own.
    pub fn node_with(&mut self, whole: bool, set: impl FnOnce(EngineConfig) -> EngineConfig) -> usize {
        let n = self.nodes.len();
        let engine = Engine::new(set(EngineConfig::new(5000, n as u64 + 1)));
        self.put(engine, ([198, 18, 0, n as u8], 5000).into(), Disk::stocked(whole))
    }

    /// Somebody whom the test plays dials a node; the name of the connection.
    pub fn stranger(&mut self, node: usize, addr: SocketAddr) -> ConnId {
        let (conn, local) = (self.name(), self.nodes[node].addr);
        self.give(node, Input::Accepted { conn, remote: addr.into(), local: Some(local) });
        conn
    }

    /// Whether a node has all of a torrent.
    pub fn has_completed(&self, node: usize, id: TorrentId) -> bool {
        self.nodes[node].events.iter().any(|event| matches!(event, Event::Complete { torrent, .. } if *torrent == id))
    }

    /// Whether a torrent of a node has been removed.
    pub fn is_removed(&self, node: usize) -> bool {
        self.nodes[node].events.iter().any(|event| matches!(event, Event::Removed { .. }))
    }
}
