//! How much the peers have gained since we know them: the copies that the swarm has (own design).
use crate::bitfield::Bitfield;
use crate::geometry::Geometry;
use crate::peer::Peer;
use alloc::collections::BTreeMap;
use teem_wire::peer::handshake::PeerId;

/// Peers whose progress is remembered after they are gone.
const PEERS_MAX: usize = 10_000;

/// How much the peers have gained.
#[derive(Clone, Default, Debug)]
pub(super) struct Gains {
    /// Up to how many bytes those that are gone were counted, by peer id: nothing is counted twice.
    gone: BTreeMap<PeerId, u64>,
    sum: u64,
}

impl Gains {
    /// A peer shows so many bytes; `before` of them it had when it came, and they are not counted.
    pub(super) fn shows(&mut self, peer: &mut Peer, bytes: u64, before: u64) {
        let id = peer.who().id();
        let gained = peer.pieces_mut().gained(bytes, || self.gone.get(&id).copied().unwrap_or(before));
        self.sum = self.sum.saturating_add(gained);
    }

    /// A peer is gone: what was counted of it is remembered.
    pub(super) fn gone(&mut self, peer: &Peer) {
        let id = peer.who().id();
        if let Some(counted) = peer.pieces().counted()
            && (self.gone.len() < PEERS_MAX || self.gone.contains_key(&id))
        {
            self.gone.insert(id, counted);
        }
    }

    /// Bytes gained by all peers ever met.
    pub(super) fn sum(&self) -> u64 {
        self.sum
    }
}

/// Bytes of the pieces in a set.
pub(super) fn bytes_of(geometry: &Geometry, has: &Bitfield) -> u64 {
    let last = geometry.pieces.saturating_sub(1);
    let short = if has.get(last) { u64::from(geometry.piece_len - geometry.piece_size(last)) } else { 0 };
    u64::from(has.count()) * u64::from(geometry.piece_len) - short
}
