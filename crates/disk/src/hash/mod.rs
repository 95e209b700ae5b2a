//! SHA-1 of pieces (BEP 3).

use sha1::{Digest, Sha1};

/// How many messages are hashed at once for the price of little more than one.
pub(crate) fn lanes() -> usize {
    1
}

/// A digest that is fed in parts.
#[derive(Default)]
pub(crate) struct Stream(Sha1);

impl Stream {
    pub(crate) fn update(&mut self, part: &[u8]) {
        self.0.update(part);
    }

    pub(crate) fn finish(self) -> [u8; 20] {
        self.0.finalize().into()
    }
}

/// The digest of one message.
pub(crate) fn sha1(message: &[u8]) -> [u8; 20] {
    Sha1::digest(message).into()
}

/// The digests of messages given in parts.
pub(crate) fn sha1_many(messages: &[Vec<&[u8]>]) -> Vec<[u8; 20]> {
    let one = |parts: &Vec<&[u8]>| {
        let mut stream = Stream::default();
        for part in parts {
            stream.update(part);
        }
        stream.finish()
    };
    messages.iter().map(one).collect()
}

/// The digests of messages of these sizes, read by `read(message, offset, buffer)` in pieces of `chunk` bytes.
pub(crate) fn sha1_streams<E>(
    sizes: &[u32],
    chunk: usize,
    mut read: impl FnMut(usize, u32, &mut [u8]) -> Result<(), E>,
) -> Vec<Result<[u8; 20], E>> {
    let mut buffer = vec![0; chunk];
    let mut one = |i: usize, size: u32| {
        let mut stream = Stream::default();
        let mut at = 0;
        while at < size {
            let part = &mut buffer[..((size - at) as usize).min(chunk)];
            read(i, at, part)?;
            stream.update(part);
            at += part.len() as u32;
        }
        Ok(stream.finish())
    };
    sizes.iter().enumerate().map(|(i, &size)| one(i, size)).collect()
}
