//! Content that the owner of a torrent reads for itself: how many blocks are under way, what a refusal says, and that readers and peers
//! share the disk.
mod common;
use common::*;
use core::time::Duration;
use std::net::SocketAddr;
use teem_sim::lab::engines::TORRENT;
use teem_swarm::command::Command;
use teem_swarm::event::{Event, State};
use teem_swarm::ids::{ReadId, TorrentId};
use teem_swarm::job::{DiskErrorKind, ReadError};
use teem_wire::peer::block::{BLOCK_LEN, BlockRef};

/// Blocks that may be under way to owners.
const BOUND: u64 = 32;
const OTHER: TorrentId = TorrentId(2);

/// The `n`th block of content in pieces of four blocks.
fn block(n: u64) -> BlockRef {
    BlockRef { piece: (n / 4) as u32, begin: (n % 4) as u32 * BLOCK_LEN, len: BLOCK_LEN }
}

fn read(world: &mut World, node: usize, torrent: TorrentId, n: u64) {
    world.command(node, Command::Read { torrent, id: ReadId(n), at: block(n) });
}

/// A world with one seed of a torrent of that many pieces, opened.
fn seed(pieces: u64) -> (World, usize) {
    let mut world = empty();
    let seed = world.node(true);
    world.command(seed, torrent(&info(pieces, false), true, &[], &[]));
    world.until(10, |w| w.nodes[seed].events.iter().any(|e| matches!(e, Event::State { state: State::Seeding, .. })));
    (world, seed)
}

/// Which reads of a node have been answered, and whether with a block.
fn answers(world: &World, node: usize) -> Vec<(u64, bool)> {
    world.nodes[node].reads.iter().map(|(_, id, result)| (id.0, result.is_ok())).collect()
}

#[test]
fn thirty_two_blocks_are_under_way_and_the_next_is_told_that_it_is_busy() {
    let (mut world, seed) = seed(20);
    // The bound is for all torrents together.
    world.command(seed, limited(torrent(&info(21, false), true, &[], &[]), OTHER, None, None));
    world.until(10, |w| w.has_completed(seed, OTHER));
    for n in 0..BOUND + 2 {
        read(&mut world, seed, if n % 2 == 0 { TORRENT } else { OTHER }, n);
    }
    let busy: Vec<_> = world.nodes[seed].reads.iter().map(|(_, id, result)| (id.0, result.clone())).collect();
    assert_eq!(busy, [(BOUND, Err(ReadError::Busy)), (BOUND + 1, Err(ReadError::Busy))]);

    world.wait(1);
    let got = answers(&world, seed).split_off(2);
    assert_eq!(
        got,
        (0..BOUND).map(|n| (n, true)).collect::<Vec<_>>(),
        "each once, in the order in which they were asked"
    );
    for (_, id, result) in &world.nodes[seed].reads[2..] {
        assert_eq!(result, &Ok(Block::right(block(id.0))));
    }
    // All have been answered, so as many may be under way again.
    for n in 0..=BOUND {
        read(&mut world, seed, TORRENT, n);
    }
    world.wait(1);
    let again = answers(&world, seed).split_off(2 + BOUND as usize);
    assert_eq!((again.len(), again[0]), (BOUND as usize + 1, (BOUND, false)));
    assert!(again[1..].iter().all(|(_, ok)| *ok));
}

#[test]
fn what_is_not_there_is_refused_at_once_and_costs_no_place() {
    let (mut world, seed) = seed(2);
    for n in 8..60 {
        read(&mut world, seed, TORRENT, n);
        read(&mut world, seed, OTHER, n);
    }
    let refusals: Vec<_> = world.nodes[seed].reads.iter().map(|(.., result)| result.clone()).collect();
    for pair in refusals.chunks(2) {
        assert_eq!(pair, [Err(ReadError::NotThere), Err(ReadError::NoTorrent)]);
    }
    read(&mut world, seed, TORRENT, 0);
    world.wait(1);
    assert_eq!(answers(&world, seed).last(), Some(&(0, true)));
}

