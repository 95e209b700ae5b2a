//! What goes out of the machine and comes in (own design): what is to be done, what the owner is told, and the names for it.

use crate::url::Url;
use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::net::{IpAddr, SocketAddr};
use core::time::Duration;

/// The generator that everything random is drawn from.
pub(crate) type Random = Box<dyn FnMut() -> u64 + Send>;

/// An address of ours, and the gateway that its packets go to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Gateway {
    /// The address that is to be reached from outside.
    pub local: IpAddr,
    /// The router's, on the same link.
    pub gateway: IpAddr,
    /// The number of the link, which an address of IPv6 for one link needs; else 0.
    pub scope: u32,
}

/// By what a port was mapped.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Way {
    /// Port Control Protocol (RFC 6887).
    Pcp,
    /// NAT Port Mapping Protocol (RFC 6886).
    NatPmp,
    /// UPnP's Internet gateway device.
    Upnp,
}

impl Way {
    /// In the order in which they are preferred.
    pub(crate) const ALL: [Self; 3] = [Self::Pcp, Self::NatPmp, Self::Upnp];

    /// What people call it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Pcp => "PCP",
            Self::NatPmp => "NAT-PMP",
            Self::Upnp => "UPnP",
        }
    }
}

/// Ports of a router that lead to us.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Mapped {
    /// The protocol that the router was asked in.
    pub way: Way,
    /// The address of ours that they lead to.
    pub inside: IpAddr,
    /// The router's address outside, as it says.
    pub address: IpAddr,
    /// The port outside that leads to ours over TCP.
    pub tcp: u16,
    /// The port outside that leads to ours over UDP; nearly always the same.
    pub udp: u16,
    /// How long it lasts unless it is renewed, which is done; zero is for ever.
    pub lifetime: Duration,
}

impl Mapped {
    /// Whether others have to be told something else now.
    pub(crate) fn is_another(&self, other: &Self) -> bool {
        (self.way, self.address, self.tcp, self.udp) != (other.way, other.address, other.tcp, other.udp)
    }
}

/// What the owner should know.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Event {
    /// Both ports lead to us, or lead from another port or address than before.
    Mapped(Mapped),
    /// They do so no more; it is tried again at once.
    Lost {
        /// The address of ours that they led to.
        inside: IpAddr,
    },
    /// Nothing maps them; it is tried again in a quarter of an hour.
    Failed {
        /// The address of ours that nothing leads to.
        inside: IpAddr,
        /// The router that was asked.
        gateway: IpAddr,
        /// What each way came to, in words.
        why: String,
    },
}

/// The name of a request over HTTP; never used again.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct RequestId(pub u64);

/// What is to be done.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Act {
    /// A datagram leaves from that address of ours, always from the same port.
    Send {
        /// The address of ours whose socket it leaves by.
        from: IpAddr,
        /// The router, or the group of all.
        to: SocketAddr,
        /// The whole datagram.
        bytes: Vec<u8>,
    },
    /// A description is fetched. Redirects are not followed.
    Get {
        /// The name of the request.
        id: RequestId,
        /// The address to connect to, and the path.
        url: Url,
    },
    /// A service is asked: `Content-Type: text/xml; charset="utf-8"`.
    Post {
        /// The name of the request.
        id: RequestId,
        /// The address to connect to, and the path.
        url: Url,
        /// The value of the header `SOAPAction`.
        action: String,
        /// The XML that is sent.
        body: String,
    },
    /// The owner is told.
    Tell(Event),
}

/// What came of a request over HTTP.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HttpAnswer {
    /// The three digits.
    pub status: u16,
    /// The body; no more than [`crate::xml::LEN_MAX`] bytes are read.
    pub body: Vec<u8>,
}

/// Gives names to requests.
#[derive(Debug, Default)]
pub(crate) struct Request(u64);

impl Request {
    pub(crate) fn next(&mut self) -> RequestId {
        self.0 += 1;
        RequestId(self.0)
    }
}
