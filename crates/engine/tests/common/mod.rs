//! Engines wired to each other in memory: connections without bytes, a storage without content, time that is only told.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used)] // shared by test files, each of which uses its part; a test may panic
pub mod stranger;

use core::net::SocketAddr;
use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use teem_engine::input::{DialError, Input};
use teem_engine::{Engine, EngineConfig};
use teem_metainfo::{Info, InfoHash, Limits};
use teem_swarm::command::{AddTorrent, Command, Spreading};
use teem_swarm::event::Event;
use teem_swarm::ids::{ConnId, TorrentId};
use teem_swarm::job::{BlockDigest, Done, Facts, Job};
use teem_swarm::output::CloseReason;
use teem_swarm::output::Output;
use teem_swarm::selection::Selection;
use teem_swarm::time::Time;
use teem_wire::peer::block::{BLOCK_LEN, BlockRef};
use teem_wire::peer::decode::{Decoder, Frame};
use teem_wire::peer::encode::encode;
use teem_wire::peer::handshake::Features;
use teem_wire::peer::limits::Limits as WireLimits;
use teem_wire::peer::message::{Message, MetadataMessage};

/// What stands for the payload of a block: where it belongs, and whether it is right.
pub type Block = (BlockRef, bool);

pub const ME: TorrentId = TorrentId(1);

pub fn secs(s: u64) -> Time {
    Time::from_nanos(s * 1_000_000_000)
}

/// An info dictionary of that many pieces of 64 KiB; `private` as BEP 27 has it.
pub fn info(pieces: usize, private: bool) -> Arc<Info> {
    let mut raw =
        format!("d6:lengthi{}e4:name4:test12:piece lengthi65536e6:pieces{}:", pieces * 65536 - 9, pieces * 20);
    raw.push_str(&"x".repeat(pieces * 20));
    raw.push_str(if private { "7:privatei1ee" } else { "e" });
    Arc::new(Info::parse(raw.as_bytes(), &Limits::default()).unwrap())
}

pub fn hash(info: &Info) -> InfoHash {
    info.hashes().v1.unwrap()
}

/// A torrent to be added; with `known` the metadata is there from the start.
pub fn torrent(info: &Arc<Info>, known: bool, peers: &[SocketAddr], trackers: &[&str]) -> Command {
    Command::Add(Box::new(AddTorrent {
        torrent: ME,
        info_hash: hash(info),
        info: known.then(|| info.clone()),
        trackers: trackers.iter().map(|t| vec![(*t).to_string()]).collect(),
        peers: peers.to_vec(),
        up: None,
        down: None,
        publish: false,
        spreading: Spreading::default(),
        cooperative: false,
        selection: None,
    }))
}

/// The same under another name, with its own limits.
pub fn limited(command: Command, id: TorrentId, up: Option<u64>, down: Option<u64>) -> Command {
    let Command::Add(mut add) = command else { panic!("only torrents have names") };
    (add.torrent, add.up, add.down) = (id, up, down);
    Command::Add(add)
}

/// What a disk knows of one torrent.
#[derive(Default)]
pub struct Content {
    info: Option<Arc<Info>>,
    blocks: BTreeMap<u32, BTreeMap<u32, bool>>,
    pub have: BTreeSet<u32>,
}

/// Whether a message is a piece of metadata, of which its sender hears when it has gone.
fn is_metadata(message: &Message) -> bool {
    matches!(message, Message::Metadata { message: MetadataMessage::Data { .. }, .. })
}

/// What the other side reads when that message is sent.
fn over_the_wire(message: &Message) -> Message {
    let mut bytes = Vec::new();
    encode(message, &mut bytes);
    let features = Features { fast: true, extended: true, dht: false, v2: false };
    let mut decoder = Decoder::after_handshake(WireLimits::default(), features);
    match decoder.step(&bytes).unwrap() {
        (used, Some(Frame::Message(read))) if used == bytes.len() => read,
        other => panic!("{message:?} is read as {other:?}"),
    }
}

/// A disk that remembers which blocks it was given.
#[derive(Default)]
pub struct Disk {
    pub whole: bool,
    pub silent: bool,
    pub contents: BTreeMap<TorrentId, Content>,
}

impl Disk {
    pub fn have(&self) -> usize {
        self.contents.get(&ME).map_or(0, |c| c.have.len())
    }

