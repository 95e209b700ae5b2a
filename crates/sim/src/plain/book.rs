//! What a client has, is fetching, and fetches next (BEP 3).
//!
//! Invariants: a piece is had, open (nobody was asked for any of it) or in the making; `unasked` counts the blocks that
//! nobody owes and that did not come.
use super::habits::{Choice, EndGame, Sharing};
use super::peer::Peer;
use crate::bits::Bits;
use crate::content::Content;
use std::collections::{BTreeMap, BTreeSet};
use teem_swarm::ids::ConnId;
use teem_swarm::rng::Rng;
use teem_swarm::time::Time;
use teem_wire::peer::block::{BLOCK_LEN, BlockRef};
use teem_wire::peer::handshake::PeerId;

/// The pieces of the content: what is there, what is on its way, and what peers have shown.
#[derive(Debug)]
pub(super) struct Book {
    pub content: Content,
    pub have: Bits,
    pub count: u32,
    open: Bits,
    making: BTreeMap<u32, Making>,
    /// How many connected peers have shown each piece.
    seen: Vec<u32>,
    /// Decides between pieces that are alike.
    salt: Vec<u32>,
    unasked: u64,
}

#[derive(Debug)]
struct Making {
    blocks: Vec<Block>,
    /// Blocks that nobody owes and that did not come.
    free: u32,
    owner: Option<ConnId>,
    since: Time,
    from: BTreeSet<PeerId>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Block {
    /// So many peers owe it.
    Asked(u8),
    /// The block has come.
    Got,
}

/// The block was free.
const FREE: Block = Block::Asked(0);

/// What a block that came was good for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Use {
    /// It was missing, and nobody else owes it.
    Fresh,
    /// It was missing, and others owe it too.
    FirstOfMany,
    /// It was there already.
    Spare,
}

impl Book {
    pub(super) fn new(content: Content, rng: &mut Rng) -> Self {
        let pieces = content.pieces();
        let mut salt: Vec<u32> = (0..pieces).collect();
        rng.shuffle(&mut salt);
        Self {
            have: Bits::new(pieces),
            count: 0,
            open: Bits::new(pieces),
            making: BTreeMap::new(),
            seen: vec![0; pieces as usize],
            salt,
            unasked: 0,
            content,
        }
    }

    /// Begins with those pieces.
    pub(super) fn begin(&mut self, have: &[u32]) {
        for &piece in have {
            self.have.set(piece, true);
        }
        self.count = have.len() as u32;
        for piece in (0..self.content.pieces()).filter(|piece| !have.contains(piece)) {
            self.open.set(piece, true);
            self.unasked += u64::from(self.content.blocks(piece));
        }
    }

    pub(super) fn is_complete(&self) -> bool {
        self.count == self.content.pieces()
    }

    /// A peer has shown a piece for the first time, or has gone.
    pub(super) fn saw(&mut self, piece: u32, more: bool) {
        let Some(seen) = self.seen.get_mut(piece as usize) else { return };
        *seen = if more { *seen + 1 } else { seen.saturating_sub(1) };
    }

    /// The next block to ask of a peer, marked as asked.
    pub(super) fn next(
        &mut self,
        now: Time,
        conn: ConnId,
        peer: &mut Peer,
        (choice, sharing, end_game): (Choice, Sharing, EndGame),
    ) -> Option<BlockRef> {
        let own =
            peer.pieces.iter().copied().find(|piece| self.making.get(piece).is_some_and(|making| making.free > 0));
        let piece = own
            .or_else(|| self.begun(peer, sharing == Sharing::Together))
            .or_else(|| self.fresh(now, conn, peer, choice))
            .or_else(|| if sharing == Sharing::Preferred { self.begun(peer, true) } else { None })
            .or_else(|| self.again(now, peer, end_game));
        let (making, number) = (self.making.get_mut(&piece?)?, piece?);
        let max = if making.free > 0 { 0 } else { end_game.copies() - 1 };
        let content = &self.content;
        let at = (0..making.blocks.len() as u32).map(|block| (block, content.block(number, block)));
        let may =
            |block: Block, at: &BlockRef| matches!(block, Block::Asked(n) if n <= max) && !peer.asked.contains(at);
        let (index, at) = at.into_iter().find(|(index, at)| may(making.blocks[*index as usize], at))?;
        if let Block::Asked(count) = &mut making.blocks[index as usize] {
            if *count == 0 {
                making.free -= 1;
                self.unasked -= 1;
            }
            *count += 1;
        }
        Some(at)
    }

