//! What an address is: where it can be reached from, who told of it, and whether it may be dialled (RFC 6890; interop
//! rule 6; bad-input row 42).
use core::net::{IpAddr, SocketAddr};
use teem_wire::reach::Reach;

/// Ports below this belong to other services, which we do not let strangers aim us at.
const PORT_MIN: u16 = 1024;

/// Where an address came from; it decides what may be dialled.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum PeerSource {
    /// The user named it: may be private or loopback, and on any port.
    User,
    /// A link named it, which a stranger may have made: may be private or loopback, since people share within one network, but is not a
    /// port of other services, and where it is near it is tried a few times only.
    Link,
    /// A tracker on a public address: private and loopback addresses from it are not dialled.
    PublicTracker,
    /// A tracker on a private address: loopback addresses from it are not dialled, for they would be ours.
    LocalTracker,
    /// A tracker on this machine.
    LoopbackTracker,
    /// Saved from an earlier run.
    Saved,
    /// It dialled us and told the port that it listens on (BEP 10 `p`).
    Inbound,
}

impl PeerSource {
    /// A tracker that was reached at that address.
    pub fn tracker(at: IpAddr) -> Self {
        match Reach::of(at) {
            Reach::Loopback => Self::LoopbackTracker,
            Reach::Private => Self::LocalTracker,
            Reach::Public | Reach::Nowhere => Self::PublicTracker,
        }
    }

    /// The nearest that somebody from that source may aim us at: what it reaches itself.
    fn nearest(self) -> Reach {
        match self {
            Self::User | Self::Link | Self::LoopbackTracker | Self::Saved | Self::Inbound => Reach::Loopback,
            Self::LocalTracker => Reach::Private,
            Self::PublicTracker => Reach::Public,
        }
    }
}

/// Why a dial came to nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DialError {
    /// The other side refused.
    Refused,
    /// No answer within the connect limit (10 s).
    TimedOut,
    /// No route, no such family, no file descriptors left, and the rest.
    Unreachable,
    /// The connection stood, and the other side did not answer to the handshake of message stream encryption.
    NoMse,
}

/// Whether an address from that source may be dialled at all: strangers cannot aim us at the local network or at ports
/// of other services; what the user typed is meant.
pub(crate) fn may_dial(addr: SocketAddr, source: PeerSource) -> bool {
    let trusted = matches!(source, PeerSource::User);
    let port_fits = addr.port() >= PORT_MIN || (trusted && addr.port() > 0);
    port_fits && Reach::of(addr.ip()).told_to(source.nearest())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addr(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    #[test]
    fn strangers_cannot_aim_us_at_the_local_network_or_low_ports() {
        use PeerSource::{Link, LocalTracker, LoopbackTracker, PublicTracker, User};
        for (text, by_public, by_local, by_loopback, by_user) in [
            ("198.18.0.7:6881", true, true, true, true),
            ("8.8.8.8:80", false, false, false, true),
            ("8.8.8.8:0", false, false, false, false),
            ("10.1.2.3:6881", false, true, true, true),
            ("100.64.0.1:6881", false, true, true, true),
            ("127.0.0.1:6881", false, false, true, true),
            ("[::1]:6881", false, false, true, true),
            ("[fe80::1]:6881", false, true, true, true),
            ("[::ffff:10.0.0.1]:6881", false, true, true, true),
            ("[2001:db8::1]:6881", true, true, true, true),
            ("0.0.0.0:6881", false, false, false, false),
            ("255.255.255.255:6881", false, false, false, false),
            ("224.0.0.1:6881", false, false, false, false),
            ("[ff02::1]:6881", false, false, false, false),
            ("[::]:6881", false, false, false, false),
        ] {
            let got = [PublicTracker, LocalTracker, LoopbackTracker, User].map(|s| may_dial(addr(text), s));
            assert_eq!(got, [by_public, by_local, by_loopback, by_user], "{text}");
            assert_eq!(
                may_dial(addr(text), Link),
                by_loopback,
                "a link may name what is near, and no low port: {text}"
            );
        }
    }
}
