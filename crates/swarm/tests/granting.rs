//! A source shows each piece to one peer until all are out: one copy leaves it, whatever its peers do.
mod common;

use common::{BLOCK, World, at, info};
use teem_swarm::command::{AddTorrent, Spreading};
use teem_swarm::event::Event;
use teem_swarm::ids::{ConnId, TorrentId};
use teem_swarm::job::{DiskError, DiskErrorKind, Done, Facts, Reader};
use teem_swarm::output::CloseReason;
use teem_swarm::torrent::Torrent;
use teem_wire::peer::block::BlockRef;
use teem_wire::peer::handshake::PeerId;
use teem_wire::peer::message::{ExtendedHandshake, Message, MetadataMessage};

const PIECE: u32 = 4 * BLOCK;
const PIECES: u32 = 64;
const TOTAL: u64 = 64 * 4 * BLOCK as u64;

fn world() -> World {
    World::new(info(TOTAL, PIECE))
}

fn source(world: &mut World, line: u64, spreading: Spreading) -> usize {
    world.add_with((0..PIECES).collect(), line, None, |add| add.spreading = spreading)
}

fn meet(world: &mut World, source: usize, peers: &[usize]) {
    for (i, a) in peers.iter().enumerate() {
        world.connect(*a, source);
        for b in &peers[..i] {
            world.connect(*a, *b);
        }
    }
}

fn all_out(world: &World, n: usize) -> Option<u64> {
    world.nodes[n].events.iter().find_map(|e| match e {
        Event::AllOut { sent, .. } => Some(*sent),
        _ => None,
    })
}

/// What was sent and what is with others, each time that was told.
fn told(world: &World, n: usize) -> Vec<(u64, u64)> {
    let one = |e: &Event| match e {
        Event::AllOut { sent, elsewhere, .. } => Some((*sent, *elsewhere)),
        _ => None,
    };
    world.nodes[n].events.iter().filter_map(one).collect()
}

/// A peer that the test plays, with the metadata and without a piece.
fn puppet(world: &mut World, source: usize) -> ConnId {
    let conn = world.puppet(source, true);
    wants_all(world, source, conn);
    conn
}

fn wants_all(world: &mut World, source: usize, conn: ConnId) {
    let known = ExtendedHandshake { metadata_size: Some(1), ..ExtendedHandshake::default() };
    world.say(source, conn, Message::ExtendedHandshake(known));
    world.say(source, conn, Message::HaveNone);
    world.say(source, conn, Message::Interested);
}

fn shown(heard: &[Message]) -> Vec<u32> {
    heard.iter().filter_map(|m| if let Message::Have(piece) = m { Some(*piece) } else { None }).collect()
}

fn ask(world: &mut World, source: usize, conn: ConnId, piece: u32) {
    for index in 0..4 {
        world.say(source, conn, Message::Request(BlockRef { piece, begin: index * BLOCK, len: BLOCK }));
    }
}

/// The peer id of a client that begins its ids so.
fn named(prefix: [u8; 8], rest: u8) -> PeerId {
    let mut id = [rest; 20];
    id[..8].copy_from_slice(&prefix);
    PeerId(id)
}

#[test]
fn eight_downloaders_cost_one_copy_and_are_done_soon_after_it() {
    let mut world = world();
    let seed = source(&mut world, 1 << 20, Spreading::Granting);
    let peers: Vec<usize> = (0..8).map(|_| world.add(Vec::new(), 1 << 20)).collect();
    meet(&mut world, seed, &peers);
    assert!(world.run(60, |w| peers.iter().all(|p| w.is_complete(*p))));
    assert_eq!(all_out(&world, seed), Some(TOTAL));
    // One copy takes 4 s; this world's round trips of 40 ms and pieces of a sixty-fourth cost the rest.
    assert!(world.now < at(8), "{:?}", world.now);
}

