//! One direction of a connection (own design): what waits, what is on its way, and how much may be.
//!
//! Of TCP there is the ramp: a pipe has a window, which begins with ten segments, grows by what is acknowledged, and
//! halves when a batch had to queue long at the receiver. Acknowledgements take the way back. Nothing is lost or
//! reordered within a pipe.
//!
//! A pipe lies in two places: [`Outgoing`] with who sends, [`Incoming`] with who receives. What goes from one to the other,
//! batches with their packets and acknowledgements, is carried by the world and is there no sooner than a delay later.
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
    /// Their size in bytes.
    pub bytes: u32,
    /// Payload of blocks among them.
    pub payload: u32,
    /// How long the uplink took for it.
    pub took: Duration,
}

/// The receiver's word that a batch has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Ack {
    /// When the sender hears it.
    pub at: Time,
    /// Size of the batch.
    pub bytes: u32,
    /// How long the batch waited at the downlink.
    pub(crate) waited: Duration,
}

/// How a pipe stands at its uplink.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Turn {
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
    /// It has nothing to send.
    Idle,
    /// It may send at once.
    Now,
    /// Its window is full until then.
    At(Time),
    /// Its window is full for nobody knows how long.
    Unknown,
}

/// The sender's end. What a lone HAVE touches stands first and together: that is most of what happens.
#[derive(Debug)]
#[repr(C)]
pub struct Outgoing {
    /// How it stands at its uplink.
    pub(crate) turn: Turn,
    /// A HAVE that waits by itself; it stands among the packets as soon as another waits.
    have: Option<u32>,
    in_flight: u64,
    window: u64,
    /// Acknowledgements that the sender has not taken note of, in the order of their times.
    acks: VecDeque<Ack>,
    /// Everything else that waits, in order.
    packets: VecDeque<Packet>,
}

impl Default for Outgoing {
    fn default() -> Self {
        Self {
            turn: Turn::Idle,
            have: None,
            in_flight: 0,
            window: WINDOW_START,
            acks: VecDeque::new(),
            packets: VecDeque::new(),
        }
    }
}

impl Outgoing {
    /// Queues a packet behind the others.
    pub fn push(&mut self, packet: Packet) {
        match packet {
            Packet::Have(piece) if !self.waits() => self.have = Some(piece),
            packet => {
                self.line_up();
                self.packets.push_back(packet);
            }
        }
    }

    /// The HAVE that waits by itself goes among the packets.
    fn line_up(&mut self) {
        self.packets.extend(self.have.take().map(Packet::Have));
    }

    /// Reads ahead what sending will need.
    pub(crate) fn approach(&self) {
        let first = self.packets.front().map(Packet::payload);
        black_box((self.in_flight, first, self.acks.front().map(|ack| ack.bytes)));
    }

    /// Whether something waits to be sent.
    pub(crate) fn waits(&self) -> bool {
        self.have.is_some() || !self.packets.is_empty()
    }

    /// Drops all that has not left yet.
    pub(crate) fn drop_waiting(&mut self) {
        self.have = None;
        self.packets.clear();
    }

    /// An acknowledgement will come; says whether the pipe waits for nothing else.
    pub(crate) fn acknowledged(&mut self, ack: Ack) -> bool {
        self.acks.push_back(ack);
        let waits = self.turn == Turn::Blocked;
        if waits {
            self.turn = Turn::Full;
        }
        waits
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
        if !self.waits() {
            return Room::Idle;
        }
        if self.in_flight == 0 || self.in_flight < self.window {
            return Room::Now;
        }
        self.acks.front().map_or(Room::Unknown, |ack| Room::At(ack.at))
    }

    /// Takes one turn's worth of what waits and puts it behind `out`; `time_for` tells what the uplink takes for it.
    pub fn send(&mut self, time_for: impl FnOnce(u64) -> Duration, out: &mut Vec<Packet>) -> Batch {
        self.line_up();
        let (mut packets, mut bytes, mut payload) = (0, 0, 0);
        for packet in &self.packets {
            if packets > 0 && bytes + packet.size() > TURN {
                break;
            }
            packets += 1;
            bytes += packet.size();
            payload += packet.payload();
        }
        out.extend(self.packets.drain(..packets as usize));
        // What is empty begins anew where it began, near in memory.
        if self.packets.is_empty() {
            self.packets.clear();
        }
        self.in_flight += bytes;
        Batch { packets, bytes: bytes as u32, payload: payload as u32, took: time_for(bytes) }
    }

    /// Takes a HAVE that is all that waits: nine bytes leave no trace in the window, so it can travel by itself.
    pub(crate) fn lone_have(&mut self) -> Option<u32> {
        if let Some(piece) = self.have.take() {
            return Some(piece);
        }
        match self.packets.back() {
            Some(Packet::Have(piece)) if self.packets.len() == 1 => {
                let piece = *piece;
                self.packets.clear();
                Some(piece)
            }
            _ => None,
        }
    }

    /// Lets go of the memory of a pipe into which nothing will be sent any more.
    pub(crate) fn retire(&mut self) {
        if !self.waits() {
            (self.packets, self.acks) = (VecDeque::new(), VecDeque::new());
        }
    }
}

