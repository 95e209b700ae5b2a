//! One peer of a world (own design): its line, its disk, and whoever sits at its end.
use crate::block::SimBlock;
use crate::brain::Brain;
use crate::conn::End;
use crate::content::Content;
use crate::draw::between;
use crate::link::{Downlink, Uplink};
use crate::name;
use crate::scenario::{Departure, Group, Role};
use crate::storage::SimDisk;
use crate::trace::Trace;
use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;
use teem_engine::input::Input;
use teem_swarm::ids::ConnId;
use teem_swarm::rng::Rng;
use teem_swarm::time::Time;

/// The port that every peer listens on.
pub const PORT: u16 = 6881;
/// The first address, a public one as the engine sees it. Each peer is in a network of its own, as strangers are: clients
/// treat those of one /24 as one party (BEP 6's allowed pieces, shares by prefix).
const FIRST: u32 = 0x0B00_0001;
/// From one peer's address to the next.
const STRIDE: u32 = 256;

/// For how many more connections a peer makes room at a time.
const ENDS_MORE: usize = 16;

/// A dial of a peer.
#[derive(Clone, Copy, Debug)]
pub struct Dial {
    /// The number of the peer that is dialled.
    pub to: u32,
    /// The life of the dialling peer in which it dials.
    pub life: u32,
}

/// A peer with its lines, its disk and, while it runs, its process.
pub struct Node {
    /// What it is.
    pub spec: Group,
    /// Where it is.
    pub addr: SocketAddr,
    /// Delay between it and the middle of the network.
    pub(crate) delay: Duration,
    /// Its line out.
    pub up: Uplink,
    /// Its line in.
    pub down: Downlink,
    /// Its disk, which outlives its process.
    pub disk: SimDisk,
    /// Its process, while it runs.
    pub brain: Option<Box<dyn Brain>>,
    /// Counts its processes, so that what was meant for an earlier one is dropped.
    pub life: u32,
    /// Inputs that are under way to its process.
    mail: Vec<Option<Input<SimBlock>>>,
    /// Places in `mail` that are free.
    free: Vec<u32>,
    /// When its process wants its tick.
    pub(crate) tick_at: Option<Time>,
    /// How many ticks in a row have left its deadline where it was.
    pub(crate) ticks: u32,
    /// Its connections that are open, by their names.
    pub pipes: BTreeSet<ConnId>,
    /// Its ends of all connections that there were, or may come to be.
    pub ends: Vec<End>,
    /// Behind NAT: those that it has sent packets to, whose answers are let in.
    pub(crate) sent_to: BTreeSet<u32>,
    /// Places of ends of which nothing came, for the next.
    pub(crate) unused: Vec<u32>,
    /// Its dials that are not answered.
    dials: Vec<Option<Dial>>,
    /// The last span in which it made a connection, and how many more it made in it.
    pub(crate) made: (u64, u32),
    /// The hash of all that happened to it and that it did.
    pub trace: Trace,
    /// For choices of the world about it.
    pub rng: Rng,
    /// When it first appeared.
    pub came: Option<Time>,
    /// When it was complete, if it was not from the start.
    pub complete: Option<Time>,
    /// Payload bytes that came, of any use or none.
    pub received: u64,
    /// Payload bytes that left.
    pub sent: u64,
}

impl Node {
    /// The peer with that number.
    pub fn new(index: u32, spec: &Group, content: &Content, rng: &mut Rng) -> Self {
        let mut rng = rng.fork();
        let whole = spec.role == Role::Seed;
        let mut disk = SimDisk::new(content.clone(), whole, rng.fork());
        if spec.unclaimed_permille > 0 {
            let there = |_: &u32| rng.below(1000) < u64::from(spec.unclaimed_permille);
            let pieces: Vec<u32> = (0..content.pieces()).filter(there).collect();
            disk.put_unclaimed(pieces);
        }
        Self {
            addr: addr_of(index),
            delay: between(&mut rng, spec.delay.0, spec.delay.1),
            up: Uplink::new(spec.up),
            down: Downlink::new(spec.down),
            disk,
            brain: None,
            life: 0,
            mail: Vec::new(),
            free: Vec::new(),
            tick_at: None,
            ticks: 0,
            pipes: BTreeSet::new(),
            ends: Vec::new(),
            sent_to: BTreeSet::new(),
            unused: Vec::new(),
            dials: Vec::new(),
            made: (u64::MAX, 0),
            trace: Trace::default(),
            rng,
            came: None,
            complete: None,
            received: 0,
            sent: 0,
            spec: spec.clone(),
        }
    }

