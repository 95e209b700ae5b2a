//! Round trips and timeouts (BEP 29, "timeouts"; RFC 6298).
//!
//! Only packets that were sent once are measured, since nobody can tell which copy of another was acknowledged. The first timeout is a
//! second; then it is the round trip and four times its variation, at least 100 ms, doubled for each in a row.

/// The timeout while no round trip is known.
const FIRST_US: u64 = 1_000_000;
/// The shortest timeout; BEP 29 has 500 ms, which lets a fast path stand still for long.
const LEAST_US: u64 = 100_000;
/// The longest timeout, after how many in a row so ever.
const MOST_US: u64 = 8_000_000;
/// Doublings that are counted: more make no difference.
const BACKOFF_MAX: u32 = 7;
/// A measurement above this is a clock that jumped.
const SAMPLE_MAX_US: u64 = 60_000_000;

/// What is known of the time to the other side and back.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rtt {
    /// Smoothed, and how much it varies; zero before the first.
    smooth_us: u64,
    variation_us: u64,
    /// Timeouts in a row.
    backoff: u32,
}

impl Rtt {
    /// A packet that was sent once was acknowledged after this time.
    pub(crate) fn sample(&mut self, us: u64) {
        let us = us.clamp(1, SAMPLE_MAX_US);
        if self.smooth_us == 0 {
            (self.smooth_us, self.variation_us) = (us, us / 2);
        } else {
            self.variation_us = (3 * self.variation_us + self.smooth_us.abs_diff(us)) / 4;
            self.smooth_us = ((7 * self.smooth_us + us) / 8).max(1);
        }
    }

    /// Something new was acknowledged.
    pub(crate) fn progress(&mut self) {
        self.backoff = 0;
    }

    /// Nothing was, for the whole timeout.
    pub(crate) fn timed_out(&mut self) {
        self.backoff = (self.backoff + 1).min(BACKOFF_MAX);
    }

    /// The smoothed round trip, in microseconds; `None` before the first measurement.
    pub(crate) fn smooth_us(&self) -> Option<u64> {
        (self.smooth_us > 0).then_some(self.smooth_us)
    }

    /// How long an acknowledgement may be waited for, in microseconds.
    pub(crate) fn timeout_us(&self) -> u64 {
        let once = if self.smooth_us == 0 { FIRST_US } else { self.smooth_us + 4 * self.variation_us };
        (once.max(LEAST_US) << self.backoff).min(MOST_US)
    }

    /// The wait before a probe of the tail (RFC 8985, section 7.2): two round trips and the time that an acknowledgement may be held back.
    pub(crate) fn tail_probe_us(&self) -> Option<u64> {
        const HELD_BACK_US: u64 = 10_000;
        Some(2 * self.smooth_us()? + HELD_BACK_US)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timeouts_follow_the_round_trip_and_double() {
        let mut rtt = Rtt::default();
        assert_eq!(rtt.timeout_us(), 1_000_000);
        rtt.timed_out();
        assert_eq!(rtt.timeout_us(), 2_000_000);
        rtt.progress();
        rtt.sample(80_000);
        assert_eq!(rtt.timeout_us(), 80_000 + 4 * 40_000);
        for _ in 0..100 {
            rtt.sample(1_000);
        }
        assert_eq!(rtt.timeout_us(), 100_000);
        for _ in 0..40 {
            rtt.timed_out();
        }
        assert_eq!(rtt.timeout_us(), 8_000_000);
        rtt.sample(u64::MAX);
        assert!(rtt.timeout_us() <= 8_000_000);
    }
}
