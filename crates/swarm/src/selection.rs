//! Which files of a torrent are wanted, and which of them first (own design; the files that a magnet link selects are BEP 53).
//!
//! Files are wanted, pieces are fetched: a piece is fetched when any wanted file has bytes in it, and first when any file that
//! is wanted first has.
use crate::bitfield::Bitfield;
use alloc::vec::Vec;
use teem_metainfo::Info;

/// How much a file is wanted.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug)]
pub enum Priority {
    /// Not at all: of its bytes only those are fetched that lie in a piece with a wanted file's.
    Skip,
    /// Like the rest.
    #[default]
    Normal,
    /// Before the rest.
    High,
}

/// What is wanted of a torrent, by the index of its files.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Selection(Vec<Priority>);

impl Selection {
    /// All files wanted, none before the others.
    pub fn all() -> Self {
        Self::default()
    }

    /// One priority for each file; files beyond the list are wanted like the rest.
    pub fn of(files: Vec<Priority>) -> Self {
        if files.iter().all(|p| *p == Priority::Normal) { Self::all() } else { Self(files) }
    }

    /// The priority of each file; empty when all are wanted alike.
    pub fn files(&self) -> &[Priority] {
        &self.0
    }

    /// How much a file is wanted.
    pub fn file(&self, file: usize) -> Priority {
        self.0.get(file).copied().unwrap_or_default()
    }

    /// Whether a file is wanted at all.
    pub fn wants(&self, file: usize) -> bool {
        self.file(file) != Priority::Skip
    }

    /// Whether every file is wanted.
    pub fn is_whole(&self) -> bool {
        !self.0.contains(&Priority::Skip)
    }

    /// The pieces that no wanted file has bytes in; `None` when there is none. O(files + pieces).
    pub fn skipped(&self, info: &Info) -> Option<Bitfield> {
        if self.is_whole() {
            return None;
        }
        let mut skipped = Bitfield::full(info.piece_count());
        let wanted = |(i, file): &(usize, teem_metainfo::File<'_>)| !file.pad && self.wants(*i);
        for (i, _) in info.files().iter().enumerate().filter(wanted) {
            info.pieces_of_file(i).for_each(|piece| {
                skipped.clear(piece);
            });
        }
        Some(skipped).filter(|s| !s.is_empty())
    }

    /// The pieces that a file which is wanted first has bytes in; `None` when there is none. O(files + pieces).
    pub(crate) fn urgent(&self, info: &Info) -> Option<Bitfield> {
        if !self.0.contains(&Priority::High) {
            return None;
        }
        let mut urgent = Bitfield::new(info.piece_count());
        for (i, _) in self.0.iter().enumerate().filter(|(_, p)| **p == Priority::High) {
            info.pieces_of_file(i).for_each(|piece| {
                urgent.set(piece);
            });
        }
        Some(urgent).filter(|u| !u.is_empty())
    }

    /// Bytes of the files that are wanted.
    pub fn bytes(&self, info: &Info) -> u64 {
        let files = info.files().iter().enumerate();
        files.filter(|(i, file)| !file.pad && self.wants(*i)).map(|(_, file)| file.length).sum()
    }

    /// Bytes of wanted files in a piece.
    pub(crate) fn bytes_in(&self, info: &Info, piece: u32) -> u64 {
        let extents = info.extents(piece, 0, info.piece_size(piece));
        extents.filter(|e| !e.pad && self.wants(e.file)).map(|e| u64::from(e.len)).sum()
    }
}
