//! What to keep for who has gone and may come again (own design): pieces that it has in part.
//!
//! It is known by its peer id, which outlives our restart too: what was under way when we ended is kept like what was under way
//! to a peer that has gone.
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
/// Most pieces that are kept, or remembered over a restart.
const KEPT_MAX: usize = 1_000;

/// A piece that somebody has in part.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kept {
    who: PeerId,
    pub(super) piece: u32,
    until: Time,
}

impl Source {
    /// What was under way to whom, for the saved state.
    pub(in crate::torrent) fn under_way(&self, peers: &Peers) -> Vec<(PeerId, u32)> {
        let kept = self.kept.iter().map(|kept| (kept.who, kept.piece));
        let open = self.grantees.iter().filter_map(|(conn, g)| Some((peers.get(conn)?.who().id(), g)));
        let open = open.flat_map(|(who, g)| {
            let begun = g.open.iter().filter(|grant| grant.left < u64::from(self.geometry.piece_size(grant.piece)));
            begun.map(|grant| grant.piece).chain(g.served.keys().copied()).map(move |piece| (who, piece))
        });
        kept.chain(open).filter(|(_, piece)| self.pieces.stage(*piece) == Stage::Granted).take(KEPT_MAX).collect()
    }

    /// Keeps what was under way in an earlier run.
    pub(in crate::torrent) fn keep(&mut self, now: Time, under_way: Vec<(PeerId, u32)>) {
        for (who, piece) in under_way {
            if piece < self.geometry.pieces && self.pieces.stage(piece) == Stage::Never {
                self.pieces.keep(piece);
                self.keep_for(now, who, piece);
            }
        }
    }

    /// Keeps a piece for who has it in part.
    pub(super) fn keep_for(&mut self, now: Time, who: PeerId, piece: u32) {
        self.kept.push(Kept { who, piece, until: now + RETURN });
    }

    /// A peer can use grants: what was kept for it is its own again.
    pub(super) fn give_again(&mut self, now: Time, conn: ConnId, who: &PeerId) {
        let Some(grantee) = self.grantees.get_mut(&conn) else { return };
        self.kept.retain(|kept| {
            let (mine, piece) = (kept.who == *who, kept.piece);
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

    /// What was kept for long enough waits for others, and all of it does when nothing else waits.
    pub(super) fn give_back_kept(&mut self, now: Time) {
        let waits = self.pieces.waits();
        let Self { kept, pieces, .. } = self;
        kept.retain(|kept| {
            let stays = waits && kept.until > now;
            if !stays && pieces.stage(kept.piece) == Stage::Granted {
                pieces.back(kept.piece);
            }
            stays
        });
    }
}
