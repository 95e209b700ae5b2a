//! Our own queries that are not answered yet (BEP 5, "KRPC Protocol"): an answer counts when it comes from the address that was asked, with the number
//! drawn for it, and once.
use crate::lookup::LookupId;
use crate::rtt::RoundTrips;
use alloc::collections::{BTreeMap, BTreeSet};
use core::net::SocketAddr;
use core::time::Duration;
use teem_basis::rng::Rng;
use teem_basis::time::Time;

/// Queries under way: more than all look-ups need together.
const OPEN_MAX: usize = 1_024;
/// An answer that comes later is not waited for.
const GIVEN_UP_AFTER: Duration = Duration::from_secs(4);

/// What a query is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Purpose {
    /// A step of a look-up.
    Step(LookupId),
    /// Something is stored at the end of a look-up.
    Store(LookupId),
    /// Whether a node is there, and what it knows.
    Check,
    /// An owner of ours asked whether a node is there.
    Ping(LookupId),
}

/// A query under way.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Open {
    pub(crate) to: SocketAddr,
    pub(crate) purpose: Purpose,
    pub(crate) sent: Time,
    pub(crate) late: bool,
    timer: Time,
}

/// What has become of a query in time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Silence {
    /// Its answer is late.
    Late(SocketAddr, Purpose),
    /// It will not be answered.
    Failed(SocketAddr, Purpose),
}

/// All queries under way.
#[derive(Debug, Default)]
pub(crate) struct Transactions {
    open: BTreeMap<u32, Open>,
    timers: BTreeSet<(Time, u32)>,
}

impl Transactions {
    /// Whether one more may be sent.
    pub(crate) fn has_room(&self) -> bool {
        self.open.len() < OPEN_MAX
    }

    /// A query goes out: its number. It is late after that time, if that is to be told.
    pub(crate) fn begin(
        &mut self,
        now: Time,
        to: SocketAddr,
        purpose: Purpose,
        late_after: Duration,
        rng: &mut Rng,
    ) -> u32 {
        let timer = now + late_after;
        let mut number = rng.next_u64() as u32;
        while self.open.contains_key(&number) {
            number = number.wrapping_add(1);
        }
        self.open.insert(number, Open { to, purpose, sent: now, late: false, timer });
        self.timers.insert((timer, number));
        number
    }

    /// An answer: the query that it belongs to.
    pub(crate) fn end(
        &mut self,
        now: Time,
        from: SocketAddr,
        transaction: &[u8],
        trips: &mut RoundTrips,
    ) -> Option<Open> {
        let number = u32::from_be_bytes(transaction.try_into().ok()?);
        if self.open.get(&number)?.to != from {
            return None;
        }
        let open = self.open.remove(&number)?;
        self.timers.remove(&(open.timer, number));
        trips.took(now.since(open.sent));
        Some(open)
    }

    /// The next query whose time is over.
    pub(crate) fn silent(&mut self, now: Time) -> Option<Silence> {
        let (_, number) = self.timers.first().copied().filter(|(time, _)| *time <= now)?;
        self.timers.pop_first();
        let open = self.open.get_mut(&number)?;
        let (to, purpose) = (open.to, open.purpose);
        if open.late {
            self.open.remove(&number);
            return Some(Silence::Failed(to, purpose));
        }
        open.late = true;
        open.timer = open.sent + GIVEN_UP_AFTER;
        self.timers.insert((open.timer, number));
        Some(Silence::Late(to, purpose))
    }

    /// Holds timers and queries against each other.
    pub(crate) fn check(&self) {
        assert!(self.open.len() <= OPEN_MAX + 1, "{} queries", self.open.len());
        assert_eq!(self.timers.len(), self.open.len(), "a timer for each");
        assert!(self.open.iter().all(|(number, open)| self.timers.contains(&(open.timer, *number))));
    }

    /// The queries of one look-up that are under way.
    pub(crate) fn of(&self, lookup: LookupId) -> usize {
        let its = |open: &&Open| matches!(open.purpose, Purpose::Step(id) | Purpose::Store(id) if id == lookup);
        self.open.values().filter(its).count()
    }

    /// When [`Self::silent`] has something to say.
    pub(crate) fn deadline(&self) -> Option<Time> {
        self.timers.first().map(|(time, _)| *time)
    }
}
