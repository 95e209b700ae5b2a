//! Serving peers: requests, reads, sends (BEP 3, 6; bad input, rows 34, 35 and 39).
use super::Torrent;
use super::context::Context;
use crate::choke::order::{self, Waiting};
use crate::choke::prefix::Prefix;
use crate::event::Event;
use crate::ids::ConnId;
use crate::job::{DiskError, DiskErrorKind, Job};
use crate::output::{CloseReason, Output};
use crate::peer::Peer;
use crate::rate::{CHOKE_SLOTS, PIPELINE_SLOTS};
use crate::throttle::Shared;
use crate::time::Time;
use core::time::Duration;
use teem_wire::peer::block::BlockRef;
use teem_wire::peer::message::Message;

/// Requests that cross our CHOKE on the way are not held against a peer for this long.
const CHOKE_GRACE: Duration = Duration::from_secs(10);
/// Blocks remembered that only we had and that have left: those of some seconds.
const RELAYED_MAX: usize = 4_096;

impl Torrent {
    pub(super) fn on_request<B>(
        &mut self,
        cx: &mut Context<'_, B>,
        conn: ConnId,
        at: BlockRef,
    ) -> Result<(), CloseReason> {
        let there = self.geometry.allows(at) && self.have.get(at.piece) && self.source_lets(cx.now, conn, at.piece);
        let Some(peer) = self.peers.get_mut(&conn) else { return Ok(()) };
        let open = !peer.am_choking || peer.fast_to.contains(&at.piece);
        let crossed = peer.am_choking && peer.choke_changed.is_some_and(|since| cx.now.since(since) < CHOKE_GRACE);
        peer.busy = cx.now;
        if there && open && peer.upload.ask(at) {
            self.serve(cx, conn);
            return Ok(());
        }
        let excused = (there && (open || crossed)) || (self.lost_some && self.geometry.allows(at));
        let verdict = if excused { Ok(()) } else { peer.conduct.invalid_request() };
        self.reject(cx, conn, at);
        verdict
    }

    pub(super) fn on_cancel<B>(
        &mut self,
        cx: &mut Context<'_, B>,
        conn: ConnId,
        at: BlockRef,
    ) -> Result<(), CloseReason> {
        let Some(peer) = self.peers.get_mut(&conn) else { return Ok(()) };
        if peer.upload.cancel(at) {
            // BEP 6: each request is answered, a cancelled one too.
            self.reject(cx, conn, at);
        }
        self.idle_word(conn)
    }

    /// Tells a peer that a request will not be served, where the fast extension has a word for it.
    pub(super) fn reject<B>(&mut self, cx: &mut Context<'_, B>, conn: ConnId, at: BlockRef) {
        if self.peers.get(&conn).is_some_and(|p| p.is_fast()) {
            self.send(cx, conn, Message::Reject(at));
        }
    }

    /// Reads what a peer has asked for, as far as its share of bytes in flight and the limit, or the line, allow.
    pub(super) fn serve<B>(&mut self, cx: &mut Context<'_, B>, conn: ConnId) {
        while self.peers.get(&conn).is_some_and(|p| p.upload.is_ready(cx.now)) {
            if self.up.is_waiting() || !self.may_read(cx) {
                self.wait_up(cx.now, conn);
                return;
            }
            self.read_one(cx, conn);
        }
    }

    /// Whether a block more may be read: by the limit, or, without one, by what the line is about to carry.
    fn may_read<B>(&mut self, cx: &mut Context<'_, B>) -> bool {
        if self.up.is_limited(&cx.shared.up) {
            self.up.may(&mut cx.shared.up, cx.now)
        } else {
            !self.has_enough(cx.now)
        }
    }

    fn has_enough(&self, now: Time) -> bool {
        // By the better of two rates: when the line pauses, more is to be read, not less.
        self.ahead.is_enough(0)
            && [PIPELINE_SLOTS, CHOKE_SLOTS].iter().all(|slots| self.ahead.is_enough(self.sent.rate(now, *slots)))
    }

    /// When those that wait can go on; without a limit something else has to happen first.
    pub(super) fn serving_deadline(&self, shared: &Shared, now: Time) -> Option<Time> {
        if self.up.is_limited(&shared.up) {
            return self.up.deadline(&shared.up, now);
        }
        (self.up.is_waiting() && !self.has_enough(now)).then_some(now)
    }

    /// Does something with what a peer has asked for; how much is read ahead may change by that.
    fn with_upload<T>(&mut self, conn: ConnId, act: impl FnOnce(&mut Peer) -> T) -> Option<T> {
        let peer = self.peers.get_mut(&conn)?;
        let before = peer.upload.ahead();
        let outcome = act(peer);
        self.ahead.changed(before, peer.upload.ahead());
        Some(outcome)
    }

