//! The info dictionary of version 1: `length` or `files`, and `pieces` (BEP 3, "info dictionary").

use alloc::vec::Vec;

use teem_bencode::Value;

use crate::error::Error;
use crate::files::RawFile;
use crate::limits::Limits;

/// Bytes of one piece's digest.
pub(crate) const HASH_LEN: usize = 20;

/// What version 1 says about content.
pub(crate) struct Content<'a> {
    pub(crate) single_file: bool,
    pub(crate) pieces: &'a [u8],
}

/// Reads the keys of version 1, and gives `each` file; none if there is not one of them.
pub(crate) fn read<'a>(
    info: Value<'_, 'a>,
    limits: &Limits,
    each: &mut dyn FnMut(RawFile<'a>) -> Result<(), Error>,
) -> Result<Option<Content<'a>>, Error> {
    let (length, list, pieces) = (info.get(b"length"), info.get(b"files"), info.get(b"pieces"));
    match (length, list) {
        (Some(_), Some(_)) => return Err(Error::BadFiles),
        (Some(_), None) => each(RawFile::read(info, Vec::new(), 0, limits)?)?,
        (None, Some(list)) => read_list(list, limits, each)?,
        (None, None) if pieces.is_none() => return Ok(None),
        (None, None) => return Err(Error::NoFiles),
    }
    let pieces = pieces.and_then(|v| v.as_bytes()).ok_or(Error::BadPieces { size: None })?;
    if pieces.len() % HASH_LEN != 0 {
        return Err(Error::BadPieces { size: Some(pieces.len()) });
    }
    Ok(Some(Content { single_file: length.is_some(), pieces }))
}

fn read_list<'a>(
    list: Value<'_, 'a>,
    limits: &Limits,
    each: &mut dyn FnMut(RawFile<'a>) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut none = true;
    for (index, dict) in list.list().ok_or(Error::BadFiles)?.enumerate() {
        // Some creators write names twice, the second time surely in UTF-8.
        let path = dict.get(b"path.utf-8").or_else(|| dict.get(b"path")).and_then(|v| v.list());
        let mut parts = Vec::new();
        for part in path.ok_or(Error::BadPath { file: index })? {
            if parts.len() == limits.path_depth {
                return Err(Error::PathTooDeep { file: index, limit: limits.path_depth });
            }
            parts.push(part.as_bytes().ok_or(Error::BadPath { file: index })?);
        }
        if parts.is_empty() {
            return Err(Error::BadPath { file: index });
        }
        each(RawFile::read(dict, parts, index, limits)?)?;
        none = false;
    }
    if none { Err(Error::NoFiles) } else { Ok(()) }
}
