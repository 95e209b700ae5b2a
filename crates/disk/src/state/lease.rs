//! Which process works on which saved state (own design): any number of names are kept by one handle.
//!
//! A process locks one file of the state folder (`session-N.lock`, the first that nobody has) as long as it works, and leaves in each lock file
//! of a torrent which session has it. Such a name is taken while its session's file is locked and says the same number; when the process ends, in
//! whatever way, the system lets go of that one lock, and with it of all names. A name's own file is locked only while it is read and
//! written, so that of two processes at once one comes first. The last one that has a name removes its file under that lock, so a lock
//! that is taken on a file which is not at its path any more is nobody's ([`Folder::lock`]).
use crate::fs::{File, Folder, Lock, read_full, write_full};
use std::collections::BTreeMap;
use std::hash::{BuildHasher, Hasher};
use std::io::{self, IoSlice, IoSliceMut};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Processes that may work in one state folder at once.
const SESSIONS_MAX: u32 = 4096;

/// Bytes of a lock file that are read: a process, a session and its number.
pub(super) const TEXT_MAX: usize = 64;

/// What a lock file says: the process that has the name, and by which session.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Holding {
    pub(super) pid: u32,
    pub(super) session: u32,
    pub(super) number: u64,
}

impl Holding {
    /// What a text says; nothing when it is torn, or by an earlier version, which held the lock itself.
    pub(super) fn read(text: &str) -> Option<Self> {
        let mut words = text.split_whitespace();
        let (pid, session) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
        Some(Self { pid, session, number: u64::from_str_radix(words.next()?, 16).ok()? })
    }

    pub(super) fn text(&self) -> String {
        format!("{} {} {:016x}\n", self.pid, self.session, self.number)
    }
}

/// The file that a session locks.
pub(super) fn session_file(session: u32) -> PathBuf {
    PathBuf::from(format!("session-{session}.lock"))
}

/// The process that a lock file names, in any version's words.
pub(super) fn pid_in(text: &str) -> Option<u32> {
    text.split_whitespace().next()?.parse().ok()
}

/// The sessions of one disk, one in each state folder that it works in.
#[derive(Default)]
pub(crate) struct Leases {
    sessions: Mutex<BTreeMap<PathBuf, Arc<Session>>>,
    ended: Arc<AtomicBool>,
}

struct Session {
    holding: Holding,
    /// How many torrents have each name.
    names: Mutex<BTreeMap<PathBuf, u32>>,
    /// The disk ends, and with it the session.
    ended: Arc<AtomicBool>,
    /// Locked as long as it is here.
    _lock: Arc<dyn File>,
}

/// A name that is kept from others until this is dropped.
pub(crate) struct Lease {
    session: Arc<Session>,
    dir: Arc<dyn Folder>,
    path: PathBuf,
}

/// The outcome of asking for a name.
pub(crate) enum Leased {
    Held(Lease),
    /// By this process, when it is known.
    Taken(Option<u32>),
}

impl Leases {
    /// Takes a name in a state folder without waiting. Torrents of this disk may share one where that is wished: that no two of them write
    /// into one file is known to those who place them.
    pub(crate) fn take(
        &self,
        dir: &Arc<dyn Folder>,
        state_dir: &Path,
        path: PathBuf,
        shared: bool,
    ) -> io::Result<Leased> {
        let session = self.session(&**dir, state_dir)?;
        let mut names = session.names();
        if let Some(count) = names.get_mut(&path) {
            if !shared {
                return Ok(Leased::Taken(Some(session.holding.pid)));
            }
            *count += 1;
        } else {
            match dir.lock(&path)? {
                Lock::Taken => return Ok(Leased::Taken(text_at(&**dir, &path).as_deref().and_then(pid_in))),
                Lock::Held(file) => {
                    let former = Holding::read(&text_of(&*file)?).filter(|former| *former != session.holding);
                    if let Some(former) = former
                        && lives(&**dir, &former)?
                    {
                        return Ok(Leased::Taken(Some(former.pid)));
                    }
                    say(&*file, &session.holding.text())?;
                }
            }
            names.insert(path.clone(), 1);
        }
        drop(names);
        Ok(Leased::Held(Lease { session, dir: Arc::clone(dir), path }))
    }

    /// The disk ends: names are free without a word, since the session is over.
    pub(crate) fn end(&self) {
        self.ended.store(true, Ordering::Relaxed);
    }

    fn session(&self, dir: &dyn Folder, state_dir: &Path) -> io::Result<Arc<Session>> {
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(session) = sessions.get(state_dir) {
            return Ok(Arc::clone(session));
        }
        #[allow(clippy::disallowed_types)] // no table is keyed by it: the system's entropy, which no two sessions share
        let number = std::collections::hash_map::RandomState::new().build_hasher().finish();
        for session in 0..SESSIONS_MAX {
            let Lock::Held(lock) = dir.lock(&session_file(session))? else { continue };
            let holding = Holding { pid: std::process::id(), session, number };
            say(&*lock, &holding.text())?;
            let (names, ended) = (Mutex::default(), Arc::clone(&self.ended));
            let session = Arc::new(Session { holding, names, ended, _lock: lock });
            sessions.insert(state_dir.to_owned(), Arc::clone(&session));
            return Ok(session);
        }
        Err(io::Error::other("too many processes work in it"))
    }
}

impl Session {
    fn names(&self) -> MutexGuard<'_, BTreeMap<PathBuf, u32>> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Lease {
    /// The last one that has the name removes its file. Failing costs others the name until this process ends.
    fn drop(&mut self) {
        let mut names = self.session.names();
        let Some(count) = names.get_mut(&self.path) else { return };
        *count -= 1;
        if *count > 0 {
            return;
        }
        names.remove(&self.path);
        if !self.session.ended.load(Ordering::Relaxed)
            && let Ok(Lock::Held(file)) = self.dir.lock(&self.path)
            && text_of(&*file).is_ok_and(|text| Holding::read(&text) == Some(self.session.holding))
        {
            let _ = self.dir.remove(&self.path);
        }
    }
}

