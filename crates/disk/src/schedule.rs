//! What is done next, as plain state (own design): all lanes, and the order in which their work is taken. Spilling goes
//! first because it makes room, then reads (peers wait for them), finished pieces, barriers, checks.
//!
//! Invariants: at most [`SLOW_MAX`] barriers run at once, so that workers remain for the rest while a medium hangs; no
//! [`Block`] is dropped here, they are handed out with the [`Outbox`] instead, because a buffer's return may ring back.
use crate::batch::Batch;
use crate::lane::{Barrier, Lane};
use crate::piece::Assembly;
use crate::pool::Block;
use crate::task::{CheckRun, Outbox, Ready, Task, Ticket, Trouble};
use crate::torrent::Torrent;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};
use teem_swarm::ids::TorrentId;
use teem_swarm::job::{DiskError, DiskErrorKind, Done, Job, Reader};
use teem_wire::peer::block::BlockRef;

/// Barriers (open, sync, close) and parsers of metadata that may run at once.
const SLOW_MAX: usize = 2;

/// Blocks that one task reads at most: 512 KiB.
const READS_MAX: usize = 32;

/// Bytes that one task checks at most, unless a piece is longer.
const CHECK_BYTES: u64 = 16 << 20;

/// The state of all queues.
pub(crate) struct Schedule {
    pub(crate) lanes: BTreeMap<TorrentId, Lane>,
    /// Torrents without room.
    pub(crate) troubled: BTreeMap<TorrentId, Trouble>,
    /// Torrents with a barrier that waits.
    barred: BTreeSet<TorrentId>,
    seq: u64,
    ready: Batch<Ready>,
    spills: VecDeque<(Task, Ticket)>,
    reads: VecDeque<(TorrentId, Reader, BlockRef)>,
    /// There was no buffer for a read.
    pub(crate) reads_wait: bool,
    checks: BTreeMap<u64, CheckRun>,
    metadata: VecDeque<Task>,
    /// Blocks that will come back by themselves: of finished pieces and of spills.
    returning: usize,
    slow: usize,
    hashing: usize,
    hashers_max: usize,
    pub(crate) stop: bool,
}

impl Schedule {
    /// For so many workers that hash at once, each a batch of what is finished.
    pub(crate) fn new(hashers_max: usize, ready: Batch<Ready>) -> Self {
        Self {
            lanes: BTreeMap::new(),
            troubled: BTreeMap::new(),
            barred: BTreeSet::new(),
            seq: 0,
            ready,
            spills: VecDeque::new(),
            reads: VecDeque::new(),
            reads_wait: false,
            checks: BTreeMap::new(),
            metadata: VecDeque::new(),
            returning: 0,
            slow: 0,
            hashing: 0,
            hashers_max,
            stop: false,
        }
    }

    fn next_seq(&mut self) -> u64 {
        self.seq += 1;
        self.seq
    }

