//! The memory of all connections of a socket (own design): one sum with one bound.
//!
//! What is kept until it is acknowledged, what waits for its turn and what nobody has read yet are charged here, with what each packet
//! costs beside its bytes. Each half of a connection may hold as much as it leaves free, up to its own bound: so none can take the last of it, and two sockets
//! that are full of what they send still take what the other sends.

use alloc::vec::Vec;

/// What a packet costs beside its bytes.
pub(crate) const PACKET_COST: usize = 96;

/// Buffers of packets that are kept for the next, of no less than this many bytes: they are charged while they are in use only, so they are few.
const SPARES_MAX: usize = 256;
const SPARE_LEAST: usize = 1_024;

/// Bytes in use, and how many may be.
#[derive(Clone, Debug)]
pub(crate) struct Pool {
    used: usize,
    most: usize,
    spares: Vec<Vec<u8>>,
}

impl Pool {
    pub(crate) fn new(most: usize) -> Self {
        Self { used: 0, most, spares: Vec::new() }
    }

    /// Bytes that nobody holds.
    pub(crate) fn free(&self) -> usize {
        self.most - self.used
    }

    /// Bytes that one half of a connection may hold which holds so many: as much as is free then.
    pub(crate) fn share(&self, held: usize) -> usize {
        self.free().midpoint(held)
    }

    /// Bytes that are held.
    pub(crate) fn used(&self) -> usize {
        self.used
    }

    /// Takes so many bytes, if they are there.
    pub(crate) fn take(&mut self, bytes: usize) -> bool {
        let fits = bytes <= self.free();
        self.used += if fits { bytes } else { 0 };
        fits
    }

    /// An empty buffer for so many bytes.
    pub(crate) fn buffer(&mut self, len: usize) -> Vec<u8> {
        let spare = if len >= SPARE_LEAST { self.spares.pop() } else { None };
        spare.unwrap_or_else(|| Vec::with_capacity(len))
    }

    /// Keeps a buffer that is not needed any more.
    pub(crate) fn spare(&mut self, mut buffer: Vec<u8>) {
        if buffer.capacity() >= SPARE_LEAST && self.spares.len() < SPARES_MAX {
            buffer.clear();
            self.spares.push(buffer);
        }
    }

    /// Gives back what was taken.
    pub(crate) fn give(&mut self, bytes: usize) {
        self.used -= bytes;
    }
}
