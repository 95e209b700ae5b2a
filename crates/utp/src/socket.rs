//! All connections of a socket (BEP 29): datagrams and time in, datagrams, events and the next deadline out.
//!
//! ```text
//! receive(now, path, datagram, deliver)   a packet came; bytes in order are offered to `deliver` where they lie
//! tick(now)                               time has passed
//! connect, write, slices + consume, shutdown, reset
//! event() -> Option<Event>                pops a queue
//! transmit(now, out, segments) -> Option<Transmit>    to be called until it says `None`, once everything at hand was received
//! deadline() -> Option<u64>               when `tick` is to be called at the latest
//! ```
//! A connection is known by the address of the other side and the id that its packets carry. Work is in proportion to what is affected: those that
//! have something to send stand in a queue and take turns, those that wait stand in one list by time.

use crate::connection::{Connection, Turn};
use crate::cookie::{self, Young};
use crate::event::{Event, Id, Path};
use crate::packet::{HEAD_LEN, Head, Kind, Packet};
use crate::pool::Pool;
use crate::receive::Deliver;
use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::vec::Vec;
use core::mem;
use core::net::SocketAddr;
use teem_basis::keyed::Keyed;

/// Answers to openings and strangers that wait to be sent; more are not given.
const ANSWERS_MAX: usize = 1_024;
/// Resets in a second.
const RESETS_A_SECOND: u64 = 100;
/// A datagram is at most so long, so the buffer for what leaves must have room for this.
pub const DATAGRAM_MAX: usize = 1_472;

/// What a socket may hold.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Settings {
    /// Bytes for all connections.
    pub memory_max: usize,
    /// Connections, those that are about to end among them.
    pub connections_max: usize,
    /// Others may open connections.
    pub accepts: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self { memory_max: 64 << 20, connections_max: 2_048, accepts: true }
    }
}

/// What is to be sent: `len` bytes of the caller's buffer, as datagrams of `segment` bytes each (the last may be shorter).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Transmit {
    /// Where from and where to.
    pub path: Path,
    /// Bytes written into the buffer.
    pub len: usize,
    /// Bytes of each datagram.
    pub segment: usize,
    /// It is larger than what the path takes in one piece now, so it must be allowed to be fragmented; all others must not be.
    pub fragment: bool,
}

/// A place for a connection.
#[derive(Debug, Default)]
struct Place {
    life: u32,
    connection: Option<Box<Connection>>,
    /// It stands in the queue of those that have something to send.
    queued: bool,
    /// It stands in the list of deadlines so.
    timer: Option<u64>,
    /// It counts as young.
    young: bool,
}

/// A socket's connections.
#[derive(Debug)]
pub struct Socket {
    settings: Settings,
    keyed: Keyed,
    pool: Pool,
    places: Vec<Place>,
    vacant: Vec<u32>,
    by_id: BTreeMap<(SocketAddr, u16), u32>,
    timers: BTreeSet<(u64, u32)>,
    ready: VecDeque<u32>,
    /// Connections that found no room in the pool or told others that there is none.
    starved: BTreeSet<u32>,
    events: VecDeque<Event>,
    answers: VecDeque<(Path, [u8; HEAD_LEN])>,
    young: Young,
    /// Resets that may be sent, and when they were counted.
    resets: u64,
    resets_us: u64,
    now_us: u64,
}

impl Socket {
    /// A socket without connections; `key` is 128 bits that nobody else knows.
    pub fn new(settings: Settings, key: [u64; 2]) -> Self {
        Self {
            settings,
            keyed: Keyed::new(key),
            pool: Pool::new(settings.memory_max),
            places: Vec::new(),
            vacant: Vec::new(),
            by_id: BTreeMap::new(),
            timers: BTreeSet::new(),
            ready: VecDeque::new(),
            starved: BTreeSet::new(),
            events: VecDeque::new(),
            answers: VecDeque::new(),
            young: Young::default(),
            resets: RESETS_A_SECOND,
            resets_us: 0,
            now_us: 0,
        }
    }

    /// Connections, those that are about to end among them.
    pub fn connections(&self) -> usize {
        self.by_id.len()
    }

