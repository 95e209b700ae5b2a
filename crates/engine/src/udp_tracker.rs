//! Announcing over UDP (BEP 15; bad-input row 56): names, connection ids, transactions, repeats.
//!
//! An ask goes to the tracker's first address of each family at once, so that peers of both are found; the first good
//! answer is the tracker's, what the other family says later are only more peers. A packet counts only when it comes
//! from the address asked, with the transaction id drawn for it and the action that is due: everything else is ignored,
//! and silence is repeated after 15 · 2^n seconds.

use crate::config::secret;
use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::string::String;
use alloc::vec::Vec;
use core::net::SocketAddr;
use core::time::Duration;
use teem_metainfo::AnnounceUrl;
use teem_swarm::ask::{AskId, again_after};
use teem_swarm::ids::TorrentId;
use teem_swarm::listening::Doors;
use teem_swarm::rng::Rng;
use teem_swarm::time::Time;
use teem_swarm::torrent::address::PeerSource;
use teem_wire::compact::Family;
use teem_wire::reach::Reach;
use teem_wire::tracker::announce::{Announce, AnnounceError, AnnounceEvent, AnnounceReply};
use teem_wire::tracker::udp::{self, CONNECTION_ID_SECS, Reply, Request};
use teem_wire::tracker::url::TrackerUrl;

/// How long a packet's answer is waited for at first; each repeat doubles it (BEP 15).
const REPEAT_FIRST: Duration = Duration::from_secs(15);
/// Packets without an answer until the ask has failed: 465 s; the announcer goes on from there.
const PACKETS_MAX: u32 = 5;
/// A name that is not resolved by then has failed.
const RESOLVE_LIMIT: Duration = Duration::from_secs(60);
/// Addresses of a name are used for this long.
const RESOLVED_FOR: Duration = Duration::from_secs(600);
/// Names whose addresses are kept.
const NAMES_MAX: usize = 256;
/// Addresses used of one name.
const ADDRESSES_MAX: usize = 16;
/// Connection ids kept.
const CONNECTIONS_MAX: usize = 256;

/// Said of a tracker of which no address is asked.
const NOT_FOR_A_STRANGER: &str =
    "it leads to no address, or into this machine's own network to more than a link may have asked there";

/// What is to be done, in order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Act {
    /// Send a packet.
    Send(SocketAddr, Vec<u8>),
    /// Resolve a name.
    Resolve(String, u16),
    /// An ask is answered.
    Answer(TorrentId, AskId, PeerSource, Result<AnnounceReply, AnnounceError>),
    /// More peers of an ask that is answered already.
    Peers(TorrentId, PeerSource, Vec<SocketAddr>),
}

/// A torrent and the name of one of its asks.
type AskKey = (TorrentId, AskId);
/// A name and a port.
type Host = (String, u16);

/// A question to a UDP tracker that is not answered yet.
#[derive(Debug)]
struct Ask {
    announce: Announce,
    /// Whose wish it is decides which addresses are asked.
    url: AnnounceUrl,
    /// Path and query of the URL (BEP 41).
    path: String,
    host: Host,
    /// Transactions under way, one for each family; none while the name is being resolved.
    under_way: BTreeSet<u32>,
    answered: bool,
    /// The answer to a `stopped`, held back while a family that has answered before may yet: the torrent goes with it.
    held: Option<(PeerSource, AnnounceReply)>,
}

/// What a transaction waits for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Step {
    Connect,
    /// Whether the connection id was an old one: if it is refused, a new one is tried.
    Announce {
        cached: bool,
    },
}

/// One exchange with one address.
#[derive(Debug)]
struct Transaction {
    ask: AskKey,
    /// Addresses of the family; repeats go round.
    to: Vec<SocketAddr>,
    at: usize,
    step: Step,
    /// Packets that were not answered in time.
    unanswered: u32,
    repeat: Time,
}

