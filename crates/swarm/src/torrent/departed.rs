//! When every block has left a publisher once, and what that took (own design): the cost of publishing in copies.
use crate::bitfield::Bitfield;
use crate::geometry::Geometry;
use teem_wire::peer::block::{BLOCK_LEN, BlockRef};

/// Contents with more blocks than this (256 GiB) are not followed: a bit for each would cost more than 2 MiB.
const BLOCKS_MAX: u64 = 1 << 24;

/// Which blocks have left.
#[derive(Clone, Default, Debug)]
pub(super) struct Departed {
    left: Option<Bitfield>,
    sent: u64,
}

impl Departed {
    /// Begins to count: the torrent is complete from the start, or published.
    pub(super) fn begin(&mut self, geometry: &Geometry) {
        if self.left.is_none() && (1..=BLOCKS_MAX).contains(&geometry.blocks()) {
            self.left = Some(Bitfield::new(geometry.blocks() as u32));
        }
    }

    /// A piece left in an earlier run.
    pub(super) fn left_before(&mut self, geometry: &Geometry, piece: u32) {
        let Some(left) = &mut self.left else { return };
        let first = piece * geometry.blocks_per_piece();
        (first..first + geometry.blocks_in(piece)).for_each(|block| {
            left.set(block);
        });
        self.sent += u64::from(geometry.piece_size(piece));
    }

    /// Payload sent until now, and the bytes of the pieces in `others` of which some block has not left; `None` when all have left
    /// or some piece is in neither.
    pub(super) fn with(&self, geometry: &Geometry, others: &Bitfield) -> Option<(u64, u64)> {
        let left = self.left.as_ref().filter(|l| !l.is_full())?;
        let mut elsewhere = 0;
        for piece in 0..geometry.pieces {
            let first = piece * geometry.blocks_per_piece();
            let whole = (first..first + geometry.blocks_in(piece)).all(|block| left.get(block));
            if !whole && !others.get(piece) {
                return None;
            }
            elsewhere += if whole { 0 } else { u64::from(geometry.piece_size(piece)) };
        }
        Some((self.sent, elsewhere))
    }

    /// A block goes out. Returns the payload sent until now when it was the last that had not.
    pub(super) fn mark(&mut self, geometry: &Geometry, at: BlockRef) -> Option<u64> {
        let left = self.left.as_mut().filter(|l| !l.is_full())?;
        self.sent += u64::from(at.len);
        let first = at.piece * geometry.blocks_per_piece();
        // Strangers may ask for other ranges than whole blocks: only a block that lies inside one of them has left.
        for index in at.begin.div_ceil(BLOCK_LEN)..geometry.blocks_in(at.piece) {
            let block = geometry.block(at.piece, index);
            if block.begin + block.len > at.begin + at.len {
                break;
            }
            left.set(first + index);
        }
        left.is_full().then_some(self.sent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn told_once_when_the_last_block_leaves() {
        let shape = Geometry { pieces: 2, piece_len: 20_000, total: 30_000 };
        let mut departed = Departed::default();
        assert_eq!(departed.mark(&shape, shape.block(0, 0)), None);
        departed.begin(&shape);
        assert_eq!(departed.mark(&shape, shape.block(0, 0)), None);
        assert_eq!(departed.mark(&shape, shape.block(0, 0)), None);
        assert_eq!(departed.mark(&shape, BlockRef { piece: 1, begin: 0, len: 9_999 }), None);
        assert_eq!(departed.mark(&shape, shape.block(0, 1)), None);
        assert_eq!(departed.mark(&shape, shape.block(1, 0)), Some(16_384 * 2 + 9_999 + 3_616 + 10_000));
        assert_eq!(departed.mark(&shape, shape.block(1, 0)), None);
    }
}