    /// Bytes held for all connections.
    pub fn memory(&self) -> usize {
        self.pool.used()
    }

    /// Opens a connection; `None` when there are too many.
    pub fn connect(&mut self, now_us: u64, path: Path) -> Option<Id> {
        let now_us = self.clock(now_us);
        let ids = (0..8).map(|_| self.keyed.draw() as u16).collect::<Vec<_>>();
        let id = ids.into_iter().find(|id| !self.by_id.contains_key(&(path.remote, *id)))?;
        let first = self.keyed.draw() as u16;
        self.enter(Connection::open(now_us, path, id, first), false)
    }

    /// Writes vectored bytes into packets and says how many were taken; after less than all, [`Event::Writable`] follows.
    pub fn write(&mut self, now_us: u64, id: Id, slices: &[&[u8]]) -> usize {
        let mut rest = slices.iter().copied();
        let mut present: &[u8] = &[];
        let len = slices.iter().map(|slice| slice.len()).sum();
        self.write_with(now_us, id, len, |mut out| {
            while !out.is_empty() {
                if present.is_empty() {
                    present = rest.next().unwrap_or(&[]);
                    continue;
                }
                let part = present.len().min(out.len());
                let (now, later) = mem::take(&mut out).split_at_mut(part);
                now.copy_from_slice(&present[..part]);
                (present, out) = (&present[part..], later);
            }
        })
    }

    /// Makes room for up to `len` bytes and lets `fill` write them where they will lie, run by run: what encrypts writes here, once.
    /// Returns how many bytes were asked of it; after less than all, [`Event::Writable`] follows.
    pub(crate) fn write_with(&mut self, now_us: u64, id: Id, len: usize, mut fill: impl FnMut(&mut [u8])) -> usize {
        self.clock(now_us);
        let Some(connection) = find(&mut self.places, id) else { return 0 };
        let taken = connection.write(&mut self.pool, len, &mut fill);
        if connection.wants_room() {
            self.starved.insert(id.slot);
        }
        self.touch(id.slot);
        taken
    }

    /// What is to be read, where it lies.
    pub fn slices(&self, id: Id) -> impl Iterator<Item = &[u8]> {
        let place = self.places.get(id.slot as usize).filter(|place| place.life == id.life);
        let connection = place.and_then(|place| place.connection.as_deref()).filter(|connection| connection.is_owned());
        connection.into_iter().flat_map(Connection::slices)
    }

    /// The other side's stream was read to its end.
    pub fn is_read(&self, id: Id) -> bool {
        let place = self.places.get(id.slot as usize).filter(|place| place.life == id.life);
        place.and_then(|place| place.connection.as_deref()).is_none_or(Connection::is_read)
    }

    /// So many of the bytes of [`Self::slices`] were read.
    pub fn consume(&mut self, now_us: u64, id: Id, bytes: usize) {
        let now_us = self.clock(now_us);
        let Some(connection) = find(&mut self.places, id) else { return };
        let turn = &mut Turn { now_us, id, pool: &mut self.pool, events: &mut self.events };
        connection.consume(turn, bytes);
        self.touch(id.slot);
        self.feed();
    }

    /// Ends our stream behind what was written; what comes can still be read.
    pub fn shutdown(&mut self, now_us: u64, id: Id) {
        self.clock(now_us);
        let Some(connection) = find(&mut self.places, id) else { return };
        connection.shutdown();
        self.touch(id.slot);
    }

    /// Ends a connection at once and tells the other side. No event follows.
    pub fn reset(&mut self, now_us: u64, id: Id) {
        self.clock(now_us);
        let Some(connection) = find(&mut self.places, id) else { return };
        let head = Head {
            kind: Kind::Reset,
            connection_id: connection.send_id,
            timestamp_us: now_us as u32,
            timestamp_difference_us: 0,
            window: 0,
            seq_nr: 0,
            ack_nr: 0,
        };
        let path = connection.path;
        connection.end(&mut self.pool);
        self.answer(path, &head);
        self.touch(id.slot);
        self.feed();
    }

