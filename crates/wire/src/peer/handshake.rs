//! The handshake (BEP 3) and its reserved bits (BEP 4, 6, 10).
use teem_metainfo::InfoHash;

/// Twenty bytes by which a peer calls itself, one for each torrent (BEP 3, 20).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct PeerId(pub [u8; 20]);

/// What each side says of itself in the reserved bytes.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Features {
    /// BEP 6: HAVE_ALL, HAVE_NONE, SUGGEST, REJECT, ALLOWED_FAST.
    pub fast: bool,
    /// BEP 10: extended messages.
    pub extended: bool,
    /// BEP 5: the peer runs a DHT node and takes PORT.
    pub dht: bool,
    /// BEP 52: the peer can upgrade to v2.
    pub v2: bool,
}

/// The first 68 bytes of a connection, in either direction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Handshake {
    /// The torrent that the connection is about.
    pub info_hash: InfoHash,
    /// The id of the peer that sent it.
    pub peer_id: PeerId,
    /// What it can do.
    pub features: Features,
}
