//! What the tests of this crate share: the simulator's small world with engines in it.
#![allow(dead_code, unused_imports, unreachable_pub)] // shared by test files, each of which uses its part
pub mod one;
pub mod stranger;

use std::sync::Arc;
use teem_engine::Engine;
use teem_metainfo::Info;
use teem_sim::lab;
use teem_swarm::command::Command;
use teem_swarm::ids::TorrentId;

pub use teem_sim::block::SimBlock as Block;
pub use teem_sim::lab::at as secs;
pub use teem_sim::lab::engines::{TORRENT as ME, hash, torrent};

/// Engines and the lines between them.
pub type World = lab::World<Engine<Block>>;

/// A world without nodes.
pub fn empty() -> World {
    World::of_engines(info(1, false))
}

/// An info dictionary of that many pieces of 64 KiB, the last a little shorter; `private` as BEP 27 has it.
pub fn info(pieces: u64, private: bool) -> Arc<Info> {
    lab::info(pieces * 65_536 - 9, 65_536, private)
}

/// The same torrent under another name, with its own limits.
pub fn limited(command: Command, id: TorrentId, up: Option<u64>, down: Option<u64>) -> Command {
    let Command::Add(mut add) = command else { panic!("only torrents have names") };
    (add.torrent, add.up, add.down) = (id, up, down);
    Command::Add(add)
}
