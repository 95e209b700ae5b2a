//! What is done next, as plain state (own design): all lanes, and the order in which their work is taken. Spilling goes
//! first because it makes room, then reads (peers wait for them), finished pieces, barriers, checks.
//!
//! Invariants: the tasks of one device keep no more workers busy than [`Limits::tasks`], and at most [`SLOW_MAX`] of them are barriers, so
//! that a medium that hangs holds neither another's workers nor all of its own; no [`Block`] is dropped here, they are handed out with
//! the [`Outbox`] instead, because a buffer's return may ring back.
use crate::batch::Batch;
use crate::lane::{Barrier, Lane};
use crate::piece::Assembly;
use crate::pool::Block;
use crate::task::{CheckRun, Device, Outbox, Owed, Ready, Task, Ticket, Trouble};
use crate::torrent::Torrent;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};
use teem_swarm::ids::TorrentId;
use teem_swarm::job::{DiskError, DiskErrorKind, Done, Job, Reader};
use teem_wire::peer::block::BlockRef;

/// Barriers (open, sync, close) that may run at once on one device, and parsers of metadata.
const SLOW_MAX: usize = 2;

/// Blocks that one task reads at most: 512 KiB.
const READS_MAX: usize = 32;

/// Bytes that one task checks at most, unless a piece is longer.
const CHECK_BYTES: u64 = 16 << 20;

/// How much may be done at once on one device.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Tasks of any kind, each of which keeps a worker busy.
    pub(crate) tasks: usize,
    /// Those of them that hash.
    pub(crate) hashers: usize,
}

/// What runs on one device.
#[derive(Clone, Copy, Default, Debug)]
struct Load {
    tasks: usize,
    slow: usize,
    hashing: usize,
}

/// The state of all queues.
pub(crate) struct Schedule {
    pub(crate) lanes: BTreeMap<TorrentId, Lane>,
    /// Torrents without room.
    pub(crate) troubled: BTreeMap<TorrentId, Trouble>,
    /// Where torrents lie.
    devices: BTreeMap<TorrentId, Device>,
    /// Torrents with a barrier that waits.
    barred: BTreeMap<Device, BTreeSet<TorrentId>>,
    seq: u64,
    /// Pieces to be hashed, by device; no batch is empty.
    ready: BTreeMap<Device, Batch<Ready>>,
    /// Pieces that are hashed at once, and the blocks of which so many are enough.
    batch: (usize, usize),
    spills: VecDeque<(Task, Owed, TorrentId)>,
    /// Reads with their age, by device.
    reads: BTreeMap<Device, VecDeque<(u64, TorrentId, Reader, BlockRef)>>,
    /// There was no buffer for a read.
    pub(crate) reads_wait: bool,
    checks: BTreeMap<u64, CheckRun>,
    metadata: VecDeque<Task>,
    /// Blocks that will come back by themselves: of finished pieces and of spills.
    returning: usize,
    loads: BTreeMap<Device, Load>,
    limits: Limits,
    /// Workers that there are.
    pub(crate) workers: usize,
    pub(crate) stop: bool,
}

impl Schedule {
    /// Within these limits; `batch` is how many pieces are hashed together, and how many blocks of waiting ones are enough.
    pub(crate) fn new(limits: Limits, batch: (usize, usize)) -> Self {
        Self {
            lanes: BTreeMap::new(),
            troubled: BTreeMap::new(),
            devices: BTreeMap::new(),
            barred: BTreeMap::new(),
            seq: 0,
            ready: BTreeMap::new(),
            batch,
            spills: VecDeque::new(),
            reads: BTreeMap::new(),
            reads_wait: false,
            checks: BTreeMap::new(),
            metadata: VecDeque::new(),
            returning: 0,
            loads: BTreeMap::new(),
            limits,
            workers: limits.tasks,
            stop: false,
        }
    }

    /// How many workers one device may keep busy: there are as many, and mostly no more.
    pub(crate) fn workers_usual(&self) -> usize {
        self.limits.tasks
    }

    /// Whether every worker has a task.
    pub(crate) fn lacks_a_worker(&self) -> bool {
        self.loads.values().map(|load| load.tasks).sum::<usize>() >= self.workers
    }

    /// Where a torrent lies, as far as it is known.
    fn device(&self, id: TorrentId) -> Device {
        self.devices.get(&id).copied().unwrap_or(Device::Torrent(id))
    }

    /// More is known of where a torrent lies. What it has under way counts where it was begun.
    pub(crate) fn lies_on(&mut self, id: TorrentId, device: Device) {
        let before = self.device(id);
        self.devices.insert(id, device);
        if before != device && self.unbarred(before, id) {
            self.barred.entry(device).or_default().insert(id);
        }
    }

