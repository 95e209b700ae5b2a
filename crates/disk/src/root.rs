//! The real file system behind `fs`, beneath folder handles (own design; bad paths of BEP 3 and 47 end here).
//!
//! On Linux `openat2` with `RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS` lets the kernel refuse every escape. Where that call
//! is missing (older kernels, sandboxes, other systems) each component is opened with `O_NOFOLLOW` from its parent's
//! handle. What a signal interrupts is done again (reads and writes in `fs`). Opening never blocks on a pipe and never accepts anything but a regular file.
use crate::fs::{Access, File, Folder, Fs, Lock, Obstacle, Stat};
use rustix::fs::{self, AtFlags, FileType, FlockOperation, Mode, OFlags};
use rustix::io::{Errno, retry_on_intr};
use std::io::{self, IoSlice, IoSliceMut};
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

/// The file system of this machine.
pub struct RealFs;

struct Root {
    dir: OwnedFd,
}

struct RealFile(OwnedFd);

impl Fs for RealFs {
    fn folder(&self, path: &Path, create: bool) -> io::Result<Arc<dyn Folder>> {
        let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
        if create {
            std::fs::create_dir_all(path)?;
        }
        let dir = fs::open(path, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
        Ok(Arc::new(Root { dir }))
    }

    fn canonical(&self, path: &Path) -> io::Result<PathBuf> {
        std::fs::canonicalize(if path.as_os_str().is_empty() { Path::new(".") } else { path })
    }
}

impl Root {
    /// Opens `path` beneath the folder, following no link.
    fn beneath(&self, path: &Path, flags: OFlags, mode: Mode) -> io::Result<OwnedFd> {
        let flags = flags | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        #[cfg(target_os = "linux")]
        {
            use rustix::fs::ResolveFlags;
            let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
            match retry_on_intr(|| fs::openat2(&self.dir, path, flags, mode, resolve)) {
                // A sandbox that does not know the call says ENOSYS or EPERM; EAGAIN is a rename that raced. The walk settles it.
                Err(Errno::NOSYS | Errno::PERM | Errno::AGAIN) => {}
                other => return Ok(other?),
            }
        }
        self.walk(path, flags, mode)
    }

    fn walk(&self, path: &Path, flags: OFlags, mode: Mode) -> io::Result<OwnedFd> {
        let mut names = Vec::new();
        for component in path.components() {
            match component {
                Component::Normal(name) => names.push(name),
                Component::CurDir => {}
                _ => return Err(Errno::XDEV.into()),
            }
        }
        let Some((last, folders)) = names.split_last() else {
            return Ok(retry_on_intr(|| fs::openat(&self.dir, ".", flags, mode))?);
        };
        let step = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mut at: Option<OwnedFd> = None;
        for name in folders {
            let dir = at.as_ref().map_or(self.dir.as_fd(), AsFd::as_fd);
            at = Some(retry_on_intr(|| fs::openat(dir, *name, step, Mode::empty()))?);
        }
        let dir = at.as_ref().map_or(self.dir.as_fd(), AsFd::as_fd);
        Ok(retry_on_intr(|| fs::openat(dir, *last, flags, mode))?)
    }

    fn folder_of(&self, path: &Path) -> io::Result<OwnedFd> {
        self.dir_at(path.parent().unwrap_or(Path::new("")))
    }

    fn dir_at(&self, path: &Path) -> io::Result<OwnedFd> {
        let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
        self.beneath(path, OFlags::RDONLY | OFlags::DIRECTORY, Mode::empty())
    }
}

/// The last component of a path; only such paths are renamed or removed.
fn name_of(path: &Path) -> io::Result<&std::ffi::OsStr> {
    path.file_name().ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))
}

impl Folder for Root {
    fn open(&self, path: &Path, access: Access) -> io::Result<Arc<dyn File>> {
        // A mode without CREATE is an error to openat2.
        let (flags, mode) = match access {
            Access::Read => (OFlags::RDONLY, Mode::empty()),
            Access::Write => (OFlags::RDWR | OFlags::CREATE, Mode::from_raw_mode(0o666)),
        };
        let fd = match self.beneath(path, flags | OFlags::NONBLOCK, mode) {
            Ok(fd) => fd,
            Err(e) => return Err(name_obstacle(e)),
        };
        regular(&fs::fstat(&fd)?)?;
        Ok(Arc::new(RealFile(fd)))
    }

    fn stat(&self, path: &Path) -> io::Result<Option<Stat>> {
        let name = name_of(path)?;
        let held = if path.parent() == Some(Path::new("")) {
            None
        } else {
            match self.folder_of(path) {
                Ok(dir) => Some(dir),
                Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
                Err(e) => return Err(name_obstacle(e)),
            }
        };
        let dir = held.as_ref().map_or(self.dir.as_fd(), AsFd::as_fd);
        match fs::statat(dir, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => regular(&stat).map(Some),
            Err(Errno::NOENT) => Ok(None),
            Err(e) => Err(e.into()),
        }
    }

    fn below(&self, path: &Path) -> Option<io::Result<Arc<dyn Folder>>> {
        let dir = self.dir_at(path).map_err(name_obstacle);
        Some(dir.map(|dir| Arc::new(Self { dir }) as Arc<dyn Folder>))
    }

