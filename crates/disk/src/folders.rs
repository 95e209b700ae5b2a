//! Handles of folders (own design): those who work in one folder share one, and what rests holds none.
//!
//! A torrent that is written to holds its folder, so that what it writes goes where it went before, whatever becomes of the path meanwhile.
//! One that rests finds the folder again by its path when something is read, and only if it is the same one: a medium that was taken out
//! leaves an empty folder behind, which must not pass for the content's.
use crate::fs::{Access, File, Folder, Fs, Lock, Stat};
use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Instant;

/// Folders of torrents at rest that are held open because they were used last; many torrents mostly lie in few folders.
const RECENT_MAX: usize = 8;

/// What tells a folder from others: device and inode.
type Identity = Option<(u64, u64)>;

/// The folders that are open.
pub(crate) struct Folders {
    fs: Arc<dyn Fs>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    open: BTreeMap<PathBuf, (Weak<dyn Folder>, Identity)>,
    /// Held for those that rest, oldest first.
    recent: VecDeque<(PathBuf, Arc<dyn Folder>)>,
    /// When one of those was used last.
    used: Option<Instant>,
}

impl Folders {
    pub(crate) fn new(fs: Arc<dyn Fs>) -> Self {
        Self { fs, state: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The folder that lies at this path now, by the handle that others have of it where there is one.
    pub(crate) fn enter(&self, path: &Path, create: bool) -> io::Result<Arc<dyn Folder>> {
        let fresh = self.fs.folder(path, create)?;
        let identity = fresh.identity();
        let mut state = self.lock();
        if let Some((other, same)) = state.open.get(path)
            && identity.is_some()
            && *same == identity
            && let Some(other) = other.upgrade()
        {
            return Ok(other);
        }
        state.open.insert(path.to_owned(), (Arc::downgrade(&fresh), identity));
        Ok(fresh)
    }

    /// The same as something that a torrent keeps.
    pub(crate) fn keep(self: &Arc<Self>, path: &Path, create: bool) -> io::Result<Kept> {
        let folder = self.enter(path, create)?;
        let (device, identity) = (folder.device(), folder.identity());
        let held = Mutex::new(Some(folder));
        Ok(Kept { folders: Arc::clone(self), path: path.to_owned(), device, identity, held })
    }

    /// A folder that was seen before.
    fn again(&self, path: &Path, identity: Identity) -> io::Result<Arc<dyn Folder>> {
        {
            let mut state = self.lock();
            state.used = Some(Instant::now());
            if let Some((open, same)) = state.open.get(path)
                && *same == identity
                && let Some(open) = open.upgrade()
            {
                return Ok(open);
            }
        }
        // Opened outside of the lock: a medium that hangs must not stop others.
        let fresh = match self.fs.folder(path, false) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Err(not_the_same()),
            other => other?,
        };
        if fresh.identity() != identity {
            return Err(not_the_same());
        }
        let mut state = self.lock();
        state.open.insert(path.to_owned(), (Arc::downgrade(&fresh), identity));
        state.recent.push_back((path.to_owned(), Arc::clone(&fresh)));
        let oldest = if state.recent.len() > RECENT_MAX { state.recent.pop_front() } else { None };
        drop(state);
        self.close(oldest);
        Ok(fresh)
    }

    /// Since when nothing that rests was read, while folders are held for that.
    pub(crate) fn idle_since(&self) -> Option<Instant> {
        let state = self.lock();
        state.used.filter(|_| !state.recent.is_empty())
    }

    /// Lets go of what is held for those that rest.
    pub(crate) fn close_idle(&self) {
        let idle = std::mem::take(&mut self.lock().recent);
        self.close(idle);
    }

    /// Closes handles, and forgets those that nobody has any more.
    fn close(&self, folders: impl IntoIterator<Item = (PathBuf, Arc<dyn Folder>)>) {
        for (path, folder) in folders {
            drop(folder);
            let mut state = self.lock();
            if state.open.get(&path).is_some_and(|(open, _)| open.strong_count() == 0) {
                state.open.remove(&path);
            }
        }
    }
}

/// Not an error of a file that is missing: what is missing is fetched anew, and that must not go into an empty folder.
fn not_the_same() -> io::Error {
    io::Error::other("its folder is not the one that it was; put that back, or mount its file system again")
}

/// A folder as a torrent has it: held, or found again when it is used.
pub(crate) struct Kept {
    folders: Arc<Folders>,
    path: PathBuf,
    device: u32,
    identity: Identity,
    held: Mutex<Option<Arc<dyn Folder>>>,
}

impl Kept {
    fn held(&self) -> MutexGuard<'_, Option<Arc<dyn Folder>>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn get(&self) -> io::Result<Arc<dyn Folder>> {
        let held = self.held().clone();
        held.map_or_else(|| self.folders.again(&self.path, self.identity), Ok)
    }

    /// Whether the folder can be found.
    pub(crate) fn is_there(&self) -> bool {
        self.get().is_ok()
    }

