//! By which names peers know their connections (own design).
//!
//! The name by which a peer's process knows a connection says where its end lies (see `conn`). Names stand in the order in
//! which connections came to be: by the span of time in which the dial was answered, then by who dialled, then one after the
//! other. So they are the same on any number of threads. That order holds for `SPANS_MAX` spans and [`PEERS_MAX`] peers, which a world
//! keeps to; of the connections that one peer makes within one span it tells the first 32 apart, others stand in the order of their places.
use teem_swarm::ids::ConnId;

/// Bits of a name for the place of the end.
const PLACE_BITS: u32 = 15;
/// Bits for which of the dials of one peer that were answered in one span it was.
const DIAL_BITS: u32 = 5;
/// Bits for the peer that dialled.
const PEER_BITS: u32 = 18;
/// Most connections that a peer can have in the course of a run.
pub(crate) const ENDS_MAX: usize = 1 << PLACE_BITS;
/// Most peers of a world.
pub const PEERS_MAX: usize = 1 << PEER_BITS;
/// Most spans of a run.
pub(crate) const SPANS_MAX: u128 = 1 << (u64::BITS - PLACE_BITS - DIAL_BITS - PEER_BITS);

/// What the names of a connection's two ends have in common.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Key(u64);

impl Key {
    /// That of a connection that came to be in that span, as the `nth` of those that the dialler made in it.
    pub fn new(span: u64, dialler: u32, nth: u32) -> Self {
        let nth = u64::from(nth).min((1 << DIAL_BITS) - 1);
        Self((span << PEER_BITS | u64::from(dialler)) << DIAL_BITS | nth)
    }

    /// The name of the end at that place.
    pub fn name(self, place: u32) -> ConnId {
        ConnId(self.0 << PLACE_BITS | u64::from(place))
    }

    /// The port from which it was dialled: one that the dialler's system chose.
    pub fn port(self) -> u16 {
        40_000 + (self.0 % 20_000) as u16
    }
}

/// The place of the end that has that name.
pub fn place(conn: ConnId) -> u32 {
    (conn.0 & ((1 << PLACE_BITS) - 1)) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_in_the_order_of_span_dialler_and_dial() {
        let keys = [(1, 9, 0), (2, 3, 0), (2, 3, 1), (2, 4, 0), (3, 0, 0)];
        let names = keys.map(|(span, dialler, nth)| Key::new(span, dialler, nth).name(7));
        assert!(names.is_sorted_by(|a, b| a < b));
        assert!(names.iter().all(|name| place(*name) == 7));
    }
}
