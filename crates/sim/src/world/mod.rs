//! The world (own design): peers, connections, the tracker and the clock, run event by event.
//!
//! Invariants: nothing happens but by an event of the queue; every input and output of every peer goes through
//! `World::feed`, and with it through the trace and the checkers; nothing is drawn but from the seed.
mod life;
mod network;
mod outputs;

use crate::block::SimBlock;
use crate::bound;
use crate::brain::Brain;
use crate::check::checker::Checker;
use crate::check::violation::Rule;
use crate::conn::Conn;
use crate::content::Content;
use crate::link::Packet;
use crate::node::Node;
use crate::queue::EventQueue;
use crate::scenario::{Departure, Role, Scenario};
use crate::series::{Series, Totals};
use crate::trace::Trace;
use crate::tracker::Tracker;
use std::time::Duration;
use teem_engine::input::Input;
use teem_swarm::rng::Rng;
use teem_swarm::time::Time;

/// How long the world goes on after the last peer is complete, so that what follows is watched too.
const TAIL: Duration = Duration::from_secs(15);
/// How many ticks in a row may leave the deadline where it is.
const TICKS_MAX: u32 = 4;
/// What is waited before a peer whose deadline does not move is ticked again.
const STUCK: Duration = Duration::from_millis(1);

/// A process that is about to begin.
#[derive(Clone, Copy, Debug)]
pub struct Birth<'a> {
    /// The peer's number.
    pub peer: u32,
    /// What it is.
    pub role: Role,
    /// The world's content.
    pub content: &'a Content,
    /// What it shall draw from.
    pub seed: u64,
}

