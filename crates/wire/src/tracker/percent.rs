//! Percent-coding of query strings (RFC 3986, section 2.1), over bytes: info-hashes and peer ids are no text.
use alloc::string::String;
use alloc::vec::Vec;

/// Appends the bytes, all but unreserved characters as `%XX`.
pub fn encode(bytes: &[u8], out: &mut String) {
    for byte in bytes {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(byte) {
            out.push(char::from(*byte));
        } else {
            let hex = |n: u8| char::from(b"0123456789ABCDEF"[usize::from(n)]);
            out.extend(['%', hex(byte >> 4), hex(byte & 15)]);
        }
    }
}

/// The bytes that a query's value stands for; `None` when a `%` is not followed by two hexadecimal digits, or when there are more
/// than `max` bytes. A `+` is a space, as forms write it.
pub fn decode(text: &str, max: usize) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if out.len() == max {
            return None;
        }
        out.push(match byte {
            b'%' => {
                let mut digit = || char::from(bytes.next()?).to_digit(16);
                let (high, low) = (digit()?, digit()?);
                (high * 16 + low) as u8
            }
            b'+' => b' ',
            other => other,
        });
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_comes_back() {
        let all: Vec<u8> = (0..=255).collect();
        let mut text = String::new();
        encode(&all, &mut text);
        assert!(text.is_ascii() && !text.contains(['&', '=', '+', ' ', '#']));
        assert_eq!(decode(&text, 256), Some(all));
        assert_eq!(decode(&text, 255), None);
        assert_eq!(decode("a+b%2b%2B", 9).as_deref(), Some(&b"a b++"[..]));
        for bad in ["%", "%1", "%zz", "%+1", "%%"] {
            assert_eq!(decode(bad, 9), None, "{bad}");
        }
    }
}
