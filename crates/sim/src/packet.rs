//! What travels from one peer to another, and what it would weigh on the wire (BEP 3, 6, 9, 10; own design).
//!
//! The two messages that are nine tenths of all, HAVE and REQUEST, lie in it as they are; the others are boxed, so that
//! queues are short in memory.
use crate::block::SimBlock;
use crate::name::Key;
use std::net::SocketAddr;
use teem_wire::peer::block::BlockRef;
use teem_wire::peer::handshake::Handshake;
use teem_wire::peer::message::{Message, MetadataMessage};

/// What travels through a pipe.
#[derive(Debug)]
pub enum Packet {
    /// The first packet of the dialling side: the other side accepts.
    Open {
        /// The place of the dialler's end.
        there: u32,
        /// What the names of both ends have in common.
        key: Key,
    },
    /// The handshake that opens each direction (BEP 3).
    Hello(Box<Handshake>),
    /// The message HAVE.
    Have(u32),
    /// The message REQUEST.
    Request(BlockRef),
    /// Any other message.
    Message(Box<Message>),
    /// The message PIECE with its block.
    Block(BlockRef, SimBlock),
    /// The last packet: the sender has closed.
    Fin,
}

impl Packet {
    /// The packet that carries a message.
    pub fn message(message: Message) -> Self {
        match message {
            Message::Have(piece) => Self::Have(piece),
            Message::Request(at) => Self::Request(at),
            other => Self::Message(Box::new(other)),
        }
    }

    /// Its size on the wire in bytes.
    pub(crate) fn size(&self) -> u64 {
        match self {
            Self::Open { .. } | Self::Fin => 0,
            Self::Hello(_) => 68,
            Self::Have(_) => 9,
            Self::Request(_) => 17,
            Self::Message(message) => message_size(message),
            Self::Block(at, _) => 13 + u64::from(at.len),
        }
    }

    /// Payload bytes of a block, else 0.
    pub(crate) fn payload(&self) -> u64 {
        match self {
            Self::Block(at, _) => u64::from(at.len),
            _ => 0,
        }
    }
}

fn message_size(message: &Message) -> u64 {
    match message {
        Message::KeepAlive => 4,
        Message::Choke
        | Message::Unchoke
        | Message::Interested
        | Message::NotInterested
        | Message::HaveAll
        | Message::HaveNone => 5,
        Message::Port(_) => 7,
        Message::Have(_) | Message::Suggest(_) | Message::AllowedFast(_) => 9,
        Message::Bitfield(bits) => 5 + bits.len() as u64,
        Message::DontHave { .. } => 10,
        Message::Request(_) | Message::Cancel(_) | Message::Reject(_) => 17,
        Message::ExtendedHandshake(_) => 150,
        Message::Metadata { message: MetadataMessage::Data { data, .. }, .. } => 53 + data.len() as u64,
        Message::Metadata { .. } => 31,
        Message::Pex { message, .. } => {
            let len = |addr: &SocketAddr| if addr.is_ipv4() { 6 } else { 18 };
            let added: u64 = message.added.iter().map(|contact| len(&contact.addr) + 1).sum();
            6 + 40 + added + message.dropped.iter().map(len).sum::<u64>()
        }
        Message::Holepunch { message, .. } => 6 + if message.at.is_ipv4() { 12 } else { 24 },
        Message::Unknown { len, .. } => 5 + u64::from(*len),
    }
}
