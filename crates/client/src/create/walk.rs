//! Which files a torrent of a path will hold, in which order, and what is left out and why (own design).
//!
//! Folders are read in byte order of their names, so that the same content gives the same info-hash everywhere.
//! Symbolic links below the path are not followed: they could lead outside of what the user meant to publish.
use super::found::{Collecting, Found, FoundFiles};
use super::rules::{Ignores, LeaveOut, LeftOut, Rules, RulesError};
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::fs::{self, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// How deep folders may be nested (BEP 3 sets none; readers stop at 100).
pub(crate) const DEPTH_MAX: usize = 100;
/// How many files one torrent may list.
pub(crate) const FILES_MAX: usize = 2_000_000;

/// A listing under way, as others see it: a million files take their time.
#[derive(Debug, Default)]
pub struct Underway {
    /// Files found so far.
    pub files: AtomicU64,
    /// Set by anyone to end it early with [`WalkError::Stopped`].
    pub stop: AtomicBool,
}

/// Something that was left out.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Skipped {
    /// The path of what was left out.
    pub path: PathBuf,
    /// Why, in a few words.
    pub why: String,
}

/// What a path holds.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Listing {
    /// The torrent's name: the last component of the path, or what several paths are called together.
    pub name: String,
    /// The path, absolute; of several the folder that all of them lie in.
    pub root: PathBuf,
    /// Whether the path is a single file.
    pub single: bool,
    /// The files in the torrent's order.
    pub files: FoundFiles,
    /// What could not go in.
    pub skipped: Vec<Skipped>,
    /// What was not to go in.
    pub left_out: LeftOut,
    /// Patterns of `exclude` that nothing was left out by.
    pub unused: Vec<String>,
}

impl Listing {
    /// Bytes of all files together.
    pub fn total(&self) -> u64 {
        self.files.iter().map(|file| file.length()).sum()
    }

    fn some(&self) -> Result<(), WalkError> {
        let empty = || WalkError::Empty(self.root.clone(), self.skipped.len(), self.left_out);
        if self.files.is_empty() { Err(empty()) } else { Ok(()) }
    }

    /// Takes one file out, if it is in.
    pub(crate) fn leave_out(&mut self, file: &Path) -> Result<(), WalkError> {
        let Ok(file) = fs::canonicalize(file) else { return Ok(()) };
        let below = file.strip_prefix(&self.root).map(Path::to_path_buf);
        let names = |path: &Path| path.iter().map(|name| name.as_encoded_bytes().to_vec()).collect::<Vec<_>>();
        let below = below.map(|below| names(&below));
        let is_it = |found: Found<'_>| below.as_ref().is_ok_and(|below| found.names() == *below);
        let index = self.files.iter().position(is_it);
        if let Some(index) = index {
            self.files.remove(index);
            self.skipped.push(Skipped { path: file, why: "the .torrent itself".to_owned() });
        }
        self.some()
    }
}

/// Why a path cannot become a torrent.
#[derive(Debug)]
#[non_exhaustive]
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
    let mut walker = Walker::new(&root, &rules, underway);
    if meta.is_file() {
        fs::File::open(&root).map_err(|e| WalkError::Path(path.to_owned(), e))?;
        walker.take(&[], &meta)?;
    } else if meta.is_dir() {
        walker.descend(&root).map_err(|e| e.unwrap_or_else(|e| WalkError::Path(path.to_owned(), e)))?;
    } else {
        return Err(WalkError::Kind(path.to_owned()));
    }
    let listing = walker.listing(name, single);
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
    let mut walker = Walker::new(&root, &rules, underway);
    for path in named {
        let fail = |e: io::Error| WalkError::Path(path.clone(), e);
        let meta = fs::metadata(&path).map_err(fail)?;
        let own = path.file_name().and_then(|n| n.to_str()).ok_or_else(|| WalkError::Name(path.clone()))?;
        if meta.is_file() {
            fs::File::open(&path).map_err(fail)?;
            walker.take(&[own], &meta)?;
        } else if meta.is_dir() {
            walker.descend(&path).map_err(|e| e.unwrap_or_else(fail))?;
        } else {
            return Err(WalkError::Kind(path));
        }
    }
    let listing = walker.listing(name.to_owned(), false);
    listing.some()?;
    Ok(listing)
}

/// Names in a folder, end to end, and those still to come in descending byte order, so that the next is the last.
struct Names {
    bytes: Vec<u8>,
    left: Vec<(usize, usize)>,
}

impl Names {
    fn of(folder: &Path) -> io::Result<Self> {
        let mut names = Self { bytes: Vec::new(), left: Vec::new() };
        for entry in fs::read_dir(folder)? {
            let start = names.bytes.len();
            names.bytes.extend_from_slice(entry?.file_name().as_encoded_bytes());
            names.left.push((start, names.bytes.len()));
        }
        let Self { bytes, left } = &mut names;
        left.sort_unstable_by(|a, b| bytes[b.0..b.1].cmp(&bytes[a.0..a.1]));
        Ok(names)
    }

