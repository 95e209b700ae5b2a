//! The end that nobody asked for (own design): a panic on the host's thread, a storage that has failed, a poll that the system refuses.
//!
//! The machine is not called again, since a panic may have left it half changed. What is on its way to the storage goes there, every
//! torrent is closed, which makes durable what is verified and saves that, and then the owner is told: so nothing looks alive that is not.
use std::collections::BTreeSet;
use std::time::{Duration, Instant};
use teem_engine::storage::Storage;
use teem_swarm::ids::TorrentId;
use teem_swarm::job::{Done, Job};

use crate::budget::RESCUE_LIMIT;
use crate::error::HostError;
use crate::event_loop::EventLoop;
use crate::owner::{Machine, Owner};

/// How long to wait where the poll does not even do that.
const PAUSE: Duration = Duration::from_millis(10);

impl<S, M, O> EventLoop<S, M, O>
where
    S: Storage,
    M: Machine<S::Block>,
    O: Owner,
{
    /// Runs until told to end, or until that becomes impossible.
    pub(crate) fn live(mut self) -> Result<(), HostError> {
        let ended = teem_fault::catch(|| self.run()).unwrap_or_else(|what| Err(HostError::Fault(what)));
        if let Err(why) = &ended {
            self.mailbox.close();
            // What panics here too cannot be saved, or not be told; the panic hook has heard of it.
            let _ = teem_fault::catch(|| self.rescue());
            let _ = teem_fault::catch(|| self.core.owner.on_failure(why));
        }
        match teem_fault::catch(|| drop(self)) {
            Err(what) if ended.is_ok() => Err(HostError::Fault(what)),
            _ => ended,
        }
    }

    /// Has the storage save what there is of every torrent.
    fn rescue(&mut self) {
        let until = Instant::now() + RESCUE_LIMIT;
        let (mut open, mut done) = (self.core.torrents.clone(), Vec::new());
        let close = |torrent: &_| Job::Close { torrent: *torrent, facts: None };
        let mut jobs = std::mem::take(&mut self.core.jobs);
        jobs.extend(open.iter().map(close));
        let mut events = mio::Events::with_capacity(1);
        loop {
            self.storage.submit(&mut jobs);
            self.mailbox.bell.heard();
            self.storage.poll(&mut done);
            note_closed(&mut done, &mut open);
            let left = until.saturating_duration_since(Instant::now());
            if open.is_empty() || left.is_zero() {
                return;
            }
            // The storage's waker rings the same bell as ever; a socket is a turn in vain.
            if self.poll.poll(&mut events, Some(left)).is_err() {
                std::thread::sleep(PAUSE);
            }
        }
    }
}

/// Strikes out the torrents that the storage has let go.
fn note_closed<B>(done: &mut Vec<Done<B>>, open: &mut BTreeSet<TorrentId>) {
    for answer in done.drain(..) {
        if let Done::Closed { torrent } = answer {
            open.remove(&torrent);
        }
    }
}