    /// Takes a datagram; false when it is no packet of uTP. `deliver` is offered bytes of a stream in order, where they lie, unless some wait to be read
    /// before them; it says how many it takes, and the rest is kept.
    pub fn receive(
        &mut self,
        now_us: u64,
        path: Path,
        datagram: &[u8],
        mut deliver: impl FnMut(Id, &[u8]) -> usize,
    ) -> bool {
        let now_us = self.clock(now_us);
        let Some(packet) = Packet::decode(datagram) else { return false };
        let id = packet.head.connection_id;
        match packet.head.kind {
            Kind::Syn => self.opening(now_us, path, &packet.head),
            Kind::Reset => {
                // Some send resets with the id that they receive on, which is beside ours.
                let beside = [id, id.wrapping_add(1), id.wrapping_sub(1)].into_iter().filter_map(|receive| {
                    let slot = *self.by_id.get(&(path.remote, receive))?;
                    let connection = self.places[slot as usize].connection.as_deref()?;
                    (receive == id || connection.send_id == id).then_some(slot)
                });
                let slot = beside.min_by_key(|slot| self.place_id(*slot) != Some(id));
                if let Some(slot) = slot {
                    self.with(now_us, slot, &mut |connection, turn| connection.was_reset(turn));
                }
            }
            Kind::Data | Kind::Fin | Kind::State => {
                if let Some(slot) = self.by_id.get(&(path.remote, id)).copied() {
                    self.arrived(now_us, slot, path, &packet, &mut deliver);
                } else if let Some(slot) = self.accept(now_us, path, &packet.head) {
                    self.arrived(now_us, slot, path, &packet, &mut |_, _| 0);
                } else {
                    self.stranger(now_us, path, &packet.head);
                }
            }
        }
        true
    }

    /// Whether a packet with that head belongs to a connection, or proves that its sender may open one: what else it may look like, it is one of uTP.
    pub fn knows(&self, remote: SocketAddr, head: &Head) -> bool {
        let (id, theirs, ours) = (head.connection_id.wrapping_sub(1), head.seq_nr, head.ack_nr.wrapping_add(1));
        self.by_id.contains_key(&(remote, head.connection_id))
            || (self.settings.accepts
                && cookie::is_ours(&self.keyed, self.now_us, remote, id, theirs.wrapping_sub(1), ours))
    }

    fn place_id(&self, slot: u32) -> Option<u16> {
        self.places[slot as usize].connection.as_deref().map(|connection| connection.receive_id)
    }

    /// A packet for a connection.
    fn arrived(
        &mut self,
        now_us: u64,
        slot: u32,
        path: Path,
        packet: &Packet<'_>,
        deliver: &mut dyn FnMut(Id, &[u8]) -> usize,
    ) {
        self.with(now_us, slot, &mut |connection, turn| {
            connection.path.local = path.local.or(connection.path.local);
            let id = turn.id;
            let deliver: &mut Deliver<'_> = &mut |bytes| deliver(id, bytes);
            connection.arrived(turn, packet, deliver);
        });
        self.feed();
    }

    /// Somebody opens a connection: that costs one answer.
    fn opening(&mut self, now_us: u64, path: Path, head: &Head) {
        let known = self.by_id.contains_key(&(path.remote, head.connection_id.wrapping_add(1)));
        if !self.settings.accepts || known {
            return;
        }
        let number = cookie::number(&self.keyed, now_us, path.remote, head.connection_id, head.seq_nr);
        let answer = Head {
            kind: Kind::State,
            connection_id: head.connection_id,
            timestamp_us: now_us as u32,
            timestamp_difference_us: (now_us as u32).wrapping_sub(head.timestamp_us),
            window: crate::receive::WINDOW_MAX.min(self.pool.free()) as u32,
            seq_nr: number,
            ack_nr: head.seq_nr,
        };
        self.answer(path, &answer);
    }

