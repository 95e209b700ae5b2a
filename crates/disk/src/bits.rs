//! A set of pieces as bits (own design): what is verified, durable, suspect. One bit a piece, fixed length; an index
//! beyond the length is never a member.

/// A fixed-length set of piece indices.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Bits {
    words: Vec<u64>,
    len: u32,
}

impl Bits {
    /// An empty set over `len` pieces.
    pub(crate) fn new(len: u32) -> Self {
        Self { words: vec![0; (len as usize).div_ceil(64)], len }
    }

    pub(crate) fn has(&self, i: u32) -> bool {
        i < self.len && self.words[i as usize / 64] >> (i % 64) & 1 == 1
    }

    /// Adds `i`; true when it was not there.
    pub(crate) fn insert(&mut self, i: u32) -> bool {
        if i >= self.len || self.has(i) {
            return false;
        }
        self.words[i as usize / 64] |= 1 << (i % 64);
        true
    }

    /// Removes `i`; true when it was there.
    pub(crate) fn remove(&mut self, i: u32) -> bool {
        if !self.has(i) {
            return false;
        }
        self.words[i as usize / 64] &= !(1 << (i % 64));
        true
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        self.words.iter().enumerate().flat_map(|(w, &word)| {
            let mut rest = word;
            std::iter::from_fn(move || {
                if rest == 0 {
                    return None;
                }
                let bit = rest.trailing_zeros();
                rest &= rest - 1;
                Some(w as u32 * 64 + bit)
            })
        })
    }

    pub(crate) fn len(&self) -> u32 {
        self.len
    }

    /// As bytes, the first piece in the highest bit of the first byte (the order of BEP 3's bitfield).
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut out = vec![0; (self.len as usize).div_ceil(8)];
        for i in self.iter() {
            out[i as usize / 8] |= 0x80 >> (i % 8);
        }
        out
    }

    /// The inverse of `to_bytes`; `None` when the length does not fit or spare bits are set.
    pub(crate) fn from_bytes(bytes: &[u8], len: u32) -> Option<Self> {
        if bytes.len() != (len as usize).div_ceil(8) {
            return None;
        }
        let mut out = Self::new(len);
        for (n, &byte) in bytes.iter().enumerate() {
            for bit in 0..8 {
                if byte & (0x80 >> bit) != 0 && !out.insert((n * 8 + bit) as u32) {
                    return None;
                }
            }
        }
        Some(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_survive_bytes() {
        let mut b = Bits::new(131);
        for i in [0, 7, 63, 64, 130] {
            assert!(b.insert(i));
        }
        assert!(!b.insert(131) && !b.insert(7));
        assert_eq!(b.iter().collect::<Vec<_>>(), [0, 7, 63, 64, 130]);
        assert_eq!(Bits::from_bytes(&b.to_bytes(), 131), Some(b.clone()));
        assert!(b.remove(64) && !b.has(64));
        assert_eq!(Bits::from_bytes(&[0xff], 7), None);
        assert_eq!(Bits::from_bytes(&[], 7), None);
    }
}
