//! All torrents of one thread, composed (own design; BEP 3, 15): inputs go to the torrents that they concern, what torrents want done
//! comes out as outputs, and what they share (connections, dials, limits, UDP trackers) is kept here.
//!
//! Invariants: after each `handle` every torrent's timer is what the torrent says; a connection is in exactly one of
//! `conns` (no handshake yet), `routes` (a torrent's peer) or neither (unknown: its inputs are dropped); no output
//! names a connection after its `Close`.
mod at_rest;
mod carry;
mod expel;
mod hello;
mod life;
mod nodes;
mod parked;
mod read;
mod record;
mod resting;
mod spec;

use crate::announces::Announces;
use crate::asks::Asks;
use crate::config::EngineConfig;
use crate::conns::Conns;
use crate::dht::Dht;
use crate::dial::Dialler;
use crate::input::Input;
use crate::route::Routes;
use crate::timers::Timers;
use crate::udp_tracker::UdpTracker;
use crate::wall::{Guard, Wall};
use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::string::String;
use alloc::vec::Vec;
use core::net::SocketAddr;
use teem_swarm::command::Command;
use teem_swarm::external::{External, Votes};
use teem_swarm::ids::TorrentId;
use teem_swarm::job::{DiskErrorKind, Done, ReadError, Reader};
use teem_swarm::listening::Doors;
use teem_swarm::output::{CloseReason, Output, Outputs};
use teem_swarm::rng::Rng;
use teem_swarm::throttle::Shared;
use teem_swarm::time::Time;
use teem_swarm::torrent::Torrent;

/// The engine. See the crate's first lines for the contract of its three methods.
#[derive(Debug)]
pub struct Engine<B> {
    config: EngineConfig,
    /// The ports that take connections, for all torrents.
    doors: Doors,
    rng: Rng,
    /// The latest moment seen: time never goes back in here, whatever the caller's clock does.
    now: Time,
    torrents: BTreeMap<TorrentId, Torrent>,
    /// What each is begun from, and what is left of those that are paused.
    rests: BTreeMap<TorrentId, Box<resting::Rest>>,
    routes: Routes,
    conns: Conns,
    dialler: Dialler,
    timers: Timers,
    /// When torrents that are being removed are let go whatever they still wait for.
    removals: Timers,
    /// When torrents that have had nobody for a while go to rest.
    idle: Timers,
    /// What waits for torrents that rest, and the connections that do.
    waking: BTreeMap<TorrentId, at_rest::Waking>,
    parked: parked::Parked,
    /// What is to be done to records at the end of the input.
    rest_steps: VecDeque<record::Step>,
    udp: UdpTracker,
    dht: Option<Dht>,
    /// Torrents of which the DHT may have to know something else.
    changed: BTreeSet<TorrentId>,
    asks: Asks,
    /// When which torrent announces.
    announces: Announces,
    /// From where others say that they see us, and what the torrents were told of it.
    votes: Votes,
    external: External,
    /// What every call of a torrent's own code goes through.
    wall: Wall,
    /// Blocks on their way to the owner.
    local_reads: usize,
    shared: Shared,
    /// What torrents want, not looked at yet.
    pushed: Outputs<B>,
    outputs: VecDeque<Output<B>>,
}

impl<B> Engine<B> {
    /// An engine without torrents.
    pub fn new(mut config: EngineConfig) -> Self {
        let mut rng = Rng::new(config.seed);
        let doors = Doors::from(config.listen_port);
        let own = Rng::new(!config.seed);
        let dht = config.dht.take().map(|dht| Dht::new(dht, doors.get(), config.entropy, own));
        let mut shared = Shared::default();
        shared.up.set_rate(Time::ZERO, config.up);
        shared.down.set_rate(Time::ZERO, config.down);
        Self {
            doors: doors.clone(),
            now: Time::ZERO,
            torrents: BTreeMap::new(),
            rests: BTreeMap::new(),
            routes: Routes::new(config.connections),
            conns: Conns::default(),
            dialler: Dialler::default(),
            timers: Timers::default(),
            removals: Timers::default(),
            idle: Timers::default(),
            waking: BTreeMap::new(),
            parked: parked::Parked::default(),
            rest_steps: VecDeque::new(),
            udp: UdpTracker::new(rng.fork(), config.entropy, doors),
            dht,
            changed: BTreeSet::new(),
            asks: Asks::default(),
            announces: Announces::default(),
            votes: Votes::default(),
            external: External::default(),
            wall: Wall::default(),
            local_reads: 0,
            shared,
            pushed: Outputs::new(),
            outputs: VecDeque::new(),
            rng,
            config,
        }
    }