/// A name's addresses.
#[derive(Debug)]
enum Name {
    /// They are waited for.
    Asked {
        /// From then on the name has failed.
        until: Time,
        /// The question was not taken: it is asked again then.
        again: Option<Time>,
        /// The asks that wait.
        waiting: BTreeSet<AskKey>,
    },
    /// They are used until then.
    Known(Time, Vec<SocketAddr>),
}

impl Name {
    /// When a name that is waited for is to be looked at.
    fn look_at(until: Time, again: Option<Time>) -> Time {
        again.map_or(until, |again| again.min(until))
    }
}

/// All asks of all torrents.
#[derive(Debug)]
pub(crate) struct UdpTracker {
    asks: BTreeMap<AskKey, Ask>,
    transactions: BTreeMap<u32, Transaction>,
    repeats: BTreeSet<(Time, u32)>,
    connections: BTreeMap<SocketAddr, (u64, Time)>,
    names: BTreeMap<Host, Name>,
    lookups: BTreeSet<(Time, Host)>,
    acts: VecDeque<Act>,
    rng: Rng,
    entropy: Option<fn() -> u64>,
    /// Which port each family is told of.
    doors: Doors,
}

impl UdpTracker {
    pub(crate) fn new(rng: Rng, entropy: Option<fn() -> u64>, doors: Doors) -> Self {
        Self {
            asks: BTreeMap::new(),
            transactions: BTreeMap::new(),
            repeats: BTreeSet::new(),
            connections: BTreeMap::new(),
            names: BTreeMap::new(),
            lookups: BTreeSet::new(),
            acts: VecDeque::new(),
            rng,
            entropy,
            doors,
        }
    }

    /// The next thing to be done; to be called until there is none after each other call.
    pub(crate) fn act(&mut self) -> Option<Act> {
        self.acts.pop_front()
    }

    /// When [`Self::tick`] has something to do.
    pub(crate) fn deadline(&self) -> Option<Time> {
        let repeat = self.repeats.first().map(|(time, _)| *time);
        Time::earliest([repeat, self.lookups.first().map(|(time, _)| *time)])
    }

    /// Begins an ask. Of the same torrent's former ones of that tracker those are given up that are answered, since what the other family says is
    /// old news now; and all of them when the new one says `stopped`, which has to be the last word that arrives.
    pub(crate) fn announce(&mut self, now: Time, torrent: TorrentId, id: AskId, url: AnnounceUrl, announce: Announce) {
        let key = (torrent, id);
        let parts = match TrackerUrl::parse(url.reveal()) {
            Ok(parts) => parts,
            Err(error) => {
                let why = AnnounceError::Forbidden(alloc::format!("{error}"));
                return self.acts.push_back(Act::Answer(torrent, id, PeerSource::PublicTracker, Err(why)));
            }
        };
        let literal = parts.ip().map(|ip| SocketAddr::new(ip, parts.port));
        let host = (parts.host, parts.port);
        let last = announce.event == AnnounceEvent::Stopped;
        let former = self.asks_of(torrent).filter(|(_, ask)| ask.host == host && ask.path == parts.path);
        let given_up: Vec<AskKey> = former.filter(|(_, ask)| ask.answered || last).map(|(key, _)| *key).collect();
        for key in &given_up {
            self.drop_ask(key);
        }
        let ask = Ask {
            announce,
            url,
            path: parts.path,
            host: host.clone(),
            under_way: BTreeSet::new(),
            answered: false,
            held: None,
        };
        self.asks.insert(key, ask);
        if let Some(addr) = literal {
            return self.begin(now, key, &[addr]);
        }
        match self.names.get_mut(&host) {
            Some(Name::Known(until, addrs)) if now < *until => {
                let addrs = addrs.clone();
                self.begin(now, key, &addrs);
            }
            Some(Name::Asked { waiting, .. }) => _ = waiting.insert(key),
            _ => {
                let (until, waiting) = (now + RESOLVE_LIMIT, BTreeSet::from([key]));
                self.names.insert(host.clone(), Name::Asked { until, again: None, waiting });
                self.lookups.insert((until, host.clone()));
                self.acts.push_back(Act::Resolve(host.0, host.1));
            }
        }
    }

