//! Where Teem keeps what outlives a run: never in the content's folder (own design; XDG base directories).
use std::env;
use std::fs::{File, Metadata};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// The user's state folder: `TEEM_STATE_DIR`, else `$XDG_STATE_HOME/teem`, else `~/.local/state/teem`
/// (macOS: `~/Library/Application Support/teem`).
pub fn state_dir() -> io::Result<PathBuf> {
    match set("TEEM_STATE_DIR") {
        Some(dir) => Ok(dir),
        None => base("XDG_STATE_HOME", ".local/state"),
    }
}

/// The user's folder of what is configured: `$XDG_CONFIG_HOME/teem`, else `~/.config/teem`
/// (macOS: `~/Library/Application Support/teem`).
pub fn config_dir() -> io::Result<PathBuf> {
    base("XDG_CONFIG_HOME", ".config")
}

fn set(name: &str) -> Option<PathBuf> {
    env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from)
}

fn base(variable: &str, below_home: &str) -> io::Result<PathBuf> {
    if let Some(dir) = set(variable).filter(|d| d.is_absolute()) {
        return Ok(dir.join("teem"));
    }
    let home = set("HOME").ok_or_else(|| {
        io::Error::new(io::ErrorKind::NotFound, "no folder for what Teem keeps: the variable HOME is not set")
    })?;
    let below = if cfg!(target_os = "macos") { "Library/Application Support" } else { below_home };
    Ok(home.join(below).join("teem"))
}

/// Makes a folder that only its owner can read, and says which one where that fails.
pub(crate) fn private_dir(dir: &Path) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir).map_err(|e| io::Error::new(e.kind(), format!("{} cannot be made: {e}", dir.display())))
}

/// The people that may read a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Readers {
    /// As the user's mask says.
    Usual,
    /// Nobody but its owner: there are secrets in it.
    Owner,
}

/// Writes a small file so that after a crash either the old or the new content is there: temporary, sync, rename, sync
/// of the folder.
pub fn write_whole(path: &Path, bytes: &[u8], readers: Readers) -> io::Result<()> {
    let like = match readers {
        Readers::Usual => Like::Usual,
        Readers::Owner => Like::Private,
    };
    swap(path, bytes, &like).map_err(|e| io::Error::new(e.kind(), format!("{} cannot be written: {e}", path.display())))
}

/// The same for a file that is there: it keeps its permissions and, where that is allowed, its owner; a symbolic link to it stays one.
pub fn replace_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let replaced = std::fs::canonicalize(path)
        .and_then(|real| swap(&real, bytes, &Like::Former(Box::new(std::fs::metadata(&real)?))));
    replaced.map_err(|e| io::Error::new(e.kind(), format!("{} cannot be written: {e}", path.display())))
}

/// What the new file is to be like.
enum Like {
    Usual,
    Private,
    /// The file that goes.
    Former(Box<Metadata>),
}

fn swap(path: &Path, bytes: &[u8], like: &Like) -> io::Result<()> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    // Nobody can guess the name, and what lies there already is never opened: a link that was planted leads nowhere.
    let temporary = path.with_file_name(format!(".{name}.{:016x}.tmp", crate::entropy::number()));
    let written = make(&temporary, like).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()?;
        std::fs::rename(&temporary, path)?;
        match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => File::open(folder)?.sync_all(),
            _ => File::open(".")?.sync_all(),
        }
    });
    if written.is_err() {
        // The half-written file is of no use to anybody.
        let _ = std::fs::remove_file(&temporary);
    }
    written
}

/// A file that takes the place of another must at no moment be open to more people than that was.
fn make(path: &Path, like: &Like) -> io::Result<File> {
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    if !matches!(like, Like::Usual) {
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    }
    let file = options.open(path)?;
    if let Like::Former(former) = like {
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt;
            // Only root may give a file away; others edit their own.
            let _ = std::os::unix::fs::fchown(&file, Some(former.uid()), Some(former.gid()));
        }
        file.set_permissions(former.permissions())?;
    }
    Ok(file)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    #[test]
    fn a_planted_link_is_not_written_through() {
        let folder = env::temp_dir().join(format!("teem-store-{:x}", crate::entropy::number()));
        std::fs::create_dir(&folder).unwrap();
        let (theirs, ours) = (folder.join("theirs"), folder.join("ours.torrent"));
        std::fs::write(&theirs, "untouched").unwrap();
        // Where an earlier form of the name would have been, and where the file itself goes.
        symlink(&theirs, folder.join(format!(".ours.torrent.{}.tmp", std::process::id()))).unwrap();
        symlink(&theirs, &ours).unwrap();
        write_whole(&ours, b"new", Readers::Owner).unwrap();
        assert_eq!(std::fs::read(&theirs).unwrap(), b"untouched");
        assert_eq!(std::fs::read(&ours).unwrap(), b"new");
        let mode = |path: &Path| std::fs::symlink_metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&ours), 0o600);
        replace_whole(&theirs, b"edited").unwrap();
        std::fs::set_permissions(&theirs, std::fs::Permissions::from_mode(0o640)).unwrap();
        replace_whole(&theirs, b"again").unwrap();
        assert_eq!((std::fs::read(&theirs).unwrap().as_slice(), mode(&theirs)), (&b"again"[..], 0o640));
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 3, "no temporary file is left");
        // A temporary name that is taken is not opened, whatever it leads to.
        let taken = folder.join("taken");
        symlink(&theirs, &taken).unwrap();
        assert_eq!(make(&taken, &Like::Usual).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