    fn make_dirs(&self, path: &Path) -> io::Result<()> {
        // Most folders are there already.
        if self.dir_at(path).is_ok() {
            return Ok(());
        }
        let mut done = PathBuf::new();
        for component in path.components() {
            done.push(component);
            let dir = self.folder_of(&done).map_err(name_obstacle)?;
            match fs::mkdirat(&dir, name_of(&done)?, Mode::from_raw_mode(0o777)) {
                Ok(()) | Err(Errno::EXIST) => {}
                Err(e) => return Err(e.into()),
            }
        }
        self.dir_at(path).map(drop).map_err(name_obstacle)
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        let dir = self.dir_at(path)?;
        Ok(retry_on_intr(|| fs::fsync(&dir))?)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let (a, b) = (self.folder_of(from)?, self.folder_of(to)?);
        Ok(fs::renameat(a, name_of(from)?, b, name_of(to)?)?)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        match fs::unlinkat(self.folder_of(path)?, name_of(path)?, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(e) => Err(e.into()),
        }
    }

    fn sync_all(&self) -> Option<io::Result<()>> {
        #[cfg(target_os = "linux")]
        return Some(retry_on_intr(|| fs::syncfs(&self.dir)).map_err(Into::into));
        #[cfg(not(target_os = "linux"))]
        return None;
    }

    fn free(&self) -> io::Result<u64> {
        let s = fs::fstatvfs(&self.dir)?;
        Ok(s.f_bavail.saturating_mul(s.f_frsize))
    }

    fn lock(&self, path: &Path) -> io::Result<Lock> {
        let fd = self.beneath(path, OFlags::RDWR | OFlags::CREATE, Mode::from_raw_mode(0o600))?;
        match fs::flock(&fd, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {
                let pid = std::process::id().to_string();
                retry_on_intr(|| fs::ftruncate(&fd, 0))?;
                RealFile(fd.try_clone()?).write_at(&[IoSlice::new(pid.as_bytes())], 0)?;
                Ok(Lock::Held(Box::new(fd)))
            }
            Err(Errno::WOULDBLOCK) => {
                let mut text = [0; 20];
                let n = RealFile(fd).read_at(&mut [IoSliceMut::new(&mut text)], 0)?;
                let pid = std::str::from_utf8(&text[..n]).ok().and_then(|t| t.trim().parse().ok());
                Ok(Lock::Taken(pid))
            }
            Err(e) => Err(e.into()),
        }
    }
}

impl File for RealFile {
    fn read_at(&self, bufs: &mut [IoSliceMut<'_>], offset: u64) -> io::Result<usize> {
        Ok(rustix::io::preadv(&self.0, bufs, offset)?)
    }

    fn write_at(&self, bufs: &[IoSlice<'_>], offset: u64) -> io::Result<usize> {
        Ok(rustix::io::pwritev(&self.0, bufs, offset)?)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        Ok(retry_on_intr(|| fs::ftruncate(&self.0, len))?)
    }

    fn sync(&self) -> io::Result<()> {
        Ok(retry_on_intr(|| fs::fsync(&self.0))?)
    }

    fn stat(&self) -> io::Result<Stat> {
        Ok(look(&fs::fstat(&self.0)?))
    }

    #[cfg(target_os = "linux")]
    fn is_hole(&self, offset: u64, len: u64) -> bool {
        // The position that this moves is used by nobody: all reading and writing says where.
        match fs::seek(&self.0, fs::SeekFrom::Data(offset)) {
            Ok(data) => data >= offset + len,
            // No data from there on.
            Err(Errno::NXIO) => self.stat().is_ok_and(|stat| stat.len >= offset + len),
            Err(_) => false,
        }
    }
}

/// Errors of opening that mean "something else is there".
fn name_obstacle(e: io::Error) -> io::Error {
    let what = match Errno::from_io_error(&e) {
        Some(Errno::LOOP) => "a symbolic link",
        Some(Errno::XDEV) => "a path that leads outside",
        Some(Errno::ISDIR) => "a folder",
        Some(Errno::NOTDIR) => "a file or link where a folder should be",
        Some(Errno::NXIO) => "a named pipe or device",
        _ => return e,
    };
    Obstacle::error(what)
}

fn regular(stat: &fs::Stat) -> io::Result<Stat> {
    let what = match FileType::from_raw_mode(stat.st_mode as _) {
        FileType::RegularFile => return Ok(look(stat)),
        FileType::Directory => "a folder",
        FileType::Symlink => "a symbolic link",
        FileType::Fifo => "a named pipe",
        FileType::Socket => "a socket",
        FileType::CharacterDevice | FileType::BlockDevice => "a device",
        FileType::Unknown => "something that is no file",
    };
    Err(Obstacle::error(what))
}

// The types of these fields differ by system.
#[allow(clippy::unnecessary_cast, clippy::cast_possible_wrap)]
fn look(s: &fs::Stat) -> Stat {
    let ns = |sec: i64, nsec: i64| sec.saturating_mul(1_000_000_000).saturating_add(nsec);
    Stat {
        len: s.st_size as u64,
        mtime_ns: ns(s.st_mtime as i64, s.st_mtime_nsec as i64),
        ctime_ns: ns(s.st_ctime as i64, s.st_ctime_nsec as i64),
        inode: s.st_ino as u64,
        allocated: s.st_blocks as u64 * 512,
        device: (s.st_dev as u64 ^ (s.st_dev as u64 >> 32)) as u32,
        shared: s.st_nlink as u64 > 1,
        linked: false,
    }
}
