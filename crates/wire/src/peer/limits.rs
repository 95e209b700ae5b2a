//! What a peer may make us hold: the largest frame of each kind, in bytes without the length prefix (BEP 3).
//!
//! A frame over its limit is refused when its header has come, before any of it is held.
use super::block::BLOCK_LEN;

/// Bounds of one connection's decoder.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Any frame at all: refused as soon as the length prefix is read.
    pub frame: u32,
    /// Payload of BITFIELD.
    pub bitfield: u32,
    /// Data of a PIECE.
    pub block: u32,
    /// Bencoded bytes of the extension handshake.
    pub extended_handshake: u32,
    /// A `ut_metadata` message, dictionary and data together.
    pub metadata: u32,
    /// A `ut_pex` message.
    pub pex: u32,
    /// A frame that we do not understand and skip.
    pub unknown: u32,
}

impl Limits {
    /// What connections use. 1 MiB for any frame; a bit for each of 2,097,152 pieces; a block of 16 KiB; 256 KiB for the
    /// extension handshake and for what is skipped; 17 KiB for metadata, which is a piece of 16 KiB and a small dictionary; 32 KiB
    /// for peers named, which is 1,700 of IPv6 at once.
    pub const PEER: Self = Self {
        frame: 1 << 20,
        bitfield: 2_097_152 / 8,
        block: BLOCK_LEN,
        extended_handshake: 256 << 10,
        metadata: 17 << 10,
        pex: 32 << 10,
        unknown: 256 << 10,
    };
}

impl Default for Limits {
    fn default() -> Self {
        Self::PEER
    }
}
