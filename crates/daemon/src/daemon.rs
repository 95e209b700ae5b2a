//! The daemon (own design): a client whose torrents are kept.
//!
//! Invariant: a torrent that somebody was told is added has its row on the disk for good, and one that he was told is removed has none.
//!
//! What it does stands in `adding`, `commands`, `look` and `tokens`; here is what these share, its start and its end.
use crate::audit::Audit;
use crate::config::{File, Setting};
use crate::events::{Happened, Ring};
use crate::failed::{AddFailed, StartError};
use crate::feed::{Feed, Feeds, Seen, Standing};
use crate::finished::Done;
use crate::held::Held;
use crate::kept::Table;
use crate::label::{Label, Labels};
use crate::line::Line;
use crate::looks::Looks;
use crate::offers::Offers;
use crate::order::Orders;
use crate::outset::Outset;
use crate::policy::{Policy, Rules};
use crate::row::{Origin, Row};
use crate::sums::Sums;
use crate::upkeep::{LAST, LIFE, Pulse, life_of};
use crate::wrong::Wrong;
use crate::{qbittorrent, token, transmission};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use teem_client::config::Records;
use teem_client::metainfo::InfoHash;
use teem_client::{Client, Config, Source, Torrent};
use teem_disk::jobs::Pending;
use teem_disk::root::RealFs;
use teem_disk::{Database, Kind, Opened, StateStore};
use tokio::sync::{Semaphore, mpsc, watch};

/// The file in the folder of saved state.
const FILE: &str = "daemon.redb";

/// How long a complete torrent is without peers before it rests.
const REST: Duration = Duration::from_secs(60);
/// Streams at a time.
pub(crate) const STREAMS_MAX: usize = 32;

/// Bits of a number that count within a run.
const COUNT_BITS: u32 = 20;

/// What its clones share.
pub(crate) struct Inner {
    pub(crate) client: Client,
    pub(crate) database: Arc<Database>,
    /// The folder of saved state.
    pub(crate) state_dir: PathBuf,
    /// Folders that content may go into, each with what lies below it.
    pub(crate) roots: Vec<PathBuf>,
    pub(crate) looks: Looks,
    torrents: Mutex<Table>,
    /// Changes of what is kept are made one at a time, so that the rows on the disk are those of the last.
    pub(crate) turn: tokio::sync::Mutex<()>,
    tokens: Mutex<BTreeMap<String, token::Kept>>,
    remarks: OnceLock<Vec<String>>,
    pub(crate) outset: Outset,
    labels: Mutex<Labels>,
    orders: Mutex<Orders>,
    /// The last sums over all torrents, and the revision that they are of; to be asked for before the torrents.
    pub(crate) sums: Mutex<(u64, Arc<Sums>)>,
    transmission: transmission::Session,
    pub(crate) policy: Policy,
    /// Feeds from which torrents are taken.
    pub(crate) feeds: Arc<Feeds>,
    /// Where torrents that are done are told to.
    pub(crate) done: Mutex<Option<mpsc::Sender<Done>>>,
    /// What it was told, and where.
    pub(crate) told: Mutex<Vec<Setting>>,
    /// What keeps the lines of torrents up to date, when this run began, and the last revision of a line.
    pub(crate) pulse: Mutex<Pulse>,
    pub(crate) since: Instant,
    first: u64,
    events: Mutex<Ring>,
    offers: Mutex<Offers>,
    logins: qbittorrent::Logins,
    seen: qbittorrent::Seen,
    /// What was changed by whom, and where wrong tokens came from.
    pub(crate) audit: Arc<Audit>,
    pub(crate) wrong: Wrong,
    /// Places of streams, and whether they are to end.
    pub(crate) streams: Arc<Semaphore>,
    pub(crate) ending: watch::Sender<bool>,
}

/// A running daemon; clones are the same.
#[derive(Clone)]
pub struct Daemon(pub(crate) Arc<Inner>);

