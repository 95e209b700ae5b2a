//! Packets of the DHT between peers (own design): they take their time on the lines and on the way, or get lost.
//!
//! A packet leaves behind the batch that is being sent, since a queue for UDP takes its turns with those of streams. A peer behind NAT is reached by those
//! alone that it has sent to. What is drawn comes from the sender's own generator, so a run is the same on any number of threads.
use super::event::Event;
use super::exchange::Delivery;
use super::part::Part;
use crate::node::index_of;
use std::net::SocketAddr;
use std::time::Duration;
use teem_engine::input::Input;
use teem_swarm::time::Time;

/// Of a million packets so many get lost.
const LOSS_PPM: u64 = 2_000;
/// Headers of IP and UDP.
const HEADERS: u64 = 28;

impl Part {
    /// A peer sends a packet. What goes to nobody, or gets lost, is not heard of again.
    pub(super) fn send_datagram(&mut self, now: Time, me: usize, to: SocketAddr, bytes: Vec<u8>) {
        let Some(to) = index_of(to, self.common.seats.len()) else { return };
        let from = self.number(me);
        let node = &mut self.nodes[me];
        let left = node.up.busy_until.max(now) + node.up.rate.time_for(HEADERS + bytes.len() as u64);
        node.up.busy_until = left;
        if node.spec.nat {
            node.sent_to.insert(to);
        }
        if node.rng.below(1_000_000) >= LOSS_PPM {
            let at = left + self.common.delay(from, to);
            self.outbox[(to / self.size) as usize].put(at, Delivery::Datagram { to, from, at, bytes });
        }
    }

    /// A packet will arrive, if the router lets it in.
    pub(super) fn coming_datagram(&mut self, me: usize, from: u32, at: Time, bytes: Vec<u8>) {
        let source = self.common.seats[from as usize].addr;
        let node = &mut self.nodes[me];
        if !node.spec.nat || node.sent_to.contains(&from) {
            let place = node.post(Input::Datagram { from: source, bytes });
            let life = node.life;
            self.put(me, at, Event::Datagram { place, life });
        }
    }

    /// A packet arrives: its process gets it once the line has taken it in.
    pub(super) fn datagram_arrives(&mut self, now: Time, me: usize, place: u32, life: u32) {
        let node = &mut self.nodes[me];
        let Some(Input::Datagram { bytes, .. }) = node.awaits(place).filter(|_| node.life == life) else { return };
        let len = HEADERS + bytes.len() as u64;
        let received = node.down.receive(now, len, Duration::ZERO);
        self.put(me, received, Event::Mail { place, life });
    }
}