    /// Lets those that wait go on, a block at a time.
    pub(super) fn pump_up<B>(&mut self, cx: &mut Context<'_, B>) {
        while self.up.is_waiting() && self.may_read(cx) {
            let Some(conn) = self.next_served(cx.now) else { return };
            self.up.forget(conn);
            let Some(peer) = self.peers.get_mut(&conn) else { continue };
            peer.waits_up = false;
            if peer.upload.is_ready(cx.now) {
                self.read_one(cx, conn);
                self.serve_later(cx, conn);
            }
        }
    }

    fn next_served(&self, now: Time) -> Option<ConnId> {
        let waiting = self.up.waiting().filter_map(|conn| {
            let peer = self.peers.get(&conn)?;
            let next = peer.upload.next();
            Some(Waiting {
                conn,
                waited: now.since(peer.upload.waits_since),
                unique: next.is_some_and(|(at, _)| self.is_unique(at) && !self.relayed.contains(&at)),
                goes_on: next.is_some_and(|(_, goes_on)| goes_on),
                owed: if self.cooperative { 0 } else { self.ledger.owed(now, Prefix::of_remote(peer.addr)) },
            })
        });
        order::next(waiting)
    }

    /// Whether nobody else near us has it, so that the swarm waits for us to pass it on.
    fn is_unique(&self, at: BlockRef) -> bool {
        self.picker.as_ref().is_some_and(|picker| picker.availability(at.piece) == 0)
    }

    fn serve_later<B>(&mut self, cx: &mut Context<'_, B>, conn: ConnId) {
        if self.peers.get(&conn).is_some_and(|p| p.upload.is_ready(cx.now)) {
            self.wait_up(cx.now, conn);
        }
    }

    fn wait_up(&mut self, now: Time, conn: ConnId) {
        if let Some(peer) = self.peers.get_mut(&conn)
            && !peer.waits_up
        {
            peer.waits_up = true;
            peer.upload.waits_since = now;
            self.up.wait(conn);
        }
    }

    fn read_one<B>(&mut self, cx: &mut Context<'_, B>, conn: ConnId) {
        let read = self.with_upload(conn, |peer| Some((peer.upload.read()?, Prefix::of_remote(peer.addr))));
        if let Some((at, from)) = read.flatten() {
            self.ledger.add(cx.now, from, -i64::from(at.len), self.geometry.piece_len);
            if self.up.is_waiting() && self.is_unique(at) {
                if self.relayed.len() >= RELAYED_MAX {
                    self.relayed.clear();
                }
                self.relayed.insert(at);
            }
            self.up.take(&mut cx.shared.up, u64::from(at.len));
            cx.out.push_back(Output::Disk(Job::Read { torrent: self.id, conn, at }));
        }
    }

    /// A block was read for a peer.
    pub(super) fn has_read<B>(&mut self, cx: &mut Context<'_, B>, conn: ConnId, at: BlockRef, data: B) {
        let wanted = self.with_upload(conn, |peer| {
            peer.told = cx.now;
            peer.upload.has_read(at)
        });
        if wanted != Some(true) {
            self.up.refund(&mut cx.shared.up, u64::from(at.len));
            self.serve(cx, conn);
            self.pump_up(cx);
            return;
        }
        cx.out.push_back(Output::SendBlock { conn, at, data });
        self.source_sent(cx, conn, at);
        if let Some(sent) = self.out.mark(&self.geometry, at) {
            cx.tell(Event::AllOut { torrent: self.id, sent, elsewhere: 0 });
        }
    }

    /// A block could not be read for a peer.
    pub(super) fn read_failed<B>(&mut self, cx: &mut Context<'_, B>, conn: ConnId, at: BlockRef, error: DiskError) {
        self.up.refund(&mut cx.shared.up, u64::from(at.len));
        if self.with_upload(conn, |peer| peer.upload.read_failed(at)) == Some(true) {
            self.reject(cx, conn, at);
        }
        self.notice(cx, error.message);
        if matches!(error.kind, DiskErrorKind::Changed | DiskErrorKind::Io) {
            self.lose(cx, at.piece);
        }
        self.serve(cx, conn);
        self.pump_up(cx);
    }

    /// Payload of blocks has gone to the kernel.
    pub fn sent<B>(&mut self, cx: &mut Context<'_, B>, conn: ConnId, bytes: u64) {
        self.sent.add(cx.now, bytes);
        let dry = self.with_upload(conn, |peer| {
            peer.upload.sent(cx.now, bytes);
            (peer.told, peer.busy, peer.moved) = (cx.now, cx.now, cx.now);
            peer.upload.is_idle() && !peer.am_choking
        });
        if let Some(dry) = dry {
            self.serve(cx, conn);
            self.pump_up(cx);
            if dry {
                self.has_run_dry(cx.now);
            }
        }
        self.settle(cx);
    }
}
