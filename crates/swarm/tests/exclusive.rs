//! What becomes of a piece that a source has shown to one peer only, whatever that peer does with it: it costs that piece again at
//! most, and holds nobody up.
mod common;

use common::{BLOCK, World, at, info};
use std::collections::BTreeSet;
use teem_swarm::command::Spreading;
use teem_swarm::event::Event;
use teem_swarm::ids::ConnId;
use teem_swarm::time::Time;
use teem_wire::peer::block::BlockRef;
use teem_wire::peer::message::{ExtendedHandshake, Message};

const PIECE: u32 = 4 * BLOCK;
const PIECES: u32 = 256;
const TOTAL: u64 = PIECES as u64 * PIECE as u64;
const LINE: u64 = 1 << 20;

/// A world with a source, and so many downloaders that know it and each other.
fn swarm(downloaders: usize) -> (World, usize, Vec<usize>) {
    let mut world = World::new(info(TOTAL, PIECE));
    let source = world.add_with((0..PIECES).collect(), LINE, None, |add| add.spreading = Spreading::Granting);
    world.wait(1);
    let peers: Vec<usize> = (0..downloaders).map(|_| world.add(Vec::new(), LINE)).collect();
    for (i, a) in peers.iter().enumerate() {
        world.connect(*a, source);
        for b in &peers[..i] {
            world.connect(*a, *b);
        }
    }
    (world, source, peers)
}

/// A peer that the test plays: it knows the metadata and has nothing.
fn puppet(world: &mut World, source: usize) -> ConnId {
    let conn = world.puppet(source, true);
    let known = ExtendedHandshake { metadata_size: Some(1), ..ExtendedHandshake::default() };
    world.say(source, conn, Message::ExtendedHandshake(known));
    world.say(source, conn, Message::HaveNone);
    world.say(source, conn, Message::Interested);
    conn
}

fn ask(world: &mut World, source: usize, conn: ConnId, piece: u32) {
    for index in 0..4 {
        world.say(source, conn, Message::Request(BlockRef { piece, begin: index * BLOCK, len: BLOCK }));
    }
}

/// What a puppet was shown since the last look.
fn shown(world: &mut World, source: usize, conn: ConnId) -> Vec<u32> {
    let heard = world.heard(source, conn);
    heard.into_iter().filter_map(|m| if let Message::Have(piece) = m { Some(piece) } else { None }).collect()
}

/// Bytes that were given to a puppet's socket.
fn given(world: &World, conn: ConnId) -> u64 {
    world.sent.iter().filter(|(to, _)| *to == conn).map(|(_, at)| u64::from(at.len)).sum()
}

/// What had left the source when each piece had left it once, if they have.
fn all_out(world: &World, source: usize) -> Option<u64> {
    world.nodes[source].events.iter().find_map(|e| if let Event::AllOut { sent, .. } = e { Some(*sent) } else { None })
}

fn done(world: &World, peers: &[usize]) -> bool {
    peers.iter().all(|peer| world.is_complete(*peer))
}

/// What one does that comes to a swarm of three and takes nothing whole.
#[derive(Clone, Copy, PartialEq)]
enum Vice {
    /// Asks for all that it is shown, once, and reads nothing.
    Deaf,
    /// Asks for all that it was ever shown, every second, and reads nothing.
    Insists,
    /// Asks for one block of what it is shown, reads it, and wants no more.
    Pauses,
}

/// Such a swarm, in which one of them comes at that moment; when the three were done.
fn with_one_that_takes_nothing(vice: Vice, from: u64) -> Time {
    let (mut world, source, peers) = swarm(3);
    world.run(from - 1, |_| false);
    let conn = puppet(&mut world, source);
    if vice != Vice::Pauses {
        world.deaf.push(conn);
    }
    let mut seen = Vec::new();
    for _ in 0..60 {
        let fresh = shown(&mut world, source, conn);
        seen.extend(&fresh);
        match vice {
            Vice::Deaf => fresh.iter().for_each(|piece| ask(&mut world, source, conn, *piece)),
            Vice::Insists => seen.iter().for_each(|piece| ask(&mut world, source, conn, *piece)),
            Vice::Pauses => {
                if let Some(piece) = fresh.first() {
                    world.say(source, conn, Message::Request(BlockRef { piece: *piece, begin: 0, len: BLOCK }));
                }
            }
        }
        if world.run(1, |w| done(w, &peers)) {
            break;
        }
    }
    assert!(done(&world, &peers), "held up by who takes nothing whole");
    let (lost, sent) = (given(&world, conn), world.snapshot(source).uploaded);
    assert!(lost > 0, "it was shown nothing");
    assert!(sent <= TOTAL + 6 * u64::from(PIECE), "{sent} sent, {lost} to who takes nothing whole");
    world.now
}

