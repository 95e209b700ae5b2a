//! Moving, renaming and removing what a torrent has on the disk (own design): the torrent rests meanwhile, so that nothing else
//! touches its files, and goes on afterwards where it lies then.
//!
//! What has to be copied of a complete torrent is copied while it is served. A move goes on when nobody waits for it, and is gone on with by the
//! next run where this one ends.
use crate::entry::Job;
use crate::places::AddError;
use crate::status::Ended;
use crate::torrent::Torrent;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use teem_disk::Place;
use teem_disk::jobs::{JobFailed, Watch, Where};
use teem_metainfo::path::sanitise;
use teem_metainfo::{File, Info};
use teem_swarm::event::State;
use teem_swarm::job::{DiskError, DiskErrorKind};

/// Bytes of a file's name.
const NAME_MAX: usize = 255;

/// Why a job is not done.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum JobError {
    /// Another is under way for the same torrent.
    Busy,
    /// Another torrent of this client writes there.
    Taken(AddError),
    /// There is no such file or folder of the torrent's, or its new name can be none: a sentence.
    Name(String),
    /// The disk: all lies where it lay, unless the second says that the job is to be gone on with.
    Disk(DiskError, bool),
    /// The torrent has ended.
    Ended(Ended),
}

impl fmt::Display for JobError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Busy => f.write_str("it is being moved already"),
            Self::Taken(e) => write!(f, "{e}"),
            Self::Name(why) => f.write_str(why),
            Self::Disk(e, _) => write!(f, "{e}"),
            Self::Ended(e) => write!(f, "{e}"),
        }
    }
}

impl std::error::Error for JobError {}

impl From<JobFailed> for JobError {
    fn from(failed: JobFailed) -> Self {
        Self::Disk(failed.error, failed.pending)
    }
}

impl Torrent {
    /// Where its content lies, or is to lie; `None` when it is gone.
    pub fn place(&self) -> Option<Where> {
        self.registry.places.lies(self.id()).map(|(place, _)| Where::of(&place))
    }

    /// The path of its content: a file or a folder; `None` while the metadata is missing.
    pub fn content_path(&self) -> Option<PathBuf> {
        let (place, _) = self.registry.places.lies(self.id())?;
        let name = place.name.or_else(|| self.status().about.map(|about| about.name.to_string()))?;
        Some(place.folder.join(name))
    }

    /// Bytes of a move that are done, and of how many; `None` while none is under way.
    pub fn progress(&self) -> Option<(u64, u64)> {
        self.entry.job().as_ref().map(|job| job.watch.progress())
    }

    /// Moves its content into another folder, absolute; where it lies then. The record of it stays until [`Torrent::keep_move`].
    pub async fn move_to(&self, folder: &Path) -> Result<Where, JobError> {
        let before = self.place().ok_or(JobError::Ended(Ended::Removed))?;
        let to = Where { folder: folder.to_owned(), ..before.clone() };
        if to == before { Ok(to) } else { self.relocate(to, None).await }
    }

    /// Gives a file or a folder of its content another name. Both are paths beneath the folder that it lies in, so they begin with the name
    /// of the content itself. Waits for the metadata.
    pub async fn rename(&self, path: &str, to: &str) -> Result<Where, JobError> {
        let info = self.metadata().await.map_err(JobError::Ended)?;
        let before = self.place().ok_or(JobError::Ended(Ended::Removed))?;
        let to = renamed(&info, &before, path, to).map_err(JobError::Name)?;
        if to == before { Ok(to) } else { self.relocate(to, None).await }
    }

    /// Goes on with a move that an earlier run has left, of a torrent that rests since it was added; `works` says whether it is to be at work
    /// afterwards.
    pub async fn go_on_moving(&self, to: Where, works: bool) -> Result<Where, JobError> {
        self.relocate(to, Some(works)).await
    }

    /// What came of a move is kept by its owner: the record of it goes.
    pub async fn keep_move(&self) -> io::Result<()> {
        let Some((place, _)) = self.registry.places.lies(self.id()) else { return Ok(()) };
        let (disk, hash) = (self.disk.clone(), self.info_hash());
        blocking(move || disk.forget_job(hash, &place.state_dir)).await.unwrap_or_else(|e| Err(io::Error::other(e)))
    }

    /// Writes down that the files that are its own are to be removed; it rests from then on. What follows is [`Torrent::remove_with_data`], in this
    /// run or in another.
    pub async fn plan_to_clear(&self) -> Result<(), JobError> {
        self.entry.give_job_up().await;
        self.rest().await.map_err(JobError::Ended)?;
        let Some((place, true)) = self.registry.places.lies(self.id()) else { return Ok(()) };
        let info = self.load().await?;
        let (disk, id) = (self.disk.clone(), self.id());
        let planned = blocking(move || disk.plan_to_clear(id, &info, &place)).await;
        planned.unwrap_or_else(|e| Err(fell(e)))?;
        Ok(())
    }

    /// Ends the torrent as [`Torrent::remove`] does, and removes the files that its saved state knows as its own, the folders of its own that are
    /// empty then, and what is saved of it. Sentences about what was left.
    pub async fn remove_with_data(&self) -> Result<Vec<String>, JobError> {
        self.plan_to_clear().await?;
        self.remove_cleared().await
    }

