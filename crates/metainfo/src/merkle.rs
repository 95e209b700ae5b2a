//! The Merkle tree of one file: binary, of SHA-256, over blocks of 16 KiB (BEP 52, "pieces root").
//!
//! Leaves beyond the file's end are 32 zero bytes, whatever layer the computation starts from; above the blocks a missing node is
//! the root of a subtree of such leaves.

use alloc::vec::Vec;

use sha2::{Digest as _, Sha256};

use crate::layout::BLOCK_LEN;

/// A node of the tree.
pub type Hash = [u8; 32];

/// The digest of a block, at most 16 KiB.
pub fn leaf(block: &[u8]) -> Hash {
    Sha256::digest(block).into()
}

/// The node above two.
pub fn parent(left: &Hash, right: &Hash) -> Hash {
    let mut digest = Sha256::new();
    digest.update(left);
    digest.update(right);
    digest.finalize().into()
}

/// The root of a tree of blocks that all lie beyond the file's end and that is `levels` high.
pub fn padding(levels: u32) -> Hash {
    (0..levels).fold([0; 32], |hash, _| parent(&hash, &hash))
}

/// The root over a layer of nodes, padded with `pad` to a power of two. None if there are no nodes.
pub fn root(mut layer: Vec<Hash>, mut pad: Hash) -> Option<Hash> {
    while layer.len() > 1 {
        layer = layer.chunks(2).map(|pair| parent(&pair[0], pair.get(1).unwrap_or(&pad))).collect();
        pad = parent(&pad, &pad);
    }
    layer.pop()
}

/// The node of one piece out of its blocks' digests: a whole subtree of `piece_length`, a power of two, unless the file is no
/// longer than the piece, whose tree is as small as its blocks allow.
pub fn piece(leaves: &[Hash], piece_length: u32, file_length: u64) -> Option<Hash> {
    let mut leaves = leaves.to_vec();
    if file_length > u64::from(piece_length) {
        leaves.resize((piece_length / BLOCK_LEN) as usize, [0; 32]);
    }
    root(leaves, [0; 32])
}

/// The part of a file's tree that stands over one piece: its node, and what the tree beneath it is made of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Subtree {
    root: Hash,
    /// Bytes of the piece that lie in the file; what follows them in the piece space is no part of the tree.
    len: u32,
    /// Leaves, those beyond the file's end included: a power of two, not less than the blocks of `len`.
    width: u32,
}

impl Subtree {
    /// Over a file of `len` bytes that is no longer than a piece: the whole tree, as small as its blocks allow.
    pub fn of_file(root: Hash, len: u32) -> Self {
        Self { root, len, width: len.div_ceil(BLOCK_LEN).next_power_of_two() }
    }

    /// Over `len` bytes that lie in one of several pieces of a file, each `piece_length`, a power of two, at most.
    pub fn of_piece(node: Hash, len: u32, piece_length: u32) -> Self {
        Self { root: node, len, width: piece_length / BLOCK_LEN }
    }

    /// How many bytes of the piece count: each [`BLOCK_LEN`] of them is hashed to a leaf, and the rest of them to the last.
    pub fn len(&self) -> u32 {
        self.len
    }

    /// Whether no byte counts.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Whether these leaves, one for each block of [`Self::len`], lead to the node.
    pub fn holds(&self, mut leaves: Vec<Hash>) -> bool {
        if leaves.len() != self.len.div_ceil(BLOCK_LEN) as usize || leaves.len() > self.width as usize {
            return false;
        }
        leaves.resize(self.width as usize, [0; 32]);
        root(leaves, [0; 32]) == Some(self.root)
    }
}

/// Whether a file's piece layer, hashes laid end to end, has one for each piece and leads to `pieces_root`.
pub fn layer_is_valid(layer: &[u8], file_length: u64, piece_length: u32, pieces_root: &Hash) -> bool {
    let (hashes, rest) = layer.as_chunks::<32>();
    rest.is_empty()
        && hashes.len() as u64 == file_length.div_ceil(u64::from(piece_length))
        && root(hashes.to_vec(), padding((piece_length / BLOCK_LEN).trailing_zeros())).as_ref() == Some(pieces_root)
}
