//! Copying to another file system (own design): to a hidden name in the new folder, synced, compared, and only then told of. Holes stay holes.
//!
//! What an earlier run has copied is compared and not written again.
use super::watch::{Ended, Staged, Watch};
use crate::error::explain;
use crate::fs::{Access, File, Folder, Stat, read_full, write_full};
use std::io::{self, IoSlice, IoSliceMut};
use std::path::{Path, PathBuf};
use teem_metainfo::InfoHash;
use teem_swarm::job::{DiskError, DiskErrorKind};

/// Bytes copied at a time.
const CHUNK: usize = 1 << 20;

/// A file to be copied: its slot, its path, and the path of the copy.
pub(super) struct ToCopy {
    pub(super) slot: usize,
    pub(super) from: PathBuf,
    pub(super) to: PathBuf,
}

/// Why there is no copy.
pub(super) enum CopyFailed {
    Disk(DiskError),
    Ended(Ended),
}

/// The hidden name of a copy.
pub(super) fn staged(hash: InfoHash, slot: usize) -> PathBuf {
    format!(".{hash}-{slot}.teem-move").into()
}

/// The two folders, with their paths for sentences.
pub(super) struct Folders<'a> {
    pub(super) from: (&'a dyn Folder, &'a Path),
    pub(super) to: (&'a dyn Folder, &'a Path),
}

/// Copies files, unless that was done since they were changed last; what each is like then, in their order.
pub(super) fn copy_all(folders: &Folders<'_>, files: &[ToCopy], watch: &Watch) -> Result<Vec<Staged>, CopyFailed> {
    let mut copies = Vec::new();
    for file in files {
        let done = watch.staged().get(&file.slot).copied();
        let stat = |(folder, _): (&dyn Folder, &Path), path: &Path| folder.stat(path).ok().flatten();
        let staged = done.filter(|staged| {
            let now = (stat(folders.from, &file.from), stat(folders.to, &file.to));
            now.0.is_some_and(|now| same(&now, &staged.source)) && now.1.is_some_and(|now| same(&now, &staged.copy))
        });
        let staged = if let Some(staged) = staged {
            watch.add(staged.source.len);
            staged
        } else {
            let staged = copy(folders, file, watch)?;
            watch.staged().insert(file.slot, staged);
            staged
        };
        copies.push(staged);
    }
    let synced = folders.to.0.sync_dir(Path::new(""));
    synced.map_err(|e| CopyFailed::Disk(explain(&e, "sync", folders.to.1)))?;
    Ok(copies)
}

fn copy(folders: &Folders<'_>, file: &ToCopy, watch: &Watch) -> Result<Staged, CopyFailed> {
    let ((from, from_path), (to, to_path)) = (folders.from, folders.to);
    let reading = |e: io::Error| CopyFailed::Disk(explain(&e, "read", &from_path.join(&file.from)));
    let writing = |e: io::Error| CopyFailed::Disk(explain(&e, "write to", &to_path.join(&file.to)));
    let source = from.open(&file.from, Access::ReadUnlinked).map_err(reading)?;
    let copy = to.open(&file.to, Access::Write).map_err(writing)?;
    let before = source.stat().map_err(reading)?;
    let there = copy.stat().map_err(writing)?.len.min(before.len);
    copy.set_len(before.len).map_err(writing)?;
    let (mut bytes, mut other) = (vec![0; CHUNK], vec![0; CHUNK]);
    for at in (0..before.len).step_by(CHUNK) {
        if let Some(ended) = watch.ended() {
            return Err(CopyFailed::Ended(ended));
        }
        let len = (before.len - at).min(CHUNK as u64);
        let part = &mut bytes[..len as usize];
        let hole = source.is_hole(at, len);
        if !hole {
            fill(&*source, part, at).map_err(reading)?;
        }
        if at < there {
            // What lies there already may be of an earlier run.
            let same = &mut other[..len as usize];
            let known = read_full(&*copy, &mut [IoSliceMut::new(same)], at).is_ok_and(|n| n == len);
            if hole {
                part.fill(0);
            }
            if !known || *same != *part {
                write_full(&*copy, &mut [IoSlice::new(part)], at).map_err(writing)?;
            }
        } else if !hole {
            write_full(&*copy, &mut [IoSlice::new(part)], at).map_err(writing)?;
        }
        watch.add(len);
    }
    copy.sync().map_err(writing)?;
    compare(&*source, &*copy, before.len, watch, (&reading, &writing))?.ok_or_else(|| {
        let message = format!(
            "what was written to {} does not come back as it was written; check that medium",
            to_path.join(&file.to).display()
        );
        CopyFailed::Disk(DiskError { kind: DiskErrorKind::Io, message })
    })?;
    // By their paths, as they are looked at later.
    let gone = || io::Error::from(io::ErrorKind::NotFound);
    let after = from.stat(&file.from).and_then(|stat| stat.ok_or_else(gone)).map_err(reading)?;
    let copied = to.stat(&file.to).and_then(|stat| stat.ok_or_else(gone)).map_err(writing)?;
    if (after.len, after.mtime_ns, after.inode) != (before.len, before.mtime_ns, before.inode) {
        let path = from_path.join(&file.from);
        let message = format!("{} was changed while it was copied; try again", path.display());
        return Err(CopyFailed::Disk(DiskError { kind: DiskErrorKind::Changed, message }));
    }
    Ok(Staged { source: after, copy: copied })
}

/// Whether both files have the same bytes: `None` where they have not.
fn compare(
    source: &dyn File,
    copy: &dyn File,
    len: u64,
    watch: &Watch,
    (reading, writing): (&dyn Fn(io::Error) -> CopyFailed, &dyn Fn(io::Error) -> CopyFailed),
) -> Result<Option<()>, CopyFailed> {
    let (mut bytes, mut other) = (vec![0; CHUNK], vec![0; CHUNK]);
    for at in (0..len).step_by(CHUNK) {
        if let Some(ended) = watch.ended() {
            return Err(CopyFailed::Ended(ended));
        }
        let n = (len - at).min(CHUNK as u64);
        if source.is_hole(at, n) && copy.is_hole(at, n) {
            continue;
        }
        let (one, two) = (&mut bytes[..n as usize], &mut other[..n as usize]);
        fill(source, one, at).map_err(reading)?;
        fill(copy, two, at).map_err(writing)?;
        if one != two {
            return Ok(None);
        }
    }
    Ok(Some(()))
}

/// Whether a file is as it was. What it takes on the medium may come to be known later.
fn same(now: &Stat, then: &Stat) -> bool {
    let what = |stat: &Stat| (stat.len, stat.mtime_ns, stat.ctime_ns, stat.inode);
    what(now) == what(then)
}

/// Reads all of a part.
fn fill(file: &dyn File, part: &mut [u8], at: u64) -> io::Result<()> {
    let len = part.len() as u64;
    let n = read_full(file, &mut [IoSliceMut::new(part)], at)?;
    if n == len { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}
