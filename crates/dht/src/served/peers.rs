//! Peers that others announced to us (BEP 5, "announce_peer"; BEP 33, "Changed announce accounting"): one an address and torrent.
//!
//! They are forgotten after 45 minutes, since announces are repeated every 15 to 30. Where a torrent is full, the network that takes most of its
//! places gives one up; where there are too many torrents, the one with the fewest peers goes that nobody announced for longest.
use crate::filter::Filter;
use crate::id::Id;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::net::{IpAddr, SocketAddr};
use core::time::Duration;
use teem_basis::rng::Rng;
use teem_basis::time::Time;
use teem_wire::compact::Family;
use teem_wire::holder::Network;
use teem_wire::reach::Reach;

/// Peers of one torrent; a response has room for less than a hundred.
const PEERS_MAX: usize = 500;
/// Torrents; a node whose id is its own share of the table sees less.
const TORRENTS_MAX: usize = 2_000;
/// Peers in all: at some 40 bytes each, 4 MiB.
const ALL_MAX: usize = 100_000;
/// A peer that does not announce again is gone.
const LIFETIME: Duration = Duration::from_secs(45 * 60);

#[derive(Clone, Copy, Debug)]
struct Peer {
    addr: SocketAddr,
    at: Time,
    seed: bool,
}

#[derive(Debug, Default)]
struct Torrent {
    /// In the order of their addresses, so that those of one network lie beside each other.
    peers: Vec<Peer>,
    last: Time,
}

/// The peers of all torrents.
#[derive(Debug, Default)]
pub(super) struct Peers {
    torrents: BTreeMap<Id, Torrent>,
    all: usize,
}

impl Peers {
    /// A peer says that it has, or wants, a torrent.
    pub(super) fn announce(&mut self, now: Time, info_hash: Id, addr: SocketAddr, seed: bool) {
        let is_full = self.torrents.len() >= TORRENTS_MAX || self.all >= ALL_MAX;
        if is_full && !self.torrents.contains_key(&info_hash) {
            self.drop_a_torrent();
        }
        let torrent = self.torrents.entry(info_hash).or_default();
        torrent.last = now;
        let peer = Peer { addr, at: now, seed };
        match torrent.peers.binary_search_by_key(&addr.ip(), |peer| peer.addr.ip()) {
            Ok(at) => torrent.peers[at] = peer,
            Err(at) => {
                torrent.peers.insert(at, peer);
                if torrent.peers.len() > PEERS_MAX || self.all >= ALL_MAX {
                    torrent.drop_of_the_most_crowded();
                } else {
                    self.all += 1;
                }
            }
        }
    }

    /// Forgets those that did not announce for long.
    pub(super) fn forget_the_old(&mut self, now: Time) {
        self.torrents.retain(|_, torrent| {
            torrent.peers.retain(|peer| now.since(peer.at) < LIFETIME);
            !torrent.peers.is_empty()
        });
        self.all = self.torrents.values().map(|torrent| torrent.peers.len()).sum();
    }

    /// Some peers of a torrent that are of use to somebody at an address, in no order and of its family (BEP 32).
    pub(super) fn some(
        &self,
        now: Time,
        info_hash: Id,
        asker: IpAddr,
        no_seeds: bool,
        max: usize,
        rng: &mut Rng,
    ) -> Option<Vec<SocketAddr>> {
        let (family, reach) = (Family::of(asker), Reach::of(asker));
        let is_of_use = |peer: &&Peer| {
            let ip = peer.addr.ip();
            Family::of(ip) == family && Reach::of(ip).told_to(reach)
        };
        let mut fitting: Vec<&Peer> = self.torrents.get(&info_hash)?.alive(now).filter(is_of_use).collect();
        rng.shuffle(&mut fitting);
        if no_seeds {
            fitting.sort_by_key(|peer| peer.seed);
        }
        fitting.truncate(max);
        Some(fitting.iter().map(|peer| peer.addr).collect())
    }

    /// Filters of all seeds and of all other peers of a torrent.
    pub(super) fn filters(&self, now: Time, info_hash: Id) -> Option<[Filter; 2]> {
        let mut filters = [Filter::default(), Filter::default()];
        for peer in self.torrents.get(&info_hash)?.alive(now) {
            filters[usize::from(!peer.seed)].insert(peer.addr.ip());
        }
        Some(filters)
    }

    /// The torrents that there are peers of.
    pub(super) fn hashes(&self) -> impl ExactSizeIterator<Item = Id> + use<'_> {
        self.torrents.keys().copied()
    }

    /// How many peers there are of all torrents together.
    pub(super) fn len(&self) -> usize {
        self.all
    }

    fn drop_a_torrent(&mut self) {
        let least = self.torrents.iter().min_by_key(|(_, torrent)| (torrent.peers.len(), torrent.last));
        let Some(info_hash) = least.map(|(info_hash, _)| *info_hash) else { return };
        if let Some(torrent) = self.torrents.remove(&info_hash) {
            self.all -= torrent.peers.len();
        }
    }
}

impl Torrent {
    fn alive(&self, now: Time) -> impl Iterator<Item = &Peer> {
        self.peers.iter().filter(move |peer| now.since(peer.at) < LIFETIME)
    }

