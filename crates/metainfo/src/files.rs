//! The files of a torrent: safe paths, places in the piece space, attributes (BEP 47).
//!
//! There may be millions, so they are kept as columns: paths together, lengths as sums, a byte of attributes; what few files
//! have stands apart.

use alloc::{collections::BTreeMap, string::String, vec::Vec};

use teem_bencode::Value;

use crate::collide;
use crate::error::Error;
use crate::layout::Layout;
use crate::limits::Limits;
use crate::path::{is_native, sanitise};
use crate::paths::{Paths, PathsBuilder};

/// What BitComet and others call padding instead of using an attribute.
const PADDING_NAME: &[u8] = b"_____padding_file_";

const PAD: u8 = 1;
const EXECUTABLE: u8 = 2;
const HIDDEN: u8 = 4;

/// All files of a torrent, in the order of the piece space; a view, cheap to copy.
#[derive(Debug, Clone, Copy)]
pub struct Files<'a> {
    table: &'a Table,
    layout: &'a Layout,
}

/// One file; a view, cheap to copy.
#[derive(Debug, Clone, Copy)]
pub struct File<'a> {
    table: &'a Table,
    index: usize,
    /// In bytes; 0 for a symbolic link.
    pub length: u64,
    /// Where it begins in the piece space, in bytes.
    pub offset: u64,
    /// Zeros that only align what follows: never stored.
    pub pad: bool,
    /// To be made executable.
    pub executable: bool,
    /// To be hidden.
    pub hidden: bool,
}

/// What [`Files`] looks at.
#[derive(Debug, Default)]
pub(crate) struct Table {
    /// Paths that may be used on disk as they are.
    paths: Paths,
    attributes: Vec<u8>,
    /// The files whose path in the torrent is another one, ascending, and those paths.
    renamed: Vec<u32>,
    originals: Paths,
    symlinks: BTreeMap<u32, Vec<String>>,
    /// Of the Merkle trees (BEP 52), by ascending files.
    roots: Vec<(u32, [u8; 32])>,
}

impl<'a> Files<'a> {
    pub(crate) fn new(table: &'a Table, layout: &'a Layout) -> Self {
        Self { table, layout }
    }

    /// How many; never 0.
    #[allow(clippy::len_without_is_empty)] // A torrent without files is refused.
    pub fn len(&self) -> usize {
        self.table.attributes.len()
    }

    /// A file by its index.
    pub fn get(&self, index: usize) -> Option<File<'a>> {
        let attributes = *self.table.attributes.get(index)?;
        let span = self.layout.span(index)?;
        let has = |bit| attributes & bit != 0;
        Some(File {
            table: self.table,
            index,
            length: span.end - span.start,
            offset: span.start,
            pad: has(PAD),
            executable: has(EXECUTABLE),
            hidden: has(HIDDEN),
        })
    }

    /// All of them.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = File<'a>> + Clone + use<'a> {
        let files = *self;
        (0..self.len()).filter_map(move |index| files.get(index))
    }
}

