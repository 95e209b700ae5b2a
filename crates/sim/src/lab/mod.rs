//! A small world for tests of one behaviour (own design): a few nodes, whose every message, disk and line a test can look at and
//! lead. The large worlds, with scenarios, checkers and reports, are in [`crate::world`]; the disk and the contract are the same.
//!
//! A node is whatever keeps the engine's contract: an engine, or one torrent [`alone`]. Connections carry no bytes, but each message
//! goes through encoder and decoder. Time is virtual, and a run has no choice in it: what happens at one moment happens in the order in
//! which it was caused.
pub mod alone;
pub mod disk;
pub mod engines;

use crate::block::SimBlock;
use crate::brain::Brain;
use disk::Disk;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use teem_engine::input::{DialError, Input};
use teem_metainfo::{Info, Limits};
use teem_swarm::ask::{Answer, AskId, Question};
use teem_swarm::command::Command;
use teem_swarm::event::Event;
use teem_swarm::ids::{ConnId, ReadId, TorrentId};
use teem_swarm::job::{Facts, Job, ReadError};
use teem_swarm::output::{CloseReason, Output};
use teem_swarm::remote::{How, Remote, Via};
use teem_swarm::selection::Selection;
use teem_swarm::time::Time;
use teem_wire::peer::block::BlockRef;
use teem_wire::peer::decode::{Decoder, Frame};
use teem_wire::peer::encode::encode;
use teem_wire::peer::handshake::Features;
use teem_wire::peer::limits::Limits as WireLimits;
use teem_wire::peer::message::{Message, MetadataMessage};
use teem_wire::tracker::announce::AnnounceEvent;

/// What a message takes from one node to any other, unless a test says otherwise.
const DELAY: Duration = Duration::from_millis(20);
/// What a disk takes for anything, unless a test says otherwise.
const DISK: Duration = Duration::from_millis(1);
/// What a block takes on a line without limit: nothing to speak of, and not nothing, so that blocks keep their order.
const UNLIMITED_BLOCK: Duration = Duration::from_nanos(100);

/// A moment, in seconds from the beginning of all clocks.
pub fn at(seconds: u64) -> Time {
    Time::ZERO + Duration::from_secs(seconds)
}

/// The metadata of one file of that many bytes; `private` as BEP 27 has it.
///
/// # Panics
/// When a torrent cannot have such pieces.
pub fn info(total: u64, piece_len: u32, private: bool) -> Arc<Info> {
    let pieces = total.div_ceil(u64::from(piece_len)) as usize;
    let mut raw =
        format!("d6:lengthi{total}e4:name1:x12:piece lengthi{piece_len}e6:pieces{}:", pieces * 20).into_bytes();
    raw.extend((0..pieces * 20).map(|i| (i / 20) as u8));
    raw.extend_from_slice(if private { b"7:privatei1ee" } else { b"e" });
    // INVARIANT: the dictionary above is well formed; a test chooses sizes that a torrent can have.
    Arc::new(Info::parse(&raw, &Limits::FILE).expect("valid metadata"))
}

/// A node of the world: an engine or a torrent, with its disk, its line and what it did.
#[derive(Debug)]
pub struct Node<M> {
    /// The engine, or the torrent.
    pub machine: M,
    /// Its disk, which asserts the contract.
    pub disk: Disk,
    /// Everything it told its owner.
    pub events: Vec<Event>,
    /// Which of the blocks it sends are spoilt on their way.
    pub lies: fn(BlockRef) -> bool,
    /// What its line out carries, in bytes a second; 0 is without limit.
    pub line: u64,
    /// Where it is.
    pub addr: SocketAddr,
    /// Connections that it closed, and why.
    pub closed: Vec<(ConnId, CloseReason)>,
    /// Payload that came to it, in bytes.
    pub got: u64,
    /// Announces over HTTP that it asked for: when, under which id, and of which tracker.
    pub announces: Vec<(Time, AskId, String)>,
    /// What its owner read: when that came, the name of the read, and the block or why there is none.
    pub reads: Vec<(Time, ReadId, Result<SimBlock, ReadError>)>,
    /// What its disk takes for each block that is read, one after the other; 0 leaves reads to [`World::disk`], all at once.
    pub read_time: Duration,
    disk_free: Time,
    /// What it said in each of them.
    pub said: Vec<AnnounceEvent>,
    line_free: Time,
    tick: Option<Time>,
    gone: bool,
}

