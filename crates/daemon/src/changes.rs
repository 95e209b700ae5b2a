//! Changes in folders, told by the system where it can (own design): by inotify on Linux.
//!
//! A file system that others change over a network tells nothing of that, and one in user space may not either: what lies there has to be looked at by the clock, as
//! everything has where the system says that it can watch no more.
use notify::event::{AccessKind, AccessMode, RemoveKind};
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher, recommended_watcher};
use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::Notify;

/// Has the changes in some folders told. It costs one thread and three descriptors, however many they are.
pub(crate) struct Changes {
    watcher: Option<RecommendedWatcher>,
    /// Device and inode of what is watched: a folder that was made anew is another.
    heard: HashMap<PathBuf, (u64, u64)>,
    /// Set when a folder went: a new one at its place may have its inode.
    is_one_gone: Arc<AtomicBool>,
}

impl Changes {
    /// Tells `told` of each change from then on.
    pub(crate) fn new(told: Arc<Notify>) -> Self {
        let is_one_gone = Arc::new(AtomicBool::new(false));
        let gone = is_one_gone.clone();
        let tell = move |event: notify::Result<Event>| {
            let kind = event.as_ref().map(|event| event.kind);
            if kind.is_ok_and(|kind| matches!(kind, EventKind::Remove(what) if what != RemoveKind::File)) {
                gone.store(true, Ordering::Relaxed);
            }
            // What was lost may have been a change.
            if !event.is_ok_and(|event| is_none(&event)) {
                told.notify_one();
            }
        };
        Self { watcher: recommended_watcher(tell).ok(), heard: HashMap::new(), is_one_gone }
    }

    /// Hears of changes in these folders from now on, anew of one that is another; whether it hears of all. Waits for the medium.
    pub(crate) fn hear(&mut self, folders: &[PathBuf]) -> bool {
        if self.is_one_gone.swap(false, Ordering::Relaxed) {
            let gone: Vec<PathBuf> = self.heard.drain().map(|(folder, _)| folder).collect();
            if let Some(watcher) = &mut self.watcher {
                for folder in gone {
                    unwatch(watcher, &folder);
                }
            }
        }
        // Each is tried, whatever became of others.
        let heard: Vec<bool> = folders.iter().map(|folder| self.hear_one(folder)).collect();
        heard.into_iter().all(|is_heard| is_heard)
    }

    fn hear_one(&mut self, folder: &Path) -> bool {
        let Some(watcher) = &mut self.watcher else { return false };
        let Ok(meta) = fs::metadata(folder) else { return false };
        let is = (meta.dev(), meta.ino());
        if self.heard.get(folder) == Some(&is) {
            return true;
        }
        if self.heard.remove(folder).is_some() {
            unwatch(watcher, folder);
        }
        let is_heard = tells(folder) && watcher.watch(folder, RecursiveMode::NonRecursive).is_ok();
        if is_heard {
            self.heard.insert(folder.to_owned(), is);
        }
        is_heard
    }
}

/// Hears no more of a folder; the system may have forgotten it already.
fn unwatch(watcher: &mut RecommendedWatcher, folder: &Path) {
    let _ = watcher.unwatch(folder);
}

/// Whether something was only looked at, as we do ourselves.
fn is_none(event: &Event) -> bool {
    let is_access = matches!(event.kind, EventKind::Access(_));
    is_access && event.kind != EventKind::Access(AccessKind::Close(AccessMode::Write)) && !event.need_rescan()
}

/// Whether the file system of a folder tells of all changes: those over a network and in user space do not.
#[cfg(target_os = "linux")]
fn tells(folder: &Path) -> bool {
    // NFS, SMB, CIFS, SMB 2, FUSE, 9P, AFS twice, Ceph, Coda, Lustre, OCFS2, GFS2: as `statfs` calls them.
    const DEAF: [i64; 13] = [
        0x6969,
        0x517b,
        0xff53_4d42,
        0xfe53_4d42,
        0x6573_5546,
        0x0102_1997,
        0x5346_414f,
        0x6b41_4653,
        0x00c3_6400,
        0x7375_7245,
        0x0bd0_0bd0,
        0x7461_636f,
        0x0116_1970,
    ];
    // A number of 32 bits, which some systems give a sign.
    let kind = rustix::fs::statfs(folder).map(|told| i64::from(told.f_type as u32));
    kind.is_ok_and(|kind| !DEAF.contains(&kind))
}

/// Elsewhere it is not known which do.
#[cfg(not(target_os = "linux"))]
fn tells(_: &Path) -> bool {
    false
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use std::time::Duration;

    /// On a machine with much else to do.
    const SOON: Duration = Duration::from_secs(60);

    async fn is_told(told: &Notify) -> bool {
        tokio::time::timeout(SOON, told.notified()).await.is_ok()
    }

    #[tokio::test]
    async fn changes_are_told_also_of_a_folder_that_was_made_anew() {
        let folder = std::env::temp_dir().join(format!("teem-changes-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let told = Arc::new(Notify::new());
        let mut changes = Changes::new(told.clone());
        let all = [folder.clone()];
        assert!(changes.hear(&all) && changes.hear(&all));
        fs::write(folder.join("a"), "x").unwrap();
        assert!(is_told(&told).await);
        fs::remove_dir_all(&folder).unwrap();
        assert!(is_told(&told).await && !changes.hear(&all), "it is not there");
        fs::create_dir(&folder).unwrap();
        assert!(changes.hear(&all));
        // Those of its end may come late; what follows is one more.
        while tokio::time::timeout(Duration::from_millis(50), told.notified()).await.is_ok() {}
        fs::write(folder.join("b"), "x").unwrap();
        assert!(is_told(&told).await);
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn looking_is_no_change() {
        let of = |kind| is_none(&Event::new(kind));
        assert!(of(EventKind::Access(AccessKind::Open(AccessMode::Any))));
        assert!(of(EventKind::Access(AccessKind::Close(AccessMode::Read))));
        assert!(!of(EventKind::Access(AccessKind::Close(AccessMode::Write))));
        assert!(!of(EventKind::Create(notify::event::CreateKind::File)) && !of(EventKind::Any));
        assert!(tells(&std::env::temp_dir()) && !tells(Path::new("/nonexistent")));
    }
}
