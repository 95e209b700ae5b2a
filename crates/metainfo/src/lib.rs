//! teem-metainfo: .torrent files (BEP 3, 52), magnet links (BEP 9), file layout and creation.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

/// The v1 info-hash: SHA-1 of the bencoded info dictionary as it stands (BEP 3).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct InfoHash(pub [u8; 20]);

/// A validated info dictionary.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Info {}
