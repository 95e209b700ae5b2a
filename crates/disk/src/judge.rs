//! Pieces held against what their torrent says of them: SHA-1 of the whole (BEP 3) or the tree over their blocks (BEP 52).
//!
//! Invariant: a piece of which the torrent says nothing is never right.
use crate::hash;
use crate::pool::BUFFER_LEN;
use teem_metainfo::merkle::Subtree;
use teem_metainfo::{BLOCK_LEN, PieceHash};

// A buffer is a leaf of the tree.
const _: () = assert!(BUFFER_LEN == BLOCK_LEN as usize);

/// Whether each of these pieces is right, given in blocks in order and hashed in lanes together.
pub(crate) fn held(wanted: &[Option<PieceHash>], mut pieces: Vec<Vec<&[u8]>>) -> Vec<bool> {
    let mut right = vec![false; pieces.len()];
    let (mut sums, mut whole) = (Vec::new(), Vec::new());
    let (mut trees, mut leaves) = (Vec::new(), Vec::new());
    for (i, wanted) in wanted.iter().enumerate() {
        match wanted {
            Some(PieceHash::Sha1(sum)) => {
                sums.push((i, sum));
                whole.push(std::mem::take(&mut pieces[i]));
            }
            Some(PieceHash::Merkle(tree)) => {
                let mut rest = tree.len() as usize;
                let counted = pieces[i].iter().map(|block| vec![counted(block, &mut rest)]);
                let before = leaves.len();
                leaves.extend(counted.filter(|block| !block[0].is_empty()));
                trees.push((i, tree, leaves.len() - before));
            }
            None => {}
        }
    }
    for ((i, sum), digest) in sums.into_iter().zip(hash::sha1_many(&whole)) {
        right[i] = *sum == digest;
    }
    if !trees.is_empty() {
        let mut digests = hash::sha256_many(&leaves).into_iter();
        for (i, tree, count) in trees {
            right[i] = tree.holds(digests.by_ref().take(count).collect());
        }
    }
    right
}

/// The part of a block that counts, when so many bytes of the piece still do.
fn counted<'a>(block: &'a [u8], rest: &mut usize) -> &'a [u8] {
    let part = &block[..block.len().min(*rest)];
    *rest -= part.len();
    part
}

/// The judgement of one piece that comes block by block, in order.
pub(crate) enum Judge {
    /// Held against a hash of the whole.
    Sha1([u8; 20], hash::Sha1Stream),
    /// Held against a tree: the bytes that still count, and the leaves so far.
    Merkle(Subtree, usize, Vec<[u8; 32]>),
    /// Nothing is known of the piece.
    Unknown,
}

impl Judge {
    pub(crate) fn new(wanted: Option<PieceHash>) -> Self {
        match wanted {
            Some(PieceHash::Sha1(sum)) => Self::Sha1(sum, hash::Sha1Stream::default()),
            Some(PieceHash::Merkle(tree)) => Self::Merkle(tree, tree.len() as usize, Vec::new()),
            None => Self::Unknown,
        }
    }

    /// Takes the next block, whole.
    pub(crate) fn block(&mut self, data: &[u8]) {
        match self {
            Self::Sha1(_, stream) => stream.update(data),
            Self::Merkle(_, rest, leaves) => {
                let part = counted(data, rest);
                if !part.is_empty() {
                    leaves.push(hash::sha256(part));
                }
            }
            Self::Unknown => {}
        }
    }

    /// Whether the blocks were the piece.
    pub(crate) fn finish(self) -> bool {
        match self {
            Self::Sha1(sum, stream) => stream.finish() == sum,
            Self::Merkle(tree, _, leaves) => tree.holds(leaves),
            Self::Unknown => false,
        }
    }
}

