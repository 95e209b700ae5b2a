//! What becomes of blocks and pieces (BEP 3; bad input, rows 36 to 38): blocks that come and go, pieces that are verified, fail, are lost.
use super::Torrent;
use super::context::Context;
use super::phase::Phase;
use super::step::Step;
use crate::event::Event;
use crate::ids::ConnId;
use crate::job::{BlockDigest, DiskError, DiskErrorKind, Job};
use crate::output::{CloseReason, Output};
use alloc::string::String;
use teem_wire::peer::block::BlockRef;

impl Torrent {
    /// Takes a block that has come. The error is why the connection has to be closed.
    pub(super) fn take<B>(
        &mut self,
        cx: &mut Context<'_, B>,
        conn: ConnId,
        at: BlockRef,
        data: B,
    ) -> Result<(), CloseReason> {
        let Some(peer) = self.ground.table.get_mut(conn) else { return Ok(()) };
        let from = peer.network();
        if !self.intake.arrive(&mut cx.shared.down, cx.now, peer, at)? {
            return Ok(());
        }
        let Phase::Downloading(download) = &mut self.phase else {
            self.intake.waste(u64::from(at.len));
            return Ok(());
        };
        if download.take(cx, &mut self.ground, &mut self.intake, conn, (at, data)) {
            let piece_len = self.ground.content.geometry().piece_len;
            self.upload.owe(cx.now, from, at.len, piece_len);
        } else {
            self.intake.waste(u64::from(at.len));
        }
        Ok(())
    }

    /// A block was read for a peer.
    pub(super) fn has_read<B>(&mut self, cx: &mut Context<'_, B>, conn: ConnId, at: BlockRef, data: B) {
        if self.upload.has_read(cx, &mut self.ground, self.phase.picker(), conn, (at, data)) {
            if self.granting.sent(cx.now, &self.ground, conn, at) {
                self.grant(cx);
            }
            self.granting.mark(cx, &self.ground, at);
        }
    }

    /// A block could not be read for a peer.
    pub(super) fn read_failed<B>(&mut self, cx: &mut Context<'_, B>, conn: ConnId, at: BlockRef, error: DiskError) {
        self.upload.read_failed(cx, &mut self.ground, conn, at);
        self.unreadable(cx, at.piece, error);
        self.upload.go_on(cx, &mut self.ground, self.phase.picker(), conn);
    }

    /// A block of a piece could not be read, for a peer or for the owner: if that is the fault of the piece, it is there no more.
    pub(super) fn unreadable<B>(&mut self, cx: &mut Context<'_, B>, piece: u32, error: DiskError) {
        self.ground.notice(cx, error.message);
        if matches!(error.kind, DiskErrorKind::Changed | DiskErrorKind::Io) {
            self.lose(cx, piece);
        }
    }

    /// A downloaded piece was judged.
    pub(super) fn judged<B>(&mut self, cx: &mut Context<'_, B>, piece: u32, ok: bool, digests: &[BlockDigest]) {
        if self.phase.is_checking() && self.store.is_rechecking_piece(piece) {
            return self.checked(cx, piece, ok);
        }
        if ok {
            self.verified(cx, piece);
            let liars = self.intake.evidence_mut().verified(piece, digests);
            let why = "a block that it sent has proven to be corrupt";
            self.ground.steps.extend(liars.into_iter().map(|liar| Step::Ban(liar, why)));
        } else {
            self.failed(cx, piece, digests);
        }
        if let Some(download) = self.phase.download_mut() {
            download.end_wait(&mut self.ground, ok);
        }
    }

    fn verified<B>(&mut self, cx: &mut Context<'_, B>, piece: u32) {
        let senders = self.phase.download_mut().map(|download| download.verified(&mut self.ground, piece));
        self.ground.content.gain(piece);
        self.store.verified(cx.now, self.ground.content.piece_size(piece));
        cx.tell(Event::PieceVerified { torrent: self.ground.id, piece });
        self.spread(cx, piece);
        if self.ground.content.is_done() {
            self.end_if_done(cx);
        } else {
            self.ground.steps.extend(senders.into_iter().flatten().map(Step::Fill));
        }
    }

