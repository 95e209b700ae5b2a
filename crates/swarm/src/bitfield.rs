//! Which pieces somebody has: a set of fixed length (BEP 3, BITFIELD).
//!
//! Kept in 64-bit words, lowest index in the lowest bit, so that "what has it that we lack" is a word operation; the wire's
//! order (most significant bit first) appears only in `Bitfield::from_wire` and `Bitfield::to_wire`.
//! Invariant: bits at and beyond `len` are zero, and `ones` is the number of set bits.
use alloc::vec;
use alloc::vec::Vec;
use core::fmt;

/// A set of piece indices below a fixed length.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Bitfield {
    words: Vec<u64>,
    len: u32,
    ones: u32,
}

/// Why bytes from a peer are no bitfield of this torrent (bad input, row 32).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum BitfieldError {
    /// Not `pieces / 8` rounded up bytes.
    Length {
        /// Bytes that came.
        got: usize,
        /// Bytes that the number of pieces asks for.
        want: usize,
    },
    /// A bit after the last piece is set.
    SpareBits,
}

impl fmt::Display for BitfieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length { got, want } => write!(f, "the bitfield has {got} bytes where {want} are right"),
            Self::SpareBits => f.write_str("the bitfield has bits set after the last piece"),
        }
    }
}

impl core::error::Error for BitfieldError {}

impl Bitfield {
    /// The empty set.
    pub fn new(len: u32) -> Self {
        Self { words: vec![0; len.div_ceil(64) as usize], len, ones: 0 }
    }

    /// Every index below `len`.
    pub fn full(len: u32) -> Self {
        let mut all = Self { words: vec![u64::MAX; len.div_ceil(64) as usize], len, ones: len };
        if let Some(last) = all.words.last_mut()
            && !len.is_multiple_of(64)
        {
            *last = (1 << (len % 64)) - 1;
        }
        all
    }

    /// Reads the payload of a BITFIELD message; its length and its spare bits are judged.
    pub(crate) fn from_wire(bytes: &[u8], len: u32) -> Result<Self, BitfieldError> {
        let want = len.div_ceil(8) as usize;
        if bytes.len() != want {
            return Err(BitfieldError::Length { got: bytes.len(), want });
        }
        if let Some(last) = bytes.last()
            && !len.is_multiple_of(8)
            && last << (len % 8) != 0
        {
            return Err(BitfieldError::SpareBits);
        }
        let mut set = Self::new(len);
        for (word, chunk) in set.words.iter_mut().zip(bytes.chunks(8)) {
            let mut raw = [0; 8];
            raw[..chunk.len()].copy_from_slice(chunk);
            *word = u64::from_be_bytes(raw).reverse_bits();
        }
        set.ones = set.words.iter().map(|w| w.count_ones()).sum();
        Ok(set)
    }

    /// The payload of a BITFIELD message.
    pub(crate) fn to_wire(&self) -> Vec<u8> {
        let mut out: Vec<u8> = self.words.iter().flat_map(|w| w.reverse_bits().to_be_bytes()).collect();
        out.truncate(self.len.div_ceil(8) as usize);
        out
    }

    /// How many indices there are in all.
    pub fn len(&self) -> u32 {
        self.len
    }

    /// Whether no index is in the set.
    pub fn is_empty(&self) -> bool {
        self.ones == 0
    }

    /// Whether every index is in the set.
    pub fn is_full(&self) -> bool {
        self.ones == self.len
    }

    /// How many indices are in the set.
    pub fn count(&self) -> u32 {
        self.ones
    }

    /// Whether an index is in the set; one beyond the length is not.
    pub fn get(&self, index: u32) -> bool {
        index < self.len && self.words[(index / 64) as usize] >> (index % 64) & 1 == 1
    }

    /// Puts an index in; whether that changed anything. One beyond the length is ignored.
    pub fn set(&mut self, index: u32) -> bool {
        let fresh = index < self.len && !self.get(index);
        if fresh {
            self.words[(index / 64) as usize] |= 1 << (index % 64);
            self.ones += 1;
        }
        fresh
    }

