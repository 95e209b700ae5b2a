//! One torrent as the client keeps it (own design): what never changes of it, its status, and those who wait for that.
use crate::status::Status;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use teem_metainfo::TorrentKey;
use teem_swarm::ids::TorrentId;
use tokio::sync::Notify;

/// A torrent that was added, as the client keeps it.
pub(crate) struct Entry {
    pub(crate) id: TorrentId,
    pub(crate) key: TorrentKey,
    pub(crate) folder: Arc<Path>,
    status: Mutex<Status>,
    changed: Notify,
}

impl Entry {
    pub(crate) fn new(id: TorrentId, key: TorrentKey, folder: Arc<Path>, status: Status) -> Self {
        Self { id, key, folder, status: Mutex::new(status), changed: Notify::new() }
    }

    pub(crate) fn status(&self) -> MutexGuard<'_, Status> {
        self.status.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the status, and wakes those who wait for it when it says that it did.
    pub(crate) fn modify(&self, change: impl FnOnce(&mut Status) -> bool) {
        if change(&mut self.status()) {
            self.changed.notify_waiters();
        }
    }

    /// Waits until the status gives something.
    pub(crate) async fn until<T>(&self, mut wanted: impl FnMut(&Status) -> Option<T>) -> T {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            // From here on no change is missed, whenever it comes.
            changed.as_mut().enable();
            let found = wanted(&self.status());
            if let Some(found) = found {
                return found;
            }
            changed.await;
        }
    }
}
