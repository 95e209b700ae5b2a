//! Hashing files for a new torrent (BEP 3, `pieces`): on all cores, to be interrupted and gone on with, and never over
//! content that changed meanwhile (own design).
use crate::fs::{Access, File, Folder, Fs as _, Obstacle, Stat};
use crate::look::Pass;
use crate::root::RealFs;
use crate::sweep::{Fault, Reader, Sweep};
use std::ffi::OsString;
use std::fmt;
use std::io;
use std::ops::ControlFlow;
use std::os::unix::ffi::{OsStrExt, OsStringExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use teem_metainfo::{Extent, Layout, Paths, PathsBuilder};

/// The time between two calls of `keep` at least: what is lost by a crash is worth less than that.
const KEEP_EVERY: Duration = Duration::from_secs(2);

/// Bytes of content that no torrent reaches: sums of lengths and offsets below it never overflow.
const TOTAL_MAX: u64 = 1 << 48;

/// The SHA-1 of each piece, as far as known.
pub type Digests = [Option<[u8; 20]>];

/// What is to be hashed.
#[derive(Clone, Debug)]
pub struct HashJob {
    /// In the order of the piece space (that of `teem_metainfo::create::Plan::files`).
    pub files: HashFiles,
    /// In bytes, not zero.
    pub piece_length: u32,
    /// Workers; all cores if none.
    pub threads: Option<usize>,
}

/// A file as it was when the job was planned.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HashFile {
    /// Where it lies. Below the folder that all files of the job have in common no part may be a symbolic link.
    pub path: PathBuf,
    /// Its length in bytes.
    pub length: u64,
    /// Last change of its content.
    pub modified: SystemTime,
}

/// Many of them, with their paths kept together.
#[derive(Clone, Debug)]
pub struct HashFiles {
    folder: PathBuf,
    paths: Arc<Paths>,
    states: Vec<HashState>,
}

/// What a file was like.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct HashState {
    /// Its length in bytes.
    pub length: u64,
    /// Last change of its content, in nanoseconds since 1970.
    pub modified_ns: i64,
}

impl HashFiles {
    /// Files below `folder`, each with what it was like.
    pub fn new(folder: PathBuf, paths: Arc<Paths>, states: Vec<HashState>) -> Self {
        Self { folder, paths, states }
    }

    /// How many files there are.
    pub fn len(&self) -> usize {
        self.states.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.states.is_empty()
    }

    /// What a file was like.
    pub fn state(&self, file: usize) -> Option<HashState> {
        self.states.get(file).copied()
    }

    /// Where a file lies.
    pub fn path(&self, file: usize) -> PathBuf {
        self.folder.join(self.below(file))
    }

    fn below(&self, file: usize) -> PathBuf {
        let mut path = Vec::new();
        self.paths.join(file, &mut path);
        OsString::from_vec(path).into()
    }
}

impl From<Vec<HashFile>> for HashFiles {
    /// Names longer than any file system's are cut, and then lead nowhere.
    fn from(files: Vec<HashFile>) -> Self {
        let mut folder = files.first().and_then(|file| file.path.parent()).unwrap_or(Path::new(""));
        for file in &files {
            while !file.path.starts_with(folder) {
                folder = folder.parent().unwrap_or(Path::new(""));
            }
        }
        let mut paths = PathsBuilder::default();
        for file in &files {
            let below = file.path.strip_prefix(folder).unwrap_or(&file.path);
            let parts: Vec<&[u8]> = below.iter().map(OsStrExt::as_bytes).collect();
            if paths.push(&parts).is_err() {
                break;
            }
        }
        let state = |f: &HashFile| HashState { length: f.length, modified_ns: nanoseconds(f.modified) };
        Self { folder: folder.to_owned(), paths: Arc::new(paths.finish()), states: files.iter().map(state).collect() }
    }
}

/// How a file changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Change {
    /// It has another length, in bytes.
    Length {
        /// When the job was planned.
        was: u64,
        /// What it is now, in bytes.
        is: u64,
    },
    /// It was written to.
    Modified,
    /// Another file, or something that is no file, stands in its place.
    Replaced,
    /// It is not there.
    Gone,
}