    /// The same after [`Torrent::plan_to_clear`].
    pub async fn remove_cleared(&self) -> Result<Vec<String>, JobError> {
        let place = self.registry.places.lies(self.id()).map(|(place, _)| place);
        self.remove().await;
        let Some(place) = place else { return Ok(Vec::new()) };
        let (disk, hash) = (self.disk.clone(), self.info_hash());
        let cleared = blocking(move || disk.clear(hash, &place.state_dir)).await;
        Ok(cleared.unwrap_or_else(|e| Err(fell(e)))?)
    }

    /// Ends the torrent as [`Torrent::remove`] does, and forgets what is saved of it: its files stay, and are looked at anew if it comes again.
    pub async fn forget(&self) -> io::Result<()> {
        let place = self.registry.places.lies(self.id()).map(|(place, _)| place);
        self.remove().await;
        let Some(place) = place else { return Ok(()) };
        let (disk, hash) = (self.disk.clone(), self.info_hash());
        blocking(move || disk.forget(hash, &place)).await.unwrap_or_else(|e| Err(io::Error::other(e)))
    }

    /// Its metadata, read where it is kept when the torrent is but a record.
    async fn load(&self) -> Result<Arc<Info>, JobError> {
        let (registry, id) = (self.registry.clone(), self.id());
        let loaded = blocking(move || registry.places.load(id)).await.unwrap_or_else(|e| Err(e.to_string()));
        let failed = |message| JobError::Disk(DiskError { kind: DiskErrorKind::Io, message }, true);
        loaded.map(|(_, info)| info).map_err(failed)
    }

    /// Moves; goes on although nobody waits for it any more.
    async fn relocate(&self, to: Where, works: Option<bool>) -> Result<Where, JobError> {
        let watch = Arc::new(Watch::default());
        {
            let mut job = self.entry.job();
            if job.is_some() {
                return Err(JobError::Busy);
            }
            let works_then = works.unwrap_or_else(|| self.entry.status().state != State::Paused);
            *job = Some(Job { watch: Arc::clone(&watch), works_then });
        }
        self.registry.change(&self.entry, |status| status.moving = true);
        let torrent = self.clone();
        let moving = tokio::spawn(async move {
            let moved = torrent.carry_out(to, &watch).await;
            let job = torrent.entry.job().take();
            torrent.registry.change(&torrent.entry, |status| status.moving = false);
            let is_whole = match &moved {
                Ok(_) => true,
                Err(JobError::Disk(_, pending)) => !pending,
                // What an earlier run has left is not opened before it is gone on with.
                Err(_) => works.is_none(),
            };
            if is_whole && job.is_some_and(|job| job.works_then) {
                // One that has ended meanwhile is told as that.
                let _ = torrent.resume().await;
            }
            moved
        });
        let fault = |e: tokio::task::JoinError| JobError::Disk(fell(e).error, true);
        moving.await.unwrap_or_else(|e| Err(fault(e)))
    }

    async fn carry_out(&self, to: Where, watch: &Arc<Watch>) -> Result<Where, JobError> {
        let places = &self.registry.places;
        let gone = || JobError::Ended(Ended::Removed);
        let (from, lies) = places.lies(self.id()).ok_or_else(gone)?;
        let target = to.like(&from);
        if !lies {
            if places.redirect(self.id(), &target) {
                self.entry.set_folder(&to.folder);
                return Ok(to);
            }
            return Err(if places.lies(self.id()).is_some() { JobError::Busy } else { gone() });
        }
        let info = self.load().await?;
        let (registry, place, of) = (self.registry.clone(), target.clone(), info.clone());
        // Those that rest there are known by their files then.
        let recalled = blocking(move || registry.places.recall_before(&place, &of)).await;
        recalled.map_err(|e| JobError::from(fell(e)))?;
        places.begin_move(self.id(), &target, &info).map_err(JobError::Taken)?;
        let moved = self.carry_out_on_disk(&info, &from, &target, watch).await;
        let lies = moved.as_ref().map_or_else(|_| from.clone(), |there| there.like(&from));
        places.end_move(self.id(), &target, &lies, &info);
        self.entry.set_folder(&lies.folder);
        moved
    }

    async fn carry_out_on_disk(
        &self,
        info: &Arc<Info>,
        from: &Place,
        to: &Place,
        watch: &Arc<Watch>,
    ) -> Result<Where, JobError> {
        let _turn = self.registry.movers.0.acquire().await.map_err(|_| JobError::Ended(Ended::Removed))?;
        let (disk, id, watch) = (&self.disk, self.id(), Arc::clone(watch));
        let (is_complete, rests) = {
            let status = self.entry.status();
            (status.complete.is_some(), status.state == State::Paused)
        };
        if is_complete && !rests {
            let (disk, info, from, to, watch) = (disk.clone(), info.clone(), from.clone(), to.clone(), watch.clone());
            let staged = blocking(move || disk.stage(&info, (&from, &to), &watch)).await;
            staged.unwrap_or_else(|e| Err(fell(e)))?;
        }
        self.rest().await.map_err(JobError::Ended)?;
        let (disk, info, from, to) = (disk.clone(), info.clone(), from.clone(), to.clone());
        let moved = blocking(move || disk.relocate(id, &info, (&from, &to), &watch)).await;
        Ok(moved.unwrap_or_else(|e| Err(fell(e)))?)
    }
}

