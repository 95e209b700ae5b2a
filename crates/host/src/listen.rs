//! The listening sockets: one for each address family, TCP and UDP of one number (own design; `--listen`).
//!
//! They are bound before anything starts, so that a taken port is an error of the command line and not of a thread. IPv6
//! sockets take no IPv4 (IPV6_V6ONLY), which makes every address's family plain. SO_REUSEADDR is set for TCP only: there it means
//! "in spite of old connections in TIME_WAIT"; for UDP it would share a live port with a stranger.
use core::fmt;
use core::net::{IpAddr, SocketAddr};
use socket2::SockRef;
use std::io;
use std::net::{TcpListener, UdpSocket};
use teem_path::{Path, Place, Sharing};

use crate::sockopt;

/// How often a port that the kernel gave is tried on the other sockets, when the user left the number to us.
const FREE_PORT_TRIES: u32 = 20;

/// Where to listen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ListenConfig {
    /// One address, or every address of both families.
    pub addr: Option<IpAddr>,
    /// The port of TCP and UDP; 0 is a free one.
    pub port: u16,
}

/// One of the two transports of a port.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Transport {
    /// Peers, and HTTP.
    Tcp,
    /// Trackers: those that are asked, and the one that runs here.
    Udp,
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tcp => "TCP",
            Self::Udp => "UDP",
        })
    }
}

/// Why listening is impossible. The text names the address; the caller names its option.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum ListenError {
    /// Another socket has the port.
    Taken {
        /// Of which transport.
        transport: Transport,
        /// The address that was asked for.
        addr: SocketAddr,
    },
    /// The system forbids this port to this user (numbers under 1024).
    Denied {
        /// Of which transport.
        transport: Transport,
        /// The address that was asked for.
        addr: SocketAddr,
    },
    /// The machine has no such address (or no such family).
    NoSuchAddress {
        /// The address that was asked for.
        addr: SocketAddr,
    },
    /// The machine has no such interface (or none of those).
    NoSuchInterface {
        /// What was asked for.
        name: String,
    },
    /// No number was found that is free for TCP and UDP of every family.
    NoFreePort {
        /// How many were tried.
        tries: u32,
    },
    /// Any other reason.
    Other {
        /// Of which transport.
        transport: Transport,
        /// The address that was asked for.
        addr: SocketAddr,
        /// In the system's words.
        why: String,
    },
}

impl fmt::Display for ListenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Taken { transport, addr } => {
                write!(f, "{transport} port {} on {} is in use by another program", addr.port(), addr.ip())
            }
            Self::Denied { transport, addr } => {
                write!(f, "no permission to listen on {transport} port {} of {}", addr.port(), addr.ip())
            }
            Self::NoSuchAddress { addr } => write!(f, "this machine has no address {}", addr.ip()),
            Self::NoSuchInterface { name } => write!(f, "this machine has no interface {name} that is up"),
            Self::NoFreePort { tries } => {
                write!(f, "found no port that is free for both TCP and UDP after {tries} tries")
            }
            Self::Other { transport, addr, why } => write!(f, "cannot listen on {transport} {addr}: {why}"),
        }
    }
}

impl core::error::Error for ListenError {}

impl ListenError {
    fn new(transport: Transport, addr: SocketAddr, error: &io::Error) -> Self {
        use rustix::io::Errno;
        let is = |errno: Errno| error.raw_os_error() == Some(errno.raw_os_error());
        match error.kind() {
            io::ErrorKind::AddrInUse => Self::Taken { transport, addr },
            io::ErrorKind::PermissionDenied => Self::Denied { transport, addr },
            io::ErrorKind::AddrNotAvailable => Self::NoSuchAddress { addr },
            _ if is(Errno::AFNOSUPPORT) => Self::NoSuchAddress { addr },
            _ => Self::Other { transport, addr, why: error.to_string() },
        }
    }
}

/// What was bound.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Bound {
    /// The port, the same for TCP and UDP in every family; 0 where a proxy keeps us from listening.
    pub port: u16,
    /// The addresses with that port; unspecified ones stand for all of their family.
    pub addrs: Vec<SocketAddr>,
}

/// The two sockets of one address.
#[derive(Debug)]
pub(crate) struct Pair {
    pub(crate) addr: SocketAddr,
    pub(crate) tcp: TcpListener,
    /// None where all goes through a proxy.
    pub(crate) udp: Option<UdpSocket>,
}

/// Bound and listening sockets, to be handed to the host. Dropping them frees the port.
#[derive(Debug)]
pub struct Listeners {
    pub(crate) pairs: Vec<Pair>,
    /// The way that outgoing connections take.
    pub(crate) path: Path,
    bound: Bound,
}

impl Listeners {
    /// Binds TCP and UDP on one address or on both families, of each interface where `path` is bound to some. A family that the machine lacks
    /// is left out unless it was named.
    pub fn bind(path: &Path, config: ListenConfig) -> Result<Self, ListenError> {
        let path = path.leaving_from(config.addr);
        if config.port != 0 {
            return Self::bind_port(&path, config.addr, config.port);
        }
        for _ in 0..FREE_PORT_TRIES {
            match Self::bind_port(&path, config.addr, 0) {
                Err(ListenError::Taken { .. }) => {}
                done => return done,
            }
        }
        Err(ListenError::NoFreePort { tries: FREE_PORT_TRIES })
    }

