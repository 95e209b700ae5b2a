//! A line that frames pass, one direction of it (own design): a queue that is served at a rate, a way that takes its time, and frames that are lost by chance.
//! No clock and no socket: moments are passed in, and it says when a frame comes out.

use std::time::Duration;

/// Frames up to this length are never lost by chance, in bytes: acknowledgements alone, questions for an address. What is measured is what loss of content does.
const SHORT_MAX: usize = 200;

/// How much may wait before the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Buffer {
    /// So many bytes.
    Bytes(u64),
    /// What passes in that time.
    Time(Duration),
}

/// What a line is like, in both directions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Nature {
    /// Bits in a second.
    pub bits: u64,
    /// The time from one end to the other, when nothing waits; the round trip is twice that.
    pub delay: Duration,
    /// What may wait; what comes then is dropped.
    pub buffer: Buffer,
    /// Frames of a million that are lost by chance.
    pub loss_ppm: u32,
}

/// What was seen of a line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Frames that were let in, and how long they waited together and at most.
    pub frames: u64,
    /// The sum of all waits.
    pub waited: Duration,
    /// The longest wait.
    pub waited_max: Duration,
    /// Frames lost by chance.
    pub lost: u64,
    /// Frames dropped since the buffer was full.
    pub dropped: u64,
}

impl Seen {
    /// The mean wait of a frame.
    pub fn mean(&self) -> Duration {
        self.waited / u32::try_from(self.frames.max(1)).unwrap_or(u32::MAX)
    }
}

/// The line at work.
#[derive(Debug)]
pub(crate) struct Line {
    nature: Nature,
    /// When the last frame that was let in will have left the queue.
    busy_until: Duration,
    chance: u64,
    pub(crate) seen: Seen,
}

impl Line {
    pub(crate) fn new(nature: Nature, seed: u64) -> Self {
        Self {
            nature,
            busy_until: Duration::ZERO,
            chance: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1,
            seen: Seen::default(),
        }
    }

    /// How long so many bytes take to leave the queue.
    fn takes(&self, bytes: u64) -> Duration {
        Duration::from_nanos(bytes * 8_000_000_000 / self.nature.bits.max(1))
    }

    /// A frame enters; when it comes out, if it does.
    pub(crate) fn carry(&mut self, now: Duration, len: usize) -> Option<Duration> {
        let waits = self.busy_until.saturating_sub(now);
        let most = match self.nature.buffer {
            Buffer::Bytes(bytes) => self.takes(bytes),
            Buffer::Time(time) => time,
        };
        if waits > most {
            self.seen.dropped += 1;
            return None;
        }
        self.busy_until = self.busy_until.max(now) + self.takes(len as u64);
        self.seen.frames += 1;
        self.seen.waited += waits;
        self.seen.waited_max = self.seen.waited_max.max(waits);
        if len > SHORT_MAX && self.draw(1_000_000) < u64::from(self.nature.loss_ppm) {
            self.seen.lost += 1;
            return None;
        }
        Some(self.busy_until + self.nature.delay)
    }

    /// A number below `below` (xorshift64), the same ones every time.
    fn draw(&mut self, below: u64) -> u64 {
        self.chance ^= self.chance << 13;
        self.chance ^= self.chance >> 7;
        self.chance ^= self.chance << 17;
        self.chance % below
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn line(buffer: Buffer, loss_ppm: u32) -> Line {
        // A frame of 1,000 bytes takes a millisecond.
        Line::new(Nature { bits: 8_000_000, delay: 20 * MS, buffer, loss_ppm }, 1)
    }

    #[test]
    fn frames_wait_for_those_before_them_and_take_the_way() {
        let mut line = line(Buffer::Time(100 * MS), 0);
        assert_eq!(line.carry(MS, 1_000), Some(22 * MS));
        assert_eq!(line.carry(MS, 1_000), Some(23 * MS));
        assert_eq!(line.carry(30 * MS, 1_000), Some(51 * MS), "nothing waited any more");
        assert_eq!((line.seen.frames, line.seen.waited, line.seen.waited_max), (3, MS, MS));
    }

    #[test]
    fn a_full_buffer_drops_what_comes() {
        for buffer in [Buffer::Time(5 * MS), Buffer::Bytes(5_000)] {
            let mut line = line(buffer, 0);
            let passed = (0..10).filter(|_| line.carry(MS, 1_000).is_some()).count();
            assert_eq!((passed, line.seen.dropped, line.seen.waited_max), (6, 4, 5 * MS), "{buffer:?}");
        }
    }

    #[test]
    fn as_many_are_lost_as_was_said_and_short_ones_never() {
        let mut line = line(Buffer::Time(100 * MS), 10_000);
        for at in 0..100_000 {
            line.carry(at * MS, 1_000);
            line.carry(at * MS, 60);
        }
        assert!((900..1_100).contains(&line.seen.lost), "{:?}", line.seen);
    }
}
