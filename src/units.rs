//! What people type and read: sizes, rates, times.
use std::fmt;
use std::str::FromStr;
use std::time::Duration;
use teem_client::policy::{Goal, Until};
use teem_client::typed::scaled;
pub(crate) use teem_client::typed::{ByteRate, ByteSize, Span};

/// When `get` ends: at once, by a ratio or after a time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Enough(pub(crate) Until);

impl Enough {
    /// The same as a goal, as the daemon understands it.
    pub(crate) fn goal(self) -> String {
        match self.0 {
            Until::Done => "done".to_owned(),
            Until::Ratio(thousandths) => Goal { ratio: Some(thousandths), ..Goal::default() }.to_string(),
            Until::Time(time) => Goal { time_s: Some(time.as_secs()), ..Goal::default() }.to_string(),
            _ => Goal::default().to_string(),
        }
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
    fn times_and_ends() {
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
