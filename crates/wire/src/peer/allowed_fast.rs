//! Which pieces a peer may ask for while choked: the canonical set of BEP 6 ("Allowed Fast Set Generation").
//!
//! It depends on the peer's network, the torrent and its number of pieces only, so every sender picks the same.
use alloc::vec::Vec;
use core::net::Ipv4Addr;
use sha1::{Digest, Sha1};
use teem_metainfo::InfoHash;

/// Pieces that a sender grants, the BEP's own choice.
pub const ALLOWED_FAST_COUNT: usize = 10;

/// The first `count` indices for the peer at `ip`, in the order in which they are drawn; all of them, in that order, when the
/// torrent has no more. The BEP defines none for IPv6.
pub fn allowed_fast(ip: Ipv4Addr, info_hash: &InfoHash, pieces: u32, count: usize) -> Vec<u32> {
    let count = count.min(pieces as usize);
    let mut set = Vec::with_capacity(count);
    let [a, b, c, _] = ip.octets();
    let mut hash: [u8; 20] = Sha1::new().chain_update([a, b, c, 0]).chain_update(info_hash.0).finalize().into();
    while set.len() < count {
        for word in hash.chunks_exact(4) {
            let index = u32::from_be_bytes([word[0], word[1], word[2], word[3]]) % pieces;
            if set.len() < count && !set.contains(&index) {
                set.push(index);
            }
        }
        hash = Sha1::digest(hash).into();
    }
    set
}
