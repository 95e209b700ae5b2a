//! How long answers of one address family take (own design): a query that is not answered within one and a half times what nine in ten take is late.
//!
//! A late query frees its place for the next one; its answer still counts, and still teaches how long answers take.
use alloc::vec::Vec;
use core::time::Duration;

/// Round trips that are remembered.
const SAMPLES: usize = 128;
/// The order of them is worked out anew after so many more.
const EACH: usize = 8;
/// Less than that says little.
const SAMPLES_MIN: usize = 8;
/// An answer takes at least as long as this before it is late, since hosts that are near have pauses too.
const LATE_MIN: Duration = Duration::from_millis(150);
/// Nobody is waited for longer before another is asked.
const LATE_MAX: Duration = Duration::from_secs(1);
/// When an answer is late while little is known.
const LATE_FIRST: Duration = Duration::from_millis(400);

/// The last round trips, in tenths of milliseconds.
#[derive(Debug)]
pub(crate) struct RoundTrips {
    ring: Vec<u32>,
    next: usize,
    since: usize,
    late: Duration,
}

impl RoundTrips {
    pub(crate) fn new() -> Self {
        Self { ring: Vec::new(), next: 0, since: 0, late: LATE_FIRST }
    }

    /// An answer took so long.
    pub(crate) fn took(&mut self, time: Duration) {
        let tenths = u32::try_from(time.as_micros() / 100).unwrap_or(u32::MAX);
        if self.ring.len() < SAMPLES {
            self.ring.push(tenths);
        } else {
            self.ring[self.next] = tenths;
        }
        self.next = (self.next + 1) % SAMPLES;
        self.since += 1;
        if self.since >= EACH && self.ring.len() >= SAMPLES_MIN {
            self.since = 0;
            let mut sorted = self.ring.clone();
            let at = (sorted.len() - 1) * 9 / 10;
            let (_, ninth, _) = sorted.select_nth_unstable(at);
            self.late = Duration::from_micros(u64::from(*ninth) * 150).clamp(LATE_MIN, LATE_MAX);
        }
    }

    /// After that time an answer is late.
    pub(crate) fn late_after(&self) -> Duration {
        self.late
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(times: impl IntoIterator<Item = u64>) -> Duration {
        let mut trips = RoundTrips::new();
        for ms in times {
            trips.took(Duration::from_millis(ms));
        }
        trips.late_after()
    }

    #[test]
    fn late_is_half_as_much_again_as_nine_in_ten_take() {
        assert_eq!(after([]), LATE_FIRST);
        assert_eq!(after(1..=7), LATE_FIRST, "seven say little");
        assert_eq!(after((0..80).map(|n| if n % 10 == 9 { 900 } else { 200 })), Duration::from_millis(300));
        assert_eq!(after((0..80).map(|_| 20)), LATE_MIN);
        assert_eq!(after((0..80).map(|_| 5_000)), LATE_MAX);
    }

    #[test]
    fn what_was_long_ago_is_forgotten() {
        assert_eq!(after((0..1_000).map(|n| if n < 800 { 600 } else { 160 })), Duration::from_millis(240));
    }
}
