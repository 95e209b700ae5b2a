//! What is counted while addresses are named and dialled, for the owner who asks why nothing moves (own design; see [`crate::search`]).
use crate::event::{Dials, Outcomes};
use crate::remote::How;
use crate::search::{Counts, Dialled, Way};
use crate::torrent::address::{DialError, PeerSource, Sources};
use core::net::SocketAddr;
use teem_wire::compact::Family;

/// The counts of one torrent's candidates, since it was last begun.
#[derive(Default, Debug)]
pub(super) struct Counted {
    /// Dials that were begun.
    begun: u32,
    counts: Counts,
}

impl Counted {
    /// The counts by source, way and family.
    pub(super) fn counts(&self) -> &Counts {
        &self.counts
    }

    /// The figures, where so many are known and so many dials under way.
    pub(super) fn dials(&self, known: usize, pending: usize) -> Dials {
        let of = |way| {
            let dialled: Dialled = self.counts.over(way);
            // What the user's lists keep out is no failure: nothing was tried.
            let failed = dialled.unreachable.saturating_add(dialled.closed);
            Outcomes { refused: dialled.refused, timed_out: dialled.silent, failed }
        };
        Dials {
            known: known as u32,
            pending: pending as u32,
            tried: self.begun,
            tcp: of(Way::Tcp),
            utp: of(Way::Utp).and(of(Way::Punch)),
            ..Dials::default()
        }
    }

    /// A list of so many addresses has come.
    pub(super) fn list(&mut self, source: PeerSource, len: usize) {
        self.counts.of_mut(source.kind()).last = Some(len as u32);
    }

    /// A source is the first of its kind to name an address, which may have been dialled and been a peer before.
    pub(super) fn named(&mut self, source: PeerSource, tried: bool, reached: bool) {
        let counted = self.counts.of_mut(source.kind());
        counted.named = counted.named.saturating_add(1);
        counted.tried = counted.tried.saturating_add(tried.into());
        counted.reached = counted.reached.saturating_add(reached.into());
    }

    /// A dial begins, perhaps the first of an address that these have named.
    pub(super) fn begins(&mut self, sources: Sources, first: bool) {
        self.begun = self.begun.saturating_add(1);
        for kind in sources.kinds().filter(|_| first) {
            let counted = self.counts.of_mut(kind);
            counted.tried = counted.tried.saturating_add(1);
        }
    }

    /// An address that these have named becomes one of the torrent's peers for the first time.
    pub(super) fn reached(&mut self, sources: Sources) {
        for kind in sources.kinds() {
            let counted = self.counts.of_mut(kind);
            counted.reached = counted.reached.saturating_add(1);
        }
    }

    /// A dial by that way, with a third's help or without, has led to one of the torrent's peers.
    pub(super) fn led(&mut self, addr: SocketAddr, how: How, punched: bool) {
        let counted = self.by_mut(addr, how, punched);
        counted.reached = counted.reached.saturating_add(1);
    }

    /// A way, with a third's help or without, came to nothing.
    pub(super) fn failed(&mut self, addr: SocketAddr, how: How, why: DialError, punched: bool) {
        let counted = self.by_mut(addr, how, punched);
        let count = match why {
            DialError::Refused => &mut counted.refused,
            DialError::TimedOut => &mut counted.silent,
            DialError::Unreachable => &mut counted.unreachable,
            DialError::NoMse => &mut counted.closed,
            DialError::Filtered => &mut counted.filtered,
        };
        *count = count.saturating_add(1);
    }

    fn by_mut(&mut self, addr: SocketAddr, how: How, punched: bool) -> &mut Dialled {
        self.counts.by_mut(Way::over(how.transport, punched), Family::of(addr.ip()))
    }
}
