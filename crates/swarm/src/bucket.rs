//! A token bucket (own design): how limits on payload are kept.
//!
//! Tokens flow in continuously with time, computed when asked, so there is no timer of its own; at most a quarter of a second is
//! saved up. Taking is allowed while there is any token, and may leave a debt, so that a block larger than what a low limit
//! gives in a moment still goes out whole and the average is kept. Invariant: `carry` < one second of nanoseconds.
use crate::time::Time;
use core::time::Duration;

/// Part of a second of tokens that is saved up while nobody takes: 1/4, well under the one second that limits promise.
const BURST_DIVISOR: u64 = 4;
/// What a waiter waits for at once: 10 ms of tokens, so that a limit means 100 wake-ups a second at most.
const GRAIN: Duration = Duration::from_millis(10);
const SECOND_NS: u128 = 1_000_000_000;

/// Tokens of one byte each.
#[derive(Clone, Debug)]
pub struct Bucket {
    rate: Option<u64>,
    credit: i64,
    carry: u64,
    last: Time,
}

impl Bucket {
    /// A bucket that gives so many tokens a second; `None` (and 0) is without limit.
    pub fn new(rate: Option<u64>) -> Self {
        Self { rate: rate.filter(|r| *r > 0), credit: 0, carry: 0, last: Time::ZERO }
    }

    /// Changes the limit; a debt stays.
    pub fn set_rate(&mut self, now: Time, rate: Option<u64>) {
        self.refill(now);
        self.rate = rate.filter(|r| *r > 0);
        self.credit = self.credit.min(0);
        self.last = now;
    }

    /// The limit in bytes a second.
    pub fn rate(&self) -> Option<u64> {
        self.rate
    }

    /// Whether something may be taken now.
    pub fn ready(&mut self, now: Time) -> bool {
        self.refill(now);
        self.rate.is_none() || self.credit > 0
    }

    /// Takes tokens, perhaps more than there are.
    pub fn take(&mut self, bytes: u64) {
        if self.rate.is_some() {
            self.credit = self.credit.saturating_sub_unsigned(bytes);
        }
    }

    /// Gives tokens back that were taken for nothing.
    pub(crate) fn refund(&mut self, bytes: u64) {
        if let Some(rate) = self.rate {
            self.credit = self.credit.saturating_add_unsigned(bytes).min(burst(rate));
        }
    }

    /// When there will be enough for a waiter to act; not after `now` when that is so already or without a limit.
    pub(crate) fn ready_at(&self, now: Time) -> Time {
        let Some(rate) = self.rate else { return now };
        let grain = (u128::from(rate) * GRAIN.as_nanos() / SECOND_NS).max(1) as i64;
        let missing = grain.saturating_sub(self.credit);
        if missing <= 0 {
            return now;
        }
        let ns = (u128::from(missing.unsigned_abs()) * SECOND_NS - u128::from(self.carry)).div_ceil(u128::from(rate));
        (self.last + Duration::from_nanos(u64::try_from(ns).unwrap_or(u64::MAX))).max(now)
    }

    fn refill(&mut self, now: Time) {
        if let Some(rate) = self.rate {
            let grown = now.since(self.last).as_nanos() * u128::from(rate) + u128::from(self.carry);
            self.carry = (grown % SECOND_NS) as u64;
            let bytes = i64::try_from(grown / SECOND_NS).unwrap_or(i64::MAX);
            self.credit = self.credit.saturating_add(bytes).min(burst(rate));
        }
        self.last = self.last.max(now);
    }
}

/// The most that is saved up, in bytes.
fn burst(rate: u64) -> i64 {
    i64::try_from((rate / BURST_DIVISOR).max(1)).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn no_limit_is_always_ready() {
        let mut bucket = Bucket::new(Some(0));
        bucket.take(u64::MAX);
        assert!(bucket.ready(Time::ZERO));
        assert_eq!(bucket.ready_at(Time::ZERO), Time::ZERO);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn the_average_is_kept_and_waiting_always_helps(rate in 1_000u64..200_000_000, lens in prop::collection::vec(1u64..16_384, 1..400)) {
            let mut bucket = Bucket::new(Some(rate));
            let start = Time::from_nanos(5_000_000_000);
            bucket.set_rate(start, Some(rate));
            let (mut now, mut taken, mut last) = (start, 0u64, 0);
            for len in lens {
                if !bucket.ready(now) {
                    let at = bucket.ready_at(now);
                    prop_assert!(at > now);
                    now = at;
                    prop_assert!(bucket.ready(now));
                }
                bucket.take(len);
                taken += len;
                last = len;
            }
            let earned = (now.since(start).as_nanos() * u128::from(rate) / SECOND_NS) as u64;
            prop_assert!(taken - last <= earned, "took {taken} of {earned}");
        }
    }
}
