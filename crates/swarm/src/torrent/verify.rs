//! Pieces that the disk has judged (BEP 3; bad input, rows 37 and 38).
use super::context::Context;
use super::files::content_in;
use super::{Torrent, evidence};
use crate::event::{Event, State};
use crate::ids::ConnId;
use crate::job::{BlockDigest, DiskError, Job};
use crate::output::Output;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;
use teem_wire::peer::message::Message;

/// A piece that failed once is fetched anew at once; then the wait doubles from here.
const RETRY: Duration = Duration::from_secs(1);
/// Up to 2^8 times that, four minutes: a swarm that is all corrupt costs next to nothing.
const RETRY_DOUBLINGS_MAX: u32 = 8;

impl Torrent {
    /// A downloaded piece was judged.
    pub(super) fn judged<B>(&mut self, cx: &mut Context<'_, B>, piece: u32, ok: bool, digests: &[BlockDigest]) {
        self.end_judgement(piece);
        if ok {
            self.verified(cx, piece);
            for liar in self.evidence.verified(piece, digests) {
                self.ban(cx, liar, "a block that it sent has proven to be corrupt");
            }
        } else {
            self.piece_failed(cx, piece, digests);
        }
        if self.behind || !ok {
            self.behind = false;
            self.wake_hungry(cx);
        }
    }

    fn verified<B>(&mut self, cx: &mut Context<'_, B>, piece: u32) {
        let senders = self.trust_senders(piece);
        self.gain(piece);
        let bytes = u64::from(self.geometry.piece_size(piece));
        if self.state == State::Downloading {
            self.disk_retry = None; // it writes
        }
        self.durability.verified(cx.now, bytes);
        cx.tell(Event::PieceVerified { torrent: self.id, piece });
        self.spread(cx, piece);
        if self.is_done() {
            return self.end_if_done(cx);
        }
        for conn in senders {
            self.fill(cx, conn);
        }
    }

    /// A piece is there: what is missing and wanted is counted anew. The peers are not told yet.
    pub(super) fn gain(&mut self, piece: u32) {
        if let Some(picker) = &mut self.picker {
            picker.verified(piece);
        }
        if let Some(info) = &self.info
            && self.have.set(piece)
        {
            self.have_bytes += content_in(info, piece);
            self.wanted.gained(info, piece);
        }
    }

    /// Shows a new piece to every peer, and to whom it was of use it is no more. Complete ones too: a source judges by it how
    /// far its content has spread.
    pub(super) fn spread<B>(&mut self, cx: &mut Context<'_, B>, piece: u32) {
        if let Some(source) = &mut self.source {
            source.add(piece, &mut self.rng);
            return self.grant(cx);
        }
        let wanted = self.picker.is_some();
        let conns: Vec<ConnId> = self.peers.keys().copied().collect();
        for conn in conns {
            let Some(peer) = self.peers.get_mut(&conn) else { continue };
            if wanted && peer.has.get(piece) && !self.wanted.skips(piece) {
                peer.useful = peer.useful.saturating_sub(1);
            }
            self.send(cx, conn, Message::Have(piece));
            self.update_interest(cx, conn);
        }
    }

    fn piece_failed<B>(&mut self, cx: &mut Context<'_, B>, piece: u32, digests: &[BlockDigest]) {
        let Some(picker) = &mut self.picker else { return };
        let senders: Vec<ConnId> = picker.partial(piece).map(|p| p.senders().collect()).unwrap_or_default();
        self.wasted += u64::from(self.geometry.piece_size(piece));
        cx.tell(Event::PieceFailed { torrent: self.id, piece });
        picker.failed(piece, evidence::sole(&senders));
        let (times, culprit) = self.evidence.failed(piece, &senders, digests);
        if self.lost_unwanted(cx, piece) {
            // Nobody waits for it.
        } else if times > 1 {
            let wait = RETRY * (1 << (times as u32 - 2).min(RETRY_DOUBLINGS_MAX));
            self.held.insert((cx.now + wait, piece));
        } else if let Some(picker) = &mut self.picker {
            picker.retry(piece, &mut self.rng);
        }
        if let Some(conn) = culprit {
            self.ban(cx, conn, "three pieces that it alone sent were corrupt");
        }
        self.doubt(cx, piece, &senders);
    }

    /// Lets failed pieces be fetched again whose wait is over.
    pub(super) fn retry_held<B>(&mut self, cx: &mut Context<'_, B>) {
        let mut woken = false;
        while let Some((_, piece)) = self.held.first().copied().filter(|(at, _)| *at <= cx.now) {
            self.held.pop_first();
            if let Some(picker) = &mut self.picker {
                picker.retry(piece, &mut self.rng);
                woken = true;
            }
        }
        if woken {
            self.wake_hungry(cx);
        }
    }

    /// What the disk had taken of a piece is gone through its own fault.
    pub(super) fn write_failed<B>(&mut self, cx: &mut Context<'_, B>, piece: u32, error: &DiskError) {
        self.end_judgement(piece);
        if let Some(picker) = &mut self.picker
            && !self.have.get(piece)
        {
            // Blocks that were on their way when it failed must not count as the first of the new attempt.
            cx.out.push_back(Output::Disk(Job::Forget { torrent: self.id, piece }));
            picker.lost(piece, &mut self.rng);
            self.lost_unwanted(cx, piece);
        }
        self.trouble(cx, error, false);
    }

    /// A piece that was there is damaged: it is fetched anew, or given no more when it is ours to publish.
    pub(super) fn lose<B>(&mut self, cx: &mut Context<'_, B>, piece: u32) {
        if !self.have.clear(piece) {
            return;
        }
        self.lost_some = true;
        self.tell_lost(cx, piece);
        if let Some(source) = &mut self.source {
            source.lose(piece);
        }
        if let Some(info) = &self.info {
            self.have_bytes -= content_in(info, piece);
            self.wanted.lost(info, piece);
        }
        if self.publish
            || self.wanted.skips(piece)
            || !matches!(self.state, State::Downloading | State::Seeding | State::DiskTrouble)
        {
            return;
        }
        if let Some(picker) = &mut self.picker {
            picker.lost(piece, &mut self.rng);
            for peer in self.peers.values_mut().filter(|p| p.has.get(piece)) {
                peer.useful += 1;
            }
        } else {
            self.end_granting(cx);
            self.begin_download(cx);
        }
        let conns: Vec<ConnId> = self.peers.keys().copied().collect();
        for conn in conns {
            self.update_interest(cx, conn);
            self.fill(cx, conn);
        }
    }

    /// Tells the user something once.
    pub(super) fn notice<B>(&mut self, cx: &mut Context<'_, B>, text: String) {
        if self.noticed.as_ref() != Some(&text) {
            self.noticed = Some(text.clone());
            cx.tell(Event::Notice { torrent: self.id, text });
        }
    }
}
