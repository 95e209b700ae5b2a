//! The names of a torrent: the digests of its info dictionary (BEP 3: SHA-1; BEP 52: SHA-256).
//!
//! A hash is computed over the bytes as they stand in the file, so these types are only made from bytes or text.

use core::{fmt, str::FromStr};

use sha2::Digest as _;

/// SHA-1 of the info dictionary: what peers, trackers and the DHT know a version 1 torrent by.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InfoHash(pub [u8; 20]);

/// SHA-256 of the info dictionary (BEP 52).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InfoHashV2(pub [u8; 32]);

/// A text that is no info-hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BadInfoHash;

impl InfoHash {
    /// The hash of an info dictionary's bytes.
    pub fn of(info: &[u8]) -> Self {
        Self(sha1::Sha1::digest(info).into())
    }

    /// The same of bytes that come in parts.
    pub fn of_parts(parts: impl IntoIterator<Item = impl AsRef<[u8]>>) -> Self {
        let mut sum = sha1::Sha1::new();
        parts.into_iter().for_each(|part| sum.update(part));
        Self(sum.finalize().into())
    }
}

impl InfoHashV2 {
    /// The hash of an info dictionary's bytes.
    pub fn of(info: &[u8]) -> Self {
        Self(sha2::Sha256::digest(info).into())
    }

    /// The first 20 bytes, as used wherever a protocol has room for no more (BEP 52, "Infohash").
    pub fn truncated(&self) -> InfoHash {
        let mut short = [0; 20];
        short.copy_from_slice(&self.0[..20]);
        InfoHash(short)
    }
}

fn write_hex(bytes: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
}

impl fmt::Display for InfoHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(&self.0, f)
    }
}

impl fmt::Debug for InfoHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(&self.0, f)
    }
}

impl fmt::Display for InfoHashV2 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(&self.0, f)
    }
}

impl fmt::Debug for InfoHashV2 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(&self.0, f)
    }
}

/// Reads exactly `N` bytes of hexadecimal digits in either case.
pub(crate) fn hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let text = text.as_bytes();
    let mut bytes = [0; N];
    if text.len() != 2 * N {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(text.chunks_exact(2)) {
        let digit = |c: u8| char::from(c).to_digit(16);
        *byte = (digit(pair[0])? << 4 | digit(pair[1])?) as u8;
    }
    Some(bytes)
}

/// Reads 20 bytes of 32 base32 digits (RFC 4648 section 6) in either case.
fn base32(text: &str) -> Option<[u8; 20]> {
    let text = text.as_bytes();
    let mut bytes = [0; 20];
    if text.len() != 32 {
        return None;
    }
    for (five, eight) in bytes.chunks_exact_mut(5).zip(text.chunks_exact(8)) {
        let mut bits = 0_u64;
        for &c in eight {
            let digit = match c.to_ascii_uppercase() {
                c @ b'A'..=b'Z' => c - b'A',
                c @ b'2'..=b'7' => c - b'2' + 26,
                _ => return None,
            };
            bits = bits << 5 | u64::from(digit);
        }
        five.copy_from_slice(&bits.to_be_bytes()[3..]);
    }
    Some(bytes)
}

/// 40 hexadecimal or 32 base32 digits.
impl FromStr for InfoHash {
    type Err = BadInfoHash;

    fn from_str(text: &str) -> Result<Self, BadInfoHash> {
        hex(text).or_else(|| base32(text)).map(Self).ok_or(BadInfoHash)
    }
}

/// 64 hexadecimal digits.
impl FromStr for InfoHashV2 {
    type Err = BadInfoHash;

    fn from_str(text: &str) -> Result<Self, BadInfoHash> {
        hex(text).map(Self).ok_or(BadInfoHash)
    }
}

impl fmt::Display for BadInfoHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an info-hash is 40 hexadecimal digits, or 32 letters and digits in base32")
    }
}

impl core::error::Error for BadInfoHash {}
