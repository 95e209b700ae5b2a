//! One direction of a connection (own design): what waits, what is on its way, and how much may be.
//!
//! Of TCP there is the ramp: a pipe has a window, which begins with ten segments, grows by what is acknowledged, and
//! halves when a batch had to queue long at the receiver. Acknowledgements take the way back. Nothing is lost or
//! reordered within a pipe.
//!
//! The sender's end and the receiver's end are called at moments that may lie a span apart (see `calendar`), so each
//! touches only what is its own, and what the other will see no sooner than a delay later: batches, acknowledgements.
use crate::packet::Packet;
use std::collections::VecDeque;
use std::hint::black_box;
use std::time::Duration;
use teem_swarm::time::Time;

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

/// What has left an uplink together.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Batch {
    /// Packets in it.
    pub packets: u32,
    /// Their size.
    pub bytes: u32,
    /// Payload of blocks among them.
    pub payload: u32,
    /// How long the uplink took for it.
    pub took: Duration,
    /// When it arrived at the receiver's downlink; zero before.
    pub arrived: Time,
}

/// The receiver's word that a batch has come.
#[derive(Clone, Copy, Debug)]
struct Ack {
    /// When the sender hears it.
    at: Time,
    bytes: u32,
    /// How long the batch waited at the downlink.
    waited: Duration,
}

/// How a pipe stands at its uplink.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Turn {
    /// It is not there.
    Idle,
    /// It stands among the ready pipes.
    Ready,
    /// It waits for a moment at which an acknowledgement comes.
    Full,
    /// It waits for an acknowledgement that nobody has sent yet.
    Blocked,
}

/// Whether a pipe may send.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Room {
    /// Nothing waits.
    Idle,
    /// It may.
    Now,
    /// Its window is full until then.
    At(Time),
    /// Its window is full for nobody knows how long.
    Unknown,
}

/// One direction of a connection. What a lone HAVE touches stands first and together: that is most of what happens.
#[derive(Debug)]
#[repr(C)]
pub struct Pipe {
    /// How it stands at its uplink.
    pub turn: Turn,
    /// A HAVE that waits by itself; it stands among the packets as soon as another waits.
    have: Option<u32>,
    /// How many packets wait for the uplink, that HAVE too.
    waiting: u32,
    in_flight: u64,
    window: u64,
    /// Acknowledgements that the sender has not taken note of, in the order of their times.
    acks: VecDeque<Ack>,
    /// Everything else not yet delivered, in order: first what is in a batch, then what waits.
    packets: VecDeque<Packet>,
    batches: VecDeque<Batch>,
    /// How many of the batches, from the front, have arrived at the downlink.
    landed: usize,
}

impl Default for Pipe {
    fn default() -> Self {
        Self {
            packets: VecDeque::new(),
            have: None,
            waiting: 0,
            batches: VecDeque::new(),
            landed: 0,
            acks: VecDeque::new(),
            turn: Turn::Idle,
            in_flight: 0,
            window: WINDOW_START,
        }
    }
}

impl Pipe {
    /// Queues a packet behind the others.
    pub fn push(&mut self, packet: Packet) {
        match packet {
            Packet::Have(piece) if self.waiting == 0 => self.have = Some(piece),
            packet => {
                self.line_up();
                self.packets.push_back(packet);
            }
        }
        self.waiting += 1;
    }

    /// The HAVE that waits by itself goes among the packets.
    fn line_up(&mut self) {
        self.packets.extend(self.have.take().map(Packet::Have));
    }

    /// Reads ahead what its ends will need.
    pub fn approach(&self) {
        black_box((self.waiting, self.in_flight, self.landed, self.packets.front().map(Packet::payload)));
        black_box((self.batches.front().map(|batch| batch.bytes), self.acks.front().map(|ack| ack.bytes)));
    }

    /// Whether something waits to be sent.
    pub fn waits(&self) -> bool {
        self.waiting > 0
    }

    /// Drops all that has not left yet.
    pub fn drop_waiting(&mut self) {
        self.line_up();
        self.packets.truncate(self.packets.len() - self.waiting as usize);
        self.waiting = 0;
    }

    /// Takes note of the acknowledgements that have come, and says whether something may be sent.
    pub fn room(&mut self, now: Time) -> Room {
        while let Some(ack) = self.acks.front().copied().filter(|ack| ack.at <= now) {
            self.acks.pop_front();
            self.in_flight -= u64::from(ack.bytes);
            if ack.waited > QUEUE_LONG {
                self.window = (self.window / 2).max(WINDOW_START);
            } else if ack.waited < QUEUE_SHORT {
                self.window = (self.window + u64::from(ack.bytes)).min(WINDOW_MAX);
            }
        }
        if self.acks.is_empty() {
            self.acks.clear();
        }
        if self.waiting == 0 {
            return Room::Idle;
        }
        if self.in_flight == 0 || self.in_flight < self.window {
            return Room::Now;
        }
        self.acks.front().map_or(Room::Unknown, |ack| Room::At(ack.at))
    }

