//! Which addresses we may connect to on somebody's behalf (own design).
//!
//! A torrent or a redirect must not make this machine talk to its own neighbourhood: the class of an address is looked
//! at after resolving, in the connector, for every hop.
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// What kind of network an address belongs to, from the most to the least open.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Class {
    /// Reachable from everywhere.
    Public,
    /// RFC 1918, RFC 4193, RFC 6598 and link-local.
    Private,
    /// This machine.
    Loopback,
    /// Nothing that can be connected to: unspecified, multicast, broadcast.
    Never,
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Public => "public",
            Self::Private => "private",
            Self::Loopback => "loopback",
            Self::Never => "unusable",
        })
    }
}

/// The class of an address; v4-mapped ones count as IPv4.
pub fn classify(ip: IpAddr) -> Class {
    match ip.to_canonical() {
        IpAddr::V4(ip) => classify_v4(ip),
        IpAddr::V6(ip) => classify_v6(ip),
    }
}

fn classify_v4(ip: Ipv4Addr) -> Class {
    let [a, b, ..] = ip.octets();
    if ip.is_loopback() {
        Class::Loopback
    } else if a == 0 || ip.is_multicast() || ip.is_broadcast() || a >= 240 {
        Class::Never
    } else if ip.is_private() || ip.is_link_local() || (a == 100 && (64..128).contains(&b)) {
        Class::Private
    } else {
        Class::Public
    }
}

fn classify_v6(ip: Ipv6Addr) -> Class {
    let first = ip.segments()[0];
    if ip.is_loopback() {
        Class::Loopback
    } else if ip.is_unspecified() || ip.is_multicast() {
        Class::Never
    } else if first & 0xfe00 == 0xfc00 || first & 0xffc0 == 0xfe80 {
        Class::Private
    } else {
        Class::Public
    }
}

/// How far a request may reach. It starts with what the URL's origin allows and narrows as hops are public.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reach {
    /// Anything that can be connected to: what the user typed, or a torrent's own tracker.
    Anywhere,
    /// Public addresses only: after a hop was public.
    PublicOnly,
}

impl Reach {
    /// Whether an address is allowed.
    pub fn allows(self, addr: SocketAddr) -> bool {
        match classify(addr.ip()) {
            Class::Public => true,
            Class::Private | Class::Loopback => self == Self::Anywhere,
            Class::Never => false,
        }
    }

    /// What is allowed after a hop to `addr`.
    #[must_use]
    pub fn after(self, addr: SocketAddr) -> Self {
        if classify(addr.ip()) == Class::Public { Self::PublicOnly } else { self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes() {
        for (ip, class) in [
            ("127.0.0.1", Class::Loopback),
            ("::1", Class::Loopback),
            ("::ffff:127.0.0.1", Class::Loopback),
            ("10.1.2.3", Class::Private),
            ("100.64.0.1", Class::Private),
            ("169.254.169.254", Class::Private),
            ("fe80::1", Class::Private),
            ("fd00::1", Class::Private),
            ("0.0.0.0", Class::Never),
            ("255.255.255.255", Class::Never),
            ("ff02::1", Class::Never),
            ("198.18.0.1", Class::Public),
            ("2001:db8::1", Class::Public),
        ] {
            assert_eq!(classify(ip.parse().unwrap()), class, "{ip}");
        }
    }

    #[test]
    fn row_53_after_a_public_hop_only_public_addresses_are_allowed() {
        let reach = Reach::Anywhere.after("198.18.0.1:80".parse().unwrap());
        assert!(!reach.allows("127.0.0.1:80".parse().unwrap()));
        assert!(!reach.allows("169.254.169.254:80".parse().unwrap()));
        assert!(reach.allows("198.18.0.2:80".parse().unwrap()));
        assert!(Reach::Anywhere.after("127.0.0.1:1".parse().unwrap()).allows("10.0.0.1:80".parse().unwrap()));
    }
}
