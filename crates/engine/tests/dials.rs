//! Dialling (interop rule 6): what trackers give is dialled within the budget, and only what strangers may aim us at.
mod common;
use common::*;
use core::net::SocketAddr;
use core::time::Duration;
use std::collections::BTreeSet;
use teem_engine::input::{DialError, Input, PeerSource};
use teem_engine::{Engine, EngineConfig};
use teem_swarm::command::Command;
use teem_swarm::ids::{ConnId, TorrentId};
use teem_swarm::output::Output;
use teem_swarm::remote::{How, Plan, Remote};
use teem_swarm::time::Time;
use teem_wire::peer::message::Message;

const URL: &str = "http://t/announce";

fn engine(torrents: u32) -> Engine<Block> {
    let mut engine = Engine::new(EngineConfig::new(5000, 3));
    for n in 1..=torrents {
        let add = torrent(&info(n.into(), false), false, &[], &[URL]);
        engine.handle(secs(50), Input::Command(limited(add, TorrentId(n), None, None)));
    }
    while engine.poll_output().is_some() {}
    engine
}

/// All dials until `end`, each answered by `answer`.
fn dials(
    engine: &mut Engine<Block>,
    end: Time,
    answer: impl Fn(TorrentId, SocketAddr) -> Option<Input<Block>>,
) -> Vec<(Time, TorrentId, SocketAddr)> {
    let mut all = Vec::new();
    let mut now = Time::ZERO;
    loop {
        while let Some(output) = engine.poll_output() {
            if let Output::Dial { torrent, to: Remote::Addr(addr), plan: Plan { first: How::TCP, second: None } } =
                output
            {
                all.push((now, torrent, addr));
                if let Some(input) = answer(torrent, addr) {
                    engine.handle(now, input);
                }
            }
        }
        let Some(due) = engine.deadline().filter(|due| *due <= end) else { return all };
        now = now.max(due);
        engine.handle(now, Input::Tick);
    }
}

fn list(engine: &mut Engine<Block>, torrent: u32, source: PeerSource, list: Vec<SocketAddr>) {
    engine.handle(secs(60), Input::Command(Command::Peers { torrent: TorrentId(torrent), source, list }));
}

fn addrs(net: u8, count: u8) -> Vec<SocketAddr> {
    (0..count).map(|n| ([9, 9, net, n], 6000).into()).collect()
}

#[test]
fn ten_a_second_forty_at_once_and_torrents_take_turns() {
    let mut engine = engine(3);
    for n in 1..=3 {
        list(&mut engine, n, PeerSource::PublicTracker, addrs(n as u8, 60));
    }
    let hanging = dials(&mut engine, secs(200), |_, _| None);
    assert_eq!(hanging.len(), 40, "all hang: no more than forty");
    assert!(hanging.windows(11).all(|w| w[10].0.since(w[0].0) >= Duration::from_secs(1)));
    for n in 1..=3 {
        let of_one = hanging.iter().filter(|dial| dial.1 == TorrentId(n)).count();
        // The first had ten before the others had any.
        assert!((9..=20).contains(&of_one), "{of_one}");
    }
    let (_, torrent, addr) = hanging[0];
    engine.handle(
        secs(201),
        Input::DialFailed { torrent, to: addr.into(), how: How::TCP, why: DialError::TimedOut, over: true },
    );
    assert_eq!(dials(&mut engine, secs(202), |_, _| None).len(), 1);
}

#[test]
fn a_refusal_is_final_for_the_hour_when_there_are_others() {
    let mut engine = engine(1);
    list(&mut engine, 1, PeerSource::PublicTracker, addrs(1, 5));
    let keep: SocketAddr = ([9, 9, 1, 0], 6000).into();
    let refuse = |torrent, addr: SocketAddr| {
        let (to, how, why) = (addr.into(), How::TCP, DialError::Refused);
        (addr != keep).then_some(Input::DialFailed { torrent, to, how, why, over: true })
    };
    let first = dials(&mut engine, secs(3000), refuse);
    let distinct: BTreeSet<_> = first.iter().map(|dial| dial.2).collect();
    assert_eq!((first.len(), distinct.len()), (5, 5), "one hangs, so nobody is alone, and no other is tried again");
}

