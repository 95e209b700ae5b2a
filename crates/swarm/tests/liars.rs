//! Corrupt data: exactly the liar is banned, and a swarm that is all corrupt costs little (bad input, rows 37 and 38).
mod common;

use common::{BLOCK, Block, World, info};
use std::time::Duration;
use teem_swarm::event::Event;
use teem_swarm::output::CloseReason;
use teem_wire::peer::message::Message;

fn all(world: &World) -> Vec<u32> {
    (0..world.info.piece_count()).collect()
}

fn banned(world: &World, n: usize) -> Vec<std::net::SocketAddr> {
    let events = world.nodes[n].events.iter();
    events.filter_map(|e| if let Event::Banned { addr, .. } = e { addr.addr() } else { None }).collect()
}

#[test]
fn row_37_one_liar_among_honest_peers() {
    let mut world = World::new(info(8 << 20, 8 * BLOCK));
    let honest: Vec<usize> = (0..4).map(|_| world.add(all(&world), 1 << 20)).collect();
    let liar = world.add(all(&world), 1 << 20);
    world.nodes[liar].lies = |at| at.begin == 3 * BLOCK;
    let peer = world.add(Vec::new(), 0);
    for seed in honest.iter().chain(&[liar]) {
        world.connect(peer, *seed);
    }
    assert!(world.run(120, |w| w.is_complete(peer)));
    let liar_addr = world.nodes[liar].addr;
    assert_eq!(banned(&world, peer), [liar_addr], "the liar and nobody else");
    assert!(world.nodes[peer].closed.iter().any(|(_, why)| *why == CloseReason::Banned));
    let snapshot = world.snapshot(peer);
    assert!(snapshot.wasted <= 2 * 8 * u64::from(BLOCK), "{}", snapshot.wasted);
    let (conn, _) = world.connect(peer, liar);
    assert_eq!(world.why_closed(peer, conn), Some(CloseReason::Banned), "it does not come back");
}

#[test]
fn row_37_a_liar_that_shares_every_piece_with_honest_peers() {
    // Long pieces that several are at: only the digests can tell who it was.
    let mut world = World::new(info(48 << 20, 256 * BLOCK));
    let seeds: Vec<usize> = (0..5).map(|i| world.add(all(&world), 300_000 << i)).collect();
    world.nodes[seeds[1]].lies = |at| (at.begin / BLOCK).is_multiple_of(7);
    let peer = world.add(Vec::new(), 0);
    for seed in &seeds {
        world.connect(peer, *seed);
    }
    assert!(world.run(300, |w| w.is_complete(peer)));
    let liar = world.nodes[seeds[1]].addr;
    assert!(banned(&world, peer).iter().all(|addr| *addr == liar), "{:?}", banned(&world, peer));
    assert!(world.content(peer).trouble.failures > 0);
}

#[test]
fn row_38_all_corrupt_backs_off_and_says_so() {
    let mut world = World::new(info(4 << 20, 8 * BLOCK));
    let liars: Vec<usize> = (0..3).map(|_| world.add(all(&world), 0)).collect();
    let peer = world.add(Vec::new(), 0);
    for liar in &liars {
        world.nodes[*liar].lies = |_| true;
        world.connect(peer, *liar);
    }
    assert!(!world.run(600, |w| w.is_complete(peer)));
    assert_eq!(banned(&world, peer).len(), 3);
    let failures = world.content(peer).trouble.failures;
    assert!(failures <= 3 * 3 + 3 * 3, "{failures}");
    assert!(world.snapshot(peer).wasted > 0);
    let seed = world.add(all(&world), 0);
    world.connect(peer, seed);
    assert!(world.run(600, |w| w.is_complete(peer)), "and an honest peer is enough");
}

#[test]
fn row_38_who_is_accused_is_asked_again_when_nobody_else_is_left() {
    let mut world = World::new(info(4 << 20, 8 * BLOCK));
    let liars = [1 << 20, 4 << 20].map(|line| world.add(all(&world), line));
    let peer = world.add(Vec::new(), 0);
    for liar in liars {
        world.nodes[liar].lies = |at| at.piece % 3 == 0;
        world.connect(peer, liar);
    }
    assert!(world.run(30, |w| banned(w, peer).len() == 2), "{:?}", banned(&world, peer));
}

