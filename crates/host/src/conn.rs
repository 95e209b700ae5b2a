//! One connection to a peer: bytes to messages and blocks, and the queue to be sent (own design; BEP 3).
//!
//! Invariants: bytes are decoded in the shared scratch buffer, and a block is copied once, into a buffer of the storage; a connection in
//! the middle of nothing owns no buffer; after the first departure from the protocol nothing more is decoded.
use core::net::IpAddr;
use std::io;
use teem_engine::input::Input;
use teem_swarm::ids::ConnId;
use teem_swarm::output::CloseReason;
use teem_wire::holder::Holder;
use teem_wire::peer::block::BlockRef;
use teem_wire::peer::decode::{Decoder, Frame};
use teem_wire::peer::error::DecodeError;
use teem_wire::peer::limits::Limits;

use crate::layer::{self, Came};
use crate::link::Channel;
use crate::out::{Out, Spares, Wrote};

/// A block that is being received.
struct Taking<B> {
    at: BlockRef,
    data: B,
    filled: usize,
}

/// What was read and cannot be decoded until the storage has a buffer.
struct Stalled {
    at: BlockRef,
    rest: Vec<u8>,
}

/// How a read ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum ReadEnd {
    /// There may be more.
    More,
    /// The link is empty: it will say when it is not.
    Drained,
    /// The storage has no buffer.
    Starved,
    /// The connection is over.
    Closed(CloseReason),
}

/// Why a connection lives on after the engine closed it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Closing {
    /// It goes as soon as its queue is sent.
    Flush,
    /// After that our side is shut, and it waits for the other's end, so that bytes which are still on their way arrive.
    Linger,
    /// Our side is shut. To shut it again would wake the poll each time.
    Shut,
}

/// A connection with its codecs and what waits to be sent.
pub(crate) struct Conn<B> {
    pub(crate) id: ConnId,
    /// The party at the other end: what the connection holds is charged to it.
    pub(crate) holder: Holder,
    /// The address at the other end, where that is known.
    pub(crate) ip: Option<IpAddr>,
    pub(crate) channel: Channel,
    pub(crate) out: Out<B>,
    /// It waits in the list of those to be read.
    pub(crate) in_ready: bool,
    /// It waits in the list of those to be written.
    pub(crate) in_touched: bool,
    /// The link took less than it was offered; it will say when there is room.
    pub(crate) blocked: bool,
    /// The link has said that its end has come, behind what is still to be read.
    pub(crate) ended: bool,
    /// Its handshake has come.
    pub(crate) proven: bool,
    pub(crate) closing: Option<Closing>,
    /// What was delivered departed from the protocol: the connection is about to go.
    failed: bool,
    decoder: Decoder,
    taking: Option<Taking<B>>,
    stalled: Option<Box<Stalled>>,
}

impl<B: AsRef<[u8]> + AsMut<[u8]>> Conn<B> {
    pub(crate) fn new(id: ConnId, holder: Holder, channel: Channel) -> Self {
        Self {
            id,
            holder,
            ip: None,
            channel,
            out: Out::new(),
            in_ready: false,
            in_touched: false,
            blocked: false,
            ended: false,
            proven: false,
            closing: None,
            failed: false,
            decoder: Decoder::new(Limits::PEER),
            taking: None,
            stalled: None,
        }
    }

    /// Bytes that are missing of a block that has its buffer; 0 when there is none.
    pub(crate) fn missing(&self) -> usize {
        self.taking.as_ref().map_or(0, |block| block.at.len as usize - block.filled)
    }