    /// Our address has changed: what is under way begins anew, since its answers may go to the old address and its next repeat may be
    /// minutes away (BEP 15: a connection id is good for the address that asked for it).
    pub(crate) fn moved(&mut self, now: Time) {
        self.connections.clear();
        let under_way: Vec<u32> = self.transactions.keys().copied().collect();
        for id in under_way {
            let Some(mut transaction) = self.take(id) else { continue };
            transaction.unanswered = 0;
            self.send(now, transaction);
        }
    }

    /// The asks of a torrent that are under way.
    fn asks_of(&self, torrent: TorrentId) -> impl Iterator<Item = (&AskKey, &Ask)> {
        self.asks.range((torrent, AskId(0))..=(torrent, AskId(u64::MAX)))
    }

    /// Nobody could be asked for a name's addresses: that is to be tried again shortly.
    pub(crate) fn not_resolved_yet(&mut self, now: Time, host: String, port: u16) {
        let host = (host, port);
        if let Some(Name::Asked { until, again, .. }) = self.names.get_mut(&host) {
            self.lookups.remove(&(Name::look_at(*until, *again), host.clone()));
            *again = Some(now + again_after(&mut self.rng));
            self.lookups.insert((Name::look_at(*until, *again), host));
        }
    }

    /// A name's addresses, or why there are none.
    pub(crate) fn resolved(&mut self, now: Time, host: String, port: u16, addrs: Result<Vec<SocketAddr>, String>) {
        let host = (host, port);
        let Some(Name::Asked { until, again, waiting }) = self.names.get_mut(&host) else { return };
        let waiting = core::mem::take(waiting);
        self.lookups.remove(&(Name::look_at(*until, *again), host.clone()));
        self.names.remove(&host);
        let addrs = addrs
            .and_then(|addrs| if addrs.is_empty() { Err(String::from("the name has no address")) } else { Ok(addrs) });
        match addrs {
            Ok(mut addrs) => {
                addrs.truncate(ADDRESSES_MAX);
                for key in waiting {
                    self.begin(now, key, &addrs);
                }
                let known =
                    |name: &Name| matches!(name, Name::Asked { .. }) || matches!(name, Name::Known(t, _) if now < *t);
                if self.names.len() >= NAMES_MAX {
                    self.names.retain(|_, name| known(name));
                }
                if self.names.len() < NAMES_MAX {
                    self.names.insert(host, Name::Known(now + RESOLVED_FOR, addrs));
                }
            }
            Err(why) => {
                for key in waiting {
                    self.fail(&key, AnnounceError::Unreachable(why.clone()));
                }
            }
        }
    }

    /// A packet from somebody.
    pub(crate) fn datagram(&mut self, now: Time, from: SocketAddr, packet: &[u8]) {
        let Some(reply) = udp::decode_reply(packet, Family::of(from.ip())) else { return };
        match reply {
            Reply::Connect { transaction, connection } => {
                if let Some(Step::Connect) = self.step(transaction, from) {
                    if self.connections.len() >= CONNECTIONS_MAX {
                        self.connections.retain(|_, (_, until)| now < *until);
                    }
                    if self.connections.len() < CONNECTIONS_MAX {
                        let until = now + Duration::from_secs(CONNECTION_ID_SECS);
                        self.connections.insert(from, (connection, until));
                    }
                    if let Some(transaction) = self.take(transaction) {
                        self.send_announce(now, transaction, connection, false);
                    }
                }
            }
            Reply::Announce { transaction, reply } => {
                if let Some(Step::Announce { .. }) = self.step(transaction, from) {
                    self.good(transaction, from, reply);
                }
            }
            Reply::Error { transaction, message } => {
                let step = self.step(transaction, from);
                let Some(mut ended) = step.and_then(|_| self.take(transaction)) else { return };
                if step == Some(Step::Announce { cached: true }) {
                    self.connections.remove(&from);
                    ended.step = Step::Connect;
                    self.send(now, ended);
                } else {
                    self.lost(&ended.ask, AnnounceError::Refused { reason: message, retry_in: None });
                }
            }
            Reply::Scrape { .. } => {}
        }
    }

