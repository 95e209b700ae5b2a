//! What one peer has asked of us (BEP 3; bad input, row 35).
//!
//! Requests wait as descriptors; only a bounded number of bytes is with the disk or in the socket's queue, and the next are
//! read as `sent` frees room, so that a peer that does not read costs little. Invariant: `in_flight` is the bytes of blocks
//! that were read or are being read and have not gone to the kernel.
use crate::rate::{DISPLAY_SLOTS, Meter, PIPELINE_SLOTS};
use crate::time::Time;
use alloc::collections::VecDeque;
use core::time::Duration;
use teem_wire::peer::block::BlockRef;

/// Requests of one peer that are kept: what we advertise as `reqq`.
pub(crate) const REQQ: usize = 2_000;
/// A peer that may ask and has asked for nothing for so long does not occupy a slot. Longer than an ordinary round trip.
pub(crate) const PAUSE: Duration = Duration::from_millis(500);
/// Bytes in flight to one peer: half a second of its rate within these bounds. What is in flight cannot be cancelled any more.
const IN_FLIGHT: (u64, u64) = (128 << 10, 4 << 20);

/// A peer that takes longer than this for what is in flight is slow, or does not read at all.
const SLOW: Duration = Duration::from_secs(2);
/// When so many looks in a row have found that, what is in flight to it says nothing of the line.
const SLOW_LOOKS: u8 = 2;

/// Requests of one peer.
#[derive(Clone, Default, Debug)]
pub(crate) struct Upload {
    asked: VecDeque<BlockRef>,
    reading: VecDeque<BlockRef>,
    in_flight: u64,
    /// How many looks in a row have found that it will take long for what is in flight.
    slow_looks: u8,
    /// When the first of the bytes in flight was read.
    held_since: Time,
    /// Since when there was nothing to send to it.
    idle_since: Time,
    /// The piece of the block read last.
    at: Option<u32>,
    /// Since when it waits for the limit, if it does.
    waits_since: Time,
    /// It is sent the same again and again, as a source has seen.
    round: bool,
    /// Payload that went to the kernel.
    meter: Meter,
}

impl Upload {
    /// Payload that went to the kernel.
    pub(crate) fn meter(&self) -> &Meter {
        &self.meter
    }

    /// It begins to wait for the limit.
    pub(crate) fn wait_since(&mut self, now: Time) {
        self.waits_since = now;
    }

    /// Since when it waits for the limit, if it does.
    pub(crate) fn waits_since(&self) -> Time {
        self.waits_since
    }

    /// Whether it is sent the same again and again.
    pub(crate) fn goes_round(&self) -> bool {
        self.round
    }

    /// A source has looked at that.
    pub(crate) fn set_round(&mut self, round: bool) {
        self.round = round;
    }

    /// Takes a request; whether there was room.
    pub(crate) fn ask(&mut self, at: BlockRef) -> bool {
        let room = self.asked.len() + self.reading.len() < REQQ;
        if room {
            self.asked.push_back(at);
        }
        room
    }

    /// The peer does not want a block any more; whether that was still in time.
    pub(crate) fn cancel(&mut self, at: BlockRef) -> bool {
        remove(&mut self.asked, at) || remove(&mut self.reading, at)
    }

    /// Whether something waits that may be read now.
    pub(crate) fn is_ready(&self, now: Time) -> bool {
        let most = (self.meter.rate(now, DISPLAY_SLOTS) / 2).clamp(IN_FLIGHT.0, IN_FLIGHT.1);
        !self.asked.is_empty() && self.in_flight < most
    }

    /// Requests that wait or are being read.
    pub(crate) fn waiting(&self) -> usize {
        self.asked.len() + self.reading.len()
    }

    /// Bytes that were read for it and have not gone to the kernel.
    pub(crate) fn in_flight(&self) -> u64 {
        self.in_flight
    }

    /// When payload last went to the kernel, or the peer was unchoked.
    pub(crate) fn taken(&self) -> Time {
        self.idle_since
    }

    /// Since when it has taken nothing of what is in flight to it; `None` while nothing is.
    pub(crate) fn stuck_since(&self) -> Option<Time> {
        (self.in_flight > 0).then(|| self.held_since.max(self.idle_since))
    }

    /// Whether what was in flight at that moment may have gone to the kernel.
    pub(crate) fn has_taken(&self, at: Time) -> bool {
        self.in_flight == 0 || self.idle_since > at
    }

    /// Bytes in flight that the line is about to carry.
    pub(crate) fn ahead(&self) -> u64 {
        if self.slow_looks < SLOW_LOOKS { self.in_flight } else { 0 }
    }

