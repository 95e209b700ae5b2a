//! A peer that leaves its grants alone is shown more (own design): it wants a part of the content, or takes it in another order.
use super::Source;
use super::grantee::{Grantee, Peers};
use super::pieces::{Pieces, Stage};
use crate::ids::ConnId;
use crate::time::Time;

impl Source {
    /// Whether a peer that wants the content has left alone what it was shown.
    pub(in crate::torrent) fn is_ignored_by(&self, conn: ConnId) -> bool {
        self.grantees.get(&conn).is_some_and(|grantee| grantee.candidate && grantee.wider > 0)
    }

    /// A peer that leaves its grants alone wants something else: it is shown ever more, and its grants are for others too.
    ///
    /// With nobody else there it is shown everything at once, when it says itself that nothing of what it was shown is of use to
    /// it, or has been shown more before: there is no other peer that could lose by it.
    pub(super) fn widen(&mut self, now: Time, peers: &Peers) {
        let alone = self.candidates < 2;
        for (conn, grantee) in &mut self.grantees {
            if !grantee.candidate || grantee.stalled || !grantee.ignores(now, self.behind) {
                continue;
            }
            let left_alone = grantee.withdraw_grants(&mut self.pieces);
            if let Some(peer) = peers.get(conn) {
                self.debts.charge(peer.who().holder(), left_alone);
            }
            grantee.last_request = now;
            let uninterested = peers.get(conn).is_some_and(|peer| !peer.stance().is_interested());
            let all = alone && (uninterested || grantee.wider > 0);
            grantee.wider = if all { self.geometry.pieces } else { grantee.wider.saturating_mul(2).max(2) };
            let unseen = (0..self.geometry.pieces).filter(|p| self.pieces.is_here(*p) && !grantee.shown.get(*p));
            let step = (self.geometry.pieces / grantee.wider.min(self.geometry.pieces)).max(1) as usize;
            self.shows.extend(unseen.step_by(step).take(grantee.wider as usize).map(|piece| (*conn, piece)));
        }
    }
}

impl Grantee {
    /// What it was granted and has not been sent whole waits again. How many pieces that were.
    pub(super) fn withdraw_grants(&mut self, pieces: &mut Pieces) -> usize {
        let open = self.take_open();
        for grant in &open {
            self.unspread = self.unspread.saturating_sub(1);
            if pieces.stage(grant.piece) == Stage::Granted {
                pieces.back(grant.piece);
            }
        }
        open.len()
    }
}