#[test]
fn among_friends_the_first_copy_costs_one_copy_too() {
    let mut world = world();
    let friendly = |add: &mut AddTorrent| (add.cooperative, add.spreading) = (true, Spreading::Granting);
    let seed = world.add_with((0..PIECES).collect(), 1 << 20, None, friendly);
    let peers: Vec<usize> =
        (0..8).map(|_| world.add_with(Vec::new(), 1 << 20, None, |add| add.cooperative = true)).collect();
    meet(&mut world, seed, &peers);
    assert!(world.run(60, |w| peers.iter().all(|p| w.is_complete(*p))));
    assert_eq!(all_out(&world, seed), Some(TOTAL));
}

#[test]
fn a_lone_downloader_gets_everything_at_the_speed_of_the_line() {
    let mut world = world();
    let seed = source(&mut world, 4 << 20, Spreading::Granting);
    let peer = world.add(Vec::new(), 0);
    world.connect(peer, seed);
    assert!(world.run(30, |w| w.is_complete(peer)));
    assert!(world.now <= at(3), "a second on the line: {:?}", world.now);
    assert_eq!(all_out(&world, seed), Some(TOTAL));
}

#[test]
fn it_begins_with_nothing_unchokes_the_interested_and_rejects_what_was_not_shown() {
    let mut world = world();
    let seed = source(&mut world, 0, Spreading::Granting);
    world.run(1, |_| false);
    let conn = world.puppet(seed, true);
    let known = ExtendedHandshake { metadata_size: Some(1), ..ExtendedHandshake::default() };
    world.say(seed, conn, Message::ExtendedHandshake(known));
    world.say(seed, conn, Message::HaveNone);
    let heard = world.heard(seed, conn);
    assert!(matches!(&heard[..3], [Message::HaveNone, Message::ExtendedHandshake(_), Message::Have(_)]), "{heard:?}");
    assert!(!heard.contains(&Message::Unchoke), "not before it is interested: {heard:?}");
    world.say(seed, conn, Message::Interested);
    assert_eq!(world.heard(seed, conn).iter().filter(|m| **m == Message::Unchoke).count(), 1);
    for interest in [Message::NotInterested, Message::Interested] {
        world.say(seed, conn, interest);
    }
    assert!(!world.heard(seed, conn).contains(&Message::Unchoke), "it is let in for good");
    let Message::ExtendedHandshake(said) = &heard[1] else { unreachable!() };
    assert_eq!((said.teem_source, said.upload_only), (Some(PIECES), None));
    let first = shown(&heard);
    let hidden = (0..PIECES).find(|p| !first.contains(p)).unwrap();
    world.say(seed, conn, Message::Request(BlockRef { piece: hidden, begin: 0, len: BLOCK }));
    assert!(world.heard(seed, conn).iter().any(|m| matches!(m, Message::Reject(at) if at.piece == hidden)));
}

#[test]
fn a_piece_is_shown_to_one_peer_and_everything_to_all_at_the_end() {
    let mut world = world();
    let seed = source(&mut world, 0, Spreading::Granting);
    world.run(1, |_| false);
    let conns: Vec<ConnId> = (0..3).map(|_| puppet(&mut world, seed)).collect();
    let mut seen: Vec<Vec<u32>> = vec![Vec::new(); 3];
    for _ in 0..100 {
        let fresh: Vec<Vec<u32>> = conns.iter().map(|conn| shown(&world.heard(seed, *conn))).collect();
        for (conn, piece) in conns.iter().zip(&fresh).flat_map(|(c, f)| f.iter().map(move |p| (*c, *p))) {
            ask(&mut world, seed, conn, piece);
        }
        world.run(1, |_| false);
        for ((conn, fresh), seen) in conns.iter().zip(fresh).zip(&mut seen) {
            for piece in &fresh {
                world.say(seed, *conn, Message::Have(*piece));
            }
            seen.extend(fresh);
        }
        if all_out(&world, seed).is_some() {
            break;
        }
    }
    assert_eq!(all_out(&world, seed), Some(TOTAL));
    let mut granted: Vec<u32> = seen.concat();
    granted.sort_unstable();
    granted.dedup();
    assert_eq!(granted.len() as u32, PIECES);
    world.run(1, |_| false);
    for (conn, seen) in conns.iter().zip(&mut seen) {
        let heard = world.heard(seed, *conn);
        // A peer that is told that nothing is wanted before anything is there for it leaves: libtorrent does.
        let wants_nothing =
            |m: &Message| matches!(m, Message::ExtendedHandshake(said) if said.upload_only == Some(true));
        let told = heard.iter().position(wants_nothing).expect("told that nothing is wanted");
        assert!(shown(&heard[told..]).is_empty(), "{heard:?}");
        seen.extend(shown(&heard));
        seen.sort_unstable();
        assert_eq!(*seen, (0..PIECES).collect::<Vec<_>>(), "each piece once to each");
    }
}

