//! Where Teem keeps what outlives a run: never in the content's folder (own design; XDG base directories).
use std::env;
use std::ffi::OsString;
use std::fs::{File, Metadata};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Characters of a file's name that its temporary takes over, of at most four bytes each.
const TEMPORARY_CHARS: usize = 50;

/// The user's state folder: `TEEM_STATE_DIR`, else `$XDG_STATE_HOME/teem`, else the first of `$STATE_DIRECTORY`, which systemd gives to a
/// service, else `~/.local/state/teem` (macOS: `~/Library/Application Support/teem`).
pub fn state_dir() -> io::Result<PathBuf> {
    if let Some(dir) = set("TEEM_STATE_DIR") {
        return Ok(dir);
    }
    let own = set("XDG_STATE_HOME").filter(|dir| dir.is_absolute());
    match service_dir(env::var_os("STATE_DIRECTORY")).filter(|_| own.is_none()) {
        Some(dir) => Ok(dir),
        None => base("XDG_STATE_HOME", ".local/state"),
    }
}

/// The first folder of a list as systemd writes it.
fn service_dir(list: Option<OsString>) -> Option<PathBuf> {
    list.as_deref().and_then(|list| env::split_paths(list).next()).filter(|dir| dir.is_absolute())
}

/// The user's folder of what is configured: `$XDG_CONFIG_HOME/teem`, else `~/.config/teem`
/// (macOS: `~/Library/Application Support/teem`).
pub fn config_dir() -> io::Result<PathBuf> {
    base("XDG_CONFIG_HOME", ".config")
}

/// The user's folder of downloads: `$XDG_DOWNLOAD_DIR`, else `~/Downloads`.
pub fn downloads_dir() -> io::Result<PathBuf> {
    if let Some(dir) = set("XDG_DOWNLOAD_DIR").filter(|dir| dir.is_absolute()) {
        return Ok(dir);
    }
    let none = || {
        io::Error::new(
            io::ErrorKind::NotFound,
            "the variable HOME is not set, so there is no folder of downloads: name one",
        )
    };
    Ok(home().ok_or_else(none)?.join("Downloads"))
}

fn set(name: &str) -> Option<PathBuf> {
    env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from)
}

fn base(variable: &str, below_home: &str) -> io::Result<PathBuf> {
    if let Some(dir) = set(variable).filter(|d| d.is_absolute()) {
        return Ok(dir.join("teem"));
    }
    let home = home().ok_or_else(|| {
        let why =
            "no folder for what Teem keeps: the variable HOME is not set; set it, or name the folder in TEEM_STATE_DIR";
        io::Error::new(io::ErrorKind::NotFound, why)
    })?;
    let below = if cfg!(target_os = "macos") { "Library/Application Support" } else { below_home };
    Ok(home.join(below).join("teem"))
}

/// The user's home: as `HOME` says, else as the list of users does. What root finds in `HOME` and belongs to somebody else (`sudo` keeps it)
/// is not root's home: files that root makes there would be in their owner's way.
fn home() -> Option<PathBuf> {
    let said = set("HOME").filter(|home| home.is_absolute());
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        // This process as the system shows it belongs to who runs it.
        let me = std::fs::metadata("/proc/self").ok().map(|meta| meta.uid());
        let foreign = |home: &PathBuf| me == Some(0) && std::fs::metadata(home).is_ok_and(|meta| meta.uid() != 0);
        let listed = || listed_home(&std::fs::read_to_string("/etc/passwd").ok()?, me?);
        match said {
            Some(home) if foreign(&home) => listed().filter(|own| !foreign(own)).or(Some(home)),
            Some(home) => Some(home),
            None => listed(),
        }
    }
    #[cfg(not(unix))]
    said
}

/// The home of a user by number in a list of users (passwd(5)).
#[cfg(unix)]
fn listed_home(passwd: &str, user: u32) -> Option<PathBuf> {
    let line = passwd.lines().find(|line| line.split(':').nth(2).and_then(|id| id.parse().ok()) == Some(user))?;
    line.split(':').nth(5).map(PathBuf::from).filter(|home| home.is_absolute() && home.is_dir())
}

/// Makes the folder for saved state and sees that it can be written, before anything relies on it.
pub fn ready_state_dir(dir: &Path) -> io::Result<()> {
    let made = private_dir(dir).and_then(|()| may_write_whole(&dir.join("state")));
    made.map_err(|e| {
        let why = format!("nothing can be saved of this run: {e}; name a folder of your own in TEEM_STATE_DIR");
        io::Error::new(e.kind(), why)
    })
}