    /// The first packet of a stream, if it acknowledges our answer to an opening.
    fn accept(&mut self, now_us: u64, path: Path, head: &Head) -> Option<u32> {
        let (id, theirs, ours) = (head.connection_id.wrapping_sub(1), head.seq_nr, head.ack_nr.wrapping_add(1));
        let proof = matches!(head.kind, Kind::Data | Kind::Fin)
            && self.settings.accepts
            && cookie::is_ours(&self.keyed, now_us, path.remote, id, theirs.wrapping_sub(1), ours);
        if !proof || !self.young.enter(path.remote.ip()) {
            return None;
        }
        let entered = self.enter(Connection::accept(now_us, path, id, ours, theirs), true);
        if entered.is_none() {
            self.young.leave(path.remote.ip());
        }
        let id = entered?;
        self.events.push_back(Event::Accepted(id, path.remote));
        Some(id.slot)
    }

    /// A packet that belongs to no connection: its sender is told, unless it may yet prove itself.
    fn stranger(&mut self, now_us: u64, path: Path, head: &Head) {
        let passed = now_us.saturating_sub(self.resets_us);
        let more = passed.saturating_mul(RESETS_A_SECOND) / 1_000_000;
        if more > 0 {
            (self.resets, self.resets_us) = ((self.resets + more).min(RESETS_A_SECOND), now_us);
        }
        let (id, theirs, ours) = (head.connection_id.wrapping_sub(1), head.seq_nr, head.ack_nr.wrapping_add(1));
        // The first packet of a stream was lost, or there are too many young ones: it will come again.
        let early = (0..64).any(|past| {
            let theirs = theirs.wrapping_sub(1 + past);
            cookie::is_ours(&self.keyed, now_us, path.remote, id, theirs, ours)
        });
        if self.resets == 0 || (self.settings.accepts && early) {
            return;
        }
        self.resets -= 1;
        let reset = Head {
            kind: Kind::Reset,
            timestamp_us: now_us as u32,
            timestamp_difference_us: 0,
            window: 0,
            seq_nr: 0,
            ack_nr: head.seq_nr,
            ..*head
        };
        self.answer(path, &reset);
    }

    fn answer(&mut self, path: Path, head: &Head) {
        if self.answers.len() < ANSWERS_MAX {
            self.answers.push_back((path, head.encode()));
        }
    }

    /// Time has passed.
    pub fn tick(&mut self, now_us: u64) {
        let now_us = self.clock(now_us);
        let later = self.timers.split_off(&(now_us + 1, 0));
        for (_, slot) in mem::replace(&mut self.timers, later) {
            self.places[slot as usize].timer = None;
            self.with(now_us, slot, &mut |connection, turn| connection.tick(turn));
        }
        self.feed();
    }

    /// When [`Self::tick`] is to be called at the latest.
    pub fn deadline(&self) -> Option<u64> {
        self.timers.first().map(|(at, _)| *at)
    }

    /// What has happened.
    pub fn event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// Writes the next datagrams into `out`, of [`DATAGRAM_MAX`] bytes at least: up to `segments_max` of one size and to one address. `None` when
    /// nothing is to be sent before the deadline.
    pub fn transmit(&mut self, now_us: u64, out: &mut [u8], segments_max: usize) -> Option<Transmit> {
        let now_us = self.clock(now_us);
        if let Some((path, bytes)) = self.answers.pop_front() {
            out.get_mut(..HEAD_LEN)?.copy_from_slice(&bytes);
            return Some(Transmit { path, len: HEAD_LEN, segment: HEAD_LEN, fragment: false });
        }
        while let Some(slot) = self.ready.pop_front() {
            let place = &mut self.places[slot as usize];
            place.queued = false;
            let id = Id { slot, life: place.life };
            let Some(connection) = place.connection.as_deref_mut() else { continue };
            let turn = &mut Turn { now_us, id, pool: &mut self.pool, events: &mut self.events };
            let train = connection.transmit(turn, out, segments_max);
            let path = connection.path;
            self.touch(slot);
            if let Some(train) = train {
                return Some(Transmit { path, len: train.len, segment: train.segment, fragment: train.fragment });
            }
        }
        None
    }

    /// Our clock never goes back.
    fn clock(&mut self, now_us: u64) -> u64 {
        self.now_us = self.now_us.max(now_us);
        self.now_us
    }

