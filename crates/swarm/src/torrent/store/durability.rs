//! When what is verified is made durable (own design): 64 MiB or five seconds after the first of it, whichever is first, and at
//! once when asked or complete. One sync at a time; what is verified while it runs waits for the next.
use crate::time::Time;
use core::time::Duration;

/// Verified bytes that a power cut may cost.
const UNSYNCED_MAX: u64 = 64 << 20;
/// Seconds of work that a power cut may cost.
const UNSYNCED_AGE_MAX: Duration = Duration::from_secs(5);
/// After a failed sync the next waits for this.
const RETRY: Duration = Duration::from_secs(5);

/// What is verified and not durable yet.
#[derive(Clone, Copy, Default, Debug)]
pub(in crate::torrent) struct Durability {
    bytes: u64,
    since: Option<Time>,
    /// A sync was asked for.
    at_once: bool,
    /// A sync is running; whether the torrent was complete when it began.
    running: Option<bool>,
    not_before: Time,
}

impl Durability {
    /// A piece was verified.
    pub(in crate::torrent) fn verified(&mut self, now: Time, bytes: u64) {
        self.bytes += bytes;
        self.since.get_or_insert(now);
    }

    /// All is to be made durable soon.
    pub(in crate::torrent) fn ask(&mut self) {
        self.at_once = true;
    }

    /// Whether nothing waits to be made durable.
    pub(in crate::torrent) fn is_idle(&self) -> bool {
        self.running.is_none() && self.since.is_none() && !self.at_once
    }

    /// When the next sync is due.
    pub(in crate::torrent) fn deadline(&self) -> Option<Time> {
        if self.running.is_some() {
            return None;
        }
        let due = match self.since {
            _ if self.at_once => Some(Time::ZERO),
            Some(_) if self.bytes >= UNSYNCED_MAX => Some(Time::ZERO),
            since => since.map(|s| s + UNSYNCED_AGE_MAX),
        };
        due.map(|d| d.max(self.not_before))
    }

    /// A sync begins; it covers all that was verified before.
    pub(in crate::torrent) fn begin(&mut self, complete: bool) {
        *self = Self { running: Some(complete), not_before: self.not_before, ..Self::default() };
    }

    /// It is done; whether the torrent was complete when it began, and since then neither was anything verified nor another sync asked for. Of
    /// another choice of files more may be wanted by now, be there, and wait for the next sync.
    pub(in crate::torrent) fn done(&mut self) -> bool {
        self.running.take().unwrap_or(false) && self.since.is_none() && !self.at_once
    }

    /// It has failed: all is as before, and tried again later.
    pub(in crate::torrent) fn failed(&mut self, now: Time) {
        if self.running.take().is_some() {
            self.at_once = true;
            self.not_before = now + RETRY;
        }
    }

    /// Whether what waits has a moment from which its age counts.
    pub(in crate::torrent) fn check(&self) -> Result<(), &'static str> {
        if (self.bytes > 0) == self.since.is_some() { Ok(()) } else { Err("verified bytes wait for no sync") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sixty_four_mebibytes_or_five_seconds() {
        let at = |s| Time::ZERO + Duration::from_secs(s);
        let mut d = Durability::default();
        assert_eq!(d.deadline(), None);
        d.verified(at(10), 1);
        d.verified(at(12), 1);
        assert_eq!(d.deadline(), Some(at(15)));
        d.verified(at(12), UNSYNCED_MAX);
        assert_eq!(d.deadline(), Some(Time::ZERO));
        d.begin(false);
        d.verified(at(13), 5);
        assert_eq!(d.deadline(), None);
        assert!(!d.done());
        assert_eq!(d.deadline(), Some(at(18)));
        d.begin(true);
        d.failed(at(20));
        assert_eq!(d.deadline(), Some(at(25)));
    }

    #[test]
    fn what_is_verified_while_a_sync_runs_is_not_made_durable_by_it() {
        let mut d = Durability::default();
        d.begin(true);
        d.verified(Time::ZERO, 5);
        assert!(!d.done(), "more was wanted meanwhile, and is there");
        d.begin(true);
        assert!(d.done());
    }
}
