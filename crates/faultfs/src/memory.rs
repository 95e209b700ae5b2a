//! A file system in memory that can lose its power, fill up, and fail. It keeps what is durable and what is not apart:
//! a sync of a file moves its content over, a sync of a folder its names. A power cut keeps a random part of the rest,
//! torn at sectors; a killed process loses nothing. Handles from before either are dead.
#![allow(clippy::unwrap_used)] // what goes wrong in here ends a test
use crate::dice::Dice;
use rustix::io::Errno;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, IoSlice, IoSliceMut};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};
use teem_disk::fs::{Access, File, Folder, Fs, Lock, Stat};

enum Change {
    Data(u64, Vec<u8>),
    Len(u64),
}

#[derive(Default)]
struct Inode {
    now: Vec<u8>,
    mtime: i64,
    durable: Vec<u8>,
    durable_mtime: i64,
    since: Vec<Change>,
}

impl Inode {
    fn make_durable(&mut self) {
        for change in std::mem::take(&mut self.since) {
            match change {
                Change::Len(len) => self.durable.resize(len as usize, 0),
                Change::Data(at, data) => put(&mut self.durable, at as usize, &data),
            }
        }
        self.durable_mtime = self.mtime;
    }
}

type Names = Vec<(PathBuf, Option<u64>)>;

/// What a test may ask to go wrong.
#[derive(Default)]
pub struct Faults {
    /// After so many changing operations the power is off: everything fails until `cut`.
    pub power_off_after: Option<u64>,
    /// Bytes that fit in all.
    pub capacity: Option<u64>,
    /// The next sync of a file whose path ends so fails, and what was not durable is dropped.
    pub lose_at_sync: Option<&'static str>,
    /// Reads of files whose path ends so fail.
    pub bad_medium: Option<&'static str>,
    /// Files whose path ends so cannot be opened to be written to.
    pub read_only: Option<&'static str>,
    /// What has this in its path is mounted there from another file system; with it there is a call that makes the folder's own durable.
    pub mounted: Option<&'static str>,
    /// Files whose path ends so cannot be opened at all.
    pub unreadable: Option<&'static str>,
    /// Writes and reads are cut short or interrupted now and then.
    pub mischief: bool,
}

struct World {
    inodes: BTreeMap<u64, Inode>,
    names: BTreeMap<PathBuf, u64>,
    durable_names: BTreeMap<PathBuf, u64>,
    /// Folders that were made; they are durable at once.
    folders: BTreeSet<PathBuf>,
    pending: Vec<Names>,
    locks: BTreeSet<PathBuf>,
    clock: i64,
    epoch: u64,
    operations: u64,
    cuts: u64,
    kills: u64,
    dice: Dice,
    faults: Faults,
}

/// The file system; clones are the same.
#[derive(Clone)]
pub struct FaultFs(Arc<Mutex<World>>);

struct Handle {
    fs: FaultFs,
    epoch: u64,
    path: PathBuf,
    inode: u64,
}

struct Held(FaultFs, PathBuf, u64);

impl Drop for Held {
    fn drop(&mut self) {
        let mut world = self.0.world();
        if world.epoch == self.2 {
            world.locks.remove(&self.1);
        }
    }
}

/// The file of a lock, which is let go of with it.
struct Locked {
    file: Arc<dyn File>,
    _held: Held,
}

impl File for Locked {
    fn read_at(&self, bufs: &mut [IoSliceMut<'_>], offset: u64) -> io::Result<usize> {
        self.file.read_at(bufs, offset)
    }

    fn write_at(&self, bufs: &[IoSlice<'_>], offset: u64) -> io::Result<usize> {
        self.file.write_at(bufs, offset)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.file.set_len(len)
    }

    fn sync(&self) -> io::Result<()> {
        self.file.sync()
    }

    fn stat(&self) -> io::Result<Stat> {
        self.file.stat()
    }
}

impl FaultFs {
    /// An empty one; the seed decides what a power cut takes and where mischief strikes.
    pub fn new(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(World {
            inodes: BTreeMap::new(),
            names: BTreeMap::new(),
            durable_names: BTreeMap::new(),
            folders: BTreeSet::new(),
            pending: Vec::new(),
            locks: BTreeSet::new(),
            clock: 1_000_000_000_000,
            epoch: 0,
            operations: 0,
            cuts: 0,
            kills: 0,
            dice: Dice(seed),
            faults: Faults::default(),
        })))
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.0.lock().unwrap()
    }

    /// From now on these things go wrong.
    pub fn faults(&self, faults: Faults) {
        let mut world = self.world();
        world.operations = 0;
        world.faults = faults;
    }

    /// Whether the moment has come after which nothing happens any more.
    pub fn is_off(&self) -> bool {
        let world = self.world();
        world.faults.power_off_after.is_some_and(|n| world.operations > n)
    }