impl Daemon {
    /// Opens what is kept, starts the client, and begins all torrents again.
    pub(crate) async fn open(mut config: Config, roots: Vec<PathBuf>, rules: Rules) -> Result<Self, StartError> {
        let state_dir = config.state_dir.clone();
        let audit = Arc::new(Audit::new(state_dir.clone()));
        let kept_in = state_dir.clone();
        let opening = tokio::task::spawn_blocking(move || {
            let opened = Database::open(&RealFs, &state_dir, FILE);
            opened.map_err(|e| StartError::Store(state_dir.join(FILE), e))
        });
        let Opened { database, mut remarks } = opening.await.unwrap_or_else(|e| Err(fell(e)))?;
        let database = Arc::new(database);
        config.records = Some(Records(database.clone()));
        let outset = Outset::of(&config);
        config.rest = config.rest.or(Some(REST));
        let client = Client::start(config).await.map_err(StartError::Client)?;
        let mut tokens = BTreeMap::new();
        let each = |name: &str, bytes: &[u8]| match token::Kept::decode(bytes) {
            Some(kept) => _ = tokens.insert(name.to_owned(), kept),
            None => remarks.push(format!("what is kept of the token {name} cannot be understood: it opens nothing")),
        };
        database.each(Kind::Token, &mut { each }).map_err(StartError::Rows)?;
        let life = match database.get(Kind::Totals, LIFE, &|_| true).map_err(StartError::Rows)? {
            Some(bytes) => life_of(&bytes).unwrap_or_else(|| {
                remarks.push("how long it has run cannot be understood: that begins at 0".to_owned());
                0
            }),
            None => 0,
        };
        let policy = Policy::default();
        policy.remember(&*database);
        policy.follow(rules);
        let mut labels = Labels::new();
        let each = |name: &str, bytes: &[u8]| match Label::decode(bytes) {
            Some(label) => _ = labels.insert(name.to_owned(), label),
            None => remarks.push(format!("what is kept of the label {name} cannot be understood: it is left as it is")),
        };
        database.each(Kind::Label, &mut { each }).map_err(StartError::Rows)?;
        let mut jobs = Vec::new();
        let each = |name: &str, bytes: &[u8]| match (name.parse::<InfoHash>().ok(), Pending::decode(bytes)) {
            (Some(hash), Some(job)) => jobs.push((hash, job)),
            _ => remarks.push(format!(
                "what was begun with the files of {name} cannot be understood: they are left as they are"
            )),
        };
        database.each(Kind::Job, &mut { each }).map_err(StartError::Rows)?;
        let feeds = feeds(&database, &mut remarks).map_err(StartError::Rows)?;
        let last = database.get(Kind::Totals, LAST, &|_| true).map_err(StartError::Rows)?;
        let first = number_after(last.and_then(|bytes| life_of(&bytes)), now());
        database.put(Kind::Totals, LAST, first.to_string().into_bytes()).map_err(StartError::Rows)?;
        let inner = Inner {
            client,
            database,
            state_dir: kept_in,
            looks: Looks::new(&roots),
            roots,
            torrents: Mutex::new(Table::new(first)),
            turn: tokio::sync::Mutex::default(),
            tokens: Mutex::new(tokens),
            remarks: OnceLock::new(),
            outset,
            labels: Mutex::new(labels),
            orders: Mutex::default(),
            sums: Mutex::default(),
            transmission: transmission::Session::default(),
            policy,
            feeds: Arc::new(feeds),
            done: Mutex::default(),
            told: Mutex::default(),
            pulse: Mutex::new(Pulse::new(life)),
            since: Instant::now(),
            offers: Mutex::default(),
            logins: qbittorrent::Logins::default(),
            seen: qbittorrent::Seen::default(),
            first,
            events: Mutex::new(Ring::new(first)),
            audit,
            wrong: Wrong::new(),
            streams: Arc::new(Semaphore::new(STREAMS_MAX)),
            ending: watch::Sender::new(false),
        };
        let daemon = Self(Arc::new(inner));
        let done: BTreeSet<InfoHash> = jobs.iter().map(|(hash, _)| *hash).collect();
        daemon.take_up_jobs(jobs).await?;
        let told = daemon.take_all_up(&done).await?;
        remarks.extend(told);
        // It is said once.
        let _ = daemon.0.remarks.set(remarks);
        daemon.0.policy.look();
        Ok(daemon)
    }

