//! The world itself: nodes, packets between them, and time. A run is a function of what is in it and a seed.
use super::sybil::Sybil;
use super::way::Ways;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;
use teem_dht::{Act, Node, Settings};
use teem_swarm::rng::Rng;
use teem_swarm::time::Time;
use teem_wire::compact::Family;
use teem_wire::reach::Reach;

/// The port of all nodes.
const PORT: u16 = 6881;

/// The one at an address.
pub(crate) enum Host {
    /// A node of ours.
    Node(Box<Node>),
    /// One of a party that wants a target for itself.
    Sybil(Sybil),
    /// Nobody any more.
    Gone,
}

/// Something that happens at a node.
enum Event {
    Packet { from: u32, bytes: Vec<u8> },
    Tick,
}

/// Packets of one node.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Packets {
    /// That it sent.
    pub(crate) sent: u64,
    /// That it got.
    pub(crate) got: u64,
}

/// Hosts, what is under way between them, and what they have told.
pub(crate) struct World {
    /// What time it is.
    pub(crate) now: Time,
    /// The generator for all that is drawn outside of nodes.
    pub(crate) rng: Rng,
    /// The one that all its nodes speak.
    family: Family,
    ways: Ways,
    hosts: Vec<Host>,
    packets: Vec<Packets>,
    /// The next moment that each is woken at.
    wakes: Vec<Option<Time>>,
    addresses: Vec<IpAddr>,
    places: BTreeMap<IpAddr, u32>,
    queue: BinaryHeap<Reverse<(Time, u64, u32)>>,
    events: BTreeMap<u64, Event>,
    count: u64,
    /// What nodes have told, in order: when, which node, what.
    told: Vec<(Time, u32, Act)>,
    /// Announces that arrived: when, from whom, at whom.
    announces: Vec<(u32, u32)>,
}

impl World {
    /// An empty one.
    pub(crate) fn new(seed: u64, ways: Ways, family: Family) -> Self {
        Self {
            family,
            now: Time::ZERO,
            rng: Rng::new(seed),
            ways,
            hosts: Vec::new(),
            packets: Vec::new(),
            wakes: Vec::new(),
            addresses: Vec::new(),
            places: BTreeMap::new(),
            queue: BinaryHeap::new(),
            events: BTreeMap::new(),
            count: 0,
            told: Vec::new(),
            announces: Vec::new(),
        }
    }

    /// A node more, with an address that nobody has; its number.
    pub(crate) fn add_node(&mut self, settings: Settings) -> u32 {
        let key = [self.rng.next_u64(), self.rng.next_u64()];
        let rng = self.rng.fork();
        let node = Node::new(self.now, self.family, settings, None, key, rng);
        self.add(Host::Node(Box::new(node)))
    }

    /// Somebody more, with an address that nobody has; its number.
    pub(crate) fn add(&mut self, host: Host) -> u32 {
        let ip = loop {
            let drawn = self.rng.next_u64();
            let ip = match self.family {
                Family::V4 => IpAddr::from((drawn as u32).to_be_bytes()),
                // Each in a network of its own, of those that are given out (2000::/3).
                Family::V6 => IpAddr::from(((u128::from(drawn) << 64 | 1) >> 3 | 1 << 125).to_be_bytes()),
            };
            if Reach::of(ip) == Reach::Public && !self.places.contains_key(&ip) {
                break ip;
            }
        };
        let n = self.hosts.len() as u32;
        self.hosts.push(host);
        self.packets.push(Packets::default());
        self.wakes.push(None);
        self.addresses.push(ip);
        self.places.insert(ip, n);
        n
    }

    /// The address of one.
    pub(crate) fn address(&self, n: u32) -> SocketAddr {
        SocketAddr::new(self.addresses[n as usize], PORT)
    }

    /// All that were ever there.
    pub(crate) fn len(&self) -> u32 {
        self.hosts.len() as u32
    }

    /// A node, if it is one and there.
    pub(crate) fn node(&self, n: u32) -> Option<&Node> {
        if let Host::Node(node) = &self.hosts[n as usize] { Some(node) } else { None }
    }

