//! Links that carry bytes (own design): what a pipe delivers goes through the codec of `teem_wire` and back.
//!
//! For tens of peers. Each packet is encoded as a host would write it, cut into reads of any size, and stepped through
//! the decoder of its direction; what comes out is what the peer hears. Blocks are as long as real ones. When and in
//! which order things arrive is the pipe's matter, so a run is the same with bytes and without.
use crate::block::SimBlock;
use crate::packet::Packet;
use std::collections::BTreeMap;
use teem_swarm::rng::Rng;
use teem_wire::peer::block::BlockRef;
use teem_wire::peer::decode::{Decoder, Frame};
use teem_wire::peer::encode::{block_head, encode, encode_handshake};
use teem_wire::peer::limits::Limits;
use teem_wire::peer::message::Message;

/// Largest read, in bytes.
const READ_MAX: u64 = 6_000;

/// The codecs of a world.
#[derive(Debug)]
pub struct Wire {
    /// By who reads, and at which of its ends.
    decoders: BTreeMap<(usize, u32), Decoder>,
    rng: Rng,
    written: u64,
    charged: u64,
    buffer: Vec<u8>,
}

impl Wire {
    /// One that has carried nothing.
    pub fn new(rng: Rng) -> Self {
        Self { decoders: BTreeMap::new(), rng, written: 0, charged: 0, buffer: Vec::new() }
    }

    /// Bytes that were carried, and what the lines charged for them.
    pub fn bytes(&self) -> (u64, u64) {
        (self.written, self.charged)
    }

    /// Carries a packet through the codec of an end. An error is a sentence: what was written cannot be read, or reads
    /// otherwise.
    pub(crate) fn carry(&mut self, end: (usize, u32), packet: Packet) -> Result<Packet, String> {
        let block = match &packet {
            Packet::Open { .. } | Packet::Fin => return Ok(packet),
            Packet::Block(_, data) => Some(*data),
            _ => None,
        };
        self.buffer.clear();
        write(&packet, &mut self.buffer);
        self.written += self.buffer.len() as u64;
        self.charged += packet.size();
        let decoder = self.decoders.entry(end).or_insert_with(|| Decoder::new(Limits::PEER));
        let mut read = Reading { block, at: None, held: 0, whole: None };
        let mut rest = &self.buffer[..];
        while !rest.is_empty() {
            let (mut input, later) = rest.split_at(rest.len().min(1 + self.rng.below(READ_MAX) as usize));
            rest = later;
            while !input.is_empty() {
                let (used, frame) =
                    decoder.step(input).map_err(|error| format!("{packet:?} cannot be read: {error}"))?;
                input = &input[used..];
                if let Some(frame) = frame {
                    read.take(frame)?;
                }
            }
        }
        read.whole.ok_or_else(|| format!("{packet:?} is not whole when it is read"))
    }
}

/// What has been read of one packet.
struct Reading {
    block: Option<SimBlock>,
    at: Option<BlockRef>,
    held: u32,
    whole: Option<Packet>,
}

impl Reading {
    fn take(&mut self, frame: Frame<'_>) -> Result<(), String> {
        let whole = match frame {
            Frame::Handshake(handshake) => Packet::Hello(Box::new(handshake)),
            Frame::Message(message) => Packet::message(message),
            Frame::Block(at) => {
                self.at = Some(at);
                return Ok(());
            }
            Frame::Payload { bytes, last } => {
                self.held += bytes.len() as u32;
                let (Some(at), Some(data)) = (self.at, self.block) else {
                    return Err("reads a block of nothing".into());
                };
                if last != (self.held == at.len) {
                    return Err(format!("reads {} bytes of {at:?}", self.held));
                }
                if !last {
                    return Ok(());
                }
                Packet::Block(at, data)
            }
        };
        match self.whole.replace(whole) {
            None => Ok(()),
            Some(first) => Err(format!("reads {first:?} and more from one packet")),
        }
    }
}

/// As a host writes it.
fn write(packet: &Packet, out: &mut Vec<u8>) {
    match packet {
        Packet::Open { .. } | Packet::Fin => {}
        Packet::Hello(handshake) => out.extend_from_slice(&encode_handshake(handshake)),
        Packet::Have(piece) => encode(&Message::Have(*piece), out),
        Packet::Request(at) => encode(&Message::Request(*at), out),
        Packet::Message(message) => encode(message, out),
        Packet::Block(at, data) => {
            out.extend_from_slice(&block_head(*at));
            out.resize(out.len() + at.len as usize, data.digest().0[0]);
        }
    }
}
