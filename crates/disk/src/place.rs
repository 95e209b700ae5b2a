//! Where a torrent's content lies, and under what terms it may be touched (own design).
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Where the content of one torrent lies. Told to the disk by [`crate::DiskHandle::place`] before the torrent is opened.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Place {
    /// The folder that holds the torrent's `name`.
    pub folder: PathBuf,
    /// The user's folder for saved state; made when missing. Never inside the content.
    pub state_dir: PathBuf,
    /// Whether files that nobody has state for, and in which nothing verifies, may be written over.
    pub overwrite: bool,
    /// Seeding: content files are never created, written or truncated.
    pub read_only: bool,
    /// Another name for the content's file or folder than the torrent's `name`; one path component.
    pub name: Option<String>,
    /// Files that go by other names than the torrent's: the index of each, and its path below the content's folder. A single file goes by `name`.
    pub names: BTreeMap<usize, String>,
}

impl Place {
    /// Downloads into `folder`.
    pub fn download(folder: impl Into<PathBuf>, state_dir: impl Into<PathBuf>) -> Self {
        let (folder, state_dir) = (folder.into(), state_dir.into());
        Self { folder, state_dir, overwrite: false, read_only: false, name: None, names: BTreeMap::new() }
    }

    /// Seeds what lies in `folder`, touching nothing.
    pub fn seed(folder: impl Into<PathBuf>, state_dir: impl Into<PathBuf>) -> Self {
        Self { read_only: true, ..Self::download(folder, state_dir) }
    }
}
