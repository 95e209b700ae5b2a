//! What is left out of a torrent by the user's wish or by custom (own design; ignore files as git reads them, gitignore(5)).
//!
//! Hidden files are left out unless asked for: they are rarely meant for the public (`.git`, `.env`, what file managers leave behind), and
//! other programs leave them out too. Whatever is left out is counted by its reason, so that nothing is missing in silence.
use crate::patterns::{Exact, Patterns};
use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Bytes of an ignore file; none that people write comes near.
const IGNORE_FILE_MAX: u64 = 1 << 20;
/// What file managers leave behind under a name that is hidden only on their own system, in lower case.
const JUNK: [&str; 2] = ["thumbs.db", "desktop.ini"];

/// What the user says about leaving out.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct LeaveOut {
    /// Patterns against the path below the root, or against any name in it when the pattern has no slash.
    pub exclude: Vec<String>,
    /// Whether hidden files go in: names that begin with a dot, `Thumbs.db`, `desktop.ini`.
    pub hidden: bool,
    /// Files with patterns as in `.gitignore`, which are held against the path below the root.
    pub ignore_files: Vec<PathBuf>,
    /// Whether `.gitignore` files below the root count.
    pub gitignore: bool,
}

/// Why the wishes cannot be followed.
#[derive(Debug)]
#[non_exhaustive]
pub enum RulesError {
    /// A pattern of `--exclude` cannot be read.
    Pattern(String),
    /// A file of `--ignore-file` cannot be opened.
    File(PathBuf, io::Error),
    /// It cannot be understood.
    IgnoreFile(PathBuf, String),
}

impl fmt::Display for RulesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pattern(why) => write!(f, "--exclude: {why}"),
            Self::File(path, e) => write!(f, "--ignore-file: {} cannot be read: {e}", path.display()),
            Self::IgnoreFile(path, why) => write!(f, "--ignore-file: {}: {why}", path.display()),
        }
    }
}

impl std::error::Error for RulesError {}

/// How many entries were left out, by reason; a folder counts as one.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct LeftOut {
    /// Entries whose name begins with a dot.
    pub hidden: u64,
    /// By a pattern of `exclude`.
    pub excluded: u64,
    /// By an ignore file.
    pub ignored: u64,
}

impl LeftOut {
    /// All of them.
    pub fn total(&self) -> u64 {
        self.hidden + self.excluded + self.ignored
    }
}

impl fmt::Display for LeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [
            (self.hidden, "hidden (--hidden takes them in)"),
            (self.excluded, "by --exclude"),
            (self.ignored, "by ignore files"),
        ];
        let mut first = true;
        for (count, why) in parts.into_iter().filter(|(count, _)| *count > 0) {
            write!(f, "{}{count} {why}", if first { "" } else { ", " })?;
            first = false;
        }
        Ok(())
    }
}

/// The ignore file of a folder, and those of the folders above it.
pub(crate) struct Ignores {
    matcher: Gitignore,
    above: Option<Arc<Ignores>>,
}

/// The wishes, ready to be asked.
pub(crate) struct Rules {
    exclude: Patterns,
    /// Patterns of it that have fitted nothing so far.
    unused: RefCell<BTreeSet<String>>,
    hidden: bool,
    gitignore: bool,
    named: Gitignore,
}

impl Rules {
    /// `root` is canonical.
    pub(crate) fn new(wishes: &LeaveOut, root: &Path) -> Result<Self, RulesError> {
        let mut named = GitignoreBuilder::new(root);
        for file in &wishes.ignore_files {
            let meta = fs::metadata(file).map_err(|e| RulesError::File(file.clone(), e))?;
            if !meta.is_file() || meta.len() > IGNORE_FILE_MAX {
                return Err(RulesError::IgnoreFile(file.clone(), "it is no text file of at most 1 MiB".to_owned()));
            }
            if let Some(e) = named.add(file) {
                return Err(RulesError::IgnoreFile(file.clone(), e.to_string()));
            }
        }
        let named = named.build().map_err(|e| RulesError::IgnoreFile(root.to_owned(), e.to_string()))?;
        Ok(Self {
            exclude: exclude(&wishes.exclude, root).map_err(RulesError::Pattern)?,
            unused: RefCell::new(wishes.exclude.iter().cloned().collect()),
            hidden: wishes.hidden,
            gitignore: wishes.gitignore,
            named,
        })
    }

