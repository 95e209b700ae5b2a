//! Ranges of a piece read from and written to the files they lie in (BEP 3, "info dictionary"; pads of BEP 47 are zeros
//! that are neither read nor written).
//!
//! Invariant: what `read` returned lay in files that had not changed since their pieces were verified: each file is
//! looked at after it was read, because a change shows in its times before it shows in its content. Once a second the
//! path is looked at too, so that a file that was deleted or replaced is noticed.
use crate::error::explain;
use crate::fs::{Access, File, Folder, Stat, read_full, write_full};
use crate::part::Spot;
use crate::pool::BUFFER_LEN;
use crate::torrent::{Seen, Torrent};
use std::collections::VecDeque;
use std::io::{self, IoSlice, IoSliceMut};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use teem_swarm::job::{DiskError, DiskErrorKind};

/// How long a path is trusted to lead to the file that is open.
const LOOK_EVERY: Duration = Duration::from_secs(1);

impl Torrent {
    /// Fills `bufs` with the bytes from `begin` in `piece`. A file that changed is an error of kind `Changed`, and its
    /// pieces are suspect from then on.
    pub(crate) fn read(&self, piece: u32, begin: u32, bufs: Vec<&mut [u8]>) -> Result<(), DiskError> {
        let len: usize = bufs.iter().map(|b| b.len()).sum();
        let mut rest = VecDeque::from(bufs);
        for extent in self.content.info.extents(piece, begin, len as u32) {
            let mut part = take_mut(&mut rest, extent.len as usize);
            let Some(spot) = self.spot(&extent) else {
                for buffer in &mut part {
                    buffer.fill(0);
                }
                continue;
            };
            let Spot { slot, offset } = spot;
            let fail = |e: &io::Error| explain(e, "read", &self.whole_path(slot));
            let result = self.handle(slot, Access::Read).and_then(|file| {
                let n = read_full(&*file, &mut part, offset)?;
                self.look(slot, &*file, offset + u64::from(extent.len), n == u64::from(extent.len))
            });
            match result {
                Ok(true) => {}
                Ok(false) => {
                    let message = format!("{} changed since it was verified", self.whole_path(slot).display());
                    return Err(DiskError { kind: DiskErrorKind::Changed, message });
                }
                Err(e) => {
                    if e.kind() == io::ErrorKind::NotFound {
                        self.changed(slot, None);
                    }
                    return Err(fail(&e));
                }
            }
        }
        Ok(())
    }

    /// Whether a piece is known to be zeros because all of it lies in holes and padding of files that have not changed.
    pub(crate) fn is_blank(&self, piece: u32) -> bool {
        self.content.info.extents(piece, 0, self.content.info.piece_size(piece)).all(|extent| {
            let Some(Spot { slot, offset }) = self.spot(&extent) else { return true };
            self.handle(slot, Access::Read).is_ok_and(|file| {
                let hole = file.is_hole(offset, extent.len.into());
                hole && self.look(slot, &*file, offset, true).unwrap_or(false)
            })
        })
    }

    /// Writes `bufs` from `begin` in `piece`; files are made, with their folders and at their full length, when they
    /// are first written to. What lies there already is not written again.
    pub(crate) fn write(&self, piece: u32, begin: u32, bufs: &[&[u8]]) -> Result<(), DiskError> {
        self.put(piece, begin, bufs, false)
    }

    /// The same, whatever lies there: the medium may have lost it.
    pub(crate) fn write_anew(&self, piece: u32, begin: u32, bufs: &[&[u8]]) -> Result<(), DiskError> {
        self.put(piece, begin, bufs, true)
    }

    fn put(&self, piece: u32, begin: u32, bufs: &[&[u8]], anew: bool) -> Result<(), DiskError> {
        let len: usize = bufs.iter().map(|b| b.len()).sum();
        let mut rest: VecDeque<&[u8]> = bufs.iter().copied().collect();
        for extent in self.content.info.extents(piece, begin, len as u32) {
            let part = take(&mut rest, extent.len as usize);
            let Some(Spot { slot, offset }) = self.spot(&extent) else { continue };
            let result = loop {
                match self.write_part(slot, &mut part.clone(), offset, anew) {
                    Err(e) if self.files.make_room(&e) => {}
                    other => break other,
                }
            };
            result.map_err(|e| explain(&e, "write to", &self.whole_path(slot)))?;
        }
        Ok(())
    }

