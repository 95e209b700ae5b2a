//! Bytes of a handshake that have come and are not used yet (MSE), and the search for what marks the end of the padding.
use crate::refused::Refused;
use alloc::vec::Vec;

/// The most padding that a side may send in one place.
pub(crate) const PAD_MAX: usize = 512;

/// What has come, without what is used.
#[derive(Debug, Default)]
pub(crate) struct Held {
    bytes: Vec<u8>,
    /// Where the search goes on, so that bytes that come singly are compared once.
    searched: usize,
}

impl Held {
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// The next `N` bytes, once they are there.
    pub(crate) fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let taken = self.bytes.first_chunk().copied()?;
        self.skip(N);
        Some(taken)
    }

    /// Drops the next `len` bytes, which are there.
    pub(crate) fn skip(&mut self, len: usize) {
        self.bytes.drain(..len);
        self.searched = 0;
    }

    /// Looks for `marker` behind at most [`PAD_MAX`] bytes of padding and takes both; false while it may still come.
    pub(crate) fn find(&mut self, marker: &[u8]) -> Result<bool, Refused> {
        let from = &self.bytes[self.searched..];
        if let Some(at) =
            from.windows(marker.len()).take(PAD_MAX + 1 - self.searched).position(|window| window == marker)
        {
            self.skip(self.searched + at + marker.len());
            return Ok(true);
        }
        self.searched = (self.bytes.len() + 1).saturating_sub(marker.len());
        if self.searched > PAD_MAX { Err(Refused::Marker) } else { Ok(false) }
    }

    /// All that is left.
    pub(crate) fn rest(&mut self) -> Vec<u8> {
        core::mem::take(&mut self.bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    const MARKER: [u8; 4] = [0, 0, 0, 1];

    /// The outcome when everything comes byte by byte, and when it comes at once.
    fn search(bytes: &[u8]) -> Result<Option<usize>, Refused> {
        let at_once = {
            let mut held = Held::default();
            held.push(bytes);
            held.find(&MARKER).map(|found| found.then(|| held.len()))
        };
        let mut held = Held::default();
        let mut singly = Ok(None);
        for (n, byte) in bytes.iter().enumerate() {
            held.push(&[*byte]);
            match held.find(&MARKER) {
                Ok(false) => {}
                Ok(true) => {
                    singly = Ok(Some(bytes.len() - n - 1));
                    break;
                }
                Err(why) => {
                    singly = Err(why);
                    break;
                }
            }
        }
        assert_eq!(at_once, singly);
        at_once
    }

    #[test]
    fn the_marker_is_found_behind_0_to_512_bytes_and_not_later() {
        for pad in [0, 1, 3, 511, 512] {
            let mut bytes = vec![0; pad];
            bytes.extend_from_slice(&MARKER);
            bytes.extend_from_slice(b"rest");
            assert_eq!(search(&bytes), Ok(Some(4)), "{pad}");
        }
        let mut bytes = vec![0; 513];
        bytes.extend_from_slice(&MARKER);
        assert_eq!(search(&bytes), Err(Refused::Marker));
        assert_eq!(search(&[9; 512 + 3]), Ok(None));
        assert_eq!(search(&[9; 512 + 4]), Err(Refused::Marker));
        assert_eq!(search(b""), Ok(None));
    }
}
