//! The content that a world spreads (own design; BEP 3): a real info dictionary whose hashes are made up.
//!
//! The dictionary is valid and has the real info-hash, so that it can be fetched from peers (BEP 9). The pieces' hashes
//! in it are never compared with anything: a simulated piece is right when all its blocks are.
use std::sync::Arc;
use teem_metainfo::{Info, InfoHash, Limits};
use teem_swarm::rng::Rng;
use teem_wire::peer::block::{BLOCK_LEN, BlockRef};

/// What all peers of a world want or have.
#[derive(Clone, Debug)]
pub struct Content {
    info: Arc<Info>,
    info_hash: InfoHash,
}

impl Content {
    /// Content of that many pieces of `piece_len` bytes, the last of them short by `short` bytes.
    ///
    /// # Panics
    /// When a torrent cannot have such pieces.
    pub fn new(pieces: u32, piece_len: u32, short: u32, rng: &mut Rng) -> Self {
        let length = u64::from(pieces) * u64::from(piece_len) - u64::from(short);
        let mut hashes = vec![0; pieces as usize * 20];
        rng.fill(&mut hashes);
        let mut raw =
            format!("d6:lengthi{length}e4:name9:simulated12:piece lengthi{piece_len}e6:pieces{}:", hashes.len())
                .into_bytes();
        raw.extend_from_slice(&hashes);
        raw.push(b'e');
        // INVARIANT: the dictionary above is well formed; scenarios choose sizes that a torrent can have.
        let info = Info::parse(&raw, &Limits::FILE).expect("a scenario's content is a valid torrent");
        Self { info_hash: InfoHash::of(&raw), info: Arc::new(info) }
    }

    /// The content that an info dictionary describes.
    pub fn of(info: Arc<Info>) -> Self {
        Self { info_hash: info.key().wire(), info }
    }

    /// The metadata that a peer with a .torrent file begins with.
    pub fn info(&self) -> &Arc<Info> {
        &self.info
    }

    /// The info-hash by which peers and the tracker know it.
    pub fn info_hash(&self) -> InfoHash {
        self.info_hash
    }

    /// Number of pieces.
    pub fn pieces(&self) -> u32 {
        self.info.piece_count()
    }

    /// Size in bytes.
    pub fn total(&self) -> u64 {
        self.info.total()
    }

    /// Number of blocks in a piece.
    pub fn blocks(&self, piece: u32) -> u32 {
        self.info.piece_size(piece).div_ceil(BLOCK_LEN)
    }

    /// Number of blocks of a piece other than the last.
    pub(crate) fn blocks_max(&self) -> u32 {
        self.info.piece_length().div_ceil(BLOCK_LEN)
    }

    /// Where a block lies.
    pub fn block(&self, piece: u32, block: u32) -> BlockRef {
        let begin = block * BLOCK_LEN;
        BlockRef { piece, begin, len: BLOCK_LEN.min(self.info.piece_size(piece).saturating_sub(begin)) }
    }

    /// Whether that range is exactly one block of the content.
    pub(crate) fn is_block(&self, at: BlockRef) -> bool {
        at.piece < self.pieces() && at.len > 0 && self.block(at.piece, at.begin / BLOCK_LEN) == at
    }

    /// A bitfield with all bits set (BEP 3).
    pub(crate) fn full_bitfield(&self) -> Vec<u8> {
        let pieces = self.pieces() as usize;
        let mut bits = vec![0xFF; pieces.div_ceil(8)];
        if let (Some(last), spare @ 1..) = (bits.last_mut(), bits_spare(pieces)) {
            *last <<= spare;
        }
        bits
    }
}

fn bits_spare(pieces: usize) -> usize {
    pieces.next_multiple_of(8) - pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_cover_the_content_exactly() {
        let content = Content::new(5, 40_000, 30_000, &mut Rng::new(1));
        let all = (0..5).flat_map(|piece| (0..content.blocks(piece)).map(move |block| (piece, block)));
        let sum: u64 = all.map(|(piece, block)| u64::from(content.block(piece, block).len)).sum();
        assert_eq!((sum, content.total()), (170_000, 170_000));
        assert_eq!(content.full_bitfield(), [0b1111_1000]);
        assert!(content.is_block(BlockRef { piece: 4, begin: 0, len: 10_000 }));
        assert!(!content.is_block(BlockRef { piece: 4, begin: 0, len: 16_384 }));
    }
}
