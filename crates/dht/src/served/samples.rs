//! Samples of the hashes that we hold peers of (BEP 51): the same ones for an hour, so that asking again brings nothing.
use crate::id::Id;
use crate::krpc::message::Samples;
use alloc::vec::Vec;
use core::time::Duration;
use teem_basis::rng::Rng;
use teem_basis::time::Time;

/// Hashes in one response: 400 bytes of the 1,024 that all have to fit into.
const HASHES_MAX: usize = 20;
/// Other hashes are told after so long; six hours are the most that the specification allows.
const INTERVAL: Duration = Duration::from_secs(3_600);

/// What is told at present.
#[derive(Debug, Default)]
pub(super) struct Sampled {
    hashes: Vec<u8>,
    until: Option<Time>,
}

impl Sampled {
    /// What is told now, drawn anew when its time is over.
    pub(super) fn told(&mut self, now: Time, held: impl ExactSizeIterator<Item = Id>, rng: &mut Rng) -> Samples<'_> {
        let count = held.len();
        if self.until.is_none_or(|until| until <= now) {
            self.until = Some(now + INTERVAL);
            self.hashes.clear();
            // Each of those that are left has the same chance to be among those that are still wanted.
            let mut wanted = HASHES_MAX.min(count);
            for (left, hash) in (1..=count).rev().zip(held) {
                if rng.below(left as u64) < wanted as u64 {
                    self.hashes.extend_from_slice(&hash.0);
                    wanted -= 1;
                }
            }
        }
        let left = self.until.map_or(Duration::ZERO, |until| until.since(now));
        Samples { interval_s: left.as_secs() as u32, held: count as u64, hashes: &self.hashes }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::ID_LEN;

    #[test]
    fn the_same_for_an_hour_and_each_as_likely() {
        let (mut rng, mut sampled) = (Rng::new(1), Sampled::default());
        let held = |n: u8| (0..n).map(|n| Id([n; ID_LEN]));
        let mut seen = [0; 100];
        for hour in 0..1_000_u64 {
            let at = |minutes| Time::ZERO + Duration::from_mins(60 * hour + minutes);
            let first: Vec<Id> = sampled.told(at(0), held(100), &mut rng).iter().collect();
            let later = sampled.told(at(59), held(90), &mut rng);
            assert_eq!((later.iter().collect::<Vec<_>>(), later.held, later.interval_s), (first.clone(), 90, 60));
            assert_eq!(first.len(), HASHES_MAX);
            for hash in &first {
                seen[hash.0[0] as usize] += 1;
            }
        }
        assert!(seen.iter().all(|times| (130..280).contains(times)), "{seen:?}");
        let few = Sampled::default().told(Time::ZERO, held(3), &mut rng).iter().count();
        assert_eq!(few, 3);
    }
}
