//! How packets get from one peer to another (own design): dial, queue, send, travel, receive, close.
use super::{Event, World};
use crate::check::violation::Rule;
use crate::conn::{Conn, name, parts};
use crate::draw::between;
use crate::node::{PORT, index_of};
use crate::packet::Packet;
use crate::pipe::{Room, Turn};
use std::net::SocketAddr;
use std::time::Duration;
use teem_engine::input::{DialError, Input};
use teem_swarm::effect::CloseReason;
use teem_swarm::ids::{ConnId, TorrentId};
use teem_swarm::rng::Rng;
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

impl World {
    pub(super) fn dial(&mut self, now: Time, from: u32, torrent: TorrentId, addr: SocketAddr) {
        let life = self.nodes[from as usize].life;
        let to = index_of(addr, self.nodes.len()).filter(|to| !self.nodes[*to as usize].spec.nat);
        let Some(to) = to else {
            return self.post(from, now + DIAL_LIMIT, Input::DialFailed { torrent, addr, why: DialError::TimedOut });
        };
        self.put(to, now + self.delay(from, to), Event::Knock { from, life });
    }

    /// Somebody dials a peer.
    pub(super) fn knocked(&mut self, now: Time, peer: u32, from: u32, life: u32) {
        let open = self.nodes[peer as usize].brain.is_some() && !self.full(peer);
        self.put(from, now + self.delay(from, peer), Event::Answer { to: peer, life, open });
    }

    /// A dial is answered.
    pub(super) fn answered(&mut self, from: u32, to: u32, life: u32, open: bool) {
        if self.nodes[from as usize].life != life || self.nodes[from as usize].brain.is_none() {
            return;
        }
        let (torrent, addr) = (super::outputs::TORRENT, self.nodes[to as usize].addr);
        if !open || self.full(from) {
            return self.feed(from, Input::DialFailed { torrent, addr, why: DialError::Refused });
        }
        let conn = self.conns.len() as u32;
        let mut state = Conn::new(from, to, self.delay(from, to));
        state.pipes[0].push(Packet::Open);
        self.conns.push(state);
        self.nodes[from as usize].pipes.insert(conn * 2);
        self.checker.connected(from, name(conn, 0), to);
        let local = SocketAddr::new(self.nodes[from as usize].addr.ip(), PORT);
        self.make_ready(conn * 2);
        self.feed(from, Input::Connected { conn: name(conn, 0), torrent, addr, local });
    }

    /// Queues a packet; what is sent into a closed connection is lost.
    pub(super) fn push(&mut self, conn: ConnId, packet: Packet) {
        let (index, side) = parts(conn.0);
        let Some(state) = self.conns.get_mut(index) else { return };
        if state.open[side] && !state.ended[side] {
            state.pipes[side].push(packet);
            self.make_ready(conn.0 as u32);
        }
    }

    /// The process closes: what is queued goes out, then the connection ends.
    pub(super) fn close(&mut self, now: Time, conn: ConnId) {
        let (index, side) = parts(conn.0);
        let Some(state) = self.conns.get_mut(index) else { return };
        if !std::mem::replace(&mut state.open[side], false) {
            return;
        }
        let peer = state.peers[side];
        self.nodes[peer as usize].pipes.remove(&(conn.0 as u32));
        self.end(conn.0 as u32);
        self.put(peer, now + LINGER, Event::Linger { pipe: conn.0 as u32 });
    }

    /// The process or the other side is gone: what is queued is lost.
    pub(super) fn reset(&mut self, pipe: u32) {
        let (index, side) = parts(u64::from(pipe));
        let state = &mut self.conns[index];
        state.open[side] = false;
        self.nodes[state.peers[side] as usize].pipes.remove(&pipe);
        if !state.ended[side] {
            state.pipes[side].drop_waiting();
            self.end(pipe);
        }
    }

    pub(super) fn linger(&mut self, pipe: u32) {
        let (index, side) = parts(u64::from(pipe));
        let waits = &mut self.conns[index].pipes[side];
        if waits.waits() {
            waits.drop_waiting();
            waits.push(Packet::Fin);
        }
    }

