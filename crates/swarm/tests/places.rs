//! Who has a slot, and who has a connection: refill of idle slots, the rule of ten seconds, who makes room when all are taken.
mod common;

use common::{BLOCK, World, info};
use std::net::{IpAddr, SocketAddr};
use teem_swarm::effect::CloseReason;
use teem_swarm::ids::ConnId;
use teem_swarm::torrent::connect::PEERS_MAX;
use teem_wire::peer::block::BlockRef;
use teem_wire::peer::handshake::{Features, Handshake, PeerId};
use teem_wire::peer::message::Message;

fn all(world: &World) -> Vec<u32> {
    (0..world.info.piece_count()).collect()
}

fn unchoked(world: &World, conns: &[ConnId]) -> usize {
    let last = |conn: &&ConnId| {
        let mut said =
            world.log.iter().filter(|(_, _, c, m)| c == *conn && matches!(m, Message::Choke | Message::Unchoke));
        said.next_back().is_some_and(|(_, _, _, m)| *m == Message::Unchoke)
    };
    conns.iter().filter(last).count()
}

#[test]
fn an_idle_slot_is_refilled_within_a_second_and_one_in_use_is_not() {
    for uses in [false, true] {
        let mut world = World::new(info(64 << 20, 16 * BLOCK));
        let seed = world.add(all(&world), 50_000);
        world.run(1, |_| false);
        let conns: Vec<ConnId> = (0..6).map(|_| world.puppet(seed, true)).collect();
        for conn in &conns {
            world.say(seed, *conn, Message::Interested);
        }
        assert_eq!(unchoked(&world, &conns), 4);
        if uses {
            for (n, conn) in conns.iter().take(4).enumerate() {
                (0..64).for_each(|k| {
                    world.say(
                        seed,
                        *conn,
                        Message::Request(BlockRef { piece: 4 * n as u32 + k / 16, begin: k % 16 * BLOCK, len: BLOCK }),
                    );
                });
            }
        }
        world.run(2, |_| false);
        assert_eq!(unchoked(&world, &conns), if uses { 4 } else { 6 });
    }
}

#[test]
fn among_friends_everybody_has_his_turn_within_the_rule_of_ten_seconds() {
    let mut world = World::new(info(64 << 20, 16 * BLOCK));
    let seed = world.add_with(all(&world), 100_000, None, |add| add.cooperative = true);
    world.run(1, |_| false);
    let conns: Vec<ConnId> = (0..12).map(|_| world.puppet(seed, true)).collect();
    for conn in &conns {
        world.say(seed, *conn, Message::Interested);
    }
    for step in 0..100 {
        for (n, conn) in conns.iter().enumerate() {
            let at = BlockRef { piece: n as u32, begin: step % 16 * BLOCK, len: BLOCK };
            world.say(seed, *conn, Message::Request(at));
        }
        world.run(1, |_| false);
    }
    for conn in &conns {
        let changes: Vec<_> = world
            .log
            .iter()
            .filter(|(_, _, c, m)| c == conn && matches!(m, Message::Choke | Message::Unchoke))
            .map(|(at, ..)| *at)
            .collect();
        assert!(changes.len() >= 4, "two turns in 100 s, not {changes:?} until {:?}", world.now);
        assert!(changes.windows(2).all(|w| w[1].since(w[0]).as_secs() >= 10));
    }
}

fn arrive(world: &mut World, node: usize, n: u64) -> ConnId {
    let conn = ConnId(10_000 + n);
    let info_hash = world.nodes[node].torrent.handshake().info_hash;
    let mut id = [9; 20];
    id[..8].copy_from_slice(&n.to_be_bytes());
    let handshake =
        Handshake { info_hash, peer_id: PeerId(id), features: Features { fast: true, ..Features::default() } };
    let addr = SocketAddr::new(IpAddr::from([198, 19, 1, n as u8]), 50_000);
    world.act(node, |t, cx| t.peer_ready(cx, conn, addr, false, handshake));
    conn
}

#[test]
fn with_all_places_taken_the_useless_make_room_but_never_who_alone_has_what_is_missing() {
    let mut world = World::new(info(1 << 20, 4 * BLOCK));
    let node = world.add(vec![0, 1], 0);
    world.run(1, |_| false);
    let conns: Vec<ConnId> = (0..PEERS_MAX as u64).map(|n| arrive(&mut world, node, n)).collect();
    world.say(node, conns[0], Message::Have(5));
    let early = arrive(&mut world, node, 100);
    assert_eq!(world.why_closed(node, early), Some(CloseReason::TooMany), "nobody has been useless for long");
    world.run(100, |_| false);
    for conn in &conns {
        world.say(node, *conn, Message::KeepAlive);
    }
    world.run(30, |_| false);
    for n in 101..101 + PEERS_MAX as u64 - 1 {
        let late = arrive(&mut world, node, n);
        assert_eq!(world.why_closed(node, late), None);
    }
    assert_eq!(world.why_closed(node, conns[0]), None, "it alone has piece 5");
    assert!(conns[1..].iter().all(|conn| world.why_closed(node, *conn) == Some(CloseReason::Useless)));
    let beyond = arrive(&mut world, node, 200);
    assert_eq!(world.why_closed(node, beyond), Some(CloseReason::TooMany));
}
