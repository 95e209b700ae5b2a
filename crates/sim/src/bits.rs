//! A set of pieces (own design), and how to read one from the wire (BEP 3).

/// A set of pieces.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Bits {
    words: Vec<u64>,
    count: u32,
}

impl Bits {
    /// An empty set with room for that many pieces.
    pub(crate) fn new(pieces: u32) -> Self {
        Self { words: vec![0; pieces.div_ceil(64) as usize], count: 0 }
    }

    /// Whether the piece is in it.
    pub(crate) fn has(&self, piece: u32) -> bool {
        self.words.get(piece as usize / 64).is_some_and(|word| word >> (piece % 64) & 1 == 1)
    }

    /// How many there are.
    pub(crate) fn count(&self) -> u32 {
        self.count
    }

    /// Puts a piece in or takes it out; one beyond the room is ignored.
    pub(crate) fn set(&mut self, piece: u32, present: bool) {
        if let Some(word) = self.words.get_mut(piece as usize / 64) {
            let was = *word >> (piece % 64) & 1 == 1;
            *word = *word & !(1 << (piece % 64)) | u64::from(present) << (piece % 64);
            self.count = self.count + u32::from(present) - u32::from(was);
        }
    }

    /// The pieces in it, from the first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        bits_of(self.words.iter().copied())
    }

    /// The pieces that are in both, from the first.
    pub(crate) fn common<'a>(&'a self, other: &'a Self) -> impl Iterator<Item = u32> + 'a {
        bits_of(self.words.iter().zip(&other.words).map(|(a, b)| a & b))
    }

    /// Empties it, or puts the first `pieces` in.
    pub(crate) fn fill(&mut self, pieces: u32, present: bool) {
        for piece in 0..pieces {
            self.set(piece, present);
        }
    }

    /// Replaces it by a bitfield from the wire.
    pub(crate) fn read(&mut self, bitfield: &[u8]) {
        self.words.fill(0);
        self.count = 0;
        for piece in pieces_of(bitfield) {
            self.set(piece, true);
        }
    }
}

/// The numbers of the bits that are set in a row of words.
fn bits_of(words: impl Iterator<Item = u64>) -> impl Iterator<Item = u32> {
    (0..).step_by(64).zip(words).flat_map(|(first, word)| {
        let rest = std::iter::successors((word != 0).then_some(word), |word| {
            let rest = word & (word - 1);
            (rest != 0).then_some(rest)
        });
        rest.map(move |word| first + word.trailing_zeros())
    })
}

/// The pieces whose bits are set in a bitfield from the wire.
pub(crate) fn pieces_of(bitfield: &[u8]) -> impl Iterator<Item = u32> + '_ {
    (0..bitfield.len() as u32 * 8).filter(|piece| bitfield[*piece as usize / 8] >> (7 - piece % 8) & 1 == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_bit_is_the_highest() {
        let mut bits = Bits::new(70);
        bits.read(&[0b1000_0001, 0, 0, 0, 0, 0, 0, 0, 0b0100_0000]);
        let all: Vec<u32> = (0..80).filter(|piece| bits.has(*piece)).collect();
        assert_eq!(all, [0, 7, 65]);
        bits.set(7, false);
        assert!(!bits.has(7));
        let mut other = Bits::new(70);
        other.fill(70, true);
        assert_eq!(bits.common(&other).collect::<Vec<_>>(), [0, 65]);
    }
}