    /// Holds the folder from now on.
    pub(crate) fn hold(&self) -> io::Result<()> {
        if self.held().is_none() {
            let folder = self.folders.again(&self.path, self.identity)?;
            *self.held() = Some(folder);
        }
        Ok(())
    }

    /// Lets go of the folder until it is used.
    pub(crate) fn rest(&self) {
        let held = self.held().take();
        self.folders.close(held.map(|folder| (self.path.clone(), folder)));
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.rest();
    }
}

impl Folder for Kept {
    fn open(&self, path: &Path, access: Access) -> io::Result<Arc<dyn File>> {
        self.get()?.open(path, access)
    }

    fn stat(&self, path: &Path) -> io::Result<Option<Stat>> {
        self.get()?.stat(path)
    }

    fn below(&self, path: &Path) -> Option<io::Result<Arc<dyn Folder>>> {
        self.get().map_or_else(|e| Some(Err(e)), |folder| folder.below(path))
    }

    fn make_dirs(&self, path: &Path) -> io::Result<()> {
        self.get()?.make_dirs(path)
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        self.get()?.sync_dir(path)
    }

    fn device(&self) -> u32 {
        self.device
    }

    fn identity(&self) -> Option<(u64, u64)> {
        self.identity
    }

    fn sync_all(&self) -> Option<io::Result<()>> {
        self.get().map_or_else(|e| Some(Err(e)), |folder| folder.sync_all())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.get()?.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.get()?.remove(path)
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        self.get()?.remove_dir(path)
    }

    fn free(&self) -> io::Result<u64> {
        self.get()?.free()
    }

    fn lock(&self, path: &Path) -> io::Result<Lock> {
        self.get()?.lock(path)
    }

    fn is_locked(&self, path: &Path) -> io::Result<bool> {
        self.get()?.is_locked(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::root::RealFs;

    fn scratch(name: &str) -> PathBuf {
        let dir = std::env::temp_dir().join(format!("teem-folders-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        dir
    }

    #[test]
    fn one_handle_for_all_in_a_folder_and_none_at_rest() {
        let dir = scratch("shared");
        let folders = Arc::new(Folders::new(Arc::new(RealFs)));
        let kept: Vec<Kept> = (0..5).map(|_| folders.keep(&dir, true).unwrap()).collect();
        let first = kept[0].get().unwrap();
        assert!(kept.iter().all(|other| Arc::ptr_eq(&other.get().unwrap(), &first)));
        let weak = Arc::downgrade(&first);
        drop(first);
        kept.iter().for_each(Kept::rest);
        assert_eq!((weak.strong_count(), folders.lock().open.len()), (0, 0));
        assert!(folders.idle_since().is_none());
        // It is found again when it is used, and held no longer than there is use for it.
        assert_eq!(kept[3].stat(Path::new("nothing")).unwrap(), None);
        assert_eq!(folders.lock().recent.len(), 1);
        assert!(folders.idle_since().is_some());
        folders.close_idle();
        assert_eq!(folders.idle_since(), None);
        assert_eq!(folders.lock().open.len(), 0);
        std::fs::remove_dir_all(dir).unwrap();
    }

    #[test]
    fn those_at_rest_hold_few_folders_however_many_are_read() {
        let dir = scratch("many");
        let folders = Arc::new(Folders::new(Arc::new(RealFs)));
        let kept: Vec<Kept> = (0..50).map(|n| folders.keep(&dir.join(n.to_string()), true).unwrap()).collect();
        for one in &kept {
            one.rest();
            one.free().unwrap();
        }
        let state = folders.lock();
        assert_eq!((state.recent.len(), state.open.len()), (RECENT_MAX, RECENT_MAX));
        drop(state);
        std::fs::remove_dir_all(dir).unwrap();
    }

    #[test]
    fn another_folder_at_the_path_does_not_pass_for_the_one_there_was() {
        let dir = scratch("other");
        let folders = Arc::new(Folders::new(Arc::new(RealFs)));
        let (at, aside) = (dir.join("at"), dir.join("aside"));
        let (resting, writing) = (folders.keep(&at, true).unwrap(), folders.keep(&at, true).unwrap());
        resting.rest();
        std::fs::rename(&at, &aside).unwrap();
        std::fs::create_dir(&at).unwrap();
        // While one holds it the others find it by that one.
        std::fs::write(aside.join("file"), "x").unwrap();
        assert!(resting.stat(Path::new("file")).unwrap().is_some());
        writing.rest();
        folders.close_idle();
        let error = resting.stat(Path::new("file")).unwrap_err();
        assert!(error.to_string().contains("not the one that it was"), "{error}");
        std::fs::remove_dir(&at).unwrap();
        let error = resting.stat(Path::new("file")).unwrap_err();
        assert_ne!(error.kind(), io::ErrorKind::NotFound, "{error}");
        assert!(!resting.is_there());
        std::fs::rename(&aside, &at).unwrap();
        assert!(resting.stat(Path::new("file")).unwrap().is_some(), "it is back");
        std::fs::remove_dir_all(dir).unwrap();
    }
}
