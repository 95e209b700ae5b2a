//! A file system around another one whose calls fail, fall short or take their time at random (own design). The seed decides what the
//! n-th call meets; which call is the n-th is decided by threads, so a seed repeats the odds and not the very run.
//!
//! A sync that fails has lost nothing by that: what was not durable lies in the file system below, which may lose it or not.
use crate::dice::Dice;
use rustix::io::Errno;
use std::io::{self, IoSlice, IoSliceMut};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;
use teem_disk::fs::{Access, File, Folder, Fs, Lock, Stat};

/// The kinds of calls that reach a medium.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Call {
    /// Opening a folder.
    Folder,
    /// Opening a file that must be there.
    Open,
    /// Opening a file that is made when it is missing.
    Create,
    /// Looking at a file.
    Stat,
    /// Reading from an open file.
    Read,
    /// Writing to an open file.
    Write,
    /// Setting a length.
    SetLen,
    /// Making a file or all of a file system durable.
    Sync,
    /// Making the names in a folder durable.
    SyncDir,
    /// Making a folder and those above it.
    MakeDirs,
    /// Giving a file another name.
    Rename,
    /// Taking a file away.
    Remove,
    /// Asking how much room there is.
    Free,
    /// Taking a lock.
    Lock,
    /// Asking for a folder's name without links.
    Canonical,
}

impl Call {
    /// All of them.
    pub const ALL: [Self; 15] = [
        Self::Folder,
        Self::Open,
        Self::Create,
        Self::Stat,
        Self::Read,
        Self::Write,
        Self::SetLen,
        Self::Sync,
        Self::SyncDir,
        Self::MakeDirs,
        Self::Rename,
        Self::Remove,
        Self::Free,
        Self::Lock,
        Self::Canonical,
    ];

    /// Whether the call changes something, so that it can want room or leave to write.
    fn changes(self) -> bool {
        !matches!(self, Self::Folder | Self::Open | Self::Stat | Self::Read | Self::Free | Self::Canonical)
    }

    /// Whether the call takes a path or makes a handle, so that rights, names and descriptors matter to it.
    fn opens(self) -> bool {
        !matches!(self, Self::Read | Self::Write | Self::SetLen | Self::Sync | Self::Free)
    }

    /// Whether a system may answer the call so.
    pub fn may_meet(self, errno: Errno) -> bool {
        match errno {
            Errno::IO | Errno::STALE => true,
            Errno::NOSPC | Errno::DQUOT | Errno::ROFS => self.changes(),
            Errno::FBIG => matches!(self, Self::Write | Self::SetLen),
            Errno::ACCESS | Errno::PERM => self.opens() || self.changes(),
            // Looking at what is missing is no error.
            Errno::NOENT => self.opens() && self != Self::Stat,
            // For descriptors: names are changed below a handle of their folder, which is opened for it.
            Errno::NAMETOOLONG | Errno::MFILE | Errno::NFILE => self.opens(),
            _ => false,
        }
    }
}

/// How often what goes wrong: in so many of a thousand calls.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Odds {
    /// The call fails, with an error that such a call may meet.
    pub error: u64,
    /// A read or a write takes a part only, or is interrupted.
    pub short: u64,
    /// The call takes a while.
    pub delay: u64,
    /// How long at most.
    pub delay_max: Duration,
    /// Only these kinds of calls; all when empty.
    pub only: Vec<Call>,
    /// Each failing call fails with this.
    pub errno: Option<Errno>,
}

/// What a system may answer. ENOENT is not drawn: it says that a file has gone, which is to be believed.
const ERRORS: [Errno; 7] =
    [Errno::IO, Errno::NOSPC, Errno::ROFS, Errno::DQUOT, Errno::ACCESS, Errno::MFILE, Errno::STALE];

struct Inner {
    below: Arc<dyn Fs>,
    state: Mutex<(Dice, Odds)>,
    failed: AtomicU64,
    shortened: AtomicU64,
    delayed: AtomicU64,
}

/// The file system; clones are the same.
#[derive(Clone)]
pub struct Unsteady(Arc<Inner>);

/// What one call meets.
enum Fate {
    Well,
    Short(u64),
}

impl Unsteady {
    /// Around that file system; nothing goes wrong until [`Self::set`].
    pub fn new(below: Arc<dyn Fs>, seed: u64) -> Self {
        let state = Mutex::new((Dice(seed), Odds::default()));
        let (failed, shortened, delayed) = Default::default();
        Self(Arc::new(Inner { below, state, failed, shortened, delayed }))
    }

    /// From now on these are the odds.
    pub fn set(&self, odds: Odds) {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner).1 = odds;
    }

    /// Calls that failed, that fell short and that took their time so far.
    pub fn counts(&self) -> (u64, u64, u64) {
        let count = |number: &AtomicU64| number.load(Ordering::Relaxed);
        (count(&self.0.failed), count(&self.0.shortened), count(&self.0.delayed))
    }

    fn meet(&self, call: Call) -> io::Result<Fate> {
        let (delay, error, short) = {
            let (dice, odds) = &mut *self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
            if !odds.only.is_empty() && !odds.only.contains(&call) {
                return Ok(Fate::Well);
            }
            let hit = |dice: &mut Dice, of: u64| of > 0 && dice.roll(1000) < of;
            let delay = hit(dice, odds.delay)
                .then(|| Duration::from_micros(dice.roll(odds.delay_max.as_micros().try_into().unwrap_or(u64::MAX))));
            let error = hit(dice, odds.error).then(|| {
                let drawn = ERRORS[dice.roll(ERRORS.len() as u64) as usize];
                odds.errno.unwrap_or(if call.may_meet(drawn) { drawn } else { Errno::IO })
            });
            let short = hit(dice, odds.short).then(|| dice.roll(3));
            (delay, error, short)
        };
        if let Some(delay) = delay {
            self.0.delayed.fetch_add(1, Ordering::Relaxed);
            thread::sleep(delay);
        }
        if let Some(error) = error {
            self.0.failed.fetch_add(1, Ordering::Relaxed);
            return Err(error.into());
        }
        match short {
            Some(how) if matches!(call, Call::Read | Call::Write) => {
                self.0.shortened.fetch_add(1, Ordering::Relaxed);
                if how == 0 { Err(io::ErrorKind::Interrupted.into()) } else { Ok(Fate::Short(how)) }
            }
            _ => Ok(Fate::Well),
        }
    }
}