    /// Takes a torrent out of those whose barrier waits; whether it was among them.
    fn unbarred(&mut self, device: Device, id: TorrentId) -> bool {
        let Some(barred) = self.barred.get_mut(&device) else { return false };
        let was = barred.remove(&id);
        if barred.is_empty() {
            self.barred.remove(&device);
        }
        was
    }

    fn load(&self, device: Device) -> Load {
        self.loads.get(&device).copied().unwrap_or_default()
    }

    /// Whether one more task of a device may run.
    fn has_room(&self, device: Device) -> bool {
        self.load(device).tasks < self.limits.tasks
    }

    /// The same for one that hashes.
    fn may_hash(&self, device: Device) -> bool {
        self.has_room(device) && self.load(device).hashing < self.limits.hashers
    }

    /// The same for a barrier.
    fn may_wait(&self, device: Device) -> bool {
        self.has_room(device) && self.load(device).slow < SLOW_MAX
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
                    let device = self.device(id);
                    self.reads.entry(device).or_default().push_back((seq, id, reader, at));
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
            let device = self.device(id);
            self.barred.entry(device).or_default().insert(id);
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
        let ((lanes, enough), device) = (self.batch, self.device(id));
        let batch = self.ready.entry(device).or_insert_with(|| Batch::new(lanes, enough));
        batch.push(Ready { torrent, piece, assembly, seq }, blocks, Instant::now());
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
            let owed = Owed::Spill(id, piece, seq, blocks.len());
            self.spills.push_back((Task::Spill { torrent, piece, blocks }, owed, id));
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
        let waiting = self.reads.entry(self.device(id)).or_default();
        for (reader, at) in reads.into_iter().rev() {
            waiting.push_front((0, id, reader, at));
        }
    }

    /// The next task, if any may run now.
    pub(crate) fn find(&mut self, now: Instant, full: bool) -> Option<(Task, Ticket)> {
        let (task, owed, device) = self.find_any(now, full)?;
        let load = self.loads.entry(device).or_default();
        load.tasks += 1;
        load.slow += usize::from(owed.is_slow());
        load.hashing += usize::from(owed.hashes());
        Some((task, Ticket { owed, device }))
    }

    fn find_any(&mut self, now: Instant, full: bool) -> Option<(Task, Owed, Device)> {
        if let Some(at) = self.spills.iter().position(|(.., id)| self.has_room(self.device(*id)))
            && let Some((task, owed, id)) = self.spills.remove(at)
        {
            return Some((task, owed, self.device(id)));
        }
        if let Some(reads) = self.find_reads() {
            return Some(reads);
        }
        if let Some(device) = self.pieces_due(now) {
            return self.find_pieces(device);
        }
        if self.may_wait(Device::None)
            && let Some(task) = self.metadata.pop_front()
        {
            return Some((task, Owed::Metadata, Device::None));
        }
        if let Some(barrier) = self.find_barrier() {
            return Some(barrier);
        }
        let looks = self.troubled.iter().filter(|(_, trouble)| trouble.next <= now);
        for (&id, &Trouble { needed, every, .. }) in looks {
            if let Some(torrent) = self.lanes.get(&id).and_then(|lane| lane.torrent.clone())
                && self.has_room(self.device(id))
            {
                self.troubled.insert(id, Trouble { needed, next: now + every, every });
                return Some((Task::LookForSpace { torrent, needed }, Owed::Space, self.device(id)));
            }
        }
        if full { None } else { self.find_check() }
    }

    /// How long nothing will be due by itself; `None` for ever.
    pub(crate) fn earliest(&self, now: Instant) -> Option<Duration> {
        let looks = self.troubled.values().map(|t| t.next);
        let pieces =
            self.ready.iter().filter(|(device, _)| self.may_hash(**device)).filter_map(|(_, batch)| batch.due());
        looks.chain(pieces).min().map(|at| at.saturating_duration_since(now))
    }

    /// Whether another worker may find something to do now.
    pub(crate) fn has_work(&self, now: Instant) -> bool {
        self.spills.iter().any(|(.., id)| self.has_room(self.device(*id)))
            || (!self.reads_wait && self.reads.keys().any(|device| self.has_room(*device)))
            || self.pieces_due(now).is_some()
            || (!self.metadata.is_empty() && self.may_wait(Device::None))
            || self.barred.keys().any(|device| self.may_wait(*device))
            || self.checks.values().any(|run| self.may_hash(self.device(run.torrent.id)))
    }

    /// Whether finished pieces wait for others, so that a worker has to wait with them.
    pub(crate) fn pieces_wait(&self) -> bool {
        self.ready.keys().any(|device| self.may_hash(*device))
    }

