//! How long a packet is under way between two nodes: the same each time for the same two but for a tenth, half of a round trip whose median is 90 ms.
use teem_swarm::rng::Rng;

/// Round trips in microseconds: at each twentieth of all pairs. They are those of a logarithmic normal distribution (sigma 0.6), as far as 90 ms lie in its middle.
const ROUND_TRIPS_US: [u64; 21] = [
    15_000, 33_500, 41_700, 48_300, 54_300, 60_000, 65_700, 71_400, 77_300, 83_500, 90_000, 97_000, 104_800, 113_400,
    123_300, 134_900, 149_200, 167_600, 194_200, 241_600, 500_000,
];
/// Each packet takes up to so many thousandths more.
const JITTER_PERMILLE: u64 = 100;

/// The ways between nodes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ways {
    /// Of a million packets, so many get lost.
    pub(crate) loss_ppm: u64,
}

impl Ways {
    /// How long a packet takes, in nanoseconds; `None` when it gets lost.
    pub(crate) fn takes(self, from: u32, to: u32, rng: &mut Rng) -> Option<u64> {
        if rng.below(1_000_000) < self.loss_ppm {
            return None;
        }
        let half_us = round_trip_us(from.min(to), from.max(to)) / 2;
        Some((half_us * 1_000) + half_us * rng.below(JITTER_PERMILLE))
    }
}

/// The round trip between two, in microseconds.
fn round_trip_us(a: u32, b: u32) -> u64 {
    let drawn = Rng::new(u64::from(a) << 32 | u64::from(b)).below(20_000);
    let (step, part) = ((drawn / 1_000) as usize, drawn % 1_000);
    let (low, high) = (ROUND_TRIPS_US[step], ROUND_TRIPS_US[step + 1]);
    low + (high - low) * part / 1_000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_the_round_trips_take_less_than_90_ms_and_a_tenth_more_than_190() {
        let mut trips: Vec<u64> = (0..10_000).map(|n| round_trip_us(n, n + 1)).collect();
        trips.sort_unstable();
        assert!((88_000..92_000).contains(&trips[5_000]), "{}", trips[5_000]);
        assert!((185_000..200_000).contains(&trips[9_000]), "{}", trips[9_000]);
    }
}
