//! How fast bytes flow (own design): sums over the last half seconds, integers only.
//!
//! One ring of forty half seconds serves every question: the pipeline looks at the last two seconds, the display at five, the
//! choker (BEP 3, tit-for-tat) at twenty. Invariant: `slots[i % SLOTS]` belongs to half second `i` for each `i` in
//! `(head - SLOTS, head]`.
use crate::time::Time;

/// Length of one slot in nanoseconds.
const SLOT_NS: u64 = 500_000_000;
/// Slots in the ring: twenty seconds.
const SLOTS: usize = 40;

/// Slots of the window that the request pipeline looks at: two seconds, because it has to follow a growing rate.
pub(crate) const PIPELINE_SLOTS: usize = 4;
/// Slots of the window for display and for telling fast from slow: five seconds.
pub(crate) const DISPLAY_SLOTS: usize = 10;
/// Slots of the window for tit-for-tat: twenty seconds, so that one slow round does not undo a good partner.
pub(crate) const CHOKE_SLOTS: usize = SLOTS;

/// Counts bytes and tells their rate over a sliding window.
#[derive(Clone, Debug)]
pub(crate) struct Meter {
    slots: [u32; SLOTS],
    head: u64,
    first: Option<Time>,
    total: u64,
}

impl Default for Meter {
    fn default() -> Self {
        Self { slots: [0; SLOTS], head: 0, first: None, total: 0 }
    }
}

impl Meter {
    /// Counts bytes that flowed now.
    pub(crate) fn add(&mut self, now: Time, bytes: u64) {
        self.first.get_or_insert(now);
        let slot = now.nanos() / SLOT_NS;
        if slot > self.head {
            for stale in self.head + 1..=slot.min(self.head + SLOTS as u64) {
                self.slots[(stale % SLOTS as u64) as usize] = 0;
            }
            self.head = slot;
        }
        let here = &mut self.slots[(self.head % SLOTS as u64) as usize];
        *here = here.saturating_add(u32::try_from(bytes).unwrap_or(u32::MAX));
        self.total += bytes;
    }

    /// Bytes a second over the last `slots` half seconds (at most forty), or since the first byte when that is less; at least one slot.
    pub(crate) fn rate(&self, now: Time, slots: usize) -> u64 {
        let Some(first) = self.first else { return 0 };
        let current = now.nanos() / SLOT_NS;
        let oldest =
            (current + 1).saturating_sub(slots.min(SLOTS) as u64).max((self.head + 1).saturating_sub(SLOTS as u64));
        let sum: u64 = (oldest..=self.head).map(|i| u64::from(self.slots[(i % SLOTS as u64) as usize])).sum();
        let window = (slots.clamp(1, SLOTS) as u64 - 1) * SLOT_NS + now.nanos() % SLOT_NS;
        let span = window.min(now.since(first).as_nanos() as u64).max(SLOT_NS);
        (u128::from(sum) * 1_000_000_000 / u128::from(span)) as u64
    }

    /// All bytes ever counted.
    pub(crate) fn total(&self) -> u64 {
        self.total
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::time::Duration;

    #[test]
    fn a_steady_flow_shows_its_rate_in_every_window_and_dies_away() {
        let mut meter = Meter::default();
        let mut now = Time::from_nanos(123_456_789);
        for _ in 0..3_000 {
            now = now + Duration::from_millis(10);
            meter.add(now, 1_000);
        }
        for slots in [PIPELINE_SLOTS, DISPLAY_SLOTS, CHOKE_SLOTS] {
            let rate = meter.rate(now, slots);
            assert!((98_000..=102_000).contains(&rate), "{rate} over {slots}");
        }
        assert_eq!(meter.total(), 3_000_000);
        let later = now + Duration::from_secs(6);
        assert_eq!(meter.rate(later, DISPLAY_SLOTS), 0);
        assert!(meter.rate(later, CHOKE_SLOTS) > 60_000);
        assert_eq!(meter.rate(now + Duration::from_secs(60), CHOKE_SLOTS), 0);
    }

    #[test]
    fn a_young_flow_is_not_diluted_by_the_time_before_it() {
        let mut meter = Meter::default();
        let begin = Time::ZERO + Duration::from_secs(1_000);
        for ms in 0..100 {
            meter.add(begin + Duration::from_millis(ms * 10), 1_000);
        }
        let rate = meter.rate(begin + Duration::from_secs(1), CHOKE_SLOTS);
        assert!((95_000..=105_000).contains(&rate), "{rate}");
    }
}
