//! The picker against a naive model: nothing is lost, nothing is asked of three, preferences hold.
use proptest::prelude::{ProptestConfig, any, prop, prop_assert, prop_assert_eq, proptest};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use teem_swarm::bitfield::Bitfield;
use teem_swarm::geometry::Geometry;
use teem_swarm::ids::ConnId;
use teem_swarm::picker::partial::Received;
use teem_swarm::picker::pick::{Asker, Picker};
use teem_swarm::rng::Rng;
use teem_wire::peer::block::{BLOCK_LEN, BlockRef};

const SHAPE: Geometry = Geometry { pieces: 6, piece_len: 4 * BLOCK_LEN, total: 21 * BLOCK_LEN as u64 + 5 };

fn asker(conn: u64, has: &Bitfield, current: Option<u32>, rate: u64) -> Asker<'_> {
    Asker { conn: ConnId(conn), has, current, useful: has.count(), rate, only: None, refused: &[], trusted: true }
}

fn picker(rng: &mut Rng) -> Picker {
    Picker::new(SHAPE, &Bitfield::new(SHAPE.pieces), rng)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]
    #[test]
    fn nothing_is_lost_and_nothing_is_asked_of_three(
        ops in prop::collection::vec((0u8..10, 0u64..4, any::<u16>()), 0..400),
        seed: u64,
    ) {
        let mut rng = Rng::new(seed);
        let mut picker = picker(&mut rng);
        let full = Bitfield::full(SHAPE.pieces);
        (0..4).for_each(|_| { picker.peer_came(&full, &mut rng); });
        let mut asked: BTreeMap<BlockRef, BTreeSet<u64>> = BTreeMap::new();
        let mut here: BTreeSet<BlockRef> = BTreeSet::new();
        let mut done: BTreeSet<u32> = BTreeSet::new();
        for (op, conn, pick) in ops {
            let mine: Vec<BlockRef> = asked.iter().filter(|(_, c)| c.contains(&conn)).map(|(b, _)| *b).collect();
            let one = mine.get(pick as usize % mine.len().max(1)).copied();
            match op {
                0..=4 => {
                    let who = asker(conn, &full, None, u64::from(pick));
                    let free = picker.pick(&who, &mut rng);
                    let got = free.or_else(|| picker.duplicate(&who, Duration::ZERO, |_| Duration::from_secs(9)));
                    if let Some(at) = got {
                        prop_assert!(!here.contains(&at) && !done.contains(&at.piece));
                        prop_assert!(asked.entry(at).or_default().insert(conn), "asked twice of one");
                        let most = 1 + usize::from(free.is_none());
                        prop_assert!(asked[&at].len() <= most);
                    }
                }
                5 | 6 => if let Some(at) = one {
                    let outcome = picker.receive(at, ConnId(conn));
                    let others: BTreeSet<u64> = asked.remove(&at).unwrap().into_iter().filter(|c| *c != conn).collect();
                    let Some((Received::New(told), whole)) = outcome else { panic!("{outcome:?}") };
                    prop_assert_eq!(told.into_iter().flatten().map(|c| c.0).collect::<BTreeSet<_>>(), others);
                    here.insert(at);
                    let all = here.iter().filter(|b| b.piece == at.piece).count() as u32 == SHAPE.blocks_in(at.piece);
                    prop_assert_eq!(whole, all);
                    prop_assert_eq!(picker.receive(at, ConnId(9)).map(|(r, _)| r), Some(Received::Duplicate));
                    if whole && pick % 3 == 0 {
                        picker.failed(at.piece, None);
                        picker.retry(at.piece, &mut rng);
                        here.retain(|b| b.piece != at.piece);
                    } else if whole {
                        picker.verified(at.piece);
                        done.insert(at.piece);
                        here.retain(|b| b.piece != at.piece);
                    }
                },
                7 | 8 => if let Some(at) = one {
                    let left = asked.get_mut(&at).unwrap();
                    left.remove(&conn);
                    let free = left.is_empty();
                    if free {
                        asked.remove(&at);
                    }
                    prop_assert_eq!(picker.give_back(at, ConnId(conn), &mut rng), free);
                },
                _ => for at in mine {
                    picker.give_back(at, ConnId(conn), &mut rng);
                    asked.get_mut(&at).unwrap().remove(&conn);
                    asked.retain(|_, c| !c.is_empty());
                    picker.disown(ConnId(conn));
                },
            }
        }
        // Whatever has happened: everything missing can still be had.
        for at in asked.iter().flat_map(|(at, conns)| conns.iter().map(move |c| (*at, *c))) {
            picker.give_back(at.0, ConnId(at.1), &mut rng);
        }
        (0..4).for_each(|c| picker.disown(ConnId(c)));
        let missing = SHAPE.blocks() - (0..6).filter(|p| done.contains(p)).map(|p| u64::from(SHAPE.blocks_in(p))).sum::<u64>();
        let who = asker(1, &full, None, 1);
        let got = std::iter::from_fn(|| picker.pick(&who, &mut rng)).collect::<BTreeSet<_>>();
        prop_assert_eq!(got.len() + here.len(), missing as usize);
        prop_assert!(picker.is_endgame());
    }
}

