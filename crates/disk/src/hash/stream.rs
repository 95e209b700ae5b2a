//! The digest of one message that comes in parts (FIPS 180-4, 5.1.1 and 6.1.2), in a form that can be moved in and out of
//! the lanes of a kernel between any two of its blocks.
//!
//! Invariants: `held` bytes of `tail` wait for the rest of their block; all bytes before them are in `state`.

use sha1::block_api::compress;

/// The state before the first block.
const START: [u32; 5] = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476, 0xc3d2_e1f0];

/// Longest padding: a bit, zeros to the end of the block before last and on to its length, and the length.
const PADDING_MAX: usize = 72;

/// A digest that is fed in parts.
#[derive(Clone)]
pub(crate) struct Stream {
    pub(super) state: [u32; 5],
    /// Bytes taken, those in `tail` included.
    len: u64,
    tail: [u8; 64],
    held: usize,
}

impl Default for Stream {
    fn default() -> Self {
        Self { state: START, len: 0, tail: [0; 64], held: 0 }
    }
}

impl Stream {
    /// Takes the next part.
    pub(crate) fn update(&mut self, mut part: &[u8]) {
        while self.fill(&mut part) {
            let mut state = self.state;
            let blocks = self.ready(part);
            compress(&mut state, blocks);
            let passed = blocks.len();
            self.pass(&mut part, state, passed);
        }
    }

    /// The digest of all parts.
    pub(crate) fn finish(mut self) -> [u8; 20] {
        let (padding, len) = self.padding();
        self.update(&padding[..len]);
        self.digest()
    }

    /// Makes at least one block ready, in `tail` or at the start of `part`; false when `part` is used up first.
    pub(super) fn fill(&mut self, part: &mut &[u8]) -> bool {
        if self.held > 0 || part.len() < 64 {
            let (now, rest) = part.split_at(part.len().min(64 - self.held));
            self.tail[self.held..][..now.len()].copy_from_slice(now);
            self.held += now.len();
            self.len += now.len() as u64;
            *part = rest;
            return self.held == 64;
        }
        true
    }

    /// The blocks that [`Stream::fill`] made ready.
    pub(super) fn ready<'a>(&'a self, part: &'a [u8]) -> &'a [[u8; 64]] {
        if self.held == 64 { std::slice::from_ref(&self.tail) } else { part.as_chunks().0 }
    }

    /// The first `blocks` of those that were ready have become `state`.
    pub(super) fn pass(&mut self, part: &mut &[u8], state: [u32; 5], blocks: usize) {
        self.state = state;
        if self.held == 64 {
            self.held = 0;
        } else {
            self.len += blocks as u64 * 64;
            *part = &part[blocks * 64..];
        }
    }

    /// What is to be taken after the last part; its length is the second value.
    pub(super) fn padding(&self) -> ([u8; PADDING_MAX], usize) {
        let mut padding = [0; PADDING_MAX];
        padding[0] = 0x80;
        let len = if self.held < 56 { 64 - self.held } else { 128 - self.held };
        padding[len - 8..len].copy_from_slice(&(self.len * 8).to_be_bytes());
        (padding, len)
    }

    /// The state as bytes: the digest once the padding was taken.
    pub(super) fn digest(&self) -> [u8; 20] {
        let mut digest = [0; 20];
        for (bytes, word) in digest.as_chunks_mut().0.iter_mut().zip(self.state) {
            *bytes = word.to_be_bytes();
        }
        digest
    }
}
