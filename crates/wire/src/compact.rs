//! Addresses as 6 or 18 bytes: the address, then the port, big-endian (BEP 23 for IPv4, BEP 7 for IPv6).
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Length in bytes of an IPv4 address with port.
pub(crate) const V4_LEN: usize = 6;
/// Length in bytes of an IPv6 address with port.
pub(crate) const V6_LEN: usize = 18;

/// Whose addresses a list holds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Family {
    /// 6 bytes each.
    V4,
    /// 18 bytes each.
    V6,
}

impl Family {
    /// The family of an address; an IPv4 address mapped into IPv6 is an IPv4 one.
    pub fn of(ip: IpAddr) -> Self {
        if ip.to_canonical().is_ipv4() { Self::V4 } else { Self::V6 }
    }

    /// Length in bytes of an entry.
    pub(crate) fn entry_len(self) -> usize {
        match self {
            Self::V4 => V4_LEN,
            Self::V6 => V6_LEN,
        }
    }
}

/// The addresses of a list. A rest that is no whole entry is left out, and so is port 0, which nobody listens on.
pub fn decode(family: Family, bytes: &[u8]) -> impl Iterator<Item = SocketAddr> {
    bytes.chunks_exact(family.entry_len()).filter_map(|entry| {
        let (ip, port) = entry.split_at(entry.len() - 2);
        let port = u16::from_be_bytes([port[0], port[1]]);
        let ip: IpAddr = match <[u8; 4]>::try_from(ip) {
            Ok(v4) => Ipv4Addr::from(v4).into(),
            Err(_) => Ipv6Addr::from(<[u8; 16]>::try_from(ip).ok()?).to_canonical(),
        };
        (port != 0).then(|| SocketAddr::new(ip, port))
    })
}

/// Appends an address in the form of its own family.
pub fn encode(addr: SocketAddr, out: &mut Vec<u8>) {
    match addr.ip() {
        IpAddr::V4(ip) => out.extend_from_slice(&ip.octets()),
        IpAddr::V6(ip) => out.extend_from_slice(&ip.octets()),
    }
    out.extend_from_slice(&addr.port().to_be_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    #[test]
    fn there_and_back() {
        let v4: SocketAddr = "1.2.3.4:12304".parse().unwrap();
        let v6: SocketAddr = "[2001:db8::1]:6881".parse().unwrap();
        let mut out = Vec::new();
        encode(v4, &mut out);
        assert_eq!(out, [1, 2, 3, 4, 0x30, 0x10]);
        out.extend_from_slice(&[9, 9, 9, 9, 0, 0, 1, 2, 3]); // port 0, and a rest
        assert_eq!(decode(Family::V4, &out).collect::<Vec<_>>(), vec![v4]);
        let mut out = Vec::new();
        encode(v6, &mut out);
        assert_eq!(decode(Family::V6, &out).collect::<Vec<_>>(), vec![v6]);
        let mapped = [&[0; 10][..], &[0xFF, 0xFF, 1, 2, 3, 4, 0x30, 0x10]].concat();
        assert_eq!(decode(Family::V6, &mapped).collect::<Vec<_>>(), vec![v4]);
    }
}
