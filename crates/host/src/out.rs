//! What waits to be sent on one connection (own design): encoded messages and blocks in their order, written as one vector
//! [head, block, head, block …] without copying a block.
//!
//! Invariants: a connection with nothing to send owns no buffer; small messages lie in one byte string; `bytes` is the sum of all
//! that is unsent.
use std::collections::VecDeque;
use std::io::{self, IoSlice, Write};
use teem_wire::peer::block::BlockRef;
use teem_wire::peer::encode::{block_head, encode};
use teem_wire::peer::message::Message;

/// Segments of one vectored write: 32 blocks with their heads, 512 KiB.
const SEGMENTS_MAX: usize = 64;

/// Sent message bytes in front of unsent ones are cut off beyond this length.
const COMPACT_FROM: usize = 64 * 1024;

/// A byte string above this capacity is not kept for the next connection.
const KEEP_CAPACITY: usize = 64 * 1024;

/// Queues kept for connections that begin to send.
const SPARES_MAX: usize = 64;

enum Segment<B> {
    /// That many bytes of `heads`.
    Bytes(usize),
    /// The payload of a block.
    Block(B),
    /// A message with a piece of metadata.
    Metadata(Vec<u8>),
}

struct Queue<B> {
    heads: Vec<u8>,
    /// Bytes of `heads` that are sent.
    heads_sent: usize,
    segments: VecDeque<Segment<B>>,
    /// Bytes of the front segment that are sent, where it has bytes of its own.
    block_sent: usize,
    bytes: usize,
}

impl<B> Queue<B> {
    fn new() -> Self {
        Self { heads: Vec::new(), heads_sent: 0, segments: VecDeque::new(), block_sent: 0, bytes: 0 }
    }
}

/// Queues that nobody uses now, with their memory.
#[allow(clippy::vec_box)] // they move between here and the connections, which keep one word each
pub(crate) struct Spares<B>(Vec<Box<Queue<B>>>);

impl<B> Spares<B> {
    pub(crate) fn new() -> Self {
        Self(Vec::new())
    }

    fn keep(&mut self, mut queue: Box<Queue<B>>) {
        if self.0.len() < SPARES_MAX && queue.heads.capacity() <= KEEP_CAPACITY {
            queue.heads.clear();
            queue.heads_sent = 0;
            queue.segments.clear();
            self.0.push(queue);
        }
    }
}

/// What a write achieved.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) struct Wrote {
    /// Payload bytes of blocks that left our control: the link has taken them.
    pub(crate) payload: u64,
    /// Pieces of metadata that have wholly left it.
    pub(crate) metadata: u32,
    /// Whether the link takes no more for now.
    pub(crate) blocked: bool,
}

/// One connection's queue.
pub(crate) struct Out<B>(Option<Box<Queue<B>>>);

