//! The one validator of info dictionaries (BEP 3, 27, 47, 52), whatever they came from: file, magnet link, URL or peer.
//!
//! Strictness: within the info dictionary a repeated key or a superfluous zero is refused, because two clients could read the same
//! hash as different content; unsorted keys are accepted, because the hash is taken over the bytes as they stand.

use alloc::{string::String, vec::Vec};
use core::ops::Range;

use teem_bencode::{Kind, Value, ViolationKind};

use crate::error::Error;
use crate::files::{Placer, Table};
use crate::layout::Layout;
use crate::limits::Limits;
use crate::path::sanitise;
use crate::{v1, v2};

/// What a valid info dictionary says.
pub(crate) struct Valid {
    pub(crate) name: String,
    /// The name as it stands, where it differs.
    pub(crate) original_name: Option<Vec<u8>>,
    pub(crate) layout: Layout,
    pub(crate) files: Table,
    pub(crate) single_file: bool,
    pub(crate) private: bool,
    pub(crate) source: Option<String>,
    pub(crate) has_v1: bool,
    pub(crate) has_v2: bool,
    /// Where the piece hashes of version 1 stand in the dictionary's bytes.
    pub(crate) pieces: Range<usize>,
    /// Whether some keys are not in order.
    pub(crate) unsorted: bool,
}

/// Reads and checks all that we use of an info dictionary.
pub(crate) fn validate(info: Value<'_, '_>, limits: &Limits) -> Result<Valid, Error> {
    if info.kind() != Kind::Dict {
        return Err(Error::NotADict);
    }
    if let Some(violation) = info.violations().find(|violation| violation.kind != ViolationKind::UnsortedKey) {
        return Err(Error::NotCanonical { at: violation.at - info.span().start, kind: violation.kind });
    }
    let raw_name = info.get(b"name.utf-8").or_else(|| info.get(b"name")).and_then(|v| v.as_bytes());
    let raw_name = raw_name.filter(|name| !name.is_empty()).ok_or(Error::BadName)?;
    let name = sanitise(raw_name, limits.component_bytes);

    let v2 = v2::read(info, raw_name, limits)?;
    let value = info.get(b"piece length").and_then(|v| v.as_int());
    let piece_length = value
        .and_then(|value| u32::try_from(value).ok())
        .filter(|&l| l > 0 && l <= limits.piece_length && (v2.is_none() || v2::piece_length_is_allowed(l)))
        .ok_or(Error::BadPieceLength { value });
    // Without a length of pieces the files are read all the same, so that what is said is what is wrong first.
    let placed_by = *piece_length.as_ref().unwrap_or(&1);

    let mut placer = Placer::new(&name, placed_by, limits);
    let mut merge = v2.as_ref().map(|v2| v2::Merge::new(v2, placed_by));
    let v1 = v1::read(info, limits, &mut |mut file| {
        if let Some(merge) = &mut merge {
            merge.file(&mut file, placer.len(), placer.offset())?;
        }
        placer.push(file)
    })?;
    let piece_length = piece_length?;
    let (has_v1, has_v2) = (v1.is_some(), v2.is_some());
    let (single_file, hashes) = if let Some(v1) = v1 {
        merge.map_or(Ok(()), |merge| merge.end(placer.len()))?;
        (v1.single_file, v1.pieces)
    } else {
        let v2 = v2.ok_or(Error::NoFiles)?;
        let single_file = v2.single_file;
        v2::pad(v2, piece_length).into_iter().try_for_each(|file| placer.push(file))?;
        (single_file, &[][..])
    };
    let (files, layout) = placer.finish()?;
    let total = layout.total();
    let count = total.div_ceil(u64::from(piece_length));
    if count > u64::from(limits.pieces) {
        return Err(Error::TooManyPieces { count, limit: limits.pieces });
    }
    let found = (hashes.len() / v1::HASH_LEN) as u64;
    if has_v1 && found != count {
        return Err(Error::WrongPieceCount { expected: count, found });
    }
    let pieces = info.get(b"pieces").filter(|_| has_v1).map_or(0..0, |value| {
        let end = value.span().end - info.span().start;
        end - hashes.len()..end
    });
    Ok(Valid {
        original_name: (name.as_bytes() != raw_name).then(|| raw_name.to_vec()),
        name,
        layout,
        files,
        single_file,
        private: info.get(b"private").and_then(|v| v.as_int()) == Some(1),
        source: info
            .get(b"source")
            .and_then(|v| v.as_bytes())
            .filter(|source| source.len() <= limits.text_bytes)
            .map(|source| String::from_utf8_lossy(source).into_owned()),
        has_v1,
        has_v2,
        pieces,
        unsorted: info.violations().next().is_some(),
    })
}
