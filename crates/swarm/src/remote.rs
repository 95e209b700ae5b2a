//! The other end of a connection, and the ways to reach one (own design).
//!
//! A connection need not come from a network: an embedder may bring its own (a data channel of a browser, a proxy, a pair of pipes). Such an
//! end has a name instead of an address. Whatever is counted or banned by network address works on what has one; a named end stands
//! for itself alone.
use core::fmt;
use core::net::{IpAddr, SocketAddr};
use core::time::Duration;
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

impl Transport {
    /// One word for scripts.
    pub fn word(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Utp => "utp",
        }
    }
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

/// How an address is dialled (RFC 8305): the way that begins at once, and the one that joins it [`Plan::HEAD_START`] later, or as soon as the first has
/// failed. The first that stands is kept; on the other nothing is ever said.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Plan {
    /// It begins at once.
    pub first: How,
    /// It joins the race.
    pub second: Option<How>,
}

impl Plan {
    /// What the first way has before the second begins: the delay that RFC 8305 recommends.
    pub const HEAD_START: Duration = Duration::from_millis(250);

    /// The same ways, those over uTP first.
    #[must_use]
    pub(crate) fn utp_first(self) -> Self {
        match self.second {
            Some(second) if second.transport == Transport::Utp => Self { first: second, second: Some(self.first) },
            _ => self,
        }
    }
}

impl From<How> for Plan {
    fn from(how: How) -> Self {
        Self { first: how, second: None }
    }
}

/// What of a conversation is encrypted (MSE).
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
#[non_exhaustive]
pub enum Encrypted {
    /// Nothing: networks can read it.
    #[default]
    Nothing,
    /// The handshake alone.
    Handshake,
    /// All of it.
    Everything,
}

impl Encrypted {
    /// One word for scripts.
    pub fn word(self) -> &'static str {
        match self {
            Self::Nothing => "none",
            Self::Handshake => "handshake",
            Self::Everything => "rc4",
        }
    }
}

/// How the words of a peer come to us.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Via {
    /// What they travel over; nothing that is known of where the connection was brought from outside.
    pub transport: Option<Transport>,
    /// What of them is encrypted.
    pub encrypted: Encrypted,
}

impl Via {
    /// A TCP connection in the clear.
    pub const TCP: Self = Self { transport: Some(Transport::Tcp), encrypted: Encrypted::Nothing };
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
    /// Both are taken; dials go by TCP, and by uTP as well where TCP has not succeeded after a moment.
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

    /// The first way over that transport.
    pub(crate) fn over(&self, transport: Transport) -> Option<How> {
        self.all().iter().copied().find(|how| how.transport == transport)
    }

    /// What is to be tried: the way that has `worked` before, else the first in order, of those that have not `failed`; beside it the one that begins alike
    /// over the other transport.
    pub(crate) fn plan(&self, worked: Option<How>, failed: Failed) -> Option<Plan> {
        let may = |how: &How| self.all().contains(how) && !failed.has(*how);
        let first = worked.filter(may).or_else(|| self.all().iter().copied().find(may))?;
        let others = || self.all().iter().copied().filter(|how| how.transport != first.transport && may(how));
        let second = others().find(|how| how.mse == first.mse).or_else(|| others().next());
        Some(Plan { first, second })
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

    /// What that way travels over may be tried anew.
    #[must_use]
    pub(crate) fn without_transport(self, how: How) -> Self {
        Self(self.0 & !Self::default().with_transport(how).0)
    }

    pub(crate) fn has(self, how: How) -> bool {
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
                assert_eq!(ways.plan(None, failed), Some((*how).into()), "{encryption:?}");
                failed = failed.with(*how);
            }
            assert_eq!(ways.plan(None, failed), None);
            assert_eq!(ways.plan(None, none.with_transport(How::TCP)), None, "over TCP nobody is there");
        }
    }

    fn race(first: How, second: How) -> Plan {
        Plan { first, second: Some(second) }
    }

    #[test]
    fn both_transports_race_and_begin_alike() {
        let none = Failed::default();
        for (encryption, first) in [
            (Encryption::Allow, race(How::TCP, How::UTP)),
            (Encryption::Prefer, race(How::TCP_MSE, How::UTP_MSE)),
            (Encryption::Require, race(How::TCP_MSE, How::UTP_MSE)),
            (Encryption::Off, race(How::TCP, How::UTP)),
        ] {
            assert_eq!(Ways::of(encryption, Transports::Auto).plan(None, none), Some(first), "{encryption:?}");
        }
        let ways = Ways::of(Encryption::Allow, Transports::Auto);
        let silent = none.with_transport(How::TCP);
        assert_eq!(ways.plan(None, silent), Some(How::UTP.into()));
        assert_eq!(ways.plan(None, silent.with(How::UTP)), Some(How::UTP_MSE.into()));
        assert_eq!(ways.plan(None, none.with(How::TCP)), Some(race(How::TCP_MSE, How::UTP_MSE)));
        assert_eq!(ways.plan(None, none.with(How::TCP).with(How::UTP_MSE)), Some(race(How::TCP_MSE, How::UTP)));
        assert_eq!(Ways::of(Encryption::Require, Transports::Utp).plan(None, none), Some(How::UTP_MSE.into()));
    }

    #[test]
    fn what_has_worked_comes_first_while_it_may() {
        let ways = Ways::of(Encryption::Allow, Transports::Auto);
        let none = Failed::default();
        assert_eq!(ways.plan(Some(How::TCP_MSE), none), Some(race(How::TCP_MSE, How::UTP_MSE)));
        assert_eq!(ways.plan(Some(How::UTP), none), Some(race(How::UTP, How::TCP)));
        assert_eq!(ways.plan(Some(How::UTP), none.with_transport(How::UTP)), Some(How::TCP.into()));
        assert_eq!(Ways::of(Encryption::Off, Transports::Tcp).plan(Some(How::TCP_MSE), none), Some(How::TCP.into()));
    }
}
