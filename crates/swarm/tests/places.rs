//! Slots and connections: refill of idle slots, the rule of ten seconds, which peer makes room when all are taken.
mod common;

use common::{BLOCK, World, info};
use std::net::{IpAddr, SocketAddr};
use teem_swarm::command::{AddTorrent, Spreading};
use teem_swarm::external::External;
use teem_swarm::ids::ConnId;
use teem_swarm::output::CloseReason;
use teem_swarm::torrent::address::PeerSource;
use teem_swarm::torrent::table::roster::{PEERS_MAX, PEERS_WANTED};
use teem_wire::peer::block::BlockRef;
use teem_wire::peer::handshake::{Features, Handshake, PeerId};
use teem_wire::peer::message::{ExtendedHandshake, Message};

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
        world.wait(1);
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
        world.wait(2);
        assert_eq!(unchoked(&world, &conns), if uses { 4 } else { 6 });
    }
}

#[test]
fn among_friends_everybody_has_his_turn_within_the_rule_of_ten_seconds() {
    let mut world = World::new(info(64 << 20, 16 * BLOCK));
    let friendly = |add: &mut AddTorrent| (add.cooperative, add.spreading) = (true, Spreading::Ordinary);
    let seed = world.add_with(all(&world), 100_000, None, friendly);
    world.wait(1);
    let conns: Vec<ConnId> = (0..12).map(|_| world.puppet(seed, true)).collect();
    for conn in &conns {
        world.say(seed, *conn, Message::Interested);
    }
    for step in 0..100 {
        for (n, conn) in conns.iter().enumerate() {
            let at = BlockRef { piece: n as u32, begin: step % 16 * BLOCK, len: BLOCK };
            world.say(seed, *conn, Message::Request(at));
        }
        world.wait(1);
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
    let info_hash = world.nodes[node].machine.torrent.handshake().info_hash;
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
    world.wait(1);
    let conns: Vec<ConnId> = (0..PEERS_MAX as u64).map(|n| arrive(&mut world, node, n)).collect();
    world.say(node, conns[0], Message::Have(5));
    let early = arrive(&mut world, node, 100);
    assert_eq!(world.why_closed(node, early), Some(CloseReason::TooMany), "nobody has been useless for long");
    world.wait(100);
    for conn in &conns {
        world.say(node, *conn, Message::KeepAlive);
    }
    world.wait(30);
    for n in 101..101 + PEERS_MAX as u64 - 1 {
        let late = arrive(&mut world, node, n);
        assert_eq!(world.why_closed(node, late), None);
    }
    assert_eq!(world.why_closed(node, conns[0]), None, "it alone has piece 5");
    assert!(conns[1..].iter().all(|conn| world.why_closed(node, *conn) == Some(CloseReason::Useless)));
    let beyond = arrive(&mut world, node, 200);
    assert_eq!(world.why_closed(node, beyond), Some(CloseReason::TooMany));
}

#[test]
fn who_holds_back_everything_makes_room_for_others_unless_somebody_gives() {
    for gives in [false, true] {
        let mut world = World::new(info(64 << 20, 16 * BLOCK));
        let node = world.add(Vec::new(), 0);
        if gives {
            let seed = world.add(all(&world), 200_000);
            world.connect(node, seed);
        }
        world.wait(1);
        let conns: Vec<ConnId> = (0..PEERS_WANTED as u64).map(|n| arrive(&mut world, node, n)).collect();
        // Every second one is mute.
        for conn in conns.iter().step_by(2) {
            world.say(node, *conn, Message::HaveAll);
            world.say(node, *conn, Message::Unchoke);
        }
        world.wait(30);
        assert!(conns.iter().all(|conn| world.why_closed(node, *conn).is_none()), "there is nobody else");
        let other = SocketAddr::from(([198, 19, 2, 1], 50_000));
        world.act(node, |t, cx| t.add_peers(cx.now, PeerSource::User, &[other]));
        world.wait(12);
        let gone = conns.iter().filter(|conn| world.why_closed(node, **conn) == Some(CloseReason::Useless)).count();
        assert_eq!(gone, if gives { 0 } else { conns.len() });
    }
}

#[test]
fn of_those_with_whom_nothing_moves_the_lowest_makes_room_for_a_caller_of_higher_priority() {
    let mut world = World::new(info(1 << 20, 4 * BLOCK));
    let node = world.add(vec![0, 1], 0);
    world.wait(1);
    let ours = External { v4: Some(IpAddr::from([198, 18, 77, 7])), v6: None };
    let rank = |n: u64| ours.priority(&6881.into(), SocketAddr::new(IpAddr::from([198, 19, 1, n as u8]), 1)).unwrap();
    let mut all: Vec<u64> = (0..200).collect();
    all.sort_by_key(|n| rank(*n));
    all.dedup_by_key(|n| rank(*n));
    let (low, high) = (all[0], all[all.len() - 1]);
    let crowd: Vec<u64> =
        (0..200).filter(|n| ![low, high].contains(n) && rank(*n) > rank(low)).take(PEERS_MAX).collect();
    let conns: Vec<ConnId> = crowd.iter().map(|n| arrive(&mut world, node, *n)).collect();
    let lowest = |left: &[(u64, ConnId)]| *left.iter().min_by_key(|(n, conn)| (rank(*n), *conn)).unwrap();
    let mut left: Vec<(u64, ConnId)> = crowd.into_iter().zip(conns).collect();
    // The one that would go first alone has a piece that is missing here.
    let needed = lowest(&left);
    world.say(node, needed.1, Message::Have(5));
    left.retain(|who| *who != needed);
    let refused = |world: &mut World, n: u64| {
        let before = world.nodes[node].closed.len();
        let conn = arrive(world, node, n);
        world.nodes[node].closed[before..].contains(&(conn, CloseReason::TooMany))
    };
    world.wait(40);
    assert!(refused(&mut world, high), "where the world sees us is not known");
    world.act(node, |t, cx| t.seen_from_outside(cx, ours));
    assert_eq!(world.snapshot(node).external, ours);
    assert!(refused(&mut world, low), "lower than all");
    world.wait(2);
    assert!(!refused(&mut world, high));
    let gone = lowest(&left);
    assert_eq!(world.why_closed(node, gone.1), Some(CloseReason::Useless));
    assert_eq!(world.nodes[node].closed.iter().filter(|(_, why)| *why == CloseReason::Useless).count(), 1);
    let second = *all.iter().rev().find(|n| **n != high && left.iter().all(|(there, _)| there != *n)).unwrap();
    assert!(refused(&mut world, second), "one a second");
    assert_eq!(world.why_closed(node, needed.1), None, "it alone has piece 5");
}

/// One that wants the content, as it says.
fn eager(world: &mut World, node: usize, n: u64) -> ConnId {
    let conn = arrive(world, node, n);
    let hello = ExtendedHandshake { metadata_size: Some(1), ..ExtendedHandshake::default() };
    for said in [Message::ExtendedHandshake(hello), Message::HaveNone, Message::Interested] {
        world.say(node, conn, said);
    }
    conn
}

#[test]
fn who_never_asks_a_source_for_what_it_is_shown_makes_room_there() {
    let mut world = World::new(info(256 << 20, 64 * BLOCK));
    let source = world.add_with(all(&world), 1 << 20, None, |add| add.spreading = Spreading::Frugal);
    world.wait(1);
    let conns: Vec<ConnId> = (0..PEERS_MAX as u64).map(|n| eager(&mut world, source, n)).collect();
    let mut asked = None;
    for _ in 0..13 {
        world.wait(10);
        for conn in &conns {
            world.say(source, *conn, Message::KeepAlive);
        }
        // The first asks for what it is shown.
        let heard = world.heard(source, conns[0]);
        if let Some(piece) = heard.iter().find_map(|m| if let Message::Have(piece) = m { Some(*piece) } else { None }) {
            asked = Some(piece);
            (0..64).for_each(|n| {
                world.say(source, conns[0], Message::Request(BlockRef { piece, begin: n * BLOCK, len: BLOCK }));
            });
        }
    }
    assert!(asked.is_some(), "it is shown something");
    let late = eager(&mut world, source, 100);
    assert_eq!(world.why_closed(source, late), None);
    assert_eq!(world.why_closed(source, conns[0]), None, "it takes what it is shown");
    assert!(conns[1..].iter().any(|conn| world.why_closed(source, *conn) == Some(CloseReason::Useless)));
}

/// A newcomer from an address, by a number that tells its id from the others'; the name of its connection.
fn come(world: &mut World, node: usize, n: u64, ip: impl Into<IpAddr>) -> ConnId {
    let conn = ConnId(20_000 + n);
    let info_hash = world.nodes[node].machine.torrent.handshake().info_hash;
    let mut id = [8; 20];
    id[..8].copy_from_slice(&n.to_be_bytes());
    let features = Features { fast: true, ..Features::default() };
    let addr = SocketAddr::new(ip.into(), 50_000);
    let handshake = Handshake { info_hash, peer_id: PeerId(id), features };
    world.act(node, |t, cx| t.peer_ready(cx, conn, addr, false, handshake));
    conn
}

/// The address of the `n`th of a crowd, in some way of being one.
type Crowd = fn(u64) -> IpAddr;

const CROWDS: [(&str, Crowd); 4] = [
    ("ten addresses", |n| IpAddr::from([203, 0, 113, (n % 10) as u8])),
    ("a /24", |n| IpAddr::from([203, 0, 113, n as u8])),
    ("a /48 of /64s", |n| IpAddr::from([0x2001, 0xdb8, 7, n as u16, 0, 0, 0, 1])),
    ("a hundred addresses of twenty networks", |n| IpAddr::from([203, 0, (n % 20) as u8, (n / 20) as u8])),
];

#[test]
fn however_many_come_first_from_few_networks_somebody_from_another_gets_in() {
    for (text, crowd) in CROWDS {
        for spreading in [Spreading::Ordinary, Spreading::Frugal] {
            let mut world = World::new(info(1 << 20, 4 * BLOCK));
            let seed = world.add_with(all(&world), 1 << 20, None, |add| add.spreading = spreading);
            world.wait(1);
            let rides: Vec<ConnId> = (0..500).map(|n| come(&mut world, seed, n, crowd(n))).collect();
            assert_eq!(world.nodes[seed].machine.torrent.peer_count(), PEERS_MAX, "{text}");
            for conn in &rides {
                world.say(seed, *conn, Message::Interested);
            }
            let late = come(&mut world, seed, 1_000, [192, 0, 2, 1]);
            assert_eq!(world.why_closed(seed, late), None, "{text}, {spreading:?}");
            // The crowd comes again, and finds no place that is not its own.
            for n in 500..1_000 {
                come(&mut world, seed, n, crowd(n));
            }
            assert_eq!(world.why_closed(seed, late), None, "{text}, {spreading:?}");
            assert_eq!(world.nodes[seed].machine.torrent.peer_count(), PEERS_MAX, "{text}");
        }
    }
}

#[test]
fn a_crowd_s_peer_that_gives_or_takes_stays_and_one_that_does_nothing_yields() {
    let mut world = World::new(info(64 << 20, 16 * BLOCK));
    let node = world.add(Vec::new(), 0);
    world.wait(1);
    let crowd: Vec<ConnId> = (0..PEERS_MAX as u64).map(|n| come(&mut world, node, n, [203, 0, 113, n as u8])).collect();
    // The first gives.
    world.say(node, crowd[0], Message::HaveAll);
    world.say(node, crowd[0], Message::Unchoke);
    let asked = world.heard(node, crowd[0]);
    let at = asked.iter().find_map(|m| if let Message::Request(at) = m { Some(*at) } else { None }).unwrap();
    world.send_block(node, crowd[0], at);
    for n in 0..30 {
        let late = come(&mut world, node, 1_000 + n, [192, 0, n as u8, 1]);
        assert_eq!(world.why_closed(node, late), None);
    }
    assert_eq!(world.why_closed(node, crowd[0]), None, "it gives");
    assert!(crowd[1..31].iter().all(|conn| world.why_closed(node, *conn) == Some(CloseReason::TooMany)));
}

#[test]
fn between_crowds_alike_nobody_pushes_out_anybody() {
    let mut world = World::new(info(1 << 20, 4 * BLOCK));
    let node = world.add(vec![0, 1], 0);
    world.wait(1);
    let networks = |n: u64| [203, 0, (n % 20) as u8, (n / 20) as u8];
    let crowd: Vec<ConnId> = (0..PEERS_MAX as u64).map(|n| come(&mut world, node, n, networks(n))).collect();
    for n in 0..40 {
        let another = come(&mut world, node, 1_000 + n, networks(200 + n));
        assert_eq!(world.why_closed(node, another), Some(CloseReason::TooMany));
    }
    assert!(crowd.iter().all(|conn| world.why_closed(node, *conn).is_none()));
}

#[test]
fn between_crowds_alike_those_take_turns_with_whom_nothing_moves() {
    let everywhere: Crowd = |n| IpAddr::from([203, (n % 250) as u8, (n / 250) as u8, 1]);
    for (text, crowd) in [("a /24", CROWDS[1].1), ("a network for each", everywhere)] {
        for spreading in [Spreading::Ordinary, Spreading::Frugal] {
            let mut world = World::new(info(1 << 20, 4 * BLOCK));
            let seed = world.add_with(all(&world), 1 << 20, None, |add| add.spreading = spreading);
            world.wait(1);
            let rides: Vec<ConnId> = (0..PEERS_MAX as u64).map(|n| come(&mut world, seed, n, crowd(n))).collect();
            world.wait(61);
            let late = come(&mut world, seed, 100, crowd(100));
            assert_eq!(world.why_closed(seed, late), None, "{text}, {spreading:?}");
            let gone = rides.iter().filter(|conn| world.why_closed(seed, **conn).is_some()).count();
            assert_eq!(gone, 1, "{text}, {spreading:?}");
        }
    }
}

#[test]
fn who_is_refused_for_another_reason_costs_nobody_a_place() {
    let mut world = World::new(info(1 << 20, 4 * BLOCK));
    let node = world.add(vec![0, 1], 0);
    world.wait(1);
    let crowd: Vec<ConnId> = (0..PEERS_MAX as u64).map(|n| come(&mut world, node, n, [203, 0, 113, n as u8])).collect();
    let same_id = come(&mut world, node, 3, [203, 0, 113, 3]);
    assert_eq!(world.nodes[node].closed.last(), Some(&(same_id, CloseReason::Duplicate)));
    assert_eq!(world.nodes[node].machine.torrent.peer_count(), crowd.len());
}