    /// Whether the run goes on until it is complete, or gone for good.
    pub(crate) fn must(&self) -> bool {
        self.spec.role.wants() && !matches!(self.spec.departure, Departure::After(_) | Departure::OnceCopied(_))
    }

    /// It dials somebody; gives the number of the dial.
    pub(crate) fn dials(&mut self, to: u32) -> u32 {
        let dial = Some(Dial { to, life: self.life });
        let free = self.dials.iter().position(Option::is_none).unwrap_or(self.dials.len());
        match self.dials.get_mut(free) {
            Some(place) => *place = dial,
            None => self.dials.push(dial),
        }
        free as u32
    }

    /// A dial is answered.
    pub(crate) fn answered(&mut self, dial: u32) -> Option<Dial> {
        self.dials.get_mut(dial as usize)?.take()
    }

    /// Keeps an end of a connection; gives its place.
    ///
    /// # Panics
    ///
    /// When there have been more than names can tell apart.
    pub(crate) fn keep(&mut self, end: End) -> u32 {
        if let Some(place) = self.unused.pop() {
            self.ends[place as usize] = end;
            return place;
        }
        assert!(
            self.ends.len() < name::ENDS_MAX,
            "a peer has had {} connections, more than names tell apart",
            self.ends.len()
        );
        if self.ends.len() == self.ends.capacity() {
            // Doubled, half of them would be empty with each of thousands of peers.
            self.ends.reserve_exact(ENDS_MORE);
        }
        self.ends.push(end);
        self.ends.len() as u32 - 1
    }

    /// The end that has that name.
    pub(crate) fn end(&mut self, conn: ConnId) -> Option<&mut End> {
        self.ends.get_mut(name::place(conn) as usize).filter(|end| end.conn == conn)
    }

    /// Keeps an input until its time; gives the place where it is found.
    pub(crate) fn post(&mut self, input: Input<SimBlock>) -> u32 {
        if let Some(place) = self.free.pop() {
            self.mail[place as usize] = Some(input);
            return place;
        }
        self.mail.push(Some(input));
        self.mail.len() as u32 - 1
    }

    /// The input that is kept at a place.
    pub(crate) fn awaits(&self, place: u32) -> Option<&Input<SimBlock>> {
        self.mail.get(place as usize)?.as_ref()
    }

    /// Takes an input out.
    pub fn fetch(&mut self, place: u32) -> Option<Input<SimBlock>> {
        let input = self.mail.get_mut(place as usize)?.take();
        self.free.extend(input.is_some().then_some(place));
        input
    }

    /// Drops all inputs: their places are given anew, so whoever comes for them has to know that they are gone.
    pub(crate) fn drop_mail(&mut self) {
        self.mail.clear();
        self.free.clear();
    }
}

/// The address of the peer with that number.
pub fn addr_of(index: u32) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::from(FIRST + index * STRIDE), PORT))
}

/// The number of the peer with that address, of `count`.
pub(crate) fn index_of(addr: SocketAddr, count: usize) -> Option<u32> {
    let SocketAddr::V4(addr) = addr else { return None };
    let apart = u32::from(*addr.ip()).checked_sub(FIRST)?;
    let index = apart / STRIDE;
    (addr.port() == PORT && apart % STRIDE == 0 && (index as usize) < count).then_some(index)
}
