//! How a node comes to know others and keeps knowing them (BEP 5, "Routing Table"): a beginning with all that is known at once, and afterwards a query
//! every few seconds.
//!
//! An idle node sends a query each nine seconds and a look-up of its own place every half hour, and is sent as many: 28 packets a minute with the answers. Each query goes to the node that
//! was left alone longest, or to one that asked us and would find room, and asks for nodes where the table has room. While little is known things go faster.
use crate::ground::Ground;
use crate::id::{ID_LEN, Id};
use crate::krpc::message::{Contact, Method};
use crate::lookup::running::Lookups;
use crate::lookup::{LookupId, Question, Then};
use crate::transactions::Purpose;
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::net::SocketAddr;
use core::time::Duration;
use teem_basis::rng::Rng;
use teem_basis::time::Time;

/// Between two queries of an idle node.
const IDLE: Duration = Duration::from_secs(9);
/// Between two of a node that knows few.
const YOUNG: Duration = Duration::from_millis(250);
/// A node that knows fewer is young.
const YOUNG_BELOW: usize = 32;
/// Our own place is looked up so often.
const OWN_PLACE: Duration = Duration::from_secs(1800);
/// After a beginning that found nobody; doubled each time.
const AGAIN: Duration = Duration::from_secs(2);
/// Up to that.
const AGAIN_MAX: Duration = Duration::from_secs(300);
/// Nodes that have to be known for a beginning to be done.
const ENOUGH: usize = 8;
/// Look-ups of random targets after the beginning, so that far buckets fill.
const FILLING: u32 = 12;
/// The first follow each other soon.
const FILLING_SOON: u32 = 4;
/// Between two of those.
const FILLING_EACH: Duration = Duration::from_secs(1);
/// Between two of the others.
const FILLING_LATER: Duration = Duration::from_secs(75);
/// Addresses without ids that are remembered.
const HINTS_MAX: usize = 64;
/// Nodes that asked us and wait to be asked.
const VISITORS_MAX: usize = 32;

/// The upkeep of a table.
#[derive(Debug)]
pub(crate) struct Upkeep {
    hints: Vec<SocketAddr>,
    visitors: VecDeque<Contact>,
    /// The look-up of our own place that is under way.
    own_place: Option<LookupId>,
    /// When our own place is looked up; none while there is nobody to ask.
    own_place_at: Option<Time>,
    filled: u32,
    fill_at: Option<Time>,
    failures: u32,
    check_at: Time,
}

impl Upkeep {
    pub(crate) fn new(now: Time) -> Self {
        Self {
            hints: Vec::new(),
            visitors: VecDeque::new(),
            own_place: None,
            own_place_at: None,
            filled: 0,
            fill_at: None,
            failures: 0,
            check_at: now + YOUNG,
        }
    }

    /// Addresses that may be nodes.
    pub(crate) fn hints(&self) -> &[SocketAddr] {
        &self.hints
    }

    /// One more address that may be a node's; whether it was new.
    pub(crate) fn hint(&mut self, now: Time, addr: SocketAddr) -> bool {
        let new = !self.hints.contains(&addr);
        if new {
            if self.hints.len() >= HINTS_MAX {
                self.hints.remove(0);
            }
            self.hints.push(addr);
            self.begin(now);
        }
        new
    }

    /// There is somebody to ask now.
    pub(crate) fn begin(&mut self, now: Time) {
        if self.own_place.is_none() && self.own_place_at.is_none() {
            self.own_place_at = Some(now);
        }
    }

    /// Our id has changed: our place is another.
    pub(crate) fn moved(&mut self, now: Time) {
        self.own_place = None;
        self.own_place_at = Some(now);
    }

    /// A node that asked us: it is asked when its turn comes, if it would find room.
    pub(crate) fn visited(&mut self, ground: &Ground, contact: Contact) {
        let waits = || self.visitors.iter().any(|visitor| visitor.addr.ip() == contact.addr.ip());
        if self.visitors.len() < VISITORS_MAX && ground.table.wants(&contact) && !waits() {
            self.visitors.push_back(contact);
        }
    }

