//! What came and is not read yet (BEP 29, "Selective ACK", "ST_FIN"): packets past a missing one wait for it, the others wait for the reader.
//!
//! Bytes in order are offered to the reader where they lie in the datagram, and only what it leaves is kept. The end of the stream is told once
//! everything before it was read.

use crate::number;
use crate::packet::MASK_MAX;
use crate::pool::{PACKET_COST, Pool};
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::mem;

/// Packets past a missing one that are kept.
const AHEAD_MAX: u64 = 16_384;
/// Bytes of a selective ack and of what goes on behind it.
pub(crate) const MASKS_MAX: usize = MASK_MAX + 252;
/// Bytes that are kept for a connection at most.
pub(crate) const WINDOW_MAX: usize = 8 << 20;

/// What one packet costs at most: a datagram has 16 bits of length.
const PACKET_MAX: usize = (1 << 16) + PACKET_COST;

/// Takes as many of the bytes in order as it wants, and says how many.
pub(crate) type Deliver<'a> = dyn FnMut(&[u8]) -> usize + 'a;

/// What became of a packet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Arrival {
    /// It is new.
    Taken,
    /// It was there before.
    Known,
    /// There is no room, or it cannot be.
    Refused,
}

/// A packet that is kept.
#[derive(Clone, Debug)]
struct Kept {
    bytes: Vec<u8>,
    /// So many of its bytes were read.
    read: usize,
}

/// The receiving half of a connection.
#[derive(Clone, Debug)]
pub(crate) struct ReceiveWindow {
    /// The number of the packet that is missing.
    next: u64,
    /// Those that follow the missing one; the last is never empty.
    ahead: VecDeque<Option<Vec<u8>>>,
    /// In order and unread.
    ready: VecDeque<Kept>,
    /// What the pool is charged, and how many of that are bytes of the stream.
    held: usize,
    bytes: usize,
    /// The number of the end of the stream.
    fin: Option<u64>,
}

impl ReceiveWindow {
    /// The first packet has that number.
    pub(crate) fn new(first: u16) -> Self {
        let next = number::begin(first);
        Self { next, ahead: VecDeque::new(), ready: VecDeque::new(), held: 0, bytes: 0, fin: None }
    }

    /// The number of the last packet in order, as it is acknowledged.
    pub(crate) fn ack_nr(&self) -> u16 {
        number::wire(self.next - 1)
    }

    /// Bytes that may come, given what nobody holds.
    pub(crate) fn window(&self, pool: &Pool) -> usize {
        WINDOW_MAX.min(pool.share(self.held)).saturating_sub(self.held)
    }

    /// What the pool is charged.
    pub(crate) fn held(&self) -> usize {
        self.held
    }

    /// Something is missing that others came past.
    pub(crate) fn has_holes(&self) -> bool {
        !self.ahead.is_empty()
    }

    /// The stream came to its end, though not all may have been read.
    pub(crate) fn is_complete(&self) -> bool {
        self.fin.is_some_and(|fin| self.next > fin)
    }

    /// The stream came to its end and was read.
    pub(crate) fn is_over(&self) -> bool {
        self.is_complete() && self.ready.is_empty()
    }

    /// There is something to read.
    pub(crate) fn is_readable(&self) -> bool {
        !self.ready.is_empty()
    }

    /// A packet came.
    pub(crate) fn arrived(
        &mut self,
        seq_nr: u16,
        payload: &[u8],
        fin: bool,
        pool: &mut Pool,
        deliver: &mut Deliver<'_>,
    ) -> Arrival {
        let number = number::nearest(self.next, seq_nr);
        let Some(ahead) = number.checked_sub(self.next) else { return Arrival::Known };
        let past_end = self.fin.is_some_and(|end| number > end || (number == end) != fin);
        let ends_early = fin && self.next + self.ahead.len() as u64 > number;
        let cost = payload.len() + PACKET_COST;
        if ahead > AHEAD_MAX || past_end || (cost > self.window(pool) && !self.waits_for(ahead, cost, pool)) {
            return Arrival::Refused;
        }
        if ahead > 0 {
            let at = ahead as usize - 1;
            if self.ahead.get(at).is_some_and(Option::is_some) {
                return Arrival::Known;
            }
            if ends_early {
                return Arrival::Refused;
            }
            if at >= self.ahead.len() {
                self.ahead.resize_with(at + 1, || None);
            }
            self.keep(cost, payload.len(), pool);
            self.ahead[at] = Some(payload.to_vec());
            self.fin = if fin { Some(number) } else { self.fin };
            return Arrival::Taken;
        }
        if ends_early && self.has_holes() {
            return Arrival::Refused;
        }
        self.fin = if fin { Some(number) } else { self.fin };
        let taken = if self.ready.is_empty() && !payload.is_empty() { deliver(payload).min(payload.len()) } else { 0 };
        let rest = &payload[taken..];
        if !rest.is_empty() {
            self.keep(rest.len() + PACKET_COST, rest.len(), pool);
            self.ready.push_back(Kept { bytes: rest.to_vec(), read: 0 });
        }
        self.advance(pool, deliver);
        Arrival::Taken
    }

