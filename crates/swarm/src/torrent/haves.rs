//! What peers show that they have, and what that means for interest (BEP 3, 6; bad input, rows 32 and 33).
use super::Torrent;
use super::context::Context;
use super::shown::bytes_of;
use crate::bitfield::Bitfield;
use crate::ids::ConnId;
use crate::output::CloseReason;
use crate::peer::{EARLY_HAVES_MAX, Early};
use alloc::vec::Vec;
use core::net::IpAddr;
use teem_wire::peer::allowed_fast::{ALLOWED_FAST_COUNT, allowed_fast};
use teem_wire::peer::message::Message;

impl Torrent {
    pub(super) fn on_have<B>(&mut self, cx: &mut Context<'_, B>, conn: ConnId, piece: u32) -> Result<(), CloseReason> {
        let Some(peer) = self.peers.get_mut(&conn) else { return Ok(()) };
        if self.geometry.pieces == 0 && self.info.is_none() {
            if peer.early.haves.len() >= EARLY_HAVES_MAX {
                return Err(CloseReason::Flood("HAVEs without a bitfield"));
            }
            peer.early.haves.push(piece);
            peer.early.lost.retain(|lost| *lost != piece);
            return Ok(());
        }
        if piece >= self.geometry.pieces {
            return Err(CloseReason::Protocol("it shows a piece that there is not"));
        }
        if !peer.has.set(piece) {
            return peer.conduct.repeated_have();
        }
        let bytes = bytes_of(&self.geometry, &peer.has);
        self.shown.shows(peer, bytes, 0);
        self.source_sees(cx, conn, piece);
        let Some(peer) = self.peers.get_mut(&conn) else { return Ok(()) };
        if let Some(picker) = &mut self.picker {
            picker.peer_has(piece, &mut self.rng);
            if !self.have.get(piece) && !self.wanted.skips(piece) {
                peer.useful += 1;
            } else if !peer.is_complete() {
                return Ok(()); // nothing more to be asked for than before
            }
        }
        self.after_showing(cx, conn)
    }

    pub(super) fn on_bitfield<B>(
        &mut self,
        cx: &mut Context<'_, B>,
        conn: ConnId,
        bytes: &[u8],
    ) -> Result<(), CloseReason> {
        self.count_statement(conn)?;
        if self.info.is_none() {
            if let Some(peer) = self.peers.get_mut(&conn) {
                peer.early = Early { bitfield: Some(bytes.to_vec()), ..Early::default() };
            }
            return Ok(());
        }
        let has = Bitfield::from_wire(bytes, self.geometry.pieces)
            .map_err(|_| CloseReason::Protocol("its bitfield has the wrong length or spare bits"))?;
        self.shows_all(cx, conn, has)
    }

    pub(super) fn on_have_all<B>(&mut self, cx: &mut Context<'_, B>, conn: ConnId) -> Result<(), CloseReason> {
        self.count_statement(conn)?;
        if self.info.is_none() {
            if let Some(peer) = self.peers.get_mut(&conn) {
                peer.early = Early { all: true, ..Early::default() };
            }
            return Ok(());
        }
        self.shows_all(cx, conn, Bitfield::full(self.geometry.pieces))
    }

    pub(super) fn on_have_none<B>(&mut self, cx: &mut Context<'_, B>, conn: ConnId) -> Result<(), CloseReason> {
        self.count_statement(conn)?;
        if self.info.is_none() {
            if let Some(peer) = self.peers.get_mut(&conn) {
                peer.early = Early::default();
            }
            return Ok(());
        }
        self.shows_all(cx, conn, Bitfield::new(self.geometry.pieces))
    }

    fn count_statement(&mut self, conn: ConnId) -> Result<(), CloseReason> {
        self.peers.get_mut(&conn).map_or(Ok(()), |peer| peer.conduct.statement())
    }

