//! The last pieces of a source (own design): what a slow peer holds is shown to one other, then everything to everybody.
//!
//! Showing the last pieces to all at once would send each of them many times; waiting for the slowest would cost its time.
use super::grantee::{self, Grantee, Peers};
use super::{Phase, Source};
use crate::bitfield::Bitfield;
use crate::ids::ConnId;
use crate::time::Time;
use core::cmp::Reverse;
use core::time::Duration;

/// What a hedge has to gain besides the factor of two.
const GAIN_MIN: Duration = Duration::from_millis(500);
/// How often one piece is shown to one more.
const HEDGES_PER_PIECE: u32 = 3;

/// For so long no more than a part of the content is sent twice: clients that sleep or look around every ten seconds get the time
/// to ask for what they were shown.
const SPARING: Duration = Duration::from_secs(10);
const SPARED_DIVISOR: u64 = 100;

impl Source {
    /// Whether nothing waits and all that was granted has left: only confirmations are awaited.
    pub(super) fn ends_soon(&mut self) -> bool {
        !self.pieces.waits() && self.reserved.is_empty() && self.grantees.values().all(|g| g.open.is_empty())
    }

    /// A piece of a slow peer for one that would have it in less than half of the time.
    /// Only a line that carries less than it did has room for that: while it is full, whoever has something open is slow because
    /// the others share it.
    pub(super) fn next_hedge(&mut self, now: Time, rate: u64, peers: &Peers) -> Option<(ConnId, u32)> {
        if self.pieces.waits() || rate > self.tail.peak / 4 * 3 {
            return None;
        }
        let hedges = self.hedged.len();
        if hedges >= self.slots {
            return None;
        }
        let rest = |g: &Grantee, rate: u64| time_of(g.outstanding(), rate);
        let slow = self.peers_of(peers).flat_map(|(conn, g, peer)| {
            let rate = grantee::rate(now, peer);
            g.open.iter().map(move |grant| (rest(g, rate), conn, grant))
        });
        let times = |piece: u32| self.hedged.get(&piece).copied().unwrap_or(0);
        let slow = slow.filter(|(_, _, grant)| {
            let old = now.since(grant.at) >= GAIN_MIN * 2 && times(grant.piece) < HEDGES_PER_PIECE;
            old && self.pieces.is_here(grant.piece)
        });
        let slowest = slow.max_by_key(|(rest, conn, grant)| (Reverse(times(grant.piece)), *rest, *conn, grant.piece));
        let (rest, holder, piece) = slowest.map(|(rest, conn, grant)| (rest, conn, grant.piece))?;
        let size = u64::from(self.geometry.piece_size(piece));
        let fit = self
            .peers_of(peers)
            .filter(|(conn, g, peer)| *conn != holder && !g.stalled && !g.shown.get(piece) && !peer.has().get(piece));
        // A peer that has passed pieces on and has got all that it was granted is idle, not slow.
        let idle_rate = self.tail.peak / self.slots as u64;
        let idle = |g: &Grantee| g.open.is_empty() && g.onward.is_some();
        let rate = |g: &Grantee, rate: u64| if idle(g) { rate.max(idle_rate) } else { rate };
        let time = |g: &Grantee, peer| time_of(g.outstanding() + size, rate(g, grantee::rate(now, peer)));
        let (best, conn) = fit.map(|(conn, g, peer)| (time(g, peer), conn)).min()?;
        if rest <= best * 2 + GAIN_MIN {
            return None;
        }
        let sparing = self.tail.since.is_none_or(|since| now.since(since) < SPARING);
        if sparing && self.tail.bytes >= self.geometry.total / SPARED_DIVISOR {
            return None;
        }
        self.tail.since.get_or_insert(now);
        self.tail.bytes += size;
        *self.hedged.entry(piece).or_insert(0) += 1;
        self.grantees.get_mut(&conn)?.grant(now, piece, size);
        Some((conn, piece))
    }

    /// Whether every piece has just come to be out; from then on everything is shown, or need alone is served.
    pub(in crate::torrent) fn turned(&mut self, now: Time) -> bool {
        if self.phase != Phase::Granting || self.pieces.missing() > 0 {
            return false;
        }
        self.phase = if self.frugal { Phase::Frugal } else { Phase::Revealing };
        self.next = now;
        self.grantees.values_mut().for_each(|g| (g.turn, g.fed) = (0, now));
        self.hedged.clear();
        true
    }

    /// The next pieces to show to a peer now that all are out, at most `budget`; `None` when everybody was shown everything.
    pub(in crate::torrent) fn reveal(
        &mut self,
        have: &Bitfield,
        peers: &Peers,
        budget: u32,
    ) -> Option<(ConnId, alloc::vec::Vec<u32>)> {
        if self.phase != Phase::Revealing {
            return None;
        }
        let pieces = self.geometry.pieces;
        let (conn, grantee) = self.grantees.iter_mut().find(|(_, g)| g.revealed < pieces)?;
        let has = peers.get(conn).map(|p| p.has());
        let from = grantee.revealed;
        grantee.revealed = pieces.min(from.saturating_add(budget));
        let unseen = |p: &u32| have.get(*p) && !grantee.shown.get(*p) && !has.is_some_and(|h| h.get(*p));
        let show = (from..grantee.revealed).filter(unseen).collect();
        (from..grantee.revealed).filter(|p| have.get(*p)).for_each(|p| {
            grantee.shown.set(p);
        });
        Some((*conn, show))
    }

    /// Whether there is nothing left to decide: the torrent is an ordinary seed.
    pub(in crate::torrent) fn is_over(&self) -> bool {
        self.phase == Phase::Revealing && self.grantees.values().all(|g| g.revealed >= self.geometry.pieces)
    }
}

fn time_of(bytes: u64, rate: u64) -> Duration {
    (bytes * 1_000).checked_div(rate).map_or(Duration::from_secs(3_600), Duration::from_millis)
}