#[test]
fn row_18_of_the_audit_a_tracker_aims_us_at_nothing_nearer_than_itself() {
    let mut engine = engine(1);
    let near = ["127.0.0.1:6000", "10.0.0.1:6000", "192.168.1.1:6000", "[fe80::1]:6000", "9.9.9.9:22", "0.0.0.0:6000"];
    let near: Vec<SocketAddr> = near.iter().map(|a| a.parse().expect("an address")).collect();
    list(&mut engine, 1, PeerSource::PublicTracker, near.clone());
    assert!(dials(&mut engine, secs(70), |_, _| None).is_empty());
    list(&mut engine, 1, PeerSource::LocalTracker, near.clone());
    assert_eq!(dials(&mut engine, secs(80), |_, _| None).len(), 3, "all but loopback, which would be ours");
    list(&mut engine, 1, PeerSource::LoopbackTracker, near);
    assert_eq!(dials(&mut engine, secs(90), |_, _| None).len(), 1);
}

#[test]
fn a_connection_that_is_never_introduced_is_closed_and_the_address_rests() {
    let mut engine = engine(1);
    let all = addrs(1, 1);
    list(&mut engine, 1, PeerSource::PublicTracker, all.clone());
    assert_eq!(dials(&mut engine, secs(61), |_, _| None).len(), 1);
    let (addr, local) = (all[0], ([1, 1, 1, 1], 5000).into());
    engine.handle(
        secs(61),
        Input::Connected {
            conn: ConnId(1),
            torrent: TorrentId(1),
            remote: addr.into(),
            how: How::TCP,
            local: Some(local),
        },
    );
    assert!(matches!(engine.poll_output(), Some(Output::Hello { .. })));
    assert!(engine.poll_output().is_none());
    engine.handle(secs(71), Input::Tick);
    let out: Vec<_> = core::iter::from_fn(|| engine.poll_output()).collect();
    assert!(out.iter().any(|o| matches!(o, Output::Close { conn: ConnId(1), .. })), "{out:?}");
    let again = dials(&mut engine, secs(80), |_, _| None);
    assert!(again.len() == 1 && again[0].0 >= secs(76), "alone, it is tried again after seconds: {again:?}");
}

#[test]
fn a_peer_that_we_dialled_and_that_listens_elsewhere_is_dialled_there() {
    let mut world = empty();
    let (seed, get) = (world.node(true), world.node(false));
    let addr = world.nodes[seed].addr;
    world.command(seed, torrent(&info(64, false), true, &[], &[]));
    world.command(get, limited(torrent(&info(64, false), true, &[addr], &[]), ME, None, Some(1_000)));
    world.until(10, |w| w.nodes[get].got > 0);
    world.nodes[seed].addr.set_port(7777);
    world.command(seed, Command::Listen(7777));
    let told = |message: &Message| matches!(message, Message::ExtendedHandshake(said) if said.port == Some(7777));
    assert!(world.log.iter().any(|(_, node, _, message)| *node == seed && told(message)), "at once");
    world.wait(1);
    // The seed does not know where the other listens any more: only that one can find it again.
    world.nodes[get].addr.set_port(1);
    world.cut(seed, 0);
    let before = world.nodes[get].got;
    world.until(120, |w| w.nodes[get].got > before);
}

#[test]
fn a_peer_that_dialled_us_and_listens_elsewhere_is_known_there() {
    let mut world = empty();
    let (seed, get) = (world.node(true), world.node(false));
    let addr = world.nodes[seed].addr;
    world.command(seed, torrent(&info(64, false), true, &[], &[]));
    world.command(get, limited(torrent(&info(64, false), true, &[addr], &[]), ME, None, Some(1_000)));
    world.until(10, |w| w.nodes[get].got > 0);
    world.nodes[get].addr.set_port(7777);
    world.command(get, Command::Listen(7777));
    world.wait(1);
    // What it dialled is gone for good: only the seed can find the other again.
    world.nodes[seed].addr.set_port(1);
    world.cut(get, 0);
    let before = world.nodes[get].got;
    world.until(120, |w| w.nodes[get].got > before);
}