#[test]
fn who_leaves_with_pieces_costs_those_again_and_no_more() {
    let mut world = world();
    let seed = source(&mut world, 1 << 20, Spreading::Granting);
    let peers: Vec<usize> = (0..4).map(|_| world.add(Vec::new(), 1 << 20)).collect();
    meet(&mut world, seed, &peers[..3]);
    // The fourth knows only the source: nobody gets from it what it is granted.
    world.connect(peers[3], seed);
    world.run(1, |_| false);
    let took = world.nodes[peers[3]].got;
    assert!(took > 0);
    world.leave(peers[3]);
    assert!(world.run(60, |w| peers[..3].iter().all(|p| w.is_complete(*p))));
    let sent = all_out(&world, seed).unwrap();
    assert!(sent <= TOTAL + took + 4 * u64::from(PIECE), "{sent} with {took} lost");
}

#[test]
fn who_wants_one_piece_only_is_shown_it_in_the_end() {
    let mut world = world();
    let seed = source(&mut world, 0, Spreading::Granting);
    world.run(1, |_| false);
    let conn = puppet(&mut world, seed);
    let mut before = world.heard(seed, conn);
    let wanted = (0..PIECES).rev().find(|p| !shown(&before).contains(p)).unwrap();
    for _ in 0..60 {
        world.run(1, |_| false);
        before.extend(world.heard(seed, conn));
    }
    assert!(shown(&before).contains(&wanted), "{:?}", shown(&before));
    ask(&mut world, seed, conn, wanted);
    assert!(world.run(5, |w| w.snapshot(seed).uploaded == u64::from(PIECE)));
}

#[test]
fn what_left_in_an_earlier_run_does_not_leave_again() {
    let mut world = world();
    world.remembered.0.out = vec![0xFF; 7];
    world.remembered.0.out.push(0x0F);
    let seed = source(&mut world, 1 << 20, Spreading::Granting);
    world.remembered.0 = Facts::default();
    let peer = world.add((0..60).filter(|p| !(56..60).contains(p)).collect(), 0);
    let other = world.add(Vec::new(), 0);
    meet(&mut world, seed, &[peer, other]);
    assert!(world.run(60, |w| all_out(w, seed).is_some()));
    assert_eq!(all_out(&world, seed), Some(TOTAL), "only what had not left");
    assert!(world.run(60, |w| w.is_complete(peer) && w.is_complete(other)));
}

