//! The daemon (own design): a client whose torrents are kept.
//!
//! Invariant: a torrent that somebody was told is added has its row on the disk for good, and one that he was told is removed has none.
//!
//! What it does stands in `adding`, `commands`, `look` and `tokens`; here is what these share, its start and its end.
use crate::config::Setting;
use crate::failed::{AddFailed, StartError};
use crate::row::Row;
use crate::settings::Settings;
use crate::{token, transmission};
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use teem_client::config::Records;
use teem_client::metainfo::InfoHash;
use teem_client::{Client, Config, Torrent};
use teem_disk::root::RealFs;
use teem_disk::{Database, Kind, Opened, StateStore};

/// The file in the folder of saved state.
const FILE: &str = "daemon.redb";

/// A torrent that is kept.
pub(crate) struct Kept {
    pub(crate) row: Row,
    /// The torrent at work, or why it could not be begun.
    pub(crate) torrent: Result<Torrent, String>,
}

/// What its clones share.
pub(crate) struct Inner {
    pub(crate) client: Client,
    database: Arc<Database>,
    /// Folders that content may go into, each with what lies below it.
    pub(crate) roots: Vec<PathBuf>,
    torrents: Mutex<BTreeMap<InfoHash, Kept>>,
    /// Changes of what is kept are made one at a time, so that the rows on the disk are those of the last.
    pub(crate) turn: tokio::sync::Mutex<()>,
    tokens: Mutex<BTreeMap<String, token::Kept>>,
    remarks: Vec<String>,
    pub(crate) settings: Settings,
    transmission: transmission::Session,
    /// What it was told, and where.
    pub(crate) told: Mutex<Vec<Setting>>,
}

/// A running daemon; clones are the same.
#[derive(Clone)]
pub struct Daemon(pub(crate) Arc<Inner>);

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
        let settings = Settings::of(&config);
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
            settings,
            transmission: transmission::Session::default(),
            told: Mutex::default(),
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

    /// What programs that speak Transmission's dialects share.
    pub(crate) fn transmission(&self) -> &transmission::Session {
        &self.0.transmission
    }

    pub(crate) fn torrents(&self) -> MutexGuard<'_, BTreeMap<InfoHash, Kept>> {
        self.0.torrents.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn tokens(&self) -> MutexGuard<'_, BTreeMap<String, token::Kept>> {
        self.0.tokens.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn begin(&self, row: &Row) -> Result<Torrent, AddFailed> {
        let source = row.source().ok_or_else(|| AddFailed::Wish("what was kept of it cannot be read".to_owned()))?;
        self.0.client.add(row.add(source)).await.map_err(AddFailed::Client)
    }

    /// Puts records on the disk for good, or takes them away; all or none.
    pub(crate) async fn keep(&self, kind: Kind, records: Vec<(String, Option<Vec<u8>>)>) -> io::Result<()> {
        let database = self.0.database.clone();
        let kept = tokio::task::spawn_blocking(move || database.exchange(kind, records));
        kept.await.unwrap_or_else(|e| Err(io::Error::other(e)))
    }

    /// Ends everything in order: trackers are told, state is saved.
    pub async fn shutdown(self) {
        self.0.client.clone().shutdown().await;
        // The rest is committed when the last that holds the database lets go of it; this is for the case that something hangs.
        let database = self.0.database.clone();
        let _ = tokio::task::spawn_blocking(move || database.flush()).await;
    }
}

/// Seconds since 1970.
pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs()
}

fn fell(e: tokio::task::JoinError) -> StartError {
    StartError::Rows(io::Error::other(e))
}

/// Whether a folder can be one that content goes into: its path without links.
pub fn root(folder: &Path) -> io::Result<PathBuf> {
    std::fs::create_dir_all(folder)?;
    std::fs::canonicalize(folder)
}
