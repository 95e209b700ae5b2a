//! The other end of a connection, and the ways to reach one (own design).
//!
//! A connection need not come from a network: an embedder may bring its own (a data channel of a browser, a proxy, a pair of pipes). Such an
//! end has a name instead of an address. Whatever is counted or banned by network address works on what has one; a named end stands
//! for itself alone.
use core::fmt;
use core::net::{IpAddr, SocketAddr};
use teem_wire::holder::Holder;
use teem_wire::reach::Reach;

/// The other end of a connection.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[non_exhaustive]
pub enum Remote {
    /// An address of the network, with its port.
    Addr(SocketAddr),
    /// A connection that was brought from outside, by the number that the driver gave it. No two have the same.
    Named(u32),
}

impl Remote {
    /// The address, where there is one.
    pub fn addr(self) -> Option<SocketAddr> {
        match self {
            Self::Addr(addr) => Some(addr),
            Self::Named(_) => None,
        }
    }

    /// The address without its port, where there is one.
    pub fn ip(self) -> Option<IpAddr> {
        self.addr().map(|addr| addr.ip())
    }

    /// The same end at another port; a named one has no ports.
    #[must_use]
    pub fn with_port(self, port: u16) -> Self {
        match self {
            Self::Addr(addr) => Self::Addr(SocketAddr::new(addr.ip(), port)),
            Self::Named(_) => self,
        }
    }

    /// The party at that end, as far as its address tells: what it may take is counted by that.
    pub fn holder(self) -> Holder {
        match self {
            Self::Addr(addr) => Holder::of(addr.ip()),
            Self::Named(number) => Holder::named(number),
        }
    }

    /// Whether it is on this machine, where all have one address.
    pub fn is_loopback(self) -> bool {
        self.ip().is_some_and(|ip| Reach::of(ip) == Reach::Loopback)
    }
}

impl From<SocketAddr> for Remote {
    fn from(addr: SocketAddr) -> Self {
        Self::Addr(addr)
    }
}

impl PartialEq<SocketAddr> for Remote {
    fn eq(&self, other: &SocketAddr) -> bool {
        self.addr() == Some(*other)
    }
}

impl fmt::Display for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Addr(addr) => addr.fmt(f),
            Self::Named(number) => write!(f, "link {number}"),
        }
    }
}

/// A way to dial.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum How {
    /// A TCP connection to the address.
    Tcp,
    /// A uTP connection to the address (BEP 29).
    Utp,
}

impl How {
    /// Every way, the one that is tried first at the front.
    const ALL: [Self; 2] = [Self::Tcp, Self::Utp];
}

/// A set of ways.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) struct Ways(u8);

impl Ways {
    /// TCP alone: what every driver can.
    pub(crate) const TCP: Self = Self(1 << How::Tcp as u8);

    /// The set with one more way.
    #[must_use]
    pub(crate) fn with(self, how: How) -> Self {
        Self(self.0 | 1 << how as u8)
    }

    /// Whether it holds that way.
    pub(crate) fn has(self, how: How) -> bool {
        self.0 & (1 << how as u8) != 0
    }

    /// The way to be tried first of those that are not among `failed`.
    pub(crate) fn first_but(self, failed: Self) -> Option<How> {
        How::ALL.into_iter().find(|how| self.has(*how) && !failed.has(*how))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_named_end_has_neither_address_nor_port() {
        let addr: SocketAddr = "192.0.2.1:5000".parse().unwrap();
        let (there, named) = (Remote::from(addr), Remote::Named(3));
        assert_eq!(there.holder(), Remote::from("192.0.2.1:9".parse::<SocketAddr>().unwrap()).holder());
        assert_eq!((named.ip(), named.with_port(7), named.holder()), (None, named, named.holder()));
        assert_ne!(named.holder(), Remote::Named(4).holder());
        assert!(there == addr && named != addr);
    }

    #[test]
    fn ways_are_tried_in_their_order_and_each_once() {
        let both = Ways::TCP.with(How::Utp);
        assert_eq!(both.first_but(Ways::default()), Some(How::Tcp));
        assert_eq!(both.first_but(Ways::TCP), Some(How::Utp));
        assert_eq!(both.first_but(both), None);
        assert_eq!(Ways::TCP.first_but(Ways::TCP), None);
    }
}
