//! What a torrent may ask of us before it is refused (own design: the BEPs set no bounds).
//!
//! The figures stand together because one of them alone is easily got round: a small file can name 2^60 bytes of content, and
//! a short path can have thousands of parts.

/// Bounds of one metainfo file, info dictionary or link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Of the bencoded bytes.
    pub bencode: teem_bencode::Limits,
    /// Number of pieces.
    pub pieces: u32,
    /// Bytes of one piece.
    pub piece_length: u32,
    /// Bytes of content with padding, exclusive; offsets then fit every file system and 64 bits with room for sums.
    pub total: u64,
    /// Parts of one path below the torrent's name.
    pub path_depth: usize,
    /// Bytes of one path, separators and name included.
    pub path_bytes: usize,
    /// Bytes of one part of a path, after which it is shortened.
    pub component_bytes: usize,
    /// Files that may be renamed because their paths collide.
    pub duplicates: usize,
    /// Trackers kept of one file.
    pub trackers: usize,
    /// Web seeds kept of one file.
    pub web_seeds: usize,
    /// DHT nodes kept of one file.
    pub nodes: usize,
    /// Bytes of a URL, comment or other text; longer ones are left out.
    pub text_bytes: usize,
    /// Bytes of a magnet link.
    pub magnet_bytes: usize,
    /// Trackers kept of one magnet link.
    pub magnet_trackers: usize,
    /// Web seeds (and exact sources) kept of one magnet link.
    pub magnet_web_seeds: usize,
    /// Peers (and DHT nodes) kept of one magnet link.
    pub magnet_peers: usize,
    /// Ranges of selected files kept of one magnet link.
    pub magnet_selections: usize,
}

impl Limits {
    /// A .torrent file that the user gave: 192 MiB.
    pub const FILE: Self = Self {
        bencode: teem_bencode::Limits::METAINFO,
        pieces: 2_097_152,         // 40 MiB of hashes; other clients stop here too
        piece_length: 256 << 20,   // above what any client creates
        total: 1 << 48,            // as libtorrent
        path_depth: 100,           // libtorrent's
        path_bytes: 4_096,         // PATH_MAX of Linux
        component_bytes: 255,      // NAME_MAX of every common file system
        duplicates: 500,           // libtorrent's
        trackers: 1_000,           // lists pasted from the web have some hundred
        web_seeds: 1_000,          // mirror lists of distributions have some hundred
        nodes: 100,                // a few are enough to enter the DHT
        text_bytes: 16 << 10,      // comments of some pages
        magnet_bytes: 64 << 10,    // what the limits below need, with room
        magnet_trackers: 100,      // each costs announces
        magnet_web_seeds: 20,      // each costs connections
        magnet_peers: 50,          // as many as one PEX message
        magnet_selections: 10_000, // bounded by the link's size anyway
    };

    /// An info dictionary that strangers sent (BEP 9): 16 MiB, the rest as for a file.
    pub const PEER: Self = Self { bencode: teem_bencode::Limits::INFO, ..Self::FILE };
}

impl Default for Limits {
    fn default() -> Self {
        Self::FILE
    }
}
