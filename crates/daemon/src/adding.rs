//! How a torrent comes to be kept (own design): what it is, what is wanted of it, and its row on the disk before anybody is told.
use crate::asker::is_token;
use crate::daemon::{Daemon, Kept, now};
use crate::failed::AddFailed;
use crate::line::Line;
use crate::row::{Course, LABEL_BYTES, LABELS_MAX, Origin, PATTERNS_MAX, Row};
use crate::told::Told;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;
use teem_client::policy::{Goal, Speed};
use teem_client::source;
use teem_client::{AddError, Source};
use teem_disk::Kind;
use tokio::sync::Semaphore;

/// Folders that are looked at for new torrents at once, each on a thread that a disk may keep.
const LOOKS_MAX: usize = 8;
/// How long a disk may take to say what a folder is.
const LOOK_MAX: Duration = Duration::from_secs(10);

/// What is wanted of a torrent that is added.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub(crate) struct Wishes {
    /// The folder that its content goes into; the first of the daemon's where none is named.
    pub(crate) folder: Option<PathBuf>,
    /// Words of its owner's to find it by.
    pub(crate) labels: BTreeSet<String>,
    /// Whether it rests until it is resumed.
    pub(crate) paused: bool,
    /// Only the files that fit one of these patterns; everything when there is none.
    pub(crate) only: Vec<String>,
    /// Of these first what fits one of these.
    pub(crate) first: Vec<String>,
    /// Upload limit, payload bytes a second.
    pub(crate) up: Option<u64>,
    /// Download limit, payload bytes a second.
    pub(crate) down: Option<u64>,
    /// When it has given enough; what the rules say where none is named.
    pub(crate) until: Option<Goal>,
}

impl Daemon {
    /// Adds what a link leads to: a magnet link, an info-hash or the URL of a .torrent, not a file.
    pub(crate) async fn add_link(&self, link: &str, wishes: Wishes) -> Result<Told, AddFailed> {
        let is_url = ["http://", "https://"].iter().any(|scheme| starts_with(link.trim(), scheme));
        let source = match source::from_magnet(link) {
            Some(source) => source,
            None if is_url && is_token() => {
                source::load_public(link, self.0.client.http()).await.map_err(AddFailed::Link)?
            }
            None if is_url => source::load(link, self.0.client.http()).await.map_err(AddFailed::Link)?,
            None => {
                let why = "this is no magnet link, info-hash or http(s) URL; files are given by their content";
                return Err(AddFailed::Wish(why.to_owned()));
            }
        };
        self.add(link, source, wishes).await
    }

    /// Adds a .torrent file.
    pub(crate) async fn add_file(&self, bytes: &[u8], wishes: Wishes) -> Result<Told, AddFailed> {
        let source = source::from_bytes("it", bytes).map_err(AddFailed::Link)?;
        self.add("", source, wishes).await
    }

    /// Adds what a link led to.
    pub(crate) async fn add(&self, link: &str, source: Source, wishes: Wishes) -> Result<Told, AddFailed> {
        let strange = source.origin == teem_client::Origin::Stranger;
        let origin = match (&source.file, &source.magnet) {
            (Some(file), _) => Origin::File(file.clone(), strange),
            // What a URL led to.
            (None, Some(magnet)) if source::from_magnet(link).is_none() => Origin::Link(magnet.to_string()),
            (None, _) => Origin::Link(link.trim().to_owned()),
        };
        let row = self.looked_at(origin, wishes).await.map_err(AddFailed::Wish)?;
        self.take_in(row, source, None).await
    }

