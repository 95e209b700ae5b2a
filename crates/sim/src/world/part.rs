//! Some of the peers of a world (own design): those that live on one thread, one after the other, span by span.
//!
//! What a peer does to another goes into a sack (see `parcel`), to one of the same part too: so a run is the same however many
//! parts there are. Within a part peers go by their place, `me`; to others they are known by their number.
use super::common::Common;
use super::event::Event;
use super::parcel::{News, Parcel, Sack};
use crate::block::SimBlock;
use crate::calendar::Calendar;
use crate::check::checker::Checker;
use crate::check::violation::Rule;
use crate::node::Node;
use crate::packet::Packet;
use crate::queue::EventQueue;
use crate::scenario::Departure;
use crate::series::Holders;
use crate::tracker::Tracker;
use crate::wire::Wire;
use std::sync::Arc;
use std::time::Duration;
use teem_engine::input::Input;
use teem_swarm::command::Command;
use teem_swarm::time::Time;

/// What is waited before a peer whose deadline does not move is ticked again.
const STUCK: Duration = Duration::from_millis(1);
/// How many ticks in a row may leave the deadline where it is.
const TICKS_MAX: u32 = 4;
/// Peers that are read for together before they live: enough that memory is asked for several things at once, few enough that
/// what was read first is still near when it is needed.
const TOGETHER: usize = 4;

/// Some of the peers.
pub(super) struct Part {
    pub common: Arc<Common>,
    /// The number of the first.
    pub first: u32,
    pub nodes: Vec<Node>,
    pub(crate) agendas: Vec<EventQueue<Event>>,
    pub(crate) calendar: Calendar,
    pub(crate) checker: Checker,
    /// What present givers among them hold.
    pub holders: Holders,
    /// What is under way from here to each part.
    pub(crate) sacks: Vec<Sack>,
    /// What has come from each part and is not handed out.
    pub(crate) inbox: Vec<Sack>,
    pub(crate) news: Vec<News>,
    /// The moment of the peer whose turn it is.
    pub now: Time,
    /// When the run is over.
    pub end: Time,
    /// How many peers each part has; the last may have fewer.
    pub size: u32,
    pub(crate) unpacked: Vec<Packet>,
    /// The codecs, when the links carry bytes.
    pub wire: Option<Wire>,
}

impl Part {
    /// The number of the one at a place.
    pub(super) fn number(&self, me: usize) -> u32 {
        self.first + me as u32
    }

    /// Whether a peer is one of ours.
    pub(super) fn has(&self, peer: u32) -> bool {
        peer.checked_sub(self.first).is_some_and(|place| (place as usize) < self.nodes.len())
    }

    /// The place of one of ours.
    pub(super) fn place(&self, peer: u32) -> usize {
        (peer - self.first) as usize
    }

    /// When the next span begins in which something happens here.
    pub(super) fn next(&self) -> Option<Time> {
        let parcels = self.inbox.iter().filter_map(|sack| sack.soonest).min();
        let parcels = parcels.map(|at| self.calendar.begin(at));
        self.calendar.next().into_iter().chain(parcels).min()
    }

    /// All live through a span that ends then.
    pub(super) fn live_through(&mut self, until: Time, end: Time) {
        self.end = end;
        self.hand_out();
        let mut turns = Vec::new();
        while self.calendar.turns(TOGETHER, until, &mut turns) {
            self.approach(&turns, until);
            for &peer in &turns {
                self.live(peer as usize, until);
            }
        }
    }

    /// What has come from others is put where it belongs.
    fn hand_out(&mut self) {
        for from in 0..self.inbox.len() {
            let mut sack = std::mem::take(&mut self.inbox[from]);
            let mut packets = sack.packets.drain(..);
            for parcel in sack.parcels.drain(..) {
                match parcel {
                    Parcel::Event { to, at, event } => self.put(self.place(to), at, event),
                    Parcel::Batch { to, end, at, batch } => {
                        let me = self.place(to);
                        self.nodes[me].ends[end as usize].incoming.coming(batch, &mut packets);
                        self.put(me, at, Event::Arrive { end });
                    }
                    Parcel::Unused { to, end } => {
                        let me = self.place(to);
                        self.nodes[me].unused.push(end);
                    }
                    Parcel::Ack { to, end, ack } => {
                        let me = self.place(to);
                        let state = &mut self.nodes[me].ends[end as usize];
                        // After the last packet nobody takes note of it.
                        let over = state.ended && !state.out.waits();
                        if !over && state.out.acknowledged(ack) {
                            self.put(me, ack.at, Event::Room { end });
                        }
                    }
                }
            }
            drop(packets);
            sack.soonest = None;
            self.inbox[from] = sack;
        }
    }