    /// What its owner should hear of what was found at the start, in sentences.
    pub fn remarks(&self) -> &[String] {
        self.0.remarks.get().map_or(&[], Vec::as_slice)
    }

    /// What keeps changes from being kept or noted at present, until it is over.
    pub fn trouble(&self) -> Option<String> {
        let of_file = |why| format!("{}: {why}", self.0.audit.folder().join(FILE).display());
        self.0.database.trouble().map(of_file).or_else(|| self.0.audit.trouble())
    }

    /// The client that carries the torrents.
    pub fn client(&self) -> &Client {
        &self.0.client
    }

    /// What programs that speak Transmission's dialects share.
    pub(crate) fn transmission(&self) -> &transmission::Session {
        &self.0.transmission
    }

    /// The cookies of those that log in as qBittorrent's programs do.
    pub(crate) fn logins(&self) -> &qbittorrent::Logins {
        &self.0.logins
    }

    /// What qBittorrent's programs have seen.
    pub(crate) fn seen(&self) -> &qbittorrent::Seen {
        &self.0.seen
    }

    /// Labels that are kept beside the torrents.
    pub(crate) fn labels(&self) -> MutexGuard<'_, Labels> {
        self.0.labels.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn pulse(&self) -> MutexGuard<'_, Pulse> {
        self.0.pulse.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn torrents(&self) -> MutexGuard<'_, Table> {
        self.0.torrents.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is offered to others by links.
    pub(crate) fn offers(&self) -> MutexGuard<'_, Offers> {
        self.0.offers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The orders that windows are cut from; to be asked for before the torrents.
    pub(crate) fn orders(&self) -> MutexGuard<'_, Orders> {
        self.0.orders.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn tokens(&self) -> MutexGuard<'_, BTreeMap<String, token::Kept>> {
        self.0.tokens.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) async fn begin(&self, hash: InfoHash, row: &Row, waits: bool) -> (Result<Torrent, AddFailed>, Line) {
        let source = self.source(hash, row);
        let line = Line::new(source.as_ref());
        let Some(source) = source else {
            return (Err(AddFailed::Wish("what was kept of it cannot be read".to_owned())), line);
        };
        let mut add = row.add(source);
        add.paused |= waits;
        (self.0.client.add(add).await.map_err(AddFailed::Client), line)
    }

    /// The .torrent that is kept of a torrent, if there is one. Waits for the medium.
    pub(crate) fn file(&self, hash: InfoHash) -> Option<Vec<u8>> {
        self.0.database.get(Kind::File, &hash.to_string(), &|_| true).ok().flatten()
    }

    /// What is to be transferred of a torrent, as it is kept. Waits for the medium.
    pub(crate) fn source(&self, hash: InfoHash, row: &Row) -> Option<Source> {
        match &row.origin {
            Origin::Stored(strange) => {
                let origin = Origin::File(self.file(hash)?.into(), *strange);
                Row { origin, ..row.clone() }.source()
            }
            _ => row.source(),
        }
    }

    /// The number that the first change of this run came after.
    pub(crate) fn first_revision(&self) -> u64 {
        self.0.first
    }

    /// What happened last.
    pub(crate) fn events(&self) -> MutexGuard<'_, Ring> {
        self.0.events.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes what happened to a torrent.
    pub(crate) fn happened(&self, hash: InfoHash, name: String, happened: Happened) {
        self.events().push(now(), hash.to_string(), name, happened);
    }

    /// Puts records on the disk for good, or takes them away; all or none.
    pub(crate) async fn keep(&self, kind: Kind, records: Vec<(String, Option<Vec<u8>>)>) -> io::Result<()> {
        let database = self.0.database.clone();
        let kept = tokio::task::spawn_blocking(move || database.exchange(kind, records));
        kept.await.unwrap_or_else(|e| Err(io::Error::other(e)))
    }

    /// Puts a record that is committed with the next that are.
    pub(crate) fn put(&self, kind: Kind, name: &str, record: Vec<u8>) -> io::Result<()> {
        self.0.database.put(kind, name, record)
    }

    /// The rules have a torrent rest; what is shown of it says why.
    pub(crate) fn hold(&self, hash: InfoHash, why: Held) {
        self.0.policy.hold(hash, why);
        self.shows_held(&hash, Some(why));
    }

    /// They do so no more; whether they did.
    pub(crate) fn let_go(&self, hash: &InfoHash) -> bool {
        let was_held = self.0.policy.let_go(hash);
        if was_held {
            self.shows_held(hash, None);
        }
        was_held
    }

    fn shows_held(&self, hash: &InfoHash, held: Option<Held>) {
        let mut torrents = self.torrents();
        if let Some(kept) = torrents.get_mut(hash) {
            kept.line.held = held;
            torrents.touch(hash);
        }
    }

    /// These rules hold from now on.
    pub fn follow(&self, rules: Rules) {
        self.0.policy.follow(rules);
    }

    /// The feeds that this file names are followed from now on, beside those that somebody asked for.
    pub fn follow_feeds(&self, file: &File) {
        self.0.feeds.follow(file.feeds(), now());
    }

    /// Ends everything in order: trackers are told, state is saved.
    pub(crate) async fn close(self) {
        self.offers().clear();
        self.0.client.clone().shutdown().await;
        // The rest is committed when the last that holds the database lets go of it; this is for the case that something hangs.
        let database = self.0.database.clone();
        let _ = tokio::task::spawn_blocking(move || database.flush()).await;
    }
}