    /// Reads the ignore file of a folder, where such files count. A line that cannot be read is passed over, as git does.
    pub(crate) fn enter(&self, folder: &Path, above: Option<Arc<Ignores>>) -> Option<Arc<Ignores>> {
        let file = folder.join(".gitignore");
        // A named pipe would never end.
        let is_one = self.gitignore
            && fs::symlink_metadata(&file).is_ok_and(|meta| meta.is_file() && meta.len() <= IGNORE_FILE_MAX);
        if !is_one {
            return above;
        }
        let mut builder = GitignoreBuilder::new(folder);
        let _ = builder.add(&file);
        match builder.build() {
            Ok(matcher) => Some(Arc::new(Ignores { matcher, above })),
            Err(_) => above,
        }
    }

    /// Whether an entry is left out; if so it is counted. `below` is its path below the root, `path` the whole.
    pub(crate) fn leave_out(
        &self,
        below: &Path,
        path: &Path,
        is_dir: bool,
        ignores: Option<&Arc<Ignores>>,
        count: &mut LeftOut,
    ) -> bool {
        let reason = if self.exclude.fits(below) {
            let mut unused = self.unused.borrow_mut();
            self.exclude.which(below).for_each(|text| _ = unused.remove(text));
            &mut count.excluded
        } else if !self.hidden && is_hidden(below) {
            &mut count.hidden
        } else if self.is_ignored(path, is_dir, ignores) {
            &mut count.ignored
        } else {
            return false;
        };
        *reason += 1;
        true
    }

    /// Patterns of `exclude` that nothing was left out by.
    pub(crate) fn unused(&self) -> Vec<String> {
        self.unused.borrow().iter().cloned().collect()
    }

    /// The nearest file that says anything about the path decides, those that were named last.
    fn is_ignored(&self, path: &Path, is_dir: bool, ignores: Option<&Arc<Ignores>>) -> bool {
        let mut next = ignores;
        while let Some(level) = next {
            match level.matcher.matched(path, is_dir) {
                Match::None => next = level.above.as_ref(),
                found => return found.is_ignore(),
            }
        }
        self.named.matched(path, is_dir).is_ignore()
    }
}

/// The patterns of `exclude`. One with brackets is a name where something below the root is called so.
fn exclude(texts: &[String], root: &Path) -> Result<Patterns, String> {
    let exact = texts.iter().map(|text| Exact::of(text));
    let exact = exact.flat_map(|exact| exact.folders().chain([exact])).filter(Exact::has_brackets);
    let (whole, mut sought): (Vec<_>, Vec<_>) = exact.partition(|exact| exact.whole);
    let there = |exact: &&Exact<'_>| root.join(exact.path).symlink_metadata().is_ok();
    let mut found: BTreeSet<(&str, bool)> = whole.iter().filter(there).map(Exact::key).collect();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop().filter(|_| !sought.is_empty()) {
        // What cannot be read is met again, and named, when the files are listed.
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            sought.retain(|exact| {
                let is_it = entry.file_name() == exact.path;
                if is_it {
                    found.insert(exact.key());
                }
                !is_it
            });
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                folders.push(entry.path());
            }
        }
    }
    Patterns::new(texts, |exact| found.contains(&exact.key()))
}

fn is_hidden(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default();
    name.as_encoded_bytes().starts_with(b".") || JUNK.iter().any(|junk| name.eq_ignore_ascii_case(junk))
}
