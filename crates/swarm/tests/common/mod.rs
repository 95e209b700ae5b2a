//! A small world for tests (own design): torrents wired together in memory, with virtual time, delays, upload rates, disks that
//! keep a bit per block, and peers that lie. The full simulator is `teem-sim`; this one tests the crate alone.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    reason = "each test file is a crate of its own and uses its own part"
)]
pub mod disk;

use disk::{Block, Disk};
use std::collections::{BTreeMap, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use teem_metainfo::{Info, InfoHash, Limits};
use teem_swarm::command::{AddTorrent, Spreading};
use teem_swarm::event::{Event, Snapshot};
use teem_swarm::external::Votes;
use teem_swarm::ids::{ConnId, TorrentId};
use teem_swarm::job::{Done, Facts, Job};
use teem_swarm::output::{CloseReason, Output};
use teem_swarm::rng::Rng;
use teem_swarm::selection::Selection;
use teem_swarm::throttle::{Lane, Shared};
use teem_swarm::time::Time;
use teem_swarm::torrent::Torrent;
use teem_swarm::torrent::announce::Identity;
use teem_swarm::torrent::context::Context;
use teem_wire::peer::block::BlockRef;
use teem_wire::peer::handshake::{Features, Handshake, PeerId};
use teem_wire::peer::message::{Message, MetadataMessage};

pub use teem_wire::peer::block::BLOCK_LEN as BLOCK;

/// One way, between any two nodes.
const DELAY: Duration = Duration::from_millis(20);
/// Everything the disk does takes this long, unless a test says otherwise.
const DISK: Duration = Duration::from_millis(1);

/// A torrent of one file.
pub fn info(total: u64, piece_len: u32) -> Arc<Info> {
    let pieces = total.div_ceil(u64::from(piece_len)) as usize;
    let mut raw =
        format!("d6:lengthi{total}e4:name1:x12:piece lengthi{piece_len}e6:pieces{}:", pieces * 20).into_bytes();
    raw.extend((0..pieces * 20).map(|i| (i / 20) as u8));
    raw.push(b'e');
    Arc::new(Info::parse(&raw, &Limits::FILE).unwrap())
}

/// What happens to a node.
enum Happens {
    Tick,
    Message(ConnId, Message),
    Block(ConnId, BlockRef, Block),
    Sent(ConnId, u64),
    MetadataSent(ConnId),
    Closed(ConnId, CloseReason),
    Disk(Done<Block>),
}

pub struct Node {
    pub torrent: Torrent,
    pub shared: Shared,
    pub votes: Votes,
    pub disk: Disk,
    pub events: Vec<Event>,
    /// What it sends is spoilt where this says so.
    pub lies: fn(BlockRef) -> bool,
    /// Bytes a second; 0 is without limit.
    pub line: u64,
    line_free: Time,
    ticks: Option<Time>,
    pub addr: SocketAddr,
    pub closed: Vec<(ConnId, CloseReason)>,
    /// Payload that came, in bytes.
    pub got: u64,
    pub gone: bool,
}

/// One end of a connection.
#[derive(Clone, Copy)]
struct End {
    node: usize,
    other: ConnId,
}

pub struct World {
    pub now: Time,
    pub nodes: Vec<Node>,
    queue: BTreeMap<(Time, u64), (usize, Happens)>,
    serial: u64,
    ends: BTreeMap<ConnId, End>,
    pub info: Arc<Info>,
    /// What the disks of nodes added from now on remember of an earlier run.
    pub remembered: (Facts, Selection),
    /// How long everything takes that a disk does.
    pub disk: Duration,
    /// Every message, for tests that look at the conversation.
    pub log: Vec<(Time, usize, ConnId, Message)>,
    /// Blocks as they were given to the sockets.
    pub sent: Vec<(ConnId, BlockRef)>,
    /// Connections whose other end reads nothing: blocks stay in their sockets.
    pub deaf: Vec<ConnId>,
    /// When which node asked a tracker.
    pub asked: Vec<(Time, usize)>,
}

pub fn at(seconds: u64) -> Time {
    Time::ZERO + Duration::from_secs(seconds)
}

impl World {
    pub fn new(info: Arc<Info>) -> Self {
        Self {
            now: at(1),
            nodes: Vec::new(),
            queue: BTreeMap::new(),
            serial: 0,
            ends: BTreeMap::new(),
            info,
            remembered: (Facts::default(), Selection::all()),
            disk: DISK,
            log: Vec::new(),
            sent: Vec::new(),
            deaf: Vec::new(),
            asked: Vec::new(),
        }
    }

    /// A node that has these pieces; a line's rate of 0 is without limit.
    pub fn add(&mut self, have: Vec<u32>, line: u64) -> usize {
        self.add_with(have, line, None, |_| {})
    }

    pub fn add_with(
        &mut self,
        have: Vec<u32>,
        line: u64,
        up: Option<u64>,
        change: impl FnOnce(&mut AddTorrent),
    ) -> usize {
        let n = self.nodes.len();
        let info_hash = self.info.hashes().v1.unwrap_or(InfoHash([0; 20]));
        let mut add = AddTorrent {
            torrent: TorrentId(n as u32),
            info_hash,
            info: Some(self.info.clone()),
            trackers: Vec::new(),
            peers: Vec::new(),
            up: None,
            down: None,
            publish: false,
            spreading: Spreading::Ordinary,
            cooperative: false,
            selection: None,
        };
        change(&mut add);
        let me = Identity { info_hash, peer_id: PeerId([n as u8 + 1; 20]), port: 6_881, key: n as u32 };
        let torrent = Torrent::new(add, me, Rng::new(n as u64 + 77));
        let shared = Shared { up: Lane::new(up), ..Shared::default() };
        self.nodes.push(Node {
            torrent,
            shared,
            votes: Votes::default(),
            disk: Disk::remembering(self.info.clone(), have, self.remembered.clone()),
            events: Vec::new(),
            lies: |_| false,
            line,
            line_free: Time::ZERO,
            ticks: None,
            addr: SocketAddr::new(IpAddr::from([198, 18, (n / 200) as u8, (n % 200) as u8 + 1]), 6_881),
            closed: Vec::new(),
            got: 0,
            gone: false,
        });
        self.act(n, Torrent::start);
        n
    }

    /// Connects two nodes; the first dials. Returns both ends' names.
    pub fn connect(&mut self, a: usize, b: usize) -> (ConnId, ConnId) {
        let (ca, cb) = (ConnId(self.serial * 2), ConnId(self.serial * 2 + 1));
        self.serial += 1;
        self.ends.insert(ca, End { node: a, other: cb });
        self.ends.insert(cb, End { node: b, other: ca });
        let (addr_a, addr_b) = (self.nodes[a].addr, self.nodes[b].addr);
        let (hello_a, hello_b) = (self.nodes[a].torrent.handshake(), self.nodes[b].torrent.handshake());
        self.act(a, |t, cx| t.peer_ready(cx, ca, addr_b, true, hello_b));
        self.act(b, |t, cx| t.peer_ready(cx, cb, addr_a, false, hello_a));
        (ca, cb)
    }

    /// A peer that the test plays itself, by calling [`Self::say`] and looking at the log.
    pub fn puppet(&mut self, node: usize, fast: bool) -> ConnId {
        self.puppet_at(node, fast, 2 + (self.serial % 200) as u8)
    }

    /// The same, at the last byte of its address.
    pub fn puppet_at(&mut self, node: usize, fast: bool, host: u8) -> ConnId {
        let who = PeerId([200 + ((self.serial + 1) % 50) as u8; 20]);
        self.puppet_named(node, fast, host, who)
    }

    /// The same, with that name.
    pub fn puppet_named(&mut self, node: usize, fast: bool, host: u8, peer_id: PeerId) -> ConnId {
        let conn = ConnId(self.serial * 2);
        self.serial += 1;
        let info_hash = self.nodes[node].torrent.handshake().info_hash;
        let features = Features { fast, extended: true, ..Features::default() };
        let addr = SocketAddr::new(IpAddr::from([198, 19, 0, host]), 50_000);
        self.act(node, |t, cx| t.peer_ready(cx, conn, addr, false, Handshake { info_hash, peer_id, features }));
        conn
    }

    pub fn say(&mut self, node: usize, conn: ConnId, message: Message) {
        self.act(node, |t, cx| t.message(cx, conn, message));
    }

    pub fn give(&mut self, node: usize, conn: ConnId, at: BlockRef) {
        self.act(node, |t, cx| t.block(cx, conn, at, Block { at, good: true }));
    }

    /// What a node has said on a connection, oldest first; forgotten by that.
    pub fn heard(&mut self, node: usize, conn: ConnId) -> Vec<Message> {
        let (mine, rest) = self.log.drain(..).partition(|(_, n, c, _)| *n == node && *c == conn);
        self.log = rest;
        let mine: Vec<(Time, usize, ConnId, Message)> = mine;
        mine.into_iter().map(|(_, _, _, m)| m).collect()
    }

    /// Why a node closed a connection, if it did.
    pub fn why_closed(&self, node: usize, conn: ConnId) -> Option<CloseReason> {
        self.nodes[node].closed.iter().find(|(c, _)| *c == conn).map(|(_, why)| *why)
    }

    pub fn leave(&mut self, n: usize) {
        self.nodes[n].gone = true;
        let mine: Vec<ConnId> = self.ends.iter().filter(|(_, e)| e.node == n).map(|(c, _)| *c).collect();
        for conn in mine {
            self.hang_up(conn, CloseReason::Remote);
        }
    }

    fn hang_up(&mut self, conn: ConnId, why: CloseReason) {
        if let Some(end) = self.ends.remove(&conn)
            && let Some(other) = self.ends.get(&end.other).copied()
        {
            // After what was sent before.
            let when = self.now.max(self.nodes[end.node].line_free) + DELAY;
            self.later(when, other.node, Happens::Closed(end.other, why));
        }
    }

    pub fn snapshot(&self, n: usize) -> Snapshot {
        self.nodes[n].torrent.snapshot(self.now)
    }

    pub fn is_complete(&self, n: usize) -> bool {
        self.nodes[n].events.iter().any(|e| matches!(e, Event::Complete { .. }))
    }

    /// Runs until a condition holds or so many virtual seconds have passed; whether it held.
    pub fn run(&mut self, seconds: u64, mut until: impl FnMut(&Self) -> bool) -> bool {
        let end = self.now + Duration::from_secs(seconds);
        loop {
            if until(self) {
                return true;
            }
            let ticks = self.nodes.iter().enumerate().filter(|(_, n)| !n.gone);
            let tick = ticks.filter_map(|(i, n)| n.ticks.map(|t| (t, i))).min();
            let next = self.queue.keys().next().copied();
            if next
                .map(|(when, _)| when)
                .into_iter()
                .chain(tick.map(|(when, _)| when))
                .min()
                .is_some_and(|when| when > end)
            {
                // What comes later is not to be lost.
                self.now = end;
                return false;
            }
            let (when, n, happens) = match (next, tick) {
                (None, None) => return false,
                (Some((when, _)), Some((at, n))) if at < when => (at, n, Happens::Tick),
                (None, Some((at, n))) => (at, n, Happens::Tick),
                (Some(key), _) => match self.queue.remove(&key) {
                    Some((n, happens)) => (key.0, n, happens),
                    None => return false,
                },
            };
            self.now = self.now.max(when);
            self.happen(n, happens);
        }
    }

    fn happen(&mut self, n: usize, happens: Happens) {
        if self.nodes[n].gone {
            return;
        }
        match happens {
            Happens::Tick => self.act(n, Torrent::tick),
            Happens::Message(conn, message) if self.ends.contains_key(&conn) => {
                self.act(n, |t, cx| t.message(cx, conn, message));
            }
            Happens::Block(conn, at, data) if self.ends.contains_key(&conn) => {
                self.nodes[n].got += u64::from(at.len);
                self.act(n, |t, cx| t.block(cx, conn, at, data));
            }
            Happens::Sent(conn, bytes) => self.act(n, |t, cx| t.sent(cx, conn, bytes)),
            Happens::MetadataSent(conn) => self.act(n, |t, cx| t.metadata_sent(cx, conn)),
            Happens::Closed(conn, why) if self.ends.remove(&conn).is_some() => {
                self.act(n, |t, cx| t.closed(cx, conn, why));
            }
            Happens::Disk(done) => self.act(n, |t, cx| t.disk(cx, done)),
            _ => {}
        }
    }

    /// Calls a handler and carries out what it wants.
    pub fn act(&mut self, n: usize, handler: impl FnOnce(&mut Torrent, &mut Context<'_, Block>)) {
        let mut out = VecDeque::new();
        let node = &mut self.nodes[n];
        let (shared, votes) = (&mut node.shared, &mut node.votes);
        handler(&mut node.torrent, &mut Context { now: self.now, shared, votes, out: &mut out });
        for effect in out {
            self.carry_out(n, effect);
        }
        let node = &mut self.nodes[n];
        node.ticks = node.torrent.deadline(&node.shared, self.now).map(|t| t.max(self.now));
    }

    fn carry_out(&mut self, n: usize, effect: Output<Block>) {
        match effect {
            Output::Send { conn, message } => {
                self.log.push((self.now, n, conn, message.clone()));
                if matches!(message, Message::Metadata { message: MetadataMessage::Data { .. }, .. }) {
                    self.later(self.now, n, Happens::MetadataSent(conn));
                }
                if let Some(end) = self.ends.get(&conn).copied()
                    && let Some(there) = self.ends.get(&end.other).copied()
                {
                    // Behind the blocks that were queued before it.
                    let when = self.now.max(self.nodes[n].line_free) + DELAY;
                    self.later(when, there.node, Happens::Message(end.other, message));
                }
            }
            Output::SendBlock { conn, at, .. } if self.deaf.contains(&conn) => self.sent.push((conn, at)),
            Output::SendBlock { conn, at, data } => {
                self.sent.push((conn, at));
                let node = &mut self.nodes[n];
                let time = (u64::from(at.len) * 1_000_000_000).checked_div(node.line).unwrap_or(100);
                let out = node.line_free.max(self.now) + Duration::from_nanos(time);
                node.line_free = out;
                let data = Block { good: data.good && !(node.lies)(at), ..data };
                self.later(out, n, Happens::Sent(conn, u64::from(at.len)));
                if let Some(end) = self.ends.get(&conn).copied()
                    && let Some(there) = self.ends.get(&end.other).copied()
                {
                    self.later(out + DELAY, there.node, Happens::Block(end.other, at, data));
                }
            }
            Output::Close { conn, why } => {
                self.nodes[n].closed.push((conn, why));
                self.hang_up(conn, CloseReason::Remote);
            }
            Output::Disk(job) => self.disk(n, job),
            Output::Event(event) => self.nodes[n].events.push(event),
            Output::Announce { .. } => self.asked.push((self.now, n)),
            Output::Dial { .. } | Output::Hello { .. } | Output::Datagram { .. } | Output::Resolve { .. } => {}
        }
    }

    fn disk(&mut self, n: usize, job: Job<Block>) {
        for done in self.nodes[n].disk.work(job) {
            self.later(self.now + self.disk, n, Happens::Disk(done));
        }
    }

    fn later(&mut self, when: Time, n: usize, happens: Happens) {
        self.serial += 1;
        self.queue.insert((when, self.serial), (n, happens));
    }
}