    /// Keeps a torrent and begins it. `hashed` is the fingerprint of files that were hashed just now.
    pub(crate) async fn take_in(&self, row: Row, source: Source, hashed: Option<Vec<u8>>) -> Result<Told, AddFailed> {
        let hash = source.key.wire();
        let line = Line::new(Some(&source));
        let _turn = self.0.turn.lock().await;
        let mut add = row.add(source);
        if let Some(hashed) = hashed {
            let looked = tokio::task::spawn_blocking(move || {
                add.hashed_as(&hashed);
                add
            });
            add = looked.await.map_err(|_| AddFailed::Client(AddError::Stopped))?;
        }
        let held = self.waits_first(&row).filter(|_| !row.paused);
        add.paused |= held.is_some();
        let torrent = self.0.client.add(add).await.map_err(AddFailed::Client)?;
        let (row, file) = row.apart();
        let file = file.map(|file| (hash.to_string(), Some(file.to_vec()))).into_iter().collect();
        let kept = match self.keep(Kind::File, file).await {
            Ok(()) => self.keep(Kind::Row, vec![(hash.to_string(), Some(row.encode()))]).await,
            Err(e) => Err(e),
        };
        if let Err(e) = kept {
            torrent.remove().await;
            return Err(AddFailed::Store(e));
        }
        let speed = self.0.policy.rules().speed(Speed { up: row.up, down: row.down }, &row.labels);
        // One that has ended has no limits to set.
        let _ = torrent.limits(speed.up, speed.down);
        self.torrents().insert(hash, Kept { row, torrent: Ok(torrent), line, is_asleep: false });
        self.enters(hash, true);
        if let Some(held) = held {
            self.hold(hash, held);
        }
        let told = self.told(&[hash]).await.map_err(|_| AddFailed::Client(AddError::Stopped))?;
        told.into_iter().next().ok_or(AddFailed::Client(AddError::Stopped))
    }

    /// The row of these wishes. Their folder is looked at on a thread of its own, since its disk may hang: few of them wait for that, each for a while.
    async fn looked_at(&self, origin: Origin, wishes: Wishes) -> Result<Row, String> {
        static LOOKS: Semaphore = Semaphore::const_new(LOOKS_MAX);
        let daemon = self.clone();
        let look = async move {
            let turn = LOOKS.acquire().await;
            let look = move || {
                let row = daemon.row(origin, wishes);
                drop(turn);
                row
            };
            tokio::task::spawn_blocking(look).await
        };
        match tokio::time::timeout(LOOK_MAX, look).await {
            Ok(Ok(row)) => row,
            Ok(Err(e)) => Err(format!("a fault of this program, please report it: {e}")),
            Err(_) => Err("the disk of that folder does not answer".to_owned()),
        }
    }

    /// The row of these wishes, or why they cannot be granted.
    fn row(&self, origin: Origin, wishes: Wishes) -> Result<Row, String> {
        let Wishes { folder, labels, paused, only, first, up, down, until } = wishes;
        let folder = folder.or_else(|| self.0.policy.rules().folder(&labels));
        let folder = self.below_roots(folder.as_deref().unwrap_or(self.first_root()))?;
        within_bounds(&labels, &only, &first)?;
        let course = Course { until, order: self.next_place(), ..Course::default() };
        let (name, names, files, added, shared) = (None, BTreeMap::new(), Vec::new(), now(), None);
        Ok(Row { origin, folder, name, names, labels, paused, added, only, first, files, up, down, shared, course })
    }

    /// The place behind all others in the queue.
    pub(crate) fn next_place(&self) -> u64 {
        self.torrents().values().map(|kept| kept.row.course.order).max().map_or(0, |last| last + 1)
    }
}

/// Whether labels and patterns are within their bounds; if not, a sentence.
pub(crate) fn within_bounds(labels: &BTreeSet<String>, only: &[String], first: &[String]) -> Result<(), String> {
    if labels.len() > LABELS_MAX || labels.iter().any(|label| label.is_empty() || label.len() > LABEL_BYTES) {
        return Err(format!("at most {LABELS_MAX} labels, each of 1 to {LABEL_BYTES} bytes"));
    }
    if only.len().max(first.len()) > PATTERNS_MAX {
        return Err(format!("at most {PATTERNS_MAX} patterns"));
    }
    Ok(())
}

fn starts_with(text: &str, scheme: &str) -> bool {
    text.get(..scheme.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(scheme))
}