#[test]
fn a_whole_piece_comes_from_one_peer_and_what_was_begun_comes_first() {
    let mut rng = Rng::new(5);
    let mut picker = picker(&mut rng);
    let full = Bitfield::full(SHAPE.pieces);
    let mut next =
        |picker: &mut Picker, conn, current| picker.pick(&asker(conn, &full, current, 100), &mut rng).unwrap();
    let first = next(&mut picker, 1, None);
    let other = next(&mut picker, 2, None);
    assert_ne!(first.piece, other.piece);
    assert_eq!(next(&mut picker, 1, Some(first.piece)).piece, first.piece);
    picker.receive(first, ConnId(1));
    picker.disown(ConnId(1));
    let third = next(&mut picker, 3, None);
    assert_eq!(third.piece, first.piece, "left behind by its peer");
}

#[test]
fn the_rarest_piece_is_taken_and_refused_ones_are_not() {
    let mut rng = Rng::new(5);
    let mut picker = picker(&mut rng);
    let full = Bitfield::full(SHAPE.pieces);
    picker.peer_came(&full, &mut rng);
    for piece in [0, 1, 3, 4, 5] {
        picker.peer_has(piece, &mut rng);
    }
    assert_eq!(picker.pick(&asker(1, &full, None, 0), &mut rng).map(|at| at.piece), Some(2));
    let who = Asker { refused: &[0, 1, 2, 3, 4], ..asker(2, &full, None, 0) };
    assert_eq!(picker.pick(&who, &mut rng).map(|at| at.piece), Some(5));
    let who = Asker { only: Some(&[4]), ..asker(3, &full, None, 0) };
    assert_eq!(picker.pick(&who, &mut rng).map(|at| at.piece), Some(4));
}

#[test]
fn a_failed_piece_is_fetched_from_one_other_peer() {
    let mut rng = Rng::new(5);
    let mut has = Bitfield::new(SHAPE.pieces);
    has.set(0);
    let mut picker = picker(&mut rng);
    picker.peer_came(&has, &mut rng);
    picker.peer_came(&has, &mut rng);
    picker.failed(0, Some(ConnId(1)));
    assert_eq!(picker.pick(&asker(2, &has, None, 1), &mut rng), None, "held");
    picker.retry(0, &mut rng);
    assert_eq!(picker.pick(&asker(1, &has, None, 1), &mut rng), None, "not from the same again");
    assert!(picker.pick(&asker(2, &has, None, 1), &mut rng).is_some());
    assert_eq!(picker.pick(&asker(3, &has, None, 1_000), &mut rng), None, "from one alone");
}

#[test]
fn while_a_source_is_waited_for_next_to_nothing_is_asked_twice() {
    let shape = Geometry { pieces: 400, piece_len: BLOCK_LEN, total: 400 * u64::from(BLOCK_LEN) };
    let mut rng = Rng::new(8);
    let mut picker = Picker::new(shape, &Bitfield::new(400), &mut rng);
    let mut has = Bitfield::new(400);
    let (late, own) = (Duration::from_secs(60), Duration::from_millis(100));
    let mut duplicates = [0; 2];
    for piece in 0..400 {
        has.set(piece);
        picker.peer_has(piece, &mut rng);
        picker.peer_has(piece, &mut rng);
        let at = picker.pick(&asker(1, &has, None, 1), &mut rng).unwrap();
        assert!(picker.is_endgame());
        let early = picker.duplicate(&asker(2, &has, None, 1), own, |_| Duration::from_secs(2));
        assert_eq!(early.is_some(), piece == 399, "while more is to come, two seconds are not late enough");
        picker.give_back(at, ConnId(2), &mut rng);
        let again = picker.duplicate(&asker(2, &has, None, 1), own, |_| late);
        duplicates[usize::from(piece == 399)] += u32::from(again.is_some());
        picker.receive(at, ConnId(1));
        picker.verified(piece);
    }
    assert_eq!(duplicates, [1, 1], "one in 320, and the last one of all");
}

#[test]
fn a_sole_source_is_not_spent_on_what_others_hold() {
    let mut rng = Rng::new(9);
    let mut picker = picker(&mut rng);
    let mut other = Bitfield::new(SHAPE.pieces);
    other.set(3);
    let full = Bitfield::full(SHAPE.pieces);
    for has in [&full, &other] {
        picker.peer_came(has, &mut rng);
    }
    let (source, holder) = (|current| asker(1, &full, current, 100), asker(2, &other, None, 100));
    let begun = picker.pick(&holder, &mut rng).unwrap();
    picker.receive(begun, ConnId(2));
    picker.disown(ConnId(2));
    assert!(picker.has_sole(&source(None)) && !picker.has_sole(&holder));
    let mut at = None;
    let order: Vec<u32> = (0..18)
        .map(|_| {
            at = picker.pick(&source(at), &mut rng).map(|block| block.piece);
            at.unwrap()
        })
        .collect();
    assert!(!order.contains(&3), "{order:?}");
    let changes = order.windows(2).filter(|pair| pair[0] != pair[1]).count();
    assert_eq!(changes, 4, "each piece is asked for whole: {order:?}");
    assert_eq!(picker.pick(&source(None), &mut rng).map(|at| at.piece), Some(3), "when it has nothing of its own left");
}
