//! A peer that has asked and does not read (own design): what it was granted is for others.
//!
//! It does not read, or it has begun a piece and asks for no more of it, or for nothing that it has not been sent. Its line may be down, it may have paused, or it may mean to hold
//! the swarm up: with what only it was shown, nobody could complete before it is gone. What it has asked for it still gets.
use super::Source;
use super::grantee::{Grantee, Peers};
use super::pieces::Stage;
use crate::ids::ConnId;
use crate::peer::Peer;
use crate::time::Time;
use alloc::vec::Vec;
use core::time::Duration;

/// A peer that has gone no further for so long has stalled.
const STALLED: Duration = Duration::from_secs(10);
/// When none of several has taken anything for so long, it is our line or our disk that stands: everybody's time begins anew after that.
const DEAD: Duration = Duration::from_secs(5);
/// But not for longer than this: those who stand still together do not excuse each other for ever.
const DEAD_MAX: Duration = Duration::from_secs(60);

impl Source {
    /// Takes back what is granted to those who go no further.
    pub(super) fn take_from_stalled(&mut self, now: Time, peers: &Peers) {
        if self.line_is_dead(now, peers) {
            self.flows_since = now;
        }
        let patience = STALLED + self.behind;
        let since = |at: Time| now.since(at.max(self.flows_since));
        let mut taken = Vec::new();
        for (conn, grantee) in &mut self.grantees {
            let Some(peer) = peers.get(conn) else { continue };
            let before = taken.len();
            let deaf = grantee.stands_since(now, peer).is_some_and(|at| since(at) >= patience);
            let paused = peer.upload().is_idle() && since(grantee.last_request) >= patience;
            let round = grantee.again.goes_round(now, STALLED);
            // Until it has taken all that it asked for it is granted no more.
            grantee.stalled = deaf || round || (grantee.stalled && !peer.upload().is_idle());
            if (deaf || paused || round) && grantee.open.iter().any(|grant| grant.asked) {
                for grant in grantee.take_open() {
                    taken.push((*conn, grant.piece));
                    if round {
                        grantee.again.keep(grant.piece, grant.parts);
                    }
                }
            }
            if deaf {
                grantee.served.retain(|piece, at| {
                    let read = *at < peer.upload().taken();
                    if !read {
                        taken.push((*conn, *piece));
                    }
                    read
                });
            }
            self.debts.charge(peer.who().holder(), taken.len() - before);
        }
        for (conn, piece) in taken {
            if let Some(times) = self.hedged.get_mut(&piece) {
                *times = times.saturating_sub(1);
            }
            if self.pieces.stage(piece) == Stage::Granted && !self.is_under_way(piece, conn) {
                self.pieces.back_last(piece);
            }
        }
    }

    /// Whether a peer is sent the same again and again.
    pub(in crate::torrent) fn goes_round(&self, now: Time, conn: ConnId) -> bool {
        self.grantees.get(&conn).is_some_and(|grantee| grantee.again.goes_round(now, STALLED))
    }

    /// Whether our line stands, or our disk: all that took something have stopped at about the same time, not long ago. One that never took
    /// anything, or has stalled before, says nothing of the line.
    fn line_is_dead(&self, now: Time, peers: &Peers) -> bool {
        let mut ends: Option<(Time, Time)> = None;
        let mut served = 0;
        for (conn, peer) in peers.iter() {
            let upload = peer.upload();
            if upload.in_flight() == 0
                || upload.meter().total() == 0
                || self.grantees.get(conn).is_some_and(|g| g.stalled)
            {
                continue;
            }
            served += 1;
            let (first, last) = ends.unwrap_or((upload.taken(), upload.taken()));
            ends = Some((first.min(upload.taken()), last.max(upload.taken())));
        }
        served > 1
            && ends.is_some_and(|(first, last)| {
                let stands = now.since(last);
                last.since(first) < DEAD && (DEAD..DEAD_MAX).contains(&stands)
            })
    }

    /// Whether a piece that was granted is under way to somebody else too.
    pub(super) fn is_under_way(&self, piece: u32, but: ConnId) -> bool {
        let has = |g: &Grantee| g.open.iter().any(|grant| grant.piece == piece) || g.served.contains_key(&piece);
        self.grantees.iter().any(|(conn, g)| *conn != but && has(g))
    }
}

impl Grantee {
    /// Since when nothing of what is in flight to it has left, if something is.
    fn stands_since(&mut self, now: Time, peer: &Peer) -> Option<Time> {
        if peer.upload().in_flight() == 0 {
            self.waits = None;
            return None;
        }
        Some((*self.waits.get_or_insert(now)).max(peer.upload().taken()))
    }
}
