//! Where a process may still write (own design).
use std::path::{Path, PathBuf};

/// Everything that may be written to. What is not there yet cannot be named: it is made before.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
#[non_exhaustive]
pub struct Ground {
    /// Folders below which files and folders are made, written, renamed and removed.
    pub folders: Vec<PathBuf>,
    /// Folders in which a socket is made and removed.
    pub sockets: Vec<PathBuf>,
    /// Folders in which whole files take the place of others.
    pub(crate) shelves: Vec<PathBuf>,
    /// What is no file and is written to as it is: a pipe, a device.
    pub(crate) outlets: Vec<PathBuf>,
    /// Whether the terminal that the process is run on is asked for its size.
    pub terminal: bool,
    /// Whether files are given their former owner and mode.
    pub modes: bool,
}

impl Ground {
    /// A file that is written whole, under another name beside it first.
    pub fn file(&mut self, path: &Path) {
        let there = std::fs::metadata(path);
        if there.is_ok_and(|there| !there.is_file() && !there.is_dir()) {
            return self.outlets.push(path.to_owned());
        }
        match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => self.shelves.push(folder.to_owned()),
            _ => self.shelves.push(PathBuf::from(".")),
        }
    }

    /// The folders that may be written in, to be told.
    pub fn told(&self) -> impl Iterator<Item = &Path> {
        let sockets = self.sockets.iter().filter(|folder| !self.folders.contains(folder));
        self.folders.iter().chain(sockets).chain(&self.shelves).map(PathBuf::as_path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_opens_its_folder_and_a_device_itself() {
        let mut ground = Ground::default();
        for path in ["/dev/null", "new.torrent", "/nonexistent/below/x"] {
            ground.file(Path::new(path));
        }
        assert_eq!(ground.outlets, [Path::new("/dev/null")]);
        assert_eq!(ground.told().collect::<Vec<_>>(), [Path::new("."), Path::new("/nonexistent/below")]);
    }
}