/// Why there are no hashes.
#[derive(Debug)]
pub enum HashError {
    /// `stop` was set. What is known was kept.
    Stopped,
    /// A file is not what it was when the job was planned. Hashes known so far are worthless.
    Changed {
        /// The file that changed.
        path: PathBuf,
        /// What is different.
        change: Change,
    },
    /// A file, or the folder that they are in, cannot be read.
    Read {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// The piece length is zero, or the content larger than any torrent's.
    BadJob,
}

/// The SHA-1 of each piece, in order.
///
/// `done` counts the bytes hashed so far, known pieces included. `known` are digests kept by an earlier run over the same
/// files (same paths, lengths and times: the caller's to see to); what is missing in it is not known. `keep` gets all
/// that is known, at most every 2 s and once more at the end, also if that comes by `stop` or
/// because something cannot be read.
pub fn hash_pieces(
    job: &HashJob,
    done: &AtomicU64,
    stop: &AtomicBool,
    known: Vec<Option<[u8; 20]>>,
    keep: &mut dyn FnMut(&Digests),
) -> Result<Vec<[u8; 20]>, HashError> {
    let states = &job.files.states;
    let total = states.iter().try_fold(0_u64, |sum, file| sum.checked_add(file.length));
    let pieces = total.filter(|&t| t < TOTAL_MAX).and_then(|t| t.checked_next_multiple_of(job.piece_length.into()));
    let count = pieces.map(|bytes| bytes / u64::from(job.piece_length)).and_then(|n| u32::try_from(n).ok());
    let count = count.ok_or(HashError::BadJob)?;
    let layout = Layout::new(job.piece_length, states.iter().map(|file| (file.length, false)));
    let files = Planned::look(job)?;
    let mut known = known;
    known.resize(count as usize, None);
    let wanted: Vec<u32> = (0..).zip(&known).filter(|(_, digest)| digest.is_none()).map(|(piece, _)| piece).collect();
    let todo: u64 = wanted.iter().map(|&piece| u64::from(layout.piece_size(piece))).sum();
    done.fetch_add(layout.total() - todo, Ordering::Relaxed);

    let reader =
        Reader::new(&layout, Arc::clone(&files.root), Access::ReadUnlinked, |file| Some(job.files.below(file)));
    // After the read, so that no change before or during it is missed.
    let unchanged = |file: usize, open: &dyn File| -> Result<(), Told> {
        let stat = open.stat().map_err(|error| Fault { file, error })?;
        files.compare(file, &stat).map_err(Told::Error)
    };
    let read = |piece: u32, begin: u32, buffer: &mut [u8]| -> Result<(), HashError> {
        reader.read(piece, begin, buffer, unchanged).map_err(|told| files.told(told))?;
        done.fetch_add(buffer.len() as u64, Ordering::Relaxed);
        Ok(())
    };
    // What has changed is read, to be told of.
    let blank = |piece: u32| {
        let size = layout.piece_size(piece);
        let same = |e: Extent| reader.open(e.file).is_ok_and(|open| unchanged(e.file, &*open).is_ok());
        let blank = reader.is_blank(piece) && layout.extents(piece, 0, size).all(same);
        done.fetch_add(if blank { size.into() } else { 0 }, Ordering::Relaxed);
        blank
    };
    let (mut failed, mut kept) = (None, Instant::now());
    Sweep { layout: &layout, pieces: &wanted, threads: job.threads, stop }.run(blank, read, |piece, digest| {
        match digest {
            Ok(digest) => known[piece as usize] = Some(digest),
            Err(error) => {
                failed = Some(error);
                return ControlFlow::Break(());
            }
        }
        if kept.elapsed() >= KEEP_EVERY {
            keep(&known);
            kept = Instant::now();
        }
        ControlFlow::Continue(())
    });
    if let Some(error) = failed {
        if matches!(error, HashError::Read { .. }) {
            keep(&known);
        }
        return Err(error);
    }
    // By their paths, and all of them: also those read long ago, in an earlier run, or without content.
    let mut pass = Pass::new(&*files.root);
    (0..job.files.len()).try_for_each(|file| files.compare(file, &files.now(&mut pass, file)?))?;
    keep(&known);
    known.into_iter().collect::<Option<Vec<_>>>().ok_or(HashError::Stopped)
}

/// What reading ended with.
enum Told {
    Fault(Fault),
    Error(HashError),
}

impl From<Fault> for Told {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

/// The files of a job as they were found when it began.
struct Planned<'a> {
    job: &'a HashJob,
    root: Arc<dyn Folder>,
    inodes: Vec<u64>,
}

impl<'a> Planned<'a> {
    /// Opens the folder that all files have in common, and sees that they are still as the job says.
    fn look(job: &'a HashJob) -> Result<Self, HashError> {
        let root = RealFs.folder(&job.files.folder, false);
        let root = root.map_err(|error| HashError::Read { path: job.files.folder.clone(), error })?;
        let mut planned = Self { job, root: Arc::clone(&root), inodes: Vec::with_capacity(job.files.len()) };
        let mut pass = Pass::new(&*root);
        for file in 0..job.files.len() {
            let stat = planned.now(&mut pass, file)?;
            planned.inodes.push(stat.inode);
            planned.compare(file, &stat)?;
        }
        Ok(planned)
    }

