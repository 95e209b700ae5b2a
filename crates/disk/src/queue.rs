//! The schedule behind its lock, where submitter and workers meet (own design). The lock is held for moments only, never
//! across a file call; buffers are dropped after it is let go.
use crate::hash;
use crate::pool::Block;
use crate::schedule::{Limits, Schedule};
use crate::task::{Device, Outbox, Task, Ticket, Trouble};
use crate::torrent::Torrent;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};
use teem_swarm::ids::TorrentId;
use teem_swarm::job::{Job, Reader};
use teem_wire::peer::block::BlockRef;

/// The jobs of all torrents, from which the workers take what may be done next.
pub(crate) struct Queue {
    schedule: Mutex<Schedule>,
    bell: Condvar,
    /// Starts another worker.
    hire: OnceLock<Box<dyn Fn() + Send + Sync>>,
}

/// Workers beyond the usual ones, while tasks of another device hold those: as many as one device may hold, and some.
const EXTRA_WORKERS: usize = 16;

/// After so long without anything to do those go.
const IDLE_MAX: Duration = Duration::from_secs(10);

/// So long files stay open in case they are used again: peers that ask for one block ask for more. Nobody wakes where none is open.
const OPEN_IDLE: Duration = Duration::from_secs(20);

/// How often one who waits for a torrent to be closed looks.
const HOLD_LOOK: Duration = Duration::from_millis(20);

/// What a worker does next.
pub(crate) enum Next {
    Do(Task, Ticket),
    /// Nothing is to be done, and open files have not been used for a while.
    CloseIdle,
}

impl Queue {
    /// With these limits of a device, as many workers, and a pool in which so many blocks find room.
    pub(crate) fn new(limits: Limits, room: usize) -> Self {
        let schedule = Schedule::new(limits, (hash::lanes(), room / 2));
        Self { schedule: Mutex::new(schedule), bell: Condvar::new(), hire: OnceLock::new() }
    }

    /// Sets what starts another worker; the first time counts.
    pub(crate) fn set_hire(&self, hire: Box<dyn Fn() + Send + Sync>) {
        let _ = self.hire.set(hire);
    }

    /// The system gave no thread.
    pub(crate) fn not_hired(&self) {
        self.lock().workers -= 1;
    }

    /// There is something to do: wakes a worker; whether one more is to be started, because all are busy elsewhere.
    fn call(&self, schedule: &mut Schedule) -> bool {
        self.bell.notify_one();
        let hires = schedule.lacks_a_worker() && schedule.workers < schedule.workers_usual() + EXTRA_WORKERS;
        schedule.workers += usize::from(hires);
        hires
    }

