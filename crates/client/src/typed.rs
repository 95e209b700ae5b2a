//! Sizes, rates and times as people type them (own design): on a command line, in a file, to an interface.
use std::str::FromStr;
use std::time::Duration;

/// A number of bytes: plain, or with k M G T (powers of 1000) or Ki Mi Gi Ti (powers of 1024).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ByteSize(pub u64);

/// Bytes a second; `None` is unlimited (typed as 0).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ByteRate(pub Option<u64>);

/// A span of time: seconds, or with s m h d.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Span(pub Duration);

fn bytes(text: &str) -> Result<u64, String> {
    let text = text.trim();
    let bad = || format!("`{text}` is not a size: write bytes such as 1500, or with k M G Ki Mi Gi, such as 4Mi");
    let at = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(at);
    let unit = unit.trim();
    let unit = unit.strip_suffix(['B', 'b']).unwrap_or(unit);
    let factor: u64 = match unit {
        "" => 1,
        "k" | "K" => 1_000,
        "m" | "M" => 1_000_000,
        "g" | "G" => 1_000_000_000,
        "t" | "T" => 1_000_000_000_000,
        "ki" | "Ki" | "KI" => 1 << 10,
        "mi" | "Mi" | "MI" => 1 << 20,
        "gi" | "Gi" | "GI" => 1 << 30,
        "ti" | "Ti" | "TI" => 1 << 40,
        _ => return Err(bad()),
    };
    scaled(number, factor).ok_or_else(bad)
}

/// A decimal number times a factor, exactly, rounded down; `None` when it is no number or too large.
pub fn scaled(number: &str, factor: u64) -> Option<u64> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if (whole.is_empty() && fraction.is_empty()) || fraction.len() > 9 || fraction.contains('.') {
        return None;
    }
    let whole: u64 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let part: u64 = if fraction.is_empty() { 0 } else { fraction.parse().ok()? };
    let part = u128::from(part) * u128::from(factor) / 10u128.pow(fraction.len() as u32);
    whole.checked_mul(factor)?.checked_add(u64::try_from(part).ok()?)
}

impl FromStr for ByteSize {
    type Err = String;
    fn from_str(s: &str) -> Result<Self, String> {
        bytes(s).map(Self)
    }
}

impl FromStr for ByteRate {
    type Err = String;
    fn from_str(s: &str) -> Result<Self, String> {
        let n = bytes(s.trim().trim_end_matches("/s"))?;
        Ok(Self((n > 0).then_some(n)))
    }
}

impl FromStr for Span {
    type Err = String;
    fn from_str(s: &str) -> Result<Self, String> {
        let s = s.trim();
        let bad = || format!("`{s}` is not a time: write seconds, or with s m h d, such as 90 or 30m");
        let at = s.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(s.len());
        let (number, unit) = s.split_at(at);
        let ms = match unit.trim() {
            "ms" => 1,
            "" | "s" => 1_000,
            "m" | "min" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return Err(bad()),
        };
        Ok(Self(Duration::from_millis(scaled(number, ms).ok_or_else(bad)?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_rates() {
        for (text, n) in [
            ("0", 0),
            ("1500", 1500),
            ("4k", 4000),
            ("4Ki", 4096),
            ("16KiB", 16384),
            ("1.5M", 1_500_000),
            (".5Gi", 1 << 29),
            ("2 MB", 2_000_000),
        ] {
            assert_eq!(text.parse(), Ok(ByteSize(n)), "{text}");
        }
        for text in ["", "x", "4Q", "-1", "1.2.3", "99999999999999999999", "20000000T", "."] {
            assert!(text.parse::<ByteSize>().is_err(), "{text}");
        }
        assert_eq!("4M/s".parse(), Ok(ByteRate(Some(4_000_000))));
        assert_eq!("0".parse(), Ok(ByteRate(None)));
    }

    #[test]
    fn times() {
        assert_eq!("90".parse(), Ok(Span(Duration::from_secs(90))));
        assert_eq!("1.5h".parse(), Ok(Span(Duration::from_secs(5400))));
        assert!("soon".parse::<Span>().is_err());
    }
}
