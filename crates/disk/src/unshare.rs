//! Files with other names (own design): a hard link may be all that somebody's library has of a file, so nothing is written through it. A file that is
//! to be written to and has other names becomes a copy of its own first; they keep the bytes that they had.
//!
//! Invariant: the copy is whole and durable before it takes the name, so what is claimed of the file stays true whenever this ends.
use crate::fs::{Access, File, Folder, read_full, write_full};
use crate::torrent::Torrent;
use std::io::{self, IoSlice, IoSliceMut};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Bytes copied at a time.
const CHUNK: usize = 1 << 20;

impl Torrent {
    /// The file as one that may be written to, which `handle` is open for: itself, or a copy that takes its name. Nobody else may write to the file
    /// meanwhile.
    pub(crate) fn own(&self, file: usize, handle: Arc<dyn File>) -> io::Result<Arc<dyn File>> {
        if !handle.stat()?.shared {
            return Ok(handle);
        }
        let path = self.path(file);
        self.remark(format!(
            "{} has other names (hard links): it is copied before it is written to, so that they keep their bytes",
            self.whole_path(file).display()
        ));
        let aside = self.aside(&path, file);
        let replaced = self.copied(&*handle, &aside).and_then(|copy| {
            self.root.rename(&aside, &path)?;
            Ok((copy.stat()?, copy))
        });
        let (stat, copy) = match replaced {
            Ok(replaced) => replaced,
            Err(e) => {
                let _ = self.root.remove(&aside);
                return Err(e);
            }
        };
        self.seen(file).stat = Some(stat);
        self.files.forget((self.id, file));
        let mut touched = self.touched();
        touched.dirty.insert(file);
        touched.born.insert(file);
        drop(touched);
        self.unsaved(file);
        Ok(copy)
    }

    /// Beside the file, a hidden name that no torrent has: what a kill leaves there is written over the next time.
    fn aside(&self, path: &Path, file: usize) -> PathBuf {
        path.with_file_name(format!(".{}-{file}.teem-copy", self.content.info.key().wire()))
    }

    /// A durable copy of what is open; holes stay holes.
    fn copied(&self, from: &dyn File, to: &Path) -> io::Result<Arc<dyn File>> {
        self.root.remove(to)?;
        let copy = self.root.open(to, Access::Write)?;
        let len = from.stat()?.len;
        copy.set_len(len)?;
        let mut buffer = vec![0; CHUNK];
        let mut at = 0;
        while at < len {
            let part = &mut buffer[..(len - at).min(CHUNK as u64) as usize];
            if !from.is_hole(at, part.len() as u64) {
                let n = read_full(from, &mut [IoSliceMut::new(part)], at)? as usize;
                write_full(&*copy, &mut [IoSlice::new(&part[..n])], at)?;
            }
            at += part.len() as u64;
        }
        copy.sync()?;
        Ok(copy)
    }
}
