//! Where pieces lie in files: arithmetic on the piece space, the content of all files laid end to end (BEP 3, "info dictionary").
//!
//! Invariants: files' ends ascend without gaps, the last ends at `total`; `total` is below 2^48, so no sum overflows.

use alloc::vec::Vec;
use core::ops::Range;

/// Bytes that one request asks for: what every client answers.
pub const BLOCK_LEN: u32 = 16 << 10;

/// The map between pieces and files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    piece_length: u32,
    ends: Vec<End>,
}

/// Where a file ends, times two, plus one if it is padding: below 2^49, and eight bytes a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct End(u64);

impl End {
    fn at(self) -> u64 {
        self.0 >> 1
    }

    fn is_pad(self) -> bool {
        self.0 & 1 == 1
    }
}

/// A part of the piece space that lies within one file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    /// Index of the file.
    pub file: usize,
    /// Offset in the file, in bytes.
    pub offset: u64,
    /// Length in bytes, not zero.
    pub len: u32,
    /// Whether the file is padding: zeros that are neither stored nor read.
    pub pad: bool,
}

impl Layout {
    /// Of files in their order, each a length in bytes and whether it is padding. `piece_length` is not zero, the sum is below 2^48.
    pub fn new(piece_length: u32, files: impl IntoIterator<Item = (u64, bool)>) -> Self {
        debug_assert!(piece_length > 0);
        let mut layout = Self { piece_length, ends: Vec::new() };
        files.into_iter().for_each(|(length, pad)| layout.push(length, pad));
        layout
    }

    /// Appends a file.
    pub(crate) fn push(&mut self, length: u64, pad: bool) {
        self.ends.push(End((self.total() + length) << 1 | u64::from(pad)));
    }

    /// Where a file lies in the piece space.
    pub fn span(&self, file: usize) -> Option<Range<u64>> {
        let end = self.ends.get(file)?.at();
        let start = file.checked_sub(1).and_then(|before| self.ends.get(before)).map_or(0, |before| before.at());
        Some(start..end)
    }

    /// Bytes of a piece other than the last.
    pub fn piece_length(&self) -> u32 {
        self.piece_length
    }

    /// Bytes of the piece space, padding included.
    pub fn total(&self) -> u64 {
        self.ends.last().map_or(0, |end| end.at())
    }

    /// Number of pieces; none if there is no content.
    pub fn piece_count(&self) -> u32 {
        self.total().div_ceil(u64::from(self.piece_length)) as u32
    }

    /// Where a piece begins in the piece space.
    pub(crate) fn piece_offset(&self, piece: u32) -> u64 {
        u64::from(piece) * u64::from(self.piece_length)
    }

    /// Bytes of a piece; 0 if there is no such piece.
    pub fn piece_size(&self, piece: u32) -> u32 {
        self.total().saturating_sub(self.piece_offset(piece)).min(u64::from(self.piece_length)) as u32
    }

    /// The files that `len` bytes from `begin` in `piece` lie in, in order; what is beyond the content is left out.
    pub fn extents(&self, piece: u32, begin: u32, len: u32) -> impl Iterator<Item = Extent> + use<'_> {
        let mut at = self.piece_offset(piece) + u64::from(begin);
        let end = (at + u64::from(len)).min(self.total());
        let mut file = self.ends.partition_point(|span| span.at() <= at);
        core::iter::from_fn(move || {
            while at < end {
                let (span, pad) = (self.span(file)?, self.ends.get(file)?.is_pad());
                let stop = end.min(span.end);
                if stop > at {
                    let extent = Extent { file, offset: at - span.start, len: (stop - at) as u32, pad };
                    at = stop;
                    return Some(extent);
                }
                file += 1;
            }
            None
        })
    }

    /// The pieces that have bytes of a file; empty if the file is, or if there is no such file.
    pub fn pieces_of_file(&self, file: usize) -> Range<u32> {
        match self.span(file) {
            Some(span) if span.end > span.start => {
                let piece_length = u64::from(self.piece_length);
                (span.start / piece_length) as u32..span.end.div_ceil(piece_length) as u32
            }
            _ => 0..0,
        }
    }
}
