//! Which files a torrent of a path will hold, in which order, and what is left out and why (own design).
//!
//! Folders are read in byte order of their names, so that the same content gives the same info-hash everywhere.
//! Symbolic links below the path are not followed: they could lead outside of what the user meant to publish.
use super::rules::{Ignores, LeaveOut, LeftOut, Rules, RulesError};
use std::fmt;
use std::fs::{self, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::SystemTime;

/// How deep folders may be nested (BEP 3 sets none; readers stop at 100).
pub const DEPTH_MAX: usize = 100;
/// How many files one torrent may list.
pub const FILES_MAX: usize = 2_000_000;

/// A listing under way, as others see it: a million files take their time.
#[derive(Debug, Default)]
pub struct Underway {
    /// Files found so far.
    pub files: AtomicU64,
    /// Set by anyone to end it early with [`WalkError::Stopped`].
    pub stop: AtomicBool,
}

/// A file that will be part of the torrent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Found {
    /// Names from the torrent's root down; empty when the torrent is that single file.
    pub components: Vec<String>,
    /// Where it lies.
    pub path: PathBuf,
    /// Bytes.
    pub len: u64,
    /// When it was last written.
    pub modified: SystemTime,
    /// Whether the owner may execute it.
    pub executable: bool,
    /// What else tells that it is the same file as before: inode and change time, where there are such.
    pub identity: [u8; 24],
}

/// Something that was left out.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Skipped {
    /// What.
    pub path: PathBuf,
    /// Why, in a few words.
    pub why: String,
}

/// What a path holds.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Listing {
    /// The torrent's name: the last component of the path, or what several paths are called together.
    pub name: String,
    /// The path, absolute; of several the folder that all of them lie in.
    pub root: PathBuf,
    /// Whether the path is a single file.
    pub single: bool,
    /// The files in the torrent's order.
    pub files: Vec<Found>,
    /// What could not go in.
    pub skipped: Vec<Skipped>,
    /// What was not to go in.
    pub left_out: LeftOut,
}

impl Listing {
    /// Bytes of all files together.
    pub fn total(&self) -> u64 {
        self.files.iter().map(|f| f.len).sum()
    }

    fn some(&self) -> Result<(), WalkError> {
        let empty = || WalkError::Empty(self.root.clone(), self.skipped.len(), self.left_out);
        if self.files.is_empty() { Err(empty()) } else { Ok(()) }
    }

    /// Takes one file out, if it is in.
    pub(crate) fn leave_out(&mut self, file: &Path) -> Result<(), WalkError> {
        let Ok(file) = fs::canonicalize(file) else { return Ok(()) };
        let before = self.files.len();
        self.files.retain(|found| found.path != file);
        if self.files.len() < before {
            self.skipped.push(Skipped { path: file, why: "the .torrent itself".to_owned() });
        }
        self.some()
    }
}

/// Why a path cannot become a torrent.
#[derive(Debug)]
pub enum WalkError {
    /// What is to be left out cannot be understood.
    Rules(RulesError),
    /// The path itself cannot be read.
    Path(PathBuf, io::Error),
    /// The path has no name of its own, or one that is not UTF-8.
    Name(PathBuf),
    /// Neither a file nor a folder.
    Kind(PathBuf),
    /// Paths that are to be one torrent lie in different folders.
    Apart(PathBuf, PathBuf),
    /// What several paths are to be called is no name of a folder.
    BadName(String),
    /// No file is left to share: so many could not go in, so many were not to.
    Empty(PathBuf, usize, LeftOut),
    /// Folders are nested too deep, or there are too many files.
    TooLarge(PathBuf, &'static str),
    /// It was ended early.
    Stopped,
}

impl fmt::Display for WalkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rules(e) => write!(f, "{e}"),
            Self::Path(path, e) if e.kind() == io::ErrorKind::NotFound => {
                write!(f, "{} does not exist", path.display())
            }
            Self::Path(path, e) => write!(f, "{} cannot be read: {e}", path.display()),
            Self::Name(path) => {
                write!(f, "{} has no name that a torrent could carry (UTF-8 is needed)", path.display())
            }
            Self::Kind(path) => write!(f, "{} is neither a file nor a folder", path.display()),
            Self::Apart(a, b) => {
                let (a, b) = (a.display(), b.display());
                write!(f, "{a} and {b} lie in different folders: one torrent holds what lies in one folder")
            }
            Self::BadName(name) => write!(f, "{name:?} cannot be the name of a folder"),
            Self::Empty(path, 0, left_out) if left_out.total() == 0 => {
                write!(f, "{} holds no files, so there is nothing to share", path.display())
            }
            Self::Empty(path, n, left_out) => {
                let all = *n as u64 + left_out.total();
                write!(f, "{} holds no files that can be shared: all {all} entries were left out", path.display())?;
                if left_out.total() > 0 { write!(f, ", {left_out}") } else { Ok(()) }
            }
            Self::TooLarge(path, what) => write!(f, "{}: {what}", path.display()),
            Self::Stopped => f.write_str("listing the files was stopped"),
        }
    }
}

