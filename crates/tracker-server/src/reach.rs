//! Who can use an address (own design; RFC 1918, 4193, 4291, 6598): loopback ones are told to loopback only, private ones to private and
//! loopback only.
use core::net::IpAddr;

/// How far an address reaches, from near to far.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Reach {
    /// This machine.
    Loopback,
    /// This network: private, link-local, shared (carrier-grade NAT) and unique local addresses.
    Private,
    /// Everywhere.
    Public,
}

impl Reach {
    /// Of an address; one mapped into IPv6 counts as what it is.
    pub fn of(ip: IpAddr) -> Self {
        match ip.to_canonical() {
            ip if ip.is_loopback() => Self::Loopback,
            IpAddr::V4(ip) => {
                let [a, b, ..] = ip.octets();
                let shared = a == 100 && b & 0xC0 == 64;
                if ip.is_private() || ip.is_link_local() || shared { Self::Private } else { Self::Public }
            }
            IpAddr::V6(ip) if ip.is_unique_local() || ip.is_unicast_link_local() => Self::Private,
            IpAddr::V6(_) => Self::Public,
        }
    }

    /// Whether an address of this reach is of use to somebody at one of that reach.
    pub fn told_to(self, asker: Self) -> bool {
        self >= asker
    }
}

/// Whether an address can be a peer's at all.
pub(crate) fn usable(ip: IpAddr) -> bool {
    let broadcast = matches!(ip, IpAddr::V4(ip) if ip.is_broadcast());
    !ip.is_unspecified() && !ip.is_multicast() && !broadcast
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
            ("169.254.1.1", Reach::Private),
            ("100.64.0.1", Reach::Private),
            ("100.128.0.1", Reach::Public),
            ("fe80::1", Reach::Private),
            ("fd00::1", Reach::Private),
            ("198.18.0.1", Reach::Public),
            ("2001:db8::1", Reach::Public),
        ] {
            assert_eq!(of(text), reach, "{text}");
        }
        let [near, middle, far] = [Reach::Loopback, Reach::Private, Reach::Public];
        assert!(near.told_to(near) && !near.told_to(middle) && !near.told_to(far));
        assert!(middle.told_to(near) && middle.told_to(middle) && !middle.told_to(far));
        assert!(far.told_to(near) && far.told_to(middle) && far.told_to(far));
    }
}
