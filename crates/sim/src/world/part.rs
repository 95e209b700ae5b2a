//! Some of the peers of a world (own design): those that live on one thread, one after the other, span by span.
//!
//! What a peer does to another goes into the outbox (see `exchange`), to one of the same part too: so a run is the same however many
//! parts there are. Within a part peers go by their place, `me`; to others they are known by their number.
use super::common::Common;
use super::event::Event;
use super::exchange::{Deliveries, Delivery, News};
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
use teem_engine::input::Input;
use teem_swarm::time::Time;

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
    pub(crate) outbox: Vec<Deliveries>,
    /// What has come from each part and is not handed out.
    pub(crate) inbox: Vec<Deliveries>,
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
        let first = self.inbox.iter().filter_map(|deliveries| deliveries.soonest).min();
        let first = first.map(|at| self.calendar.begin(at));
        self.calendar.next().into_iter().chain(first).min()
    }

    /// Puts something on the agenda of one of ours.
    pub(super) fn put(&mut self, me: usize, at: Time, event: Event) {
        self.agendas[me].put(at, event);
        self.calendar.due(me as u32, at);
    }

    /// Something is to happen to a peer, no sooner than a span from now.
    pub(super) fn send(&mut self, to: u32, at: Time, event: Event) {
        self.outbox[(to / self.size) as usize].put(at, Delivery::Event { to, at, event });
    }

    /// Gives a peer an input later.
    pub(super) fn post(&mut self, me: usize, at: Time, input: Input<SimBlock>) {
        let node = &mut self.nodes[me];
        let (place, life) = (node.post(input), node.life);
        self.put(me, at, Event::Mail { place, life });
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
