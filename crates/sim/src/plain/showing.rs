//! What peers show and owe to a client (BEP 3, "have", "bitfield"): the counts in its book, and how they are taken back.
use super::Plain;
use teem_swarm::ids::ConnId;

impl Plain {
    /// A peer shows a piece.
    pub(super) fn shown(&mut self, conn: ConnId, piece: u32) {
        let Some(peer) = self.peers.get_mut(&conn) else { return };
        if piece >= self.book.content.pieces() || peer.shown.has(piece) {
            return;
        }
        peer.shown.set(piece, true);
        peer.shows += 1;
        peer.of_use += u32::from(!self.book.have.has(piece));
        self.book.saw(piece, true);
    }

    /// A peer's bitfield, or what stands for one, replaces what it has shown.
    pub(super) fn shown_all(&mut self, conn: ConnId, pieces: impl Iterator<Item = u32>) {
        let Some(peer) = self.peers.get_mut(&conn) else { return };
        for piece in (0..self.book.content.pieces()).filter(|piece| peer.shown.has(*piece)) {
            self.book.saw(piece, false);
        }
        peer.shown.fill(self.book.content.pieces(), false);
        (peer.shows, peer.of_use) = (0, 0);
        pieces.for_each(|piece| self.shown(conn, piece));
    }

    /// A peer will not answer what it was asked.
    pub(super) fn give_up_on(&mut self, conn: ConnId) {
        let Some(peer) = self.peers.get_mut(&conn) else { return };
        for at in std::mem::take(&mut peer.asked) {
            self.book.release(at);
        }
        for piece in std::mem::take(&mut peer.pieces) {
            self.book.abandon(piece, conn);
        }
    }
}
