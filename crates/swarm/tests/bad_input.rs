//! Peers that break the protocol, row by row.
mod common;

use common::{BLOCK, World, info};
use std::time::Duration;
use teem_swarm::event::State;
use teem_swarm::output::CloseReason;
use teem_wire::peer::block::BlockRef;
use teem_wire::peer::message::{ExtendedHandshake, Message};

fn seed_and_puppet(fast: bool) -> (World, usize, teem_swarm::ids::ConnId) {
    let mut world = World::new(info(1 << 20, 4 * BLOCK));
    let seed = world.add((0..16).collect(), 0);
    world.wait(1);
    let conn = world.puppet(seed, fast);
    (world, seed, conn)
}

fn leech_and_puppet(fast: bool) -> (World, usize, teem_swarm::ids::ConnId) {
    let mut world = World::new(info(1 << 20, 4 * BLOCK));
    let leech = world.add(Vec::new(), 0);
    world.wait(1);
    let conn = world.puppet(leech, fast);
    (world, leech, conn)
}

fn block(piece: u32, index: u32) -> BlockRef {
    BlockRef { piece, begin: index * BLOCK, len: BLOCK }
}

fn requests(said: &[Message]) -> Vec<BlockRef> {
    said.iter().filter_map(|m| if let Message::Request(at) = m { Some(*at) } else { None }).collect()
}

#[test]
fn what_is_said_first() {
    for (fast, complete) in [(true, true), (true, false), (false, true), (false, false)] {
        let (mut world, node, conn) = if complete { seed_and_puppet(fast) } else { leech_and_puppet(fast) };
        let said = world.heard(node, conn);
        let expected = match (fast, complete) {
            (true, true) => Some(Message::HaveAll),
            (true, false) => Some(Message::HaveNone),
            (false, true) => Some(Message::Bitfield(vec![0xFF, 0xFF])),
            (false, false) => None,
        };
        assert_eq!(said.len(), 1 + usize::from(expected.is_some()));
        assert!(expected.is_none_or(|e| e == said[0]));
        let Some(Message::ExtendedHandshake(ext)) = said.last() else { panic!("{said:?}") };
        assert_eq!((ext.port, ext.reqq, ext.ut_metadata), (Some(6_881), Some(2_000), Some(1)));
        assert_eq!(ext.client.as_deref(), Some("Teem 0.1.0"));
        assert_eq!(ext.metadata_size, Some(world.info.raw().len() as u32));
        assert!(ext.your_ip.is_some());
    }
}

#[test]
fn row_32_a_bad_bitfield_ends_the_connection_a_later_one_replaces_the_first() {
    for bytes in [vec![0xFF], vec![0xFF, 0xFF, 0], vec![]] {
        let (mut world, leech, conn) = leech_and_puppet(true);
        world.say(leech, conn, Message::Bitfield(bytes));
        assert!(matches!(world.why_closed(leech, conn), Some(CloseReason::Protocol(_))));
    }
    let (mut world, leech, conn) = leech_and_puppet(true);
    world.say(leech, conn, Message::Bitfield(vec![0xF0, 0]));
    assert_eq!(world.snapshot(leech).peers[0].pieces, 4);
    assert!(world.heard(leech, conn).contains(&Message::Interested));
    world.say(leech, conn, Message::HaveNone);
    assert!(world.heard(leech, conn).contains(&Message::NotInterested));
    world.say(leech, conn, Message::HaveAll);
    assert_eq!(world.snapshot(leech).seeds, 1);
}

#[test]
fn rows_32_and_33_before_the_metadata_is_known_are_judged_when_it_is() {
    for (said, fate) in [
        (Message::Bitfield(vec![0xFF; 3]), false),
        (Message::Bitfield(vec![0xFF, 0xF0]), true),
        (Message::Have(16), false),
        (Message::Have(15), true),
        (Message::HaveAll, true),
    ] {
        let mut world = World::new(info(1 << 20, 4 * BLOCK));
        let node = world.add_with(Vec::new(), 0, None, |add| add.info = None);
        let conn = world.puppet(node, true);
        world.say(node, conn, said.clone());
        let metadata_size = Some(world.info.raw().len() as u32);
        let ext = ExtendedHandshake { ut_metadata: Some(3), metadata_size, ..ExtendedHandshake::default() };
        world.say(node, conn, Message::ExtendedHandshake(ext));
        assert!(world.why_closed(node, conn).is_none());
        let (torrent, info) = (world.nodes[node].machine.torrent.id(), world.info.clone());
        world.act(node, |t, cx| {
            t.disk(cx, teem_swarm::job::Done::Metadata { torrent, result: Ok(info), hash_ok: true });
        });
        assert_eq!(world.why_closed(node, conn).is_none(), fate, "{said:?}");
        assert!(world.run(2, |w| w.nodes[node].machine.torrent.state() == State::Downloading));
        assert_eq!(world.heard(node, conn).contains(&Message::Interested), fate);
    }
}

