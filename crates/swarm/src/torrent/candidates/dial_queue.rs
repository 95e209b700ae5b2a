//! The queue of the addresses that may be dialled (own design).
//!
//! Each waits for its moment. Of those whose moment has come the one named last goes first: where people leave when they
//! have everything, an address that was named some minutes ago mostly leads nowhere. Everybody has a second, earlier moment besides, that
//! counts while there is nobody else.
//!
//! Invariant: each address stands in the queue by its second moment, and in one of the two others.
use crate::first_set::FirstSet;
use crate::time::Time;
use core::cmp::Reverse;
use core::net::SocketAddr;

/// What an address is told apart by, and when it was last named.
#[derive(Clone, Copy, Debug)]
pub(super) struct Name {
    /// The address that may be dialled.
    pub(super) addr: SocketAddr,
    /// When a list last had it.
    pub(super) named: Time,
    /// The order among those that are alike otherwise: by canonical priority, then at random.
    pub(super) tie: u64,
}

/// Where an address stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Place {
    /// Its moment; nothing once that has come.
    ordinary: Option<Time>,
    /// Its moment while there is nobody else.
    alone: Time,
}

/// The addresses in the order in which they are dialled: those that are due, and those that wait.
#[derive(Default, Debug)]
pub(super) struct DialQueue {
    /// Those that wait, by their moment.
    waiting: FirstSet<(Time, u64, SocketAddr)>,
    /// Those whose moment has come, the last named first.
    due: FirstSet<(Reverse<Time>, u64, SocketAddr)>,
    /// All of them, by their moment while there is nobody else.
    alone: FirstSet<(Time, u64, SocketAddr)>,
}

impl DialQueue {
    /// Takes an address in.
    pub(super) fn enter(&mut self, name: Name, ordinary: Time, alone: Time) -> Place {
        let place = Place { ordinary: Some(ordinary), alone: alone.min(ordinary) };
        self.put(name, place);
        place
    }

    /// Puts an address where it stood before [`Self::leave`].
    pub(super) fn put(&mut self, name: Name, place: Place) {
        match place.ordinary {
            Some(at) => self.waiting.insert((at, name.tie, name.addr)),
            None => self.due.insert((Reverse(name.named), name.tie, name.addr)),
        };
        self.alone.insert((place.alone, name.tie, name.addr));
    }

    /// Lets an address go.
    pub(super) fn leave(&mut self, name: Name, place: Place) {
        match place.ordinary {
            Some(at) => self.waiting.remove(&(at, name.tie, name.addr)),
            None => self.due.remove(&(Reverse(name.named), name.tie, name.addr)),
        };
        self.alone.remove(&(place.alone, name.tie, name.addr));
    }

    /// The first whose moment has come since the last call: it has to be told by [`Self::come`].
    pub(super) fn coming(&self, now: Time) -> Option<SocketAddr> {
        self.waiting.first().filter(|entry| entry.0 <= now).map(|entry| entry.2)
    }

    /// Its moment has come.
    pub(super) fn come(&mut self, name: Name, place: &mut Place) {
        if let Some(at) = place.ordinary.take() {
            self.waiting.remove(&(at, name.tie, name.addr));
            self.due.insert((Reverse(name.named), name.tie, name.addr));
        }
    }

    /// It is named again: `name` tells of the time before.
    pub(super) fn rename(&mut self, now: Time, name: Name, place: Place) {
        if place.ordinary.is_none() {
            self.due.remove(&(Reverse(name.named), name.tie, name.addr));
            self.due.insert((Reverse(now), name.tie, name.addr));
        }
    }

    /// The address to dial, once all whose moment has come have been told.
    pub(super) fn first(&self, now: Time, alone: bool) -> Option<SocketAddr> {
        let other = || self.alone.first().filter(|entry| alone && entry.0 <= now).map(|entry| entry.2);
        self.due.first().map(|entry| entry.2).or_else(other)
    }

    /// The address that would be last, and its moment (nothing when that has come).
    pub(super) fn last(&self) -> Option<(Option<Time>, SocketAddr)> {
        let waiting = self.waiting.last().map(|entry| (Some(entry.0), entry.2));
        waiting.or_else(|| self.due.last().map(|entry| (None, entry.2)))
    }

    /// When the next may be dialled.
    pub(super) fn deadline(&self, alone: bool) -> Option<Time> {
        let due = self.due.first().map(|_| Time::ZERO);
        let other = self.alone.first().filter(|_| alone).map(|entry| entry.0);
        Time::earliest([due, self.waiting.first().map(|entry| entry.0), other])
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.alone.len()
    }

    /// Lets all go and tells who they were.
    pub(super) fn clear(&mut self) -> impl Iterator<Item = SocketAddr> + use<> {
        (self.waiting, self.due) = Default::default();
        self.alone.take().map(|entry| entry.2)
    }
}