/// Makes the process of a peer.
pub type Maker = Box<dyn Fn(&Birth<'_>) -> Box<dyn Brain>>;

/// What is to come.
#[derive(Clone, Copy, Debug)]
enum Event {
    /// A peer appears.
    Come { peer: u32 },
    /// A peer's process of that life goes.
    Go { peer: u32, life: u32, crash: bool },
    /// A peer's deadline.
    Tick { peer: u32 },
    /// An input of a peer is due.
    Mail { peer: u32, key: u32 },
    /// An uplink has sent its batch.
    Uplink { peer: u32 },
    /// A batch arrives at the receiver's downlink.
    Arrive { pipe: u32 },
    /// A batch has been received.
    Deliver { pipe: u32 },
    /// A dial of that life has been answered.
    Dialled { from: u32, to: u32, life: u32 },
    /// A closed connection has lingered long enough.
    Linger { pipe: u32 },
    /// The run is over.
    End,
}

/// A world.
pub struct World {
    scenario: Scenario,
    content: Content,
    queue: EventQueue<Event>,
    nodes: Vec<Node>,
    conns: Vec<Conn>,
    tracker: Tracker,
    trace: Trace,
    checker: Checker,
    maker: Maker,
    /// What the delays of pairs are drawn from.
    pairs: u64,
    /// Peers that must complete and have not.
    missing: usize,
    /// Which blocks have left a seed.
    out: Outs,
    series: Series,
    unpacked: Vec<Packet>,
}

/// The account of what has left the seeds.
#[derive(Debug)]
struct Outs {
    left: Vec<bool>,
    all: usize,
    missing: usize,
    sent: u64,
    /// What they had sent when every block had left once.
    all_out: Option<u64>,
}

impl World {
    /// A world at its start.
    pub fn new(scenario: Scenario, seed: u64, maker: Maker) -> Self {
        let mut rng = Rng::new(seed);
        let content = Content::new(scenario.pieces, scenario.piece_len, scenario.short, &mut rng.fork());
        let mut checker = Checker::new(content.clone());
        let mut nodes = Vec::new();
        for group in &scenario.groups {
            for _ in 0..group.count {
                let node = Node::new(nodes.len() as u32, group, &content, &mut rng);
                checker.add(group.role, node.addr, group.limit_up, group.limit_down);
                nodes.push(node);
            }
        }
        let blocks = content.pieces() as usize * content.blocks_max() as usize;
        let count = (0..content.pieces()).map(|piece| content.blocks(piece) as usize).sum();
        let mut world = Self {
            missing: nodes.iter().filter(|node| node.must()).count(),
            out: Outs { left: vec![false; blocks], all: count, missing: count, sent: 0, all_out: None },
            series: Series::new(content.pieces(), bound::fluid(&scenario)),
            queue: EventQueue::default(),
            conns: Vec::new(),
            tracker: Tracker::new(scenario.interval, rng.fork()),
            trace: Trace::default(),
            pairs: rng.next_u64(),
            unpacked: Vec::new(),
            checker,
            scenario,
            content,
            nodes,
            maker,
        };
        world.queue.put(Time::ZERO + world.scenario.limit, Event::End);
        world.expect_arrivals();
        world
    }

    /// Breaks the disk of a peer, for tests of the checkers: it takes every piece for right.
    pub fn break_disk(&mut self, peer: u32) {
        self.nodes[peer as usize].disk.set_blind();
    }

    /// Somebody else's client plays the engine: that all complete is the only rule.
    pub fn watch_only_completion(&mut self) {
        self.checker.watch_only_completion();
    }

    /// Runs it to its end.
    pub fn run(&mut self) {
        while let Some((now, event)) = self.queue.take() {
            while self.series.due(now) {
                self.sample();
            }
            match event {
                Event::Come { peer } => self.come(peer),
                Event::Go { peer, life, crash } => self.go(peer, life, crash),
                Event::Tick { peer } => self.tick(now, peer),
                Event::Mail { peer, key } => {
                    if let Some(input) = self.nodes[peer as usize].mail.remove(&key) {
                        self.feed(peer, input);
                    }
                }
                Event::Uplink { peer } => self.uplink_done(peer),
                Event::Arrive { pipe } => self.arrive(now, pipe),
                Event::Deliver { pipe } => self.deliver(now, pipe),
                Event::Dialled { from, to, life } => self.dialled(from, to, life),
                Event::Linger { pipe } => self.linger(pipe),
                Event::End => break,
            }
        }
        self.judge();
    }

    /// What was run.
    pub fn scenario(&self) -> &Scenario {
        &self.scenario
    }

    /// The peers.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// What the checkers found.
    pub fn checker(&self) -> &Checker {
        &self.checker
    }

    /// The tracker.
    pub fn tracker(&self) -> &Tracker {
        &self.tracker
    }

    /// The hash of all that happened.
    pub fn hash(&self) -> u64 {
        self.trace.value()
    }

    /// How many events there were, and when the last one was.
    pub fn events(&self) -> (u64, Time) {
        (self.queue.taken(), self.queue.now())
    }

    /// Payload bytes that the seeds sent, and what they had sent when every block had left once.
    pub fn source(&self) -> (u64, Option<u64>) {
        (self.out.sent, self.out.all_out)
    }

    /// How it went over time.
    pub fn series(&self) -> &Series {
        &self.series
    }

    fn sample(&mut self) {
        let totals = Totals {
            size: self.content.total(),
            pieces: self.content.pieces(),
            source_sent: self.out.sent,
            blocks: self.out.all as u64,
            blocks_missing: self.out.missing as u64,
        };
        self.series.take(&self.nodes, totals);
    }

    /// Gives a peer an input and carries out what it wants.
    fn feed(&mut self, peer: u32, input: Input<SimBlock>) {
        let now = self.queue.now();
        let node = &mut self.nodes[peer as usize];
        let Some(brain) = &mut node.brain else { return };
        self.trace.input(now, peer, &input);
        self.checker.input(now, peer, &input);
        if let Input::Block { at, .. } = &input {
            node.received += u64::from(at.len);
        }
        brain.handle(now, input);
        self.drain(peer);
    }

    fn drain(&mut self, peer: u32) {
        let now = self.queue.now();
        while let Some(output) = self.nodes[peer as usize].brain.as_mut().and_then(|brain| brain.poll_output()) {
            self.trace.output(now, peer, &output);
            self.checker.output(now, peer, &output, &self.nodes[peer as usize].disk);
            self.carry_out(now, peer, output);
        }
        self.pump(now, peer);
        self.expect_tick(now, peer);
    }

    fn tick(&mut self, now: Time, peer: u32) {
        let node = &mut self.nodes[peer as usize];
        if node.tick_at != Some(now) {
            return;
        }
        node.tick_at = None;
        let due = node.brain.as_ref().and_then(|brain| brain.deadline()).is_some_and(|at| at <= now);
        if !due {
            return self.expect_tick(now, peer);
        }
        self.feed(peer, Input::Tick);
        let node = &mut self.nodes[peer as usize];
        // What a tick has freed may be due at once, so a few in a row are progress; many are none.
        let again = node.brain.as_ref().and_then(|brain| brain.deadline()).is_some_and(|at| at <= now);
        node.ticks = if again { node.ticks + 1 } else { 0 };
        if node.ticks > TICKS_MAX {
            node.ticks = 0;
            node.tick_at = Some(now + STUCK);
            self.queue.put(now + STUCK, Event::Tick { peer });
            self.checker.note(peer, Err((Rule::Time, format!("wants {TICKS_MAX} ticks at one moment"))));
        }
    }

    /// Makes sure that the peer's deadline has its tick.
    fn expect_tick(&mut self, now: Time, peer: u32) {
        let node = &mut self.nodes[peer as usize];
        let Some(at) = node.brain.as_ref().and_then(|brain| brain.deadline()) else { return };
        if node.tick_at.is_some_and(|tick| tick <= at.max(now)) {
            return;
        }
        node.tick_at = Some(at.max(now));
        self.queue.put(at, Event::Tick { peer });
    }

    /// What can only be said at the end.
    fn judge(&mut self) {
        for (peer, node) in (0..).zip(&self.nodes) {
            let said = self.tracker.said(node.addr);
            let wants = node.spec.role.wants();
            if said.completed > 1 || (said.completed > 0 && !wants) {
                self.checker.note(peer, Err((Rule::Tracker, format!("said completed {} times", said.completed))));
            }
            let gone = matches!(node.spec.departure, Departure::Dies(_)) && node.brain.is_none();
            if node.must() && !gone && node.complete.is_none() {
                let (have, all) = (node.disk.good_pieces(), self.content.pieces());
                let what = format!("ends with {have} of {all} pieces, at {} connections", node.pipes.len());
                self.checker.note(peer, Err((Rule::Liveness, what)));
            }
        }
    }
}
