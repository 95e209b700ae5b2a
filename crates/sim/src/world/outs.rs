//! The account of what has left the seeds (own design): how much, and whether every block has once.
use crate::content::Content;
use teem_wire::peer::block::{BLOCK_LEN, BlockRef};

/// What has left the seeds so far.
#[derive(Debug)]
pub(super) struct Outs {
    /// Which blocks have left.
    left: Vec<bool>,
    blocks_max: usize,
    all: usize,
    missing: usize,
    sent: u64,
    all_out: Option<u64>,
}

impl Outs {
    /// Nothing has left yet.
    pub(super) fn new(content: &Content) -> Self {
        let blocks_max = content.blocks_max() as usize;
        let all = (0..content.pieces()).map(|piece| content.blocks(piece) as usize).sum();
        let left = vec![false; content.pieces() as usize * blocks_max];
        Self { left, blocks_max, all, missing: all, sent: 0, all_out: None }
    }

    /// A seed has sent a block.
    pub(super) fn left(&mut self, at: BlockRef) {
        self.sent += u64::from(at.len);
        let index = at.piece as usize * self.blocks_max + (at.begin / BLOCK_LEN) as usize;
        let Some(left) = self.left.get_mut(index) else { return };
        if !std::mem::replace(left, true) {
            self.missing -= 1;
            if self.missing == 0 {
                self.all_out = Some(self.sent);
            }
        }
    }

    /// How many blocks there are.
    pub(super) fn all(&self) -> u64 {
        self.all as u64
    }

    /// How many have never left.
    pub(super) fn missing(&self) -> u64 {
        self.missing as u64
    }

    /// Payload bytes that have left.
    pub(super) fn sent(&self) -> u64 {
        self.sent
    }

    /// What had been sent when every block had left once.
    pub(super) fn all_out(&self) -> Option<u64> {
        self.all_out
    }
}
