//! Percent coding (RFC 3986 section 2.1).

use alloc::{string::String, vec::Vec};

const DIGITS: &[u8; 16] = b"0123456789ABCDEF";

/// Encodes all but letters, digits and `-._~`.
pub fn encode(bytes: &[u8]) -> String {
    encode_except(bytes, b"-._~")
}

/// Encodes what cannot stand in a URL at all; separators and existing escapes stay.
pub fn encode_url(url: &str) -> String {
    encode_except(url.as_bytes(), b"-._~:/?#[]@!$&'()*+,;=%")
}

/// Encodes all but letters, digits and the ASCII bytes in `keep`.
fn encode_except(bytes: &[u8], keep: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for &byte in bytes {
        if byte.is_ascii_alphanumeric() || keep.contains(&byte) {
            text.push(char::from(byte));
        } else {
            text.push('%');
            text.push(char::from(DIGITS[usize::from(byte >> 4)]));
            text.push(char::from(DIGITS[usize::from(byte & 15)]));
        }
    }
    text
}

/// Decodes escapes; a percent sign without two digits stands for itself.
pub fn decode(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        let digit = |at: usize| tail.get(at).and_then(|&c| char::from(c).to_digit(16));
        if let (b'%', Some(high), Some(low)) = (byte, digit(0), digit(1)) {
            bytes.push((high << 4 | low) as u8);
            rest = &tail[2..];
        } else {
            bytes.push(byte);
            rest = tail;
        }
    }
    bytes
}
