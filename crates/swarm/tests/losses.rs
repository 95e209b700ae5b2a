//! Pieces that were there and are no more (BEP 54): told to those who were shown them, and heard of others.
mod common;

use common::{BLOCK, World, info};
use teem_swarm::command::Spreading;
use teem_swarm::event::Event;
use teem_swarm::ids::ConnId;
use teem_swarm::job::Done;
use teem_swarm::output::CloseReason;
use teem_wire::peer::block::BlockRef;
use teem_wire::peer::message::{ExtendedHandshake, Message};

/// Sixteen pieces of two blocks.
fn world() -> World {
    World::new(info(32 * u64::from(BLOCK), 2 * BLOCK))
}

fn lost(piece: u32) -> Message {
    Message::DontHave { id: 3, piece }
}

fn asked(heard: &[Message]) -> Vec<u32> {
    let of = |m: &Message| if let Message::Request(at) = m { Some(at.piece) } else { None };
    heard.iter().filter_map(of).collect()
}

/// A piece turns out to be damaged.
fn damage(world: &mut World, node: usize, piece: u32) {
    let torrent = world.nodes[node].machine.torrent.id();
    world.content(node).damage(piece);
    world.act(node, |t, cx| t.disk(cx, Done::Checked { torrent, piece, ok: false }));
}

fn speaks(world: &mut World, node: usize, conn: ConnId, id: u8) {
    let said = ExtendedHandshake { lt_donthave: Some(id), ..ExtendedHandshake::default() };
    world.say(node, conn, Message::ExtendedHandshake(said));
}

#[test]
fn a_damaged_piece_is_told_to_those_who_have_a_word_for_it() {
    let mut world = world();
    let seed = world.add((0..16).collect(), 0);
    world.wait(1);
    let (knows, does_not) = (world.puppet(seed, true), world.puppet(seed, true));
    speaks(&mut world, seed, knows, 77);
    let hello = world.heard(seed, knows);
    let offers = |m: &Message| matches!(m, Message::ExtendedHandshake(h) if h.lt_donthave == Some(3));
    assert!(hello.iter().any(offers), "{hello:?}");
    world.heard(seed, does_not);
    damage(&mut world, seed, 5);
    assert_eq!(world.heard(seed, knows)[0], Message::DontHave { id: 77, piece: 5 }, "by the number that it gave");
    assert!(!world.heard(seed, does_not).iter().any(|m| matches!(m, Message::DontHave { .. })));
}

#[test]
fn a_source_tells_only_of_what_it_has_shown() {
    let mut world = world();
    let source = world.add_with((0..16).collect(), 0, None, |add| {
        (add.spreading, add.publish) = (Spreading::Granting, true);
    });
    world.wait(1);
    let conn = world.puppet(source, true);
    let known = ExtendedHandshake { metadata_size: Some(5), lt_donthave: Some(9), ..ExtendedHandshake::default() };
    world.say(source, conn, Message::ExtendedHandshake(known));
    world.say(source, conn, Message::HaveNone);
    let heard = world.heard(source, conn);
    let shown = |piece| heard.contains(&Message::Have(piece));
    let (seen, unseen) = ((0..16).find(|p| shown(*p)).unwrap(), (0..16).find(|p| !shown(*p)).unwrap());
    damage(&mut world, source, seen);
    damage(&mut world, source, unseen);
    let told: Vec<Message> = world.heard(source, conn);
    let told: Vec<&Message> = told.iter().filter(|m| matches!(m, Message::DontHave { .. })).collect();
    assert_eq!(told, [&Message::DontHave { id: 9, piece: seen }]);
}

#[test]
fn a_source_shows_what_it_has_again_to_those_who_were_told_of_its_loss() {
    for (when, spreading, damaged_after) in [
        ("while it grants", Spreading::Granting, 0),
        ("once all is out", Spreading::Granting, 16),
        ("frugal", Spreading::Frugal, 16),
    ] {
        let mut world = world();
        let source = world.add_with((0..16).collect(), 0, None, |add| (add.spreading, add.publish) = (spreading, true));
        world.wait(1);
        // What the first shows, it has from elsewhere; the second has nothing, knows the word for a loss and takes what it is shown.
        let (other, conn) = (world.puppet(source, true), world.puppet(source, true));
        for conn in [other, conn] {
            let known =
                ExtendedHandshake { metadata_size: Some(5), lt_donthave: Some(9), ..ExtendedHandshake::default() };
            world.say(source, conn, Message::ExtendedHandshake(known));
            world.say(source, conn, Message::HaveNone);
            world.say(source, conn, Message::Interested);
        }
        (0..damaged_after).for_each(|piece| world.say(source, other, Message::Have(piece)));
        let mut seen = None;
        for _ in 0..30 {
            let shown = |m: &Message| if let Message::Have(piece) = m { Some(*piece) } else { None };
            seen = seen.or_else(|| world.heard(source, conn).iter().find_map(shown));
            world.wait(1);
        }
        let seen = seen.unwrap_or_else(|| panic!("{when}: nothing was shown"));
        world.heard(source, conn);
        damage(&mut world, source, seen);
        assert!(world.heard(source, conn).contains(&Message::DontHave { id: 9, piece: seen }), "{when}");
        world.content(source).put([seen]);
        let torrent = world.nodes[source].machine.torrent.id();
        world.act(source, |t, cx| t.disk(cx, Done::Checked { torrent, piece: seen, ok: true }));
        let again = (0..90).any(|_| {
            world.wait(1);
            world.heard(source, conn).contains(&Message::Have(seen))
        });
        assert!(again, "{when}: piece {seen} is not shown again");
    }
}

