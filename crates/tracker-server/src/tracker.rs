//! The table of all torrents and the rules of a tracker (BEP 3, 15, 21, 48), without a socket or a clock.
//!
//! Time is a duration since whatever start the caller counts from; entropy is given once. Work for an announce is in proportion to
//! the answer, save for a sweep of the whole table twice a minute.
use crate::announced::Announced;
use crate::connection_id::ConnectionIds;
use crate::crowding::Crowding;
use crate::limits::Limits;
use crate::own_seed::OwnSeed;
use crate::random::Random;
use crate::request::{Refusal, Request};
use crate::swarm::{Asker, Role, Swarm};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use core::fmt;
use core::hash::Hasher;
use core::net::SocketAddr;
use core::time::Duration;
use siphasher::sip::SipHasher13;
use teem_metainfo::InfoHash;
use teem_wire::compact::Family;
use teem_wire::holder::Network;
use teem_wire::reach::Reach;
use teem_wire::tracker::announce::{AnnounceEvent, AnnounceReply};
use teem_wire::tracker::scrape::ScrapeEntry;

/// How often the whole table is swept of peers that have not come back.
const SWEEP_EVERY: Duration = Duration::from_secs(30);
/// Torrents of a network that are looked at to find one that few would miss.
const LOOKED_MAX: usize = 16;

/// Which torrents are tracked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Access {
    /// Whatever is announced.
    Open,
    /// Only the torrents of this list.
    Allow(BTreeSet<InfoHash>),
}

/// The table of all swarms, with the bounds on what it keeps.
#[derive(Clone)]
pub struct Tracker {
    limits: Limits,
    access: Access,
    ids: ConnectionIds,
    /// For keys that are no number.
    key_hash: [u8; 16],
    random: Random,
    swarms: BTreeMap<InfoHash, Swarm>,
    /// Peers of all swarms together.
    peers: usize,
    /// Swarms by the network whose announce made them, and how many each network made.
    made: BTreeSet<(Network, InfoHash)>,
    makers: Crowding,
    /// Peers that seeds of this machine may dial.
    announced: Announced,
    swept: Duration,
}

impl Tracker {
    /// An empty table. The entropy is secret: connection ids are made with it.
    pub fn new(limits: Limits, access: Access, entropy: [u8; 40]) -> Self {
        let part = |at: usize| {
            let mut key = [0; 16];
            key.copy_from_slice(&entropy[at..at + 16]);
            key
        };
        let mut seed = [0; 8];
        seed.copy_from_slice(&entropy[32..]);
        Self {
            limits,
            access,
            ids: ConnectionIds::new(part(0)),
            key_hash: part(16),
            random: Random::new(u64::from_le_bytes(seed)),
            swarms: BTreeMap::new(),
            peers: 0,
            made: BTreeSet::new(),
            makers: Crowding::default(),
            announced: Announced::default(),
            swept: Duration::ZERO,
        }
    }

    /// The bounds that the table keeps to.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Tracks a torrent from now on; nothing changes for a tracker that is open.
    pub fn allow(&mut self, info_hash: InfoHash) {
        if let Access::Allow(list) = &mut self.access {
            list.insert(info_hash);
        }
    }

    /// Forgets a torrent with all its peers, and tracks it no more unless the tracker is open.
    pub fn remove(&mut self, info_hash: &InfoHash) {
        if let Access::Allow(list) = &mut self.access {
            list.remove(info_hash);
        }
        self.drop_swarm(info_hash);
    }

    fn drop_swarm(&mut self, info_hash: &InfoHash) {
        let Some(swarm) = self.swarms.remove(info_hash) else { return };
        self.peers -= swarm.len();
        self.unmake(info_hash, swarm.creator);
    }

    fn unmake(&mut self, info_hash: &InfoHash, creator: Option<Network>) {
        if let Some(network) = creator
            && self.made.remove(&(network, *info_hash))
        {
            self.makers.take(network);
        }
    }

    /// Makes room for a torrent that is not known yet: of the network that made most, the one that the fewest networks take part in goes, among some. Those
    /// that are listed are never dropped.
    fn make_room(&mut self, wanted: &InfoHash) -> bool {
        let Some(network) = self.makers.most() else { return false };
        let first = (network, InfoHash([0; 20]));
        let some = self.made.range(first..).take_while(|(of, _)| *of == network).take(LOOKED_MAX);
        let missed = |hash: &InfoHash| self.swarms.get(hash).map_or((0, 0), |swarm| (swarm.networks(), swarm.len()));
        let others = some.map(|(_, hash)| *hash).filter(|hash| hash != wanted);
        let Some(hash) = others.min_by_key(missed) else { return false };
        self.drop_swarm(&hash);
        true
    }

