//! What a torrent is known by (BEP 3, 9, 52): the info-hash of version 1, of version 2, or both.
//!
//! A key with no hash cannot be built. Protocols that have room for 20 bytes only (handshake, announce, scrape) name a torrent by
//! [`TorrentKey::wire`]; a connection may come in under any of [`TorrentKey::wires`].

use core::fmt;

use crate::info_hash::{InfoHash, InfoHashV2};

/// The info-hashes that are known of one torrent.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum TorrentKey {
    /// Version 1, as far as is known: the torrent of a magnet link may turn out to be a hybrid.
    V1(InfoHash),
    /// Version 2, as far as is known.
    V2(InfoHashV2),
    /// Both versions, which name the same content.
    Hybrid(InfoHash, InfoHashV2),
}

impl TorrentKey {
    /// The key of these hashes; none if there is no hash.
    pub fn new(v1: Option<InfoHash>, v2: Option<InfoHashV2>) -> Option<Self> {
        match (v1, v2) {
            (Some(v1), Some(v2)) => Some(Self::Hybrid(v1, v2)),
            (Some(v1), None) => Some(Self::V1(v1)),
            (None, Some(v2)) => Some(Self::V2(v2)),
            (None, None) => None,
        }
    }

    /// An info-hash alone, as people paste it: 40 hexadecimal or 32 base32 digits, or 64 hexadecimal ones for version 2, with or without
    /// the prefix of a multihash.
    pub(crate) fn pasted(text: &str) -> Option<Self> {
        let v2 = text.strip_prefix("1220").and_then(|text| text.parse().ok());
        Self::new(text.parse().ok(), v2.or_else(|| text.parse().ok()))
    }

    /// The hash of version 1.
    pub fn v1(&self) -> Option<InfoHash> {
        match *self {
            Self::V1(v1) | Self::Hybrid(v1, _) => Some(v1),
            Self::V2(_) => None,
        }
    }

    /// The hash of version 2.
    pub fn v2(&self) -> Option<InfoHashV2> {
        match *self {
            Self::V2(v2) | Self::Hybrid(_, v2) => Some(v2),
            Self::V1(_) => None,
        }
    }

    /// The 20 bytes that we name the torrent by in handshakes and announces: version 1 if there is one, so that a hybrid meets the
    /// larger swarm, else version 2 cut short (BEP 52, "infohash").
    pub fn wire(&self) -> InfoHash {
        match self {
            Self::V1(v1) | Self::Hybrid(v1, _) => *v1,
            Self::V2(v2) => v2.truncated(),
        }
    }

    /// Every 20 bytes that others may name the torrent by.
    pub fn wires(&self) -> impl Iterator<Item = InfoHash> + use<> {
        self.v1().into_iter().chain(self.v2().map(|v2| v2.truncated()))
    }

    /// Whether both name one torrent, as far as can be told: they have a hash in common, and none that differs.
    pub fn is_same(&self, other: &Self) -> bool {
        let same =
            |a: Option<bool>, b: Option<bool>| matches!((a, b), (Some(true), Some(true) | None) | (None, Some(true)));
        same(self.v1().zip(other.v1()).map(|(a, b)| a == b), self.v2().zip(other.v2()).map(|(a, b)| a == b))
    }

    /// Whether these bytes are the info dictionary that the key names; all hashes that are known must agree.
    pub fn matches(&self, info: &[u8]) -> bool {
        self.v1().is_none_or(|v1| v1 == InfoHash::of(info)) && self.v2().is_none_or(|v2| v2 == InfoHashV2::of(info))
    }
}

impl From<InfoHash> for TorrentKey {
    fn from(v1: InfoHash) -> Self {
        Self::V1(v1)
    }
}

impl From<InfoHashV2> for TorrentKey {
    fn from(v2: InfoHashV2) -> Self {
        Self::V2(v2)
    }
}

/// The version 1 hash if there is one, else the whole version 2 hash.
impl fmt::Display for TorrentKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::V1(v1) | Self::Hybrid(v1, _) => v1.fmt(f),
            Self::V2(v2) => v2.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString as _;

    const V1: InfoHash = InfoHash([1; 20]);
    const V2: InfoHashV2 = InfoHashV2([2; 32]);

    #[test]
    fn no_hash_is_no_key_and_the_wire_has_20_bytes() {
        assert_eq!(TorrentKey::new(None, None), None);
        let only_v2 = TorrentKey::new(None, Some(V2)).unwrap();
        let hybrid = TorrentKey::new(Some(V1), Some(V2)).unwrap();
        assert_eq!((only_v2.wire(), hybrid.wire()), (InfoHash([2; 20]), V1));
        assert!(hybrid.wires().eq([V1, InfoHash([2; 20])]) && only_v2.wires().eq([InfoHash([2; 20])]));
        assert_eq!(only_v2.to_string().len(), 64);
    }

    #[test]
    fn one_common_hash_and_no_other_makes_the_same_torrent() {
        let hybrid = TorrentKey::Hybrid(V1, V2);
        assert!(hybrid.is_same(&V1.into()) && hybrid.is_same(&V2.into()) && hybrid.is_same(&hybrid));
        assert!(!TorrentKey::from(V1).is_same(&V2.into()));
        assert!(!hybrid.is_same(&TorrentKey::Hybrid(V1, InfoHashV2([3; 32]))));
        assert!(!hybrid.is_same(&TorrentKey::Hybrid(InfoHash([3; 20]), V2)));
    }

    #[test]
    fn every_hash_must_agree_with_the_info_dictionary() {
        let (v1, v2) = (InfoHash::of(b"de"), InfoHashV2::of(b"de"));
        assert!(TorrentKey::Hybrid(v1, v2).matches(b"de"));
        assert!(!TorrentKey::Hybrid(v1, V2).matches(b"de") && !TorrentKey::Hybrid(V1, v2).matches(b"de"));
        assert!(TorrentKey::V2(v2).matches(b"de") && !TorrentKey::V1(V1).matches(b"de"));
    }
}
