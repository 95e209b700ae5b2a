//! From where an address can be reached (RFC 6890, which has the ranges): what trackers may tell whom, what may be dialled
//! and what fetched goes by it.
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// How far an address reaches, from near to far.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Reach {
    /// Nothing that can be connected to: unspecified, multicast, broadcast, reserved.
    Nowhere,
    /// An address of this machine itself.
    Loopback,
    /// This network: private, link-local, unique local, and shared by a carrier.
    Private,
    /// An address that may be reached from everywhere.
    Public,
}

impl Reach {
    /// Of an address; an IPv4 address within an IPv6 one, which is where its packets go in the end, counts as what it is.
    pub fn of(ip: IpAddr) -> Self {
        match ip.to_canonical() {
            IpAddr::V4(ip) => of_v4(ip),
            IpAddr::V6(ip) => of_v6(ip),
        }
    }

    /// One word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Nowhere => "unusable",
            Self::Loopback => "loopback",
            Self::Private => "private",
            Self::Public => "public",
        }
    }

    /// Whether an address of this reach is of use to somebody at one of that reach.
    pub fn told_to(self, asker: Self) -> bool {
        self != Self::Nowhere && self >= asker
    }
}

fn of_v4(ip: Ipv4Addr) -> Reach {
    let [a, b, ..] = ip.octets();
    match (a, b) {
        (0 | 224.., _) => Reach::Nowhere,
        (127, _) => Reach::Loopback,
        (10, _) | (172, 16..=31) | (192, 168) | (169, 254) | (100, 64..=127) => Reach::Private,
        _ => Reach::Public,
    }
}

fn of_v6(ip: Ipv6Addr) -> Reach {
    if ip.is_unspecified() || ip.is_multicast() {
        Reach::Nowhere
    } else if ip.is_loopback() {
        Reach::Loopback
    } else if ip.is_unique_local() || ip.is_unicast_link_local() || ip.segments()[0] & 0xffc0 == 0xfec0 {
        Reach::Private // the last are RFC 3879's, that some networks still have
    } else {
        within(ip).map_or(Reach::Public, of_v4)
    }
}

/// The IPv4 address that packets to an IPv6 one go to: by a translator (RFC 6052, 8215), by 6to4 (RFC 3056), or as systems of
/// former times wrote it (RFC 4291 section 2.5.5.1).
fn within(ip: Ipv6Addr) -> Option<Ipv4Addr> {
    match ip.segments() {
        [0x64, 0xff9b, 0, 0, 0, 0, high, low]
        | [0x64, 0xff9b, 1, _, _, _, high, low]
        | [0x2002, high, low, ..]
        | [0, 0, 0, 0, 0, 0, high, low] => Some(Ipv4Addr::from((u32::from(high) << 16) | u32::from(low))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_addresses_stay_near() {
        let of = |text: &str| Reach::of(text.parse().unwrap());
        for (text, reach) in [
            ("127.0.0.9", Reach::Loopback),
            ("::1", Reach::Loopback),
            ("::ffff:127.0.0.1", Reach::Loopback),
            ("10.1.2.3", Reach::Private),
            ("192.168.1.1", Reach::Private),
            ("169.254.169.254", Reach::Private),
            ("100.64.0.1", Reach::Private),
            ("100.128.0.1", Reach::Public),
            ("fe80::1", Reach::Private),
            ("fd00::1", Reach::Private),
            ("198.18.0.1", Reach::Public),
            ("2001:db8::1", Reach::Public),
            ("fec0::1", Reach::Private),
            ("64:ff9b::192.168.1.1", Reach::Private),
            ("64:ff9b:1::7f00:1", Reach::Loopback),
            ("64:ff9b::8.8.8.8", Reach::Public),
            ("2002:7f00:1::1", Reach::Loopback),
            ("2002:c612:1::1", Reach::Public),
            ("::127.0.0.1", Reach::Loopback),
            ("::10.0.0.1", Reach::Private),
            ("::ffff:0.0.0.0", Reach::Nowhere),
            ("0.0.0.0", Reach::Nowhere),
            ("224.0.0.1", Reach::Nowhere),
            ("255.255.255.255", Reach::Nowhere),
            ("::", Reach::Nowhere),
            ("ff02::1", Reach::Nowhere),
        ] {
            assert_eq!(of(text), reach, "{text}");
        }
        let [near, middle, far] = [Reach::Loopback, Reach::Private, Reach::Public];
        assert!(near.told_to(near) && !near.told_to(middle) && !near.told_to(far));
        assert!(middle.told_to(near) && middle.told_to(middle) && !middle.told_to(far));
        assert!(far.told_to(near) && far.told_to(middle) && far.told_to(far));
        assert!(!Reach::Nowhere.told_to(near));
    }
}
