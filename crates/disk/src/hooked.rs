//! A file system on which the tests hear of each call before it is made, and may fail, panic or hang in it (own design). In debug builds
//! only: nothing in a release can be made to do so.
use crate::fs::{Access, File, Folder, Fs, Lock, Stat};
use std::ffi::OsString;
use std::io::{self, IoSlice, IoSliceMut};
use std::os::fd::BorrowedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Is told the call and the whole path that it is about; an error is what the call gives.
pub type Hook = Arc<dyn Fn(&'static str, &Path) -> io::Result<()> + Send + Sync>;

/// A file system with a hook before each call.
#[derive(Clone)]
pub struct Hooked {
    inner: Arc<dyn Fs>,
    hook: Hook,
}

impl Hooked {
    /// This file system, with that hook.
    pub fn new(inner: Arc<dyn Fs>, hook: Hook) -> Self {
        Self { inner, hook }
    }
}

struct At<T: ?Sized> {
    inner: Arc<T>,
    path: PathBuf,
    hook: Hook,
}

impl<T: ?Sized> At<T> {
    fn tell(&self, call: &'static str, path: &Path) -> io::Result<()> {
        (self.hook)(call, &self.path.join(path))
    }

    fn tell_own(&self, call: &'static str) -> io::Result<()> {
        (self.hook)(call, &self.path)
    }
}

impl Fs for Hooked {
    fn folder(&self, path: &Path, create: bool) -> io::Result<Arc<dyn Folder>> {
        (self.hook)("folder", path)?;
        Ok(Arc::new(At { inner: self.inner.folder(path, create)?, path: path.to_owned(), hook: self.hook.clone() }))
    }

    fn canonical(&self, path: &Path) -> io::Result<PathBuf> {
        (self.hook)("canonical", path)?;
        self.inner.canonical(path)
    }

    fn rename_across(&self, from: (&Path, &Path), to: (&Path, &Path)) -> io::Result<()> {
        (self.hook)("rename", &to.0.join(to.1))?;
        self.inner.rename_across(from, to)
    }
}

impl Folder for At<dyn Folder> {
    fn open(&self, path: &Path, access: Access) -> io::Result<Arc<dyn File>> {
        self.tell("open", path)?;
        let inner = self.inner.open(path, access)?;
        Ok(Arc::new(At { inner, path: self.path.join(path), hook: self.hook.clone() }))
    }

    fn stat(&self, path: &Path) -> io::Result<Option<Stat>> {
        self.tell("stat", path)?;
        self.inner.stat(path)
    }

    fn make_dirs(&self, path: &Path) -> io::Result<()> {
        self.tell("make_dirs", path)?;
        self.inner.make_dirs(path)
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        self.tell("sync_dir", path)?;
        self.inner.sync_dir(path)
    }

    fn sync_all(&self) -> Option<io::Result<()>> {
        self.tell_own("sync_all").map_or_else(|error| Some(Err(error)), |()| self.inner.sync_all())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.tell("rename", to)?;
        self.inner.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.tell("remove", path)?;
        self.inner.remove(path)
    }

    fn names(&self) -> io::Result<Vec<OsString>> {
        self.tell_own("names")?;
        self.inner.names()
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        self.tell("remove_dir", path)?;
        self.inner.remove_dir(path)
    }

    fn free(&self) -> io::Result<u64> {
        self.tell_own("free")?;
        self.inner.free()
    }

    fn identity(&self) -> Option<(u64, u64)> {
        self.inner.identity()
    }

    fn lock(&self, path: &Path) -> io::Result<Lock> {
        self.tell("lock", path)?;
        self.inner.lock(path)
    }
}

impl File for At<dyn File> {
    fn read_at(&self, bufs: &mut [IoSliceMut<'_>], offset: u64) -> io::Result<usize> {
        self.tell_own("read")?;
        self.inner.read_at(bufs, offset)
    }

    fn write_at(&self, bufs: &[IoSlice<'_>], offset: u64) -> io::Result<usize> {
        self.tell_own("write")?;
        self.inner.write_at(bufs, offset)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.tell_own("set_len")?;
        self.inner.set_len(len)
    }

    fn sync(&self) -> io::Result<()> {
        self.tell_own("sync")?;
        self.inner.sync()
    }

    fn stat(&self) -> io::Result<Stat> {
        self.tell_own("stat")?;
        self.inner.stat()
    }

    fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        self.inner.descriptor()
    }

    fn share(&self, of: &dyn File) -> bool {
        self.tell_own("share").is_ok() && self.inner.share(of)
    }

    fn take_after(&self, other: &dyn File) -> io::Result<()> {
        self.tell_own("take_after")?;
        self.inner.take_after(other)
    }
}
