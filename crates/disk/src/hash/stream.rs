//! The digest of one message that comes in parts (FIPS 180-4, 5.1.1), in a form that can be moved in and out of the
//! lanes of a kernel between any two of its blocks.
//!
//! Invariants: `held` bytes of `tail` wait for the rest of their block; all bytes before them are in `state`.

use super::function::{Block, Function};
use super::kernel::Kernel;

/// Longest padding: a bit, zeros to the end of the block before last and on to its length, and the length.
const PADDING_MAX: usize = 72;

/// A digest that is fed in parts.
pub(crate) struct Stream<F: Function> {
    pub(super) state: F::State,
    /// Bytes taken, those in `tail` included.
    len: u64,
    tail: Block,
    held: usize,
}

impl<F: Function> Default for Stream<F> {
    fn default() -> Self {
        Self { state: F::START, len: 0, tail: [0; 64], held: 0 }
    }
}

impl<F: Function> Stream<F> {
    /// Takes the next part.
    pub(crate) fn update(&mut self, mut part: &[u8]) {
        while self.fill(&mut part) {
            let mut state = self.state;
            let blocks = self.ready(part);
            F::compress(Kernel::SINGLE, std::slice::from_mut(&mut state), &[blocks]);
            let passed = blocks.len();
            self.pass(&mut part, state, passed);
        }
    }

    /// The digest of all parts.
    pub(crate) fn finish(mut self) -> F::Digest {
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
    pub(super) fn ready<'a>(&'a self, part: &'a [u8]) -> &'a [Block] {
        if self.held == 64 { std::slice::from_ref(&self.tail) } else { part.as_chunks().0 }
    }

    /// The first `blocks` of those that were ready have become `state`.
    pub(super) fn pass(&mut self, part: &mut &[u8], state: F::State, blocks: usize) {
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
    pub(super) fn digest(&self) -> F::Digest {
        F::digest(&self.state)
    }
}
