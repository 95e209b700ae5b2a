//! A socket of uTP with its programs (own design): each stream has a plan, and what it reads must be what the other side's plan wrote.

use crate::packets::veil::Veil;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use teem_utp::{DATAGRAM_MAX, Event, Id, Path, Settings, Socket, Why};

/// Length of the pattern that contents repeat; a prime, so that no packet begins where another did.
const PATTERN: usize = 65_521;
/// Segments of a train.
const SEGMENTS: usize = 44;
/// A handshake may take so long, in microseconds.
const AGREED_US: u64 = 300_000_000;
/// Bytes that a lazy program reads in one go.
const SIP: usize = 2_000;

/// What a program does with a connection.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// Bytes that it writes; then it ends its stream.
    pub(crate) bytes: u64,
    /// It goes on writing for ever.
    pub(crate) endless: bool,
    /// It reads a sip after so long each time instead of all at once.
    pub(crate) sip_us: Option<u64>,
    /// It leaves at once after it has read and written so many bytes together.
    pub(crate) leaves_at: Option<u64>,
}

impl Plan {
    /// Writes so many bytes and reads all.
    pub(crate) fn of(bytes: u64) -> Self {
        Self { bytes, endless: false, sip_us: None, leaves_at: None }
    }

    /// Writes without end.
    pub(crate) fn endless() -> Self {
        Self { endless: true, ..Self::of(u64::MAX) }
    }
}

/// How a connection ended for its program.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Over {
    /// The program left.
    Left,
    /// The socket said so.
    Told(Why),
}

/// A connection as its program sees it.
#[derive(Debug)]
pub(crate) struct Stream {
    pub(crate) plan: Plan,
    /// What the other side writes.
    theirs: Content,
    /// What encrypts it, and when both must have agreed.
    veil: Option<Box<Veil>>,
    agreed_by_us: u64,
    pub(crate) wrote: u64,
    pub(crate) read: u64,
    /// A lazy program reads then.
    sip_at_us: Option<u64>,
    shut: bool,
    connected: bool,
    /// The other side's stream was read to its end.
    pub(crate) ended: bool,
    /// Why it is over.
    pub(crate) over: Option<Over>,
}

/// The socket and its programs.
#[derive(Debug)]
pub(crate) struct Host {
    pub(crate) socket: Socket,
    pub(crate) streams: BTreeMap<Id, Stream>,
    /// What is done with a connection that another opens.
    pub(crate) accepting: Plan,
    /// Whether what is read must be what was written: not so where packets are forged.
    pub(crate) honest: bool,
    /// The seed of the ciphers of its streams, where they are encrypted.
    pub(crate) veils: Option<u64>,
    /// What its programs write.
    ours: Content,
    out: Vec<u8>,
}

/// What a node writes: a pattern of its own, again and again.
struct Content(Vec<u8>);

impl std::fmt::Debug for Content {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "a pattern of {} bytes", self.0.len())
    }
}

impl Content {
    fn of(salt: u8) -> Self {
        Self((0..PATTERN as u32).map(|place| (place.wrapping_mul(0x9E37_79B1) >> 24) as u8 ^ salt).collect())
    }

    /// Its bytes from that place on, as they lie beside each other.
    fn runs(&self, at: u64, len: usize) -> impl Iterator<Item = &[u8]> {
        let mut place = (at % PATTERN as u64) as usize;
        let mut rest = len;
        std::iter::from_fn(move || {
            let run = rest.min(PATTERN - place);
            let bytes = &self.0[place..place + run];
            (place, rest) = ((place + run) % PATTERN, rest - run);
            (run > 0).then_some(bytes)
        })
    }
}

/// The salt of a node is the last byte of its address.
fn salt(remote: SocketAddr) -> u8 {
    match remote.ip() {
        std::net::IpAddr::V4(ip) => ip.octets()[3],
        std::net::IpAddr::V6(ip) => ip.octets()[15],
    }
}

impl Stream {
    fn new(plan: Plan, remote: SocketAddr) -> Self {
        Self {
            plan,
            theirs: Content::of(salt(remote)),
            veil: None,
            agreed_by_us: u64::MAX,
            wrote: 0,
            read: 0,
            sip_at_us: None,
            shut: false,
            connected: false,
            ended: false,
            over: None,
        }
    }

