//! Torrents of which not every file is wanted (BEP 21 for who has all that it wants; own design).
mod common;

use common::{BLOCK, World};
use proptest::prelude::*;
use std::sync::Arc;
use teem_metainfo::{Info, Limits};
use teem_swarm::command::{AddTorrent, Spreading};
use teem_swarm::event::{Event, State};
use teem_swarm::selection::{Priority, Selection};
use teem_wire::peer::message::Message;

/// A torrent of files of these lengths in pieces of two blocks.
fn info(lengths: &[u64]) -> Arc<Info> {
    let piece = u64::from(BLOCK) * 2;
    let pieces = lengths.iter().sum::<u64>().div_ceil(piece) as usize;
    let file = |(i, n)| format!("d6:lengthi{n}e4:pathl3:{i:03}ee");
    let files = lengths.iter().enumerate().map(file).collect::<Vec<String>>().concat();
    let head = format!("d5:filesl{files}e4:name1:x12:piece lengthi{piece}e6:pieces{}:", pieces * 20);
    let hashes: Vec<u8> = (0..pieces * 20).map(|i| (i / 20) as u8).collect();
    let raw = [head.as_bytes(), &hashes, b"e"].concat();
    Arc::new(Info::parse(&raw, &Limits::FILE).expect("a valid torrent"))
}

/// Three files of four pieces each, the second and third beginning in the middle of a piece.
fn three() -> World {
    let piece = u64::from(BLOCK) * 2;
    World::new(info(&[piece * 4 - 1_000, piece * 4, piece * 4 + 1_000]))
}

fn only(file: usize) -> Selection {
    Selection::of((0..3).map(|i| if i == file { Priority::Normal } else { Priority::Skip }).collect())
}

/// Connects two nodes that are not.
fn join(world: &mut World, me: usize, other: usize) {
    let addr = world.nodes[other].addr;
    if world.snapshot(me).peers.iter().all(|peer| peer.addr != addr) {
        world.connect(me, other);
    }
}

fn verified(world: &World, node: usize) -> Vec<u32> {
    let of = |event: &Event| if let Event::PieceVerified { piece, .. } = event { Some(*piece) } else { None };
    let mut pieces: Vec<u32> = world.nodes[node].events.iter().filter_map(of).collect();
    pieces.sort_unstable();
    pieces
}

#[test]
fn what_is_not_wanted_is_not_fetched() {
    let mut world = three();
    let seed = world.add((0..12).collect(), 1 << 20);
    let me = world.add_with(Vec::new(), 0, None, |add| add.selection = Some(only(1)));
    world.connect(me, seed);
    assert!(world.run(60, |w| w.is_complete(me)));
    assert_eq!(verified(&world, me), [3, 4, 5, 6, 7], "the first and the last piece it shares with its neighbours");
    let told = world.snapshot(me);
    assert_eq!((told.state, told.have, told.wanted), (State::Seeding, u64::from(BLOCK) * 8, u64::from(BLOCK) * 8));
    assert_eq!(world.nodes[me].got, u64::from(BLOCK) * 10);
}

#[test]
fn nothing_is_fetched_until_the_owner_has_chosen() {
    let mut world = three();
    let seed = world.add((0..12).collect(), 1 << 20);
    let me = world.add_with(Vec::new(), 0, None, |add| add.choose = true);
    world.connect(me, seed);
    world.wait(30);
    assert_eq!((world.snapshot(me).state, world.nodes[me].got), (State::Choosing, 0));
    world.act(me, |t, cx| t.select(cx, only(1)));
    assert!(world.run(60, |w| w.is_complete(me)));
    assert_eq!(verified(&world, me), [3, 4, 5, 6, 7]);
    // What was chosen before the torrent was begun is a choice too, and what is published leaves none.
    let other = world.add_with(Vec::new(), 0, None, |add| (add.choose, add.selection) = (true, Some(only(0))));
    assert_eq!(world.snapshot(other).state, State::Choosing);
    world.act(other, |t, cx| t.select(cx, only(0)));
    world.connect(other, seed);
    assert!(world.run(60, |w| w.is_complete(other)));
    let published = world.add_with((0..12).collect(), 0, None, |add| (add.choose, add.publish) = (true, true));
    world.wait(1);
    assert_eq!(world.snapshot(published).state, State::Seeding);
}

#[test]
fn a_partial_seed_says_so_and_gives_what_it_has() {
    let mut world = three();
    let me = world.add_with(vec![3, 4, 5, 6, 7], 1 << 20, None, |add| add.selection = Some(only(1)));
    assert!(world.run(5, |w| w.is_complete(me)));
    let stranger = world.puppet(me, true);
    let heard = world.heard(me, stranger);
    let says = |m: &Message| matches!(m, Message::ExtendedHandshake(said) if said.upload_only == Some(true));
    assert!(heard.iter().any(says) && heard.iter().any(|m| matches!(m, Message::Bitfield(_))), "{heard:?}");
    let other = world.add_with(Vec::new(), 0, None, |add| add.selection = Some(only(1)));
    world.connect(other, me);
    assert!(world.run(60, |w| w.is_complete(other)));
}

