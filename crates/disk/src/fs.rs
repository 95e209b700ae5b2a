//! What the disk needs of a file system, as traits (own design), so that tests can inject faults and cut the power.
//! The real one is in `root`. Every path is relative to a [`Folder`] and never leads above it by itself. Symbolic links are followed when something is
//! read, never when something is written, made, renamed or removed; none is ever made.
use std::ffi::OsString;
use std::fmt;
use std::io::{self, IoSlice, IoSliceMut};
use std::os::fd::BorrowedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What is remembered of a file to see whether it changed. Times are nanoseconds since 1970.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Stat {
    /// Length in bytes.
    pub len: u64,
    /// Last change of the content.
    pub mtime_ns: i64,
    /// Last change of the content or of the inode.
    pub ctime_ns: i64,
    /// Number of the inode.
    pub inode: u64,
    /// Bytes that the file really takes on the medium (holes don't count).
    pub allocated: u64,
    /// The file system that it lies on, folded to 32 bits.
    pub device: u32,
    /// It has other names (hard links), which may be somebody else's.
    pub shared: bool,
    /// A symbolic link leads to it.
    pub linked: bool,
}

/// How a file is opened.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Access {
    /// It must exist; never created.
    Read,
    /// The same, over no link: for what is about to be published.
    ReadUnlinked,
    /// For reading and writing; created when missing (its folder must exist), never truncated.
    Write,
    /// The same for what nobody but the owner may read, such as saved state with the URLs of trackers in it.
    Private,
}

/// Something that is no regular file lies where one should be.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Obstacle {
    /// What it is, with its article: "a folder", "a named pipe", …
    pub what: &'static str,
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is in the way", self.what)
    }
}

impl std::error::Error for Obstacle {}

impl Obstacle {
    /// The obstacle as an error of the file system.
    pub(crate) fn error(what: &'static str) -> io::Error {
        io::Error::other(Self { what })
    }

    /// The obstacle inside such an error.
    pub(crate) fn of(error: &io::Error) -> Option<&Self> {
        error.get_ref()?.downcast_ref()
    }
}

/// The outcome of asking for a lock.
pub enum Lock {
    /// Held until its file is dropped, in which others read what is left there.
    Held(Arc<dyn File>),
    /// Another holds it.
    Taken,
}

/// A file system.
pub trait Fs: Send + Sync {
    /// A handle to the folder at `path`, made (with its parents) when `create`. Links in `path` itself are the user's own and are followed.
    fn folder(&self, path: &Path, create: bool) -> io::Result<Arc<dyn Folder>>;

    /// `path` without links and dots, as a name by which the folder can be known again.
    fn canonical(&self, path: &Path) -> io::Result<PathBuf>;

    /// Renames a file from beneath one folder to beneath another, each given as a folder and a path in it. What is there already stays: that is
    /// `AlreadyExists`; another file system is `CrossesDevices`.
    fn rename_across(&self, _from: (&Path, &Path), _to: (&Path, &Path)) -> io::Result<()> {
        Err(io::ErrorKind::CrossesDevices.into())
    }
}

/// A folder, and what lies beneath it. All paths are relative.
pub trait Folder: Send + Sync {
    /// Opens a regular file; anything else in its place is an `Obstacle`, and so is a link on the way to one that is to be written to.
    fn open(&self, path: &Path, access: Access) -> io::Result<Arc<dyn File>>;
    /// Looks at a regular file, also over links; `None` when nothing is there, an `Obstacle` when something else is.
    fn stat(&self, path: &Path) -> io::Result<Option<Stat>>;
    /// A handle to the folder `path`, which is held; `None` where looking at many files in it by their paths is as good.
    fn below(&self, _path: &Path) -> Option<io::Result<Arc<dyn Folder>>> {
        None
    }
    /// Whether a symbolic link led to the folder when it was opened by [`Folder::below`].
    fn is_linked(&self) -> bool {
        false
    }
    /// Makes `path` and its parents, as far as they are missing.
    fn make_dirs(&self, path: &Path) -> io::Result<()>;
    /// Makes the names inside the folder `path` durable.
    fn sync_dir(&self, path: &Path) -> io::Result<()>;
    /// The file system of the folder, as [`Stat::device`] has it.
    fn device(&self) -> u32 {
        0
    }
    /// What tells the folder from all others: device and inode; `None` where nobody can tell.
    fn identity(&self) -> Option<(u64, u64)> {
        None
    }
    /// Makes all of the folder's file system durable in one call, what is mounted below it not; `None` where there is no such call.
    fn sync_all(&self) -> Option<io::Result<()>>;
    /// Renames a file, replacing what was there.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Removes a file; fine when nothing is there.
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// The names in the folder itself; empty where nobody can tell.
    fn names(&self) -> io::Result<Vec<OsString>> {
        Ok(Vec::new())
    }
    /// Removes a folder that is empty; fine when nothing is there, an error when something is in it.
    fn remove_dir(&self, path: &Path) -> io::Result<()>;
    /// Bytes that an ordinary user may still write.
    fn free(&self) -> io::Result<u64>;
    /// Takes the lock at `path` without waiting; what its file says stays. The file that is locked is the one that is there: who removes it does so
    /// while he has the lock.
    fn lock(&self, path: &Path) -> io::Result<Lock>;
    /// Whether another holds the lock at `path`, which may be missing.
    fn is_locked(&self, path: &Path) -> io::Result<bool> {
        Ok(matches!(self.lock(path)?, Lock::Taken))
    }
}