#[test]
fn what_was_under_way_to_whom_outlives_a_restart() {
    let mut world = world();
    let seed = source(&mut world, 0, Spreading::Granting);
    world.run(1, |_| false);
    let who = PeerId([9; 20]);
    let conn = world.puppet_named(seed, true, 9, who);
    wants_all(&mut world, seed, conn);
    world.run(1, |_| false);
    let begun = shown(&world.heard(seed, conn))[..2].to_vec();
    for piece in &begun {
        world.say(seed, conn, Message::Request(BlockRef { piece: *piece, begin: 0, len: BLOCK }));
    }
    world.run(1, |_| false);
    world.act(seed, Torrent::remove);
    world.run(1, |_| false);
    world.remembered.0 = world.content(seed).facts().clone();
    let mut kept = world.remembered.0.granted.clone();
    kept.sort_unstable_by_key(|(_, piece)| *piece);
    let mut wanted = begun.clone();
    wanted.sort_unstable();
    assert_eq!(kept, wanted.iter().map(|piece| (who, *piece)).collect::<Vec<_>>());
    // Another comes first, and it is there again within a minute.
    let seed = source(&mut world, 0, Spreading::Granting);
    world.run(1, |_| false);
    let other = puppet(&mut world, seed);
    world.run(1, |_| false);
    let conn = world.puppet_named(seed, true, 9, who);
    wants_all(&mut world, seed, conn);
    world.run(1, |_| false);
    let [others, its] = [other, conn].map(|conn| shown(&world.heard(seed, conn)));
    assert!(begun.iter().all(|piece| its.contains(piece) && !others.contains(piece)), "{begun:?}, {its:?}, {others:?}");
}

#[test]
fn whether_a_peer_is_let_in_before_it_is_interested_goes_by_its_id_and_not_by_the_name_it_gives() {
    let mut world = world();
    let seed = source(&mut world, 0, Spreading::Granting);
    world.run(1, |_| false);
    let spoken = ["Teem 0.1.0", "rTorrent 0.9.8", ""];
    for (n, (id, early)) in
        [(b"-TM0100-", true), (b"-LT2110-", true), (b"-lt0F80-", false), (b"-XY0001-", false)].into_iter().enumerate()
    {
        for (k, name) in spoken.into_iter().enumerate() {
            let host = (n * spoken.len() + k) as u8 + 10;
            let conn = world.puppet_named(seed, true, host, named(*id, host));
            let said =
                ExtendedHandshake { client: Some(name.into()), ut_metadata: Some(1), ..ExtendedHandshake::default() };
            world.say(seed, conn, Message::ExtendedHandshake(said));
            let unchoked = |world: &mut World| world.heard(seed, conn).contains(&Message::Unchoke);
            assert_eq!(unchoked(&mut world), early, "{name}");
            // Nobody is left out for a name or an id.
            world.say(seed, conn, Message::Interested);
            assert!(early || unchoked(&mut world), "{name}");
        }
    }
}

/// As libtorrent and webtorrent do, which say nothing else once they have it, and would wait for seconds.
#[test]
fn a_peer_that_says_what_it_has_after_it_asked_for_the_metadata_has_that() {
    let mut world = world();
    let seed = source(&mut world, 0, Spreading::Granting);
    world.run(1, |_| false);
    let conn = world.puppet(seed, true);
    let asks = ExtendedHandshake { ut_metadata: Some(1), ..ExtendedHandshake::default() };
    world.say(seed, conn, Message::ExtendedHandshake(asks));
    world.say(seed, conn, Message::HaveNone);
    world.say(seed, conn, Message::Metadata { id: 1, message: MetadataMessage::Request { piece: 0 } });
    assert!(shown(&world.heard(seed, conn)).is_empty(), "it has nothing that it could ask by");
    world.say(seed, conn, Message::HaveNone);
    assert!(!shown(&world.heard(seed, conn)).is_empty());
}

#[test]
fn a_damaged_piece_ends_it_and_the_rest_is_shown() {
    let mut world = world();
    let seed = source(&mut world, 0, Spreading::Granting);
    world.run(1, |_| false);
    let conn = puppet(&mut world, seed);
    let mut seen = shown(&world.heard(seed, conn));
    let error = DiskError { kind: DiskErrorKind::Changed, message: "changed".into() };
    let at = BlockRef { piece: seen[0], begin: 0, len: BLOCK };
    world.act(seed, |t, cx| {
        t.disk(cx, Done::ReadFailed { torrent: TorrentId(0), reader: Reader::Peer(conn), at, error });
    });
    seen.remove(0);
    world.run(2, |_| false);
    seen.extend(shown(&world.heard(seed, conn)));
    seen.sort_unstable();
    assert_eq!(seen, (0..PIECES).filter(|p| *p != at.piece).collect::<Vec<_>>());
}

