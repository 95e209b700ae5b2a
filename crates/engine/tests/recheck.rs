//! Content that is hashed again because its owner asked: nobody is served what is damaged, what is missing is fetched anew, and the
//! owner sees that it goes on, how far it is and when it ends. The disk of the lab fails a test when a piece is read that is not there.
#![allow(clippy::unwrap_used)] // helpers of tests are tests
mod common;
use common::*;
use teem_swarm::command::{Command, Spreading};
use teem_swarm::event::{Event, Snapshot, State};
use teem_swarm::job::Job;
use teem_swarm::output::CloseReason;

const PIECES: u32 = 20;

/// What a node says of its torrent now.
fn figures(world: &mut World, node: usize) -> Snapshot {
    world.command(node, Command::Snapshot(ME));
    match world.nodes[node].events.pop() {
        Some(Event::Snapshot(figures)) => *figures,
        other => panic!("{other:?}"),
    }
}

/// The states that a node has been in, oldest first.
fn states(world: &World, node: usize) -> Vec<State> {
    let of = |event: &Event| if let Event::State { state, .. } = event { Some(*state) } else { None };
    world.nodes[node].events.iter().filter_map(of).collect()
}

/// How many pieces each recheck of a node found lost.
fn rechecked(world: &World, node: usize) -> Vec<u32> {
    let of = |event: &Event| if let Event::Rechecked { lost, .. } = event { Some(*lost) } else { None };
    world.nodes[node].events.iter().filter_map(of).collect()
}

fn checked(world: &World, node: usize) -> Vec<(u32, bool)> {
    let of = |event: &Event| if let Event::Checked { piece, ok, .. } = event { Some((*piece, *ok)) } else { None };
    world.nodes[node].events.iter().filter_map(of).collect()
}

/// Seeds with the torrent open, each with a line of 1 MB/s that the tests outrun.
fn seeds(count: usize, spreading: Spreading, publish: bool) -> World {
    let mut world = World::of_engines(info(u64::from(PIECES), false));
    for n in 0..count {
        world.node(true);
        world.nodes[n].line = 1_000_000;
        let Command::Add(mut add) = torrent(&world.info, true, &[], &[]) else { panic!("a torrent is added") };
        (add.spreading, add.publish) = (spreading, publish);
        world.command(n, Command::Add(add));
    }
    world.until(5, |w| (0..count).all(|n| w.has_completed(n, ME)));
    world
}

/// A piece of which no block has been sent.
fn unsent(world: &World) -> u32 {
    (0..PIECES).find(|piece| world.sent.iter().all(|(_, at)| at.piece != *piece)).unwrap()
}

/// A downloader that knows these nodes.
fn downloader(world: &mut World, knows: &[usize]) -> usize {
    let node = world.node(false);
    let peers: Vec<_> = knows.iter().map(|n| world.nodes[*n].addr).collect();
    let add = torrent(&world.info, true, &peers, &[]);
    world.command(node, add);
    node
}

#[test]
fn a_seed_serves_nothing_that_is_damaged_and_fetches_it_from_another() {
    for spreading in [Spreading::Ordinary, Spreading::Granting, Spreading::Frugal] {
        let mut world = seeds(1, spreading, false);
        let taker = downloader(&mut world, &[0]);
        world.until(20, |w| w.nodes[taker].disk.pieces(ME) >= 5);
        let lost = unsent(&world);
        world.nodes[0].disk.of(ME).damage(lost);
        world.command(0, Command::Recheck(ME));
        assert_eq!(states(&world, 0).last(), Some(&State::Checking));
        let now = figures(&mut world, 0);
        assert_eq!((now.pieces, now.checked, now.seeds + now.downloaders), (0, (0, PIECES), 0), "{spreading:?}");
        assert!(world.nodes[0].closed.iter().any(|(_, why)| *why == CloseReason::Stopping));
        world.until(20, |w| !rechecked(w, 0).is_empty());
        assert_eq!(rechecked(&world, 0), [1]);
        assert_eq!(checked(&world, 0).len(), PIECES as usize);
        assert_eq!(checked(&world, 0).iter().filter(|(_, ok)| !ok).collect::<Vec<_>>(), [&(lost, false)]);
        assert_eq!(states(&world, 0).last(), Some(&State::Downloading));
        assert_eq!(figures(&mut world, 0).checked, (PIECES, PIECES));
        world.until(200, |w| w.nodes[taker].disk.pieces(ME) == PIECES - 1);
        assert_eq!(figures(&mut world, 0).pieces, PIECES - 1);

        let other = world.node(true);
        let peers = [world.nodes[0].addr, world.nodes[taker].addr];
        let add = torrent(&world.info, true, &peers, &[]);
        world.command(other, add);
        world.until(200, |w| w.nodes[0].disk.pieces(ME) == PIECES && w.nodes[taker].disk.pieces(ME) == PIECES);
        world.until(200, |w| states(w, 0).last() == Some(&State::Seeding));
    }
}

#[test]
fn a_source_whose_content_is_damaged_shows_the_rest_and_repairs_nothing() {
    let mut world = seeds(1, Spreading::Granting, true);
    let taker = downloader(&mut world, &[0]);
    world.until(20, |w| w.nodes[taker].disk.pieces(ME) >= 2);
    let lost = unsent(&world);
    world.nodes[0].disk.of(ME).damage(lost);
    world.command(0, Command::Recheck(ME));
    world.until(20, |w| !rechecked(w, 0).is_empty());
    assert_eq!(rechecked(&world, 0), [1]);
    assert_eq!(states(&world, 0).last(), Some(&State::Seeding), "what is published is not fetched");
    world.until(200, |w| w.nodes[taker].disk.pieces(ME) == PIECES - 1);
}

