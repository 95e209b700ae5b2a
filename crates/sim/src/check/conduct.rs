//! Whether limits on payload hold (own design): a bucket that may be over by what a second brings, and a block.
use std::time::Duration;
use teem_swarm::time::Time;

/// What a limit may be overdrawn by besides a second's worth, in bytes: one block.
const SLACK: u64 = 16 * 1024;
/// How much a limit may be overdrawn, in time.
const BURST: Duration = Duration::from_secs(1);

/// Bytes counted against a rate.
#[derive(Clone, Debug)]
pub(crate) struct Bucket {
    /// Bytes a second.
    rate: u64,
    /// Bytes times 10^9 that are not yet paid for by time.
    level: u128,
    at: Time,
}

impl Bucket {
    /// An empty one for that many bytes a second.
    pub(crate) fn new(rate: u64) -> Self {
        Self { rate, level: 0, at: Time::ZERO }
    }

    /// Counts bytes; says whether the limit holds.
    pub(crate) fn add(&mut self, now: Time, bytes: u64) -> bool {
        let paid = now.since(self.at).as_nanos() * u128::from(self.rate);
        self.at = now;
        self.level = self.level.saturating_sub(paid) + u128::from(bytes) * 1_000_000_000;
        self.level <= BURST.as_nanos() * u128::from(self.rate) + u128::from(SLACK) * 1_000_000_000
    }

    /// Gives back bytes that were counted and never came.
    pub(crate) fn give_back(&mut self, bytes: u64) {
        self.level = self.level.saturating_sub(u128::from(bytes) * 1_000_000_000);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_and_a_block_at_once_but_no_more() {
        let mut bucket = Bucket::new(100_000);
        assert!(bucket.add(Time(0), 100_000 + SLACK));
        assert!(!bucket.add(Time(0), 1));
        let second = Time::ZERO + Duration::from_secs(1);
        assert!(bucket.add(second, 99_999));
        assert!(!bucket.add(second, 2));
    }
}
