//! Who wants something of us (BEP 3, interest and choking; own design): what the choker asks whenever a slot may be free, kept so
//! that it need not look at all peers.
//!
//! Whoever changes a peer's interest, or whether we choke it, lets it leave before and enter after.
//! Invariants: `open` names the peers that are interested and not choked, ascending; `shut` counts those that are interested and choked.
use crate::ids::ConnId;
use crate::peer::Peer;
use alloc::vec::Vec;

/// The interested peers.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub(super) struct Audience {
    open: Vec<ConnId>,
    shut: usize,
}

impl Audience {
    /// A peer has come to stand as it does.
    pub(super) fn enter(&mut self, peer: &Peer) {
        if peer.interested && peer.am_choking {
            self.shut += 1;
        } else if peer.interested
            && let Err(place) = self.open.binary_search(&peer.conn)
        {
            self.open.insert(place, peer.conn);
        }
    }

    /// A peer will stand otherwise, or is gone.
    pub(super) fn leave(&mut self, peer: &Peer) {
        if peer.interested && peer.am_choking {
            self.shut -= 1;
        } else if peer.interested
            && let Ok(place) = self.open.binary_search(&peer.conn)
        {
            self.open.remove(place);
        }
    }

    /// Those that may ask, ascending.
    pub(super) fn open(&self) -> &[ConnId] {
        &self.open
    }

    /// Whether somebody who is interested is choked.
    pub(super) fn is_crowded(&self) -> bool {
        self.shut > 0
    }

    /// Found by a look at all peers, for those who check.
    pub(super) fn of<'a>(peers: impl Iterator<Item = &'a Peer>) -> Self {
        let mut all = Self::default();
        peers.for_each(|peer| all.enter(peer));
        all
    }
}