    /// Repeats what was not answered, gives up what was repeated often enough.
    pub(crate) fn tick(&mut self, now: Time) {
        while let Some((_, host)) = self.lookups.first().filter(|(time, _)| *time <= now).cloned() {
            match self.names.get_mut(&host) {
                Some(Name::Asked { until, again, .. }) if now < *until => {
                    self.lookups.remove(&(Name::look_at(*until, *again), host.clone()));
                    *again = None;
                    self.lookups.insert((*until, host.clone()));
                    self.acts.push_back(Act::Resolve(host.0, host.1));
                }
                _ => self.resolved(now, host.0, host.1, Err("the name was not resolved in time".into())),
            }
        }
        while let Some((_, id)) = self.repeats.first().filter(|(time, _)| *time <= now).copied() {
            let Some(mut transaction) = self.take(id) else { continue };
            transaction.unanswered += 1;
            if transaction.unanswered >= PACKETS_MAX {
                self.lost(&transaction.ask, AnnounceError::TimedOut);
            } else {
                transaction.at = (transaction.at + 1) % transaction.to.len();
                self.send(now, transaction);
            }
        }
    }

    /// Whether asks of torrents that are not there any more are under way.
    pub(crate) fn has_last_words(&self, is_there: impl Fn(TorrentId) -> bool) -> bool {
        self.asks.keys().any(|(torrent, _)| !is_there(*torrent))
    }

    /// A torrent is gone: nobody waits for its answers.
    pub(crate) fn forget(&mut self, torrent: TorrentId) {
        let keys: Vec<AskKey> = self.asks_of(torrent).map(|(key, _)| *key).collect();
        for key in keys {
            self.drop_ask(&key);
        }
    }

    /// Begins a transaction with each family that the tracker has, at those of its addresses that its URL's origin lets us ask.
    fn begin(&mut self, now: Time, ask: AskKey, addrs: &[SocketAddr]) {
        let Some(url) = self.asks.get(&ask).map(|ask| &ask.url) else { return };
        let may_ask = |addr: &&SocketAddr| match Reach::of(addr.ip()) {
            Reach::Public => true,
            Reach::Loopback | Reach::Private => url.may_be_near_at(**addr),
            Reach::Nowhere => false,
        };
        let addrs: Vec<SocketAddr> = addrs.iter().filter(may_ask).copied().collect();
        if addrs.is_empty() {
            return self.fail(&ask, AnnounceError::Forbidden(String::from(NOT_FOR_A_STRANGER)));
        }
        for v4 in [true, false] {
            let to: Vec<_> = addrs.iter().filter(|addr| addr.is_ipv4() == v4).copied().collect();
            if !to.is_empty() {
                self.send(now, Transaction { ask, to, at: 0, step: Step::Connect, unanswered: 0, repeat: now });
            }
        }
    }

    /// Sends an announce when there is a connection id, else asks for one.
    fn send(&mut self, now: Time, mut transaction: Transaction) {
        let to = transaction.to[transaction.at];
        if let Some((connection, _)) = self.connections.get(&to).filter(|(_, until)| now < *until) {
            let connection = *connection;
            return self.send_announce(now, transaction, connection, true);
        }
        transaction.step = Step::Connect;
        let id = self.enter(now, transaction);
        self.acts.push_back(Act::Send(to, udp::encode_request(&Request::Connect { transaction: id }, "")));
    }

