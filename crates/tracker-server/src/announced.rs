//! Peers that announced a torrent which this machine seeds itself (own design): they wait here until the seed is told, and it dials them.
//!
//! A client that accepts connections and is slow to dial is served at once that way. Where an announce came from is known to be true (TCP, or
//! the connection id of BEP 15), so nobody can aim the seed at others; but a port is only said. So one host has few of them
//! passed on in a while, and no more wait than a seed can make use of.
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::mem;
use core::net::SocketAddr;
use teem_metainfo::InfoHash;
use teem_wire::holder::Holder;

/// Peers that may wait.
const WAITING_MAX: usize = 64;
/// Announces of one host that are passed on from one [`Announced::again`] to the next.
const PER_HOST_MAX: u8 = 8;
/// Hosts that are counted; when there are more, the rest have to dial us.
const HOSTS_MAX: usize = 4096;

#[derive(Clone, Default, Debug)]
pub(crate) struct Announced {
    waiting: Vec<(InfoHash, SocketAddr)>,
    hosts: BTreeMap<Holder, u8>,
}

impl Announced {
    /// A peer announced.
    pub(crate) fn put(&mut self, info_hash: InfoHash, peer: SocketAddr) {
        let host = Holder::of(peer.ip());
        let room = self.waiting.len() < WAITING_MAX && (self.hosts.len() < HOSTS_MAX || self.hosts.contains_key(&host));
        if !room || self.waiting.contains(&(info_hash, peer)) {
            return;
        }
        let count = self.hosts.entry(host).or_default();
        if *count < PER_HOST_MAX {
            *count += 1;
            self.waiting.push((info_hash, peer));
        }
    }

    /// Those that wait, oldest first.
    pub(crate) fn take(&mut self) -> Vec<(InfoHash, SocketAddr)> {
        mem::take(&mut self.waiting)
    }

    /// Time has passed: each host may be passed on again.
    pub(crate) fn again(&mut self) {
        self.hosts.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

    const HASH: InfoHash = InfoHash([1; 20]);

    #[test]
    fn one_host_cannot_send_the_seed_everywhere() {
        let mut announced = Announced::default();
        for port in 2000..2100 {
            announced.put(HASH, SocketAddr::from(([198, 18, 0, 1], port)));
            let same_64 = format!("[2001:db8::{port:x}]:{port}");
            announced.put(HASH, same_64.parse().unwrap());
        }
        assert_eq!(announced.take().len(), 2 * usize::from(PER_HOST_MAX));
        announced.put(HASH, SocketAddr::from(([198, 18, 0, 2], 2000)));
        announced.put(HASH, SocketAddr::from(([198, 18, 0, 1], 3000)));
        assert_eq!(announced.take(), [(HASH, SocketAddr::from(([198, 18, 0, 2], 2000)))]);
        announced.again();
        announced.put(HASH, SocketAddr::from(([198, 18, 0, 1], 3000)));
        assert_eq!(announced.take().len(), 1);
    }

    #[test]
    fn no_more_wait_and_no_more_are_counted_than_there_is_room_for() {
        let mut announced = Announced::default();
        let peer = |n: u32| SocketAddr::from(((0x0b00_0000 + n).to_be_bytes(), 2000));
        for n in 0..10_000 {
            announced.put(HASH, peer(n % 5000));
        }
        assert_eq!(announced.take().len(), WAITING_MAX);
        for n in 0..10_000 {
            announced.put(HASH, peer(n));
            announced.take();
        }
        assert_eq!(announced.hosts.len(), HOSTS_MAX);
    }

    #[test]
    fn a_peer_waits_once() {
        let mut announced = Announced::default();
        let peer = SocketAddr::from(([198, 18, 0, 1], 2000));
        announced.put(HASH, peer);
        announced.put(HASH, peer);
        assert_eq!(announced.take(), [(HASH, peer)]);
        assert_eq!(announced.take(), []);
    }
}
