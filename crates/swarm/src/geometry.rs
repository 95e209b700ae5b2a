//! The shape of a torrent's content: how many pieces and blocks, and how long each is (BEP 3).
use teem_metainfo::Info;
use teem_wire::peer::block::{BLOCK_LEN, BlockRef};

/// Pieces and blocks of one torrent. All but the last of each have the same length.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Geometry {
    /// Number of pieces; 0 while the metadata is missing.
    pub pieces: u32,
    /// Length of every piece but the last, in bytes.
    pub piece_len: u32,
    /// Length of everything, pads included, in bytes.
    pub total: u64,
}

impl Geometry {
    /// The shape of a validated torrent.
    pub fn of(info: &Info) -> Self {
        Self { pieces: info.piece_count(), piece_len: info.piece_length(), total: info.total() }
    }

    /// Length of a piece in bytes; 0 for one that there is not.
    pub fn piece_size(&self, piece: u32) -> u32 {
        let begin = u64::from(piece) * u64::from(self.piece_len);
        self.total.saturating_sub(begin).min(u64::from(self.piece_len)) as u32
    }

    /// Number of blocks in a piece.
    pub fn blocks_in(&self, piece: u32) -> u32 {
        self.piece_size(piece).div_ceil(BLOCK_LEN)
    }

    /// Number of blocks in every piece but the last.
    pub fn blocks_per_piece(&self) -> u32 {
        self.piece_len.div_ceil(BLOCK_LEN)
    }

    /// Number of blocks in all.
    pub fn blocks(&self) -> u64 {
        match self.pieces.checked_sub(1) {
            Some(last) => u64::from(last) * u64::from(self.blocks_per_piece()) + u64::from(self.blocks_in(last)),
            None => 0,
        }
    }

    /// The block with that number inside a piece.
    pub fn block(&self, piece: u32, index: u32) -> BlockRef {
        let begin = index * BLOCK_LEN;
        BlockRef { piece, begin, len: self.piece_size(piece).saturating_sub(begin).min(BLOCK_LEN) }
    }

    /// The number inside its piece of a block as we ask for it; `None` when it is none of ours (another offset or length).
    pub fn index_of(&self, at: BlockRef) -> Option<u32> {
        let index = at.begin / BLOCK_LEN;
        (at.piece < self.pieces && index < self.blocks_in(at.piece) && self.block(at.piece, index) == at)
            .then_some(index)
    }

    /// Whether a stranger's request lies inside one piece and asks for no more than a block (bad input, row 34).
    pub fn allows(&self, at: BlockRef) -> bool {
        let end = at.begin.checked_add(at.len);
        at.len > 0
            && at.len <= BLOCK_LEN
            && at.piece < self.pieces
            && end.is_some_and(|e| e <= self.piece_size(at.piece))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPE: Geometry = Geometry { pieces: 3, piece_len: 40_000, total: 90_001 };

    #[test]
    fn the_last_of_each_is_shorter() {
        assert_eq!([0, 1, 2, 3].map(|p| SHAPE.piece_size(p)), [40_000, 40_000, 10_001, 0]);
        assert_eq!([0, 2].map(|p| SHAPE.blocks_in(p)), [3, 1]);
        assert_eq!(SHAPE.blocks(), 7);
        assert_eq!(SHAPE.block(0, 2), BlockRef { piece: 0, begin: 32_768, len: 7_232 });
        assert_eq!(SHAPE.index_of(SHAPE.block(0, 2)), Some(2));
        assert_eq!(SHAPE.index_of(BlockRef { piece: 0, begin: 1, len: 16_384 }), None);
        assert_eq!(SHAPE.index_of(BlockRef { piece: 3, begin: 0, len: 16_384 }), None);
    }

    #[test]
    fn row_34_what_may_be_asked() {
        let at = |piece, begin, len| SHAPE.allows(BlockRef { piece, begin, len });
        assert!(at(0, 1, 16_384) && at(2, 10_000, 1));
        assert!(!at(3, 0, 1) && !at(2, 10_000, 2) && !at(0, 0, 0) && !at(0, 0, 16_385) && !at(0, u32::MAX, 2));
    }
}
