//! Pieces that are gone: here, or at the peer that was the only one seen with them (own design; BEP 54).
use super::grantee::Grantee;
use super::pieces::Stage;
use super::{Phase, Source};
use crate::ids::ConnId;

impl Source {
    /// A piece is damaged: it is not granted any more.
    pub(in crate::torrent) fn lose(&mut self, piece: u32) {
        self.pieces.lose(piece);
    }

    /// A peer has a piece no more. When it was the last that was seen with it, it waits to be granted again.
    pub(in crate::torrent) fn lost_at(&mut self, conn: ConnId, piece: u32) {
        self.pieces.unseen(piece);
        let open = |g: &Grantee| g.open.iter().any(|o| o.piece == piece) || g.served.contains_key(&piece);
        let elsewhere = self.pieces.holders(piece) > 0 || self.grantees.iter().any(|(c, g)| *c != conn && open(g));
        if self.phase == Phase::Granting && !elsewhere && self.pieces.stage(piece) == Stage::Out {
            self.pieces.back(piece);
        }
    }
}
