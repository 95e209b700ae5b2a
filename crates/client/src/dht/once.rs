//! One question to the DHT (BEP 5, 33, 43, 44, 51): a node that answers nobody, on a port of its own, for as long as the question takes.
use super::{PUBLIC, Saved, split};
use crate::resolve::resolve;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path as Folder;
use std::time::{Duration, Instant};
use teem_dht::id::Id;
use teem_dht::{Act, Item, LookupId, Node, Outcome, Port, Question, Settings};
use teem_path::{Meeting, Path};
use teem_swarm::rng::Rng;
use teem_swarm::time::Time;
use teem_wire::compact::Family;
use tokio::net::UdpSocket;

/// The longest packet that is taken, in bytes.
const PACKET_MAX: usize = 4096;
/// Nothing is due for so long at most before the nodes are looked at again.
const IDLE_MAX: Duration = Duration::from_secs(1);

/// Something that was found before the end.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Seen {
    /// A node names peers.
    Peers {
        /// The node that names them.
        by: SocketAddr,
        /// The peers that were not named before.
        peers: Vec<SocketAddr>,
    },
    /// An item, newer than those before.
    Item(Item),
}

/// One family's node and its socket.
struct Half {
    node: Node,
    socket: UdpSocket,
    path: Path,
    waits: Option<LookupId>,
}

/// A node for one question.
pub struct Once {
    halves: Vec<Half>,
    began: Instant,
}

