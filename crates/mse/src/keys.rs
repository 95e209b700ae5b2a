//! What is derived from the secret and the torrent (MSE): keys of the two directions, and the hashes that name both without showing them.
use crate::exchange::Shared;
use crate::rc4::Rc4;
use sha1::{Digest, Sha1};

/// Length of a hash and of a torrent's key in bytes.
pub(crate) const HASH_LEN: usize = 20;

/// What all who may have a torrent know of it (SKEY): its info-hash, of version 2 the first 20 bytes.
pub type Skey = [u8; HASH_LEN];

/// What the handshake names a torrent by: HASH("req2", SKEY). Kept in a table, these make finding the torrent one look-up.
pub type Req2 = [u8; HASH_LEN];

fn hash(parts: &[&[u8]]) -> [u8; HASH_LEN] {
    let mut sha1 = Sha1::new();
    for part in parts {
        sha1.update(part);
    }
    sha1.finalize().into()
}

/// What a torrent is named by.
pub fn req2(key: &Skey) -> Req2 {
    hash(&[b"req2", key])
}

/// What the initiator sends after its padding, so that the responder finds the end of that.
pub(crate) fn marker(secret: &Shared) -> [u8; HASH_LEN] {
    hash(&[b"req1", secret])
}

/// A torrent's name, hidden by the secret or shown by it.
pub(crate) fn masked(name: &Req2, secret: &Shared) -> [u8; HASH_LEN] {
    let mask = hash(&[b"req3", secret]);
    core::array::from_fn(|n| name[n] ^ mask[n])
}

/// The stream from the initiator to the responder.
pub(crate) fn from_initiator(secret: &Shared, key: &Skey) -> Rc4 {
    Rc4::new(&hash(&[b"keyA", secret, key]))
}

/// The stream from the responder to the initiator.
pub(crate) fn from_responder(secret: &Shared, key: &Skey) -> Rc4 {
    Rc4::new(&hash(&[b"keyB", secret, key]))
}
