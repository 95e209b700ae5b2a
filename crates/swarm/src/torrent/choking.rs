//! Who is unchoked (BEP 3, "choking"): the slots, the rounds, and what CHOKE does to requests (BEP 6).
use super::Torrent;
use super::context::Context;
use crate::choke::{self, Contender, leech, seed};
use crate::event::State;
use crate::ids::ConnId;
use crate::rate::{CHOKE_SLOTS, PIPELINE_SLOTS};
use alloc::vec::Vec;
use teem_wire::peer::message::Message;

/// From here on the limit is the bottleneck, and more slots would only make each slower.
const LIMIT_REACHED_PERCENT: u64 = 95;

impl Torrent {
    /// Gives the slots: all anew in a round, only free ones in between.
    pub(super) fn rechoke<B>(&mut self, cx: &mut Context<'_, B>, round: bool) {
        if self.is_source() {
            return;
        }
        let limit = self.up.limit(&cx.shared.up);
        let rate = self.sent.rate(cx.now, PIPELINE_SLOTS);
        let used_up = self.up.is_waiting() || limit.is_some_and(|most| rate >= most / 100 * LIMIT_REACHED_PERCENT);
        self.slots.step(cx.now, limit.is_some(), used_up);
        let slots = self.slots.count();
        let served = self.peers.values().filter(|p| p.interested && !p.am_choking).count();
        if !round && (served >= slots || !self.peers.values().any(|p| p.interested && p.am_choking)) {
            return;
        }
        let contenders: Vec<Contender> = self
            .peers
            .values()
            .filter(|p| p.interested)
            .map(|p| Contender {
                conn: p.conn,
                choked: p.am_choking,
                changed: p.choke_changed,
                gives: if p.pipeline.is_snubbing(cx.now) { 0 } else { p.pipeline.meter.rate(cx.now, CHOKE_SLOTS) },
                takes: p.upload.meter.rate(cx.now, CHOKE_SLOTS),
                since: p.since,
            })
            .collect();
        let chosen = if self.state == State::Downloading {
            leech::choose(cx.now, &contenders, slots, &mut self.optimistic, &mut self.rng)
        } else {
            seed::choose(cx.now, &contenders, slots)
        };
        let (choke, unchoke) = choke::apply(cx.now, &contenders, &chosen, slots);
        if round {
            for conn in choke {
                self.choke(cx, conn);
            }
        }
        for conn in unchoke {
            self.unchoke(cx, conn);
        }
    }

    fn unchoke<B>(&mut self, cx: &mut Context<'_, B>, conn: ConnId) {
        let Some(peer) = self.peers.get_mut(&conn) else { return };
        peer.am_choking = false;
        peer.choke_changed = Some(cx.now);
        self.send(cx, conn, Message::Unchoke);
    }

    fn choke<B>(&mut self, cx: &mut Context<'_, B>, conn: ConnId) {
        let Some(peer) = self.peers.get_mut(&conn) else { return };
        peer.am_choking = true;
        peer.choke_changed = Some(cx.now);
        let allowed = &peer.fast_to;
        let dropped = peer.upload.choke(|at| allowed.contains(&at.piece));
        self.send(cx, conn, Message::Choke);
        for at in dropped {
            self.reject(cx, conn, at);
        }
    }
}