    /// The nodes that are there.
    pub(crate) fn nodes(&self) -> impl Iterator<Item = (u32, &Node)> {
        (0..self.len()).filter_map(|n| Some((n, self.node(n)?)))
    }

    /// Packets of one so far.
    pub(crate) fn packets(&self, n: u32) -> Packets {
        self.packets[n as usize]
    }

    /// Puts a party's node in its place, once its address is known.
    pub(crate) fn replace(&mut self, n: u32, host: Host) {
        self.hosts[n as usize] = host;
    }

    /// One is gone without a word.
    pub(crate) fn kill(&mut self, n: u32) {
        self.hosts[n as usize] = Host::Gone;
    }

    /// Tells a node something.
    pub(crate) fn tell<T>(&mut self, n: u32, what: impl FnOnce(&mut Node, Time) -> T) -> Option<T> {
        let now = self.now;
        let Host::Node(node) = &mut self.hosts[n as usize] else { return None };
        let said = what(node, now);
        self.drain(n);
        Some(said)
    }

    /// Sends a packet from one that is no node.
    pub(crate) fn send(&mut self, from: u32, to: SocketAddr, bytes: Vec<u8>) {
        self.packets[from as usize].sent += 1;
        let Some(to) = self.places.get(&to.ip()).copied() else { return };
        if let Some(takes) = self.ways.takes(from, to, &mut self.rng) {
            self.push(self.now + Duration::from_nanos(takes), to, Event::Packet { from, bytes });
        }
    }

    /// Lets time pass.
    pub(crate) fn run_until(&mut self, until: Time) {
        while let Some(Reverse((at, number, n))) = self.queue.peek().copied().filter(|Reverse((at, ..))| *at <= until) {
            self.queue.pop();
            self.now = at;
            match self.events.remove(&number) {
                Some(Event::Packet { from, bytes }) => self.arrive(from, n, &bytes),
                Some(Event::Tick) => self.wake(n),
                None => {}
            }
        }
        self.now = until;
    }

    /// Lets so much time pass.
    pub(crate) fn run_for(&mut self, time: Duration) {
        self.run_until(self.now + time);
    }

    /// What the nodes have told since this was asked last.
    pub(crate) fn told(&mut self) -> Vec<(Time, u32, Act)> {
        std::mem::take(&mut self.told)
    }

    /// Announces that arrived since this was asked last: from whom, at whom.
    pub(crate) fn announces(&mut self) -> Vec<(u32, u32)> {
        std::mem::take(&mut self.announces)
    }

    fn push(&mut self, at: Time, n: u32, event: Event) {
        self.count += 1;
        self.events.insert(self.count, event);
        self.queue.push(Reverse((at, self.count, n)));
    }

    fn arrive(&mut self, from: u32, n: u32, bytes: &[u8]) {
        let (now, source) = (self.now, self.address(from));
        self.packets[n as usize].got += 1;
        if contains(bytes, b"13:announce_peer") {
            self.announces.push((from, n));
        }
        match &mut self.hosts[n as usize] {
            Host::Node(node) => {
                node.packet(now, source, bytes);
                self.drain(n);
            }
            Host::Sybil(sybil) => {
                if let Some(reply) = sybil.answer(source, bytes, &mut self.rng) {
                    self.send(n, source, reply);
                }
            }
            Host::Gone => {}
        }
    }

    fn wake(&mut self, n: u32) {
        if self.wakes[n as usize] != Some(self.now) {
            return;
        }
        self.wakes[n as usize] = None;
        if let Host::Node(node) = &mut self.hosts[n as usize] {
            node.tick(self.now);
            self.drain(n);
        }
    }

    fn drain(&mut self, n: u32) {
        while let Host::Node(node) = &mut self.hosts[n as usize] {
            match node.poll() {
                Some(Act::Send { to, bytes }) => self.send(n, to, bytes),
                Some(act) => self.told.push((self.now, n, act)),
                None => break,
            }
        }
        let Some(at) = self.node(n).and_then(Node::deadline) else { return };
        if self.wakes[n as usize].is_none_or(|wake| at < wake) {
            let at = at.max(self.now);
            self.wakes[n as usize] = Some(at);
            self.push(at, n, Event::Tick);
        }
    }
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}
