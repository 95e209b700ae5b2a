//! One notion of *who* somebody is (own design): what one party may well hold all of by itself.
//!
//! A host with IPv6 is given a /64 and may use each of its addresses; with IPv4 it is one address. Whatever is limited, charged or punished
//! by source goes by its [`Holder`]. A party with more than that (a rented /24, the /48 of a site) is summed by the [`Network`] around it:
//! where room is short, the most crowded network yields first. An IPv4 address in IPv6 clothing is an IPv4 address.
use core::net::IpAddr;
use core::ops::RangeInclusive;

/// A party that something is charged to: an IPv4 address, a /64 of IPv6, or one that came from no network and stands for itself.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Holder(Kind, [u8; 8]);

/// What is around a holder: /24 of IPv4, /48 of IPv6; one that came from no network is alone in it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Network(Kind, [u8; 6]);

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Kind {
    V6,
    V4,
    Named,
}

impl Holder {
    /// The holder of an address.
    pub fn of(ip: IpAddr) -> Self {
        let mut part = [0; 8];
        match ip.to_canonical() {
            IpAddr::V4(ip) => {
                part[..4].copy_from_slice(&ip.octets());
                Self(Kind::V4, part)
            }
            IpAddr::V6(ip) => {
                part.copy_from_slice(&ip.octets()[..8]);
                Self(Kind::V6, part)
            }
        }
    }

    /// One that came from no network, by the number that tells it from the others of its kind.
    pub fn named(number: u32) -> Self {
        let mut part = [0; 8];
        part[2..6].copy_from_slice(&number.to_be_bytes());
        Self(Kind::Named, part)
    }

    /// The network around it.
    pub fn wider(self) -> Network {
        let Self(kind, part) = self;
        let mut network = [0; 6];
        let bytes = if kind == Kind::V4 { 3 } else { 6 };
        network[..bytes].copy_from_slice(&part[..bytes]);
        Network(kind, network)
    }
}

impl Network {
    /// The first and the last of the holders in it, in their order.
    pub fn holders(self) -> RangeInclusive<Holder> {
        let Self(kind, part) = self;
        let (mut first, mut last) = ([0; 8], [0; 8]);
        first[..6].copy_from_slice(&part);
        last[..6].copy_from_slice(&part);
        let own = if kind == Kind::V4 { 3..4 } else { 6..8 };
        last[own].fill(0xFF);
        Holder(kind, first)..=Holder(kind, last)
    }

    /// The network around the holder of an address.
    pub fn of(ip: IpAddr) -> Self {
        Holder::of(ip).wider()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Holder {
        Holder::of(text.parse().unwrap())
    }

    #[test]
    fn a_holder_is_an_address_or_a_64_and_a_network_a_24_or_a_48() {
        let same = |a: &str, b: &str| (of(a) == of(b), of(a).wider() == of(b).wider());
        assert_eq!(same("192.0.2.1", "192.0.2.1"), (true, true));
        assert_eq!(same("192.0.2.1", "192.0.2.200"), (false, true));
        assert_eq!(same("192.0.2.1", "192.0.3.1"), (false, false));
        assert_eq!(same("192.0.2.1", "::ffff:192.0.2.1"), (true, true));
        assert_eq!(same("2001:db8:1:2::1", "2001:db8:1:2:ffff::9"), (true, true));
        assert_eq!(same("2001:db8:1:2::1", "2001:db8:1:3::1"), (false, true));
        assert_eq!(same("2001:db8:1::1", "2001:db8:2::1"), (false, false));
        assert_eq!(same("::1", "0.0.0.1"), (false, false), "families do not mix");
    }

    #[test]
    fn the_holders_of_a_network_lie_beside_each_other() {
        for (inside, network) in
            [("192.0.2.0", "192.0.2.9"), ("192.0.2.255", "192.0.2.9"), ("2001:db8:1:ffff::", "2001:db8:1::")]
        {
            assert!(of(network).wider().holders().contains(&of(inside)), "{inside}");
        }
        for (outside, network) in
            [("192.0.1.255", "192.0.2.9"), ("192.0.3.0", "192.0.2.9"), ("2001:db8:2::", "2001:db8:1::")]
        {
            assert!(!of(network).wider().holders().contains(&of(outside)), "{outside}");
        }
    }

    #[test]
    fn each_that_came_from_no_network_stands_for_itself() {
        assert_eq!(Holder::named(1), Holder::named(1));
        for (a, b) in [(1, 257), (0, 1 << 24), (1, 1 << 16)] {
            assert_ne!(Holder::named(a).wider(), Holder::named(b).wider());
        }
        assert_ne!(Holder::named(0), of("::"));
        assert_ne!(Holder::named(0).wider(), of("0.0.0.0").wider());
    }
}
