//! Edges of files that nobody wants (own design). A piece is whole or nothing, so bytes of such files come along with those of their
//! neighbours; they are kept in one hidden file beside the content, so that the piece can be given on and stays claimed.
//!
//! For each file the part file has room for the bytes of its first piece and, behind them, of its last: no others can share a piece
//! with a neighbour. The rest is holes. When a file comes to be wanted after all, its edges are copied into their place; the part
//! file goes when nothing needs it.
//! Invariants: a file is `apart` only from when it was not wanted and not there, until its edges lie in their place; that changes only
//! in barriers that wait for all other work. The part file is removed only after what was copied out of it is durable.
use crate::content::Stored;
use crate::error::explain;
use crate::fs::{Access, Stat, read_full, write_full};
use crate::shared::Shared;
use crate::space;
use crate::sync::flush;
use crate::torrent::Torrent;
use std::fmt::Write as _;
use std::io::{self, IoSlice, IoSliceMut};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use teem_metainfo::{Extent, Info};
use teem_swarm::job::{DiskError, Done};
use teem_swarm::selection::Selection;

/// Bytes copied at a time.
const CHUNK: usize = 128 << 10;

/// Where a torrent's edges are kept, and which of its files are wanted.
pub(crate) struct Parts {
    /// The part file, beneath the folder.
    path: PathBuf,
    selection: Mutex<Selection>,
    /// Where each file's edges begin in the part file; made when first needed.
    bases: OnceLock<Vec<u64>>,
}

/// A place in a file: of its own, or in the part file.
pub(crate) struct Spot<'a> {
    /// Under which it is known: the index of a file, or one more for the part file.
    pub(crate) slot: usize,
    pub(crate) path: &'a Path,
    pub(crate) offset: u64,
}