    /// A piece in the making with free blocks: one that nobody works on any more, or with `any` whoever does.
    fn begun(&self, peer: &Peer, any: bool) -> Option<u32> {
        let may =
            |piece: u32, making: &Making| making.free > 0 && (any || making.owner.is_none()) && peer.shown.has(piece);
        let all = self.making.iter().filter(|(piece, making)| may(**piece, making));
        all.min_by_key(|(piece, making)| (making.free, self.seen[**piece as usize])).map(|(piece, _)| *piece)
    }

    /// Begins a piece.
    fn fresh(&mut self, now: Time, conn: ConnId, peer: &mut Peer, choice: Choice) -> Option<u32> {
        let suggested = peer.suggested.iter().copied().find(|piece| self.open.has(*piece) && peer.shown.has(*piece));
        let piece = suggested.or_else(|| {
            let offers = peer.shown.common(&self.open);
            match choice {
                Choice::InOrder => offers.min(),
                Choice::Rarest { random } if self.count >= random => {
                    offers.min_by_key(|piece| (self.seen[*piece as usize], self.salt[*piece as usize]))
                }
                Choice::Random | Choice::Rarest { .. } => offers.min_by_key(|piece| self.salt[*piece as usize]),
            }
        })?;
        self.open.set(piece, false);
        let blocks = self.content.blocks(piece);
        let making = Making {
            blocks: vec![FREE; blocks as usize],
            free: blocks,
            owner: Some(conn),
            since: now,
            from: BTreeSet::new(),
        };
        self.making.insert(piece, making);
        peer.pieces.push(piece);
        Some(piece)
    }

    /// A piece of which a peer is asked for what others owe.
    fn again(&self, now: Time, peer: &Peer, end_game: EndGame) -> Option<u32> {
        let max = end_game.copies();
        let since = match end_game {
            EndGame::OneIdle if self.unasked == 0 && peer.asked.is_empty() => None,
            EndGame::Copies(_) if self.unasked == 0 => None,
            EndGame::Steal(after) => Some(after),
            _ => return None,
        };
        let may = |piece: u32, making: &Making| {
            let owed = |block: u32| {
                matches!(making.blocks[block as usize], Block::Asked(n) if n > 0 && n < max)
                    && !peer.asked.contains(&self.content.block(piece, block))
            };
            peer.shown.has(piece)
                && since.is_none_or(|after| now.since(making.since) >= after)
                && (0..making.blocks.len() as u32).any(owed)
        };
        let all = self.making.iter().filter(|(piece, making)| may(**piece, making));
        all.min_by_key(|(piece, _)| self.salt[**piece as usize]).map(|(piece, _)| *piece)
    }

    /// A peer no longer owes a block.
    pub(super) fn release(&mut self, at: BlockRef) {
        let Some(making) = self.making.get_mut(&at.piece) else { return };
        if let Some(Block::Asked(count @ 1..)) = making.blocks.get_mut((at.begin / BLOCK_LEN) as usize) {
            *count -= 1;
            if *count == 0 {
                making.free += 1;
                self.unasked += 1;
            }
        }
    }

    /// A peer no longer works on a piece.
    pub(super) fn abandon(&mut self, piece: u32, conn: ConnId) {
        if let Some(making) = self.making.get_mut(&piece)
            && making.owner == Some(conn)
        {
            making.owner = None;
        }
    }

    /// A block came from a peer; `owed`: it had been asked of it.
    pub(super) fn got(&mut self, at: BlockRef, owed: bool, from: PeerId) -> Use {
        let Some(making) = self.making.get_mut(&at.piece) else { return Use::Spare };
        let Some(block) = making.blocks.get_mut((at.begin / BLOCK_LEN) as usize) else { return Use::Spare };
        let Block::Asked(count) = *block else { return Use::Spare };
        *block = Block::Got;
        making.from.insert(from);
        if count == 0 {
            making.free -= 1;
            self.unasked -= 1;
        }
        if count > u8::from(owed) { Use::FirstOfMany } else { Use::Fresh }
    }

    /// A piece was compared with its hash; gives those who sent it.
    pub(super) fn judged(&mut self, piece: u32, ok: bool) -> BTreeSet<PeerId> {
        let from = self.making.remove(&piece).map(|making| making.from).unwrap_or_default();
        if ok && !self.have.has(piece) {
            self.have.set(piece, true);
            self.count += 1;
        } else if !ok {
            self.open.set(piece, true);
            self.unasked += u64::from(self.content.blocks(piece));
        }
        from
    }
}
