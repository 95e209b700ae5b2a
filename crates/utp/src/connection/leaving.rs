//! What leaves a connection (BEP 29; RFC 8985, section 7.3, for probes of the tail): trains of packets of one size, as the network card cuts them (GSO).
//!
//! An acknowledgement rides on bytes of ours. A selective one goes alone, since packets of a train are alike.

use super::{Connection, Phase, Tail, Turn};
use crate::packet::{self, Between, HEAD_LEN, Head, Kind, MASK_MAX, PADDING_MAX};
use crate::pool::Pool;
use crate::receive::MASKS_MAX;

/// Acknowledgements of more packets than a selective ack tells of are so far apart.
const LONG_US: u64 = 5_000;

/// A train that was written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Train {
    /// Bytes in all.
    pub(crate) len: usize,
    /// Bytes of each datagram but the last, which may be shorter.
    pub(crate) segment: usize,
    /// It is larger than what the path takes in one piece.
    pub(crate) fragment: bool,
}

/// A packet that may leave.
#[derive(Clone, Copy, Debug)]
struct Choice {
    number: u64,
    len: usize,
    fin: bool,
    again: bool,
}

impl Connection {
    /// The number of our opening.
    pub(super) fn opening_nr(&self) -> u16 {
        // It stands before the first packet of the stream.
        self.send.before_first()
    }

    /// Something may leave now.
    pub(crate) fn wants_to_send(&mut self, now_us: u64) -> bool {
        self.ack_due || self.opening_due || self.choose(now_us).is_some()
    }

    /// When pacing lets the next packet go, where nothing else holds it.
    pub(super) fn paced_at(&mut self, now_us: u64) -> Option<u64> {
        let choice = self.choice().filter(|choice| self.fits(*choice))?;
        let at = self.pacing.when((choice.len + HEAD_LEN) as u64);
        (at > now_us).then_some(at)
    }

    /// The packet that is next, whether it may leave or not.
    fn choice(&self) -> Option<Choice> {
        let tail = if self.tail == Tail::Due { self.send.tail() } else { None };
        let number = tail.or_else(|| self.send.next()).filter(|_| self.phase == Phase::Open)?;
        let packet = self.send.peek(number)?;
        Some(Choice { number, len: packet.payload.len(), fin: packet.fin, again: packet.again })
    }

    /// The windows of both sides have room for it.
    fn fits(&self, choice: Choice) -> bool {
        let size = (choice.len + HEAD_LEN) as u64;
        let more = if choice.again { 0 } else { self.send.outstanding() };
        let theirs = more + choice.len as u64 <= self.peer_window;
        let ours = self.send.flying() == 0 || self.send.flying() + size <= self.congestion.window();
        theirs && ours
    }

    /// The packet that may leave now. Probes need no room.
    fn choose(&mut self, now_us: u64) -> Option<Choice> {
        let choice = self.choice()?;
        let probe = self.tail == Tail::Due || self.window_probe_due;
        let size = (choice.len + HEAD_LEN) as u64;
        (probe || (self.fits(choice) && self.pacing.allows(now_us) >= size)).then_some(choice)
    }

    /// Writes what may leave: one packet, or up to `segments_max` of one size with bytes of the stream. `None` when nothing may.
    pub(crate) fn transmit(&mut self, turn: &mut Turn<'_>, out: &mut [u8], segments_max: usize) -> Option<Train> {
        if self.opening_due {
            return self.opening(turn, out);
        }
        if self.ack_due && self.receive.has_holes() {
            return self.acknowledge(turn.now_us, turn.pool, out);
        }
        let mut train = Train { len: 0, segment: 0, fragment: false };
        for _ in 0..segments_max.max(1) {
            let Some(choice) = self.choose(turn.now_us) else { break };
            let size = choice.len + HEAD_LEN;
            let first = train.len == 0;
            if !first && size > train.segment || size > out.len() - train.len {
                break;
            }
            let padded = if first { self.probe_size(turn.now_us, choice) } else { None };
            let Some(len) = self.data(turn, choice, padded, &mut out[train.len..]) else { break };
            train.len += len;
            if first {
                (train.segment, train.fragment) = (len, padded.is_none() && len > self.mtu.datagram());
            }
            if len < train.segment || padded.is_some() || train.fragment {
                break;
            }
        }
        if train.len > 0 {
            return Some(train);
        }
        if self.ack_due { self.acknowledge(turn.now_us, turn.pool, out) } else { None }
    }