    fn next(&mut self) -> Option<OsString> {
        let (start, end) = self.left.pop()?;
        Some(os_string(&self.bytes[start..end]))
    }
}

#[cfg(unix)]
fn os_string(bytes: &[u8]) -> OsString {
    std::os::unix::ffi::OsStringExt::from_vec(bytes.to_vec())
}

#[cfg(not(unix))]
fn os_string(bytes: &[u8]) -> OsString {
    String::from_utf8_lossy(bytes).into_owned().into()
}

/// A folder whose entries are being looked at.
struct Open {
    names: Names,
    ignores: Option<Arc<Ignores>>,
}

/// A listing under way.
struct Walker<'a> {
    root: &'a Path,
    rules: &'a Rules,
    underway: &'a Underway,
    files: Collecting,
    skipped: Vec<Skipped>,
    left_out: LeftOut,
}

impl<'a> Walker<'a> {
    fn new(root: &'a Path, rules: &'a Rules, underway: &'a Underway) -> Self {
        let (files, skipped, left_out) = (Collecting::default(), Vec::new(), LeftOut::default());
        Self { root, rules, underway, files, skipped, left_out }
    }

    fn listing(self, name: String, single: bool) -> Listing {
        let Self { root, files, skipped, left_out, rules, .. } = self;
        let unused = rules.unused();
        Listing { name, root: root.to_owned(), single, files: files.finish(), skipped, left_out, unused }
    }

    /// Lists a folder and all below it; the error of the file system is about the folder itself.
    fn descend(&mut self, folder: &Path) -> Result<(), Result<WalkError, io::Error>> {
        let mut path = folder.to_owned();
        let mut open = vec![Open { names: Names::of(folder).map_err(Err)?, ignores: self.rules.enter(folder, None) }];
        while let Some(folder) = open.last_mut() {
            if self.underway.stop.load(Ordering::Relaxed) {
                return Err(Ok(WalkError::Stopped));
            }
            let Some(name) = folder.names.next() else {
                open.pop();
                path.pop();
                continue;
            };
            path.push(name);
            match self.entry(&path, folder.ignores.as_ref()).map_err(Ok)? {
                Some(below) => open.push(below),
                None => _ = path.pop(),
            }
        }
        Ok(())
    }

    /// Takes an entry or leaves it out; a folder is to be looked into.
    fn entry(&mut self, path: &Path, ignores: Option<&Arc<Ignores>>) -> Result<Option<Open>, WalkError> {
        let below = path.strip_prefix(self.root).unwrap_or(path);
        let meta = fs::symlink_metadata(path);
        let is_dir = meta.as_ref().is_ok_and(Metadata::is_dir);
        if self.rules.leave_out(below, path, is_dir, ignores, &mut self.left_out) {
            return Ok(None);
        }
        let Some(names) = below.iter().map(OsStr::to_str).collect::<Option<Vec<_>>>() else {
            self.skip(path, "its name is not UTF-8");
            return Ok(None);
        };
        if names.len() > DEPTH_MAX {
            let why = "folders are nested more than 100 deep, which readers refuse";
            return Err(WalkError::TooLarge(path.to_owned(), why));
        }
        match meta {
            Err(e) => self.skip(path, &e.to_string()),
            Ok(meta) if meta.is_symlink() => self.skip(path, "a symbolic link"),
            Ok(meta) if meta.is_dir() => match Names::of(path) {
                Ok(names) => {
                    return Ok(Some(Open { names, ignores: self.rules.enter(path, ignores.cloned()) }));
                }
                Err(e) => self.skip(path, &format!("unreadable folder: {e}")),
            },
            Ok(meta) if !meta.is_file() => self.skip(path, "neither a file nor a folder"),
            Ok(meta) => match fs::File::open(path) {
                Ok(_) => self.take(&names, &meta)?,
                Err(e) => self.skip(path, &format!("unreadable: {e}")),
            },
        }
        Ok(None)
    }

    fn skip(&mut self, path: &Path, why: &str) {
        self.skipped.push(Skipped { path: path.to_owned(), why: why.to_owned() });
    }

    fn take(&mut self, names: &[&str], meta: &Metadata) -> Result<(), WalkError> {
        let too_large = |what| WalkError::TooLarge(self.root.to_owned(), what);
        self.files.push(names, meta).map_err(|_| too_large("the names of the files are too long"))?;
        self.underway.files.fetch_add(1, Ordering::Relaxed);
        if self.files.len() > FILES_MAX { Err(too_large("more than 2,000,000 files")) } else { Ok(()) }
    }
}
