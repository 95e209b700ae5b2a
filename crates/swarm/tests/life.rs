//! A torrent's life besides the download: metadata from peers, checking, the end, bad disks.
mod common;

use common::{BLOCK, World, info};
use teem_swarm::event::{Event, State};
use teem_swarm::job::{DiskError, DiskErrorKind, Done, Reader};
use teem_swarm::selection::Selection;
use teem_swarm::torrent::Torrent;
use teem_wire::peer::message::Message;

fn all(world: &World) -> Vec<u32> {
    (0..world.info.piece_count()).collect()
}

#[test]
fn by_info_hash_alone() {
    let mut world = World::new(info(2 << 20, 4 * BLOCK));
    let seed = world.add(all(&world), 0);
    let peer = world.add_with(Vec::new(), 0, None, |add| add.info = None);
    let friend = world.add_with(Vec::new(), 0, None, |add| add.info = None);
    world.connect(peer, seed);
    world.connect(friend, peer);
    let fetched = |n: usize| move |w: &World| w.nodes[n].events.iter().any(|e| matches!(e, Event::Metadata { .. }));
    assert!(world.run(10, fetched(peer)));
    assert!(world.run(10, fetched(friend)), "it passes on what it was told");
    assert!(world.run(30, |w| w.is_complete(peer) && w.is_complete(friend)));
}

#[test]
fn what_is_checked_meanwhile_is_told_and_nothing_is_asked_for_before() {
    let mut world = World::new(info(1 << 20, 4 * BLOCK));
    let node = world.add(Vec::new(), 0);
    let torrent = world.nodes[node].machine.torrent.id();
    // The answer comes before the disk's own: half is there, the rest has to be hashed.
    let opened = Done::Opened {
        torrent,
        have: (0..8).collect(),
        check: (8..16).collect(),
        facts: teem_swarm::job::Facts::default(),
        selection: Selection::all(),
    };
    let conn = world.puppet(node, true);
    world.say(node, conn, Message::HaveAll);
    world.heard(node, conn);
    world.act(node, |t, cx| t.disk(cx, opened));
    let said = world.heard(node, conn);
    assert_eq!(said.iter().filter(|m| matches!(m, Message::Have(_))).count(), 8);
    assert_eq!((world.nodes[node].machine.torrent.state(), world.snapshot(node).checked), (State::Checking, (0, 8)));
    for piece in 8..16 {
        world.act(node, |t, cx| t.disk(cx, Done::Checked { torrent, piece, ok: piece != 9 }));
    }
    assert_eq!(world.nodes[node].machine.torrent.state(), State::Downloading);
    assert!(world.heard(node, conn).contains(&Message::Interested));
    assert_eq!(world.snapshot(node).pieces, 15);
}

#[test]
fn a_damaged_piece_is_fetched_again_and_asking_for_it_is_no_offence() {
    let mut world = World::new(info(1 << 20, 4 * BLOCK));
    let (seed, other) = (world.add(all(&world), 0), world.add(all(&world), 0));
    world.wait(1);
    let conn = world.puppet(seed, true);
    world.say(seed, conn, Message::Interested);
    let at = teem_wire::peer::block::BlockRef { piece: 3, begin: 0, len: BLOCK };
    world.say(seed, conn, Message::Request(at));
    let error = DiskError { kind: DiskErrorKind::Changed, message: "x changed".into() };
    let torrent = world.nodes[seed].machine.torrent.id();
    world.heard(seed, conn);
    world.act(seed, |t, cx| t.disk(cx, Done::ReadFailed { torrent, reader: Reader::Peer(conn), at, error }));
    let heard = world.heard(seed, conn);
    assert_eq!(heard[0], Message::Reject(at));
    let wants = |m: &Message| matches!(m, Message::ExtendedHandshake(said) if said.upload_only == Some(false));
    assert!(heard[1..].iter().all(wants), "{heard:?}");
    assert_eq!(world.nodes[seed].machine.torrent.state(), State::Downloading);
    for _ in 0..400 {
        world.say(seed, conn, Message::Request(at));
    }
    assert_eq!(world.why_closed(seed, conn), None);
    world.connect(seed, other);
    world.content(seed).damage(3);
    assert!(world.run(20, |w| w.nodes[seed].machine.torrent.state() == State::Seeding));
}

