//! What is made larger and larger: a tree of files, a torrent's pieces, or the length of a sparse file (own design).
//!
//! Files are small and of any content; the rest is one file of holes, so that next to nothing is stored, and what is
//! measured is the work for each file, piece or byte that does not lie in reading.

use super::meter;
use crate::bench::Failed;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Files in one folder of the tree.
const FOLDER: u64 = 1_000;
/// Bytes of a piece where pieces are counted; content of two million of them fits on any disk.
const PIECE: u64 = 256;

/// One of the three.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Axis {
    Files,
    Pieces,
    Length,
}

impl Axis {
    pub(super) const ALL: [Self; 3] = [Self::Files, Self::Pieces, Self::Length];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Files => "files",
            Self::Pieces => "pieces",
            Self::Length => "length",
        }
    }

    /// What the horizontal axis of a picture and the first column of a table say.
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Files => "files",
            Self::Pieces => "pieces",
            Self::Length => "GiB",
        }
    }

    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|axis| axis.name() == name)
    }

    /// Sizes from the first to the last, each double the one before.
    pub(super) fn sizes(self, smoke: bool, to: Option<u64>) -> Vec<u64> {
        let (first, last) = match (self, smoke) {
            (Self::Files, false) => (1 << 10, 1 << 20),
            (Self::Pieces, false) => (1 << 11, 2_000_000),
            (Self::Length, false) => (1, 1 << 10),
            (Self::Files, true) => (1 << 8, 1 << 11),
            (Self::Pieces, true) => (1 << 10, 1 << 14),
            (Self::Length, true) => (1, 1 << 4),
        };
        let last = to.unwrap_or(last);
        let mut sizes: Vec<u64> =
            std::iter::successors(Some(first), |n| Some(n * 2)).take_while(|n| *n < last).collect();
        sizes.push(last);
        sizes
    }

    /// Whether what is downloaded of it takes as much room as it has bytes, so that it is not downloaded here.
    pub(super) fn is_stored(self) -> bool {
        self != Self::Length
    }

    /// Makes content of so many, from what a smaller size left there: the path of it below `folder`.
    pub(super) fn grow(self, folder: &Path, before: u64, size: u64) -> Result<PathBuf, Failed> {
        let path = folder.join(self.name());
        match self {
            Self::Files => (before..size).try_for_each(|n| one_file(&path, n))?,
            Self::Pieces => File::create(&path)?.set_len(size * PIECE)?,
            Self::Length => File::create(&path)?.set_len(size << 30)?,
        }
        Ok(path)
    }

    /// The torrent of it where none can be created, because pieces are shorter than any that are.
    pub(super) fn torrent(self, teem: &Path, folder: &Path, size: u64) -> Result<Option<Vec<u8>>, Failed> {
        if self != Self::Pieces {
            return Ok(None);
        }
        let hash = hash_of_zeros(teem, folder)?;
        let mut info =
            format!("d4:infod6:lengthi{}e4:name6:pieces12:piece lengthi{PIECE}e6:pieces{}:", size * PIECE, size * 20);
        let mut torrent = std::mem::take(&mut info).into_bytes();
        torrent.extend(hash.iter().copied().cycle().take(hash.len() * size as usize));
        torrent.extend(b"ee");
        Ok(Some(torrent))
    }
}

/// A file of a few bytes that no other has.
fn one_file(tree: &Path, n: u64) -> Result<(), Failed> {
    let folder = tree.join(format!("folder-{:04}", n / FOLDER));
    if n.is_multiple_of(FOLDER) {
        fs::create_dir_all(&folder)?;
    }
    Ok(fs::write(folder.join(format!("file-{n:07}.txt")), format!("this is file {n} of many\n"))?)
}

/// The digest of a piece of zeros, which the program itself is asked for.
fn hash_of_zeros(teem: &Path, folder: &Path) -> Result<Vec<u8>, Failed> {
    let (file, torrent) = (folder.join("zeros"), folder.join("zeros.torrent"));
    File::create(&file)?.set_len(PIECE)?;
    let mut create = Command::new(teem);
    create.args(["create", "--force", "-o"]).args([&torrent, &file]).env("HOME", folder);
    meter::run("create", &mut create)?;
    let bytes = fs::read(&torrent)?;
    let key = b"6:pieces20:";
    let at = bytes.windows(key.len()).position(|window| window == key);
    let hash = at.and_then(|at| bytes.get(at + key.len()..at + key.len() + 20));
    hash.map(<[u8]>::to_vec).ok_or_else(|| Failed::new("no digest stands in what was created".into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_double_up_to_the_last() {
        assert_eq!(Axis::Length.sizes(false, None).len(), 11);
        assert_eq!(Axis::Pieces.sizes(false, None).last(), Some(&2_000_000));
        assert_eq!(Axis::Files.sizes(false, Some(5_000)), [1_024, 2_048, 4_096, 5_000]);
    }
}