    fn failed<B>(&mut self, cx: &mut Context<'_, B>, piece: u32, digests: &[BlockDigest]) {
        let Phase::Downloading(download) = &mut self.phase else { return };
        let failure = download.failed(cx, &mut self.ground, &mut self.intake, piece, digests);
        self.end_if_done(cx);
        if let Some(conn) = failure.culprit {
            self.ground.steps.push_back(Step::Ban(conn, "three pieces that it alone sent were corrupt"));
        } else if let Phase::Downloading(download) = &mut self.phase {
            download.doubt(cx, &mut self.ground, &mut self.intake, piece, &failure.senders);
        }
    }

    /// What the disk had taken of a piece is gone through its own fault.
    pub(super) fn write_failed<B>(&mut self, cx: &mut Context<'_, B>, piece: u32, error: &DiskError) {
        if let Phase::Downloading(download) = &mut self.phase {
            download.write_failed(cx, &mut self.ground, piece);
            self.end_if_done(cx);
        }
        self.trouble(cx, error, false);
        if self.phase.is_checking() && self.store.is_rechecking_piece(piece) {
            self.checked(cx, piece, false);
        }
    }

    /// A publisher has those of its pieces hashed again that it looks for now.
    pub(super) fn look_for_lost<B>(&mut self, cx: &mut Context<'_, B>) {
        if matches!(self.phase, Phase::Seeding) {
            let pieces = self.store.look_for_lost(cx.now);
            if !pieces.is_empty() {
                cx.out.push_back(Output::Disk(Job::Check { torrent: self.ground.id, pieces }));
            }
        }
    }

    /// A piece was hashed as it lies on the disk.
    pub(super) fn checked<B>(&mut self, cx: &mut Context<'_, B>, piece: u32, ok: bool) {
        if self.store.is_rechecking_piece(piece) {
            cx.tell(Event::Checked { torrent: self.ground.id, piece, ok });
        }
        let had = self.ground.content.has(piece);
        if self.store.regained(cx.now, piece, ok) {
            self.ground.notice(cx, String::from("what could not be read, or was not as it should be, is there again"));
        }
        if !ok && self.ground.content.is_published() {
            self.store.lost(cx.now, piece);
        }
        if ok && !had {
            self.gain(piece);
            self.store.verified(cx.now, self.ground.content.piece_size(piece));
            self.spread(cx, piece);
        } else if !ok && had {
            self.lose(cx, piece);
        }
        if !self.phase.is_checking() || !self.store.is_checking() {
            if self.ground.content.is_done() && self.phase.download().is_some() {
                self.complete(cx);
            }
        } else if self.store.checked(piece) {
            self.ready(cx);
        }
    }

    /// A piece that was there is damaged: it is fetched anew, or given no more when it is ours to publish.
    fn lose<B>(&mut self, cx: &mut Context<'_, B>, piece: u32) {
        if !self.ground.content.lose(piece) {
            return;
        }
        self.granting.lose(cx, &mut self.ground, piece);
        if self.ground.content.is_published() {
            self.store.lost(cx.now, piece);
        }
        let fetched = matches!(self.phase, Phase::Downloading(_) | Phase::Seeding);
        if self.ground.content.is_published() || self.ground.content.skips(piece) || !fetched {
            return;
        }
        if let Some(download) = self.phase.download_mut() {
            download.lost(&mut self.ground, piece);
        } else {
            self.granting.end(cx, &mut self.ground);
            self.begin_download(cx);
            // Those that were let go because both sides were complete are needed again.
            self.finder.redial(cx.now);
        }
        for conn in self.ground.table.conns() {
            self.update_interest(cx, conn);
            self.fill(cx, conn);
        }
    }
}
