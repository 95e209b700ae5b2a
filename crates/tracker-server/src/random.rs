//! The tracker's own choices (own design): SplitMix64, seeded by the caller. Not for secrets.

/// A small generator of numbers that need not be secret.
#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number in `from ..= to`; `from` when the range is empty.
    pub(crate) fn within(&mut self, from: u64, to: u64) -> u64 {
        let span = u128::from(to.saturating_sub(from)) + 1;
        from + ((u128::from(self.next()) * span) >> 64) as u64
    }
}
