//! What a client knows of one connection (BEP 3, 6, 10).
use super::habits::Queue;
use crate::bits::Bits;
use std::collections::{BTreeSet, VecDeque};
use std::net::IpAddr;
use std::time::Duration;
use teem_swarm::time::Time;
use teem_wire::peer::block::{BLOCK_LEN, BlockRef};
use teem_wire::peer::handshake::PeerId;

/// How many requests a peer takes that did not say.
const REQQ: usize = 250;
/// A rate that grows less than this from second to second, in bytes a second, has stopped growing.
const GROWTH: u64 = 5_000;

/// A connection, and what the client knows of the peer at its other end.
#[derive(Debug)]
pub(super) struct Peer {
    pub dialled: bool,
    pub ip: IpAddr,
    /// Whether our handshake has gone out.
    pub(crate) greeted: bool,
    pub id: Option<PeerId>,
    /// Whether both sides speak the fast extension.
    pub fast: bool,
    /// Their number for `ut_metadata`.
    pub metadata: Option<u8>,
    pub reqq: usize,

    /// The pieces it has shown, how many, and how many of them we lack.
    pub shown: Bits,
    pub(crate) shows: u32,
    pub(crate) of_use: u32,
    pub(crate) suggested: Vec<u32>,
    /// Whether it chokes us.
    pub(crate) choked: bool,
    /// Whether we said that we are interested.
    pub interested: bool,
    pub asked: BTreeSet<BlockRef>,
    /// Pieces that were begun with it.
    pub pieces: Vec<u32>,
    /// How many requests it may have.
    pub(crate) depth: usize,
    pub(crate) slow_start: bool,
    /// Payload bytes a second, smoothed.
    pub rate: u64,
    /// Payload bytes of the second that is running.
    pub second: u64,
    pub(crate) starved: bool,
    /// Not asked before.
    pub(crate) look_at: Time,
    /// When it sent a block last, or was first asked since.
    pub moved: Time,
    pub(crate) snubbed: bool,
    pub rejects: u32,
    pub(crate) strikes: u32,
    pub(crate) choke_changes: VecDeque<Time>,

    /// Whether it is interested.
    pub(crate) wants: bool,
    /// Whether we unchoke it, and since when it is so.
    pub unchoked: bool,
    pub(crate) since: Time,
    /// What it asked for and was not read yet.
    pub(crate) queue: VecDeque<BlockRef>,
    /// Blocks being read, and payload bytes in the connection's buffer.
    pub(crate) reading: usize,
    pub(crate) buffered: u64,
    /// Payload bytes in this round and since it was unchoked.
    pub took: u64,
    pub(crate) gave: u64,
    pub taken: u64,
    /// When it gave a block last.
    pub(crate) gave_at: Option<Time>,
    /// Pieces it has not been told of, and since when.
    pub(crate) untold: Vec<u32>,
    pub(crate) untold_since: Time,
    /// When a request or a block went either way.
    pub(crate) active: Time,
}

impl Peer {
    pub(super) fn new(now: Time, dialled: bool, ip: IpAddr, pieces: u32, queue: Queue) -> Self {
        Self {
            dialled,
            ip,
            greeted: false,
            id: None,
            fast: false,
            metadata: None,
            reqq: REQQ,
            shown: Bits::new(pieces),
            shows: 0,
            of_use: 0,
            suggested: Vec::new(),
            choked: true,
            interested: false,
            asked: BTreeSet::new(),
            pieces: Vec::new(),
            depth: match queue {
                Queue::Fixed(depth) | Queue::Doubling { first: depth, .. } | Queue::Rate { min: depth, .. } => depth,
            },
            slow_start: matches!(queue, Queue::Rate { slow_start: true, .. }),
            rate: 0,
            second: 0,
            starved: false,
            look_at: Time::ZERO,
            moved: now,
            snubbed: false,
            rejects: 0,
            strikes: 0,
            choke_changes: VecDeque::new(),
            wants: false,
            unchoked: false,
            since: now,
            queue: VecDeque::new(),
            reading: 0,
            buffered: 0,
            took: 0,
            gave: 0,
            taken: 0,
            gave_at: None,
            untold: Vec::new(),
            untold_since: now,
            active: now,
        }
    }

    /// How many requests it may have now.
    pub(super) fn room(&self) -> usize {
        if self.snubbed || self.starved { 1 } else { self.depth.min(self.reqq) }
    }

    /// A block came.
    pub(super) fn received(&mut self, now: Time, bytes: u64, queue: Queue) {
        self.second += bytes;
        self.gave += bytes;
        self.gave_at = Some(now);
        self.moved = now;
        self.active = now;
        self.snubbed = false;
        self.rejects = 0;
        match queue {
            Queue::Rate { max, .. } if self.slow_start => self.depth = (self.depth + 1).min(max),
            Queue::Doubling { max, .. } if self.second * 4 >= self.depth as u64 * u64::from(BLOCK_LEN) => {
                self.depth = (self.depth * 2).min(max);
                self.second = 0;
            }
            _ => {}
        }
    }

    /// Part of a second has passed since the last time.
    pub(super) fn measure(&mut self, passed: Duration, queue: Queue) {
        let now = self.second * 1000 / (passed.as_millis() as u64).max(1);
        self.second = 0;
        let before = self.rate;
        self.rate = (self.rate * 4 + now) / 5;
        let Queue::Rate { of, min, max, .. } = queue else { return };
        if self.slow_start && (self.rate >= before + GROWTH || now == 0) {
            return;
        }
        self.slow_start = false;
        let blocks = self.rate * of.as_millis() as u64 / 1000 / u64::from(BLOCK_LEN);
        self.depth = (blocks as usize).clamp(min, max);
    }

    /// Notes that the peer chokes or unchokes us; says whether it did so twice within that time.
    pub(super) fn flickers(&mut self, now: Time, within: Duration) -> bool {
        self.choke_changes.push_back(now);
        if self.choke_changes.len() > 2 {
            self.choke_changes.pop_front();
        }
        // The first unchoke is no change of mind.
        self.choke_changes.len() == 2 && now.since(self.choke_changes[0]) < within
    }
}