    /// Takes an index out; whether that changed anything.
    pub fn clear(&mut self, index: u32) -> bool {
        let there = self.get(index);
        if there {
            self.words[(index / 64) as usize] &= !(1 << (index % 64));
            self.ones -= 1;
        }
        there
    }

    /// How many indices are here and not in `other`.
    pub(crate) fn count_without(&self, other: &Self) -> u32 {
        self.words.iter().zip(&other.words).map(|(a, b)| (a & !b).count_ones()).sum()
    }

    /// The indices, ascending.
    pub fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        ones(self.words.iter().copied(), 0)
    }

    /// The indices here and not in `other`, ascending.
    pub(crate) fn iter_without<'a>(&'a self, other: &'a Self) -> impl Iterator<Item = u32> + 'a {
        ones(self.words.iter().zip(&other.words).map(|(a, b)| a & !b), 0)
    }

    /// The indices here and in `other`, beginning near `from` and going round once.
    pub(crate) fn iter_common_from<'a>(&'a self, other: &'a Self, from: u32) -> impl Iterator<Item = u32> + 'a {
        let at = ((from / 64) as usize).min(self.words.len());
        let common = |range: core::ops::Range<usize>| {
            let words = self.words[range.clone()].iter().zip(&other.words[range.clone()]).map(|(a, b)| a & b);
            ones(words, range.start as u32)
        };
        let end = self.words.len().min(other.words.len());
        common(at.min(end)..end).chain(common(0..at.min(end)))
    }
}

impl fmt::Debug for Bitfield {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Bitfield({} of {})", self.ones, self.len)
    }
}

/// The positions of set bits in words, the first of which is word number `first`.
fn ones(words: impl Iterator<Item = u64>, first: u32) -> impl Iterator<Item = u32> {
    words.zip(first..).flat_map(|(word, at)| {
        core::iter::successors((word != 0).then_some(word), |w| {
            let rest = w & (w - 1);
            (rest != 0).then_some(rest)
        })
        .map(move |w| at * 64 + w.trailing_zeros())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::BTreeSet;
    use proptest::prelude::*;

    #[test]
    fn row_32_length_and_spare_bits() {
        assert_eq!(Bitfield::from_wire(&[0], 9), Err(BitfieldError::Length { got: 1, want: 2 }));
        assert_eq!(Bitfield::from_wire(&[0, 0, 0], 9), Err(BitfieldError::Length { got: 3, want: 2 }));
        assert_eq!(Bitfield::from_wire(&[0, 0x40], 9), Err(BitfieldError::SpareBits));
        let good = Bitfield::from_wire(&[0x80, 0x80], 9).unwrap();
        assert_eq!(good.iter().collect::<Vec<_>>(), [0, 8]);
        assert_eq!(Bitfield::from_wire(&[], 0).unwrap().count(), 0);
    }

    #[test]
    fn full_has_no_spare_bits() {
        for len in [0, 1, 7, 8, 63, 64, 65, 128, 1000] {
            let all = Bitfield::full(len);
            assert!(all.is_full());
            assert_eq!(all.iter().count(), len as usize);
            assert_eq!(Bitfield::from_wire(&all.to_wire(), len), Ok(all));
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn agrees_with_a_set(len in 1u32..300, ops in prop::collection::vec((any::<bool>(), 0u32..310), 0..200), from in 0u32..310) {
            let (mut bits, mut set) = (Bitfield::new(len), BTreeSet::new());
            for (put, i) in ops {
                if put {
                    prop_assert_eq!(bits.set(i), i < len && set.insert(i));
                } else {
                    prop_assert_eq!(bits.clear(i), set.remove(&i));
                }
            }
            prop_assert_eq!(bits.count() as usize, set.len());
            prop_assert!(bits.iter().eq(set.iter().copied()));
            prop_assert_eq!(&Bitfield::from_wire(&bits.to_wire(), len).unwrap(), &bits);
            let common: BTreeSet<u32> = bits.iter_common_from(&Bitfield::full(len), from).collect();
            prop_assert_eq!(&common, &set);
            prop_assert_eq!(Bitfield::full(len).count_without(&bits), len - bits.count());
            prop_assert_eq!(Bitfield::full(len).iter_without(&bits).count() as u32, len - bits.count());
        }
    }
}
