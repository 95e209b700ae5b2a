//! Buffers of one block each, handed out against a budget (own design). Downloads and uploads have quotas of their own,
//! so that partial pieces can never hold everything and seeding goes on while downloads are stuck.
//!
//! Buffers are allocated when first needed and come back by being dropped, from any thread; part of them is kept, so
//! that an idle program holds little. Whoever was refused is rung up when a buffer of its quota comes back.
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use teem_wire::peer::block::BLOCK_LEN;

/// Bytes of one buffer: a whole block of BEP 3.
pub(crate) const BUFFER_LEN: usize = BLOCK_LEN as usize;

/// Share of the budget that uploads may hold, as a divisor: a quarter, the rest is for assembly.
const UPLOAD_SHARE: usize = 4;

/// Share of the budget kept allocated while nobody uses it, as a divisor.
const KEEP_SHARE: usize = 4;

/// What a buffer is for; each has a quota.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Purpose {
    /// A block received, until its piece is written.
    Download,
    /// A block read for a peer, until it is sent.
    Upload,
}

type Bell = Box<dyn Fn() + Send + Sync>;

struct State {
    free: Vec<Box<[u8]>>,
    down: usize,
    up: usize,
    down_refused: bool,
    up_refused: bool,
}

struct Inner {
    state: Mutex<State>,
    down_quota: usize,
    up_quota: usize,
    keep: usize,
    down_bell: OnceLock<Bell>,
    up_bell: OnceLock<Bell>,
}

/// The pool; clones share it.
#[derive(Clone)]
pub(crate) struct Pool(Arc<Inner>);

/// One pooled buffer of up to 16 KiB; returns to its pool when dropped.
pub struct Block {
    data: Box<[u8]>,
    len: usize,
    purpose: Purpose,
    pool: Arc<Inner>,
}

impl Pool {
    /// A pool of `bytes` in all; at least 64 buffers, so that something always moves.
    pub(crate) fn new(bytes: usize) -> Self {
        let total = (bytes / BUFFER_LEN).max(64);
        let up_quota = total / UPLOAD_SHARE;
        Self(Arc::new(Inner {
            state: Mutex::new(State { free: Vec::new(), down: 0, up: 0, down_refused: false, up_refused: false }),
            down_quota: total - up_quota,
            up_quota,
            keep: total / KEEP_SHARE,
            down_bell: OnceLock::new(),
            up_bell: OnceLock::new(),
        }))
    }

    /// Sets the calls that tell when a refused quota has room again; the first time counts. They are made on whatever
    /// thread drops a buffer.
    pub(crate) fn set_bells(&self, down: Bell, up: Bell) {
        let _ = self.0.down_bell.set(down);
        let _ = self.0.up_bell.set(up);
    }

    /// A buffer of `len` bytes (at most 16 KiB) with arbitrary content, or `None` when the quota is used up.
    pub(crate) fn take(&self, len: usize, purpose: Purpose) -> Option<Block> {
        if len > BUFFER_LEN {
            return None;
        }
        let mut state = self.0.lock();
        match purpose {
            Purpose::Download if state.down >= self.0.down_quota => {
                state.down_refused = true;
                return None;
            }
            Purpose::Upload if state.up >= self.0.up_quota => {
                state.up_refused = true;
                return None;
            }
            Purpose::Download => state.down += 1,
            Purpose::Upload => state.up += 1,
        }
        let free = state.free.pop();
        drop(state);
        let data = free.unwrap_or_else(|| vec![0; BUFFER_LEN].into_boxed_slice());
        Some(Block { data, len, purpose, pool: Arc::clone(&self.0) })
    }

    /// Whether there is a buffer; if not, the bell of its quota will ring.
    pub(crate) fn has_room(&self, purpose: Purpose) -> bool {
        let mut state = self.0.lock();
        match purpose {
            Purpose::Download => {
                state.down_refused = state.down >= self.0.down_quota;
                !state.down_refused
            }
            Purpose::Upload => {
                state.up_refused = state.up >= self.0.up_quota;
                !state.up_refused
            }
        }
    }

    /// How many buffers downloads may hold.
    pub(crate) fn download_quota(&self) -> usize {
        self.0.down_quota
    }

    /// How many buffers have to come back from assembly before there is comfortable room again: 0 while less than
    /// three quarters of the quota are in use, else as many as bring it to one half.
    pub(crate) fn pressure(&self) -> usize {
        let used = self.0.lock().down;
        if used * 4 < self.0.down_quota * 3 { 0 } else { used - self.0.down_quota / 2 }
    }
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl AsRef<[u8]> for Block {
    fn as_ref(&self) -> &[u8] {
        &self.data[..self.len]
    }
}

impl AsMut<[u8]> for Block {
    fn as_mut(&mut self) -> &mut [u8] {
        &mut self.data[..self.len]
    }
}

impl fmt::Debug for Block {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Block({} B)", self.len)
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        let data = std::mem::take(&mut self.data);
        let mut state = self.pool.lock();
        let refused = match self.purpose {
            Purpose::Download => {
                state.down -= 1;
                std::mem::take(&mut state.down_refused)
            }
            Purpose::Upload => {
                state.up -= 1;
                std::mem::take(&mut state.up_refused)
            }
        };
        if state.free.len() < self.pool.keep {
            state.free.push(data);
        }
        drop(state);
        if refused {
            let bell = match self.purpose {
                Purpose::Download => &self.pool.down_bell,
                Purpose::Upload => &self.pool.up_bell,
            };
            if let Some(ring) = bell.get() {
                ring();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn quotas_bells_and_return() {
        let pool = Pool::new(64 * BUFFER_LEN);
        let rung = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&rung);
        pool.set_bells(Box::new(move || _ = counter.fetch_add(1, Ordering::SeqCst)), Box::new(|| {}));
        let mut held: Vec<Block> = std::iter::from_fn(|| pool.take(16, Purpose::Download)).collect();
        assert_eq!(held.len(), 48);
        assert!(pool.take(1, Purpose::Upload).is_some(), "uploads have a quota of their own");
        assert!(pool.take(BUFFER_LEN + 1, Purpose::Upload).is_none());
        assert_eq!(pool.pressure(), 24);
        held.pop();
        held.pop();
        assert_eq!(rung.load(Ordering::SeqCst), 1, "one ring for one refusal");
        drop(held);
        assert_eq!(pool.pressure(), 0);
        assert_eq!(pool.take(5, Purpose::Download).unwrap().as_ref().len(), 5);
    }
}