    /// From now on a panic of one torrent's code ends that torrent alone. The guard calls what it is given, once.
    #[must_use]
    pub fn guarded(mut self, guard: Guard) -> Self {
        self.wall = Wall(Some(guard));
        self
    }

    /// Takes one input. Never blocks, never fails; the work is in proportion to what the input concerns.
    pub fn handle(&mut self, now: Time, input: Input<B>) {
        self.now = self.now.max(now);
        self.announces.among(self.rests.len());
        match input {
            Input::Tick => self.tick(),
            Input::Connected { conn, torrent, remote, how, .. } => self.connected(conn, torrent, remote, how),
            Input::DialFailed { torrent, to, how, why, over } => {
                if over {
                    self.dialler.ended(torrent, to);
                }
                self.with(torrent, |t, cx| t.dial_failed(cx.now, to, how, why, over));
            }
            Input::Accepted { conn, remote, .. } => self.accepted(conn, remote),
            Input::Closed { conn, why } => self.closed(conn, why),
            Input::Hello { conn, handshake, via } => {
                if !self.parks(conn, &handshake, via) {
                    self.hello(conn, handshake, via);
                }
            }
            Input::Message { conn, message } => self.message(conn, message),
            Input::Block { conn, at, data } => self.with_conn(conn, |t, cx| t.block(cx, conn, at, data)),
            Input::Sent { conn, bytes } => self.with_conn(conn, |t, cx| t.sent(cx, conn, bytes)),
            Input::MetadataSent { conn } => self.with_conn(conn, |t, cx| t.metadata_sent(cx, conn)),
            Input::Datagram { from, bytes } => self.datagram(from, &bytes),
            Input::Disk(Done::Block { reader: Reader::Local(id), data, .. }) => self.has_read(id, Ok(data)),
            Input::Disk(Done::ReadFailed { torrent, reader: Reader::Local(id), at, error }) => {
                self.has_read(id, Err(ReadError::Disk(error.clone())));
                if error.kind == DiskErrorKind::Fault {
                    self.expel(torrent, &error.message);
                } else {
                    let reader = Reader::Local(id);
                    self.with(torrent, |t, cx| t.disk(cx, Done::ReadFailed { torrent, reader, at, error }));
                }
            }
            Input::Disk(done) => match fault_of(&done) {
                Some(what) => self.expel(torrent_of(&done), &what),
                None => self.with(torrent_of(&done), |t, cx| t.disk(cx, done)),
            },
            Input::Answer { id, answer } => self.answer(id, answer),
            Input::Moved => self.moved(),
            Input::Routed(routed) => self.doors.set_routed(routed),
            Input::Command(Command::AddAtRest(all)) => self.add_at_rest(all),
            Input::Command(command) => {
                if !self.delays(&command) {
                    self.command(command);
                }
            }
        }
        loop {
            self.carry_udp();
            self.announce();
            self.carry_on();
            if !self.carry_rest() {
                break;
            }
        }
    }

    /// The next thing to be done; pops a queue.
    pub fn poll_output(&mut self) -> Option<Output<B>> {
        let output = self.outputs.pop_front();
        if self.outputs.is_empty() {
            // The next ones lie where these lay: a ring that goes round and round is never near in memory.
            self.outputs.clear();
        }
        output
    }