    fn bind_port(path: &Path, addr: Option<IpAddr>, port: u16) -> Result<Self, ListenError> {
        let (mut port, mut pairs, mut missing) = (port, Vec::new(), None);
        for place in path.places(addr) {
            match pair(path, &place, port) {
                Ok(pair) => {
                    port = pair.addr.port();
                    pairs.push(pair);
                }
                Err(error @ (ListenError::NoSuchAddress { .. } | ListenError::NoSuchInterface { .. })) => {
                    missing = Some(error);
                }
                Err(error) => return Err(error),
            }
        }
        if pairs.is_empty() && path.proxy().is_some() {
            return Ok(Self { pairs, path: path.clone(), bound: Bound { port: 0, addrs: Vec::new() } });
        }
        if pairs.is_empty() {
            let nowhere = SocketAddr::new(addr.unwrap_or(IpAddr::from([0, 0, 0, 0])), port);
            return Err(missing.unwrap_or(ListenError::NoSuchAddress { addr: nowhere }));
        }
        let bound = Bound { port, addrs: pairs.iter().map(|pair| pair.addr).collect() };
        Ok(Self { pairs, path: path.clone(), bound })
    }

    /// What was bound.
    pub fn bound(&self) -> &Bound {
        &self.bound
    }
}

/// Binds the two sockets of one address; with port 0 TCP gets a free one, and UDP has to take the same.
fn pair(path: &Path, place: &Place, port: u16) -> Result<Pair, ListenError> {
    let addr = SocketAddr::new(place.ip, port);
    let tcp = path.listen_tcp(place, port).map_err(|error| match &place.interface {
        Some(name) if error.raw_os_error() == Some(rustix::io::Errno::NODEV.raw_os_error()) => {
            ListenError::NoSuchInterface { name: name.to_string() }
        }
        _ => ListenError::new(Transport::Tcp, addr, &error),
    })?;
    let port = tcp.local_addr().map_err(|error| ListenError::new(Transport::Tcp, addr, &error))?.port();
    let addr = SocketAddr::new(place.ip, port);
    if path.proxy().is_some() {
        return Ok(Pair { addr, tcp, udp: None });
    }
    let udp =
        path.listen_udp(place, port, Sharing::Alone).map_err(|error| ListenError::new(Transport::Udp, addr, &error))?;
    sockopt::lower_effort(&SockRef::from(&udp), place.ip);
    Ok(Pair { addr, tcp, udp: Some(udp) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::net::Ipv4Addr;

    const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    #[test]
    fn a_free_port_is_free_for_both_transports_and_families() {
        let listeners = Listeners::bind(&Path::direct(), ListenConfig { addr: None, port: 0 }).unwrap();
        let bound = listeners.bound();
        assert_ne!(bound.port, 0);
        assert!(!bound.addrs.is_empty() && bound.addrs.iter().all(|addr| addr.port() == bound.port));
        assert_eq!(listeners.path.from(), None);
        for pair in &listeners.pairs {
            assert_eq!(pair.tcp.local_addr().unwrap().port(), bound.port);
            assert_eq!(pair.udp.as_ref().unwrap().local_addr().unwrap().port(), bound.port);
        }
    }

    #[test]
    fn a_port_taken_for_tcp_is_named() {
        let held = TcpListener::bind((LOOPBACK, 0)).unwrap();
        let addr = held.local_addr().unwrap();
        let error =
            Listeners::bind(&Path::direct(), ListenConfig { addr: Some(LOOPBACK), port: addr.port() }).unwrap_err();
        assert_eq!(error, ListenError::Taken { transport: Transport::Tcp, addr });
        assert!(error.to_string().contains("TCP port") && error.to_string().contains("in use"));
    }

    #[test]
    fn a_port_taken_for_udp_alone_is_named_and_tcp_let_go() {
        // Below the numbers that outgoing connections, of other tests too, are given.
        let free = |port: &u16| TcpListener::bind((LOOPBACK, *port)).is_ok();
        let held = (20_000..30_000).filter(free).find_map(|port| UdpSocket::bind((LOOPBACK, port)).ok()).unwrap();
        let addr = held.local_addr().unwrap();
        let config = ListenConfig { addr: Some(LOOPBACK), port: addr.port() };
        assert_eq!(
            Listeners::bind(&Path::direct(), config).unwrap_err(),
            ListenError::Taken { transport: Transport::Udp, addr }
        );
        drop(held);
        assert_eq!(Listeners::bind(&Path::direct(), config).unwrap().bound().addrs, [addr]);
    }

    #[test]
    fn two_of_us_never_share_a_port() {
        let first = Listeners::bind(&Path::direct(), ListenConfig { addr: None, port: 0 }).unwrap();
        let error =
            Listeners::bind(&Path::direct(), ListenConfig { addr: None, port: first.bound().port }).unwrap_err();
        assert!(matches!(error, ListenError::Taken { transport: Transport::Tcp, .. }), "{error}");
    }

    #[test]
    fn an_address_of_another_machine_is_an_error() {
        let ip = "192.0.2.1".parse().unwrap();
        let error = Listeners::bind(&Path::direct(), ListenConfig { addr: Some(ip), port: 0 }).unwrap_err();
        assert_eq!(error, ListenError::NoSuchAddress { addr: SocketAddr::new(ip, 0) });
    }

    #[test]
    fn a_named_address_is_where_we_dial_from() {
        let listeners = Listeners::bind(&Path::direct(), ListenConfig { addr: Some(LOOPBACK), port: 0 }).unwrap();
        assert_eq!(listeners.path.from(), Some(LOOPBACK));
    }
}
