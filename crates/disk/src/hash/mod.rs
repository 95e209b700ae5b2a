//! SHA-1 of pieces (BEP 3) and SHA-256 of blocks (BEP 52), of several messages at once where that is faster (FIPS 180-4).
//!
//! One message cannot be hashed faster than its chain of rounds allows, but independent ones can share every vector
//! instruction, sixteen at a time with AVX-512 and eight with AVX2, or take turns at the processor's SHA instructions, two
//! to four at a time. So callers bring as many messages as there are `lanes`; which kernel takes them is measured when
//! first asked (`plan`). All `unsafe` of the program stands here: loads and stores of whole arrays, and calls of kernels
//! whose instructions were found.

mod feed;
mod function;
mod interleave;
mod kernel;
mod plan;
mod read;
mod rounds_sha256;
mod stream;

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(target_arch = "x86_64")]
mod rounds_sha1;
#[cfg(test)]
mod sha_model;
#[cfg(target_arch = "x86_64")]
mod sha_ni;

use function::{Function, Sha1, Sha256};
pub use kernel::Kernel;
use plan::Plan;
use std::sync::OnceLock;
pub(crate) use stream::Stream;

/// A SHA-1 that is fed in parts.
pub(crate) type Sha1Stream = Stream<Sha1>;

/// A SHA-256 that is fed in parts.
type Sha256Stream = Stream<Sha256>;

fn sha256_plan() -> &'static Plan {
    static PLAN: OnceLock<Plan> = OnceLock::new();
    PLAN.get_or_init(Plan::measured::<Sha256>)
}

fn sha1_plan() -> &'static Plan {
    static PLAN: OnceLock<Plan> = OnceLock::new();
    PLAN.get_or_init(Plan::measured::<Sha1>)
}

/// How many messages are best hashed at once.
pub(crate) fn lanes() -> usize {
    sha1_plan().lanes()
}

/// The digest of one message.
pub(crate) fn sha1(message: &[u8]) -> [u8; 20] {
    let mut stream = Sha1Stream::default();
    stream.update(message);
    stream.finish()
}

/// The digests of messages given in parts.
pub(crate) fn sha1_many(messages: &[Vec<&[u8]>]) -> Vec<[u8; 20]> {
    many::<Sha1>(sha1_plan(), messages)
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
    read::read_and_hash::<Sha1, E>(sha1_plan(), scratch, sizes, chunk, read)
}

/// SHA-256 of one message.
pub(crate) fn sha256(message: &[u8]) -> [u8; 32] {
    let mut stream = Sha256Stream::default();
    stream.update(message);
    stream.finish()
}

/// SHA-256 of messages given in parts.
pub(crate) fn sha256_many(messages: &[Vec<&[u8]>]) -> Vec<[u8; 32]> {
    many::<Sha256>(sha256_plan(), messages)
}

/// SHA-256 of messages of these sizes, read by `read(message, offset, buffer)` in parts of at most `chunk` bytes.
pub(crate) fn sha256_streams<E>(
    sizes: &[u32],
    chunk: usize,
    read: impl FnMut(usize, u32, &mut [u8]) -> Result<(), E>,
) -> Vec<Result<[u8; 32], E>> {
    read::read_and_hash::<Sha256, E>(sha256_plan(), &mut Vec::new(), sizes, chunk, read)
}

fn many<F: Function>(plan: &Plan, messages: &[Vec<&[u8]>]) -> Vec<F::Digest> {
    let mut streams: Vec<Stream<F>> = messages.iter().map(|_| Stream::default()).collect();
    feed::feed(plan, &mut streams, messages.iter().map(|message| message.iter().copied()));
    feed::finish(plan, streams)
}

impl Kernel {
    /// SHA-1 of messages given in parts, in order, by this kernel where there is more than one. Any number of messages, of
    /// any lengths.
    pub fn sha1_many(self, messages: &[Vec<&[u8]>]) -> Vec<[u8; 20]> {
        many::<Sha1>(&Plan::only(self), messages)
    }

    /// SHA-256 of messages given in parts, as [`Self::sha1_many`] takes them.
    pub fn sha256_many(self, messages: &[Vec<&[u8]>]) -> Vec<[u8; 32]> {
        many::<Sha256>(&Plan::only(self), messages)
    }

    /// SHA-1 of messages of these sizes, read by `read(message, offset, buffer)` in parts of at most `chunk` bytes.
    pub fn sha1_streams<E>(
        self,
        sizes: &[u32],
        chunk: usize,
        read: impl FnMut(usize, u32, &mut [u8]) -> Result<(), E>,
    ) -> Vec<Result<[u8; 20], E>> {
        read::read_and_hash::<Sha1, E>(&Plan::only(self), &mut Vec::new(), sizes, chunk, read)
    }
}
