//! Monotonic time as the core sees it (own design): nanoseconds since an arbitrary start, always passed in.
use core::ops::{Add, Sub};
use core::time::Duration;

/// A moment; only differences mean anything.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Time(pub u64);

impl Time {
    /// The start of the clock.
    pub const ZERO: Self = Self(0);

    /// A moment so many nanoseconds after the start.
    pub const fn from_nanos(ns: u64) -> Self {
        Self(ns)
    }

    /// Nanoseconds since the start.
    pub const fn nanos(self) -> u64 {
        self.0
    }

    /// The first of moments, of which some may never come; one at the end of the clock never does either.
    pub fn earliest<const N: usize>(moments: [Option<Self>; N]) -> Option<Self> {
        let first = moments.iter().fold(u64::MAX, |first, at| first.min(at.map_or(u64::MAX, Self::nanos)));
        (first < u64::MAX).then_some(Self(first))
    }

    /// Time that has passed since `earlier`; zero when that lies ahead.
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Time {
    type Output = Self;
    fn add(self, d: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(d.as_nanos()).unwrap_or(u64::MAX)))
    }
}

impl Sub<Duration> for Time {
    type Output = Self;
    fn sub(self, d: Duration) -> Self {
        Self(self.0.saturating_sub(u64::try_from(d.as_nanos()).unwrap_or(u64::MAX)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_moment_is_that_of_those_which_come() {
        let at = |ns| Some(Time::from_nanos(ns));
        assert_eq!(Time::earliest([at(3), None, at(1), at(2)]), at(1));
        assert_eq!(Time::earliest([None, at(u64::MAX)]), None);
        assert_eq!(Time::earliest([]), None);
    }
}
