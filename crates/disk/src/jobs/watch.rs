//! How far a job has come, and whether it is to end (own design): what its owner looks at from another thread.
use crate::fs::Stat;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How far a job has come, and the wish to end it.
#[derive(Default, Debug)]
pub struct Watch {
    done: AtomicU64,
    of: AtomicU64,
    wish: AtomicU8,
    /// Files that were copied while the torrent was open.
    staged: Mutex<BTreeMap<usize, Staged>>,
}

/// A copy that is whole and durable: what the file was like, and the copy.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Staged {
    pub(super) source: Stat,
    pub(super) copy: Stat,
}

/// The job is given up: what it did is taken back.
const GIVE_UP: u8 = 1;

/// The program ends: the job stays as it is, to be gone on with.
const STOP: u8 = 2;

impl Watch {
    /// Bytes that are done, and of how many; both 0 while that is not known.
    pub fn progress(&self) -> (u64, u64) {
        (self.done.load(Ordering::Relaxed), self.of.load(Ordering::Relaxed))
    }

    /// Takes back what can still be taken back; a job that is past that comes to its end.
    pub fn give_up(&self) {
        self.wish.fetch_max(GIVE_UP, Ordering::Relaxed);
    }

    /// Ends the job as soon as may be, to be gone on with in another run.
    pub fn stop(&self) {
        self.wish.fetch_max(STOP, Ordering::Relaxed);
    }

    /// The files that were copied, by slot.
    pub(super) fn staged(&self) -> MutexGuard<'_, BTreeMap<usize, Staged>> {
        self.staged.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn begin(&self, of: u64) {
        self.done.store(0, Ordering::Relaxed);
        self.of.store(of, Ordering::Relaxed);
    }

    pub(super) fn add(&self, bytes: u64) {
        self.done.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(super) fn ended(&self) -> Option<Ended> {
        match self.wish.load(Ordering::Relaxed) {
            0 => None,
            GIVE_UP => Some(Ended::GivenUp),
            _ => Some(Ended::Stopped),
        }
    }
}

/// How a job was ended from outside.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Ended {
    GivenUp,
    Stopped,
}