    fn run(&mut self, job: Job<Block>) -> Option<Done<Block>> {
        if self.silent {
            return None;
        }
        Some(match job {
            Job::Open { torrent, info, .. } => {
                let content = self.contents.entry(torrent).or_default();
                if self.whole {
                    content.have = (0..info.piece_count()).collect();
                }
                content.info = Some(info);
                let have = content.have.iter().copied().collect();
                Done::Opened { torrent, have, check: Vec::new(), facts: Facts::default(), selection: Selection::all() }
            }
            Job::Check { torrent, pieces } => {
                let piece = pieces[0];
                Done::Checked { torrent, piece, ok: self.contents[&torrent].have.contains(&piece) }
            }
            Job::Write { torrent, at, data } => {
                assert_eq!(at, data.0);
                let content = self.contents.get_mut(&torrent).unwrap();
                let piece = content.blocks.entry(at.piece).or_default();
                assert!(piece.insert(at.begin, data.1).is_none(), "a block given twice: {at:?}");
                let size = content.info.as_ref().unwrap().piece_size(at.piece);
                if piece.len() < size.div_ceil(BLOCK_LEN) as usize {
                    return None;
                }
                let ok = piece.values().all(|good| *good);
                let blocks = piece.values().map(|good| BlockDigest([u8::from(*good); 16])).collect();
                content.blocks.remove(&at.piece);
                if ok {
                    content.have.insert(at.piece);
                }
                Done::Piece { torrent, piece: at.piece, ok, blocks }
            }
            Job::Select { .. } => return None,
            Job::Forget { torrent, piece } => {
                self.contents.get_mut(&torrent)?.blocks.remove(&piece);
                return None;
            }
            Job::Read { torrent, conn, at } => {
                assert!(self.contents[&torrent].have.contains(&at.piece));
                Done::Block { torrent, conn, at, data: (at, true) }
            }
            Job::Sync { torrent, .. } => Done::Synced { torrent },
            Job::Metadata { torrent, info_hash, bytes } => {
                let info = Info::parse(&bytes, &Limits::default()).map_err(|e| e.to_string());
                let hash_ok = info.as_ref().is_ok_and(|info| hash(info) == info_hash);
                Done::Metadata { torrent, result: info.map(Arc::new), hash_ok }
            }
            Job::Close { torrent, .. } => Done::Closed { torrent },
        })
    }
}

/// One engine with its disk.
pub struct Node {
    pub engine: Engine<Block>,
    pub disk: Disk,
    pub addr: SocketAddr,
    pub events: Vec<Event>,
    pub closed: Vec<(ConnId, CloseReason)>,
    /// What it said on connections whose other end the test plays itself.
    pub said: Vec<(ConnId, Message)>,
    /// Announces over HTTP that were asked for.
    pub announces: Vec<(Time, String)>,
    /// Whether the blocks it sends are right.
    pub honest: bool,
}

/// Who is at the other end of a connection.
type Ends = BTreeMap<(usize, ConnId), (usize, ConnId)>;

/// Engines and the lines between them. Every message takes 10 ms.
pub struct World {
    pub now: Time,
    pub nodes: Vec<Node>,
    ends: Ends,
    next_conn: u64,
    queue: VecDeque<(Time, usize, Input<Block>)>,
}

impl World {
    pub fn new() -> Self {
        Self { now: secs(100), nodes: Vec::new(), ends: Ends::new(), next_conn: 1, queue: VecDeque::new() }
    }

    /// Adds an engine at 198.18.0.`n`:5000.
    pub fn node(&mut self, whole: bool) -> usize {
        let n = self.nodes.len();
        self.nodes.push(Node {
            engine: Engine::new(EngineConfig::new(5000, n as u64 + 1)),
            disk: Disk { whole, ..Disk::default() },
            addr: ([198, 18, 0, n as u8], 5000).into(),
            events: Vec::new(),
            closed: Vec::new(),
            said: Vec::new(),
            announces: Vec::new(),
            honest: true,
        });
        n
    }

    pub fn command(&mut self, node: usize, command: Command) {
        self.give(node, Input::Command(command));
    }

    pub fn give(&mut self, node: usize, input: Input<Block>) {
        self.nodes[node].engine.handle(self.now, input);
        self.drain(node);
    }

    fn later(&mut self, node: usize, input: Input<Block>) {
        self.queue.push_back((self.now + Duration::from_millis(10), node, input));
    }

    fn drain(&mut self, node: usize) {
        while let Some(output) = self.nodes[node].engine.poll_output() {
            match output {
                Output::Dial { torrent, addr } => self.dial(node, torrent, addr),
                Output::Hello { conn, handshake } => self.pass(node, conn, |conn| Input::Hello { conn, handshake }),
                Output::Send { conn, message } => {
                    if is_metadata(&message) {
                        self.later(node, Input::MetadataSent { conn });
                    }
                    let message = over_the_wire(&message);
                    if !self.ends.contains_key(&(node, conn)) {
                        self.nodes[node].said.push((conn, message.clone()));
                    }
                    self.pass(node, conn, |conn| Input::Message { conn, message });
                }
                Output::SendBlock { conn, at, mut data } => {
                    data.1 &= self.nodes[node].honest;
                    self.pass(node, conn, |conn| Input::Block { conn, at, data });
                    self.later(node, Input::Sent { conn, bytes: u64::from(at.len) });
                }
                Output::Close { conn, why } => {
                    self.nodes[node].closed.push((conn, why));
                    self.pass(node, conn, |conn| Input::Closed { conn, why: CloseReason::Remote });
                    self.ends.remove(&(node, conn));
                }
                Output::Disk(job) => {
                    if let Some(done) = self.nodes[node].disk.run(job) {
                        self.later(node, Input::Disk(done));
                    }
                }
                Output::Announce { url, .. } => self.nodes[node].announces.push((self.now, url)),
                Output::Datagram { .. } | Output::Resolve { .. } => {}
                Output::Event(event) => {
                    if let Event::Metadata { torrent, .. } = &event {
                        self.later(node, Input::Command(Command::Placed(*torrent)));
                    }
                    self.nodes[node].events.push(event);
                }
            }
        }
    }

