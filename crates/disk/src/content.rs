//! A torrent's files by their paths beneath the folder, and pieces as extents in them (BEP 3; pads of BEP 47).
//!
//! Pads and symbolic links have no path: they are never opened, created or written. Paths are made when they are asked for: a
//! million of them would be a hundred megabytes.
use crate::place::Place;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use teem_metainfo::{Extent, File, Info};

/// The content of one torrent in one place.
pub(crate) struct Content {
    pub(crate) info: Arc<Info>,
    /// What the content's file or folder is called there.
    name: String,
    /// The files that go by their names as the torrent has them.
    native: BTreeSet<usize>,
}

/// A file that is stored.
#[derive(Clone, Copy)]
pub(crate) struct Stored {
    pub(crate) index: usize,
    pub(crate) len: u64,
}

impl Content {
    /// Lays out `info` in `place`. Content to be seeded may have been made elsewhere, so there `exists` decides
    /// whether a file goes by its name as the torrent has it or by the safe one.
    pub(crate) fn new(info: Arc<Info>, place: &Place, exists: impl Fn(&Path) -> bool) -> Self {
        let name = place.name.as_deref().unwrap_or(info.name()).to_owned();
        let mut content = Self { info, name, native: BTreeSet::new() };
        if place.read_only {
            let files = content.info.files();
            let renamed = files.iter().enumerate().filter(|(_, file)| file.is_stored() && file.original().is_some());
            let native = renamed.filter(|(_, file)| {
                let native = file.native_path().map(|parts| content.join(&parts.join("/")));
                native.is_some_and(|native| !exists(&content.join(&file.path())) && exists(&native))
            });
            content.native = native.map(|(index, _)| index).collect();
        }
        content
    }

    /// The path of a file beneath the folder; `None` for pads and links.
    pub(crate) fn path(&self, file: usize) -> Option<PathBuf> {
        let native = self.native.contains(&file);
        let file = self.info.files().get(file).filter(File::is_stored)?;
        let native = if native { file.native_path() } else { None };
        Some(self.join(&native.map_or_else(|| file.path(), |parts| parts.join("/"))))
    }

    /// No part of a path has a slash, whether it is a safe name or one as it stands.
    fn join(&self, below: &str) -> PathBuf {
        let mut path = String::with_capacity(self.name.len() + 1 + below.len());
        path.push_str(&self.name);
        if !below.is_empty() {
            path.push('/');
            path.push_str(below);
        }
        path.into()
    }

    /// All files that are stored.
    pub(crate) fn stored(&self) -> impl Iterator<Item = Stored> + '_ {
        let files = self.info.files().iter().enumerate().filter(|(_, file)| file.is_stored());
        files.map(|(index, file)| Stored { index, len: file.length })
    }

    /// The parts of a piece that are stored.
    pub(crate) fn extents(&self, piece: u32) -> impl Iterator<Item = Extent> + '_ {
        self.info.extents(piece, 0, self.info.piece_size(piece)).filter(|e| !e.pad)
    }

    pub(crate) fn piece_count(&self) -> u32 {
        self.info.piece_count()
    }
}