    fn find_barrier(&mut self) -> Option<(Task, Owed, Device)> {
        let due = |id: &&TorrentId| self.lanes.get(id).is_some_and(Lane::is_due);
        let mut free = self.barred.iter().filter(|(device, _)| self.may_wait(**device));
        let (device, id) = free.find_map(|(device, barred)| Some((*device, *barred.iter().find(due)?)))?;
        let lane = self.lanes.get_mut(&id)?;
        let barrier = lane.next_barrier()?;
        let torrent = lane.torrent.clone();
        if lane.barriers.is_empty() {
            self.unbarred(device, id);
        }
        Some((Task::Barrier { id, torrent, barrier }, Owed::Barrier(id), device))
    }

    /// The oldest reads of a device that has room, as far as they are of one torrent.
    fn find_reads(&mut self) -> Option<(Task, Owed, Device)> {
        while !self.reads_wait {
            let free = self.reads.iter().filter(|(device, _)| self.has_room(**device));
            let oldest = free.filter_map(|(device, waiting)| Some((waiting.front()?.0, *device))).min();
            let (_, device) = oldest?;
            let waiting = self.reads.get_mut(&device)?;
            let &(_, id, ..) = waiting.front()?;
            let mut reads = Vec::new();
            while let Some(&(_, next, reader, at)) = waiting.front()
                && next == id
                && reads.len() < READS_MAX
            {
                reads.push((reader, at));
                waiting.pop_front();
            }
            if waiting.is_empty() {
                self.reads.remove(&device);
            }
            if let Some(torrent) = self.lanes.get(&id).and_then(|lane| lane.torrent.clone()) {
                let owed = Owed::Reads(id, reads.len());
                return Some((Task::Reads { torrent, reads }, owed, device));
            }
        }
        None
    }

    /// The device whose finished pieces should be hashed now.
    fn pieces_due(&self, now: Instant) -> Option<Device> {
        let free = self.ready.iter().filter(|(device, _)| self.may_hash(**device));
        let due = free.filter_map(|(device, batch)| Some((batch.due()?, *device))).min()?;
        (due.0 <= now).then_some(due.1)
    }

    fn find_pieces(&mut self, device: Device) -> Option<(Task, Owed, Device)> {
        let batch = self.ready.get_mut(&device)?;
        let pieces = batch.take();
        if batch.is_empty() {
            self.ready.remove(&device);
        }
        let blocks = pieces.iter().map(|p| p.assembly.held()).sum();
        let keys = pieces.iter().map(|p| (p.torrent.id, p.piece, p.seq)).collect();
        Some((Task::Pieces(pieces), Owed::Pieces(keys, blocks), device))
    }

    fn find_check(&mut self) -> Option<(Task, Owed, Device)> {
        let free = |run: &CheckRun| run.next < run.pieces.len() && self.may_hash(self.device(run.torrent.id));
        let seq = self.checks.iter().find(|(_, run)| free(run)).map(|(seq, _)| *seq)?;
        let run = self.checks.get_mut(&seq)?;
        let length = u64::from(run.torrent.content.info.piece_length()).max(1);
        let n = (CHECK_BYTES / length).clamp(1, 1024) as usize;
        let pieces: Vec<u32> = run.pieces[run.next..].iter().copied().take(n).collect();
        run.next += pieces.len();
        run.under_way += 1;
        let task = Task::Check { torrent: Arc::clone(&run.torrent), pieces, quiet: run.quiet };
        let id = run.torrent.id;
        Some((task, Owed::Check(seq), self.device(id)))
    }

    /// A task is done; what it held up may go on.
    pub(crate) fn finish(&mut self, ticket: Ticket, out: &mut Outbox) {
        let Ticket { owed, device } = ticket;
        if let Some(load) = self.loads.get_mut(&device) {
            load.tasks -= 1;
            load.slow -= usize::from(owed.is_slow());
            load.hashing -= usize::from(owed.hashes());
            if load.tasks == 0 {
                self.loads.remove(&device);
            }
        }
        match owed {
            Owed::Pieces(pieces, blocks) => {
                self.returning -= blocks;
                for (id, piece, seq) in pieces {
                    self.release(id, piece, seq);
                }
            }
            Owed::Spill(id, piece, seq, blocks) => {
                self.returning -= blocks;
                self.release(id, piece, seq);
            }
            Owed::Reads(id, n) => {
                if let Some(lane) = self.lanes.get_mut(&id) {
                    lane.reads -= n;
                }
            }
            Owed::Check(seq) => {
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
            Owed::Barrier(id) => self.unbar(id, out),
            Owed::Metadata | Owed::Space => {}
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
    pub(crate) fn unbar(&mut self, id: TorrentId, out: &mut Outbox) {
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
            self.devices.remove(&id);
        }
    }
}

fn not_open() -> DiskError {
    DiskError { kind: DiskErrorKind::Io, message: "the torrent is not open on the disk".to_owned() }
}
