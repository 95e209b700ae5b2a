//! Accepting connections (own design; row 71 of the list of bad inputs: no spin when descriptors run out).
use core::net::SocketAddr;
use mio::net::{TcpListener, TcpStream};
use std::io;

use crate::sockopt;

/// What one look at a listener gave.
#[derive(Debug)]
pub(crate) enum Accept {
    /// A connection and the other end's address.
    Stranger(TcpStream, SocketAddr),
    /// Nobody waits: the poll will say when somebody does.
    Empty,
    /// Somebody waits and cannot be taken for lack of descriptors or memory.
    Exhausted,
}

/// Takes the next connection that waits.
pub(crate) fn accept(listener: &TcpListener) -> Accept {
    loop {
        match listener.accept() {
            Ok((stream, addr)) => return Accept::Stranger(stream, sockopt::canonical(addr)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Accept::Empty,
            Err(error) if sockopt::out_of_resources(&error) => return Accept::Exhausted,
            // That one connection broke before it was taken.
            Err(error)
                if matches!(error.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::Interrupted)
                    || error.raw_os_error() == Some(rustix::io::Errno::PROTO.raw_os_error()) => {}
            // Anything else is about the listener: rest, rather than spin.
            Err(_) => return Accept::Exhausted,
        }
    }
}