/// A length that is shorter and not nothing.
fn part(len: usize, how: u64) -> usize {
    if how == 1 { 1 } else { len.div_ceil(2) }
}

impl Fs for Unsteady {
    fn folder(&self, path: &Path, create: bool) -> io::Result<Arc<dyn Folder>> {
        self.meet(Call::Folder)?;
        Ok(Arc::new(Around { fs: self.clone(), below: self.0.below.folder(path, create)? }))
    }

    fn canonical(&self, path: &Path) -> io::Result<PathBuf> {
        self.meet(Call::Canonical)?;
        self.0.below.canonical(path)
    }

    fn rename_across(&self, from: (&Path, &Path), to: (&Path, &Path)) -> io::Result<()> {
        self.meet(Call::Rename)?;
        self.0.below.rename_across(from, to)
    }
}

struct Around<T: ?Sized> {
    fs: Unsteady,
    below: Arc<T>,
}

impl Folder for Around<dyn Folder> {
    fn open(&self, path: &Path, access: Access) -> io::Result<Arc<dyn File>> {
        let makes = matches!(access, Access::Write | Access::Private);
        self.fs.meet(if makes { Call::Create } else { Call::Open })?;
        Ok(Arc::new(Around { fs: self.fs.clone(), below: self.below.open(path, access)? }))
    }

    fn stat(&self, path: &Path) -> io::Result<Option<Stat>> {
        self.fs.meet(Call::Stat)?;
        self.below.stat(path)
    }

    fn below(&self, path: &Path) -> Option<io::Result<Arc<dyn Folder>>> {
        let around = |below| -> Arc<dyn Folder> { Arc::new(Around { fs: self.fs.clone(), below }) };
        let below = self.below.below(path)?;
        Some(self.fs.meet(Call::Folder).and(below).map(around))
    }

    fn is_linked(&self) -> bool {
        self.below.is_linked()
    }

    fn make_dirs(&self, path: &Path) -> io::Result<()> {
        self.fs.meet(Call::MakeDirs)?;
        self.below.make_dirs(path)
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        self.fs.meet(Call::SyncDir)?;
        self.below.sync_dir(path)
    }

    fn sync_all(&self) -> Option<io::Result<()>> {
        let synced = self.below.sync_all()?;
        Some(self.fs.meet(Call::Sync).and(synced))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.fs.meet(Call::Rename)?;
        self.below.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.fs.meet(Call::Remove)?;
        self.below.remove(path)
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        self.fs.meet(Call::Remove)?;
        self.below.remove_dir(path)
    }

    fn free(&self) -> io::Result<u64> {
        self.fs.meet(Call::Free)?;
        self.below.free()
    }

    fn lock(&self, path: &Path) -> io::Result<Lock> {
        self.fs.meet(Call::Lock)?;
        Ok(match self.below.lock(path)? {
            Lock::Held(below) => Lock::Held(Arc::new(Around { fs: self.fs.clone(), below })),
            Lock::Taken => Lock::Taken,
        })
    }

    fn is_locked(&self, path: &Path) -> io::Result<bool> {
        self.fs.meet(Call::Lock)?;
        self.below.is_locked(path)
    }

    fn identity(&self) -> Option<(u64, u64)> {
        self.below.identity()
    }
}

impl File for Around<dyn File> {
    fn read_at(&self, bufs: &mut [IoSliceMut<'_>], offset: u64) -> io::Result<usize> {
        match (self.fs.meet(Call::Read)?, bufs.iter_mut().find(|buf| !buf.is_empty())) {
            (Fate::Short(how), Some(first)) => {
                let len = part(first.len(), how);
                self.below.read_at(&mut [IoSliceMut::new(&mut first[..len])], offset)
            }
            _ => self.below.read_at(bufs, offset),
        }
    }

    fn write_at(&self, bufs: &[IoSlice<'_>], offset: u64) -> io::Result<usize> {
        match (self.fs.meet(Call::Write)?, bufs.iter().find(|buf| !buf.is_empty())) {
            (Fate::Short(how), Some(first)) => {
                let len = part(first.len(), how);
                self.below.write_at(&[IoSlice::new(&first[..len])], offset)
            }
            _ => self.below.write_at(bufs, offset),
        }
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.fs.meet(Call::SetLen)?;
        self.below.set_len(len)
    }

    fn sync(&self) -> io::Result<()> {
        self.fs.meet(Call::Sync)?;
        self.below.sync()
    }

    fn stat(&self) -> io::Result<Stat> {
        self.fs.meet(Call::Stat)?;
        self.below.stat()
    }

    fn is_hole(&self, offset: u64, len: u64) -> bool {
        self.below.is_hole(offset, len)
    }
}
