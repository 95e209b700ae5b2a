//! What is counted while addresses are named and dialled, for the owner who asks why nothing moves: see [`crate::search`].
use super::{Candidates, State};
use crate::event::{Dials, Outcomes};
use crate::remote::How;
use crate::search::{Counts, Dialled, Way};
use crate::torrent::address::{DialError, PeerSource};
use core::net::SocketAddr;
use teem_wire::compact::Family;

impl Candidates {
    /// The counts of this run.
    pub(crate) fn counts(&self) -> &Counts {
        &self.counts
    }

    /// The figures of this run.
    pub(crate) fn dials(&self) -> Dials {
        let of = |way| {
            let dialled: Dialled = self.counts.over(way);
            let failed = dialled.unreachable.saturating_add(dialled.filtered).saturating_add(dialled.closed);
            Outcomes { refused: dialled.refused, timed_out: dialled.silent, failed }
        };
        let (utp, punched) = (of(Way::Utp), of(Way::Punch));
        Dials {
            known: self.known.len() as u32,
            pending: self.pending() as u32,
            tried: self.tried,
            tcp: of(Way::Tcp),
            utp: utp.and(punched),
            ..Dials::default()
        }
    }

    /// Takes an address in as [`Self::take_in`] does, and counts it where its source is the first of its kind to name it.
    pub(super) fn add_one(&mut self, now: crate::time::Time, source: PeerSource, addr: SocketAddr) -> bool {
        let kind = source.kind();
        let named = self.known.get(&addr).is_some_and(|c| c.sources.has_kind(kind));
        let is_new = self.take_in(now, source, addr);
        if let Some(candidate) = self.known.get(&addr).filter(|c| !named && c.sources.has_kind(kind)) {
            let counted = self.counts.of_mut(kind);
            counted.named = counted.named.saturating_add(1);
            counted.tried = counted.tried.saturating_add(candidate.tried.into());
            counted.reached = counted.reached.saturating_add(candidate.good.into());
        }
        is_new
    }

    /// A dial of it begins.
    pub(super) fn count_dial(&mut self, addr: SocketAddr) {
        self.tried = self.tried.saturating_add(1);
        let Some(candidate) = self.known.get_mut(&addr) else { return };
        if !core::mem::replace(&mut candidate.tried, true) {
            for kind in candidate.sources.kinds() {
                let counted = self.counts.of_mut(kind);
                counted.tried = counted.tried.saturating_add(1);
            }
        }
    }

    /// It has become one of the torrent's peers, for the first time.
    pub(super) fn count_reached(&mut self, addr: SocketAddr) {
        let Some(candidate) = self.known.get(&addr).filter(|c| !c.good) else { return };
        for kind in candidate.sources.kinds() {
            let counted = self.counts.of_mut(kind);
            counted.reached = counted.reached.saturating_add(1);
        }
    }

    /// A dial has led to one of the torrent's peers.
    pub(super) fn count_success(&mut self, addr: SocketAddr, how: How) {
        let counted = self.by_mut(addr, how);
        counted.reached = counted.reached.saturating_add(1);
    }

    /// A way came to nothing.
    pub(super) fn count_failure(&mut self, addr: SocketAddr, how: How, why: DialError) {
        let counted = self.by_mut(addr, how);
        let count = match why {
            DialError::Refused => &mut counted.refused,
            DialError::TimedOut => &mut counted.silent,
            DialError::Unreachable => &mut counted.unreachable,
            DialError::NoMse => &mut counted.closed,
            DialError::Filtered => &mut counted.filtered,
        };
        *count = count.saturating_add(1);
    }

    fn by_mut(&mut self, addr: SocketAddr, how: How) -> &mut Dialled {
        let punched = self.known.get(&addr).is_some_and(|c| c.punched);
        self.counts.by_mut(Way::over(how.transport, punched), Family::of(addr.ip()))
    }

    /// A third has somebody at that address dial us: what comes of uTP from now on until the dial is over is counted as such.
    pub(super) fn is_punched(&mut self, addr: SocketAddr) {
        if let Some(candidate) = self.known.get_mut(&addr).filter(|c| c.state == State::Pending) {
            candidate.punched = true;
        }
    }
}
