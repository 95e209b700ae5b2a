//! The query string of an HTTP request (RFC 3986, section 3.4): pairs in their order, decoded one at a time.

use alloc::vec::Vec;
use teem_wire::tracker::percent;

/// Pairs of a query that are looked at; announces have about 15, a full scrape 100.
const PAIRS_MAX: usize = 128;

/// A query that borrows the request's target.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Query<'a>(pub(crate) &'a str);

impl<'a> Query<'a> {
    /// All values of a name, as they stand.
    pub(crate) fn all(self, name: &str) -> impl Iterator<Item = &'a str> {
        self.0
            .split('&')
            .take(PAIRS_MAX)
            .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
            .filter_map(move |(key, value)| (key == name).then_some(value))
    }

    /// The first value of a name.
    pub(crate) fn first(self, name: &str) -> Option<&'a str> {
        self.all(name).next()
    }

    /// The first value of a name as exactly 20 bytes.
    pub(crate) fn hash(self, name: &str) -> Option<[u8; 20]> {
        percent::decode(self.first(name)?, 20)?.try_into().ok()
    }

    /// The first value of a name as a number; what is none is as if it were not there.
    pub(crate) fn number<T: core::str::FromStr>(self, name: &str) -> Option<T> {
        self.first(name)?.parse().ok()
    }

    /// The first value of a name as bytes; `None` when there is none or it is malformed or longer than `max`.
    pub(crate) fn bytes(self, name: &str, max: usize) -> Option<Vec<u8>> {
        percent::decode(self.first(name)?, max)
    }
}
