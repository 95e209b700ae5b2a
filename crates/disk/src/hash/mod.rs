//! SHA-1 of pieces (BEP 3; FIPS 180-4), of several messages at once where that is faster.
//!
//! One message cannot be hashed faster than its chain of rounds allows, but independent ones can share every vector
//! instruction: sixteen messages a time with AVX-512, eight with AVX2. So callers bring as many messages as there are
//! `lanes`. Processors with SHA instructions hash one stream as fast and take one at a time. All `unsafe` of the program
//! stands here.
//!
//! Measured by `examples/hash_bench` on one core of a Xeon at 2.5 GHz without SHA instructions, in CPU time, pieces of
//! 256 KiB, other programs running: one stream 0.46 GB/s; AVX2 with 3, 4 and 8 messages 0.9, 1.1 and 2.5; AVX-512 with 2, 4, 8
//! and 16 messages 0.56, 1.2, 2.3 and 4.3.

mod feed;
mod kernel;
mod read;
mod stream;

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(target_arch = "x86_64")]
mod rounds;

pub use kernel::Kernel;
pub(crate) use stream::Stream;

/// How many messages are hashed at once for the price of little more than one.
pub(crate) fn lanes() -> usize {
    Kernel::best().lanes()
}

/// The digest of one message.
pub(crate) fn sha1(message: &[u8]) -> [u8; 20] {
    let mut stream = Stream::default();
    stream.update(message);
    stream.finish()
}

/// The digests of messages given in parts.
pub(crate) fn sha1_many(messages: &[Vec<&[u8]>]) -> Vec<[u8; 20]> {
    Kernel::best().sha1_many(messages)
}

/// The digests of messages of these sizes, read by `read(message, offset, buffer)` in parts of at most `chunk` bytes.
pub(crate) fn sha1_streams<E>(
    sizes: &[u32],
    chunk: usize,
    read: impl FnMut(usize, u32, &mut [u8]) -> Result<(), E>,
) -> Vec<Result<[u8; 20], E>> {
    sha1_streams_in(&mut Vec::new(), sizes, chunk, read)
}

/// [`sha1_streams`] with memory to be used again, grown as needed to `chunk` bytes for each lane.
pub(crate) fn sha1_streams_in<E>(
    scratch: &mut Vec<u8>,
    sizes: &[u32],
    chunk: usize,
    read: impl FnMut(usize, u32, &mut [u8]) -> Result<(), E>,
) -> Vec<Result<[u8; 20], E>> {
    read::read_and_hash(Kernel::best(), scratch, sizes, chunk, read)
}

impl Kernel {
    /// The digests of messages given in parts, in order. Any number of messages, of any lengths.
    pub fn sha1_many(self, messages: &[Vec<&[u8]>]) -> Vec<[u8; 20]> {
        let mut streams = vec![Stream::default(); messages.len()];
        feed::feed(self, &mut streams, messages.iter().map(|message| message.iter().copied()));
        feed::finish(self, streams)
    }

    /// The digests of messages of these sizes, read by `read(message, offset, buffer)` in parts of at most `chunk` bytes.
    pub fn sha1_streams<E>(
        self,
        sizes: &[u32],
        chunk: usize,
        read: impl FnMut(usize, u32, &mut [u8]) -> Result<(), E>,
    ) -> Vec<Result<[u8; 20], E>> {
        read::read_and_hash(self, &mut Vec::new(), sizes, chunk, read)
    }
}
