//! What became of the ports that the router was asked for (own design).
use std::net::IpAddr;
use teem_wire::compact::Family;

/// Whether a router leads peers here, of one address family.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
#[non_exhaustive]
pub enum Mapping {
    /// Nobody is asked: it is not wanted, or there is no router between us and the world.
    #[default]
    Off,
    /// The router is being asked.
    Asking,
    /// Its ports lead here.
    Mapped {
        /// By what: PCP, NAT-PMP or UPnP.
        way: &'static str,
        /// The router's address outside, as it says.
        address: IpAddr,
        /// Its port for TCP, which others are told.
        tcp: u16,
        /// Its port for UDP, mostly the same.
        udp: u16,
    },
    /// It does not, and these are its words.
    Failed(String),
}

/// That of both families.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
#[non_exhaustive]
pub struct Mappings {
    /// What leads here over IPv4.
    pub v4: Mapping,
    /// Of IPv6, where a mapping is a gap in the router's firewall.
    pub v6: Mapping,
}

impl Mappings {
    /// That of a family.
    pub fn of(&self, family: Family) -> &Mapping {
        match family {
            Family::V4 => &self.v4,
            Family::V6 => &self.v6,
        }
    }

    pub(super) fn of_mut(&mut self, family: Family) -> &mut Mapping {
        match family {
            Family::V4 => &mut self.v4,
            Family::V6 => &mut self.v6,
        }
    }
}