    /// Starts one more, outside of the lock.
    fn hire_if(&self, wanted: bool) {
        if let Some(hire) = self.hire.get().filter(|_| wanted) {
            hire();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Schedule> {
        self.schedule.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes jobs in order; what can be answered at once comes back. `pressure` is how many buffers the pool wants back.
    pub(crate) fn accept(&self, jobs: impl Iterator<Item = Job<Block>>, pressure: usize) -> Outbox {
        let mut out = Outbox::default();
        let mut schedule = self.lock();
        let waited = schedule.pieces_wait();
        for job in jobs {
            schedule.accept(job, &mut out);
        }
        schedule.spill(pressure);
        // One worker waits with the first finished piece for others; the rest is woken when there are enough.
        let has_work = schedule.has_work(Instant::now());
        if schedule.pieces_wait() && !waited && !has_work {
            self.bell.notify_one();
        }
        let hires = has_work && self.call(&mut schedule);
        drop(schedule);
        self.hire_if(hires);
        out
    }

    /// Pieces to be hashed again because their file changed; only the wrong ones are told of.
    pub(crate) fn recheck(&self, torrent: &Arc<Torrent>, pieces: Vec<u32>) {
        self.lock().check(torrent, pieces, true);
        self.bell.notify_all();
    }

    /// Reads for which there was no buffer: they go first when [`Queue::resume_reads`] is called.
    pub(crate) fn give_back(&self, id: TorrentId, reads: Vec<(Reader, BlockRef)>) {
        let mut schedule = self.lock();
        schedule.reads_wait = true;
        schedule.give_back(id, reads);
    }

    /// There are buffers for reads again.
    pub(crate) fn resume_reads(&self) {
        self.lock().reads_wait = false;
        self.bell.notify_one();
    }

    /// Looks for `needed` bytes of room `every` so often on behalf of a torrent.
    pub(crate) fn trouble(&self, id: TorrentId, needed: u64, every: Duration) {
        self.lock().troubled.insert(id, Trouble { needed, next: Instant::now() + every, every });
        self.bell.notify_one();
    }

    /// There is room again; true when it had been looked for.
    pub(crate) fn recovered(&self, id: TorrentId) -> bool {
        self.lock().troubled.remove(&id).is_some()
    }

    /// What has been taken of a piece is forgotten.
    pub(crate) fn forget(&self, id: TorrentId, piece: u32) {
        let mut schedule = self.lock();
        let assembly = schedule.lanes.get_mut(&id).and_then(|lane| lane.assemblies.remove(&piece));
        drop(schedule);
        drop(assembly);
    }

    /// A torrent has been opened; the device is 0 where nobody can tell.
    pub(crate) fn opened(&self, torrent: &Arc<Torrent>, device: u32) {
        let mut schedule = self.lock();
        if device != 0 {
            schedule.lies_on(torrent.id, Device::Number(device));
        }
        if let Some(lane) = schedule.lanes.get_mut(&torrent.id) {
            lane.torrent = Some(Arc::clone(torrent));
        }
    }

    /// A torrent is to be opened in that folder.
    pub(crate) fn placed(&self, id: TorrentId, folder: &Path) {
        let mut hasher = DefaultHasher::new();
        folder.hash(&mut hasher);
        self.lock().lies_on(id, Device::Folder(hasher.finish()));
    }

    /// A torrent has been closed; pieces that were not whole are given up.
    pub(crate) fn closed(&self, id: TorrentId) {
        let mut schedule = self.lock();
        schedule.troubled.remove(&id);
        let lane = schedule.lanes.get_mut(&id);
        let gone = lane.map(|lane| (lane.torrent.take(), std::mem::take(&mut lane.assemblies)));
        drop(schedule);
        drop(gone);
    }

    /// Keeps all jobs of a torrent back, as a barrier does, once it is closed and nothing of it is under way; until [`Queue::let_on`]. False when that does
    /// not come to pass while `waits`.
    pub(crate) fn hold(&self, id: TorrentId, waits: impl Fn() -> bool) -> bool {
        let mut schedule = self.lock();
        loop {
            let lane = schedule.lanes.entry(id).or_default();
            if lane.is_idle() && lane.running.is_empty() {
                (lane.barrier_runs, lane.shut) = (true, true);
                return true;
            }
            if !waits() {
                return false;
            }
            schedule = self.bell.wait_timeout(schedule, HOLD_LOOK).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Jobs of a torrent may go on; what can be answered at once comes back.
    pub(crate) fn let_on(&self, id: TorrentId) -> Outbox {
        let mut out = Outbox::default();
        self.lock().unbar(id, &mut out);
        self.bell.notify_all();
        out
    }

    /// Lets all workers end after what they are doing.
    pub(crate) fn stop(&self) {
        self.lock().stop = true;
        self.bell.notify_all();
    }

    /// Something outside changed that workers may wait for.
    pub(crate) fn ring(&self) {
        self.bell.notify_all();
    }

    /// Waits for something to do; `None` when it is time to end. `full` says whether checks have to wait, `idle_since` since when open files
    /// have not been used.
    pub(crate) fn next(&self, full: impl Fn() -> bool, idle_since: impl Fn() -> Option<Instant>) -> Option<Next> {
        let mut schedule = self.lock();
        while !schedule.stop {
            let now = Instant::now();
            if let Some((task, ticket)) = schedule.find(now, full()) {
                let has_work = schedule.has_work(now);
                if schedule.pieces_wait() && !has_work {
                    self.bell.notify_one();
                }
                let hires = has_work && self.call(&mut schedule);
                drop(schedule);
                self.hire_if(hires);
                return Some(Next::Do(task, ticket));
            }
            let close = idle_since().map(|since| (since + OPEN_IDLE).saturating_duration_since(now));
            if close == Some(Duration::ZERO) {
                return Some(Next::CloseIdle);
            }
            let surplus = schedule.workers > schedule.workers_usual();
            let wait = [schedule.earliest(now), surplus.then_some(IDLE_MAX), close].into_iter().flatten().min();
            let Some(wait) = wait else {
                schedule = self.bell.wait(schedule).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            let (after, timeout) = self.bell.wait_timeout(schedule, wait).unwrap_or_else(PoisonError::into_inner);
            schedule = after;
            if timeout.timed_out() && wait == IDLE_MAX && schedule.workers > schedule.workers_usual() {
                schedule.workers -= 1;
                return None;
            }
        }
        None
    }

    /// A task is done; what that answers comes back. `pressure` is how many buffers the pool wants back. It is asked with the lock held: what came
    /// into a piece while that was spilled was let be, and nobody may come again before it is spilled too.
    pub(crate) fn finish(&self, ticket: Ticket, pressure: impl FnOnce() -> usize) -> Outbox {
        let mut out = Outbox::default();
        let mut schedule = self.lock();
        schedule.finish(ticket, &mut out);
        schedule.spill(pressure());
        drop(schedule);
        out
    }
}
