//! The world (own design): peers, connections, the tracker and the clock, run event by event.
//!
//! Each peer has an agenda of its own and lives through one span of time after the other (see `calendar`). What one
//! does to another is an event on the other's agenda, no sooner than a span later; a peer's code touches nothing else
//! of another.
//!
//! Invariants: nothing happens but by an event of an agenda or a deadline; every input and output of every peer goes through
//! `World::feed`, and with it through the trace and the checkers; nothing is drawn but from the seed.
mod approach;
mod life;
mod network;
mod outputs;

use crate::block::SimBlock;
use crate::bound;
use crate::brain::Brain;
use crate::calendar::Calendar;
use crate::check::checker::Checker;
use crate::check::violation::Rule;
use crate::conn::Conn;
use crate::content::Content;
use crate::node::Node;
use crate::packet::Packet;
use crate::queue::EventQueue;
use crate::scenario::{Departure, Role, Scenario};
use crate::series::{Series, Totals};
use crate::trace::Trace;
use crate::tracker::Tracker;
use crate::wire::Wire;
use std::time::Duration;
use teem_engine::input::Input;
use teem_swarm::rng::Rng;
use teem_swarm::time::Time;

/// How long the world goes on after the last peer is complete, so that what follows is watched too.
const TAIL: Duration = Duration::from_secs(15);
/// No way between two peers is shorter.
const DELAY_MIN: Duration = Duration::from_millis(1);
/// How many ticks in a row may leave the deadline where it is.
const TICKS_MAX: u32 = 4;
/// Peers that are read for together before they live: enough that memory is asked for several things at once, few enough that
/// what was read first is still near when it is needed.
const TOGETHER: usize = 4;
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

/// What is to happen to a peer.
#[derive(Clone, Copy, Debug)]
enum Event {
    /// It appears.
    Come,
    /// Its process of that life goes.
    Go { life: u32, crash: bool },
    /// An input of its process of that life is due.
    Mail { place: u32, life: u32 },
    /// Its uplink has sent a batch.
    Uplink,
    /// The window of a pipe that it sends into opens.
    Room { pipe: u32 },
    /// A batch arrives at its downlink.
    Arrive { pipe: u32 },
    /// A HAVE by itself arrives at its downlink, or has been received.
    Have { pipe: u32, piece: u32, received: bool },
    /// A batch has been received.
    Deliver { pipe: u32 },
    /// A process of that life dials it.
    Knock { from: u32, life: u32 },
    /// A dial of its process of that life is answered.
    Answer { to: u32, life: u32, open: bool },
    /// A connection that it closed has lingered long enough.
    Linger { pipe: u32 },
}