#[test]
fn who_asks_and_never_reads_costs_what_is_in_its_socket() {
    let end = with_one_that_takes_nothing(Vice::Deaf, 1);
    assert!(end < at(19), "one copy takes the line sixteen seconds: {end:?}");
}

#[test]
fn who_asks_again_and_again_and_never_reads_holds_nobody_up() {
    let end = with_one_that_takes_nothing(Vice::Insists, 1);
    assert!(end < at(19), "one copy takes the line sixteen seconds: {end:?}");
}

#[test]
fn who_begins_a_piece_and_pauses_holds_nobody_up() {
    let end = with_one_that_takes_nothing(Vice::Pauses, 1);
    assert!(end < at(19), "one copy takes the line sixteen seconds: {end:?}");
}

#[test]
fn who_comes_late_and_takes_nothing_holds_nobody_up_for_long() {
    for vice in [Vice::Deaf, Vice::Insists, Vice::Pauses] {
        let end = with_one_that_takes_nothing(vice, 13);
        assert!(end < at(30), "one copy takes the line sixteen seconds: {end:?}");
    }
}

#[test]
fn who_keeps_what_it_is_shown_to_itself_costs_that_again_and_gets_ever_less() {
    let (mut world, source, peers) = swarm(4);
    let conn = puppet(&mut world, source);
    let mut took = Vec::new();
    let mut asked: Vec<u32> = Vec::new();
    for _ in 0..60 {
        for piece in asked.drain(..) {
            world.say(source, conn, Message::Have(piece));
        }
        asked = shown(&mut world, source, conn);
        for piece in &asked {
            ask(&mut world, source, conn, *piece);
        }
        if all_out(&world, source).is_none() {
            took.push(given(&world, conn));
        }
        if world.run(1, |w| done(w, &peers)) {
            break;
        }
    }
    assert!(done(&world, &peers), "held up by who keeps everything");
    let taken = *took.last().expect("a second of granting");
    let sent = all_out(&world, source).expect("all has left");
    assert!(sent <= TOTAL + 2 * u64::from(PIECE), "{sent} of {TOTAL} until all was out");
    assert!(taken < TOTAL / 5, "its share of the first copy is less than everybody's: {took:?}");
}

#[test]
fn who_takes_pieces_in_their_order_gets_them_all() {
    for others in [0, 3] {
        let (mut world, source, peers) = swarm(others);
        let conn = puppet(&mut world, source);
        let (mut has, mut seen) = (0, BTreeSet::new());
        for second in 0.. {
            assert!(second < 100, "{has} of {PIECES} pieces in {second} s, {others} others");
            seen.extend(shown(&mut world, source, conn));
            // A quarter of a megabyte ahead of what plays.
            let next: Vec<u32> = (has..PIECES.min(has + 4)).take_while(|piece| seen.contains(piece)).collect();
            for piece in &next {
                ask(&mut world, source, conn, *piece);
            }
            world.wait(1);
            for piece in &next {
                world.say(source, conn, Message::Have(*piece));
            }
            has += next.len() as u32;
            if has == PIECES {
                break;
            }
        }
        assert!(world.run(60, |w| done(w, &peers)));
    }
}

#[test]
fn beside_an_ordinary_seed_it_gives_its_share_and_ends() {
    let (mut world, source, peers) = swarm(4);
    let seed = world.add((0..PIECES).collect(), LINE);
    for peer in &peers {
        world.connect(*peer, seed);
    }
    assert!(world.run(60, |w| done(w, &peers)));
    assert!(world.now < at(15), "four copies take all lines eleven seconds: {:?}", world.now);
    assert!(world.run(60, |w| w.snapshot(source).first_copy.is_none()), "what the other gave is out too");
    let sent = world.snapshot(source).uploaded;
    assert!(sent < TOTAL, "{sent} of {TOTAL}");
}