    /// Says that this machine seeds a torrent on a port, on all its addresses. Each asker is told the address that it reached
    /// the tracker by, or the one where a router leads it here; the seed counts as one, and its own announces are answered but not taken in.
    pub fn own_seed(&mut self, info_hash: InfoHash, seed: impl Into<OwnSeed>) {
        self.allow(info_hash);
        self.swarms.entry(info_hash).or_default().own_seed = Some(seed.into());
    }

    /// Takes that back.
    pub fn own_seed_ends(&mut self, info_hash: &InfoHash) {
        if let Some(swarm) = self.swarms.get_mut(info_hash) {
            swarm.own_seed = None;
        }
    }

    /// Peers of torrents with a seed of this machine that announced since this was last asked, for the seed to dial: at most 64, and few
    /// of one host. A peer that has everything is not among them; one that begins may say so and have nothing but a magnet link.
    pub fn take_announced(&mut self) -> Vec<(InfoHash, SocketAddr)> {
        self.announced.take()
    }

    /// Torrents and peers in the table.
    pub fn counts(&self) -> (usize, usize) {
        (self.swarms.len(), self.peers)
    }

    /// The connection ids of UDP.
    pub(crate) fn ids(&self) -> &ConnectionIds {
        &self.ids
    }

    /// The number that stands for a key: what it says in hexadecimal, as clients write the number that they send over UDP, else a hash.
    pub(crate) fn key(&self, text: &[u8]) -> u32 {
        let number = || u32::from_str_radix(core::str::from_utf8(text).ok()?, 16).ok();
        if text.is_empty() {
            return 0;
        }
        number().unwrap_or_else(|| {
            let mut hasher = SipHasher13::new_with_key(&self.key_hash);
            hasher.write(text);
            hasher.finish() as u32
        })
    }

    /// The numbers of a torrent. One that is tracked but not known, or not tracked, has none.
    pub fn scrape(&self, info_hash: &InfoHash) -> Option<ScrapeEntry> {
        let swarm = self.swarms.get(info_hash)?;
        Some(ScrapeEntry { complete: swarm.complete(), downloaded: swarm.downloaded, incomplete: swarm.incomplete() })
    }

    /// Takes an announce in and answers it.
    pub fn announce(&mut self, now: Duration, request: &Request) -> Result<AnnounceReply, Refusal> {
        self.sweep(now);
        if !self.allowed(&request.info_hash) {
            return Err(Refusal::NotAllowed);
        }
        let ip = request.from.to_canonical();
        if Reach::of(ip) == Reach::Nowhere {
            return Err(Refusal::BadAddress);
        }
        let leaves = request.event == AnnounceEvent::Stopped;
        if request.port == 0 && !leaves {
            return Err(Refusal::PortZero);
        }
        let identity = (request.peer_id, request.key);
        let knows = self.swarms.get(&request.info_hash).is_some_and(|swarm| swarm.knows(&identity));
        if !knows && !leaves && self.peers >= self.limits.peers {
            let yielded = self
                .swarms
                .get_mut(&request.info_hash)
                .is_some_and(|swarm| swarm.is_crowded() && swarm.yield_of_most());
            self.peers -= usize::from(yielded);
            if !yielded {
                self.make_room(&request.info_hash);
            }
        }
        let known = self.swarms.contains_key(&request.info_hash);
        if !known && !leaves && self.swarms.len() >= self.limits.torrents && !self.make_room(&request.info_hash) {
            return Err(Refusal::Full);
        }
        let limits = self.limits;
        let asker = Asker {
            identity,
            addr: SocketAddr::new(ip, request.port),
            role: match (request.left, request.event) {
                (0, _) => Role::Seed,
                (_, AnnounceEvent::Paused) => Role::Partial,
                _ => Role::Leech,
            },
            begins: request.event == AnnounceEvent::Started,
            family: request.family,
        };
        if leaves {
            return Ok(self.leave(request, &asker));
        }
        if !known && self.access == Access::Open && Reach::of(ip) != Reach::Loopback {
            self.made.insert((Network::of(ip), request.info_hash));
            self.makers.add(Network::of(ip));
        }
        let swarm = self.swarms.entry(request.info_hash).or_default();
        if !known {
            swarm.creator = Some(Network::of(ip));
        }
        let since = *swarm.since.get_or_insert(now);
        let interval = interval(&limits, now.saturating_sub(since), asker.role, &mut self.random);
        let itself =
            swarm.own_seed.is_some_and(|own| own.is_on(request.port)) && ip == request.local.ip().to_canonical();
        if itself {
            swarm.own_id = Some(request.peer_id);
        } else {
            let before = swarm.len();
            let full = before >= limits.peers_per_torrent && !knows && !swarm.yield_of_most();
            let completed = request.event == AnnounceEvent::Completed && request.left == 0;
            let expires = now.saturating_add((interval * 2).max(limits.forget_min));
            if !full && (knows || self.peers < limits.peers) {
                swarm.put(asker, completed, expires, &limits);
            }
            self.peers = self.peers + swarm.len() - before;
            if swarm.own_seed.is_some() && (asker.role == Role::Leech || asker.begins) {
                self.announced.put(request.info_hash, asker.addr);
            }
        }
        let most = request.num_want.unwrap_or(limits.default_peers).min(request.peers_max) as usize;
        let mut peers = Vec::new();
        if let Some(own) = swarm.own_seed.map(|own| own.told(request.local.ip().to_canonical(), ip))
            && most > 0
            && !itself
            && tells_own_seed(own, &asker)
        {
            peers.push((own, swarm.own_id));
        }
        swarm.select(now, &asker, most, (self.random.next(), self.random.next()), &mut peers);
        let (peers, ids) = peers.into_iter().unzip();
        Ok(AnnounceReply {
            interval,
            min_interval: Some(limits.min_interval.min(interval)),
            peers,
            ids,
            complete: Some(swarm.complete()),
            incomplete: Some(swarm.incomplete()),
            external_ip: Some(ip),
            ..AnnounceReply::default()
        })
    }