impl Parts {
    pub(crate) fn new(info: &Info, selection: Selection) -> Self {
        let mut path = String::from(".");
        for byte in info.hashes().peer().0 {
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

    fn set(&self, selection: Selection) {
        *self.selection.lock().unwrap_or_else(PoisonError::into_inner) = selection;
    }

    /// Where an extent lies in the part file, if it is at an edge of its file.
    fn offset(&self, info: &Info, extent: &Extent) -> Option<u64> {
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
fn edges(info: &Info, file: usize) -> [Range<u64>; 2] {
    let (length, offset) = (info.files()[file].length, info.files()[file].offset);
    let piece = u64::from(info.piece_length());
    let first = (piece - offset % piece).min(length);
    let last = if length > first { ((offset + length - 1) / piece * piece).max(offset) - offset } else { length };
    [0..first, last.max(first)..length]
}

impl Torrent {
    /// The slot of the part file.
    pub(crate) fn part_slot(&self) -> usize {
        self.content.info.files().len()
    }

    /// Where an extent lies now; `None` for pads and links, which lie nowhere.
    pub(crate) fn spot(&self, extent: &Extent) -> Option<Spot<'_>> {
        let path = self.content.path(extent.file)?;
        let own = Spot { slot: extent.file, path, offset: extent.offset };
        if !self.seen(extent.file).apart {
            return Some(own);
        }
        let offset = self.parts.offset(&self.content.info, extent);
        Some(offset.map_or(own, |offset| Spot { slot: self.part_slot(), path: &self.parts.path, offset }))
    }

    /// Whether there can be anything of an extent: only the edges of a file that is kept apart are kept.
    pub(crate) fn is_kept(&self, extent: &Extent) -> bool {
        !self.seen(extent.file).apart || self.parts.offset(&self.content.info, extent).is_some()
    }

    /// How a file was when it was last looked at. One that is kept apart is as the part file is.
    pub(crate) fn stat_of(&self, file: usize) -> Option<Stat> {
        if !self.seen(file).apart {
            return self.seen(file).stat;
        }
        let len = self.content.info.files()[file].length;
        self.seen(self.part_slot()).stat.map(|stat| Stat { len, ..stat })
    }

    /// The files that are stored, and the part file.
    pub(crate) fn all_files(&self) -> impl Iterator<Item = Stored<'_>> {
        let part = Stored { index: self.part_slot(), path: &self.parts.path, len: 0 };
        self.content.stored().chain(std::iter::once(part))
    }

    /// The files that are kept apart.
    pub(crate) fn files_apart(&self) -> impl Iterator<Item = Stored<'_>> {
        self.content.stored().filter(|file| self.seen(file.index).apart)
    }

    /// Whether a file that is wanted is still kept apart: to be put in place before it is called complete.
    pub(crate) fn has_to_move(&self) -> bool {
        let part = self.seen(self.part_slot()).stat.is_some();
        part && self.files_apart().any(|file| self.parts.wants(file.index))
    }

    /// Looks for the part file when the torrent is opened. What is not wanted and not there is kept apart from now on, and what
    /// is wanted and not there may be in the part file of an earlier run.
    pub(crate) fn find_parts(&self) -> io::Result<()> {
        if self.place.read_only {
            return Ok(());
        }
        let stat = self.root.stat(&self.parts.path)?;
        self.seen(self.part_slot()).stat = stat;
        if stat.is_some() || !self.parts.wants_all() {
            self.set_apart(stat.is_some());
        }
        Ok(())
    }

    fn set_apart(&self, wanted_too: bool) {
        for file in self.content.stored() {
            let mut seen = self.seen(file.index);
            seen.apart |= seen.stat.is_none() && !seen.prepared && (wanted_too || !self.parts.wants(file.index));
        }
    }
}

/// Other files are wanted from now on.
pub(crate) fn select(shared: &Shared, torrent: &Arc<Torrent>, selection: Selection) -> Result<(), DiskError> {
    if torrent.place.read_only {
        return Ok(());
    }
    torrent.parts.set(selection);
    torrent.set_apart(false);
    settle(torrent)?;
    crate::open::make_empty(torrent)?;
    torrent.save(None)?;
    match space::too_little(shared, torrent) {
        Some(error) => Err(error),
        None => Ok(()),
    }
}

/// Puts the edges of files that are wanted in place, and removes the part file when nothing is left in it. Nothing else may touch
/// the torrent's files meanwhile.
pub(crate) fn settle(torrent: &Torrent) -> Result<(), DiskError> {
    let part = torrent.part_slot();
    if torrent.place.read_only || torrent.seen(part).stat.is_none() {
        // Nothing was ever kept: who is wanted now is simply there or not.
        torrent
            .files_apart()
            .filter(|f| torrent.parts.wants(f.index))
            .for_each(|f| torrent.seen(f.index).apart = false);
        return Ok(());
    }
    let wanted: Vec<Stored<'_>> = torrent.files_apart().filter(|f| torrent.parts.wants(f.index)).collect();
    for file in &wanted {
        copy(torrent, file).map_err(|e| explain(&e, "write to", &torrent.place.folder.join(file.path)))?;
    }
    for file in &wanted {
        torrent.seen(file.index).apart = false;
    }
    if !wanted.is_empty() {
        flush(torrent)?;
        torrent.save(None)?;
    }
    if torrent.files_apart().next().is_none() {
        torrent.files.forget((torrent.id, part));
        let removed = torrent.root.remove(&torrent.parts.path);
        removed.map_err(|e| explain(&e, "remove", &torrent.place.folder.join(&torrent.parts.path)))?;
        *torrent.seen(part) = crate::torrent::Seen::default();
    }
    Ok(())
}

/// Copies what there is of a file's edges into the file.
fn copy(torrent: &Torrent, file: &Stored<'_>) -> io::Result<()> {
    let info = &torrent.content.info;
    let part = torrent.handle(torrent.part_slot(), &torrent.parts.path, Access::Read)?;
    let own = torrent.prepare(file.index, file.path)?;
    let mut buffer = vec![0; CHUNK];
    for edge in edges(info, file.index) {
        let mut at = edge.start;
        while at < edge.end {
            let n = (edge.end - at).min(CHUNK as u64) as usize;
            let extent = Extent { file: file.index, offset: at, len: n as u32, pad: false };
            let Some(from) = torrent.parts.offset(info, &extent) else { break };
            let got = read_full(&*part, &mut [IoSliceMut::new(&mut buffer[..n])], from)? as usize;
            write_full(&*own, &mut [IoSlice::new(&buffer[..got])], at)?;
            at += n as u64;
        }
    }
    let stat = own.stat()?;
    let mut seen = torrent.seen(file.index);
    (seen.stat, seen.dirty) = (Some(stat), true);
    Ok(())
}

/// Tells of what [`select`] could not do.
pub(crate) fn told(torrent: &Torrent, result: Result<(), DiskError>) -> Option<Done<crate::pool::Block>> {
    result.err().map(|error| Done::Failed { torrent: torrent.id, piece: None, opening: false, error })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use teem_metainfo::Limits;

    /// A torrent of files of these lengths, with pieces of 16 KiB.
    fn info(lengths: &[u64]) -> Info {
        let pieces = lengths.iter().sum::<u64>().div_ceil(16 << 10) as usize * 20;
        let files: String =
            lengths.iter().enumerate().map(|(i, n)| format!("d6:lengthi{n}e4:pathl5:{i:05}ee")).collect();
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
