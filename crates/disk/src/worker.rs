//! The threads that touch files and hash (own design). Each takes the next task, does it, answers, and asks again.
use crate::containment::{contained, fault};
use crate::lane::Barrier;
use crate::metadata;
use crate::queue::Next;
use crate::shared::Shared;
use crate::task::{Outbox, Task};
use crate::torrent::Torrent;
use crate::{check, open, read, select, space, sync, write};
use std::sync::Arc;
use teem_swarm::job::{DiskError, Done, Facts};

/// Works until the queue ends. A panic outside of any torrent ends this worker, and the owner of the disk is told.
pub(crate) fn run(shared: &Shared) {
    let worked = teem_fault::catch(|| -> Result<(), String> {
        let full = || shared.mailbox.is_full();
        while let Some(next) = shared.queue.next(full, || shared.idle_since()) {
            let Next::Do(task, ticket) = next else {
                shared.close_idle();
                continue;
            };
            let performed = teem_fault::catch(|| perform(shared, task));
            // Its torrent can then be closed by another worker.
            deliver(shared, shared.queue.finish(ticket, || shared.pool.pressure()));
            performed?;
        }
        Ok(())
    });
    if let Err(what) = worked.flatten() {
        shared.mailbox.fail(what);
    }
}

/// Sends what was answered at once; the buffers inside are dropped here, outside of any lock.
pub(crate) fn deliver(shared: &Shared, out: Outbox) {
    let Outbox { answers, told, .. } = out;
    shared.mailbox.answer(answers);
    shared.mailbox.tell(told);
}

fn perform(shared: &Shared, task: Task) {
    match task {
        Task::Pieces(ready) => write::pieces(shared, ready),
        Task::Spill { torrent, piece, blocks } => write::spill(shared, &torrent, piece, &blocks),
        Task::Reads { torrent, reads } => read::reads(shared, &torrent, reads),
        Task::Check { torrent, pieces, quiet } => check::pieces(shared, &torrent, &pieces, quiet),
        Task::Barrier { id, barrier: Barrier::Open(info, selection), .. } => open::open(shared, id, info, selection),
        Task::Barrier { torrent, barrier: Barrier::Select(selection), .. } => {
            let Some(torrent) = torrent else { return };
            let told = contained(|| Ok(select::told(&torrent, select::select(shared, &torrent, selection))));
            let fault = |error| Some(Done::Trouble { torrent: torrent.id, error });
            shared.mailbox.tell(told.unwrap_or_else(fault));
        }
        Task::Barrier { id, torrent, barrier: Barrier::Sync(facts, moving) } => {
            let done = match contained(|| sync(shared, torrent, facts, moving)) {
                Ok(()) => Done::Synced { torrent: id },
                Err(error) => Done::SyncFailed { torrent: id, error },
            };
            shared.mailbox.answer([done]);
        }
        Task::Barrier { id, torrent, barrier: Barrier::Close(facts) } => {
            let result = contained(|| close(shared, torrent, facts));
            shared.queue.closed(id);
            if let Err(error) = result {
                shared.mailbox.tell([Done::SyncFailed { torrent: id, error }]);
            }
            shared.mailbox.answer([Done::Closed { torrent: id }]);
        }
        Task::Metadata { id, key, bytes } => {
            let judged = teem_fault::contain(|| metadata::parse(id, key, &bytes));
            let fault = |what| Done::OpenFailed { torrent: id, error: fault(what) };
            shared.mailbox.answer([judged.unwrap_or_else(fault)]);
        }
        Task::LookForSpace { torrent, needed } => {
            if let Err(error) = contained(|| {
                space::look(shared, &torrent, needed);
                Ok(())
            }) {
                shared.mailbox.tell([Done::Trouble { torrent: torrent.id, error }]);
            }
        }
    }
}

fn sync(shared: &Shared, torrent: Option<Arc<Torrent>>, facts: Facts, moving: bool) -> Result<(), DiskError> {
    let Some(torrent) = torrent else { return Ok(()) };
    if moving {
        select::settle(&torrent)?;
    }
    sync::sync(shared, &torrent, Some(facts))
}

fn close(shared: &Shared, torrent: Option<Arc<Torrent>>, facts: Option<Facts>) -> Result<(), DiskError> {
    let Some(torrent) = torrent else { return Ok(()) };
    let settled = contained(|| select::settle(&torrent));
    contained(|| sync::close(shared, &torrent, facts)).and(settled)
}
