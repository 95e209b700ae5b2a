//! Which addresses we may connect to on somebody's behalf (own design).
//!
//! A torrent or a redirect must not make this machine talk to its own neighbourhood: the reach of an address is looked at
//! after resolving, in the connector, for every hop.
use crate::origin::Origin;
use std::net::SocketAddr;
use teem_wire::reach::Reach;

/// How far a request may go. It starts with what the URL's origin allows and narrows as hops are public.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Egress {
    /// Anything that can be connected to: what the user typed, or a tracker in a file of the user's.
    Anywhere,
    /// Anything, but where that sends us on is public: a stranger's URL that is harmless as it stands.
    ThisHop,
    /// Public addresses only: after a hop was public, or a stranger's wish.
    PublicOnly,
}

impl Egress {
    /// For a tracker of that URL, which came from there.
    pub(crate) fn to_tracker(url: &str, origin: Origin) -> Self {
        match origin {
            Origin::User => Self::Anywhere,
            Origin::Stranger if origin.may_be_near(url) => Self::ThisHop,
            Origin::Stranger => Self::PublicOnly,
        }
    }

    /// Whether an address is allowed.
    pub(crate) fn allows(self, addr: SocketAddr) -> bool {
        match Reach::of(addr.ip()) {
            Reach::Public => true,
            Reach::Loopback | Reach::Private => self != Self::PublicOnly,
            Reach::Nowhere => false,
        }
    }

    /// What is allowed after a hop to `addr`.
    #[must_use]
    pub(crate) fn after(self, addr: SocketAddr) -> Self {
        let public = Reach::of(addr.ip()) == Reach::Public;
        if public || self == Self::ThisHop { Self::PublicOnly } else { self }
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

    #[test]
    fn a_stranger_s_tracker_may_be_near_and_sends_us_nowhere_near() {
        let near = "192.168.1.1:80".parse().unwrap();
        let egress = Egress::to_tracker("http://nas/announce", Origin::Stranger);
        assert!(egress.allows(near) && !egress.after(near).allows(near));
        assert!(!Egress::to_tracker("http://nas/reboot", Origin::Stranger).allows(near), "whatever the name leads to");
        assert!(Egress::to_tracker("http://nas/reboot", Origin::User).after(near).allows(near));
    }
}