impl<'a> File<'a> {
    /// Safe parts below the torrent's name; none if the torrent is a single file, which then has the torrent's name.
    pub fn parts(&self) -> Vec<&'a str> {
        let parts = self.table.paths.parts(self.index).into_iter();
        parts.map(|part| core::str::from_utf8(part).unwrap_or_default()).collect()
    }

    /// [`File::parts`], joined by slashes.
    pub fn path(&self) -> String {
        let mut path = Vec::new();
        self.table.paths.join(self.index, &mut path);
        String::from_utf8(path).unwrap_or_default()
    }

    /// The parts as they stand in the torrent, where they differ.
    pub fn original(&self) -> Option<Vec<&'a [u8]>> {
        let index = u32::try_from(self.index).ok()?;
        let at = self.table.renamed.binary_search(&index).ok()?;
        Some(self.table.originals.parts(at))
    }

    /// The parts as the torrent has them, if they can name a file here without leaving the folder (see
    /// `path::is_native`). Content made elsewhere is found under these; what is downloaded goes to the safe path.
    pub fn native_parts(&self) -> Option<Vec<&'a [u8]>> {
        let parts = self.original().unwrap_or_else(|| self.table.paths.parts(self.index));
        parts.iter().all(|part| is_native(part)).then_some(parts)
    }

    /// [`File::native_parts`], if they are text.
    pub fn native_path(&self) -> Option<Vec<&'a str>> {
        self.native_parts()?.into_iter().map(|part| core::str::from_utf8(part).ok()).collect()
    }

    /// The target of a symbolic link, safe parts below the torrent's name. Links are recorded, not created.
    pub fn symlink(&self) -> Option<&'a [String]> {
        self.table.symlinks.get(&u32::try_from(self.index).ok()?).map(Vec::as_slice)
    }

    /// Root of the file's Merkle tree (BEP 52).
    pub fn pieces_root(&self) -> Option<&'a [u8; 32]> {
        let index = u32::try_from(self.index).ok()?;
        let at = self.table.roots.binary_search_by_key(&index, |(file, _)| *file).ok()?;
        self.table.roots.get(at).map(|(_, root)| root)
    }

    /// Whether it has a place on a disk: neither padding nor a symbolic link.
    pub fn is_stored(&self) -> bool {
        !self.pad && (self.table.symlinks.is_empty() || self.symlink().is_none())
    }
}

/// A file as the info dictionary has it.
#[derive(Debug, Clone, Default)]
pub(crate) struct RawFile<'a> {
    pub(crate) path: Vec<&'a [u8]>,
    pub(crate) length: u64,
    pub(crate) pad: bool,
    pub(crate) executable: bool,
    pub(crate) hidden: bool,
    pub(crate) symlink: Option<Vec<&'a [u8]>>,
    pub(crate) pieces_root: Option<[u8; 32]>,
}

impl<'a> RawFile<'a> {
    /// Length and attributes out of a file's dictionary. `index` is for errors.
    pub(crate) fn read(dict: Value<'_, 'a>, path: Vec<&'a [u8]>, index: usize, limits: &Limits) -> Result<Self, Error> {
        let length = dict.get(b"length").and_then(|v| v.as_uint()).filter(|&length| length < limits.total);
        let mut file = RawFile { path, length: length.ok_or(Error::BadLength { file: index })?, ..RawFile::default() };
        for attribute in dict.get(b"attr").and_then(|v| v.as_bytes()).unwrap_or_default() {
            match attribute {
                b'p' => file.pad = true,
                b'x' => file.executable = true,
                b'h' => file.hidden = true,
                b'l' => file.symlink = Some(Vec::new()),
                _ => {}
            }
        }
        if file.symlink.is_some() {
            // A link has no content of its own (BEP 47).
            file.length = 0;
            file.symlink = dict
                .get(b"symlink path")
                .and_then(|v| v.list())
                .map(|parts| parts.filter_map(|part| part.as_bytes()).take(limits.path_depth).collect())
                .or(file.symlink);
        }
        file.pad |= file.path.last().is_some_and(|name| name.starts_with(PADDING_NAME));
        Ok(file)
    }
}

/// Gives raw files safe, distinct paths and their offsets, one after the other.
pub(crate) struct Placer<'a, 'l> {
    limits: &'l Limits,
    /// Bytes of the torrent's name.
    name: usize,
    table: Table,
    paths: PathsBuilder,
    originals: PathsBuilder,
    layout: Layout,
    /// The folders of the file before: as they stand, their number, their bytes, and whether they stand as they are safe.
    last: Option<(Vec<&'a [u8]>, u32, usize, bool)>,
}

impl<'a, 'l> Placer<'a, 'l> {
    pub(crate) fn new(name: &str, piece_length: u32, limits: &'l Limits) -> Self {
        Self {
            limits,
            name: name.len(),
            table: Table::default(),
            paths: PathsBuilder::default(),
            originals: PathsBuilder::default(),
            layout: Layout::new(piece_length, []),
            last: None,
        }
    }

    /// How many so far.
    pub(crate) fn len(&self) -> usize {
        self.table.attributes.len()
    }

    /// Where the next one begins.
    pub(crate) fn offset(&self) -> u64 {
        self.layout.total()
    }

