//! Maps by block for accounts that are touched with every block (own design).
//!
//! Their hasher has no keys, so nothing differs from run to run, and the checkers ask them only for single blocks or for
//! sums; nobody attacks a checker.
use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};
use teem_wire::peer::block::BlockRef;

/// A map by block.
pub(crate) type Blocks<V> = HashMap<BlockRef, V, BuildHasherDefault<BlockHasher>>;

/// A set of blocks.
pub(crate) type BlockSet = HashSet<BlockRef, BuildHasherDefault<BlockHasher>>;

/// Mixes the three numbers of a block.
#[derive(Default)]
pub(crate) struct BlockHasher(u64);

impl Hasher for BlockHasher {
    fn finish(&self) -> u64 {
        self.0 ^ self.0 >> 32
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u32(u32::from(*byte));
        }
    }

    fn write_u32(&mut self, number: u32) {
        self.0 = (self.0.rotate_left(23) ^ u64::from(number)).wrapping_mul(0xD6E8_FEB8_6659_FD93);
    }
}