    /// Makes a place for a connection.
    fn enter(&mut self, connection: Connection, young: bool) -> Option<Id> {
        if self.by_id.len() >= self.settings.connections_max {
            return None;
        }
        let slot = self.vacant.pop().unwrap_or_else(|| {
            self.places.push(Place::default());
            self.places.len() as u32 - 1
        });
        self.by_id.insert((connection.path.remote, connection.receive_id), slot);
        let place = &mut self.places[slot as usize];
        (place.connection, place.young) = (Some(Box::new(connection)), young);
        let id = Id { slot, life: place.life };
        self.touch(slot);
        Some(id)
    }

    /// Has something done by a connection, and sees to what follows.
    fn with(&mut self, now_us: u64, slot: u32, act: &mut dyn FnMut(&mut Connection, &mut Turn<'_>)) {
        let place = &mut self.places[slot as usize];
        let id = Id { slot, life: place.life };
        let Some(connection) = place.connection.as_deref_mut() else { return };
        act(connection, &mut Turn { now_us, id, pool: &mut self.pool, events: &mut self.events });
        self.touch(slot);
    }

    /// Puts a connection that has changed into the queue, into the list of deadlines, or out.
    fn touch(&mut self, slot: u32) {
        let now_us = self.now_us;
        let place = &mut self.places[slot as usize];
        let Some(connection) = place.connection.as_deref_mut() else { return };
        if place.young && (connection.proven || connection.is_gone()) {
            place.young = false;
            self.young.leave(connection.path.remote.ip());
        }
        if connection.is_gone() {
            self.by_id.remove(&(connection.path.remote, connection.receive_id));
            if let Some(at) = place.timer.take() {
                self.timers.remove(&(at, slot));
            }
            (place.connection, place.life) = (None, place.life.wrapping_add(1));
            self.starved.remove(&slot);
            self.vacant.push(slot);
            return;
        }
        if !place.queued && connection.wants_to_send(now_us) {
            place.queued = true;
            self.ready.push_back(slot);
        }
        // A timer that is too early only looks again.
        let at = connection.deadline(now_us);
        if let Some(at) = at.filter(|at| place.timer.is_none_or(|timer| *at < timer)) {
            if let Some(before) = place.timer.replace(at) {
                self.timers.remove(&(before, slot));
            }
            self.timers.insert((at, slot));
        }
    }

    /// Those that found no room are told when there is some.
    fn feed(&mut self) {
        if self.starved.is_empty() {
            return;
        }
        let now_us = self.now_us;
        for slot in mem::take(&mut self.starved) {
            self.with(now_us, slot, &mut |connection, turn| {
                connection.tell_room(turn);
                connection.tell_window(turn.pool);
            });
            let connection = self.places[slot as usize].connection.as_deref();
            if connection.is_some_and(Connection::wants_room) {
                self.starved.insert(slot);
            }
        }
    }

    /// What must hold at every moment; for tests and the simulator.
    pub fn check(&self) {
        let connections = self.places.iter().filter_map(|place| place.connection.as_deref());
        let mut held = 0;
        for connection in connections.clone() {
            connection.check();
            held += connection.held();
        }
        assert_eq!(held, self.pool.used(), "what connections hold is what the pool is charged");
        assert!(self.pool.used() <= self.settings.memory_max);
        assert_eq!(connections.count(), self.by_id.len());
        assert!(self.by_id.len() <= self.settings.connections_max);
        assert_eq!(self.places.iter().filter(|place| place.timer.is_some()).count(), self.timers.len());
        let young = self.places.iter().filter(|place| place.young).count();
        assert_eq!(young, self.young.count());
        self.young.check();
        assert!(self.answers.len() <= ANSWERS_MAX);
    }
}

/// A connection that its owner may use.
fn find(places: &mut [Place], id: Id) -> Option<&mut Connection> {
    let place = places.get_mut(id.slot as usize).filter(|place| place.life == id.life)?;
    place.connection.as_deref_mut().filter(|connection| connection.is_owned())
}
