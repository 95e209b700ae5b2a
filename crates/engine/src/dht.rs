//! Our nodes of the DHT (BEP 5, 32, 45), one of each family, and the torrents that they find peers for.
//!
//! Nothing is sent, and nothing that comes is looked at, while no torrent wants it: so a client that has private torrents alone (BEP 27) sends no packet of
//! the DHT. Where peers come from is told by [`Found`]; names that a node may begin with are the engine's to look up.
use crate::config::{DhtConfig, secret};
use crate::timers::Timers;
use alloc::collections::{BTreeMap, VecDeque};
use alloc::string::String;
use alloc::vec::Vec;
use core::net::{IpAddr, SocketAddr};
use core::time::Duration;
use teem_dht::id::Id;
use teem_dht::krpc::message::Contact;
use teem_dht::{Act, Node, Port, Question, Settings, Status};
use teem_swarm::ids::TorrentId;
use teem_swarm::listening::Listening;
use teem_swarm::rng::Rng;
use teem_swarm::search::DhtSearch;
use teem_swarm::time::Time;
use teem_wire::compact::Family;

/// A torrent that has no peer is looked up again after so long, and then each time after twice as long.
const LONELY_FIRST: Duration = Duration::from_secs(2);
/// Up to that: what is announced every quarter of an hour is looked up by that as well.
const LONELY_MAX: Duration = Duration::from_secs(300);
/// Whether one that has peers has lost them is looked at so often.
const PEERS_LOOKED_AT: Duration = Duration::from_secs(30);
/// Names that lead nowhere are tried again after so long, while no node is known.
const NAMES_AGAIN: Duration = Duration::from_secs(30);

/// What the nodes want done, or have found.
#[derive(Debug)]
pub(crate) enum Found {
    /// A packet is to be sent.
    Send(SocketAddr, Vec<u8>),
    /// The addresses of a name and port are wanted.
    Resolve(String, u16),
    /// A node says where it sees us.
    Seen {
        /// Its own address.
        by: IpAddr,
        /// Ours, as it says.
        at: IpAddr,
    },
    /// A node names peers of a torrent.
    Peers {
        /// The node that names them.
        by: SocketAddr,
        /// The hash that was looked up.
        info_hash: Id,
        /// Each is told of once for each look-up.
        peers: Vec<SocketAddr>,
    },
}

/// A torrent that peers are found for.
#[derive(Debug)]
struct Member {
    hashes: Vec<Id>,
    seed: bool,
    /// The node that named peers last, and how many.
    named: Option<(SocketAddr, u32)>,
    /// After how long it is looked up once more, if it has no peer then.
    wait: Duration,
}

/// The nodes of both families, and what they work for.
#[derive(Debug)]
pub(crate) struct Dht {
    nodes: Vec<Node>,
    members: BTreeMap<TorrentId, Member>,
    /// When of which of them has to be known whether it has peers.
    again: Timers,
    /// Nodes of the last run, until there is something to look for.
    saved: Vec<Contact>,
    /// Where a beginner starts.
    names: Vec<(String, u16)>,
    /// Names that are to be looked up, and when.
    wanted: VecDeque<(String, u16)>,
    names_at: Option<Time>,
}

impl Dht {
    pub(crate) fn new(config: DhtConfig, at: Listening, entropy: Option<fn() -> u64>, mut rng: Rng) -> Self {
        let mut node = |family: Family| {
            let id = config.ids.iter().find(|(of, _)| *of == family).map(|(_, id)| *id);
            let key = [secret(entropy, &mut rng), secret(entropy, &mut rng)];
            // Transaction ids must not be guessed either.
            let own = Rng::new(secret(entropy, &mut rng));
            let mut node = Node::new(Time::ZERO, family, Settings::default(), id, key, own);
            node.listens(Time::ZERO, told(at, family));
            node
        };
        let nodes = config.families.iter().map(|family| node(*family)).collect();
        Self {
            nodes,
            members: BTreeMap::new(),
            again: Timers::default(),
            saved: config.saved,
            names: config.bootstrap,
            wanted: VecDeque::new(),
            names_at: Some(Time::ZERO),
        }
    }

    /// A torrent's peers are to be found under these hashes, and it is announced under each.
    pub(crate) fn join(&mut self, now: Time, torrent: TorrentId, hashes: Vec<Id>, seed: bool) {
        let former = self.members.get(&torrent);
        if former.is_some_and(|former| former.hashes == hashes && former.seed == seed) {
            return;
        }
        let named = former.and_then(|former| former.named);
        let wait = former.map_or(LONELY_FIRST, |former| former.wait);
        // Those that want what is complete come by themselves.
        let look = if seed { None } else { self.again.get(torrent).or(Some(now + LONELY_FIRST)) };
        self.again.set(torrent, look);
        let member = Member { hashes, seed, named, wait };
        self.begin(now);
        for hash in &member.hashes {
            for node in &mut self.nodes {
                node.announce(now, *hash, seed);
            }
        }
        let former = self.members.insert(torrent, member);
        let kept = self.members.get(&torrent).map_or(&[][..], |member| &member.hashes);
        for hash in former.iter().flat_map(|former| &former.hashes).filter(|hash| !kept.contains(hash)) {
            for node in &mut self.nodes {
                node.withdraw(now, *hash);
            }
        }
    }

    /// Nothing more is looked for, or told, of a torrent.
    pub(crate) fn leave(&mut self, now: Time, torrent: TorrentId) {
        let Some(member) = self.members.remove(&torrent) else { return };
        self.again.set(torrent, None);
        for hash in &member.hashes {
            for node in &mut self.nodes {
                node.withdraw(now, *hash);
            }
        }
    }

