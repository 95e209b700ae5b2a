//! The one place where sockets are made (own design; RFC 3493, section 5.3; SO_BINDTODEVICE of Linux).
//!
//! Invariant: a socket is tied to its interface before it is bound or connected, so no packet can leave by another.
use core::net::SocketAddr;
use socket2::{Domain, Protocol, Socket, Type};
use std::io;

/// Makes a socket for addresses of one family, not blocking, tied to an interface where one is named. IPv6 sockets take no IPv4, which makes
/// every address's family plain.
pub(crate) fn make(kind: Type, family: SocketAddr, device: Option<&str>) -> io::Result<Socket> {
    let protocol = if kind == Type::STREAM { Protocol::TCP } else { Protocol::UDP };
    let socket = Socket::new(Domain::for_address(family), kind, Some(protocol))?;
    if let Some(device) = device {
        tie(&socket, device)?;
    }
    if family.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.set_nonblocking(true)?;
    Ok(socket)
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn tie(socket: &Socket, device: &str) -> io::Result<()> {
    socket.bind_device(Some(device.as_bytes()))
}

/// Where the system cannot tie a socket to an interface, none is made.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn tie(_: &Socket, _: &str) -> io::Result<()> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "this system ties no socket to an interface: bind to its address"))
}
