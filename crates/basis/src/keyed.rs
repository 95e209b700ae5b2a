//! A keyed hash (SipHash-2-4, Aumasson et al.): numbers that nobody can foresee without the key that the owner passed in.

/// The key, and how many numbers were drawn from it.
#[derive(Clone, Debug)]
pub struct Keyed {
    key: [u64; 2],
    drawn: u64,
}

impl Keyed {
    /// From 128 bits that nobody else knows.
    pub fn new(key: [u64; 2]) -> Self {
        Self { key, drawn: 0 }
    }

    /// The hash of some words.
    pub fn hash(&self, words: &[u64]) -> u64 {
        let [k0, k1] = self.key;
        let mut v = [
            k0 ^ 0x736F_6D65_7073_6575,
            k1 ^ 0x646F_7261_6E64_6F6D,
            k0 ^ 0x6C79_6765_6E65_7261,
            k1 ^ 0x7465_6462_7974_6573,
        ];
        let length = (words.len() as u64 * 8) << 56;
        for word in words.iter().chain([&length]) {
            v[3] ^= word;
            round(&mut v);
            round(&mut v);
            v[0] ^= word;
        }
        v[2] ^= 0xFF;
        for _ in 0..4 {
            round(&mut v);
        }
        v[0] ^ v[1] ^ v[2] ^ v[3]
    }

    /// The next of a row of numbers.
    pub fn draw(&mut self) -> u64 {
        self.drawn += 1;
        self.hash(&[self.drawn])
    }
}

fn round(v: &mut [u64; 4]) {
    v[0] = v[0].wrapping_add(v[1]);
    v[1] = v[1].rotate_left(13) ^ v[0];
    v[0] = v[0].rotate_left(32);
    v[2] = v[2].wrapping_add(v[3]);
    v[3] = v[3].rotate_left(16) ^ v[2];
    v[0] = v[0].wrapping_add(v[3]);
    v[3] = v[3].rotate_left(21) ^ v[0];
    v[2] = v[2].wrapping_add(v[1]);
    v[1] = v[1].rotate_left(17) ^ v[2];
    v[2] = v[2].rotate_left(32);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From the paper's list: the key is 00 to 0f, the inputs are 8 and 16 bytes that count up.
    #[test]
    fn it_is_siphash() {
        let keyed = Keyed::new([0x0706_0504_0302_0100, 0x0F0E_0D0C_0B0A_0908]);
        let words = [0x0706_0504_0302_0100, 0x0F0E_0D0C_0B0A_0908];
        assert_eq!(keyed.hash(&words[..1]), 0x93F5_F579_9A93_2462);
        assert_eq!(keyed.hash(&words), 0x3F2A_CC7F_57C2_9BDB);
    }
}
