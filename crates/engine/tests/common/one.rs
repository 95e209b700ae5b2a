//! One engine with one torrent, and what it puts out (own design).
use super::*;
use core::net::SocketAddr;
use teem_engine::input::Input;
use teem_engine::{Engine, EngineConfig};
use teem_metainfo::InfoHash;
use teem_swarm::ask::{AskId, Question};
use teem_swarm::ids::ConnId;
use teem_swarm::job::{Done, Facts};
use teem_swarm::output::{CloseReason, Output};
use teem_swarm::remote::Via;
use teem_swarm::selection::Selection;
use teem_swarm::time::Time;
use teem_wire::peer::handshake::{Features, Handshake, PeerId};

pub const FEATURES: Features = Features { fast: true, extended: true, dht: false, v2: false };

/// An engine with one torrent of which it has all.
pub struct One {
    pub engine: Engine<Block>,
    pub hash: InfoHash,
    pub now: Time,
}

impl One {
    pub fn new(trackers: &[&str], peers: &[SocketAddr]) -> Self {
        Self::of(EngineConfig::new(5000, 9), &info(4, false), trackers, peers)
    }

    /// The same with settings and a torrent of the caller's; it has that torrent's first two pieces.
    pub fn of(config: EngineConfig, info: &Arc<Info>, trackers: &[&str], peers: &[SocketAddr]) -> Self {
        let mut engine = Engine::new(config);
        engine.handle(secs(100), Input::Command(torrent(info, true, peers, trackers)));
        let opened = Done::Opened {
            torrent: ME,
            have: vec![0, 1],
            check: Vec::new(),
            facts: Facts::default(),
            selection: Selection::all(),
        };
        engine.handle(secs(100), Input::Disk(opened));
        Self { engine, hash: hash(info), now: secs(100) }
    }

    pub fn give(&mut self, input: Input<Block>) -> Vec<Output<Block>> {
        self.engine.handle(self.now, input);
        self.outputs()
    }

    pub fn outputs(&mut self) -> Vec<Output<Block>> {
        core::iter::from_fn(|| self.engine.poll_output()).collect()
    }

    pub fn accept(&mut self, conn: u64, addr: &str) -> Vec<Output<Block>> {
        let [remote, local] = [addr, "198.18.0.1:5000"].map(|text| text.parse::<SocketAddr>().expect("an address"));
        self.give(Input::Accepted { conn: ConnId(conn), remote: remote.into(), local: Some(local) })
    }

    pub fn hello(&mut self, conn: u64, info_hash: InfoHash, peer_id: PeerId) -> Vec<Output<Block>> {
        let handshake = Handshake { info_hash, peer_id, features: FEATURES };
        self.give(Input::Hello { conn: ConnId(conn), handshake, via: Via::TCP })
    }

    /// Lets time pass, with every deadline kept.
    pub fn pass(&mut self, until: Time) -> Vec<Output<Block>> {
        let mut all = Vec::new();
        while let Some(at) = self.engine.deadline().filter(|at| *at <= until) {
            self.now = self.now.max(at);
            all.extend(self.give(Input::Tick));
        }
        self.now = until;
        all
    }
}

pub fn closes(outputs: &[Output<Block>]) -> Vec<(u64, CloseReason)> {
    let close = |o: &Output<Block>| if let Output::Close { conn, why } = o { Some((conn.0, *why)) } else { None };
    outputs.iter().filter_map(close).collect()
}

/// The announces, with their ids.
pub fn asks(outputs: &[Output<Block>]) -> Vec<AskId> {
    let ask = |o: &Output<Block>| match o {
        Output::Ask { id, question: Question::Announce { .. } } => Some(*id),
        _ => None,
    };
    outputs.iter().filter_map(ask).collect()
}

pub fn id(n: u32) -> PeerId {
    let mut id = [7; 20];
    id[16..].copy_from_slice(&n.to_be_bytes());
    PeerId(id)
}
