//! The budget of dials that all torrents share (own design; interop rule 6): few half-open connections, few dials a second, and
//! torrents take turns.
//!
//! Invariant: a torrent stands in the ring or in the timers, never in both.
use crate::timers::Timers;
use alloc::collections::{BTreeSet, VecDeque};
use core::time::Duration;
use teem_swarm::ids::TorrentId;
use teem_swarm::remote::Remote;
use teem_swarm::time::Time;

/// Dials under way at once: routers at home drop more.
const HALF_OPEN_MAX: usize = 40;
/// Dials in any span of [`SPAN`].
const DIALS_PER_SPAN: usize = 10;
/// The span that dials are counted over.
const SPAN: Duration = Duration::from_secs(1);

/// The torrents that want to dial, in turn, and the dials that are under way.
#[derive(Debug, Default)]
pub(crate) struct Dialler {
    half_open: BTreeSet<(TorrentId, Remote)>,
    /// When the last dials were, at most [`DIALS_PER_SPAN`] of them.
    recent: VecDeque<Time>,
    /// Torrents that want to dial, in turn.
    ring: VecDeque<TorrentId>,
    /// The same as a set.
    in_ring: BTreeSet<TorrentId>,
    /// Torrents that will want to.
    later: Timers,
}

impl Dialler {
    /// A torrent wants to dial from that moment on, or not at all as things are.
    pub(crate) fn wants(&mut self, torrent: TorrentId, from: Option<Time>) {
        if !self.in_ring.contains(&torrent) {
            self.later.set(torrent, from);
        }
    }

    /// A torrent is gone. Its half-open connections still count until they are answered.
    pub(crate) fn forget(&mut self, torrent: TorrentId) {
        self.later.set(torrent, None);
        if self.in_ring.remove(&torrent) {
            self.ring.retain(|t| *t != torrent);
        }
    }

    /// The torrent that may dial now; it has to say by [`Self::wants`] when it will again.
    pub(crate) fn turn(&mut self, now: Time) -> Option<TorrentId> {
        while let Some(torrent) = self.later.pop_due(now) {
            self.ring.push_back(torrent);
            self.in_ring.insert(torrent);
        }
        if self.ring.is_empty() || self.half_open.len() >= HALF_OPEN_MAX || self.free_at().is_some_and(|at| now < at) {
            return None;
        }
        let torrent = self.ring.pop_front()?;
        self.in_ring.remove(&torrent);
        Some(torrent)
    }

    /// A dial has begun. It counts as one, by however many ways it is tried.
    pub(crate) fn begun(&mut self, now: Time, torrent: TorrentId, to: Remote) {
        self.half_open.insert((torrent, to));
        if self.recent.len() >= DIALS_PER_SPAN {
            self.recent.pop_front();
        }
        self.recent.push_back(now);
    }

    /// A dial has ended, well or not.
    pub(crate) fn ended(&mut self, torrent: TorrentId, to: Remote) {
        self.half_open.remove(&(torrent, to));
    }

    /// When [`Self::turn`] will say something else.
    pub(crate) fn deadline(&self) -> Option<Time> {
        if self.half_open.len() >= HALF_OPEN_MAX {
            return self.later.first();
        }
        let waiting = (!self.ring.is_empty()).then(|| self.free_at().unwrap_or(Time::ZERO));
        Time::earliest([waiting, self.later.first()])
    }

    /// When the span's dials leave room for another.
    fn free_at(&self) -> Option<Time> {
        self.recent.front().filter(|_| self.recent.len() >= DIALS_PER_SPAN).map(|first| *first + SPAN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    #[test]
    fn ten_a_second_forty_half_open_and_torrents_take_turns() {
        let mut dialler = Dialler::default();
        let mut now = Time::from_nanos(7_000_000_000);
        dialler.wants(TorrentId(1), Some(now));
        dialler.wants(TorrentId(2), Some(now));
        let mut dials: Vec<(Time, TorrentId)> = Vec::new();
        let addr = |n: usize| Remote::from(core::net::SocketAddr::from(([8, 8, 8, 8], 2000 + n as u16)));
        while let Some(at) = dialler.deadline() {
            now = now.max(at);
            while let Some(torrent) = dialler.turn(now) {
                dialler.begun(now, torrent, addr(dials.len()));
                dialler.wants(torrent, Some(now));
                dials.push((now, torrent));
            }
            if dials.len() == 40 {
                assert!(dialler.turn(now).is_none());
                break;
            }
        }
        assert_eq!(dials.len(), 40);
        assert_eq!(dials.iter().filter(|d| d.1 == TorrentId(1)).count(), 20);
        assert!(dials.windows(11).all(|w| w[10].0.since(w[0].0) >= SPAN));
        dialler.ended(dials[0].1, addr(0));
        assert!(dialler.turn(now + SPAN).is_some());
        dialler.forget(TorrentId(1));
        dialler.forget(TorrentId(2));
        assert_eq!(dialler.deadline(), None);
    }
}