    /// Does what is due.
    pub(crate) fn tick(&mut self, now: Time, ground: &mut Ground, lookups: &mut Lookups) {
        self.look_for_our_place(now, ground, lookups);
        if self.fill_at.is_some_and(|at| at <= now) {
            self.filled += 1;
            let wait = if self.filled < FILLING_SOON { FILLING_EACH } else { FILLING_LATER };
            self.fill_at = (self.filled < FILLING).then_some(now + wait);
            let target = Id::random(&mut ground.rng);
            lookups.begin(now, ground, &[], Question::Nodes { target }, Then::Learn);
        }
        if self.check_at <= now {
            let young = ground.table.len() < YOUNG_BELOW;
            let jitter = Duration::from_millis(ground.rng.below(1_000));
            self.check_at = now + if young { YOUNG } else { IDLE + jitter };
            self.check(now, ground);
        }
    }

    /// When [`Self::tick`] has something to do.
    pub(crate) fn deadline(&self) -> Option<Time> {
        Time::earliest([self.own_place_at, self.fill_at, Some(self.check_at)])
    }

    fn look_for_our_place(&mut self, now: Time, ground: &mut Ground, lookups: &mut Lookups) {
        if self.own_place.is_some_and(|id| !lookups.is_running(id)) {
            self.own_place = None;
            let found = ground.table.good() >= ENOUGH;
            self.failures = if found { 0 } else { self.failures + 1 };
            let again = (AGAIN * 2u32.saturating_pow(self.failures.min(8))).min(AGAIN_MAX);
            self.own_place_at = Some(now + if found { OWN_PLACE } else { again });
            if found && self.filled == 0 {
                self.fill_at = Some(now);
            }
        }
        if self.own_place.is_none() && self.own_place_at.is_some_and(|at| at <= now) {
            let question = Question::Nodes { target: ground.id };
            self.own_place = lookups.begin(now, ground, &self.hints, question, Then::Learn);
            self.own_place_at = self.own_place.is_none().then_some(now + AGAIN_MAX);
        }
    }

    /// Asks one node: whether it is there, and what it knows.
    fn check(&mut self, now: Time, ground: &mut Ground) {
        let visitor = loop {
            match self.visitors.pop_front() {
                Some(visitor) if ground.table.wants(&visitor) => break Some(visitor),
                Some(_) => {}
                None => break None,
            }
        };
        let young = ground.table.len() < YOUNG_BELOW;
        let known = if visitor.is_none() && !young { ground.table.stalest(now) } else { None };
        let Some(contact) = visitor.or(known).filter(|_| ground.transactions.has_room()) else { return };
        let target = beside(ground.id, contact.id, &mut ground.rng);
        ground.ask(now, contact.addr, Purpose::Check, Method::FindNode { target });
    }
}

/// A target as far from us as a node is: what it names finds room where it stands itself.
fn beside(own: Id, other: Id, rng: &mut Rng) -> Id {
    let shared = own.common_bits(other) as usize;
    let mut target = Id::random(rng);
    for bit in 0..=shared.min(ID_LEN * 8 - 1) {
        let (byte, mask) = (bit / 8, 0x80 >> (bit % 8));
        target.0[byte] = target.0[byte] & !mask | other.0[byte] & mask;
    }
    target
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_beside_a_node_is_as_far_from_us() {
        let mut rng = Rng::new(1);
        for _ in 0..500 {
            let (own, mut other) = (Id::random(&mut rng), Id::random(&mut rng));
            let common = rng.below(19) as usize;
            other.0[..common].copy_from_slice(&own.0[..common]);
            let target = beside(own, other, &mut rng);
            assert_eq!(target.common_bits(own), own.common_bits(other));
        }
    }
}
