//! Reading ahead what an input will need (own design), for whoever drives more torrents than lie near in memory and knows what
//! comes next: a simulator. Nothing is changed, nothing depends on it.
use super::Torrent;
use crate::ids::ConnId;
use crate::picker::pick::Picker;
use core::hint::black_box;

impl Torrent {
    /// Reads what any input touches.
    pub fn approach(&self) {
        black_box((self.housekeeping, self.have_bytes, self.crowded, self.wasted, self.next_round, self.geometry));
        black_box((self.refill, self.announcer.deadline(), self.candidates.deadline(), self.peers.len()));
        black_box((self.up.is_waiting(), self.down.is_waiting(), self.received.total(), self.sent.total()));
        black_box((self.picker.as_ref().map(Picker::unjudged), self.durability.deadline(), self.give.deadline()));
    }

    /// Reads what an input of a connection about a piece (any number, if it is about none) touches.
    pub fn approach_peer(&self, conn: ConnId, piece: u32) {
        black_box(self.have.get(piece));
        if let Some(picker) = &self.picker
            && piece < self.geometry.pieces
        {
            black_box(picker.availability(piece));
        }
        if let Some(peer) = self.peers.get(&conn) {
            black_box((peer.heard, peer.has.get(piece), peer.useful, peer.counted, peer.am_choking, peer.trust));
            black_box((peer.pipeline.under_way(), peer.pipeline.meter.total(), peer.refusals.is_full()));
            black_box((peer.upload.in_flight(), peer.upload.meter.total(), peer.fast_from.len()));
        }
    }
}
