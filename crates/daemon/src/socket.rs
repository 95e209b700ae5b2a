//! The socket in the file system that the user's own programs reach the daemon by (own design): who may connect is decided by the user that asks.
use std::fmt;
use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt};
use std::os::unix::net::{UnixListener as StdListener, UnixStream as StdStream};
use std::path::{Path, PathBuf};
use std::time::Duration;
use teem_web::{Ends, Server};
use tokio::net::UnixListener;

/// Pause after an accept that failed: out of descriptors, which only time mends.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The user who may do everything anyway.
const ROOT: u32 = 0;

/// A socket that is listened on; its name is removed when this is dropped.
pub struct Socket {
    listener: StdListener,
    path: PathBuf,
    /// Whether its name is another's to remove.
    is_handed: bool,
    /// The user that it belongs to.
    owner: u32,
}

/// Why it cannot be listened on.
#[derive(Debug)]
pub enum SocketError {
    /// A daemon is listening on it.
    Taken(PathBuf),
    /// Something else lies there.
    InTheWay(PathBuf),
    /// It cannot be made.
    Io(PathBuf, io::Error),
}

impl fmt::Display for SocketError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Taken(path) => write!(f, "a daemon runs already: it listens on {}", path.display()),
            Self::InTheWay(path) => write!(f, "{} is in the way: it is no socket", path.display()),
            Self::Io(path, e) => write!(f, "{} cannot be listened on: {e}", path.display()),
        }
    }
}

impl std::error::Error for SocketError {}

/// Makes the folder of a socket, which its owner alone can enter.
pub fn ready_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

impl Socket {
    /// Listens. What a daemon that was killed has left is taken over.
    pub fn bind(path: &Path) -> Result<Self, SocketError> {
        let fail = |e| SocketError::Io(path.to_owned(), e);
        match fs::symlink_metadata(path) {
            Ok(meta) if !meta.file_type().is_socket() => return Err(SocketError::InTheWay(path.to_owned())),
            Ok(_) if StdStream::connect(path).is_ok() => return Err(SocketError::Taken(path.to_owned())),
            Ok(_) => fs::remove_file(path).map_err(fail)?,
            Err(e) if e.kind() == io::ErrorKind::NotFound => {}
            Err(e) => return Err(fail(e)),
        }
        let listener = StdListener::bind(path).map_err(fail)?;
        listener.set_nonblocking(true).map_err(fail)?;
        let owner = fs::symlink_metadata(path).map_err(fail)?.uid();
        Ok(Self { listener, path: path.to_owned(), is_handed: false, owner })
    }

    /// Takes one that a manager of services listens on. It belongs to the user whom its name belongs to.
    pub fn handed(listener: StdListener) -> Result<Self, SocketError> {
        let path =
            listener.local_addr().ok().and_then(|addr| addr.as_pathname().map(Path::to_owned)).unwrap_or_default();
        let fail = |e| SocketError::Io(path.clone(), e);
        listener.set_nonblocking(true).map_err(fail)?;
        let owner = fs::symlink_metadata(&path).map_err(fail)?.uid();
        Ok(Self { listener, path, is_handed: true, owner })
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Hands connections of its owner to a server, until the future is dropped. Others are let go of without a word.
    pub async fn serve(&self, server: &Server) -> io::Result<()> {
        let listener = UnixListener::from_std(self.listener.try_clone()?)?;
        // A socket of this machine has no addresses; what is said of them is this machine's.
        let here = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        loop {
            match listener.accept().await {
                Ok((stream, _)) => {
                    let user = stream.peer_cred().ok().map(|cred| cred.uid());
                    if user.is_some_and(|user| user == self.owner || user == ROOT) {
                        server.connection(stream, Ends { remote: here, local: here, user });
                    }
                }
                Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
            }
        }
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        if !self.is_handed {
            // One that stays is taken over by the next daemon.
            let _ = fs::remove_file(&self.path);
        }
    }
}
