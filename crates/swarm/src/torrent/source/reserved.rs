//! Pieces reserved for a peer that has gone and may return (own design): those that it has in part.
//!
//! Such a peer is known by its peer id, which outlives our restart too: what was under way when we ended is reserved like what was
//! under way to a peer that has gone.
use super::Source;
use super::grantee::Peers;
use super::pieces::Stage;
use crate::ids::ConnId;
use crate::time::Time;
use alloc::vec::Vec;
use core::time::Duration;
use teem_wire::peer::handshake::PeerId;

/// A peer that is back within this gets the rest.
const RETURN: Duration = Duration::from_secs(60);
/// Most pieces that are reserved, or remembered over a restart.
const RESERVED_MAX: usize = 1_000;

/// A piece that a peer has in part and that waits for its return.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reserved {
    who: PeerId,
    pub(super) piece: u32,
    until: Time,
}

impl Source {
    /// What was under way to whom, for the saved state.
    pub(in crate::torrent) fn under_way(&self, peers: &Peers) -> Vec<(PeerId, u32)> {
        let reserved = self.reserved.iter().map(|one| (one.who, one.piece));
        let open = self.grantees.iter().filter_map(|(conn, g)| Some((peers.get(conn)?.who().id(), g)));
        let open = open.flat_map(|(who, g)| {
            let begun = g.open.iter().filter(|grant| grant.left < u64::from(self.geometry.piece_size(grant.piece)));
            begun.map(|grant| grant.piece).chain(g.served.keys().copied()).map(move |piece| (who, piece))
        });
        reserved
            .chain(open)
            .filter(|(_, piece)| self.pieces.stage(*piece) == Stage::Granted)
            .take(RESERVED_MAX)
            .collect()
    }

    /// Reserves what was under way in an earlier run.
    pub(in crate::torrent) fn reserve_earlier(&mut self, now: Time, under_way: Vec<(PeerId, u32)>) {
        for (who, piece) in under_way {
            if piece < self.geometry.pieces && self.pieces.stage(piece) == Stage::Never {
                self.pieces.reserve(piece);
                self.reserve(now, who, piece);
            }
        }
    }

    /// Reserves a piece for the peer that has it in part.
    pub(super) fn reserve(&mut self, now: Time, who: PeerId, piece: u32) {
        self.reserved.push(Reserved { who, piece, until: now + RETURN });
    }

    /// A peer can use grants: what was reserved for it is its own again.
    pub(super) fn grant_reserved(&mut self, now: Time, conn: ConnId, who: &PeerId) {
        let Some(grantee) = self.grantees.get_mut(&conn) else { return };
        self.reserved.retain(|one| {
            let (mine, piece) = (one.who == *who, one.piece);
            if !mine || self.pieces.stage(piece) != Stage::Granted {
                return !mine;
            }
            if grantee.has_window(0, u64::from(self.geometry.piece_len), None) {
                self.pieces.granted(piece, conn);
                grantee.grant(now, piece, u64::from(self.geometry.piece_size(piece)));
                // It is shown by what shows pieces besides.
                grantee.shown.clear(piece);
                self.shows.push_back((conn, piece));
            } else {
                self.pieces.back(piece);
            }
            false
        });
    }

    /// What was reserved for long enough waits for others, and all of it does when nothing else waits.
    pub(super) fn release_reserved(&mut self, now: Time) {
        let waits = self.pieces.waits();
        let Self { reserved, pieces, .. } = self;
        reserved.retain(|one| {
            let stays = waits && one.until > now;
            if !stays && pieces.stage(one.piece) == Stage::Granted {
                pieces.back(one.piece);
            }
            stays
        });
    }
}
