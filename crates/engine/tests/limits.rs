//! Limits of one torrent that are changed while it runs, in either direction, also to none; those who wait go on by the new ones.
mod common;
use common::*;
use teem_swarm::command::{Command, Spreading};
use teem_swarm::event::{Event, State};
use teem_swarm::ids::TorrentId;

/// A seed and a downloader of 4 MiB whose limits are these.
fn pair(up: Option<u64>, down: Option<u64>) -> World {
    let mut world = World::of_engines(info(64, false));
    for (node, up, down) in [(0, up, None), (1, None, down)] {
        world.node(node == 0);
        let peers = [world.nodes[0].addr];
        let add = torrent(&world.info, true, if node == 0 { &[] } else { &peers }, &[]);
        let Command::Add(mut add) = limited(add, ME, up, down) else { panic!("a torrent is added") };
        add.spreading = Spreading::Ordinary;
        world.command(node, Command::Add(add));
    }
    world.until(20, |w| w.nodes[1].got > 0);
    world
}

/// What comes to the downloader in so many seconds, in bytes a second.
fn rate(world: &mut World, seconds: u64) -> u64 {
    let before = world.nodes[1].got;
    world.wait(seconds);
    (world.nodes[1].got - before) / seconds
}

fn limit(world: &mut World, node: usize, up: Option<u64>, down: Option<u64>) {
    world.command(node, Command::TorrentLimits { torrent: ME, up, down });
}

fn is_about(found: u64, wanted: u64) -> bool {
    (wanted * 8 / 10..wanted * 12 / 10).contains(&found)
}

#[test]
fn what_is_sent_follows_the_limit_up_and_down_and_away() {
    let mut world = pair(Some(40_000), None);
    let slow = rate(&mut world, 10);
    assert!(is_about(slow, 40_000), "{slow}");
    limit(&mut world, 0, Some(160_000), None);
    let faster = rate(&mut world, 10);
    assert!(is_about(faster, 160_000), "{faster}");
    limit(&mut world, 0, Some(20_000), None);
    world.wait(5); // what was on its way
    let slower = rate(&mut world, 10);
    assert!(is_about(slower, 20_000), "{slower}");
    limit(&mut world, 0, None, None);
    world.until(2, |w| w.is_complete(1));
}

#[test]
fn what_is_received_follows_the_limit_up_and_down_and_away() {
    let mut world = pair(None, Some(40_000));
    let slow = rate(&mut world, 10);
    assert!(is_about(slow, 40_000), "{slow}");
    limit(&mut world, 1, None, Some(160_000));
    let faster = rate(&mut world, 10);
    assert!(is_about(faster, 160_000), "{faster}");
    limit(&mut world, 1, None, None);
    world.until(3, |w| w.is_complete(1));
}

#[test]
fn one_that_had_none_gets_one_and_the_other_direction_stays_free() {
    let mut world = pair(Some(40_000), None);
    limit(&mut world, 1, Some(1), None);
    limit(&mut world, 0, None, Some(1));
    world.until(3, |w| w.is_complete(1));

    let mut world = pair(None, None);
    world.nodes[0].line = 400_000;
    limit(&mut world, 1, None, Some(40_000));
    world.wait(2); // what had been asked for before
    let limited = rate(&mut world, 10);
    assert!(is_about(limited, 40_000), "{limited}");
}

#[test]
fn the_limit_of_one_that_is_not_there_is_nobodys() {
    let mut world = pair(Some(40_000), None);
    world.command(0, Command::TorrentLimits { torrent: TorrentId(77), up: None, down: None });
    let slow = rate(&mut world, 10);
    assert!(is_about(slow, 40_000), "{slow}");
}

#[test]
fn what_was_set_holds_over_a_pause() {
    let paused =
        |w: &World| w.nodes[0].events.iter().any(|event| matches!(event, Event::State { state: State::Paused, .. }));
    let mut world = pair(Some(1_000_000), None);
    limit(&mut world, 0, Some(500_000), None);
    world.command(0, Command::Pause(ME));
    world.until(5, paused);
    limit(&mut world, 0, Some(30_000), None);
    world.command(0, Command::Resume(ME));
    let before = world.nodes[1].got;
    world.until(200, |w| w.nodes[1].got > before + 200_000);
    let slow = rate(&mut world, 20);
    assert!(is_about(slow, 30_000), "{slow}");
}