    /// A peer lives until the end of a span.
    fn live(&mut self, me: usize, until: Time) {
        let next = loop {
            let (event_at, tick_at) = (self.agendas[me].next_at(), self.nodes[me].tick_at);
            let next = event_at.into_iter().chain(tick_at).min();
            let next = next.filter(|at| *at <= self.end);
            let Some(at) = next.filter(|at| *at < until) else { break next };
            self.now = at;
            if event_at == Some(at) {
                self.happen(me);
            } else {
                self.tick(at, me);
            }
        };
        self.calendar.rest(me as u32, next);
    }

    /// The next thing on a peer's agenda happens.
    fn happen(&mut self, me: usize) {
        let Some((now, event)) = self.agendas[me].take() else { return };
        match event {
            Event::Come => self.come(me),
            Event::Go { life, crash } => self.go(me, life, crash),
            Event::Mail { place, life } => {
                let node = &mut self.nodes[me];
                if node.life == life
                    && let Some(input) = node.fetch(place)
                {
                    let audit = matches!(input, Input::Command(Command::Snapshot(_)));
                    self.feed(me, input);
                    if audit {
                        self.audited(me);
                    }
                }
            }
            Event::Uplink => self.uplink_done(me),
            Event::Room { end } => self.has_room(me, end),
            Event::Arrive { end } => self.arrive(now, me, end),
            Event::Have { end, piece, received } => self.have_arrives(now, me, end, piece, received),
            Event::Deliver { end } => self.deliver(now, me, end),
            Event::Knock { from, dial } => self.knocked(now, me, from, dial),
            Event::Answer { dial, there } => self.answered(me, dial, there),
            Event::Linger { end } => self.linger(me, end),
        }
        self.go_on(now, me);
    }

    /// Puts something on the agenda of one of ours.
    pub(super) fn put(&mut self, me: usize, at: Time, event: Event) {
        self.agendas[me].put(at, event);
        self.calendar.due(me as u32, at);
    }

    /// Something is to happen to a peer, no sooner than a span from now.
    pub(super) fn send(&mut self, to: u32, at: Time, event: Event) {
        self.sacks[(to / self.size) as usize].put(at, Parcel::Event { to, at, event });
    }

    /// Gives a peer an input and carries out what it wants.
    pub(super) fn feed(&mut self, me: usize, input: Input<SimBlock>) {
        let now = self.now;
        let node = &mut self.nodes[me];
        let Some(brain) = &mut node.brain else { return };
        node.trace.input(now, &input);
        self.checker.input(now, me, &input);
        if let Input::Block { at, .. } = &input {
            node.received += u64::from(at.len);
        }
        brain.handle(now, input);
        while let Some(output) = self.nodes[me].brain.as_mut().and_then(|brain| brain.poll_output()) {
            let node = &mut self.nodes[me];
            node.trace.output(now, &output);
            self.checker.output(now, me, &output, &node.disk);
            self.carry_out(now, me, output);
        }
    }

    /// After something has happened to a peer: what it wants to send is sent, and its deadline is noted.
    fn go_on(&mut self, now: Time, me: usize) {
        self.pump(now, me);
        let node = &mut self.nodes[me];
        node.tick_at = node.brain.as_ref().and_then(|brain| brain.deadline()).map(|at| at.max(now));
    }

    fn tick(&mut self, now: Time, me: usize) {
        self.feed(me, Input::Tick);
        self.go_on(now, me);
        let node = &mut self.nodes[me];
        // What a tick has freed may be due at once, so a few in a row are progress; many are none.
        node.ticks = if node.tick_at == Some(now) { node.ticks + 1 } else { 0 };
        if node.ticks > TICKS_MAX {
            node.ticks = 0;
            node.tick_at = Some(now + STUCK);
            self.checker.note(me, Err((Rule::Time, format!("wants {TICKS_MAX} ticks at one moment"))));
        }
    }

    /// What can only be said at the end.
    pub(super) fn judge(&mut self, tracker: &Tracker, now: Time) {
        self.checker.set_now(now);
        let all = self.common.content.pieces();
        for (me, node) in self.nodes.iter().enumerate() {
            let said = tracker.said(node.addr);
            let wants = node.spec.role.wants();
            if said.completed > 1 || (said.completed > 0 && !wants) {
                self.checker.note(me, Err((Rule::Tracker, format!("said completed {} times", said.completed))));
            }
            let gone = matches!(node.spec.departure, Departure::Dies(_)) && node.brain.is_none();
            if node.must() && !gone && node.complete.is_none() {
                let have = node.disk.good_pieces();
                let what = format!("ends with {have} of {all} pieces, at {} connections", node.pipes.len());
                self.checker.note(me, Err((Rule::Liveness, what)));
            }
        }
    }
}
