//! The peers of one torrent (BEP 3, 7, 21).
//!
//! Peers lie in a vector, so that a random choice costs only what it takes, and an index finds each by its identity. A peer has at most
//! one contact of each family and stands once in the counts, however many it has.
use crate::crowding::Crowding;
use crate::limits::Limits;
use crate::own_seed::OwnSeed;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use core::net::SocketAddr;
use core::time::Duration;
use teem_wire::compact::Family;
use teem_wire::holder::{Holder, Network};
use teem_wire::peer::handshake::PeerId;
use teem_wire::reach::Reach;

/// Peers that are looked at for one answer: some 20 microseconds.
const LOOKED_MAX: u64 = 2000;
/// Peers of one network in any answer.
const SHARE_MIN: usize = 4;

/// What a peer is told apart by: its id, and a key that only it knows.
pub(crate) type Identity = (PeerId, u32);

/// What a peer wants.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Role {
    /// It lacks something and downloads it.
    Leech,
    /// It lacks something and wants no more (BEP 21).
    Partial,
    /// It has everything.
    Seed,
}

/// Where a peer can be reached, and until when that is believed.
#[derive(Clone, Copy, Debug)]
struct Contact {
    addr: SocketAddr,
    expires: Duration,
}

#[derive(Clone, Debug)]
struct Peer {
    identity: Identity,
    v4: Option<Contact>,
    v6: Option<Contact>,
    role: Role,
    /// Its `completed` has been counted.
    completed: bool,
    /// The place that is charged to somebody, unless nobody is.
    charged: Option<(Holder, u64)>,
}

/// The peers that downloads are told of, and the rest: asked for the former, nothing else is looked at.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum List {
    Leeches,
    Others,
}

impl List {
    fn of(role: Role) -> Self {
        if role == Role::Leech { Self::Leeches } else { Self::Others }
    }
}

/// To whom peers are told.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asker {
    pub(crate) identity: Identity,
    pub(crate) addr: SocketAddr,
    pub(crate) role: Role,
    /// Whether it has just begun: with nothing left it may be a seed, or have nothing but a magnet link and take what it does not
    /// know of for nothing (rqbit 9.1).
    pub(crate) begins: bool,
    /// The only family that the answer can hold.
    pub(crate) family: Option<Family>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Swarm {
    /// When the first peer announced.
    pub(crate) since: Option<Duration>,
    /// Downloads that were completed since the tracker began.
    pub(crate) downloaded: u32,
    /// The port of the tracker's own seed.
    pub(crate) own_seed: Option<OwnSeed>,
    /// Its id, once it has announced itself.
    pub(crate) own_id: Option<PeerId>,
    /// The network that its first announce came from, where that is charged.
    pub(crate) creator: Option<Network>,
    leeches: Vec<Peer>,
    others: Vec<Peer>,
    index: BTreeMap<Identity, (List, usize)>,
    seeds: usize,
    /// The places of each holder, the oldest first.
    held: BTreeSet<(Holder, u64, Identity)>,
    crowding: Crowding,
    /// The next number: the smaller that of a place, the older it is.
    next: u64,
}

impl Swarm {
    pub(crate) fn len(&self) -> usize {
        self.leeches.len() + self.others.len()
    }

    /// Seeds, the tracker's own among them.
    pub(crate) fn complete(&self) -> u32 {
        (self.seeds + usize::from(self.own_seed.is_some())) as u32
    }

    /// How many peers lack something.
    pub(crate) fn incomplete(&self) -> u32 {
        (self.len() - self.seeds) as u32
    }

    /// Whether a peer has a place.
    pub(crate) fn knows(&self, identity: &Identity) -> bool {
        self.index.contains_key(identity)
    }