/// A batch that has not been received.
#[derive(Clone, Copy, Debug)]
struct Coming {
    batch: Batch,
    /// When it arrived at the downlink; zero before.
    arrived: Time,
}

/// The receiver's end.
#[derive(Debug, Default)]
pub(crate) struct Incoming {
    packets: VecDeque<Packet>,
    batches: VecDeque<Coming>,
    /// How many of the batches, from the front, have arrived at the downlink.
    landed: usize,
}

impl Incoming {
    /// A batch is on its way; `from` gives its packets.
    pub(crate) fn coming(&mut self, batch: Batch, from: &mut impl Iterator<Item = Packet>) {
        self.packets.extend(from.take(batch.packets as usize));
        self.batches.push_back(Coming { batch, arrived: Time::ZERO });
    }

    /// Reads ahead what receiving will need.
    pub(crate) fn approach(&self) {
        let first = self.packets.front().map(Packet::payload);
        black_box((self.landed, first, self.batches.front().map(|coming| coming.batch.bytes)));
    }

    /// The next batch arrives at the downlink.
    pub(crate) fn arrive(&mut self, now: Time) -> Option<Batch> {
        let coming = self.batches.get_mut(self.landed)?;
        coming.arrived = now;
        self.landed += 1;
        Some(coming.batch)
    }

    /// The oldest batch that has arrived is received: `unpack` takes its packets in order, and the sender shall hear of it at
    /// `back`.
    pub(crate) fn deliver(&mut self, now: Time, back: Time, unpack: &mut Vec<Packet>) -> Option<Ack> {
        if self.landed == 0 {
            return None;
        }
        let Coming { batch, arrived } = self.batches.pop_front()?;
        self.landed -= 1;
        unpack.extend(self.packets.drain(..batch.packets as usize));
        // What is empty begins anew where it began, near in memory.
        if self.batches.is_empty() {
            self.batches.clear();
        }
        if self.packets.is_empty() {
            self.packets.clear();
        }
        Some(Ack { at: back, bytes: batch.bytes, waited: now.since(arrived) })
    }

    /// Lets go of the memory of a pipe through which nothing will come any more.
    pub(crate) fn retire(&mut self) {
        if self.packets.is_empty() {
            *self = Self::default();
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

    /// The sending and the receiving end.
    #[derive(Default)]
    struct Pipe(Outgoing, Incoming);

    impl Pipe {
        fn send(&mut self) -> Batch {
            let mut packets = Vec::new();
            let batch = self.0.send(|_| Duration::ZERO, &mut packets);
            self.1.coming(batch, &mut packets.into_iter());
            batch
        }
    }

    #[test]
    fn one_block_a_turn_and_small_messages_together() {
        let mut pipe = Pipe::default();
        for piece in 0..10 {
            pipe.0.push(Packet::Have(piece));
        }
        pipe.0.push(block(0));
        pipe.0.push(block(1));
        assert_eq!(pipe.send().packets, 10);
        let batch = pipe.send();
        assert_eq!((batch.packets, u64::from(batch.bytes), batch.payload), (1, TURN, 16384));
    }

    #[test]
    fn the_window_opens_as_acknowledgements_come() {
        let mut pipe = Pipe::default();
        for index in 0..8 {
            pipe.0.push(block(index));
        }
        let mut out = Vec::new();
        pipe.send();
        assert_eq!(pipe.0.room(Time(1)), Room::Unknown, "one block fills the first window");
        pipe.0.turn = Turn::Blocked;
        assert_eq!(pipe.1.arrive(Time(5)).map(|batch| u64::from(batch.bytes)), Some(TURN));
        let ack = pipe.1.deliver(Time(5), Time(10), &mut out).unwrap();
        assert!(pipe.0.acknowledged(ack), "the sender has to be woken");
        assert_eq!(pipe.0.room(Time(9)), Room::At(Time(10)));
        assert_eq!(pipe.0.room(Time(10)), Room::Now);
        pipe.send();
        assert_eq!(pipe.0.room(Time(10)), Room::Now, "the window has grown by what was received");
        assert_eq!(out.len(), 1);
    }

    #[test]
    fn a_have_by_itself_is_told_apart() {
        let mut out = Outgoing::default();
        out.push(Packet::Have(7));
        assert_eq!(out.lone_have(), Some(7));
        assert!(!out.waits());
        out.push(Packet::Have(8));
        out.push(Packet::Have(9));
        assert_eq!(out.lone_have(), None);
        assert_eq!(out.send(|_| Duration::ZERO, &mut Vec::new()).packets, 2);
    }

    #[test]
    fn what_has_left_is_delivered_though_the_rest_is_dropped() {
        let mut pipe = Pipe::default();
        pipe.0.push(block(0));
        pipe.0.push(block(1));
        pipe.send();
        pipe.0.drop_waiting();
        pipe.0.push(Packet::Fin);
        pipe.send();
        let mut out = Vec::new();
        for _ in 0..2 {
            pipe.1.arrive(Time(1));
            pipe.1.deliver(Time(1), Time(2), &mut out);
        }
        assert!(matches!(out[..], [Packet::Block(..), Packet::Fin]));
    }
}
