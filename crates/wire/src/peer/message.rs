//! Every message but PIECE as a value (BEP 3, 6, 9, 10).
//!
//! PIECE is apart because it carries payload: the codec hands the header out as a [`BlockRef`] and leaves the
//! bytes to the caller, so that the core never sees them.
use super::block::BlockRef;
use alloc::string::String;
use alloc::vec::Vec;
use core::net::{IpAddr, SocketAddr};

/// One message, without the length prefix.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Message {
    /// A frame of length 0 (BEP 3).
    KeepAlive,
    /// Id 0: the sender will answer no more requests.
    Choke,
    /// Id 1: the sender answers requests from now on.
    Unchoke,
    /// Id 2: the receiver has pieces that the sender wants.
    Interested,
    /// Id 3: the receiver has none that the sender wants.
    NotInterested,
    /// Id 4: the index of a piece the sender has.
    Have(u32),
    /// Id 5: the raw bytes, most significant bit first; length and spare bits are judged by whoever knows the torrent.
    Bitfield(Vec<u8>),
    /// Id 6: asks for a block.
    Request(BlockRef),
    /// Id 8: takes a request back.
    Cancel(BlockRef),
    /// Id 9: UDP port of the sender's DHT node (BEP 5).
    Port(u16),
    /// Id 13 (BEP 6).
    Suggest(u32),
    /// Id 14 (BEP 6).
    HaveAll,
    /// Id 15 (BEP 6).
    HaveNone,
    /// Id 16 (BEP 6).
    Reject(BlockRef),
    /// Id 17 (BEP 6).
    AllowedFast(u32),
    /// Id 20, extended id 0 (BEP 10).
    ExtendedHandshake(ExtendedHandshake),
    /// Id 20 with the id of `ut_metadata` (BEP 9). `id` is the receiver's id for it: the peer's on sending, ours on receiving.
    Metadata {
        /// Extended id, as the receiver of the message numbers it.
        id: u8,
        /// The request, data or reject.
        message: MetadataMessage,
    },
    /// Id 20 with the id of `ut_pex` (BEP 11): peers that the sender has met or lost. `id` as in [`Message::Metadata`].
    Pex {
        /// Extended id, as the receiver of the message numbers it.
        id: u8,
        /// The peers that the sender has met and lost.
        message: PexMessage,
    },
    /// Id 20 with the id of `ut_holepunch` (BEP 55): two peers are to dial each other. `id` as in [`Message::Metadata`].
    Holepunch {
        /// Extended id, as the receiver of the message numbers it.
        id: u8,
        /// What is asked for.
        message: HolepunchMessage,
    },
    /// Id 20 with the id of `lt_donthave` (BEP 54): the sender has that piece no more. `id` as in [`Message::Metadata`].
    DontHave {
        /// Extended id, as the receiver of the message numbers it.
        id: u8,
        /// Index of the piece.
        piece: u32,
    },
    /// An id that we do not speak; its payload was skipped.
    Unknown {
        /// The id of the message.
        id: u8,
        /// Extended id, where `id` is 20.
        extended: Option<u8>,
        /// Length of the payload that was skipped, in bytes.
        len: u32,
    },
}

/// The dictionary of the extension handshake (BEP 10). All fields are optional, and a later handshake changes only what it names.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct ExtendedHandshake {
    /// `m`: the sender's id for `ut_metadata`; `Some(0)` switches it off.
    pub ut_metadata: Option<u8>,
    /// `m`: the sender's id for `ut_pex` (BEP 11).
    pub ut_pex: Option<u8>,
    /// `m`: the sender's id for `lt_donthave` (BEP 54).
    pub lt_donthave: Option<u8>,
    /// `m`: the sender's id for `ut_holepunch` (BEP 55).
    pub ut_holepunch: Option<u8>,
    /// `e`: whether the sender would rather have connections encrypted (BEP 11, flag 1).
    pub prefers_encryption: Option<bool>,
    /// `p`: the port the sender listens on for TCP.
    pub port: Option<u16>,
    /// `v`: client name and version, at most 64 bytes, not to be trusted.
    pub client: Option<String>,
    /// `reqq`: how many requests the sender queues; clamped to 1..=4096 by the decoder.
    pub reqq: Option<u32>,
    /// `metadata_size` in bytes (BEP 9); not to be trusted.
    pub metadata_size: Option<u32>,
    /// `yourip`: our address as the sender sees it.
    pub your_ip: Option<IpAddr>,
    /// `upload_only` (BEP 21).
    pub upload_only: Option<bool>,
    /// `teem_source` (own key): pieces that a source holds, although it shows them one by one.
    pub teem_source: Option<u32>,
}

/// What BEP 11 says of a peer besides its address, a bit each.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct PexFlags(pub u8);

impl PexFlags {
    /// It would rather have connections encrypted.
    pub const ENCRYPTION: u8 = 1;
    /// It has everything, or wants nothing.
    pub const SEED: u8 = 2;
    /// It speaks uTP.
    pub const UTP: u8 = 4;
    /// It can be asked to dial at the moment that we do (BEP 55).
    pub const HOLEPUNCH: u8 = 8;
    /// It was dialled: strangers reach it.
    pub const REACHABLE: u8 = 16;

    /// Whether that is said.
    pub fn has(self, flag: u8) -> bool {
        self.0 & flag != 0
    }
}

/// A peer that another is connected with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Contact {
    /// Where it is reached, as the other knows it.
    pub addr: SocketAddr,
    /// What is said of it.
    pub flags: PexFlags,
}

/// A message of `ut_pex` (BEP 11), of both address families.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct PexMessage {
    /// Peers that the sender is connected with now.
    pub added: Vec<Contact>,
    /// Peers that it was told to be connected with before, and is not.
    pub dropped: Vec<SocketAddr>,
}

/// A message of `ut_holepunch` (BEP 55).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct HolepunchMessage {
    /// What is asked for, or went wrong.
    pub what: Holepunch,
    /// The end that it is about: the other one of the two.
    pub at: SocketAddr,
}

/// What a message of `ut_holepunch` asks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Holepunch {
    /// To a relay: have that peer and me dial each other.
    Rendezvous,
    /// From a relay: dial there over uTP now.
    Connect,
    /// From a relay: it cannot.
    Error(HolepunchError),
}

/// Why a relay cannot help (BEP 55).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum HolepunchError {
    /// Nobody can be at that address.
    NoSuchPeer,
    /// The relay is not connected with it.
    NotConnected,
    /// It does not speak the extension.
    NoSupport,
    /// The relay itself is there.
    NoSelf,
    /// A reason that BEP 55 does not know.
    Other(u32),
}

/// A message of `ut_metadata` (BEP 9).
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum MetadataMessage {
    /// Asks for one 16 KiB piece of the info dictionary.
    Request {
        /// Index of the piece.
        piece: u32,
    },
    /// Carries one piece of the info dictionary.
    Data {
        /// Index of the piece.
        piece: u32,
        /// Size in bytes of the whole info dictionary, as the sender says.
        total_size: u32,
        /// The bytes: 16 KiB, or the rest.
        data: Vec<u8>,
    },
    /// The sender will not send that piece.
    Reject {
        /// Index of the piece.
        piece: u32,
    },
}