    /// The size to fill a packet up to, where it can be a probe of the path's MTU.
    fn probe_size(&self, now_us: u64, choice: Choice) -> Option<usize> {
        let size = choice.len + HEAD_LEN;
        let target =
            self.mtu.probe(now_us).filter(|_| !choice.again && !choice.fin && self.rtt.smooth_us().is_some())?;
        (size + PADDING_MAX >= target && size + 2 <= target).then_some(target)
    }

    /// A head with all that is the same for every packet.
    fn head(&mut self, now_us: u64, pool: &Pool, kind: Kind, seq_nr: u16) -> Head {
        self.told_window = self.receive.window(pool);
        Head {
            kind,
            connection_id: self.send_id,
            timestamp_us: now_us as u32,
            timestamp_difference_us: self.difference_us,
            window: self.told_window as u32,
            seq_nr,
            ack_nr: self.receive.ack_nr(),
        }
    }

    fn opening(&mut self, turn: &mut Turn<'_>, out: &mut [u8]) -> Option<Train> {
        let Phase::Opening { sent } = self.phase else {
            self.opening_due = false;
            return None;
        };
        let seq_nr = self.opening_nr();
        let head = Head {
            connection_id: self.receive_id,
            ack_nr: 0,
            timestamp_difference_us: 0,
            ..self.head(turn.now_us, turn.pool, Kind::Syn, seq_nr)
        };
        let len = packet::encode(&head, Between::Nothing, &[], out)?;
        (self.phase, self.opening_due) = (Phase::Opening { sent: sent + 1 }, false);
        (self.armed_us, self.left_us) = (turn.now_us, turn.now_us);
        Some(Train { len, segment: len, fragment: false })
    }

    /// An acknowledgement that carries nothing else.
    fn acknowledge(&mut self, now_us: u64, pool: &Pool, out: &mut [u8]) -> Option<Train> {
        // The long form now and then: it costs the way back, and each tells all.
        let long = self.receive.exceeds_mask() && now_us >= self.long_us + LONG_US;
        self.long_us = if long { now_us } else { self.long_us };
        let mut mask = [0; MASKS_MAX];
        let mask = &mut mask[..if long { MASKS_MAX } else { MASK_MAX }];
        let len = self.receive.mask(mask);
        let seq_nr = self.send.next_nr();
        let head = self.head(now_us, pool, Kind::State, seq_nr);
        let between = if len > 0 { Between::Mask(&mask[..len]) } else { Between::Nothing };
        let len = packet::encode(&head, between, &[], out)?;
        (self.ack_due, self.left_us) = (false, now_us);
        Some(Train { len, segment: len, fragment: false })
    }

    /// One packet with bytes of the stream, or its end.
    fn data(&mut self, turn: &mut Turn<'_>, choice: Choice, padded: Option<usize>, out: &mut [u8]) -> Option<usize> {
        let now = turn.now_us;
        let kind = if choice.fin { Kind::Fin } else { Kind::Data };
        let mut head = self.head(now, turn.pool, kind, 0);
        let outgoing = self.send.peek(choice.number)?;
        head.seq_nr = outgoing.seq_nr;
        let between = match padded {
            Some(size) => Between::Padding(size - choice.len - HEAD_LEN),
            None => Between::Nothing,
        };
        let len = packet::encode(&head, between, outgoing.payload, out)?;
        if !self.send.waits() {
            (self.armed_us, self.progress_us) = (now, now);
        }
        self.send.sent(now, choice.number, padded);
        self.pacing.spend(len as u64);
        if padded.is_some() {
            self.mtu.probes();
        }
        if self.tail == Tail::Due {
            self.tail = Tail::Spent;
        }
        self.window_probe_due = false;
        (self.data_us, self.left_us) = (now, now);
        self.ack_due &= self.receive.has_holes();
        Some(len)
    }
}
