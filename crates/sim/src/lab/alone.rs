//! One torrent without an engine around it, behind the engine's contract (own design): what a connection's handshake decides is decided by the test.
use super::disk::Disk;
use super::{Node, World};
use crate::block::SimBlock;
use crate::brain::Brain;
use crate::storage::SimDisk;
use std::net::{IpAddr, SocketAddr};
use teem_engine::input::Input;
use teem_swarm::ask::AskIds;
use teem_swarm::command::{AddTorrent, Spreading};
use teem_swarm::event::Snapshot;
use teem_swarm::external::Votes;
use teem_swarm::ids::{ConnId, TorrentId};
use teem_swarm::output::{Output, Outputs};
use teem_swarm::rng::Rng;
use teem_swarm::throttle::{Lanes, Shared};
use teem_swarm::time::Time;
use teem_swarm::torrent::Torrent;
use teem_swarm::torrent::announce::Identity;
use teem_swarm::torrent::context::Context;
use teem_swarm::turns::Always;
use teem_wire::peer::block::BlockRef;
use teem_wire::peer::handshake::{Features, Handshake, PeerId};
use teem_wire::peer::message::Message;

/// A torrent, and what an engine would keep for it.
#[derive(Debug)]
pub struct Alone {
    /// The torrent under test.
    pub torrent: Torrent,
    /// The limits of all torrents together.
    pub shared: Shared,
    votes: Votes,
    ids: AskIds,
    pushed: Outputs<SimBlock>,
    now: Time,
}

impl Alone {
    /// A torrent that is silent until [`Torrent::start`] is called by `Self::call`.
    pub fn new(torrent: Torrent, shared: Shared) -> Self {
        Self {
            torrent,
            shared,
            votes: Votes::default(),
            ids: AskIds::default(),
            pushed: Outputs::new(),
            now: Time::ZERO,
        }
    }

    /// Calls a handler of the torrent.
    pub(crate) fn call(&mut self, now: Time, handler: impl FnOnce(&mut Torrent, &mut Context<'_, SimBlock>)) {
        self.now = now;
        let (shared, votes, ids, out) = (&mut self.shared, &mut self.votes, &mut self.ids, &mut self.pushed);
        handler(&mut self.torrent, &mut Context { now, shared, votes, ids, turns: &mut Always, out });
    }
}

impl Brain for Alone {
    fn handle(&mut self, now: Time, input: Input<SimBlock>) {
        self.call(now, |t, cx| match input {
            Input::Tick => t.tick(cx),
            Input::Message { conn, message } => t.message(cx, conn, message),
            Input::Block { conn, at, data } => t.block(cx, conn, at, data),
            Input::Sent { conn, bytes } => t.sent(cx, conn, bytes),
            Input::MetadataSent { conn } => t.metadata_sent(cx, conn),
            Input::Closed { conn, why } => t.closed(cx, conn, why),
            Input::Disk(done) => t.disk(cx, done),
            Input::Answer { id, answer } => t.answer(cx, id, answer),
            // Everything else is an engine's business; a test calls the torrent itself.
            _ => {}
        });
    }

    fn poll_output(&mut self) -> Option<Output<SimBlock>> {
        self.pushed.pop_front()
    }

    fn deadline(&self) -> Option<Time> {
        self.torrent.deadline(&self.shared, self.now)
    }
}

impl World<Alone> {
    /// A node with one torrent, of which it has these pieces. A line's rate of 0 is without limit.
    pub fn add(&mut self, have: Vec<u32>, line: u64) -> usize {
        self.add_with(have, line, None, |_| {})
    }

