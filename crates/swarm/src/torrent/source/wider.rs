//! What to show to who leaves its grants alone (own design): it wants a part of the content, or takes it in another order.
use super::Source;
use super::pieces::Stage;
use crate::time::Time;

impl Source {
    /// Who leaves its grants alone wants something else: it is shown ever more, and its grants are for others too.
    pub(super) fn widen(&mut self, now: Time) {
        for (conn, grantee) in &mut self.grantees {
            if !grantee.candidate || !grantee.ignores(now, self.behind) {
                continue;
            }
            for grant in core::mem::take(&mut grantee.open) {
                grantee.unspread = grantee.unspread.saturating_sub(1);
                if self.pieces.stage(grant.piece) == Stage::Granted {
                    self.pieces.back(grant.piece);
                }
            }
            grantee.last_request = now;
            grantee.wider = grantee.wider.saturating_mul(2).max(2);
            let unseen = (0..self.geometry.pieces).filter(|p| self.pieces.is_here(*p) && !grantee.shown.get(*p));
            let step = (self.geometry.pieces / grantee.wider.min(self.geometry.pieces)).max(1) as usize;
            self.shows.extend(unseen.step_by(step).take(grantee.wider as usize).map(|piece| (*conn, piece)));
        }
    }
}
