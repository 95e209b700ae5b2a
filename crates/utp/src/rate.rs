//! How fast bytes come through (own design): what was acknowledged in each quarter of a round trip, the most of the last two round trips.
//!
//! While there is a queue this is what the narrowest place of the way gives us, so it says how large a window would have no queue. Where we send less
//! than could pass it says less, so nothing may follow from it but that a window need not shrink further.

/// Measurements that are kept: quarters of a round trip.
const KEPT: usize = 8;
/// The shortest stretch that is measured, in microseconds.
const STRETCH_MIN_US: u64 = 4_000;

/// What came through in the last quarters of a round trip, in bytes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rate {
    /// Bytes in 1,024 microseconds, a ring.
    recent: [u64; KEPT],
    at: usize,
    /// The present stretch: since when, and what came through.
    since_us: u64,
    bytes: u64,
}

impl Rate {
    /// So many bytes were acknowledged.
    pub(crate) fn acked(&mut self, now_us: u64, bytes: u64, round_us: u64) {
        self.bytes += bytes;
        let took = now_us.saturating_sub(self.since_us);
        if took >= (round_us / 4).max(STRETCH_MIN_US) {
            // Longer silence was no measurement of the way.
            let fresh = took < round_us;
            self.recent[self.at % KEPT] = if fresh { self.bytes * 1_024 / took } else { 0 };
            self.at = (self.at + 1) % KEPT;
            (self.since_us, self.bytes) = (now_us, 0);
        }
    }

    /// Bytes that come through in that time.
    pub(crate) fn in_us(&self, us: u64) -> u64 {
        self.recent.iter().copied().max().unwrap_or(0).saturating_mul(us) / 1_024
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_most_of_two_round_trips() {
        let mut rate = Rate::default();
        let mut now = 1_000_000;
        for step in 0..100 {
            now += 1_000;
            rate.acked(now, if step < 50 { 2_000 } else { 1_000 }, 40_000);
        }
        assert!((195_000..=205_000).contains(&rate.in_us(100_000)), "{rate:?}");
        for _ in 0..50 {
            now += 1_000;
            rate.acked(now, 1_000, 40_000);
        }
        assert!((97_000..=103_000).contains(&rate.in_us(100_000)), "{rate:?}");
    }
}
