//! The real engine on the real loop (own design; BEP 3): one publishes, one downloads over loopback, then both end in good order.
#![allow(clippy::unwrap_used)] // helpers of tests are tests

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use teem_engine::input::PeerSource;
use teem_engine::storage::Storage;
use teem_engine::{Engine, EngineConfig};
use teem_host::config::HostConfig;
use teem_host::host::{HostHandle, start};
use teem_host::listen::{ListenConfig, Listeners};
use teem_host::mailbox::HostMsg;
use teem_metainfo::{Info, Limits};
use teem_swarm::command::{AddTorrent, Command, Spreading};
use teem_swarm::event::Event;
use teem_swarm::job::{Done, Facts, Job, Verdict};
use teem_swarm::remote::Encryption;
use teem_swarm::selection::Selection;
use teem_wire::peer::block::BlockRef;

mod common;
use common::{Ear, LOOPBACK, TORRENT, Told, content};

const PIECES: u32 = 24;
const PIECE_LEN: u32 = 256 * 1024;

type Pieces = Arc<Mutex<BTreeMap<u32, BTreeMap<u32, Vec<u8>>>>>;

/// Has everything or nothing, keeps what is written, and finds every piece right that is whole.
struct Whole {
    full: bool,
    pieces: Pieces,
    done: Vec<Done<Vec<u8>>>,
    wake: Option<Arc<dyn Fn() + Send + Sync>>,
}

impl Whole {
    fn new(full: bool) -> Self {
        Self { full, pieces: Pieces::default(), done: Vec::new(), wake: None }
    }

    fn answer(&mut self, job: Job<Vec<u8>>) -> Option<Done<Vec<u8>>> {
        Some(match job {
            Job::Open { torrent, .. } => {
                let have = if self.full { (0..PIECES).collect() } else { Vec::new() };
                Done::Opened { torrent, have, check: Vec::new(), facts: Facts::default(), selection: Selection::all() }
            }
            Job::Write { torrent, at, data } => {
                let mut pieces = self.pieces.lock().unwrap();
                let blocks = pieces.entry(at.piece).or_default();
                assert!(blocks.insert(at.begin, data).is_none(), "{at:?} came twice");
                if blocks.values().map(Vec::len).sum::<usize>() < PIECE_LEN as usize {
                    return None;
                }
                Done::Piece { torrent, piece: at.piece, verdict: Verdict::Right, digests: Vec::new() }
            }
            Job::Read { torrent, reader, at } => Done::Block { torrent, reader, at, data: content(at) },
            Job::Sync { torrent, .. } => Done::Synced { torrent },
            Job::Close { torrent, .. } => Done::Closed { torrent },
            other => panic!("{other:?} is not needed here"),
        })
    }
}

impl Storage for Whole {
    type Block = Vec<u8>;
    fn alloc(&mut self, len: usize) -> Option<Vec<u8>> {
        Some(vec![0; len])
    }
    fn submit(&mut self, jobs: &mut VecDeque<Job<Vec<u8>>>) {
        for job in jobs.drain(..) {
            let answer = self.answer(job);
            self.done.extend(answer);
        }
        if let Some(wake) = &self.wake {
            wake();
        }
    }
    fn poll(&mut self, done: &mut Vec<Done<Vec<u8>>>) {
        done.append(&mut self.done);
    }
    fn set_waker(&mut self, wake: Arc<dyn Fn() + Send + Sync>) {
        self.wake = Some(wake);
    }
}

fn info() -> Arc<Info> {
    let mut raw =
        format!("d6:lengthi{}e4:name1:x12:piece lengthi{PIECE_LEN}e6:pieces", PIECES * PIECE_LEN).into_bytes();
    raw.extend_from_slice(format!("{}:", PIECES * 20).as_bytes());
    raw.resize(raw.len() + PIECES as usize * 20, 7);
    raw.push(b'e');
    Arc::new(Info::parse(&raw, &Limits::default()).unwrap())
}

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
