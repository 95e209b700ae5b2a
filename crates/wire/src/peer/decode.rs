//! Bytes of one connection to messages (BEP 3, 5, 6, 9, 10), a step at a time.
//!
//! The host reads into a scratch buffer of its own and steps through it:
//!
//! ```
//! # use teem_wire::peer::{decode::{Decoder, Frame}, error::DecodeError, limits::Limits};
//! # fn turn(decoder: &mut Decoder, scratch: &[u8], block: &mut Vec<u8>) -> Result<(), DecodeError> {
//! let mut input = scratch;
//! loop {
//!     let (used, frame) = decoder.step(input)?;
//!     input = &input[used..];
//!     match frame {
//!         None => break, // all of the input is used; go on with the next read
//!         Some(Frame::Handshake(_)) | Some(Frame::Message(_)) => { /* to the engine */ }
//!         Some(Frame::Block(_at)) => block.clear(), // a PIECE begins: take a buffer
//!         Some(Frame::Payload { bytes, last }) => {
//!             block.extend_from_slice(bytes); // the one copy
//!             if last { /* the block is whole: to the engine */ }
//!         }
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! - A block's bytes are handed out where they lie in the input. Its frames come without others between them: one `Block`, then as
//!   many `Payload` as reads cut it into, together `at.len` bytes, the last of them (and no other) marked.
//! - Every frame uses at least one byte of input; no frame means that all input is used. After an error the decoder is of no use.
//! - A frame over the [`Limits`] is refused as soon as its length and kind are known. What is unknown is skipped and never held.
//! - The memory held is the body of the one BITFIELD or extended message that is cut by the end of a read, and grows only with bytes
//!   that came. Otherwise there is none: an idle connection holds no buffer.
use super::block::BlockRef;
use super::encode::HANDSHAKE_LEN;
use super::error::DecodeError;
use super::handshake::{Features, Handshake, PeerId};
use super::holepunch::HOLEPUNCH_LEN_MAX;
use super::limits::Limits;
use super::message::Message;
use super::{extended, holepunch, ids, metadata, pex};
use alloc::vec::Vec;
use teem_metainfo::InfoHash;

/// What a step found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Frame<'a> {
    /// The first 68 bytes of the connection; comes once, before everything else.
    Handshake(Handshake),
    /// A message other than PIECE.
    Message(Message),
    /// The head of a PIECE; its length is 1 ..= [`Limits::block`].
    Block(BlockRef),
    /// The next bytes of that block, never empty.
    Payload {
        /// They, in the caller's input.
        bytes: &'a [u8],
        /// Whether the block is whole with these.
        last: bool,
    },
}

/// The decoder of one direction of one connection.
#[derive(Clone, Debug)]
pub struct Decoder {
    limits: Limits,
    /// What the peer's handshake said; it decides whether unknown messages are forgiven.
    features: Features,
    state: State,
    /// The beginning of a handshake, or of a frame's fixed part, that a read cut off.
    head: [u8; HANDSHAKE_LEN],
    /// How many bytes of `head` are there.
    held: usize,
    /// The beginning of a body that a read cut off.
    body: Vec<u8>,
}

/// Longest fixed part of a frame: length prefix, id and three integers.
const HEAD_LEN_MAX: usize = 17;

#[derive(Clone, Copy, Debug)]
enum State {
    Handshake,
    /// At the beginning of a frame, or within its fixed part.
    Head,
    /// Within a BITFIELD, or a message of an extension that we speak.
    Body {
        kind: Body,
        left: usize,
    },
    /// Within the data of a PIECE.
    Payload {
        left: usize,
    },
    /// Within a message that is not understood.
    Skip {
        left: usize,
        message: Skipped,
    },
}

#[derive(Clone, Copy, Debug)]
enum Body {
    Bitfield,
    ExtendedHandshake,
    Metadata,
    Pex,
    Holepunch,
}

#[derive(Clone, Copy, Debug)]
struct Skipped {
    id: u8,
    extended: Option<u8>,
    len: u32,
}

