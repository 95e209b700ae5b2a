//! The removal of a torrent's files (own design): those that its saved state knows as its own, by their names, and the folders of its own that are empty then.
//!
//! What is to be removed is written down before anything is. A name is removed and never what it leads to: a hard link leaves the file's
//! other names, and a symbolic link stays.
use super::outcome::JobFailed;
use super::record::{self, Clearing, Record};
use super::relocate::remove_empty;
use crate::content::Content;
use crate::error::explain;
use crate::fs::Folder;
use crate::look::Pass;
use crate::part::Parts;
use crate::place::Place;
use crate::shared::Shared;
use crate::state::{Record as FileRecord, Saved, forget_stem, stem_of};
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use teem_metainfo::{Info, InfoHash};

/// Writes down what is to be removed.
pub(super) fn plan(shared: &Shared, info: &Arc<Info>, place: &Place) -> Result<(), JobFailed> {
    let hash = info.key().wire();
    let failed = |e: io::Error| JobFailed::unchanged(explain(&e, "keep state in", &place.state_dir));
    let store = shared.store(&place.state_dir).map_err(failed)?;
    let stem = stem_of(&*shared.fs, hash, place).map_err(failed)?;
    let files = match shared.fs.folder(&place.folder, false) {
        Ok(root) => own_files(shared, info, place, &*root)?,
        // Nothing was made there, or it is gone.
        Err(e) if e.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(e) => return Err(JobFailed::unchanged(explain(&e, "open", &place.folder))),
    };
    let clearing = Clearing { folder: place.folder.clone(), stem, files };
    record::save(&*store, hash, &Record::Clear(clearing)).map_err(failed)
}

/// The files that the saved state knows as the torrent's own; none where there is no state, since what lies there is somebody else's then.
fn own_files(shared: &Shared, info: &Arc<Info>, place: &Place, root: &dyn Folder) -> Result<Vec<PathBuf>, JobFailed> {
    let pass = RefCell::new(Pass::new(root));
    let is_folder = |path: &Path| root.below(path).is_none_or(|below| below.is_ok());
    let content = Content::new(Arc::clone(info), place, |path| pass.borrow_mut().identity(path), is_folder);
    let leases = (&*shared.folders, &shared.leases);
    let saved = Saved::open(&*shared.fs, leases, shared.records.as_ref(), place, &content);
    let (mut saved, loaded) = saved.map_err(JobFailed::unchanged)?;
    saved.close();
    let Some(claims) = loaded.claims else { return Ok(Vec::new()) };
    let hash = info.key().wire();
    let mut files = Vec::new();
    for file in content.stored() {
        let known = matches!(claims.files.get(file.index), Some(FileRecord::Own(_)));
        if !known && !loaded.journal.files.contains_key(&(file.index as u32)) {
            continue;
        }
        if let Some(path) = content.path(file.index) {
            // What a copy was that a kill has interrupted.
            files.push(path.with_file_name(format!(".{hash}-{}.teem-copy", file.index)));
            files.push(path);
        }
    }
    files.push(Parts::new(info, claims.selection).path);
    Ok(files)
}

/// Removes what was written down; sentences about what was left.
pub(super) fn clear(shared: &Shared, hash: InfoHash, state_dir: &Path) -> Result<Vec<String>, JobFailed> {
    let failed = |e: io::Error| JobFailed::pending(explain(&e, "keep state in", state_dir));
    let store = shared.store(state_dir).map_err(failed)?;
    let Some(Record::Clear(clearing)) = record::load(&*store, hash).map_err(failed)? else { return Ok(Vec::new()) };
    let mut left = Vec::new();
    match shared.fs.folder(&clearing.folder, false) {
        Ok(root) => remove_all(&*root, &clearing, &mut left),
        Err(e) if e.kind() == io::ErrorKind::NotFound => {}
        Err(e) => return Err(JobFailed::pending(explain(&e, "open", &clearing.folder))),
    }
    forget_stem(&*shared.fs, &*store, state_dir, &clearing.stem).map_err(failed)?;
    record::remove(&*store, hash).map_err(failed)?;
    Ok(left)
}

fn remove_all(root: &dyn Folder, clearing: &Clearing, left: &mut Vec<String>) {
    let whole = |file: &Path| clearing.folder.join(file);
    for file in &clearing.files {
        let removed = match root.stat(file) {
            Ok(None) => continue,
            Ok(Some(stat)) if stat.linked => {
                left.push(format!("{} stays: it is a symbolic link, or lies behind one", whole(file).display()));
                continue;
            }
            Ok(Some(_)) => root.remove(file),
            Err(e) => Err(e),
        };
        if let Err(e) = removed {
            left.push(explain(&e, "remove", &whole(file)).message);
        }
    }
    remove_empty(root, clearing.files.iter());
    let folders: BTreeSet<&Path> = clearing.files.iter().flat_map(|file| file.ancestors().skip(1)).collect();
    for folder in folders {
        // What a power cut brings back is known to nobody, and in nobody's way but its own.
        let _ = root.sync_dir(folder);
    }
}