impl Once {
    /// Opens the sockets, and begins with the nodes that are named, else those of the last run and the public ones; a path that leads nowhere beyond this machine has none of those.
    pub async fn open(path: &Path, bootstrap: Option<&[String]>, state_dir: &Folder) -> io::Result<Self> {
        let began = Instant::now();
        let near = path.addrs().is_some_and(|addrs| !addrs.is_empty() && addrs.iter().all(IpAddr::is_loopback));
        let mut starts = Vec::new();
        let public = if near { &[][..] } else { &PUBLIC[..] };
        let names = bootstrap.map_or_else(|| public.iter().map(ToString::to_string).collect(), <[String]>::to_vec);
        for name in &names {
            let (host, port) =
                split(name).ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, not_a_node(name)))?;
            // A name that leads nowhere leaves the others.
            starts.extend(resolve(path, &host, port).await.unwrap_or_default());
        }
        let saved = if bootstrap.is_none() && !near { Saved::load(state_dir) } else { Saved::default() };
        let any = [IpAddr::V4(Ipv4Addr::UNSPECIFIED), IpAddr::V6(Ipv6Addr::UNSPECIFIED)];
        let mut halves = Vec::new();
        for ip in any {
            let family = Family::of(ip);
            let of = |addr: &SocketAddr| Family::of(addr.ip()) == family;
            let Some(toward) = starts.iter().chain(saved.nodes.iter().map(|node| &node.addr)).copied().find(of) else {
                continue;
            };
            // A machine without that family leaves the other.
            let Ok(socket) = path.udp_toward(toward) else { continue };
            socket.set_nonblocking(true)?;
            let rng = Rng::new(crate::entropy::number());
            let key = [crate::entropy::number(), crate::entropy::number()];
            let settings = Settings { read_only: true, ..Settings::default() };
            let mut node = Node::new(Time::ZERO, family, settings, None, key, rng);
            node.load(Time::ZERO, &saved.nodes);
            starts.iter().filter(|addr| of(addr)).for_each(|addr| node.hint(Time::ZERO, *addr));
            halves.push(Half { node, socket: UdpSocket::from_std(socket)?, path: path.clone(), waits: None });
        }
        Ok(Self { halves, began })
    }

    /// The addresses of a node that is written as `HOST:PORT`, or why there are none.
    pub async fn addresses(path: &Path, text: &str) -> Result<Vec<SocketAddr>, String> {
        let (host, port) = split(text).ok_or_else(|| not_a_node(text))?;
        resolve(path, &host, port).await
    }

    /// Whether there is anybody to ask.
    pub fn is_alone(&self) -> bool {
        self.halves.is_empty()
    }

    /// Asks an address whether a node is there: its id, and how long that took.
    pub async fn ping(path: &Path, to: SocketAddr) -> io::Result<(Id, Duration)> {
        if path.bars(to.ip(), Meeting::Packet) {
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, "the address is one that is kept out"));
        }
        let socket = path.udp_toward(to)?;
        socket.set_nonblocking(true)?;
        let settings = Settings { read_only: true, ..Settings::default() };
        let rng = Rng::new(crate::entropy::number());
        let mut node = Node::new(Time::ZERO, Family::of(to.ip()), settings, None, [0; 2], rng);
        let began = Instant::now();
        node.ping(Time::ZERO, to);
        let mut half = Half { node, socket: UdpSocket::from_std(socket)?, path: path.clone(), waits: None };
        let mut buffer = vec![0; PACKET_MAX];
        loop {
            while let Some(act) = half.node.poll() {
                match act {
                    Act::Send { to, bytes } => _ = half.socket.send_to(&bytes, to).await?,
                    Act::Pinged { answer: Some(contact), .. } => return Ok((contact.id, began.elapsed())),
                    Act::Pinged { answer: None, .. } => {
                        return Err(io::Error::new(io::ErrorKind::TimedOut, "no node answers there"));
                    }
                    _ => {}
                }
            }
            half.turn(began, &mut buffer).await;
        }
    }

    /// Looks something up in both families; what is found is told as it comes, and what each family came to in the end. It ends sooner when `seen` has had enough.
    pub async fn look_up(&mut self, question: Question, seen: impl FnMut(Seen) -> bool) -> Vec<Outcome> {
        let now = self.now();
        for half in &mut self.halves {
            half.waits = half.node.look_up(now, question.clone());
        }
        self.run(seen).await
    }

    /// Stores an item at the nodes closest to its target.
    pub async fn put(&mut self, target: Id, item: &Item) -> Vec<Outcome> {
        let now = self.now();
        for half in &mut self.halves {
            half.waits = half.node.put(now, target, item.clone());
        }
        self.run(|_| true).await
    }

    /// Tells the nodes closest to a hash that a peer at our address has it, at that port.
    pub async fn announce(&mut self, info_hash: Id, port: u16) -> Vec<Outcome> {
        let now = self.now();
        for half in &mut self.halves {
            half.node.listens(now, Some(Port { port, implied: false }));
            half.node.announce(now, info_hash, false);
        }
        let mut outcomes = Vec::new();
        let mut buffer = vec![0; PACKET_MAX];
        while outcomes.len() < self.halves.len() {
            for half in &mut self.halves {
                while let Some(act) = half.node.poll() {
                    match act {
                        Act::Send { to, bytes } => half.send(to, &bytes).await,
                        Act::Announced { outcome, .. } => outcomes.push(outcome),
                        _ => {}
                    }
                }
            }
            if outcomes.len() < self.halves.len() {
                self.turn(&mut buffer).await;
            }
        }
        outcomes
    }

    /// Nodes in the whole network as far as each family's node can tell, and those that it knows itself.
    pub fn sizes(&self) -> Vec<(Family, Option<u64>, usize)> {
        let of = |half: &Half| {
            let status = half.node.status();
            (half.node.family(), status.network, status.good)
        };
        self.halves.iter().map(of).collect()
    }

    /// Goes on until all that is waited for has ended.
    async fn run(&mut self, mut seen: impl FnMut(Seen) -> bool) -> Vec<Outcome> {
        let mut outcomes = Vec::new();
        let mut buffer = vec![0; PACKET_MAX];
        loop {
            for half in &mut self.halves {
                while let Some(act) = half.node.poll() {
                    let goes_on = match act {
                        Act::Send { to, bytes } => {
                            half.send(to, &bytes).await;
                            true
                        }
                        Act::Peers { by, peers, .. } => seen(Seen::Peers { by, peers }),
                        Act::Item { item, .. } => seen(Seen::Item(item)),
                        Act::End { lookup, outcome } if half.waits == Some(lookup) => {
                            half.waits = None;
                            outcomes.push(outcome);
                            true
                        }
                        _ => true,
                    };
                    if !goes_on {
                        return outcomes;
                    }
                }
            }
            if self.halves.iter().all(|half| half.waits.is_none()) {
                return outcomes;
            }
            self.turn(&mut buffer).await;
        }
    }

    /// Waits for a packet or for time.
    async fn turn(&mut self, buffer: &mut [u8]) {
        let began = self.began;
        let mut other = vec![0; PACKET_MAX];
        match &mut self.halves[..] {
            [one] => one.turn(began, buffer).await,
            [one, two] => tokio::select! {
                () = one.turn(began, buffer) => {}
                () = two.turn(began, &mut other) => {}
            },
            _ => {}
        }
    }

    fn now(&self) -> Time {
        Time::ZERO + self.began.elapsed()
    }
}

impl Half {
    /// A packet that cannot leave is lost, as on the way; so is one to an address that is kept out.
    async fn send(&self, to: SocketAddr, bytes: &[u8]) {
        if !self.path.bars(to.ip(), Meeting::Packet) {
            let _ = self.socket.send_to(bytes, to).await;
        }
    }

    async fn turn(&mut self, began: Instant, buffer: &mut [u8]) {
        let now = Time::ZERO + began.elapsed();
        let wait = self.node.deadline().map_or(IDLE_MAX, |at| at.since(now).min(IDLE_MAX));
        let received = tokio::time::timeout(wait, self.socket.recv_from(buffer)).await;
        let now = Time::ZERO + began.elapsed();
        if let Ok(Ok((len, from))) = received
            && !self.path.bars(from.ip(), Meeting::Packet)
        {
            self.node.packet(now, from, &buffer[..len]);
        }
        if self.node.deadline().is_some_and(|at| at <= now) {
            self.node.tick(now);
        }
    }
}

fn not_a_node(text: &str) -> String {
    format!("`{text}` is not a node's address: write HOST:PORT or [IPv6]:PORT")
}
