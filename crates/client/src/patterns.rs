//! Patterns against paths in a torrent, as `.gitignore` has them (own design): one without a slash fits any name on the way, one with a
//! slash the whole path; what lies in a folder that fits goes with it.
//!
//! A pattern is also a name: where it is, character by character, the name or path of something, that alone is meant, whatever its
//! brackets would fit besides. So are the folders that it begins with, as far as they are there.
use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Patterns of paths, compiled together.
pub(crate) struct Patterns {
    globs: GlobSet,
    /// The patterns of `globs`, in its order.
    texts: Vec<String>,
    /// Names, each with its pattern.
    names: BTreeMap<String, String>,
    /// Whole paths, each with its pattern.
    paths: BTreeMap<PathBuf, String>,
}

impl Patterns {
    /// Reads patterns, of which `is_name` says which are names of something; the error names the one that is neither.
    pub(crate) fn new(texts: &[String], is_name: impl Fn(&Exact<'_>) -> bool) -> Result<Self, String> {
        let mut set = GlobSetBuilder::new();
        let (mut names, mut paths, mut globs) = (BTreeMap::new(), BTreeMap::new(), Vec::new());
        for text in texts {
            let exact = Exact::of(text);
            if is_name(&exact) {
                if exact.whole {
                    paths.insert(PathBuf::from(exact.path), text.clone());
                } else {
                    names.insert(exact.path.to_owned(), text.clone());
                }
                continue;
            }
            let full = match exact.folders().find(|folder| is_name(folder)) {
                // A folder of that name is there, so its brackets are its own.
                Some(folder) => globset::escape(folder.path) + &exact.path[folder.path.len()..],
                None if exact.whole => exact.path.to_owned(),
                None => format!("**/{}", exact.path),
            };
            let glob = GlobBuilder::new(&full).literal_separator(true).build();
            set.add(glob.map_err(|e| format!("`{text}` is not a pattern: {}", e.kind()))?);
            globs.push(text.clone());
        }
        Ok(Self { globs: set.build().map_err(|e| e.to_string())?, texts: globs, names, paths })
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.globs.is_empty() && self.names.is_empty() && self.paths.is_empty()
    }

    /// Whether one fits this very path.
    pub(crate) fn fits(&self, path: &Path) -> bool {
        self.globs.is_match(path) || self.exact(path).next().is_some()
    }

    /// Whether one fits the path, or a folder that it lies in.
    pub(crate) fn covers(&self, path: &Path) -> bool {
        path.ancestors().any(|at| !at.as_os_str().is_empty() && self.fits(at))
    }

    /// The patterns that fit this very path, as they were written.
    pub(crate) fn which(&self, path: &Path) -> impl Iterator<Item = &str> {
        let globs = self.globs.matches(path).into_iter().filter_map(|at| self.texts.get(at));
        globs.map(String::as_str).chain(self.exact(path))
    }

    fn exact(&self, path: &Path) -> impl Iterator<Item = &str> {
        let name = path.file_name().and_then(|name| name.to_str());
        let name = name.and_then(|name| self.names.get(name));
        name.into_iter().chain(self.paths.get(path)).map(String::as_str)
    }
}

/// A pattern as a name or a path, without what says that it is a folder or that it begins at the root.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Exact<'a> {
    /// The name or path.
    pub(crate) path: &'a str,
    /// Whether it is the whole path, and not a name that may lie anywhere.
    pub(crate) whole: bool,
}

impl<'a> Exact<'a> {
    pub(crate) fn of(text: &'a str) -> Self {
        let path = text.trim_end_matches('/');
        let below = path.strip_prefix("./").unwrap_or(path).trim_start_matches('/');
        Self { path: below, whole: below.len() < path.len() || below.contains('/') }
    }

    /// By what it is known: the same words may be a name and a whole path.
    pub(crate) fn key(&self) -> (&'a str, bool) {
        (self.path, self.whole)
    }

    /// The folders with brackets that it begins with, the longest first: each may be the path of something.
    pub(crate) fn folders(&self) -> impl Iterator<Item = Self> + use<'a> {
        let path = self.path;
        let folders = path.rmatch_indices('/').map(move |(end, _)| Self { path: &path[..end], whole: true });
        folders.filter(|folder| folder.has_brackets() && !folder.path.contains('\\'))
    }

    /// Whether it is the name or path of this, or of a folder that this lies in.
    pub(crate) fn covers(&self, path: &Path) -> bool {
        if self.whole { path.starts_with(self.path) } else { path.iter().any(|name| name == self.path) }
    }

    /// Whether a pattern could mean anything else than itself and more: stars and question marks fit themselves, brackets don't.
    pub(crate) fn has_brackets(&self) -> bool {
        self.path.contains(['[', ']', '{', '}', '\\', '!'])
    }
}
