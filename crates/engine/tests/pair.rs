//! Engines among themselves: from a magnet link to completion, removal, dialling oneself.
mod common;
use common::*;
use teem_engine::{Engine, EngineConfig};
use teem_swarm::command::Command;
use teem_swarm::event::Event;
use teem_swarm::output::CloseReason;
use teem_swarm::remote::Transports;

#[test]
fn from_a_magnet_link_to_completion() {
    // With a thousand pieces the info dictionary itself has two.
    let info = info(1000, false);
    let mut world = empty();
    let (seed, get) = (world.node(true), world.node(false));
    let addr = world.nodes[seed].addr;
    world.command(seed, torrent(&info, true, &[], &[]));
    world.command(get, torrent(&info, false, &[addr], &[]));
    world.until(60, |w| w.is_complete(get));
    assert_eq!(world.nodes[get].disk.pieces(ME), 1000);
}

#[test]
fn a_get_that_starts_before_its_seed_finds_it_within_seconds() {
    let info = info(4, false);
    let mut world = empty();
    let (seed, get) = (world.node(true), world.node(false));
    let addr = world.nodes[seed].addr;
    world.command(get, torrent(&info, false, &[addr], &[]));
    world.wait(40);
    world.command(seed, torrent(&info, true, &[], &[]));
    world.until(25, |w| w.is_complete(get));
}

#[test]
fn pieces_go_on_from_peer_to_peer() {
    let info = info(40, false);
    let mut world = empty();
    let seed = world.node(true);
    let addrs: Vec<_> = (0..4).map(|n| ([198, 18, 0, n], 5000).into()).collect();
    for _ in 0..3 {
        world.node(false);
    }
    world.command(seed, torrent(&info, true, &[], &[]));
    for get in 1..4 {
        world.command(get, torrent(&info, false, &addrs, &[]));
    }
    world.until(120, |w| (1..4).all(|get| w.is_complete(get)));
    let ourselves =
        world.nodes.iter().flat_map(|n| &n.closed).filter(|(_, why)| *why == CloseReason::Ourselves).count();
    assert!(ourselves >= 1, "they were given their own address too");
}

#[test]
fn removal_ends_within_4_s_even_if_disk_and_trackers_are_silent() {
    let info = info(4, false);
    for (known, silent) in [(true, false), (true, true), (false, true)] {
        let mut world = empty();
        let node = world.node(false);
        world.nodes[node].disk.silent = silent;
        world.command(node, torrent(&info, known, &[], &["http://t/announce", "udp://u:5/announce"]));
        world.wait(3);
        world.command(node, Command::Remove(ME));
        world.until(4, |w| w.is_removed(node));
        assert_eq!(world.nodes[node].machine.deadline(), None);
        assert!(!world.nodes[node].machine.has(ME));
        world.wait(60);
        assert_eq!(world.nodes[node].events.iter().filter(|e| format!("{e:?}").contains("Removed")).count(), 1);
        world.command(node, torrent(&info, known, &[], &[]));
        assert!(world.nodes[node].machine.has(ME), "its info-hash is free again");
    }
}

/// Both are told of each other at one moment, and dial by the same way or by two.
#[test]
fn two_that_dial_each_other_by_whatever_ways_keep_the_same_connection() {
    let info = info(40, false);
    let (tcp, utp) = (Transports::Tcp, Transports::Utp);
    for (ones, others) in [(tcp, tcp), (tcp, utp), (utp, tcp), (utp, utp)] {
        let mut world = empty();
        for (n, transports) in [ones, others].into_iter().enumerate() {
            world.node(false);
            let config = EngineConfig { transports, ..EngineConfig::new(5000, n as u64 + 1) };
            world.nodes[n].machine = Engine::new(config);
        }
        for n in 0..2 {
            let them = world.nodes[1 - n].addr;
            world.command(n, torrent(&info, true, &[them], &[]));
        }
        // Neither has anything to give, so that neither leaves.
        world.wait(100);
        let mut ports = Vec::new();
        for n in 0..2 {
            world.command(n, Command::Snapshot(ME));
            let snapshot = world.nodes[n].events.iter().rev().find_map(|event| match event {
                Event::Snapshot(snapshot) => Some(snapshot.clone()),
                _ => None,
            });
            let snapshot = snapshot.unwrap();
            assert_eq!((snapshot.peers.len(), snapshot.dials.tried), (1, 1), "{ones:?} {others:?}");
            ports.push(snapshot.peers[0].addr.addr().unwrap().port());
        }
        ports.sort_unstable();
        assert_eq!(ports, [5000, 40_000], "{ones:?} {others:?}: who dialled it sees where it dialled");
    }
}
