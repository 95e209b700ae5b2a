//! Messages to bytes (BEP 3, 5, 6, 9, 10).
//!
//! A PIECE is written by the caller as its head and the block behind it, so that the payload is not copied here.
use super::block::BlockRef;
use super::handshake::Handshake;
use super::message::Message;
use super::{extended, holepunch, ids, metadata, pex};
use alloc::vec::Vec;

/// Length in bytes of a handshake.
pub const HANDSHAKE_LEN: usize = 68;

/// The first bytes of a connection.
pub fn encode_handshake(handshake: &Handshake) -> [u8; HANDSHAKE_LEN] {
    let mut out = [0; HANDSHAKE_LEN];
    out[..20].copy_from_slice(ids::PROTOCOL);
    let features = handshake.features;
    for (set, (byte, mask)) in [
        (features.extended, ids::RESERVED_EXTENDED),
        (features.dht, ids::RESERVED_DHT),
        (features.fast, ids::RESERVED_FAST),
        (features.v2, ids::RESERVED_V2),
    ] {
        if set {
            out[20 + byte] |= mask;
        }
    }
    out[28..48].copy_from_slice(&handshake.info_hash.0);
    out[48..].copy_from_slice(&handshake.peer_id.0);
    out
}

/// Appends one message with its length prefix. `Unknown` is for receiving only: nothing is appended for it.
pub fn encode(message: &Message, out: &mut Vec<u8>) {
    match message {
        Message::KeepAlive => out.extend_from_slice(&[0; 4]),
        Message::Choke => bare(out, ids::CHOKE),
        Message::Unchoke => bare(out, ids::UNCHOKE),
        Message::Interested => bare(out, ids::INTERESTED),
        Message::NotInterested => bare(out, ids::NOT_INTERESTED),
        Message::Have(piece) => index(out, ids::HAVE, *piece),
        Message::Bitfield(bits) => {
            head(out, ids::BITFIELD, bits.len());
            out.extend_from_slice(bits);
        }
        Message::Request(at) => block(out, ids::REQUEST, *at),
        Message::Cancel(at) => block(out, ids::CANCEL, *at),
        Message::Port(port) => {
            head(out, ids::PORT, 2);
            out.extend_from_slice(&port.to_be_bytes());
        }
        Message::Suggest(piece) => index(out, ids::SUGGEST, *piece),
        Message::HaveAll => bare(out, ids::HAVE_ALL),
        Message::HaveNone => bare(out, ids::HAVE_NONE),
        Message::Reject(at) => block(out, ids::REJECT, *at),
        Message::AllowedFast(piece) => index(out, ids::ALLOWED_FAST, *piece),
        Message::ExtendedHandshake(handshake) => {
            extended_frame(out, ids::EXTENDED_HANDSHAKE, |out| extended::encode(handshake, out));
        }
        Message::DontHave { id, piece } => extended_frame(out, *id, |out| out.extend_from_slice(&piece.to_be_bytes())),
        Message::Pex { id, message } => extended_frame(out, *id, |out| pex::encode(message, out)),
        Message::Holepunch { id, message } => extended_frame(out, *id, |out| holepunch::encode(message, out)),
        Message::Metadata { id, message } => extended_frame(out, *id, |out| metadata::encode(message, out)),
        Message::Unknown { .. } => {}
    }
}

/// What stands before the data of a PIECE: length prefix, id, piece and offset.
pub fn block_head(at: BlockRef) -> [u8; 13] {
    let mut out = [0; 13];
    out[..4].copy_from_slice(&(9 + at.len).to_be_bytes());
    out[4] = ids::PIECE;
    out[5..9].copy_from_slice(&at.piece.to_be_bytes());
    out[9..].copy_from_slice(&at.begin.to_be_bytes());
    out
}

fn head(out: &mut Vec<u8>, id: u8, payload: usize) {
    out.extend_from_slice(&(1 + payload as u32).to_be_bytes());
    out.push(id);
}

fn bare(out: &mut Vec<u8>, id: u8) {
    head(out, id, 0);
}

fn index(out: &mut Vec<u8>, id: u8, index: u32) {
    head(out, id, 4);
    out.extend_from_slice(&index.to_be_bytes());
}

fn block(out: &mut Vec<u8>, id: u8, at: BlockRef) {
    head(out, id, 12);
    for field in [at.piece, at.begin, at.len] {
        out.extend_from_slice(&field.to_be_bytes());
    }
}

fn extended_frame(out: &mut Vec<u8>, extended_id: u8, payload: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend_from_slice(&[0, 0, 0, 0, ids::EXTENDED, extended_id]);
    payload(out);
    let len = (out.len() - start - 4) as u32;
    out[start..start + 4].copy_from_slice(&len.to_be_bytes());
}
