//! The tracker as tasks share it: the table, the clock that it counts by, and where it tells of peers that announced (own design).
use crate::tracker::Tracker;
use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use teem_metainfo::InfoHash;

/// Takes a peer that announced a torrent which this machine seeds; must not block.
pub type OnAnnounced = Arc<dyn Fn(InfoHash, SocketAddr) + Send + Sync>;

/// A tracker that several tasks ask; clones are the same one.
#[derive(Clone)]
pub struct Table {
    tracker: Arc<Mutex<Tracker>>,
    on_announced: Option<OnAnnounced>,
    start: Instant,
}

impl Table {
    /// The time of this tracker begins now.
    pub fn new(tracker: Tracker) -> Self {
        Self { tracker: Arc::new(Mutex::new(tracker)), on_announced: None, start: Instant::now() }
    }

    /// The same, for a machine that seeds too: called with each peer that announces a torrent which it seeds.
    pub fn telling(tracker: Tracker, on_announced: OnAnnounced) -> Self {
        Self { on_announced: Some(on_announced), ..Self::new(tracker) }
    }

    /// The tracker; to be let go before anything is awaited. A panic elsewhere does not make it unusable: each request leaves it whole.
    pub fn tracker(&self) -> MutexGuard<'_, Tracker> {
        self.tracker.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks the table at this moment, and passes on which peers announced.
    pub(super) fn ask<T>(&self, ask: impl FnOnce(&mut Tracker, Duration) -> T) -> T {
        let (answer, announced) = {
            let mut tracker = self.tracker();
            (ask(&mut tracker, self.start.elapsed()), tracker.take_announced())
        };
        if let Some(on_announced) = &self.on_announced {
            for (info_hash, peer) in announced {
                on_announced(info_hash, peer);
            }
        }
        answer
    }
}

impl fmt::Debug for Table {
    /// How much is in it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Table").field("tracker", &*self.tracker()).finish_non_exhaustive()
    }
}

/// An address without the disguise of IPv4 in IPv6.
pub(super) fn canonical(addr: SocketAddr) -> SocketAddr {
    SocketAddr::new(addr.ip().to_canonical(), addr.port())
}