    /// Takes one turn's worth of what waits; `time_for` tells what the uplink takes for it.
    pub fn send(&mut self, time_for: impl FnOnce(u64) -> Duration) -> Batch {
        self.line_up();
        let (mut packets, mut bytes, mut payload) = (0, 0, 0);
        let first = self.packets.len() - self.waiting as usize;
        for packet in self.packets.range(first..) {
            if packets > 0 && bytes + packet.size() > TURN {
                break;
            }
            packets += 1;
            bytes += packet.size();
            payload += packet.payload();
        }
        let took = time_for(bytes);
        let batch = Batch { packets, bytes: bytes as u32, payload: payload as u32, took, arrived: Time::ZERO };
        self.waiting -= packets;
        self.in_flight += bytes;
        self.batches.push_back(batch);
        batch
    }

    /// Takes a HAVE that is all that waits: nine bytes leave no trace in the window, so it can travel by itself.
    pub fn lone_have(&mut self) -> Option<u32> {
        let piece = match self.have.take() {
            Some(piece) => piece,
            None => match self.packets.back() {
                Some(Packet::Have(piece)) if self.waiting == 1 => {
                    let piece = *piece;
                    self.packets.pop_back();
                    piece
                }
                _ => return None,
            },
        };
        self.waiting = 0;
        Some(piece)
    }

    /// The next batch arrives at the downlink.
    pub fn arrive(&mut self, now: Time) -> Option<Batch> {
        let batch = self.batches.get_mut(self.landed)?;
        batch.arrived = now;
        self.landed += 1;
        Some(*batch)
    }

    /// The oldest batch that has arrived is received: `unpack` takes its packets in order. The sender hears of it at
    /// `back`; says whether it waits for nothing else.
    pub fn deliver(&mut self, now: Time, back: Time, unpack: &mut Vec<Packet>) -> bool {
        if self.landed == 0 {
            return false;
        }
        let Some(batch) = self.batches.pop_front() else { return false };
        self.landed -= 1;
        self.acks.push_back(Ack { at: back, bytes: batch.bytes, waited: now.since(batch.arrived) });
        unpack.extend(self.packets.drain(..batch.packets as usize));
        // What is empty begins anew where it began, near in memory.
        if self.batches.is_empty() {
            self.batches.clear();
        }
        if self.packets.is_empty() {
            self.packets.clear();
        }
        let waits = self.turn == Turn::Blocked;
        if waits {
            self.turn = Turn::Full;
        }
        waits
    }

    /// Lets go of the memory of a pipe through which nothing will come any more.
    pub fn retire(&mut self) {
        if self.packets.is_empty() && self.have.is_none() {
            (self.packets, self.batches, self.acks) = (VecDeque::new(), VecDeque::new(), VecDeque::new());
            self.in_flight = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::block::SimBlock;
    use teem_wire::peer::block::BlockRef;

    fn block(index: u32) -> Packet {
        let at = BlockRef { piece: 0, begin: index * 16384, len: 16384 };
        Packet::Block(at, SimBlock::right(at))
    }

    fn send(pipe: &mut Pipe) -> Batch {
        pipe.send(|_| Duration::ZERO)
    }

    #[test]
    fn one_block_a_turn_and_small_messages_together() {
        let mut pipe = Pipe::default();
        for piece in 0..10 {
            pipe.push(Packet::Have(piece));
        }
        pipe.push(block(0));
        pipe.push(block(1));
        assert_eq!(send(&mut pipe).packets, 10);
        let batch = send(&mut pipe);
        assert_eq!((batch.packets, u64::from(batch.bytes), batch.payload), (1, TURN, 16384));
    }

    #[test]
    fn the_window_opens_as_acknowledgements_come() {
        let mut pipe = Pipe::default();
        for index in 0..8 {
            pipe.push(block(index));
        }
        let mut out = Vec::new();
        send(&mut pipe);
        assert_eq!(pipe.room(Time(1)), Room::Unknown, "one block fills the first window");
        pipe.turn = Turn::Blocked;
        assert_eq!(pipe.arrive(Time(5)).map(|batch| u64::from(batch.bytes)), Some(TURN));
        assert!(pipe.deliver(Time(5), Time(10), &mut out), "the sender has to be woken");
        assert_eq!(pipe.room(Time(9)), Room::At(Time(10)));
        assert_eq!(pipe.room(Time(10)), Room::Now);
        send(&mut pipe);
        assert_eq!(pipe.room(Time(10)), Room::Now, "the window has grown by what was received");
        assert_eq!(out.len(), 1);
    }

    #[test]
    fn what_has_left_is_delivered_though_the_rest_is_dropped() {
        let mut pipe = Pipe::default();
        pipe.push(block(0));
        pipe.push(block(1));
        send(&mut pipe);
        pipe.drop_waiting();
        pipe.push(Packet::Fin);
        send(&mut pipe);
        let mut out = Vec::new();
        for _ in 0..2 {
            pipe.arrive(Time(1));
            pipe.deliver(Time(1), Time(2), &mut out);
        }
        assert!(matches!(out[..], [Packet::Block(..), Packet::Fin]));
    }
}
