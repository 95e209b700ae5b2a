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

/// What the bytes of a connection travel over.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Transport {
    /// A connection of the system's own.
    Tcp,
    /// Packets of UDP, as BEP 29 has it.
    Utp,
}

/// A way to dial: what the bytes travel over, and how the conversation begins.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct How {
    /// What the bytes travel over.
    pub transport: Transport,
    /// Whether it begins with the handshake of message stream encryption (MSE).
    pub mse: bool,
}

impl How {
    /// A TCP connection whose first bytes are the protocol's.
    pub const TCP: Self = Self { transport: Transport::Tcp, mse: false };
    /// A TCP connection that begins with MSE.
    pub const TCP_MSE: Self = Self { transport: Transport::Tcp, mse: true };
    /// A uTP connection whose first bytes are the protocol's.
    pub const UTP: Self = Self { transport: Transport::Utp, mse: false };
    /// A uTP connection that begins with MSE.
    pub const UTP_MSE: Self = Self { transport: Transport::Utp, mse: true };

    /// Its place in a set.
    fn bit(self) -> u8 {
        1 << (2 * self.transport as u8 + u8::from(self.mse))
    }
}

/// What the owner wants of encryption (MSE). It hides what is said from those who look at packets on their way, not from the peers.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Encryption {
    /// Both are taken; dials begin in the clear, and again with MSE where that was cut off before a word.
    Allow,
    /// Both are taken; dials begin with MSE, and again in the clear where that was cut off.
    Prefer,
    /// Nothing but MSE is taken or begun, and all that follows stays encrypted (RC4).
    Require,
    /// No MSE: what a host does that cannot.
    #[default]
    Off,
}

/// What connections may travel over.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Transports {
    /// Both are taken; dials go by TCP, and by uTP where nobody answers to that.
    Auto,
    /// TCP alone, in and out.
    #[default]
    Tcp,
    /// uTP alone, in and out.
    Utp,
}

impl Transports {
    /// Whether connections over that are taken and dialled.
    pub fn has(self, transport: Transport) -> bool {
        match transport {
            Transport::Tcp => self != Self::Utp,
            Transport::Utp => self != Self::Tcp,
        }
    }
}

/// The ways that there are, in the order in which they are tried.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Ways {
    order: [How; 4],
    len: usize,
}

impl Ways {
    /// What an owner who wants that may dial by.
    pub(crate) fn of(encryption: Encryption, transports: Transports) -> Self {
        let begins: &[bool] = match encryption {
            Encryption::Allow => &[false, true],
            Encryption::Prefer => &[true, false],
            Encryption::Require => &[true],
            Encryption::Off => &[false],
        };
        let mut ways = Self { order: [How::TCP; 4], len: 0 };
        for transport in [Transport::Tcp, Transport::Utp].into_iter().filter(|transport| transports.has(*transport)) {
            for mse in begins {
                ways.order[ways.len] = How { transport, mse: *mse };
                ways.len += 1;
            }
        }
        ways
    }

    fn all(&self) -> &[How] {
        &self.order[..self.len]
    }

    /// The way to be tried: the one that has `worked` before, else the first in order, of those that have not `failed`.
    pub(crate) fn next(&self, worked: Option<How>, failed: Failed) -> Option<How> {
        let may = |how: &How| self.all().contains(how) && !failed.has(*how);
        worked.filter(may).or_else(|| self.all().iter().copied().find(may))
    }

    /// The first way, whatever has failed.
    pub(crate) fn first(&self) -> How {
        self.order[0]
    }
}

/// The ways that have failed.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) struct Failed(u8);

impl Failed {
    /// That way has failed too.
    #[must_use]
    pub(crate) fn with(self, how: How) -> Self {
        Self(self.0 | how.bit())
    }

    /// Nobody is reached over what that way travels over, however the conversation begins.
    #[must_use]
    pub(crate) fn with_transport(self, how: How) -> Self {
        self.with(How { mse: false, ..how }).with(How { mse: true, ..how })
    }

    fn has(self, how: How) -> bool {
        self.0 & how.bit() != 0
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
        let none = Failed::default();
        for (encryption, order) in [
            (Encryption::Allow, &[How::TCP, How::TCP_MSE][..]),
            (Encryption::Prefer, &[How::TCP_MSE, How::TCP]),
            (Encryption::Require, &[How::TCP_MSE]),
            (Encryption::Off, &[How::TCP]),
        ] {
            let ways = Ways::of(encryption, Transports::Tcp);
            let mut failed = none;
            for how in order {
                assert_eq!(ways.next(None, failed), Some(*how), "{encryption:?}");
                failed = failed.with(*how);
            }
            assert_eq!(ways.next(None, failed), None);
            assert_eq!(ways.next(None, none.with_transport(How::TCP)), None, "over TCP nobody is there");
        }
    }

    #[test]
    fn where_nobody_answers_by_tcp_utp_is_tried_in_the_same_order() {
        let ways = Ways::of(Encryption::Allow, Transports::Auto);
        let failed = Failed::default().with_transport(How::TCP);
        assert_eq!(ways.next(None, failed), Some(How::UTP));
        assert_eq!(ways.next(None, failed.with(How::UTP)), Some(How::UTP_MSE));
        assert_eq!(Ways::of(Encryption::Require, Transports::Utp).all(), [How::UTP_MSE]);
    }

    #[test]
    fn what_has_worked_comes_first_while_it_may() {
        let ways = Ways::of(Encryption::Allow, Transports::Tcp);
        let none = Failed::default();
        assert_eq!(ways.next(Some(How::TCP_MSE), none), Some(How::TCP_MSE));
        assert_eq!(ways.next(Some(How::TCP_MSE), none.with(How::TCP_MSE)), Some(How::TCP));
        assert_eq!(Ways::of(Encryption::Off, Transports::Tcp).next(Some(How::TCP_MSE), none), Some(How::TCP));
    }
}
