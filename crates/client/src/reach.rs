//! Whether others reach this machine (own design), judged without anybody's service: by what came unasked, and by the router's address outside where it is
//! the one that trackers and peers see us at.
use crate::Client;
use crate::mapping::Mapping;
use std::net::IpAddr;
use teem_host::strangers::Unasked;
use teem_swarm::external::External;
use teem_swarm::listening::Door;
use teem_wire::compact::Family;
use teem_wire::reach::Reach;

/// How others reach us, of one address family.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Reached {
    /// This machine has no way to the world by that family.
    Absent,
    /// Nobody has come, and nothing says that anybody could.
    Unknown,
    /// Strangers come to the very port that is listened on.
    Directly,
    /// A port of the router's leads here.
    Mapped {
        /// The port outside.
        port: u16,
        /// Strangers have come, or others see us at the router's address.
        confirmed: bool,
    },
    /// Strangers come over UDP and not over TCP.
    UdpOnly,
    /// The router leads here, and is not at the address that others see us at: a provider shares that among customers.
    Shared {
        /// The address that the router has for its outside.
        outside: IpAddr,
    },
}

impl Reached {
    /// One word for scripts.
    pub fn word(self) -> &'static str {
        match self {
            Self::Absent => "none",
            Self::Unknown => "unknown",
            Self::Directly => "direct",
            Self::Mapped { .. } => "mapped",
            Self::UdpOnly => "udp",
            Self::Shared { .. } => "shared",
        }
    }

    /// Whether it is shown that others reach us over TCP and UDP.
    pub fn is_shown(self) -> bool {
        matches!(self, Self::Directly | Self::Mapped { confirmed: true, .. })
    }

    /// From our address toward the world, what became of the mapping, what came unasked, and where others see us.
    fn judged(own: Option<IpAddr>, mapping: &Mapping, unasked: Unasked, seen: Option<IpAddr>) -> Self {
        let Some(own) = own.map(Reach::of) else { return Self::Absent };
        match (mapping, unasked) {
            _ if own <= Reach::Loopback => Self::Absent,
            (Mapping::Mapped { tcp, .. }, Unasked { tcp: true, .. }) => Self::Mapped { port: *tcp, confirmed: true },
            (_, Unasked { tcp: true, .. }) => Self::Directly,
            (_, Unasked { udp: true, .. }) if !matches!(mapping, Mapping::Mapped { .. }) => Self::UdpOnly,
            (Mapping::Mapped { address, tcp, .. }, _) => match seen {
                Some(seen) if seen == *address => Self::Mapped { port: *tcp, confirmed: true },
                None if Reach::of(*address) == Reach::Public => Self::Mapped { port: *tcp, confirmed: false },
                _ => Self::Shared { outside: *address },
            },
            _ => Self::Unknown,
        }
    }
}

impl Client {
    /// How others reach this machine by that family, as far as it is known; `seen` is where trackers and peers see us, as the figures of torrents have it.
    pub fn reached(&self, family: Family, seen: &External) -> Reached {
        let here = self.addrs().iter().any(|addr| {
            Family::of(addr.ip()) == family && (addr.ip().is_unspecified() || Reach::of(addr.ip()) > Reach::Loopback)
        });
        let own = if here { self.toward_world(family) } else { None };
        let mapping = self.mappings().borrow().of(family).clone();
        let reached = Reached::judged(own, &mapping, self.unasked(family), seen.of(family));
        let door = self.listening().of(family);
        if door.here != 0 && door.reachable != reached.is_shown() {
            self.set_door(family, Door { reachable: reached.is_shown(), ..door });
        }
        reached
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn at(address: &str) -> Mapping {
        Mapping::Mapped { way: "PCP", address: address.parse().unwrap(), tcp: 40_000, udp: 40_000 }
    }

    #[test]
    fn what_came_unasked_and_where_others_see_us_decide() {
        let [nothing, tcp, udp] = [(false, false), (true, false), (false, true)].map(|(tcp, udp)| Unasked { tcp, udp });
        let own = Some(ip("10.0.0.7"));
        let mapped = |confirmed| Reached::Mapped { port: 40_000, confirmed };
        let shared = |text| Reached::Shared { outside: ip(text) };
        let off = || Mapping::Off;
        for (own, mapping, unasked, seen, wanted) in [
            (None, off(), tcp, None, Reached::Absent),
            (Some(ip("127.0.0.1")), off(), nothing, None, Reached::Absent),
            (own, off(), nothing, Some(ip("198.18.0.9")), Reached::Unknown),
            (own, Mapping::Failed("no".into()), nothing, None, Reached::Unknown),
            (own, off(), tcp, None, Reached::Directly),
            (own, off(), udp, None, Reached::UdpOnly),
            (own, at("198.18.0.9"), nothing, Some(ip("198.18.0.9")), mapped(true)),
            (own, at("198.18.0.9"), nothing, None, mapped(false)),
            (own, at("198.18.0.9"), udp, None, mapped(false)),
            (own, at("198.18.0.9"), tcp, Some(ip("198.18.0.1")), mapped(true)),
            (own, at("198.18.0.9"), nothing, Some(ip("198.18.0.1")), shared("198.18.0.9")),
            (own, at("100.64.0.9"), nothing, None, shared("100.64.0.9")),
        ] {
            assert_eq!(Reached::judged(own, &mapping, unasked, seen), wanted, "{mapping:?} {unasked:?} {seen:?}");
        }
    }
}
