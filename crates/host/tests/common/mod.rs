//! What the tests of the host share (own design): a machine that is led by the test, and a storage in memory with a bounded pool.
#![allow(dead_code, clippy::unwrap_used)] // each test takes what it needs; helpers of tests are tests

pub(crate) mod whole;

use std::collections::{BTreeMap, VecDeque};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use teem_engine::input::Input;
use teem_engine::storage::Storage;
use teem_host::config::HostConfig;
use teem_host::error::HostError;
use teem_host::host::{HostHandle, start};
use teem_host::listen::{ListenConfig, Listeners};
use teem_host::mailbox::HostMsg;
use teem_host::owner::{Machine, Owner};
use teem_metainfo::InfoHash;
use teem_swarm::ask::{Answer, AskId, Question};
use teem_swarm::command::{AddTorrent, Command, Spreading};
use teem_swarm::event::Event;
use teem_swarm::ids::{ConnId, TorrentId};
use teem_swarm::job::{Done, Job};
use teem_swarm::output::Output;
use teem_swarm::remote::{Encryption, Transports};
use teem_swarm::time::Time;
use teem_wire::datagram::Datagram;
use teem_wire::peer::block::BlockRef;
use teem_wire::peer::handshake::{Features, Handshake, PeerId};

pub(crate) const TORRENT: TorrentId = TorrentId(1);
pub(crate) const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
/// Far above anything that a sound run needs; only a hang reaches it.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) fn handshake() -> Handshake {
    let features = Features { fast: true, extended: true, ..Features::default() };
    Handshake { info_hash: InfoHash([7; 20]), peer_id: PeerId([9; 20]), features }
}

/// The byte at an offset of the content that every test moves.
pub(crate) fn content(at: BlockRef) -> Vec<u8> {
    let start = (u64::from(at.piece) << 20) + u64::from(at.begin);
    (start..start + u64::from(at.len)).map(|n| (n.wrapping_mul(0x9E37_79B9) >> 13) as u8).collect()
}

/// A buffer that counts itself out of its pool until it is dropped.
#[derive(Debug)]
pub(crate) struct Block {
    bytes: Vec<u8>,
    pool: Arc<Pool>,
}

impl AsRef<[u8]> for Block {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl AsMut<[u8]> for Block {
    fn as_mut(&mut self) -> &mut [u8] {
        &mut self.bytes
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        self.pool.free.fetch_add(1, Ordering::SeqCst);
        if let Some(wake) = &*self.pool.wake.lock().unwrap() {
            wake();
        }
    }
}

#[derive(Default)]
pub(crate) struct Pool {
    pub(crate) free: AtomicUsize,
    /// How often it was asked in vain.
    pub(crate) empty: AtomicUsize,
    /// How many turns the host has made.
    pub(crate) turns: AtomicUsize,
    wake: Mutex<Option<Arc<dyn Fn() + Send + Sync>>>,
}

impl std::fmt::Debug for Pool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Pool")
    }
}

/// Reads make content up; writes are kept by place.
pub(crate) struct Mem {
    pub(crate) pool: Arc<Pool>,
    pub(crate) written: Arc<Mutex<BTreeMap<BlockRef, Vec<u8>>>>,
    done: Vec<Done<Block>>,
}

impl Mem {
    pub(crate) fn new(blocks: usize) -> Self {
        let pool = Arc::new(Pool { free: AtomicUsize::new(blocks), ..Pool::default() });
        Self { pool, written: Arc::default(), done: Vec::new() }
    }

    /// Buffers for reading are not taken from the pool.
    fn made(&self, bytes: Vec<u8>) -> Block {
        self.pool.free.fetch_sub(1, Ordering::SeqCst);
        Block { bytes, pool: Arc::clone(&self.pool) }
    }
}

impl Storage for Mem {
    type Block = Block;

    fn alloc(&mut self, len: usize) -> Option<Block> {
        if self.pool.free.load(Ordering::SeqCst) == 0 {
            self.pool.empty.fetch_add(1, Ordering::SeqCst);
            return None;
        }
        Some(self.made(vec![0; len]))
    }

    fn submit(&mut self, jobs: &mut VecDeque<Job<Block>>) {
        for job in jobs.drain(..) {
            match job {
                Job::Read { torrent, reader, at } => {
                    let data = self.made(content(at));
                    self.done.push(Done::Block { torrent, reader, at, data });
                }
                Job::Write { at, data, .. } => {
                    self.written.lock().unwrap().insert(at, data.as_ref().to_vec());
                }
                other => panic!("no test asks for {other:?}"),
            }
        }
        if let Some(wake) = &*self.pool.wake.lock().unwrap() {
            wake();
        }
    }

    fn poll(&mut self, done: &mut Vec<Done<Block>>) {
        self.pool.turns.fetch_add(1, Ordering::SeqCst);
        done.append(&mut self.done);
    }

    fn set_waker(&mut self, wake: Arc<dyn Fn() + Send + Sync>) {
        *self.pool.wake.lock().unwrap() = Some(wake);
    }
}

/// Tells the test what the owner is told.
#[derive(Debug)]
pub(crate) enum Told {
    Event(Event),
    Ask(AskId, Question),
    Http(TcpStream),
    Datagram(Datagram),
    Failure(String),
}

pub(crate) struct Ear(pub(crate) Sender<Told>);

