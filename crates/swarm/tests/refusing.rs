//! Peers that let us ask and reject everything: they are asked ever more rarely, whatever else they do (BEP 6; bad input, row 39;
//! own design: `peer::refusals`).
mod common;

use common::{BLOCK, World, info};
use std::time::Duration;
use teem_swarm::ids::ConnId;
use teem_swarm::time::Time;
use teem_wire::peer::message::Message;

/// Answers each request with a reject for so long; when the requests came. `also` plays the peer once a second.
fn reject_all(world: &mut World, node: usize, conn: ConnId, seconds: u64, also: impl Fn(&mut World, u64)) -> Vec<Time> {
    let mut asked = Vec::new();
    for second in 0..seconds {
        let mut begun = asked.len();
        loop {
            for message in world.heard(node, conn) {
                if let Message::Request(at) = message {
                    asked.push(world.now);
                    world.say(node, conn, Message::Reject(at));
                }
            }
            if asked.len() == begun {
                break;
            }
            begun = asked.len();
        }
        if second % 60 == 0 {
            world.say(node, conn, Message::KeepAlive);
        }
        also(world, second);
        world.wait(1);
    }
    asked
}

fn leech() -> (World, usize, ConnId) {
    let mut world = World::new(info(64 << 20, 4 * BLOCK));
    let leech = world.add(Vec::new(), 0);
    world.wait(1);
    let conn = world.puppet(leech, true);
    world.say(leech, conn, Message::HaveAll);
    world.say(leech, conn, Message::Unchoke);
    (world, leech, conn)
}

fn within(asked: &[Time], begun: Time, from: u64, to: u64) -> usize {
    let span = Duration::from_secs(from)..Duration::from_secs(to);
    asked.iter().filter(|at| span.contains(&at.since(begun))).count()
}

#[test]
fn it_is_asked_ever_more_rarely() {
    let (mut world, leech, conn) = leech();
    let begun = world.now;
    let asked = reject_all(&mut world, leech, conn, 3600, |_, _| {});
    let first = within(&asked, begun, 0, 60);
    let later = within(&asked, begun, 600, 1800);
    let last = within(&asked, begun, 1800, 3600);
    let all = (first, later, last);
    assert!((16..=128).contains(&first) && (1..=12).contains(&later) && (1..=6).contains(&last), "{all:?}");
    assert_eq!(world.why_closed(leech, conn), None);
}

#[test]
fn choking_and_unchoking_does_not_make_it_new() {
    let (mut world, leech, conn) = leech();
    let begun = world.now;
    let asked = reject_all(&mut world, leech, conn, 1800, |world, second| {
        let word = if second % 2 == 0 { Message::Choke } else { Message::Unchoke };
        world.say(leech, conn, word);
    });
    let last = within(&asked, begun, 600, 1800);
    assert!(last <= 12, "asked {last} times in 10 to 30 minutes, {} in all", asked.len());
    assert_eq!(world.why_closed(leech, conn), None);
}

#[test]
fn a_block_makes_up_for_everything() {
    let (mut world, leech, conn) = leech();
    reject_all(&mut world, leech, conn, 900, |_, _| {});
    let next = loop {
        let at = world
            .heard(leech, conn)
            .into_iter()
            .find_map(|m| if let Message::Request(at) = m { Some(at) } else { None });
        if let Some(at) = at {
            break at;
        }
        world.say(leech, conn, Message::Interested);
        world.wait(1);
    };
    let mut given = 0;
    world.send_block(leech, conn, next);
    for _ in 0..60 {
        for message in world.heard(leech, conn) {
            if let Message::Request(at) = message {
                world.send_block(leech, conn, at);
                given += 1;
            }
        }
        world.wait(1);
    }
    assert!(given > 200, "{given} blocks in the minute after it");
}

#[test]
fn one_that_gives_is_not_held_back_by_those_that_reject() {
    let mut world = World::new(info(8 << 20, 4 * BLOCK));
    let leech = world.add(Vec::new(), 0);
    world.wait(1);
    let refusing: Vec<ConnId> = (0..20).map(|_| world.puppet(leech, true)).collect();
    for conn in &refusing {
        world.say(leech, *conn, Message::HaveAll);
        world.say(leech, *conn, Message::Unchoke);
    }
    let seed = world.add((0..world.info.piece_count()).collect(), 1 << 20);
    world.connect(leech, seed);
    let begun = world.now;
    while !world.is_complete(leech) {
        for conn in &refusing {
            for message in world.heard(leech, *conn) {
                if let Message::Request(at) = message {
                    world.say(leech, *conn, Message::Reject(at));
                }
            }
        }
        assert!(world.now.since(begun) < Duration::from_secs(16), "twice the time of the line");
        let end = world.now + Duration::from_millis(50);
        world.run(1, |w| w.now >= end);
    }
}
