//! Which addresses we may connect to on somebody's behalf (own design).
//!
//! A torrent or a redirect must not make this machine talk to its own neighbourhood: the reach of an address is looked at
//! after resolving, in the connector, for every hop.
use std::net::{IpAddr, SocketAddr};
use teem_metainfo::{AnnounceUrl, Origin};
use teem_wire::reach::Reach;

/// How near a request may come to this machine. It starts with what the URL's origin allows, and nobody sends us on to what is nearer than
/// the one who sends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Egress {
    /// Addresses of that reach and what is farther: this machine's own for what the user named, public ones for a stranger's wish.
    From(Reach),
    /// Anything, but where that sends us on is public: a stranger's URL that is harmless as it stands.
    ThisHop,
    /// That very address: a router's, which nothing that it says leads away from.
    Only(IpAddr),
}

impl Egress {
    /// For a tracker's URL.
    pub(crate) fn to_tracker(url: &AnnounceUrl) -> Self {
        match url.origin() {
            Origin::User => Self::From(Reach::Loopback),
            _ if url.may_be_near() => Self::ThisHop,
            _ => Self::From(Reach::Public),
        }
    }

    /// Whether an address is allowed.
    pub(crate) fn allows(self, addr: SocketAddr) -> bool {
        let nearest = match self {
            Self::From(nearest) => nearest,
            Self::ThisHop => Reach::Loopback,
            Self::Only(ip) => return addr.ip().to_canonical() == ip,
        };
        Reach::of(addr.ip()).told_to(nearest)
    }

    /// What is allowed after a hop to `addr`.
    #[must_use]
    pub(crate) fn after(self, addr: SocketAddr) -> Self {
        // A proxy has looked a name up: it is out there, whatever it is.
        if addr.ip().is_unspecified() {
            return Self::From(Reach::Public);
        }
        match self {
            Self::From(nearest) => Self::From(nearest.max(Reach::of(addr.ip()))),
            Self::ThisHop => Self::From(Reach::Public),
            Self::Only(_) => self,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn row_53_after_a_public_hop_only_public_addresses_are_allowed() {
        let egress = Egress::From(Reach::Loopback).after("198.18.0.1:80".parse().unwrap());
        assert!(!egress.allows("127.0.0.1:80".parse().unwrap()));
        assert!(!egress.allows("169.254.169.254:80".parse().unwrap()));
        assert!(egress.allows("198.18.0.2:80".parse().unwrap()));
        assert!(
            Egress::From(Reach::Loopback).after("127.0.0.1:1".parse().unwrap()).allows("10.0.0.1:80".parse().unwrap())
        );
        assert!(!Egress::From(Reach::Loopback).allows("0.0.0.0:80".parse().unwrap()));
    }

    #[test]
    fn a_router_is_asked_at_its_own_address_alone() {
        let [router, other, far] =
            ["10.0.0.1:5000", "10.0.0.2:5000", "198.18.0.1:80"].map(|text| text.parse::<SocketAddr>().unwrap());
        let only = Egress::Only(router.ip());
        let allowed = |egress: Egress| [router, other, far].map(|addr: SocketAddr| egress.allows(addr));
        assert_eq!(allowed(only), [true, false, false]);
        assert_eq!(allowed(only.after(router)), [true, false, false]);
    }

    #[test]
    fn nobody_sends_us_on_to_what_is_nearer_than_itself() {
        let [here, there, far] = ["127.0.0.1:80", "10.0.0.1:80", "198.18.0.1:80"].map(|text| text.parse().unwrap());
        let user = Egress::to_tracker(&AnnounceUrl::of_user("http://nas/x?y"));
        assert!([here, there, far].iter().all(|addr| user.allows(*addr) && user.after(here).allows(*addr)));
        assert!(!user.after(there).allows(here) && user.after(there).allows(there) && user.after(there).allows(far));
        assert!(!user.after(there).after(far).allows(there) && !user.after(far).after(there).allows(there));
    }

    #[test]
    fn a_stranger_s_tracker_may_be_near_and_sends_us_nowhere_near() {
        let near = "192.168.1.1:80".parse().unwrap();
        let egress = Egress::to_tracker(&AnnounceUrl::new("http://nas/announce", Origin::Stranger));
        assert!(egress.allows(near) && !egress.after(near).allows(near));
        let reboot = |origin| Egress::to_tracker(&AnnounceUrl::new("http://nas/reboot", origin));
        assert!(!reboot(Origin::Stranger).allows(near), "whatever the name leads to");
        assert!(reboot(Origin::User).after(near).allows(near));
    }
}
