//! The threads that touch files and hash (own design). Each takes the next task, does it, answers, and asks again.
use crate::lane::Barrier;
use crate::metadata;
use crate::shared::Shared;
use crate::task::{Outbox, Task};
use crate::{check, open, read, select, space, sync, write};
use std::sync::Arc;
use teem_swarm::job::Done;

/// Works until the queue ends.
pub(crate) fn run(shared: &Shared) {
    while let Some((task, ticket)) = shared.queue.next(|| shared.mailbox.is_full()) {
        perform(shared, task);
        deliver(shared, shared.queue.finish(ticket));
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
            let told = torrent.and_then(|torrent| select::told(&torrent, select::select(shared, &torrent, selection)));
            shared.mailbox.tell(told);
        }
        Task::Barrier { id, torrent, barrier: Barrier::Sync(facts, moving) } => {
            let synced = torrent.map_or(Ok(()), |torrent: Arc<_>| {
                if moving {
                    select::settle(&torrent)?;
                }
                sync::sync(shared, &torrent, facts)
            });
            let done = match synced {
                Ok(()) => Done::Synced { torrent: id },
                Err(error) => Done::SyncFailed { torrent: id, error },
            };
            shared.mailbox.answer([done]);
        }
        Task::Barrier { id, torrent, barrier: Barrier::Close(facts) } => {
            let result = torrent.map_or(Ok(()), |torrent| {
                let settled = select::settle(&torrent);
                sync::close(shared, &torrent, facts).and(settled)
            });
            shared.queue.closed(id);
            if let Err(error) = result {
                shared.mailbox.tell([Done::SyncFailed { torrent: id, error }]);
            }
            shared.mailbox.answer([Done::Closed { torrent: id }]);
        }
        Task::Metadata { id, key, bytes } => {
            shared.mailbox.answer([metadata::parse(id, key, &bytes)]);
        }
        Task::LookForSpace { torrent, needed } => space::look(shared, &torrent, needed),
    }
}
