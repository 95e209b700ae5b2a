//! Local service discovery (BEP 14): a call to everybody in this network that names torrents, as a packet of text.
//!
//! What is not understood is skipped, as with any header of HTTP; a packet without a port or without a hash says nothing.
use crate::compact::Family;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt::Write;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use teem_metainfo::InfoHash;

/// The port of both groups.
pub const PORT: u16 = 6771;
/// The group of IPv4, of an organisation's scope.
pub const GROUP_V4: Ipv4Addr = Ipv4Addr::new(239, 192, 152, 143);
/// The group of IPv6, of a site's scope.
pub const GROUP_V6: Ipv6Addr = Ipv6Addr::new(0xff15, 0, 0, 0, 0, 0, 0xefc0, 0x988f);

/// The longest packet, in bytes: what passes everywhere in one piece (BEP 14).
pub const PACKET_MAX: usize = 1400;
/// Torrents named by one packet: those that fit, at 52 bytes each besides the other headers.
pub const HASHES_MAX: usize = 24;
/// Bytes taken of a cookie.
const COOKIE_MAX: usize = 64;

/// What a packet says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Call {
    /// The port that the sender takes connections on.
    pub port: u16,
    /// The torrents that it has, by v1 hashes or shortened v2 ones; at most [`HASHES_MAX`].
    pub hashes: Vec<InfoHash>,
    /// By this the sender knows its own packets.
    pub cookie: Option<String>,
}

/// Where the packets of a family go.
pub fn group(family: Family) -> SocketAddr {
    let ip: IpAddr = match family {
        Family::V4 => GROUP_V4.into(),
        Family::V6 => GROUP_V6.into(),
    };
    SocketAddr::new(ip, PORT)
}

/// The packet. Of more hashes than [`HASHES_MAX`] the rest is left out.
pub fn encode(family: Family, call: &Call) -> Vec<u8> {
    let mut out = String::from("BT-SEARCH * HTTP/1.1\r\n");
    // INVARIANT: writing to a string does not fail.
    let _ = write!(out, "Host: {}\r\nPort: {}\r\n", group(family), call.port);
    for hash in call.hashes.iter().take(HASHES_MAX) {
        let _ = write!(out, "Infohash: {hash}\r\n");
    }
    if let Some(cookie) = &call.cookie {
        let _ = write!(out, "cookie: {cookie}\r\n");
    }
    out.push_str("\r\n\r\n");
    out.into_bytes()
}

/// Reads a packet; `None` is one that says nothing to us.
pub fn decode(packet: &[u8]) -> Option<Call> {
    if packet.len() > PACKET_MAX {
        return None;
    }
    let text = core::str::from_utf8(packet).ok()?;
    let mut lines = text.lines();
    if lines.next()?.trim_end() != "BT-SEARCH * HTTP/1.1" {
        return None;
    }
    let (mut port, mut hashes, mut cookie) = (None, Vec::new(), None);
    for (name, value) in lines.filter_map(|line| line.split_once(':')) {
        let (name, value) = (name.trim(), value.trim());
        if name.eq_ignore_ascii_case("port") {
            port = value.parse::<u16>().ok().filter(|port| *port != 0);
        } else if name.eq_ignore_ascii_case("infohash") {
            let hash = hash(value).filter(|hash| hashes.len() < HASHES_MAX && !hashes.contains(hash));
            hashes.extend(hash);
        } else if name.eq_ignore_ascii_case("cookie") && value.len() <= COOKIE_MAX {
            cookie = Some(value.to_string());
        }
    }
    Some(Call { port: port?, hashes, cookie }).filter(|call| !call.hashes.is_empty())
}

/// Forty hexadecimal digits.
fn hash(text: &str) -> Option<InfoHash> {
    let digits: &[u8; 40] = text.as_bytes().try_into().ok()?;
    let mut hash = [0; 20];
    for (byte, pair) in hash.iter_mut().zip(digits.chunks_exact(2)) {
        let [high, low] = [pair[0], pair[1]].map(|digit| char::from(digit).to_digit(16));
        *byte = (high? << 4 | low?) as u8;
    }
    Some(InfoHash(hash))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use alloc::vec;

    fn call() -> Call {
        Call { port: 6881, hashes: vec![InfoHash([0xab; 20]), InfoHash([1; 20])], cookie: Some("c00k1e".into()) }
    }

    #[test]
    fn there_and_back_in_both_families() {
        for (family, host) in [(Family::V4, "239.192.152.143:6771"), (Family::V6, "[ff15::efc0:988f]:6771")] {
            let packet = encode(family, &call());
            assert!(packet.starts_with(format!("BT-SEARCH * HTTP/1.1\r\nHost: {host}\r\nPort: 6881\r\n").as_bytes()));
            assert!(packet.ends_with(b"\r\n\r\n\r\n"));
            assert_eq!(decode(&packet), Some(call()));
        }
        let many = Call { hashes: (0..100).map(|n| InfoHash([n; 20])).collect(), ..call() };
        let packet = encode(Family::V6, &many);
        assert!(packet.len() <= PACKET_MAX, "{}", packet.len());
        assert_eq!(decode(&packet).map(|call| call.hashes.len()), Some(HASHES_MAX));
    }

    #[test]
    fn others_write_their_headers_in_other_letters_and_orders() {
        let hash = "AB".repeat(20);
        let packet = format!("BT-SEARCH * HTTP/1.1\r\nX: y\r\nINFOHASH:{hash}\r\nport:  6881 \r\nHost: z\r\n\r\n");
        let got = decode(packet.as_bytes());
        assert_eq!(got, Some(Call { port: 6881, hashes: vec![InfoHash([0xab; 20])], cookie: None }));
    }

    #[test]
    fn what_says_nothing_is_nothing() {
        let hash = "ab".repeat(20);
        for bad in [
            String::new(),
            format!("GET / HTTP/1.1\r\nPort: 6881\r\nInfohash: {hash}\r\n\r\n"),
            format!("BT-SEARCH * HTTP/1.1\r\nInfohash: {hash}\r\n\r\n"),
            format!("BT-SEARCH * HTTP/1.1\r\nPort: 0\r\nInfohash: {hash}\r\n\r\n"),
            format!("BT-SEARCH * HTTP/1.1\r\nPort: 65536\r\nInfohash: {hash}\r\n\r\n"),
            format!("BT-SEARCH * HTTP/1.1\r\nPort: 6881\r\nInfohash: {}\r\n\r\n", &hash[1..]),
            format!("BT-SEARCH * HTTP/1.1\r\nPort: 6881\r\nInfohash: {}g\r\n\r\n", &hash[1..]),
            format!("BT-SEARCH * HTTP/1.1\r\nPort: 6881\r\nInfohash: {hash}\r\n{}", "x: y\r\n".repeat(300)),
        ] {
            assert_eq!(decode(bad.as_bytes()), None, "{bad:?}");
        }
        assert_eq!(decode(b"BT-SEARCH * HTTP/1.1\r\nPort: 6881\r\nInfohash: \xff\r\n"), None);
    }
}