impl Owner for Ear {
    fn on_event(&mut self, event: Event) {
        let _ = self.0.send(Told::Event(event));
    }
    fn on_ask(&mut self, id: AskId, question: Question) -> Option<Answer> {
        // The test answers as it likes; a name that begins so has no room.
        let busy = matches!(&question, Question::Resolve { host, .. } if host.starts_with("busy."));
        let _ = self.0.send(Told::Ask(id, question));
        busy.then_some(Answer::Busy)
    }
    fn on_http(&mut self, stream: TcpStream) {
        let _ = self.0.send(Told::Http(stream));
    }
    fn on_datagram(&mut self, datagram: Datagram) {
        let _ = self.0.send(Told::Datagram(datagram));
    }
    fn on_failure(&mut self, why: &HostError) {
        let _ = self.0.send(Told::Failure(why.to_string()));
    }
}

/// Passes every input on to the test, and carries out what the test puts into its queue.
struct Puppet {
    inputs: Sender<Input<Block>>,
    outputs: Arc<Mutex<VecDeque<Output<Block>>>>,
}

impl Machine<Block> for Puppet {
    fn handle(&mut self, _: Time, input: Input<Block>) {
        if !matches!(input, Input::Command(Command::Snapshot(_))) {
            let _ = self.inputs.send(input);
        }
    }
    fn poll_output(&mut self) -> Option<Output<Block>> {
        self.outputs.lock().unwrap().pop_front()
    }
    fn deadline(&self) -> Option<Time> {
        None
    }
}

/// Bytes that differ each time. (Nothing here is secret.)
pub(crate) fn unguessable(bytes: &mut [u8]) {
    static DRAWN: AtomicUsize = AtomicUsize::new(1);
    for byte in bytes {
        *byte = (DRAWN.fetch_add(1, Ordering::SeqCst).wrapping_mul(0x9E37_79B9) >> 13) as u8;
    }
}

/// A host whose engine is the test.
pub(crate) struct Led {
    pub(crate) host: HostHandle,
    pub(crate) told: Receiver<Told>,
    pub(crate) pool: Arc<Pool>,
    inputs: Receiver<Input<Block>>,
    outputs: Arc<Mutex<VecDeque<Output<Block>>>>,
}

impl Led {
    pub(crate) fn new() -> Self {
        Self::on(Some(LOOPBACK))
    }

    pub(crate) fn on(addr: Option<IpAddr>) -> Self {
        Self::wanting(Encryption::Off, addr)
    }

    pub(crate) fn wanting(encryption: Encryption, addr: Option<IpAddr>) -> Self {
        Self::over(Transports::Tcp, encryption, addr)
    }

    pub(crate) fn over(transports: Transports, encryption: Encryption, addr: Option<IpAddr>) -> Self {
        Self::by(&teem_path::Path::direct(), transports, encryption, addr)
    }

    pub(crate) fn by(
        path: &teem_path::Path,
        transports: Transports,
        encryption: Encryption,
        addr: Option<IpAddr>,
    ) -> Self {
        let listeners = Listeners::bind(path, ListenConfig { addr, port: 0 }).unwrap();
        let (inputs, from_host) = channel();
        let (tell, told) = channel();
        let outputs = Arc::default();
        let storage = Mem::new(usize::MAX / 2);
        let pool = Arc::clone(&storage.pool);
        let puppet = Puppet { inputs, outputs: Arc::clone(&outputs) };
        let host = start(
            listeners,
            HostConfig { transports, ..HostConfig::new(encryption, unguessable) },
            puppet,
            storage,
            Ear(tell),
        )
        .unwrap();
        Self { host, told, pool, inputs: from_host, outputs }
    }

    /// One on loopback that has the torrent of [`handshake`].
    pub(crate) fn with_torrent(transports: Transports, encryption: Encryption) -> Self {
        let led = Self::over(transports, encryption, Some(LOOPBACK));
        let add = AddTorrent {
            torrent: TORRENT,
            key: handshake().info_hash.into(),
            info: None,
            trackers: Vec::new(),
            peers: Vec::new(),
            up: None,
            down: None,
            publish: false,
            spreading: Spreading::default(),
            cooperative: false,
            selection: None,
            choose: false,
            announced: None,
        };
        led.host.send(HostMsg::Command(Command::Add(Box::new(add)))).unwrap();
        assert!(matches!(led.next(), Input::Command(Command::Add(_))));
        led
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        self.host.bound().addrs[0]
    }

    /// The next input.
    pub(crate) fn next(&self) -> Input<Block> {
        self.inputs.recv_timeout(PATIENCE).expect("an input")
    }

    pub(crate) fn told(&self) -> Told {
        self.told.recv_timeout(PATIENCE).expect("the owner is told")
    }

    /// Has everything in `outputs` carried out in one turn.
    pub(crate) fn run(&self, outputs: impl IntoIterator<Item = Output<Block>>) {
        self.outputs.lock().unwrap().extend(outputs);
        // Any message makes the host look at its machine.
        self.host.send(HostMsg::Command(Command::Snapshot(TORRENT))).unwrap();
    }

    pub(crate) fn block(&self, at: BlockRef) -> Block {
        self.pool.free.fetch_sub(1, Ordering::SeqCst);
        Block { bytes: content(at), pool: Arc::clone(&self.pool) }
    }

    /// The name of the next stranger's connection.
    pub(crate) fn accepted(&self) -> ConnId {
        match self.next() {
            Input::Accepted { conn, .. } => conn,
            other => panic!("expected a stranger, got {other:?}"),
        }
    }

    pub(crate) fn end(self) {
        self.host.stop();
        self.host.join().unwrap();
    }
}
