//! The files that were found below a path, in little memory (own design): 40 bytes each besides its name.
use std::fs::Metadata;
use std::sync::Arc;
use std::time::UNIX_EPOCH;
use teem_disk::create::HashState;
use teem_metainfo::{Paths, PathsBuilder, TooLong};

/// What is remembered of one file.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Facts {
    length: u64,
    modified_ns: i64,
    inode: u64,
    changed: i64,
    changed_ns: u32,
    executable: bool,
}

/// Files in the torrent's order.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct FoundFiles {
    paths: Arc<Paths>,
    facts: Vec<Facts>,
}

/// A file that will be part of the torrent; a view, cheap to copy.
#[derive(Clone, Copy, Debug)]
pub struct Found<'a> {
    paths: &'a Paths,
    index: usize,
    facts: Facts,
}

impl FoundFiles {
    /// How many files were found.
    pub fn len(&self) -> usize {
        self.facts.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.facts.is_empty()
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = Found<'_>> {
        self.facts.iter().enumerate().map(|(index, facts)| Found { paths: &self.paths, index, facts: *facts })
    }

    /// Their paths below the torrent's root.
    pub(crate) fn paths(&self) -> &Arc<Paths> {
        &self.paths
    }

    /// The same paths, which somebody else has too.
    pub(crate) fn share_paths(&mut self, paths: &Arc<Paths>) {
        debug_assert_eq!(*self.paths, **paths);
        self.paths = Arc::clone(paths);
    }

    pub(crate) fn remove(&mut self, index: usize) {
        self.facts.remove(index);
        Arc::make_mut(&mut self.paths).remove(index);
    }
}

impl Found<'_> {
    /// Names from the torrent's root down; none when the torrent is that single file.
    pub fn components(&self) -> Vec<&str> {
        self.paths.parts(self.index).into_iter().map(|name| std::str::from_utf8(name).unwrap_or_default()).collect()
    }

    /// The same as bytes.
    pub(crate) fn names(&self) -> Vec<&[u8]> {
        self.paths.parts(self.index)
    }

    /// The length of the file in bytes.
    pub fn length(&self) -> u64 {
        self.facts.length
    }

    /// Whether the owner may execute it.
    pub fn executable(&self) -> bool {
        self.facts.executable
    }

    /// When it was last written, in nanoseconds since 1970.
    pub(crate) fn modified_ns(&self) -> i64 {
        self.facts.modified_ns
    }

    pub(crate) fn state(&self) -> HashState {
        HashState { length: self.facts.length, modified_ns: self.facts.modified_ns }
    }

    /// What else tells that it is the same file as before: inode and change time, where there are such.
    pub(crate) fn identity(&self) -> [u8; 24] {
        let mut out = [0; 24];
        out[..8].copy_from_slice(&self.facts.inode.to_be_bytes());
        out[8..16].copy_from_slice(&self.facts.changed.to_be_bytes());
        out[16..].copy_from_slice(&i64::from(self.facts.changed_ns).to_be_bytes());
        out
    }
}

/// Files as they are found.
#[derive(Default)]
pub(crate) struct Collecting {
    paths: PathsBuilder,
    facts: Vec<Facts>,
}

impl Collecting {
    /// Appends a file by its names from the torrent's root down.
    pub(crate) fn push(&mut self, names: &[&str], meta: &Metadata) -> Result<(), TooLong> {
        let names: Vec<&[u8]> = names.iter().map(|name| name.as_bytes()).collect();
        self.paths.push(&names)?;
        self.facts.push(facts(meta));
        Ok(())
    }

    pub(crate) fn len(&self) -> usize {
        self.facts.len()
    }

    pub(crate) fn finish(self) -> FoundFiles {
        FoundFiles { paths: Arc::new(self.paths.finish()), facts: self.facts }
    }
}

fn facts(meta: &Metadata) -> Facts {
    let since = meta.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).map_err(|e| e.duration()).into());
    let ns = |after: std::time::Duration| i64::try_from(after.as_nanos()).unwrap_or(i64::MAX);
    let modified_ns = since.map_or(0, |since: Result<_, _>| since.map_or_else(|before| -ns(before), ns));
    of_system(meta, Facts { length: meta.len(), modified_ns, ..Facts::default() })
}

#[cfg(unix)]
fn of_system(meta: &Metadata, facts: Facts) -> Facts {
    use std::os::unix::fs::MetadataExt;
    let (inode, changed, changed_ns) = (meta.ino(), meta.ctime(), u32::try_from(meta.ctime_nsec()).unwrap_or(0));
    Facts { inode, changed, changed_ns, executable: meta.mode() & 0o100 != 0, ..facts }
}

#[cfg(not(unix))]
fn of_system(_: &Metadata, facts: Facts) -> Facts {
    facts
}
