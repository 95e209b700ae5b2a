//! A frugal source's help once everything is out (own design): to the peers that the swarm does not feed.
//!
//! A peer that has gained nothing from others for half a minute, or for four times as long as a piece takes it, gets what it lacks,
//! rarest first; a piece with one or two holders that has not gained one for a minute although somebody lacks it is given to one more. What peers claim never counts, only what they gain.
use super::Source;
use super::debts::Debt;
use super::grantee::{self, Grantee, Peers};
use crate::ids::ConnId;
use crate::peer::Peer;
use crate::time::Time;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::time::Duration;
use teem_wire::holder::Holder;

/// A peer that has gained nothing from others for so long is fed,
const UNFED: Duration = Duration::from_secs(30);
/// or for so many times what a piece takes it, where that is longer,
const PIECES: u32 = 4;
/// but not longer than this.
const UNFED_MAX: Duration = Duration::from_secs(300);
/// A piece whose holders have not grown for so long is given to one more.
const STUCK: Duration = Duration::from_secs(60);
/// More holders than this can be left to themselves: rarest first makes them come last, not never.
const FEW: u16 = 2;
/// Pieces compared to find the rarest of those that a peer lacks.
const SAMPLE: usize = 64;

/// Parties of which it is remembered how long they went unfed.
const HUNGRY_MAX: usize = 256;

/// How long those that are gone went unfed while they were here: a peer that never stays for half a minute is fed after that all the same.
#[derive(Clone, Default, Debug)]
pub(super) struct Hungry(BTreeMap<Holder, Duration>);

impl Hungry {
    /// A peer is gone that had gained nothing for so long.
    pub(super) fn gone(&mut self, who: Holder, unfed: Duration) {
        if self.0.len() >= HUNGRY_MAX && !self.0.contains_key(&who) {
            self.0.pop_first();
        }
        self.0.insert(who, unfed.min(UNFED_MAX));
    }

    /// It is back: how long that was.
    pub(super) fn back(&mut self, who: Holder) -> Duration {
        self.0.remove(&who).unwrap_or_default()
    }
}

impl Source {
    /// For how long a peer goes unfed before it is fed: by its own pace, or, before it has one, by that of the swarm.
    fn unfed(&self, grantee: &Grantee) -> Duration {
        let piece_time = grantee.pace.piece_time().or(self.pace.piece_time()).unwrap_or_default();
        (piece_time * PIECES).clamp(UNFED, UNFED_MAX)
    }

    /// Once a minute: which pieces have not gained a holder since the last look although somebody lacks them.
    pub(super) fn look_for_need(&mut self, now: Time, peers: &Peers) {
        if self.watch.at.is_some_and(|at| now.since(at) < STUCK) {
            return;
        }
        let all = self.geometry.pieces;
        let holders: Vec<u16> = (0..all).map(|p| self.pieces.holders(p)).collect();
        let lacking = self.peers_of(peers).count() as u16;
        let before = core::mem::replace(&mut self.watch.holders, holders);
        let now_held = &self.watch.holders;
        let stuck = |p: &u32| {
            let held = now_held[*p as usize];
            self.pieces.is_here(*p)
                && held <= FEW
                && held < lacking
                && before.get(*p as usize).is_some_and(|b| held <= *b)
        };
        self.watch.stuck = (0..all).filter(stuck).collect();
        self.watch.at = Some(now);
    }

    /// A piece for a peer that needs it from us.
    pub(super) fn next_need(&mut self, now: Time, peers: &Peers) -> Option<(ConnId, u32)> {
        let active = self.peers_of(peers).filter(|(_, g, peer)| g.is_active(now, self.behind, peer)).count();
        let piece_len = u64::from(self.geometry.piece_len);
        let room = |g: &Grantee, rate: u64| g.has_window(rate, piece_len, None);
        let hungry = |(_, g, peer): &(ConnId, &Grantee, &Peer)| {
            let may = active < self.slots || g.is_active(now, self.behind, peer);
            let lacks = !peer.has().is_full() && !g.is_sated(now);
            may && lacks && now.since(g.fed) >= self.unfed(g) && room(g, grantee::rate(now, peer))
        };
        let mut unfed: Vec<(Debt, u32, Time, ConnId)> = self
            .peers_of(peers)
            .filter(hungry)
            .map(|(conn, g, _)| (g.debt, g.granted + g.given_before, g.fed, conn))
            .collect();
        unfed.sort_unstable();
        for (.., conn) in unfed {
            if let Some(piece) = self.lacking(conn, peers) {
                return self.help(now, conn, piece, peers);
            }
            // A peer that was shown all that it lacks and does not take it is in nobody's way.
            self.grantees.get_mut(&conn)?.sated = Some(now);
        }
        while active < self.slots
            && let Some(piece) = self.watch.stuck.pop()
        {
            let lacks =
                self.peers_of(peers).find(|(_, g, peer)| !g.stalled && !g.shown.get(piece) && !peer.has().get(piece));
            if let Some(conn) = lacks.map(|(conn, ..)| conn) {
                return self.help(now, conn, piece, peers);
            }
        }
        None
    }

    /// The rarest of some pieces that a peer lacks and was not shown.
    fn lacking(&self, conn: ConnId, peers: &Peers) -> Option<u32> {
        let (grantee, peer) = (self.grantees.get(&conn)?, peers.get(&conn)?);
        let all = self.geometry.pieces;
        let from = (conn.0 as u32).wrapping_mul(2_654_435_761) % all.max(1);
        let order = (from..all)
            .chain(0..from)
            .filter(|p| self.pieces.is_here(*p) && !grantee.shown.get(*p) && !peer.has().get(*p));
        order.take(SAMPLE).min_by_key(|p| self.pieces.holders(*p))
    }

    fn help(&mut self, now: Time, conn: ConnId, piece: u32, peers: &Peers) -> Option<(ConnId, u32)> {
        let rate = grantee::rate(now, peers.get(&conn)?);
        let piece_len = u64::from(self.geometry.piece_len);
        let size = u64::from(self.geometry.piece_size(piece));
        let grantee = self.grantees.get_mut(&conn)?;
        grantee.grant(now, piece, size);
        grantee.full |= !grantee.has_window(rate, piece_len, None);
        Some((conn, piece))
    }
}
