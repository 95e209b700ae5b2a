//! A torrent that is a source: the hooks between [`super::source`] and the peers (own design; BEP 3, 6, 10, 21).
use super::Torrent;
use super::context::Context;
use super::source::Source;
use crate::bitfield::Bitfield;
use crate::command::Spreading;
use crate::event::{Event, State};
use crate::ids::ConnId;
use crate::output::Output;
use crate::rate::PIPELINE_SLOTS;
use crate::time::Time;
use core::time::Duration;
use teem_wire::peer::block::BlockRef;
use teem_wire::peer::message::Message;

/// HAVEs sent in one go once everything is out; the next go follows at once, after whatever else is to be done.
const REVEALED_AT_ONCE: u32 = 16_384;
/// A peer that neither says the metadata's size nor asks for it has it already.
const METADATA_SILENCE: Duration = Duration::from_secs(3);

impl Torrent {
    /// Whether the choker has no say, because a source decides whom it serves.
    pub(super) fn is_source(&self) -> bool {
        self.source.is_some()
    }

    /// Becomes a source, if it is to be one: everything is there, or will be when it is checked.
    pub(super) fn begin_granting<B>(&mut self, cx: &mut Context<'_, B>) {
        let all = self.geometry.pieces;
        let wanted = self.spreading != Spreading::Ordinary && all > 1;
        if !wanted || self.source.is_some() {
            return;
        }
        let out = Bitfield::from_wire(&self.facts_before.out, all).unwrap_or_else(|_| Bitfield::new(all));
        self.out.begin(&self.geometry);
        out.iter().for_each(|piece| self.out.left_before(&self.geometry, piece));
        let frugal = self.spreading == Spreading::Frugal;
        if out.is_full() && !frugal {
            return;
        }
        let mut source = Source::new(cx.now, self.geometry, &self.have, &out, frugal, &mut self.rng);
        source.keep(cx.now, core::mem::take(&mut self.facts_before.granted));
        self.source = Some(source);
        for conn in self.connections() {
            // They came while the content was looked at, and were shown nothing.
            self.source_greets(cx, conn);
            self.source_sees_all(cx.now, conn, &Bitfield::default());
        }
        self.grant(cx);
    }

    /// Stops being a source: what it has not shown is shown. Only for one that has lost its place, not for one that is done.
    pub(super) fn end_granting<B>(&mut self, cx: &mut Context<'_, B>) {
        let Some(source) = self.source.take() else { return };
        self.facts_before.out = source.out().to_wire();
        let have = self.have.clone();
        for conn in self.connections() {
            for piece in have.iter().filter(|p| !source.has_shown(conn, *p)) {
                self.send(cx, conn, Message::Have(piece));
            }
        }
    }

    /// What has left, for the saved state.
    pub(super) fn out_pieces(&self) -> alloc::vec::Vec<u8> {
        match &self.source {
            Some(source) => source.out().to_wire(),
            None => self.facts_before.out.clone(),
        }
    }

    /// A peer has come to a source: it is let in for good.
    pub(super) fn source_greets<B>(&mut self, cx: &mut Context<'_, B>, conn: ConnId) {
        let (Some(source), Some(peer)) = (&mut self.source, self.peers.get_mut(&conn)) else { return };
        source.came(cx.now, conn);
        if peer.am_choking {
            self.audience.leave(peer);
            peer.am_choking = false;
            self.audience.enter(peer);
            peer.choke_changed = Some(cx.now);
            self.send(cx, conn, Message::Unchoke);
        }
    }

    /// Something was heard of a peer by which it may turn out to be one that can use grants, or not any more.
    pub(super) fn source_hears(&mut self, now: Time, conn: ConnId, knows_metadata: bool) {
        let Some(peer) = self.peers.get_mut(&conn) else { return };
        peer.knows_metadata |= knows_metadata;
        let Some(source) = &mut self.source else { return };
        let quiet = now.since(peer.asked_metadata.unwrap_or(peer.since)) >= METADATA_SILENCE;
        let knows = peer.knows_metadata || quiet || !peer.handshake.features.extended;
        let complete = peer.is_complete() || peer.upload_only || peer.holds == Some(self.geometry.pieces);
        if (knows && !complete) != source.is_candidate(conn) {
            source.candidate(now, conn, peer, knows && !complete);
        }
    }

    /// A peer shows one more piece.
    pub(super) fn source_sees<B>(&mut self, cx: &mut Context<'_, B>, conn: ConnId, piece: u32) {
        let Some(source) = &mut self.source else { return };
        let news = source.has(cx.now, conn, piece);
        let before = source.is_candidate(conn);
        self.source_hears(cx.now, conn, true);
        if news || !before {
            self.grant(cx);
        }
    }

