//! Which torrent a connection or an info-hash belongs to (own design).
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use teem_metainfo::{InfoHash, TorrentKey};
use teem_swarm::conn_map::ConnMap;
use teem_swarm::ids::{ConnId, TorrentId};

/// Connections of all torrents together, with a handshake done.
const CONNECTIONS_MAX: usize = 400;
/// The last of these are for those that we dial, so that a torrent that begins finds peers however many come to the others.
const DIALLED_ONLY: usize = 40;

/// The way from names on the network to torrents.
#[derive(Debug, Default)]
pub(crate) struct Routes {
    conns: ConnMap<TorrentId>,
    hashes: BTreeMap<InfoHash, TorrentId>,
}

impl Routes {
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
        self.conns.len() >= CONNECTIONS_MAX
    }

    /// Whether there are as many as somebody who dials us may find.
    pub(crate) fn is_full_for_callers(&self) -> bool {
        self.conns.len() >= CONNECTIONS_MAX - DIALLED_ONLY
    }

    pub(crate) fn enter(&mut self, conn: ConnId, torrent: TorrentId) {
        self.conns.insert(conn, torrent);
    }

    pub(crate) fn leave(&mut self, conn: ConnId) -> Option<TorrentId> {
        self.conns.remove(&conn)
    }

    /// The connections of a torrent, ascending.
    pub(crate) fn of_torrent(&self, torrent: TorrentId) -> Vec<ConnId> {
        self.conns.iter().filter(|(_, t)| **t == torrent).map(|(c, _)| *c).collect()
    }
}
