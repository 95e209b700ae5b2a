//! SHA-1 and SHA-256 of two to four streams by the SHA instructions of x86 processors, interleaved.
#![allow(unsafe_code)]
#![allow(clippy::many_single_char_names)] // the words of the state, as the standard names them

use super::interleave::interleaved;
use super::rounds_sha256::K;
use std::arch::x86_64::{
    __m128i as Vector, _mm_add_epi32 as add, _mm_alignr_epi8, _mm_extract_epi32, _mm_loadu_si128, _mm_set_epi32,
    _mm_set_epi64x, _mm_sha1msg1_epu32 as sha1_msg1, _mm_sha1msg2_epu32 as sha1_msg2,
    _mm_sha1nexte_epu32 as sha1_next_e, _mm_sha1rnds4_epu32 as sha1_rounds4, _mm_sha256msg1_epu32 as sha256_msg1,
    _mm_sha256msg2_epu32 as sha256_msg2, _mm_sha256rnds2_epu32 as sha256_rounds2, _mm_shuffle_epi8, _mm_shuffle_epi32,
    _mm_xor_si128 as xor,
};
use std::array::from_fn;

interleaved!(#[target_feature(enable = "sha,sse4.1")]);

#[inline]
#[target_feature(enable = "sse4.1")]
fn vector(words: [u32; 4]) -> Vector {
    let [a, b, c, d] = words.map(u32::cast_signed);
    _mm_set_epi32(d, c, b, a)
}

#[inline]
#[target_feature(enable = "sse4.1")]
fn array(x: Vector) -> [u32; 4] {
    [_mm_extract_epi32::<0>(x), _mm_extract_epi32::<1>(x), _mm_extract_epi32::<2>(x), _mm_extract_epi32::<3>(x)]
        .map(i32::cast_unsigned)
}

#[inline]
#[target_feature(enable = "sse4.1")]
fn load(block: &[u8; 64], quarter: usize) -> Vector {
    let bytes = &block.as_chunks::<16>().0[quarter];
    // SAFETY: 16 bytes are read, all of the array; they need no alignment.
    unsafe { _mm_loadu_si128(bytes.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "sse4.1")]
fn reversed(block: &[u8; 64], quarter: usize) -> Vector {
    _mm_shuffle_epi8(load(block, quarter), _mm_set_epi64x(0x0001_0203_0405_0607, 0x0809_0a0b_0c0d_0e0f))
}

#[inline]
#[target_feature(enable = "sse4.1")]
fn ordered(block: &[u8; 64], quarter: usize) -> Vector {
    _mm_shuffle_epi8(load(block, quarter), _mm_set_epi64x(0x0c0d_0e0f_0809_0a0b, 0x0405_0607_0001_0203))
}

#[inline]
#[target_feature(enable = "sse4.1")]
fn next_word(high: Vector, low: Vector) -> Vector {
    _mm_alignr_epi8::<4>(high, low)
}

#[inline]
#[target_feature(enable = "sse4.1")]
fn upper_half(x: Vector) -> Vector {
    _mm_shuffle_epi32::<0x0e>(x)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::sha_model as model;
    use proptest::prelude::*;

    /// Each instruction, and each move of words, as the model has it and as the processor does it.
    #[target_feature(enable = "sha,sse4.1")]
    fn each_agrees(x: [u32; 4], y: [u32; 4], z: [u32; 4], block: &[u8; 64]) {
        let (vx, vy, vz) = (vector(x), vector(y), vector(z));
        assert_eq!(array(sha1_rounds4::<0>(vx, vy)), model::sha1_rounds4::<0>(x, y));
        assert_eq!(array(sha1_rounds4::<1>(vx, vy)), model::sha1_rounds4::<1>(x, y));
        assert_eq!(array(sha1_rounds4::<2>(vx, vy)), model::sha1_rounds4::<2>(x, y));
        assert_eq!(array(sha1_rounds4::<3>(vx, vy)), model::sha1_rounds4::<3>(x, y));
        assert_eq!(array(sha1_next_e(vx, vy)), model::sha1_next_e(x, y));
        assert_eq!(array(sha1_msg1(vx, vy)), model::sha1_msg1(x, y));
        assert_eq!(array(sha1_msg2(vx, vy)), model::sha1_msg2(x, y));
        assert_eq!(array(sha256_rounds2(vx, vy, vz)), model::sha256_rounds2(x, y, z));
        assert_eq!(array(sha256_msg1(vx, vy)), model::sha256_msg1(x, y));
        assert_eq!(array(sha256_msg2(vx, vy)), model::sha256_msg2(x, y));
        moves_agree(x, y, block);
    }

    /// What needs no SHA instructions.
    #[target_feature(enable = "sse4.1")]
    fn moves_agree(x: [u32; 4], y: [u32; 4], block: &[u8; 64]) {
        let (vx, vy) = (vector(x), vector(y));
        assert_eq!(array(vx), x);
        assert_eq!(array(add(vx, vy)), model::add(x, y));
        assert_eq!(array(xor(vx, vy)), model::xor(x, y));
        assert_eq!(array(next_word(vx, vy)), model::next_word(x, y));
        assert_eq!(array(upper_half(vx))[..2], model::upper_half(x)[..2]);
        for quarter in 0..4 {
            assert_eq!(array(reversed(block, quarter)), model::reversed(block, quarter));
            assert_eq!(array(ordered(block, quarter)), model::ordered(block, quarter));
        }
    }

    proptest! {
        #[test]
        fn the_model_is_the_processor(x: [u32; 4], y: [u32; 4], z: [u32; 4], bytes in any::<[[u8; 32]; 2]>()) {
            let mut block = [0; 64];
            block.copy_from_slice(bytes.as_flattened());
            if is_x86_feature_detected!("sha") && is_x86_feature_detected!("sse4.1") {
                // SAFETY: both were found.
                unsafe { each_agrees(x, y, z, &block) }
            } else if is_x86_feature_detected!("sse4.1") {
                // SAFETY: it was found.
                unsafe { moves_agree(x, y, &block) }
            }
        }
    }
}
