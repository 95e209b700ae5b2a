//! Ids of nodes and targets, and how far they are from each other (BEP 5, "Overview"): the distance of two is their exclusive or, as a number.
use core::fmt;
use teem_basis::rng::Rng;

/// Length of an id in bytes.
pub const ID_LEN: usize = 20;

/// The id of a node, an info-hash, or the target of an item.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id(pub [u8; ID_LEN]);

/// How far two ids are from each other; ordered from near to far.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Distance(pub [u8; ID_LEN]);

impl Id {
    /// The id of these bytes, if they are as many as an id has.
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// An id that nobody chose: each bit is drawn.
    pub fn random(rng: &mut Rng) -> Self {
        let mut id = [0; ID_LEN];
        rng.fill(&mut id);
        Self(id)
    }

    /// The distance to another.
    pub fn distance(self, other: Self) -> Distance {
        let mut out = [0; ID_LEN];
        for (out, (a, b)) in out.iter_mut().zip(self.0.iter().zip(&other.0)) {
            *out = a ^ b;
        }
        Distance(out)
    }

    /// How many bits from the first on are the same in both, up to 160.
    pub fn common_bits(self, other: Self) -> u32 {
        self.distance(other).leading_zeros()
    }

    /// The bit at `index`, from the first on.
    pub fn bit(self, index: u32) -> bool {
        self.0.get(index as usize / 8).is_some_and(|byte| byte >> (7 - index % 8) & 1 == 1)
    }
}

impl Distance {
    /// How many bits are zero before the first that is not, up to 160: the bits that both ids share.
    pub fn leading_zeros(self) -> u32 {
        let zeros = self.0.iter().take_while(|byte| **byte == 0).count();
        zeros as u32 * 8 + self.0.get(zeros).map_or(0, |byte| byte.leading_zeros())
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distance_is_the_exclusive_or_read_as_a_number() {
        let with = |at: usize, byte: u8| {
            let mut id = Id([0; ID_LEN]);
            id.0[at] = byte;
            id
        };
        let zero = Id([0; ID_LEN]);
        assert_eq!(zero.distance(zero), Distance([0; ID_LEN]));
        assert_eq!(zero.common_bits(zero), 160);
        assert_eq!(zero.common_bits(with(0, 0x80)), 0);
        assert_eq!(zero.common_bits(with(2, 0x10)), 19);
        assert_eq!(with(2, 0x11).common_bits(with(2, 0x10)), 23);
        assert!(zero.distance(with(1, 1)) > zero.distance(with(2, 0xFF)));
        assert!(with(2, 0x10).bit(19) && !with(2, 0x10).bit(18) && !with(2, 0x10).bit(160));
        assert_eq!(alloc::format!("{}", with(0, 0xAB)), alloc::format!("ab{:038}", 0));
    }
}
