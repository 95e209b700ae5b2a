//! Feeds from which torrents are taken (RSS 2.0, Atom RFC 4287; own design): asked at intervals, judged by rules.
//!
//! ```text
//! driver (when) ─▶ look (asks, conditionally) ─▶ sieve (bounds) ─▶ read (items) ─▶ rule (the first that takes) ─▶ the torrent is added
//!                                                                          standing, seen (what is kept of it)
//! ```
//! Invariants: an item that was taken is never taken again, whatever becomes of its torrent, of the feed and of this process: its id and the info-hash of what it
//! led to are kept once its torrent is. A feed that cannot be understood changes nothing. What a feed names is a stranger's, and leads to nothing nearer to this
//! machine than the server that sent it.
mod asked;
mod definition;
mod driver;
mod failed;
mod look;
mod read;
mod rule;
mod seen;
mod sieve;
mod standing;
mod table;
mod unreadable;

pub(crate) use asked::{FeedTold, Judged};
pub(crate) use definition::{EVERY, Feed, FeedName};
pub(crate) use driver::follow;
pub(crate) use failed::FeedFailed;
pub(crate) use read::understood;
pub(crate) use rule::{Pattern, Rule};
pub(crate) use seen::Seen;
pub(crate) use standing::Standing;
pub(crate) use table::Feeds;
