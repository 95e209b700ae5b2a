//! The part of an address that one party may well hold all of (own design): /24 of IPv4, /48 of IPv6. What is shared out by it
//! cannot be had twice by coming twice.
use crate::remote::Remote;
use core::net::IpAddr;

/// A network that one party may well hold all of: /24 of IPv4 or /48 of IPv6. A connection that came from no network stands for itself.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Prefix(Kind, [u8; 6]);

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Kind {
    V6,
    V4,
    Named,
}

impl Prefix {
    /// The network of an address; an IPv4 address in IPv6 clothing is an IPv4 address.
    pub fn of(ip: IpAddr) -> Self {
        let mut part = [0; 6];
        match ip.to_canonical() {
            IpAddr::V4(ip) => part[..3].copy_from_slice(&ip.octets()[..3]),
            IpAddr::V6(ip) => part.copy_from_slice(&ip.octets()[..6]),
        }
        Self(if ip.to_canonical().is_ipv4() { Kind::V4 } else { Kind::V6 }, part)
    }

    /// The network of the other end of a connection.
    pub(crate) fn of_remote(remote: Remote) -> Self {
        match remote {
            Remote::Addr(addr) => Self::of(addr.ip()),
            Remote::Named(number) => {
                let [a, b, c, d] = number.to_be_bytes();
                Self(Kind::Named, [0, 0, a, b, c, d])
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_are_one() {
        let of = |text: &str| Prefix::of(text.parse().unwrap());
        assert_eq!(of("192.0.2.1"), of("192.0.2.200"));
        assert_eq!(of("192.0.2.1"), of("::ffff:192.0.2.3"));
        assert_ne!(of("192.0.2.1"), of("192.0.3.1"));
        assert_eq!(of("2001:db8:1::1"), of("2001:db8:1:ffff::2"));
        assert_ne!(of("2001:db8:1::1"), of("2001:db8:2::1"));
        let named = |n| Prefix::of_remote(Remote::Named(n));
        assert_eq!(named(1), named(1));
        assert_ne!(named(1), named(257));
        assert_ne!(named(0), of("::"));
    }
}
