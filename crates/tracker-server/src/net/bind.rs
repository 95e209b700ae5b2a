//! Sockets to listen on (own design; RFC 3493, section 5.3): one for each family, IPv6 ones for IPv6 only, so that no address comes disguised
//! and both families' sockets can have the same port.
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::vec;
use std::vec::Vec;
use teem_path::{Path, Place, Sharing};

/// How often a free port is looked for that both families have.
const FREE_PORT_TRIES: u32 = 16;

/// Listens on an address. `[::]` stands for all addresses of both families; where there is no IPv6 it is all of IPv4. With port 0 both have
/// the same free port.
pub fn tcp(addr: SocketAddr) -> io::Result<Vec<TcpListener>> {
    both(addr, one_tcp, TcpListener::local_addr)
}

/// Receives on an address, in the same way as [`tcp`].
pub fn udp(addr: SocketAddr) -> io::Result<Vec<UdpSocket>> {
    both(addr, one_udp, UdpSocket::local_addr)
}

/// Opens TCP and UDP sockets of the same number on an address: the port of the address, or a free one.
pub fn tcp_and_udp(addr: SocketAddr) -> io::Result<(Vec<TcpListener>, Vec<UdpSocket>)> {
    let mut tries = 0;
    loop {
        let listeners = tcp(addr)?;
        let port = match listeners.first() {
            Some(listener) => listener.local_addr()?.port(),
            None => addr.port(),
        };
        match udp(SocketAddr::new(addr.ip(), port)) {
            Ok(sockets) => return Ok((listeners, sockets)),
            Err(error) if addr.port() != 0 || tries == FREE_PORT_TRIES => return Err(error),
            Err(_) => tries += 1,
        }
    }
}

fn both<S>(
    addr: SocketAddr,
    open: impl Fn(SocketAddr) -> io::Result<S>,
    port: impl Fn(&S) -> io::Result<SocketAddr>,
) -> io::Result<Vec<S>> {
    if addr.ip() != IpAddr::from([0_u16; 8]) {
        return Ok(vec![open(addr)?]);
    }
    let all_v4 = |port| SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), port);
    let mut tries = 0;
    loop {
        let v6 = match open(addr) {
            Ok(v6) => v6,
            Err(error) if no_ipv6(&error) => return Ok(vec![open(all_v4(addr.port()))?]),
            Err(error) => return Err(error),
        };
        match open(all_v4(port(&v6)?.port())) {
            Ok(v4) => return Ok(vec![v6, v4]),
            Err(error) if addr.port() != 0 || tries == FREE_PORT_TRIES => return Err(error),
            Err(_) => tries += 1,
        }
    }
}

/// Whether the machine has no IPv6 at all: the family or its address is not there.
fn no_ipv6(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::Unsupported | io::ErrorKind::AddrNotAvailable)
        || error.raw_os_error().is_some_and(|code| UNSUPPORTED_FAMILY.contains(&code))
}

/// EAFNOSUPPORT of Linux, macOS and Windows.
const UNSUPPORTED_FAMILY: [i32; 3] = [97, 47, 10047];

/// A tracker serves whoever asks, and asks nobody: its sockets take the system's own way.
fn one_tcp(addr: SocketAddr) -> io::Result<TcpListener> {
    Path::direct().listen_tcp(&Place::of(addr), addr.port())
}

fn one_udp(addr: SocketAddr) -> io::Result<UdpSocket> {
    Path::direct().listen_udp(&Place::of(addr), addr.port(), Sharing::Alone)
}
