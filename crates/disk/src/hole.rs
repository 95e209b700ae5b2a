//! Pieces that lie in holes (own design): a sparse file says where nothing was ever written, and what is not there reads as
//! zeros. So such a piece is neither read nor hashed: its digest is that of as many zeros, computed once for each length.
//!
//! The file system is believed as copying programs believe it (`SEEK_DATA`, lseek(2)): what it calls data is read, and where it
//! cannot tell, everything is data.
use crate::hash::Sha1Stream;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// Zeros hashed at a time.
static ZEROS: [u8; 16 << 10] = [0; 16 << 10];

/// Digests of zeros by their number: a torrent has two lengths of pieces.
#[derive(Default)]
pub(crate) struct Zeros(Mutex<BTreeMap<u32, [u8; 20]>>);

impl Zeros {
    /// The SHA-1 of so many zeros.
    pub(crate) fn digest(&self, len: u32) -> [u8; 20] {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(len).or_insert_with(|| {
            let (mut stream, mut rest) = (Sha1Stream::default(), len as usize);
            while rest > 0 {
                let now = rest.min(ZEROS.len());
                stream.update(&ZEROS[..now]);
                rest -= now;
            }
            stream.finish()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::sha1;

    #[test]
    fn zeros_are_hashed_as_zeros() {
        let zeros = Zeros::default();
        for len in [0, 1, 16 << 10, (16 << 10) + 1, 100_000] {
            assert_eq!(zeros.digest(len), sha1(&vec![0; len as usize]));
        }
    }
}