    /// The content of a file as a program would read it.
    pub fn content(&self, path: &Path) -> Option<Vec<u8>> {
        let world = self.world();
        Some(world.inodes[world.names.get(path)?].now.clone())
    }

    /// All files there are, as a program would find them.
    pub fn paths(&self) -> Vec<PathBuf> {
        self.world().names.keys().cloned().collect()
    }

    /// A file that was there before, and is durable.
    pub fn put(&self, path: &Path, data: &[u8]) {
        let world = &mut *self.world();
        let inode = world.inodes.len() as u64 + 1;
        world.clock += 1_000_000;
        let (mtime, now, durable) = (world.clock, data.to_vec(), data.to_vec());
        world.inodes.insert(inode, Inode { now, durable, mtime, durable_mtime: mtime, since: Vec::new() });
        world.names.insert(path.to_path_buf(), inode);
        world.durable_names.insert(path.to_path_buf(), inode);
        world.folders.extend(path.ancestors().map(Path::to_path_buf));
    }

    /// Changes a byte and nothing else, as a medium does that rots.
    pub fn rot(&self, path: &Path, at: usize) {
        let mut world = self.world();
        let inode = world.names[path];
        world.inodes.get_mut(&inode).unwrap().now[at] ^= 1;
    }

    /// Changes a byte behind everybody's back, as another program would.
    pub fn meddle(&self, path: &Path, at: usize) {
        let mut world = self.world();
        world.clock += 1_000_000;
        let (clock, inode) = (world.clock, world.names[path]);
        let inode = world.inodes.get_mut(&inode).unwrap();
        inode.now[at] ^= 1;
        inode.mtime = clock;
    }

    /// How often the power was cut, and how often a process was killed.
    pub fn ends(&self) -> (u64, u64) {
        let world = self.world();
        (world.cuts, world.kills)
    }

    /// The process is killed: what it wrote stays, what it held is let go.
    pub fn kill(&self) {
        let mut world = self.world();
        world.kills += 1;
        world.epoch += 1;
        world.locks.clear();
        world.faults = Faults::default();
        world.clock += 10_000_000_000;
    }

    /// The power is cut: of what was not durable a random part remains.
    pub fn cut(&self) {
        self.kill();
        let world = &mut *self.world();
        (world.cuts, world.kills) = (world.cuts + 1, world.kills - 1);
        for change in std::mem::take(&mut world.pending) {
            if world.dice.roll(2) == 0 {
                apply(&mut world.durable_names, &change);
            }
        }
        world.names = world.durable_names.clone();
        for inode in world.inodes.values_mut() {
            for change in std::mem::take(&mut inode.since) {
                match change {
                    Change::Len(len) if world.dice.roll(2) == 0 => inode.durable.resize(len as usize, 0),
                    Change::Len(_) => {}
                    Change::Data(at, data) => {
                        let sector = if world.dice.roll(2) == 0 { 512 } else { 4096 };
                        let all = world.dice.roll(3);
                        for (i, part) in data.chunks(sector).enumerate() {
                            if all == 0 || (all == 1 && world.dice.roll(2) == 0) {
                                put(&mut inode.durable, at as usize + i * sector, part);
                            }
                        }
                    }
                }
            }
            if world.dice.roll(2) == 0 {
                inode.durable_mtime = inode.mtime;
            }
            inode.mtime = inode.durable_mtime;
            inode.now = inode.durable.clone();
        }
    }
}

fn put(data: &mut Vec<u8>, at: usize, part: &[u8]) {
    if data.len() < at + part.len() {
        data.resize(at + part.len(), 0);
    }
    data[at..at + part.len()].copy_from_slice(part);
}

fn apply(names: &mut BTreeMap<PathBuf, u64>, change: &Names) {
    for (path, inode) in change {
        match inode {
            Some(inode) => names.insert(path.clone(), *inode),
            None => names.remove(path),
        };
    }
}

impl World {
    /// Refuses dead handles, and everything once the power is off.
    fn alive(&mut self, epoch: u64, changes: bool) -> io::Result<()> {
        self.operations += u64::from(changes);
        let off = self.faults.power_off_after.is_some_and(|n| self.operations > n);
        if off || epoch != self.epoch { Err(Errno::IO.into()) } else { Ok(()) }
    }

    fn name(&mut self, change: Names) {
        apply(&mut self.names, &change);
        self.pending.push(change);
    }

    fn used(&self) -> u64 {
        self.inodes.values().map(|i| i.now.iter().filter(|&&b| b != 0).count() as u64).sum()
    }

    fn is_mounted(&self, path: &Path) -> bool {
        self.faults.mounted.is_some_and(|part| path.to_string_lossy().contains(part))
    }