    /// Takes one job.
    pub(crate) fn accept(&mut self, job: Job<Block>, out: &mut Outbox) {
        let id = match &job {
            Job::Metadata { .. } => {
                if let Job::Metadata { torrent: id, key, bytes } = job {
                    self.metadata.push_back(Task::Metadata { id, key, bytes });
                }
                return;
            }
            Job::Open { torrent, .. }
            | Job::Check { torrent, .. }
            | Job::Write { torrent, .. }
            | Job::Forget { torrent, .. }
            | Job::Read { torrent, .. }
            | Job::Sync { torrent, .. }
            | Job::Select { torrent, .. }
            | Job::Close { torrent, .. } => *torrent,
        };
        let seq = self.next_seq();
        let lane = self.lanes.entry(id).or_default();
        if lane.shut {
            lane.held.push_back(job);
            return;
        }
        match job {
            Job::Open { info, selection, .. } => self.bar(id, seq, Barrier::Open(info, selection)),
            Job::Select { selection, .. } => self.bar(id, seq, Barrier::Select(selection)),
            Job::Sync { facts, .. } => {
                let moving = lane.torrent.as_ref().is_some_and(|torrent| torrent.has_to_move());
                self.bar(id, seq, Barrier::Sync(facts, moving));
            }
            Job::Close { facts, .. } => self.bar(id, seq, Barrier::Close(facts)),
            Job::Write { at, data, .. } => self.write(id, at, data, seq, out),
            Job::Forget { piece, .. } => out.assemblies.extend(lane.assemblies.remove(&piece)),
            Job::Read { reader, at, .. } => {
                if lane.torrent.is_some() {
                    lane.reads += 1;
                    self.reads.push_back((id, reader, at));
                } else {
                    out.answers.push(Done::ReadFailed { torrent: id, reader, at, error: not_open() });
                }
            }
            Job::Check { pieces, .. } => match lane.torrent.clone() {
                Some(torrent) => self.check(&torrent, pieces, false),
                None => out.told.push(Done::Trouble { torrent: id, error: not_open() }),
            },
            Job::Metadata { .. } => {}
        }
    }

    fn bar(&mut self, id: TorrentId, seq: u64, barrier: Barrier) {
        if let Some(lane) = self.lanes.get_mut(&id) {
            lane.bar(seq, barrier);
            self.barred.insert(id);
        }
    }

    fn write(&mut self, id: TorrentId, at: BlockRef, data: Block, seq: u64, out: &mut Outbox) {
        let Some(lane) = self.lanes.get_mut(&id) else { return out.blocks.push(data) };
        let Some(torrent) = &lane.torrent else {
            out.blocks.push(data);
            let failed = Done::WriteFailed { torrent: id, piece: at.piece, error: not_open() };
            return out.told.push(failed);
        };
        let size = torrent.content.info.piece_size(at.piece);
        if size == 0 {
            return out.blocks.push(data);
        }
        let assembly = lane.assemblies.entry(at.piece).or_insert_with(|| Assembly::new(size));
        assembly.touched = seq;
        if let Err(data) = assembly.put(at, data) {
            return out.blocks.push(data);
        }
        if assembly.is_complete() {
            self.promote(id, at.piece);
        }
    }

    /// Queues a complete piece for hashing, unless an earlier step of it is under way.
    fn promote(&mut self, id: TorrentId, piece: u32) {
        let seq = self.next_seq();
        let Some(lane) = self.lanes.get_mut(&id) else { return };
        let Some(torrent) = lane.torrent.clone() else { return };
        if lane.busy.contains(&piece) || !lane.assemblies.get(&piece).is_some_and(Assembly::is_complete) {
            return;
        }
        let Some(assembly) = lane.assemblies.remove(&piece) else { return };
        lane.busy.insert(piece);
        lane.running.insert(seq);
        let blocks = assembly.held();
        self.returning += blocks;
        self.ready.push(Ready { torrent, piece, assembly, seq }, blocks, Instant::now());
    }

    /// Writes out the coldest unfinished pieces until `pressure` blocks are about to come back.
    pub(crate) fn spill(&mut self, pressure: usize) {
        while self.returning < pressure {
            let coldest =
                self.lanes.iter().filter_map(|(&id, lane)| lane.coldest().map(|(t, piece)| (t, id, piece))).min();
            let Some((_, id, piece)) = coldest else { return };
            let seq = self.next_seq();
            let Some(lane) = self.lanes.get_mut(&id) else { return };
            let (Some(torrent), Some(assembly)) = (lane.torrent.clone(), lane.assemblies.get_mut(&piece)) else {
                return;
            };
            let blocks = assembly.spill();
            lane.busy.insert(piece);
            lane.running.insert(seq);
            self.returning += blocks.len();
            let ticket = Ticket::Spill(id, piece, seq, blocks.len());
            self.spills.push_back((Task::Spill { torrent, piece, blocks }, ticket));
        }
    }

