//! The messages as types (BEP 5, 32, 33, 42, 43, 44, 51). Strings of bytes are borrowed from the packet, or from what is to be sent.
use crate::id::Id;
use alloc::vec::Vec;
use core::net::SocketAddr;

/// Length in bytes of a filter of addresses (BEP 33).
pub const FILTER_LEN: usize = 256;
/// Length in bytes of a public key (BEP 44).
pub const KEY_LEN: usize = 32;
/// Length in bytes of a signature (BEP 44).
pub const SIGNATURE_LEN: usize = 64;

/// A packet as a dictionary: who asked, who answers, and what it says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Message<'a> {
    /// `t`: the sender of a query chooses it, the answer repeats it.
    pub transaction: &'a [u8],
    /// `v`: the program of the sender, two letters and two bytes of a version.
    pub version: Option<&'a [u8]>,
    /// `ip` (BEP 42): the address and port that the query came from, as the node that answers sees it.
    pub ip: Option<SocketAddr>,
    /// What it says.
    pub body: Body<'a>,
}

/// What a message says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Body<'a> {
    /// Asks for something.
    Query(Query<'a>),
    /// Answers a query.
    Response(Response<'a>),
    /// Refuses a query.
    Error(Refusal<'a>),
}

/// A question to a node, with what the one that asks says of itself.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Query<'a> {
    /// The id of the node that asks.
    pub id: Id,
    /// `ro` (BEP 43): the node answers no queries and wants to stand in nobody's table.
    pub read_only: bool,
    /// `want` (BEP 32): the families of which nodes are wanted; none means that of the packet.
    pub want: Option<Want>,
    /// What is asked.
    pub method: Method<'a>,
}

/// The families that nodes are wanted of (BEP 32).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Want {
    /// `n4`: nodes with IPv4 addresses.
    pub v4: bool,
    /// `n6`: nodes with IPv6 addresses.
    pub v6: bool,
}

/// What a query asks.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Method<'a> {
    /// Whether the node is there.
    Ping,
    /// The nodes closest to a target.
    FindNode {
        /// The id that they should be close to.
        target: Id,
    },
    /// Peers of a torrent, else nodes that are closer to its hash.
    GetPeers {
        /// The hash of the torrent; of one of version 2 its first 20 bytes (BEP 52).
        info_hash: Id,
        /// Peers that are complete are of no use to the one that asks (BEP 33).
        no_seeds: bool,
        /// Filters of all peers are wanted too (BEP 33).
        scrape: bool,
    },
    /// The one that asks is a peer of a torrent.
    AnnouncePeer {
        /// The hash of the torrent; of one of version 2 its first 20 bytes (BEP 52).
        info_hash: Id,
        /// The port that the peer listens on.
        port: u16,
        /// Not that port counts, but the one that the packet comes from.
        implied_port: bool,
        /// The peer is complete (BEP 33).
        seed: bool,
        /// From the response to `get_peers`.
        token: &'a [u8],
    },
    /// An item (BEP 44).
    Get {
        /// The hash of the value, or of key and salt.
        target: Id,
        /// The value is wanted only when it is newer than this.
        seq: Option<i64>,
    },
    /// Stores an item (BEP 44).
    Put {
        /// From the response to `get`.
        token: &'a [u8],
        /// The value, bencoded.
        value: &'a [u8],
        /// What makes the item one that can be changed.
        signed: Option<Signed<'a>>,
    },
    /// Some of the hashes that the node holds peers of (BEP 51).
    SampleInfohashes {
        /// Nodes close to it are returned too.
        target: Id,
    },
    /// A query that is not known here.
    Other {
        /// `q` as it stands in the packet.
        name: &'a [u8],
        /// Its `target` or `info_hash`, if it has one: nodes close to it may be the answer.
        target: Option<Id>,
    },
}

/// What an item that can be changed is stored with (BEP 44).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Signed<'a> {
    /// `k`: the public key.
    pub key: &'a [u8; KEY_LEN],
    /// `sig`: the signature over salt, sequence number and value.
    pub signature: &'a [u8; SIGNATURE_LEN],
    /// `seq`: grows with each change.
    pub seq: i64,
    /// `cas`: the sequence number that is to be replaced, and no other.
    pub cas: Option<i64>,
    /// `salt`: tells items of one key apart; empty where there is none.
    pub salt: &'a [u8],
}

