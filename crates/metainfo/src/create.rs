//! Making torrents (BEP 3, "metainfo files"): the pure part, which neither reads files nor hashes content.
//!
//! First a [`Plan`]: files in order and the piece space, so that a caller knows what to hash. Then [`Plan::info`] with the digests, and
//! [`torrent`] to put trackers and the rest around. The info dictionary is canonical, and the same input gives the same bytes: files are
//! sorted by path.

use alloc::{string::String, sync::Arc, vec::Vec};
use core::fmt;

use teem_bencode::{DictWriter, Writer};

use crate::layout::{BLOCK_LEN, Layout};
use crate::limits::Limits;
use crate::paths::{Paths, PathsBuilder};

/// Longest piece that is chosen or allowed when creating, in bytes: a piece must arrive whole before it can be passed on.
pub(crate) const PIECE_LENGTH_MAX: u32 = 16 << 20;
/// Shortest piece that is created, in bytes: one block.
pub(crate) const PIECE_LENGTH_MIN: u32 = BLOCK_LEN;
/// Most pieces that an automatic piece length leads to, unless pieces are at their longest. With the powers of two this means 2,000
/// to 4,000: fine enough to spread well, and a .torrent file below 100 KiB.
const PIECES_AIM_MAX: u64 = 4_000;

/// A file to be published.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Source {
    /// Parts below the folder, as the file system has them; empty for a single file.
    pub path: Vec<Vec<u8>>,
    /// Its length in bytes.
    pub length: u64,
    /// Whether it is executable (BEP 47).
    pub executable: bool,
}

/// The specification to follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Kind {
    /// Version 1: SHA-1 over pieces that run on from file to file (BEP 3).
    #[default]
    V1,
}

/// What the creator says beyond content.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Options {
    /// The specification to follow.
    pub kind: Kind,
    /// Name of the file or folder, as the file system has it.
    pub name: Vec<u8>,
    /// In bytes, a power of two; chosen by [`piece_length_for`] if none.
    pub piece_length: Option<u32>,
    /// Peers come from its trackers alone (BEP 27).
    pub private: bool,
    /// A tag that gives the same content another hash.
    pub source: Option<String>,
    /// Free text, outside the info dictionary.
    pub comment: Option<String>,
    /// The creating program.
    pub created_by: Option<String>,
    /// Seconds since 1970.
    pub creation_date: Option<i64>,
    /// Trackers by tier (BEP 12).
    pub trackers: Vec<Vec<String>>,
    /// URLs of servers that have the content (BEP 19).
    pub web_seeds: Vec<String>,
}

/// Why no torrent can be made of this.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CreateError {
    /// There are no files.
    NoFiles,
    /// There is no name.
    NoName,
    /// A path is empty, or has a part that is, next to other files; or two are equal.
    BadPath {
        /// As given, joined by slashes.
        path: String,
    },
    /// Not a power of two between 16 KiB and 16 MiB.
    BadPieceLength {
        /// What was asked for, in bytes.
        value: u32,
    },
    /// The content is too large, or has too many pieces of the length that was asked for.
    TooLarge {
        /// Pieces it would have.
        pieces: u64,
    },
    /// The number of digests is not the number of pieces.
    WrongPieceCount {
        /// Pieces of the content.
        expected: u32,
        /// Digests that were given.
        found: usize,
    },
}

/// The piece length for content of `total` bytes: a power of two, aiming at 1,000 to 4,000 pieces.
pub fn piece_length_for(total: u64) -> u32 {
    let mut piece_length = PIECE_LENGTH_MIN;
    while piece_length < PIECE_LENGTH_MAX && total.div_ceil(u64::from(piece_length)) > PIECES_AIM_MAX {
        piece_length *= 2;
    }
    piece_length
}

/// What is to be hashed, in order.
#[derive(Debug, Clone)]
pub struct Plan {
    paths: Arc<Paths>,
    executable: Vec<bool>,
    layout: Layout,
}

