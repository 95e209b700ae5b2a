//! The ways to hash blocks of several messages at once that processors offer (own design).
//!
//! Invariant: a [`Kernel`] exists only where the processor has its instructions. On 64-bit ARM there is one, a stream at a
//! time: the crates use the instructions of the processor there.

use std::fmt;

#[cfg(target_arch = "x86_64")]
use super::{avx2, avx512, sha_ni};

/// Most lanes of any kernel.
pub(super) const LANES_MAX: usize = 16;

/// A way to hash blocks that this processor has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Kernel(Kind);

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Single,
    #[cfg(target_arch = "x86_64")]
    ShaNi2,
    #[cfg(target_arch = "x86_64")]
    ShaNi3,
    #[cfg(target_arch = "x86_64")]
    ShaNi4,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

/// One function of a kernel: the crate's for a single stream, ours for lanes.
macro_rules! by_kind {
    ($kind:expr, $states:ident, $blocks:ident, $function:ident, $single:path) => {
        match $kind {
            Kind::Single => {
                for (state, blocks) in $states.iter_mut().zip($blocks) {
                    $single(state, blocks);
                }
            }
            // SAFETY (of all): a kernel is made only by `available`, which found its instructions.
            #[cfg(target_arch = "x86_64")]
            Kind::ShaNi2 => in_lanes($states, $blocks, |s, b| unsafe { sha_ni::$function::<2>(s, b) }),
            #[cfg(target_arch = "x86_64")]
            Kind::ShaNi3 => in_lanes($states, $blocks, |s, b| unsafe { sha_ni::$function::<3>(s, b) }),
            #[cfg(target_arch = "x86_64")]
            Kind::ShaNi4 => in_lanes($states, $blocks, |s, b| unsafe { sha_ni::$function::<4>(s, b) }),
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2 => in_lanes($states, $blocks, |s, b| unsafe { avx2::$function(s, b) }),
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512 => in_lanes($states, $blocks, |s, b| unsafe { avx512::$function(s, b) }),
        }
    };
}

impl Kernel {
    /// One message after the other, with the processor's SHA instructions where it has them.
    pub const SINGLE: Self = Self(Kind::Single);

    /// All that work here, by their number of lanes.
    pub fn available() -> Vec<Self> {
        let mut all = vec![Self::SINGLE];
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("sha") && is_x86_feature_detected!("sse4.1") {
                all.extend([Kind::ShaNi2, Kind::ShaNi3, Kind::ShaNi4].map(Self));
            }
            if is_x86_feature_detected!("avx2") {
                all.push(Self(Kind::Avx2));
            }
            if is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512bw") {
                all.push(Self(Kind::Avx512));
            }
        }
        all
    }

    /// How many messages it hashes at once.
    pub fn lanes(self) -> usize {
        match self.0 {
            Kind::Single => 1,
            #[cfg(target_arch = "x86_64")]
            Kind::ShaNi2 => 2,
            #[cfg(target_arch = "x86_64")]
            Kind::ShaNi3 => 3,
            #[cfg(target_arch = "x86_64")]
            Kind::ShaNi4 => 4,
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2 => 8,
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512 => LANES_MAX,
        }
    }

    /// SHA-1: takes all blocks of each message into its state. All messages have the same number of blocks, and there are
    /// at most as many messages as lanes.
    #[allow(unsafe_code)]
    pub(super) fn sha1(self, states: &mut [[u32; 5]], blocks: &[&[[u8; 64]]]) {
        by_kind!(self.0, states, blocks, sha1, sha1::block_api::compress);
    }

    /// SHA-256: takes all blocks of each message into its state, under the bounds of [`Self::sha1`].
    #[allow(unsafe_code)]
    pub(super) fn sha256(self, states: &mut [[u32; 8]], blocks: &[&[[u8; 64]]]) {
        by_kind!(self.0, states, blocks, sha256, sha2::block_api::compress256);
    }
}

/// Fills the lanes that have no message with the first one, so that kernels know no empty lanes, and throws away what
/// they make of it.
#[cfg(target_arch = "x86_64")]
fn in_lanes<const W: usize, const L: usize>(
    states: &mut [[u32; W]],
    blocks: &[&[[u8; 64]]],
    kernel: impl Fn(&mut [[u32; W]; L], &[&[[u8; 64]]; L]),
) {
    let Some(&first) = blocks.first() else { return };
    debug_assert!(states.len() == blocks.len() && states.len() <= L);
    debug_assert!(blocks.iter().all(|blocks| blocks.len() == first.len()));
    let mut all_states = [[0; W]; L];
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
            Kind::ShaNi2 => "SHA-NI, 2 streams",
            #[cfg(target_arch = "x86_64")]
            Kind::ShaNi3 => "SHA-NI, 3 streams",
            #[cfg(target_arch = "x86_64")]
            Kind::ShaNi4 => "SHA-NI, 4 streams",
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2 => "AVX2, 8 lanes",
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512 => "AVX-512, 16 lanes",
        })
    }
}