    /// Sends the last packet of a side.
    fn end(&mut self, pipe: u32) {
        let (index, side) = parts(u64::from(pipe));
        let state = &mut self.conns[index];
        if !std::mem::replace(&mut state.ended[side], true) {
            state.pipes[side].push(Packet::Fin);
            self.make_ready(pipe);
        }
    }

    fn make_ready(&mut self, pipe: u32) {
        let (index, side) = parts(u64::from(pipe));
        let state = &mut self.conns[index];
        let end = &mut state.pipes[side];
        if end.turn == Turn::Idle && end.waits() {
            end.turn = Turn::Ready;
            self.nodes[state.peers[side] as usize].up.ready.push_back(pipe);
        }
    }

    /// An acknowledgement has come for which a pipe waited.
    pub(super) fn has_room(&mut self, pipe: u32) {
        let (index, side) = parts(u64::from(pipe));
        self.conns[index].pipes[side].turn = Turn::Idle;
        self.make_ready(pipe);
    }

    /// Sends while the uplink is free and something is ready.
    pub(super) fn pump(&mut self, now: Time, peer: u32) {
        loop {
            let up = &mut self.nodes[peer as usize].up;
            if up.ready.is_empty() || up.current.is_some() {
                return;
            }
            if up.busy_until > now {
                if !std::mem::replace(&mut up.waking, true) {
                    let at = up.busy_until;
                    self.put(peer, at, Event::Uplink);
                }
                return;
            }
            let Some(pipe) = up.ready.pop_front() else { return };
            let rate = up.rate;
            let (index, side) = parts(u64::from(pipe));
            let state = &mut self.conns[index];
            let end = &mut state.pipes[side];
            let room = end.room(now);
            end.turn = match room {
                Room::Now | Room::Idle => Turn::Idle,
                Room::At(_) => Turn::Full,
                Room::Unknown => Turn::Blocked,
            };
            match room {
                Room::Now => {}
                Room::At(at) => {
                    self.put(peer, at, Event::Room { pipe });
                    continue;
                }
                Room::Idle | Room::Unknown => continue,
            }
            if let Some(piece) = end.lone_have() {
                let (to, delay) = (state.peers[1 - side], state.delay);
                let left = now + rate.time_for(HAVE);
                self.nodes[peer as usize].up.busy_until = left;
                self.put(to, left + delay, Event::Have { pipe, piece, received: false });
                continue;
            }
            let batch = end.send(|bytes| rate.time_for(bytes));
            let (to, delay) = (state.peers[1 - side], state.delay);
            let node = &mut self.nodes[peer as usize];
            let left = now + batch.took;
            node.up.busy_until = left;
            node.sent += u64::from(batch.payload);
            if batch.payload > 0 {
                node.up.current = Some((pipe, u64::from(batch.payload)));
                node.up.waking = true;
                self.put(peer, left, Event::Uplink);
            }
            self.put(to, left + delay, Event::Arrive { pipe });
            self.make_ready(pipe);
        }
    }

    pub(super) fn uplink_done(&mut self, peer: u32) {
        let up = &mut self.nodes[peer as usize].up;
        up.waking = false;
        let Some((pipe, bytes)) = up.current.take() else { return };
        let (index, side) = parts(u64::from(pipe));
        if self.conns[index].open[side] {
            self.feed(peer, Input::Sent { conn: ConnId(u64::from(pipe)), bytes });
        }
    }

    pub(super) fn arrive(&mut self, now: Time, peer: u32, pipe: u32) {
        let (index, side) = parts(u64::from(pipe));
        let Some(batch) = self.conns[index].pipes[side].arrive(now) else { return };
        let bytes = u64::from(batch.bytes);
        let down = &mut self.nodes[peer as usize].down;
        let idle = down.busy_until <= now;
        let received = down.receive(now, bytes, batch.took);
        if received <= now || idle && bytes <= SMALL {
            self.deliver(now, pipe);
        } else {
            self.put(peer, received, Event::Deliver { pipe });
        }
    }