    /// A peer says all that it has; that replaces what it said before.
    fn shows_all<B>(&mut self, cx: &mut Context<'_, B>, conn: ConnId, has: Bitfield) -> Result<(), CloseReason> {
        let Some(peer) = self.peers.get_mut(&conn) else { return Ok(()) };
        let bytes = bytes_of(&self.geometry, &has);
        self.shown.shows(peer, bytes, bytes);
        if let Some(picker) = &mut self.picker {
            picker.peer_left(&peer.has, peer.counted_as_everything, &mut self.rng);
            peer.counted_as_everything = picker.peer_came(&has, &mut self.rng);
            peer.useful = self.wanted.useful(&has, &self.have);
        }
        let before = core::mem::replace(&mut peer.has, has);
        self.source_sees_all(cx.now, conn, &before);
        self.grant(cx);
        self.allow_fast(cx, conn);
        self.after_showing(cx, conn)
    }

    fn after_showing<B>(&mut self, cx: &mut Context<'_, B>, conn: ConnId) -> Result<(), CloseReason> {
        let Some(peer) = self.peers.get(&conn) else { return Ok(()) };
        let complete = peer.is_complete() || peer.holds.is_some_and(|n| n == self.geometry.pieces);
        if complete && self.wants_nothing() {
            return Err(CloseReason::BothSeeds);
        }
        self.update_interest(cx, conn);
        self.fill(cx, conn);
        Ok(())
    }

    /// The number of pieces is known now: what a peer said before is judged.
    pub(super) fn judge_early<B>(&mut self, cx: &mut Context<'_, B>, conn: ConnId) -> Result<(), CloseReason> {
        let Some(peer) = self.peers.get_mut(&conn) else { return Ok(()) };
        let early = core::mem::take(&mut peer.early);
        peer.has = Bitfield::new(self.geometry.pieces);
        peer.fast_from.retain(|p| *p < self.geometry.pieces);
        if early.all {
            self.on_have_all(cx, conn)?;
        } else if let Some(bytes) = early.bitfield {
            self.on_bitfield(cx, conn, &bytes)?;
        }
        early.haves.into_iter().try_for_each(|piece| self.on_have(cx, conn, piece))?;
        early.lost.into_iter().try_for_each(|piece| self.on_dont_have(cx, conn, piece))
    }

    /// Counts all peers' pieces anew: something has come to be wanted.
    pub(super) fn recount(&mut self) {
        let Some(picker) = &mut self.picker else { return };
        for peer in self.peers.values_mut() {
            peer.counted_as_everything = picker.peer_came(&peer.has, &mut self.rng);
            peer.useful = self.wanted.useful(&peer.has, &self.have);
        }
    }

    /// Says INTERESTED or NOT_INTERESTED when that has changed.
    pub(super) fn update_interest<B>(&mut self, cx: &mut Context<'_, B>, conn: ConnId) {
        let wants = self.picker.is_some();
        let Some(peer) = self.peers.get_mut(&conn) else { return };
        let interested = wants && peer.useful > 0;
        if peer.am_interested != interested {
            peer.am_interested = interested;
            peer.busy = cx.now;
            let message = if interested { Message::Interested } else { Message::NotInterested };
            self.send(cx, conn, message);
        }
    }

    /// Lets a newcomer that has next to nothing ask for a few pieces while it is choked (BEP 6).
    fn allow_fast<B>(&mut self, cx: &mut Context<'_, B>, conn: ConnId) {
        let Some(peer) = self.peers.get_mut(&conn) else { return };
        let Some(IpAddr::V4(ip)) = peer.addr.ip() else { return };
        let newcomer = peer.is_fast() && peer.has.count() < ALLOWED_FAST_COUNT as u32 && peer.fast_to.is_empty();
        if !newcomer || self.have.is_empty() || self.source.is_some() {
            return;
        }
        let set = allowed_fast(ip, &self.me.torrent.wire(), self.geometry.pieces, ALLOWED_FAST_COUNT);
        let granted: Vec<u32> = set.into_iter().filter(|p| self.have.get(*p) && !peer.has.get(*p)).collect();
        peer.fast_to.clone_from(&granted);
        for piece in granted {
            self.send(cx, conn, Message::AllowedFast(piece));
        }
    }

    /// Whether other seeds are of no use to us, nor we to them.
    pub(super) fn wants_nothing(&self) -> bool {
        self.is_done() || self.publish
    }
}
