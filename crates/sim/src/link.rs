//! Lines between peers (own design): one uplink and one downlink per peer, one pipe per direction of a connection.
//!
//! A message costs what it would cost on the wire (a block 13 + 16,384 bytes; TCP and IP headers don't count). The
//! uplink sends one batch after the other, taking the pipes that have something in turn, a block's worth from each, so
//! that connections share it fairly and small messages leave together. Then the batch travels for the delay of the
//! pipe, and is taken off the receiver's downlink first come, first served.
//!
//! Of TCP there is the ramp: a pipe has a window, which begins with ten segments, grows by what is delivered, and halves
//! when a batch had to queue long at the receiver. Nothing is lost or reordered within a pipe.
use crate::block::SimBlock;
use std::collections::VecDeque;
use std::time::Duration;
use teem_swarm::time::Time;
use teem_wire::peer::block::BlockRef;
use teem_wire::peer::handshake::Handshake;
use teem_wire::peer::message::{Message, MetadataMessage};

/// How much one pipe may send before the next has its turn, in bytes: one block with its header.
const TURN: u64 = 13 + 16 * 1024;
/// The window a connection begins with, in bytes: ten segments (RFC 6928).
const WINDOW_START: u64 = 10 * 1448;
/// The largest window, in bytes: about what kernels tune themselves to.
const WINDOW_MAX: u64 = 4 << 20;
/// A batch that waited longer than this for the receiver's downlink is taken as a sign of congestion.
const QUEUE_LONG: Duration = Duration::from_millis(200);
/// A batch that waited less than this does not keep the window from growing.
const QUEUE_SHORT: Duration = Duration::from_millis(50);

/// Bytes a second.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Rate(u64);

impl Rate {
    /// No limit: takes no time.
    pub const UNLIMITED: Self = Self(u64::MAX);

    /// That many bytes a second, at least one.
    pub const fn bytes(per_second: u64) -> Self {
        Self(if per_second == 0 { 1 } else { per_second })
    }

    /// Bytes a second.
    pub const fn per_second(self) -> u64 {
        self.0
    }

    /// How long that many bytes take.
    pub fn time_for(self, bytes: u64) -> Duration {
        if self == Self::UNLIMITED {
            return Duration::ZERO;
        }
        let ns = (u128::from(bytes) * 1_000_000_000).div_ceil(u128::from(self.0));
        Duration::from_nanos(u64::try_from(ns).unwrap_or(u64::MAX))
    }
}

/// What travels through a pipe.
#[derive(Debug)]
pub enum Packet {
    /// The first packet of the dialling side: the other side accepts.
    Open,
    /// The handshake.
    Hello(Handshake),
    /// A message.
    Message(Message),
    /// A block.
    Block(BlockRef, SimBlock),
    /// The last packet: the sender has closed.
    Fin,
}

impl Packet {
    /// Its size on the wire in bytes.
    pub fn size(&self) -> u64 {
        match self {
            Self::Open | Self::Fin => 0,
            Self::Hello(_) => 68,
            Self::Message(message) => message_size(message),
            Self::Block(at, _) => 13 + u64::from(at.len),
        }
    }

    /// Payload bytes of a block, else 0.
    pub fn payload(&self) -> u64 {
        match self {
            Self::Block(at, _) => u64::from(at.len),
            _ => 0,
        }
    }
}

fn message_size(message: &Message) -> u64 {
    match message {
        Message::KeepAlive => 4,
        Message::Choke
        | Message::Unchoke
        | Message::Interested
        | Message::NotInterested
        | Message::HaveAll
        | Message::HaveNone => 5,
        Message::Port(_) => 7,
        Message::Have(_) | Message::Suggest(_) | Message::AllowedFast(_) => 9,
        Message::Bitfield(bits) => 5 + bits.len() as u64,
        Message::Request(_) | Message::Cancel(_) | Message::Reject(_) => 17,
        Message::ExtendedHandshake(_) => 150,
        Message::Metadata { message: MetadataMessage::Data { data, .. }, .. } => 53 + data.len() as u64,
        Message::Metadata { .. } => 31,
        Message::Unknown { len, .. } => 5 + u64::from(*len),
    }
}

/// The sending side of a peer's line.
#[derive(Debug)]
pub struct Uplink {
    /// Its rate.
    pub rate: Rate,
    /// When the batch being sent will have left.
    pub busy_until: Time,
    /// Pipes that have something to send and room in their window, in the order of their turns.
    pub ready: VecDeque<u32>,
    /// The pipe whose blocks are being sent and their payload, until its owner is told that they have left.
    pub current: Option<(u32, u64)>,
    /// Whether the event that ends the batch is under way.
    pub waking: bool,
}

impl Uplink {
    /// An idle one.
    pub fn new(rate: Rate) -> Self {
        Self { rate, busy_until: Time::ZERO, ready: VecDeque::new(), current: None, waking: false }
    }
}

/// The receiving side of a peer's line.
#[derive(Debug)]
pub struct Downlink {
    /// Its rate.
    pub rate: Rate,
    /// When all that has arrived will have been received.
    pub busy_until: Time,
}

impl Downlink {
    /// An idle one.
    pub fn new(rate: Rate) -> Self {
        Self { rate, busy_until: Time::ZERO }
    }

    /// Queues a batch that arrives now; says when it will have been received.
    pub fn receive(&mut self, now: Time, bytes: u64) -> Time {
        self.busy_until = self.busy_until.max(now) + self.rate.time_for(bytes);
        self.busy_until
    }
}