    /// What `arrive` and `deliver` do for a batch.
    pub(super) fn have_arrives(&mut self, now: Time, peer: u32, pipe: u32, piece: u32, received: bool) {
        if !received {
            let node = &mut self.nodes[peer as usize];
            let (idle, took) = (node.down.busy_until <= now, node.down.rate.time_for(HAVE));
            let at = node.down.receive(now, HAVE, took);
            if !idle {
                return self.put(peer, at, Event::Have { pipe, piece, received: true });
            }
        }
        let (index, side) = parts(u64::from(pipe));
        self.unpack(index, 1 - side, Packet::Have(piece));
    }

    pub(super) fn deliver(&mut self, now: Time, pipe: u32) {
        let (index, side) = parts(u64::from(pipe));
        let mut packets = std::mem::take(&mut self.unpacked);
        let state = &mut self.conns[index];
        let (sender, back) = (state.peers[side], now + state.delay);
        if state.pipes[side].deliver(now, back, &mut packets) {
            self.put(sender, back, Event::Room { pipe });
        }
        for packet in packets.drain(..) {
            self.unpack(index, 1 - side, packet);
        }
        self.unpacked = packets;
    }

    /// A packet comes out at a side.
    fn unpack(&mut self, index: usize, side: usize, packet: Packet) {
        let Some(packet) = self.carried(index, side, packet) else { return };
        let state = &mut self.conns[index];
        let (peer, conn) = (state.peers[side], name(index as u32, side));
        match packet {
            Packet::Open => return self.accept(index),
            Packet::Fin => {
                let known = state.open[side];
                state.pipes[1 - side].retire();
                self.reset(conn.0 as u32);
                if known {
                    self.feed(peer, Input::Closed { conn, why: CloseReason::Remote });
                }
                return;
            }
            _ if !state.open[side] => return,
            _ => {}
        }
        let input = match packet {
            Packet::Hello(handshake) => Input::Hello { conn, handshake: *handshake },
            Packet::Have(piece) => Input::Message { conn, message: Message::Have(piece) },
            Packet::Request(at) => Input::Message { conn, message: Message::Request(at) },
            Packet::Message(message) => Input::Message { conn, message: *message },
            Packet::Block(at, data) => Input::Block { conn, at, data },
            Packet::Open | Packet::Fin => return,
        };
        self.feed(peer, input);
    }

    /// What a side reads when the links carry bytes; what cannot be read is the other side's fault.
    fn carried(&mut self, index: usize, side: usize, packet: Packet) -> Option<Packet> {
        let Some(wire) = &mut self.wire else { return Some(packet) };
        let pipe = index as u32 * 2 + 1 - side as u32;
        match wire.carry(pipe, packet) {
            Ok(packet) => Some(packet),
            Err(what) => {
                self.checker.note(self.conns[index].peers[1 - side], Err((Rule::Connection, what)));
                None
            }
        }
    }

    fn accept(&mut self, index: usize) {
        let state = &self.conns[index];
        let [from, to] = state.peers;
        let conn = name(index as u32, 1);
        if self.nodes[to as usize].brain.is_none() || self.full(to) {
            return self.end(conn.0 as u32);
        }
        self.conns[index].open[1] = true;
        self.nodes[to as usize].pipes.insert(conn.0 as u32);
        self.checker.connected(to, conn, from);
        // What the listener sees is the port that the dialler's system chose, never the one it listens on.
        let addr = SocketAddr::new(self.nodes[from as usize].addr.ip(), 40_000 + (index % 20_000) as u16);
        let local = self.nodes[to as usize].addr;
        self.feed(to, Input::Accepted { conn, addr, local });
    }

    /// Whether a line bears no more connections.
    fn full(&self, peer: u32) -> bool {
        let node = &self.nodes[peer as usize];
        node.spec.conns_max.is_some_and(|most| node.pipes.len() >= most as usize)
    }

    /// From one peer to another, half of a round trip.
    fn delay(&self, a: u32, b: u32) -> Duration {
        let delay = match self.scenario.rtt {
            None => self.nodes[a as usize].delay + self.nodes[b as usize].delay,
            Some((min, max)) => {
                let pair = u64::from(a.min(b)) << 32 | u64::from(a.max(b));
                between(&mut Rng::new(self.pairs ^ pair), min, max) / 2
            }
        };
        delay.max(self.calendar.span())
    }
}