/// A step within a state: how many bytes it took, and the frame.
type Step<'a> = Result<(usize, Option<Frame<'a>>), DecodeError>;

impl Decoder {
    /// For a connection of which nothing has been read.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            features: Features::default(),
            state: State::Handshake,
            head: [0; HANDSHAKE_LEN],
            held: 0,
            body: Vec::new(),
        }
    }

    /// For a connection whose handshake has been read by other means.
    pub fn after_handshake(limits: Limits, features: Features) -> Self {
        Self { features, state: State::Head, ..Self::new(limits) }
    }

    /// Takes bytes from the front of `input`: how many, and the frame that they complete. See the module's text.
    pub fn step<'a>(&mut self, input: &'a [u8]) -> Step<'a> {
        let mut used = 0;
        loop {
            let rest = &input[used..];
            if rest.is_empty() {
                return Ok((used, None));
            }
            let (n, frame) = match self.state {
                State::Handshake => self.handshake(rest)?,
                State::Head => self.frame_head(rest)?,
                State::Body { kind, left } => self.frame_body(rest, kind, left)?,
                State::Payload { left } => self.payload(rest, left),
                State::Skip { left, message } => self.skip(rest, left, message),
            };
            used += n;
            if frame.is_some() {
                return Ok((used, frame));
            }
        }
    }

    fn handshake<'a>(&mut self, input: &'a [u8]) -> Step<'a> {
        let take = input.len().min(HANDSHAKE_LEN - self.held);
        let end = self.held + take;
        self.head[self.held..end].copy_from_slice(&input[..take]);
        for at in self.held..end.min(ids::PROTOCOL.len()) {
            if self.head[at] != ids::PROTOCOL[at] {
                return Err(DecodeError::NotBitTorrent { at: at as u8 });
            }
        }
        self.held = end;
        if end < HANDSHAKE_LEN {
            return Ok((take, None));
        }
        let bit = |(byte, mask): ids::ReservedBit| self.head[20 + byte] & mask != 0;
        self.features = Features {
            fast: bit(ids::RESERVED_FAST),
            extended: bit(ids::RESERVED_EXTENDED),
            dht: bit(ids::RESERVED_DHT),
            v2: bit(ids::RESERVED_V2),
        };
        let mut info_hash = [0; 20];
        info_hash.copy_from_slice(&self.head[28..48]);
        let mut peer_id = [0; 20];
        peer_id.copy_from_slice(&self.head[48..68]);
        self.held = 0;
        self.state = State::Head;
        let handshake = Handshake { info_hash: InfoHash(info_hash), peer_id: PeerId(peer_id), features: self.features };
        Ok((take, Some(Frame::Handshake(handshake))))
    }

    /// Collects the fixed part of a frame: as much of it as its length prefix, then its id, ask for.
    fn frame_head<'a>(&mut self, input: &'a [u8]) -> Step<'a> {
        let mut used = 0;
        loop {
            let need = self.head_len()?;
            if self.held < need {
                let take = (need - self.held).min(input.len() - used);
                if take == 0 {
                    return Ok((used, None));
                }
                self.head[self.held..self.held + take].copy_from_slice(&input[used..used + take]);
                self.held += take;
                used += take;
                continue;
            }
            self.held = 0;
            return Ok((used, self.begin()));
        }
    }

    /// How many bytes the fixed part has, as far as it can be told from those held; refuses what is over a limit.
    fn head_len(&self) -> Result<usize, DecodeError> {
        if self.held < 4 {
            return Ok(4);
        }
        let len = self.field(0);
        if len == 0 {
            return Ok(4);
        }
        if len > self.limits.frame {
            return Err(DecodeError::FrameTooLong { len, limit: self.limits.frame });
        }
        if self.held < 5 {
            return Ok(5);
        }
        let id = self.head[4];
        let payload = match id {
            ids::CHOKE | ids::UNCHOKE | ids::INTERESTED | ids::NOT_INTERESTED | ids::HAVE_ALL | ids::HAVE_NONE => 0,
            ids::HAVE | ids::SUGGEST | ids::ALLOWED_FAST => 4,
            ids::REQUEST | ids::CANCEL | ids::REJECT => 12,
            ids::PORT => 2,
            ids::BITFIELD => return within(id, len, len - 1, self.limits.bitfield).map(|()| 5),
            // A PIECE without data answers no request.
            ids::PIECE if len < 10 => return Err(DecodeError::WrongLength { id, len }),
            ids::PIECE => return within(id, len, len - 9, self.limits.block).map(|()| 13),
            ids::EXTENDED if len < 2 => return Err(DecodeError::WrongLength { id, len }),
            ids::EXTENDED if self.held < 6 => return Ok(6),
            ids::EXTENDED if self.head[5] == ids::LT_DONTHAVE && len == 6 => 5,
            ids::EXTENDED => {
                let limit = match self.head[5] {
                    ids::EXTENDED_HANDSHAKE => self.limits.extended_handshake,
                    ids::UT_METADATA => self.limits.metadata,
                    ids::UT_PEX => self.limits.pex,
                    _ => self.limits.unknown,
                };
                return within(id, len, len - 2, limit).map(|()| 6);
            }
            _ if !self.features.extended => return Err(DecodeError::UnknownId { id }),
            _ => return within(id, len, len - 1, self.limits.unknown).map(|()| 5),
        };
        if len != 1 + payload {
            return Err(DecodeError::WrongLength { id, len });
        }
        debug_assert!(4 + len as usize <= HEAD_LEN_MAX);
        Ok(4 + len as usize)
    }

    /// The fixed part is whole: a message, the head of a PIECE, or a body to come.
    fn begin<'a>(&mut self) -> Option<Frame<'a>> {
        let len = self.field(0);
        if len == 0 {
            return Some(Frame::Message(Message::KeepAlive));
        }
        let at = || BlockRef { piece: self.field(5), begin: self.field(9), len: self.field(13) };
        let message = match self.head[4] {
            ids::CHOKE => Message::Choke,
            ids::UNCHOKE => Message::Unchoke,
            ids::INTERESTED => Message::Interested,
            ids::NOT_INTERESTED => Message::NotInterested,
            ids::HAVE => Message::Have(self.field(5)),
            ids::REQUEST => Message::Request(at()),
            ids::CANCEL => Message::Cancel(at()),
            ids::PORT => Message::Port(u16::from_be_bytes([self.head[5], self.head[6]])),
            ids::SUGGEST => Message::Suggest(self.field(5)),
            ids::HAVE_ALL => Message::HaveAll,
            ids::HAVE_NONE => Message::HaveNone,
            ids::REJECT => Message::Reject(at()),
            ids::ALLOWED_FAST => Message::AllowedFast(self.field(5)),
            ids::PIECE => {
                let at = BlockRef { piece: self.field(5), begin: self.field(9), len: len - 9 };
                self.state = State::Payload { left: at.len as usize };
                return Some(Frame::Block(at));
            }
            ids::BITFIELD => return self.begin_body(Body::Bitfield, len - 1),
            ids::EXTENDED => match self.head[5] {
                ids::EXTENDED_HANDSHAKE => return self.begin_body(Body::ExtendedHandshake, len - 2),
                ids::UT_METADATA => return self.begin_body(Body::Metadata, len - 2),
                ids::UT_PEX => return self.begin_body(Body::Pex, len - 2),
                ids::UT_HOLEPUNCH if len as usize <= 2 + HOLEPUNCH_LEN_MAX => {
                    return self.begin_body(Body::Holepunch, len - 2);
                }
                ids::LT_DONTHAVE if len == 6 => Message::DontHave { id: ids::LT_DONTHAVE, piece: self.field(6) },
                extended => return self.begin_skip(ids::EXTENDED, Some(extended), len - 2),
            },
            id => return self.begin_skip(id, None, len - 1),
        };
        Some(Frame::Message(message))
    }

    fn begin_body<'a>(&mut self, kind: Body, len: u32) -> Option<Frame<'a>> {
        if len > 0 {
            self.state = State::Body { kind, left: len as usize };
            return None;
        }
        // An empty bitfield is for whoever knows the torrent to judge; an empty dictionary is none.
        Some(Frame::Message(match kind {
            Body::Bitfield => Message::Bitfield(Vec::new()),
            Body::ExtendedHandshake => unknown(Some(ids::EXTENDED_HANDSHAKE), 0),
            Body::Metadata => unknown(Some(ids::UT_METADATA), 0),
            Body::Pex => unknown(Some(ids::UT_PEX), 0),
            Body::Holepunch => unknown(Some(ids::UT_HOLEPUNCH), 0),
        }))
    }

    fn begin_skip<'a>(&mut self, id: u8, extended: Option<u8>, len: u32) -> Option<Frame<'a>> {
        if len == 0 {
            return Some(Frame::Message(Message::Unknown { id, extended, len }));
        }
        self.state = State::Skip { left: len as usize, message: Skipped { id, extended, len } };
        None
    }

    fn frame_body<'a>(&mut self, input: &'a [u8], kind: Body, left: usize) -> Step<'a> {
        if input.len() < left {
            self.body.extend_from_slice(input);
            self.state = State::Body { kind, left: left - input.len() };
            return Ok((input.len(), None));
        }
        self.state = State::Head;
        let tail = &input[..left];
        let message = if self.body.is_empty() {
            decode_body(kind, tail)?
        } else {
            self.body.extend_from_slice(tail);
            decode_body(kind, &core::mem::take(&mut self.body))?
        };
        Ok((left, Some(Frame::Message(message))))
    }

    fn payload<'a>(&mut self, input: &'a [u8], left: usize) -> (usize, Option<Frame<'a>>) {
        let take = left.min(input.len());
        let last = take == left;
        self.state = if last { State::Head } else { State::Payload { left: left - take } };
        (take, Some(Frame::Payload { bytes: &input[..take], last }))
    }

    fn skip<'a>(&mut self, input: &'a [u8], left: usize, message: Skipped) -> (usize, Option<Frame<'a>>) {
        if input.len() < left {
            self.state = State::Skip { left: left - input.len(), message };
            return (input.len(), None);
        }
        self.state = State::Head;
        let Skipped { id, extended, len } = message;
        (left, Some(Frame::Message(Message::Unknown { id, extended, len })))
    }

    /// The big-endian integer at an offset of the fixed part.
    fn field(&self, at: usize) -> u32 {
        let head = &self.head;
        u32::from_be_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]])
    }
}

