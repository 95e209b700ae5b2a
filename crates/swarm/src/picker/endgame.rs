//! The end game: when nothing is left to ask for, blocks that are late are asked of a second peer (BEP 3).
//!
//! One duplicate of a block at most: unlimited ones gain nothing and waste payload. A block is worth it only where the second
//! peer is expected to be done with it in half of the first one's time.
use super::partial::Block;
use super::pick::{Asker, Picker};
use crate::ids::ConnId;
use core::time::Duration;
use teem_wire::peer::block::BlockRef;

/// Blocks looked at in one search; more are not in flight at the end of ordinary downloads.
const LOOKED_AT_MAX: usize = 1024;

/// What a duplicate has to gain besides: below it the first copy is on its way already, and a CANCEL would come too late.
const GAIN_MIN: Duration = Duration::from_millis(250);

impl Picker {
    /// Whether all that is missing is asked for. While pieces wait that nobody connected has, it is not: a swarm that waits for
    /// its source would else ask for everything twice all the time.
    pub fn is_endgame(&self) -> bool {
        self.open.is_empty() && self.rarity.is_empty()
    }

    /// A block to ask a second time, of a peer that would need `own` for it; `eta` tells how long a connection still needs for
    /// all it is asked for.
    pub fn duplicate(&mut self, who: &Asker<'_>, own: Duration, eta: impl Fn(ConnId) -> Duration) -> Option<BlockRef> {
        if who.only.is_some() || !self.is_endgame() {
            return None;
        }
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
            .filter(|(_, _, expected)| *expected > own * 2 + GAIN_MIN)
            .max_by_key(|(_, _, expected)| *expected)?;
        self.partials.get_mut(&piece)?.ask_again(index, who.conn).then(|| self.geometry.block(piece, index))
    }
}