    /// The last announce of a peer: it is forgotten and told nobody.
    fn leave(&mut self, request: &Request, asker: &Asker) -> AnnounceReply {
        let mut reply = AnnounceReply {
            interval: self.limits.interval,
            complete: Some(0),
            incomplete: Some(0),
            external_ip: Some(asker.addr.ip()),
            ..AnnounceReply::default()
        };
        if let Some(swarm) = self.swarms.get_mut(&request.info_hash) {
            let before = swarm.len();
            swarm.remove(&asker.identity);
            self.peers -= before - swarm.len();
            reply.complete = Some(swarm.complete());
            reply.incomplete = Some(swarm.incomplete());
        }
        reply
    }

    fn allowed(&self, info_hash: &InfoHash) -> bool {
        match &self.access {
            Access::Open => true,
            Access::Allow(list) => list.contains(info_hash),
        }
    }

    /// Forgets what has expired, and the swarms that nobody is left in, when it is time to. On an open tracker their number of completed
    /// downloads goes with them.
    fn sweep(&mut self, now: Duration) {
        if now.saturating_sub(self.swept) < SWEEP_EVERY {
            return;
        }
        self.swept = now;
        self.announced.again();
        let listed = matches!(self.access, Access::Allow(_));
        let mut peers = 0;
        let mut gone = Vec::new();
        self.swarms.retain(|hash, swarm| {
            swarm.expire(now);
            peers += swarm.len();
            let empty = swarm.len() == 0;
            if empty {
                swarm.since = None;
            }
            let stays = !empty || swarm.own_seed.is_some() || listed;
            gone.extend((!stays).then_some((*hash, swarm.creator)));
            stays
        });
        self.peers = peers;
        for (hash, creator) in gone {
            self.unmake(&hash, creator);
        }
    }
}

impl fmt::Debug for Tracker {
    /// How much is in it; no keys, and no addresses of people.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tracker")
            .field("torrents", &self.swarms.len())
            .field("peers", &self.peers)
            .finish_non_exhaustive()
    }
}

/// When the peer shall come again.
fn interval(limits: &Limits, age: Duration, role: Role, random: &mut Random) -> Duration {
    let (least, most) = match role {
        _ if age >= limits.young => (limits.interval * 9 / 10, limits.interval * 11 / 10),
        Role::Seed => limits.young_seed_interval,
        Role::Partial | Role::Leech => limits.young_interval,
    };
    Duration::from_secs(random.within(least.as_secs(), most.as_secs()))
}

/// Whether our own seed's address, the one that the asker reached us by, is of use to it. What it says of itself is not looked at: aria2
/// and rqbit with a magnet link say in every announce that nothing is left.
fn tells_own_seed(own: SocketAddr, asker: &Asker) -> bool {
    own != asker.addr
        && asker.family.is_none_or(|only| only == Family::of(own.ip()))
        && Reach::of(own.ip()).told_to(Reach::of(asker.addr.ip()))
}
