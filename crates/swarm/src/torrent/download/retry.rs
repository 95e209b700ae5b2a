//! When the disk is tried again after trouble that it does not report the end of (own design): after 10 s, doubling up to 80 s.
use crate::time::Time;
use core::time::Duration;

/// The first wait.
const WAIT: Duration = Duration::from_secs(10);
const DOUBLINGS_MAX: u32 = 3;

/// How trying again stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Retry {
    /// Nothing has failed since the disk last stored a piece.
    Idle,
    /// The disk is tried at that moment; so often the wait has doubled.
    At(Time, u32),
    /// The disk is being tried after that many doublings.
    Trying(u32),
}

impl Retry {
    /// Something has failed. Of writes that fail together the first counts, or many under way would look like a long trouble.
    pub(super) fn fail(&mut self, now: Time) {
        let times = match self {
            Self::At(..) => return,
            Self::Idle => 0,
            Self::Trying(times) => (*times + 1).min(DOUBLINGS_MAX),
        };
        *self = Self::At(now + WAIT * (1 << times), times);
    }

    /// Begins to try when the moment has come; whether it has.
    pub(super) fn begin(&mut self, now: Time) -> bool {
        match *self {
            Self::At(at, times) if at <= now => {
                *self = Self::Trying(times);
                true
            }
            _ => false,
        }
    }

    /// When the disk is to be tried.
    pub(super) fn at(&self) -> Option<Time> {
        match self {
            Self::At(at, _) => Some(*at),
            Self::Idle | Self::Trying(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_eighty_seconds_and_failures_together_count_once() {
        let mut retry = Retry::Idle;
        let mut now = Time::ZERO;
        for seconds in [10, 20, 40, 80, 80] {
            retry.fail(now);
            retry.fail(now + Duration::from_secs(1));
            let at = now + Duration::from_secs(seconds);
            assert_eq!(retry.at(), Some(at));
            assert!(!retry.begin(at - Duration::from_secs(1)) && retry.begin(at) && !retry.begin(at));
            now = at;
        }
    }
}
