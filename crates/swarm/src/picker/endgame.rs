//! The end game: when nothing is left to ask for, blocks that are late are asked of a second peer (BEP 3).
//!
//! One duplicate of a block at most: unlimited ones gain nothing and waste payload. A block is worth it only where the second
//! peer is expected to be done with it in half of the first one's time, and of all blocks only one in 320 and a few more are asked
//! for twice in vain. Blocks at peers that hardly send anything are asked of a second one before the end, or pieces would wait
//! for them, and with them every peer that wants those pieces. A swarm that waits for its source is in that state again and again: there it is done only
//! where much is gained.
use super::partial::Block;
use super::pick::{Asker, Picker};
use crate::ids::ConnId;
use alloc::vec::Vec;
use core::time::Duration;
use teem_wire::peer::block::BlockRef;

/// Blocks looked at in one search; more are not in flight at the end of ordinary downloads.
const LOOKED_AT_MAX: usize = 1024;

/// What a duplicate has to gain besides: below it the first copy is on its way already, and a CANCEL would come too late.
const GAIN_MIN: Duration = Duration::from_millis(250);
/// The same while pieces are still to come that nobody connected has.
const GAIN_MIN_WAITING: Duration = Duration::from_secs(2);
/// Of how many blocks that came one may be asked for twice.
const BLOCKS_PER_DUPLICATE: u64 = 320;
/// Of how many blocks that came one may be at two peers because the first hardly sends anything, and how many more: what those
/// send in vain is little by itself.
const BLOCKS_PER_RESCUE: u64 = 64;
const RESCUES_MIN: u64 = 64;
/// Stuck blocks that are looked at for one peer: idle requests at many peers must not make each choice of a block dear.
const STUCK_LOOKED_AT: usize = 256;
/// How many more, when nothing is left to come.
const DUPLICATES_MIN: u64 = 8;

impl Picker {
    /// Tells anew which blocks are asked of peers that hardly send anything. They need not wait for the end game.
    pub fn set_stuck(&mut self, stuck: Vec<(BlockRef, ConnId)>) {
        self.stuck = stuck;
    }

    /// A block that is stuck at another peer, asked of this one besides, which is known to deliver.
    pub(super) fn rescue(&mut self, who: &Asker<'_>) -> Option<BlockRef> {
        if self.stuck.is_empty() || who.only.is_some() || !who.trusted || who.rate == 0 {
            return None;
        }
        if self.asked_again >= self.came / BLOCKS_PER_RESCUE + RESCUES_MIN {
            return None;
        }
        self.work += self.stuck.len().min(STUCK_LOOKED_AT) as u64;
        let mut i = 0;
        while let Some(&(at, conn)) = self.stuck.get(i).filter(|_| i < STUCK_LOOKED_AT) {
            let index = self.geometry.index_of(at);
            let partial = self.partials.get_mut(&at.piece).filter(|p| !p.exclusive);
            let Some((index, partial)) = index.zip(partial).filter(|(i, p)| p.block(*i) == Block::Asked(conn)) else {
                self.stuck.swap_remove(i);
                continue;
            };
            if conn != who.conn && who.can(at.piece) && partial.ask_again(index, who.conn) {
                self.stuck.swap_remove(i);
                self.asked_again += 1;
                return Some(at);
            }
            i += 1;
        }
        None
    }

    /// Whether all is asked for that anybody connected has.
    pub fn is_endgame(&self) -> bool {
        self.open.is_empty() && self.rarity.len() == self.rarity.unavailable()
    }

    /// Whether all is asked for that is missing.
    pub(crate) fn is_ending(&self) -> bool {
        self.open.is_empty() && self.rarity.is_empty()
    }

    /// A block to ask a second time, of a peer that would need `own` for it; `eta` tells how long a connection still needs for
    /// all it is asked for.
    pub fn duplicate(&mut self, who: &Asker<'_>, own: Duration, eta: impl Fn(ConnId) -> Duration) -> Option<BlockRef> {
        let waits = !self.rarity.is_empty();
        let most = self.came / BLOCKS_PER_DUPLICATE + if waits { 0 } else { DUPLICATES_MIN };
        if who.only.is_some() || !self.is_endgame() || self.asked_again >= most {
            return None;
        }
        self.work += self.partials.len() as u64;
        let gain = if waits { GAIN_MIN_WAITING } else { GAIN_MIN };
        let late = self.partials.iter().filter(|(piece, p)| p.asked_once() > 0 && !p.exclusive && who.can(**piece));
        let blocks =
            late.flat_map(|(piece, p)| p.blocks().iter().zip(0..).map(|(block, index)| (*piece, index, *block)));
        let mut known: Option<(ConnId, Duration)> = None;
        let (piece, index, _) = blocks
            .filter_map(|(piece, index, block)| match block {
                Block::Asked(first) if first != who.conn => Some((piece, index, first)),
                _ => None,
            })
            .take(LOOKED_AT_MAX)
            .map(|(piece, index, first)| {
                let expected = known.filter(|(conn, _)| *conn == first).map_or_else(|| eta(first), |(_, e)| e);
                known = Some((first, expected));
                (piece, index, expected)
            })
            .filter(|(_, _, expected)| *expected > own * 2 + gain)
            .max_by_key(|(_, _, expected)| *expected)?;
        let again = self.partials.get_mut(&piece)?.ask_again(index, who.conn);
        self.asked_again += u64::from(again);
        again.then(|| self.geometry.block(piece, index))
    }
}
