//! Paths that would be one file on some system get different names (own design; the BEPs leave it open).
//!
//! Compared are folded names (case and Unicode normalisation). A directory wins over a file, an earlier file over a later one; the
//! loser gets a number before its extension. The outcome depends on the torrent alone, so that a restart finds its files.
//!
//! Collisions are rare, so a digest of eight bytes for each name says first whether there can be any; only the folders in which two
//! are equal are looked at name by name.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    format,
    string::String,
    vec,
    vec::Vec,
};

use crate::error::Error;
use crate::limits::Limits;
use crate::path::{fold, shorten};
use crate::paths::{Paths, ROOT};

/// Folders that are one on some system have one number here.
struct Folders {
    /// By the numbers of [`Paths`]; none for those that hold nothing but padding.
    folded: Vec<Option<u32>>,
    /// Those folders by the folder that they lie in and their folded names.
    entries: BTreeMap<(u32, String), u32>,
}

impl Folders {
    fn of(paths: &Paths, files: impl Iterator<Item = usize>) -> Self {
        let mut used = vec![false; paths.folder_count()];
        for file in files {
            let mut folder = paths.folder(file);
            while folder != ROOT && !core::mem::replace(&mut used[folder as usize], true) {
                folder = paths.folder_at(folder).0;
            }
        }
        let mut folders = Self { folded: vec![None; used.len()], entries: BTreeMap::new() };
        folders.folded[ROOT as usize] = Some(ROOT);
        // The folder that one lies in has a lower number.
        for folder in (1..used.len()).filter(|&folder| used[folder]) {
            let (above, name) = paths.folder_at(folder as u32);
            let Some(above) = folders.folded[above as usize] else { continue };
            let next = folders.entries.len() as u32 + 1;
            folders.folded[folder] = Some(*folders.entries.entry((above, fold(text(name)))).or_insert(next));
        }
        folders
    }

    fn of_file(&self, paths: &Paths, file: usize) -> u32 {
        self.folded[paths.folder(file) as usize].unwrap_or(ROOT)
    }
}

/// Renames the last part of each path that collides, except of those that `skip` says. Returns the files that were renamed, ascending, and
/// what they were called.
pub(crate) fn resolve(
    paths: &mut Paths,
    skip: impl Fn(usize) -> bool,
    limits: &Limits,
) -> Result<Vec<(usize, Vec<u8>)>, Error> {
    let files: Vec<u32> =
        (0..paths.len() as u32).filter(|&file| !skip(file as usize) && !paths.name(file as usize).is_empty()).collect();
    let files = || files.iter().map(|&file| file as usize);
    let folders = Folders::of(paths, files());
    let digest_of = |paths: &Paths, file: usize| digest(folders.of_file(paths, file), text(paths.name(file)));
    let mut digests: Vec<u64> = files().map(|file| digest_of(paths, file)).collect();
    digests.extend(folders.entries.keys().map(|(folder, name)| digest(*folder, name)));
    digests.sort_unstable();
    let mut twice: Vec<u64> = digests.windows(2).filter(|two| two[0] == two[1]).map(|two| two[0]).collect();
    drop(digests);
    twice.dedup();
    if twice.is_empty() {
        return Ok(Vec::new());
    }
    let suspect = files().filter(|&file| twice.binary_search(&digest_of(paths, file)).is_ok());
    let suspects: BTreeSet<u32> = suspect.map(|file| folders.of_file(paths, file)).collect();
    let mut taken: BTreeSet<(u32, String)> =
        folders.entries.keys().filter(|(folder, _)| suspects.contains(folder)).cloned().collect();
    let mut renamed = Vec::new();
    // Where to go on counting for a name, so that many equal names don't cost the square of their number.
    let mut numbers: BTreeMap<(u32, String), usize> = BTreeMap::new();
    let all: Vec<usize> = files().filter(|&file| suspects.contains(&folders.of_file(paths, file))).collect();
    for file in all {
        let (folder, name) = (folders.of_file(paths, file), String::from(text(paths.name(file))));
        let mut key = (folder, fold(&name));
        if taken.contains(&key) {
            let number = numbers.entry(key.clone()).or_insert(0);
            let free = (*number + 1..=limits.duplicates)
                .inspect(|&next| *number = next)
                .map(|next| shorten(&name, &format!(".{next}"), limits.component_bytes))
                .find(|candidate| !taken.contains(&(folder, fold(candidate))));
            match free {
                Some(free) if renamed.len() < limits.duplicates && paths.rename(file, free.as_bytes()) => {
                    key.1 = fold(&free);
                    renamed.push((file, name.into_bytes()));
                }
                _ => return Err(Error::TooManyDuplicates { limit: limits.duplicates }),
            }
        }
        taken.insert(key);
    }
    Ok(renamed)
}

/// Safe names are text.
fn text(name: &[u8]) -> &str {
    core::str::from_utf8(name).unwrap_or_default()
}

/// FNV-1a over a folder and a folded name: equal for equal ones, so that where no two are equal nothing collides. Those who make
/// others equal on purpose gain a closer look.
fn digest(folder: u32, name: &str) -> u64 {
    let step = |sum: u64, byte: u8| (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    let start = folder.to_le_bytes().into_iter().fold(0xcbf2_9ce4_8422_2325, step);
    if name.is_ascii() {
        name.bytes().map(|byte| byte.to_ascii_lowercase()).fold(start, step)
    } else {
        fold(name).bytes().fold(start, step)
    }
}