impl std::error::Error for WalkError {}

/// Lists a file or folder, leaving out what the wishes say; the path itself is always meant.
pub fn walk(path: &Path, wishes: &LeaveOut, underway: &Underway) -> Result<Listing, WalkError> {
    let root = fs::canonicalize(path).map_err(|e| WalkError::Path(path.to_owned(), e))?;
    let meta = fs::metadata(&root).map_err(|e| WalkError::Path(path.to_owned(), e))?;
    let name = root.file_name().and_then(|n| n.to_str()).ok_or_else(|| WalkError::Name(root.clone()))?.to_owned();
    let rules = Rules::new(wishes, &root).map_err(WalkError::Rules)?;
    let single = meta.is_file();
    let mut listing =
        Listing { name, single, root, files: Vec::new(), skipped: Vec::new(), left_out: LeftOut::default() };
    if meta.is_file() {
        fs::File::open(&listing.root).map_err(|e| WalkError::Path(path.to_owned(), e))?;
        let found = found(Vec::new(), listing.root.clone(), &meta);
        listing.files.push(found);
    } else if meta.is_dir() {
        let entries = read_folder(&listing.root).map_err(|e| WalkError::Path(path.to_owned(), e))?;
        let ignores = rules.enter(&listing.root, None);
        descend(&mut listing, entries, ignores.as_ref(), &rules, underway)?;
    } else {
        return Err(WalkError::Kind(path.to_owned()));
    }
    listing.some()?;
    Ok(listing)
}

/// Lists several files and folders that lie in one folder, as content of a folder `name`, which need not be what that one is called:
/// other programs find there what was named and nothing else.
pub fn walk_together(
    paths: &[PathBuf],
    name: &str,
    wishes: &LeaveOut,
    underway: &Underway,
) -> Result<Listing, WalkError> {
    if name.is_empty() || name == "." || name == ".." || name.contains(['/', '\\', '\0']) {
        return Err(WalkError::BadName(name.to_owned()));
    }
    let real = |path: &PathBuf| fs::canonicalize(path).map_err(|e| WalkError::Path(path.clone(), e));
    let mut named = paths.iter().map(real).collect::<Result<Vec<_>, _>>()?;
    named.sort();
    named.dedup();
    let first = named.first().ok_or_else(|| WalkError::BadName(name.to_owned()))?;
    let root = first.parent().filter(|root| root.file_name().is_some());
    let root = root.ok_or_else(|| WalkError::Name(first.clone()))?.to_owned();
    if let Some(other) = named.iter().find(|path| path.parent() != Some(&root)) {
        return Err(WalkError::Apart(first.clone(), other.clone()));
    }
    let rules = Rules::new(wishes, &root).map_err(WalkError::Rules)?;
    let (files, skipped, left_out) = (Vec::new(), Vec::new(), LeftOut::default());
    let mut listing = Listing { name: name.to_owned(), single: false, root, files, skipped, left_out };
    for path in named {
        let fail = |e| WalkError::Path(path.clone(), e);
        let meta = fs::metadata(&path).map_err(fail)?;
        let own = path.file_name().and_then(|n| n.to_str()).ok_or_else(|| WalkError::Name(path.clone()))?;
        if meta.is_file() {
            fs::File::open(&path).map_err(fail)?;
            listing.files.push(found(vec![own.to_owned()], path.clone(), &meta));
        } else if meta.is_dir() {
            let ignores = rules.enter(&path, None);
            descend(&mut listing, read_folder(&path).map_err(fail)?, ignores.as_ref(), &rules, underway)?;
        } else {
            return Err(WalkError::Kind(path));
        }
    }
    listing.some()?;
    Ok(listing)
}

