//! Copying to another file system (own design): to a hidden name in the new folder, synced, compared, and only then told of. Holes stay holes, and rights and
//! times are carried over.
//!
//! What an earlier run has copied is compared and not written again. Where the file system can have two files share their content (another mount or
//! subvolume of one that does), nothing is copied or compared: there is nothing else that could come back.
use super::watch::{Ended, Staged, Watch};
use crate::error::explain;
use crate::fs::{Access, File, Folder, Stat, read_full, write_full};
use std::io::{self, IoSlice, IoSliceMut};
use std::path::{Path, PathBuf};
use std::sync::Arc;
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

/// Whether a name is one of those.
pub(super) fn is_staged(hash: InfoHash, name: &Path) -> bool {
    let slot = name.to_str().and_then(|name| name.strip_prefix(&format!(".{hash}-"))?.strip_suffix(".teem-move"));
    slot.is_some_and(|slot| !slot.is_empty() && slot.bytes().all(|digit| digit.is_ascii_digit()))
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
    let copy = open_copy(to, &file.to).map_err(writing)?;
    let before = source.stat().map_err(reading)?;
    let is_shared = copy.share(&*source);
    if is_shared {
        watch.add(before.len);
    } else {
        write(&*source, &*copy, before.len, watch, (&reading, &writing))?;
    }
    copy.take_after(&*source).map_err(writing)?;
    copy.sync().map_err(writing)?;
    if !is_shared {
        compare(&*source, &*copy, before.len, watch, (&reading, &writing))?.ok_or_else(|| {
            let message = format!(
                "what was written to {} does not come back as it was written; check that medium",
                to_path.join(&file.to).display()
            );
            CopyFailed::Disk(DiskError { kind: DiskErrorKind::Io, message })
        })?;
    }
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

/// What makes an error of a file a sentence.
type Explain<'a> = &'a dyn Fn(io::Error) -> CopyFailed;

/// Opens a copy, which may be of an earlier run.
fn open_copy(to: &dyn Folder, path: &Path) -> io::Result<Arc<dyn File>> {
    match to.open(path, Access::Write) {
        // It has the rights of a file that may not be written to.
        Err(e) if e.kind() == io::ErrorKind::PermissionDenied => {
            to.remove(path)?;
            to.open(path, Access::Write)
        }
        opened => opened,
    }
}

/// Whether the first of these files can be shared with the new folder; its copy is one then.
pub(super) fn shares(folders: &Folders<'_>, file: &ToCopy) -> bool {
    let source = folders.from.0.open(&file.from, Access::ReadUnlinked);
    let copy = open_copy(folders.to.0, &file.to);
    source.is_ok_and(|source| copy.is_ok_and(|copy| copy.share(&*source)))
}

/// Writes what is in one file to the other.
fn write(
    source: &dyn File,
    copy: &dyn File,
    len: u64,
    watch: &Watch,
    (reading, writing): (Explain<'_>, Explain<'_>),
) -> Result<(), CopyFailed> {
    let there = copy.stat().map_err(writing)?.len.min(len);
    copy.set_len(len).map_err(writing)?;
    let (mut bytes, mut other) = (vec![0; CHUNK], vec![0; CHUNK]);
    for at in (0..len).step_by(CHUNK) {
        if let Some(ended) = watch.ended() {
            return Err(CopyFailed::Ended(ended));
        }
        let n = (len - at).min(CHUNK as u64);
        let part = &mut bytes[..n as usize];
        let hole = source.is_hole(at, n);
        if !hole {
            fill(source, part, at).map_err(reading)?;
        }
        if at < there {
            // What lies there already may be of an earlier run.
            let same = &mut other[..n as usize];
            let known = read_full(copy, &mut [IoSliceMut::new(same)], at).is_ok_and(|read| read == n);
            if hole {
                part.fill(0);
            }
            if !known || *same != *part {
                write_full(copy, &mut [IoSlice::new(part)], at).map_err(writing)?;
            }
        } else if !hole {
            write_full(copy, &mut [IoSlice::new(part)], at).map_err(writing)?;
        }
        watch.add(n);
    }
    Ok(())
}

/// Whether both files have the same bytes: `None` where they have not.
fn compare(
    source: &dyn File,
    copy: &dyn File,
    len: u64,
    watch: &Watch,
    (reading, writing): (Explain<'_>, Explain<'_>),
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
