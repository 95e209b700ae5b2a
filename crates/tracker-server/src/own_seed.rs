//! Where the seed of this machine is reached (own design): on its port here, and where a router leads others to it.

use core::net::{IpAddr, SocketAddr};
use teem_wire::compact::Family;
use teem_wire::reach::Reach;

/// Where our own seed takes connections.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct OwnSeed {
    /// The port here, on all addresses.
    pub here: u16,
    /// Where a router leads those from outside here, over IPv4.
    pub outside_v4: Option<SocketAddr>,
    /// The same over IPv6.
    pub outside_v6: Option<SocketAddr>,
}

impl From<u16> for OwnSeed {
    fn from(here: u16) -> Self {
        Self { here, ..Self::default() }
    }
}

impl OwnSeed {
    fn outside(&self) -> impl Iterator<Item = SocketAddr> {
        self.outside_v4.into_iter().chain(self.outside_v6)
    }

    /// Whether it says that it listens on that port.
    pub(crate) fn is_on(&self, port: u16) -> bool {
        port == self.here || self.outside().any(|addr| addr.port() == port)
    }

    /// What an asker is told that has reached our address `local`.
    pub(crate) fn told(&self, local: IpAddr, asker: IpAddr) -> SocketAddr {
        let led = |addr: &SocketAddr| Family::of(addr.ip()) == Family::of(local) && Reach::of(asker) == Reach::Public;
        self.outside().find(led).unwrap_or(SocketAddr::new(local, self.here))
    }
}
