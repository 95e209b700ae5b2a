//! What people type and read: sizes, rates, times.
use std::fmt;
use std::str::FromStr;
use std::time::Duration;
use teem_client::policy::Until;

/// A number of bytes: plain, or with k M G T (powers of 1000) or Ki Mi Gi Ti (powers of 1024).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct ByteSize(pub(crate) u64);

/// Bytes a second; `None` is unlimited (typed as 0).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct ByteRate(pub(crate) Option<u64>);

/// A span of time: seconds, or with s m h d.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Span(pub(crate) Duration);

/// When `get` ends: at once, by a ratio or after a time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Enough(pub(crate) Until);

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
fn scaled(number: &str, factor: u64) -> Option<u64> {
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

impl FromStr for Enough {
    type Err = String;
    fn from_str(s: &str) -> Result<Self, String> {
        let s = s.trim();
        if s == "done" {
            return Ok(Self(Until::Done));
        }
        if let Some(ratio) = s.strip_prefix("ratio=") {
            let ratio = scaled(ratio, 1000).ok_or_else(|| format!("`{ratio}` is not a ratio such as 1.5"))?;
            return Ok(Self(Until::Ratio(ratio)));
        }
        s.parse::<Span>()
            .map(|t| Self(Until::Time(t.0)))
            .map_err(|_| format!("`{s}` is none of: done, ratio=R such as ratio=1.5, a time such as 30m"))
    }
}

/// Shows bytes in powers of 1024, with three digits or so.
pub(crate) struct Bytes(pub(crate) u64);

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut value = self.0 as f64;
        for unit in ["B", "KiB", "MiB", "GiB", "TiB"] {
            if value < 1000.0 || unit == "TiB" {
                return match unit {
                    "B" => write!(f, "{} B", self.0),
                    _ if value < 10.0 => write!(f, "{value:.2} {unit}"),
                    _ if value < 100.0 => write!(f, "{value:.1} {unit}"),
                    _ => write!(f, "{value:.0} {unit}"),
                };
            }
            value /= 1024.0;
        }
        Ok(())
    }
}

/// Shows a count with its word.
pub(crate) struct Count(pub(crate) usize, pub(crate) &'static str);

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}{}", self.0, self.1, if self.0 == 1 { "" } else { "s" })
    }
}

/// Shows a time as people say it: 41 s, 3 min 5 s, 2 h 10 min, 3 d 4 h.
pub(crate) struct Time(pub(crate) Duration);

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let s = self.0.as_secs();
        match s {
            0..60 => write!(f, "{s} s"),
            60..3600 => write!(f, "{} min {} s", s / 60, s % 60),
            3600..86_400 => write!(f, "{} h {} min", s / 3600, s / 60 % 60),
            _ => write!(f, "{} d {} h", s / 86_400, s / 3600 % 24),
        }
    }
}

/// Bytes as copies of the content, with two decimals.
pub(crate) struct Copies(pub(crate) u64, pub(crate) u64);

impl fmt::Display for Copies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hundredths = u128::from(self.0) * 100 / u128::from(self.1.max(1));
        write!(f, "{}.{:02}", hundredths / 100, hundredths % 100)
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
    fn times_and_ends() {
        assert_eq!("90".parse(), Ok(Span(Duration::from_secs(90))));
        assert_eq!("1.5h".parse(), Ok(Span(Duration::from_secs(5400))));
        assert!("soon".parse::<Span>().is_err());
        assert_eq!("done".parse(), Ok(Enough(Until::Done)));
        assert_eq!("ratio=1.25".parse(), Ok(Enough(Until::Ratio(1250))));
        assert_eq!("30m".parse(), Ok(Enough(Until::Time(Duration::from_secs(1800)))));
        assert!("never".parse::<Enough>().is_err());
    }

    #[test]
    fn shown_as_people_read() {
        assert_eq!(Bytes(999).to_string(), "999 B");
        assert_eq!(Bytes(1536).to_string(), "1.50 KiB");
        assert_eq!(Bytes(3_328_599_654).to_string(), "3.10 GiB");
        assert_eq!(Bytes(u64::MAX).to_string(), "16777216 TiB");
        assert_eq!(Time(Duration::from_secs(3700)).to_string(), "1 h 1 min");
    }
}
