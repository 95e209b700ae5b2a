//! The order of one torrent's jobs (own design). Jobs of one piece run first in, first out; `Open`, `Select` and `Close` wait for
//! all that came before and hold back what comes after; `Sync` waits for what came before and lets the rest pass,
//! because a slow medium must not stop uploads.
use crate::piece::Assembly;
use crate::pool::Block;
use crate::torrent::Torrent;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use teem_metainfo::Info;
use teem_swarm::job::{Facts, Job};
use teem_swarm::selection::Selection;

/// A job that waits until those before it are done, and mostly holds back those behind it.
#[derive(Debug)]
pub(crate) enum Barrier {
    Open(Arc<Info>, Option<Selection>),
    Select(Selection),
    /// With whether files have to be put in place first, which nothing else may touch meanwhile.
    Sync(Facts, bool),
    Close(Option<Facts>),
}

impl Barrier {
    /// Whether what comes after has to wait.
    pub(crate) fn shuts(&self) -> bool {
        !matches!(self, Self::Sync(_, false))
    }
}

/// What one torrent has queued and under way.
#[derive(Default)]
pub(crate) struct Lane {
    pub(crate) torrent: Option<Arc<Torrent>>,
    /// Pieces, spills and checks from being queued to being done, by sequence number.
    pub(crate) running: BTreeSet<u64>,
    /// Reads queued or under way.
    pub(crate) reads: usize,
    /// Barriers that wait, in order.
    pub(crate) barriers: VecDeque<(u64, Barrier)>,
    pub(crate) barrier_runs: bool,
    /// Whether a barrier that holds back what comes after waits or runs.
    pub(crate) shut: bool,
    /// What came after it.
    pub(crate) held: VecDeque<Job<Block>>,
    pub(crate) assemblies: BTreeMap<u32, Assembly>,
    /// Pieces being spilled, hashed or written: their next step waits.
    pub(crate) busy: BTreeSet<u32>,
}

impl Lane {
    /// Lets a barrier wait its turn.
    pub(crate) fn bar(&mut self, seq: u64, barrier: Barrier) {
        self.shut |= barrier.shuts();
        self.barriers.push_back((seq, barrier));
    }

    /// Whether nothing would be lost with it.
    pub(crate) fn is_idle(&self) -> bool {
        self.torrent.is_none()
            && self.barriers.is_empty()
            && !self.barrier_runs
            && self.held.is_empty()
            && self.reads == 0
    }

    /// Whether the next barrier may run: all that it waits for is done.
    pub(crate) fn is_due(&self) -> bool {
        self.barriers.front().is_some_and(|(seq, barrier)| {
            let before = self.running.first().is_some_and(|first| first < seq);
            let reads = barrier.shuts() && self.reads > 0;
            !(self.barrier_runs || before || reads)
        })
    }

    /// Takes that barrier.
    pub(crate) fn next_barrier(&mut self) -> Option<Barrier> {
        self.barrier_runs = true;
        self.barriers.pop_front().map(|(_, barrier)| barrier)
    }

    /// The piece to be spilled first, and when it was last touched.
    pub(crate) fn coldest(&self) -> Option<(u64, u32)> {
        let idle =
            self.assemblies.iter().filter(|(piece, a)| !a.is_complete() && !self.busy.contains(*piece) && a.held() > 0);
        idle.map(|(&piece, a)| (a.touched, piece)).min()
    }
}
