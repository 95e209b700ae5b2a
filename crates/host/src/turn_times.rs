//! How long the turns of the host's thread take (own design): while one lasts, no peer is heard and no question answered.
use core::time::Duration;
use std::sync::atomic::{AtomicU64, Ordering};

/// Turns are counted by how long they took at most.
const UP_TO: [Duration; 10] = [
    Duration::from_millis(1),
    Duration::from_millis(2),
    Duration::from_millis(5),
    Duration::from_millis(10),
    Duration::from_millis(20),
    Duration::from_millis(50),
    Duration::from_millis(100),
    Duration::from_millis(200),
    Duration::from_millis(500),
    Duration::from_secs(1),
];

/// The turns since the start, by their length.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TurnTimes {
    /// How many took so long at most and longer than the bound before, in ascending order.
    pub up_to: Vec<(Duration, u64)>,
    /// How many took longer than the last bound.
    pub beyond: u64,
    /// The time of all together, without what was slept between them.
    pub all: Duration,
}

/// What is counted, by the thread itself.
#[derive(Debug, Default)]
pub(crate) struct Turns {
    counts: [AtomicU64; UP_TO.len()],
    beyond: AtomicU64,
    /// The time of all turns together, in microseconds.
    all: AtomicU64,
}

impl Turns {
    /// A turn took so long.
    pub(crate) fn took(&self, time: Duration) {
        let at = UP_TO.partition_point(|bound| *bound < time);
        self.counts.get(at).unwrap_or(&self.beyond).fetch_add(1, Ordering::Relaxed);
        self.all.fetch_add(time.as_micros() as u64, Ordering::Relaxed);
    }

    /// What has come together.
    pub(crate) fn told(&self) -> TurnTimes {
        let counts = self.counts.iter().map(|count| count.load(Ordering::Relaxed));
        TurnTimes {
            up_to: UP_TO.into_iter().zip(counts).collect(),
            beyond: self.beyond.load(Ordering::Relaxed),
            all: Duration::from_micros(self.all.load(Ordering::Relaxed)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_turn_counts_by_the_first_bound_that_it_kept() {
        let turns = Turns::default();
        for time in [Duration::ZERO, UP_TO[0], UP_TO[0] + Duration::from_micros(1), UP_TO[9], UP_TO[9] * 2] {
            turns.took(time);
        }
        let told = turns.told();
        let counts: Vec<u64> = told.up_to.iter().map(|(_, count)| *count).collect();
        assert_eq!((counts, told.beyond), (vec![2, 1, 0, 0, 0, 0, 0, 0, 0, 1], 1));
        assert_eq!(told.all, Duration::from_micros(2_001 + 3_000_000));
    }
}