    /// A peer has said all that it has; before that it had shown `before`.
    pub(super) fn source_sees_all(&mut self, now: Time, conn: ConnId, before: &Bitfield) {
        let (Some(source), Some(peer)) = (&mut self.source, self.peers.get(&conn)) else { return };
        if !before.is_empty() {
            source.unshows(before);
        }
        let something = peer.has.count() > 0;
        source.shows(now, conn, &peer.has);
        self.source_hears(now, conn, something);
    }

    /// A block leaves.
    pub(super) fn source_sent<B>(&mut self, cx: &mut Context<'_, B>, conn: ConnId, at: BlockRef) {
        if let Some(source) = &mut self.source
            && source.sent(cx.now, conn, at, &self.peers)
        {
            self.grant(cx);
        }
    }

    /// Time has passed for a source.
    pub(super) fn source_tick<B>(&mut self, cx: &mut Context<'_, B>) {
        if self.source.as_ref().and_then(Source::deadline).is_none_or(|at| at > cx.now) {
            return;
        }
        for conn in self.connections() {
            self.source_hears(cx.now, conn, false);
        }
        let idle = !self.up.is_waiting() && self.peers.values().all(|p| p.upload.is_idle());
        let rate = self.sent.rate(cx.now, PIPELINE_SLOTS);
        if let Some(source) = &mut self.source {
            source.tick(cx.now, idle, rate, &self.peers);
        }
        self.grant(cx);
    }

    /// Shows what is to be shown now.
    pub(super) fn grant<B>(&mut self, cx: &mut Context<'_, B>) {
        if !self.is_source() {
            return;
        }
        let rate = self.sent.rate(cx.now, PIPELINE_SLOTS);
        while let Some((conn, piece)) = self.source.as_mut().and_then(|s| s.next_show(cx.now, rate, &self.peers)) {
            self.send(cx, conn, Message::Have(piece));
        }
        // While pieces are still being checked, more are to come.
        let checking = self.state == State::Checking;
        if !checking && self.source.as_mut().is_some_and(|source| source.turned(cx.now)) {
            let others = self.source.as_ref().map(Source::out);
            if let Some((sent, elsewhere)) = others.and_then(|out| self.out.with(&self.geometry, out)) {
                cx.tell(Event::AllOut { torrent: self.id, sent, elsewhere });
            }
            self.durability.ask();
        }
        self.reveal(cx);
    }

    /// Everything is out: everything is shown, a part at a time, and the choker takes over.
    fn reveal<B>(&mut self, cx: &mut Context<'_, B>) {
        let mut budget = REVEALED_AT_ONCE;
        while budget > 0
            && let Some((conn, show)) = self.source.as_mut().and_then(|s| s.reveal(&self.have, &self.peers, budget))
        {
            budget -= (show.len() as u32).min(budget);
            for piece in show {
                self.send(cx, conn, Message::Have(piece));
            }
        }
        if let Some(source) = self.source.take_if(|s| s.is_over()) {
            self.facts_before.out = source.out().to_wire();
            self.announce_upload_only(cx);
            self.rechoke(cx, true);
        }
    }

    /// Tells the peers that nothing is wanted here (BEP 21). Only once everything was shown: libtorrent leaves a peer that wants
    /// nothing and has shown nothing that it lacks, and then its last pieces come from the others alone.
    pub(super) fn announce_upload_only<B>(&mut self, cx: &mut Context<'_, B>) {
        for conn in self.connections() {
            if let Some(peer) = self.peers.get(&conn).filter(|p| p.handshake.features.extended) {
                let said = self.extended_handshake(peer.addr.ip(), Some(true));
                cx.out.push_back(Output::Send { conn, message: Message::ExtendedHandshake(said) });
            }
        }
    }

    /// Whether a peer may ask for a piece that we have.
    pub(super) fn source_lets(&mut self, now: Time, conn: ConnId, piece: u32) -> bool {
        let Some(source) = &mut self.source else { return true };
        let allowed = source.asks(now, conn, piece);
        if allowed {
            self.source_hears(now, conn, true);
        }
        allowed
    }

    /// A peer of a source has gone.
    pub(super) fn source_loses(&mut self, now: Time, peer: &crate::peer::Peer) {
        if let Some(source) = &mut self.source {
            source.gone(now, peer.conn, peer);
        }
    }
}
