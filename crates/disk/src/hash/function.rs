//! The two hash functions of BitTorrent as one shape (FIPS 180-4): SHA-1 of pieces (BEP 3), SHA-256 of blocks (BEP 52). Both
//! take blocks of 64 bytes into a state of words and pad alike, so all but the rounds is written once.

use super::kernel::Kernel;

/// A block of either function.
pub(super) type Block = [u8; 64];

/// A hash function.
pub(crate) trait Function {
    /// What is known after some blocks.
    type State: Copy;
    /// The result of hashing a message, as bytes.
    type Digest: Copy;
    /// The state before the first block.
    const START: Self::State;

    /// Takes all blocks of each message into its state, by this kernel. All messages have the same number of blocks, and
    /// there are at most as many messages as the kernel has lanes.
    fn compress(kernel: Kernel, states: &mut [Self::State], blocks: &[&[Block]]);

    /// The state as bytes.
    fn digest(state: &Self::State) -> Self::Digest;
}

/// SHA-1 (FIPS 180-4, section 6.1).
pub(crate) struct Sha1;

/// SHA-256 (FIPS 180-4, section 6.2).
pub(crate) struct Sha256;

impl Function for Sha1 {
    type State = [u32; 5];
    type Digest = [u8; 20];
    const START: Self::State = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476, 0xc3d2_e1f0];

    fn compress(kernel: Kernel, states: &mut [Self::State], blocks: &[&[Block]]) {
        kernel.sha1(states, blocks);
    }

    fn digest(state: &Self::State) -> Self::Digest {
        let mut digest = [0; 20];
        write(state, &mut digest);
        digest
    }
}

impl Function for Sha256 {
    type State = [u32; 8];
    type Digest = [u8; 32];
    const START: Self::State =
        [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19];

    fn compress(kernel: Kernel, states: &mut [Self::State], blocks: &[&[Block]]) {
        kernel.sha256(states, blocks);
    }

    fn digest(state: &Self::State) -> Self::Digest {
        let mut digest = [0; 32];
        write(state, &mut digest);
        digest
    }
}

fn write(state: &[u32], digest: &mut [u8]) {
    for (bytes, word) in digest.as_chunks_mut().0.iter_mut().zip(state) {
        *bytes = word.to_be_bytes();
    }
}
