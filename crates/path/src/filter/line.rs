//! One line of a list of addresses (own design, after what lists are like): CIDR, eMule's ipfilter.dat, PeerGuardian's text.
//!
//! ```text
//! 10.0.0.0/8            10.0.0.1             10.0.0.1 - 10.0.0.9
//! 001.002.003.000 - 001.002.003.255 , 000 , a name        levels above 127 let pass
//! a name:1.2.3.0-1.2.3.255                                names may hold anything
//! ```
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use core::str;

/// Bytes of a line that are read; what is longer is no line of a list.
pub const LINE_MAX: usize = 1024;

/// The level of ipfilter.dat up to which a range is kept out.
const LEVEL_MAX: u32 = 127;

/// What a line says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Line {
    /// Nothing: it is empty, or a comment.
    Nothing,
    /// A range that is let pass.
    Passes,
    /// A range that is kept out, both ends within.
    Range(IpAddr, IpAddr),
    /// It is not understood.
    Bad,
}

/// Reads a line.
pub fn parse(line: &[u8]) -> Line {
    let line = line.trim_ascii();
    if line.is_empty() || line.starts_with(b"#") || line.starts_with(b"//") || line.starts_with(b";") {
        return Line::Nothing;
    }
    if let Some(range) = range(line) {
        return range;
    }
    // A name before the range holds colons too, and so does an address of IPv6: the longest that is one is taken.
    for (at, _) in line.iter().enumerate().filter(|(_, byte)| **byte == b':') {
        if let Some(range) = range(&line[at + 1..]) {
            return range;
        }
    }
    Line::Bad
}

/// What stands without a name before it.
fn range(text: &[u8]) -> Option<Line> {
    if let Some(slash) = text.iter().position(|byte| *byte == b'/') {
        return cidr(ip(&text[..slash])?, number(text[slash + 1..].trim_ascii())?);
    }
    let Some(dash) = text.iter().position(|byte| *byte == b'-') else { return ip(text).map(|ip| Line::Range(ip, ip)) };
    let (first, rest) = (ip(&text[..dash])?, &text[dash + 1..]);
    let mut fields = rest.split(|byte| *byte == b',');
    let last = ip(fields.next()?)?;
    let level = fields.next().map(<[u8]>::trim_ascii);
    if level.and_then(number).is_some_and(|level| level > LEVEL_MAX) {
        return Some(Line::Passes);
    }
    (first.is_ipv4() == last.is_ipv4() && first <= last).then_some(Line::Range(first, last))
}

fn cidr(ip: IpAddr, len: u32) -> Option<Line> {
    match ip {
        IpAddr::V4(ip) if len <= 32 => {
            let host = u32::MAX.checked_shr(len).unwrap_or(0);
            let first = u32::from(ip) & !host;
            Some(Line::Range(Ipv4Addr::from(first).into(), Ipv4Addr::from(first | host).into()))
        }
        IpAddr::V6(ip) if len <= 128 => {
            let host = u128::MAX.checked_shr(len).unwrap_or(0);
            let first = u128::from(ip) & !host;
            Some(Line::Range(Ipv6Addr::from(first).into(), Ipv6Addr::from(first | host).into()))
        }
        _ => None,
    }
}

/// An address; the numbers of IPv4 are decimal, whatever noughts stand before them.
fn ip(text: &[u8]) -> Option<IpAddr> {
    let text = text.trim_ascii();
    if text.contains(&b':') {
        return str::from_utf8(text).ok()?.parse::<Ipv6Addr>().ok().map(IpAddr::V6);
    }
    let (mut parts, mut bytes) = (text.split(|byte| *byte == b'.'), [0; 4]);
    for byte in &mut bytes {
        *byte = u8::try_from(number(parts.next()?)?).ok()?;
    }
    parts.next().is_none().then_some(bytes.into())
}

/// One to three digits.
fn number(text: &[u8]) -> Option<u32> {
    let fits = (1..=3).contains(&text.len()) && text.iter().all(u8::is_ascii_digit);
    fits.then(|| text.iter().fold(0, |all, digit| all * 10 + u32::from(digit - b'0')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_every_kind() {
        let range = |a: &str, b: &str| Line::Range(a.parse().unwrap(), b.parse().unwrap());
        for (line, wanted) in [
            ("", Line::Nothing),
            ("  # a comment", Line::Nothing),
            ("// another", Line::Nothing),
            ("10.5.6.7/8", range("10.0.0.0", "10.255.255.255")),
            ("0.0.0.0/0", range("0.0.0.0", "255.255.255.255")),
            ("2001:db8::7/32", range("2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff")),
            ("192.0.2.7", range("192.0.2.7", "192.0.2.7")),
            ("2001:db8::7", range("2001:db8::7", "2001:db8::7")),
            ("10.0.0.1-10.0.0.9", range("10.0.0.1", "10.0.0.9")),
            ("001.002.003.000 - 001.002.003.255 , 000 , A name", range("1.2.3.0", "1.2.3.255")),
            ("001.009.096.105 - 001.009.096.105 , 127 , Name, with a comma", range("1.9.96.105", "1.9.96.105")),
            ("001.002.003.000 - 001.002.003.255 , 200 , let pass", Line::Passes),
            ("A-Z: Corp (x:y):216.16.1.144-216.16.1.151", range("216.16.1.144", "216.16.1.151")),
            ("IPv6 example:2001:db8::-2001:db8::ff", range("2001:db8::", "2001:db8::ff")),
            ("::1-::2", range("::1", "::2")),
            ("Caf\u{e9}:1.2.3.4-1.2.3.4", range("1.2.3.4", "1.2.3.4")),
            ("sdfsdjkfasfildbg", Line::Bad),
            ("10.0.0.9-10.0.0.1", Line::Bad),
            ("10.0.0.1-10.0.0.2-10.0.0.3", Line::Bad),
            ("10.0.0.0/33", Line::Bad),
            ("10.0.0.256", Line::Bad),
            ("10.0.0", Line::Bad),
            ("10.0.0.1.2", Line::Bad),
            ("1e1.0.0.1", Line::Bad),
        ] {
            assert_eq!(parse(line.as_bytes()), wanted, "{line}");
        }
        assert_eq!(parse(b"Caf\xe9:1.2.3.4-1.2.3.4"), range("1.2.3.4", "1.2.3.4"), "names in other encodings");
    }
}
