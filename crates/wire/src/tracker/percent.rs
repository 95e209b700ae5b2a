//! Percent-coding in query strings (RFC 3986, section 2.1), read strictly and over bytes: info-hashes and peer ids are no text.
use alloc::vec::Vec;

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
    use teem_metainfo::percent::encode;

    #[test]
    fn every_byte_comes_back() {
        let all: Vec<u8> = (0..=255).collect();
        let text = encode(&all);
        assert!(text.is_ascii() && !text.contains(['&', '=', '+', ' ', '#']));
        assert_eq!(decode(&text, 256), Some(all));
        assert_eq!(decode(&text, 255), None);
        assert_eq!(decode("a+b%2b%2B", 9).as_deref(), Some(&b"a b++"[..]));
        for bad in ["%", "%1", "%zz", "%+1", "%%"] {
            assert_eq!(decode(bad, 9), None, "{bad}");
        }
    }
}
