//! The files of a torrent: safe paths, places in the piece space, attributes (BEP 47).

use alloc::{string::String, vec::Vec};

use teem_bencode::Value;

use crate::collide;
use crate::error::Error;
use crate::limits::Limits;
use crate::path::{is_native, sanitise};

/// What BitComet and others call padding instead of using an attribute.
const PADDING_NAME: &[u8] = b"_____padding_file_";

/// One file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Safe parts below the torrent's name; empty if the torrent is a single file, which then has the torrent's name.
    pub path: Vec<String>,
    /// The parts as they stand in the torrent, where they differ from `path`.
    pub original: Option<Vec<Vec<u8>>>,
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
    /// The target of a symbolic link, safe parts below the torrent's name. Links are recorded, not created.
    pub symlink: Option<Vec<String>>,
    /// Root of the file's Merkle tree (BEP 52).
    pub pieces_root: Option<[u8; 32]>,
}

impl File {
    /// The parts as the torrent has them, if they can name a file here without leaving the folder (see
    /// [`path::is_native`](crate::path::is_native)). Content made elsewhere is found under these; what is downloaded goes to `path`.
    pub fn native_parts(&self) -> Option<Vec<&[u8]>> {
        let parts: Vec<&[u8]> = match &self.original {
            Some(original) => original.iter().map(Vec::as_slice).collect(),
            None => self.path.iter().map(String::as_bytes).collect(),
        };
        parts.iter().all(|part| is_native(part)).then_some(parts)
    }

    /// [`File::native_parts`], if they are text.
    pub fn native_path(&self) -> Option<Vec<String>> {
        let text = |part: &[u8]| String::from_utf8(part.to_vec()).ok();
        self.native_parts()?.into_iter().map(text).collect()
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

/// Gives raw files safe, distinct paths and their offsets. Returns the sum of lengths too.
pub(crate) fn place(raw: Vec<RawFile<'_>>, name: &str, limits: &Limits) -> Result<(Vec<File>, u64), Error> {
    let mut total = 0_u64;
    let mut files = Vec::with_capacity(raw.len());
    for (index, raw) in raw.into_iter().enumerate() {
        if raw.path.len() > limits.path_depth {
            return Err(Error::PathTooDeep { file: index, limit: limits.path_depth });
        }
        let safe = |parts: &[&[u8]]| -> Vec<String> {
            parts.iter().map(|part| sanitise(part, limits.component_bytes)).collect()
        };
        let path = safe(&raw.path);
        if name.len() + path.iter().map(|part| part.len() + 1).sum::<usize>() > limits.path_bytes {
            return Err(Error::BadPath { file: index });
        }
        let same = path.iter().map(String::as_bytes).eq(raw.path.iter().copied());
        files.push(File {
            original: (!same).then(|| raw.path.iter().map(|part| part.to_vec()).collect()),
            path,
            length: raw.length,
            offset: total,
            pad: raw.pad,
            executable: raw.executable,
            hidden: raw.hidden,
            symlink: raw.symlink.as_deref().map(safe),
            pieces_root: raw.pieces_root,
        });
        total = total.checked_add(raw.length).filter(|&t| t < limits.total).ok_or(Error::BadLength { file: index })?;
    }
    let before: Vec<_> = files.iter().map(|file| file.path.last().cloned()).collect();
    collide::resolve(files.iter_mut().filter(|file| !file.pad).map(|file| &mut file.path), limits)?;
    for (file, before) in files.iter_mut().zip(before) {
        if file.original.is_none() && file.path.last() != before.as_ref() {
            let parents = &file.path[..file.path.len() - 1];
            file.original = Some(parents.iter().chain(&before).map(|part| part.clone().into_bytes()).collect());
        }
    }
    Ok((files, total))
}