    /// Looks at a file by its path.
    fn now(&self, pass: &mut Pass<'_>, file: usize) -> Result<Stat, HashError> {
        match pass.stat(&self.job.files.below(file)) {
            Ok(Some(stat)) if stat.linked => {
                Err(self.explain(Fault { file, error: Obstacle::error("a symbolic link") }))
            }
            Ok(Some(stat)) => Ok(stat),
            Ok(None) => Err(self.changed(file, Change::Gone)),
            Err(error) => Err(self.explain(Fault { file, error })),
        }
    }

    fn changed(&self, file: usize, change: Change) -> HashError {
        HashError::Changed { path: self.job.files.path(file), change }
    }

    fn compare(&self, file: usize, now: &Stat) -> Result<(), HashError> {
        let was = self.job.files.states[file];
        let change = if now.len != was.length {
            Change::Length { was: was.length, is: now.len }
        } else if now.inode != self.inodes[file] {
            Change::Replaced
        } else if now.mtime_ns != was.modified_ns {
            Change::Modified
        } else {
            return Ok(());
        };
        Err(self.changed(file, change))
    }

    fn told(&self, told: Told) -> HashError {
        match told {
            Told::Fault(fault) => self.explain(fault),
            Told::Error(error) => error,
        }
    }

    fn explain(&self, fault: Fault) -> HashError {
        let Fault { file, error } = fault;
        if Obstacle::of(&error).is_some() {
            return self.changed(file, Change::Replaced);
        }
        match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => self.changed(file, Change::Gone),
            // It ended early; what it has become since tells more.
            io::ErrorKind::UnexpectedEof => {
                match self.now(&mut Pass::new(&*self.root), file).and_then(|now| self.compare(file, &now)) {
                    Ok(()) => self.changed(file, Change::Modified),
                    Err(error) => error,
                }
            }
            _ => HashError::Read { path: self.job.files.path(file), error },
        }
    }
}

/// Nanoseconds since 1970, as `Stat` counts them.
pub(crate) fn nanoseconds(time: SystemTime) -> i64 {
    match time.duration_since(UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_nanos()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_nanos()).map_or(i64::MIN, |ns| -ns),
    }
}

impl fmt::Display for HashError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stopped => f.write_str("hashing was stopped; it goes on where it was when it is started again"),
            Self::Changed { path, change } => {
                let path = path.display();
                match change {
                    Change::Length { was, is } => {
                        write!(f, "{path} changed from {was} to {is} bytes while it was hashed")?;
                    }
                    Change::Modified => write!(f, "{path} was written to while it was hashed")?,
                    Change::Replaced => write!(f, "{path} was replaced while it was hashed")?,
                    Change::Gone => write!(f, "{path} was removed while it was hashed")?,
                }
                f.write_str("; start again when nothing writes there any more")
            }
            Self::Read { path, error } => {
                write!(f, "cannot read {}: {error}; make it readable or leave it out", path.display())
            }
            Self::BadJob => f.write_str("no torrent can be made with this piece length, or of this much content"),
        }
    }
}

impl std::error::Error for HashError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Read { error, .. } => Some(error),
            _ => None,
        }
    }
}
