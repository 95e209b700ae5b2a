//! Where a torrent's content lies, and under what terms it may be touched (own design).
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
}

impl Place {
    /// Downloads into `folder`.
    pub fn download(folder: impl Into<PathBuf>, state_dir: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into(), state_dir: state_dir.into(), overwrite: false, read_only: false, name: None }
    }

    /// Seeds what lies in `folder`, touching nothing.
    pub fn seed(folder: impl Into<PathBuf>, state_dir: impl Into<PathBuf>) -> Self {
        Self { read_only: true, ..Self::download(folder, state_dir) }
    }
}
