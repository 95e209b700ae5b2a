//! A piece being put together from its blocks (BEP 3), in memory, partly on the disk when memory is short.
use crate::pool::{BUFFER_LEN, Block};
use teem_wire::peer::block::BlockRef;

/// Where one block of the piece is.
#[derive(Debug)]
pub(crate) enum Slot {
    /// Not here yet.
    Missing,
    /// It is held in memory.
    Held(Block),
    /// Being written, or written, to its place in the file, not verified: to be read back to be hashed.
    Spilled,
}

/// One piece under way.
#[derive(Debug)]
pub(crate) struct Assembly {
    size: u32,
    slots: Vec<Slot>,
    missing: u32,
    /// When the last block came, in the order of all blocks: the coldest piece is spilled first.
    pub(crate) touched: u64,
}

impl Assembly {
    /// For a piece of `size` bytes.
    pub(crate) fn new(size: u32) -> Self {
        let blocks = (size as usize).div_ceil(BUFFER_LEN);
        let slots = std::iter::repeat_with(|| Slot::Missing).take(blocks).collect();
        Self { size, slots, missing: blocks as u32, touched: 0 }
    }

    /// Takes a block; gives it back when it is none of this piece, or there already.
    pub(crate) fn put(&mut self, at: BlockRef, data: Block) -> Result<(), Block> {
        let index = at.begin as usize / BUFFER_LEN;
        let fits = (at.begin as usize).is_multiple_of(BUFFER_LEN)
            && at.begin < self.size
            && at.len == (self.size - at.begin).min(BUFFER_LEN as u32)
            && data.as_ref().len() == at.len as usize;
        match self.slots.get_mut(index) {
            Some(slot @ Slot::Missing) if fits => {
                *slot = Slot::Held(data);
                self.missing -= 1;
                Ok(())
            }
            _ => Err(data),
        }
    }

    /// The numbers of its blocks.
    pub(crate) fn numbers(&self) -> std::ops::Range<u32> {
        0..self.slots.len() as u32
    }

    pub(crate) fn is_complete(&self) -> bool {
        self.missing == 0
    }

    /// Whether all of it is in memory.
    pub(crate) fn is_held(&self) -> bool {
        self.slots.iter().all(|slot| matches!(slot, Slot::Held(_)))
    }

    /// Number of blocks in memory.
    pub(crate) fn held(&self) -> usize {
        self.slots.iter().filter(|slot| matches!(slot, Slot::Held(_))).count()
    }

    /// Takes the blocks in memory away, with their offsets, to be written out.
    pub(crate) fn spill(&mut self) -> Vec<(u32, Block)> {
        let mut out = Vec::new();
        for (i, slot) in self.slots.iter_mut().enumerate() {
            if matches!(slot, Slot::Held(_))
                && let Slot::Held(block) = std::mem::replace(slot, Slot::Spilled)
            {
                out.push(((i * BUFFER_LEN) as u32, block));
            }
        }
        out
    }

    /// The blocks in order, each with its offset and its content when it is in memory.
    pub(crate) fn blocks(&self) -> impl Iterator<Item = (u32, u32, Option<&[u8]>)> {
        self.slots.iter().enumerate().map(|(i, slot)| {
            let begin = (i * BUFFER_LEN) as u32;
            let len = (self.size - begin).min(BUFFER_LEN as u32);
            match slot {
                Slot::Held(block) => (begin, len, Some(block.as_ref())),
                _ => (begin, len, None),
            }
        })
    }
}

/// Joins blocks that lie next to each other: the offset of each run, and its blocks.
pub(crate) fn runs<'a>(blocks: impl Iterator<Item = (u32, &'a [u8])>) -> Vec<(u32, Vec<&'a [u8]>)> {
    let mut out: Vec<(u32, Vec<&[u8]>)> = Vec::new();
    let mut end = None;
    for (begin, data) in blocks {
        match out.last_mut() {
            Some((_, run)) if end == Some(begin) => run.push(data),
            _ => out.push((begin, vec![data])),
        }
        end = Some(begin + data.len() as u32);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pool::{Pool, Purpose};

    #[test]
    fn takes_each_block_once_and_spills() {
        let pool = Pool::new(0);
        let size = BUFFER_LEN as u32 * 2 + 5;
        let mut piece = Assembly::new(size);
        let block = |begin: u32| {
            let len = (size - begin).min(BUFFER_LEN as u32);
            (BlockRef { piece: 0, begin, len }, pool.take(len as usize, Purpose::Download).unwrap())
        };
        let (at, data) = block(0);
        piece.put(at, data).unwrap();
        let (at, data) = block(0);
        assert!(piece.put(at, data).is_err(), "twice");
        let (_, data) = block(16384);
        assert!(piece.put(BlockRef { piece: 0, begin: 1, len: 16384 }, data).is_err(), "not aligned");
        assert_eq!(piece.spill().len(), 1);
        for begin in [32768, 16384] {
            let (at, data) = block(begin);
            piece.put(at, data).unwrap();
        }
        assert!(piece.is_complete() && !piece.is_held() && piece.held() == 2);
        let held = runs(piece.blocks().filter_map(|(begin, _, data)| Some((begin, data?))));
        assert_eq!((held.len(), held[0].0, held[0].1.len()), (1, 16384, 2));
    }
}