/// A world.
pub struct World {
    scenario: Scenario,
    content: Content,
    calendar: Calendar,
    agendas: Vec<EventQueue<Event>>,
    /// The moment of the peer whose turn it is.
    now: Time,
    /// When the run is over.
    end: Time,
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
    /// The codecs, when the links carry bytes.
    wire: Option<Wire>,
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
            calendar: Calendar::new(span(&scenario, &nodes), nodes.len()),
            agendas: nodes.iter().map(|_| EventQueue::default()).collect(),
            now: Time::ZERO,
            end: Time::ZERO + scenario.limit,
            conns: Vec::new(),
            tracker: Tracker::new(rng.fork()),
            trace: Trace::default(),
            pairs: rng.next_u64(),
            unpacked: Vec::new(),
            wire: None,
            checker,
            scenario,
            content,
            nodes,
            maker,
        };
        world.expect_arrivals();
        world
    }

    /// Breaks the disk of a peer, for tests of the checkers: it takes every piece for right.
    pub fn break_disk(&mut self, peer: u32) {
        self.nodes[peer as usize].disk.set_blind();
    }

    /// The links carry bytes from now on, through the real codecs. For tens of peers.
    pub fn carry_bytes(&mut self) {
        self.wire = Some(Wire::new(Rng::new(self.pairs)));
    }

    /// The codecs, when the links carry bytes.
    pub fn wire(&self) -> Option<&Wire> {
        self.wire.as_ref()
    }

    /// Somebody else's client plays the engine: that all complete is the only rule.
    pub fn watch_only_completion(&mut self) {
        self.checker.watch_only_completion();
    }

    /// Runs it to its end.
    pub fn run(&mut self) {
        let mut peers = Vec::new();
        while let Some((begin, end)) = self.calendar.turns(TOGETHER, &mut peers) {
            if begin > self.end {
                break;
            }
            while self.series.due(begin) {
                self.sample();
            }
            self.approach(&peers, end);
            for &peer in &peers {
                self.live(peer, end);
            }
        }
        self.now = self.end;
        self.judge();
    }

    /// A peer lives until the end of a span.
    fn live(&mut self, peer: u32, until: Time) {
        let next = loop {
            let (event_at, tick_at) = (self.agendas[peer as usize].next_at(), self.nodes[peer as usize].tick_at);
            let next = event_at.into_iter().chain(tick_at).min();
            let next = next.filter(|at| *at <= self.end);
            let Some(at) = next.filter(|at| *at < until) else { break next };
            self.now = at;
            if event_at == Some(at) {
                self.happen(peer);
            } else {
                self.tick(at, peer);
            }
        };
        self.calendar.rest(peer, next);
    }

    /// The next thing on a peer's agenda happens.
    fn happen(&mut self, peer: u32) {
        let Some((now, event)) = self.agendas[peer as usize].take() else { return };
        match event {
            Event::Come => self.come(peer),
            Event::Go { life, crash } => self.go(peer, life, crash),
            Event::Mail { place, life } => {
                let node = &mut self.nodes[peer as usize];
                if node.life == life
                    && let Some(input) = node.fetch(place)
                {
                    self.feed(peer, input);
                }
            }
            Event::Uplink => self.uplink_done(peer),
            Event::Room { pipe } => self.has_room(pipe),
            Event::Arrive { pipe } => self.arrive(now, peer, pipe),
            Event::Have { pipe, piece, received } => self.have_arrives(now, peer, pipe, piece, received),
            Event::Deliver { pipe } => self.deliver(now, pipe),
            Event::Knock { from, life } => self.knocked(now, peer, from, life),
            Event::Answer { to, life, open } => self.answered(peer, to, life, open),
            Event::Linger { pipe } => self.linger(pipe),
        }
        self.go_on(now, peer);
    }

    /// Puts something on a peer's agenda. On another's than of whose turn it is: no sooner than a span from now.
    fn put(&mut self, peer: u32, at: Time, event: Event) {
        self.agendas[peer as usize].put(at, event);
        self.calendar.due(peer, at);
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

    /// How many events there were, ticks left out, and when the run ended.
    pub fn events(&self) -> (u64, Time) {
        (self.agendas.iter().map(EventQueue::taken).sum(), self.now)
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
        let now = self.now;
        let node = &mut self.nodes[peer as usize];
        let Some(brain) = &mut node.brain else { return };
        self.trace.input(now, peer, &input);
        self.checker.input(now, peer, &input);
        if let Input::Block { at, .. } = &input {
            node.received += u64::from(at.len);
        }
        brain.handle(now, input);
        while let Some(output) = self.nodes[peer as usize].brain.as_mut().and_then(|brain| brain.poll_output()) {
            self.trace.output(now, peer, &output);
            self.checker.output(now, peer, &output, &self.nodes[peer as usize].disk);
            self.carry_out(now, peer, output);
        }
    }

    /// After something has happened to a peer: what it wants to send is sent, and its deadline is noted.
    fn go_on(&mut self, now: Time, peer: u32) {
        self.pump(now, peer);
        let node = &mut self.nodes[peer as usize];
        node.tick_at = node.brain.as_ref().and_then(|brain| brain.deadline()).map(|at| at.max(now));
    }

    fn tick(&mut self, now: Time, peer: u32) {
        self.feed(peer, Input::Tick);
        self.go_on(now, peer);
        let node = &mut self.nodes[peer as usize];
        // What a tick has freed may be due at once, so a few in a row are progress; many are none.
        node.ticks = if node.tick_at == Some(now) { node.ticks + 1 } else { 0 };
        if node.ticks > TICKS_MAX {
            node.ticks = 0;
            node.tick_at = Some(now + STUCK);
            self.checker.note(peer, Err((Rule::Time, format!("wants {TICKS_MAX} ticks at one moment"))));
        }
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

/// The shortest way between two peers: the length of a span.
fn span(scenario: &Scenario, nodes: &[Node]) -> Duration {
    let shortest = match scenario.rtt {
        Some((min, _)) => min / 2,
        None => nodes.iter().map(|node| node.delay).min().unwrap_or_default() * 2,
    };
    shortest.max(DELAY_MIN)
}
