//! The info dictionary of version 2: `file tree` (BEP 52), and how it agrees with version 1 in a hybrid.
//!
//! A folder is a dictionary of names; a file is one whose only key is the empty string. The walk keeps its own stack, which
//! bencode's limit of nesting bounds.

use alloc::{vec, vec::Vec};

use teem_bencode::Value;

use crate::error::Error;
use crate::files::RawFile;
use crate::layout::BLOCK_LEN;
use crate::limits::Limits;

/// Whether version 2 can have pieces of this length (BEP 52, "piece length").
pub(crate) fn piece_length_is_allowed(piece_length: u32) -> bool {
    piece_length >= BLOCK_LEN && piece_length.is_power_of_two()
}

/// What version 2 says about content: files in the tree's order, without padding.
pub(crate) struct Content<'a> {
    pub(crate) files: Vec<RawFile<'a>>,
    pub(crate) single_file: bool,
}

/// Reads `meta version` and `file tree`; none if this is not version 2.
pub(crate) fn read<'a>(info: Value<'_, 'a>, name: &[u8], limits: &Limits) -> Result<Option<Content<'a>>, Error> {
    let version = match info.get(b"meta version") {
        None => 1,
        Some(value) => match value.as_int() {
            Some(version @ (1 | 2)) => version,
            value => return Err(Error::BadMetaVersion { value }),
        },
    };
    let tree = match (info.get(b"file tree"), version) {
        (Some(tree), 2) => tree,
        (None, 2) => return Err(Error::NoFileTree),
        (Some(_), _) => return Err(Error::NoMetaVersion),
        (None, _) => return Ok(None),
    };
    let mut files = walk(tree, limits)?;
    let single_file = matches!(&files[..], [file] if file.path.len() == 1 && file.path[0] == name);
    if single_file {
        files[0].path.clear();
    }
    Ok(Some(Content { files, single_file }))
}

fn walk<'a>(tree: Value<'_, 'a>, limits: &Limits) -> Result<Vec<RawFile<'a>>, Error> {
    let mut files = Vec::new();
    let mut path: Vec<&[u8]> = Vec::new();
    let mut open = vec![tree.dict().ok_or(Error::BadFiles)?];
    while let Some(folder) = open.last_mut() {
        let Some((name, entry)) = folder.next() else {
            open.pop();
            path.pop();
            continue;
        };
        if name.is_empty() {
            // A file's dictionary stands in a folder or at the root.
            return Err(Error::BadFiles);
        }
        let index = files.len();
        let mut entries = entry.dict().ok_or(Error::BadFiles)?.peekable();
        path.push(name);
        if let Some((b"", file)) = entries.peek() {
            let file = *file;
            if entries.count() > 1 || file.dict().is_none() {
                return Err(Error::BadFiles);
            }
            files.push(read_file(file, path.clone(), index, limits)?);
            path.pop();
        } else {
            open.push(entry.dict().ok_or(Error::BadFiles)?);
        }
    }
    if files.is_empty() {
        return Err(Error::NoFiles);
    }
    Ok(files)
}

fn read_file<'a>(
    dict: Value<'_, 'a>,
    path: Vec<&'a [u8]>,
    index: usize,
    limits: &Limits,
) -> Result<RawFile<'a>, Error> {
    let mut file = RawFile::read(dict, path, index, limits)?;
    if file.pad {
        return Err(Error::BadPadFile { file: index });
    }
    if file.length > 0 {
        let root = dict.get(b"pieces root").and_then(|v| v.as_bytes()).and_then(|root| root.try_into().ok());
        file.pieces_root = Some(root.ok_or(Error::MissingPiecesRoot { file: index })?);
    }
    Ok(file)
}

/// Puts padding behind each file that does not end with a piece, so that the piece space is that of a hybrid.
pub(crate) fn pad(content: Content<'_>, piece_length: u32) -> Vec<RawFile<'_>> {
    if content.single_file {
        return content.files;
    }
    let mut padded = Vec::with_capacity(content.files.len());
    for file in content.files {
        let rest = file.length.next_multiple_of(u64::from(piece_length)) - file.length;
        padded.push(file);
        if rest > 0 {
            padded.push(RawFile { path: vec![b".pad"], length: rest, pad: true, ..RawFile::default() });
        }
    }
    padded
}

/// Checks that both versions of a hybrid name the same files, and takes the roots over into those of version 1.
pub(crate) struct Merge<'v, 'a> {
    theirs: core::slice::Iter<'v, RawFile<'a>>,
    piece_length: u32,
}

impl<'v, 'a> Merge<'v, 'a> {
    pub(crate) fn new(v2: &'v Content<'a>, piece_length: u32) -> Self {
        Self { theirs: v2.files.iter(), piece_length }
    }

    /// The next file of version 1, which begins at `offset`.
    pub(crate) fn file(&mut self, file: &mut RawFile<'_>, index: usize, offset: u64) -> Result<(), Error> {
        if file.pad {
            return Ok(());
        }
        let other = self.theirs.next().ok_or(Error::V1V2Mismatch { file: index })?;
        if (&file.path, file.length) != (&other.path, other.length) {
            return Err(Error::V1V2Mismatch { file: index });
        }
        if file.length > 0 && !offset.is_multiple_of(u64::from(self.piece_length)) {
            return Err(Error::BadPadFile { file: index });
        }
        file.pieces_root = other.pieces_root;
        Ok(())
    }

    /// Whether version 2 has no more than the `count` files that version 1 had.
    pub(crate) fn end(mut self, count: usize) -> Result<(), Error> {
        if self.theirs.next().is_some() { Err(Error::V1V2Mismatch { file: count }) } else { Ok(()) }
    }
}
