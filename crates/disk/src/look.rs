//! Many files looked at one after the other (own design): those of one folder by its handle, so that its path is resolved once.
//!
//! A pass is short, and a folder is held only while files in it follow each other. What is renamed meanwhile is as if it had been
//! looked at before.
use crate::fs::{Folder, Stat};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// One pass over files beneath a folder.
pub(crate) struct Pass<'a> {
    root: &'a dyn Folder,
    /// The folder of the file before, if there was one.
    at: Option<(PathBuf, Option<Arc<dyn Folder>>)>,
}

impl<'a> Pass<'a> {
    pub(crate) fn new(root: &'a dyn Folder) -> Self {
        Self { root, at: None }
    }

    /// Whether links lead to the folder of the file that was looked at last.
    pub(crate) fn is_linked(&self) -> bool {
        matches!(&self.at, Some((_, Some(below))) if below.is_linked())
    }

    /// What tells a file from others, if it is there.
    pub(crate) fn identity(&mut self, path: &Path) -> Option<(u32, u64)> {
        self.stat(path).ok().flatten().map(|stat| (stat.device, stat.inode))
    }

    /// The state of a file, as [`Folder::stat`] gives it.
    pub(crate) fn stat(&mut self, path: &Path) -> io::Result<Option<Stat>> {
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else { return self.root.stat(path) };
        if parent.as_os_str().is_empty() {
            return self.root.stat(path);
        }
        if self.at.as_ref().is_none_or(|(at, _)| at != parent) {
            self.at = None;
            let Some(below) = self.root.below(parent) else { return self.root.stat(path) };
            let below = match below {
                Ok(below) => Some(below),
                Err(e) if e.kind() == io::ErrorKind::NotFound => None,
                Err(e) => return Err(e),
            };
            self.at = Some((parent.to_owned(), below));
        }
        match &self.at {
            Some((_, Some(below))) => below.stat(Path::new(name)),
            _ => Ok(None),
        }
    }
}