    /// Bytes came in order.
    fn take(&mut self, bytes: &[u8], honest: bool) {
        if honest {
            let mut rest = bytes;
            for run in self.theirs.runs(self.read, bytes.len()) {
                let (now, later) = rest.split_at(run.len());
                assert!(now == run, "other bytes than were written, within {} of {}", bytes.len(), self.read);
                rest = later;
            }
        }
        self.read += bytes.len() as u64;
    }

    /// When a handshake has taken too long.
    fn waits_until(&self) -> Option<u64> {
        let waits = self.veil.as_ref().is_some_and(|veil| !veil.is_agreed());
        (waits && self.over.is_none()).then_some(self.agreed_by_us)
    }

    fn leaves(&self, now_us: u64) -> bool {
        let refused = self.veil.as_ref().is_some_and(|veil| veil.is_refused());
        if refused || self.waits_until().is_some_and(|until| until <= now_us) {
            return true;
        }
        self.plan.leaves_at.is_some_and(|at| self.read + self.wrote.min(self.plan.bytes) >= at)
    }
}

impl Host {
    pub(crate) fn new(settings: Settings, address: SocketAddr, key: [u64; 2], accepting: Plan) -> Self {
        Self {
            socket: Socket::new(settings, key),
            streams: BTreeMap::new(),
            accepting,
            honest: true,
            veils: None,
            ours: Content::of(salt(address)),
            out: vec![0; SEGMENTS * DATAGRAM_MAX],
        }
    }

    /// Opens a connection with that plan.
    pub(crate) fn connect(&mut self, now_us: u64, remote: SocketAddr, plan: Plan) -> Option<Id> {
        let id = self.socket.connect(now_us, Path { remote, local: None })?;
        let veil = self.veil().map(|seed| Box::new(Veil::opens(seed)));
        self.streams.insert(id, Stream { veil, agreed_by_us: now_us + AGREED_US, ..Stream::new(plan, remote) });
        Some(id)
    }

    /// The seed for the cipher of the next stream.
    fn veil(&mut self) -> Option<u64> {
        let next = self.veils.map(|seed| seed.wrapping_add(1));
        self.veils = next;
        next
    }

    /// A datagram came.
    pub(crate) fn receive(&mut self, now_us: u64, remote: SocketAddr, datagram: &[u8]) {
        let (streams, honest) = (&mut self.streams, self.honest);
        self.socket.receive(now_us, Path { remote, local: None }, datagram, |id, bytes| {
            let Some(stream) =
                streams.get_mut(&id).filter(|stream| stream.plan.sip_us.is_none() && stream.veil.is_none())
            else {
                return 0;
            };
            stream.take(bytes, honest);
            bytes.len()
        });
    }

    /// What programs do between receiving and sending.
    pub(crate) fn turn(&mut self, now_us: u64) {
        self.socket.tick(now_us);
        while let Some(event) = self.socket.event() {
            self.event(now_us, event);
        }
        let sipping: Vec<Id> = self
            .streams
            .iter()
            .filter(|(_, stream)| stream.over.is_none() && stream.sip_at_us.is_some_and(|at| at <= now_us))
            .map(|(id, _)| *id)
            .collect();
        for id in sipping {
            self.read(now_us, id, SIP);
            self.go_on(now_us, id);
        }
        let leaving: Vec<Id> = self
            .streams
            .iter()
            .filter(|(_, stream)| stream.over.is_none() && stream.leaves(now_us))
            .map(|(id, _)| *id)
            .collect();
        for id in leaving {
            self.socket.reset(now_us, id);
            if let Some(stream) = self.streams.get_mut(&id) {
                stream.over = Some(Over::Left);
            }
        }
    }

