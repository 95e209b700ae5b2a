//! One torrent as the client keeps it (own design): what never changes of it, its status, and those who wait for that.
use crate::status::Status;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use teem_disk::jobs::Watch;
use teem_metainfo::TorrentKey;
use teem_swarm::ids::TorrentId;
use tokio::sync::Notify;

/// A torrent that was added, as the client keeps it.
pub(crate) struct Entry {
    pub(crate) id: TorrentId,
    pub(crate) key: TorrentKey,
    folder: Mutex<Arc<Path>>,
    status: Mutex<Status>,
    changed: Notify,
    job: Mutex<Option<Job>>,
}

/// What is being done to where a torrent's content lies.
pub(crate) struct Job {
    pub(crate) watch: Arc<Watch>,
    /// Whether it is to be at work afterwards.
    pub(crate) works_then: bool,
}

impl Entry {
    pub(crate) fn new(id: TorrentId, key: TorrentKey, folder: Arc<Path>, status: Status) -> Self {
        let (folder, status) = (Mutex::new(folder), Mutex::new(status));
        Self { id, key, folder, status, changed: Notify::new(), job: Mutex::default() }
    }

    /// The folder that its content goes into.
    pub(crate) fn folder(&self) -> Arc<Path> {
        Arc::clone(&self.folder.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn set_folder(&self, folder: &Path) {
        *self.folder.lock().unwrap_or_else(PoisonError::into_inner) = folder.into();
    }

    pub(crate) fn job(&self) -> MutexGuard<'_, Option<Job>> {
        self.job.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says whether it is to be at work after the job that is under way; false when there is none.
    pub(crate) fn works_after_job(&self, works: bool) -> bool {
        let mut job = self.job();
        if let Some(job) = &mut *job {
            job.works_then = works;
        }
        job.is_some()
    }

    /// Has a move taken back that is under way, and waits until it has ended either way.
    pub(crate) async fn give_job_up(&self) {
        if let Some(job) = &*self.job() {
            job.watch.give_up();
        }
        self.until(|status| (!status.moving || status.removed).then_some(())).await;
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