/// One end of a connection.
#[derive(Clone, Copy, Debug)]
struct End {
    node: usize,
    other: ConnId,
}

/// Nodes and the lines between them.
#[derive(Debug)]
pub struct World<M> {
    /// The moment that the world has reached.
    pub now: Time,
    /// The content that nodes are added with, where a test does not bring its own.
    pub info: Arc<Info>,
    /// What the disks of nodes that are added from now on remember of an earlier run besides pieces.
    pub remembered: (Facts, Selection),
    /// The nodes, numbered by their place.
    pub nodes: Vec<Node<M>>,
    /// What a message takes from one node to any other.
    pub delay: Duration,
    /// What a disk takes for anything.
    pub disk: Duration,
    /// Every message that a node sent, by time, node and connection.
    pub log: Vec<(Time, usize, ConnId, Message)>,
    /// Blocks as they were given to the sockets.
    pub sent: Vec<(ConnId, BlockRef)>,
    /// Connections whose other end reads nothing: blocks stay in their sockets.
    pub deaf: Vec<ConnId>,
    ends: BTreeMap<ConnId, End>,
    queue: BTreeMap<(Time, u64), (usize, Input<SimBlock>)>,
    serial: u64,
}

impl<M: Brain> World<M> {
    /// A world without nodes, a second after the beginning of all clocks.
    pub fn new(info: Arc<Info>) -> Self {
        Self {
            now: at(1),
            info,
            remembered: (Facts::default(), Selection::all()),
            nodes: Vec::new(),
            delay: DELAY,
            disk: DISK,
            log: Vec::new(),
            sent: Vec::new(),
            deaf: Vec::new(),
            ends: BTreeMap::new(),
            queue: BTreeMap::new(),
            serial: 0,
        }
    }

    /// Adds a node at that address; its number.
    pub(crate) fn put(&mut self, machine: M, addr: SocketAddr, disk: Disk) -> usize {
        self.nodes.push(Node {
            machine,
            disk,
            events: Vec::new(),
            lies: |_| false,
            line: 0,
            addr,
            closed: Vec::new(),
            got: 0,
            announces: Vec::new(),
            said: Vec::new(),
            reads: Vec::new(),
            read_time: Duration::ZERO,
            disk_free: Time::ZERO,
            line_free: Time::ZERO,
            tick: None,
            gone: false,
        });
        self.nodes.len() - 1
    }

    /// Gives a node an input now.
    pub fn give(&mut self, node: usize, input: Input<SimBlock>) {
        if let Input::Block { at, .. } = &input {
            self.nodes[node].got += u64::from(at.len);
        }
        self.nodes[node].machine.handle(self.now, input);
        self.drain(node);
    }

    /// Gives a node a command now.
    pub fn command(&mut self, node: usize, command: Command) {
        self.give(node, Input::Command(command));
    }

    /// Carries out what a node wants.
    fn drain(&mut self, node: usize) {
        while let Some(output) = self.nodes[node].machine.poll_output() {
            self.carry_out(node, output);
        }
        self.nodes[node].tick = self.nodes[node].machine.deadline().map(|tick| tick.max(self.now));
    }

    fn later(&mut self, when: Time, node: usize, input: Input<SimBlock>) {
        self.serial += 1;
        self.queue.insert((when, self.serial), (node, input));
    }

    /// A new name for a connection of a node that leads to another one's, `other`.
    fn link(&mut self, node: usize, other: usize) -> (ConnId, ConnId) {
        let (here, there) = (ConnId(self.serial * 2), ConnId(self.serial * 2 + 1));
        self.serial += 1;
        self.ends.insert(here, End { node, other: there });
        self.ends.insert(there, End { node: other, other: here });
        (here, there)
    }

    /// A name for a connection whose other end the test plays itself.
    fn name(&mut self) -> ConnId {
        self.serial += 1;
        ConnId(self.serial * 2 - 2)
    }

