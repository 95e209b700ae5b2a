//! What look-ups came to: how long until the first peers, how many queries, how many found any.
use crate::report::stats::{decimal, percentile};
use std::fmt;
use std::time::Duration;

/// The look-ups of one way of looking up, in one world.
#[derive(Clone, Debug, Default)]
pub struct Figures {
    /// The world, and whose look-ups.
    pub label: String,
    /// Look-ups that were begun.
    pub begun: u32,
    /// Until the first peers of each that found any, sorted.
    pub first: Vec<Duration>,
    /// Queries of each look-up, to its very end, sorted.
    pub asked: Vec<u32>,
}

impl Figures {
    /// Sorts what was gathered.
    #[must_use]
    pub(crate) fn sorted(mut self) -> Self {
        self.first.sort_unstable();
        self.asked.sort_unstable();
        self
    }

    /// The time within which so many thousandths of those that found peers had the first.
    pub fn first_ms(&self, permille: usize) -> Option<u64> {
        percentile(&self.first, permille).map(|time| time.as_millis() as u64)
    }

    /// Queries a look-up, in thousandths.
    pub fn asked_mean(&self) -> u64 {
        let all: u64 = self.asked.iter().map(|asked| u64::from(*asked)).sum();
        all * 1_000 / (self.asked.len() as u64).max(1)
    }

    /// Of a thousand look-ups, so many found peers.
    pub fn found_permille(&self) -> u64 {
        self.first.len() as u64 * 1_000 / u64::from(self.begun.max(1))
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = |permille| decimal(self.first_ms(permille));
        let (half, most, last) = (time(500), time(950), time(999));
        let (found, begun, asked) = (self.first.len(), self.begun, decimal(Some(self.asked_mean())));
        write!(
            out,
            "{}: {found} of {begun} found peers; first after {half} s (p50), {most} (p95), {last} (p99.9); ",
            self.label
        )?;
        write!(out, "{asked} queries to the end, {} at most", self.asked.last().copied().unwrap_or(0))
    }
}
