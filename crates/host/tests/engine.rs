//! The real engine on the real loop (own design; BEP 3): one publishes, one downloads over loopback, then both end in good order.
#![allow(clippy::unwrap_used)] // helpers of tests are tests

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;
use teem_engine::input::PeerSource;
use teem_engine::{Engine, EngineConfig};
use teem_host::config::HostConfig;
use teem_host::host::{HostHandle, start};
use teem_host::listen::{ListenConfig, Listeners};
use teem_host::mailbox::HostMsg;
use teem_swarm::command::{AddTorrent, Command, Spreading};
use teem_swarm::event::Event;
use teem_swarm::remote::Encryption;
use teem_wire::peer::block::BlockRef;

mod common;
use common::whole::{PIECES, Pieces, Whole, info};
use common::{Ear, LOOPBACK, TORRENT, Told, content};

struct Side {
    host: HostHandle,
    told: Receiver<Told>,
    pieces: Pieces,
}

impl Side {
    fn new(seed: u64, full: bool, peers: Vec<SocketAddr>) -> Self {
        let listeners =
            Listeners::bind(&teem_path::Path::direct(), ListenConfig { addr: Some(LOOPBACK), port: 0 }).unwrap();
        let engine = Engine::new(EngineConfig::new(listeners.bound().port, seed));
        let storage = Whole::new(full);
        let pieces = Arc::clone(&storage.pieces);
        let (tell, told) = channel();
        let host = start(listeners, HostConfig::new(Encryption::Off, |_| {}), engine, storage, Ear(tell)).unwrap();
        let info = info();
        let add = AddTorrent {
            torrent: TORRENT,
            key: info.key(),
            info: Some(info),
            trackers: Vec::new(),
            peers: peers.into_iter().map(|peer| (PeerSource::User, vec![peer])).collect(),
            up: None,
            down: None,
            publish: full,
            spreading: Spreading::default(),
            cooperative: false,
            selection: None,
            choose: false,
            announced: None,
        };
        host.send(HostMsg::Command(Command::Add(Box::new(add)))).unwrap();
        Self { host, told, pieces }
    }

    fn await_event(&self, wanted: impl Fn(&Event) -> bool) {
        loop {
            match self.told.recv_timeout(Duration::from_secs(60)).expect("the event") {
                Told::Event(event) if wanted(&event) => return,
                Told::Event(Event::Failed { why, .. }) => panic!("{why}"),
                _ => {}
            }
        }
    }
}

#[test]
fn what_one_publishes_the_other_gets() {
    let seed = Side::new(1, true, Vec::new());
    seed.await_event(|event| matches!(event, Event::Complete { .. }));
    let leech = Side::new(2, false, seed.host.bound().addrs);
    leech.await_event(|event| matches!(event, Event::Complete { at_start: false, .. }));
    for side in [&leech, &seed] {
        side.host.shutdown();
        side.await_event(|event| matches!(event, Event::Removed { .. }));
        side.host.join().unwrap();
    }
    let pieces = leech.pieces.lock().unwrap();
    assert_eq!(pieces.len(), PIECES as usize);
    for (&piece, blocks) in pieces.iter() {
        for (&begin, bytes) in blocks {
            assert!(*bytes == content(BlockRef { piece, begin, len: bytes.len() as u32 }), "piece {piece} at {begin}");
        }
    }
}
