//! Pieces that were there and are no more: ours, of which the peers are told, and theirs (BEP 54, `lt_donthave`).
//!
//! Who has no word for it finds out by rejects (BEP 6) or silence.
use super::Torrent;
use super::context::Context;
use crate::ids::ConnId;
use crate::output::CloseReason;
use crate::peer::EARLY_HAVES_MAX;
use alloc::vec::Vec;
use teem_wire::peer::block::BlockRef;
use teem_wire::peer::message::Message;

impl Torrent {
    /// Tells those who were shown a piece that it is here no more. To be called while it still is, as far as a source knows.
    pub(super) fn tell_lost<B>(&mut self, cx: &mut Context<'_, B>, piece: u32) {
        let was_shown = |conn: ConnId| self.source.as_ref().is_none_or(|source| source.has_shown(conn, piece));
        let shown = self.peers.values().filter(|peer| was_shown(peer.conn));
        let told: Vec<(ConnId, u8)> = shown.filter_map(|peer| Some((peer.conn, peer.lt_donthave?))).collect();
        for (conn, id) in told {
            self.send(cx, conn, Message::DontHave { id, piece });
        }
    }

    /// A peer has a piece no more: nothing of it is asked there, and who alone had it does not count as a holder.
    pub(super) fn on_dont_have<B>(
        &mut self,
        cx: &mut Context<'_, B>,
        conn: ConnId,
        piece: u32,
    ) -> Result<(), CloseReason> {
        let Some(peer) = self.peers.get_mut(&conn) else { return Ok(()) };
        if self.info.is_none() {
            if peer.early.lost.len() >= EARLY_HAVES_MAX {
                return Err(CloseReason::Flood("pieces that it has lost"));
            }
            peer.early.haves.retain(|have| *have != piece);
            peer.early.lost.push(piece);
            return Ok(());
        }
        if piece >= self.geometry.pieces {
            return Err(CloseReason::Protocol("it has lost a piece that there is not"));
        }
        // Each counts: showing and losing in turn would cost us more than it costs the peer.
        peer.conduct.idle_word()?;
        if !peer.has.clear(piece) {
            return Ok(());
        }
        peer.fast_from.retain(|p| *p != piece);
        peer.holds = peer.holds.map(|n| n.min(self.geometry.pieces - 1));
        let asked: Vec<BlockRef> = peer.pipeline.asked().filter(|at| at.piece == piece).collect();
        if let Some(picker) = &mut self.picker {
            if peer.counted_as_everything {
                picker.peer_left(&peer.has, true, &mut self.rng);
                peer.counted_as_everything = picker.peer_came(&peer.has, &mut self.rng);
            } else {
                picker.peer_lost(piece, &mut self.rng);
            }
            if !self.have.get(piece) && !self.wanted.skips(piece) {
                peer.useful = peer.useful.saturating_sub(1);
            }
        }
        if let Some(source) = &mut self.source {
            source.lost_at(conn, piece);
        }
        self.source_hears(cx.now, conn, true);
        // Each of them is rejected, said or not.
        asked.into_iter().try_for_each(|at| self.on_reject(cx, conn, at))?;
        self.update_interest(cx, conn);
        self.grant(cx);
        Ok(())
    }
}
