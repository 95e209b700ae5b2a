//! Numbers that no stranger can guess (own design), from the system by way of the standard library's hasher keys.

/// 64 such bits.
#[allow(clippy::disallowed_types)] // here it is the source of entropy, not a map's hasher
pub fn number() -> u64 {
    use std::hash::{BuildHasher, Hasher};
    std::collections::hash_map::RandomState::new().build_hasher().finish()
}

/// As many bytes as wanted. The standard library draws keys from the system once a thread and counts on from there; the
/// digest over several of them hides the count.
pub fn bytes<const N: usize>() -> [u8; N] {
    let mut out = [0; N];
    for (i, chunk) in out.chunks_mut(8).enumerate() {
        let mixed = number() ^ (i as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        chunk.copy_from_slice(&mixed.to_le_bytes()[..chunk.len()]);
    }
    out
}