    /// When `Tick` is due at the latest; it always makes progress then.
    pub fn deadline(&self) -> Option<Time> {
        Time::earliest([
            self.timers.first(),
            self.removals.first(),
            self.idle.first(),
            self.parked.deadline(),
            self.conns.deadline(),
            self.dialler.deadline().filter(|_| !self.routes.is_full()),
            self.udp.deadline(),
            self.announces.deadline(),
            self.dht.as_ref().and_then(Dht::deadline),
        ])
    }

    /// Bytes of blocks that were read for peers of all torrents and have not gone to the kernel.
    pub fn held(&self) -> u64 {
        self.torrents.values().map(Torrent::held).sum()
    }

    /// Steps of work that the torrents have done so far for what peers said.
    pub fn work(&self) -> u64 {
        self.torrents.values().map(Torrent::work).sum()
    }

    /// Whether trackers are still being told of torrents that were expelled.
    pub fn has_last_words(&self) -> bool {
        self.asks.last_words() || self.udp.has_last_words(|torrent| self.torrents.contains_key(&torrent))
    }

    /// Whether a torrent of that name is there.
    pub fn has(&self, torrent: TorrentId) -> bool {
        self.torrents.contains_key(&torrent)
    }

    /// Calls every torrent whose moment has come once, and everything else that waits for time.
    fn tick(&mut self) {
        let now = self.now;
        let due: Vec<_> = core::iter::from_fn(|| self.timers.pop_due(now)).collect();
        for torrent in due {
            if self.torrents.contains_key(&torrent) {
                self.with(torrent, Torrent::tick);
            } else {
                self.tick_record(torrent);
            }
        }
        self.tick_rest();
        while let Some(torrent) = self.removals.pop_due(now) {
            self.gone(torrent);
        }
        while let Some((conn, unproven)) = self.conns.pop_late(now) {
            self.unproven_gone(unproven, CloseReason::TimedOut);
            self.close(conn, CloseReason::TimedOut);
        }
        self.udp.tick(now);
        self.tick_dht();
    }

    /// A packet is whose form it has: those of the DHT are bencoded dictionaries, and answers of trackers begin with a small number.
    fn datagram(&mut self, from: SocketAddr, bytes: &[u8]) {
        match &mut self.dht {
            Some(dht) if bytes.first() == Some(&b'd') => dht.packet(self.now, from, bytes),
            _ => self.udp.datagram(self.now, from, bytes),
        }
    }
}

/// What the panic said, when the disk's work for a torrent has panicked.
fn fault_of<B>(done: &Done<B>) -> Option<String> {
    match done {
        Done::OpenFailed { error, .. }
        | Done::ReadFailed { error, .. }
        | Done::WriteFailed { error, .. }
        | Done::SyncFailed { error, .. }
        | Done::Trouble { error, .. } => (error.kind == DiskErrorKind::Fault).then(|| error.message.clone()),
        Done::Opened { .. }
        | Done::Checked { .. }
        | Done::Piece { .. }
        | Done::Block { .. }
        | Done::Synced { .. }
        | Done::Metadata { .. }
        | Done::Recovered { .. }
        | Done::Remark { .. }
        | Done::Closed { .. } => None,
    }
}

/// The torrent that an answer of the disk concerns.
fn torrent_of<B>(done: &Done<B>) -> TorrentId {
    match done {
        Done::Opened { torrent, .. }
        | Done::Checked { torrent, .. }
        | Done::Piece { torrent, .. }
        | Done::Block { torrent, .. }
        | Done::ReadFailed { torrent, .. }
        | Done::Synced { torrent }
        | Done::Metadata { torrent, .. }
        | Done::OpenFailed { torrent, .. }
        | Done::WriteFailed { torrent, .. }
        | Done::SyncFailed { torrent, .. }
        | Done::Trouble { torrent, .. }
        | Done::Remark { torrent, .. }
        | Done::Recovered { torrent }
        | Done::Closed { torrent } => *torrent,
    }
}