    fn send_announce(&mut self, now: Time, mut transaction: Transaction, connection: u64, cached: bool) {
        let Some(ask) = self.asks.get(&transaction.ask) else { return };
        let (mut announce, path) = (ask.announce.clone(), ask.path.clone());
        let to = transaction.to[transaction.at];
        // The tracker tells the others of the family that it is asked by.
        // As over HTTP: trackers refuse port 0.
        announce.port = self.doors.get().port_for(to.ip()).max(1);
        transaction.step = Step::Announce { cached };
        let id = self.enter(now, transaction);
        let request = Request::Announce { connection, transaction: id, announce };
        self.acts.push_back(Act::Send(to, udp::encode_request(&request, &path)));
    }

    /// Notes a packet that goes out now, under a transaction id that nobody can guess.
    fn enter(&mut self, now: Time, mut transaction: Transaction) -> u32 {
        let id = loop {
            let id = secret(self.entropy, &mut self.rng) as u32;
            if !self.transactions.contains_key(&id) {
                break id;
            }
        };
        transaction.repeat = now + REPEAT_FIRST * (1 << transaction.unanswered.min(PACKETS_MAX));
        self.repeats.insert((transaction.repeat, id));
        if let Some(ask) = self.asks.get_mut(&transaction.ask) {
            ask.under_way.insert(id);
        }
        self.transactions.insert(id, transaction);
        id
    }

    /// What the transaction of that id and address waits for.
    fn step(&self, id: u32, from: SocketAddr) -> Option<Step> {
        self.transactions.get(&id).filter(|t| t.to[t.at] == from).map(|t| t.step)
    }

    fn take(&mut self, id: u32) -> Option<Transaction> {
        let transaction = self.transactions.remove(&id)?;
        self.repeats.remove(&(transaction.repeat, id));
        if let Some(ask) = self.asks.get_mut(&transaction.ask) {
            ask.under_way.remove(&id);
        }
        Some(transaction)
    }

    fn good(&mut self, id: u32, from: SocketAddr, reply: AnnounceReply) {
        let Some(transaction) = self.take(id) else { return };
        let source = PeerSource::tracker(from.ip());
        let Some(ask) = self.asks.get_mut(&transaction.ask) else { return };
        let (torrent, ask_id) = transaction.ask;
        let known = |id: &u32| self.transactions.get(id).map(|t| t.to.iter().any(|a| self.connections.contains_key(a)));
        if ask.announce.event == AnnounceEvent::Stopped && ask.under_way.iter().filter_map(known).any(|answers| answers)
        {
            ask.held = Some((source, reply));
            return;
        }
        let act = if ask.answered {
            Act::Peers(torrent, source, reply.peers)
        } else {
            ask.answered = true;
            Act::Answer(torrent, ask_id, source, Ok(reply))
        };
        self.acts.push_back(act);
        if ask.under_way.is_empty() {
            self.asks.remove(&transaction.ask);
        }
    }

    /// A transaction has failed: so has the ask, unless another family goes on or has answered.
    fn lost(&mut self, key: &AskKey, why: AnnounceError) {
        let Some(ask) = self.asks.get_mut(key).filter(|ask| ask.under_way.is_empty()) else { return };
        if let Some((source, reply)) = ask.held.take() {
            self.asks.remove(key);
            self.acts.push_back(Act::Answer(key.0, key.1, source, Ok(reply)));
        } else if ask.answered {
            self.asks.remove(key);
        } else {
            self.fail(key, why);
        }
    }

    fn fail(&mut self, key: &AskKey, why: AnnounceError) {
        if self.asks.remove(key).is_some() {
            self.acts.push_back(Act::Answer(key.0, key.1, PeerSource::PublicTracker, Err(why)));
        }
    }

    fn drop_ask(&mut self, key: &AskKey) {
        let Some(ask) = self.asks.remove(key) else { return };
        for id in ask.under_way {
            self.take(id);
        }
        if let Some(Name::Asked { until, again, waiting }) = self.names.get_mut(&ask.host)
            && waiting.remove(key)
            && waiting.is_empty()
        {
            self.lookups.remove(&(Name::look_at(*until, *again), ask.host.clone()));
            self.names.remove(&ask.host);
        }
    }
}

#[cfg(test)]
mod tests;