    /// Queues pieces to be hashed as they lie on the disk; `quiet` tells of the wrong ones only.
    pub(crate) fn check(&mut self, torrent: &Arc<Torrent>, pieces: Vec<u32>, quiet: bool) {
        let seq = self.next_seq();
        if let Some(lane) = self.lanes.get_mut(&torrent.id)
            && !pieces.is_empty()
        {
            lane.running.insert(seq);
            let torrent = Arc::clone(torrent);
            self.checks.insert(seq, CheckRun { torrent, pieces, next: 0, under_way: 0, quiet });
        }
    }

    /// Puts reads back to the front.
    pub(crate) fn give_back(&mut self, id: TorrentId, reads: Vec<(Reader, BlockRef)>) {
        if let Some(lane) = self.lanes.get_mut(&id) {
            lane.reads += reads.len();
        }
        for (reader, at) in reads.into_iter().rev() {
            self.reads.push_front((id, reader, at));
        }
    }

    /// The next task, if any may run now.
    pub(crate) fn find(&mut self, now: Instant, full: bool) -> Option<(Task, Ticket)> {
        if let Some(spill) = self.spills.pop_front() {
            return Some(spill);
        }
        if let Some(reads) = self.find_reads() {
            return Some(reads);
        }
        if self.pieces_due(now) {
            return Some(self.find_pieces());
        }
        if self.slow < SLOW_MAX {
            if let Some(task) = self.metadata.pop_front() {
                self.slow += 1;
                return Some((task, Ticket::Metadata));
            }
            if let Some(barrier) = self.find_barrier() {
                return Some(barrier);
            }
        }
        for (id, trouble) in &mut self.troubled {
            if let Some(torrent) = self.lanes.get(id).and_then(|lane| lane.torrent.clone())
                && trouble.next <= now
            {
                trouble.next = now + trouble.every;
                return Some((Task::LookForSpace { torrent, needed: trouble.needed }, Ticket::Space));
            }
        }
        if full { None } else { self.find_check() }
    }

    /// How long nothing will be due by itself; `None` for ever.
    pub(crate) fn earliest(&self, now: Instant) -> Option<Duration> {
        let looks = self.troubled.values().map(|t| t.next);
        let pieces = self.ready.due().filter(|_| self.hashing < self.hashers_max);
        looks.chain(pieces).min().map(|at| at.saturating_duration_since(now))
    }

    /// Whether another worker may find something to do now.
    pub(crate) fn has_work(&self, now: Instant) -> bool {
        !self.spills.is_empty()
            || (!self.reads.is_empty() && !self.reads_wait)
            || self.pieces_due(now)
            || ((!self.metadata.is_empty() || !self.barred.is_empty()) && self.slow < SLOW_MAX)
            || (!self.checks.is_empty() && self.hashing < self.hashers_max)
    }

    /// Whether finished pieces wait for others, so that a worker has to wait with them.
    pub(crate) fn pieces_wait(&self) -> bool {
        !self.ready.is_empty() && self.hashing < self.hashers_max
    }

    fn find_barrier(&mut self) -> Option<(Task, Ticket)> {
        let id = self.barred.iter().copied().find(|id| self.lanes.get(id).is_some_and(Lane::is_due))?;
        let lane = self.lanes.get_mut(&id)?;
        let barrier = lane.next_barrier()?;
        if lane.barriers.is_empty() {
            self.barred.remove(&id);
        }
        self.slow += 1;
        Some((Task::Barrier { id, torrent: lane.torrent.clone(), barrier }, Ticket::Barrier(id)))
    }

    fn find_reads(&mut self) -> Option<(Task, Ticket)> {
        while !self.reads_wait {
            let &(id, ..) = self.reads.front()?;
            let mut reads = Vec::new();
            while let Some(&(next, reader, at)) = self.reads.front()
                && next == id
                && reads.len() < READS_MAX
            {
                reads.push((reader, at));
                self.reads.pop_front();
            }
            if let Some(torrent) = self.lanes.get(&id).and_then(|lane| lane.torrent.clone()) {
                let ticket = Ticket::Reads(id, reads.len());
                return Some((Task::Reads { torrent, reads }, ticket));
            }
        }
        None
    }