#[test]
fn row_33_have_beyond_the_end_or_again_and_again() {
    let (mut world, leech, conn) = leech_and_puppet(true);
    world.say(leech, conn, Message::Have(16));
    assert!(matches!(world.why_closed(leech, conn), Some(CloseReason::Protocol(_))));
    let (mut world, leech, conn) = leech_and_puppet(true);
    for _ in 0..400 {
        world.say(leech, conn, Message::Have(3));
    }
    assert_eq!(world.why_closed(leech, conn), None);
    for _ in 0..200 {
        world.say(leech, conn, Message::Have(3));
    }
    assert!(matches!(world.why_closed(leech, conn), Some(CloseReason::Flood(_))));
}

#[test]
fn row_34_invalid_requests_are_rejected_and_three_hundred_are_too_many() {
    let bad = [
        block(16, 0),
        BlockRef { len: 0, ..block(0, 0) },
        BlockRef { len: BLOCK + 1, ..block(0, 0) },
        BlockRef { begin: 3 * BLOCK + 1, ..block(0, 0) },
        BlockRef { begin: u32::MAX, ..block(0, 0) },
    ];
    for fast in [true, false] {
        let (mut world, seed, conn) = seed_and_puppet(fast);
        world.heard(seed, conn);
        for at in bad {
            world.say(seed, conn, Message::Request(at));
            let answer = if fast { vec![Message::Reject(at)] } else { vec![] };
            assert_eq!(world.heard(seed, conn), answer);
        }
        for n in 0..295 {
            assert_eq!(world.why_closed(seed, conn), None, "{n}");
            world.say(seed, conn, Message::Request(bad[0]));
        }
        assert!(matches!(world.why_closed(seed, conn), Some(CloseReason::Flood(_))));
    }
}

#[test]
fn row_34_while_choked_only_allowed_fast_pieces_are_served() {
    let (mut world, seed, conn) = seed_and_puppet(true);
    world.say(seed, conn, Message::HaveNone);
    let said = world.heard(seed, conn);
    let granted: Vec<u32> =
        said.iter().filter_map(|m| if let Message::AllowedFast(p) = m { Some(*p) } else { None }).collect();
    assert_eq!(granted.len(), 10);
    let other = (0..16).find(|p| !granted.contains(p)).unwrap();
    world.say(seed, conn, Message::Request(block(granted[0], 0)));
    world.say(seed, conn, Message::Request(block(other, 0)));
    assert_eq!(world.heard(seed, conn), [Message::Reject(block(other, 0))]);
    world.wait(1);
    assert_eq!(world.snapshot(seed).uploaded, u64::from(BLOCK));
}

#[test]
fn row_35_a_hundred_thousand_requests() {
    let mut world = World::new(info(1 << 20, 4 * BLOCK));
    let seed = world.add_with((0..16).collect(), 0, Some(16_384), |_| {});
    world.wait(1);
    let conn = world.puppet(seed, true);
    world.say(seed, conn, Message::Interested);
    assert!(world.heard(seed, conn).contains(&Message::Unchoke));
    for n in 0..100_000u32 {
        world.say(seed, conn, Message::Request(block(n % 16, n / 16 % 4)));
    }
    let rejects = world.heard(seed, conn).len();
    assert!((97_990..98_010).contains(&rejects), "{rejects}");
    assert_eq!(world.why_closed(seed, conn), None);
}

