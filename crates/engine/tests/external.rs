//! From where the world sees us (BEP 24, BEP 10 `yourip`), and whom we dial first by it (BEP 40).
mod common;
use common::*;
use core::net::{IpAddr, SocketAddr};
use core::time::Duration;
use teem_engine::input::{Input, PeerSource};
use teem_engine::{Engine, EngineConfig};
use teem_swarm::ask::{Answer, AskId};
use teem_swarm::command::Command;
use teem_swarm::event::Event;
use teem_swarm::external::External;
use teem_swarm::ids::{ConnId, TorrentId};
use teem_swarm::output::Output;
use teem_swarm::remote::{Remote, Via};
use teem_wire::peer::handshake::{Features, Handshake, PeerId};
use teem_wire::peer::message::{ExtendedHandshake, Message};
use teem_wire::tracker::announce::AnnounceReply;

const URLS: [&str; 2] = ["http://t/announce", "http://u/announce"];
const PORT: u16 = 5000;

fn engine() -> Engine<Block> {
    let mut engine = Engine::new(EngineConfig::new(PORT, 3));
    for n in 1..=2 {
        let add = torrent(&info(n.into(), false), false, &[], &[URLS[n as usize - 1]]);
        engine.handle(secs(50), Input::Command(limited(add, TorrentId(n), None, None)));
    }
    while engine.poll_output().is_some() {}
    engine
}

fn reply(engine: &mut Engine<Block>, n: u32, external_ip: Option<IpAddr>, peers: Vec<SocketAddr>) {
    let reply =
        Ok(AnnounceReply { interval: Duration::from_secs(900), external_ip, peers, ..AnnounceReply::default() });
    // Each has asked once, one after the other.
    let answer = Answer::Announced { source: PeerSource::PublicTracker, reply };
    engine.handle(secs(60), Input::Answer { id: AskId(u64::from(n)), answer });
}

/// The addresses that each torrent says to be ours, and those that are dialled, in order.
fn drain(engine: &mut Engine<Block>) -> (Vec<(TorrentId, IpAddr)>, Vec<SocketAddr>) {
    let (mut said, mut dialled) = (Vec::new(), Vec::new());
    while let Some(output) = engine.poll_output() {
        match output {
            Output::Event(Event::External { torrent, ip }) => said.push((torrent, ip)),
            Output::Dial { to: Remote::Addr(addr), .. } => dialled.push(addr),
            _ => {}
        }
    }
    (said, dialled)
}

fn ours(engine: &mut Engine<Block>, torrent: u32) -> External {
    engine.handle(secs(60), Input::Command(Command::Snapshot(TorrentId(torrent))));
    let outputs = core::iter::from_fn(|| engine.poll_output());
    let snapshots =
        outputs.filter_map(|o| if let Output::Event(Event::Snapshot(s)) = o { Some(s.external) } else { None });
    snapshots.last().expect("an answer")
}

/// A peer that dials us and says how it sees us.
fn peer_says(engine: &mut Engine<Block>, host: u8, ip: IpAddr) {
    let conn = ConnId(u64::from(host));
    let (addr, local) = (SocketAddr::from(([9, 8, host, 7], 4000)), ([10, 0, 0, 1], PORT).into());
    engine.handle(secs(60), Input::Accepted { conn, remote: addr.into(), local: Some(local) });
    let features = Features { fast: true, extended: true, ..Features::default() };
    let handshake = Handshake { info_hash: hash(&info(1, false)), peer_id: PeerId([host; 20]), features };
    engine.handle(secs(60), Input::Hello { conn, handshake, via: Via::TCP });
    let said = ExtendedHandshake { your_ip: Some(ip), ..ExtendedHandshake::default() };
    engine.handle(secs(60), Input::Message { conn, message: Message::ExtendedHandshake(said) });
}

#[test]
fn what_a_tracker_says_orders_the_dials_of_its_own_answer() {
    let mut engine = engine();
    let us = IpAddr::from([77, 1, 2, 3]);
    let list: Vec<SocketAddr> = (0..10).map(|n| ([9, n, 1, 1], 6000).into()).collect();
    reply(&mut engine, 1, Some(us), list);
    let (said, dialled) = drain(&mut engine);
    assert_eq!(said, [(TorrentId(1), us), (TorrentId(2), us)], "every torrent hears of it");
    let external = External { v4: Some(us), v6: None };
    let ranks: Vec<u32> = dialled.iter().map(|addr| external.priority(&PORT.into(), *addr).unwrap()).collect();
    assert!(dialled.len() == 10 && ranks.is_sorted_by(|a, b| a > b), "{ranks:?}");
    assert_eq!(ours(&mut engine, 2), external);
    let late = torrent(&info(3, false), false, &[], &[]);
    engine.handle(secs(60), Input::Command(limited(late, TorrentId(3), None, None)));
    assert_eq!(drain(&mut engine).0, [(TorrentId(3), us)], "also who comes later");
}

#[test]
fn the_majority_of_trackers_and_networks_of_peers_is_believed() {
    let mut engine = engine();
    let [us, lie] = [IpAddr::from([77, 1, 2, 3]), IpAddr::from([66, 6, 6, 6])];
    reply(&mut engine, 1, Some(lie), Vec::new());
    assert_eq!(ours(&mut engine, 1).v4, Some(lie), "nobody knows better");
    peer_says(&mut engine, 1, us);
    peer_says(&mut engine, 2, us);
    assert_eq!(ours(&mut engine, 1).v4, Some(lie), "two networks are too few");
    peer_says(&mut engine, 5, us);
    assert_eq!(ours(&mut engine, 1).v4, Some(us));
    // A liar changes his mind, and lies about what he cannot see.
    reply(&mut engine, 2, Some(lie), Vec::new());
    peer_says(&mut engine, 3, "2001:db8::1".parse().unwrap());
    peer_says(&mut engine, 4, IpAddr::from([10, 0, 0, 1]));
    assert_eq!(ours(&mut engine, 1), External { v4: Some(us), v6: None });
    engine.handle(secs(61), Input::Moved);
    assert_eq!(ours(&mut engine, 1), External::default(), "that was elsewhere");
}
