//! The daemon (own design): a client whose torrents are kept.
//!
//! Invariant: a torrent that somebody was told is added has its row on the disk for good, and one that he was told is removed has none.
use crate::row::{LABEL_BYTES, LABELS_MAX, Origin, PATTERNS_MAX, Row};
use crate::select::{SelectError, Selector};
use crate::token::{self, Scope};
use crate::told::{Told, WhyTold};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use teem_client::config::Records;
use teem_client::event::Snapshot;
use teem_client::metainfo::InfoHash;
use teem_client::source::{self, LinkError};
use teem_client::why::Why;
use teem_client::{AddError, Client, Config, Ended, Source, Torrent, TorrentId};
use teem_disk::root::RealFs;
use teem_disk::{Database, Kind, OpenError, Opened, StateStore};

/// The file in the folder of saved state.
const FILE: &str = "daemon.redb";

/// Why there is no daemon.
#[derive(Debug)]
pub enum StartError {
    /// What is kept cannot be had.
    Store(PathBuf, OpenError),
    /// What is kept cannot be read.
    Rows(io::Error),
    /// There is no client.
    Client(teem_client::StartError),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Store(path, e) => write!(f, "{}: {e}", path.display()),
            Self::Rows(e) => write!(f, "what is kept of torrents cannot be read: {e}"),
            Self::Client(e) => write!(f, "{e}"),
        }
    }
}

impl std::error::Error for StartError {}

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
}

/// Why a torrent is not added.
#[derive(Debug)]
pub(crate) enum AddFailed {
    /// The link leads nowhere.
    Link(LinkError),
    /// A wish that cannot be granted: a sentence.
    Wish(String),
    /// The client does not take it.
    Client(AddError),
    /// It cannot be kept.
    Store(io::Error),
}

impl fmt::Display for AddFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Link(e) => write!(f, "{e}"),
            Self::Wish(why) => f.write_str(why),
            Self::Client(e) => write!(f, "{e}"),
            Self::Store(e) => write!(f, "it cannot be kept: {e}"),
        }
    }
}

impl std::error::Error for AddFailed {}

/// Why a command is not carried out.
#[derive(Debug)]
pub(crate) enum Failed {
    /// It selects nothing.
    Select(SelectError),
    /// It cannot be kept.
    Store(io::Error),
    /// The client has ended.
    Ended(Ended),
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Select(e) => write!(f, "{e}"),
            Self::Store(e) => write!(f, "it cannot be kept: {e}"),
            Self::Ended(e) => write!(f, "{e}"),
        }
    }
}

impl std::error::Error for Failed {}

/// Why a token is not made or revoked.
#[derive(Debug)]
pub(crate) enum TokenFailed {
    /// It cannot be called so.
    Name(String),
    /// There is one of that name.
    Taken(String),
    /// There is none of that name.
    Unknown(String),
    /// There are as many as are kept.
    Many,
    /// It cannot be kept.
    Store(io::Error),
}

impl fmt::Display for TokenFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => {
                write!(
                    f,
                    "`{name}` is no name of a token: letters, digits, `-`, `_` and `.`, at most {}",
                    token::NAME_BYTES
                )
            }
            Self::Taken(name) => write!(f, "there is a token {name} already: revoke it first"),
            Self::Unknown(name) => write!(f, "there is no token {name}"),
            Self::Many => write!(f, "there are {} tokens: revoke some first", token::TOKENS_MAX),
            Self::Store(e) => write!(f, "it cannot be kept: {e}"),
        }
    }
}

/// A torrent that is kept.
struct Kept {
    row: Row,
    /// The torrent at work, or why it could not be begun.
    torrent: Result<Torrent, String>,
}

/// What its clones share.
struct Inner {
    client: Client,
    database: Arc<Database>,
    /// Folders that content may go into, each with what lies below it.
    roots: Vec<PathBuf>,
    torrents: Mutex<BTreeMap<InfoHash, Kept>>,
    /// Changes of what is kept are made one at a time, so that the rows on the disk are those of the last.
    turn: tokio::sync::Mutex<()>,
    tokens: Mutex<BTreeMap<String, token::Kept>>,
    remarks: Vec<String>,
}