impl Plan {
    /// Orders the files and lays out the piece space. They are taken one by one, so that a million of them need never be there at once.
    pub fn new(
        files: impl IntoIterator<Item = Source>,
        options: &Options,
        limits: &Limits,
    ) -> Result<Self, CreateError> {
        let mut builder = PathsBuilder::default();
        let (mut lengths, mut executable) = (Vec::new(), Vec::new());
        let bad_path =
            |path: &[&[u8]]| CreateError::BadPath { path: String::from_utf8_lossy(&path.join(&b'/')).into_owned() };
        for file in files {
            let parts: Vec<&[u8]> = file.path.iter().map(Vec::as_slice).collect();
            if parts.contains(&&b""[..]) {
                return Err(bad_path(&parts));
            }
            builder.push(&parts).map_err(|_| bad_path(&parts))?;
            lengths.push(file.length);
            executable.push(file.executable);
        }
        let mut paths = builder.finish();
        if paths.is_empty() {
            return Err(CreateError::NoFiles);
        }
        if options.name.is_empty() {
            return Err(CreateError::NoName);
        }
        let mut order: Vec<u32> = (0..paths.len() as u32).collect();
        order.sort_by(|a, b| paths.compare(*a as usize, *b as usize));
        paths.reorder(&order);
        let alone = paths.len() == 1;
        let bad = |&file: &usize| {
            let twice = file > 0 && paths.compare(file - 1, file).is_eq();
            twice || (!alone && paths.name(file).is_empty())
        };
        if let Some(file) = (0..paths.len()).find(bad) {
            return Err(bad_path(&paths.parts(file)));
        }
        let total = lengths.iter().try_fold(0_u64, |sum, length| sum.checked_add(*length));
        let total = total.filter(|&total| total < limits.total).ok_or(CreateError::TooLarge { pieces: u64::MAX })?;
        let piece_length = options.piece_length.unwrap_or_else(|| piece_length_for(total));
        if !piece_length.is_power_of_two() || !(PIECE_LENGTH_MIN..=PIECE_LENGTH_MAX).contains(&piece_length) {
            return Err(CreateError::BadPieceLength { value: piece_length });
        }
        let pieces = total.div_ceil(u64::from(piece_length));
        if pieces > u64::from(limits.pieces) {
            return Err(CreateError::TooLarge { pieces });
        }
        let layout = Layout::new(piece_length, order.iter().map(|&at| (lengths[at as usize], false)));
        let executable = order.iter().map(|&at| executable[at as usize]).collect();
        Ok(Self { paths: Arc::new(paths), executable, layout })
    }

    /// The files' paths, in the order of the piece space.
    pub fn paths(&self) -> &Arc<Paths> {
        &self.paths
    }

    /// The map between pieces and files; its file indices are those of [`Plan::paths`].
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// The info dictionary's bytes, given each piece's SHA-1 in order. `options` are those of [`Plan::new`].
    pub fn info(&self, pieces: &[[u8; 20]], options: &Options) -> Result<Vec<u8>, CreateError> {
        if pieces.len() != self.layout.piece_count() as usize {
            return Err(CreateError::WrongPieceCount { expected: self.layout.piece_count(), found: pieces.len() });
        }
        let mut writer = Writer::new();
        writer.dict(|d| {
            if self.paths.len() == 1 && self.paths.name(0).is_empty() {
                self.attributes(d, 0);
            } else {
                d.key(b"files").list(|w| (0..self.paths.len()).for_each(|file| w.dict(|d| self.listed(d, file))));
            }
            d.key(b"name").bytes(&options.name);
            d.key(b"piece length").uint(u64::from(self.layout.piece_length()));
            d.key(b"pieces").bytes(pieces.as_flattened());
            if options.private {
                d.key(b"private").int(1);
            }
            if let Some(source) = &options.source {
                d.key(b"source").str(source);
            }
        });
        Ok(writer.into_bytes())
    }

    fn attributes(&self, d: &mut DictWriter<'_>, file: usize) {
        if self.executable.get(file) == Some(&true) {
            d.key(b"attr").str("x");
        }
        d.key(b"length").uint(self.layout.span(file).map_or(0, |span| span.end - span.start));
    }

    fn listed(&self, d: &mut DictWriter<'_>, file: usize) {
        self.attributes(d, file);
        d.key(b"path").list(|w| self.paths.parts(file).into_iter().for_each(|part| w.bytes(part)));
    }
}

/// A whole .torrent file around an info dictionary's bytes, which stay as they are.
pub fn torrent(info: &[u8], options: &Options) -> Vec<u8> {
    let mut writer = Writer::new();
    writer.dict(|d| {
        let mut trackers = options.trackers.iter().flatten();
        if let Some(first) = trackers.next() {
            d.key(b"announce").str(first);
            if trackers.next().is_some() {
                d.key(b"announce-list").list(|w| {
                    let tiers = options.trackers.iter().filter(|tier| !tier.is_empty());
                    tiers.for_each(|tier| w.list(|w| tier.iter().for_each(|tracker| w.str(tracker))));
                });
            }
        }
        if let Some(comment) = &options.comment {
            d.key(b"comment").str(comment);
        }
        if let Some(created_by) = &options.created_by {
            d.key(b"created by").str(created_by);
        }
        if let Some(creation_date) = options.creation_date {
            d.key(b"creation date").int(creation_date);
        }
        d.key(b"info").raw(info);
        if !options.web_seeds.is_empty() {
            d.key(b"url-list").list(|w| options.web_seeds.iter().for_each(|url| w.str(url)));
        }
    });
    writer.into_bytes()
}

impl fmt::Display for CreateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoFiles => f.write_str("there are no files to make a torrent of"),
            Self::NoName => f.write_str("a torrent needs a name"),
            Self::BadPath { path } => write!(f, "the path {path:?} is empty in part or given twice"),
            Self::BadPieceLength { value } => {
                write!(f, "a piece length of {value} bytes is not allowed; use a power of two from 16 KiB to 16 MiB")
            }
            Self::TooLarge { pieces: u64::MAX } => f.write_str("the content is too large for a torrent"),
            Self::TooLarge { pieces } => write!(f, "the content would have {pieces} pieces; use longer ones"),
            Self::WrongPieceCount { expected, found } => {
                write!(f, "{found} pieces were hashed where the content has {expected}; it has changed meanwhile")
            }
        }
    }
}

impl core::error::Error for CreateError {}