#[test]
fn row_38_nine_of_ten_corrupt() {
    let mut world = World::new(info(8 << 20, 4 * BLOCK));
    let peer = world.add(Vec::new(), 0);
    for n in 0..10 {
        let seed = world.add(all(&world), 1 << 20);
        if n > 0 {
            world.nodes[seed].lies = |at| at.begin == 0;
        }
        world.connect(peer, seed);
    }
    let honest = world.nodes[1].addr;
    assert!(world.run(600, |w| w.is_complete(peer)));
    assert!(!banned(&world, peer).contains(&honest));
}

#[test]
fn row_20_a_corrupter_costs_about_two_pieces_also_where_the_disk_is_slow() {
    for (evil, disk) in [1, 5, 9].into_iter().flat_map(|evil| [1, 300].map(|disk| (evil, disk))) {
        for rate in [300_000, 1 << 20, 4 << 20] {
            let mut world = World::new(info(8 << 20, 4 * BLOCK));
            world.disk = Duration::from_millis(disk);
            let peer = world.add(Vec::new(), 0);
            for n in 0..10 {
                let seed = world.add(all(&world), rate);
                if n < evil {
                    world.nodes[seed].lies = |at| at.piece % 3 == 0;
                }
                world.connect(peer, seed);
            }
            assert!(world.run(60, |w| w.is_complete(peer)));
            let liars: Vec<_> = world.nodes[1..=evil as usize].iter().map(|node| node.addr).collect();
            assert!(banned(&world, peer).iter().all(|addr| liars.contains(addr)));
            let wasted = world.snapshot(peer).wasted;
            assert!(
                wasted <= (evil * 2 + 1) * 4 * u64::from(BLOCK),
                "{evil} of ten, {disk} ms, {rate} B/s: {wasted} bytes"
            );
        }
    }
}

#[test]
fn row_2_of_the_audit_who_calls_itself_as_the_seed_does_harms_the_seed_in_nothing() {
    for lies in [true, false] {
        let mut world = World::new(info(4 << 20, 4 * BLOCK));
        let peer = world.add(Vec::new(), 0);
        let seed = world.add(all(&world), 1 << 20);
        world.wait(1);
        let id = world.nodes[seed].machine.torrent.handshake().peer_id;
        let liar = world.puppet_named(peer, true, 9, id);
        world.say(peer, liar, Message::HaveAll);
        world.say(peer, liar, Message::Unchoke);
        for _ in 0..30 {
            for message in world.heard(peer, liar) {
                if let (Message::Request(at), true) = (message, lies) {
                    world.act(peer, |t, cx| t.block(cx, liar, at, Block::wrong(at)));
                }
            }
            world.wait(1);
        }
        assert_eq!(banned(&world, peer).len(), usize::from(lies));
        let (here, there) = world.connect(peer, seed);
        assert!(world.run(60, |w| w.is_complete(peer)), "the liar lies: {lies}");
        let ends = [world.why_closed(peer, here), world.why_closed(seed, there)];
        assert!(ends.iter().flatten().all(|why| *why == CloseReason::BothSeeds), "{ends:?}");
    }
}

#[test]
fn of_two_with_one_id_the_one_that_delivers_stays() {
    let mut world = World::new(info(64 << 20, 16 * BLOCK));
    let peer = world.add(Vec::new(), 0);
    let seed = world.add(all(&world), 200_000);
    world.wait(1);
    let id = world.nodes[seed].machine.torrent.handshake().peer_id;
    let other = world.puppet_named(peer, true, 9, id);
    let (here, _) = world.connect(peer, seed);
    world.wait(60);
    assert_eq!(world.why_closed(peer, other), Some(CloseReason::Duplicate));
    assert_eq!(world.why_closed(peer, here), None);
}
