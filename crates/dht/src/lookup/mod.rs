//! Look-ups (BEP 5): from the nodes that are known to those nearest to a target, with what is asked on the way and what is done at the end.
//!
//! What is found is passed on as it comes. A look-up stays for answers that come after its end, until none can come any more.
pub(crate) mod candidate;
pub(crate) mod running;
pub(crate) mod search;

use crate::id::Id;
use crate::krpc::message::{Contact, FILTER_LEN, KEY_LEN, SIGNATURE_LEN, Signed};
use alloc::boxed::Box;
use alloc::collections::BTreeSet;
use alloc::vec::Vec;
use core::net::{IpAddr, SocketAddr};
use core::time::Duration;
use search::Search;
use teem_basis::time::Time;

/// Peers of one look-up that are remembered, so that each is told of once.
const TOLD_MAX: usize = 2_000;

/// Names a look-up of one node.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct LookupId(pub(crate) u32);

/// What is looked up.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Question {
    /// The nodes closest to a target.
    Nodes {
        /// The id that it leads to.
        target: Id,
    },
    /// Peers of a torrent.
    Peers {
        /// Its info-hash, of either version.
        info_hash: Id,
        /// Those that are complete are of no use (BEP 33).
        no_seeds: bool,
        /// How many there are is of interest too (BEP 33).
        scrape: bool,
    },
    /// An item (BEP 44).
    Item {
        /// The hash of its value, or of key and salt.
        target: Id,
        /// What the target was made with beside the key, for an item that can be changed.
        salt: Vec<u8>,
    },
    /// Hashes that nodes near a target hold peers of (BEP 51).
    Samples {
        /// The id that it leads to.
        target: Id,
    },
}

impl Question {
    /// Where it leads.
    pub fn target(&self) -> Id {
        match self {
            Self::Nodes { target } | Self::Item { target, .. } | Self::Samples { target } => *target,
            Self::Peers { info_hash, .. } => *info_hash,
        }
    }
}

/// How a look-up ended.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Outcome {
    /// Nodes that were asked.
    pub asked: u32,
    /// Nodes that have answered so far.
    pub answered: u32,
    /// Nodes that have taken what was to be stored.
    pub stored: u32,
    /// The nodes closest to the target, from near to far.
    pub closest: Vec<Contact>,
    /// Since the look-up began.
    pub took: Duration,
    /// All seeds and all other peers that the closest nodes know, as filters (BEP 33), where they were asked for.
    pub filters: Option<Box<Filters>>,
}

/// What came of an announce.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Told {
    /// The hash that was announced, of a torrent or of one of its two.
    pub(crate) info_hash: Id,
    /// Nodes that have taken it.
    pub(crate) stored: u32,
    /// Some node named a peer at another address than ours.
    pub(crate) met: bool,
}

/// Filters of addresses (BEP 33), put together from several nodes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Filters {
    /// Of those that are complete.
    pub seeds: [u8; FILTER_LEN],
    /// Of the others.
    pub peers: [u8; FILTER_LEN],
}

/// An item as it is stored (BEP 44).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Item {
    /// The value, bencoded.
    pub value: Vec<u8>,
    /// What makes it one that can be changed.
    pub signature: Option<Signature>,
}

/// What an item that can be changed is signed with (BEP 44).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Signature {
    /// The public key.
    pub key: [u8; KEY_LEN],
    /// Over salt, sequence number and value.
    pub signature: [u8; SIGNATURE_LEN],
    /// Grows with each change.
    pub seq: i64,
    /// Only an item with that sequence number is to be replaced.
    pub cas: Option<i64>,
    /// Tells items of one key apart.
    pub salt: Vec<u8>,
}

impl Item {
    /// The part of a query that only such items have.
    pub(crate) fn signed(&self) -> Option<Signed<'_>> {
        self.signature.as_ref().map(|of| Signed {
            key: &of.key,
            signature: &of.signature,
            seq: of.seq,
            cas: of.cas,
            salt: &of.salt,
        })
    }
}

/// What is done once the closest nodes are known.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Then {
    /// The owner is told.
    Tell,
    /// A look-up of our own, for the sake of the table.
    Learn,
    /// We are announced as a peer of the torrent.
    Announce {
        /// We are complete.
        seed: bool,
    },
    /// An item is stored.
    Put(Box<Item>),
}

/// A look-up under way.
#[derive(Debug)]
pub(crate) struct Lookup {
    pub(crate) question: Question,
    pub(crate) then: Then,
    pub(crate) search: Search,
    pub(crate) began: Time,
    /// Queries whose answers may come yet.
    pub(crate) open: usize,
    /// The closest are known; what is stored is on its way.
    pub(crate) ended: bool,
    /// The owner was told of the end.
    pub(crate) told: bool,
    pub(crate) answered: u32,
    pub(crate) stored: u32,
    /// Nodes that something was sent to, to be stored.
    pub(crate) stores: Vec<SocketAddr>,
    /// The sequence number of the newest item that was passed on.
    pub(crate) newest: Option<i64>,
    pub(crate) filters: Option<Box<Filters>>,
    peers: BTreeSet<SocketAddr>,
}

impl Lookup {
    pub(crate) fn new(now: Time, question: Question, then: Then, search: Search) -> Self {
        Self {
            question,
            then,
            search,
            began: now,
            open: 0,
            ended: false,
            told: false,
            answered: 0,
            stored: 0,
            stores: Vec::new(),
            newest: None,
            filters: None,
            peers: BTreeSet::new(),
        }
    }

    /// Whether a peer was named that is not at that address, our own.
    pub(crate) fn has_peer_beside(&self, own: Option<IpAddr>) -> bool {
        self.peers.iter().any(|peer| Some(peer.ip()) != own)
    }

    /// Those of some peers that were not told of before.
    pub(crate) fn new_peers(&mut self, peers: impl IntoIterator<Item = SocketAddr>) -> Vec<SocketAddr> {
        peers.into_iter().filter(|peer| self.peers.len() < TOLD_MAX && self.peers.insert(*peer)).collect()
    }

    /// Takes the filters of one more node.
    pub(crate) fn merge_filters(&mut self, seeds: &[u8; FILTER_LEN], peers: &[u8; FILTER_LEN]) {
        let empty = || Box::new(Filters { seeds: [0; FILTER_LEN], peers: [0; FILTER_LEN] });
        let filters = self.filters.get_or_insert_with(empty);
        for (all, one) in filters.seeds.iter_mut().zip(seeds) {
            *all |= one;
        }
        for (all, one) in filters.peers.iter_mut().zip(peers) {
            *all |= one;
        }
    }

    pub(crate) fn outcome(&self, now: Time) -> Outcome {
        Outcome {
            asked: self.search.asked() as u32,
            answered: self.answered,
            stored: self.stored,
            closest: self.search.closest().into_iter().map(|(contact, _)| contact).collect(),
            took: now.since(self.began),
            filters: self.filters.clone(),
        }
    }
}

#[cfg(test)]
mod tests;
