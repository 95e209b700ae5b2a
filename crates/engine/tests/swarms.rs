//! Several engines or torrents at once: limits shared fairly, broken lines, liars, both sides dialling, a full house.
mod common;
use common::*;
use core::net::SocketAddr;
use core::time::Duration;
use teem_engine::input::{Input, PeerSource};
use teem_swarm::command::Command;
use teem_swarm::event::Event;
use teem_swarm::ids::{GroupId, TorrentId};
use teem_swarm::output::CloseReason;
use teem_swarm::rng::Rng;

const OTHER: TorrentId = TorrentId(2);

/// A group of torrents that share limits.
const GROUP: GroupId = GroupId(7);

/// A seed with two torrents of a MiB each and a get of both, limited together as all torrents are or as a group; the milliseconds until each was there.
fn two_torrents(seed_limit: Option<u64>, get_limit: Option<u64>, grouped: bool) -> (u64, u64) {
    let infos = [info(16, false), info(17, false)];
    let mut world = empty();
    let (seed, get) = (world.node(true), world.node(false));
    let addr = world.nodes[seed].addr;
    for (node, up, down) in [(seed, seed_limit, None), (get, None, get_limit)] {
        let limits = Command::GroupLimits { group: GROUP, up, down };
        world.command(node, if grouped { limits } else { Command::Limits { up, down } });
    }
    for (info, id) in infos.iter().zip([ME, OTHER]) {
        for (node, peers) in [(seed, &[][..]), (get, &[addr][..])] {
            world.command(node, limited(torrent(info, true, peers, &[]), id, None, None));
            world.command(node, Command::Groups(id, if grouped { Box::new([GROUP]) } else { Box::default() }));
        }
    }
    let start = world.now;
    let mut times = [0, 0];
    for _ in 0..2 {
        world.until(60, |w| [ME, OTHER].iter().zip(times).any(|(id, t)| t == 0 && w.has_completed(get, *id)));
        for (id, time) in [ME, OTHER].iter().zip(&mut times) {
            if *time == 0 && world.has_completed(get, *id) {
                *time = world.now.since(start).as_millis() as u64;
            }
        }
    }
    (times[0], times[1])
}

#[test]
fn torrents_share_a_limit_of_either_direction_fairly() {
    for (up, down) in [(Some(256 << 10), None), (None, Some(256 << 10))] {
        for grouped in [false, true] {
            let (a, b) = two_torrents(up, down, grouped);
            assert!(a.abs_diff(b) < 2500, "{a} {b}");
            assert!((6500..14_000).contains(&a.max(b)), "2 MiB at 256 KiB/s: {a} {b}");
        }
    }
    let (a, b) = two_torrents(None, None, true);
    assert!(a.max(b) < 5000, "{a} {b}");
}

#[test]
fn broken_lines_cost_time_and_nothing_else() {
    let info = info(60, false);
    for seed in 0..6 {
        let mut rng = Rng::new(seed);
        let mut world = empty();
        world.node(true);
        let addrs: Vec<SocketAddr> = (0..5).map(|n| ([198, 18, 0, n], 5000).into()).collect();
        for _ in 0..4 {
            world.node(false);
        }
        for node in 0..5 {
            let known = node == 0;
            let up = Some(200_000);
            world.command(node, limited(torrent(&info, known, &addrs, &[]), ME, up, None));
        }
        for _ in 0..30 {
            world.wait(1);
            world.cut(rng.below(5) as usize, rng.below(6) as usize);
        }
        world.until(400, |w| (1..5).all(|get| w.is_complete(get)));
    }
}

#[test]
fn a_liar_is_banned_and_the_content_still_comes() {
    let info = info(20, false);
    let mut world = empty();
    let (good, liar, get) = (world.node(true), world.node(true), world.node(false));
    world.nodes[liar].lies = |_| true;
    let addrs = [world.nodes[good].addr, world.nodes[liar].addr];
    world.command(good, torrent(&info, true, &[], &[]));
    world.command(liar, torrent(&info, true, &[], &[]));
    world.command(get, torrent(&info, false, &addrs, &[]));
    world.until(300, |w| w.is_complete(get));
    let banned: Vec<_> = world.nodes[get]
        .events
        .iter()
        .filter_map(|e| if let Event::Banned { addr, .. } = e { Some(*addr) } else { None })
        .collect();
    assert!(banned.iter().all(|addr| *addr == addrs[1]), "{banned:?}");
}

#[test]
fn two_that_dial_each_other_keep_one_connection() {
    let info = info(40, false);
    let mut world = empty();
    let (a, b) = (world.node(false), world.node(false));
    let addrs = [world.nodes[a].addr, world.nodes[b].addr];
    world.nodes[a].disk.whole = true;
    world.command(a, limited(torrent(&info, true, &[addrs[1]], &[]), ME, Some(100_000), None));
    world.command(b, torrent(&info, true, &[addrs[0]], &[]));
    world.wait(10);
    for node in [a, b] {
        world.command(node, Command::Snapshot(ME));
        let Some(Event::Snapshot(snapshot)) = world.nodes[node].events.last() else { panic!("no answer") };
        assert_eq!(snapshot.peers.len(), 1);
    }
    let all: Vec<_> = world.nodes.iter().flat_map(|n| &n.closed).map(|(_, why)| *why).collect();
    assert!(all.iter().all(|why| matches!(why, CloseReason::Duplicate)), "{all:?}");
    world.until(60, |w| w.is_complete(b));
}