#[test]
fn two_sources_skip_what_the_other_has_given() {
    let mut world = world();
    let seeds = [source(&mut world, 1 << 20, Spreading::Granting), source(&mut world, 1 << 20, Spreading::Granting)];
    let peers: Vec<usize> = (0..4).map(|_| world.add(Vec::new(), 1 << 20)).collect();
    meet(&mut world, seeds[0], &peers);
    for peer in &peers {
        world.connect(*peer, seeds[1]);
    }
    world.connect(seeds[0], seeds[1]);
    let over = |w: &World| seeds.iter().all(|seed| w.snapshot(*seed).first_copy.is_none());
    world.run(1, |_| false);
    assert!(!over(&world) && world.run(60, over));
    let sent: u64 = seeds.iter().map(|seed| world.snapshot(*seed).uploaded).sum();
    // A third of so few pieces is on its way at a time, and neither sees what the other has just granted.
    assert!(sent < TOTAL * 3 / 2, "{sent} of {TOTAL}");
    assert!(world.run(60, |w| peers.iter().all(|p| w.is_complete(*p))));
}

#[test]
fn a_slow_source_does_not_promise_more_than_its_line_carries() {
    let mut world = world();
    let seed = source(&mut world, 1 << 16, Spreading::Granting);
    let peers: Vec<usize> = (0..40).map(|_| world.add(Vec::new(), 1 << 20)).collect();
    meet(&mut world, seed, &peers);
    assert!(world.run(200, |w| all_out(w, seed).is_some()));
    let sent = all_out(&world, seed).unwrap();
    assert!(sent <= TOTAL * 102 / 100, "{sent} of {TOTAL}");
}

#[test]
fn a_publisher_shows_by_itself_what_it_could_not_read_for_a_while() {
    let mut world = world();
    let publishes = |add: &mut AddTorrent| {
        (add.spreading, add.publish) = (Spreading::Granting, true);
    };
    let seed = world.add_with((0..PIECES).collect(), 1 << 20, None, publishes);
    let peer = world.add(Vec::new(), 0);
    world.run(1, |_| false);
    let error = DiskError { kind: DiskErrorKind::Io, message: "cannot read x: Input/output error".into() };
    let (at, conn) = (BlockRef { piece: 5, begin: 0, len: BLOCK }, ConnId(u64::MAX));
    world.act(seed, |t, cx| {
        t.disk(cx, Done::ReadFailed { torrent: TorrentId(0), reader: Reader::Peer(conn), at, error });
    });
    meet(&mut world, seed, &[peer]);
    assert_eq!(world.snapshot(seed).pieces, PIECES - 1);
    assert!(world.run(60, |w| w.is_complete(peer)));
    assert_eq!(world.snapshot(seed).pieces, PIECES);
}

#[test]
fn a_publisher_with_a_damaged_piece_gives_the_rest_to_late_comers_too() {
    let mut world = world();
    let publishes = |add: &mut AddTorrent| {
        (add.spreading, add.publish) = (Spreading::Granting, true);
    };
    let seed = world.add_with((0..PIECES).collect(), 1 << 20, None, publishes);
    let peers: Vec<usize> = (0..2).map(|_| world.add(Vec::new(), 0)).collect();
    world.run(1, |_| false);
    let error = DiskError { kind: DiskErrorKind::Changed, message: "changed".into() };
    let (at, conn) = (BlockRef { piece: 5, begin: 0, len: BLOCK }, ConnId(u64::MAX));
    world.act(seed, |t, cx| {
        t.disk(cx, Done::ReadFailed { torrent: TorrentId(0), reader: Reader::Peer(conn), at, error });
    });
    meet(&mut world, seed, &peers);
    assert!(world.run(60, |w| peers.iter().all(|p| w.snapshot(*p).pieces == PIECES - 1)));
    assert!(world.run(60, |w| w.snapshot(seed).first_copy.is_none()));
    for peer in peers {
        world.leave(peer);
    }
    let late = world.add(Vec::new(), 0);
    world.connect(late, seed);
    assert!(world.run(60, |w| w.snapshot(late).pieces == PIECES - 1), "{}", world.snapshot(late).pieces);
    assert_eq!(all_out(&world, seed), None, "one piece has not left");
}

