//! Durable claims (own design): every written file is made durable, then the names of new ones, then the state that
//! claims their pieces; never the other way round.
//!
//! After a sync failed, the system may have dropped what it could not write and call the next sync a success. So what
//! was written before is hashed and written once more before it is claimed.
use crate::check;
use crate::containment::contained;
use crate::error::explain;
use crate::fs::{Access, Folder};
use crate::last_look::last_look;
use crate::shared::Shared;
use crate::torrent::Torrent;
use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use teem_swarm::job::{DiskError, Done, Facts};

/// From so many written files on, one call for the whole file system is cheaper than one for each.
const MANY: usize = 64;

/// Bytes read and written at a time when pieces are written once more.
const CHUNK: u32 = 128 << 10;

/// Makes all verified pieces durable and claims them. Without facts those that were saved last stay.
pub(crate) fn sync(shared: &Shared, torrent: &Arc<Torrent>, facts: Option<Facts>) -> Result<(), DiskError> {
    rewrite(shared, torrent)?;
    if facts.as_ref().is_some_and(|facts| facts.complete) {
        last_look(shared, torrent)?;
    }
    torrent.marks().begin_sync();
    flush(torrent)?;
    torrent.marks().end_sync();
    let is_complete = facts.as_ref().is_some_and(|facts| facts.complete);
    torrent.save(facts)?;
    if is_complete && torrent.touched().dirty.is_empty() {
        torrent.rest();
    }
    Ok(())
}

/// As `sync`, then lets go of files.
pub(crate) fn close(shared: &Shared, torrent: &Arc<Torrent>, facts: Option<Facts>) -> Result<(), DiskError> {
    let result = contained(|| sync(shared, torrent, facts));
    torrent.files.close(torrent.id);
    torrent.saved().close();
    shared.forget_place(torrent.id, torrent.told);
    result
}

/// Syncs all files written since the last time, and the folders of those that are new. When that fails, what was not durable has to be written once more.
pub(crate) fn flush(torrent: &Torrent) -> Result<(), DiskError> {
    let dirty = std::mem::take(&mut torrent.touched().dirty);
    let result = contained(|| flush_all(torrent, &dirty));
    if result.is_err() {
        torrent.touched().dirty.extend(dirty);
        torrent.marks().taint();
    }
    result
}

fn flush_all(torrent: &Torrent, dirty: &BTreeSet<usize>) -> Result<(), DiskError> {
    let whole = if dirty.len() >= MANY { torrent.root.sync_all() } else { None };
    let device = torrent.root.device();
    let mounted = |index: usize| torrent.seen(index).stat.is_none_or(|stat| stat.device != device);
    let each = |index: usize| match &whole {
        Some(result) if !mounted(index) => {
            result.as_ref().map(|&()| ()).map_err(|e| explain(e, "sync", &torrent.path(index)))
        }
        // Over a handle for reading: what was not written to need not be a file that can be, and nothing is to be made here.
        _ => match torrent.handle(index, Access::Read).and_then(|file| file.sync()) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                torrent.doubt_if_changed(index, None);
                Ok(())
            }
            other => other.map_err(|e| explain(&e, "sync", &torrent.whole_path(index))),
        },
    };
    // The others are synced although one fails.
    dirty.iter().map(|&file| each(file)).fold(Ok(()), Result::and)?;
    // Those that are made meanwhile are dirty too, and so the next sync's.
    let born = torrent.touched().born.clone();
    let mut folders: BTreeSet<PathBuf> = BTreeSet::new();
    for &file in &born {
        let path = torrent.path(file);
        let above = path.ancestors().skip(1);
        // What lies above a folder that is known is known.
        folders
            .extend(above.take_while(|folder| !folders.contains(*folder)).map(Path::to_path_buf).collect::<Vec<_>>());
    }
    for folder in &folders {
        let synced = loop {
            match torrent.root.sync_dir(folder) {
                Err(e) if torrent.files.make_room(&e) => {}
                other => break other,
            }
        };
        synced.map_err(|e| explain(&e, "sync", &torrent.place.folder.join(folder)))?;
    }
    let mut touched = torrent.touched();
    for file in born {
        if !touched.dirty.contains(&file) {
            touched.born.remove(&file);
        }
    }
    Ok(())
}

/// Writes what a failed sync may have lost once more, after hashing it.
fn rewrite(shared: &Shared, torrent: &Arc<Torrent>) -> Result<(), DiskError> {
    let tainted: Vec<u32> = torrent.marks().tainted.iter().collect();
    for piece in tainted {
        if !matches!(check::verify(torrent, &[piece]).pop(), Some(Ok(true))) {
            torrent.deny(piece);
            shared.mailbox.tell([Done::Checked { torrent: torrent.id, piece, ok: false }]);
            continue;
        }
        let mut buffer = vec![0; CHUNK as usize];
        let size = torrent.content.info.piece_size(piece);
        for begin in (0..size).step_by(CHUNK as usize) {
            let part = &mut buffer[..(size - begin).min(CHUNK) as usize];
            torrent.read(piece, begin, vec![&mut *part])?;
            torrent.write_anew(piece, begin, &[part])?;
        }
        torrent.marks().tainted.remove(piece);
    }
    Ok(())
}
