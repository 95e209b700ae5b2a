//! The storage as its owners hold it (own design): [`Disk`] on the engine's thread, [`DiskHandle`] for whoever says
//! where torrents lie. None of their methods touches a file.
use crate::create::HashFiles;
use crate::files::{Files, OPEN_MAX};
use crate::fs::Fs;
use crate::place::Place;
use crate::pool::{Block, Pool, Purpose};
use crate::queue::Queue;
use crate::root::RealFs;
use crate::schedule::Limits;
use crate::shared::{Shared, Vouched};
use crate::state::StateStore;
use crate::worker;
use std::collections::VecDeque;
use std::sync::Arc;
use std::thread;
use teem_engine::storage::Storage;
use teem_swarm::ids::TorrentId;
use teem_swarm::job::{Done, Job};

/// Bytes of buffers: half of what the whole program is to need.
const POOL_BYTES: usize = 32 << 20;

/// More cores than that gain nothing, because the file system is the bottleneck then.
const HASHERS_MAX: usize = 8;

/// Workers beyond those that may hash: two for barriers, which may hang as long as the medium does, one for reads.
const SPARE_WORKERS: usize = 3;

/// What a disk may use.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DiskConfig {
    /// Bytes of buffers for blocks, at least 1 MiB; allocated when needed.
    pub pool_bytes: usize,
    /// Workers that may hash at once; 0 is one a core, at most eight.
    pub hashers: usize,
    /// Content files held open at once, at most 256.
    pub open_files: usize,
}

impl Default for DiskConfig {
    fn default() -> Self {
        Self { pool_bytes: POOL_BYTES, hashers: 0, open_files: OPEN_MAX }
    }
}

/// The disk, for the engine's thread. Its threads end when it and all handles are dropped.
pub struct Disk {
    owner: Arc<Owner>,
}

/// Says where torrents lie; clones are the same.
#[derive(Clone)]
pub struct DiskHandle {
    owner: Arc<Owner>,
}

/// Ends the workers when the last owner is gone.
struct Owner {
    shared: Arc<Shared>,
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.shared.leases.end();
        self.shared.queue.stop();
    }
}

impl Disk {
    /// Starts the workers, on the file system of this machine.
    pub fn start(config: &DiskConfig) -> (Self, DiskHandle) {
        Self::start_on(config, Arc::new(RealFs))
    }

    /// Starts the workers on any file system.
    pub fn start_on(config: &DiskConfig, fs: Arc<dyn Fs>) -> (Self, DiskHandle) {
        Self::start_with(config, fs, None)
    }

    /// The same; saved state lies in `records`, if given, instead of in files of its own for each torrent.
    pub fn start_with(
        config: &DiskConfig,
        fs: Arc<dyn Fs>,
        records: Option<Arc<dyn StateStore>>,
    ) -> (Self, DiskHandle) {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let hashers = if config.hashers == 0 { cores } else { config.hashers }.clamp(1, HASHERS_MAX);
        let files = Files::new(config.open_files.min(OPEN_MAX));
        let pool = Pool::new(config.pool_bytes);
        let limits = Limits { tasks: hashers + SPARE_WORKERS, hashers };
        let queue = Queue::new(limits, pool.download_quota());
        let shared = Arc::new(Shared::new(pool, queue, fs, files, records));
        let (down, up) = (Arc::downgrade(&shared), Arc::downgrade(&shared));
        shared.pool.set_bells(
            Box::new(move || {
                if let Some(shared) = down.upgrade() {
                    shared.mailbox.ring();
                }
            }),
            Box::new(move || {
                if let Some(shared) = up.upgrade() {
                    shared.queue.resume_reads();
                }
            }),
        );
        let more = Arc::downgrade(&shared);
        shared.queue.set_hire(Box::new(move || {
            if let Some(shared) = more.upgrade() {
                let worker = Arc::clone(&shared);
                let builder = thread::Builder::new().name("disk, one more".to_owned());
                if builder.spawn(move || worker::run(&worker)).is_err() {
                    shared.queue.not_hired();
                }
            }
        }));
        for i in 0..limits.tasks {
            let shared = Arc::clone(&shared);
            let builder = thread::Builder::new().name(format!("disk {i}"));
            let started = builder.spawn(move || worker::run(&shared));
            // INVARIANT: a system that gives a new program no thread cannot run it, and there is nothing to clean up yet.
            started.expect("a thread for the disk");
        }
        let owner = Arc::new(Owner { shared });
        (Self { owner: Arc::clone(&owner) }, DiskHandle { owner })
    }
}

impl DiskHandle {
    pub(crate) fn shared(&self) -> &Shared {
        &self.owner.shared
    }

    /// Says where a torrent's content lies, before it is opened; forgotten when it is closed. What is told while the torrent is open,
    /// perhaps because a disk that hangs has not closed it yet, is for the next time.
    pub fn place(&self, torrent: TorrentId, place: Place) {
        self.owner.shared.tell_place(torrent, place);
    }

    /// Says that the torrent was made of these files just now, so that opening it need not hash them again: when it has
    /// no saved state and all its files are as they were when they were hashed, all its pieces are there. For one `Open`.
    pub fn vouch(&self, torrent: TorrentId, hashed: HashFiles) {
        self.owner.shared.vouch(torrent, Vouched::Hashed(hashed));
    }
}

impl Storage for Disk {
    type Block = Block;

    fn alloc(&mut self, len: usize) -> Option<Block> {
        self.owner.shared.pool.take(len, Purpose::Download)
    }

    fn submit(&mut self, jobs: &mut VecDeque<Job<Block>>) {
        let shared = &self.owner.shared;
        let mut credits = shared.mailbox.credits();
        let mut taken = 0;
        let fitting = jobs.iter().take_while(|job| {
            if takes_credit(job) {
                if credits == 0 {
                    return false;
                }
                credits -= 1;
                taken += 1;
            }
            true
        });
        let n = fitting.count();
        if n == 0 {
            return;
        }
        shared.mailbox.take_credits(taken);
        let out = shared.queue.accept(jobs.drain(..n), shared.pool.pressure());
        worker::deliver(shared, out);
    }

    fn poll(&mut self, done: &mut Vec<Done<Block>>) {
        if self.owner.shared.mailbox.fetch(done) {
            self.owner.shared.queue.ring();
        }
    }

    fn fault(&mut self) -> Option<String> {
        self.owner.shared.mailbox.fault()
    }

    fn set_waker(&mut self, wake: Arc<dyn Fn() + Send + Sync>) {
        self.owner.shared.mailbox.set_wake(wake);
    }
}

/// Whether a job is answered by exactly one message of its own.
fn takes_credit(job: &Job<Block>) -> bool {
    matches!(job, Job::Open { .. } | Job::Read { .. } | Job::Sync { .. } | Job::Metadata { .. } | Job::Close { .. })
}
