//! Patterns against paths in a torrent, as `.gitignore` has them (own design): one without a slash fits any name on the way, one with a
//! slash the whole path; what lies in a folder that fits goes with it.
use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use std::path::Path;

/// Patterns of paths, compiled together.
pub(crate) struct Patterns(GlobSet);

impl Patterns {
    /// Reads patterns; the error names the one that is none.
    pub(crate) fn new(texts: &[String]) -> Result<Self, String> {
        let mut set = GlobSetBuilder::new();
        for text in texts {
            let rooted = text.trim_end_matches('/');
            let full =
                if rooted.contains('/') { rooted.trim_start_matches('/').to_owned() } else { format!("**/{rooted}") };
            let glob = GlobBuilder::new(&full).literal_separator(true).build();
            set.add(glob.map_err(|e| format!("`{text}` is not a pattern: {}", e.kind()))?);
        }
        set.build().map(Self).map_err(|e| e.to_string())
    }

    /// Whether one fits this very path.
    pub(crate) fn fits(&self, path: &Path) -> bool {
        self.0.is_match(path)
    }

    /// Whether one fits the path, or a folder that it lies in.
    pub(crate) fn covers(&self, path: &Path) -> bool {
        path.ancestors().any(|at| !at.as_os_str().is_empty() && self.fits(at))
    }
}