#[test]
fn availability_is_what_connected_peers_have_shown() {
    let info = info(40, false);
    let mut world = empty();
    let (seed, get) = (world.node(true), world.node(false));
    let addr = world.nodes[seed].addr;
    world.command(seed, limited(torrent(&info, true, &[], &[]), ME, Some(100_000), None));
    world.command(get, torrent(&info, true, &[addr], &[]));
    let told = |world: &mut World, node: usize| {
        world.command(node, Command::Availability(ME));
        let Some(Event::Availability { pieces, .. }) = world.nodes[node].events.last() else { panic!("no answer") };
        pieces.to_vec()
    };
    assert_eq!(told(&mut world, seed), [0; 40]);
    world.wait(3);
    for node in [seed, get] {
        let some = told(&mut world, node);
        assert!(some.iter().all(|peers| *peers <= 1) && some.contains(&1), "{some:?}");
    }
    world.until(60, |w| w.is_complete(get));
    world.wait(3);
    // Both are complete and have let go of each other.
    assert_eq!(told(&mut world, seed), [0; 40]);
}

#[test]
fn only_those_with_peers_are_busy_and_what_is_verified_is_told() {
    let info = info(10, false);
    let mut world = empty();
    let (seed, get) = (world.node(true), world.node(false));
    let addr = world.nodes[seed].addr;
    world.command(seed, limited(torrent(&info, true, &[], &[]), ME, Some(100_000), None));
    let busy = |world: &mut World, node: usize| {
        world.command(node, Command::Busy { ask: 7 });
        let Some(Event::Snapshots { ask: 7, list }) = world.nodes[node].events.last() else { panic!("no answer") };
        list.clone()
    };
    let verified = |world: &mut World, node: usize| {
        world.command(node, Command::Verified(ME));
        let Some(Event::Verified { pieces, .. }) = world.nodes[node].events.last() else { panic!("no answer") };
        pieces.to_vec()
    };
    world.wait(1);
    assert!(busy(&mut world, seed).is_empty());
    assert!(verified(&mut world, get).is_empty(), "there is no such torrent");
    world.command(get, torrent(&info, true, &[addr], &[]));
    world.wait(1);
    let [figures] = &busy(&mut world, get)[..] else { panic!("it has a peer") };
    assert!(figures.seeds == 1 && figures.peers.is_empty() && figures.downloaded <= figures.wanted);
    assert_eq!(verified(&mut world, seed), [0xff, 0xc0]);
    world.until(60, |w| w.is_complete(get));
    world.wait(3);
    assert_eq!(verified(&mut world, get), [0xff, 0xc0]);
    assert!(busy(&mut world, get).is_empty(), "both are complete and have let go of each other");
    let [figures] = &busy(&mut world, seed)[..] else { panic!("one has come and gone") };
    assert_eq!((figures.uploaded, figures.downloaders), (figures.wanted, 0));
    assert!(busy(&mut world, seed).is_empty(), "that is told once");
    world.command(get, Command::Announce(ME));
}

#[test]
fn a_private_torrent_ignores_peers_named_by_hand() {
    let info = info(4, true);
    let mut world = empty();
    let (seed, get) = (world.node(true), world.node(false));
    let addr = world.nodes[seed].addr;
    world.command(seed, torrent(&info, true, &[], &[]));
    world.command(get, torrent(&info, true, &[addr], &["http://t/announce", "http://u/announce"]));
    world.wait(30);
    world.command(get, Command::Peers { torrent: ME, source: PeerSource::User, list: vec![addr] });
    world.wait(30);
    assert!(!world.is_complete(get));
    assert!(world.nodes[get].events.iter().any(|e| matches!(e, Event::Notice { .. })));
    let asked: Vec<_> = world.nodes[get].announces.iter().map(|(_, _, url)| url.as_str()).collect();
    assert_eq!(asked, ["http://t/announce"], "one tracker at a time");
}

#[test]
fn the_same_torrent_twice_is_refused_and_the_first_goes_on() {
    let info = info(4, false);
    let mut world = empty();
    let node = world.node(true);
    world.command(node, torrent(&info, true, &[], &[]));
    world.command(node, limited(torrent(&info, true, &[], &[]), OTHER, None, None));
    assert!(matches!(world.nodes[node].events.last(), Some(Event::Failed { torrent: OTHER, .. })));
    world.command(node, Command::Remove(OTHER));
    assert!(world.is_removed(node) && world.nodes[node].machine.has(ME));
    world.until(5, |w| w.is_complete(node));
}

#[test]
fn no_torrent_is_called_when_nothing_happens() {
    let mut world = empty();
    let node = world.node(true);
    for n in 0..200 {
        let id = TorrentId(n + 1);
        world.command(node, limited(torrent(&info(u64::from(n) + 1, false), true, &[], &[]), id, None, None));
    }
    world.wait(60);
    assert_eq!(world.nodes[node].machine.deadline(), None, "no timers without peers and trackers");
    world.now = world.now + Duration::from_secs(1);
    world.give(node, Input::Tick);
}
