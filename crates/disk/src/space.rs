//! Room on the disk (own design): told before a download starts, and watched after it ran out until there is some again.
use crate::error::bytes;
use crate::fs::Folder;
use crate::shared::Shared;
use crate::torrent::Torrent;
use rustix::process::{Resource, getrlimit};
use std::sync::Arc;
use std::time::Duration;
use teem_swarm::job::{DiskError, DiskErrorKind, Done};

/// How often a full disk is looked at: well within the ten seconds in which downloading is to go on.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// The same where there is room, as far as can be told, and none was given: a quota, or the state on another file system. Then only trying shows
/// whether it is over.
const TRY_EVERY: Duration = Duration::from_secs(5);

/// After running out in the middle, so much room is enough to go on, even if all that is missing needs more: room comes
/// bit by bit when somebody cleans up.
const ENOUGH: u64 = 64 << 20;

/// Bytes that the files of the torrent will take beyond what they take now.
pub(crate) fn missing(torrent: &Torrent) -> u64 {
    let taken = |file| torrent.seen(file).stat.map_or(0, |stat| stat.allocated);
    let wanted = torrent.content.stored().filter(|file| torrent.parts.wants(file.index));
    wanted.map(|file| file.len.saturating_sub(taken(file.index))).sum()
}

/// Says what is needed and what there is when there is too little, and begins to look for it.
pub(crate) fn too_little(shared: &Shared, torrent: &Torrent) -> Option<DiskError> {
    let needed = missing(torrent);
    let free = torrent.root.free().ok()?;
    if free >= needed {
        return None;
    }
    shared.queue.trouble(torrent.id, needed, LOOK_EVERY);
    Some(DiskError { kind: DiskErrorKind::NoSpace, message: sentence(torrent, needed, free) })
}

/// When a file is to become larger than this process may make any (`ulimit -f`): said before a byte of it is fetched.
pub(crate) fn too_large(torrent: &Torrent) -> Option<DiskError> {
    let limit = getrlimit(Resource::Fsize).current?;
    let grows = |file: usize, len| torrent.seen(file).stat.is_none_or(|stat| stat.len < len);
    let mut wanted = torrent.content.stored().filter(|file| torrent.parts.wants(file.index));
    let large = wanted.find(|file| !torrent.place.read_only && file.len > limit && grows(file.index, file.len))?;
    let (needs, may) = (bytes(large.len), bytes(limit));
    let message = format!("a file of {needs} cannot be written: files may have {may} here (`ulimit -f` says so)");
    Some(DiskError { kind: DiskErrorKind::NoSpace, message })
}

/// When something failed for lack of room: a better sentence, and the disk is watched.
pub(crate) fn watch(shared: &Shared, torrent: &Torrent, error: DiskError) -> DiskError {
    if error.kind != DiskErrorKind::NoSpace {
        return error;
    }
    let needed = missing(torrent);
    let enough = needed.min(ENOUGH.max(u64::from(torrent.content.info.piece_length()) * 2));
    let free = torrent.root.free().ok();
    let every = if free.is_some_and(|free| free >= enough) { TRY_EVERY } else { LOOK_EVERY };
    shared.queue.trouble(torrent.id, enough, every);
    match free {
        Some(free) if free < needed => DiskError { message: sentence(torrent, needed, free), ..error },
        _ => error,
    }
}

/// Looks whether there is room again.
pub(crate) fn look(shared: &Shared, torrent: &Arc<Torrent>, needed: u64) {
    let room = torrent.root.free().is_ok_and(|free| free >= needed);
    if room && shared.queue.recovered(torrent.id) {
        shared.mailbox.tell([Done::Recovered { torrent: torrent.id }]);
    }
}

fn sentence(torrent: &Torrent, needed: u64, free: u64) -> String {
    format!("needs {} on {}, has {}", bytes(needed), torrent.place.folder.display(), bytes(free))
}
