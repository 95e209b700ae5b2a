//! The real file system behind `fs`, beneath folder handles (own design; bad paths of BEP 3 and 47 end here).
//!
//! On Linux `openat2` with `RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS` lets the kernel refuse every escape. Where that call
//! is missing (older kernels, sandboxes, other systems) each component is opened with `O_NOFOLLOW` from its parent's
//! handle. For reading, links that the user, the folder's owner or the system made are followed component by component, out of the folder too; for writing
//! none ever is. What a signal interrupts is done again (reads and writes in `fs`). Opening never blocks on a pipe and never accepts anything but a regular file.
use crate::fs::{Access, File, Folder, Fs, Lock, Obstacle, Stat};
use rustix::fs::{self, AtFlags, FileType, FlockOperation, Mode, OFlags};
use rustix::io::{Errno, retry_on_intr};
use std::collections::VecDeque;
use std::ffi::OsString;
use std::io::{self, IoSlice, IoSliceMut};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

/// The file system of this machine.
pub struct RealFs;

struct Root {
    dir: OwnedFd,
    /// Links led here: nothing is written.
    linked: bool,
}

/// Symbolic links that one path may lead through, as on Linux.
const LINKS_MAX: usize = 40;

/// Opens a folder on the way, which may be one that can be passed through and not listed.
#[cfg(target_os = "linux")]
const STEP: OFlags = OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);
#[cfg(not(target_os = "linux"))]
const STEP: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

struct RealFile(OwnedFd);

impl Fs for RealFs {
    fn folder(&self, path: &Path, create: bool) -> io::Result<Arc<dyn Folder>> {
        let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
        if create {
            std::fs::create_dir_all(path)?;
        }
        Ok(Arc::new(Root::at(path)?))
    }

    fn canonical(&self, path: &Path) -> io::Result<PathBuf> {
        std::fs::canonicalize(if path.as_os_str().is_empty() { Path::new(".") } else { path })
    }

    fn rename_across(&self, from: (&Path, &Path), to: (&Path, &Path)) -> io::Result<()> {
        let (a, b) = (Root::at(from.0)?.folder_of(from.1)?, Root::at(to.0)?.folder_of(to.1)?);
        let (from, to) = (name_of(from.1)?, name_of(to.1)?);
        #[cfg(target_os = "linux")]
        match fs::renameat_with(&a, from, &b, to, fs::RenameFlags::NOREPLACE) {
            // A file system that cannot promise it.
            Err(Errno::INVAL | Errno::NOSYS) => {}
            other => return Ok(other?),
        }
        match fs::statat(&b, to, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(_) => Err(Errno::EXIST.into()),
            Err(Errno::NOENT) => Ok(fs::renameat(&a, from, &b, to)?),
            Err(e) => Err(e.into()),
        }
    }
}

