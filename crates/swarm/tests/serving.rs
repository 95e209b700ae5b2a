//! In which order pieces leave where no limit is set, and where a piece goes on that waits too long (own design: `choke::ahead`,
//! `torrent::download::moving`).
mod common;

use common::{BLOCK, World, info};
use std::collections::BTreeSet;
use teem_swarm::ids::ConnId;
use teem_swarm::output::CloseReason;
use teem_wire::peer::block::BlockRef;
use teem_wire::peer::message::Message;

const ME: usize = 0;
/// Blocks in a piece: twice what is read at once for a peer that has shown nothing.
const PIECE: u32 = 16;

fn blocks(piece: u32) -> impl Iterator<Item = BlockRef> {
    (0..PIECE).map(move |i| BlockRef { piece, begin: i * BLOCK, len: BLOCK })
}

/// A seed of friends on a line of 500 kB/s, six of whom may ask; none has asked yet.
fn six_friends() -> (World, Vec<ConnId>) {
    let mut world = World::new(info(64 << 18, PIECE * BLOCK));
    world.add_with((0..64).collect(), 500_000, None, |add| add.cooperative = true);
    world.wait(1);
    let friends: Vec<ConnId> = (0..6).map(|_| world.puppet(ME, true)).collect();
    for friend in &friends {
        world.say(ME, *friend, Message::HaveNone);
        world.say(ME, *friend, Message::Interested);
    }
    world.wait(20);
    let heard = friends.iter().all(|friend| world.heard(ME, *friend).contains(&Message::Unchoke));
    assert!(heard, "all six may ask");
    (world, friends)
}

fn ask(world: &mut World, friend: ConnId, piece: u32) {
    for at in blocks(piece) {
        world.say(ME, friend, Message::Request(at));
    }
}

#[test]
fn without_a_limit_pieces_that_are_begun_leave_before_others_begin() {
    let (mut world, friends) = six_friends();
    for (friend, piece) in friends.iter().zip(0..) {
        ask(&mut world, *friend, piece);
    }
    assert!(world.run(10, |w| w.sent.len() == 6 * PIECE as usize), "everything leaves");
    // What is read ahead is four peers' first half; and these have the whole before the other two begin.
    let first = &world.sent[..4 * PIECE as usize];
    assert_eq!(first.iter().map(|(conn, _)| *conn).collect::<BTreeSet<_>>().len(), 4);
}

#[test]
fn those_who_read_nothing_do_not_hold_up_the_line() {
    let (mut world, friends) = six_friends();
    world.deaf = friends[..5].to_vec();
    for (friend, piece) in friends.iter().zip(0..) {
        ask(&mut world, *friend, piece);
    }
    let got = |w: &World| w.sent.iter().filter(|(conn, _)| *conn == friends[5]).count();
    assert!(world.run(6, |w| got(w) == PIECE as usize), "{} blocks to the one who reads", got(&world));
    assert!(world.sent.len() <= PIECE as usize + 5 * 8, "and little is read for the others");
}

#[test]
fn a_piece_of_which_nothing_comes_is_moved_to_a_peer_that_is_at_nothing() {
    let mut world = World::new(info(u64::from(PIECE * BLOCK), PIECE * BLOCK));
    world.add(Vec::new(), 0);
    world.wait(1);
    let holders = [world.puppet(ME, true), world.puppet(ME, true)];
    for holder in holders {
        world.say(ME, holder, Message::HaveAll);
        world.say(ME, holder, Message::Unchoke);
    }
    let heard = holders.map(|holder| world.heard(ME, holder));
    let requests = |said: &[Message]| said.iter().filter(|m| matches!(m, Message::Request(_))).count();
    assert_eq!([requests(&heard[0]), requests(&heard[1])], [PIECE as usize, 0], "it is asked for as a whole at first");
    world.wait(1);
    assert_eq!(requests(&world.heard(ME, holders[1])), 0, "it is waited for");
    world.wait(3);
    let heard = world.heard(ME, holders[0]);
    let cancels = heard.iter().filter(|m| matches!(m, Message::Cancel(_))).count();
    assert_eq!(cancels, PIECE as usize, "then it is not waited for any more");
    // What the first had sent before our CANCEL came is used, and not asked for again.
    for at in blocks(0).take(4) {
        world.send_block(ME, holders[0], at);
    }
    while !world.is_complete(ME) {
        let more = world.heard(ME, holders[1]);
        assert!(requests(&more) > 0, "the other is asked");
        let request = |m: &Message| if let Message::Request(at) = m { Some(*at) } else { None };
        let cancelled: Vec<BlockRef> =
            more.iter().filter_map(|m| if let Message::Cancel(at) = m { Some(*at) } else { None }).collect();
        let wanted: Vec<BlockRef> = more.iter().filter_map(request).filter(|at| !cancelled.contains(at)).collect();
        for at in wanted {
            world.send_block(ME, holders[1], at);
        }
        world.run(1, |w| w.is_complete(ME));
    }
    assert_eq!((world.snapshot(ME).wasted, world.why_closed(ME, holders[1])), (0, Some(CloseReason::BothSeeds)));
}
