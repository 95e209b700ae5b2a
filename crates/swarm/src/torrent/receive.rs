//! Asking for blocks and taking them (BEP 3, 6; bad input, rows 36 and 39).
use super::context::Context;
use super::{Torrent, trust};
use crate::choke::prefix::Prefix;
use crate::event::State;
use crate::ids::ConnId;
use crate::job::Job;
use crate::output::{CloseReason, Output};
use crate::peer::Peer;
use crate::peer::pipeline::Arrival;
use crate::picker::partial::Received;
use crate::picker::pick::Asker;
use crate::rate::DISPLAY_SLOTS;
use crate::time::Time;
use alloc::vec::Vec;
use core::time::Duration;
use teem_wire::peer::block::BlockRef;
use teem_wire::peer::message::Message;

/// Bytes of whole pieces that the disk has not judged above which nothing more is asked for: it cannot keep up.
const UNJUDGED_BYTES_MAX: u64 = 32 << 20;
/// Whole pieces that may wait for the disk however long they are.
const UNJUDGED_MIN: u32 = 3;
/// Blocks under way up to which a peer may be asked for duplicates in the end game.
const ENDGAME_WINDOW: usize = 2;

impl Torrent {
    /// A block has come.
    pub fn block<B>(&mut self, cx: &mut Context<'_, B>, conn: ConnId, at: BlockRef, data: B) {
        match self.take(cx, conn, at, data) {
            Ok(()) => self.fill(cx, conn),
            Err(why) => {
                self.drop_peer(cx, conn, why);
                self.wake_hungry(cx);
                self.rechoke(cx, false);
            }
        }
        self.settle(cx);
    }

    fn take<B>(&mut self, cx: &mut Context<'_, B>, conn: ConnId, at: BlockRef, data: B) -> Result<(), CloseReason> {
        let Some(peer) = self.peers.get_mut(&conn) else { return Ok(()) };
        peer.heard = cx.now;
        (peer.busy, peer.moved) = (cx.now, cx.now);
        let len = u64::from(at.len);
        self.received.add(cx.now, len);
        match peer.pipeline.arrive(cx.now, at) {
            Arrival::Asked => peer.refusals.delivered(),
            // What was charged for it has been given back.
            Arrival::Late => {
                self.down.take(&mut cx.shared.down, len);
                if trust::is_accused(peer, cx.now) {
                    self.wasted += len;
                    return Ok(());
                }
            }
            Arrival::WrongLength => return Err(CloseReason::Protocol("a block of another length than asked for")),
            Arrival::Unasked => {
                self.wasted += len;
                let fast = peer.is_fast();
                if fast {
                    return Err(CloseReason::Protocol("a block that was never asked for"));
                }
                return peer.conduct.unasked_block();
            }
        }
        let downloading = self.state == State::Downloading;
        let outcome = self.picker.as_mut().and_then(|picker| {
            if downloading {
                return picker.receive(at, conn);
            }
            picker.give_back(at, conn, &mut self.rng);
            None
        });
        let Some((Received::New(others), whole)) = outcome else {
            self.wasted += len;
            return Ok(());
        };
        if let Some(peer) = self.peers.get(&conn) {
            let from = Prefix::of_remote(peer.addr);
            self.ledger.add(cx.now, from, i64::from(at.len), self.geometry.piece_len);
        }
        if whole {
            self.await_judgement(at.piece);
        }
        cx.out.push_back(Output::Disk(Job::Write { torrent: self.id, at, data }));
        for other in others.into_iter().flatten() {
            self.cancel(cx, other, at);
            self.fill(cx, other);
        }
        Ok(())
    }

    /// Asks a peer for blocks until its window is full, the limit is reached, or nothing is left.
    pub(super) fn fill<B>(&mut self, cx: &mut Context<'_, B>, conn: ConnId) {
        while self.may_ask(cx.now, conn) {
            if self.down.is_limited(&cx.shared.down)
                && (self.down.is_waiting() || !self.down.may(&mut cx.shared.down, cx.now))
            {
                self.wait_down(conn);
                return;
            }
            if !self.ask_one(cx, conn) {
                return;
            }
        }
    }

