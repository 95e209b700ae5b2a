//! One piece that has been begun: which of its blocks are free, asked for, there (BEP 3).
//!
//! Invariants: the three counters agree with `blocks`; no block below `hint` is free; a block is asked of two connections
//! at most.
use crate::ids::ConnId;
use alloc::vec;
use alloc::vec::Vec;

/// How one block stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Block {
    /// Not asked for.
    Free,
    /// Asked of one connection.
    Asked(ConnId),
    /// Asked of two: the end game.
    AskedTwice(ConnId, ConnId),
    /// Here, from that connection.
    Received(ConnId),
}

impl Block {
    /// The connections that it is asked of.
    pub fn asked(&self) -> impl Iterator<Item = ConnId> {
        let both = match self {
            Self::Asked(one) => [Some(*one), None],
            Self::AskedTwice(one, two) => [Some(*one), Some(*two)],
            Self::Free | Self::Received(_) => [None; 2],
        };
        both.into_iter().flatten()
    }
}

/// What has become of a block that came.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Received {
    /// It was missing; the other connections that it was asked of, if any.
    New([Option<ConnId>; 2]),
    /// It was there already.
    Duplicate,
}

/// A piece that has been begun.
#[derive(Clone, Debug)]
pub struct Partial {
    blocks: Vec<Block>,
    hint: u32,
    free: u32,
    asked_once: u32,
    received: u32,
    /// The connection that the whole piece is meant to come from, while it is able to.
    pub owner: Option<ConnId>,
    /// The owner's rate when it last took a block, in bytes a second.
    pub(crate) owner_rate: u64,
    /// Whether it is still wanted: one that is whole is kept until it is judged, wanted or not.
    pub(crate) wanted: bool,
    /// After a failure: only the owner is asked, as long as there is one.
    pub(crate) exclusive: bool,
}

impl Partial {
    /// Nothing asked for yet.
    pub fn new(blocks: u32) -> Self {
        Self {
            blocks: vec![Block::Free; blocks as usize],
            hint: 0,
            free: blocks,
            asked_once: 0,
            received: 0,
            owner: None,
            owner_rate: 0,
            wanted: true,
            exclusive: false,
        }
    }

    /// Blocks that nobody is asked for.
    pub fn free(&self) -> u32 {
        self.free
    }

    /// Blocks that are asked of exactly one connection.
    pub(crate) fn asked_once(&self) -> u32 {
        self.asked_once
    }

    /// Whether every block is here.
    pub fn is_whole(&self) -> bool {
        self.received as usize == self.blocks.len()
    }

    /// Whether nothing of it is here and all that is asked for is asked of one connection.
    pub(crate) fn waits_whole(&self) -> bool {
        self.received == 0 && self.asked_once > 0 && self.asked_once + self.free == self.blocks.len() as u32
    }

    /// Whether nothing of it is here or asked for.
    pub(crate) fn is_untouched(&self) -> bool {
        self.free as usize == self.blocks.len()
    }

    /// Blocks that are here.
    pub fn received(&self) -> u32 {
        self.received
    }

    /// How a block stands.
    pub fn block(&self, index: u32) -> Block {
        self.blocks[index as usize]
    }

    /// All blocks in order.
    pub fn blocks(&self) -> &[Block] {
        &self.blocks
    }

    /// The sender of each block, in order; only of a whole piece is the list complete.
    pub(crate) fn senders(&self) -> impl Iterator<Item = ConnId> + '_ {
        self.blocks.iter().filter_map(|b| match b {
            Block::Received(from) => Some(*from),
            _ => None,
        })
    }

    /// Takes the first free block for a connection.
    pub(crate) fn ask_free(&mut self, conn: ConnId) -> Option<u32> {
        if self.free == 0 {
            return None;
        }
        let index = self.hint + self.blocks[self.hint as usize..].iter().position(|b| *b == Block::Free)? as u32;
        self.blocks[index as usize] = Block::Asked(conn);
        self.hint = index + 1;
        self.free -= 1;
        self.asked_once += 1;
        Some(index)
    }

    /// Asks a second connection for a block that one other is asked for; whether it could.
    pub(crate) fn ask_again(&mut self, index: u32, conn: ConnId) -> bool {
        match self.blocks[index as usize] {
            Block::Asked(first) if first != conn => {
                self.blocks[index as usize] = Block::AskedTwice(first, conn);
                self.asked_once -= 1;
                true
            }
            _ => false,
        }
    }

    /// A connection is not asked for a block any more; whether the block has become free by that.
    pub fn give_back(&mut self, index: u32, conn: ConnId) -> bool {
        let block = &mut self.blocks[index as usize];
        match *block {
            Block::Asked(one) if one == conn => {
                *block = Block::Free;
                self.hint = self.hint.min(index);
                self.free += 1;
                self.asked_once -= 1;
                true
            }
            Block::AskedTwice(one, two) if one == conn || two == conn => {
                *block = Block::Asked(if one == conn { two } else { one });
                self.asked_once += 1;
                false
            }
            _ => false,
        }
    }

    /// A block has come from a connection.
    pub fn receive(&mut self, index: u32, conn: ConnId) -> Received {
        let block = &mut self.blocks[index as usize];
        let others = match *block {
            Block::Received(_) => return Received::Duplicate,
            Block::Free => {
                self.free -= 1;
                [None; 2]
            }
            Block::Asked(one) => {
                self.asked_once -= 1;
                [Some(one), None]
            }
            Block::AskedTwice(one, two) => [Some(one), Some(two)],
        };
        *block = Block::Received(conn);
        self.received += 1;
        Received::New(others.map(|o| o.filter(|o| *o != conn)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn the_counters_agree_with_the_blocks(ops in prop::collection::vec((0u8..4, 0u32..9, 0u64..4), 0..200)) {
            let mut piece = Partial::new(9);
            for (op, index, conn) in ops {
                let conn = ConnId(conn);
                match op {
                    0 => { piece.ask_free(conn); }
                    1 => { piece.ask_again(index, conn); }
                    2 => { piece.give_back(index, conn); }
                    _ => { piece.receive(index, conn); }
                }
                let count = |f: fn(&Block) -> bool| piece.blocks().iter().filter(|b| f(b)).count() as u32;
                prop_assert_eq!(piece.free(), count(|b| *b == Block::Free));
                prop_assert_eq!(piece.asked_once(), count(|b| matches!(b, Block::Asked(_))));
                let nothing_else = piece.received() == 0 && !piece.blocks().iter().any(|b| matches!(b, Block::AskedTwice(..)));
                prop_assert_eq!(piece.waits_whole(), nothing_else && piece.asked_once() > 0);
                prop_assert_eq!(piece.received(), piece.senders().count() as u32);
                prop_assert!(piece.blocks()[..(piece.hint as usize).min(9)].iter().all(|b| *b != Block::Free));
                prop_assert!(!piece.blocks().iter().any(|b| matches!(b, Block::AskedTwice(a, b) if a == b)));
            }
        }
    }
}
