//! How far the lines of torrents are up to date, and what is kept of that (own design).
use std::collections::{BTreeSet, HashMap};
use teem_client::TorrentId;
use teem_client::metainfo::InfoHash;

/// The name under which the daemon's life is kept; no info-hash.
pub(crate) const LIFE: &str = "life";
/// The name under which the last number of an event or a revision is kept.
pub(crate) const LAST: &str = "last";

/// How far the lines are up to date.
#[derive(Debug, Default)]
pub(crate) struct Pulse {
    /// The client's revision that was taken over.
    pub(crate) seen: u64,
    /// The torrents of the client.
    pub(crate) hashes: HashMap<TorrentId, InfoHash>,
    /// Those that had peers at the last beat.
    pub(crate) busy: BTreeSet<TorrentId>,
    /// Those whose figures have to be asked, since what they do has changed.
    pub(crate) wanted: BTreeSet<TorrentId>,
    /// Those that have come to rest or were woken: what is kept of that may be out of date.
    pub(crate) asleep: BTreeSet<InfoHash>,
    /// Those whose totals have changed.
    pub(crate) dirty: BTreeSet<InfoHash>,
    /// Seconds that the daemon had run before this run, as was kept, and as was kept last.
    pub(crate) life_before: u64,
    pub(crate) life_kept: u64,
    pub(crate) beats: u64,
    /// It was told that changes cannot be kept.
    pub(crate) told_of_trouble: bool,
    /// Payload bytes of all torrents since the daemon started, those included that were removed.
    pub(crate) downloaded: u64,
    pub(crate) uploaded: u64,
}

impl Pulse {
    pub(crate) fn new(life_before: u64) -> Self {
        Self { life_before, life_kept: life_before, ..Self::default() }
    }

    /// Seconds of the daemon's life that are kept: what times are told by.
    pub(crate) fn life_kept(&self) -> u64 {
        self.life_kept
    }
}

/// Understands the records of the daemon's life and of its last number.
pub(crate) fn life_of(bytes: &[u8]) -> Option<u64> {
    std::str::from_utf8(bytes).ok()?.parse().ok()
}
