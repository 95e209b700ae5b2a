//! The info dictionary between peers, in both directions (BEP 9).
//!
//! Nothing a peer says about it is believed before its hash is right: not the size, not a piece.
pub mod fetch;
pub mod serve;

pub use fetch::MetadataFetch;
pub use serve::MetadataServe;

/// The size of every piece of the info dictionary but the last (BEP 9), in bytes.
pub const METADATA_PIECE_LEN: u32 = 16 * 1024;
/// The longest info dictionary that is fetched, in bytes.
pub const METADATA_MAX: u32 = 16 * 1024 * 1024;

/// How many pieces an info dictionary of that size has.
pub const fn metadata_pieces(size: u32) -> u32 {
    size.div_ceil(METADATA_PIECE_LEN)
}

/// The length in bytes of one piece; `None` past the end.
pub const fn metadata_piece_len(size: u32, piece: u32) -> Option<u32> {
    let begin = piece as u64 * METADATA_PIECE_LEN as u64;
    if begin >= size as u64 {
        return None;
    }
    let rest = size - begin as u32;
    Some(if rest < METADATA_PIECE_LEN { rest } else { METADATA_PIECE_LEN })
}
