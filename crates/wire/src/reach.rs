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
    /// Of an address; one mapped into IPv6 counts as what it is.
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
    } else if ip.is_unique_local() || ip.is_unicast_link_local() {
        Reach::Private
    } else {
        Reach::Public
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