    fn write_part(&self, file: usize, part: &mut [IoSlice<'_>], offset: u64, anew: bool) -> io::Result<()> {
        if self.place.read_only {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        // What was never seen is looked at when it is opened.
        let stale = {
            let seen = self.seen(file);
            seen.stat.is_some() && self.looks_stale(&seen)
        };
        if stale {
            self.look_at_path(file)?;
        }
        // With the turn, because a file may get another inode when it is prepared, and a handle to the old one is somebody else's then.
        let turn = self.turn(file);
        if !anew && self.lies_there(file, part, offset) {
            drop(turn);
            self.lies(file);
            return Ok(());
        }
        let handle = self.prepare(file)?;
        let handle = self.own(file, handle)?;
        self.seen(file).writers += 1;
        let result = write_full(&*handle, part, offset);
        drop(turn);
        let stat = handle.stat();
        let mut seen = self.seen(file);
        seen.writers -= 1;
        seen.stat = stat.ok();
        drop(seen);
        // After the write, so that a sync that began during it does not take the mark away.
        self.touched().dirty.insert(file);
        self.unsaved(file);
        result
    }

    /// Whether a file that was there before, and that this run has not written to, holds these bytes: then it is left as it is, times and all, and
    /// need not be one that may be written to.
    fn lies_there(&self, file: usize, part: &[IoSlice<'_>], mut offset: u64) -> bool {
        let len: u64 = part.iter().map(|bytes| bytes.len() as u64).sum();
        {
            let seen = self.seen(file);
            if seen.prepared || seen.stat.is_none_or(|stat| stat.len < offset + len) {
                return false;
            }
        }
        let Ok(handle) = self.handle(file, Access::Read) else { return false };
        let mut buffer = vec![0; BUFFER_LEN];
        part.iter().flat_map(|bytes| bytes.chunks(BUFFER_LEN)).all(|bytes| {
            let there = &mut buffer[..bytes.len()];
            let read = read_full(&*handle, &mut [IoSliceMut::new(there)], offset);
            offset += bytes.len() as u64;
            read.is_ok_and(|n| n == bytes.len() as u64) && there == bytes
        })
    }

    /// The file, ready to be written to.
    pub(crate) fn prepare(&self, file: usize) -> io::Result<Arc<dyn File>> {
        self.root.hold()?;
        if self.seen(file).prepared {
            return self.handle(file, Access::Write);
        }
        // Of many files in a folder only the first finds it missing.
        let handle = match self.handle(file, Access::Write) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                self.make_folders(&self.path(file))?;
                self.handle(file, Access::Write)?
            }
            other => other?,
        };
        let handle = self.own(file, handle)?;
        let wanted = self.content.info.layout().span(file).map(|span| span.end - span.start);
        let mut seen = self.seen(file);
        let now = handle.stat()?;
        // The part file is as long as what was written to it.
        if let Some(wanted) = wanted.filter(|&n| now.len < n || (now.len > n && self.place.overwrite)) {
            handle.set_len(wanted)?;
        }
        seen.stat = Some(handle.stat()?);
        seen.prepared = true;
        drop(seen);
        let mut touched = self.touched();
        touched.dirty.insert(file);
        touched.born.insert(file);
        drop(touched);
        self.unsaved(file);
        Ok(handle)
    }

    /// The folders above a path.
    fn make_folders(&self, path: &Path) -> io::Result<()> {
        match path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            Some(parent) => self.root.make_dirs(parent),
            None => Ok(()),
        }
    }

    pub(crate) fn handle(&self, file: usize, access: Access) -> io::Result<Arc<dyn File>> {
        self.files.get((self.id, file), &self.root, || self.path(file), access)
    }

    /// Whether a path was not looked at lately.
    fn looks_stale(&self, seen: &Seen) -> bool {
        seen.looked.is_none_or(|at| self.opened.elapsed() >= Duration::from_millis(at.into()) + LOOK_EVERY)
    }

