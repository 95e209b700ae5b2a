//! Two hosts on loopback move content between storages in memory (own design; BEP 3), also with a pool of a few blocks.
#![allow(clippy::unwrap_used)] // helpers of tests are tests

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;
use teem_engine::input::Input;
use teem_host::config::HostConfig;
use teem_host::host::start;
use teem_host::listen::{ListenConfig, Listeners};
use teem_host::owner::Machine;
use teem_swarm::ids::ConnId;
use teem_swarm::job::{Done, Job, Reader};
use teem_swarm::output::Output;
use teem_swarm::remote::{Encryption, How, Transport, Transports};
use teem_swarm::time::Time;
use teem_wire::peer::block::{BLOCK_LEN, BlockRef};
use teem_wire::peer::message::Message;

mod common;
use common::{Block, Ear, LOOPBACK, Mem, TORRENT, content, handshake, unguessable};

/// Answers every request.
#[derive(Default)]
struct Seed(VecDeque<Output<Block>>);

impl Machine<Block> for Seed {
    fn handle(&mut self, _: Time, input: Input<Block>) {
        match input {
            Input::Hello { conn, .. } => self.0.push_back(Output::Hello { conn, handshake: handshake() }),
            Input::Message { conn, message: Message::Request(at) } => {
                self.0.push_back(Output::Disk(Job::Read { torrent: TORRENT, reader: Reader::Peer(conn), at }));
            }
            Input::Disk(Done::Block { reader: Reader::Peer(conn), at, data, .. }) => {
                self.0.push_back(Output::SendBlock { conn, at, data });
            }
            _ => {}
        }
    }
    fn poll_output(&mut self) -> Option<Output<Block>> {
        self.0.pop_front()
    }
    fn deadline(&self) -> Option<Time> {
        None
    }
}

/// Asks for blocks, some ahead, and says when all have come.
struct Leech {
    outputs: VecDeque<Output<Block>>,
    left: VecDeque<BlockRef>,
    missing: usize,
    finished: Sender<()>,
}

impl Leech {
    fn ask(&mut self, conn: ConnId, count: usize) {
        for at in self.left.drain(..count.min(self.left.len())) {
            self.outputs.push_back(Output::Send { conn, message: Message::Request(at) });
        }
    }
}

impl Machine<Block> for Leech {
    fn handle(&mut self, _: Time, input: Input<Block>) {
        match input {
            Input::Connected { conn, .. } => {
                self.outputs.push_back(Output::Hello { conn, handshake: handshake() });
                self.ask(conn, 200);
            }
            Input::Block { conn, at, data } => {
                self.outputs.push_back(Output::Disk(Job::Write { torrent: TORRENT, at, data }));
                self.ask(conn, 1);
                self.missing -= 1;
                if self.missing == 0 {
                    let _ = self.finished.send(());
                }
            }
            _ => {}
        }
    }
    fn poll_output(&mut self) -> Option<Output<Block>> {
        self.outputs.pop_front()
    }
    fn deadline(&self) -> Option<Time> {
        None
    }
}

const HOWS: [How; 2] = [How::TCP, How { transport: Transport::Utp, mse: false }];

/// Moves so many MiB over so many connections of one kind into a pool of so many blocks; how often that pool was found empty.
fn transfer(how: How, mib: u32, conns: usize, pool: usize) -> usize {
    let config = HostConfig { transports: Transports::Auto, ..HostConfig::new(Encryption::Off, unguessable) };
    let bind = || Listeners::bind(&teem_path::Path::direct(), ListenConfig { addr: Some(LOOPBACK), port: 0 }).unwrap();
    let (tell, _told) = channel();
    let seed = start(bind(), config, Seed::default(), Mem::new(usize::MAX / 2), Ear(tell.clone())).unwrap();
    let addr = seed.bound().addrs[0];

    let blocks: Vec<_> = (0..mib)
        .flat_map(|piece| (0..64).map(move |n| BlockRef { piece, begin: n * BLOCK_LEN, len: BLOCK_LEN }))
        .collect();
    let storage = Mem::new(pool);
    let (written, pool) = (Arc::clone(&storage.written), Arc::clone(&storage.pool));
    let (finished, done) = channel();
    let leech = Leech {
        outputs: (0..conns).map(|_| Output::Dial { torrent: TORRENT, to: addr.into(), plan: how.into() }).collect(),
        left: blocks.iter().copied().collect(),
        missing: blocks.len(),
        finished,
    };
    let leech = start(bind(), config, leech, storage, Ear(tell)).unwrap();
    done.recv_timeout(Duration::from_secs(60)).expect("all blocks");
    for host in [&leech, &seed] {
        host.stop();
        host.join().unwrap();
    }
    let written = written.lock().unwrap();
    assert_eq!(written.len(), blocks.len());
    for at in blocks {
        assert!(written[&at] == content(at), "{at:?}");
    }
    pool.empty.load(Ordering::SeqCst)
}

#[test]
fn one_connection_moves_all() {
    for how in HOWS {
        assert_eq!(transfer(how, 8, 1, usize::MAX / 2), 0, "{how:?}");
    }
}

#[test]
fn eight_connections_move_all() {
    for how in HOWS {
        assert_eq!(transfer(how, 8, 8, usize::MAX / 2), 0, "{how:?}");
    }
}

#[test]
fn an_empty_pool_stops_reading_and_loses_nothing() {
    for how in HOWS {
        assert!(transfer(how, 4, 4, 7) > 0, "the pool was to be found empty: {how:?}");
    }
}

#[test]
fn fewer_buffers_than_connections_are_enough() {
    for how in HOWS {
        assert!(transfer(how, 2, 8, 3) > 0, "the pool was to be found empty: {how:?}");
    }
}
