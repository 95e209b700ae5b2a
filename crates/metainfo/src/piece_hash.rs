//! What a piece is held against when it has come in (BEP 3, "pieces"; BEP 52, "piece layers").

use crate::merkle::Subtree;

/// The hash that a piece must have.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PieceHash {
    /// Of all its bytes, padding included.
    Sha1([u8; 20]),
    /// Of its blocks, as a part of its file's tree.
    Merkle(Subtree),
}
