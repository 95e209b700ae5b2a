//! What was read for whom (own design): a peer that asks for a piece again after it got all of it has found it wrong, or lost it. Either way the piece is
//! read and hashed before it is given once more, so that what rotted on the medium is noticed by its first reader.
use std::collections::{BTreeMap, VecDeque};
use teem_swarm::ids::ConnId;

/// Peers that are remembered; the one that came first is forgotten first.
const PEERS_MAX: usize = 256;

/// Pieces remembered of each: a peer that asks again does so soon.
const PIECES_MAX: usize = 8;

/// A piece, and bytes of it that were read for a peer.
struct Given {
    piece: u32,
    bytes: u64,
}

/// The pieces read lately, by peer.
#[derive(Default)]
pub(crate) struct Served(BTreeMap<ConnId, VecDeque<Given>>);

impl Served {
    /// So many bytes of a piece of that size are read for a peer; whether it has had all of it before.
    pub(crate) fn again(&mut self, peer: ConnId, piece: u32, bytes: u32, size: u32) -> bool {
        if !self.0.contains_key(&peer) && self.0.len() >= PEERS_MAX {
            self.0.pop_first();
        }
        let pieces = self.0.entry(peer).or_default();
        let Some(given) = pieces.iter_mut().find(|given| given.piece == piece) else {
            pieces.truncate(PIECES_MAX - 1);
            pieces.push_front(Given { piece, bytes: bytes.into() });
            return false;
        };
        given.bytes += u64::from(bytes);
        let again = given.bytes > u64::from(size);
        if again {
            given.bytes = bytes.into();
        }
        again
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_more_than_a_whole_piece_is_again() {
        let mut served = Served::default();
        let peer = ConnId(1);
        assert!(!served.again(peer, 3, 60, 100) && !served.again(peer, 3, 40, 100));
        assert!(!served.again(ConnId(2), 3, 60, 100), "another peer");
        assert!(served.again(peer, 3, 60, 100));
        assert!(!served.again(peer, 3, 40, 100), "counted anew");
        for piece in 4..30 {
            assert!(!served.again(peer, piece, 100, 100));
        }
        assert!(!served.again(peer, 3, 100, 100), "forgotten");
        for peer in 10..1_000 {
            assert!(!served.again(ConnId(peer), 0, 100, 100));
        }
        assert_eq!(served.0.len(), PEERS_MAX);
    }
}