    fn carry_out(&mut self, node: usize, output: Output<SimBlock>) {
        match output {
            Output::Dial { torrent, to, plan } => self.dial(node, torrent, to, plan.first),
            Output::Hello { conn, handshake } => {
                self.pass(node, conn, self.now, |conn| Input::Hello { conn, handshake, via: Via::TCP });
            }
            Output::Send { conn, message } => {
                if matches!(message, Message::Metadata { message: MetadataMessage::Data { .. }, .. }) {
                    self.later(self.now, node, Input::MetadataSent { conn });
                }
                self.pass(node, conn, self.now, |conn| Input::Message { conn, message: over_the_wire(&message) });
                self.log.push((self.now, node, conn, message));
            }
            Output::SendBlock { conn, at, .. } if self.deaf.contains(&conn) => self.sent.push((conn, at)),
            Output::SendBlock { conn, at, data } => {
                self.sent.push((conn, at));
                let from = &mut self.nodes[node];
                let time = (u64::from(at.len) * 1_000_000_000).checked_div(from.line).map(Duration::from_nanos);
                let left = from.line_free.max(self.now) + time.unwrap_or(UNLIMITED_BLOCK);
                from.line_free = left;
                let data = SimBlock { good: data.good && !(from.lies)(at), ..data };
                self.later(left, node, Input::Sent { conn, bytes: u64::from(at.len) });
                self.pass(node, conn, left, |conn| Input::Block { conn, at, data });
            }
            Output::Close { conn, why } => {
                self.nodes[node].closed.push((conn, why));
                self.hang_up(conn);
            }
            Output::Disk(job) => {
                let when = self.disk_done_at(node, &job);
                for done in self.nodes[node].disk.run(job) {
                    self.later(when, node, Input::Disk(done));
                }
            }
            Output::Event(event) => self.nodes[node].events.push(event),
            Output::Ask { id, question } => match question {
                Question::Announce { url, announce, .. } => {
                    self.nodes[node].said.push(announce.event);
                    self.nodes[node].announces.push((self.now, id, url.reveal().to_string()));
                }
                Question::Place { .. } => {
                    let answer = Answer::Placed(Ok(None));
                    self.later(self.now + self.disk, node, Input::Answer { id, answer });
                }
                Question::Load { .. } => {
                    let answer = Answer::Loaded(Ok(self.info.clone()));
                    self.later(self.now + self.disk, node, Input::Answer { id, answer });
                }
                Question::Resolve { .. } => {}
            },
            Output::Read { id, result } => self.nodes[node].reads.push((self.now, id, result)),
            Output::Datagram { .. } => {}
        }
    }

    /// When a node's disk has done a job that it is given now.
    fn disk_done_at(&mut self, node: usize, job: &Job<SimBlock>) -> Time {
        let node = &mut self.nodes[node];
        if node.read_time.is_zero() || !matches!(job, Job::Read { .. }) {
            return self.now + self.disk;
        }
        node.disk_free = node.disk_free.max(self.now) + node.read_time;
        node.disk_free
    }

    fn dial(&mut self, node: usize, torrent: TorrentId, to: Remote, how: How) {
        let Some(other) = self.nodes.iter().position(|n| to == n.addr) else {
            let why = DialError::Refused;
            let failed = Input::DialFailed { torrent, to, how, why, over: true };
            return self.later(self.now + self.delay, node, failed);
        };
        let (here, there) = self.link(node, other);
        let from = SocketAddr::new(self.nodes[node].addr.ip(), 40_000);
        let when = self.now + self.delay;
        self.later(when, other, Input::Accepted { conn: there, remote: from.into(), local: to.addr() });
        self.later(when, node, Input::Connected { conn: here, torrent, remote: to, how, local: Some(from) });
    }

    /// Hands something to the other end of a connection, behind the blocks that were queued before it.
    fn pass(&mut self, node: usize, conn: ConnId, left: Time, input: impl FnOnce(ConnId) -> Input<SimBlock>) {
        if let Some(end) = self.ends.get(&conn).copied()
            && let Some(there) = self.ends.get(&end.other).copied()
        {
            let when = left.max(self.nodes[node].line_free) + self.delay;
            self.later(when, there.node, input(end.other));
        }
    }

    /// A node's end is gone; the other hears of it after what was sent before.
    fn hang_up(&mut self, conn: ConnId) {
        if let Some(end) = self.ends.remove(&conn)
            && let Some(there) = self.ends.get(&end.other).copied()
        {
            let when = self.now.max(self.nodes[end.node].line_free) + self.delay;
            self.later(when, there.node, Input::Closed { conn: end.other, why: CloseReason::Remote });
        }
    }

    /// A node dies: its connections end, and nothing more happens to it.
    pub fn leave(&mut self, node: usize) {
        self.nodes[node].gone = true;
        let mine: Vec<ConnId> = self.ends.iter().filter(|(_, end)| end.node == node).map(|(conn, _)| *conn).collect();
        for conn in mine {
            self.hang_up(conn);
        }
    }

