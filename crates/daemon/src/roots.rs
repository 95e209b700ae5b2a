//! Which folders content may go into (own design): those that the daemon was given, and what is below.
//!
//! A disk may hang, and whoever looks at it then hangs with it. So folders are looked at on threads of their own, a few for each root, and what is to be answered
//! waits for that a while only: torrents and roots on other disks go on.
use crate::daemon::Daemon;
use std::fs;
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::Ordering;
use std::time::Duration;

/// How long a disk may take to say what a folder is.
const LOOK_MAX: Duration = Duration::from_secs(5);

impl Daemon {
    /// The folder that content goes into where none is named.
    pub(crate) fn first_root(&self) -> &Path {
        self.0.roots.first().map_or(Path::new("/"), PathBuf::as_path)
    }

    /// Looks at a folder on a thread of its own. A disk that does not answer is an error after some seconds, and holds no other up.
    pub(crate) async fn look<T: Send + 'static>(
        &self,
        folder: &Path,
        look: impl FnOnce(&Self) -> Result<T, String> + Send + 'static,
    ) -> Result<T, String> {
        let (daemon, room) = (self.clone(), self.0.looks.of(folder));
        let look = async move {
            let turn = room.acquire_owned().await;
            let look = move || {
                let found = look(&daemon);
                drop(turn);
                found
            };
            tokio::task::spawn_blocking(look).await
        };
        match tokio::time::timeout(LOOK_MAX, look).await {
            Ok(Ok(found)) => found,
            Ok(Err(e)) => Err(format!("a fault of this program, please report it: {e}")),
            Err(_) => Err(format!("the disk of {} does not answer", folder.display())),
        }
    }

    /// The folder without links, or why content may not go there, in a sentence. What is not there yet is judged by what of it is. Waits for the medium.
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

    /// The same on a thread of its own.
    pub(crate) async fn checked(&self, folder: &Path) -> Result<PathBuf, String> {
        let wanted = folder.to_owned();
        self.look(folder, move |daemon| daemon.below_roots(&wanted)).await
    }

    /// Bytes that are free and bytes that there are where a folder lies or is to lie, or why that is not told.
    pub(crate) async fn space(&self, folder: &Path) -> Result<(u64, u64), String> {
        let wanted = folder.to_owned();
        let look = move |daemon: &Self| {
            let folder = daemon.below_roots(&wanted)?;
            let there = folder.ancestors().find(|above| above.exists()).unwrap_or(Path::new("/"));
            space(there)
        };
        self.look(folder, look).await
    }

    /// Bytes that are free below the first root, as they were some seconds ago.
    pub(crate) fn free(&self) -> u64 {
        self.0.looks.free.load(Ordering::Relaxed)
    }

    /// Looks how much is free below the first root, without waiting for that, unless it was not told yet last time.
    pub(crate) fn look_for_room(&self) {
        let Ok(turn) = self.0.looks.one.clone().try_acquire_owned() else { return };
        let (root, free) = (self.first_root().to_owned(), self.0.looks.free.clone());
        tokio::task::spawn_blocking(move || {
            if let Ok((bytes, _)) = space(&root) {
                free.store(bytes, Ordering::Relaxed);
            }
            drop(turn);
        });
    }
}

/// Bytes that are free and bytes that there are in the file system of what is there.
fn space(there: &Path) -> Result<(u64, u64), String> {
    let told = rustix::fs::statvfs(there).map_err(|e| e.to_string())?;
    Ok((told.f_bavail * told.f_frsize, told.f_blocks * told.f_frsize))
}