    /// Looks whether the peer takes what is in flight; to be called once a second or so. Returns [`Self::ahead`].
    pub(crate) fn look_at(&mut self, now: Time) -> u64 {
        let most = || self.meter.rate(now, PIPELINE_SLOTS).saturating_mul(SLOW.as_secs());
        self.slow_looks =
            if self.in_flight > 0 && self.in_flight > most() { (self.slow_looks + 1).min(SLOW_LOOKS) } else { 0 };
        self.ahead()
    }

    /// Whether anything is waiting or on its way.
    pub(crate) fn is_idle(&self) -> bool {
        self.asked.is_empty() && self.in_flight == 0
    }

    /// It may ask from now on.
    pub(crate) fn unchoked(&mut self, now: Time) {
        self.idle_since = now;
    }

    /// Whether there has been nothing to send to it for a while, although it may ask.
    pub(crate) fn has_paused(&self, now: Time) -> bool {
        self.pauses_at().is_some_and(|at| at <= now)
    }

    /// When that is so, if it asks for nothing until then.
    pub(crate) fn pauses_at(&self) -> Option<Time> {
        self.is_idle().then(|| self.idle_since + PAUSE)
    }

    /// The next request, and whether it is of the same piece as the last.
    pub(crate) fn next(&self) -> Option<(BlockRef, bool)> {
        self.asked.front().map(|at| (*at, self.at == Some(at.piece)))
    }

    /// Takes the next request for reading.
    pub(crate) fn read(&mut self, now: Time) -> Option<BlockRef> {
        let at = self.asked.pop_front()?;
        if self.in_flight == 0 {
            self.held_since = now;
        }
        if self.asked.is_empty() {
            self.asked.clear(); // the next ones begin where these did, near in memory
        }
        self.reading.push_back(at);
        self.at = Some(at.piece);
        self.in_flight += u64::from(at.len);
        Some(at)
    }

    /// A block was read; whether it is still wanted. If not, it is dropped and its bytes are in flight no more.
    pub(crate) fn has_read(&mut self, at: BlockRef) -> bool {
        let wanted = remove(&mut self.reading, at);
        if !wanted {
            self.in_flight = self.in_flight.saturating_sub(u64::from(at.len));
        }
        wanted
    }

    /// A block could not be read; whether it is still wanted, so that the peer has to be told.
    pub(crate) fn read_failed(&mut self, at: BlockRef) -> bool {
        self.in_flight = self.in_flight.saturating_sub(u64::from(at.len));
        remove(&mut self.reading, at)
    }

    /// Payload has gone to the kernel.
    pub(crate) fn sent(&mut self, now: Time, bytes: u64) {
        self.in_flight = self.in_flight.saturating_sub(bytes);
        self.meter.add(now, bytes);
        self.idle_since = now;
    }

    /// Drops all requests but those that `keep` names; returns what was dropped.
    pub(crate) fn choke(&mut self, keep: impl Fn(&BlockRef) -> bool) -> VecDeque<BlockRef> {
        let all = core::mem::take(&mut self.reading).into_iter().map(|at| (true, at));
        let all = all.chain(core::mem::take(&mut self.asked).into_iter().map(|at| (false, at)));
        let mut dropped = VecDeque::new();
        for (reading, at) in all {
            match (keep(&at), reading) {
                (false, _) => dropped.push_back(at),
                (true, true) => self.reading.push_back(at),
                (true, false) => self.asked.push_back(at),
            }
        }
        dropped
    }
}

fn remove(queue: &mut VecDeque<BlockRef>, at: BlockRef) -> bool {
    let found = queue.iter().position(|a| *a == at).and_then(|i| queue.remove(i)).is_some();
    if queue.is_empty() {
        queue.clear();
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(n: u32) -> BlockRef {
        BlockRef { piece: n, begin: 0, len: 16_384 }
    }

    #[test]
    fn row_35_no_more_than_reqq_are_kept_and_little_is_in_flight() {
        let mut upload = Upload::default();
        assert_eq!((0..100_000).filter(|n| upload.ask(block(*n))).count(), REQQ);
        let mut reads = 0;
        while upload.is_ready(Time::ZERO) {
            upload.read(Time::ZERO);
            reads += 1;
        }
        assert_eq!(reads, 8);
        assert!(upload.has_read(block(0)));
        assert!(!upload.is_ready(Time::ZERO));
        upload.sent(Time::ZERO, 16_384);
        assert!(upload.is_ready(Time::ZERO));
    }

    #[test]
    fn what_is_cancelled_while_it_is_read_is_dropped() {
        let mut upload = Upload::default();
        upload.ask(block(1));
        upload.ask(block(2));
        upload.read(Time::ZERO);
        assert!(upload.cancel(block(1)) && upload.cancel(block(2)) && !upload.cancel(block(3)));
        assert!(!upload.has_read(block(1)));
        assert!(upload.is_idle());
    }
}