/// Takes a lock for as long as its file is kept, and leaves word of this process in it; or says which process has it, when that is known.
pub(super) fn lock(dir: &dyn Folder, path: &Path) -> io::Result<Result<Arc<dyn File>, Option<u32>>> {
    match dir.lock(path)? {
        Lock::Held(file) => say(&*file, &std::process::id().to_string()).map(|()| Ok(file)),
        Lock::Taken => Ok(Err(text_at(dir, path).as_deref().and_then(pid_in))),
    }
}

/// Whether the session that has a name is still there.
fn lives(dir: &dyn Folder, holding: &Holding) -> io::Result<bool> {
    let file = session_file(holding.session);
    let says_so = || text_at(dir, &file).as_deref().and_then(Holding::read) == Some(*holding);
    Ok(dir.is_locked(&file)? && says_so())
}

fn text_at(dir: &dyn Folder, path: &Path) -> Option<String> {
    text_of(&*dir.open(path, crate::fs::Access::Read).ok()?).ok()
}

fn text_of(file: &dyn File) -> io::Result<String> {
    let mut bytes = [0; TEXT_MAX];
    let n = read_full(file, &mut [IoSliceMut::new(&mut bytes)], 0)?;
    Ok(String::from_utf8_lossy(&bytes[..n as usize]).into_owned())
}

fn say(file: &dyn File, text: &str) -> io::Result<()> {
    file.set_len(0)?;
    write_full(file, &mut [IoSlice::new(text.as_bytes())], 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fs::Fs;
    use crate::root::RealFs;

    struct Scratch(PathBuf, Arc<dyn Folder>);

    impl Scratch {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("teem-lease-{name}-{}", std::process::id()));
            let folder = RealFs.folder(&path, true).unwrap();
            Self(path, folder)
        }

        fn take(&self, leases: &Leases, name: &str, shared: bool) -> Option<Lease> {
            match leases.take(&self.1, &self.0, name.into(), shared).unwrap() {
                Leased::Held(lease) => Some(lease),
                Leased::Taken(pid) => {
                    assert_eq!(pid, Some(std::process::id()));
                    None
                }
            }
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn a_name_is_taken_until_it_is_let_go() {
        let (dir, ours, theirs) = (Scratch::new("taken"), Leases::default(), Leases::default());
        let lease = dir.take(&ours, "a.lock", false).expect("it is free");
        assert!(dir.take(&theirs, "a.lock", false).is_none() && dir.take(&ours, "a.lock", false).is_none());
        assert!(dir.take(&theirs, "b.lock", false).is_some(), "another name, let go of at once");
        drop(lease);
        assert!(!dir.0.join("a.lock").exists(), "nothing is left of it");
        assert!(dir.take(&theirs, "a.lock", false).is_some());
    }

    #[test]
    fn torrents_of_one_disk_share_a_name_and_the_last_lets_go() {
        let (dir, ours, theirs) = (Scratch::new("shared"), Leases::default(), Leases::default());
        let (one, other) = (dir.take(&ours, "n.lock", true), dir.take(&ours, "n.lock", true));
        assert!(one.is_some() && other.is_some() && dir.take(&theirs, "n.lock", true).is_none());
        drop(one);
        assert!(dir.take(&theirs, "n.lock", true).is_none());
        drop(other);
        assert!(dir.take(&theirs, "n.lock", true).is_some());
    }

    #[test]
    fn the_names_of_a_process_that_is_gone_are_free() {
        let (dir, theirs) = (Scratch::new("gone"), Leases::default());
        let ours = Leases::default();
        let lease = dir.take(&ours, "a.lock", false).expect("it is free");
        // As if it had been killed: its files stay as they are.
        ours.end();
        drop((lease, ours));
        assert!(!std::fs::read(dir.0.join("a.lock")).unwrap().is_empty());
        assert!(dir.take(&theirs, "b.lock", false).is_some(), "its session's place is taken again");
        assert!(dir.take(&theirs, "a.lock", false).is_some(), "and that session has another number");
    }

    #[test]
    fn a_lock_on_a_file_that_is_gone_is_nobodys() {
        let dir = Scratch::new("replaced");
        let path = dir.0.join("a.lock");
        std::fs::write(&path, "").unwrap();
        // What one process has opened another removes, and a third makes anew.
        let earlier = std::fs::File::open(&path).unwrap();
        earlier.lock().unwrap();
        std::fs::remove_file(&path).unwrap();
        let Lock::Held(held) = dir.1.lock(Path::new("a.lock")).unwrap() else { panic!("it is free") };
        assert!(matches!(dir.1.lock(Path::new("a.lock")).unwrap(), Lock::Taken));
        drop((held, earlier));
    }

    #[test]
    fn what_an_earlier_version_holds_is_taken_and_torn_words_are_none() {
        let (dir, ours) = (Scratch::new("earlier"), Leases::default());
        std::fs::write(dir.0.join("a.lock"), std::process::id().to_string()).unwrap();
        let Lock::Held(earlier) = dir.1.lock(Path::new("a.lock")).unwrap() else { panic!("it is free") };
        assert!(dir.take(&ours, "a.lock", false).is_none());
        drop(earlier);
        assert!(dir.take(&ours, "a.lock", false).is_some());
        for torn in ["", "7", "7 0", "7 0 xyz", "\0\0\0", "seven 0 11"] {
            assert_eq!(Holding::read(torn), None, "{torn:?}");
        }
    }
}