#[test]
fn row_36_blocks_that_were_never_asked_for_or_have_another_length() {
    for fast in [true, false] {
        let (mut world, leech, conn) = leech_and_puppet(fast);
        world.send_block(leech, conn, block(3, 0));
        let closed = matches!(world.why_closed(leech, conn), Some(CloseReason::Protocol(_)));
        assert_eq!(closed, fast, "dropped with BEP 6, else discarded");
        assert_eq!(world.snapshot(leech).wasted, u64::from(BLOCK));
    }
    let (mut world, leech, conn) = leech_and_puppet(true);
    world.say(leech, conn, Message::HaveAll);
    world.say(leech, conn, Message::Unchoke);
    let asked = requests(&world.heard(leech, conn));
    assert_eq!(asked.len(), 4, "a whole piece, from one that has not proven anything");
    // Late ones are used: it has choked us in between.
    world.say(leech, conn, Message::Choke);
    world.send_block(leech, conn, asked[0]);
    assert_eq!((world.why_closed(leech, conn), world.snapshot(leech).wasted), (None, 0));
    world.say(leech, conn, Message::Unchoke);
    let again = requests(&world.heard(leech, conn));
    assert!(!again.contains(&asked[0]));
    world.send_block(leech, conn, BlockRef { len: 100, ..again[0] });
    assert!(matches!(world.why_closed(leech, conn), Some(CloseReason::Protocol(_))));
}

#[test]
fn row_39_floods_of_words_without_effect() {
    let floods: [fn(u32) -> Message; 4] = [
        |n| Message::Cancel(block(n % 16, 0)),
        |n| Message::Reject(block(n % 16, 0)),
        |n| Message::Suggest(n % 16),
        |n| Message::AllowedFast(n % 16),
    ];
    for flood in floods {
        let (mut world, leech, conn) = leech_and_puppet(true);
        for n in 0..9_000 {
            world.say(leech, conn, flood(n));
        }
        assert_eq!(world.why_closed(leech, conn), None);
        for n in 0..2_000 {
            world.say(leech, conn, flood(n));
        }
        assert!(matches!(world.why_closed(leech, conn), Some(CloseReason::Flood(_))));
    }
}

#[test]
fn a_peer_that_rejects_everything_is_not_asked_in_a_hot_loop() {
    let (mut world, leech, conn) = leech_and_puppet(true);
    world.say(leech, conn, Message::HaveAll);
    world.say(leech, conn, Message::Unchoke);
    let mut rejected = 0;
    for _ in 0..20 {
        for at in requests(&world.heard(leech, conn)) {
            world.say(leech, conn, Message::Reject(at));
            rejected += 1;
        }
    }
    assert!(requests(&world.heard(leech, conn)).is_empty());
    assert!(rejected <= 64, "{rejected}");
    world.wait(21);
    assert!(!requests(&world.heard(leech, conn)).is_empty(), "but later it is tried again");
}

#[test]
fn row_44_silence_ends_a_connection_and_keepalives_are_not_too_often() {
    let (mut world, seed, conn) = seed_and_puppet(true);
    world.heard(seed, conn);
    world.wait(119);
    assert_eq!(world.why_closed(seed, conn), None);
    let keepalives: Vec<_> = world.log.iter().filter(|(.., m)| *m == Message::KeepAlive).map(|(t, ..)| *t).collect();
    assert_eq!(keepalives.len(), 1);
    world.wait(12);
    assert_eq!(world.why_closed(seed, conn), Some(CloseReason::TimedOut));
}

#[test]
fn chokes_are_never_changed_twice_in_ten_seconds_and_the_first_unchoke_is_at_once() {
    let mut world = World::new(info(1 << 20, 4 * BLOCK));
    let seed = world.add_with((0..16).collect(), 0, Some(65_536), |_| {});
    world.wait(1);
    let puppets: Vec<_> = (0..12).map(|_| world.puppet(seed, true)).collect();
    let interested = world.now;
    for conn in &puppets {
        world.say(seed, *conn, Message::Interested);
    }
    for round in 0..110u32 {
        for conn in &puppets {
            world.say(seed, *conn, Message::Request(block(round % 16, 1)));
        }
        world.wait(1);
    }
    for conn in &puppets {
        let changes =
            world.log.iter().filter(|(_, _, c, m)| c == conn && matches!(m, Message::Choke | Message::Unchoke));
        let times: Vec<_> = changes.map(|(t, ..)| *t).collect();
        assert!(times.windows(2).all(|w| w[1].since(w[0]) >= Duration::from_secs(10)), "{times:?}");
    }
    let first = world.log.iter().find(|(.., m)| *m == Message::Unchoke).unwrap().0;
    assert_eq!(first, interested);
    let unchoked = puppets.iter().filter(|c| world.log.iter().any(|(_, _, k, m)| k == *c && *m == Message::Unchoke));
    assert!(unchoked.count() > 6, "turns");
}
