//! A frugal source: one copy, and then only what peers cannot give each other.
mod common;

use common::{BLOCK, World, info};
use teem_swarm::command::Spreading;
use teem_swarm::ids::ConnId;
use teem_swarm::job::Facts;
use teem_swarm::output::CloseReason;
use teem_wire::peer::message::Message;

const PIECE: u32 = 4 * BLOCK;
const PIECES: u32 = 64;
const TOTAL: u64 = 64 * 4 * BLOCK as u64;

/// A world with a frugal source, all of whose pieces left in an earlier run if `out`.
fn world(line: u64, out: bool) -> (World, usize) {
    let mut world = World::new(info(TOTAL, PIECE));
    if out {
        world.remembered.0.out = vec![0xFF; 8];
    }
    let seed = world.add_with((0..PIECES).collect(), line, None, |add| add.spreading = Spreading::Frugal);
    world.remembered.0 = Facts::default();
    (world, seed)
}

fn shown(heard: &[Message]) -> Vec<u32> {
    heard.iter().filter_map(|m| if let Message::Have(piece) = m { Some(*piece) } else { None }).collect()
}

#[test]
fn a_frugal_source_sends_one_copy_and_then_helps_only_who_is_not_fed() {
    let (mut world, seed) = world(8 << 20, false);
    let peers: Vec<usize> = (0..4).map(|_| world.add(Vec::new(), 1 << 20)).collect();
    for (i, a) in peers.iter().enumerate() {
        world.connect(*a, seed);
        for b in &peers[..i] {
            world.connect(*a, *b);
        }
    }
    assert!(world.run(120, |w| peers.iter().all(|p| w.is_complete(*p))));
    assert_eq!(world.snapshot(seed).uploaded, TOTAL);
    // They go, and one comes who finds nobody else.
    for peer in peers {
        world.leave(peer);
    }
    let late = world.add(Vec::new(), 0);
    world.connect(late, seed);
    assert!(world.run(300, |w| w.is_complete(late)));
    assert_eq!(world.snapshot(seed).uploaded, 2 * TOTAL);
}

#[test]
fn a_frugal_source_feeds_who_never_stays_for_long() {
    let (mut world, seed) = world(0, true);
    for life in 1.. {
        let conn = world.puppet_at(seed, true, 77);
        world.say(seed, conn, Message::HaveNone);
        world.wait(12);
        if !shown(&world.heard(seed, conn)).is_empty() {
            break;
        }
        assert!(life < 4, "unfed for {life} lives of twelve seconds");
        world.act(seed, |t, cx| t.closed(cx, conn, CloseReason::Remote));
    }
}

#[test]
fn who_gains_a_piece_now_and_then_is_not_fed_before_four_of_them_would_have_come() {
    let (mut world, seed) = world(0, true);
    // Each lacks another piece, so that none has so few holders that it needs one more.
    let holders = [0, 1, 2, 3, 4].map(|lacks| {
        let conn = world.puppet(seed, true);
        let mut most = vec![0xFF; 8];
        most[lacks] = 0x7F;
        world.say(seed, conn, Message::Bitfield(most));
        conn
    });
    let conn = world.puppet(seed, true);
    world.say(seed, conn, Message::HaveNone);
    let fed = |world: &mut World, conn: ConnId| !shown(&world.heard(seed, conn)).is_empty();
    let pass = |world: &mut World, seconds: u64| {
        world.wait(seconds);
        for conn in holders {
            world.say(seed, conn, Message::KeepAlive);
        }
    };
    for piece in 1..5 {
        pass(&mut world, 25);
        assert!(!fed(&mut world, conn), "before piece {piece} has come");
        world.say(seed, conn, Message::Have(piece));
    }
    pass(&mut world, 90);
    assert!(!fed(&mut world, conn), "it takes 25 s a piece");
    pass(&mut world, 15);
    assert!(fed(&mut world, conn), "and gains nothing any more");
}