    pub(crate) fn push(&mut self, raw: RawFile<'a>) -> Result<(), Error> {
        let (index, limits) = (self.len(), self.limits);
        if raw.path.len() > limits.path_depth {
            return Err(Error::PathTooDeep { file: index, limit: limits.path_depth });
        }
        let bad = |_| Error::BadPath { file: index };
        let total = self.layout.total().checked_add(raw.length).filter(|&total| total < limits.total);
        total.ok_or(Error::BadLength { file: index })?;
        if let Some((name, folders)) = raw.path.split_last() {
            let (folder, bytes, same) = self.folder(folders).map_err(bad)?;
            let safe = sanitise(name, limits.component_bytes);
            if self.name + bytes + safe.len() + 1 > limits.path_bytes {
                return Err(Error::BadPath { file: index });
            }
            self.paths.push_in(folder, safe.as_bytes()).map_err(bad)?;
            if !same || safe.as_bytes() != *name {
                self.originals.push(&raw.path).map_err(bad)?;
                self.table.renamed.push(index as u32);
            }
        } else {
            self.paths.push(&[]).map_err(bad)?;
        }
        self.layout.push(raw.length, raw.pad);
        let bit = |is: bool, bit: u8| if is { bit } else { 0 };
        self.table.attributes.push(bit(raw.pad, PAD) | bit(raw.executable, EXECUTABLE) | bit(raw.hidden, HIDDEN));
        if let Some(target) = raw.symlink {
            let target = target.iter().map(|part| sanitise(part, limits.component_bytes)).collect();
            self.table.symlinks.insert(index as u32, target);
        }
        if let Some(root) = raw.pieces_root {
            self.table.roots.push((index as u32, root));
        }
        Ok(())
    }

    /// A folder's number, its bytes with a slash behind each part, and whether it stands in the torrent as it is safe.
    fn folder(&mut self, parts: &[&'a [u8]]) -> Result<(u32, usize, bool), crate::paths::TooLong> {
        if let Some((last, folder, bytes, same)) = &self.last
            && last == parts
        {
            return Ok((*folder, *bytes, *same));
        }
        let safe: Vec<String> = parts.iter().map(|part| sanitise(part, self.limits.component_bytes)).collect();
        let bytes = safe.iter().map(|part| part.len() + 1).sum();
        let same = safe.iter().map(String::as_bytes).eq(parts.iter().copied());
        let folder = self.paths.enter(&safe.iter().map(String::as_bytes).collect::<Vec<_>>())?;
        self.last = Some((parts.to_vec(), folder, bytes, same));
        Ok((folder, bytes, same))
    }

    /// All files, and where they lie.
    pub(crate) fn finish(self) -> Result<(Table, Layout), Error> {
        let Self { mut table, paths, originals, layout, limits, .. } = self;
        (table.paths, table.originals) = (paths.finish(), originals.finish());
        let attributes = &table.attributes;
        let renamed = collide::resolve(&mut table.paths, |file| attributes[file] & PAD != 0, limits)?;
        table.also_renamed(renamed)?;
        Ok((table, layout))
    }
}

impl Table {
    /// Those files had other names. They are few.
    fn also_renamed(&mut self, renamed: Vec<(usize, Vec<u8>)>) -> Result<(), Error> {
        let mut all: BTreeMap<u32, Vec<Vec<u8>>> = BTreeMap::new();
        for (file, name) in renamed {
            if self.renamed.binary_search(&(file as u32)).is_err() {
                let mut parts: Vec<Vec<u8>> = self.paths.parts(file).into_iter().map(<[u8]>::to_vec).collect();
                parts.pop();
                parts.push(name);
                all.insert(file as u32, parts);
            }
        }
        if all.is_empty() {
            return Ok(());
        }
        for (at, file) in self.renamed.iter().enumerate() {
            all.insert(*file, self.originals.parts(at).into_iter().map(<[u8]>::to_vec).collect());
        }
        let mut originals = PathsBuilder::default();
        for (file, parts) in &all {
            let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
            originals.push(&parts).map_err(|_| Error::BadPath { file: *file as usize })?;
        }
        (self.renamed, self.originals) = (all.into_keys().collect(), originals.finish());
        Ok(())
    }
}