/// Does what waits for the medium where that holds nobody up.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, tokio::task::JoinError> {
    tokio::task::spawn_blocking(work).await
}

/// A job that did not come to its end by a fault of ours, or because everything ends.
fn fell(e: tokio::task::JoinError) -> JobFailed {
    JobFailed { error: DiskError { kind: DiskErrorKind::Fault, message: e.to_string() }, pending: true }
}

/// Where content lies with another name for one of its files or folders, or why it cannot be called so.
fn renamed(info: &Info, before: &Where, path: &str, to: &str) -> Result<Where, String> {
    for part in to.split('/') {
        let safe = sanitise(part.as_bytes(), NAME_MAX);
        if part != safe {
            return Err(format!("`{part}` cannot be the name of a file everywhere: `{safe}` can"));
        }
    }
    let content = before.name.as_deref().unwrap_or(info.name());
    let nothing = || format!("the torrent has no file or folder {path}");
    if path == content {
        if to.contains('/') {
            return Err("what a torrent is called is one name, without slashes".to_owned());
        }
        let name = Some(to.to_owned()).filter(|name| name != info.name());
        return Ok(Where { name, ..before.clone() });
    }
    let path = below(path, content).filter(|_| !info.is_single_file()).ok_or_else(nothing)?;
    let to = below(to, content).ok_or_else(|| format!("what lies in {content} stays in it"))?;
    let mut after = before.clone();
    let mut found = false;
    for (index, file) in info.files().iter().enumerate().filter(|(_, file)| file.is_stored()) {
        let own = File::path(&file);
        let now = before.names.get(&index).map_or(own.as_str(), String::as_str);
        let Some(rest) = now.strip_prefix(path).filter(|rest| rest.is_empty() || rest.starts_with('/')) else {
            continue;
        };
        found = true;
        let then = format!("{to}{rest}");
        if then == own {
            after.names.remove(&index)
        } else {
            after.names.insert(index, then)
        };
    }
    if found { Ok(after) } else { Err(nothing()) }
}

fn below<'a>(text: &'a str, content: &str) -> Option<&'a str> {
    text.strip_prefix(content)?.strip_prefix('/')
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;
    use teem_metainfo::Limits;

    fn info() -> Info {
        let text = |text: &str| format!("{}:{text}", text.len());
        let file =
            |path: &[&str]| format!("d6:lengthi5e4:pathl{}ee", path.iter().map(|part| text(part)).collect::<String>());
        let files: String = [&["a"][..], &["d", "b"], &["d", "e", "c"], &["dd"]].into_iter().map(file).collect();
        let raw = format!("d5:filesl{files}e4:name1:t12:piece lengthi16384e6:pieces20:{}e", "x".repeat(20));
        Info::parse(raw.as_bytes(), &Limits::FILE).unwrap()
    }

    fn names(list: &[(usize, &str)]) -> BTreeMap<usize, String> {
        list.iter().map(|(index, name)| (*index, (*name).to_owned())).collect()
    }

    #[test]
    fn files_folders_and_the_whole_get_other_names() {
        let (info, before) = (info(), Where { folder: "/x".into(), name: None, names: BTreeMap::new() });
        let of = |path: &str, to: &str| renamed(&info, &before, path, to).map(|to| (to.name, to.names));
        assert_eq!(of("t", "u"), Ok((Some("u".into()), names(&[]))));
        assert_eq!(of("t", "t"), Ok((None, names(&[]))));
        assert_eq!(of("t/d/b", "t/d/bb"), Ok((None, names(&[(1, "d/bb")]))));
        assert_eq!(of("t/d", "t/f/g"), Ok((None, names(&[(1, "f/g/b"), (2, "f/g/e/c")]))));
        for (path, to) in [("t/x", "t/y"), ("a", "b"), ("t/d/", "t/x"), ("u/a", "u/b")] {
            assert_eq!(of(path, to), Err(format!("the torrent has no file or folder {path}")));
        }
        for to in ["", "..", "t/../x", "t//x", "/x", "t/x/", "t/a\0b", "t/a:b", "t/con"] {
            assert!(of("t/a", to).unwrap_err().contains("cannot be the name"), "{to}");
        }
        assert!(of("t/a", "u/a").is_err() && of("t", "u/a").is_err());
        // Names build on each other, and the torrent's own are none.
        let then = renamed(&info, &before, "t/d", "t/f").and_then(|then| renamed(&info, &then, "t", "u")).unwrap();
        assert_eq!((&then.name, &then.names), (&Some("u".into()), &names(&[(1, "f/b"), (2, "f/e/c")])));
        let back = renamed(&info, &then, "u/f", "u/d").and_then(|then| renamed(&info, &then, "u", "t")).unwrap();
        assert_eq!(back, before);
    }
}
