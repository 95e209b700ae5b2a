//! The payload of the simulation (own design): what a block would be, instead of its 16 KiB.
//!
//! The engine passes blocks through as an opaque `B`; here that is eight bytes that say which block it is and whether
//! its content is right. Storage verifies a piece by looking at them, so nothing is hashed and nothing is stored.
use teem_swarm::job::BlockDigest;
use teem_wire::peer::block::{BLOCK_LEN, BlockRef};

/// One block as the simulation carries it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SimBlock {
    /// The piece it was read from.
    pub piece: u32,
    /// Its index inside the piece.
    pub block: u16,
    /// Whether its content is right.
    pub good: bool,
}

impl SimBlock {
    /// The right content of that range.
    pub fn right(at: BlockRef) -> Self {
        Self { piece: at.piece, block: (at.begin / BLOCK_LEN) as u16, good: true }
    }

    /// Wrong content for that range.
    pub fn wrong(at: BlockRef) -> Self {
        Self { good: false, ..Self::right(at) }
    }

    /// Whether this is the right content of that range.
    pub(crate) fn fits(self, at: BlockRef) -> bool {
        self.good && at.begin.is_multiple_of(BLOCK_LEN) && self == Self::right(at)
    }

    /// What stands for the hash of its content: equal exactly when the content is.
    pub(crate) fn digest(self) -> BlockDigest {
        let mut bytes = [0; 16];
        bytes[..4].copy_from_slice(&self.piece.to_le_bytes());
        bytes[4..6].copy_from_slice(&self.block.to_le_bytes());
        bytes[6] = u8::from(self.good);
        BlockDigest(bytes)
    }
}
