//! The world (own design): peers, connections, the tracker and the clock, run event by event.
//!
//! Each peer has an agenda of its own and lives through one span of time after the other (see `calendar`). What one
//! does to another is an event on the other's agenda, no sooner than a span later; a peer's code touches nothing else
//! of another. So the peers can be cut into parts that live on threads of their own, and a run is the same on any number.
//!
//! Invariants: nothing happens but by an event of an agenda or a deadline; every input and output of every peer goes through
//! `Part::feed`, and with it through its trace and the checkers; nothing is drawn but from the seed.
mod approach;
mod arriving;
mod common;
mod crew;
mod datagrams;
mod event;
mod exchange;
mod life;
mod network;
mod outputs;
mod outs;
mod part;
mod turns;

use crate::bound;
use crate::brain::Maker;
use crate::calendar::Calendar;
use crate::check::checker::{Checker, Findings, Roster};
use crate::content::Content;
use crate::name::{PEERS_MAX, SPANS_MAX};
use crate::node::{Node, PORT};
use crate::queue::EventQueue;
use crate::scenario::Scenario;
use crate::series::{Holders, Series, Totals};
use crate::trace::Trace;
use crate::tracker::Tracker;
use crate::wire::Wire;
use common::{Common, TRACKER};
use crew::Crew;
use event::Event;
use exchange::{Deliveries, News};
use outs::Outs;
use part::Part;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use teem_engine::input::{Input, PeerSource};
use teem_swarm::ask::Answer;
use teem_swarm::rng::Rng;
use teem_swarm::time::Time;

/// How long the world goes on after the last peer is complete, so that what follows is watched too.
const TAIL: Duration = Duration::from_secs(15);

/// For so many peers another thread is worth its while.
pub const PEERS_A_THREAD: usize = 100;

/// A network of peers with a tracker, run from a scenario until all that must complete have.
pub struct World {
    scenario: Scenario,
    common: Arc<Common>,
    /// Everybody, but while it runs: then they are with the parts.
    nodes: Vec<Node>,
    agendas: Vec<EventQueue<Event>>,
    /// On how many threads it runs.
    threads: usize,
    /// The moment at which it stands.
    now: Time,
    /// When the run is over.
    end: Time,
    tracker: Tracker,
    /// Nobody is watched for more than that it completes.
    lenient: bool,
    findings: Findings,
    /// Those that go once others hold a whole copy, while others do not.
    waiting: Vec<u32>,
    /// Peers that must complete and have not.
    missing: usize,
    /// Which blocks have left a seed.
    out: Outs,
    series: Series,
    /// The codecs, when the links carry bytes.
    wire: Option<Wire>,
    /// What the codecs draw from.
    draws: u64,
}

impl World {
    /// A world at its start.
    ///
    /// # Panics
    ///
    /// When it has more peers, or may last for more spans, than the names of connections can tell apart.
    pub fn new(scenario: Scenario, seed: u64, maker: Maker) -> Self {
        let mut rng = Rng::new(seed);
        let content = Content::new(scenario.pieces, scenario.piece_len, scenario.short, &mut rng.fork());
        let mut nodes = Vec::new();
        for group in &scenario.groups {
            for _ in 0..group.count {
                nodes.push(Node::new(nodes.len() as u32, group, &content, &mut rng));
            }
        }
        let tracker = Tracker::new(rng.fork());
        let draws = rng.next_u64();
        let mut agendas: Vec<EventQueue<Event>> = nodes.iter().map(|_| EventQueue::default()).collect();
        for (agenda, at) in agendas.iter_mut().zip(life::arrivals(&scenario.groups, &mut nodes)) {
            agenda.put(at, Event::Come);
        }
        let common = Arc::new(Common::new(&scenario, content, maker, draws, &nodes));
        let spans = scenario.limit.as_nanos() / common.span.as_nanos();
        assert!(nodes.len() <= PEERS_MAX && spans < SPANS_MAX, "{} peers for {spans} spans are too many", nodes.len());
        Self {
            waiting: life::waiting(&nodes),
            missing: nodes.iter().filter(|node| node.must()).count(),
            out: Outs::new(&common.content),
            series: Series::new(bound::fluid(&scenario)),
            common,
            threads: 1,
            now: Time::ZERO,
            end: Time::ZERO + scenario.limit,
            lenient: false,
            findings: Findings::default(),
            wire: None,
            scenario,
            agendas,
            nodes,
            tracker,
            draws,
        }
    }

    /// Runs on that many threads, at least one. The run is the same, only sooner over.
    pub fn on_threads(&mut self, threads: usize) {
        self.threads = threads.clamp(1, self.nodes.len().max(1));
    }

    /// Breaks the disk of a peer, for tests of the checkers: it takes every piece for right.
    pub fn break_disk(&mut self, peer: u32) {
        self.nodes[peer as usize].disk.set_blind();
    }

    /// The disk of a peer judges no piece, for tests of what waits for it.
    pub fn stop_disk(&mut self, peer: u32) {
        self.nodes[peer as usize].disk.set_stuck();
    }

    /// The links carry bytes from now on, through the real codecs, on one thread. For tens of peers.
    pub fn carry_bytes(&mut self) {
        self.wire = Some(Wire::new(Rng::new(self.draws)));
    }

    /// The codecs, when the links carry bytes.
    pub fn wire(&self) -> Option<&Wire> {
        self.wire.as_ref()
    }

    /// Somebody else's client plays the engine: that all complete is the only rule.
    pub fn watch_only_completion(&mut self) {
        self.lenient = true;
    }

