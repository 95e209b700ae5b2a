//! What all parts of a node stand on (own design): the table, how long answers take, what is under way, and what is to be sent.
use crate::act::Act;
use crate::id::Id;
use crate::krpc::message::{Body, Contact, Message, Method, Query};
use crate::lookup::search::{CLOSEST, WIDTH, Width};
use crate::outside::Outside;
use crate::rtt::RoundTrips;
use crate::secure;
use crate::served;
use crate::table::Table;
use crate::transactions::{Purpose, Transactions};
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::net::{IpAddr, SocketAddr};
use core::time::Duration;
use teem_basis::rng::Rng;
use teem_basis::time::Time;
use teem_wire::compact::Family;
use teem_wire::reach::Reach;

/// The program in `v`: two letters, two bytes of a version.
pub(crate) const VERSION: &[u8] = b"TE\x00\x01";
/// Sizes of the network that look-ups have come to, of which the middle one is believed: each is off by a third or so.
const SIZES_MAX: usize = 5;
/// With fewer nothing is believed.
const SIZES_MIN: usize = 3;

/// How a node behaves.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Settings {
    /// Answers nobody and says so (BEP 43): for what runs for one question only.
    pub read_only: bool,
    /// How many a look-up asks at once, and when another instead.
    pub pace: Pace,
    /// Answers without bounds on packets and bytes: for measurements.
    pub is_open: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self { read_only: false, pace: Pace::Measured, is_open: false }
    }
}

/// When another node is asked instead of one that is silent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Pace {
    /// After one and a half times what nine in ten answers take; six to eight at once.
    Measured,
    /// After a fixed time, with so many at once, as other programs do; for comparing.
    Fixed {
        /// Queries under way.
        width: usize,
        /// Until an answer is late.
        late_after: Duration,
    },
}

/// Counts of what a node has done.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Counts {
    /// Queries that we sent, those of look-ups and those of our own.
    pub asked: u64,
    /// Answers to them, errors among them.
    pub answers: u64,
    /// Queries that are given up.
    pub silent: u64,
    /// Queries that came.
    pub queries: u64,
    /// Answers to those that were sent, errors among them.
    pub answered: u64,
    /// Packets that were no messages, or answers to nothing.
    pub strange: u64,
}

/// The common ground of a node.
#[derive(Debug)]
pub(crate) struct Ground {
    pub(crate) family: Family,
    pub(crate) settings: Settings,
    pub(crate) id: Id,
    pub(crate) outside: Outside,
    pub(crate) table: Table,
    pub(crate) trips: RoundTrips,
    pub(crate) transactions: Transactions,
    pub(crate) rng: Rng,
    pub(crate) acts: VecDeque<Act>,
    pub(crate) counts: Counts,
    sizes: VecDeque<u64>,
}

impl Ground {
    pub(crate) fn new(family: Family, settings: Settings, id: Id, rng: Rng) -> Self {
        Self {
            family,
            settings,
            id,
            outside: Outside::default(),
            table: Table::new(id),
            trips: RoundTrips::new(),
            transactions: Transactions::default(),
            rng,
            acts: VecDeque::new(),
            counts: Counts::default(),
            sizes: VecDeque::new(),
        }
    }

    /// Sends a query.
    pub(crate) fn ask(&mut self, now: Time, to: SocketAddr, purpose: Purpose, method: Method<'_>) {
        let number = self.transactions.begin(now, to, purpose, self.late_after(), &mut self.rng);
        let query = Query { id: self.id, read_only: self.settings.read_only, want: None, method };
        let message =
            Message { transaction: &number.to_be_bytes(), version: Some(VERSION), ip: None, body: Body::Query(query) };
        self.counts.asked += 1;
        self.table.asked(now, to);
        self.acts.push_back(Act::Send { to, bytes: message.encode() });
    }

    /// After that time without an answer another node is asked.
    pub(crate) fn late_after(&self) -> Duration {
        match self.settings.pace {
            Pace::Measured => self.trips.late_after(),
            Pace::Fixed { late_after, .. } => late_after,
        }
    }

    /// How many a look-up asks at once.
    pub(crate) fn width(&self) -> Width {
        match self.settings.pace {
            Pace::Measured => WIDTH,
            Pace::Fixed { width, .. } => Width { near: width, all: width },
        }
    }

    /// Whether an id fits its address (BEP 42).
    pub(crate) fn fits(contact: &Contact) -> bool {
        secure::fits(contact.id, contact.addr.ip())
    }

    /// Whether a node that somebody names may be asked: of our family, and no nearer than the one that names it.
    pub(crate) fn may_ask(&self, by: IpAddr, contact: &Contact) -> bool {
        let ip = contact.addr.ip();
        contact.id != self.id
            && contact.addr.port() != 0
            && Family::of(ip) == self.family
            && Reach::of(ip).told_to(Reach::of(by))
            && self.outside.address() != Some(ip)
    }

    /// A look-up for a target that nobody else chose has seen how dense nodes lie.
    pub(crate) fn learn_size(&mut self, size: u64) {
        if self.sizes.len() >= SIZES_MAX {
            self.sizes.pop_front();
        }
        self.sizes.push_back(size);
    }

    /// How many nodes the network has, once three look-ups have told.
    pub(crate) fn size(&self) -> Option<u64> {
        let mut sizes: Vec<u64> = self.sizes.iter().copied().collect();
        sizes.sort_unstable();
        if sizes.len() < SIZES_MIN { None } else { sizes.get(sizes.len() / 2).copied() }
    }
}

impl served::Table for Ground {
    fn closest(&self, family: Family, target: Id) -> Option<Vec<Contact>> {
        (family == self.family).then(|| self.table.closest_good(target, CLOSEST))
    }
}