    /// Whether peers are found for that torrent.
    pub(crate) fn has(&self, torrent: TorrentId) -> bool {
        self.members.contains_key(&torrent)
    }

    /// A packet that looks like the DHT's.
    pub(crate) fn packet(&mut self, now: Time, from: SocketAddr, bytes: &[u8]) {
        if !self.members.is_empty()
            && let Some(node) = self.node(from)
        {
            node.packet(now, from, bytes);
        }
    }

    /// There may be nodes at these addresses.
    pub(crate) fn hints(&mut self, now: Time, addrs: &[SocketAddr]) {
        if self.members.is_empty() {
            return;
        }
        for addr in addrs {
            if let Some(node) = self.node(*addr) {
                node.hint(now, *addr);
            }
        }
    }

    /// Peers reach us at another port from now on.
    pub(crate) fn listens(&mut self, now: Time, at: Listening) {
        self.nodes.iter_mut().for_each(|node| node.listens(now, told(at, node.family())));
    }

    /// Time has passed.
    pub(crate) fn tick(&mut self, now: Time) {
        if self.members.is_empty() {
            return;
        }
        for node in &mut self.nodes {
            if node.deadline().is_some_and(|at| at <= now) {
                node.tick(now);
            }
        }
        if self.names_at.is_some_and(|at| at <= now) {
            let lonely = self.nodes.iter().all(|node| node.status().good == 0);
            self.names_at = lonely.then_some(now + NAMES_AGAIN);
            if lonely {
                self.wanted.extend(self.names.iter().cloned());
            }
        }
    }

    /// A torrent of which has to be said whether it has peers: see [`Self::look_again`].
    pub(crate) fn due(&mut self, now: Time) -> Option<TorrentId> {
        self.again.pop_due(now)
    }

    /// Looks a torrent up again where it has no peer: others may have come too late for the last look-up.
    pub(crate) fn look_again(&mut self, now: Time, torrent: TorrentId, is_lonely: bool) {
        let Some(member) = self.members.get_mut(&torrent) else { return };
        let looks = is_lonely && member.wait <= LONELY_MAX;
        self.again.set(torrent, Some(now + if looks { member.wait * 2 } else { PEERS_LOOKED_AT }));
        if !is_lonely {
            member.wait = LONELY_FIRST;
        }
        if !looks {
            return;
        }
        member.wait *= 2;
        for hash in &member.hashes {
            for node in &mut self.nodes {
                node.look_up(now, Question::Peers { info_hash: *hash, no_seeds: false, scrape: false });
            }
        }
    }

    /// When [`Self::tick`] has something to do.
    pub(crate) fn deadline(&self) -> Option<Time> {
        if self.members.is_empty() {
            return None;
        }
        let names = self.names_at.filter(|_| !self.names.is_empty());
        self.nodes.iter().filter_map(Node::deadline).chain(names).chain(self.again.first()).min()
    }

    /// The next thing to be done.
    pub(crate) fn poll(&mut self) -> Option<Found> {
        let silent = self.members.is_empty();
        while let Some(act) = self.nodes.iter_mut().find_map(Node::poll) {
            match act {
                _ if silent => {}
                Act::Send { to, bytes } => return Some(Found::Send(to, bytes)),
                Act::Peers { info_hash, by, peers, .. } => return Some(Found::Peers { by, info_hash, peers }),
                Act::Seen { by, at } => return Some(Found::Seen { by, at }),
                Act::Item { .. }
                | Act::Samples { .. }
                | Act::Pinged { .. }
                | Act::End { .. }
                | Act::Announced { .. } => {}
            }
        }
        let (host, port) = self.wanted.pop_front().filter(|_| !silent)?;
        Some(Found::Resolve(host, port))
    }

    /// A node has named so many peers of that torrent.
    pub(crate) fn has_named(&mut self, torrent: TorrentId, by: SocketAddr, peers: usize) {
        if let Some(member) = self.members.get_mut(&torrent) {
            member.named = Some((by, peers as u32));
        }
    }

    /// What was done for that torrent.
    pub(crate) fn search(&self, torrent: TorrentId) -> DhtSearch {
        let member = self.members.get(&torrent);
        let mut search = DhtSearch::default();
        (search.looks, search.last) = (member.is_some(), member.and_then(|member| member.named));
        for status in self.nodes.iter().map(Node::status) {
            search.good += status.good as u32;
            search.asked += status.counts.asked;
            search.answers += status.counts.answers;
        }
        search
    }

    /// How the nodes stand, and those that the next run may begin with.
    pub(crate) fn standing(&self) -> (Vec<(Family, Status)>, Vec<Contact>) {
        let status = self.nodes.iter().map(|node| (node.family(), node.status())).collect();
        (status, self.nodes.iter().flat_map(Node::to_save).chain(self.saved.iter().copied()).collect())
    }

    /// There is something to look for: the nodes of the last run are asked first.
    fn begin(&mut self, now: Time) {
        let saved = core::mem::take(&mut self.saved);
        if !saved.is_empty() {
            self.nodes.iter_mut().for_each(|node| node.load(now, &saved));
        }
    }

    fn node(&mut self, addr: SocketAddr) -> Option<&mut Node> {
        self.nodes.iter_mut().find(|node| node.family() == Family::of(addr.ip()))
    }
}

/// What nodes are told of our port. They may take that of our packets only where a router maps it as it is.
fn told(at: Listening, family: Family) -> Option<Port> {
    let door = at.of(family);
    (door.here != 0)
        .then_some(Port { port: door.outside.unwrap_or(door.here), implied: door.outside == Some(door.here) })
}