#[test]
fn what_others_only_claim_is_told_apart_from_what_has_left() {
    let mut world = world();
    let seed = source(&mut world, 0, Spreading::Granting);
    world.run(1, |_| false);
    let conn = world.puppet(seed, true);
    let mut claims = vec![0xFF; 8];
    claims[7] = 0xFE;
    world.say(seed, conn, Message::Bitfield(claims));
    world.run(30, |_| false);
    assert_eq!(all_out(&world, seed), None);
    let peer = world.add(Vec::new(), 0);
    world.connect(peer, seed);
    assert!(world.run(30, |w| w.is_complete(peer)));
    let one = u64::from(PIECE);
    assert_eq!(told(&world, seed), [(one, TOTAL - one), (TOTAL, 0)]);
}

#[test]
fn a_lone_client_that_looks_every_five_seconds_is_shown_all_of_little_content_at_once() {
    let mut world = World::new(info(24 * u64::from(PIECE), PIECE));
    let source = world.add_with((0..24).collect(), 0, None, |add| add.spreading = Spreading::Granting);
    let mut counts = Vec::new();
    for (host, id) in [(9, b"-rQ9100-"), (10, b"-XY0001-")] {
        let conn = world.puppet_named(source, true, host, named(*id, host));
        let known = ExtendedHandshake { metadata_size: Some(1), ..ExtendedHandshake::default() };
        world.say(source, conn, Message::ExtendedHandshake(known));
        world.say(source, conn, Message::HaveNone);
        world.run(1, |_| false);
        counts.push(shown(&world.heard(source, conn)).len());
        world.act(source, |t, cx| t.closed(cx, conn, CloseReason::Remote));
    }
    assert_eq!(counts[0], 24);
    assert!(counts[1] < 12, "{counts:?}");
}

#[test]
fn a_slow_source_shows_more_than_its_turns_only_to_who_might_leave() {
    let open = [b"-TM0100-", b"A2-1-37-"].map(|id| {
        let mut world = World::new(info(256 * 16 * u64::from(BLOCK), 16 * BLOCK));
        let source = world.add_with((0..256).collect(), 312_500, None, |add| add.spreading = Spreading::Granting);
        world.run(1, |_| false);
        let conns: Vec<ConnId> = (0..40).map(|host| world.puppet_named(source, true, host, named(*id, host))).collect();
        for conn in &conns {
            let known = ExtendedHandshake { metadata_size: Some(1), ..ExtendedHandshake::default() };
            world.say(source, *conn, Message::ExtendedHandshake(known));
            world.say(source, *conn, Message::HaveNone);
            world.say(source, *conn, Message::Interested);
        }
        let mut granted = 0;
        for _ in 0..60 {
            for conn in &conns {
                let heard = world.heard(source, *conn);
                for piece in shown(&heard) {
                    granted += 1;
                    let block = |index| BlockRef { piece, begin: index * BLOCK, len: BLOCK };
                    (0..16).for_each(|index| world.say(source, *conn, Message::Request(block(index))));
                }
            }
            world.run(1, |_| false);
        }
        granted - world.snapshot(source).uploaded / u64::from(16 * BLOCK)
    });
    assert!(open[0] <= 6 && open[1] > 8, "pieces that are shown and have not left: {open:?}");
}
