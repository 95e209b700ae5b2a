//! Pacing (RFC 9002, section 7.7): a window is spread over its round trip instead of leaving at once.
//!
//! A bucket fills at the paced rate and holds no more than a millisecond of it, or two packets where that is more: so long are bursts at
//! most, and so coarse may the host's timer be.

/// How much of the rate may leave at once, in microseconds.
const BURST_US: u64 = 1_000;
/// Packets that may leave at once however slow the rate is.
const BURST_PACKETS: u64 = 2;
/// A rate above this is no longer counted: a gigabyte in a millisecond.
const RATE_MAX: u64 = 1_000_000;

/// The bucket that packets are paid from.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pacing {
    /// Bytes that may leave now, in parts of 1,024; below zero where a packet was let go ahead of its time.
    credit: i64,
    /// When it was filled last.
    at_us: u64,
    /// Rate in bytes per 1,024 microseconds; zero lets all go.
    rate: u64,
    /// What it holds at most, in bytes.
    burst: u64,
}

impl Pacing {
    /// The rate from now on: `window` bytes in `round_us`, times `gain` quarters.
    pub(crate) fn set(&mut self, now_us: u64, window: u64, round_us: u64, gain: u64, packet: u64) {
        self.fill(now_us);
        let first = self.rate == 0;
        self.rate = (window.saturating_mul(256 * gain) / round_us.max(1)).clamp(1, RATE_MAX * 1_024);
        self.burst = (self.rate * BURST_US / 1_024).max(BURST_PACKETS * packet);
        let most = (self.burst * 1_024).cast_signed();
        // The first packets have nothing to be paced by.
        self.credit = if first { most } else { self.credit.min(most) };
    }

    fn fill(&mut self, now_us: u64) {
        let passed = now_us.saturating_sub(self.at_us).min(1_000_000);
        self.at_us = self.at_us.max(now_us);
        let most = (self.burst * 1_024).cast_signed();
        self.credit = self.credit.saturating_add((passed * self.rate).cast_signed()).min(most);
    }

    /// Bytes that may leave at once now.
    pub(crate) fn allows(&mut self, now_us: u64) -> u64 {
        if self.rate == 0 {
            return u64::MAX;
        }
        self.fill(now_us);
        u64::try_from(self.credit).unwrap_or(0) / 1_024
    }

    /// So many bytes leave.
    pub(crate) fn spend(&mut self, bytes: u64) {
        if self.rate > 0 {
            self.credit -= (bytes * 1_024).cast_signed();
        }
    }

    /// When so many bytes may leave; now or earlier where they may already.
    pub(crate) fn when(&self, bytes: u64) -> u64 {
        let missing = (bytes.min(self.burst) * 1_024).cast_signed() - self.credit;
        if self.rate == 0 || missing <= 0 {
            return self.at_us;
        }
        self.at_us + missing.cast_unsigned().div_ceil(self.rate)
    }

    /// What must hold at every moment.
    pub(crate) fn check(&self) {
        assert!(self.rate == 0 || self.credit <= (self.burst * 1_024).cast_signed(), "more than a burst: {self:?}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_kept_and_bursts_are_short() {
        let mut pacing = Pacing::default();
        // 1 MB in 100 ms: 10 bytes a microsecond.
        pacing.set(0, 1_000_000, 100_000, 4, 1_000);
        let (mut now, mut sent) = (0, 0);
        while now < 1_000_000 {
            let allowed = pacing.allows(now);
            assert!(allowed <= 10_001, "{allowed}");
            if allowed >= 1_000 {
                pacing.spend(1_000);
                sent += 1_000;
            } else {
                let next = pacing.when(1_000);
                assert!(next > now);
                now = next;
            }
            pacing.check();
        }
        assert!((9_900_000..=10_050_000).contains(&sent), "{sent}");
    }
}
