//! What comes to a peer over the network (own design): answers to its dials, packets that have travelled, connections that others open.
use super::common::TORRENT;
use super::event::Event;
use super::exchange::Delivery;
use super::network::HAVE;
use super::part::Part;
use crate::check::violation::Rule;
use crate::conn::{End, NOWHERE};
use crate::name::Key;
use crate::node::{Dial, PORT};
use crate::packet::Packet;
use std::net::SocketAddr;
use teem_engine::input::{DialError, Input};
use teem_swarm::output::CloseReason;
use teem_swarm::remote::{How, Remote, Via};
use teem_swarm::time::Time;
use teem_wire::peer::message::Message;

/// Batches up to this size in bytes need no event of their own at an idle downlink.
const SMALL: u64 = 1024;

impl Part {
    /// A dial is answered.
    pub(super) fn answered(&mut self, me: usize, dial: u32, there: u32) {
        let from = self.number(me);
        let Some(Dial { to, life }) = self.nodes[me].answered(dial) else { return };
        let (open, delay) = (there != NOWHERE, self.common.delay(from, to));
        let wanted = self.nodes[me].life == life && self.nodes[me].brain.is_some();
        if open && (!wanted || self.full(me)) {
            let at = self.now + delay;
            self.outbox[(to / self.size) as usize].put(at, Delivery::Unused { to, end: there });
        }
        if !wanted {
            return;
        }
        let (torrent, remote) = (TORRENT, Remote::from(self.common.seats[to as usize].addr));
        if !open || self.full(me) {
            return self.feed(
                me,
                Input::DialFailed { torrent, to: remote, how: How::TCP, why: DialError::Refused, over: true },
            );
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
        self.feed(me, Input::Connected { conn, torrent, remote, how: How::TCP, local: Some(local) });
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
                self.outbox[(to / self.size) as usize].put(back, Delivery::Ack { to, end: there, ack });
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
            Packet::Hello(handshake) => Input::Hello { conn, handshake: *handshake, via: Via::TCP },
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
}
