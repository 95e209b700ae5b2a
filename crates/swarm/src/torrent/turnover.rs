//! Who makes room when there are as many connections as there may be (own design): in a swarm larger than that newcomers would
//! find nobody, and the useless would stay for ever.
use super::Torrent;
use super::context::Context;
use crate::effect::CloseReason;
use crate::peer::Peer;
use alloc::vec::Vec;
use core::time::Duration;

/// A peer that neither gave nor took anything for so long may be replaced: longer than anybody waits for a slot by turns.
const IDLE_MIN: Duration = Duration::from_secs(120);

impl Torrent {
    /// With the table full, lets go of the peer that has been of no use for longest, if there is one.
    pub(super) fn make_room<B>(&mut self, cx: &mut Context<'_, B>) {
        if !self.roster.is_full() || self.is_source() {
            return;
        }
        let idle = self.peers.values().filter(|p| cx.now.since(p.moved) >= IDLE_MIN);
        let mut idle: Vec<&Peer> = idle.map(|p| &**p).collect();
        idle.sort_by_key(|p| (p.moved, p.conn));
        // Whether one is needed costs a look at all its pieces: mostly the first will do.
        if let Some(conn) = idle.into_iter().find(|p| !self.needs(p)).map(|p| p.conn) {
            self.drop_peer(cx, conn, CloseReason::Useless);
        }
    }

    /// Whether it alone has something that is missing here.
    fn needs(&self, peer: &Peer) -> bool {
        let Some(picker) = &self.picker else { return false };
        peer.has.iter_without(&self.have).any(|piece| picker.availability(piece) <= 1)
    }
}
