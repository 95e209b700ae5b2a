//! Where a block lies: piece, offset and length, as REQUEST, PIECE, CANCEL and REJECT carry it (BEP 3, 6).

/// The size in bytes of every block but a piece's last: the unit of requests (BEP 3).
pub const BLOCK_LEN: u32 = 16 * 1024;

/// A range of bytes inside one piece.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct BlockRef {
    /// Index of the piece, from 0.
    pub piece: u32,
    /// Offset of the first byte inside the piece.
    pub begin: u32,
    /// Length in bytes; at most [`BLOCK_LEN`] in what we send and answer.
    pub len: u32,
}
