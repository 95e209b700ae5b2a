//! Which addresses we may connect to on somebody's behalf (own design).
//!
//! A torrent or a redirect must not make this machine talk to its own neighbourhood: the reach of an address is looked at
//! after resolving, in the connector, for every hop.
use std::net::SocketAddr;
use teem_wire::reach::Reach;

/// How far a request may go. It starts with what the URL's origin allows and narrows as hops are public.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Egress {
    /// Anything that can be connected to: what the user typed, or a torrent's own tracker.
    Anywhere,
    /// Public addresses only: after a hop was public.
    PublicOnly,
}

impl Egress {
    /// Whether an address is allowed.
    pub(crate) fn allows(self, addr: SocketAddr) -> bool {
        match Reach::of(addr.ip()) {
            Reach::Public => true,
            Reach::Loopback | Reach::Private => self == Self::Anywhere,
            Reach::Nowhere => false,
        }
    }

    /// What is allowed after a hop to `addr`.
    #[must_use]
    pub(crate) fn after(self, addr: SocketAddr) -> Self {
        if Reach::of(addr.ip()) == Reach::Public { Self::PublicOnly } else { self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn row_53_after_a_public_hop_only_public_addresses_are_allowed() {
        let egress = Egress::Anywhere.after("198.18.0.1:80".parse().unwrap());
        assert!(!egress.allows("127.0.0.1:80".parse().unwrap()));
        assert!(!egress.allows("169.254.169.254:80".parse().unwrap()));
        assert!(egress.allows("198.18.0.2:80".parse().unwrap()));
        assert!(Egress::Anywhere.after("127.0.0.1:1".parse().unwrap()).allows("10.0.0.1:80".parse().unwrap()));
        assert!(!Egress::Anywhere.allows("0.0.0.0:80".parse().unwrap()));
    }
}