#[test]
fn what_a_peer_has_lost_is_not_asked_of_it_and_comes_from_another() {
    let mut world = world();
    let me = world.add(Vec::new(), 0);
    world.wait(1);
    let (one, other) = (world.puppet(me, true), world.puppet(me, true));
    world.say(me, one, Message::HaveAll);
    world.say(me, one, Message::Unchoke);
    let begun = asked(&world.heard(me, one));
    let piece = begun[0];
    world.say(me, one, lost(piece));
    assert!(!asked(&world.heard(me, one)).contains(&piece));
    world.say(me, other, Message::Have(piece));
    world.say(me, other, Message::Unchoke);
    assert_eq!(asked(&world.heard(me, other)), [piece, piece], "its blocks were free at once");
    // A peer that loses all it had is of no interest; one that finds a piece again is.
    for p in (0..16).filter(|p| *p != piece) {
        world.say(me, one, lost(p));
    }
    assert_eq!(world.heard(me, one).last(), Some(&Message::NotInterested));
    assert_eq!(world.snapshot(me).peers.iter().map(|p| p.pieces).collect::<Vec<_>>(), [0, 1]);
    world.say(me, one, Message::Have(3));
    world.wait(11);
    let heard = world.heard(me, one);
    assert!(heard.contains(&Message::Interested) && asked(&heard).contains(&3), "{heard:?}");
}

#[test]
fn what_was_lost_before_the_metadata_was_known_counts_too() {
    let mut world = world();
    let seed = world.add((0..16).collect(), 0);
    let me = world.add_with(Vec::new(), 0, None, |add| add.info = None);
    let conn = world.puppet(me, true);
    for said in [Message::HaveAll, lost(2), lost(4), Message::Have(4)] {
        world.say(me, conn, said);
    }
    world.connect(me, seed);
    let fetched = |w: &World| w.nodes[me].events.iter().any(|e| matches!(e, Event::Metadata { .. }));
    assert!(world.run(10, fetched));
    let pieces = world.snapshot(me).peers.iter().map(|p| p.pieces).min();
    assert_eq!(pieces, Some(15), "{:?}", world.nodes[me].closed);
}

#[test]
fn one_that_is_not_there_ends_the_connection_and_so_does_a_flood() {
    let mut world = world();
    let me = world.add(Vec::new(), 0);
    world.wait(1);
    let (wrong, flood) = (world.puppet(me, true), world.puppet(me, true));
    world.say(me, wrong, lost(16));
    assert!(matches!(world.why_closed(me, wrong), Some(CloseReason::Protocol(_))));
    for n in 0..20_000 {
        let said = if n % 2 == 0 { Message::Have(1) } else { lost(1) };
        world.say(me, flood, said);
    }
    assert!(matches!(world.why_closed(me, flood), Some(CloseReason::Flood(_))));
}

#[test]
fn what_only_one_peer_had_of_a_source_and_has_lost_is_granted_again() {
    let mut world = world();
    let source = world.add_with((0..16).collect(), 0, None, |add| {
        (add.spreading, add.publish) = (Spreading::Granting, true);
    });
    world.wait(1);
    let conns = [world.puppet(source, true), world.puppet(source, true)];
    let mut heard = Vec::new();
    for conn in conns {
        let known = ExtendedHandshake { metadata_size: Some(5), ..ExtendedHandshake::default() };
        world.say(source, conn, Message::ExtendedHandshake(known));
        world.say(source, conn, Message::HaveNone);
        world.say(source, conn, Message::Interested);
        heard.push(world.heard(source, conn));
    }
    let mine =
        (0..16).find(|p| heard[0].contains(&Message::Have(*p)) && !heard[1].contains(&Message::Have(*p))).unwrap();
    for index in 0..2 {
        world.say(source, conns[0], Message::Request(BlockRef { piece: mine, begin: index * BLOCK, len: BLOCK }));
    }
    world.wait(1);
    world.say(source, conns[0], Message::Have(mine));
    let out = world.snapshot(source).first_copy;
    world.say(source, conns[0], lost(mine));
    assert!(world.snapshot(source).first_copy < out, "it is not out any more");
    let other = world.add(Vec::new(), 1 << 20);
    world.connect(other, source);
    assert!(world.run(90, |w| w.is_complete(other)));
}
