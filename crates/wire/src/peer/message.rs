//! Every message but PIECE as a value (BEP 3, 6, 9, 10).
//!
//! PIECE is apart because it carries payload: the codec hands the header out as a [`BlockRef`] and leaves the
//! bytes to the caller, so that the core never sees them.
use super::block::BlockRef;
use alloc::string::String;
use alloc::vec::Vec;
use core::net::IpAddr;

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
