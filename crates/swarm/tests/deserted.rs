//! A tracker that first names nobody of use is asked again after a minute, whatever its interval (interop rule 4).
#![allow(clippy::unwrap_used)] // a test may panic: that is its way to say no
mod common;

use common::{BLOCK, World, info};
use std::net::SocketAddr;
use std::time::Duration;
use teem_swarm::ask::Answer;
use teem_swarm::time::Time;
use teem_swarm::torrent::address::{DialError, PeerSource};
use teem_wire::tracker::announce::AnnounceReply;

const URL: &str = "http://t/announce";
const MINUTE: Duration = Duration::from_secs(60);

fn downloader(world: &mut World) -> usize {
    let node =
        world.add_with(Vec::new(), 0, None, |add| add.trackers = vec![vec![teem_metainfo::AnnounceUrl::of_user(URL)]]);
    assert!(world.run(1, |w| !w.nodes[node].announces.is_empty()));
    node
}

/// The tracker names these and wants to be asked again in half an hour. When it answered.
fn answer(world: &mut World, node: usize, min: Option<Duration>, peers: &[SocketAddr]) -> Time {
    let (interval, peers) = (30 * MINUTE, peers.to_vec());
    let reply = Ok(AnnounceReply { interval, min_interval: min, peers, ..AnnounceReply::default() });
    let id = world.nodes[node].announces.last().unwrap().1;
    let answer = Answer::Announced { source: PeerSource::LocalTracker, reply };
    world.act(node, |t, cx| t.answer(cx, id, answer));
    world.now
}

/// How long after an answer it is asked again.
fn asked_again(world: &mut World, node: usize, answered: Time) -> Duration {
    let before = world.nodes[node].announces.len();
    world.run(3600, |w| w.nodes[node].announces.len() > before);
    world.nodes[node].announces[before].0.since(answered)
}

fn liars(world: &mut World, count: usize) -> Vec<usize> {
    let all: Vec<u32> = (0..world.info.piece_count()).collect();
    let node = |world: &mut World| {
        let liar = world.add(all.clone(), 0);
        world.nodes[liar].lies = |_| true;
        liar
    };
    (0..count).map(|_| node(world)).collect()
}

#[test]
fn when_all_that_were_named_are_banned() {
    for (count, min) in [(1, None), (5, None), (5, Some(5 * MINUTE))] {
        let mut world = World::new(info(4 << 20, 4 * BLOCK));
        let liars = liars(&mut world, count);
        let node = downloader(&mut world);
        let addrs: Vec<SocketAddr> = liars.iter().map(|n| world.nodes[*n].addr).collect();
        let answered = answer(&mut world, node, min, &addrs);
        while world.nodes[node].machine.torrent.next_dial(answered).is_some() {}
        for liar in liars {
            world.connect(node, liar);
        }
        let wait = asked_again(&mut world, node, answered);
        assert_eq!(wait, min.unwrap_or(MINUTE), "{count} liars");
        assert_eq!(world.nodes[node].machine.torrent.peer_count(), 0);
    }
}

#[test]
fn when_all_that_were_named_refuse_or_are_silent() {
    for why in [DialError::Refused, DialError::TimedOut, DialError::Unreachable] {
        let mut world = World::new(info(4 << 20, 4 * BLOCK));
        let node = downloader(&mut world);
        let addrs: Vec<SocketAddr> = (1..=9).map(|n| SocketAddr::from(([198, 19, 2, n], 7000))).collect();
        let answered = answer(&mut world, node, None, &addrs);
        let now = world.now;
        while let Some((to, plan)) = world.nodes[node].machine.torrent.next_dial(now) {
            world.act(node, |t, cx| t.dial_failed(cx.now, to, plan.first, why, true));
        }
        assert_eq!(asked_again(&mut world, node, answered), MINUTE);
    }
}
