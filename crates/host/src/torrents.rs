//! The torrents that an encrypted handshake may be for (own design; MSE): by the hash that it names one by, so that a look-up finds the torrent, and by
//! name for those that we dial for.
use std::collections::BTreeMap;
use teem_mse::{Req2, Skey, req2};
use teem_swarm::ids::TorrentId;

/// The torrents that the machine was given and has not removed.
#[derive(Debug, Default)]
pub(crate) struct Torrents {
    by_hash: BTreeMap<Req2, Skey>,
    /// The first of a torrent's hashes is the one that it is dialled by.
    by_id: BTreeMap<TorrentId, Vec<Skey>>,
}

impl Torrents {
    /// A torrent has come, with the info-hashes that it may be named by.
    pub(crate) fn add(&mut self, torrent: TorrentId, hashes: impl Iterator<Item = Skey>) {
        let hashes: Vec<Skey> = hashes.collect();
        self.by_hash.extend(hashes.iter().map(|hash| (req2(hash), *hash)));
        self.by_id.entry(torrent).or_insert(hashes);
    }

    /// A torrent is gone.
    pub(crate) fn remove(&mut self, torrent: TorrentId) {
        for hash in self.by_id.remove(&torrent).into_iter().flatten() {
            self.by_hash.remove(&req2(&hash));
        }
    }

    /// The torrent that is named so.
    pub(crate) fn find(&self, name: &Req2) -> Option<Skey> {
        self.by_hash.get(name).copied()
    }

    /// What a dial for that torrent names.
    pub(crate) fn skey(&self, torrent: TorrentId) -> Option<Skey> {
        self.by_id.get(&torrent)?.first().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_hashes_of_a_hybrid_are_found_and_the_first_is_dialled_by() {
        let mut torrents = Torrents::default();
        let (v1, v2, other) = ([1; 20], [2; 20], [3; 20]);
        torrents.add(TorrentId(1), [v1, v2].into_iter());
        torrents.add(TorrentId(2), [other].into_iter());
        for hash in [v1, v2, other] {
            assert_eq!(torrents.find(&req2(&hash)), Some(hash));
        }
        assert_eq!((torrents.skey(TorrentId(1)), torrents.skey(TorrentId(3))), (Some(v1), None));
        torrents.remove(TorrentId(1));
        assert_eq!([v1, v2, other].map(|hash| torrents.find(&req2(&hash))), [None, None, Some(other)]);
        assert_eq!(torrents.skey(TorrentId(1)), None);
    }
}
