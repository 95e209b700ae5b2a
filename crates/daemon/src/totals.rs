//! What is counted of a torrent over all runs (own design): payload, times at work, when it became complete.
//!
//! Times are not taken from the clock on the wall, which jumps, but from the daemon's life: seconds that it has run, over all runs. That number is kept beside
//! the totals, so that of a torrent that seeds for a year nothing is written but when it begins and ends: what is told is the difference.
//!
//! Invariant: what is told was kept before. So no total goes back, whatever ends the daemon.
use teem_bencode::{Writer, parse};
use teem_metainfo::Limits;

/// What is counted of one torrent.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) struct Totals {
    /// Payload bytes received and sent.
    pub(crate) downloaded: u64,
    pub(crate) uploaded: u64,
    /// How long it has been at work, and how long it was complete meanwhile.
    pub(crate) active: Span,
    pub(crate) seeding: Span,
    /// When it became complete by downloading, in seconds since 1970.
    pub(crate) completed: Option<u64>,
    /// When payload last moved, in seconds since 1970.
    pub(crate) moved: Option<u64>,
}

/// A time that is counted: what is over, and since when it goes on, in seconds of the daemon's life.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) struct Span {
    over: u64,
    since: Option<u64>,
}

impl Span {
    /// One that is over.
    pub(crate) fn of(seconds: u64) -> Self {
        Self { over: seconds, since: None }
    }

    /// It goes on, or does not, from this second of the daemon's life.
    pub(crate) fn goes_on(&mut self, yes: bool, life: u64) {
        match (self.since, yes) {
            (None, true) => self.since = Some(life),
            (Some(_), false) => *self = Self { over: self.seconds(life), since: None },
            _ => {}
        }
    }

    /// Seconds in all, at this second of the daemon's life.
    pub(crate) fn seconds(self, life: u64) -> u64 {
        self.over.saturating_add(self.since.map_or(0, |since| life.saturating_sub(since)))
    }
}

impl Totals {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Writer::new();
        // Keys in their order.
        out.dict(|d| {
            d.key(b"active").uint(self.active.over);
            if let Some(since) = self.active.since {
                d.key(b"active since").uint(since);
            }
            if let Some(completed) = self.completed {
                d.key(b"completed").uint(completed);
            }
            d.key(b"downloaded").uint(self.downloaded);
            if let Some(moved) = self.moved {
                d.key(b"moved").uint(moved);
            }
            d.key(b"seeding").uint(self.seeding.over);
            if let Some(since) = self.seeding.since {
                d.key(b"seeding since").uint(since);
            }
            d.key(b"uploaded").uint(self.uploaded);
        });
        out.into_bytes()
    }

    /// The totals in these bytes, if they are whole; what is missing is 0.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let document = parse(bytes, &Limits::FILE.bencode).ok()?;
        let root = document.root();
        let _: usize = root.dict()?.count();
        let number = |key: &[u8]| root.get(key).and_then(|value| value.as_uint());
        Some(Self {
            downloaded: number(b"downloaded").unwrap_or(0),
            uploaded: number(b"uploaded").unwrap_or(0),
            active: Span { over: number(b"active").unwrap_or(0), since: number(b"active since") },
            seeding: Span { over: number(b"seeding").unwrap_or(0), since: number(b"seeding since") },
            completed: number(b"completed"),
            moved: number(b"moved"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_come_back_as_they_were_and_no_cut_is_believed() {
        let span = Span { over: 5, since: Some(9) };
        let totals = Totals {
            downloaded: 1,
            uploaded: 2,
            active: span,
            seeding: Span { since: None, ..span },
            completed: Some(7),
            moved: None,
        };
        let bytes = totals.encode();
        assert_eq!(Totals::decode(&bytes), Some(totals));
        assert!((0..bytes.len()).all(|n| Totals::decode(&bytes[..n]).is_none()));
        assert_eq!(Totals::decode(b"de"), Some(Totals::default()));
        assert_eq!(Totals::decode(b"le"), None);
    }

    #[test]
    fn times_go_on_over_runs_and_only_while_they_do() {
        let mut span = Span::default();
        span.goes_on(true, 100);
        span.goes_on(true, 150);
        assert_eq!(span.seconds(160), 60);
        span.goes_on(false, 160);
        assert_eq!(span.seconds(500), 60);
        span.goes_on(true, 500);
        assert_eq!(span.seconds(520), 80, "over the end of a run too: the life stands still meanwhile");
        assert_eq!(span.seconds(400), 60, "a life that is behind takes nothing away");
    }
}