    /// It is the packet that all others wait for, and nobody can make room by reading: without it what is kept would be kept for ever. It goes beyond what
    /// this half may hold, once, and so by no more than itself.
    fn waits_for(&self, ahead: u64, cost: usize, pool: &Pool) -> bool {
        ahead == 0 && self.has_holes() && self.ready.is_empty() && cost <= pool.free()
    }

    /// The missing packet came: those that follow it are in order too.
    fn advance(&mut self, pool: &mut Pool, deliver: &mut Deliver<'_>) {
        loop {
            self.next += 1;
            let Some(Some(bytes)) = self.ahead.pop_front() else { break };
            let taken = if self.ready.is_empty() && !bytes.is_empty() { deliver(&bytes).min(bytes.len()) } else { 0 };
            self.drop_bytes(taken, pool);
            if taken < bytes.len() {
                self.ready.push_back(Kept { bytes, read: taken });
            } else {
                self.held -= PACKET_COST;
                pool.give(PACKET_COST);
            }
        }
    }

    fn keep(&mut self, cost: usize, bytes: usize, pool: &mut Pool) {
        // The window said that there is room.
        if pool.take(cost) {
            self.held += cost;
            self.bytes += bytes;
        }
    }

    fn drop_bytes(&mut self, bytes: usize, pool: &mut Pool) {
        self.bytes -= bytes;
        self.held -= bytes;
        pool.give(bytes);
    }

    /// What is to be read, where it lies.
    pub(crate) fn slices(&self) -> impl Iterator<Item = &[u8]> {
        self.ready.iter().map(|kept| &kept.bytes[kept.read..])
    }

    /// So many bytes were read.
    pub(crate) fn consume(&mut self, mut bytes: usize, pool: &mut Pool) {
        while bytes > 0
            && let Some(kept) = self.ready.front_mut()
        {
            let part = bytes.min(kept.bytes.len() - kept.read);
            kept.read += part;
            bytes -= part;
            let done = kept.read == kept.bytes.len();
            self.drop_bytes(part, pool);
            if done {
                self.ready.pop_front();
                self.held -= PACKET_COST;
                pool.give(PACKET_COST);
            }
        }
    }

    /// More came past the missing packet than a selective ack tells of.
    pub(crate) fn exceeds_mask(&self) -> bool {
        self.ahead.len() > MASK_MAX * 8
    }

    /// Writes which packets came past the missing one, and says how many bytes that takes.
    pub(crate) fn mask(&self, out: &mut [u8]) -> usize {
        out.fill(0);
        for (at, _) in self.ahead.iter().enumerate().take(out.len() * 8).filter(|(_, packet)| packet.is_some()) {
            out[at / 8] |= 1 << (at % 8);
        }
        self.ahead.len().div_ceil(32).saturating_mul(4).min(out.len())
    }

    /// Gives back everything.
    pub(crate) fn release(&mut self, pool: &mut Pool) {
        pool.give(mem::take(&mut self.held));
        self.bytes = 0;
        self.ahead.clear();
        self.ready.clear();
    }

    /// What must hold at every moment.
    pub(crate) fn check(&self) {
        let ahead = self.ahead.iter().flatten().map(|bytes| (bytes.len(), PACKET_COST));
        let ready = self.ready.iter().map(|kept| (kept.bytes.len() - kept.read, PACKET_COST));
        let (bytes, costs) = ahead.chain(ready).fold((0, 0), |(a, b), (c, d)| (a + c, b + d));
        assert_eq!((self.bytes, self.held), (bytes, bytes + costs));
        assert!(self.held <= WINDOW_MAX + PACKET_MAX && self.ahead.len() as u64 <= AHEAD_MAX);
        assert!(self.ahead.back().is_none_or(Option::is_some), "the last that is kept is missing");
        assert!(self.ready.iter().all(|kept| kept.read < kept.bytes.len()), "nothing is left to read of one");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_packet_that_all_others_wait_for_is_taken_when_there_is_no_room() {
        for reads in [true, false] {
            let (mut receive, mut pool) = (ReceiveWindow::new(1), Pool::new(20_000));
            let mut kept = 0;
            while receive.arrived(2 + kept, &[7; 900], false, &mut pool, &mut |_| 0) == Arrival::Taken {
                kept += 1;
            }
            assert!(kept > 5 && receive.window(&pool) < 996);
            let deliver: &mut Deliver<'_> = &mut |bytes| if reads { bytes.len() } else { 0 };
            assert_eq!(receive.arrived(1, &[7; 900], false, &mut pool, deliver), Arrival::Taken);
            receive.check();
            let unread: usize = receive.slices().map(<[u8]>::len).sum();
            assert_eq!(unread, if reads { 0 } else { 900 * (usize::from(kept) + 1) });
            // Now it is the reader who makes room.
            assert_eq!(receive.arrived(kept + 3, &[7; 900], false, &mut pool, &mut |_| 0) == Arrival::Taken, reads);
            receive.consume(unread, &mut pool);
            receive.release(&mut pool);
            assert_eq!(pool.used(), 0);
        }
    }
}
