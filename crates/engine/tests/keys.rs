//! A hybrid torrent (BEP 52, "upgrade path") is found by either of its info-hashes, and no other torrent takes one of them.
#![allow(clippy::unwrap_used)] // a test may panic: that is its way to say no
mod common;
use common::*;
use std::sync::Arc;
use teem_engine::input::Input;
use teem_engine::{Engine, EngineConfig};
use teem_metainfo::{Info, InfoHash, Limits, TorrentKey, Version};
use teem_swarm::command::Command;
use teem_swarm::event::Event;
use teem_swarm::ids::{ConnId, TorrentId};
use teem_swarm::job::Done;
use teem_swarm::output::{CloseReason, Output};
use teem_swarm::remote::Via;
use teem_wire::peer::handshake::{Features, Handshake, PeerId};

/// An info dictionary of both versions: one file of one piece.
fn hybrid() -> Arc<Info> {
    let hash = |digits: &str, n: usize| format!("{n}:{}", digits.repeat(n));
    let raw = format!(
        "d9:file treed4:testd0:d6:lengthi16384e11:pieces root{}eee6:lengthi16384e12:meta versioni2e4:name4:test\
         12:piece lengthi16384e6:pieces{}e",
        hash("y", 32),
        hash("x", 20)
    );
    let info = Info::parse(raw.as_bytes(), &Limits::default()).unwrap();
    assert_eq!(info.version(), Version::Hybrid);
    Arc::new(info)
}

fn add(engine: &mut Engine<Block>, id: TorrentId, key: TorrentKey, info: Option<&Arc<Info>>) {
    let Command::Add(mut add) = torrent(&hybrid(), false, &[], &[]) else { panic!("a torrent") };
    (add.torrent, add.key, add.info) = (id, key, info.cloned());
    engine.handle(secs(100), Input::Command(Command::Add(add)));
}

fn outputs(engine: &mut Engine<Block>) -> Vec<Output<Block>> {
    core::iter::from_fn(|| engine.poll_output()).collect()
}

/// What is said to somebody who dials us and names a torrent so: the hash in our own handshake, or why there is none.
fn answer(engine: &mut Engine<Block>, conn: u64, info_hash: InfoHash) -> Result<InfoHash, CloseReason> {
    let conn = ConnId(conn);
    let addr = core::net::SocketAddr::from(([8, 8, 8, 8], 4000 + conn.0 as u16));
    engine.handle(secs(101), Input::Accepted { conn, remote: addr.into(), local: None });
    let features = Features { fast: true, extended: true, dht: false, v2: false };
    let handshake = Handshake { info_hash, peer_id: PeerId([conn.0 as u8; 20]), features };
    engine.handle(secs(101), Input::Hello { conn, handshake, via: Via::TCP });
    let said = outputs(engine).into_iter().find_map(|output| match output {
        Output::Hello { handshake, .. } => Some(Ok(handshake.info_hash)),
        Output::Close { why, .. } => Some(Err(why)),
        _ => None,
    });
    said.unwrap()
}

#[test]
fn each_hash_of_a_hybrid_leads_to_it_and_is_answered_by_itself() {
    let info = hybrid();
    let mut engine = Engine::new(EngineConfig::new(5000, 9));
    add(&mut engine, ME, info.key(), Some(&info));
    let wires: Vec<_> = info.key().wires().collect();
    assert_eq!(wires.len(), 2);
    for (conn, wire) in (1..).zip(&wires) {
        assert_eq!(answer(&mut engine, conn, *wire), Ok(*wire));
    }
    engine.handle(secs(102), Input::Command(Command::Remove(ME)));
    outputs(&mut engine);
    for (conn, wire) in (3..).zip(&wires) {
        assert_eq!(answer(&mut engine, conn, *wire), Err(CloseReason::UnknownTorrent));
    }
}

#[test]
fn no_torrent_takes_a_hash_of_another() {
    let info = hybrid();
    let mut engine = Engine::new(EngineConfig::new(5000, 9));
    add(&mut engine, ME, info.key(), Some(&info));
    outputs(&mut engine);
    for key in [TorrentKey::V1(info.key().v1().unwrap()), TorrentKey::V2(info.key().v2().unwrap())] {
        add(&mut engine, TorrentId(2), key, None);
        let refused = |output: &Output<Block>| matches!(output, Output::Event(Event::Failed { torrent: TorrentId(2), why, .. }) if why.contains("there already"));
        assert!(outputs(&mut engine).iter().any(refused), "{key:?}");
    }
}

#[test]
fn metadata_that_shows_a_hybrid_adds_its_other_hash() {
    let info = hybrid();
    let (v1, v2) = (info.key().v1().unwrap(), info.key().v2().unwrap().truncated());
    let mut engine = Engine::new(EngineConfig::new(5000, 9));
    add(&mut engine, ME, v1.into(), None);
    assert_eq!(answer(&mut engine, 1, v2), Err(CloseReason::UnknownTorrent));
    let judged = Done::Metadata { torrent: ME, result: Ok(info), hash_ok: true };
    engine.handle(secs(101), Input::Disk(judged));
    assert_eq!(answer(&mut engine, 2, v2), Ok(v2));
    engine.handle(secs(102), Input::Command(Command::Remove(ME)));
    outputs(&mut engine);
    assert_eq!(answer(&mut engine, 3, v2), Err(CloseReason::UnknownTorrent));
}