    /// Lets those that wait for the limit ask in turns, a block each.
    pub(super) fn pump_down<B>(&mut self, cx: &mut Context<'_, B>) {
        while self.down.is_waiting() && self.down.may(&mut cx.shared.down, cx.now) {
            let Some(conn) = self.down.pop() else { return };
            if let Some(peer) = self.peers.get_mut(&conn) {
                peer.waits_down = false;
            }
            if self.may_ask(cx.now, conn) && self.ask_one(cx, conn) && self.may_ask(cx.now, conn) {
                self.wait_down(conn);
            }
        }
    }

    fn wait_down(&mut self, conn: ConnId) {
        if let Some(peer) = self.peers.get_mut(&conn)
            && !peer.waits_down
        {
            peer.waits_down = true;
            self.down.wait(conn);
        }
    }

    /// Whether a peer could be asked for something now, as far as it is concerned.
    fn may_ask(&mut self, now: Time, conn: ConnId) -> bool {
        let (Some(picker), State::Downloading) = (&self.picker, self.state) else { return false };
        let Some(peer) = self.peers.get(&conn) else { return false };
        let open = !peer.choking_us || !peer.fast_from.is_empty();
        if !open
            || !peer.am_interested
            || peer.refusals.is_full()
            || !trust::may_ask(peer, now, &self.geometry, self.evidence.is_wary())
        {
            return false;
        }
        let room = |floor| peer.pipeline.room(floor) > 0;
        let sole = || picker.has_sole(&asker(peer, now));
        let fits = room(self.share.floor(picker.waiting())) || (room(self.share.sole_floor()) && sole());
        if !fits {
            return false;
        }
        self.behind = picker.unjudged() > UNJUDGED_MIN && picker.unjudged_bytes() > UNJUDGED_BYTES_MAX;
        if self.behind {
            self.hungry.insert(conn);
        }
        !self.behind
    }

    /// Asks for one block; whether there was one.
    fn ask_one<B>(&mut self, cx: &mut Context<'_, B>, conn: ConnId) -> bool {
        let picked = self.pick(cx.now, conn).or_else(|| {
            let moved = self.move_piece(cx, conn);
            if moved { self.pick(cx.now, conn) } else { self.duplicate(cx.now, conn) }
        });
        let Some(at) = picked else {
            self.hungry.insert(conn);
            return false;
        };
        if let Some(peer) = self.peers.get_mut(&conn) {
            peer.current = Some(at.piece);
            peer.on_trial += 1;
            peer.pipeline.ask(cx.now, at);
            peer.told = cx.now;
        }
        self.hungry.remove(&conn);
        self.down.take(&mut cx.shared.down, u64::from(at.len));
        cx.out.push_back(Output::Send { conn, message: Message::Request(at) });
        true
    }

    fn pick(&mut self, now: Time, conn: ConnId) -> Option<BlockRef> {
        let (picker, peer) = (self.picker.as_mut()?, self.peers.get(&conn)?);
        let trusted = peer.trust > 0 || self.have_bytes == 0;
        picker.pick(&Asker { trusted, ..asker(peer, now) }, &mut self.rng)
    }

    /// A block that is asked of somebody else and late there.
    fn duplicate(&mut self, now: Time, conn: ConnId) -> Option<BlockRef> {
        let (picker, peer) = (self.picker.as_mut()?, self.peers.get(&conn)?);
        let asker = asker(peer, now);
        // A block asked twice of peers that give nothing would wait for both to stall.
        if peer.pipeline.under_way() >= ENDGAME_WINDOW || asker.rate == 0 {
            return None;
        }
        let own = peer.pipeline.eta(now, 1);
        let eta = |other| self.peers.get(&other).map_or(Duration::MAX, |p| p.pipeline.eta(now, 0));
        picker.duplicate(&asker, own, eta)
    }

    /// Lets those try again that had nothing to be asked for.
    pub(super) fn wake_hungry<B>(&mut self, cx: &mut Context<'_, B>) {
        // First those that deliver: a block that comes free should not go from one that sat on it to the next such.
        let hungry = core::mem::take(&mut self.hungry);
        let delivers = |conn: &ConnId| self.peers.get(conn).is_some_and(|p| p.pipeline.is_delivering(cx.now));
        let (first, then): (Vec<ConnId>, Vec<ConnId>) = hungry.into_iter().partition(delivers);
        for conn in first.into_iter().chain(then) {
            self.fill(cx, conn);
        }
    }

