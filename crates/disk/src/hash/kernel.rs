//! Which instructions hash blocks of several messages at once, chosen when the program runs (own design).
//!
//! Invariant: a [`Kernel`] exists only where the processor has its instructions.

use sha1::block_api::compress;
use std::fmt;

#[cfg(target_arch = "x86_64")]
use super::{avx2, avx512};

/// Most lanes of any kernel.
pub(super) const LANES_MAX: usize = 16;

/// A way to hash blocks that this processor has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Kernel(Kind);

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Single,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

impl Kernel {
    /// One message after the other, with the processor's SHA instructions where it has them.
    pub const SINGLE: Self = Self(Kind::Single);

    /// The fastest one here. SHA instructions hash one stream about as fast as AVX2 its eight, and need no company.
    pub fn best() -> Self {
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("sha") {
            return Self::SINGLE;
        }
        Self::available().last().copied().unwrap_or(Self::SINGLE)
    }

    /// All that work here, by their number of lanes.
    pub fn available() -> &'static [Self] {
        #[cfg(target_arch = "x86_64")]
        {
            const ALL: [Kernel; 3] = [Kernel::SINGLE, Kernel(Kind::Avx2), Kernel(Kind::Avx512)];
            if is_x86_feature_detected!("avx2") {
                let wide = is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512bw");
                return &ALL[..if wide { 3 } else { 2 }];
            }
        }
        &[Self::SINGLE]
    }

    /// How many messages it hashes at once.
    pub fn lanes(self) -> usize {
        match self.0 {
            Kind::Single => 1,
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2 => 8,
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512 => LANES_MAX,
        }
    }

    /// Whether `messages` at once take less time than one after the other.
    pub(super) fn pays(self, messages: usize) -> bool {
        self.lanes() > 1 && messages > 1
    }

    /// Takes all blocks of each message into its state. All messages have the same number of blocks, and there are at
    /// most as many messages as lanes.
    pub(super) fn compress(self, states: &mut [[u32; 5]], blocks: &[&[[u8; 64]]]) {
        match self.0 {
            Kind::Single => {
                for (state, blocks) in states.iter_mut().zip(blocks) {
                    compress(state, blocks);
                }
            }
            #[cfg(target_arch = "x86_64")]
            #[allow(unsafe_code)]
            Kind::Avx2 => {
                // SAFETY: this kernel is made only by `available`, which found AVX2.
                in_lanes(states, blocks, |states, blocks| unsafe { avx2::compress(states, blocks) });
            }
            #[cfg(target_arch = "x86_64")]
            #[allow(unsafe_code)]
            Kind::Avx512 => {
                // SAFETY: this kernel is made only by `available`, which found AVX-512 F and BW.
                in_lanes(states, blocks, |states, blocks| unsafe { avx512::compress(states, blocks) });
            }
        }
    }
}

/// Fills the lanes that have no message with the first one, so that kernels know no empty lanes, and throws away what
/// they make of it.
#[cfg(target_arch = "x86_64")]
fn in_lanes<const L: usize>(
    states: &mut [[u32; 5]],
    blocks: &[&[[u8; 64]]],
    kernel: impl Fn(&mut [[u32; 5]; L], &[&[[u8; 64]]; L]),
) {
    let Some(&first) = blocks.first() else { return };
    debug_assert!(states.len() == blocks.len() && states.len() <= L);
    debug_assert!(blocks.iter().all(|blocks| blocks.len() == first.len()));
    let mut all_states = [[0; 5]; L];
    all_states[..states.len()].copy_from_slice(states);
    let mut all_blocks = [first; L];
    all_blocks[..blocks.len()].copy_from_slice(blocks);
    kernel(&mut all_states, &all_blocks);
    states.copy_from_slice(&all_states[..states.len()]);
}

impl fmt::Display for Kernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Kind::Single => "one stream",
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2 => "AVX2, 8 lanes",
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512 => "AVX-512, 16 lanes",
        })
    }
}
