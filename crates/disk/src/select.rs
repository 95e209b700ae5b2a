//! When other files come to be wanted (own design): the edges of those that are go into their place, the part file goes when nothing
//! needs it.
//!
//! Invariant: the part file is removed only after what was copied out of it is durable and the saved state knows.
use crate::content::Stored;
use crate::empty::make_empty;
use crate::error::explain;
use crate::fs::{Access, Folder, read_full, write_full};
use crate::part::edges;
use crate::pool::Block;
use crate::shared::Shared;
use crate::space;
use crate::sync::flush;
use crate::torrent::{Seen, Torrent};
use std::io::{self, IoSlice, IoSliceMut};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use teem_metainfo::Extent;
use teem_swarm::job::{DiskError, Done};
use teem_swarm::selection::Selection;

/// Bytes copied at a time.
const CHUNK: usize = 128 << 10;

/// Other files are wanted from now on.
pub(crate) fn select(shared: &Shared, torrent: &Arc<Torrent>, selection: Selection) -> Result<(), DiskError> {
    if torrent.place.read_only {
        return Ok(());
    }
    torrent.parts.set(selection);
    torrent.looked_last.store(false, Ordering::Relaxed);
    torrent.set_apart(false);
    let done = settle(torrent).and_then(|()| make_empty(torrent)).and_then(|()| torrent.save(None));
    // Without room the disk is watched until there is some.
    done.map_err(|error| space::watch(shared, torrent, error))?;
    match space::too_little(shared, torrent) {
        Some(error) => Err(error),
        None => Ok(()),
    }
}

/// Puts the edges of files that are wanted, or are there after all, in place, and removes the part file when nothing is left in it. Nothing else may touch
/// the torrent's files meanwhile.
pub(crate) fn settle(torrent: &Torrent) -> Result<(), DiskError> {
    let part = torrent.part_slot();
    if torrent.place.read_only || torrent.seen(part).stat.is_none() {
        // Nothing was ever kept: who is wanted now is simply there or not.
        let missing: Vec<Stored> = torrent.files_to_move().collect();
        for file in missing {
            torrent.not_apart(file.index);
        }
        return Ok(());
    }
    let wanted: Vec<Stored> = torrent.files_to_move().collect();
    for file in &wanted {
        copy(torrent, file.index)?;
    }
    if !wanted.is_empty() {
        // Until then it is read from the part file, and claimed there.
        flush(torrent)?;
    }
    for file in &wanted {
        torrent.not_apart(file.index);
    }
    let nothing_left = torrent.files_apart().next().is_none();
    if nothing_left || !wanted.is_empty() {
        torrent.save(None)?;
    }
    if nothing_left {
        torrent.files.forget((torrent.id, part));
        let removed = torrent.root.remove(&torrent.parts.path);
        removed.map_err(|e| explain(&e, "remove", &torrent.place.folder.join(&torrent.parts.path)))?;
        *torrent.seen(part) = Seen::default();
        torrent.unsaved(part);
    }
    Ok(())
}

/// Copies what there is of a file's edges into the file.
fn copy(torrent: &Torrent, file: usize) -> Result<(), DiskError> {
    let info = &torrent.content.info;
    let reading = |e: io::Error| explain(&e, "read", &torrent.whole_path(torrent.part_slot()));
    let writing = |e: io::Error| explain(&e, "write to", &torrent.whole_path(file));
    let part = torrent.handle(torrent.part_slot(), Access::Read).map_err(reading)?;
    let own = torrent.prepare(file).map_err(writing)?;
    let mut buffer = vec![0; CHUNK];
    for edge in edges(info, file) {
        let mut at = edge.start;
        while at < edge.end {
            let n = (edge.end - at).min(CHUNK as u64) as usize;
            let extent = Extent { file, offset: at, len: n as u32, pad: false };
            let Some(from) = torrent.parts.offset(info, &extent) else { break };
            let got = read_full(&*part, &mut [IoSliceMut::new(&mut buffer[..n])], from).map_err(reading)? as usize;
            write_full(&*own, &mut [IoSlice::new(&buffer[..got])], at).map_err(writing)?;
            at += n as u64;
        }
    }
    let stat = own.stat().map_err(writing)?;
    torrent.seen(file).stat = Some(stat);
    torrent.touched().dirty.insert(file);
    torrent.unsaved(file);
    Ok(())
}

/// Tells of what [`select`] could not do.
pub(crate) fn told(torrent: &Torrent, result: Result<(), DiskError>) -> Option<Done<Block>> {
    result.err().map(|error| Done::Trouble { torrent: torrent.id, error })
}
