//! Fetched metadata, hashed and validated away from the engine, because 16 MiB of it must not stall it (BEP 9).
use crate::pool::Block;
use std::sync::Arc;
use teem_metainfo::{Info, Limits, TorrentKey};
use teem_swarm::ids::TorrentId;
use teem_swarm::job::Done;

/// Judges an info dictionary that peers sent.
pub(crate) fn parse(torrent: TorrentId, key: TorrentKey, bytes: &[u8]) -> Done<Block> {
    let hash_ok = key.matches(bytes);
    let result = if hash_ok {
        Info::parse(bytes, &Limits::PEER).map(Arc::new).map_err(|e| e.to_string())
    } else {
        Err("the metadata does not have the hash it should have".to_owned())
    };
    Done::Metadata { torrent, result, hash_ok }
}