impl Root {
    /// The folder at `path`.
    fn at(path: &Path) -> io::Result<Self> {
        let dir = fs::open(path, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
        Ok(Self { dir, linked: false })
    }

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

    /// Follows the links in `path` that may be followed when something is read: to a folder, and the name in it of what is no link.
    fn lead(&self, path: &Path) -> io::Result<(OwnedFd, OsString)> {
        let owner = fs::fstat(&self.dir)?.st_uid;
        let trusted = [owner, rustix::process::geteuid().as_raw(), 0];
        let mut at = retry_on_intr(|| fs::openat(&self.dir, ".", STEP, Mode::empty()))?;
        // With whether a link said so: a torrent's own path leads neither up nor to the root.
        let mut rest: VecDeque<(OsString, bool)> = VecDeque::new();
        let parts = path.components().map(|part| match part {
            Component::Normal(name) => Ok((name.to_owned(), false)),
            _ => Err(Errno::XDEV),
        });
        rest.extend(parts.collect::<Result<Vec<_>, _>>()?);
        let mut links = 0;
        while let Some((name, _)) = rest.pop_front() {
            let stat = fs::statat(&at, &name, AtFlags::SYMLINK_NOFOLLOW)?;
            if FileType::from_raw_mode(stat.st_mode as _) != FileType::Symlink {
                if rest.is_empty() {
                    return Ok((at, name));
                }
                at = retry_on_intr(|| fs::openat(&at, &name, STEP, Mode::empty()))?;
                continue;
            }
            links += 1;
            if links > LINKS_MAX {
                return Err(Obstacle::error("a symbolic link that leads round in a circle"));
            }
            if !trusted.contains(&stat.st_uid) {
                return Err(Obstacle::error("a symbolic link of another user"));
            }
            let target = fs::readlinkat(&at, &name, Vec::new())?;
            let target = PathBuf::from(OsString::from_vec(target.into_bytes()));
            if target.has_root() {
                at = retry_on_intr(|| fs::open("/", STEP, Mode::empty()))?;
            }
            let steps = target.components().filter_map(|part| match part {
                Component::Normal(name) => Some((name.to_owned(), true)),
                Component::ParentDir => Some(("..".into(), true)),
                _ => None,
            });
            for step in steps.collect::<Vec<_>>().into_iter().rev() {
                rest.push_front(step);
            }
        }
        Ok((at, ".".into()))
    }

    /// Opens what `path` leads to, over links too, to read it.
    fn follow(&self, path: &Path, flags: OFlags) -> io::Result<OwnedFd> {
        let (dir, name) = self.lead(path).map_err(dangling)?;
        let flags = flags | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        Ok(retry_on_intr(|| fs::openat(&dir, &name, flags, Mode::empty()))?)
    }

    /// A folder to look into, with whether links lead to it.
    fn dir_to_read(&self, path: &Path) -> io::Result<(OwnedFd, bool)> {
        match self.dir_at(path) {
            Err(e) if may_be_link(&e) => Ok((self.follow(path, OFlags::RDONLY | OFlags::DIRECTORY)?, true)),
            other => Ok((other?, self.linked)),
        }
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
            Access::Read | Access::ReadUnlinked => (OFlags::RDONLY, Mode::empty()),
            Access::Write => (OFlags::RDWR | OFlags::CREATE, Mode::from_raw_mode(0o666)),
            Access::Private => (OFlags::RDWR | OFlags::CREATE, Mode::from_raw_mode(0o600)),
        };
        if access == Access::Write && self.linked {
            return Err(name_obstacle(Errno::LOOP.into()));
        }
        let fd = match self.beneath(path, flags | OFlags::NONBLOCK, mode) {
            Err(e) if access == Access::Read && may_be_link(&e) => self.follow(path, flags | OFlags::NONBLOCK),
            other => other,
        };
        let fd = fd.map_err(name_obstacle)?;
        regular(&fs::fstat(&fd)?)?;
        Ok(Arc::new(RealFile(fd)))
    }

