//! Datagrams through the relay of a SOCKS5 proxy (RFC 1928, section 7), without a socket: each has a head that says where it goes, or where it comes from.
//!
//! Fragments are neither sent nor put together (the RFC leaves that to choice, and has others drop them).
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::opener::{OpenError, Target, put_place};

/// Bytes of the longest head: two reserved ones, the fragment's number, and a name with its port.
pub const HEAD_MAX: usize = 3 + 2 + 255 + 2;

/// Bytes of the head that leads to an address of that family.
pub fn head_len(v4: bool) -> usize {
    3 + 1 + if v4 { 4 } else { 16 } + 2
}

/// Appends what the relay is to be sent so that `payload` goes on to `to`; the proxy looks names up.
pub fn wrap(to: &Target, payload: &[u8], out: &mut Vec<u8>) -> Result<(), OpenError> {
    out.extend_from_slice(&[0, 0, 0]);
    put_place(to, out)?;
    out.extend_from_slice(payload);
    Ok(())
}

/// Where a datagram of the relay's comes from, and what it says; `None` for what is no whole datagram of somebody who can be answered.
pub fn unwrap(packet: &[u8]) -> Option<(SocketAddr, &[u8])> {
    // The reserved bytes are not looked at, as little as by others.
    let [_, _, 0, kind, rest @ ..] = packet else { return None };
    let (ip, rest): (IpAddr, &[u8]) = match kind {
        1 => {
            let (ip, rest) = rest.split_first_chunk::<4>()?;
            (Ipv4Addr::from(*ip).into(), rest)
        }
        4 => {
            let (ip, rest) = rest.split_first_chunk::<16>()?;
            (Ipv6Addr::from(*ip).to_canonical(), rest)
        }
        // Some write an address out; a name says nothing that could be answered.
        3 => {
            let (len, rest) = rest.split_first()?;
            let (name, rest) = rest.split_at_checked(usize::from(*len))?;
            (core::str::from_utf8(name).ok()?.parse::<IpAddr>().ok()?.to_canonical(), rest)
        }
        _ => return None,
    };
    let (port, payload) = rest.split_first_chunk::<2>()?;
    let port = u16::from_be_bytes(*port);
    (port != 0).then_some((SocketAddr::new(ip, port), payload))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addr(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    fn wrapped(to: &Target, payload: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        wrap(to, payload, &mut out).unwrap();
        out
    }

    #[test]
    fn datagrams_have_the_head_of_rfc_1928() {
        let v4 = wrapped(&Target::Addr(addr("198.18.0.7:6881")), b"hi");
        assert_eq!(v4, [0, 0, 0, 1, 198, 18, 0, 7, 0x1a, 0xe1, b'h', b'i']);
        let v6 = wrapped(&Target::Addr(addr("[2001:db8::1]:80")), b"");
        assert_eq!((v6.len(), &v6[..6], &v6[19..]), (head_len(false), &[0, 0, 0, 4, 0x20, 1][..], &[1, 0, 80][..]));
        assert_eq!(head_len(true), v4.len() - 2);
        let name = wrapped(&Target::Name("t.example".into(), 80), b"hi");
        assert_eq!(name, [&[0, 0, 0, 3, 9][..], b"t.example", &[0, 80], b"hi"].concat());
        let mapped = Target::Addr(addr("[::ffff:198.18.0.7]:6881"));
        assert_eq!(wrapped(&mapped, b"hi"), v4, "an address is said in its own family");
        assert_eq!(wrap(&Target::Name("a b".into(), 1), b"", &mut Vec::new()), Err(OpenError::BadName));
    }

    #[test]
    fn what_was_wrapped_comes_out() {
        for text in ["198.18.0.7:6881", "[2001:db8::1]:80"] {
            for payload in [&b""[..], b"x", &[7; 1_472]] {
                let packet = wrapped(&Target::Addr(addr(text)), payload);
                assert_eq!(unwrap(&packet), Some((addr(text), payload)));
                for len in 0..packet.len() - payload.len() {
                    assert_eq!(unwrap(&packet[..len]), None, "{len}");
                }
            }
        }
    }

    #[test]
    fn an_address_that_is_written_out_is_one_and_other_names_are_not() {
        let named = |name: &str| {
            let len = u8::try_from(name.len()).unwrap();
            [&[0, 0, 0, 3, len][..], name.as_bytes(), &[0, 80, 1]].concat()
        };
        assert_eq!(unwrap(&named("198.18.0.7")), Some((addr("198.18.0.7:80"), &[1][..])));
        for name in ["", "t.example", "198.18.0"] {
            assert_eq!(unwrap(&named(name)), None, "{name}");
        }
    }

    #[test]
    fn fragments_kinds_that_are_none_and_port_0_are_dropped() {
        for bad in [[0, 0, 1, 1, 1, 2, 3, 4, 0, 80], [0, 0, 0, 2, 1, 2, 3, 4, 0, 80], [0, 0, 0, 1, 1, 2, 3, 4, 0, 0]] {
            assert_eq!(unwrap(&bad), None);
        }
        assert!(unwrap(&[9, 9, 0, 1, 1, 2, 3, 4, 0, 80]).is_some(), "reserved bytes");
    }
}
