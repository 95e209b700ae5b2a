//! The schedule behind its lock, where submitter and workers meet (own design). The lock is held for moments only, never
//! across a file call; buffers are dropped after it is let go.
use crate::batch::Batch;
use crate::hash;
use crate::pool::Block;
use crate::schedule::Schedule;
use crate::task::{Outbox, Task, Ticket, Trouble};
use crate::torrent::Torrent;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use teem_swarm::ids::TorrentId;
use teem_swarm::job::{Job, Reader};
use teem_wire::peer::block::BlockRef;

/// The jobs of all torrents, from which the workers take what may be done next.
pub(crate) struct Queue {
    schedule: Mutex<Schedule>,
    bell: Condvar,
}

impl Queue {
    /// For `hashers` workers that hash at once, and a pool in which so many blocks find room.
    pub(crate) fn new(hashers: usize, room: usize) -> Self {
        let batch = Batch::new(hash::lanes(), room / 2);
        Self { schedule: Mutex::new(Schedule::new(hashers, batch)), bell: Condvar::new() }
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
        if (schedule.pieces_wait() && !waited) || schedule.has_work(Instant::now()) {
            self.bell.notify_one();
        }
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

    /// A torrent has been opened.
    pub(crate) fn opened(&self, torrent: &Arc<Torrent>) {
        if let Some(lane) = self.lock().lanes.get_mut(&torrent.id) {
            lane.torrent = Some(Arc::clone(torrent));
        }
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

    /// Lets all workers end after what they are doing.
    pub(crate) fn stop(&self) {
        self.lock().stop = true;
        self.bell.notify_all();
    }

    /// Something outside changed that workers may wait for.
    pub(crate) fn ring(&self) {
        self.bell.notify_all();
    }

    /// Waits for something to do; `None` when it is time to end. `full` says whether checks have to wait.
    pub(crate) fn next(&self, full: impl Fn() -> bool) -> Option<(Task, Ticket)> {
        let mut schedule = self.lock();
        while !schedule.stop {
            let now = Instant::now();
            if let Some(found) = schedule.find(now, full()) {
                if schedule.pieces_wait() || schedule.has_work(now) {
                    self.bell.notify_one();
                }
                return Some(found);
            }
            schedule = match schedule.earliest(now) {
                Some(wait) => self.bell.wait_timeout(schedule, wait).unwrap_or_else(PoisonError::into_inner).0,
                None => self.bell.wait(schedule).unwrap_or_else(PoisonError::into_inner),
            };
        }
        None
    }

    /// A task is done; what that answers comes back.
    pub(crate) fn finish(&self, ticket: Ticket) -> Outbox {
        let mut out = Outbox::default();
        self.lock().finish(ticket, &mut out);
        out
    }
}