    /// Breaks the `n`th of the connections that a node has; both sides hear of it now.
    pub fn cut(&mut self, node: usize, n: usize) {
        let Some((&here, &end)) = self.ends.iter().filter(|(_, end)| end.node == node).nth(n) else { return };
        self.ends.remove(&here);
        let other = self.ends.remove(&end.other);
        self.give(node, Input::Closed { conn: here, why: CloseReason::Remote });
        if let Some(other) = other {
            self.give(other.node, Input::Closed { conn: end.other, why: CloseReason::Remote });
        }
    }

    /// Goes to the next thing that happens; false when nothing does until `end`. Where nothing ever will, time stands still.
    pub fn step(&mut self, end: Time) -> bool {
        let arrival = self.queue.keys().next().copied();
        let ticks = self.nodes.iter().enumerate().filter(|(_, node)| !node.gone);
        let tick = ticks.filter_map(|(n, node)| Some((node.tick?, n))).min();
        let first = arrival.map(|(when, _)| when).into_iter().chain(tick.map(|(when, _)| when)).min();
        let Some(first) = first else { return false };
        if first > end {
            // What comes later is not to be lost.
            self.now = self.now.max(end);
            return false;
        }
        let (when, node, input) = match (arrival, tick) {
            (Some(key), tick) if tick.is_none_or(|(at, _)| key.0 <= at) => match self.queue.remove(&key) {
                Some((node, input)) => (key.0, node, input),
                None => return false,
            },
            (_, Some((at, node))) => (at, node, Input::Tick),
            (_, None) => return false,
        };
        self.now = self.now.max(when);
        let lost = match &input {
            Input::Message { conn, .. } | Input::Block { conn, .. } | Input::Hello { conn, .. } => {
                !self.ends.contains_key(conn)
            }
            Input::Closed { conn, .. } => self.ends.remove(conn).is_none(),
            _ => false,
        };
        if !lost && !self.nodes[node].gone {
            self.give(node, input);
        }
        true
    }

    /// Runs until a condition holds or so many virtual seconds have passed; whether it held.
    pub fn run(&mut self, seconds: u64, mut until: impl FnMut(&Self) -> bool) -> bool {
        let end = self.now + Duration::from_secs(seconds);
        loop {
            if until(self) {
                return true;
            }
            if !self.step(end) {
                return false;
            }
        }
    }

    /// Lets so many virtual seconds pass.
    pub fn wait(&mut self, seconds: u64) {
        let end = self.now + Duration::from_secs(seconds);
        while self.step(end) {}
        self.now = self.now.max(end);
    }

    /// Runs until a condition holds.
    ///
    /// # Panics
    /// When it does not within so many virtual seconds.
    pub fn until(&mut self, seconds: u64, until: impl FnMut(&Self) -> bool) {
        assert!(self.run(seconds, until), "not so after {seconds} s");
    }

    /// Whether a node has all of some torrent.
    pub fn is_complete(&self, node: usize) -> bool {
        self.nodes[node].events.iter().any(|event| matches!(event, Event::Complete { .. }))
    }

    /// What a node has said on a connection, oldest first; forgotten by that.
    pub fn heard(&mut self, node: usize, conn: ConnId) -> Vec<Message> {
        let (mine, rest) = self.log.drain(..).partition(|(_, n, c, _)| *n == node && *c == conn);
        self.log = rest;
        let mine: Vec<(Time, usize, ConnId, Message)> = mine;
        mine.into_iter().map(|(_, _, _, message)| message).collect()
    }

    /// Why a node closed a connection, if it did.
    pub fn why_closed(&self, node: usize, conn: ConnId) -> Option<CloseReason> {
        self.nodes[node].closed.iter().find(|(c, _)| *c == conn).map(|(_, why)| *why)
    }
}

/// What the other side reads when a message is sent.
fn over_the_wire(message: &Message) -> Message {
    let mut bytes = Vec::new();
    encode(message, &mut bytes);
    let features = Features { fast: true, extended: true, dht: false, v2: false };
    match Decoder::after_handshake(WireLimits::default(), features).step(&bytes) {
        Ok((used, Some(Frame::Message(read)))) if used == bytes.len() => read,
        other => panic!("{message:?} is read as {other:?}"),
    }
}
