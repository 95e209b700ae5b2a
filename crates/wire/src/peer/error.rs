//! Why a peer's bytes are refused (BEP 3, 10). Every case ends the connection; none is a reason to ban.
use core::fmt;

/// A departure from the protocol or over a limit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DecodeError {
    /// The connection does not begin with the BitTorrent handshake: another protocol, or MSE.
    NotBitTorrent {
        /// Offset of the first byte that differs.
        at: u8,
    },
    /// The length prefix is over the limit of all frames.
    FrameTooLong {
        /// As the prefix says, in bytes.
        len: u32,
        /// The limit, in bytes.
        limit: u32,
    },
    /// A frame is over the limit of its kind.
    MessageTooLong {
        /// The id of the message.
        id: u8,
        /// As the prefix says, in bytes.
        len: u32,
        /// The limit, in bytes.
        limit: u32,
    },
    /// A message of fixed size has another, or one with a head is shorter than it.
    WrongLength {
        /// The id of the message.
        id: u8,
        /// As the prefix says, in bytes.
        len: u32,
    },
    /// An unknown message id from a peer that does not speak the extension protocol.
    UnknownId {
        /// The id of the message.
        id: u8,
    },
    /// The extension handshake is no bencoded dictionary.
    ExtendedHandshake(teem_bencode::Error),
}

impl DecodeError {
    /// A few words, for the reason of a close.
    pub fn words(&self) -> &'static str {
        match self {
            Self::NotBitTorrent { .. } => "not a BitTorrent handshake",
            Self::FrameTooLong { .. } => "frame too long",
            Self::MessageTooLong { .. } => "message too long",
            Self::WrongLength { .. } => "message of a wrong length",
            Self::UnknownId { .. } => "unknown message",
            Self::ExtendedHandshake(_) => "malformed extension handshake",
        }
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotBitTorrent { at } => {
                write!(f, "the connection does not begin with the BitTorrent handshake (byte {at} differs)")
            }
            Self::FrameTooLong { len, limit } => {
                write!(f, "the peer announced a frame of {len} bytes, at most {limit} are taken")
            }
            Self::MessageTooLong { id, len, limit } => {
                write!(f, "the peer announced a message {id} of {len} bytes, at most {limit} are taken")
            }
            Self::WrongLength { id, len } => {
                write!(f, "the peer sent a message {id} of {len} bytes, which it cannot have")
            }
            Self::UnknownId { id } => {
                write!(f, "the peer sent the unknown message {id} without speaking the extension protocol")
            }
            Self::ExtendedHandshake(error) => write!(f, "the peer's extension handshake is malformed: {error}"),
        }
    }
}

impl core::error::Error for DecodeError {}