    /// Whether a file that was just read up to `end` is the one that was verified, and nothing was missing (`whole`). One that was known to
    /// end before, as the part file where nothing was fetched, has not changed for that.
    fn look(&self, file: usize, handle: &dyn File, end: u64, whole: bool) -> io::Result<bool> {
        let stale = {
            let mut seen = self.seen(file);
            if seen.writers == 0 {
                let now = handle.stat()?;
                let as_left = seen.stat.map_or(whole, |then| same(&then, &now) && (whole || then.len < end));
                if !as_left {
                    drop(seen);
                    self.changed(file, Some(now));
                    return Ok(false);
                }
                if seen.stat.replace(now).is_none() {
                    self.unsaved(file);
                }
            }
            self.looks_stale(&seen)
        };
        let leads_here = !stale || self.look_at_path(file)?;
        Ok(whole && leads_here)
    }

    /// Whether the path still leads to the file that we know; if not, its pieces are suspect.
    fn look_at_path(&self, file: usize) -> io::Result<bool> {
        let path = self.path(file);
        let now = loop {
            match self.root.stat(&path) {
                Err(e) if self.files.make_room(&e) => {}
                other => break other?,
            }
        };
        let mut seen = self.seen(file);
        seen.looked = Some(u32::try_from(self.opened.elapsed().as_millis()).unwrap_or(u32::MAX));
        let Some(then) = seen.stat else { return Ok(true) };
        if now.is_some_and(|now| now.inode == then.inode) {
            return Ok(true);
        }
        drop(seen);
        self.changed(file, now);
        Ok(false)
    }

    /// A file was looked at: when it is not as it was left, its pieces are suspect.
    pub(crate) fn doubt_if_changed(&self, file: usize, now: Option<Stat>) {
        let seen = self.seen(file);
        let as_left = match (seen.stat, now) {
            (Some(then), Some(now)) => same(&then, &now),
            (then, now) => then.is_none() && now.is_none(),
        };
        let writers = seen.writers;
        drop(seen);
        if !as_left && writers == 0 {
            self.changed(file, now);
        }
    }

    /// Cuts a file to the length that the torrent says.
    pub(crate) fn cut(&self, file: usize) -> Result<(), DiskError> {
        self.seen(file).prepared = false;
        let cut = self.prepare(file).map(drop);
        cut.map_err(|e| explain(&e, "cut", &self.whole_path(file)))
    }

    fn changed(&self, file: usize, now: Option<Stat>) {
        self.files.forget((self.id, file));
        let at_path = self.root.stat(&self.path(file)).ok().flatten();
        let mut seen = self.seen(file);
        seen.stat = at_path.or(now);
        seen.prepared = false;
        drop(seen);
        self.unsaved(file);
        self.doubt(file);
    }
}

/// Whether a file is as it was: a change of content moves its times even when its length stays.
pub(crate) fn same(a: &Stat, b: &Stat) -> bool {
    (a.len, a.mtime_ns, a.ctime_ns, a.inode) == (b.len, b.mtime_ns, b.ctime_ns, b.inode)
}

fn take<'a>(rest: &mut VecDeque<&'a [u8]>, mut len: usize) -> Vec<IoSlice<'a>> {
    let mut out = Vec::with_capacity(rest.len());
    while len > 0 {
        let Some(next) = rest.pop_front() else { break };
        let (now, later) = next.split_at(next.len().min(len));
        len -= now.len();
        out.push(IoSlice::new(now));
        if !later.is_empty() {
            rest.push_front(later);
        }
    }
    out
}

fn take_mut<'a>(rest: &mut VecDeque<&'a mut [u8]>, mut len: usize) -> Vec<IoSliceMut<'a>> {
    let mut out = Vec::with_capacity(rest.len());
    while len > 0 {
        let Some(next) = rest.pop_front() else { break };
        let n = next.len().min(len);
        let (now, later) = next.split_at_mut(n);
        len -= n;
        out.push(IoSliceMut::new(now));
        if !later.is_empty() {
            rest.push_front(later);
        }
    }
    out
}
