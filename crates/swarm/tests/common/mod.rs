//! What the tests of this crate share: the simulator's small world with torrents alone in it.
#![allow(
    dead_code,
    unused_imports,
    unreachable_pub,
    reason = "each test file is a crate of its own and uses its own part"
)]
use std::sync::Arc;
use teem_metainfo::Info;

pub use teem_sim::block::SimBlock as Block;
pub use teem_sim::lab::at;
pub use teem_wire::peer::block::BLOCK_LEN as BLOCK;

/// Torrents alone, all of one content.
pub type World = teem_sim::lab::World<teem_sim::lab::alone::Alone>;

/// A torrent of one file.
pub fn info(total: u64, piece_len: u32) -> Arc<Info> {
    teem_sim::lab::info(total, piece_len, false)
}