impl<B: AsRef<[u8]>> Out<B> {
    pub(crate) fn new() -> Self {
        Self(None)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Everything unsent, in bytes: messages, pieces of metadata and blocks.
    pub(crate) fn len(&self) -> usize {
        self.0.as_ref().map_or(0, |queue| queue.bytes)
    }

    /// Unsent bytes of messages and of the heads of blocks: what a peer that does not read makes us hold.
    pub(crate) fn messages_len(&self) -> usize {
        self.0.as_ref().map_or(0, |queue| queue.heads.len() - queue.heads_sent)
    }

    /// Appends what `encode` writes.
    pub(crate) fn push(&mut self, spares: &mut Spares<B>, encode: impl FnOnce(&mut Vec<u8>)) {
        let queue = self.0.get_or_insert_with(|| spares.0.pop().unwrap_or_else(|| Box::new(Queue::new())));
        let before = queue.heads.len();
        encode(&mut queue.heads);
        let added = queue.heads.len() - before;
        queue.bytes += added;
        match queue.segments.back_mut() {
            Some(Segment::Bytes(len)) => *len += added,
            _ if added > 0 => queue.segments.push_back(Segment::Bytes(added)),
            _ => {}
        }
        if queue.segments.is_empty() {
            self.release(spares);
        }
    }

    /// Appends a PIECE. Its frame is as long as the payload is.
    pub(crate) fn push_block(&mut self, spares: &mut Spares<B>, at: BlockRef, data: B) {
        let len = data.as_ref().len();
        debug_assert_eq!(len, at.len as usize, "a block of another length than it says");
        let at = BlockRef { len: len as u32, ..at };
        self.push(spares, |out| out.extend_from_slice(&block_head(at)));
        if let (Some(queue), true) = (&mut self.0, len > 0) {
            queue.segments.push_back(Segment::Block(data));
            queue.bytes += len;
        }
    }

    /// Appends a message with a piece of metadata.
    pub(crate) fn push_metadata(&mut self, spares: &mut Spares<B>, message: &Message) {
        let mut bytes = Vec::new();
        encode(message, &mut bytes);
        let queue = self.0.get_or_insert_with(|| spares.0.pop().unwrap_or_else(|| Box::new(Queue::new())));
        queue.bytes += bytes.len();
        queue.segments.push_back(Segment::Metadata(bytes));
    }

    fn release(&mut self, spares: &mut Spares<B>) {
        if let Some(queue) = self.0.take() {
            spares.keep(queue);
        }
    }

    /// One vectored write of what the limits allow.
    pub(crate) fn write(&mut self, spares: &mut Spares<B>, to: &mut impl Write) -> io::Result<Wrote> {
        let Some(queue) = &mut self.0 else {
            return Ok(Wrote::default());
        };
        let (asked, sent) = queue.write_once(to)?;
        let (payload, metadata) = queue.advance(sent);
        if queue.bytes == 0 {
            self.release(spares);
        }
        Ok(Wrote { payload, metadata, blocked: sent < asked })
    }
}

impl<B: AsRef<[u8]>> Queue<B> {
    /// How many bytes were offered to the link, and how many it took (none when it would block).
    fn write_once(&self, to: &mut impl Write) -> io::Result<(usize, usize)> {
        let mut slices = [IoSlice::new(&[]); SEGMENTS_MAX];
        let (mut count, mut asked) = (0, 0);
        let (mut head_at, mut block_at) = (self.heads_sent, self.block_sent);
        for (slot, segment) in slices.iter_mut().zip(&self.segments) {
            let bytes = match segment {
                Segment::Bytes(len) => {
                    head_at += len;
                    &self.heads[head_at - len..head_at]
                }
                Segment::Block(data) => &data.as_ref()[core::mem::take(&mut block_at)..],
                Segment::Metadata(bytes) => &bytes[core::mem::take(&mut block_at)..],
            };
            *slot = IoSlice::new(bytes);
            asked += bytes.len();
            count += 1;
        }
        loop {
            match to.write_vectored(&slices[..count]) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(sent) => return Ok((asked, sent)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok((asked, 0)),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Takes `sent` bytes off the front; the payload among them, and the pieces of metadata that ended with them.
    fn advance(&mut self, mut sent: usize) -> (u64, u32) {
        self.bytes -= sent;
        let (mut payload, mut metadata) = (0, 0);
        while sent > 0 {
            let done = match self.segments.front_mut() {
                Some(Segment::Bytes(len)) => {
                    let part = sent.min(*len);
                    *len -= part;
                    self.heads_sent += part;
                    sent -= part;
                    *len == 0
                }
                Some(Segment::Block(data)) => {
                    let len = data.as_ref().len();
                    let (part, whole) = self.take_own(len, sent);
                    payload += part as u64;
                    sent -= part;
                    whole
                }
                Some(Segment::Metadata(bytes)) => {
                    let len = bytes.len();
                    let (part, whole) = self.take_own(len, sent);
                    metadata += u32::from(whole);
                    sent -= part;
                    whole
                }
                None => break,
            };
            if done {
                self.segments.pop_front();
            }
        }
        if self.heads_sent == self.heads.len() {
            self.heads.clear();
            self.heads_sent = 0;
        } else if self.heads_sent >= COMPACT_FROM {
            self.heads.drain(..self.heads_sent);
            self.heads_sent = 0;
        }
        (payload, metadata)
    }

    /// Takes bytes off a front segment that has `len` bytes of its own: how many, and whether it is done.
    fn take_own(&mut self, len: usize, sent: usize) -> (usize, bool) {
        let left = len - self.block_sent;
        let part = sent.min(left);
        self.block_sent = if part == left { 0 } else { self.block_sent + part };
        (part, part == left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use teem_wire::peer::message::MetadataMessage;

    /// Takes what its script says, one number a call; 0 is "would block".
    struct Pipe {
        script: VecDeque<usize>,
        got: Vec<u8>,
    }

    impl Write for Pipe {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.write_vectored(&[IoSlice::new(bytes)])
        }
        fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
            let room = self.script.pop_front().unwrap_or(usize::MAX);
            if room == 0 {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            let all: Vec<u8> = slices.iter().flat_map(|slice| slice.iter().copied()).collect();
            let taken = room.min(all.len());
            self.got.extend_from_slice(&all[..taken]);
            Ok(taken)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]
        #[test]
        fn partial_writes_lose_and_repeat_nothing(
            items in proptest::collection::vec((0u8..3, 0usize..600), 0..200),
            script in proptest::collection::vec(0usize..4000, 0..100),
        ) {
            let (mut out, mut spares) = (Out::new(), Spares::new());
            let (mut want, mut payload, mut pieces) = (Vec::new(), 0, 0);
            let mut pipe = Pipe { script: script.into(), got: Vec::new() };
            let (mut sent, mut gone) = (0, 0);
            for (n, (kind, len)) in items.into_iter().enumerate() {
                let bytes = vec![n as u8; len];
                if kind == 2 {
                    let message = MetadataMessage::Data { piece: n as u32, total_size: 9, data: bytes };
                    let message = Message::Metadata { id: 3, message };
                    encode(&message, &mut want);
                    pieces += 1;
                    out.push_metadata(&mut spares, &message);
                } else if kind == 1 {
                    let at = BlockRef { piece: n as u32, begin: 0, len: len as u32 };
                    want.extend_from_slice(&block_head(at));
                    payload += len as u64;
                    want.extend_from_slice(&bytes);
                    out.push_block(&mut spares, at, bytes);
                } else {
                    want.extend_from_slice(&bytes);
                    out.push(&mut spares, |out| out.extend_from_slice(&bytes));
                }
                prop_assert_eq!(out.len(), want.len() - pipe.got.len());
                if n % 3 == 0 {
                    let wrote = out.write(&mut spares, &mut pipe).unwrap();
                    (sent, gone) = (sent + wrote.payload, gone + wrote.metadata);
                }
            }
            while !out.is_empty() {
                let wrote = out.write(&mut spares, &mut pipe).unwrap();
                (sent, gone) = (sent + wrote.payload, gone + wrote.metadata);
            }
            prop_assert_eq!(&pipe.got, &want);
            prop_assert_eq!((sent, gone), (payload, pieces));
            prop_assert_eq!(out.len(), 0);
        }
    }

    #[test]
    fn a_full_kernel_is_told_and_an_idle_queue_owns_nothing() {
        let (mut out, mut spares) = (Out::<Vec<u8>>::new(), Spares::new());
        out.push(&mut spares, |out| out.extend_from_slice(b"hello"));
        let mut pipe = Pipe { script: [3, 0, 2].into(), got: Vec::new() };
        assert!(out.write(&mut spares, &mut pipe).unwrap().blocked);
        assert!(out.write(&mut spares, &mut pipe).unwrap().blocked);
        assert!(!out.write(&mut spares, &mut pipe).unwrap().blocked);
        assert_eq!(pipe.got, b"hello");
        assert!(out.is_empty() && out.0.is_none());
        assert_eq!(spares.0.len(), 1);
    }
}
