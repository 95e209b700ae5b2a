//! The peers that want something of us (BEP 3, interest and choking; own design): what the choker asks for whenever a slot may be free, kept so
//! that it need not look at all peers.
//!
//! The table changes a peer's interest, and whether we choke it, between [`Audience::leave`] and [`Audience::enter`].
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
        if peer.stance().is_interested() && peer.stance().am_choking() {
            self.shut += 1;
        } else if peer.stance().is_interested()
            && let Err(place) = self.open.binary_search(&peer.conn())
        {
            self.open.insert(place, peer.conn());
        }
    }

    /// A peer will stand otherwise, or is gone.
    pub(super) fn leave(&mut self, peer: &Peer) {
        if peer.stance().is_interested() && peer.stance().am_choking() {
            self.shut -= 1;
        } else if peer.stance().is_interested()
            && let Ok(place) = self.open.binary_search(&peer.conn())
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

    /// Counted anew by a look at all peers, to check the rest.
    pub(super) fn of<'a>(peers: impl Iterator<Item = &'a Peer>) -> Self {
        let mut all = Self::default();
        peers.for_each(|peer| all.enter(peer));
        all
    }
}