/// What has left an uplink together.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Batch {
    /// Packets in it.
    pub packets: u32,
    /// Their size.
    pub bytes: u64,
    /// Payload of blocks among them.
    pub payload: u64,
    /// When it arrived at the receiver's downlink; zero before.
    pub arrived: Time,
}

/// One direction of a connection.
#[derive(Debug)]
pub struct Pipe {
    /// Everything not yet delivered, in order: first what is in a batch, then what waits.
    packets: VecDeque<Packet>,
    /// How many of them wait for the uplink.
    waiting: usize,
    batches: VecDeque<Batch>,
    /// How many of the batches, from the front, have arrived at the downlink.
    landed: usize,
    /// Whether it stands among the ready pipes of its uplink.
    pub ready: bool,
    in_flight: u64,
    window: u64,
}

impl Default for Pipe {
    fn default() -> Self {
        Self {
            packets: VecDeque::new(),
            waiting: 0,
            batches: VecDeque::new(),
            landed: 0,
            ready: false,
            in_flight: 0,
            window: WINDOW_START,
        }
    }
}

impl Pipe {
    /// Queues a packet behind the others.
    pub fn push(&mut self, packet: Packet) {
        self.packets.push_back(packet);
        self.waiting += 1;
    }

    /// Whether it has something to send and room in its window.
    pub fn sendable(&self) -> bool {
        self.waiting > 0 && (self.in_flight == 0 || self.in_flight < self.window)
    }

    /// Drops all that has not left yet.
    pub fn drop_waiting(&mut self) {
        self.packets.truncate(self.packets.len() - self.waiting);
        self.waiting = 0;
    }

    /// Takes one turn's worth of what waits.
    pub fn send(&mut self) -> Batch {
        let mut batch = Batch { packets: 0, bytes: 0, payload: 0, arrived: Time::ZERO };
        let first = self.packets.len() - self.waiting;
        for packet in self.packets.iter().skip(first) {
            if batch.packets > 0 && batch.bytes + packet.size() > TURN {
                break;
            }
            batch.packets += 1;
            batch.bytes += packet.size();
            batch.payload += packet.payload();
        }
        self.waiting -= batch.packets as usize;
        self.in_flight += batch.bytes;
        self.batches.push_back(batch);
        batch
    }

    /// The next batch arrives at the downlink; says its size.
    pub fn arrive(&mut self, now: Time) -> Option<u64> {
        let batch = self.batches.get_mut(self.landed)?;
        batch.arrived = now;
        self.landed += 1;
        Some(batch.bytes)
    }

    /// The oldest batch that has arrived is received: `unpack` takes its packets in order. The window moves.
    pub fn deliver(&mut self, now: Time, unpack: &mut Vec<Packet>) {
        if self.landed == 0 {
            return;
        }
        let Some(batch) = self.batches.pop_front() else { return };
        self.landed -= 1;
        self.in_flight -= batch.bytes;
        let waited = now.since(batch.arrived);
        if waited > QUEUE_LONG {
            self.window = (self.window / 2).max(WINDOW_START);
        } else if waited < QUEUE_SHORT {
            self.window = (self.window + batch.bytes).min(WINDOW_MAX);
        }
        unpack.extend(self.packets.drain(..batch.packets as usize));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(index: u32) -> Packet {
        let at = BlockRef { piece: 0, begin: index * 16384, len: 16384 };
        Packet::Block(at, SimBlock::right(at))
    }

    #[test]
    fn time_is_bytes_over_rate() {
        assert_eq!(Rate::bytes(1_000_000).time_for(16_397), Duration::from_micros(16397));
        assert_eq!(Rate::UNLIMITED.time_for(1 << 40), Duration::ZERO);
    }

    #[test]
    fn one_block_a_turn_and_small_messages_together() {
        let mut pipe = Pipe::default();
        for piece in 0..10 {
            pipe.push(Packet::Message(Message::Have(piece)));
        }
        pipe.push(block(0));
        pipe.push(block(1));
        assert_eq!(pipe.send().packets, 10);
        let batch = pipe.send();
        assert_eq!((batch.packets, batch.bytes, batch.payload), (1, TURN, 16384));
    }

    #[test]
    fn the_window_opens_as_batches_are_received() {
        let mut pipe = Pipe::default();
        for index in 0..8 {
            pipe.push(block(index));
        }
        let mut out = Vec::new();
        pipe.send();
        assert!(!pipe.sendable(), "one block fills the first window");
        assert_eq!(pipe.arrive(Time(5)), Some(TURN));
        pipe.deliver(Time(5), &mut out);
        assert!(pipe.sendable());
        pipe.send();
        assert!(pipe.sendable(), "the window has grown by what was received");
        assert_eq!(out.len(), 1);
    }

    #[test]
    fn what_has_left_is_delivered_though_the_rest_is_dropped() {
        let mut pipe = Pipe::default();
        pipe.push(block(0));
        pipe.push(block(1));
        pipe.send();
        pipe.drop_waiting();
        pipe.push(Packet::Fin);
        pipe.send();
        let mut out = Vec::new();
        for _ in 0..2 {
            pipe.arrive(Time(1));
            pipe.deliver(Time(1), &mut out);
        }
        assert!(matches!(out[..], [Packet::Block(..), Packet::Fin]));
    }

    #[test]
    fn a_downlink_receives_one_after_the_other() {
        let mut down = Downlink::new(Rate::bytes(1000));
        assert_eq!(down.receive(Time(0), 500), Time(500_000_000));
        assert_eq!(down.receive(Time(0), 500), Time(1_000_000_000));
        assert_eq!(down.receive(Time(3_000_000_000), 1), Time(3_001_000_000));
    }
}