    /// Takes a peer in or renews it. A newcomer always has a place: beyond what one holder or one network may have, the oldest of its own
    /// goes for it.
    pub(crate) fn put(&mut self, who: Asker, completed: bool, expires: Duration, limits: &Limits) {
        let (list, at) = match self.index.get(&who.identity) {
            Some(&(list, at)) if list == List::of(who.role) => (list, at),
            Some(&(list, at)) => {
                // It has become something else, and moves.
                let peer = self.unlist(list, at);
                self.enlist(Peer { role: who.role, ..peer })
            }
            None => {
                let charged = self.charge(&who, limits);
                let (identity, role) = (who.identity, who.role);
                self.enlist(Peer { identity, v4: None, v6: None, role, completed: false, charged })
            }
        };
        let peer = &mut self.list_mut(list)[at];
        let (was, is) = (peer.role == Role::Seed, who.role == Role::Seed);
        peer.role = who.role;
        let contact = Some(Contact { addr: who.addr, expires });
        match Family::of(who.addr.ip()) {
            Family::V4 => peer.v4 = contact,
            Family::V6 => peer.v6 = contact,
        }
        let counts = completed && !peer.completed;
        peer.completed |= completed;
        self.seeds = self.seeds + usize::from(is) - usize::from(was);
        self.downloaded = self.downloaded.saturating_add(u32::from(counts));
    }

    /// Has a newcomer's place charged, once there is room for it among those of its holder and its network.
    fn charge(&mut self, who: &Asker, limits: &Limits) -> Option<(Holder, u64)> {
        let ip = who.addr.ip();
        if Reach::of(ip) == Reach::Loopback {
            return None;
        }
        let holder = Holder::of(ip);
        let least = (PeerId([0; 20]), 0);
        let own = || (holder, 0, least)..=(holder, u64::MAX, (PeerId([255; 20]), u32::MAX));
        if self.held.range(own()).take(limits.peers_per_holder).count() >= limits.peers_per_holder {
            let oldest = self.held.range(own()).next().map(|(_, _, identity)| *identity);
            if let Some(oldest) = oldest {
                self.remove(&oldest);
            }
        }
        if self.crowding.count(holder.wider()) >= limits.peers_per_network {
            self.yield_one(holder.wider());
        }
        let number = self.next;
        self.next += 1;
        self.held.insert((holder, number, who.identity));
        self.crowding.add(holder.wider());
        Some((holder, number))
    }

    /// Takes a place from the network that has most, for somebody else: the oldest of the holder that has most there. False where nobody
    /// is charged with any.
    pub(crate) fn yield_of_most(&mut self) -> bool {
        let most = self.crowding.most();
        most.is_some_and(|network| self.yield_one(network))
    }

    /// How many networks take part.
    pub(crate) fn networks(&self) -> usize {
        self.crowding.networks()
    }

    /// Whether a network has more than one place.
    pub(crate) fn is_crowded(&self) -> bool {
        self.crowding.most().is_some_and(|network| self.crowding.count(network) > 1)
    }

    /// Takes a place from a network: the oldest of the holder that has most there.
    fn yield_one(&mut self, network: Network) -> bool {
        let (first, last) = network.holders().into_inner();
        let least = (PeerId([0; 20]), 0);
        let places = self.held.range((first, 0, least)..=(last, u64::MAX, (PeerId([255; 20]), u32::MAX)));
        // The places of one holder follow each other: the longest run, and its beginning.
        let mut best: Option<(usize, Identity)> = None;
        let mut run: Option<(Holder, usize, Identity)> = None;
        for (holder, _, identity) in places {
            let (count, oldest) = match run {
                Some((same, count, oldest)) if same == *holder => (count + 1, oldest),
                _ => (1, *identity),
            };
            run = Some((*holder, count, oldest));
            if best.is_none_or(|(most, _)| count > most) {
                best = Some((count, oldest));
            }
        }
        if let Some((_, oldest)) = best {
            self.remove(&oldest);
        }
        best.is_some()
    }

    /// Forgets a peer, in both families.
    pub(crate) fn remove(&mut self, identity: &Identity) {
        if let Some(&(list, at)) = self.index.get(identity) {
            self.remove_at(list, at);
        }
    }