#[test]
fn more_can_be_wanted_while_it_runs_and_after_it_was_done() {
    let mut world = three();
    let seed = world.add((0..12).collect(), 1 << 20);
    let me = world.add_with(Vec::new(), 0, None, |add| add.selection = Some(only(1)));
    let (conn, _) = world.connect(me, seed);
    assert!(world.run(60, |w| w.is_complete(me)));
    assert!(world.why_closed(me, conn).is_some(), "nothing more to be had from a seed");
    world.act(me, |t, cx| t.select(cx, only(0)));
    assert_eq!(world.snapshot(me).state, State::Downloading);
    world.wait(1);
    world.connect(me, seed);
    assert!(world.run(60, |w| verified(w, me) == [0, 1, 2, 3, 4, 5, 6, 7]));
    world.act(me, |t, cx| t.select(cx, Selection::all()));
    world.wait(1);
    world.connect(me, seed);
    assert!(world.run(60, |w| w.snapshot(me).pieces == 12));
    assert_eq!(world.snapshot(me).state, State::Seeding);
}

/// A source shows its pieces to those that want some: a peer that has said that it wants no more has to say that it does again.
#[test]
fn a_partial_seed_that_wants_more_says_so_on_the_same_connection() {
    let mut world = three();
    let me = world.add_with(vec![3, 4, 5, 6, 7], 1 << 20, None, |add| add.selection = Some(only(1)));
    assert!(world.run(5, |w| w.is_complete(me)));
    let stranger = world.puppet(me, true);
    let last_said = |heard: &[Message]| {
        let said = |m: &Message| match m {
            Message::ExtendedHandshake(said) => said.upload_only,
            _ => None,
        };
        heard.iter().filter_map(said).next_back()
    };
    assert_eq!(last_said(&world.heard(me, stranger)), Some(true));
    world.act(me, |t, cx| t.select(cx, Selection::all()));
    assert_eq!(last_said(&world.heard(me, stranger)), Some(false));
}

#[test]
fn what_comes_to_be_unwanted_is_asked_for_no_more() {
    let mut world = three();
    let seed = world.add((0..12).collect(), 100_000);
    let me = world.add(Vec::new(), 0);
    world.connect(me, seed);
    assert!(world.run(60, |w| verified(w, me).len() >= 2));
    world.act(me, |t, cx| t.select(cx, only(2)));
    world.log.clear();
    assert!(world.run(60, |w| w.is_complete(me)));
    let asked = |(_, node, _, message): &(_, usize, _, Message)| match message {
        Message::Request(at) if *node == me => Some(at.piece),
        _ => None,
    };
    assert!(world.log.iter().filter_map(asked).all(|piece| piece >= 7));
    assert!((7..12).all(|piece| verified(&world, me).contains(&piece)));
    assert!(world.snapshot(me).pieces < 12);
}

#[test]
fn what_is_wanted_first_comes_first() {
    let mut world = three();
    let seed = world.add((0..12).collect(), 200_000);
    let first = Selection::of(vec![Priority::Normal, Priority::Normal, Priority::High]);
    let me = world.add_with(Vec::new(), 0, None, |add| add.selection = Some(first));
    world.connect(me, seed);
    assert!(world.run(60, |w| (7..12).all(|piece| verified(w, me).contains(&piece))));
    assert!(verified(&world, me).len() <= 7, "{:?}", verified(&world, me));
    assert!(world.run(60, |w| w.is_complete(me)));
}

#[test]
fn what_was_begun_is_forgotten_when_nothing_is_wanted_and_fetched_anew_when_it_is() {
    let mut world = three();
    let seed = world.add((0..12).collect(), 30_000);
    let me = world.add(Vec::new(), 0);
    world.connect(me, seed);
    assert!(world.run(60, |w| w.nodes[me].got >= u64::from(BLOCK) * 3));
    let nothing = Selection::of(vec![Priority::Skip; 3]);
    world.act(me, |t, cx| t.select(cx, nothing));
    assert!(world.run(5, |w| w.snapshot(me).state == State::Seeding));
    world.act(me, |t, cx| t.select(cx, Selection::all()));
    world.wait(1);
    world.connect(me, seed);
    assert!(world.run(120, |w| w.snapshot(me).pieces == 12));
}

