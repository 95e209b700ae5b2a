//! What peers do to each other, and to the world (own design): it is handed over when all have lived through a span.
//!
//! Nothing of it matters sooner than a span later, and it is handed over in the order of who sent it; so it doesn't matter which
//! threads they lived on. Of what happens to a peer at the same nanosecond its own comes first, then the tracker's, then others'.
use super::event::Event;
use crate::packet::Packet;
use crate::pipe::{Ack, Batch};
use teem_swarm::ask::AskId;
use teem_swarm::time::Time;
use teem_wire::peer::block::BlockRef;
use teem_wire::tracker::announce::Announce;

/// Something for a peer.
#[derive(Debug)]
pub(super) enum Delivery {
    /// What is to happen to it.
    Event { to: u32, at: Time, event: Event },
    /// A batch that will arrive at one of its ends; its packets are the next in [`Deliveries::packets`].
    Batch { to: u32, end: u32, at: Time, batch: Batch },
    /// Of one of its ends nothing will come.
    Unused { to: u32, end: u32 },
    /// A packet of the DHT, to arrive at that time.
    Datagram { to: u32, from: u32, at: Time, bytes: Vec<u8> },
    /// An acknowledgement for one of its ends.
    Ack { to: u32, end: u32, ack: Ack },
}

/// What is under way from one part of the peers to another.
#[derive(Debug, Default)]
pub(super) struct Deliveries {
    pub(crate) list: Vec<Delivery>,
    pub packets: Vec<Packet>,
    /// When the first of it is to happen, at the soonest.
    pub(crate) soonest: Option<Time>,
}

impl Deliveries {
    pub(super) fn put(&mut self, at: Time, delivery: Delivery) {
        self.soonest = Some(self.soonest.map_or(at, |soonest| soonest.min(at)));
        self.list.push(delivery);
    }
}

/// Something for the world.
#[derive(Debug)]
pub(super) enum News {
    /// A seed has sent a block.
    Left(BlockRef),
    /// One that the run waited for is complete, or gone for good.
    Settled(Time),
    /// A process of that life announces to the tracker.
    Announce { now: Time, peer: u32, life: u32, id: AskId, announce: Announce },
}
