//! A valid info dictionary (BEP 3, 52): what a torrent is, independent of how it was found.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::ops::Range;

use crate::error::Error;
use crate::files::{File, Files};
use crate::info_hash::{InfoHash, InfoHashV2};
use crate::key::TorrentKey;
use crate::layout::{Extent, Layout};
use crate::limits::Limits;
use crate::merkle::{self, Subtree};
use crate::path::is_native;
use crate::piece_hash::PieceHash;
use crate::validate::{Valid, validate};

/// Which specification's keys an info dictionary has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// Version 1 alone (BEP 3).
    V1,
    /// Version 2 alone (BEP 52).
    V2,
    /// Both, naming the same content; used as version 1.
    Hybrid,
}

/// A valid info dictionary with the bytes it was read from. Share it behind an `Arc`.
pub struct Info {
    raw: Vec<u8>,
    key: TorrentKey,
    /// Bytes of content, and how many files hold it: without padding.
    content: (u64, usize),
    valid: Valid,
    layers: BTreeMap<merkle::Hash, Vec<u8>>,
}

impl Info {
    /// Validates an info dictionary. `raw` is all of it and nothing else; its hashes are taken over these bytes.
    pub fn parse(raw: &[u8], limits: &Limits) -> Result<Self, Error> {
        // What was parsed is gone before the bytes are copied.
        let valid = validate(teem_bencode::parse(raw, &limits.bencode)?.root(), limits)?;
        Ok(Self::of(raw.to_vec(), valid))
    }

    /// The same of bytes that need no copy.
    pub fn of_bytes(raw: Vec<u8>, limits: &Limits) -> Result<Self, Error> {
        let valid = validate(teem_bencode::parse(&raw, &limits.bencode)?.root(), limits)?;
        Ok(Self::of(raw, valid))
    }

    /// From what was read of `raw`.
    pub(crate) fn of(raw: Vec<u8>, valid: Valid) -> Self {
        let v1 = || InfoHash::of(&raw);
        let key = match (valid.has_v1, valid.has_v2) {
            (_, false) => TorrentKey::V1(v1()),
            (false, true) => TorrentKey::V2(InfoHashV2::of(&raw)),
            (true, true) => TorrentKey::Hybrid(v1(), InfoHashV2::of(&raw)),
        };
        let stored = Files::new(&valid.files, &valid.layout).iter().filter(|file| !file.pad);
        let content = stored.fold((0, 0), |(bytes, files), file| (bytes + file.length, files + 1));
        Self { raw, key, content, valid, layers: BTreeMap::new() }
    }

    /// The bytes as they stood.
    pub fn raw(&self) -> &[u8] {
        &self.raw
    }

    /// The digests of `raw`, one for each version it has.
    pub fn key(&self) -> TorrentKey {
        self.key
    }

    /// Which versions the dictionary has.
    pub fn version(&self) -> Version {
        match self.key {
            TorrentKey::V1(_) => Version::V1,
            TorrentKey::V2(_) => Version::V2,
            TorrentKey::Hybrid(..) => Version::Hybrid,
        }
    }

    /// The name of the file or folder, safe on every system.
    pub fn name(&self) -> &str {
        &self.valid.name
    }

    /// The name as the torrent has it, if it can name a file here: content made elsewhere is found under it.
    pub fn native_name(&self) -> Option<&[u8]> {
        let name = self.valid.original_name.as_deref().unwrap_or(self.valid.name.as_bytes());
        is_native(name).then_some(name)
    }

    /// Bytes of a piece other than the last.
    pub fn piece_length(&self) -> u32 {
        self.valid.layout.piece_length()
    }

    /// Number of pieces; none if there is no content.
    pub fn piece_count(&self) -> u32 {
        self.valid.layout.piece_count()
    }

    /// Bytes of a piece; 0 if there is no such piece.
    pub fn piece_size(&self, piece: u32) -> u32 {
        self.valid.layout.piece_size(piece)
    }

    /// Bytes of the piece space, padding included.
    pub fn total(&self) -> u64 {
        self.valid.layout.total()
    }

    /// Bytes of content, without padding.
    pub fn content_size(&self) -> u64 {
        self.content.0
    }

    /// Number of files without padding.
    pub fn content_files(&self) -> usize {
        self.content.1
    }

    /// What a piece is held against: SHA-1 wherever there is version 1, else the file's tree. None if there is no such piece, or while the
    /// layer of its file is not known ([`Self::layers`]).
    pub fn piece_hash(&self, piece: u32) -> Option<PieceHash> {
        if self.key.v1().is_some() {
            let (hashes, _) = self.raw[self.valid.pieces.clone()].as_chunks();
            return hashes.get(piece as usize).copied().map(PieceHash::Sha1);
        }
        // A file begins with a piece, so a piece has bytes of one file only, and padding.
        let extent = self.extents(piece, 0, self.piece_size(piece)).find(|extent| !extent.pad)?;
        let file = self.files().get(extent.file)?;
        let root = *file.pieces_root()?;
        let whole = self.piece_length();
        if file.length <= u64::from(whole) {
            return Some(PieceHash::Merkle(Subtree::of_file(root, extent.len)));
        }
        let index = usize::try_from(extent.offset / u64::from(whole)).ok()?;
        let node = self.layers.get(&root)?.as_chunks().0.get(index)?;
        Some(PieceHash::Merkle(Subtree::of_piece(*node, extent.len, whole)))
    }

    /// The piece layers that are known, by the root of their file: each the pieces' hashes end to end (BEP 52, "piece layers").
    pub fn layers(&self) -> &BTreeMap<merkle::Hash, Vec<u8>> {
        &self.layers
    }

    /// With these layers, which lead to their roots.
    pub(crate) fn with_layers(self, layers: BTreeMap<merkle::Hash, Vec<u8>>) -> Self {
        Self { layers, ..self }
    }

    /// The files in the order of the piece space, padding included; not empty.
    pub fn files(&self) -> Files<'_> {
        Files::new(&self.valid.files, &self.valid.layout)
    }

    /// Whether the torrent is one file called `name`, not a folder.
    pub fn is_single_file(&self) -> bool {
        self.valid.single_file
    }

    /// The safe path of a file with the torrent's name in front.
    pub fn full_path<'a>(&'a self, file: &File<'a>) -> impl Iterator<Item = &'a str> + use<'a> {
        core::iter::once(self.name()).chain(file.parts())
    }

    /// Whether peers may come from the torrent's own trackers only (BEP 27).
    pub fn is_private(&self) -> bool {
        self.valid.private
    }

    /// The tag that some trackers ask for so that their torrents have a hash of their own.
    pub fn source(&self) -> Option<&str> {
        self.valid.source.as_deref()
    }

    /// The map between pieces and files.
    pub fn layout(&self) -> &Layout {
        &self.valid.layout
    }

    /// The parts of files that a range of a piece covers, as [`Layout::extents`] gives them.
    pub fn extents(&self, piece: u32, begin: u32, len: u32) -> impl Iterator<Item = Extent> + use<'_> {
        self.valid.layout.extents(piece, begin, len)
    }

    /// The pieces that have bytes of a file, as [`Layout::pieces_of_file`] gives them.
    pub fn pieces_of_file(&self, file: usize) -> Range<u32> {
        self.valid.layout.pieces_of_file(file)
    }
}

impl core::fmt::Debug for Info {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Info").field("key", &self.key).field("name", &self.name()).finish_non_exhaustive()
    }
}
