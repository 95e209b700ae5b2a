//! The header line `Range` (RFC 9110, section 14): which part of a content is asked for.
//!
//! One range is served. Several are answered with the whole, which the RFC allows and which costs a client nothing but bytes that it
//! knows how to skip; what is no range of bytes is as if it were not there.
use std::ops::Range;

/// What a request asks for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Wanted {
    /// All of it.
    Whole,
    /// These bytes, at least one.
    Part(Range<u64>),
    /// Only bytes that there are not.
    Nothing,
}

/// What a `Range` line asks of a content of `length` bytes.
pub(crate) fn wanted(line: &str, length: u64) -> Wanted {
    let Some((unit, set)) = line.split_once('=') else { return Wanted::Whole };
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return Wanted::Whole;
    }
    let mut ranges = set.split(',').map(|one| one.trim_matches([' ', '\t'])).filter(|one| !one.is_empty());
    match (ranges.next(), ranges.next()) {
        (Some(one), None) => part(one, length).unwrap_or(Wanted::Whole),
        _ => Wanted::Whole,
    }
}

/// `first-last`, `first-` or `-suffix`; `None` when it is none of them.
fn part(text: &str, length: u64) -> Option<Wanted> {
    let (first, last) = text.split_once('-')?;
    if first.is_empty() {
        let suffix = number(last)?;
        return Some(match (suffix, length) {
            (0, _) => Wanted::Nothing,
            // The whole of nothing has no range that could be named.
            (_, 0) => Wanted::Whole,
            _ => Wanted::Part(length.saturating_sub(suffix)..length),
        });
    }
    let first = number(first)?;
    let last = if last.is_empty() { u64::MAX } else { number(last)? };
    if last < first {
        return None;
    }
    Some(if first >= length { Wanted::Nothing } else { Wanted::Part(first..last.saturating_add(1).min(length)) })
}

/// Digits alone; a number that is too large for us is larger than any content.
fn number(text: &str) -> Option<u64> {
    (!text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_of_the_rfc_and_beyond() {
        use Wanted::{Nothing, Part, Whole};
        let vectors: [(&str, u64, Wanted); 34] = [
            // RFC 9110, section 14.1.2.
            ("bytes=0-499", 10_000, Part(0..500)),
            ("bytes=500-999", 10_000, Part(500..1000)),
            ("bytes=-500", 10_000, Part(9500..10_000)),
            ("bytes=9500-", 10_000, Part(9500..10_000)),
            ("bytes=0-0,-1", 10_000, Whole),
            ("bytes= 0-999, 4500-5499, -1000", 10_000, Whole),
            ("bytes=500-600,601-999", 10_000, Whole),
            ("bytes=0-0", 10, Part(0..1)),
            ("bytes=9-9", 10, Part(9..10)),
            ("bytes=0-", 10, Part(0..10)),
            ("bytes=0-9", 10, Part(0..10)),
            ("bytes=0-10", 10, Part(0..10)),
            ("bytes=5-18446744073709551615", 10, Part(5..10)),
            ("bytes=5-99999999999999999999999", 10, Part(5..10)),
            ("bytes=-1", 10, Part(9..10)),
            ("bytes=-11", 10, Part(0..10)),
            ("bytes=-99999999999999999999999", 10, Part(0..10)),
            ("BYTES=1-2", 10, Part(1..3)),
            ("bytes=1-2,", 10, Part(1..3)),
            ("bytes=, 1-2\t", 10, Part(1..3)),
            ("bytes=10-", 10, Nothing),
            ("bytes=10-20", 10, Nothing),
            ("bytes=99999999999999999999999-", 10, Nothing),
            ("bytes=-0", 10, Nothing),
            ("bytes=0-", 0, Nothing),
            ("bytes=-1", 0, Whole),
            ("bytes=2-1", 10, Whole),
            ("bytes=", 10, Whole),
            ("bytes=-", 10, Whole),
            ("bytes=a-b", 10, Whole),
            ("bytes=+1-2", 10, Whole),
            ("bytes=1 - 2", 10, Whole),
            ("lines=1-2", 10, Whole),
            ("1-2", 10, Whole),
        ];
        for (line, length, expected) in vectors {
            assert_eq!(wanted(line, length), expected, "{line} of {length}");
        }
    }
}
