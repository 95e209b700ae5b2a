//! The peers that are unchoked (BEP 3, "choking"): the slots, the rounds, and what CHOKE does to requests (BEP 6).
use super::Upload;
use super::pool::STUCK_MIN;
use crate::choke::slots::Uplink;
use crate::choke::{self, Contender, leech, round_robin, seed};
use crate::ids::ConnId;
use crate::peer::Peer;
use crate::peer::upload::PAUSE;
use crate::rate::{CHOKE_SLOTS, PIPELINE_SLOTS};
use crate::time::Time;
use crate::torrent::context::Context;
use crate::torrent::ground::Ground;
use alloc::vec::Vec;
use core::cmp::Reverse;

/// From here on the limit is the bottleneck, and more slots would only make each slower.
const LIMIT_REACHED_PERCENT: u64 = 95;

/// Slots at least among peers of one owner: with four, the last of two hundred are done a twentieth later (`teem-sim kraken-n200`).
const FRIENDS_MIN: usize = 6;

/// Peers that may ask at once, for each slot: those that have nothing to ask for don't occupy theirs.
const OPEN_PER_SLOT: usize = 3;

impl Upload {
    /// Gives the slots: all anew in a round, only free ones in between. By tit-for-tat while we download, else by turns.
    pub(in crate::torrent) fn rechoke<B>(
        &mut self,
        cx: &mut Context<'_, B>,
        ground: &mut Ground,
        downloading: bool,
        round: bool,
    ) {
        let now = cx.now;
        let paused = ground.table.open().filter(|p| p.upload().has_paused(now)).count();
        let served = ground.table.open_count() - paused;
        self.crowded = ground.table.is_crowded();
        self.plan_refill(now, ground);
        if self.crowded
            && served >= self.slots.count()
            && let Some(uplink) = self.uplink(cx, ground)
        {
            self.slots.step(now, uplink);
        }
        let slots = if self.cooperative { self.slots.count().max(FRIENDS_MIN) } else { self.slots.count() };
        let free = slots.min((slots * OPEN_PER_SLOT).saturating_sub(paused));
        if !round && (!self.crowded || served >= free) {
            return;
        }
        let all = contenders(now, ground);
        // A peer that asks for nothing keeps what it has, within reason, and its slot goes to another.
        let (mut paused, contenders): (Vec<Contender>, Vec<Contender>) = all.into_iter().partition(|c| c.paused);
        let chosen = if self.cooperative {
            round_robin::choose(now, &contenders, slots)
        } else if downloading {
            leech::choose(now, &contenders, slots, &mut self.optimistic, &mut ground.rng)
        } else {
            seed::choose(now, &contenders, slots)
        };
        let (choke, unchoke) = choke::apply(now, &contenders, &chosen, free);
        if round {
            paused.sort_by_key(|c| (Reverse(c.rate_from), c.conn));
            let beyond = paused.iter().skip(slots * (OPEN_PER_SLOT - 1)).filter(|c| c.may_change(now));
            for conn in choke.into_iter().chain(beyond.map(|c| c.conn)) {
                choke_one(cx, ground, conn);
            }
        }
        for conn in unchoke {
            self.unchoke(cx, ground, conn);
        }
    }

    /// What the uplink is doing, as far as its limit, the blocks that wait and the rate tell; `None` when there is nothing to do.
    fn uplink<B>(&self, cx: &Context<'_, B>, ground: &Ground) -> Option<Uplink> {
        // Mostly something goes to one of those that may ask.
        if ground.table.open().chain(ground.table.values()).all(|p| p.upload().is_idle()) {
            return None;
        }
        let rate = self.sent.rate(cx.now, PIPELINE_SLOTS);
        Some(match self.throttle.limit(&cx.shared.up) {
            Some(most) if self.throttle.is_waiting() || rate >= most / 100 * LIMIT_REACHED_PERCENT => Uplink::Full,
            Some(_) => Uplink::HasRoom,
            None => Uplink::Busy(rate),
        })
    }

    /// A peer that may ask has nothing to ask for as it seems: soon another is unchoked beside it.
    pub(super) fn has_run_dry(&mut self, now: Time) {
        if self.crowded && self.refill.is_none() {
            self.refill = Some(now + PAUSE);
        }
    }

    fn plan_refill(&mut self, now: Time, ground: &Ground) {
        let next = ground.table.open().filter_map(|p| p.upload().pauses_at()).filter(|at| *at > now).min();
        self.refill = next.filter(|_| self.crowded);
    }

    /// Whether it is time to look whether a slot lies idle.
    pub(in crate::torrent) fn is_refill_due(&self, now: Time) -> bool {
        self.refill.is_some_and(|at| at <= now)
    }

    /// The choker gives no slots: a source decides which peers it serves.
    pub(in crate::torrent) fn leave_slots(&mut self) {
        self.refill = None;
    }

    fn unchoke<B>(&mut self, cx: &mut Context<'_, B>, ground: &mut Ground, conn: ConnId) {
        let Some(peer) = ground.table.get_mut(conn) else { return };
        peer.upload_mut().unchoked(cx.now);
        ground.table.set_choking(cx, conn, false);
        self.has_run_dry(cx.now);
    }
}

fn choke_one<B>(cx: &mut Context<'_, B>, ground: &mut Ground, conn: ConnId) {
    let Some(peer) = ground.table.get_mut(conn) else { return };
    let dropped = peer.drop_requests();
    ground.table.set_choking(cx, conn, true);
    for at in dropped {
        ground.table.reject(cx, conn, at);
    }
}

fn contenders(now: Time, ground: &Ground) -> Vec<Contender> {
    let interested = ground.table.values().filter(|p| p.stance().is_interested());
    interested.map(|p| contender(now, p)).collect()
}

fn contender(now: Time, p: &Peer) -> Contender {
    let gives = p.pipeline();
    Contender {
        conn: p.conn(),
        from: p.network(),
        choked: p.stance().am_choking(),
        changed: p.stance().choke_changed(),
        paused: !p.stance().am_choking() && p.upload().has_paused(now),
        stuck: p.upload().stuck_since().is_some_and(|since| now.since(since) >= STUCK_MIN),
        rate_from: if gives.is_snubbing(now) { 0 } else { gives.meter().rate(now, CHOKE_SLOTS) },
        rate_to: p.upload().meter().rate(now, CHOKE_SLOTS),
        since: p.clocks().since(),
    }
}
