//! Records as files (own design): each written as temporary, synced, renamed, its folder synced, with the generation before kept.
use super::records::{Kind, STATE_MAX, StateStore};
use crate::fs::{Access, Folder, read_small, write_full};
use std::io::{self, IoSlice};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The files of one folder; what is put is durable at once.
pub(crate) struct RecordFiles(pub(crate) Arc<dyn Folder>);

impl StateStore for RecordFiles {
    fn get(&self, kind: Kind, name: &str, whole: &dyn Fn(&[u8]) -> bool) -> io::Result<Option<Vec<u8>>> {
        let mut unread = None;
        for path in generations(kind, name) {
            match read_small(&*self.0, &path, STATE_MAX) {
                Ok(Some(record)) if whole(&record) => return Ok(Some(record)),
                Ok(_) => {}
                Err(e) => {
                    unread.get_or_insert(e);
                }
            }
        }
        unread.map_or(Ok(None), Err)
    }

    fn put(&self, kind: Kind, name: &str, record: Vec<u8>) -> io::Result<()> {
        let [now, before] = generations(kind, name);
        let temporary = write_temporary(&*self.0, name, &record)?;
        if self.0.stat(&now)?.is_some() {
            self.0.rename(&now, &before)?;
        }
        self.0.rename(&temporary, &now)?;
        self.0.sync_dir(Path::new(""))
    }

    fn remove(&self, kind: Kind, name: &str) -> io::Result<()> {
        // The older first: a reader finds the newest until there is none.
        for path in generations(kind, name).iter().rev() {
            self.0.remove(path)?;
        }
        self.0.sync_dir(Path::new(""))
    }

    fn flush(&self) -> io::Result<()> {
        Ok(())
    }
}

/// The newest file and the one before.
fn generations(kind: Kind, name: &str) -> [PathBuf; 2] {
    [format!("{name}.{}", kind.name()).into(), format!("{name}.{}.old", kind.name()).into()]
}

/// Writes a file under a name that nobody reads, and syncs it.
pub(crate) fn write_temporary(dir: &dyn Folder, name: &str, bytes: &[u8]) -> io::Result<PathBuf> {
    let path = PathBuf::from(format!("{name}.new"));
    let file = dir.open(&path, Access::Private)?;
    file.set_len(0)?;
    write_full(&*file, &mut [IoSlice::new(bytes)], 0)?;
    file.sync()?;
    Ok(path)
}
