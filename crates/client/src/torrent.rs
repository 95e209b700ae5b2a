//! The handle of one torrent (own design).
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use teem_host::host::HostHandle;
use teem_host::mailbox::HostMsg;
use teem_metainfo::{Info, InfoHash, TorrentKey};
use teem_swarm::command::Command;
use teem_swarm::event::{Event, Snapshot, State};
use teem_swarm::ids::TorrentId;
use teem_swarm::job::DiskError;
use teem_swarm::selection::Selection;
use tokio::sync::{broadcast, watch};

/// Events kept for a listener that is slow; older ones are lost to it, never the [`Status`].
pub(crate) const EVENTS_KEPT: usize = 256;

/// What is true of a torrent from some moment on. Unlike events it cannot be missed.
#[derive(Clone, Debug)]
pub struct Status {
    /// What the torrent does.
    pub state: State,
    /// Its metadata, once known.
    pub info: Option<Arc<Info>>,
    /// Set when every piece that is wanted is verified; true when that was so from the start.
    pub complete: Option<bool>,
    /// Whether all of a complete torrent is on the disk for good.
    pub durable: bool,
    /// Why it cannot go on.
    pub failed: Option<(String, Option<DiskError>)>,
    /// The disk's present trouble.
    pub disk: Option<DiskError>,
    /// Whether it has been removed from the client.
    pub removed: bool,
}

/// Where the router puts what concerns one torrent.
pub(crate) struct Feed {
    pub(crate) events: broadcast::Sender<Event>,
    pub(crate) status: watch::Sender<Status>,
    pub(crate) snapshot: watch::Sender<Option<Box<Snapshot>>>,
    pub(crate) availability: watch::Sender<Option<Box<[u16]>>>,
}

/// A torrent ended before what was waited for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Ended {
    /// It cannot go on, for this reason; the disk's own error where it is the disk that refuses.
    Failed(String, Option<DiskError>),
    /// It was removed, or the client was shut down.
    Removed,
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(why, _) => f.write_str(why),
            Self::Removed => f.write_str("the torrent was removed"),
        }
    }
}

impl std::error::Error for Ended {}

/// A torrent of a client; cheap to clone.
#[derive(Clone)]
pub struct Torrent {
    pub(crate) id: TorrentId,
    pub(crate) key: TorrentKey,
    pub(crate) folder: PathBuf,
    pub(crate) host: HostHandle,
    pub(crate) events: broadcast::Sender<Event>,
    pub(crate) status: watch::Receiver<Status>,
    pub(crate) snapshot: watch::Receiver<Option<Box<Snapshot>>>,
    pub(crate) availability: watch::Receiver<Option<Box<[u16]>>>,
}

impl Torrent {
    /// What it was known by when it was added; the metadata may know more.
    pub fn key(&self) -> TorrentKey {
        self.key
    }

    /// The 20 bytes that peers and trackers know it by.
    pub fn info_hash(&self) -> InfoHash {
        self.key.wire()
    }

    /// The folder that its content goes into.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// What is true of it now.
    pub fn status(&self) -> Status {
        self.status.borrow().clone()
    }

    /// Wakes at every change of the status.
    pub fn watch(&self) -> watch::Receiver<Status> {
        self.status.clone()
    }

    /// Everything that happens from now on; a slow listener loses the oldest of 256.
    pub fn events(&self) -> broadcast::Receiver<Event> {
        self.events.subscribe()
    }

    /// The figures of this moment.
    pub async fn snapshot(&self) -> Result<Snapshot, Ended> {
        let mut answers = self.snapshot.clone();
        answers.mark_unchanged();
        self.command(Command::Snapshot(self.id))?;
        answers.changed().await.map_err(|_| Ended::Removed)?;
        let answer = answers.borrow().as_deref().cloned();
        answer.ok_or(Ended::Removed)
    }

    /// How many connected peers have each piece; empty while the metadata is missing.
    pub async fn availability(&self) -> Result<Box<[u16]>, Ended> {
        let mut answers = self.availability.clone();
        answers.mark_unchanged();
        self.command(Command::Availability(self.id))?;
        answers.changed().await.map_err(|_| Ended::Removed)?;
        let answer = answers.borrow().clone();
        answer.ok_or(Ended::Removed)
    }

    /// Waits for the metadata.
    pub async fn metadata(&self) -> Result<Arc<Info>, Ended> {
        self.until(|s| s.info.clone()).await
    }

    /// Waits until every piece is verified.
    pub async fn completed(&self) -> Result<(), Ended> {
        self.until(|s| s.complete.map(|_| ())).await
    }

    /// Waits until the complete content is on the disk for good.
    pub async fn durable(&self) -> Result<(), Ended> {
        self.until(|s| s.durable.then_some(())).await
    }

    /// Chooses which files are wanted from now on; what is there of others stays. [`Self::durable`] waits for these then.
    pub fn select(&self, selection: Selection) -> Result<(), Ended> {
        self.command(Command::Select(self.id, selection))
    }

    /// Ends the torrent: trackers are told, state is saved; files stay. Returns when that is done, 4 s at most.
    pub async fn remove(&self) {
        if self.command(Command::Remove(self.id)).is_ok() {
            let mut status = self.status.clone();
            // An error means that the router dropped the feed: removed as well.
            let _ = status.wait_for(|s| s.removed).await;
        }
    }

    async fn until<T>(&self, mut wanted: impl FnMut(&Status) -> Option<T>) -> Result<T, Ended> {
        let mut status = self.status.clone();
        loop {
            {
                let now = status.borrow_and_update();
                if let Some(found) = wanted(&now) {
                    return Ok(found);
                }
                if let Some((why, disk)) = &now.failed {
                    return Err(Ended::Failed(why.clone(), disk.clone()));
                }
                if now.removed {
                    return Err(Ended::Removed);
                }
            }
            status.changed().await.map_err(|_| Ended::Removed)?;
        }
    }

    pub(crate) fn command(&self, command: Command) -> Result<(), Ended> {
        self.host.send(HostMsg::Command(command)).map_err(|_| Ended::Removed)
    }
}