    /// Runs it to its end.
    pub fn run(&mut self) {
        let mut parts = self.cut();
        std::thread::scope(|scope| {
            let crew = Crew::new(scope, parts.len() - 1);
            while let Some(begin) = parts.iter().filter_map(Part::next).min().filter(|begin| *begin <= self.end) {
                if self.series.due(begin) {
                    self.part_with(&mut parts, begin);
                }
                while self.series.due(begin) {
                    self.sample(&parts);
                }
                crew.live_through(&mut parts, begin + self.common.span, self.end);
                hand_over(&mut parts);
                for part in &mut parts {
                    for news in std::mem::take(&mut part.news) {
                        self.hear(news, part);
                    }
                }
            }
        });
        self.now = self.end;
        self.gather(parts);
    }

    /// Everybody goes to a part.
    fn cut(&mut self) -> Vec<Part> {
        let content = &self.common.content;
        let roster = Arc::new(Roster::new(&self.nodes));
        let threads = if self.wire.is_some() { 1 } else { self.threads };
        let size = self.nodes.len().div_ceil(threads).max(1);
        let count = self.nodes.len().div_ceil(size).max(1);
        let mut nodes = std::mem::take(&mut self.nodes).into_iter();
        let mut agendas = std::mem::take(&mut self.agendas).into_iter();
        let part = |place: usize| {
            let first = (place * size) as u32;
            let nodes: Vec<Node> = nodes.by_ref().take(size).collect();
            let agendas: Vec<_> = agendas.by_ref().take(size).collect();
            let mut calendar = Calendar::new(self.common.span, nodes.len());
            for (me, at) in agendas.iter().enumerate().filter_map(|(me, agenda)| Some((me, agenda.next_at()?))) {
                calendar.due(me as u32, at);
            }
            Part {
                common: self.common.clone(),
                first,
                checker: Checker::new(content.clone(), roster.clone(), first, &nodes, self.lenient),
                holders: Holders::new(content.pieces()),
                outbox: (0..count).map(|_| Deliveries::default()).collect(),
                inbox: (0..count).map(|_| Deliveries::default()).collect(),
                news: Vec::new(),
                now: Time::ZERO,
                end: self.end,
                size: size as u32,
                unpacked: Vec::new(),
                wire: self.wire.take(),
                nodes,
                agendas,
                calendar,
            }
        };
        (0..count).map(part).collect()
    }

    /// Everybody comes back, with what the checkers found.
    fn gather(&mut self, parts: Vec<Part>) {
        let (mut watched, mut judged) = (Vec::new(), Vec::new());
        for mut part in parts {
            watched.push(part.checker.take_findings());
            part.judge(&self.tracker, self.now);
            judged.push(part.checker.take_findings());
            self.nodes.append(&mut part.nodes);
            self.agendas.append(&mut part.agendas);
            self.wire = self.wire.take().or(part.wire);
        }
        self.findings = Findings::merge(watched, judged, self.common.span);
    }

    /// What was run.
    pub fn scenario(&self) -> &Scenario {
        &self.scenario
    }

    /// The peers, numbered by their place.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// What the checkers found in a run that is over.
    pub fn findings(&self) -> &Findings {
        &self.findings
    }

    /// The tracker that all peers announce to.
    pub fn tracker(&self) -> &Tracker {
        &self.tracker
    }

    /// The hash of all that happened.
    pub fn hash(&self) -> u64 {
        let mut all = Trace::default();
        self.nodes.iter().for_each(|node| all.words(&[node.trace.value()]));
        all.value()
    }

    /// How many events there were, ticks left out, and when the run ended.
    pub fn events(&self) -> (u64, Time) {
        (self.agendas.iter().map(EventQueue::taken).sum(), self.now)
    }

    /// Payload bytes that the seeds sent, and what they had sent when every block had left once.
    pub(crate) fn source(&self) -> (u64, Option<u64>) {
        (self.out.sent(), self.out.all_out())
    }

    /// How it went over time.
    pub fn series(&self) -> &Series {
        &self.series
    }

    fn sample(&mut self, parts: &[Part]) {
        let content = &self.common.content;
        let totals = Totals {
            size: content.total(),
            pieces: content.pieces(),
            source_sent: self.out.sent(),
            blocks: self.out.all(),
            blocks_missing: self.out.missing(),
            rarest: Holders::rarest(parts.iter().map(|part| &part.holders)),
        };
        let nodes: Vec<&Node> = parts.iter().flat_map(|part| &part.nodes).collect();
        self.series.take(&nodes, totals);
    }

    /// Something has happened in a part that concerns all.
    fn hear(&mut self, news: News, part: &mut Part) {
        match news {
            News::Left(at) => self.out.left(at),
            News::Settled(now) => {
                self.missing -= 1;
                if self.missing == 0 {
                    self.end = self.end.min(now + TAIL);
                }
            }
            News::Announce { now, peer, life, id, announce } => {
                let me = part.place(peer);
                let node = &part.nodes[me];
                let addr = SocketAddr::new(node.addr.ip(), if announce.port == 0 { PORT } else { announce.port });
                let at = now + TRACKER + node.delay * 2;
                let reply = self.tracker.announce(now, addr, &announce);
                if node.life == life {
                    let answer = Answer::Announced { source: PeerSource::PublicTracker, reply };
                    part.post(me, at, Input::Answer { id, answer });
                }
            }
        }
    }
}

/// What is under way from each part goes to the part that it is for.
fn hand_over(parts: &mut [Part]) {
    for from in 0..parts.len() {
        for to in 0..parts.len() {
            let deliveries = std::mem::take(&mut parts[from].outbox[to]);
            let empty = std::mem::replace(&mut parts[to].inbox[from], deliveries);
            parts[from].outbox[to] = empty;
        }
    }
}