    fn stat(&self, inode: u64, path: &Path) -> Stat {
        let i = &self.inodes[&inode];
        let device = self.is_mounted(path).into();
        Stat { len: i.now.len() as u64, mtime_ns: i.mtime, ctime_ns: i.mtime, inode, device, ..Stat::default() }
    }
}

impl Fs for FaultFs {
    fn folder(&self, path: &Path, _create: bool) -> io::Result<Arc<dyn Folder>> {
        self.world().folders.insert(path.to_path_buf());
        let epoch = self.world().epoch;
        Ok(Arc::new(Handle { fs: self.clone(), epoch, path: path.to_path_buf(), inode: 0 }))
    }

    fn canonical(&self, path: &Path) -> io::Result<PathBuf> {
        Ok(path.to_path_buf())
    }

    fn rename_across(&self, from: (&Path, &Path), to: (&Path, &Path)) -> io::Result<()> {
        let (from, to) = (from.0.join(from.1), to.0.join(to.1));
        let mut world = self.world();
        let epoch = world.epoch;
        world.alive(epoch, true)?;
        if world.is_mounted(&from) != world.is_mounted(&to) {
            return Err(Errno::XDEV.into());
        }
        let Some(&inode) = world.names.get(&from) else { return Err(io::ErrorKind::NotFound.into()) };
        if world.names.contains_key(&to) || world.folders.contains(&to) {
            return Err(Errno::EXIST.into());
        }
        if to.parent().is_some_and(|folder| !world.folders.contains(folder)) {
            return Err(io::ErrorKind::NotFound.into());
        }
        world.name(vec![(from, None), (to, Some(inode))]);
        Ok(())
    }
}

impl Folder for Handle {
    fn open(&self, path: &Path, access: Access) -> io::Result<Arc<dyn File>> {
        let path = self.path.join(path);
        let mut world = self.fs.world();
        world.alive(self.epoch, false)?;
        let barred = world.faults.read_only.is_some_and(|end| path.to_string_lossy().ends_with(end));
        let closed = world.faults.unreadable.is_some_and(|end| path.to_string_lossy().ends_with(end));
        if closed || (access == Access::Write && barred) {
            return Err(Errno::ACCESS.into());
        }
        let inode = match world.names.get(&path) {
            Some(&inode) => inode,
            None if matches!(access, Access::Read | Access::ReadUnlinked) => return Err(io::ErrorKind::NotFound.into()),
            None if path.parent().is_some_and(|folder| !world.folders.contains(folder)) => {
                return Err(io::ErrorKind::NotFound.into());
            }
            None => {
                world.alive(self.epoch, true)?;
                let inode = world.inodes.len() as u64 + 1;
                world.clock += 1_000_000;
                let mtime = world.clock;
                world.inodes.insert(inode, Inode { mtime, durable_mtime: mtime, ..Inode::default() });
                world.name(vec![(path.clone(), Some(inode))]);
                inode
            }
        };
        drop(world);
        Ok(Arc::new(Handle { fs: self.fs.clone(), epoch: self.epoch, path, inode }))
    }

    fn stat(&self, path: &Path) -> io::Result<Option<Stat>> {
        let mut world = self.fs.world();
        world.alive(self.epoch, false)?;
        let path = self.path.join(path);
        let inode = world.names.get(&path).copied();
        Ok(inode.map(|inode| world.stat(inode, &path)))
    }

    fn make_dirs(&self, path: &Path) -> io::Result<()> {
        let mut world = self.fs.world();
        world.alive(self.epoch, false)?;
        world.folders.extend(self.path.join(path).ancestors().map(Path::to_path_buf));
        Ok(())
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        let dir = if path.as_os_str().is_empty() { self.path.clone() } else { self.path.join(path) };
        let world = &mut *self.fs.world();
        world.alive(self.epoch, true)?;
        world.pending.retain(|change| {
            let here = change.iter().any(|(path, _)| path.parent() == Some(&dir));
            if here {
                apply(&mut world.durable_names, change);
            }
            !here
        });
        Ok(())
    }

