//! Open files, at most so many at once (own design). The least recently used is closed first; when the process runs
//! out of handles the limit halves itself and the open is tried again, so that a small `ulimit` makes it slower, never dead.
use crate::error::too_many_files;
use crate::fs::{Access, File, Folder};
use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;
use teem_swarm::ids::TorrentId;

/// Content files held open at once, over all torrents: what leaves room for sockets under the common limit of 1,024.
pub(crate) const OPEN_MAX: usize = 256;

/// The limit is never halved below this.
const OPEN_MIN: usize = 4;

struct Entry {
    file: Arc<dyn File>,
    access: Access,
    used: u64,
}

struct State {
    open: BTreeMap<(TorrentId, usize), Entry>,
    /// Places that are kept for files about to be opened.
    opening: usize,
    clock: u64,
    /// When one of them was used last.
    at: Option<Instant>,
    max: usize,
}

/// The open files of all torrents.
pub(crate) struct Files(Mutex<State>);

impl Files {
    pub(crate) fn new(max: usize) -> Self {
        Self(Mutex::new(State { open: BTreeMap::new(), opening: 0, clock: 0, at: None, max: max.max(OPEN_MIN) }))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The file, opened by its path if it is not. Opening happens outside the lock, because a hung disk must not stop others.
    pub(crate) fn get(
        &self,
        key: (TorrentId, usize),
        root: &dyn Folder,
        path: impl FnOnce() -> PathBuf,
        access: Access,
    ) -> io::Result<Arc<dyn File>> {
        let room = {
            let mut state = self.lock();
            state.clock += 1;
            state.at = Some(Instant::now());
            let now = state.clock;
            if let Some(entry) = state.open.get_mut(&key)
                && (entry.access == access || entry.access == Access::Write)
            {
                entry.used = now;
                return Ok(Arc::clone(&entry.file));
            }
            state.opening += 1;
            state.surplus()
        };
        // Given back also when opening panics.
        let kept = Opening(self);
        // Closed before the next is opened.
        drop(room);
        let path = path();
        let opened = loop {
            match root.open(&path, access) {
                Err(e) if self.make_room(&e) => {}
                other => break other,
            }
        };
        drop(kept);
        let file = opened?;
        let mut state = self.lock();
        let used = state.clock;
        let before = state.open.insert(key, Entry { file: Arc::clone(&file), access, used });
        let surplus = state.surplus();
        drop(state);
        drop((before, surplus));
        Ok(file)
    }

    /// Forgets one file, so that it is looked up by its path again.
    pub(crate) fn forget(&self, key: (TorrentId, usize)) {
        let entry = self.lock().open.remove(&key);
        drop(entry);
    }

    /// Closes all files of a torrent.
    pub(crate) fn close(&self, torrent: TorrentId) {
        let mut state = self.lock();
        let mut rest = state.open.split_off(&(torrent, 0));
        let mut others = rest.split_off(&(TorrentId(torrent.0.saturating_add(1)), 0));
        if torrent.0 != u32::MAX {
            state.open.append(&mut others);
        }
        drop(state);
    }

    /// Since when none was used, while some are open.
    pub(crate) fn idle_since(&self) -> Option<Instant> {
        let state = self.lock();
        state.at.filter(|_| !state.open.is_empty())
    }

    /// Closes all: nobody has used any for a while.
    pub(crate) fn close_idle(&self) {
        let idle = std::mem::take(&mut self.lock().open);
        drop(idle);
    }

    /// Whether something failed for want of file handles, and some were closed, so that it may be tried again.
    pub(crate) fn make_room(&self, error: &io::Error) -> bool {
        too_many_files(error) && self.shrink()
    }

    /// Halves the limit and closes what is too much; false when nothing could be closed.
    fn shrink(&self) -> bool {
        let mut evicted = Vec::new();
        let mut state = self.lock();
        state.max = (state.max.min(state.open.len()) / 2).max(OPEN_MIN);
        while state.open.len() > state.max {
            evicted.extend(state.evict());
        }
        if evicted.is_empty() {
            evicted.extend(state.evict());
        }
        drop(state);
        !evicted.is_empty()
    }

    #[cfg(test)]
    fn count(&self) -> usize {
        self.lock().open.len()
    }
}

/// A place that is kept for a file about to be opened.
struct Opening<'a>(&'a Files);

impl Drop for Opening<'_> {
    fn drop(&mut self) {
        self.0.lock().opening -= 1;
    }
}

impl State {
    /// What has to be closed for the limit to hold with all that is about to be opened.
    fn surplus(&mut self) -> Vec<Entry> {
        let mut evicted = Vec::new();
        while self.open.len() + self.opening > self.max
            && let Some(entry) = self.evict()
        {
            evicted.push(entry);
        }
        evicted
    }

    fn evict(&mut self) -> Option<Entry> {
        let oldest = self.open.iter().min_by_key(|(_, e)| e.used).map(|(&key, _)| key)?;
        self.open.remove(&oldest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fs::Fs;
    use crate::root::RealFs;

    #[test]
    fn keeps_the_recent_and_closes_a_torrent() {
        let dir = std::env::temp_dir().join(format!("teem-files-{}", std::process::id()));
        let root = RealFs.folder(&dir, true).unwrap();
        let files = Files::new(4);
        let get = |t: u32, i: usize| {
            let path = || format!("{t}-{i}").into();
            files.get((TorrentId(t), i), &*root, path, Access::Write).map(drop).unwrap();
        };
        for i in 0..10 {
            get(1, i);
        }
        assert_eq!(files.count(), 4);
        get(2, 0);
        get(0, 0);
        files.close(TorrentId(1));
        assert_eq!(files.count(), 2);
        assert!(files.shrink() && files.count() == 1);
        std::fs::remove_dir_all(dir).unwrap();
    }
}