/// An open regular file; positioned, so that threads can share it.
pub trait File: Send + Sync {
    /// Reads as `preadv`; may be short; 0 is the end.
    fn read_at(&self, bufs: &mut [IoSliceMut<'_>], offset: u64) -> io::Result<usize>;
    /// Writes as `pwritev`; may be short.
    fn write_at(&self, bufs: &[IoSlice<'_>], offset: u64) -> io::Result<usize>;
    /// Sets the length, leaving a hole when it grows.
    fn set_len(&self, len: u64) -> io::Result<()>;
    /// Makes content, length and times durable (the times, because saved state compares them).
    fn sync(&self) -> io::Result<()>;
    /// Looks at it.
    fn stat(&self) -> io::Result<Stat>;
    /// Whether a part that lies within the file is known to be a hole, which reads as zeros; false where nobody can tell.
    fn is_hole(&self, _offset: u64, _len: u64) -> bool {
        false
    }
    /// Its descriptor, where it is a file of the system's.
    fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        None
    }
    /// Takes all of another file's content over by sharing it with that on the medium (a reflink); false where that cannot be, which changes nothing.
    fn share(&self, _of: &dyn File) -> bool {
        false
    }
    /// Takes over the rights of another file, its owner and group as far as they may be given, and its times.
    fn take_after(&self, _other: &dyn File) -> io::Result<()> {
        Ok(())
    }
}

/// At most so many buffers are read into by one call: a bound that every system keeps (`IOV_MAX` is 1,024 on Linux and macOS).
const VECTOR_MAX: usize = 512;
/// At most so many are written by one: of blocks of 16 KiB 256 KiB. For a longer write the kernel looks for a longer stretch of free
/// memory, and a virtual machine has mostly given such stretches back to its host: a mebibyte a call costs five times the processor time.
const WRITE_VECTOR_MAX: usize = 16;

/// Fills all of `bufs` from `offset`; how many bytes were there (less only at the end of the file). Interrupted and
/// short reads go on.
pub(crate) fn read_full(file: &dyn File, mut bufs: &mut [IoSliceMut<'_>], mut offset: u64) -> io::Result<u64> {
    let start = offset;
    IoSliceMut::advance_slices(&mut bufs, 0);
    while !bufs.is_empty() {
        let n = bufs.len().min(VECTOR_MAX);
        match file.read_at(&mut bufs[..n], offset) {
            Ok(0) => break,
            Ok(n) => {
                offset += n as u64;
                IoSliceMut::advance_slices(&mut bufs, n);
            }
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(offset - start)
}

/// Writes all of `bufs` at `offset`. Interrupted and short writes go on.
pub(crate) fn write_full(file: &dyn File, mut bufs: &mut [IoSlice<'_>], mut offset: u64) -> io::Result<()> {
    IoSlice::advance_slices(&mut bufs, 0);
    while !bufs.is_empty() {
        let n = bufs.len().min(WRITE_VECTOR_MAX);
        match file.write_at(&bufs[..n], offset) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(n) => {
                offset += n as u64;
                IoSlice::advance_slices(&mut bufs, n);
            }
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(())
}

/// All of a small file, at most `max` bytes; `None` when it is missing or longer.
pub(crate) fn read_small(folder: &dyn Folder, path: &Path, max: u64) -> io::Result<Option<Vec<u8>>> {
    let file = match folder.open(path, Access::Read) {
        Ok(file) => file,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(e),
    };
    let len = file.stat()?.len;
    if len > max {
        return Ok(None);
    }
    let mut data = vec![0; len as usize];
    let n = read_full(&*file, &mut [IoSliceMut::new(&mut data)], 0)?;
    data.truncate(n as usize);
    Ok(Some(data))
}
