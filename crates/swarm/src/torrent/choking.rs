//! Who is unchoked (BEP 3, "choking"): the slots, the rounds, and what CHOKE does to requests (BEP 6).
use super::Torrent;
use super::audience::Audience;
use super::context::Context;
use crate::choke::prefix::Prefix;
use crate::choke::slots::Uplink;
use crate::choke::{self, Contender, leech, seed, turns};
use crate::event::State;
use crate::ids::ConnId;
use crate::peer::Peer;
use crate::peer::upload::PAUSE;
use crate::rate::{CHOKE_SLOTS, PIPELINE_SLOTS};
use crate::time::Time;
use alloc::vec::Vec;
use core::cmp::Reverse;
use teem_wire::peer::message::Message;

/// From here on the limit is the bottleneck, and more slots would only make each slower.
const LIMIT_REACHED_PERCENT: u64 = 95;

/// Slots at least among peers of one owner: with four, the last of two hundred are done a twentieth later (`teem-sim kraken-n200`).
const FRIENDS_MIN: usize = 6;

/// Peers that may ask at once, for each slot: those that have nothing to ask for don't occupy theirs.
const OPEN_PER_SLOT: usize = 3;

impl Torrent {
    /// Gives the slots: all anew in a round, only free ones in between.
    pub(super) fn rechoke<B>(&mut self, cx: &mut Context<'_, B>, round: bool) {
        if self.is_source() {
            self.refill = None;
            return;
        }
        let now = cx.now;
        debug_assert_eq!(self.audience, Audience::of(self.peers.values().map(|p| &**p)));
        let paused = self.may_ask_us().filter(|p| p.upload.has_paused(now)).count();
        let served = self.audience.open().len() - paused;
        self.crowded = self.audience.is_crowded();
        self.plan_refill(cx.now);
        if self.crowded
            && served >= self.slots.count()
            && let Some(uplink) = self.uplink(cx)
        {
            self.slots.step(cx.now, uplink);
        }
        let slots = if self.cooperative { self.slots.count().max(FRIENDS_MIN) } else { self.slots.count() };
        let free = slots.min((slots * OPEN_PER_SLOT).saturating_sub(paused));
        if !round && (!self.crowded || served >= free) {
            return;
        }
        let all = self.contenders(cx.now);
        // Who asks for nothing keeps what he has, within reason, and his slot goes to another.
        let (mut paused, contenders): (Vec<Contender>, Vec<Contender>) = all.into_iter().partition(|c| c.paused);
        let chosen = if self.cooperative {
            turns::choose(cx.now, &contenders, slots)
        } else if self.state == State::Downloading {
            leech::choose(cx.now, &contenders, slots, &mut self.optimistic, &mut self.rng)
        } else {
            seed::choose(cx.now, &contenders, slots)
        };
        let (choke, unchoke) = choke::apply(cx.now, &contenders, &chosen, free);
        if round {
            paused.sort_by_key(|c| (Reverse(c.gives), c.conn));
            let beyond = paused.iter().skip(slots * (OPEN_PER_SLOT - 1)).filter(|c| c.may_change(now));
            for conn in choke.into_iter().chain(beyond.map(|c| c.conn)) {
                self.choke(cx, conn);
            }
        }
        for conn in unchoke {
            self.unchoke(cx, conn);
        }
    }

    /// What the uplink is doing, as far as its limit, the blocks that wait and the rate tell; `None` when there is nothing to do.
    fn uplink<B>(&mut self, cx: &Context<'_, B>) -> Option<Uplink> {
        // Mostly it is one of those that may ask to whom something goes.
        if self.may_ask_us().chain(self.peers.values().map(|p| &**p)).all(|p| p.upload.is_idle()) {
            return None;
        }
        let rate = self.sent.rate(cx.now, PIPELINE_SLOTS);
        Some(match self.up.limit(&cx.shared.up) {
            Some(most) if self.up.is_waiting() || rate >= most / 100 * LIMIT_REACHED_PERCENT => Uplink::Full,
            Some(_) => Uplink::HasRoom,
            None => Uplink::Busy(rate),
        })
    }

    /// The peers that are interested and not choked.
    fn may_ask_us(&self) -> impl Iterator<Item = &Peer> {
        self.audience.open().iter().filter_map(|conn| self.peers.get(conn)).map(|peer| &**peer)
    }

    fn contenders(&self, now: Time) -> Vec<Contender> {
        let interested = self.peers.values().filter(|p| p.interested);
        interested
            .map(|p| Contender {
                conn: p.conn,
                from: Prefix::of_remote(p.addr),
                choked: p.am_choking,
                changed: p.choke_changed,
                paused: !p.am_choking && p.upload.has_paused(now),
                gives: if p.pipeline.is_snubbing(now) { 0 } else { p.pipeline.meter.rate(now, CHOKE_SLOTS) },
                takes: p.upload.meter.rate(now, CHOKE_SLOTS),
                since: p.since,
            })
            .collect()
    }

    /// A peer that may ask has nothing to ask for as it seems: soon another is unchoked beside it.
    pub(super) fn has_run_dry(&mut self, now: Time) {
        if self.crowded && self.refill.is_none() {
            self.refill = Some(now + PAUSE);
        }
    }

    fn plan_refill(&mut self, now: Time) {
        let next = self.may_ask_us().filter_map(|p| p.upload.pauses_at()).filter(|at| *at > now).min();
        self.refill = next.filter(|_| self.crowded);
    }

    fn unchoke<B>(&mut self, cx: &mut Context<'_, B>, conn: ConnId) {
        let Some(peer) = self.peers.get_mut(&conn) else { return };
        self.audience.leave(peer);
        peer.am_choking = false;
        self.audience.enter(peer);
        peer.choke_changed = Some(cx.now);
        peer.upload.unchoked(cx.now);
        self.send(cx, conn, Message::Unchoke);
        self.has_run_dry(cx.now);
    }

    fn choke<B>(&mut self, cx: &mut Context<'_, B>, conn: ConnId) {
        let Some(peer) = self.peers.get_mut(&conn) else { return };
        self.audience.leave(peer);
        peer.am_choking = true;
        self.audience.enter(peer);
        peer.choke_changed = Some(cx.now);
        let allowed = &peer.fast_to;
        let dropped = peer.upload.choke(|at| allowed.contains(&at.piece));
        self.send(cx, conn, Message::Choke);
        for at in dropped {
            self.reject(cx, conn, at);
        }
    }
}