/// A running daemon; clones are the same.
#[derive(Clone)]
pub struct Daemon(Arc<Inner>);

impl Daemon {
    /// Opens what is kept, starts the client, and begins all torrents again. Must be called inside a tokio runtime. `roots` are the folders
    /// that content may go into, absolute and without links; there must be one.
    pub async fn start(mut config: Config, roots: Vec<PathBuf>) -> Result<Self, StartError> {
        let state_dir = config.state_dir.clone();
        let opening = tokio::task::spawn_blocking(move || {
            let opened = Database::open(&RealFs, &state_dir, FILE);
            opened.map_err(|e| StartError::Store(state_dir.join(FILE), e))
        });
        let Opened { database, mut remarks } = opening.await.unwrap_or_else(|e| Err(fell(e)))?;
        let database = Arc::new(database);
        config.records = Some(Records(database.clone()));
        let client = Client::start(config).await.map_err(StartError::Client)?;
        let mut rows = Vec::new();
        let each = |name: &str, bytes: &[u8]| match (name.parse::<InfoHash>().ok(), Row::decode(bytes)) {
            (Some(hash), Some(row)) => rows.push((hash, row)),
            _ => remarks.push(format!("what is kept of {name} cannot be understood: it is left as it is")),
        };
        database.each(Kind::Row, &mut { each }).map_err(StartError::Rows)?;
        let mut tokens = BTreeMap::new();
        let each = |name: &str, bytes: &[u8]| match token::Kept::decode(bytes) {
            Some(kept) => _ = tokens.insert(name.to_owned(), kept),
            None => remarks.push(format!("what is kept of the token {name} cannot be understood: it opens nothing")),
        };
        database.each(Kind::Token, &mut { each }).map_err(StartError::Rows)?;
        let inner = Inner {
            client,
            database,
            roots,
            torrents: Mutex::default(),
            turn: tokio::sync::Mutex::default(),
            tokens: Mutex::new(tokens),
            remarks,
        };
        let daemon = Self(Arc::new(inner));
        for (hash, row) in rows {
            let torrent = daemon.begin(&row).await.map_err(|e| e.to_string());
            daemon.torrents().insert(hash, Kept { row, torrent });
        }
        Ok(daemon)
    }

    /// What its owner should hear of what was found at the start, in sentences.
    pub fn remarks(&self) -> &[String] {
        &self.0.remarks
    }

    /// What keeps changes from being kept at present, until it is over.
    pub fn trouble(&self) -> Option<String> {
        self.0.database.trouble()
    }

    /// The client that carries the torrents.
    pub fn client(&self) -> &Client {
        &self.0.client
    }

    fn torrents(&self) -> MutexGuard<'_, BTreeMap<InfoHash, Kept>> {
        self.0.torrents.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn begin(&self, row: &Row) -> Result<Torrent, AddFailed> {
        let source = row.source().ok_or_else(|| AddFailed::Wish("what was kept of it cannot be read".to_owned()))?;
        self.0.client.add(row.add(source)).await.map_err(AddFailed::Client)
    }