    /// A block that a peer was asked for has come from another.
    pub(super) fn cancel<B>(&mut self, cx: &mut Context<'_, B>, conn: ConnId, at: BlockRef) {
        let Some(peer) = self.peers.get_mut(&conn) else { return };
        if peer.pipeline.cancel(cx.now, at) {
            self.down.refund(&mut cx.shared.down, u64::from(at.len));
            self.send(cx, conn, Message::Cancel(at));
        }
    }

    /// Everything a peer was asked for is free for others. What still comes from it is used when it is wanted.
    pub(super) fn give_up_requests<B>(&mut self, cx: &mut Context<'_, B>, conn: ConnId) {
        let Some(peer) = self.peers.get_mut(&conn) else { return };
        let given_up = peer.pipeline.give_up(cx.now);
        (peer.current, peer.on_trial) = (None, 0);
        for (at, _) in given_up {
            self.down.refund(&mut cx.shared.down, u64::from(at.len));
            if let Some(picker) = &mut self.picker {
                picker.give_back(at, conn, &mut self.rng);
            }
        }
        if let Some(picker) = &mut self.picker {
            picker.disown(conn);
        }
    }

    /// A peer that keeps us waiting: its blocks are asked elsewhere, and it is asked one at a time.
    pub(super) fn stall<B>(&mut self, cx: &mut Context<'_, B>, conn: ConnId) {
        let Some(peer) = self.peers.get_mut(&conn) else { return };
        let before: Vec<BlockRef> = peer.pipeline.asked().collect();
        self.give_up_requests(cx, conn);
        if let Some(peer) = self.peers.get_mut(&conn) {
            peer.pipeline.stall(cx.now);
        }
        for at in before {
            self.send(cx, conn, Message::Cancel(at));
        }
        // Others first: the block that comes free should not go back to the one that sat on it.
        self.wake_hungry(cx);
        self.fill(cx, conn);
    }

    pub(super) fn on_choke<B>(&mut self, cx: &mut Context<'_, B>, conn: ConnId) -> Result<(), CloseReason> {
        let Some(peer) = self.peers.get_mut(&conn) else { return Ok(()) };
        if peer.choking_us {
            return self.idle_word(conn);
        }
        peer.conduct.choke_change()?;
        peer.choking_us = true;
        self.give_up_requests(cx, conn);
        self.wake_hungry(cx);
        self.fill(cx, conn);
        Ok(())
    }

    pub(super) fn on_unchoke<B>(&mut self, cx: &mut Context<'_, B>, conn: ConnId) -> Result<(), CloseReason> {
        let Some(peer) = self.peers.get_mut(&conn) else { return Ok(()) };
        if !peer.choking_us {
            return self.idle_word(conn);
        }
        peer.conduct.choke_change()?;
        peer.choking_us = false;
        peer.refusals.unchoked();
        peer.pipeline.unchoked(cx.now);
        self.measure(cx.now);
        self.fill(cx, conn);
        Ok(())
    }

    pub(super) fn on_reject<B>(
        &mut self,
        cx: &mut Context<'_, B>,
        conn: ConnId,
        at: BlockRef,
    ) -> Result<(), CloseReason> {
        let Some(peer) = self.peers.get_mut(&conn) else { return Ok(()) };
        match peer.pipeline.reject(at) {
            Arrival::Asked => {
                // Asked again at once it would be rejected again.
                peer.refusals.add(cx.now, at.piece);
                peer.fast_from.retain(|p| *p != at.piece);
                (peer.current, peer.on_trial) = (None, 0);
                self.down.refund(&mut cx.shared.down, u64::from(at.len));
                if let Some(picker) = &mut self.picker {
                    picker.give_back(at, conn, &mut self.rng);
                }
                self.wake_hungry(cx);
                self.fill(cx, conn);
                Ok(())
            }
            Arrival::Late => Ok(()),
            _ => self.idle_word(conn),
        }
    }
}

pub(super) fn asker(peer: &Peer, now: Time) -> Asker<'_> {
    Asker {
        conn: peer.conn,
        has: &peer.has,
        current: peer.current,
        rate: peer.pipeline.meter.rate(now, DISPLAY_SLOTS),
        only: peer.choking_us.then_some(&peer.fast_from[..]),
        refused: peer.refusals.pieces(),
        trusted: false,
    }
}
