//! The peers of one torrent (BEP 3, 7, 21).
//!
//! Peers lie in a vector, so that a random choice costs only what it takes, and an index finds each by its identity. A peer has at most
//! one contact of each family and stands once in the counts, however many it has.
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::net::SocketAddr;
use core::time::Duration;
use teem_wire::compact::Family;
use teem_wire::peer::handshake::PeerId;
use teem_wire::reach::Reach;

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
    pub(crate) own_seed: Option<u16>,
    /// Its id, once it has announced itself.
    pub(crate) own_id: Option<PeerId>,
    peers: Vec<Peer>,
    index: BTreeMap<Identity, usize>,
    seeds: usize,
}

impl Swarm {
    pub(crate) fn len(&self) -> usize {
        self.peers.len()
    }

    /// Seeds, the tracker's own among them.
    pub(crate) fn complete(&self) -> u32 {
        (self.seeds + usize::from(self.own_seed.is_some())) as u32
    }

    /// How many peers lack something.
    pub(crate) fn incomplete(&self) -> u32 {
        (self.peers.len() - self.seeds) as u32
    }

    /// Takes a peer in or renews it. False when it is new and there is no room.
    pub(crate) fn put(&mut self, who: Asker, completed: bool, expires: Duration, room: bool) -> bool {
        let at = match self.index.get(&who.identity) {
            Some(at) => *at,
            None if !room => return false,
            None => {
                let at = self.peers.len();
                self.index.insert(who.identity, at);
                self.seeds += usize::from(who.role == Role::Seed);
                let (identity, role) = (who.identity, who.role);
                self.peers.push(Peer { identity, v4: None, v6: None, role, completed: false });
                at
            }
        };
        let peer = &mut self.peers[at];
        self.seeds += usize::from(who.role == Role::Seed);
        self.seeds -= usize::from(peer.role == Role::Seed);
        peer.role = who.role;
        let contact = Some(Contact { addr: who.addr, expires });
        match Family::of(who.addr.ip()) {
            Family::V4 => peer.v4 = contact,
            Family::V6 => peer.v6 = contact,
        }
        if completed && !peer.completed {
            peer.completed = true;
            self.downloaded = self.downloaded.saturating_add(1);
        }
        true
    }

    /// Forgets a peer, in both families.
    pub(crate) fn remove(&mut self, identity: &Identity) {
        if let Some(at) = self.index.get(identity) {
            self.remove_at(*at);
        }
    }

    /// Forgets what has expired.
    pub(crate) fn expire(&mut self, now: Duration) {
        let mut at = 0;
        while let Some(peer) = self.peers.get_mut(at) {
            for contact in [&mut peer.v4, &mut peer.v6] {
                *contact = contact.filter(|c| c.expires > now);
            }
            if peer.v4.is_none() && peer.v6.is_none() {
                self.remove_at(at); // the last one comes to this place
            } else {
                at += 1;
            }
        }
    }

    fn remove_at(&mut self, at: usize) {
        let peer = self.peers.swap_remove(at);
        self.index.remove(&peer.identity);
        self.seeds -= usize::from(peer.role == Role::Seed);
        if let Some(moved) = self.peers.get(at) {
            self.index.insert(moved.identity, at);
        }
    }

    /// Adds to `out`, until it holds `want`, addresses that are of use to the asker. It begins at a random peer and takes every
    /// `stride`-th, which visits each once when the stride has no divisor in common with their number: every peer is as likely as
    /// the others, and no more of them are looked at than it takes.
    pub(crate) fn select(
        &self,
        now: Duration,
        asker: &Asker,
        want: usize,
        random: (u64, u64),
        out: &mut Vec<(SocketAddr, Option<PeerId>)>,
    ) {
        let n = self.peers.len() as u64;
        if n == 0 {
            return;
        }
        let mut stride = 1 + random.1 % n;
        while gcd(stride, n) != 1 {
            stride = 1 + stride % n;
        }
        let mut at = random.0 % n;
        let reach = Reach::of(asker.addr.ip());
        let wants = asker.role == Role::Leech || (asker.role == Role::Seed && asker.begins);
        for _ in 0..n {
            if out.len() >= want {
                return;
            }
            let peer = &self.peers[at as usize];
            at = (at + stride) % n;
            if peer.identity == asker.identity || (!wants && peer.role != Role::Leech) {
                continue;
            }
            let contacts = [(Family::V4, peer.v4), (Family::V6, peer.v6)];
            for (family, contact) in contacts {
                let Some(contact) = contact else { continue };
                if contact.expires > now
                    && asker.family.is_none_or(|only| only == family)
                    && Reach::of(contact.addr.ip()).told_to(reach)
                    && contact.addr != asker.addr
                    && out.len() < want
                {
                    out.push((contact.addr, Some(peer.identity.0)));
                }
            }
        }
    }
}

fn gcd(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}
