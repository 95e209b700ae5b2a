//! What to do about who has asked and does not read (own design): what it was granted is for others.
//!
//! Its line may be down, or it may mean to hold the swarm up: with what only it was shown, nobody could complete before it is gone.
//! What it has asked for it still gets, if it goes on reading.
use super::Source;
use super::grantee::{Grantee, Peers};
use crate::peer::Peer;
use crate::time::Time;
use core::time::Duration;

/// Who has taken nothing of what is in flight to it for so long has stalled.
const STALLED: Duration = Duration::from_secs(10);
/// As long as somebody else has taken something so much later; otherwise it is our line that is down.
const OTHERS: Duration = Duration::from_secs(1);

impl Source {
    /// Takes back what is granted to those who have stalled.
    pub(super) fn take_from_stalled(&mut self, now: Time, peers: &Peers) {
        let Some(last) = peers.values().map(|peer| peer.moved).max() else { return };
        let patience = STALLED + self.behind;
        for (conn, grantee) in &mut self.grantees {
            let Some(peer) = peers.get(conn) else { continue };
            let since = grantee.stands_since(now, peer);
            let stalled = since.is_some_and(|at| now.since(at) >= patience && last.since(at) >= OTHERS);
            if stalled && !grantee.stalled {
                grantee.give_back(&mut self.pieces);
            }
            grantee.stalled = stalled;
        }
    }
}

impl Grantee {
    /// Since when nothing of what is in flight to it has left, if something is.
    fn stands_since(&mut self, now: Time, peer: &Peer) -> Option<Time> {
        if peer.upload.in_flight() == 0 {
            self.waits = None;
            return None;
        }
        Some((*self.waits.get_or_insert(now)).max(peer.moved))
    }
}
