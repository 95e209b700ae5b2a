//! Which folders content may go into (own design): those that the daemon was given, and what is below.
use crate::daemon::Daemon;
use std::fs;
use std::path::{Component, Path, PathBuf};

impl Daemon {
    /// The folder that content goes into where none is named.
    pub(crate) fn first_root(&self) -> &Path {
        self.0.roots.first().map_or(Path::new("/"), PathBuf::as_path)
    }

    /// The folder without links, or why content may not go there, in a sentence. What is not there yet is judged by what of it is.
    pub(crate) fn below_roots(&self, folder: &Path) -> Result<PathBuf, String> {
        let real = folder.ancestors().find_map(|above| {
            let rest = folder.strip_prefix(above).ok()?;
            let above = fs::canonicalize(above).ok()?;
            // Joined with nothing it would end in a slash.
            Some(if rest.as_os_str().is_empty() { above } else { above.join(rest) })
        });
        let is_plain = folder.is_absolute() && !folder.components().any(|part| part == Component::ParentDir);
        let allowed = |real: &PathBuf| self.0.roots.iter().any(|root| real.starts_with(root));
        real.filter(|real| is_plain && allowed(real)).ok_or_else(|| {
            let roots: Vec<_> = self.0.roots.iter().map(|root| root.display().to_string()).collect();
            format!(
                "{} is no folder that the daemon may write to: these are {}, and what is below (teem daemon --root)",
                folder.display(),
                roots.join(", ")
            )
        })
    }

    /// Bytes that are free and bytes that there are where a folder lies or is to lie, or why that is not told.
    pub(crate) fn space(&self, folder: &Path) -> Result<(u64, u64), String> {
        let folder = self.below_roots(folder)?;
        let there = folder.ancestors().find(|above| above.exists()).unwrap_or(Path::new("/"));
        let told = rustix::fs::statvfs(there).map_err(|e| e.to_string())?;
        Ok((told.f_bavail * told.f_frsize, told.f_blocks * told.f_frsize))
    }
}