    /// Reads once into `scratch` and hands on what is in it. `alloc` gives the buffers for blocks. How many bytes were read counts
    /// against the turn's budget.
    pub(crate) fn read(
        &mut self,
        scratch: &mut [u8],
        alloc: &mut impl FnMut(usize) -> Option<B>,
        take: &mut impl FnMut(Input<B>),
    ) -> (usize, ReadEnd) {
        if let Some(mut stalled) = self.stalled.take() {
            let Some(data) = alloc(stalled.at.len as usize) else {
                self.stalled = Some(stalled);
                return (0, ReadEnd::Starved);
            };
            self.taking = Some(Taking { at: stalled.at, data, filled: 0 });
            let rest = core::mem::take(&mut stalled.rest);
            let len = rest.len();
            match self.decode(&rest, alloc, take) {
                Ok(true) => {}
                Ok(false) => return (len, ReadEnd::Starved),
                Err(why) => return (len, ReadEnd::Closed(why)),
            }
        }
        let (len, emptied) = match self.read_once(scratch) {
            Ok(Came { len: 0, .. }) => return (0, ReadEnd::Closed(CloseReason::Remote)),
            Ok(Came { len, emptied }) => (len, emptied),
            Err(end) => return (0, end),
        };
        if self.closing.is_some() {
            return (len, ReadEnd::More);
        }
        let end = match self.decode(&scratch[..len], alloc, take) {
            // An end of the stream makes the link speak again, unless it has spoken of it already.
            Ok(true) if emptied && !self.ended => ReadEnd::Drained,
            Ok(true) => ReadEnd::More,
            Ok(false) => ReadEnd::Starved,
            Err(why) => ReadEnd::Closed(why),
        };
        (len, end)
    }

    /// Hands on what is in bytes that came over the link and lie in a datagram; `None` when they have to wait and be read. `room` is for what has to be
    /// decrypted.
    pub(crate) fn deliver(
        &mut self,
        bytes: &[u8],
        room: &mut [u8],
        alloc: &mut impl FnMut(usize) -> Option<B>,
        take: &mut impl FnMut(Input<B>),
    ) -> Option<ReadEnd> {
        if self.stalled.is_some() || self.closing.is_some() || self.failed {
            return None;
        }
        let bytes = self.channel.pass(bytes, room)?;
        Some(match self.decode(bytes, alloc, take) {
            Ok(true) => ReadEnd::Drained,
            Ok(false) => ReadEnd::Starved,
            Err(why) => {
                self.failed = true;
                ReadEnd::Closed(why)
            }
        })
    }

    fn read_once(&mut self, scratch: &mut [u8]) -> Result<Came, ReadEnd> {
        loop {
            match self.channel.read(scratch) {
                Ok(came) => return Ok(came),
                Err(error) => match error.kind() {
                    io::ErrorKind::Interrupted => {}
                    io::ErrorKind::WouldBlock => return Err(ReadEnd::Drained),
                    _ => return Err(ReadEnd::Closed(why(&error))),
                },
            }
        }
    }

    /// Steps through `input`; false when the storage had no buffer, with what is left kept.
    fn decode(
        &mut self,
        mut input: &[u8],
        alloc: &mut impl FnMut(usize) -> Option<B>,
        take: &mut impl FnMut(Input<B>),
    ) -> Result<bool, CloseReason> {
        let conn = self.id;
        loop {
            let (used, frame) = self.decoder.step(input).map_err(|error| match error {
                DecodeError::NotBitTorrent { .. } => CloseReason::NotBitTorrent,
                error => CloseReason::Protocol(error.words()),
            })?;
            input = &input[used..];
            match frame {
                None => return Ok(true),
                Some(Frame::Handshake(handshake)) => {
                    self.proven = true;
                    take(Input::Hello { conn, handshake, via: self.channel.via() });
                }
                Some(Frame::Message(message)) => take(Input::Message { conn, message }),
                Some(Frame::Block(at)) => {
                    if let Some(data) = alloc(at.len as usize) {
                        self.taking = Some(Taking { at, data, filled: 0 });
                    } else {
                        self.stalled = Some(Box::new(Stalled { at, rest: input.to_vec() }));
                        return Ok(false);
                    }
                }
                Some(Frame::Payload { bytes, last }) => {
                    if let Some(block) = &mut self.taking {
                        let end = block.filled + bytes.len();
                        block.data.as_mut()[block.filled..end].copy_from_slice(bytes);
                        block.filled = end;
                    }
                    if let Some(Taking { at, data, .. }) = self.taking.take_if(|_| last) {
                        take(Input::Block { conn, at, data });
                    }
                }
            }
        }
    }

    /// Writes as much as the kernel takes at once.
    pub(crate) fn write(&mut self, spares: &mut Spares<B>) -> Result<Wrote, CloseReason> {
        let wrote = if self.out.is_empty() {
            self.channel.flush_held().map(|_| Wrote::default())
        } else {
            self.out.write(spares, &mut self.channel)
        };
        let wrote = wrote.map_err(|error| why(&error))?;
        self.blocked = wrote.blocked || self.channel.holds();
        Ok(wrote)
    }

