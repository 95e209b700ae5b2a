//! Sockets to listen on (own design; RFC 3493, section 5.3): one for each family, IPv6 ones for IPv6 only, so that no address comes disguised
//! and both families' sockets can have the same port.
use socket2::{Domain, Protocol, Socket, Type};
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::vec;
use std::vec::Vec;

/// Connections that the kernel keeps for us to accept.
const BACKLOG: i32 = 256;
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

fn one_tcp(addr: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(addr), Type::STREAM, Some(Protocol::TCP))?;
    if cfg!(unix) {
        // A restart finds its port free although old connections linger. On Windows the option would let others in.
        socket.set_reuse_address(true)?;
    }
    if addr.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.bind(&addr.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

fn one_udp(addr: SocketAddr) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::for_address(addr), Type::DGRAM, Some(Protocol::UDP))?;
    if addr.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.bind(&addr.into())?;
    Ok(socket.into())
}