/// Whether a piece is what its tree says, read by `read(begin, buffer)` block by block.
pub(crate) fn read_tree<E>(tree: &Subtree, mut read: impl FnMut(u32, &mut [u8]) -> Result<(), E>) -> Result<bool, E> {
    let blocks = tree.len().div_ceil(BLOCK_LEN);
    let sizes: Vec<u32> = (0..blocks).map(|block| (tree.len() - block * BLOCK_LEN).min(BLOCK_LEN)).collect();
    let leaves =
        hash::sha256_streams(&sizes, BUFFER_LEN, |block, at, buffer| read(block as u32 * BLOCK_LEN + at, buffer));
    Ok(tree.holds(leaves.into_iter().collect::<Result<_, E>>()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use teem_metainfo::merkle;

    const BLOCK: usize = BUFFER_LEN;

    /// Blocks of bytes that are not zero, the last as short as `len` makes it; `space` bytes follow that are no part of the file.
    fn piece(len: usize, space: usize) -> Vec<u8> {
        (0..len).map(|i| (i / 7 % 250) as u8 + 1).chain(std::iter::repeat_n(0, space)).collect()
    }

    fn verdicts(wanted: PieceHash, piece: &[u8]) -> [bool; 2] {
        let mut judge = Judge::new(Some(wanted));
        piece.chunks(BLOCK).for_each(|block| judge.block(block));
        [held(&[Some(wanted)], vec![piece.chunks(BLOCK).collect()])[0], judge.finish()]
    }

    /// The tree over these bytes by its definition: leaves of zeros up to `width`, then pairs.
    fn root(content: &[u8], width: usize) -> merkle::Hash {
        let mut layer: Vec<_> = content.chunks(BLOCK).map(merkle::leaf).collect();
        layer.resize(width, [0; 32]);
        while layer.len() > 1 {
            layer = layer.chunks(2).map(|pair| merkle::parent(&pair[0], &pair[1])).collect();
        }
        layer[0]
    }

    #[test]
    fn a_file_shorter_than_a_piece_is_as_small_a_tree_as_its_blocks_allow() {
        for (len, width) in [(1, 1), (BLOCK, 1), (BLOCK + 1, 2), (3 * BLOCK - 5, 4), (4 * BLOCK, 4), (5 * BLOCK, 8)] {
            let content = piece(len, 0);
            let tree = PieceHash::Merkle(Subtree::of_file(root(&content, width), len as u32));
            assert_eq!(verdicts(tree, &content), [true; 2], "{len}");
            // What follows the file in the piece space is no part of it, whatever it is.
            let space = 8 * BLOCK - len;
            let mut padded = piece(len, space);
            assert_eq!(verdicts(tree, &padded), [true; 2], "{len} with padding");
            padded[len..].fill(9);
            assert_eq!(verdicts(tree, &padded), [true; 2], "{len} with anything behind it");
            padded[len - 1] ^= 1;
            assert_eq!(verdicts(tree, &padded), [false; 2], "{len} with a flipped bit");
            assert_eq!(verdicts(tree, &content[..len - 1]), [false; 2], "{len} cut");
        }
    }

    #[test]
    fn a_piece_of_a_longer_file_is_a_whole_subtree() {
        for len in [1, BLOCK, BLOCK + 1, 3 * BLOCK + 9, 4 * BLOCK] {
            let content = piece(len, 0);
            let node = root(&content, 4);
            let tree = PieceHash::Merkle(Subtree::of_piece(node, len as u32, 4 * BLOCK as u32));
            assert_eq!(verdicts(tree, &content), [true; 2], "{len}");
            // A block of zeros is not the same as no block.
            let longer = PieceHash::Merkle(Subtree::of_piece(node, len as u32 + 1, 4 * BLOCK as u32));
            assert_eq!(verdicts(longer, &piece(len, 1)), [false; 2], "{len} and a zero");
        }
    }

    #[test]
    fn pieces_of_all_kinds_are_judged_together() {
        let pieces: Vec<_> = [5, 3 * BLOCK, 2 * BLOCK + 3, BLOCK].map(|len| piece(len, 0)).into();
        let wanted = [
            Some(PieceHash::Sha1(hash::sha1(&pieces[0]))),
            Some(PieceHash::Merkle(Subtree::of_file(root(&pieces[1], 4), 3 * BLOCK as u32))),
            None,
            Some(PieceHash::Sha1([0; 20])),
        ];
        let blocks = pieces.iter().map(|piece| piece.chunks(BLOCK).collect()).collect();
        assert_eq!(held(&wanted, blocks), [true, true, false, false]);
    }

    #[test]
    fn a_tree_is_read_from_where_it_lies() {
        let content = piece(5 * BLOCK + 17, 100);
        let tree = Subtree::of_file(root(&content[..5 * BLOCK + 17], 8), 5 * BLOCK as u32 + 17);
        let read = |begin: u32, buffer: &mut [u8]| {
            buffer.copy_from_slice(&content[begin as usize..][..buffer.len()]);
            Ok::<(), ()>(())
        };
        assert_eq!(read_tree(&tree, read), Ok(true));
        let damaged = |begin: u32, buffer: &mut [u8]| {
            read(begin, buffer)?;
            buffer[0] ^= u8::from(begin == 2 * BLOCK_LEN);
            Ok::<(), ()>(())
        };
        assert_eq!(read_tree(&tree, damaged), Ok(false));
        assert_eq!(
            read_tree(&tree, |begin, _| if begin == 0 { Ok(()) } else { Err(begin) }).unwrap_err() % BLOCK_LEN,
            0
        );
    }
}