    fn stat(&self, path: &Path) -> io::Result<Option<Stat>> {
        let name = name_of(path)?;
        let held = if path.parent() == Some(Path::new("")) {
            None
        } else {
            match self.dir_to_read(path.parent().unwrap_or(Path::new(""))) {
                Ok(held) => Some(held),
                Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
                Err(e) => return Err(name_obstacle(e)),
            }
        };
        let (dir, linked) =
            held.as_ref().map_or((self.dir.as_fd(), self.linked), |(dir, linked)| (dir.as_fd(), *linked));
        match fs::statat(dir, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) if FileType::from_raw_mode(stat.st_mode as _) == FileType::Symlink => {
                let (dir, name) = self.lead(path).map_err(dangling)?;
                let stat = fs::statat(dir, &name, AtFlags::SYMLINK_NOFOLLOW)?;
                regular(&stat).map(|stat| Some(Stat { linked: true, ..stat }))
            }
            Ok(stat) => regular(&stat).map(|stat| Some(Stat { linked, ..stat })),
            Err(Errno::NOENT) => Ok(None),
            Err(e) => Err(e.into()),
        }
    }

    fn below(&self, path: &Path) -> Option<io::Result<Arc<dyn Folder>>> {
        let dir = self.dir_to_read(path).map_err(name_obstacle);
        Some(dir.map(|(dir, linked)| Arc::new(Self { dir, linked }) as Arc<dyn Folder>))
    }

    fn is_linked(&self) -> bool {
        self.linked
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

    fn names(&self) -> io::Result<Vec<OsString>> {
        let name = |entry: Result<fs::DirEntry, Errno>| Ok(OsString::from_vec(entry?.file_name().to_bytes().to_vec()));
        fs::Dir::read_from(&self.dir)?.map(name).collect()
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        let removed = self.folder_of(path).and_then(|dir| Ok(fs::unlinkat(dir, name_of(path)?, AtFlags::REMOVEDIR)?));
        removed.or_else(|e| if e.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(e) })
    }

    fn sync_all(&self) -> Option<io::Result<()>> {
        #[cfg(target_os = "linux")]
        return Some(retry_on_intr(|| fs::syncfs(&self.dir)).map_err(Into::into));
        #[cfg(not(target_os = "linux"))]
        return None;
    }

    fn device(&self) -> u32 {
        fs::fstat(&self.dir).map_or(0, |stat| look(&stat).device)
    }

    #[allow(clippy::unnecessary_cast)] // the types of these fields differ by system
    fn identity(&self) -> Option<(u64, u64)> {
        fs::fstat(&self.dir).ok().map(|stat| (stat.st_dev as u64, stat.st_ino as u64))
    }

    fn free(&self) -> io::Result<u64> {
        let s = fs::fstatvfs(&self.dir)?;
        Ok(s.f_bavail.saturating_mul(s.f_frsize))
    }

    fn lock(&self, path: &Path) -> io::Result<Lock> {
        loop {
            let fd = self.beneath(path, OFlags::RDWR | OFlags::CREATE, Mode::from_raw_mode(0o600))?;
            match fs::flock(&fd, FlockOperation::NonBlockingLockExclusive) {
                Err(Errno::WOULDBLOCK) => return Ok(Lock::Taken),
                locked => locked?,
            }
            // Another may have removed it between the two calls: then there is none, or another one.
            let (ours, there) =
                (fs::fstat(&fd)?, self.beneath(path, OFlags::RDONLY, Mode::empty()).and_then(|fd| Ok(fs::fstat(&fd)?)));
            match there {
                Ok(there) if (there.st_dev, there.st_ino) == (ours.st_dev, ours.st_ino) => {
                    return Ok(Lock::Held(Arc::new(RealFile(fd))));
                }
                Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
                _ => {}
            }
        }
    }

    /// Asked by a shared lock, so that those who ask at once are not in each other's way.
    fn is_locked(&self, path: &Path) -> io::Result<bool> {
        let fd = match self.beneath(path, OFlags::RDONLY, Mode::empty()) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(false),
            other => other?,
        };
        match fs::flock(&fd, FlockOperation::NonBlockingLockShared) {
            Ok(()) => Ok(false),
            Err(Errno::WOULDBLOCK) => Ok(true),
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

    fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        Some(self.0.as_fd())
    }

    #[cfg(target_os = "linux")]
    fn share(&self, of: &dyn File) -> bool {
        of.descriptor().is_some_and(|of| retry_on_intr(|| fs::ioctl_ficlone(&self.0, of)).is_ok())
    }

    // The types of these fields differ by system.
    #[allow(clippy::unnecessary_cast, clippy::cast_possible_wrap)]
    fn take_after(&self, other: &dyn File) -> io::Result<()> {
        let Some(other) = other.descriptor() else { return Ok(()) };
        let like = fs::fstat(other)?;
        let own = fs::fstat(&self.0)?;
        if (own.st_uid, own.st_gid) != (like.st_uid, like.st_gid) {
            // A user may give a file to few groups, and to nobody: what is not allowed stays as it is.
            let _ = fs::fchown(&self.0, None, Some(fs::Gid::from_raw(like.st_gid)));
            let _ = fs::fchown(&self.0, Some(fs::Uid::from_raw(like.st_uid)), None);
        }
        // What runs a file as somebody else is no right to its content.
        let rights = Mode::from_raw_mode(like.st_mode) & (Mode::RWXU | Mode::RWXG | Mode::RWXO);
        let kept = |e: Errno| if e == Errno::PERM { Ok(()) } else { Err(e) };
        // File systems without rights refuse them.
        fs::fchmod(&self.0, rights).or_else(kept)?;
        let time = |tv_sec: i64, tv_nsec: i64| fs::Timespec { tv_sec, tv_nsec: tv_nsec as _ };
        let times = fs::Timestamps {
            last_access: time(like.st_atime as i64, like.st_atime_nsec as i64),
            last_modification: time(like.st_mtime as i64, like.st_mtime_nsec as i64),
        };
        Ok(fs::futimens(&self.0, &times).or_else(kept)?)
    }
}

/// Whether a link in a path may be why it could not be opened without following any.
fn may_be_link(e: &io::Error) -> bool {
    matches!(Errno::from_io_error(e), Some(Errno::LOOP | Errno::NOTDIR))
}

/// A link that leads to nothing is not the same as nothing: it is in the way of what would be made there.
fn dangling(e: io::Error) -> io::Error {
    if e.kind() == io::ErrorKind::NotFound { Obstacle::error("a symbolic link that leads to nothing") } else { e }
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