/// Whether others than its owner may list a folder: its files are the owner's alone, but their names say what was downloaded.
pub fn is_open_to_others(dir: &Path) -> bool {
    #[cfg(unix)]
    let open = std::fs::metadata(dir).is_ok_and(|meta| std::os::unix::fs::MetadataExt::mode(&meta) & 0o044 != 0);
    #[cfg(not(unix))]
    let open = false;
    open
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
///
/// What is no file (`/dev/stdout`, a named pipe) is written to and stays what it is.
pub fn write_whole(path: &Path, bytes: &[u8], readers: Readers) -> io::Result<()> {
    let like = match readers {
        Readers::Usual => Like::Usual,
        Readers::Owner => Like::Private,
    };
    let written = match std::fs::metadata(path) {
        Ok(there) if !there.is_file() && !there.is_dir() => {
            File::options().write(true).open(path).and_then(|mut file| file.write_all(bytes))
        }
        _ => swap(path, bytes, &like),
    };
    written.map_err(|e| io::Error::new(e.kind(), format!("{} cannot be written: {e}", path.display())))
}

/// Whether [`write_whole`] could write there now: nothing is changed. For what takes long before it writes.
pub fn may_write_whole(path: &Path) -> io::Result<()> {
    let tried = match std::fs::metadata(path) {
        Ok(there) if there.is_dir() => Err(io::Error::new(io::ErrorKind::IsADirectory, "it is a folder")),
        Ok(there) if !there.is_file() => Ok(()),
        // A name that is too long is an error of its own here.
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e),
        _ => {
            let temporary = temporary(path);
            make(&temporary, &Like::Usual).and_then(|_| std::fs::remove_file(&temporary))
        }
    };
    tried.map_err(|e| io::Error::new(e.kind(), format!("{} cannot be written: {e}", path.display())))
}

/// The name under which a file is written before it takes the place of another: never longer than names may be.
fn temporary(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let some: String = name.chars().take(TEMPORARY_CHARS).collect();
    // Nobody can guess the name, and what lies there already is never opened: a link that was planted leads nowhere.
    path.with_file_name(format!(".{some}.{:016x}.tmp", crate::entropy::number()))
}

/// The same for a file that is there: it keeps its permissions and, where that is allowed, its owner; a symbolic link to it stays one.
///
/// With [`Readers::Owner`] nobody else may read it from now on.
pub fn replace_whole(path: &Path, bytes: &[u8], readers: Readers) -> io::Result<()> {
    let replaced = std::fs::canonicalize(path)
        .and_then(|real| swap(&real, bytes, &Like::Former(Box::new(std::fs::metadata(&real)?), readers)));
    replaced.map_err(|e| io::Error::new(e.kind(), format!("{} cannot be written: {e}", path.display())))
}

/// What the new file is to be like.
enum Like {
    Usual,
    Private,
    /// The file that goes; with secrets that were not in it, for its owner alone.
    Former(Box<Metadata>, Readers),
}

fn swap(path: &Path, bytes: &[u8], like: &Like) -> io::Result<()> {
    let temporary = temporary(path);
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
    if let Like::Former(former, readers) = like {
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt;
            // Only root may give a file away; others edit their own.
            let _ = std::os::unix::fs::fchown(&file, Some(former.uid()), Some(former.gid()));
        }
        let mut permissions = former.permissions();
        #[cfg(unix)]
        if *readers == Readers::Owner {
            use std::os::unix::fs::PermissionsExt;
            permissions.set_mode(permissions.mode() & 0o700);
        }
        file.set_permissions(permissions)?;
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
        replace_whole(&theirs, b"edited", Readers::Usual).unwrap();
        std::fs::set_permissions(&theirs, std::fs::Permissions::from_mode(0o640)).unwrap();
        replace_whole(&theirs, b"again", Readers::Usual).unwrap();
        assert_eq!((std::fs::read(&theirs).unwrap().as_slice(), mode(&theirs)), (&b"again"[..], 0o640));
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 3, "no temporary file is left");
        // A temporary name that is taken is not opened, whatever it leads to.
        let taken = folder.join("taken");
        symlink(&theirs, &taken).unwrap();
        assert_eq!(make(&taken, &Like::Usual).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        std::fs::remove_dir_all(&folder).unwrap();
    }
    #[test]
    fn a_user_s_home_in_the_list_of_users() {
        let list = "root:x:0:0:root:/tmp:/bin/sh\n# no\nnobody:x:65534:65534::/nonexistent:/bin/false\nme:x:1000:1000::/:/bin/sh";
        assert_eq!(listed_home(list, 0), Some(PathBuf::from("/tmp")));
        assert_eq!(listed_home(list, 1000), Some(PathBuf::from("/")));
        assert_eq!(listed_home(list, 65534), None, "a home that is not there is none");
        assert_eq!(listed_home(list, 7), None);
        assert_eq!(service_dir(Some("/var/lib/teem:/var/lib/more".into())), Some(PathBuf::from("/var/lib/teem")));
        assert_eq!(service_dir(Some("relative".into())), None);
        assert_eq!(service_dir(None), None);
    }

    #[test]
    fn whether_a_file_could_be_written_is_known_before() {
        let folder = env::temp_dir().join(format!("teem-may-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let name = |length: usize| folder.join("n".repeat(length));
        for path in [name(1), name(255)] {
            may_write_whole(&path).unwrap();
            assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 0, "nothing is left behind");
            write_whole(&path, b"x", Readers::Usual).unwrap();
            std::fs::remove_file(path).unwrap();
        }
        let long = "\u{e4}".repeat(127);
        write_whole(&folder.join(&long), b"x", Readers::Usual).unwrap();
        assert!(may_write_whole(&name(256)).unwrap_err().to_string().contains("cannot be written"));
        assert!(may_write_whole(&folder).is_err() && may_write_whole(&folder.join("no/x")).is_err());
        write_whole(Path::new("/dev/null"), b"x", Readers::Usual).unwrap();
        assert!(!std::fs::metadata("/dev/null").unwrap().is_file(), "it is what it was");
        let full = write_whole(Path::new("/dev/full"), b"x", Readers::Usual).unwrap_err();
        assert!(full.to_string().contains("/dev/full"), "{full}");
        std::fs::remove_dir_all(folder).unwrap();
    }
}
