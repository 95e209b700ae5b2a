//! Peers that ask and do not read hold a part of the pool that blocks are read into (audit, row 1): whatever they hold, a peer that is
//! served gets its blocks.
mod common;

use common::{BLOCK, World, info};
use teem_swarm::command::Spreading;
use teem_swarm::ids::ConnId;
use teem_swarm::output::CloseReason;
use teem_wire::peer::block::BlockRef;
use teem_wire::peer::message::Message;

/// The share of the pool that is for blocks read, in bytes.
const POOL: u64 = 8 << 20;

fn seed() -> (World, usize) {
    let mut world = World::new(info(64 << 20, 16 * BLOCK));
    let all = (0..world.info.piece_count()).collect();
    let seed = world.add_with(all, 10 << 20, None, |add| add.spreading = Spreading::Ordinary);
    world.wait(1);
    (world, seed)
}

/// Puts so many who do not read in a seed's places, each of which asks for everything it may.
fn deaf(world: &mut World, seed: usize, count: u8) -> Vec<ConnId> {
    (0..count)
        .map(|n| {
            let conn = world.puppet_at(seed, true, n + 1);
            world.deaf.push(conn);
            world.say(seed, conn, Message::HaveNone);
            world.say(seed, conn, Message::Interested);
            conn
        })
        .collect()
}

fn ask(world: &mut World, seed: usize, conn: ConnId, blocks: u32) {
    for n in 0..blocks {
        let at = BlockRef { piece: n / 16, begin: n % 16 * BLOCK, len: BLOCK };
        if world.why_closed(seed, conn).is_none() {
            world.say(seed, conn, Message::Request(at));
        }
    }
}

fn held(world: &World, seed: usize) -> u64 {
    world.nodes[seed].machine.torrent.held()
}

#[test]
fn row_1_of_the_audit_who_reads_nothing_holds_no_more_than_the_pool_has_and_others_are_served() {
    let (mut world, seed) = seed();
    let rude = deaf(&mut world, seed, 79);
    let honest = world.puppet_at(seed, true, 200);
    world.say(seed, honest, Message::Interested);
    for _ in 0..60 {
        for conn in &rude {
            ask(&mut world, seed, *conn, 40);
        }
        if world.why_closed(seed, honest).is_none() {
            ask(&mut world, seed, honest, 8);
        }
        world.wait(1);
        assert!(held(&world, seed) < POOL, "{} bytes", held(&world, seed));
    }
    assert_eq!(world.why_closed(seed, honest), None);
    let got = world.sent.iter().filter(|(conn, _)| *conn == honest).count();
    assert!(got >= 64, "it got {got} blocks");
}

#[test]
fn where_the_pool_is_scarce_those_that_are_stuck_go_and_nobody_else() {
    let (mut world, seed) = seed();
    let held_by_others = 5 << 20;
    let rude = deaf(&mut world, seed, 4);
    let honest = world.puppet_at(seed, true, 200);
    world.say(seed, honest, Message::Interested);
    for conn in &rude {
        ask(&mut world, seed, *conn, 40);
    }
    world.wait(40);
    assert!(rude.iter().all(|conn| world.why_closed(seed, *conn).is_none()), "there is plenty");
    // Another torrent's peers hold most of it.
    world.nodes[seed].machine.shared.pool.held += held_by_others;
    for _ in 0..10 {
        ask(&mut world, seed, honest, 8);
        world.wait(1);
    }
    let why = Some(CloseReason::Flood("blocks that the peer does not read"));
    assert!(rude.iter().any(|conn| world.why_closed(seed, *conn) == why));
    assert_eq!(world.why_closed(seed, honest), None);
}