/// A response. Which fields are there depends on the query, and on the node.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Response<'a> {
    /// The id of the node that answers.
    pub id: Id,
    /// `nodes`: nodes closer to the target, with IPv4 addresses.
    pub nodes: Option<Vec<Contact>>,
    /// `nodes6` (BEP 32): the same with IPv6 addresses.
    pub nodes6: Option<Vec<Contact>>,
    /// `token`: to be repeated by `announce_peer` or `put`.
    pub token: Option<&'a [u8]>,
    /// `values`: peers of the torrent; the list may be sent empty.
    pub values: Option<Vec<SocketAddr>>,
    /// `BFsd` and `BFpe` (BEP 33): all peers of the torrent.
    pub filters: Option<FilterPair<'a>>,
    /// The item (BEP 44).
    pub item: ItemFields<'a>,
    /// `samples`, `num`, `interval` (BEP 51).
    pub samples: Option<Samples<'a>>,
}

impl Response<'_> {
    /// With the id alone, as to a ping.
    pub fn new(id: Id) -> Self {
        Self {
            id,
            nodes: None,
            nodes6: None,
            token: None,
            values: None,
            filters: None,
            item: ItemFields::default(),
            samples: None,
        }
    }
}

/// A node: its id and where it is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Contact {
    /// Its id, as somebody says.
    pub id: Id,
    /// Its address and port.
    pub addr: SocketAddr,
}

/// Filters of the addresses of all peers of a torrent (BEP 33).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FilterPair<'a> {
    /// `BFsd`: those that are complete.
    pub seeds: &'a [u8; FILTER_LEN],
    /// `BFpe`: the others.
    pub peers: &'a [u8; FILTER_LEN],
}

/// What a response says of an item (BEP 44). Only its sequence number is there when the node has nothing newer than was asked for.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct ItemFields<'a> {
    /// `k`: the public key.
    pub key: Option<&'a [u8; KEY_LEN]>,
    /// `sig`: the signature.
    pub signature: Option<&'a [u8; SIGNATURE_LEN]>,
    /// `seq`: the sequence number.
    pub seq: Option<i64>,
    /// `v`: the value as it stands in the packet, bencoded.
    pub value: Option<&'a [u8]>,
}

/// Some of the hashes that a node holds peers of (BEP 51).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Samples<'a> {
    /// `interval`: other hashes are told after so many seconds, and no sooner.
    pub interval_s: u32,
    /// `num`: how many the node has.
    pub held: u64,
    /// `samples`: 20 bytes each.
    pub hashes: &'a [u8],
}

impl<'a> Samples<'a> {
    /// The hashes, one by one.
    pub fn iter(&self) -> impl Iterator<Item = Id> + use<'a> {
        self.hashes.chunks_exact(crate::id::ID_LEN).filter_map(Id::from_slice)
    }
}

/// Why a query is refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Refusal<'a> {
    /// One of [`code`], or what others send.
    pub code: i64,
    /// The same in words of the one that refuses.
    pub text: &'a [u8],
}

/// The codes of errors (BEP 5, "Errors"; BEP 44, "Errors").
pub mod code {
    /// Anything that has no code of its own.
    pub const GENERIC: i64 = 201;
    /// The node itself cannot.
    pub const SERVER: i64 = 202;
    /// A packet, its arguments or its token are wrong.
    pub const PROTOCOL: i64 = 203;
    /// The query is not known here.
    pub const UNKNOWN_METHOD: i64 = 204;
    /// The value is too long.
    pub const VALUE_TOO_LONG: i64 = 205;
    /// The signature does not fit.
    pub const BAD_SIGNATURE: i64 = 206;
    /// The salt is too long.
    pub const SALT_TOO_LONG: i64 = 207;
    /// Another sequence number than the expected one is stored.
    pub const CAS_MISMATCH: i64 = 301;
    /// A newer value is stored.
    pub const SEQ_TOO_LOW: i64 = 302;
}
