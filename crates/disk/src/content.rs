//! A torrent's files by their paths beneath the folder, and pieces as extents in them (BEP 3; pads of BEP 47).
//!
//! Pads and symbolic links have no path: they are never opened, created or written.
use crate::place::Place;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use teem_metainfo::{Extent, Info};

/// The content of one torrent in one place.
pub(crate) struct Content {
    pub(crate) info: Arc<Info>,
    paths: Vec<Option<PathBuf>>,
}

/// A file that is stored.
#[derive(Clone, Copy)]
pub(crate) struct Stored<'a> {
    pub(crate) index: usize,
    pub(crate) path: &'a Path,
    pub(crate) len: u64,
}

impl Content {
    /// Lays out `info` in `place`. Content to be seeded may have been made elsewhere, so there `exists` decides
    /// whether a file goes by its name as the torrent has it or by the safe one.
    pub(crate) fn new(info: Arc<Info>, place: &Place, exists: impl Fn(&Path) -> bool) -> Self {
        let name = place.name.as_deref().unwrap_or(info.name());
        let mut paths = Vec::with_capacity(info.files().len());
        for file in info.files() {
            if file.pad || file.symlink.is_some() {
                paths.push(None);
                continue;
            }
            let join = |parts: &[String]| -> PathBuf {
                std::iter::once(name).chain(parts.iter().map(String::as_str)).collect()
            };
            let safe = join(&file.path);
            let native = (place.read_only && file.original.is_some()).then(|| file.native_path()).flatten();
            let native = native.map(|parts| join(&parts)).filter(|path| !exists(&safe) && exists(path));
            paths.push(Some(native.unwrap_or(safe)));
        }
        Self { info, paths }
    }

    /// The path of a file beneath the folder; `None` for pads and links.
    pub(crate) fn path(&self, file: usize) -> Option<&Path> {
        self.paths.get(file)?.as_deref()
    }

    /// All files that are stored.
    pub(crate) fn stored(&self) -> impl Iterator<Item = Stored<'_>> {
        self.paths.iter().enumerate().filter_map(|(index, path)| {
            Some(Stored { index, path: path.as_deref()?, len: self.info.files()[index].length })
        })
    }

    /// The parts of a piece that are stored.
    pub(crate) fn extents(&self, piece: u32) -> impl Iterator<Item = Extent> + '_ {
        self.info.extents(piece, 0, self.info.piece_size(piece)).filter(|e| !e.pad)
    }

    pub(crate) fn piece_count(&self) -> u32 {
        self.info.piece_count()
    }
}
