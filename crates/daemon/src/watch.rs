//! Folders from which .torrent and .magnet files are taken (own design): looked at when the system tells of a change, else every two seconds, so that network
//! folders are no exception.
//!
//! A file is taken once two looks find it alike, so that one that is still being written is left alone. One that was taken is called `NAME.added` from then on; beside one
//! that is refused lies `NAME.refused.txt` with the reason, and it is looked at again when it changes. Links are not followed.
use crate::adding::Wishes;
use crate::changes::Changes;
use crate::daemon::Daemon;
use crate::failed::AddFailed;
use std::collections::HashMap;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use teem_client::policy::Goal;
use teem_client::{AddError, source};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

/// Between two looks at least, and at most while something changes or nobody tells.
const LOOK: Duration = Duration::from_secs(2);
/// Between two looks where changes are told and there was none: what could not be taken for no fault of its own is tried again.
const REST: Duration = Duration::from_secs(60);
/// Files of one folder that are looked at.
const FILES_MAX: usize = 10_000;
/// Bytes of a .magnet file.
const MAGNET_MAX: u64 = 64 << 10;

/// A folder that is watched.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Watched {
    /// Where the files are put.
    pub folder: PathBuf,
    /// Where content goes; the daemon's first folder, or the label's, where none is named.
    pub(crate) to: Option<PathBuf>,
    /// Words to find the torrents by.
    pub(crate) labels: Vec<String>,
    /// Whether they rest until they are resumed.
    pub(crate) paused: bool,
    /// When each has given enough.
    pub(crate) until: Option<Goal>,
}

/// How a file looks: bytes, and when they were changed.
type Look = (u64, Option<SystemTime>);

/// What a file holds.
enum Content {
    Torrent(Vec<u8>),
    Magnet(String),
}

impl Daemon {
    /// Takes what is put into these folders, until the future is dropped.
    pub async fn watch(&self, folders: Vec<Watched>) {
        if folders.is_empty() {
            return std::future::pending().await;
        }
        let mut seen: HashMap<PathBuf, Look> = HashMap::new();
        let told = Arc::new(Notify::new());
        let mut changes = Changes::new(told.clone());
        let places: Arc<[PathBuf]> = folders.iter().map(|watched| watched.folder.clone()).collect();
        loop {
            let began = Instant::now();
            let places = places.clone();
            // It is heard before it is looked at, so that nothing comes in between.
            let hearing = tokio::task::spawn_blocking(move || {
                let is_told = changes.hear(&places);
                (changes, is_told)
            });
            let (heard, is_told) = hearing.await.unwrap_or_else(|_| (Changes::new(told.clone()), false));
            changes = heard;
            let mut is_settled = true;
            let mut there = HashMap::new();
            for watched in &folders {
                let folder = watched.folder.clone();
                let files = tokio::task::spawn_blocking(move || files(&folder)).await.unwrap_or_default();
                for (path, look) in files {
                    if seen.get(&path) == Some(&look) {
                        self.take(watched, path.clone()).await;
                    } else {
                        is_settled = false;
                    }
                    there.insert(path, look);
                }
            }
            seen = there;
            let next = if is_told && is_settled { REST } else { LOOK };
            tokio::select! {
                () = sleep_until(began + next) => {}
                () = told.notified() => sleep_until(began + LOOK).await,
            }
        }
    }

    async fn take(&self, watched: &Watched, path: PathBuf) {
        let file = path.clone();
        let content = tokio::task::spawn_blocking(move || content(&file)).await;
        let content = content.unwrap_or_else(|e| Err(e.to_string()));
        let wishes = Wishes {
            folder: watched.to.clone(),
            labels: watched.labels.iter().cloned().collect(),
            paused: watched.paused,
            until: watched.until,
            ..Wishes::default()
        };
        let added = match content {
            Ok(Content::Torrent(bytes)) => self.add_file(&bytes, wishes).await,
            Ok(Content::Magnet(link)) => self.add_link(&link, wishes).await,
            Err(why) => Err(AddFailed::Wish(why)),
        };
        let outcome = match added {
            Ok(_) | Err(AddFailed::Client(AddError::Already(_))) => Ok(()),
            // It is no fault of the file's: it is tried again with the next look.
            Err(AddFailed::Store(_) | AddFailed::Client(AddError::Stopped)) => return,
            Err(e) => Err(e.to_string()),
        };
        // Where the folder cannot be written to the file is there again with the next look, and is there already.
        let _ = tokio::task::spawn_blocking(move || note(&path, outcome)).await;
    }
}

/// The files that may be taken, with how each looks.
fn files(folder: &Path) -> Vec<(PathBuf, Look)> {
    let Ok(all) = fs::read_dir(folder) else { return Vec::new() };
    let file = |entry: io::Result<fs::DirEntry>| {
        let path = entry.ok()?.path();
        let is_wanted = path.extension().is_some_and(|end| end == "torrent" || end == "magnet");
        let is_hidden = path.file_name().is_none_or(|name| name.as_encoded_bytes().starts_with(b"."));
        let meta = fs::symlink_metadata(&path).ok().filter(|meta| meta.is_file() && is_wanted && !is_hidden)?;
        let changed = meta.modified().ok();
        // One that was refused is as it was.
        let refused = fs::symlink_metadata(refusal(&path)).ok().and_then(|meta| meta.modified().ok());
        (refused < changed || refused.is_none()).then_some((path, (meta.len(), changed)))
    };
    all.take(FILES_MAX).filter_map(file).collect()
}

fn content(path: &Path) -> Result<Content, String> {
    if path.extension().is_some_and(|end| end == "torrent") {
        return source::read_limited(path).map(Content::Torrent).map_err(|e| e.to_string());
    }
    let mut text = String::new();
    let file = fs::File::open(path).map_err(|e| e.to_string())?;
    file.take(MAGNET_MAX).read_to_string(&mut text).map_err(|e| e.to_string())?;
    let link = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    if source::from_magnet(link).is_none() {
        return Err("its first line is no magnet link".to_owned());
    }
    Ok(Content::Magnet(link.to_owned()))
}

/// Notes beside a file, or in its name, what became of it.
fn note(path: &Path, outcome: Result<(), String>) -> io::Result<()> {
    match outcome {
        Ok(()) => {
            // The reason of an earlier time.
            let _ = fs::remove_file(refusal(path));
            fs::rename(path, with(path, ".added"))
        }
        Err(why) => {
            // Made anew, so that nothing is written over a link that somebody put there.
            let place = refusal(path);
            let _ = fs::remove_file(&place);
            let mut file = fs::File::create_new(place)?;
            io::Write::write_all(&mut file, format!("{why}\n").as_bytes())
        }
    }
}

fn refusal(path: &Path) -> PathBuf {
    with(path, ".refused.txt")
}

fn with(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    name.into()
}
