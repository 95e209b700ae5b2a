//! What an address is: where it can be reached from, who told of it, and whether it may be dialled (RFC 6890; interop
//! rule 6; bad-input row 42).
use crate::search::SourceKind;
use core::net::{IpAddr, SocketAddr};
use teem_wire::reach::Reach;

/// Ports below this belong to other services, which we do not let strangers aim us at.
const PORT_MIN: u16 = 1024;

/// Where an address came from; it decides what may be dialled.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
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
    /// A node of the DHT at an address of that reach (BEP 5): it names nothing that is nearer than itself.
    Dht(Reach),
    /// A peer at an address of that reach (BEP 11): it names nothing that is nearer than itself.
    Pex(Reach),
    /// It called to everybody in this network from an address of that reach (BEP 14): it names itself. Where its address is a public one its driver has seen that
    /// it is on a network of ours.
    Lsd(Reach),
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

    /// A node of the DHT at that address.
    pub fn dht(at: IpAddr) -> Self {
        Self::Dht(Reach::of(at))
    }

    /// A peer at that address, which tells of others.
    pub fn pex(at: IpAddr) -> Self {
        Self::Pex(Reach::of(at))
    }

    /// Whether it may name an address of that reach: it aims us at nothing nearer than what it reaches itself.
    fn may_name(self, named: Reach) -> bool {
        let nearest = match self {
            Self::User | Self::Link | Self::LoopbackTracker | Self::Saved | Self::Inbound => Reach::Loopback,
            Self::LocalTracker => Reach::Private,
            Self::PublicTracker => Reach::Public,
            Self::Dht(reach) | Self::Pex(reach) => match reach {
                Reach::Loopback | Reach::Private => reach,
                Reach::Public | Reach::Nowhere => Reach::Public,
            },
            Self::Lsd(reach) => return reach >= Reach::Private && named == reach,
        };
        named.told_to(nearest)
    }

    /// What it is counted under.
    pub(crate) fn kind(self) -> SourceKind {
        match self {
            Self::User => SourceKind::User,
            Self::Link => SourceKind::Link,
            Self::PublicTracker | Self::LocalTracker | Self::LoopbackTracker => SourceKind::Tracker,
            Self::Saved => SourceKind::Saved,
            Self::Inbound => SourceKind::Inbound,
            Self::Lsd(_) => SourceKind::Lan,
            Self::Dht(_) => SourceKind::Dht,
            Self::Pex(_) => SourceKind::Pex,
        }
    }

    /// Its place in a set.
    fn bit(self) -> u16 {
        let of = |reach| match reach {
            Reach::Loopback => 0,
            Reach::Private => 1,
            Reach::Public | Reach::Nowhere => 2,
        };
        1 << match self {
            Self::User => 0,
            Self::Link => 1,
            Self::PublicTracker => 2,
            Self::LocalTracker => 3,
            Self::LoopbackTracker => 4,
            Self::Saved => 5,
            Self::Inbound => 6,
            Self::Lsd(Reach::Public) => 14,
            Self::Lsd(_) => 7,
            Self::Dht(reach) => 8 + of(reach),
            Self::Pex(reach) => 11 + of(reach),
        }
    }
}

/// All the sources that an address came from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Sources(u16);

impl Sources {
    /// One more source names it.
    pub(crate) fn add(&mut self, source: PeerSource) {
        self.0 |= source.bit();
    }

    /// Whether that source is among them.
    pub(crate) fn has(self, source: PeerSource) -> bool {
        self.0 & source.bit() != 0
    }

    /// Whether one of that kind is among them.
    pub(crate) fn has_kind(self, kind: SourceKind) -> bool {
        let bits = match kind {
            SourceKind::User => 1,
            SourceKind::Link => 1 << 1,
            SourceKind::Tracker => 0b111 << 2,
            SourceKind::Saved => 1 << 5,
            SourceKind::Inbound => 1 << 6,
            SourceKind::Lan => 1 << 7 | 1 << 14,
            SourceKind::Dht => 0b111 << 8,
            SourceKind::Pex => 0b111 << 11,
        };
        self.0 & bits != 0
    }

    /// The kinds that they are of.
    pub(crate) fn kinds(self) -> impl Iterator<Item = SourceKind> {
        SourceKind::ALL.into_iter().filter(move |kind| self.has_kind(*kind))
    }

    /// Whether it came from there and from nowhere else.
    pub(crate) fn is_only(self, source: PeerSource) -> bool {
        self.0 == source.bit()
    }
}

impl From<PeerSource> for Sources {
    fn from(source: PeerSource) -> Self {
        Self(source.bit())
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
    /// A list of addresses keeps it out; nothing was sent.
    Filtered,
}

/// Whether an address from that source may be dialled at all: strangers cannot aim us at the local network or at ports
/// of other services; what the user typed is meant.
pub(crate) fn may_dial(addr: SocketAddr, source: PeerSource) -> bool {
    let trusted = matches!(source, PeerSource::User);
    let port_fits = addr.port() >= PORT_MIN || (trusted && addr.port() > 0);
    port_fits && source.may_name(Reach::of(addr.ip()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

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

    #[test]
    fn nodes_and_peers_name_nothing_nearer_than_themselves_and_neighbours_only_what_is_near() {
        let near = ["127.0.0.1:6881", "10.1.2.3:6881", "198.18.0.7:6881", "0.0.0.0:6881", "198.18.0.7:22"];
        let named = |source| near.map(|text| may_dial(addr(text), source));
        for of in [PeerSource::dht, PeerSource::pex] {
            let at = |text: &str| named(of(text.parse().unwrap()));
            assert_eq!(at("127.0.0.9"), [true, true, true, false, false]);
            assert_eq!(at("192.168.1.1"), [false, true, true, false, false]);
            assert_eq!(at("8.8.8.8"), [false, false, true, false, false]);
            assert_eq!(
                at("224.0.0.1"),
                [false, false, true, false, false],
                "who is nowhere names no more than a stranger"
            );
        }
        let near = |text| may_dial(addr(text), PeerSource::Lsd(Reach::Private));
        assert_eq!(named(PeerSource::Lsd(Reach::Private)), [false, true, false, false, false]);
        assert_eq!(named(PeerSource::Lsd(Reach::Public)), [false, false, true, false, false]);
        assert_eq!(named(PeerSource::Lsd(Reach::Loopback)), [false; 5]);
        assert!(near("[fe80::1]:6881") && !near("[2001:db8::1]:6881"));
    }

    #[test]
    fn sources_are_a_set() {
        let all = ["127.0.0.1", "10.0.0.1", "8.8.8.8"].map(|ip| ip.parse().unwrap());
        let mut every = vec![PeerSource::User, PeerSource::Link, PeerSource::PublicTracker, PeerSource::LocalTracker];
        every.extend([PeerSource::LoopbackTracker, PeerSource::Saved, PeerSource::Inbound]);
        every.extend([Reach::Private, Reach::Public].map(PeerSource::Lsd));
        every.extend(all.iter().flat_map(|ip| [PeerSource::dht(*ip), PeerSource::pex(*ip)]));
        for (n, first) in every.iter().enumerate() {
            let mut set = Sources::from(*first);
            assert!(set.is_only(*first));
            assert!(set.kinds().eq([first.kind()]), "{first:?}");
            for source in &every {
                set.add(*source);
            }
            assert!(every.iter().all(|source| set.has(*source)) && !set.is_only(*first));
            assert_eq!(Sources::from(*first).0.count_ones(), 1);
            assert!(every[..n].iter().all(|other| !Sources::from(*first).has(*other)));
        }
    }
}
