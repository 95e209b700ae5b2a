//! Edges of files that nobody wants (own design). A piece is whole or nothing, so bytes of such files come along with those of their
//! neighbours; they are kept in one hidden file beside the content, so that the piece can be given on and stays claimed.
//!
//! For each file the part file has room for the bytes of its first piece and, behind them, of its last: no others can share a piece
//! with a neighbour. The rest is holes.
use std::fmt::Write as _;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::{Mutex, OnceLock, PoisonError};
use teem_metainfo::{Extent, Info};
use teem_swarm::selection::Selection;

/// Where a torrent's edges are kept, and which of its files are wanted.
pub(crate) struct Parts {
    /// The part file, beneath the folder.
    pub(crate) path: PathBuf,
    selection: Mutex<Selection>,
    /// Where each file's edges begin in the part file; made when first needed.
    bases: OnceLock<Vec<u64>>,
}

/// A place in a file: of its own, or in the part file.
pub(crate) struct Spot {
    /// Under which it is known: the index of a file, or one more for the part file.
    pub(crate) slot: usize,
    pub(crate) offset: u64,
}

impl Parts {
    pub(crate) fn new(info: &Info, selection: Selection) -> Self {
        let mut path = String::from(".");
        for byte in info.key().wire().0 {
            // INVARIANT: writing to a String cannot fail; the result is of no use.
            let _ = write!(path, "{byte:02x}");
        }
        path.push_str(".teem-part");
        Self { path: path.into(), selection: Mutex::new(selection), bases: OnceLock::new() }
    }

    /// Whether a file is wanted.
    pub(crate) fn wants(&self, file: usize) -> bool {
        self.selection.lock().unwrap_or_else(PoisonError::into_inner).wants(file)
    }

    /// Whether every file is wanted.
    pub(crate) fn wants_all(&self) -> bool {
        self.selection.lock().unwrap_or_else(PoisonError::into_inner).is_whole()
    }

    /// Which files are wanted.
    pub(crate) fn selection(&self) -> Selection {
        self.selection.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn set(&self, selection: Selection) {
        *self.selection.lock().unwrap_or_else(PoisonError::into_inner) = selection;
    }

    /// Where an extent lies in the part file, if it is at an edge of its file.
    pub(crate) fn offset(&self, info: &Info, extent: &Extent) -> Option<u64> {
        let bases = self.bases.get_or_init(|| {
            let ends = (0..info.files().len()).scan(0, |sum, file| {
                let base = *sum;
                *sum += edges(info, file).iter().map(|edge| edge.end - edge.start).sum::<u64>();
                Some(base)
            });
            ends.collect()
        });
        let [first, last] = edges(info, extent.file);
        let base = *bases.get(extent.file)?;
        if first.contains(&extent.offset) {
            Some(base + extent.offset)
        } else {
            last.contains(&extent.offset).then(|| base + (first.end - first.start) + (extent.offset - last.start))
        }
    }
}

/// The bytes of a file in its first piece, and those in its last if that is another.
pub(crate) fn edges(info: &Info, file: usize) -> [Range<u64>; 2] {
    let span = info.layout().span(file).unwrap_or_default();
    let (length, offset) = (span.end - span.start, span.start);
    let piece = u64::from(info.piece_length());
    let first = (piece - offset % piece).min(length);
    let last = if length > first { ((offset + length - 1) / piece * piece).max(offset) - offset } else { length };
    [0..first, last.max(first)..length]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use teem_metainfo::Limits;

    /// A torrent of files of these lengths, with pieces of 16 KiB.
    fn info(lengths: &[u64]) -> Info {
        let pieces = lengths.iter().sum::<u64>().div_ceil(16 << 10) as usize * 20;
        let file = |(i, n)| format!("d6:lengthi{n}e4:pathl5:{i:05}ee");
        let files = lengths.iter().enumerate().map(file).collect::<Vec<String>>().concat();
        let head = format!("d5:filesl{files}e4:name1:x12:piece lengthi16384e6:pieces{pieces}:");
        let raw = [head.as_bytes(), &vec![7; pieces], b"e"].concat();
        Info::parse(&raw, &Limits::FILE).unwrap()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn no_two_edges_share_a_byte(lengths in prop::collection::vec(0u64..50_000, 1..12)) {
            prop_assume!(lengths.iter().sum::<u64>() > 0);
            let info = info(&lengths);
            let parts = Parts::new(&info, Selection::all());
            let mut taken: Vec<Range<u64>> = Vec::new();
            for piece in 0..info.piece_count() {
                for extent in info.extents(piece, 0, info.piece_size(piece)) {
                    let range = info.pieces_of_file(extent.file);
                    let at_edge = piece == range.start || piece + 1 == range.end;
                    let offset = parts.offset(&info, &extent);
                    prop_assert_eq!(offset.is_some(), at_edge);
                    taken.extend(offset.map(|at| at..at + u64::from(extent.len)));
                }
            }
            taken.sort_by_key(|r| r.start);
            prop_assert!(taken.windows(2).all(|two| two[0].end <= two[1].start), "{taken:?}");
        }
    }
}
