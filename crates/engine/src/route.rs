//! Which torrent a connection or an info-hash belongs to (own design).
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use teem_metainfo::{InfoHash, TorrentKey};
use teem_swarm::conn_map::ConnMap;
use teem_swarm::ids::{ConnId, TorrentId};

/// Connections of all torrents together, with a handshake done, unless their owner says another number.
pub(crate) const CONNECTIONS_MAX: usize = 400;
/// The last of these are for those that we dial, so that a torrent that begins finds peers however many come to the others.
const DIALLED_ONLY: usize = 40;

/// The way from names on the network to torrents.
#[derive(Debug)]
pub(crate) struct Routes {
    /// Connections that there may be.
    connections_max: usize,
    conns: ConnMap<TorrentId>,
    hashes: BTreeMap<InfoHash, TorrentId>,
    /// Torrents to which a peer has come since that was asked last.
    visited: BTreeSet<TorrentId>,
}

impl Routes {
    pub(crate) fn new(connections_max: usize) -> Self {
        Self { connections_max, conns: ConnMap::default(), hashes: BTreeMap::default(), visited: BTreeSet::default() }
    }

    /// So many connections there may be from now on. Those that are more than that stay until they end.
    pub(crate) fn limit(&mut self, connections_max: usize) {
        self.connections_max = connections_max;
    }

    /// The torrent of an info-hash.
    pub(crate) fn torrent(&self, hash: InfoHash) -> Option<TorrentId> {
        self.hashes.get(&hash).copied()
    }

    /// A torrent is there from now on, under each hash of its key. False when one of them is another's.
    pub(crate) fn enter_torrent(&mut self, key: TorrentKey, torrent: TorrentId) -> bool {
        let is_free = key.wires().all(|hash| !self.hashes.contains_key(&hash));
        if is_free {
            self.learn(key, torrent);
        }
        is_free
    }

    /// More is known of a torrent that is there: its new hashes lead to it, unless they are another's.
    pub(crate) fn learn(&mut self, key: TorrentKey, torrent: TorrentId) {
        for hash in key.wires() {
            self.hashes.entry(hash).or_insert(torrent);
        }
    }

    /// A torrent takes no connections any more.
    pub(crate) fn leave_torrent(&mut self, key: TorrentKey, torrent: TorrentId) {
        for hash in key.wires() {
            if self.torrent(hash) == Some(torrent) {
                self.hashes.remove(&hash);
            }
        }
    }

    /// The same where the torrent cannot be asked for its key any more.
    pub(crate) fn forget_torrent(&mut self, torrent: TorrentId) {
        self.hashes.retain(|_, other| *other != torrent);
    }

    /// The torrent that a connection is a peer of.
    pub(crate) fn of(&self, conn: ConnId) -> Option<TorrentId> {
        self.conns.get(&conn).copied()
    }

    /// Whether there are as many connections as there may be.
    pub(crate) fn is_full(&self) -> bool {
        self.conns.len() >= self.connections_max
    }

    /// Whether there are as many as somebody who dials us may find.
    pub(crate) fn is_full_for_callers(&self) -> bool {
        self.conns.len() >= self.connections_max.saturating_sub(DIALLED_ONLY)
    }

    pub(crate) fn enter(&mut self, conn: ConnId, torrent: TorrentId) {
        self.conns.insert(conn, torrent);
        self.visited.insert(torrent);
    }

    /// The torrents to which a peer has come since this was asked last, whether it is still there or not.
    pub(crate) fn take_visited(&mut self) -> BTreeSet<TorrentId> {
        core::mem::take(&mut self.visited)
    }

    pub(crate) fn leave(&mut self, conn: ConnId) -> Option<TorrentId> {
        self.conns.remove(&conn)
    }

    /// The connections of a torrent, ascending.
    pub(crate) fn of_torrent(&self, torrent: TorrentId) -> Vec<ConnId> {
        self.conns.iter().filter(|(_, t)| **t == torrent).map(|(c, _)| *c).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_connections_is_its_owners_to_change() {
        let mut routes = Routes::new(DIALLED_ONLY + 2);
        for conn in 0..2 {
            assert!(!routes.is_full_for_callers());
            routes.enter(ConnId(conn), TorrentId(0));
        }
        assert!(routes.is_full_for_callers() && !routes.is_full());
        routes.limit(2);
        assert!(routes.is_full(), "those that stand count");
        routes.limit(DIALLED_ONLY + 3);
        assert!(!routes.is_full_for_callers());
    }
}
