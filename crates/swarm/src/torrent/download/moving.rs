//! A piece that waits at one peer is asked of another that has nothing else for us (own design).
//!
//! The peer that has a new piece first is asked for it by all, and serves one after the other; those that have had it from there
//! meanwhile would stand idle. Asking them besides would waste payload: a piece of which nothing has come is moved as a whole,
//! and what was sent before our CANCEL came is used. In the end game single blocks are asked twice ([`crate::picker`]).
use super::Download;
use super::intake::Intake;
use super::requests::cancel;
use crate::ids::ConnId;
use crate::time::Time;
use crate::torrent::context::Context;
use crate::torrent::ground::Ground;
use alloc::vec::Vec;
use core::time::Duration;
use teem_wire::peer::block::BlockRef;

/// How long a piece waits where it was asked for first. With one second 0.5 % of a swarm of a hundred was wasted, with two 0.3 %.
const WAIT: Duration = Duration::from_secs(2);

impl Download {
    /// Takes the piece that has waited longest elsewhere over to a peer that is at nothing; whether there was one.
    pub(super) fn move_piece<B>(
        &mut self,
        cx: &mut Context<'_, B>,
        ground: &mut Ground,
        intake: &mut Intake,
        to: ConnId,
    ) -> bool {
        ground.work += self.picker.begun().len() as u64;
        let Some((piece, from)) = self.waits_longest(cx.now, ground, to) else { return false };
        let Some(peer) = ground.table.get(from) else { return false };
        let asked: Vec<BlockRef> = peer.pipeline().asked().filter(|at| at.piece == piece).collect();
        for at in asked {
            cancel(cx, ground, intake, from, at);
            self.picker.give_back(at, from, &mut ground.rng);
        }
        self.picker.begin_at(piece, to)
    }

    /// A piece that can be moved to that peer, and where it is asked for now.
    fn waits_longest(&self, now: Time, ground: &Ground, to: ConnId) -> Option<(u32, ConnId)> {
        let peer = ground.table.get(to)?;
        if peer.stance().is_choking_us() || peer.pipeline().under_way() > 0 {
            return None;
        }
        let asker = peer.asker(now);
        let waiting = self.picker.movable(&asker).filter_map(|(piece, from)| {
            let wait = ground.table.get(from)?.pipeline().waits_for(now, piece)?;
            Some((wait, piece, from))
        });
        waiting.filter(|(wait, ..)| *wait >= WAIT).max().map(|(_, piece, owner)| (piece, owner))
    }
}
