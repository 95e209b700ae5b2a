//! Bytes and files behind piece numbers, for people's eyes (BEP 3; padding files of BEP 47 don't count).
use teem_metainfo::Info;

/// Bytes of content in a piece, pads left out.
pub(super) fn content_in(info: &Info, piece: u32) -> u64 {
    let extents = info.extents(piece, 0, info.piece_size(piece));
    extents.filter(|e| !e.pad).map(|e| u64::from(e.len)).sum()
}

/// The file that most of a piece lies in.
pub(super) fn file_of(info: &Info, piece: u32) -> Option<u32> {
    let extents = info.extents(piece, 0, info.piece_size(piece));
    extents.filter(|e| !e.pad).max_by_key(|e| e.len).map(|e| e.file as u32)
}
