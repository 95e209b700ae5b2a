//! What a node wants done, and what it has found, in order (own design).
use crate::id::Id;
use crate::krpc::message::Contact;
use crate::lookup::{Item, LookupId, Outcome};
use alloc::vec::Vec;
use core::net::{IpAddr, SocketAddr};

/// One thing to be done or to be told.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Act {
    /// A packet is to be sent.
    Send {
        /// The address and port that it goes to.
        to: SocketAddr,
        /// The whole of it, a bencoded dictionary.
        bytes: Vec<u8>,
    },
    /// Peers of a torrent that is looked up: each once.
    Peers {
        /// The look-up that this belongs to.
        lookup: LookupId,
        /// The info-hash of the torrent.
        info_hash: Id,
        /// The node that names them.
        by: SocketAddr,
        /// Where those peers listen, as the node says.
        peers: Vec<SocketAddr>,
    },
    /// An item that is looked up: each that is newer than those before.
    Item {
        /// The look-up that this belongs to.
        lookup: LookupId,
        /// As it was stored; its signature is right.
        item: Item,
    },
    /// Hashes that a node holds peers of (BEP 51).
    Samples {
        /// The look-up that this belongs to.
        lookup: LookupId,
        /// The node that has them.
        by: Contact,
        /// How many it has.
        held: u64,
        /// Others may be had of it after so many seconds.
        interval_s: u32,
        /// Some of them.
        hashes: Vec<Id>,
    },
    /// A node answers, or does not.
    Pinged {
        /// What `Node::ping` returned.
        lookup: LookupId,
        /// The node, with its id if it answered.
        answer: Option<Contact>,
    },
    /// A look-up has ended; peers may come yet.
    End {
        /// The look-up that this belongs to.
        lookup: LookupId,
        /// What it came to.
        outcome: Outcome,
    },
    /// We were announced for a torrent, at as many nodes as the outcome says.
    Announced {
        /// The info-hash of the torrent.
        info_hash: Id,
        /// What it came to.
        outcome: Outcome,
    },
    /// A node sees us at another address than its network said before, or speaks for that network first (BEP 42 `ip`).
    Seen {
        /// The node's own address.
        by: IpAddr,
        /// Where it sees us.
        at: IpAddr,
    },
}