fn within(id: u8, len: u32, size: u32, limit: u32) -> Result<(), DecodeError> {
    if size > limit { Err(DecodeError::MessageTooLong { id, len, limit }) } else { Ok(()) }
}

fn decode_body(kind: Body, bytes: &[u8]) -> Result<Message, DecodeError> {
    Ok(match kind {
        Body::Bitfield => Message::Bitfield(bytes.to_vec()),
        Body::ExtendedHandshake => Message::ExtendedHandshake(extended::decode(bytes)?),
        Body::Metadata => match metadata::decode(bytes) {
            Some(message) => Message::Metadata { id: ids::UT_METADATA, message },
            None => unknown(Some(ids::UT_METADATA), bytes.len()),
        },
        Body::Pex => match pex::decode(bytes) {
            Some(message) => Message::Pex { id: ids::UT_PEX, message },
            None => unknown(Some(ids::UT_PEX), bytes.len()),
        },
        Body::Holepunch => match holepunch::decode(bytes) {
            Some(message) => Message::Holepunch { id: ids::UT_HOLEPUNCH, message },
            None => unknown(Some(ids::UT_HOLEPUNCH), bytes.len()),
        },
    })
}

fn unknown(extended: Option<u8>, len: usize) -> Message {
    Message::Unknown { id: ids::EXTENDED, extended, len: len as u32 }
}