    fn event(&mut self, now_us: u64, event: Event) {
        match event {
            Event::Accepted(id, remote) => {
                let veil = self.veil().map(|seed| Box::new(Veil::answers(seed)));
                let new = Stream::new(self.accepting.clone(), remote);
                let stream = Stream { veil, agreed_by_us: now_us + AGREED_US, ..new };
                let before = self.streams.insert(id, stream);
                assert!(before.is_none(), "a name was given twice");
                self.connected(now_us, id);
            }
            Event::Connected(id) => self.connected(now_us, id),
            Event::Readable(id) => {
                let lazy = self.streams.get_mut(&id).filter(|stream| stream.plan.sip_us.is_some());
                match lazy {
                    Some(stream) => stream.sip_at_us = stream.sip_at_us.or(Some(now_us)),
                    None => self.read(now_us, id, usize::MAX),
                }
                self.go_on(now_us, id);
            }
            Event::Writable(id) => self.go_on(now_us, id),
            Event::Closed(id, why) => {
                let Some(stream) = self.streams.get_mut(&id) else { panic!("the end of what never was") };
                assert!(stream.over.is_none(), "it ended twice");
                // Nothing is finished before all was read.
                stream.ended |= why == Why::Finished;
                stream.over = Some(Over::Told(why));
            }
        }
    }

    fn connected(&mut self, now_us: u64, id: Id) {
        if let Some(stream) = self.streams.get_mut(&id) {
            stream.connected = true;
        }
        self.go_on(now_us, id);
    }

    /// Writes what there is room for, and ends the stream behind it.
    fn go_on(&mut self, now_us: u64, id: Id) {
        let Some(stream) = self.streams.get_mut(&id).filter(|stream| stream.over.is_none() && stream.connected) else {
            return;
        };
        if let Some(veil) = &mut stream.veil {
            loop {
                let len = usize::try_from(stream.plan.bytes - stream.wrote).unwrap_or(usize::MAX).min(veil.room());
                veil.stage(self.ours.runs(stream.wrote, len));
                stream.wrote += len as u64;
                let staged = veil.staged.len();
                let taken = self.socket.write(now_us, id, &[&veil.staged]);
                veil.staged.drain(..taken);
                if taken < staged {
                    return;
                }
                if !veil.is_agreed() {
                    return;
                }
                if stream.wrote == stream.plan.bytes {
                    break;
                }
            }
        }
        let most = if stream.plan.endless { 1 << 20 } else { 1 << 18 };
        while stream.wrote < stream.plan.bytes {
            let len = usize::try_from(stream.plan.bytes - stream.wrote).unwrap_or(usize::MAX).min(most);
            let (ours, at) = (&self.ours, stream.wrote);
            let slices: Vec<&[u8]> = ours.runs(at, len).collect();
            let taken = self.socket.write(now_us, id, &slices);
            stream.wrote += taken as u64;
            if taken < len {
                return;
            }
        }
        if !std::mem::replace(&mut stream.shut, true) {
            self.socket.shutdown(now_us, id);
        }
    }

    fn read(&mut self, now_us: u64, id: Id, most: usize) {
        let Some(stream) = self.streams.get_mut(&id).filter(|stream| stream.over.is_none()) else { return };
        let mut read = 0;
        for slice in self.socket.slices(id) {
            let part = &slice[..slice.len().min(most - read)];
            match &mut stream.veil {
                Some(veil) => {
                    let payload = veil.came(part);
                    assert!(!self.honest || !veil.is_refused(), "a handshake was refused");
                    stream.take(&payload, self.honest);
                }
                None => stream.take(part, self.honest),
            }
            read += part.len();
        }
        self.socket.consume(now_us, id, read);
        let more = self.socket.slices(id).next().is_some();
        stream.sip_at_us = stream.plan.sip_us.filter(|_| more).map(|sip| now_us + sip);
        stream.ended = self.socket.is_read(id);
    }

    /// When something is to be done though nothing comes.
    pub(crate) fn deadline(&self) -> Option<u64> {
        let sips = self.streams.values().filter(|stream| stream.over.is_none()).filter_map(|stream| stream.sip_at_us);
        let handshakes = self.streams.values().filter_map(Stream::waits_until);
        sips.chain(handshakes).chain(self.socket.deadline()).min()
    }

    /// Hands on every datagram that may leave: to whom, the bytes, and whether it may be fragmented.
    pub(crate) fn transmit(&mut self, now_us: u64, mut carry: impl FnMut(SocketAddr, &[u8], bool)) {
        while let Some(train) = self.socket.transmit(now_us, &mut self.out, SEGMENTS) {
            for datagram in self.out[..train.len].chunks(train.segment) {
                carry(train.path.remote, datagram, train.fragment);
            }
        }
    }
}