    /// Whether finished pieces should be hashed now.
    fn pieces_due(&self, now: Instant) -> bool {
        self.hashing < self.hashers_max && self.ready.due().is_some_and(|due| due <= now)
    }

    fn find_pieces(&mut self) -> (Task, Ticket) {
        let pieces = self.ready.take();
        let blocks = pieces.iter().map(|p| p.assembly.held()).sum();
        let keys = pieces.iter().map(|p| (p.torrent.id, p.piece, p.seq)).collect();
        self.hashing += 1;
        (Task::Pieces(pieces), Ticket::Pieces(keys, blocks))
    }

    fn find_check(&mut self) -> Option<(Task, Ticket)> {
        if self.hashing >= self.hashers_max {
            return None;
        }
        let (&seq, run) = self.checks.iter_mut().find(|(_, run)| run.next < run.pieces.len())?;
        let length = u64::from(run.torrent.content.info.piece_length()).max(1);
        let n = (CHECK_BYTES / length).clamp(1, 1024) as usize;
        let pieces: Vec<u32> = run.pieces[run.next..].iter().copied().take(n).collect();
        run.next += pieces.len();
        run.under_way += 1;
        self.hashing += 1;
        Some((Task::Check { torrent: Arc::clone(&run.torrent), pieces, quiet: run.quiet }, Ticket::Check(seq)))
    }

    /// A task is done; what it held up may go on.
    pub(crate) fn finish(&mut self, ticket: Ticket, out: &mut Outbox) {
        match ticket {
            Ticket::Pieces(pieces, blocks) => {
                self.hashing -= 1;
                self.returning -= blocks;
                for (id, piece, seq) in pieces {
                    self.release(id, piece, seq);
                }
            }
            Ticket::Spill(id, piece, seq, blocks) => {
                self.returning -= blocks;
                self.release(id, piece, seq);
            }
            Ticket::Reads(id, n) => {
                if let Some(lane) = self.lanes.get_mut(&id) {
                    lane.reads -= n;
                }
            }
            Ticket::Check(seq) => {
                self.hashing -= 1;
                if let Some(run) = self.checks.get_mut(&seq) {
                    run.under_way -= 1;
                    if run.under_way == 0 && run.next == run.pieces.len() {
                        let id = run.torrent.id;
                        self.checks.remove(&seq);
                        if let Some(lane) = self.lanes.get_mut(&id) {
                            lane.running.remove(&seq);
                        }
                    }
                }
            }
            Ticket::Barrier(id) => {
                self.slow -= 1;
                self.unbar(id, out);
            }
            Ticket::Metadata => self.slow -= 1,
            Ticket::Space => {}
        }
    }

    fn release(&mut self, id: TorrentId, piece: u32, seq: u64) {
        if let Some(lane) = self.lanes.get_mut(&id) {
            lane.running.remove(&seq);
            lane.busy.remove(&piece);
        }
        self.promote(id, piece);
    }

    /// A barrier is done: what it held back is accepted, up to the next one that shuts.
    fn unbar(&mut self, id: TorrentId, out: &mut Outbox) {
        let Some(lane) = self.lanes.get_mut(&id) else { return };
        lane.barrier_runs = false;
        lane.shut = lane.barriers.iter().any(|(_, barrier)| barrier.shuts());
        if lane.shut {
            return;
        }
        for job in std::mem::take(&mut lane.held) {
            self.accept(job, out);
        }
        if self.lanes.get(&id).is_some_and(Lane::is_idle) {
            self.lanes.remove(&id);
        }
    }
}

fn not_open() -> DiskError {
    DiskError { kind: DiskErrorKind::Io, message: "the torrent is not open on the disk".to_owned() }
}
