//! SHA-1 and SHA-256 of eight messages at once with AVX2 (FIPS 180-4, 6.1.2 and 6.2.2): one message a lane.
#![allow(unsafe_code)]

use super::rounds_sha1::sha1_rounds;
use super::rounds_sha256::{K, sha256_rounds};
use std::arch::x86_64::{
    __m256i, _mm256_add_epi32, _mm256_and_si256, _mm256_loadu_si256, _mm256_or_si256, _mm256_permute2x128_si256,
    _mm256_set_epi64x, _mm256_set1_epi32, _mm256_shuffle_epi8, _mm256_slli_epi32, _mm256_srli_epi32,
    _mm256_storeu_si256, _mm256_unpackhi_epi32, _mm256_unpackhi_epi64, _mm256_unpacklo_epi32, _mm256_unpacklo_epi64,
    _mm256_xor_si256,
};
use std::array::from_fn;

macro_rules! rotate {
    ($n:literal, $x:expr) => {{
        let x = $x;
        _mm256_or_si256(_mm256_slli_epi32::<$n>(x), _mm256_srli_epi32::<{ 32 - $n }>(x))
    }};
}

macro_rules! shift {
    ($n:literal, $x:expr) => {
        _mm256_srli_epi32::<$n>($x)
    };
}

/// One function: its name, its words of state, its rounds.
macro_rules! function {
    ($name:ident, $words:literal, $rounds:ident) => {
        /// Takes all blocks of each message into its state; as many blocks as the shortest has.
        #[target_feature(enable = "avx2")]
        pub(super) fn $name(states: &mut [[u32; $words]; 8], blocks: &[&[[u8; 64]]; 8]) {
            let mut state: [__m256i; $words] = from_fn(|word| gather(&from_fn(|lane| states[lane][word])));
            let count = blocks.iter().map(|blocks| blocks.len()).min().unwrap_or(0);
            #[allow(clippy::needless_range_loop)] // the index runs in all lanes at once
            for i in 0..count {
                let first = words(&from_fn(|lane| load(&blocks[lane][i], 0)));
                let second = words(&from_fn(|lane| load(&blocks[lane][i], 1)));
                let mut w: [__m256i; 16] = from_fn(|word| if word < 8 { first[word] } else { second[word - 8] });
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
#[target_feature(enable = "avx2")]
fn load(bytes: &[u8; 64], half: usize) -> __m256i {
    let bytes = &bytes.as_chunks::<32>().0[half];
    // SAFETY: 32 bytes are read, all of the array; they need no alignment.
    unsafe { _mm256_loadu_si256(bytes.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx2")]
fn gather(words: &[u32; 8]) -> __m256i {
    // SAFETY: 32 bytes are read, all of the array; they need no alignment.
    unsafe { _mm256_loadu_si256(words.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx2")]
fn scatter(vector: __m256i) -> [u32; 8] {
    let mut words = [0_u32; 8];
    // SAFETY: 32 bytes are written, all of the array; they need no alignment.
    unsafe { _mm256_storeu_si256(words.as_mut_ptr().cast(), vector) };
    words
}

/// From half a block a vector to one word a vector, in the order that the processor counts in.
#[inline]
#[target_feature(enable = "avx2")]
fn words(rows: &[__m256i; 8]) -> [__m256i; 8] {
    let (low, high) = (0x0405_0607_0001_0203, 0x0c0d_0e0f_0809_0a0b);
    let swap = _mm256_set_epi64x(high, low, high, low);
    let rows: [__m256i; 8] = from_fn(|i| _mm256_shuffle_epi8(rows[i], swap));
    // Within each half of a vector, four rows are turned at a time: quads[4 * g + j] has in half h the words 4 * h + j
    // of rows 4 * g and up.
    let pairs: [__m256i; 8] = from_fn(|i| {
        let (x, y) = (rows[i / 4 * 4 + i % 2 * 2], rows[i / 4 * 4 + i % 2 * 2 + 1]);
        if i % 4 < 2 { _mm256_unpacklo_epi32(x, y) } else { _mm256_unpackhi_epi32(x, y) }
    });
    let quads: [__m256i; 8] = from_fn(|i| {
        let (x, y) = (pairs[i / 2 * 2], pairs[i / 2 * 2 + 1]);
        if i % 2 == 0 { _mm256_unpacklo_epi64(x, y) } else { _mm256_unpackhi_epi64(x, y) }
    });
    from_fn(|word| {
        let (x, y) = (quads[word % 4], quads[4 + word % 4]);
        if word < 4 { _mm256_permute2x128_si256::<0x20>(x, y) } else { _mm256_permute2x128_si256::<0x31>(x, y) }
    })
}

#[inline]
#[target_feature(enable = "avx2")]
fn add(x: __m256i, y: __m256i) -> __m256i {
    _mm256_add_epi32(x, y)
}

#[inline]
#[target_feature(enable = "avx2")]
fn splat(k: u32) -> __m256i {
    _mm256_set1_epi32(k.cast_signed())
}

#[inline]
#[target_feature(enable = "avx2")]
fn choose(x: __m256i, y: __m256i, z: __m256i) -> __m256i {
    _mm256_xor_si256(z, _mm256_and_si256(x, _mm256_xor_si256(y, z)))
}

#[inline]
#[target_feature(enable = "avx2")]
fn parity(x: __m256i, y: __m256i, z: __m256i) -> __m256i {
    _mm256_xor_si256(_mm256_xor_si256(x, y), z)
}

#[inline]
#[target_feature(enable = "avx2")]
fn majority(x: __m256i, y: __m256i, z: __m256i) -> __m256i {
    _mm256_xor_si256(y, _mm256_and_si256(_mm256_xor_si256(x, y), _mm256_xor_si256(y, z)))
}

#[inline]
#[target_feature(enable = "avx2")]
fn xor4(a: __m256i, b: __m256i, c: __m256i, d: __m256i) -> __m256i {
    _mm256_xor_si256(_mm256_xor_si256(a, b), _mm256_xor_si256(c, d))
}
