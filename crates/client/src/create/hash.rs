//! Hashing a recipe's content on all cores (BEP 3), remembered so that an interrupted run goes on where it was.
use super::found::{Collecting, FoundFiles};
use super::memory::{Memory, fingerprint};
use super::recipe::{MakeError, Recipe};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::time::{SystemTime, UNIX_EPOCH};
use teem_disk::create::{HashError, HashFiles, HashJob, hash_pieces};
use teem_metainfo::{File, Info, PathsBuilder};

/// The digests of a recipe's pieces, with what is remembered between runs.
#[derive(Clone, Debug)]
pub struct Digests {
    /// What is remembered; the digests are in it.
    pub memory: Memory,
    /// The file that keeps it.
    file: Option<PathBuf>,
}

impl Digests {
    /// Digests of an earlier run, where the content is still the same.
    pub fn remembered(recipe: &Recipe, file: PathBuf) -> Self {
        let mut memory = Memory::load(&file);
        let now = fingerprint(&recipe.listing.files);
        if memory.fingerprint != now || memory.pieces.len() != recipe.piece_count() as usize {
            memory = Memory { fingerprint: now, pieces: Vec::new(), made_at: 0, ..memory };
        }
        Self { memory, file: Some(file) }
    }

    /// Whether nothing is left to be hashed.
    pub fn complete(&self, recipe: &Recipe) -> bool {
        self.memory.pieces.len() == recipe.piece_count() as usize && self.memory.pieces.iter().all(Option::is_some)
    }

    /// All digests in order.
    pub fn whole(&self) -> Result<Vec<[u8; 20]>, MakeError> {
        self.memory.pieces.iter().copied().collect::<Option<Vec<_>>>().ok_or(MakeError::Stopped)
    }

    /// What tells whether the files are still as they were hashed: a digest over names, sizes, times and places on the medium of all of them.
    pub fn fingerprint(&self) -> &[u8] {
        &self.memory.fingerprint
    }

    /// When the torrent was first made of it, in seconds since 1970: now, where it was not made yet. It is remembered.
    pub fn made_at(&mut self) -> i64 {
        if self.memory.made_at == 0 {
            self.memory.made_at = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs().cast_signed());
            // Without the memory the next start hashes again; that is no reason not to go on now.
            let _ = self.save();
        }
        self.memory.made_at
    }

    /// Writes what is remembered to its file.
    pub(crate) fn save(&self) -> Result<(), MakeError> {
        match &self.file {
            Some(file) => self.memory.save(file).map_err(MakeError::Io),
            None => Ok(()),
        }
    }
}

/// The files of a recipe as they were listed.
pub(crate) fn files(recipe: &Recipe) -> HashFiles {
    let listing = &recipe.listing;
    below(&listing.root, listing.single, &listing.files)
}

/// The files of a torrent's content at `root` as they are now, where they are as they were when this was their fingerprint. Waits for the medium.
pub(crate) fn unchanged(info: &Info, root: &Path, wanted: &[u8]) -> Option<HashFiles> {
    let mut found = Collecting::default();
    for file in info.files().iter().filter(File::is_stored) {
        let path = file.path();
        let names: Vec<&str> = if info.is_single_file() { Vec::new() } else { path.split('/').collect() };
        let meta = std::fs::metadata(names.iter().fold(root.to_owned(), |path, name| path.join(name))).ok()?;
        found.push(&names, &meta).ok()?;
    }
    let found = found.finish();
    (fingerprint(&found) == wanted).then(|| below(root, info.is_single_file(), &found))
}

fn below(root: &Path, single: bool, files: &FoundFiles) -> HashFiles {
    let states = files.iter().map(|file| file.state()).collect();
    let above = root.parent().filter(|_| single);
    match above.zip(root.file_name()) {
        Some((folder, name)) => {
            let mut paths = PathsBuilder::default();
            // A name that a file has here is not too long.
            let _ = paths.push(&[name.as_encoded_bytes()]);
            HashFiles::new(folder.to_owned(), Arc::new(paths.finish()), states)
        }
        None => HashFiles::new(root.to_owned(), Arc::clone(files.paths()), states),
    }
}

/// Hashes what is not known yet. `done` counts bytes; setting `stop` ends it early with [`MakeError::Stopped`].
pub fn run(recipe: &Recipe, known: Option<Digests>, done: &AtomicU64, stop: &AtomicBool) -> Result<Digests, MakeError> {
    let mut digests = known.unwrap_or_else(|| Digests {
        memory: Memory { fingerprint: fingerprint(&recipe.listing.files), ..Memory::default() },
        file: None,
    });
    let job = HashJob { files: files(recipe), piece_length: recipe.piece_length(), threads: None };
    let before = std::mem::take(&mut digests.memory.pieces);
    let mut keep = |pieces: &[Option<[u8; 20]>]| {
        digests.memory.pieces = pieces.to_vec();
        // A state folder that cannot be written costs a second hashing at worst.
        let _ = digests.save();
    };
    let pieces = hash_pieces(&job, done, stop, before, &mut keep).map_err(|e| match e {
        HashError::Stopped => MakeError::Stopped,
        other => MakeError::Hash(other.to_string()),
    })?;
    digests.memory.pieces = pieces.into_iter().map(Some).collect();
    Ok(digests)
}
