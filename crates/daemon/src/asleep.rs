//! What is kept of a torrent that has all it wants, so that the next run takes it on without reading its metadata or looking at its content (own design).
//!
//! It is put down when the torrent is complete and on the disk for good, and taken away when something of it is missing or wanted besides. A record that is out of date costs
//! nothing but a look: what lies on the disk is judged by the saved state before it is served.
use crate::row::Row;
use crate::tiers::{self, Tiers};
use teem_bencode::{Writer, parse};
use teem_client::event::State;
use teem_client::metainfo::{InfoHash, InfoHashV2, Limits, TorrentKey};
use teem_client::{About, AddAtRest, Status};

/// What is kept of a torrent that rested.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Asleep {
    pub(crate) key: TorrentKey,
    pub(crate) about: About,
    /// Bytes that are wanted of it.
    pub(crate) wanted: u64,
    /// Its trackers, in tiers.
    pub(crate) trackers: Tiers,
}

impl Asleep {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Writer::new();
        let About { name, size, files, pieces, piece_length, private } = &self.about;
        // Keys in their order.
        out.dict(|d| {
            d.key(b"files").uint((*files).into());
            d.key(b"name").str(name);
            d.key(b"piece length").uint((*piece_length).into());
            d.key(b"pieces").uint((*pieces).into());
            d.key(b"private").uint((*private).into());
            d.key(b"size").uint(*size);
            tiers::write(d.key(b"trackers"), &self.trackers);
            if let Some(hash) = self.key.v1() {
                d.key(b"v1").bytes(&hash.0);
            }
            if let Some(hash) = self.key.v2() {
                d.key(b"v2").bytes(&hash.0);
            }
            d.key(b"wanted").uint(self.wanted);
        });
        out.into_bytes()
    }

    /// What is in these bytes, if they are whole.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let document = parse(bytes, &Limits::FILE.bencode).ok()?;
        let root = document.root();
        let number = |key: &[u8]| root.get(key)?.as_uint();
        let small = |key: &[u8]| u32::try_from(number(key)?).ok();
        let v1 = root.get(b"v1").map(|hash| hash.as_bytes()?.try_into().ok().map(InfoHash));
        let v2 = root.get(b"v2").map(|hash| hash.as_bytes()?.try_into().ok().map(InfoHashV2));
        let about = About {
            name: root.get(b"name")?.as_str()?.into(),
            size: number(b"size")?,
            files: small(b"files")?,
            pieces: small(b"pieces")?,
            piece_length: small(b"piece length")?,
            private: number(b"private")? != 0,
        };
        let key =
            TorrentKey::new(v1.map_or(Some(None), |v1| v1.map(Some))?, v2.map_or(Some(None), |v2| v2.map(Some))?)?;
        let trackers = tiers::read(root.get(b"trackers")?)?;
        Some(Self { key, about, wanted: number(b"wanted")?, trackers })
    }

    /// The torrent as the client is to take it.
    pub(crate) fn add(&self, row: &Row, paused: bool) -> AddAtRest {
        let mut add = AddAtRest::new(self.key, &row.folder, self.about.clone());
        (add.name, add.names) = (row.name.clone(), row.names.clone());
        (add.trackers, add.wanted, add.paused) = (self.trackers.clone(), self.wanted, paused);
        (add.up, add.down, add.publish) = (row.up, row.down, row.shared.is_some());
        add
    }
}

/// Whether what is kept of a torrent that is complete is to be put down, or taken away; `None` where it stays as it is.
pub(crate) fn is_due(status: &Status, is_kept: bool) -> Option<bool> {
    // What was not on the disk for good is found out when the torrent is woken.
    let is_whole = status.complete.is_some_and(|at_start| at_start || status.durable) && status.state == State::Seeding;
    if status.rests || is_whole {
        return (!is_kept).then_some(true);
    }
    // One that was woken and has all it wants will rest again.
    let stays = status.complete.is_some() || matches!(status.state, State::Stopping | State::Paused);
    (is_kept && !stays).then_some(false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use teem_client::{AnnounceUrl, Origin};

    #[test]
    fn it_comes_back_as_it_was_and_no_cut_is_believed() {
        let key = TorrentKey::new(Some(InfoHash([7; 20])), Some(InfoHashV2([9; 32]))).unwrap();
        let about = About {
            name: "a film".into(),
            size: 1 << 40,
            files: 3,
            pieces: 1 << 20,
            piece_length: 1 << 20,
            private: true,
        };
        let trackers = vec![
            vec![AnnounceUrl::of_user("http://t/a"), AnnounceUrl::new("udp://u:1", Origin::Stranger)],
            vec![AnnounceUrl::of_user("https://v/a")],
        ];
        let asleep = Asleep { key, about, wanted: 77, trackers };
        let bytes = asleep.encode();
        assert_eq!(Asleep::decode(&bytes), Some(asleep.clone()));
        assert!((0..bytes.len()).all(|n| Asleep::decode(&bytes[..n]).is_none()));
        let plain = Asleep { key: InfoHash([1; 20]).into(), trackers: Vec::new(), ..asleep };
        assert_eq!(Asleep::decode(&plain.encode()), Some(plain));
    }
}
