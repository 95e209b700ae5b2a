//! How packets get from one peer to another (own design): dial, queue, send, travel, receive, close.
use super::common::TORRENT;
use super::event::Event;
use super::parcel::Parcel;
use super::part::Part;
use crate::check::violation::Rule;
use crate::conn::{End, NOWHERE};
use crate::name::{Key, place};
use crate::node::{Dial, PORT, index_of};
use crate::packet::Packet;
use crate::pipe::{Room, Turn};
use std::net::SocketAddr;
use std::time::Duration;
use teem_engine::input::{DialError, Input};
use teem_swarm::ids::{ConnId, TorrentId};
use teem_swarm::output::CloseReason;
use teem_swarm::remote::{How, Remote};
use teem_swarm::time::Time;
use teem_wire::peer::message::Message;

/// When a dial that nobody answers is given up (the contract's connect limit).
const DIAL_LIMIT: Duration = Duration::from_secs(10);
/// How long a closed connection may take to send what was queued (the contract's limit).
const LINGER: Duration = Duration::from_secs(2);
/// Batches up to this size in bytes need no event of their own at an idle downlink.
const SMALL: u64 = 1024;
/// Size of a HAVE in bytes.
const HAVE: u64 = 9;

impl Part {
    pub(super) fn dial(&mut self, now: Time, me: usize, torrent: TorrentId, (remote, how): (Remote, How)) {
        let seats = &self.common.seats;
        let to = remote.addr().and_then(|addr| index_of(addr, seats.len())).filter(|to| !seats[*to as usize].nat);
        let Some(to) = to else {
            let failed = Input::DialFailed { torrent, to: remote, how, why: DialError::TimedOut };
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

    /// A dial is answered.
    pub(super) fn answered(&mut self, me: usize, dial: u32, there: u32) {
        let from = self.number(me);
        let Some(Dial { to, life }) = self.nodes[me].answered(dial) else { return };
        let (open, delay) = (there != NOWHERE, self.common.delay(from, to));
        let wanted = self.nodes[me].life == life && self.nodes[me].brain.is_some();
        if open && (!wanted || self.full(me)) {
            let at = self.now + delay;
            self.sacks[(to / self.size) as usize].put(at, Parcel::Unused { to, end: there });
        }
        if !wanted {
            return;
        }
        let (torrent, remote) = (TORRENT, Remote::from(self.common.seats[to as usize].addr));
        if !open || self.full(me) {
            return self.feed(me, Input::DialFailed { torrent, to: remote, how: How::Tcp, why: DialError::Refused });
        }
        let key = self.next_key(me);
        let node = &mut self.nodes[me];
        let here = node.keep(End::new(to, delay));
        let end = &mut node.ends[here as usize];
        (end.there, end.conn, end.open) = (there, key.name(here), true);
        let conn = end.conn;
        end.out.push(Packet::Open { there: here, key });
        node.pipes.insert(conn);
        let local = SocketAddr::new(node.addr.ip(), PORT);
        self.checker.connected(me, conn, to);
        self.make_ready(me, here);
        self.feed(me, Input::Connected { conn, torrent, remote, local: Some(local) });
    }

    /// What the names of the next connection that a peer makes have in common.
    fn next_key(&mut self, me: usize) -> Key {
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
    fn finish(&mut self, me: usize, end: u32) {
        let state = &mut self.nodes[me].ends[end as usize];
        if !std::mem::replace(&mut state.ended, true) {
            state.out.push(Packet::Fin);
            self.make_ready(me, end);
        }
    }

    fn make_ready(&mut self, me: usize, end: u32) {
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
            let sack = &mut self.sacks[(to / self.size) as usize];
            let batch = state.out.send(|bytes| rate.time_for(bytes), &mut sack.packets);
            if state.ended {
                state.out.retire();
            }
            let left = now + batch.took;
            sack.put(left + delay, Parcel::Batch { to, end: there, at: left + delay, batch });
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

    pub(super) fn uplink_done(&mut self, me: usize) {
        let node = &mut self.nodes[me];
        node.up.waking = false;
        let Some((end, bytes)) = node.up.current.take() else { return };
        let End { open, conn, .. } = node.ends[end as usize];
        if open {
            self.feed(me, Input::Sent { conn, bytes });
        }
    }

    pub(super) fn arrive(&mut self, now: Time, me: usize, end: u32) {
        let node = &mut self.nodes[me];
        let Some(batch) = node.ends[end as usize].incoming.arrive(now) else { return };
        let bytes = u64::from(batch.bytes);
        let idle = node.down.busy_until <= now;
        let received = node.down.receive(now, bytes, batch.took);
        if received <= now || idle && bytes <= SMALL {
            self.deliver(now, me, end);
        } else {
            self.put(me, received, Event::Deliver { end });
        }
    }

    /// What `arrive` and `deliver` do for a batch.
    pub(super) fn have_arrives(&mut self, now: Time, me: usize, end: u32, piece: u32, received: bool) {
        if !received {
            let down = &mut self.nodes[me].down;
            let (idle, took) = (down.busy_until <= now, down.rate.time_for(HAVE));
            let at = down.receive(now, HAVE, took);
            if !idle {
                return self.put(me, at, Event::Have { end, piece, received: true });
            }
        }
        self.unpack(me, end, Packet::Have(piece));
    }

    pub(super) fn deliver(&mut self, now: Time, me: usize, end: u32) {
        let mut packets = std::mem::take(&mut self.unpacked);
        let state = &mut self.nodes[me].ends[end as usize];
        let (to, back) = (state.other, now + state.delay);
        if let Some(ack) = state.incoming.deliver(now, back, &mut packets) {
            // The first packet of a dial says where the other end lies.
            let there = match packets.first() {
                Some(Packet::Open { there, .. }) => *there,
                _ => state.there,
            };
            // A peer that left before it said where its end lies hears no acknowledgement.
            if there != NOWHERE {
                self.sacks[(to / self.size) as usize].put(back, Parcel::Ack { to, end: there, ack });
            }
        }
        for packet in packets.drain(..) {
            self.unpack(me, end, packet);
        }
        self.unpacked = packets;
    }

    /// A packet comes out at an end.
    fn unpack(&mut self, me: usize, end: u32, packet: Packet) {
        let Some(packet) = self.carried(me, end, packet) else { return };
        let state = &mut self.nodes[me].ends[end as usize];
        let conn = state.conn;
        match packet {
            Packet::Open { there, key } => return self.accept(me, end, there, key),
            Packet::Fin => {
                let known = state.open;
                state.incoming.retire();
                self.reset(me, end);
                if known {
                    self.feed(me, Input::Closed { conn, why: CloseReason::Remote });
                }
                return;
            }
            _ if !state.open => return,
            _ => {}
        }
        let input = match packet {
            Packet::Hello(handshake) => Input::Hello { conn, handshake: *handshake },
            Packet::Have(piece) => Input::Message { conn, message: Message::Have(piece) },
            Packet::Request(at) => Input::Message { conn, message: Message::Request(at) },
            Packet::Message(message) => Input::Message { conn, message: *message },
            Packet::Block(at, data) => Input::Block { conn, at, data },
            Packet::Open { .. } | Packet::Fin => return,
        };
        self.feed(me, input);
    }

    /// What an end reads when the links carry bytes; what cannot be read is the other side's fault.
    fn carried(&mut self, me: usize, end: u32, packet: Packet) -> Option<Packet> {
        let Some(wire) = &mut self.wire else { return Some(packet) };
        match wire.carry((me, end), packet) {
            Ok(packet) => Some(packet),
            Err(what) => {
                // All peers are of one part when links carry bytes.
                let other = self.nodes[me].ends[end as usize].other as usize;
                self.checker.note(other, Err((Rule::Connection, what)));
                None
            }
        }
    }

    fn accept(&mut self, me: usize, here: u32, there: u32, key: Key) {
        let full = self.full(me);
        let node = &mut self.nodes[me];
        let end = &mut node.ends[here as usize];
        (end.there, end.conn) = (there, key.name(here));
        if node.brain.is_none() || full {
            return self.finish(me, here);
        }
        end.open = true;
        let (conn, from) = (end.conn, end.other);
        node.pipes.insert(conn);
        self.checker.connected(me, conn, from);
        // What the listener sees is the port that the dialler's system chose, never the one it listens on.
        let addr = SocketAddr::new(self.common.seats[from as usize].addr.ip(), key.port());
        let local = self.nodes[me].addr;
        self.feed(me, Input::Accepted { conn, remote: addr.into(), local: Some(local) });
    }

    /// Whether a line bears no more connections.
    fn full(&self, me: usize) -> bool {
        let node = &self.nodes[me];
        node.spec.conns_max.is_some_and(|most| node.pipes.len() >= most as usize)
    }
}
