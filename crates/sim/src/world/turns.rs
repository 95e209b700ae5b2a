//! How the peers of a part live (own design): one after the other, span by span, each through all that is on its agenda.
use super::event::Event;
use super::exchange::Delivery;
use super::part::Part;
use crate::check::violation::Rule;
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

impl Part {
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
            let mut deliveries = std::mem::take(&mut self.inbox[from]);
            let mut packets = deliveries.packets.drain(..);
            for delivery in deliveries.list.drain(..) {
                match delivery {
                    Delivery::Event { to, at, event } => self.put(self.place(to), at, event),
                    Delivery::Batch { to, end, at, batch } => {
                        let me = self.place(to);
                        self.nodes[me].ends[end as usize].incoming.coming(batch, &mut packets);
                        self.put(me, at, Event::Arrive { end });
                    }
                    Delivery::Datagram { to, from, at, bytes } => self.coming_datagram(self.place(to), from, at, bytes),
                    Delivery::Unused { to, end } => {
                        let me = self.place(to);
                        self.nodes[me].unused.push(end);
                    }
                    Delivery::Ack { to, end, ack } => {
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
            deliveries.soonest = None;
            self.inbox[from] = deliveries;
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
            Event::Datagram { place, life } => self.datagram_arrives(now, me, place, life),
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

    /// After something has happened to a peer: what it wants to send is sent, and its deadline is noted.
    fn go_on(&mut self, now: Time, me: usize) {
        self.pump(now, me);
        let node = &mut self.nodes[me];
        node.tick_at = node.brain.as_ref().and_then(|brain| brain.deadline()).map(|at| at.max(now));
    }
}
