//! The machine that its owner drives (own design): everything that comes goes in, everything that is to be done comes out.

use crate::act::{Act, Gateway, HttpAnswer, Random, Request, RequestId};
use crate::line::Line;
use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::fmt;
use core::net::{IpAddr, SocketAddr};
use core::time::Duration;

/// Addresses of ours that are mapped for: one of each family is usual.
const LINES_MAX: usize = 4;
/// How long taking back may take.
const CLOSE_MAX: Duration = Duration::from_secs(1);

/// Where this machine's packets go.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Network {
    /// One for each address that is to be reached from outside.
    pub gateways: Vec<Gateway>,
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
        let v4 = |gateway: &Gateway| match (gateway.local, gateway.gateway) {
            (IpAddr::V4(local), IpAddr::V4(router)) => Some((local, router)),
            _ => None,
        };
        // The firewall before addresses of IPv6 is mostly in the router that IPv4 goes by, and asked over that.
        let beside = network.gateways.iter().find_map(v4);
        let line = |gateway: &Gateway| Line::new(*gateway, v4(gateway).or(beside), port);
        let lines = network.gateways.iter().take(LINES_MAX).map(line).collect();
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
        for line in &mut self.lines {
            line.packet(now, (local, from), bytes, &mut self.random, &mut self.request, &mut self.out);
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