    fn dial(&mut self, node: usize, torrent: TorrentId, addr: SocketAddr) {
        let Some(other) = self.nodes.iter().position(|n| n.addr == addr) else {
            return self.later(node, Input::DialFailed { torrent, addr, why: DialError::Refused });
        };
        let (here, there) = (ConnId(self.next_conn), ConnId(self.next_conn + 1));
        self.next_conn += 2;
        self.ends.insert((node, here), (other, there));
        self.ends.insert((other, there), (node, here));
        let from = SocketAddr::new(self.nodes[node].addr.ip(), 40_000);
        self.later(other, Input::Accepted { conn: there, addr: from, local: addr });
        self.later(node, Input::Connected { conn: here, torrent, addr, local: from });
    }

    fn pass(&mut self, node: usize, conn: ConnId, input: impl FnOnce(ConnId) -> Input<Block>) {
        if let Some((other, there)) = self.ends.get(&(node, conn)).copied() {
            self.later(other, input(there));
        }
    }

    /// Somebody whom the test plays dials a node; the name of the connection.
    pub fn stranger(&mut self, node: usize, addr: SocketAddr) -> ConnId {
        let conn = ConnId(self.next_conn);
        self.next_conn += 1;
        let local = self.nodes[node].addr;
        self.give(node, Input::Accepted { conn, addr, local });
        conn
    }

    /// Why a node closed a connection, if it did.
    pub fn why_closed(&self, node: usize, conn: ConnId) -> Option<CloseReason> {
        self.nodes[node].closed.iter().find(|(c, _)| *c == conn).map(|(_, why)| *why)
    }

    /// Goes to the next thing that happens; false when nothing ever will before `end`.
    pub fn step(&mut self, end: Time) -> bool {
        let arrival = self.queue.front().map(|(time, ..)| *time);
        let due = self.nodes.iter().enumerate().filter_map(|(n, node)| Some((node.engine.deadline()?, n))).min();
        if arrival.is_none_or(|at| due.is_some_and(|(time, _)| time < at)) {
            let Some((time, node)) = due.filter(|(time, _)| *time <= end) else {
                self.now = end;
                return false;
            };
            self.now = self.now.max(time);
            self.give(node, Input::Tick);
        } else if let Some((time, node, input)) = self.queue.pop_front() {
            self.now = self.now.max(time);
            let gone = match &input {
                Input::Message { conn, .. } | Input::Block { conn, .. } | Input::Hello { conn, .. } => {
                    !self.ends.contains_key(&(node, *conn))
                }
                Input::Closed { conn, .. } => self.ends.remove(&(node, *conn)).is_none(),
                _ => false,
            };
            if !gone {
                self.give(node, input);
            }
        }
        true
    }

    /// Runs until something is so; panics when it is not by `limit` seconds from now.
    pub fn until(&mut self, limit: u64, mut is_so: impl FnMut(&Self) -> bool) {
        let end = self.now + Duration::from_secs(limit);
        while !is_so(self) {
            assert!(self.step(end) && self.now <= end, "not so after {limit} s");
        }
    }

    /// Runs for so many seconds.
    pub fn run(&mut self, seconds: u64) {
        let end = self.now + Duration::from_secs(seconds);
        while self.now < end && self.step(end) {}
    }

    pub fn is_complete(&self, node: usize) -> bool {
        self.has_completed(node, ME)
    }

    pub fn has_completed(&self, node: usize, id: TorrentId) -> bool {
        self.nodes[node].events.iter().any(|event| matches!(event, Event::Complete { torrent, .. } if *torrent == id))
    }

    /// Breaks a connection of that node, the `n`th of those it has; both sides hear of it.
    pub fn cut(&mut self, node: usize, n: usize) {
        let Some((&here, &there)) = self.ends.iter().filter(|(end, _)| end.0 == node).nth(n) else { return };
        self.ends.remove(&here);
        self.ends.remove(&there);
        for (node, conn) in [here, there] {
            self.give(node, Input::Closed { conn, why: CloseReason::Remote });
        }
    }

    pub fn is_removed(&self, node: usize) -> bool {
        self.nodes[node].events.iter().any(|event| matches!(event, Event::Removed { .. }))
    }
}
