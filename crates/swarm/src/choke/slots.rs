//! How many peers are served at once (own design): few when the uplink is the bottleneck, so that each gets whole pieces soon.
use crate::time::Time;
use core::time::Duration;

/// Slots that there are always.
const SLOTS_MIN: usize = 4;
/// Slots that are given at most, and at once when nothing limits the uplink.
const SLOTS_MAX: usize = 50;
/// How often a slot is added or taken.
const STEP: Duration = Duration::from_secs(1);

/// The number of slots.
#[derive(Clone, Copy, Debug)]
pub struct Slots {
    count: usize,
    stepped: Time,
}

impl Default for Slots {
    fn default() -> Self {
        Self { count: SLOTS_MIN, stepped: Time::ZERO }
    }
}

impl Slots {
    /// How many there are.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Once a second: one more while the limit on the uplink is not reached, one fewer while it is. Without a limit all.
    pub fn step(&mut self, now: Time, limited: bool, bottleneck: bool) {
        if !limited {
            self.count = SLOTS_MAX;
        } else if now.since(self.stepped) >= STEP {
            self.stepped = now;
            self.count = if bottleneck { self.count - 1 } else { self.count + 1 }.clamp(SLOTS_MIN, SLOTS_MAX);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_follow_the_uplink() {
        let mut slots = Slots::default();
        let at = |s| Time::ZERO + Duration::from_secs(s);
        (1..=20).for_each(|s| slots.step(at(s), true, false));
        assert_eq!(slots.count(), 24);
        slots.step(at(20), true, false);
        assert_eq!(slots.count(), 24);
        (21..=80).for_each(|s| slots.step(at(s), true, true));
        assert_eq!(slots.count(), SLOTS_MIN);
        slots.step(at(81), false, true);
        assert_eq!(slots.count(), SLOTS_MAX);
    }
}