    /// The same with a limit for all torrents together, in payload bytes a second, and with other wishes. The torrent's id and its peer id
    /// follow from the node's number.
    pub fn add_with(
        &mut self,
        have: Vec<u32>,
        line: u64,
        up: Option<u64>,
        change: impl FnOnce(&mut AddTorrent),
    ) -> usize {
        let (info, (facts, selection)) = (self.info.clone(), self.remembered.clone());
        let n = self.nodes.len();
        let key = info.key();
        let mut add = AddTorrent {
            torrent: TorrentId(n as u32),
            key,
            info: Some(info.clone()),
            trackers: Vec::new(),
            peers: Vec::new(),
            up: None,
            down: None,
            publish: false,
            spreading: Spreading::Ordinary,
            cooperative: false,
            selection: None,
            choose: false,
            announced: None,
        };
        change(&mut add);
        let me = Identity { torrent: key, peer_id: PeerId([n as u8 + 1; 20]), doors: 6_881.into(), key: n as u32 };
        let mut disk = Disk::default();
        disk.put(add.torrent, &info, have).remember(facts, selection);
        let torrent = Torrent::new(add, me, Rng::new(n as u64 + 77));
        let shared = Shared { up: Lanes::new(up), ..Shared::default() };
        let addr = SocketAddr::new(IpAddr::from([198, 18, (n / 200) as u8, (n % 200) as u8 + 1]), 6_881);
        self.put(Alone::new(torrent, shared), addr, disk);
        self.nodes[n].line = line;
        self.act(n, Torrent::start);
        n
    }

    /// Calls a handler of a node's torrent and carries out what it wants.
    pub fn act(&mut self, node: usize, handler: impl FnOnce(&mut Torrent, &mut Context<'_, SimBlock>)) {
        let now = self.now;
        self.nodes[node].machine.call(now, handler);
        self.drain(node);
    }

    /// What a node's disk has of its torrent.
    pub fn content(&mut self, node: usize) -> &mut SimDisk {
        let torrent = self.nodes[node].machine.torrent.id();
        self.nodes[node].disk.of(torrent)
    }

    /// Connects two nodes; the first dials. Returns both ends' names.
    pub fn connect(&mut self, a: usize, b: usize) -> (ConnId, ConnId) {
        let (here, there) = self.link(a, b);
        let (addr_a, addr_b) = (self.nodes[a].addr, self.nodes[b].addr);
        let hello = |node: &Node<Alone>| node.machine.torrent.handshake();
        let (hello_a, hello_b) = (hello(&self.nodes[a]), hello(&self.nodes[b]));
        self.act(a, |t, cx| t.peer_ready(cx, here, addr_b, true, hello_b));
        self.act(b, |t, cx| t.peer_ready(cx, there, addr_a, false, hello_a));
        (here, there)
    }

    /// A peer that the test plays itself, by [`Self::say`] and [`Self::heard`].
    pub fn puppet(&mut self, node: usize, fast: bool) -> ConnId {
        self.puppet_at(node, fast, 2 + (self.serial % 200) as u8)
    }

    /// The same, at the last byte of its address.
    pub fn puppet_at(&mut self, node: usize, fast: bool, host: u8) -> ConnId {
        let who = PeerId([200 + ((self.serial + 1) % 50) as u8; 20]);
        self.puppet_named(node, fast, host, who)
    }

    /// The same, with that peer id.
    pub fn puppet_named(&mut self, node: usize, fast: bool, host: u8, peer_id: PeerId) -> ConnId {
        let conn = self.name();
        let info_hash = self.nodes[node].machine.torrent.handshake().info_hash;
        let features = Features { fast, extended: true, ..Features::default() };
        let addr = SocketAddr::new(IpAddr::from([198, 19, 0, host]), 50_000);
        self.act(node, |t, cx| t.peer_ready(cx, conn, addr, false, Handshake { info_hash, peer_id, features }));
        conn
    }

    /// A puppet sends a message.
    pub fn say(&mut self, node: usize, conn: ConnId, message: Message) {
        self.act(node, |t, cx| t.message(cx, conn, message));
    }

    /// A puppet sends a right block.
    pub fn send_block(&mut self, node: usize, conn: ConnId, at: BlockRef) {
        self.act(node, |t, cx| t.block(cx, conn, at, SimBlock::right(at)));
    }

    /// The figures of a node's torrent.
    pub fn snapshot(&self, node: usize) -> Snapshot {
        self.nodes[node].machine.torrent.snapshot(self.now)
    }
}
