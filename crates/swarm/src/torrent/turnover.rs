//! Who makes room when there are as many connections as there may be (own design): in a swarm larger than that newcomers would
//! find nobody, and the useless would stay for ever.
use super::Torrent;
use super::context::Context;
use crate::effect::CloseReason;
use crate::ids::ConnId;
use crate::peer::Peer;
use core::time::Duration;

/// A peer that neither gave nor took anything for so long may be replaced: longer than anybody waits for a slot by turns.
const IDLE_MIN: Duration = Duration::from_secs(120);

impl Torrent {
    /// With the table full, lets go of the peer that has been of no use for longest, if there is one.
    pub(super) fn make_room<B>(&mut self, cx: &mut Context<'_, B>) {
        if !self.roster.is_full() || self.is_source() {
            return;
        }
        let idle = self.peers.values().filter(|p| cx.now.since(p.moved) >= IDLE_MIN && !self.needs(p));
        let worst: Option<ConnId> = idle.min_by_key(|p| (p.moved, p.conn)).map(|p| p.conn);
        if let Some(conn) = worst {
            self.drop_peer(cx, conn, CloseReason::Useless);
        }
    }

    /// Whether it alone has something that is missing here.
    fn needs(&self, peer: &Peer) -> bool {
        let Some(picker) = &self.picker else { return false };
        peer.has.iter_without(&self.have).any(|piece| picker.availability(piece) <= 1)
    }
}