#[test]
fn a_download_goes_on_where_it_was() {
    for disk_ms in [1, 400] {
        let mut world = seeds(1, Spreading::Ordinary, false);
        // A slow disk has whole pieces to judge and parts of others when it is asked to hash all.
        world.disk = core::time::Duration::from_millis(disk_ms);
        let taker = downloader(&mut world, &[0]);
        world.until(20, |w| w.nodes[taker].disk.pieces(ME) >= 5);
        world.command(taker, Command::Recheck(ME));
        world.command(taker, Command::Recheck(ME));
        assert_eq!(figures(&mut world, taker).pieces, 0);
        world.until(20, |w| !rechecked(w, taker).is_empty());
        assert_eq!(rechecked(&world, taker), [0], "asked for twice, done once");
        assert!(figures(&mut world, taker).pieces >= 5);
        world.until(60, |w| w.is_complete(taker));
        let got = world.nodes[taker].got;
        assert!(got < (u64::from(PIECES) + 10) * 65_536, "{got}: what was whole is not fetched again");
        world.wait(5);
        assert_eq!(rechecked(&world, taker), [0]);
    }
}

#[test]
fn what_another_put_there_is_found() {
    let mut world = seeds(1, Spreading::Ordinary, false);
    let alone = downloader(&mut world, &[]);
    world.until(5, |w| states(w, alone).last() == Some(&State::Downloading));
    world.nodes[alone].disk.of(ME).put(0..PIECES);
    world.command(alone, Command::Recheck(ME));
    world.until(5, |w| w.is_complete(alone));
    assert_eq!((rechecked(&world, alone), world.nodes[alone].got), (vec![0], 0));
}

#[test]
fn one_that_rests_is_hashed_when_it_is_resumed() {
    let mut world = seeds(1, Spreading::Ordinary, false);
    world.command(0, Command::Pause(ME));
    world.until(5, |w| states(w, 0).last() == Some(&State::Paused));
    world.nodes[0].disk.whole = false;
    world.nodes[0].disk.of(ME).damage(7);
    world.command(0, Command::Recheck(ME));
    world.wait(5);
    assert_eq!((states(&world, 0).last(), checked(&world, 0).len()), (Some(&State::Paused), 0));
    world.command(0, Command::Resume(ME));
    world.until(5, |w| states(w, 0).last() == Some(&State::Checking));
    world.until(5, |w| !rechecked(w, 0).is_empty());
    assert_eq!(rechecked(&world, 0), [1]);
    assert_eq!(states(&world, 0).last(), Some(&State::Downloading));
    world.command(0, Command::Pause(ME));
    world.until(9, |w| states(w, 0).last() == Some(&State::Paused));
    world.command(0, Command::Resume(ME));
    world.until(5, |w| states(w, 0).last() == Some(&State::Downloading));
    assert_eq!(rechecked(&world, 0), [1], "once is enough");
}

#[test]
fn one_that_is_paused_meanwhile_is_hashed_from_the_start_when_it_is_resumed() {
    let mut world = seeds(1, Spreading::Ordinary, false);
    world.command(0, Command::Recheck(ME));
    world.command(0, Command::Pause(ME));
    world.until(5, |w| states(w, 0).last() == Some(&State::Paused));
    assert_eq!(rechecked(&world, 0), [] as [u32; 0]);
    world.command(0, Command::Resume(ME));
    world.until(5, |w| !rechecked(w, 0).is_empty());
    assert_eq!(rechecked(&world, 0), [0]);
    world.until(5, |w| states(w, 0).last() == Some(&State::Seeding));
}

#[test]
fn a_torrent_that_is_not_open_yet_is_hashed_as_soon_as_it_is() {
    let mut world = World::of_engines(info(u64::from(PIECES), false));
    world.node(true);
    let add = torrent(&world.info, true, &[], &[]);
    world.command(0, add);
    world.command(0, Command::Recheck(ME));
    world.until(5, |w| !rechecked(w, 0).is_empty());
    assert_eq!((checked(&world, 0).len(), rechecked(&world, 0)), (PIECES as usize, vec![0]));
    world.until(5, |w| states(w, 0).last() == Some(&State::Seeding));
}

#[test]
fn the_owner_is_told_that_a_piece_is_complete_only_when_it_was_hashed() {
    let mut world = seeds(1, Spreading::Ordinary, false);
    world.nodes[0].disk.silent = true;
    world.command(0, Command::Recheck(ME));
    world.wait(600);
    assert_eq!(figures(&mut world, 0).state, State::Checking, "a disk that hangs is waited for");
    let taker = downloader(&mut world, &[0]);
    world.wait(60);
    assert_eq!(world.nodes[taker].got, 0);
    world.nodes[0].disk.silent = false;
    for done in world.nodes[0].disk.run(Job::Check { torrent: ME, pieces: (0..PIECES).collect() }) {
        world.give(0, teem_engine::input::Input::Disk(done));
    }
    world.until(60, |w| w.is_complete(taker));
}
