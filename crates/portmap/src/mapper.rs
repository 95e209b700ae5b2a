//! The machine that its owner drives: everything that comes goes in, everything that is to be done comes out.

use crate::direct::Random;
use crate::line::Line;
use crate::url::Url;
use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::net::{IpAddr, SocketAddr};
use core::time::Duration;

/// Addresses of ours that are mapped for: one of each family is usual.
const LINES_MAX: usize = 4;
/// How long taking back may take.
const CLOSE_MAX: Duration = Duration::from_secs(1);

/// An address of ours, and the gateway that its packets go to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Gateway {
    /// Our address.
    pub local: IpAddr,
    /// The router's, on the same link.
    pub gateway: IpAddr,
    /// The number of the link, which an address of IPv6 for one link needs; else 0.
    pub scope: u32,
}

/// Where this machine's packets go.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Network {
    /// One for each address that is to be reached from outside.
    pub gateways: Vec<Gateway>,
}

/// By what a port was mapped.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Way {
    /// RFC 6887.
    Pcp,
    /// RFC 6886.
    NatPmp,
    /// UPnP's Internet gateway device.
    Upnp,
}

impl Way {
    /// In the order in which they are preferred.
    pub(crate) const ALL: [Self; 3] = [Self::Pcp, Self::NatPmp, Self::Upnp];

    /// Its name.
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
    /// By what.
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
        /// Our address.
        from: IpAddr,
        /// Where to.
        to: SocketAddr,
        /// What.
        bytes: Vec<u8>,
    },
    /// A description is fetched. Redirects are not followed.
    Get {
        /// The name of the request.
        id: RequestId,
        /// Where.
        url: Url,
    },
    /// A service is asked: `Content-Type: text/xml; charset="utf-8"`.
    Post {
        /// The name of the request.
        id: RequestId,
        /// Where.
        url: Url,
        /// The value of the header `SOAPAction`.
        action: String,
        /// The body.
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

/// All that is mapped for one port of ours.
pub struct Mapper {
    lines: Vec<Line>,
    random: Random,
    request: Request,
    out: VecDeque<Act>,
    closes_at: Option<Duration>,
    now: Duration,
}

impl fmt::Debug for Mapper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mapper").field("lines", &self.lines).finish_non_exhaustive()
    }
}

impl Mapper {
    /// Begins to map `port`, TCP and UDP. `random` is drawn from for nonces and ports, so others should not be able to guess it.
    pub fn new(network: &Network, port: u16, random: Box<dyn FnMut() -> u64 + Send>, now: Duration) -> Self {
        let lines = network.gateways.iter().take(LINES_MAX).map(|gateway| Line::new(*gateway, port)).collect();
        let (request, out) = (Request::default(), VecDeque::new());
        let mut this = Self { lines, random, request, out, closes_at: None, now };
        for line in &mut this.lines {
            line.begin(now, &mut this.random, &mut this.out);
        }
        this
    }

    /// A datagram came to the socket of `local`.
    pub fn packet(&mut self, now: Duration, local: IpAddr, from: SocketAddr, bytes: &[u8]) {
        self.now = now;
        for line in self.lines.iter_mut().filter(|line| line.local() == local) {
            line.packet(now, from, bytes, &mut self.random, &mut self.request, &mut self.out);
        }
    }

    /// A request over HTTP was answered, or came to nothing, as the words say.
    pub fn answered(&mut self, now: Duration, id: RequestId, answer: Result<&HttpAnswer, &str>) {
        self.now = now;
        for line in &mut self.lines {
            line.answered(now, id, answer, &mut self.random, &mut self.request, &mut self.out);
        }
    }

    /// Time has passed.
    pub fn tick(&mut self, now: Duration) {
        self.now = now;
        for line in &mut self.lines {
            line.follow(now, &mut self.random, &mut self.request, &mut self.out);
        }
    }

    /// What is to be done next.
    pub fn poll(&mut self) -> Option<Act> {
        self.out.pop_front()
    }

    /// When [`Self::tick`] is to be called at the latest.
    pub fn deadline(&self) -> Option<Duration> {
        self.lines.iter().filter_map(Line::deadline).chain(self.closes_at).min()
    }

    /// Takes back what is mapped, for a second at most.
    pub fn close(&mut self, now: Duration) {
        (self.now, self.closes_at) = (now, Some(now + CLOSE_MAX));
        for line in &mut self.lines {
            line.close(now, &mut self.request, &mut self.out);
        }
    }

    /// Whether nothing more is to be done after [`Self::close`].
    pub fn is_closed(&self) -> bool {
        self.closes_at
            .is_some_and(|at| self.now >= at || (self.out.is_empty() && self.lines.iter().all(Line::is_closed)))
    }
}
