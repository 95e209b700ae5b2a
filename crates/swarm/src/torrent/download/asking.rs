//! Asking for blocks and taking them (BEP 3, 6; bad input, rows 36 and 39).
use super::Download;
use super::intake::Intake;
use super::requests::cancel;
use crate::ids::ConnId;
use crate::job::Job;
use crate::output::Output;
use crate::picker::partial::Received;
use crate::picker::pick::Asker;
use crate::time::Time;
use crate::torrent::context::Context;
use crate::torrent::ground::Ground;
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

impl Download {
    /// Takes a block that has come and may be of use; whether it was.
    pub(in crate::torrent) fn take<B>(
        &mut self,
        cx: &mut Context<'_, B>,
        ground: &mut Ground,
        intake: &mut Intake,
        conn: ConnId,
        (at, data): (BlockRef, B),
    ) -> bool {
        if self.halted {
            self.picker.give_back(at, conn, &mut ground.rng);
            return false;
        }
        let Some((Received::New(others), whole)) = self.picker.receive(at, conn) else { return false };
        if whole {
            self.await_judgement(ground, at.piece);
        }
        cx.out.push_back(Output::Disk(Job::Write { torrent: ground.id, at, data }));
        for other in others.into_iter().flatten() {
            cancel(cx, ground, intake, other, at);
            self.fill(cx, ground, intake, other);
        }
        true
    }

    /// Asks a peer for blocks until its window is full, the limit is reached, or nothing is left.
    pub(in crate::torrent) fn fill<B>(
        &mut self,
        cx: &mut Context<'_, B>,
        ground: &mut Ground,
        intake: &mut Intake,
        conn: ConnId,
    ) {
        while self.may_ask(cx.now, ground, intake, conn) {
            let throttle = intake.throttle_mut();
            if throttle.is_limited(&cx.shared.down)
                && (throttle.is_waiting() || !throttle.may(&mut cx.shared.down, cx.now))
            {
                wait(ground, intake, conn);
                return;
            }
            if !self.ask_one(cx, ground, intake, conn) {
                return;
            }
        }
    }

    /// Whether a peer could be asked for something now, as far as it is concerned.
    fn may_ask(&mut self, now: Time, ground: &Ground, intake: &Intake, conn: ConnId) -> bool {
        if self.halted {
            return false;
        }
        let Some(peer) = ground.table.get(conn) else { return false };
        if !peer.may_be_asked(now, ground.content.geometry().blocks_in(0), intake.evidence().is_wary()) {
            return false;
        }
        let room = |floor| peer.pipeline().room(floor) > 0;
        let sole = || self.picker.has_sole(&peer.asker(now));
        let fits = room(self.floor.floor(self.picker.waiting())) || (room(self.floor.sole_floor()) && sole());
        if !fits {
            return false;
        }
        self.behind = self.picker.unjudged() > UNJUDGED_MIN && self.picker.unjudged_bytes() > UNJUDGED_BYTES_MAX;
        if self.behind {
            self.hungry.insert(conn);
        }
        !self.behind
    }

    /// Asks for one block; whether there was one.
    fn ask_one<B>(&mut self, cx: &mut Context<'_, B>, ground: &mut Ground, intake: &mut Intake, conn: ConnId) -> bool {
        let before = self.picker.work();
        let picked = self.pick(cx.now, ground, conn).or_else(|| {
            let moved = self.move_piece(cx, ground, intake, conn);
            if moved { self.pick(cx.now, ground, conn) } else { self.duplicate(cx.now, ground, conn) }
        });
        ground.work += self.picker.work() - before;
        let Some(at) = picked else {
            self.hungry.insert(conn);
            return false;
        };
        if let Some(peer) = ground.table.get_mut(conn) {
            peer.ask(cx.now, at);
        }
        self.hungry.remove(&conn);
        intake.throttle_mut().take(&mut cx.shared.down, u64::from(at.len));
        cx.out.push_back(Output::Send { conn, message: Message::Request(at) });
        true
    }

    fn pick(&mut self, now: Time, ground: &mut Ground, conn: ConnId) -> Option<BlockRef> {
        let asker = ground.table.get(conn)?.asker(now);
        let trusted = asker.trusted || ground.content.has_nothing();
        self.picker.pick(&Asker { trusted, ..asker }, &mut ground.rng)
    }

    /// A block that is asked of somebody else and late there.
    fn duplicate(&mut self, now: Time, ground: &Ground, conn: ConnId) -> Option<BlockRef> {
        let peer = ground.table.get(conn)?;
        let asker = peer.asker(now);
        // A block asked twice of peers that give nothing would wait for both to stall.
        if peer.pipeline().under_way() >= ENDGAME_WINDOW || asker.rate == 0 {
            return None;
        }
        let own = peer.pipeline().eta(now, 1);
        let eta = |other| ground.table.get(other).map_or(Duration::MAX, |p| p.pipeline().eta(now, 0));
        self.picker.duplicate(&asker, own, eta)
    }

    /// Lets those that wait for the limit ask in turns, a block each.
    pub(in crate::torrent) fn pump<B>(&mut self, cx: &mut Context<'_, B>, ground: &mut Ground, intake: &mut Intake) {
        while intake.throttle().is_waiting() && intake.throttle_mut().may(&mut cx.shared.down, cx.now) {
            let Some(conn) = intake.throttle_mut().pop() else { return };
            if let Some(peer) = ground.table.get_mut(conn) {
                peer.set_waits_down(false);
            }
            if self.may_ask(cx.now, ground, intake, conn)
                && self.ask_one(cx, ground, intake, conn)
                && self.may_ask(cx.now, ground, intake, conn)
            {
                wait(ground, intake, conn);
            }
        }
    }

    /// Lets those try again that had nothing to be asked for.
    pub(in crate::torrent) fn wake<B>(&mut self, cx: &mut Context<'_, B>, ground: &mut Ground, intake: &mut Intake) {
        // First those that deliver: a block that comes free should not go from one that sat on it to the next such.
        let hungry = core::mem::take(&mut self.hungry);
        let delivers = |conn: &ConnId| ground.table.get(*conn).is_some_and(|p| p.pipeline().is_delivering(cx.now));
        let (first, then): (Vec<ConnId>, Vec<ConnId>) = hungry.into_iter().partition(delivers);
        for conn in first.into_iter().chain(then) {
            self.fill(cx, ground, intake, conn);
        }
    }
}

/// A peer waits for the limit.
fn wait(ground: &mut Ground, intake: &mut Intake, conn: ConnId) {
    if let Some(peer) = ground.table.get_mut(conn)
        && peer.set_waits_down(true)
    {
        intake.throttle_mut().wait(conn);
    }
}