    /// Adds what a link leads to: a magnet link, an info-hash or the URL of a .torrent, not a file.
    pub(crate) async fn add_link(&self, link: &str, wishes: Wishes) -> Result<Told, AddFailed> {
        let is_url = ["http://", "https://"].iter().any(|scheme| starts_with(link.trim(), scheme));
        let source = match source::from_magnet(link) {
            Some(source) => source,
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

    async fn add(&self, link: &str, source: Source, wishes: Wishes) -> Result<Told, AddFailed> {
        let hash = source.key.wire();
        let strange = source.origin == teem_client::Origin::Stranger;
        let origin = match (&source.file, &source.magnet) {
            (Some(file), _) => Origin::File(file.clone(), strange),
            // What a URL led to.
            (None, Some(magnet)) if source::from_magnet(link).is_none() => Origin::Link(magnet.to_string()),
            (None, _) => Origin::Link(link.trim().to_owned()),
        };
        let row = self.row(origin, wishes).map_err(AddFailed::Wish)?;
        let _turn = self.0.turn.lock().await;
        let torrent = self.0.client.add(row.add(source)).await.map_err(AddFailed::Client)?;
        if let Err(e) = self.keep(Kind::Row, vec![(hash.to_string(), Some(row.encode()))]).await {
            torrent.remove().await;
            return Err(AddFailed::Store(e));
        }
        self.torrents().insert(hash, Kept { row, torrent: Ok(torrent) });
        let told = self.told(&[hash]).await.map_err(|_| AddFailed::Client(AddError::Stopped))?;
        told.into_iter().next().ok_or(AddFailed::Client(AddError::Stopped))
    }

    /// The row of these wishes, or why they cannot be granted.
    fn row(&self, origin: Origin, wishes: Wishes) -> Result<Row, String> {
        let Wishes { folder, labels, paused, only, first, up, down } = wishes;
        let folder = folder.unwrap_or_else(|| self.0.roots.first().cloned().unwrap_or_default());
        // What is not there yet is judged by what of it is.
        let real = folder.ancestors().find_map(|above| {
            let rest = folder.strip_prefix(above).ok()?;
            let above = std::fs::canonicalize(above).ok()?;
            // Joined with nothing it would end in a slash.
            Some(if rest.as_os_str().is_empty() { above } else { above.join(rest) })
        });
        let is_plain = !folder.components().any(|part| part == std::path::Component::ParentDir);
        let allowed = |real: &PathBuf| self.0.roots.iter().any(|root| real.starts_with(root));
        let Some(folder) = real.filter(|real| is_plain && folder.is_absolute() && allowed(real)) else {
            let roots: Vec<_> = self.0.roots.iter().map(|root| root.display().to_string()).collect();
            return Err(format!(
                "{} is no folder that the daemon may write to: these are {}, and what is below (teem daemon --root)",
                folder.display(),
                roots.join(", ")
            ));
        };
        if labels.len() > LABELS_MAX || labels.iter().any(|label| label.is_empty() || label.len() > LABEL_BYTES) {
            return Err(format!("at most {LABELS_MAX} labels, each of 1 to {LABEL_BYTES} bytes"));
        }
        if only.len().max(first.len()) > PATTERNS_MAX {
            return Err(format!("at most {PATTERNS_MAX} patterns"));
        }
        Ok(Row { origin, folder, labels, paused, added: now(), only, first, up, down })
    }

    /// Puts records on the disk for good, or takes them away; all or none.
    async fn keep(&self, kind: Kind, records: Vec<(String, Option<Vec<u8>>)>) -> io::Result<()> {
        let database = self.0.database.clone();
        let kept = tokio::task::spawn_blocking(move || database.exchange(kind, records));
        kept.await.unwrap_or_else(|e| Err(io::Error::other(e)))
    }

    /// Has the selected torrents rest, or work again; how they stand then.
    pub(crate) async fn set_paused(&self, select: &[Selector], paused: bool) -> Result<Vec<Told>, Failed> {
        let _turn = self.0.turn.lock().await;
        let hashes = self.select(select).await?;
        let mut rows = Vec::new();
        let mut torrents = Vec::new();
        for hash in &hashes {
            if let Some(kept) = self.torrents().get(hash) {
                let row = Row { paused, ..kept.row.clone() };
                rows.push((hash.to_string(), Some(row.encode())));
                torrents.extend(kept.torrent.clone());
            }
        }
        self.keep(Kind::Row, rows).await.map_err(Failed::Store)?;
        for hash in &hashes {
            if let Some(kept) = self.torrents().get_mut(hash) {
                kept.row.paused = paused;
            }
        }
        // Each takes as long as its trackers do, up to four seconds: all at once.
        let waits = torrents.into_iter().map(|torrent| {
            tokio::spawn(async move { if paused { torrent.pause().await } else { torrent.resume().await } })
        });
        for wait in waits.collect::<Vec<_>>() {
            // A torrent that has failed cannot rest, and is told as failed.
            let _ = wait.await;
        }
        self.told(&hashes).await
    }

    /// Removes the selected torrents; their files stay. What they were.
    pub(crate) async fn remove(&self, select: &[Selector]) -> Result<Vec<Told>, Failed> {
        let _turn = self.0.turn.lock().await;
        let hashes = self.select(select).await?;
        let told = self.told(&hashes).await?;
        let rows = hashes.iter().map(|hash| (hash.to_string(), None)).collect();
        self.keep(Kind::Row, rows).await.map_err(Failed::Store)?;
        let gone: Vec<Kept> = {
            let mut torrents = self.torrents();
            hashes.iter().filter_map(|hash| torrents.remove(hash)).collect()
        };
        let ends = gone.into_iter().filter_map(|kept| kept.torrent.ok());
        let ends: Vec<_> = ends.map(|torrent| tokio::spawn(async move { torrent.remove().await })).collect();
        for end in ends {
            let _ = end.await;
        }
        Ok(told)
    }

    /// The selected torrents as they stand, in the order in which they were added.
    pub(crate) async fn list(&self, select: &[Selector]) -> Result<Vec<Told>, Failed> {
        let all: Vec<InfoHash> = self.torrents().keys().copied().collect();
        let mut told = self.told(&all).await?;
        told.sort_by(|a, b| (a.added, &a.infohash).cmp(&(b.added, &b.infohash)));
        if select.is_empty() {
            return Ok(told);
        }
        let mut chosen = BTreeSet::new();
        for selector in select {
            chosen.extend(selector.of(&told).map_err(Failed::Select)?);
        }
        Ok(told.into_iter().enumerate().filter(|(i, _)| chosen.contains(i)).map(|(_, told)| told).collect())
    }

    /// Why the selected torrents do not move.
    pub(crate) async fn why(&self, select: &[Selector]) -> Result<Vec<WhyTold>, Failed> {
        let mut all = Vec::new();
        for told in self.list(select).await? {
            let Told { infohash, name, state, error, .. } = told;
            let hash = infohash.parse::<InfoHash>().ok();
            let torrent = hash.and_then(|hash| self.torrents().get(&hash)?.torrent.clone().ok());
            let why = match torrent {
                Some(torrent) => self.0.client.why(&torrent).await.ok(),
                None => None,
            };
            all.push(WhyTold {
                verdict: why.as_ref().map(|why| why.verdict().word().to_owned()),
                why: error.or_else(|| why.as_ref().map(Why::sentence)),
                help: why.as_ref().and_then(Why::help),
                report: why.as_ref().map(Why::report).unwrap_or_default(),
                infohash,
                name,
                state,
            });
        }
        Ok(all)
    }

    async fn select(&self, select: &[Selector]) -> Result<Vec<InfoHash>, Failed> {
        let list = if select.is_empty() { Vec::new() } else { self.list(select).await? };
        Ok(list.iter().filter_map(|told| told.infohash.parse().ok()).collect())
    }

    /// How these torrents stand, as far as they are there.
    async fn told(&self, hashes: &[InfoHash]) -> Result<Vec<Told>, Failed> {
        let ids: Vec<TorrentId> = {
            let torrents = self.torrents();
            hashes.iter().filter_map(|hash| torrents.get(hash)?.torrent.as_ref().ok()).map(Torrent::id).collect()
        };
        let snapshots = self.0.client.snapshots_of(&ids).await.map_err(Failed::Ended)?;
        let snapshots: HashMap<TorrentId, Snapshot> = snapshots.into_iter().map(|s| (s.torrent, s)).collect();
        let torrents = self.torrents();
        Ok(hashes.iter().filter_map(|hash| Some(told(*hash, torrents.get(hash)?, &snapshots))).collect())
    }

    fn tokens(&self) -> MutexGuard<'_, BTreeMap<String, token::Kept>> {
        self.0.tokens.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a token allows, if it is one.
    pub(crate) fn scope_of(&self, token: &str) -> Option<Scope> {
        let hash = token::hash(token);
        self.tokens().values().find(|kept| kept.hash == hash).map(|kept| kept.scope)
    }

    /// The tokens by name: what they allow, and when they were made.
    pub(crate) fn list_tokens(&self) -> Vec<(String, Scope, u64)> {
        self.tokens().iter().map(|(name, kept)| (name.clone(), kept.scope, kept.made)).collect()
    }

    /// Makes a token and gives its words, which nobody can ask for again.
    pub(crate) async fn make_token(&self, name: &str, scope: Scope) -> Result<String, TokenFailed> {
        let _turn = self.0.turn.lock().await;
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if name.is_empty() || name.len() > token::NAME_BYTES || !name.chars().all(is_plain) {
            return Err(TokenFailed::Name(name.to_owned()));
        }
        if self.tokens().contains_key(name) {
            return Err(TokenFailed::Taken(name.to_owned()));
        }
        if self.tokens().len() >= token::TOKENS_MAX {
            return Err(TokenFailed::Many);
        }
        let words = token::draw();
        let kept = token::Kept { hash: token::hash(&words), scope, made: now() };
        self.keep(Kind::Token, vec![(name.to_owned(), Some(kept.encode()))]).await.map_err(TokenFailed::Store)?;
        self.tokens().insert(name.to_owned(), kept);
        Ok(words)
    }

    /// Makes a token useless at once.
    pub(crate) async fn revoke_token(&self, name: &str) -> Result<(), TokenFailed> {
        let _turn = self.0.turn.lock().await;
        if !self.tokens().contains_key(name) {
            return Err(TokenFailed::Unknown(name.to_owned()));
        }
        self.keep(Kind::Token, vec![(name.to_owned(), None)]).await.map_err(TokenFailed::Store)?;
        self.tokens().remove(name);
        Ok(())
    }

    /// Ends everything in order: trackers are told, state is saved.
    pub async fn shutdown(self) {
        self.0.client.clone().shutdown().await;
        // The rest is committed when the last that holds the database lets go of it; this is for the case that something hangs.
        let database = self.0.database.clone();
        let _ = tokio::task::spawn_blocking(move || database.flush()).await;
    }
}

fn told(hash: InfoHash, kept: &Kept, snapshots: &HashMap<TorrentId, Snapshot>) -> Told {
    let row = &kept.row;
    let mut told = Told {
        infohash: hash.to_string(),
        name: hash.to_string(),
        state: "failed".to_owned(),
        folder: row.folder.to_string_lossy().into_owned(),
        labels: row.labels.iter().cloned().collect(),
        added: row.added,
        up_limit: row.up,
        down_limit: row.down,
        ..Told::default()
    };
    let torrent = match &kept.torrent {
        Ok(torrent) => torrent,
        Err(why) => {
            told.error = Some(why.clone());
            return told;
        }
    };
    let status = torrent.status();
    status.state.word().clone_into(&mut told.state);
    told.complete = status.complete.is_some();
    told.error = status.failed.map(|(why, _)| why).or_else(|| status.disk.map(|error| error.to_string()));
    match &status.info {
        Some(info) => {
            info.name().clone_into(&mut told.name);
            told.size = Some(info.content_size());
        }
        None => {
            if let Some(name) = row.source().and_then(|source| source.name) {
                told.name = name;
            }
        }
    }
    if let Some(s) = snapshots.get(&torrent.id()) {
        (told.wanted, told.have) = (s.wanted, s.have);
        (told.down_rate, told.up_rate) = (s.down_rate, s.up_rate);
        (told.downloaded, told.uploaded) = (s.downloaded, s.uploaded);
        (told.seeds, told.downloaders) = (s.seeds, s.downloaders);
        let left = s.wanted.saturating_sub(s.have);
        told.eta = (left > 0 && s.down_rate > 0).then(|| left.div_ceil(s.down_rate));
    }
    told
}

/// Seconds since 1970.
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs()
}

fn starts_with(text: &str, scheme: &str) -> bool {
    text.get(..scheme.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(scheme))
}

fn fell(e: tokio::task::JoinError) -> StartError {
    StartError::Rows(io::Error::other(e))
}

/// Whether a folder can be one that content goes into: its path without links.
pub fn root(folder: &Path) -> io::Result<PathBuf> {
    std::fs::create_dir_all(folder)?;
    std::fs::canonicalize(folder)
}
