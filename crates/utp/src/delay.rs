//! The queue on the way (RFC 6817, section 3.4.2; BEP 29, "congestion control"): how much longer packets take than the fastest lately.
//!
//! The other side says how long our packets took by both clocks; the differences of that are what counts. Its clock may jump, drift or lie. A
//! packet cannot have waited for longer than its whole round trip took beyond the shortest one, which our own clock alone says: what is above is
//! not believed, so a jump slows us for no longer than a packet. A lie downward hides a queue, and then loss is what is left to heed.

/// Length of a bucket of the history, in microseconds.
const BUCKET_US: u64 = 30_000_000;
/// Buckets: the base is the least of two minutes.
const BUCKETS: usize = 4;
/// A measurement counts as the least of so many (`CURRENT_FILTER`), so that one slow packet is no queue.
const FILTER: usize = 4;
/// A base that falls by less has not fallen, in microseconds.
const NOISE_US: i32 = 4_000;
/// "Lately" is one to two of these.
const LATELY_US: u64 = 5_000_000;

/// The least of one stretch of time.
#[derive(Clone, Copy, Debug)]
struct Base {
    /// By both clocks, in wrapping arithmetic.
    one_way_us: u32,
    /// By ours alone.
    round_us: u64,
}

impl Base {
    fn least(self, other: Self) -> Self {
        let later = self.one_way_us.wrapping_sub(other.one_way_us).cast_signed() > 0;
        Self {
            one_way_us: if later { other.one_way_us } else { self.one_way_us },
            round_us: self.round_us.min(other.round_us),
        }
    }
}

/// What is known of the queue.
#[derive(Clone, Debug, Default)]
pub(crate) struct Delay {
    /// One for each stretch of time, the newest first.
    bases: [Option<Base>; BUCKETS],
    /// When the newest began.
    bucket_us: u64,
    /// The last few queues, a ring.
    recent: [u64; FILTER],
    at: usize,
    /// The largest queue of the present and of the previous stretch of "lately".
    largest: [u64; 2],
    lately_us: u64,
    /// When the queue was last seen to be all but empty.
    empty_us: u64,
    /// When a packet was last faster than the fastest before it by more than noise.
    lowered_us: u64,
}

impl Delay {
    /// A packet took so long by both clocks, and its acknowledgement came after `round_us` by ours.
    pub(crate) fn sample(&mut self, now_us: u64, one_way_us: u32, round_us: u64) {
        if now_us.saturating_sub(self.bucket_us) >= BUCKET_US {
            self.bucket_us = now_us;
            self.bases.rotate_right(1);
            self.bases[0] = None;
        }
        let new = Base { one_way_us, round_us };
        let sooner = |base: Base| base.one_way_us.wrapping_sub(one_way_us).cast_signed() > NOISE_US;
        if self.base().is_some_and(sooner) {
            self.lowered_us = now_us;
        }
        let first = self.bases.iter().all(Option::is_none);
        self.bases[0] = Some(self.bases[0].map_or(new, |base| base.least(new)));
        let Some(base) = self.base() else { return };
        let longer = u64::from(one_way_us.wrapping_sub(base.one_way_us));
        let queue = longer.min(round_us.saturating_sub(base.round_us));
        if first {
            (self.recent, self.largest, self.lately_us) = ([queue; FILTER], [queue; 2], now_us);
        }
        self.recent[self.at % FILTER] = queue;
        self.at = (self.at + 1) % FILTER;
        if now_us.saturating_sub(self.lately_us) >= LATELY_US {
            self.lately_us = now_us;
            self.largest = [0, self.largest[0]];
        }
        let queue = self.queue_us();
        self.largest[0] = self.largest[0].max(queue);
        if queue <= self.largest_us() / 16 {
            self.empty_us = now_us;
        }
    }

    fn base(&self) -> Option<Base> {
        self.bases.iter().flatten().copied().reduce(Base::least)
    }

    /// The shortest round trip of two minutes, in microseconds.
    pub(crate) fn round_us(&self) -> Option<u64> {
        self.base().map(|base| base.round_us)
    }

    /// The queue now, in microseconds.
    pub(crate) fn queue_us(&self) -> u64 {
        self.recent.iter().copied().min().unwrap_or(0)
    }

    /// The largest queue lately, in microseconds.
    pub(crate) fn largest_us(&self) -> u64 {
        self.largest[0].max(self.largest[1])
    }

    /// When the queue was last all but empty, so that the base is known to be right.
    pub(crate) fn empty_us(&self) -> u64 {
        self.empty_us
    }

    /// When the base last fell, which a queue that never emptied had hidden.
    pub(crate) fn lowered_us(&self) -> u64 {
        self.lowered_us
    }

    /// What must hold at every moment.
    pub(crate) fn check(&self) {
        assert!(self.at < FILTER && self.empty_us >= self.lately_us.min(self.empty_us));
        assert!(self.base().is_some() || self.queue_us() == 0, "a queue without a base: {self:?}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fed(samples: impl IntoIterator<Item = (u64, u32, u64)>) -> Delay {
        let mut delay = Delay::default();
        for (now, one_way, round) in samples {
            delay.sample(now, one_way, round);
            delay.check();
        }
        delay
    }

    #[test]
    fn a_queue_is_what_exceeds_the_base_across_the_wrap_of_the_clock() {
        let start = u32::MAX - 10_000;
        let grows = (0..100).map(|i| (i * 1_000, start.wrapping_add(i as u32 * 500), 20_000 + i * 500));
        let delay = fed(grows);
        assert_eq!(delay.queue_us(), 96 * 500);
        assert_eq!(delay.base().map(|base| base.round_us), Some(20_000));
    }

    #[test]
    fn a_clock_that_jumps_or_drifts_is_not_believed() {
        let jumps = (0..100).map(|i| (i * 1_000, if i < 50 { 7 } else { 900_000_000 }, 20_000));
        assert_eq!(fed(jumps).queue_us(), 0);
        let drifts = (0..100_000).map(|i| (i * 1_000, 7 + i as u32, 20_000 + i % 3));
        assert!(fed(drifts).queue_us() <= 3);
    }

    #[test]
    fn a_base_that_falls_is_told_and_noise_is_not() {
        let falls = |to: u32| fed((0..100).map(|i| (1_000 + i, if i < 50 { 60_000 } else { to }, 80_000)));
        assert_eq!(falls(57_000).lowered_us(), 0);
        assert_eq!(falls(50_000).lowered_us(), 1_050);
    }

    #[test]
    fn the_largest_is_forgotten_and_the_base_too() {
        let mut delay = fed([(0, 0, 20_000)]);
        for i in 0..10 {
            delay.sample(1_000 + i, 80_000, 100_000);
        }
        assert_eq!((delay.queue_us(), delay.largest_us()), (80_000, 80_000));
        for i in 1..200 {
            delay.sample(i * 1_000_000, 30_000, 50_000);
        }
        assert_eq!((delay.queue_us(), delay.largest_us()), (0, 0), "it is the shortest way of two minutes");
    }
}
