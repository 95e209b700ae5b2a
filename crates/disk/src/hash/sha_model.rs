//! The interleaved kernels over a model of the SHA instructions in plain Rust, as Intel's manual defines them (volume 2,
//! SHA1RNDS4 and following), so that their text is tested on any machine. Where the processor has the instructions, each
//! of the model's is held against the real one.
#![allow(clippy::many_single_char_names)] // the words of the state, as the standard names them

use super::interleave::interleaved;
use super::rounds_sha256::K;
use std::array::from_fn;

/// Four words, the lowest first.
type Vector = [u32; 4];

interleaved!();

pub(super) fn vector(words: [u32; 4]) -> Vector {
    words
}

pub(super) fn array(x: Vector) -> [u32; 4] {
    x
}

pub(super) fn ordered(block: &[u8; 64], quarter: usize) -> Vector {
    from_fn(|word| u32::from_be_bytes(block.as_chunks().0[4 * quarter + word]))
}

pub(super) fn reversed(block: &[u8; 64], quarter: usize) -> Vector {
    let [a, b, c, d] = ordered(block, quarter);
    [d, c, b, a]
}

pub(super) fn add(x: Vector, y: Vector) -> Vector {
    from_fn(|i| x[i].wrapping_add(y[i]))
}

pub(super) fn xor(x: Vector, y: Vector) -> Vector {
    from_fn(|i| x[i] ^ y[i])
}

pub(super) fn next_word(high: Vector, low: Vector) -> Vector {
    [low[1], low[2], low[3], high[0]]
}

pub(super) fn upper_half(x: Vector) -> Vector {
    [x[2], x[3], x[0], x[0]]
}

pub(super) fn sha1_rounds4<const F: i32>(x: Vector, y: Vector) -> Vector {
    let [mut d, mut c, mut b, mut a] = x;
    let mut e = 0_u32;
    for word in [y[3], y[2], y[1], y[0]] {
        let (f, k) = match F {
            0 => ((b & c) ^ (!b & d), 0x5a82_7999),
            1 => (b ^ c ^ d, 0x6ed9_eba1),
            2 => ((b & c) ^ (b & d) ^ (c & d), 0x8f1b_bcdc),
            _ => (b ^ c ^ d, 0xca62_c1d6_u32),
        };
        let next = f.wrapping_add(a.rotate_left(5)).wrapping_add(word).wrapping_add(e).wrapping_add(k);
        (a, b, c, d, e) = (next, a, b.rotate_left(30), c, d);
    }
    [d, c, b, a]
}

pub(super) fn sha1_next_e(x: Vector, y: Vector) -> Vector {
    [y[0], y[1], y[2], y[3].wrapping_add(x[3].rotate_left(30))]
}

pub(super) fn sha1_msg1(x: Vector, y: Vector) -> Vector {
    [x[0] ^ y[2], x[1] ^ y[3], x[2] ^ x[0], x[3] ^ x[1]]
}

pub(super) fn sha1_msg2(x: Vector, y: Vector) -> Vector {
    let first = (x[3] ^ y[2]).rotate_left(1);
    [(x[0] ^ first).rotate_left(1), (x[1] ^ y[0]).rotate_left(1), (x[2] ^ y[1]).rotate_left(1), first]
}

pub(super) fn sha256_rounds2(x: Vector, y: Vector, words: Vector) -> Vector {
    let [f, e, b, a] = y;
    let [h, g, d, c] = x;
    let mut s = [a, b, c, d, e, f, g, h];
    for word in [words[0], words[1]] {
        let [a, b, c, d, e, f, g, h] = s;
        let from_e = e.rotate_right(6) ^ e.rotate_right(11) ^ e.rotate_right(25);
        let from_a = a.rotate_right(2) ^ a.rotate_right(13) ^ a.rotate_right(22);
        let one = ((e & f) ^ (!e & g)).wrapping_add(from_e).wrapping_add(word).wrapping_add(h);
        let two = ((a & b) ^ (a & c) ^ (b & c)).wrapping_add(from_a);
        s = [one.wrapping_add(two), a, b, c, d.wrapping_add(one), e, f, g];
    }
    [s[5], s[4], s[1], s[0]]
}

pub(super) fn sha256_msg1(x: Vector, y: Vector) -> Vector {
    let sigma = |w: u32| w.rotate_right(7) ^ w.rotate_right(18) ^ (w >> 3);
    let next = next_word(y, x);
    from_fn(|i| x[i].wrapping_add(sigma(next[i])))
}

pub(super) fn sha256_msg2(x: Vector, y: Vector) -> Vector {
    let sigma = |w: u32| w.rotate_right(17) ^ w.rotate_right(19) ^ (w >> 10);
    let (w16, w17) = (x[0].wrapping_add(sigma(y[2])), x[1].wrapping_add(sigma(y[3])));
    [w16, w17, x[2].wrapping_add(sigma(w16)), x[3].wrapping_add(sigma(w17))]
}

mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;

    /// N streams of `blocks` against the crates, from any state.
    fn agree<const N: usize>(blocks: &[[u8; 64]], words: &[u32; 8]) -> Result<(), TestCaseError> {
        let turned = |s: usize| words.map(|word| word.rotate_left(s as u32));
        let each = blocks.len() / N;
        let parts: [&[[u8; 64]]; N] = from_fn(|s| &blocks[s * each..][..each]);
        let mut ours: [[u32; 5]; N] = from_fn(|s| from_fn(|i| turned(s)[i]));
        let mut theirs = ours;
        sha1(&mut ours, &parts);
        theirs.iter_mut().zip(parts).for_each(|(state, part)| ::sha1::block_api::compress(state, part));
        prop_assert_eq!(ours, theirs);
        let mut ours: [[u32; 8]; N] = from_fn(turned);
        let mut theirs = ours;
        sha256(&mut ours, &parts);
        theirs.iter_mut().zip(parts).for_each(|(state, part)| ::sha2::block_api::compress256(state, part));
        prop_assert_eq!(ours, theirs);
        Ok(())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn streams_over_the_model_agree_with_the_crates(
            bytes in vec(any::<u8>(), 0..640), words in any::<[u32; 8]>(),
        ) {
            let blocks = bytes.as_chunks().0;
            agree::<1>(blocks, &words)?;
            agree::<2>(blocks, &words)?;
            agree::<3>(blocks, &words)?;
            agree::<4>(blocks, &words)?;
        }
    }
}
