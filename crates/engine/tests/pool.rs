//! The pool that blocks are read into is shared by all torrents (audit, row 1): where it is scarce the holder with most loses, in whichever torrent it is.
#![allow(clippy::unwrap_used)] // a test may panic: that is its way to say no
mod common;

use common::{World, hash, info, limited, torrent};
use std::net::SocketAddr;
use teem_engine::input::Input;
use teem_metainfo::Info;
use teem_swarm::command::{Command, Spreading};
use teem_swarm::ids::{ConnId, TorrentId};
use teem_swarm::output::CloseReason;
use teem_swarm::remote::Via;
use teem_wire::peer::block::{BLOCK_LEN, BlockRef};
use teem_wire::peer::handshake::{Features, Handshake, PeerId};
use teem_wire::peer::message::Message;

const DEAF: CloseReason = CloseReason::Flood("blocks that the peer does not read");
/// Torrents in which the large holder is: in each a few of its connections are served.
const TORRENTS: u64 = 16;
const UP: u64 = 10 << 20;

fn seeded(world: &mut World, node: usize, id: TorrentId, info: &std::sync::Arc<Info>) {
    let Command::Add(mut add) = limited(torrent(info, true, &[], &[]), id, Some(UP), None) else {
        unreachable!("that is what it makes")
    };
    add.spreading = Spreading::Ordinary;
    world.command(node, Command::Add(add));
}

/// A peer that asks for forty blocks and reads nothing.
fn deaf(world: &mut World, node: usize, info: &Info, addr: SocketAddr, id: u8) -> ConnId {
    let conn = world.stranger(node, addr);
    world.deaf.push(conn);
    let features = Features { fast: true, extended: true, ..Features::default() };
    let handshake = Handshake { info_hash: hash(info), peer_id: PeerId([id; 20]), features };
    world.give(node, Input::Hello { conn, handshake, via: Via::TCP });
    world.give(node, Input::Message { conn, message: Message::Interested });
    conn
}

fn ask(world: &mut World, node: usize, conn: ConnId) {
    for n in 0..40 {
        let at = BlockRef { piece: n / 4, begin: n % 4 * BLOCK_LEN, len: BLOCK_LEN };
        if world.why_closed(node, conn).is_none() {
            world.give(node, Input::Message { conn, message: Message::Request(at) });
        }
    }
}

#[test]
fn where_the_pool_is_scarce_the_largest_holder_loses_in_whichever_torrent() {
    let infos: Vec<_> = (0..=TORRENTS).map(|n| info(64 + n, false)).collect();
    let mut world = World::of_engines(infos[0].clone());
    let node = world.node(true);
    for (info, n) in infos.iter().zip(1..) {
        seeded(&mut world, node, TorrentId(n), info);
    }
    world.wait(1);
    // One holder has next to nothing in one torrent, another much in all others.
    let small = deaf(&mut world, node, &infos[0], "192.0.2.1:4000".parse().unwrap(), 200);
    let mut large = Vec::new();
    for (info, port) in infos[1..].iter().zip(5_000..) {
        for n in 0..8 {
            large.push(deaf(&mut world, node, info, SocketAddr::from(([198, 19, 0, 1], port + n * 100)), n as u8 + 1));
        }
    }
    for _ in 0..30 {
        ask(&mut world, node, small);
        for conn in &large {
            ask(&mut world, node, *conn);
        }
        world.wait(1);
    }
    let lost = large.iter().filter(|conn| world.why_closed(node, **conn) == Some(DEAF)).count();
    assert!(lost > 0, "the pool was scarce, and somebody made room");
    assert_ne!(world.why_closed(node, small), Some(DEAF), "not the one with next to nothing");
}
