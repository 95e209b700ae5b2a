//! Nodes, lines and time (own design). What happens at one moment is received first and answered then, as a turn of the host does it.

use crate::packets::cubic::Cubic;
use crate::packets::host::Host;
use crate::packets::line::Line;
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use teem_swarm::rng::Rng;

/// What a node is.
#[derive(Debug)]
pub(crate) enum Kind {
    /// A socket of uTP.
    Utp(Box<Host>),
    /// The sending end of a Cubic to that node.
    Cubic(Cubic, usize),
    /// The receiving end.
    Sink,
}

/// One end of connections, with its clock and its line.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) kind: Kind,
    /// The line that its datagrams enter.
    pub(crate) line: usize,
    /// What its clock shows beyond the world's.
    pub(crate) clock_us: u64,
    /// It neither sends nor hears.
    pub(crate) dead: bool,
    wakes_us: Option<u64>,
}

/// What is about to happen.
#[derive(Debug)]
enum Due {
    Arrive { to: usize, from: usize, bytes: Vec<u8> },
    Wake(usize),
}

/// Changes a datagram on its way; false loses it.
pub(crate) type Tamper = Box<dyn FnMut(u64, &mut Vec<u8>, &mut Rng) -> bool>;

/// A world of datagrams.
pub(crate) struct World {
    pub(crate) now_us: u64,
    pub(crate) nodes: Vec<Node>,
    pub(crate) lines: Vec<Line>,
    pub(crate) rng: Rng,
    pub(crate) tamper: Option<Tamper>,
    /// Invariants are held after every so many moments.
    pub(crate) checks_every: u64,
    due: BTreeMap<(u64, u64), Due>,
    count: u64,
}

/// The address of a node.
pub(crate) fn address(node: usize) -> SocketAddr {
    SocketAddr::new(IpAddr::V4(Ipv4Addr::new(198, 18, (node >> 8) as u8, node as u8)), 6881)
}

fn node(address: SocketAddr) -> Option<usize> {
    match address.ip() {
        IpAddr::V4(ip) => Some(usize::from(ip.octets()[2]) << 8 | usize::from(ip.octets()[3])),
        IpAddr::V6(_) => None,
    }
}

impl World {
    pub(crate) fn new(lines: Vec<Line>, seed: u64) -> Self {
        Self {
            now_us: 0,
            nodes: Vec::new(),
            lines,
            rng: Rng::new(seed),
            tamper: None,
            checks_every: 1,
            due: BTreeMap::new(),
            count: 0,
        }
    }

    /// Adds a node whose datagrams enter that line.
    pub(crate) fn add(&mut self, kind: Kind, line: usize) -> usize {
        self.nodes.push(Node { kind, line, clock_us: 0, dead: false, wakes_us: None });
        let node = self.nodes.len() - 1;
        self.wake(node, self.now_us);
        node
    }

    /// The socket of a node.
    pub(crate) fn host(&mut self, node: usize) -> &mut Host {
        match &mut self.nodes[node].kind {
            Kind::Utp(host) => host,
            Kind::Cubic(..) | Kind::Sink => panic!("this node has no socket of uTP"),
        }
    }

    /// What a Cubic has brought over, in bytes.
    pub(crate) fn cubic(&self, node: usize) -> u64 {
        match &self.nodes[node].kind {
            Kind::Cubic(cubic, _) => cubic.delivered,
            Kind::Utp(_) | Kind::Sink => 0,
        }
    }

    /// The time that a node's clock shows.
    pub(crate) fn clock(&self, node: usize) -> u64 {
        self.now_us + self.nodes[node].clock_us
    }

    fn put(&mut self, at_us: u64, due: Due) {
        self.count += 1;
        self.due.insert((at_us, self.count), due);
    }

    /// Has a node look around then, if not sooner.
    pub(crate) fn wake(&mut self, node: usize, at_us: u64) {
        let at_us = at_us.max(self.now_us);
        if self.nodes[node].wakes_us.is_none_or(|wakes| at_us < wakes) {
            self.nodes[node].wakes_us = Some(at_us);
            self.put(at_us, Due::Wake(node));
        }
    }

    /// A datagram comes out of nowhere.
    pub(crate) fn inject(&mut self, to: usize, from: usize, bytes: Vec<u8>) {
        self.put(self.now_us, Due::Arrive { to, from, bytes });
    }

    /// Runs until that time, or until nothing is left to happen.
    pub(crate) fn run_until(&mut self, until_us: u64) {
        while self.due.first_key_value().is_some_and(|((at, _), _)| *at <= until_us) {
            let Some(((at_us, _), due)) = self.due.pop_first() else { break };
            self.now_us = at_us;
            match due {
                Due::Arrive { to, from, bytes } => self.arrive(to, from, bytes),
                Due::Wake(node) if self.nodes[node].wakes_us == Some(at_us) => {
                    self.nodes[node].wakes_us = None;
                    self.turn(node);
                }
                Due::Wake(_) => {}
            }
        }
        self.now_us = self.now_us.max(until_us);
    }

    fn arrive(&mut self, to: usize, from: usize, mut bytes: Vec<u8>) {
        if let Some(tamper) = &mut self.tamper
            && !tamper(self.now_us, &mut bytes, &mut self.rng)
        {
            return;
        }
        let (now, clock) = (self.now_us, self.clock(to));
        let node = &mut self.nodes[to];
        if node.dead {
            return;
        }
        match &mut node.kind {
            Kind::Utp(host) => host.receive(clock, address(from), &bytes),
            Kind::Cubic(cubic, _) => cubic.acked(now, &bytes),
            Kind::Sink => {
                let line = node.line;
                self.send(line, to, from, Cubic::answer(&bytes), false);
                return;
            }
        }
        self.wake(to, now);
    }

    /// A node's turn.
    fn turn(&mut self, at: usize) {
        let (now, clock) = (self.now_us, self.clock(at));
        let node = &mut self.nodes[at];
        if node.dead {
            return;
        }
        let line = node.line;
        let mut leaving = Vec::new();
        let next = match &mut node.kind {
            Kind::Utp(host) => {
                host.turn(clock);
                host.transmit(clock, |remote, bytes, fragment| leaving.push((remote, bytes.to_vec(), fragment)));
                if self.checks_every > 0 && self.count.is_multiple_of(self.checks_every) {
                    host.socket.check();
                }
                host.deadline().map(|deadline| now + deadline.saturating_sub(clock))
            }
            Kind::Cubic(cubic, to) => {
                cubic.tick(now);
                while let Some(bytes) = cubic.transmit(now) {
                    leaving.push((address(*to), bytes, false));
                }
                Some(cubic.deadline())
            }
            Kind::Sink => None,
        };
        for (remote, bytes, fragment) in leaving {
            if let Some(to) = self::node(remote).filter(|to| *to < self.nodes.len()) {
                self.send(line, at, to, bytes, fragment);
            }
        }
        if let Some(next) = next {
            // What is due already was just done: a turn that asks for another at once would never end.
            self.wake(at, next.max(now + 1));
        }
    }

    fn send(&mut self, line: usize, from: usize, to: usize, bytes: Vec<u8>, fragment: bool) {
        let [first, again] = self.lines[line].carry(self.now_us, bytes.len(), fragment, &mut self.rng);
        if let Some(at) = again {
            self.put(at, Due::Arrive { to, from, bytes: bytes.clone() });
        }
        if let Some(at) = first {
            self.put(at, Due::Arrive { to, from, bytes });
        }
    }
}
