//! Numbers that no stranger can guess (own design): from the system's own generator.

/// 64 such bits.
pub fn number() -> u64 {
    u64::from_le_bytes(bytes())
}

/// As many bytes as wanted.
pub fn bytes<const N: usize>() -> [u8; N] {
    let mut out = [0; N];
    fill(&mut out);
    out
}

/// Fills with such bytes.
pub fn fill(bytes: &mut [u8]) {
    // INVARIANT: every system that Teem runs on has a generator, which answers once the machine is up; without one nothing is safe.
    getrandom::fill(bytes).expect("the system gives random bytes");
}