#[test]
fn what_is_published_is_never_downloaded() {
    let mut world = World::new(info(1 << 20, 4 * BLOCK));
    let source = world.add_with((0..15).collect(), 0, None, |add| add.publish = true);
    let seed = world.add(all(&world), 0);
    world.connect(source, seed);
    world.wait(30);
    assert_eq!((world.nodes[source].machine.torrent.state(), world.nodes[source].got), (State::Seeding, 0));
    assert!(!world.is_complete(source));
}

#[test]
fn a_disk_that_fails_is_tried_again_by_itself() {
    let mut world = World::new(info(1 << 20, 4 * BLOCK));
    let seed = world.add(all(&world), 0);
    let peer = world.add(Vec::new(), 0);
    world.wait(1);
    let torrent = world.nodes[peer].machine.torrent.id();
    let error = DiskError { kind: DiskErrorKind::Io, message: "input/output error".into() };
    world.act(peer, |t, cx| t.disk(cx, Done::WriteFailed { torrent, piece: 0, error }));
    world.connect(peer, seed);
    assert!(!world.run(8, |w| w.is_complete(peer)));
    assert!(world.nodes[peer].events.iter().any(|e| matches!(e, Event::Disk { .. })));
    assert!(world.run(10, |w| w.is_complete(peer)));
    assert!(world.nodes[peer].events.iter().any(|e| matches!(e, Event::DiskRecovered { .. })));
}

#[test]
fn the_end_lets_go_of_everything() {
    let mut world = World::new(info(4 << 20, 4 * BLOCK));
    let seed = world.add(all(&world), 1 << 20);
    let peer = world.add(Vec::new(), 0);
    world.connect(peer, seed);
    world.wait(2);
    world.act(peer, Torrent::remove);
    assert!(world.run(5, |w| w.nodes[peer].machine.torrent.is_removed(w.now)));
    let node = &world.nodes[peer];
    assert_eq!(
        (node.machine.torrent.peer_count(), node.machine.torrent.deadline(&node.machine.shared, world.now)),
        (0, None)
    );
}

#[test]
fn a_torrent_without_peers_sleeps() {
    let mut world = World::new(info(4 << 20, 4 * BLOCK));
    let seed = world.add(all(&world), 0);
    world.wait(10);
    let node = &world.nodes[seed];
    assert_eq!(node.machine.torrent.deadline(&node.machine.shared, world.now), None);
}

#[test]
fn want_of_space_found_before_the_check_is_over_counts_from_the_download_on() {
    let mut world = World::new(info(1 << 20, 4 * BLOCK));
    let seed = world.add(all(&world), 0);
    let node = world.add(Vec::new(), 0);
    let torrent = world.nodes[node].machine.torrent.id();
    let facts = teem_swarm::job::Facts::default();
    let opened = Done::Opened { torrent, have: vec![], check: vec![5], facts, selection: Selection::all() };
    world.act(node, |t, cx| t.disk(cx, opened));
    let error = DiskError { kind: DiskErrorKind::NoSpace, message: "needs 1 MiB, has none".into() };
    world.act(node, |t, cx| t.disk(cx, Done::Trouble { torrent, error }));
    assert_eq!(world.nodes[node].machine.torrent.state(), State::Checking);
    world.act(node, |t, cx| t.disk(cx, Done::Checked { torrent, piece: 5, ok: false }));
    assert_eq!(world.nodes[node].machine.torrent.state(), State::DiskTrouble);
    world.connect(node, seed);
    world.wait(20);
    assert_eq!(world.nodes[node].got, 0);
    world.act(node, |t, cx| t.disk(cx, Done::Recovered { torrent }));
    assert!(world.run(20, |w| w.is_complete(node)));
}

#[test]
fn peers_of_an_earlier_run_are_dialled_but_not_for_a_private_torrent() {
    for private in [false, true] {
        let flag = if private { "7:privatei1e" } else { "" };
        let raw = format!("d6:lengthi16384e4:name1:x12:piece lengthi16384e6:pieces20:{}{flag}e", "h".repeat(20));
        let info = teem_metainfo::Info::parse(raw.as_bytes(), &teem_metainfo::Limits::FILE).expect("valid");
        let mut world = World::new(std::sync::Arc::new(info));
        world.remembered.0.peers = vec!["198.18.9.9:6881".into()];
        let me = world.add(Vec::new(), 0);
        world.wait(1);
        let now = world.now;
        assert_eq!(world.nodes[me].machine.torrent.next_dial(now).is_some(), !private);
    }
}