/// Entries of a folder in descending byte order, so that a stack hands them out ascending.
fn read_folder(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut entries = fs::read_dir(folder)?.map(|e| e.map(|e| e.path())).collect::<io::Result<Vec<_>>>()?;
    entries.sort_by(|a, b| b.file_name().cmp(&a.file_name()));
    Ok(entries)
}

fn descend(
    listing: &mut Listing,
    top: Vec<PathBuf>,
    ignores: Option<&Arc<Ignores>>,
    rules: &Rules,
    underway: &Underway,
) -> Result<(), WalkError> {
    let with = |ignores: Option<Arc<Ignores>>| move |path| (path, ignores.clone());
    let mut stack: Vec<_> = top.into_iter().map(with(ignores.cloned())).collect();
    while let Some((path, ignores)) = stack.pop() {
        if underway.stop.load(Ordering::Relaxed) {
            return Err(WalkError::Stopped);
        }
        let below = path.strip_prefix(&listing.root).unwrap_or(&path).to_owned();
        let meta = fs::symlink_metadata(&path);
        let is_dir = meta.as_ref().is_ok_and(Metadata::is_dir);
        if rules.leave_out(&below, &path, is_dir, ignores.as_ref(), &mut listing.left_out) {
            continue;
        }
        let mut skip = |why: &str| listing.skipped.push(Skipped { path: path.clone(), why: why.to_owned() });
        let Some(components) = below.iter().map(|c| c.to_str().map(str::to_owned)).collect::<Option<Vec<_>>>() else {
            skip("its name is not UTF-8");
            continue;
        };
        if components.len() > DEPTH_MAX {
            return Err(WalkError::TooLarge(path, "folders are nested more than 100 deep, which readers refuse"));
        }
        let meta = match meta {
            Ok(meta) => meta,
            Err(e) => {
                skip(&e.to_string());
                continue;
            }
        };
        if meta.is_symlink() {
            skip("a symbolic link");
        } else if meta.is_dir() {
            match read_folder(&path) {
                Ok(entries) => stack.extend(entries.into_iter().map(with(rules.enter(&path, ignores)))),
                Err(e) => skip(&format!("unreadable folder: {e}")),
            }
        } else if !meta.is_file() {
            skip("neither a file nor a folder");
        } else if let Err(e) = fs::File::open(&path) {
            skip(&format!("unreadable: {e}"));
        } else {
            listing.files.push(found(components, path, &meta));
            underway.files.fetch_add(1, Ordering::Relaxed);
            if listing.files.len() > FILES_MAX {
                return Err(WalkError::TooLarge(listing.root.clone(), "more than 2,000,000 files"));
            }
        }
    }
    Ok(())
}

fn found(components: Vec<String>, path: PathBuf, meta: &Metadata) -> Found {
    Found {
        components,
        path,
        len: meta.len(),
        modified: meta.modified().unwrap_or(SystemTime::UNIX_EPOCH),
        executable: executable(meta),
        identity: identity(meta),
    }
}

#[cfg(unix)]
fn identity(meta: &Metadata) -> [u8; 24] {
    use std::os::unix::fs::MetadataExt;
    let mut out = [0; 24];
    out[..8].copy_from_slice(&meta.ino().to_be_bytes());
    out[8..16].copy_from_slice(&meta.ctime().to_be_bytes());
    out[16..].copy_from_slice(&meta.ctime_nsec().to_be_bytes());
    out
}

#[cfg(not(unix))]
fn identity(_: &Metadata) -> [u8; 24] {
    [0; 24]
}

#[cfg(unix)]
fn executable(meta: &Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    meta.permissions().mode() & 0o100 != 0
}

#[cfg(not(unix))]
fn executable(_: &Metadata) -> bool {
    false
}
