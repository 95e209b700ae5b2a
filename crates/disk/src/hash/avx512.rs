//! SHA-1 and SHA-256 of sixteen messages at once with AVX-512 (FIPS 180-4, 6.1.2 and 6.2.2): one message a lane, one instruction for any
//! function of three words and for a rotation.
#![allow(unsafe_code)]

use super::rounds_sha1::sha1_rounds;
use super::rounds_sha256::{K, sha256_rounds};
use std::arch::x86_64::{
    __m512i, _mm512_add_epi32, _mm512_loadu_si512, _mm512_rol_epi32, _mm512_set_epi64, _mm512_set1_epi32,
    _mm512_shuffle_epi8, _mm512_shuffle_i32x4, _mm512_srli_epi32, _mm512_storeu_si512, _mm512_ternarylogic_epi32,
    _mm512_unpackhi_epi32, _mm512_unpackhi_epi64, _mm512_unpacklo_epi32, _mm512_unpacklo_epi64, _mm512_xor_si512,
};
use std::array::from_fn;

macro_rules! rotate {
    ($n:literal, $x:expr) => {
        _mm512_rol_epi32::<$n>($x)
    };
}

macro_rules! shift {
    ($n:literal, $x:expr) => {
        _mm512_srli_epi32::<$n>($x)
    };
}

/// One function: its name, its words of state, its rounds.
macro_rules! function {
    ($name:ident, $words:literal, $rounds:ident) => {
        /// Takes all blocks of each message into its state; as many blocks as the shortest has.
        #[target_feature(enable = "avx512f,avx512bw")]
        pub(super) fn $name(states: &mut [[u32; $words]; 16], blocks: &[&[[u8; 64]]; 16]) {
            let mut state: [__m512i; $words] = from_fn(|word| gather(&from_fn(|lane| states[lane][word])));
            let count = blocks.iter().map(|blocks| blocks.len()).min().unwrap_or(0);
            #[allow(clippy::needless_range_loop)] // the index runs in all lanes at once
            for i in 0..count {
                let mut w = words(&from_fn(|lane| load(&blocks[lane][i])));
                $rounds!(state, w);
            }
            for (word, vector) in state.into_iter().enumerate() {
                for (state, value) in states.iter_mut().zip(scatter(vector)) {
                    state[word] = value;
                }
            }
        }
    };
}
function!(sha1, 5, sha1_rounds);
function!(sha256, 8, sha256_rounds);

#[inline]
#[target_feature(enable = "avx512f")]
fn load(bytes: &[u8; 64]) -> __m512i {
    // SAFETY: 64 bytes are read, all of the array; they need no alignment.
    unsafe { _mm512_loadu_si512(bytes.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn gather(words: &[u32; 16]) -> __m512i {
    // SAFETY: 64 bytes are read, all of the array; they need no alignment.
    unsafe { _mm512_loadu_si512(words.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn scatter(vector: __m512i) -> [u32; 16] {
    let mut words = [0_u32; 16];
    // SAFETY: 64 bytes are written, all of the array; they need no alignment.
    unsafe { _mm512_storeu_si512(words.as_mut_ptr().cast(), vector) };
    words
}

/// From one block a vector to one word a vector, in the order that the processor counts in.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn words(rows: &[__m512i; 16]) -> [__m512i; 16] {
    let (low, high) = (0x0405_0607_0001_0203, 0x0c0d_0e0f_0809_0a0b);
    let swap = _mm512_set_epi64(high, low, high, low, high, low, high, low);
    let rows: [__m512i; 16] = from_fn(|i| _mm512_shuffle_epi8(rows[i], swap));
    // Within each quarter of a vector, four rows are turned at a time: quads[4 * g + j] has in quarter q the words
    // 4 * q + j of rows 4 * g and up.
    let pairs: [__m512i; 16] = from_fn(|i| {
        let (x, y) = (rows[i / 4 * 4 + i % 2 * 2], rows[i / 4 * 4 + i % 2 * 2 + 1]);
        if i % 4 < 2 { _mm512_unpacklo_epi32(x, y) } else { _mm512_unpackhi_epi32(x, y) }
    });
    let quads: [__m512i; 16] = from_fn(|i| {
        let (x, y) = (pairs[i / 2 * 2], pairs[i / 2 * 2 + 1]);
        if i % 2 == 0 { _mm512_unpacklo_epi64(x, y) } else { _mm512_unpackhi_epi64(x, y) }
    });
    // Then the quarters themselves: half[q / 2][j] of both halves of the rows, and out of these word 4 * q + j.
    from_fn(|word| {
        let (q, j) = (word / 4, word % 4);
        let (x, y) = if q < 2 {
            (
                _mm512_shuffle_i32x4::<0x44>(quads[j], quads[4 + j]),
                _mm512_shuffle_i32x4::<0x44>(quads[8 + j], quads[12 + j]),
            )
        } else {
            (
                _mm512_shuffle_i32x4::<0xee>(quads[j], quads[4 + j]),
                _mm512_shuffle_i32x4::<0xee>(quads[8 + j], quads[12 + j]),
            )
        };
        if q % 2 == 0 { _mm512_shuffle_i32x4::<0x88>(x, y) } else { _mm512_shuffle_i32x4::<0xdd>(x, y) }
    })
}

#[inline]
#[target_feature(enable = "avx512f")]
fn add(x: __m512i, y: __m512i) -> __m512i {
    _mm512_add_epi32(x, y)
}

#[inline]
#[target_feature(enable = "avx512f")]
fn splat(k: u32) -> __m512i {
    _mm512_set1_epi32(k.cast_signed())
}

#[inline]
#[target_feature(enable = "avx512f")]
fn choose(x: __m512i, y: __m512i, z: __m512i) -> __m512i {
    _mm512_ternarylogic_epi32::<0xca>(x, y, z)
}

#[inline]
#[target_feature(enable = "avx512f")]
fn parity(x: __m512i, y: __m512i, z: __m512i) -> __m512i {
    _mm512_ternarylogic_epi32::<0x96>(x, y, z)
}

#[inline]
#[target_feature(enable = "avx512f")]
fn majority(x: __m512i, y: __m512i, z: __m512i) -> __m512i {
    _mm512_ternarylogic_epi32::<0xe8>(x, y, z)
}

#[inline]
#[target_feature(enable = "avx512f")]
fn xor4(a: __m512i, b: __m512i, c: __m512i, d: __m512i) -> __m512i {
    _mm512_xor_si512(parity(a, b, c), d)
}