#[test]
fn a_lone_peer_that_wants_a_little_of_much_gets_it_from_a_source() {
    let piece = u64::from(BLOCK) * 2;
    let mut world = World::new(info(&[piece * 400, piece * 60, piece * 40]));
    let granting = |add: &mut AddTorrent| (add.spreading, add.publish) = (Spreading::Granting, true);
    let source = world.add_with((0..500).collect(), 4 << 20, None, granting);
    let me = world.add_with(Vec::new(), 1 << 20, None, |add| add.selection = Some(only(1)));
    world.connect(me, source);
    // 2.5 s until it is known to want something else, half a second on the line.
    assert!(world.run(4, |w| w.is_complete(me)), "{} pieces", world.snapshot(me).pieces);
    assert_eq!(world.nodes[me].got, piece * 60, "nothing twice");
    // A peer that comes now is granted what has not left, and all of it leaves.
    let other = world.add(Vec::new(), 1 << 20);
    world.connect(other, source);
    assert!(world.run(60, |w| w.is_complete(other)), "{} pieces", world.snapshot(other).pieces);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn any_choice_at_any_time_ends_with_what_was_chosen_last(
        lengths in prop::collection::vec(0u64..200_000, 1..7),
        choices in prop::collection::vec((prop::collection::vec(0u8..3, 7), 0u64..3_000), 1..4),
    ) {
        prop_assume!(lengths.iter().sum::<u64>() > 0);
        let mut world = World::new(info(&lengths));
        let pieces = world.info.piece_count();
        let seeds = [world.add((0..pieces).collect(), 300_000), world.add((0..pieces).collect(), 50_000)];
        let me = world.add(Vec::new(), 0);
        let mut last = Selection::all();
        for (choice, after) in choices {
            let until = world.now + core::time::Duration::from_millis(after);
            world.run(10, |w| w.now >= until);
            let level = |n: u8| [Priority::Skip, Priority::Normal, Priority::High][n as usize];
            last = Selection::of(choice.into_iter().take(lengths.len()).map(level).collect());
            world.act(me, |t, cx| t.select(cx, last.clone()));
            world.wait(1);
            for seed in seeds {
                join(&mut world, me, seed);
            }
        }
        // Those that were let go come again, once both sides know that they had gone.
        world.wait(1);
        for seed in seeds {
            join(&mut world, me, seed);
        }
        let wanted = last.bytes(&world.info);
        let done = world.run(120, |w| w.snapshot(me).have == wanted && w.snapshot(me).state == State::Seeding);
        prop_assert!(done, "{:?} {:?}", world.snapshot(me), world.nodes[me].closed);
        prop_assert_eq!(world.snapshot(me).wanted, wanted);
    }
}

#[test]
fn what_was_chosen_goes_on_in_the_next_run_until_something_else_is() {
    let mut world = three();
    world.remembered.1 = only(1);
    let seed = world.add((0..12).collect(), 1 << 20);
    let me = world.add(Vec::new(), 0);
    let told = |w: &World, n: usize| {
        w.nodes[n].events.iter().any(|e| matches!(e, Event::Notice { text, .. } if text.contains("1 of 3")))
    };
    world.connect(me, seed);
    assert!(world.run(60, |w| w.is_complete(me)));
    assert_eq!(verified(&world, me), [3, 4, 5, 6, 7]);
    assert!(told(&world, me));
    let all = world.add_with(Vec::new(), 0, None, |add| add.selection = Some(Selection::all()));
    world.connect(all, seed);
    assert!(world.run(60, |w| w.is_complete(all)));
    assert_eq!((world.snapshot(all).pieces, told(&world, all)), (12, false));
    // Said before the disk has answered, as for a magnet link: that counts.
    let late = world.add(Vec::new(), 0);
    world.act(late, |t, cx| t.select(cx, Selection::all()));
    world.connect(late, seed);
    assert!(world.run(60, |w| w.is_complete(late)));
    assert_eq!((world.snapshot(late).pieces, told(&world, late)), (12, false));
    // What is published is published whole.
    let published = world.add_with((0..12).collect(), 0, None, |add| add.publish = true);
    world.wait(1);
    assert_eq!((world.snapshot(published).wanted, told(&world, published)), (world.info.content_size(), false));
}

#[test]
fn a_source_gives_everything_to_those_who_want_different_parts() {
    for seed_line in [100_000, 1 << 20] {
        let mut world = three();
        let granting = |add: &mut AddTorrent| (add.spreading, add.publish) = (Spreading::Granting, true);
        let source = world.add_with((0..12).collect(), seed_line, None, granting);
        let first = world.add_with(Vec::new(), 1 << 20, None, |add| add.selection = Some(only(0)));
        world.connect(first, source);
        assert!(world.run(120, |w| w.is_complete(first)));
        let rest = Selection::of(vec![Priority::Skip, Priority::Normal, Priority::Normal]);
        let second = world.add_with(Vec::new(), 1 << 20, None, |add| add.selection = Some(rest));
        world.connect(second, source);
        world.connect(second, first);
        assert!(world.run(120, |w| w.is_complete(second)), "{:?} of it", verified(&world, second));
    }
}
