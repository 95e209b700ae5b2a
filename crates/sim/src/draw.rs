//! Draws from distributions, in integers (own design after von Neumann 1951): the same on every machine.
use std::time::Duration;
use teem_swarm::rng::Rng;

/// Longest that is drawn, in means: longer ones have a chance of one in 10^17.
const MEANS_MAX: u64 = 40;

/// A time between two, drawn evenly.
pub(crate) fn between(rng: &mut Rng, min: Duration, max: Duration) -> Duration {
    min + Duration::from_nanos(rng.below(max.saturating_sub(min).as_nanos() as u64 + 1))
}

/// An exponential time with that mean, as between two events of a Poisson process.
///
/// A run of falling numbers that begins with u is of odd length with probability e^-u, so u is taken then; else a whole
/// mean has passed. No logarithm is needed, whose last bit differs between machines.
pub(crate) fn exponential(rng: &mut Rng, mean: Duration) -> Duration {
    for whole in 0..MEANS_MAX {
        let first = rng.next_u64() >> 32;
        let (mut last, mut odd) = (first, true);
        loop {
            let next = rng.next_u64() >> 32;
            if next >= last {
                break;
            }
            (last, odd) = (next, !odd);
        }
        if odd {
            let ns = (mean.as_nanos() * u128::from(whole << 32 | first)) >> 32;
            return Duration::from_nanos(u64::try_from(ns).unwrap_or(u64::MAX));
        }
    }
    mean * MEANS_MAX as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exponential_times_have_their_mean_and_their_tail() {
        let mut rng = Rng::new(1);
        let drawn: Vec<Duration> = (0..10_000).map(|_| exponential(&mut rng, Duration::from_secs(10))).collect();
        let mean = drawn.iter().sum::<Duration>() / 10_000;
        assert!((9_700..10_300).contains(&mean.as_millis()), "{mean:?}");
        // e^-1 and e^-3 of them are longer than one mean and three.
        for (seconds, expected) in [(10, 3_679), (30, 498)] {
            let longer = drawn.iter().filter(|time| time.as_secs() >= seconds).count();
            assert!(longer.abs_diff(expected) < 150, "{longer} of 10000 after {seconds} s");
        }
    }
}