    /// Forgets what has expired.
    pub(crate) fn expire(&mut self, now: Duration) {
        for list in [List::Leeches, List::Others] {
            let mut at = 0;
            while let Some(peer) = self.list_mut(list).get_mut(at) {
                for contact in [&mut peer.v4, &mut peer.v6] {
                    *contact = contact.filter(|c| c.expires > now);
                }
                if peer.v4.is_none() && peer.v6.is_none() {
                    self.remove_at(list, at); // the last one comes to this place
                } else {
                    at += 1;
                }
            }
        }
    }

    fn list_mut(&mut self, list: List) -> &mut Vec<Peer> {
        match list {
            List::Leeches => &mut self.leeches,
            List::Others => &mut self.others,
        }
    }

    fn enlist(&mut self, peer: Peer) -> (List, usize) {
        let list = List::of(peer.role);
        self.seeds += usize::from(peer.role == Role::Seed);
        let at = self.list_mut(list).len();
        self.index.insert(peer.identity, (list, at));
        self.list_mut(list).push(peer);
        (list, at)
    }

    fn unlist(&mut self, list: List, at: usize) -> Peer {
        let peer = self.list_mut(list).swap_remove(at);
        self.index.remove(&peer.identity);
        self.seeds -= usize::from(peer.role == Role::Seed);
        if let Some(moved) = self.list_mut(list).get(at).map(|moved| moved.identity) {
            self.index.insert(moved, (list, at));
        }
        peer
    }

    fn remove_at(&mut self, list: List, at: usize) {
        let peer = self.unlist(list, at);
        if let Some((holder, number)) = peer.charged {
            self.held.remove(&(holder, number, peer.identity));
            self.crowding.take(holder.wider());
        }
    }

    /// Adds to `out`, until it holds `want`, addresses that are of use to the asker. It begins at a random peer and takes every
    /// `stride`-th, which visits each once when the stride has no divisor in common with their number: every peer is as likely as
    /// the others. Of one network an answer holds a quarter at most, while there are others, and no more than [`LOOKED_MAX`] are looked at.
    pub(crate) fn select(
        &self,
        now: Duration,
        asker: &Asker,
        want: usize,
        random: (u64, u64),
        out: &mut Vec<(SocketAddr, Option<PeerId>)>,
    ) {
        let wants = asker.role == Role::Leech || (asker.role == Role::Seed && asker.begins);
        let n = if wants { self.len() } else { self.leeches.len() } as u64;
        if n == 0 {
            return;
        }
        let mut stride = 1 + random.1 % n;
        while gcd(stride, n) != 1 {
            stride = 1 + stride % n;
        }
        let mut at = random.0 % n;
        let reach = Reach::of(asker.addr.ip());
        let share = (want / 4).max(SHARE_MIN);
        let (mut told, mut spare) = (BTreeMap::<Network, usize>::new(), Vec::new());
        for _ in 0..n.min(LOOKED_MAX) {
            if out.len() >= want {
                return;
            }
            let place = at as usize;
            let peer = self.leeches.get(place).unwrap_or_else(|| &self.others[place - self.leeches.len()]);
            at = (at + stride) % n;
            if peer.identity == asker.identity {
                continue;
            }
            let crowded = peer.charged.is_some_and(|(holder, _)| {
                let count = told.entry(holder.wider()).or_default();
                *count += 1;
                *count > share
            });
            let contacts = [(Family::V4, peer.v4), (Family::V6, peer.v6)];
            for (family, contact) in contacts {
                let Some(contact) = contact else { continue };
                let of_use = contact.expires > now
                    && asker.family.is_none_or(|only| only == family)
                    && Reach::of(contact.addr.ip()).told_to(reach)
                    && contact.addr != asker.addr;
                let entry = (contact.addr, Some(peer.identity.0));
                if of_use && crowded && spare.len() < want {
                    spare.push(entry);
                } else if of_use && !crowded && out.len() < want {
                    out.push(entry);
                }
            }
        }
        let room = want.saturating_sub(out.len());
        out.extend(spare.into_iter().take(room));
    }
}

fn gcd(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}