#[test]
fn an_error_of_the_disk_is_told_frees_its_place_and_the_piece_is_not_claimed_any_more() {
    let (mut world, seed) = seed(20);
    world.nodes[seed].disk.of(TORRENT).trouble.bad_reads = 3;
    for n in 0..3 {
        read(&mut world, seed, TORRENT, n * 4);
    }
    world.wait(1);
    for (_, _, result) in &world.nodes[seed].reads {
        let Err(ReadError::Disk(error)) = result else { panic!("{result:?}") };
        assert_eq!((error.kind, &*error.message), (DiskErrorKind::Io, "cannot read: I/O error"));
    }
    // A downloader hears of the others only, and of these three it gets nothing.
    let get = world.node(false);
    let addr = world.nodes[seed].addr;
    world.command(get, torrent(&info(20, false), true, &[addr], &[]));
    world.until(60, |w| w.nodes[get].disk.pieces(TORRENT) == 17);
    world.wait(60);
    assert_eq!(world.nodes[get].disk.pieces(TORRENT), 17);
    read(&mut world, seed, TORRENT, 4);
    assert_eq!(world.nodes[seed].reads.last().map(|(.., result)| result.clone()), Some(Err(ReadError::NotThere)));

    let before = world.nodes[seed].reads.len();
    for n in 0..=BOUND {
        read(&mut world, seed, TORRENT, 12 + n);
    }
    world.wait(1);
    let after = &answers(&world, seed)[before..];
    assert_eq!(after.iter().filter(|(_, ok)| *ok).count(), BOUND as usize, "the places of reads that failed are free");
}

#[test]
fn reads_that_are_under_way_when_their_torrent_goes_are_answered_once() {
    let (mut world, seed) = seed(20);
    for n in 0..10 {
        read(&mut world, seed, TORRENT, n);
    }
    world.command(seed, Command::Remove(TORRENT));
    world.until(20, |w| w.is_removed(seed));
    world.wait(5);
    let mut ids: Vec<u64> = answers(&world, seed).iter().map(|(id, _)| *id).collect();
    ids.sort_unstable();
    assert_eq!(ids, (0..10).collect::<Vec<_>>());
}

/// A seed whose disk reads a block in two milliseconds, one after the other, and eight downloaders on lines without a limit; until all of them
/// have everything its owner has so many reads under way. What the downloaders took, and what came to the owner, when.
fn beside_peers(under_way: u64) -> (Duration, Vec<Duration>) {
    const PIECES: u64 = 64;
    let (mut world, seed) = seed(PIECES);
    world.nodes[seed].read_time = Duration::from_millis(2);
    let addr: SocketAddr = world.nodes[seed].addr;
    let gets: Vec<usize> = (0..8).map(|_| world.node(false)).collect();
    for get in &gets {
        // They don't know each other, so each takes all from the seed.
        world.command(*get, torrent(&info(PIECES, false), true, &[addr], &[]));
    }
    let start = world.now;
    let mut next = 0;
    while !gets.iter().all(|get| world.has_completed(*get, TORRENT)) {
        while next < world.nodes[seed].reads.len() as u64 + under_way {
            world.command(
                seed,
                Command::Read { torrent: TORRENT, id: ReadId(next), at: block(next % (PIECES * 4 - 1)) },
            );
            next += 1;
        }
        let end = world.now + Duration::from_secs(120);
        assert!(world.step(end), "somebody waits for ever");
    }
    assert!(world.nodes[seed].reads.iter().all(|(.., result)| result.is_ok()));
    let times = world.nodes[seed].reads.iter().map(|(at, ..)| at.since(start)).collect();
    (world.now.since(start), times)
}

#[test]
fn neither_the_owner_nor_busy_peers_starve() {
    let (alone, _) = beside_peers(0);
    let (beside, reads) = beside_peers(BOUND);
    // The owner has at most half of the disk, the peers at least the other half.
    assert!(beside <= alone * 2, "peers take {beside:?} beside a reader and {alone:?} without");
    let peers = 8 * 64 * 4;
    assert!(reads.len() * 8 >= peers, "the owner got {} blocks while peers got {peers}", reads.len());
    let longest = reads.windows(2).map(|pair| pair[1].saturating_sub(pair[0])).max().unwrap();
    assert!(longest < Duration::from_millis(500), "the owner waited {longest:?} for one block");
}