    /// Of the network that has most of the places the peer goes that announced longest ago.
    fn drop_of_the_most_crowded(&mut self) {
        let (mut crowd, mut start) = (0..0, 0);
        for at in 1..=self.peers.len() {
            let network = |at: usize| self.peers.get(at).map(|peer| Network::of(peer.addr.ip()));
            if network(at) != network(start) {
                if at - start > crowd.len() {
                    crowd = start..at;
                }
                start = at;
            }
        }
        if let Some(at) = crowd.min_by_key(|at| self.peers[*at].at) {
            self.peers.remove(at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::ID_LEN;

    const HASH: Id = Id([1; ID_LEN]);

    fn addr(network: u16, host: u8) -> SocketAddr {
        let [a, b] = network.to_be_bytes();
        ([20, a, b, host], 6881).into()
    }

    fn some(peers: &Peers, now: Time, max: usize) -> Vec<SocketAddr> {
        peers.some(now, HASH, IpAddr::from([1, 1, 1, 1]), false, max, &mut Rng::new(1)).unwrap_or_default()
    }

    #[test]
    fn one_an_address_for_three_quarters_of_an_hour() {
        let mut peers = Peers::default();
        let at = |minutes| Time::ZERO + Duration::from_mins(minutes);
        peers.announce(at(0), HASH, addr(1, 1), false);
        peers.announce(at(1), HASH, ([20, 0, 1, 1], 7000).into(), true);
        assert_eq!(some(&peers, at(1), 10), [([20, 0, 1, 1], 7000).into()]);
        assert_eq!(some(&peers, at(45), 10).len(), 1);
        assert_eq!(some(&peers, at(46), 10), []);
        peers.forget_the_old(at(46));
        assert_eq!((peers.hashes().len(), peers.len()), (0, 0));
    }

    #[test]
    fn a_full_torrent_takes_the_place_from_the_network_that_has_most() {
        let mut peers = Peers::default();
        for network in 0..300 {
            peers.announce(Time::ZERO, HASH, addr(network, 1), false);
        }
        for n in 0..2_000u32 {
            peers.announce(Time::from_nanos(n.into()), HASH, addr(999, n as u8), false);
        }
        for network in 400..450 {
            peers.announce(Time::ZERO, HASH, addr(network, 1), false);
        }
        let all = some(&peers, Time::ZERO, 1_000);
        assert_eq!((all.len(), peers.len()), (PEERS_MAX, PEERS_MAX));
        for network in (0..300).chain(400..450) {
            assert!(all.contains(&addr(network, 1)), "{network}");
        }
    }

    #[test]
    fn too_many_torrents_are_those_with_few_peers() {
        let mut peers = Peers::default();
        peers.announce(Time::ZERO, HASH, addr(1, 1), false);
        peers.announce(Time::ZERO, HASH, addr(2, 1), false);
        for n in 0..3 * TORRENTS_MAX as u64 {
            let mut hash = [9; ID_LEN];
            hash[..8].copy_from_slice(&n.to_be_bytes());
            peers.announce(Time::from_nanos(n), Id(hash), addr(3, 1), false);
        }
        assert_eq!((peers.hashes().len(), peers.len()), (TORRENTS_MAX, TORRENTS_MAX + 1));
        assert_eq!(some(&peers, Time::ZERO, 10).len(), 2);
    }

    /// The sum stays bounded too, and what is there already may still be renewed.
    #[test]
    fn all_torrents_together_hold_no_more_than_their_sum() {
        let mut peers = Peers::default();
        for torrent in 0..300u16 {
            let mut hash = [9; ID_LEN];
            hash[..2].copy_from_slice(&torrent.to_be_bytes());
            for host in 0..400u16 {
                peers.announce(Time::ZERO, Id(hash), addr(host, 1), false);
            }
        }
        assert_eq!(peers.len(), ALL_MAX);
        assert_eq!(peers.torrents.values().map(|torrent| torrent.peers.len()).sum::<usize>(), ALL_MAX);
    }

    #[test]
    fn near_addresses_are_told_to_near_ones_alone_and_seeds_come_last_for_a_seed() {
        let mut peers = Peers::default();
        peers.announce(Time::ZERO, HASH, ([127, 0, 0, 1], 1).into(), false);
        peers.announce(Time::ZERO, HASH, ([192, 168, 0, 1], 1).into(), true);
        peers.announce(Time::ZERO, HASH, addr(1, 1), true);
        peers.announce(Time::ZERO, HASH, addr(2, 1), false);
        let told = |asker: [u8; 4], no_seeds| {
            peers.some(Time::ZERO, HASH, asker.into(), no_seeds, 9, &mut Rng::new(2)).unwrap()
        };
        assert_eq!(told([1, 1, 1, 1], true), [addr(2, 1), addr(1, 1)]);
        assert_eq!((told([10, 0, 0, 1], false).len(), told([127, 0, 0, 1], false).len()), (3, 4));
        let six = "::1".parse().unwrap();
        assert_eq!(
            peers.some(Time::ZERO, HASH, six, false, 9, &mut Rng::new(2)),
            Some(Vec::new()),
            "families do not mix"
        );
        let [seeds, others] = peers.filters(Time::ZERO, HASH).unwrap();
        assert_eq!((seeds.estimate(), others.estimate()), (2, 2));
    }
}
