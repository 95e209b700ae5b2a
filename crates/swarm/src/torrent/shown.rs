//! How much the peers have gained since we know them: the copies that the swarm has (own design).
use crate::bitfield::Bitfield;
use crate::geometry::Geometry;
use alloc::collections::BTreeMap;
use teem_wire::peer::handshake::PeerId;

/// Peers whose progress is remembered after they are gone.
const PEERS_MAX: usize = 10_000;

/// How much the peers have gained since we know them: the copies that the swarm has.
#[derive(Clone, Default, Debug)]
pub(super) struct Shown {
    /// Bytes at first sight and at most, by peer id: what was there before is not counted, and nothing twice.
    by: BTreeMap<PeerId, (u64, u64)>,
    sum: u64,
}

impl Shown {
    /// A peer shows so many bytes; `before` of them it had when it came.
    pub(super) fn shows(&mut self, id: PeerId, bytes: u64, before: u64) {
        if self.by.len() >= PEERS_MAX && !self.by.contains_key(&id) {
            return;
        }
        let (_, most) = self.by.entry(id).or_insert((before, before));
        self.sum += bytes.saturating_sub(*most);
        *most = bytes.max(*most);
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