    /// Whether there is something to be sent.
    pub(crate) fn has_unsent(&self) -> bool {
        !self.out.is_empty() || self.channel.holds()
    }

    /// Lets go of all that was being received.
    pub(crate) fn stop_receiving(&mut self) {
        self.taking = None;
        self.stalled = None;
    }
}

fn why(error: &io::Error) -> CloseReason {
    if let Some(refused) = layer::fault(error) {
        return CloseReason::Protocol(refused.words());
    }
    if error.kind() == io::ErrorKind::TimedOut { CloseReason::TimedOut } else { CloseReason::Remote }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layer::Layer;
    use crate::link::Link;
    use crate::pair::{End, pair};
    use core::task::Waker;
    use teem_metainfo::InfoHash;
    use teem_wire::peer::encode::{block_head, encode, encode_handshake};
    use teem_wire::peer::handshake::{Features, Handshake, PeerId};
    use teem_wire::peer::message::Message;

    const AT: BlockRef = BlockRef { piece: 1, begin: 0, len: 600 };

    fn conn() -> (Conn<Vec<u8>>, End) {
        let (here, there) = pair();
        let channel = Channel::new(Link::Pair(here, Waker::noop().clone()), Layer::Plain);
        (Conn::new(ConnId(1), Holder::named(1), channel), there)
    }

    /// A handshake, a HAVE, a block and a HAVE.
    fn stream() -> Vec<u8> {
        let (info_hash, peer_id) = (InfoHash([7; 20]), PeerId([9; 20]));
        let mut bytes = encode_handshake(&Handshake { info_hash, peer_id, features: Features::default() }).to_vec();
        encode(&Message::Have(3), &mut bytes);
        bytes.extend_from_slice(&block_head(AT));
        bytes.extend((0..600).map(|n| n as u8));
        encode(&Message::Have(4), &mut bytes);
        bytes
    }

    fn words(input: &Input<Vec<u8>>) -> String {
        match input {
            Input::Hello { .. } => "hello".into(),
            Input::Message { message: Message::Have(piece), .. } => format!("have {piece}"),
            Input::Block { at, data, .. } => {
                assert!(*at == AT && data.iter().enumerate().all(|(n, byte)| *byte == n as u8));
                "block".into()
            }
            _ => "?".into(),
        }
    }

    #[test]
    fn what_lies_in_datagrams_is_decoded_wherever_they_were_cut() {
        for len in [1, 7, 68, 100, 599, 2_000] {
            let ((mut conn, _there), mut got) = (conn(), Vec::new());
            for part in stream().chunks(len) {
                let end =
                    conn.deliver(part, &mut [], &mut |len| Some(vec![0; len]), &mut |input| got.push(words(&input)));
                assert_eq!(end, Some(ReadEnd::Drained));
            }
            assert_eq!(got, ["hello", "have 3", "block", "have 4"], "{len}");
        }
    }

    #[test]
    fn without_a_buffer_the_rest_waits_and_what_comes_later_waits_behind_it() {
        let ((mut conn, _there), mut got, stream) = (conn(), Vec::new(), stream());
        let mut take = |input: Input<_>| got.push(words(&input));
        let (first, rest) = stream.split_at(300);
        assert_eq!(conn.deliver(first, &mut [], &mut |_| None, &mut take), Some(ReadEnd::Starved));
        let mut alloc = |len| Some(vec![0; len]);
        assert_eq!(conn.deliver(rest, &mut [], &mut alloc, &mut take), None);
        assert_eq!(conn.read(&mut [0; 64], &mut alloc, &mut take).1, ReadEnd::Drained);
        assert_eq!(conn.deliver(rest, &mut [], &mut alloc, &mut take), Some(ReadEnd::Drained));
        assert_eq!(got, ["hello", "have 3", "block", "have 4"]);
    }

    #[test]
    fn after_a_departure_from_the_protocol_nothing_more_is_decoded() {
        let (mut conn, _there) = conn();
        let mut give = |bytes: &[u8]| conn.deliver(bytes, &mut [], &mut |_| None, &mut |_| {});
        assert_eq!(give(b"GET / HTTP/1.1"), Some(ReadEnd::Closed(CloseReason::NotBitTorrent)));
        assert_eq!(give(&stream()), None);
    }
}
