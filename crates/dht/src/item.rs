//! Items (BEP 44): the targets that they lie under, and what a signature is over.
use crate::id::Id;
use crate::krpc::message::{KEY_LEN, SIGNATURE_LEN};
use alloc::vec::Vec;
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use sha1::{Digest, Sha1};
use teem_bencode::Writer;

/// Length of a value in bytes, bencoded.
pub(crate) const VALUE_MAX: usize = 1_000;
/// Length of a salt in bytes.
pub(crate) const SALT_MAX: usize = 64;
/// Length in bytes of what a key pair follows from.
pub const SEED_LEN: usize = 32;

/// The target of an item that never changes: the digest of its value as it is bencoded.
pub fn target_of_value(value: &[u8]) -> Id {
    Id(Sha1::digest(value).into())
}

/// The target of an item that its owner may change.
pub fn target_of_key(key: &[u8; KEY_LEN], salt: &[u8]) -> Id {
    Id(Sha1::new().chain_update(key).chain_update(salt).finalize().into())
}

/// What is signed: salt, sequence number and value, as parts of a dictionary.
pub fn signed_bytes(salt: &[u8], seq: i64, value: &[u8]) -> Vec<u8> {
    let mut writer = Writer::new();
    if !salt.is_empty() {
        writer.bytes(b"salt");
        writer.bytes(salt);
    }
    writer.bytes(b"seq");
    writer.int(seq);
    writer.bytes(b"v");
    writer.raw(value);
    writer.into_bytes()
}

/// Whether the owner of the key signed this.
pub fn is_signed(key: &[u8; KEY_LEN], signature: &[u8; SIGNATURE_LEN], salt: &[u8], seq: i64, value: &[u8]) -> bool {
    let signature = Signature::from_bytes(signature);
    VerifyingKey::from_bytes(key)
        .is_ok_and(|key| key.verify_strict(&signed_bytes(salt, seq, value), &signature).is_ok())
}

/// The public key that follows from a seed, which is what its owner keeps secret.
pub fn public_key(seed: &[u8; SEED_LEN]) -> [u8; KEY_LEN] {
    SigningKey::from_bytes(seed).verifying_key().to_bytes()
}

/// The owner's signature.
pub fn sign(seed: &[u8; SEED_LEN], salt: &[u8], seq: i64, value: &[u8]) -> [u8; SIGNATURE_LEN] {
    SigningKey::from_bytes(seed).sign(&signed_bytes(salt, seq, value)).to_bytes()
}