    fn sync_all(&self) -> Option<io::Result<()>> {
        let world = &mut *self.fs.world();
        let mounted = world.faults.mounted?;
        let apart: BTreeSet<u64> = world
            .names
            .iter()
            .filter(|(path, _)| path.to_string_lossy().contains(mounted))
            .map(|(_, inode)| *inode)
            .collect();
        for (_, inode) in world.inodes.iter_mut().filter(|(inode, _)| !apart.contains(inode)) {
            inode.make_durable();
        }
        Some(Ok(()))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let (from, to) = (self.path.join(from), self.path.join(to));
        let mut world = self.fs.world();
        world.alive(self.epoch, true)?;
        let Some(&inode) = world.names.get(&from) else { return Err(io::ErrorKind::NotFound.into()) };
        world.name(vec![(from, None), (to, Some(inode))]);
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut world = self.fs.world();
        world.alive(self.epoch, true)?;
        world.name(vec![(self.path.join(path), None)]);
        Ok(())
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        let path = self.path.join(path);
        let mut world = self.fs.world();
        world.alive(self.epoch, true)?;
        let inside = |other: &Path| other != path && other.starts_with(&path);
        if world.names.keys().any(|name| inside(name)) || world.folders.iter().any(|folder| inside(folder)) {
            return Err(Errno::NOTEMPTY.into());
        }
        world.folders.remove(&path);
        Ok(())
    }

    fn device(&self) -> u32 {
        self.fs.world().is_mounted(&self.path).into()
    }

    fn free(&self) -> io::Result<u64> {
        let world = self.fs.world();
        Ok(world.faults.capacity.map_or(u64::MAX, |all| all.saturating_sub(world.used())))
    }

    fn lock(&self, path: &Path) -> io::Result<Lock> {
        let path = self.path.join(path);
        let mut world = self.fs.world();
        world.alive(self.epoch, false)?;
        if !world.locks.insert(path.clone()) {
            return Ok(Lock::Taken);
        }
        drop(world);
        let held = Held(self.fs.clone(), path.clone(), self.epoch);
        let file = self.open(path.strip_prefix(&self.path).unwrap(), Access::Private)?;
        Ok(Lock::Held(Arc::new(Locked { file, _held: held })))
    }
}

impl Handle {
    fn is(&self, end: Option<&str>) -> bool {
        end.is_some_and(|end| self.path.to_string_lossy().ends_with(end))
    }
}

impl File for Handle {
    fn read_at(&self, bufs: &mut [IoSliceMut<'_>], offset: u64) -> io::Result<usize> {
        let mut world = self.fs.world();
        world.alive(self.epoch, false)?;
        if self.is(world.faults.bad_medium) {
            return Err(Errno::IO.into());
        }
        let mut short = u64::MAX;
        if world.faults.mischief {
            match world.dice.roll(8) {
                0 => return Err(io::ErrorKind::Interrupted.into()),
                1 => short = 1 + world.dice.roll(5000),
                _ => {}
            }
        }
        let data = &world.inodes[&self.inode].now;
        let mut rest = data.get(offset as usize..).unwrap_or_default();
        rest = &rest[..(rest.len() as u64).min(short) as usize];
        let mut n = 0;
        for buf in bufs {
            let len = buf.len().min(rest.len());
            buf[..len].copy_from_slice(&rest[..len]);
            rest = &rest[len..];
            n += len;
        }
        Ok(n)
    }

    fn write_at(&self, bufs: &[IoSlice<'_>], offset: u64) -> io::Result<usize> {
        let mut data: Vec<u8> = bufs.iter().flat_map(|b| b.to_vec()).collect();
        let world = &mut *self.fs.world();
        world.alive(self.epoch, true)?;
        if world.faults.mischief {
            match world.dice.roll(8) {
                0 => return Err(io::ErrorKind::Interrupted.into()),
                1 => data.truncate(1 + world.dice.roll(data.len() as u64) as usize),
                _ => {}
            }
        }
        if world.faults.capacity.is_some_and(|all| world.used() + data.len() as u64 > all) {
            return Err(Errno::NOSPC.into());
        }
        world.clock += 1_000_000;
        let inode = world.inodes.get_mut(&self.inode).unwrap();
        inode.mtime = world.clock;
        put(&mut inode.now, offset as usize, &data);
        let n = data.len();
        inode.since.push(Change::Data(offset, data));
        Ok(n)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let world = &mut *self.fs.world();
        world.alive(self.epoch, true)?;
        world.clock += 1_000_000;
        let inode = world.inodes.get_mut(&self.inode).unwrap();
        inode.mtime = world.clock;
        inode.now.resize(len as usize, 0);
        inode.since.push(Change::Len(len));
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        let world = &mut *self.fs.world();
        world.alive(self.epoch, true)?;
        let lost = self.is(world.faults.lose_at_sync);
        let inode = world.inodes.get_mut(&self.inode).unwrap();
        let since = std::mem::take(&mut inode.since);
        if lost {
            // As some systems do: the pages count as clean, so the next sync says nothing; the medium never got them.
            world.faults.lose_at_sync = None;
            return Err(Errno::IO.into());
        }
        inode.since = since;
        inode.make_durable();
        Ok(())
    }

    fn stat(&self) -> io::Result<Stat> {
        let mut world = self.fs.world();
        world.alive(self.epoch, false)?;
        Ok(world.stat(self.inode, &self.path))
    }
}
