//! The peer that gets the next piece (own design): turns among up to four active peers, newcomers first, then those that pass on most.
//!
//! Nobody is excluded: a peer that never passes anything on only comes last, and with no other the same peer goes on.
use super::Source;
use super::grantee::{self, Grantee, Peers};
use crate::ids::ConnId;
use crate::peer::Peer;
use crate::time::Time;
use core::time::Duration;

/// A peer that may leave sees a grant at least this often, whichever is served: some clients do after 30 s without interest. Others wait
/// for their turn, or a slow source with many peers would have a piece begun at each of a dozen, and all of them whole late.
const SHOWN_EVERY: Duration = Duration::from_secs(20);
/// But not more than the line carries in so many seconds.
const QUEUE_SECONDS: u64 = 5;
/// A peer that is alone is shown at most this part, since others may be about to come.
const ALONE_DIVISOR: u64 = 4;

impl Source {
    /// Grants the next piece; `rate` is what the torrent sends in bytes a second.
    pub(super) fn next_grant(&mut self, now: Time, rate: u64, peers: &Peers) -> Option<(ConnId, u32)> {
        if !self.pieces.waits() {
            return None;
        }
        loop {
            let running = self.first(peers, |g, peer| g.turn > 0 && self.has_room(now, g, peer), |_| ());
            if let Some(conn) = running {
                if let Some(piece) = self.grant_to(now, conn, peers) {
                    return Some((conn, piece));
                }
                let grantee = self.grantees.get_mut(&conn)?;
                (grantee.turn, grantee.sated) = (0, Some(now));
                continue;
            }
            let Some(conn) = self.whose_turn(now, peers) else { return self.forgotten(now, rate, peers) };
            let piece_len = u64::from(self.geometry.piece_len);
            let slots = self.slots as u64;
            let grantee = self.grantees.get_mut(&conn)?;
            // A newcomer gets one piece, so that it has something that others want.
            let seconds = if grantee.granted == 0 { 0 } else { grantee.habits.turn };
            grantee.turn = (rate / slots * seconds).max(piece_len);
        }
    }

    /// The peer whose turn comes: not one that is being served, unless there is nobody else.
    fn whose_turn(&self, now: Time, peers: &Peers) -> Option<ConnId> {
        let active = self.peers_of(peers).filter(|(_, g, peer)| g.is_active(now, self.behind, peer)).count();
        if active >= self.slots {
            return None;
        }
        let rank = |g: &Grantee| g.rank();
        let free =
            self.first(peers, |g, peer| self.has_room(now, g, peer) && !g.is_active(now, self.behind, peer), rank);
        free.or_else(|| self.first(peers, |g, peer| self.has_room(now, g, peer), rank))
    }

    /// A grant for a peer that has not seen one for long, as far as the line can serve it soon: what is asked for and does not come is
    /// given up and asked for again.
    fn forgotten(&mut self, now: Time, rate: u64, peers: &Peers) -> Option<(ConnId, u32)> {
        let waiting: u64 = self.grantees.values().map(Grantee::outstanding).sum();
        if waiting > rate * QUEUE_SECONDS {
            return None;
        }
        let due = |g: &Grantee| now.since(g.last_grant.unwrap_or(g.since)) >= SHOWN_EVERY;
        let conn =
            self.first(peers, |g, _| g.habits.leaves && !g.stalled && due(g) && g.open.is_empty(), |g| g.last_grant)?;
        self.grant_to(now, conn, peers).map(|piece| (conn, piece))
    }

    fn grant_to(&mut self, now: Time, conn: ConnId, peers: &Peers) -> Option<u32> {
        let grantee = self.grantees.get_mut(&conn)?;
        let piece = self.pieces.grant(conn, peers.get(&conn)?.has(), &grantee.shown)?;
        grantee.grant(now, piece, u64::from(self.geometry.piece_size(piece)));
        let grantee = self.grantees.get(&conn)?;
        let full = !self.has_room(now, grantee, peers.get(&conn)?);
        self.grantees.get_mut(&conn)?.full |= full;
        Some(piece)
    }

    /// Whether a peer may be shown more ahead of what has left for it.
    fn has_room(&self, now: Time, grantee: &Grantee, peer: &Peer) -> bool {
        if grantee.is_sated(now) {
            return false;
        }
        let candidates = self.candidates as u64;
        let piece_len = u64::from(self.geometry.piece_len);
        let share = u64::from(self.geometry.pieces) / (grantee.habits.part * candidates.clamp(1, self.slots as u64))
            * piece_len;
        let alone = (u64::from(self.geometry.pieces) / ALONE_DIVISOR * piece_len).max(grantee.habits.alone);
        let most = if candidates > 1 { share } else { alone };
        grantee.has_window(grantee::rate(now, peer), piece_len, Some(most))
    }

    /// The peers that may be granted a piece.
    pub(super) fn peers_of<'a>(&'a self, peers: &'a Peers) -> impl Iterator<Item = (ConnId, &'a Grantee, &'a Peer)> {
        let all = self.grantees.iter().filter(|(_, g)| g.candidate);
        all.filter_map(|(conn, g)| Some((*conn, g, &**peers.get(conn)?)))
    }

    /// Of the candidates that pass, the one with the least key.
    pub(super) fn first<K: Ord>(
        &self,
        peers: &Peers,
        pass: impl Fn(&Grantee, &Peer) -> bool,
        key: impl Fn(&Grantee) -> K,
    ) -> Option<ConnId> {
        let passing = self.peers_of(peers).filter(|(_, g, peer)| pass(g, peer));
        passing.min_by_key(|(_, g, _)| key(g)).map(|(conn, ..)| conn)
    }
}
