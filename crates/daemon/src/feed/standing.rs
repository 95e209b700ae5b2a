//! What is known of a feed from when it was asked (own design), over restarts: so that none is asked too often, and nothing is sent again that is as it was.
use std::time::Duration;
use teem_bencode::{Limits, Writer, parse};
use teem_client::http::fetch::Validators;

/// The longest that a feed may have itself left alone.
const LEFT_ALONE_MAX: Duration = Duration::from_secs(24 * 3600);
/// How often the wait after failures is doubled.
const DOUBLINGS_MAX: u32 = 10;
/// Bytes of a reason that is kept.
const ERROR_BYTES: usize = 500;

/// What is known of a feed.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub(crate) struct Standing {
    /// When it answered last, and when it may be asked again, in seconds since 1970.
    pub(crate) answered: Option<u64>,
    pub(crate) next: u64,
    /// How long it wants to be left alone.
    pub(crate) ttl: Duration,
    /// How often it failed since it last answered, and the last reason.
    pub(crate) failures: u32,
    pub(crate) error: Option<String>,
    /// What its last answer is known by, where all of that was dealt with by rules of this digest.
    pub(crate) validators: Validators,
    pub(crate) rules: Vec<u8>,
    /// Items of its last answer, and torrents that were taken of it in all.
    pub(crate) items: u64,
    pub(crate) taken: u64,
}

impl Standing {
    /// How long it is left alone from now on, where its owner wants it asked so often and its server, maybe, less often.
    pub(crate) fn wait(&self, every: Duration, server: Option<Duration>) -> Duration {
        let usual = every.max(self.ttl.min(LEFT_ALONE_MAX));
        let doubled = usual.saturating_mul(1 << self.failures.saturating_sub(1).min(DOUBLINGS_MAX));
        let wait = doubled.min(LEFT_ALONE_MAX.max(usual));
        wait.max(server.unwrap_or_default().min(LEFT_ALONE_MAX))
    }

    /// How long is left of that at the start of a run; a clock that was set makes it no longer than it may be.
    pub(crate) fn left(&self, every: Duration, now: u64) -> Duration {
        Duration::from_secs(self.next.saturating_sub(now)).min(LEFT_ALONE_MAX.max(every))
    }

    /// Notes that it failed, and why, of which 500 bytes are kept.
    pub(crate) fn fails(&mut self, why: &str) {
        self.failures = self.failures.saturating_add(1);
        let mut why = why.to_owned();
        let cut = (0..=ERROR_BYTES.min(why.len())).rev().find(|at| why.is_char_boundary(*at)).unwrap_or(0);
        why.truncate(cut);
        self.error = Some(why);
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Writer::new();
        // Keys in their order.
        out.dict(|d| {
            if let Some(answered) = self.answered {
                d.key(b"answered").uint(answered);
            }
            if let Some(error) = &self.error {
                d.key(b"error").str(error);
            }
            if let Some(etag) = &self.validators.etag {
                d.key(b"etag").str(etag);
            }
            d.key(b"failures").uint(self.failures.into());
            d.key(b"items").uint(self.items);
            if let Some(modified) = &self.validators.modified {
                d.key(b"modified").str(modified);
            }
            d.key(b"next").uint(self.next);
            d.key(b"rules").bytes(&self.rules);
            d.key(b"taken").uint(self.taken);
            d.key(b"ttl").uint(self.ttl.as_secs());
        });
        out.into_bytes()
    }

    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let document = parse(bytes, &Limits::MESSAGE).ok()?;
        let root = document.root();
        let text =
            |key: &[u8]| root.get(key).map_or(Some(None), |text| text.as_str().map(|text| Some(text.to_owned())));
        let number = |key: &[u8]| root.get(key)?.as_uint();
        Some(Self {
            answered: root.get(b"answered").map_or(Some(None), |at| at.as_uint().map(Some))?,
            next: number(b"next")?,
            ttl: Duration::from_secs(number(b"ttl")?),
            failures: number(b"failures")?.try_into().ok()?,
            error: text(b"error")?,
            validators: Validators { etag: text(b"etag")?, modified: text(b"modified")? },
            rules: root.get(b"rules")?.as_bytes()?.to_vec(),
            items: number(b"items")?,
            taken: number(b"taken")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);
    const DAY: Duration = Duration::from_secs(24 * 3600);

    #[test]
    fn the_wait_grows_with_failures_and_is_bounded() {
        let wait = |failures, ttl, every| Standing { ttl, failures, ..Standing::default() }.wait(every, None);
        let none = Duration::ZERO;
        assert_eq!(
            [0, 1, 2, 3].map(|n| wait(n, none, 30 * MINUTE) / MINUTE.as_secs() as u32),
            [30, 30, 60, 120].map(Duration::from_secs)
        );
        assert_eq!(wait(u32::MAX, none, 30 * MINUTE), DAY);
        assert_eq!(wait(9, none, 7 * DAY), 7 * DAY);
        assert_eq!(wait(0, 45 * MINUTE, 30 * MINUTE), 45 * MINUTE, "not less than it wants");
        assert_eq!(wait(0, Duration::from_secs(u64::from(u32::MAX) * 60), MINUTE), DAY, "nor for ever");
        let busy = Standing { failures: 1, ..Standing::default() };
        assert_eq!(busy.wait(MINUTE, Some(5 * MINUTE)), 5 * MINUTE);
        assert_eq!(busy.wait(MINUTE, Some(Duration::MAX)), DAY);
    }

    #[test]
    fn row_70_a_clock_that_was_set_leaves_no_feed_alone_for_years() {
        let standing = Standing { next: 2_000_000_000, ..Standing::default() };
        assert_eq!(standing.left(MINUTE, 1_000_000_000), DAY);
        assert_eq!(standing.left(MINUTE, 1_999_999_990), Duration::from_secs(10));
        assert_eq!(standing.left(MINUTE, 3_000_000_000), Duration::ZERO);
    }

    #[test]
    fn what_is_kept_comes_back_and_no_cut_is_believed() {
        let mut standing = Standing {
            answered: Some(7),
            next: 8,
            ttl: MINUTE,
            validators: Validators { etag: Some("\"a\"".into()), modified: Some("Mon".into()) },
            rules: vec![1, 2],
            items: 3,
            taken: 4,
            ..Standing::default()
        };
        standing.fails(&"é".repeat(1_000));
        assert!(standing.error.as_ref().is_some_and(|why| why.len() <= ERROR_BYTES));
        let bytes = standing.encode();
        assert_eq!(Standing::decode(&bytes), Some(standing));
        assert!((0..bytes.len()).all(|n| Standing::decode(&bytes[..n]).is_none()));
        assert_eq!(Standing::decode(&Standing::default().encode()), Some(Standing::default()));
    }
}
