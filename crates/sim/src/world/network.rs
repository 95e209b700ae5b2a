//! How a peer sends (own design): dials, what is queued on its connections, its uplink, and how its ends close.
use super::event::Event;
use super::exchange::Delivery;
use super::part::Part;
use crate::conn::{End, NOWHERE};
use crate::name::{Key, place};
use crate::node::index_of;
use crate::packet::Packet;
use crate::pipe::{Room, Turn};
use std::time::Duration;
use teem_engine::input::{DialError, Input};
use teem_swarm::ids::{ConnId, TorrentId};
use teem_swarm::remote::{How, Remote};
use teem_swarm::time::Time;

/// When a dial that nobody answers is given up (the contract's connect limit).
const DIAL_LIMIT: Duration = Duration::from_secs(10);
/// How long a closed connection may take to send what was queued (the contract's limit).
const LINGER: Duration = Duration::from_secs(2);
/// Size of a HAVE in bytes.
pub(super) const HAVE: u64 = 9;

impl Part {
    pub(super) fn dial(&mut self, now: Time, me: usize, torrent: TorrentId, (remote, how): (Remote, How)) {
        let seats = &self.common.seats;
        let to = remote.addr().and_then(|addr| index_of(addr, seats.len())).filter(|to| !seats[*to as usize].nat);
        let Some(to) = to else {
            let failed = Input::DialFailed { torrent, to: remote, how, why: DialError::TimedOut, over: true };
            return self.post(me, now + DIAL_LIMIT, failed);
        };
        let from = self.number(me);
        let dial = self.nodes[me].dials(to);
        self.send(to, now + self.common.delay(from, to), Event::Knock { from, dial });
    }

    /// Somebody dials a peer: it keeps a place for the connection, or refuses.
    pub(super) fn knocked(&mut self, now: Time, me: usize, from: u32, dial: u32) {
        let delay = self.common.delay(from, self.number(me));
        let open = self.nodes[me].brain.is_some() && !self.full(me);
        let there = if open { self.nodes[me].keep(End::new(from, delay)) } else { NOWHERE };
        self.send(from, now + delay, Event::Answer { dial, there });
    }

    /// What the names of the next connection that a peer makes have in common.
    pub(super) fn next_key(&mut self, me: usize) -> Key {
        let (span, dialler) = (self.calendar.span_of(self.now), self.number(me));
        let made = &mut self.nodes[me].made;
        *made = if made.0 == span { (span, made.1 + 1) } else { (span, 0) };
        Key::new(span, dialler, made.1)
    }

    /// Queues a packet; what is sent into a closed connection is lost.
    pub(super) fn push(&mut self, me: usize, conn: ConnId, packet: Packet) {
        let Some(end) = self.nodes[me].end(conn) else { return };
        if end.open && !end.ended {
            end.out.push(packet);
            self.make_ready(me, place(conn));
        }
    }

    /// The process closes: what is queued goes out, then the connection ends.
    pub(super) fn close(&mut self, now: Time, me: usize, conn: ConnId) {
        let Some(end) = self.nodes[me].end(conn) else { return };
        if !std::mem::replace(&mut end.open, false) {
            return;
        }
        self.nodes[me].pipes.remove(&conn);
        self.finish(me, place(conn));
        self.put(me, now + LINGER, Event::Linger { end: place(conn) });
    }

    /// The process or the other side is gone: what is queued is lost. Where nothing has said where the other end lies, nothing is sent.
    pub(super) fn reset(&mut self, me: usize, end: u32) {
        let node = &mut self.nodes[me];
        let state = &mut node.ends[end as usize];
        state.open = false;
        node.pipes.remove(&state.conn);
        state.ended |= state.there == NOWHERE;
        if !state.ended {
            state.out.drop_waiting();
            self.finish(me, end);
        }
    }

    pub(super) fn linger(&mut self, me: usize, end: u32) {
        let out = &mut self.nodes[me].ends[end as usize].out;
        if out.waits() {
            out.drop_waiting();
            out.push(Packet::Fin);
        }
    }

    /// Sends the last packet.
    pub(super) fn finish(&mut self, me: usize, end: u32) {
        let state = &mut self.nodes[me].ends[end as usize];
        if !std::mem::replace(&mut state.ended, true) {
            state.out.push(Packet::Fin);
            self.make_ready(me, end);
        }
    }

    pub(super) fn make_ready(&mut self, me: usize, end: u32) {
        let node = &mut self.nodes[me];
        let out = &mut node.ends[end as usize].out;
        if out.turn == Turn::Idle && out.waits() {
            out.turn = Turn::Ready;
            node.up.ready.push_back(end);
        }
    }

    /// An acknowledgement has come for which a pipe waited.
    pub(super) fn has_room(&mut self, me: usize, end: u32) {
        self.nodes[me].ends[end as usize].out.turn = Turn::Idle;
        self.make_ready(me, end);
    }

    /// Sends while the uplink is free and something is ready.
    pub(super) fn pump(&mut self, now: Time, me: usize) {
        loop {
            let node = &mut self.nodes[me];
            let up = &mut node.up;
            if up.ready.is_empty() || up.current.is_some() {
                return;
            }
            if up.busy_until > now {
                if !std::mem::replace(&mut up.waking, true) {
                    let at = up.busy_until;
                    self.put(me, at, Event::Uplink);
                }
                return;
            }
            let Some(end) = up.ready.pop_front() else { return };
            let rate = up.rate;
            let state = &mut node.ends[end as usize];
            let room = state.out.room(now);
            state.out.turn = match room {
                Room::Now | Room::Idle => Turn::Idle,
                Room::At(_) => Turn::Full,
                Room::Unknown => Turn::Blocked,
            };
            match room {
                Room::Now => {}
                Room::At(at) => {
                    self.put(me, at, Event::Room { end });
                    continue;
                }
                Room::Idle | Room::Unknown => continue,
            }
            let (to, there, delay) = (state.other, state.there, state.delay);
            if let Some(piece) = state.out.lone_have() {
                let left = now + rate.time_for(HAVE);
                up.busy_until = left;
                self.send(to, left + delay, Event::Have { end: there, piece, received: false });
                continue;
            }
            let deliveries = &mut self.outbox[(to / self.size) as usize];
            let batch = state.out.send(|bytes| rate.time_for(bytes), &mut deliveries.packets);
            if state.ended {
                state.out.retire();
            }
            let left = now + batch.took;
            deliveries.put(left + delay, Delivery::Batch { to, end: there, at: left + delay, batch });
            up.busy_until = left;
            node.sent += u64::from(batch.payload);
            if batch.payload > 0 {
                up.current = Some((end, u64::from(batch.payload)));
                up.waking = true;
                self.put(me, left, Event::Uplink);
            }
            self.make_ready(me, end);
        }
    }

    /// Whether a line bears no more connections.
    pub(super) fn full(&self, me: usize) -> bool {
        let node = &self.nodes[me];
        node.spec.conns_max.is_some_and(|most| node.pipes.len() >= most as usize)
    }
}