/// The feeds that are kept, with how each stood and what was taken of them.
fn feeds(database: &Database, remarks: &mut Vec<String>) -> io::Result<Feeds> {
    let (mut told, mut standings, mut seen) = (Vec::new(), BTreeMap::new(), Seen::default());
    let each = |name: &str, bytes: &[u8]| match Feed::decode(name, bytes) {
        Some(feed) => told.push(feed),
        None => remarks.push(format!("what is kept of the feed {name} cannot be understood: it is left as it is")),
    };
    database.each(Kind::Feed, &mut { each })?;
    // One that cannot be understood is asked as if it was new.
    let each = |name: &str, bytes: &[u8]| standings.extend(name.parse().ok().zip(Standing::decode(bytes)));
    database.each(Kind::FeedStanding, &mut { each })?;
    let mut unknown = 0;
    let each = |name: &str, bytes: &[u8]| unknown += usize::from(!seen.remember(name, bytes));
    database.each(Kind::FeedSeen, &mut { each })?;
    if unknown > 0 {
        remarks.push(format!(
            "{unknown} records of what was taken of feeds cannot be understood: that may be taken again"
        ));
    }
    Ok(Feeds::new(told, standings, seen, now()))
}

/// The number before the first of what is counted in a run, with the second of its start in the upper part: so numbers go on over runs. Where the clock
/// was set back they go on behind the last that is kept, and as many as a run that was killed may have counted since.
fn number_after(last: Option<u64>, now: u64) -> u64 {
    let behind_last = last.map_or(0, |last| last.saturating_add(1 << COUNT_BITS));
    (now << COUNT_BITS).max(behind_last)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_go_on_also_where_the_clock_was_set_back() {
        let first = number_after(None, 1_796_000_000);
        assert_eq!(first, 1_796_000_000 << COUNT_BITS);
        assert_eq!(number_after(Some(first + 7), 1_796_086_400), 1_796_086_400 << COUNT_BITS);
        let back = number_after(Some(first + 7), 1_795_913_600);
        assert!(back > first + 7 && back < 1 << 53, "a number of JSON: {back}");
    }
}
