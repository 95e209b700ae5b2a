//! Paths that would be one file on some system get different names (own design; the BEPs leave it open).
//!
//! Compared are folded names (case and Unicode normalisation). A directory wins over a file, an earlier file over a later one; the
//! loser gets a number before its extension. The outcome depends on the torrent alone, so that a restart finds its files.
//!
//! Folders are kept as a tree of parts, not as whole paths, so memory grows with the torrent and not with its depth times it.

use alloc::{collections::BTreeMap, format, string::String, vec::Vec};

use crate::error::Error;
use crate::limits::Limits;
use crate::path::{fold, shorten};

const ROOT: u32 = 0;

/// Entries of all folders: (folder, folded name) to the folder's number if it is one.
struct Tree {
    entries: BTreeMap<(u32, String), Option<u32>>,
    folders: u32,
}

impl Tree {
    fn folder(&mut self, path: &[String]) -> u32 {
        let mut folder = ROOT;
        for part in path {
            let next = self.folders + 1;
            let entry = self.entries.entry((folder, fold(part))).or_insert(Some(next));
            folder = *entry.get_or_insert(next);
            self.folders = self.folders.max(folder);
        }
        folder
    }
}

/// Renames the last part of each path that collides. A path is never empty.
pub(crate) fn resolve<'p>(paths: impl Iterator<Item = &'p mut Vec<String>>, limits: &Limits) -> Result<(), Error> {
    let mut tree = Tree { entries: BTreeMap::new(), folders: ROOT };
    let mut leaves = Vec::new();
    for path in paths {
        let Some((_, parents)) = path.split_last() else { continue };
        let folder = tree.folder(parents);
        leaves.push((folder, path));
    }
    let mut renamed = 0;
    // Where to go on counting for a name, so that many equal names don't cost the square of their number.
    let mut numbers: BTreeMap<(u32, String), usize> = BTreeMap::new();
    for (folder, path) in leaves {
        let Some(name) = path.last_mut() else { continue };
        let mut key = (folder, fold(name));
        if tree.entries.contains_key(&key) {
            renamed += 1;
            let number = numbers.entry(key.clone()).or_insert(0);
            let free = (*number + 1..=limits.duplicates)
                .inspect(|&next| *number = next)
                .map(|next| shorten(name, &format!(".{next}"), limits.component_bytes))
                .find(|candidate| !tree.entries.contains_key(&(folder, fold(candidate))));
            match free {
                Some(free) if renamed <= limits.duplicates => {
                    key.1 = fold(&free);
                    *name = free;
                }
                _ => return Err(Error::TooManyDuplicates { limit: limits.duplicates }),
            }
        }
        tree.entries.insert(key, None);
    }
    Ok(())
}
