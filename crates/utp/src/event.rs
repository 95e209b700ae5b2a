//! What a socket tells its owner, and the names for it (own design).

use core::fmt;
use core::net::{IpAddr, SocketAddr};

/// A connection of a socket; never used again for another.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Id {
    pub(crate) slot: u32,
    pub(crate) life: u32,
}

/// Both ends of a datagram.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Path {
    /// The other side.
    pub remote: SocketAddr,
    /// The address of ours that it came to, and answers leave from; `None` leaves it to the system.
    pub local: Option<IpAddr>,
}

/// A connection has changed. Each kind is told once, until the owner has done what it is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Event {
    /// The other side answered: bytes may be written.
    Connected(Id),
    /// The other side opened it, from that address, and has shown that it is there.
    Accepted(Id, SocketAddr),
    /// There are bytes to read, or the stream has come to its end.
    Readable(Id),
    /// There is room for what a write left over.
    Writable(Id),
    /// It is over, and its name means nothing any more.
    Closed(Id, Why),
}

/// Why a connection is over.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Why {
    /// Both streams came to their end and everything is acknowledged.
    Finished,
    /// The other side ended it at once.
    Reset,
    /// The other side would not open it.
    Refused,
    /// The other side has gone silent, or takes nothing.
    TimedOut,
}

impl fmt::Display for Why {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Finished => "both sides are done",
            Self::Reset => "the other side ended the connection",
            Self::Refused => "the other side refused the connection",
            Self::TimedOut => "the other side did not answer in time",
        })
    }
}
