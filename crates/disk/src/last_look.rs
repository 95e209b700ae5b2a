//! The last look before a download is called complete (own design): a file that was deleted, cut, edited or lengthened since its pieces were verified is
//! noticed then, so that what is called complete is what `verify` calls whole.
use crate::check;
use crate::content::Stored;
use crate::empty::make_empty;
use crate::look::Pass;
use crate::shared::Shared;
use crate::torrent::Torrent;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use teem_swarm::job::{DiskError, DiskErrorKind};

/// Looks at every file that is wanted, once after each time that something was missing. What is not as it was left is hashed again, what is longer than it
/// should be is cut where that was allowed.
pub(crate) fn last_look(shared: &Shared, torrent: &Arc<Torrent>) -> Result<(), DiskError> {
    if torrent.place.read_only || torrent.looked_last.swap(true, Ordering::Relaxed) {
        return Ok(());
    }
    let mut pass = Pass::new(&torrent.root);
    let wanted = |file: &Stored| torrent.parts.wants(file.index) && !torrent.seen(file.index).apart;
    for file in torrent.content.stored().filter(wanted) {
        let now = pass.stat(&torrent.path(file.index)).ok().flatten();
        torrent.doubt_if_changed(file.index, now);
        if now.is_some_and(|now| now.len > file.len) {
            let cut = if torrent.place.overwrite { torrent.cut(file.index) } else { Err(too_long(torrent, &file)) };
            cut.inspect_err(|_| torrent.looked_last.store(false, Ordering::Relaxed))?;
        }
    }
    make_empty(torrent)?;
    let suspect: Vec<u32> = torrent.marks().suspect.iter().collect();
    for piece in suspect {
        check::again(shared, torrent, piece);
    }
    Ok(())
}

/// What is said of a file that goes on behind its end.
pub(crate) fn too_long(torrent: &Torrent, file: &Stored) -> DiskError {
    let message = format!(
        "{} goes on after the {} bytes that the torrent says; move it away, or give --overwrite to have it cut",
        torrent.whole_path(file.index).display(),
        file.len
    );
    DiskError { kind: DiskErrorKind::Occupied, message }
}
