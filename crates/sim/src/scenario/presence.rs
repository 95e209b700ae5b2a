//! When peers of a scenario come and go (own design).
use std::time::Duration;

/// When peers of a group appear.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Arrival {
    /// All at that time.
    At(Duration),
    /// Each at a time of its own between these.
    Between(Duration, Duration),
    /// One after the other, with that mean time between two: a Poisson process.
    Poisson(Duration),
    /// A flash crowd: most at first, then ever fewer; the mean peer comes after that time.
    Flash(Duration),
}

impl Arrival {
    /// The same, so much later. Those that come at random times begin where they would: none of them is late for anything.
    #[must_use]
    pub(super) fn later(self, by: Duration) -> Self {
        match self {
            Self::At(at) => Self::At(at + by),
            Self::Between(from, to) => Self::Between(from + by, to + by),
            Self::Poisson(_) | Self::Flash(_) => self,
        }
    }
}

/// When peers of a group go.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Departure {
    /// They stay until the run ends.
    Stays,
    /// Orderly, so long after it is complete.
    WhenComplete(Duration),
    /// At that time after its arrival, orderly.
    After(Duration),
    /// Orderly, so long after those who stay hold a whole copy between them (see `Group::keeps`): for sources. The world looks for it
    /// whenever a sample is taken.
    OnceCopied(Duration),
    /// Without a word and for good, complete or not, after a life drawn for each (exponential) with that mean.
    Dies(Duration),
    /// Lives about as long as the first, is away about as long as the second, and comes back, again and again until it
    /// is complete; so many in a thousand departures are crashes.
    Comes {
        /// Mean of a life.
        life: Duration,
        /// Mean of an absence.
        away: Duration,
        /// How many departures in a thousand are crashes.
        crash_permille: u32,
    },
}
