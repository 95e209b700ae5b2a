//! What a check has to say: the place, what is wrong there, and what to do about it.

use std::fmt;
use std::path::{Path, PathBuf};

/// One thing to put right.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// Relative to the workspace's root.
    pub path: PathBuf,
    /// Counted from 1; 0 when the whole file is meant.
    pub line: usize,
    /// A sentence: what is wrong, and what to do.
    pub message: String,
}

impl Finding {
    /// A finding at `path`:`line`.
    pub fn new(path: &Path, line: usize, message: impl Into<String>) -> Self {
        Self { path: path.to_path_buf(), line, message: message.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}: {}", self.path.display(), self.message),
            line => write!(f, "{}:{line}: {}", self.path.display(), self.message),
        }
    }
}
