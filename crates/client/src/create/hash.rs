//! Hashing a recipe's content on all cores (BEP 3), remembered so that an interrupted run goes on where it was.
use super::memory::{Memory, fingerprint};
use super::recipe::{MakeError, Recipe};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64};
use teem_disk::create::{HashError, HashFiles, HashJob, hash_pieces};
use teem_metainfo::PathsBuilder;

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
        let now = fingerprint(&recipe.listing);
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
    let (listing, states) = (&recipe.listing, recipe.listing.files.iter().map(|file| file.state()).collect());
    let above = listing.root.parent().filter(|_| listing.single);
    match above.zip(listing.root.file_name()) {
        Some((folder, name)) => {
            let mut paths = PathsBuilder::default();
            // A name that a file has here is not too long.
            let _ = paths.push(&[name.as_encoded_bytes()]);
            HashFiles::new(folder.to_owned(), Arc::new(paths.finish()), states)
        }
        None => HashFiles::new(listing.root.clone(), Arc::clone(listing.files.paths()), states),
    }
}

/// Hashes what is not known yet. `done` counts bytes; setting `stop` ends it early with [`MakeError::Stopped`].
pub fn run(recipe: &Recipe, known: Option<Digests>, done: &AtomicU64, stop: &AtomicBool) -> Result<Digests, MakeError> {
    let mut digests = known.unwrap_or_else(|| Digests {
        memory: Memory { fingerprint: fingerprint(&recipe.listing), ..Memory::default() },
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
