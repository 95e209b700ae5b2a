//! How many peers are served at once (own design): few, so that each has whole pieces soon and can pass them on, and more only
//! while that fills the uplink better.
//!
//! With a limit the limit says whether the uplink is full. Without one the line itself is the bottleneck, and nobody tells its
//! rate: then one slot more is tried, and stays when the rate has risen by at least half of what a slot has on average.
//! A trial that failed takes two back, so that the number also finds its way down, and the next waits longer.
use crate::time::Time;
use core::time::Duration;

/// Slots that there are always.
const SLOTS_MIN: usize = 4;
/// Slots that are given at most.
const SLOTS_MAX: usize = 50;
/// How often a slot is added or taken.
const STEP: Duration = Duration::from_secs(1);
/// How long one slot more is tried: a second to begin with, then the two over which the rate is measured.
const TRIAL: Duration = Duration::from_secs(3);
/// Waits between trials: the first, and the longest to which failures double it.
const PATIENCE: (Duration, Duration) = (Duration::from_secs(4), Duration::from_secs(64));

/// What the uplink is doing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Uplink {
    /// Its limit is not reached.
    HasRoom,
    /// Its limit is reached.
    Full,
    /// Blocks wait, and it is not known whether more of them would go with one peer more; bytes a second as they go now.
    Busy(u64),
}

/// The number of slots.
#[derive(Clone, Copy, Debug)]
pub struct Slots {
    count: usize,
    stepped: Time,
    /// When the trial under way began, and the rate before it.
    trial: Option<(Time, u64)>,
    /// No trial before that moment; `None` until the line has first been busy.
    next_trial: Option<Time>,
    patience: Duration,
}

impl Default for Slots {
    fn default() -> Self {
        Self { count: SLOTS_MIN, stepped: Time::ZERO, trial: None, next_trial: None, patience: PATIENCE.0 }
    }
}

impl Slots {
    /// How many there are.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Once a second, while somebody waits for a slot: one more while the uplink has room, one fewer while it is full, and trials
    /// while that is not known.
    pub fn step(&mut self, now: Time, uplink: Uplink) {
        if now.since(self.stepped) < STEP {
            return;
        }
        self.stepped = now;
        let by = match uplink {
            Uplink::HasRoom => 1,
            Uplink::Full => -1,
            Uplink::Busy(rate) => self.try_one(now, rate),
        };
        self.count = self.count.saturating_add_signed(by).clamp(SLOTS_MIN, SLOTS_MAX);
    }

    fn try_one(&mut self, now: Time, rate: u64) -> isize {
        match self.trial {
            Some((since, _)) if now.since(since) < TRIAL => 0,
            Some((_, before)) => {
                let worth = before / (2 * self.count as u64);
                if rate > before.saturating_add(worth) {
                    self.patience = PATIENCE.0;
                    self.trial = Some((now, rate));
                    return 1;
                }
                self.trial = None;
                self.next_trial = Some(now + self.patience);
                self.patience = (self.patience * 2).min(PATIENCE.1);
                -2
            }
            None if self.next_trial.is_none_or(|at| now < at) => {
                self.next_trial.get_or_insert(now + self.patience);
                0
            }
            None => {
                self.trial = Some((now, rate));
                1
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Time {
        Time::ZERO + Duration::from_secs(seconds)
    }

    #[test]
    fn slots_follow_the_limit() {
        let mut slots = Slots::default();
        (1..=20).for_each(|s| slots.step(at(s), Uplink::HasRoom));
        assert_eq!(slots.count(), 24);
        slots.step(at(20), Uplink::HasRoom);
        assert_eq!(slots.count(), 24);
        (21..=80).for_each(|s| slots.step(at(s), Uplink::Full));
        assert_eq!(slots.count(), SLOTS_MIN);
    }

    /// The slots of an uplink of that rate, second by second, toward peers that each take no more than a rate.
    fn run(slots: &mut Slots, from: u64, seconds: u64, line: u64, peer: u64) {
        for s in from..from + seconds {
            slots.step(at(s), Uplink::Busy(line.min(peer * slots.count() as u64)));
        }
    }

    #[test]
    fn without_a_limit_a_line_that_four_fill_stays_with_about_four() {
        let mut slots = Slots::default();
        run(&mut slots, 1, 600, 1_000_000, 500_000);
        assert!((4..=5).contains(&slots.count()), "{}", slots.count());
    }

    #[test]
    fn without_a_limit_a_fast_line_finds_enough_slow_peers_and_lets_go_of_them() {
        let mut slots = Slots::default();
        run(&mut slots, 1, 120, 1_000_000, 50_000);
        assert!((15..=24).contains(&slots.count()), "{}", slots.count());
        run(&mut slots, 121, 1_800, 1_000_000, 1_000_000);
        assert!(slots.count() <= 6, "{}", slots.count());
    }
}
