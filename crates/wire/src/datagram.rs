//! A UDP packet with both its ends (own design): what is handed on between the holder of a socket and the protocol that it is for.
use alloc::vec::Vec;
use core::net::SocketAddr;

/// A packet that came, or that is to go.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Datagram {
    /// The other side.
    pub remote: SocketAddr,
    /// The address and port of ours that it came to, or leaves from; the address is unspecified where the system does not tell it.
    pub local: SocketAddr,
    /// What is in it.
    pub bytes: Vec<u8>,
}
