//! All saved state of a folder, for a person who wants to see it or be rid of it (own design). Content is never touched here.
//!
//! A state is forgotten only under its lock, so never beneath a process that works on it. The lock file goes last, while it is locked.
use super::format::{About, about, decode};
use super::lease::{Holding, TEXT_MAX, pid_in, session_file};
use super::records::STATE_MAX;
use super::store::{INFO_MAX, stem};
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fmt;
use std::fs::{self, File, TryLockError};
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use teem_metainfo::{Info, InfoHash, Limits};

/// The files that a state is made of, the lock aside.
/// `files` is what earlier versions left where they had a table.
const FILES: [&str; 7] = ["state", "state.old", "table", "files", "journal", "info", "new"];

/// What is saved of one torrent in one place.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SavedTorrent {
    /// Under which peers know the torrent.
    pub info_hash: InfoHash,
    /// The folder that it was downloaded into or seeded from; `None` where no whole state says it.
    pub folder: Option<PathBuf>,
    /// The name of its file or folder there; `None` where the info dictionary was not kept.
    pub name: Option<String>,
    /// Bytes of the content.
    pub size: Option<u64>,
    /// Pieces that are claimed, as last saved.
    pub have: u32,
    /// Pieces of the torrent.
    pub pieces: Option<u32>,
    /// Payload bytes sent, over all runs.
    pub uploaded: u64,
    /// Payload bytes received, over all runs.
    pub downloaded: u64,
    /// Bytes that the files of this state take.
    pub bytes: u64,
    /// The process that works on it now.
    pub held: Option<Holder>,
    /// Trackers (by URL) that have acknowledged that it is complete.
    pub trackers: Vec<String>,
    /// What the names of its files begin with.
    stem: String,
    /// Which file of its claims is whole.
    whole: Option<&'static str>,
}

impl SavedTorrent {
    /// What the names of its files begin with, and the record of its claims, where that is whole.
    pub(super) fn record(&self, state_dir: &Path) -> (&str, Option<Vec<u8>>) {
        let record = self.whole.and_then(|whole| read(&file(state_dir, &self.stem, whole), STATE_MAX));
        (&self.stem, record)
    }
}

/// The process that holds a state, where it left its id.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Holder(pub Option<u32>);

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(pid) => write!(f, "process {pid}"),
            None => f.write_str("another process"),
        }
    }
}

/// Why a state is not forgotten.
#[derive(Debug)]
pub enum ForgetError {
    /// It is being worked on.
    Held(Holder),
    /// A file cannot be removed.
    Io(io::Error),
}

impl fmt::Display for ForgetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Held(holder) => write!(f, "it is held by {holder}; stop that one first"),
            Self::Io(e) => write!(f, "{e}"),
        }
    }
}

impl std::error::Error for ForgetError {}

/// All that is saved in a state folder, by place and name; nothing when there is no such folder.
pub fn saved_torrents(state_dir: &Path) -> io::Result<Vec<SavedTorrent>> {
    let entries = match fs::read_dir(state_dir) {
        Ok(entries) => entries,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(e),
    };
    let mut stems = BTreeSet::new();
    for entry in entries {
        let name = entry?.file_name();
        if let Some((name, what)) = name.to_str().and_then(|name| name.split_once('.'))
            && FILES.contains(&what)
            && let Some(info_hash) = hash_in(name)
        {
            stems.insert((name.to_owned(), info_hash));
        }
    }
    let mut all: Vec<SavedTorrent> = stems.into_iter().map(|(name, hash)| look(state_dir, name, hash)).collect();
    all.sort_by(|a, b| (&a.folder, &a.name, a.info_hash.0).cmp(&(&b.folder, &b.name, b.info_hash.0)));
    Ok(all)
}

/// Removes a state. The content stays, and is checked anew when it is opened again.
pub fn forget(state_dir: &Path, saved: &SavedTorrent) -> Result<(), ForgetError> {
    let path = file(state_dir, &saved.stem, "lock");
    let _lock = lock(&path)?;
    if let Some(holder) = leased(state_dir, &text(&path)) {
        return Err(ForgetError::Held(holder));
    }
    for what in FILES.into_iter().chain(["lock"]) {
        match fs::remove_file(file(state_dir, &saved.stem, what)) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(ForgetError::Io(e)),
            _ => {}
        }
    }
    File::open(state_dir).and_then(|folder| folder.sync_all()).map_err(ForgetError::Io)
}

/// Takes a lock without waiting: of the file that is there, since another process may remove it between the two calls.
fn lock(path: &Path) -> Result<File, ForgetError> {
    loop {
        let opened = File::options().read(true).write(true).create(true).truncate(false).open(path);
        let lock = opened.map_err(ForgetError::Io)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(ForgetError::Held(Holder(pid_in(&text(path))))),
            Err(TryLockError::Error(e)) => return Err(ForgetError::Io(e)),
        }
        let (ours, there) = (lock.metadata().map_err(ForgetError::Io)?, fs::metadata(path).ok());
        if there.is_some_and(|there| (there.dev(), there.ino()) == (ours.dev(), ours.ino())) {
            return Ok(lock);
        }
    }
}

fn look(state_dir: &Path, name: String, info_hash: InfoHash) -> SavedTorrent {
    let read = |what: &str, max: u64| read(&file(state_dir, &name, what), max);
    let info = read("info", INFO_MAX).and_then(|raw| Info::parse(&raw, &Limits::PEER).ok());
    let info = info.filter(|info| info.key().wire() == info_hash);
    let mut saved = SavedTorrent {
        info_hash,
        folder: None,
        name: info.as_ref().map(|info| info.name().to_owned()),
        size: info.as_ref().map(Info::content_size),
        have: 0,
        pieces: info.as_ref().map(Info::piece_count),
        uploaded: 0,
        downloaded: 0,
        bytes: FILES.iter().filter_map(|what| fs::metadata(file(state_dir, &name, what)).ok()).map(|m| m.len()).sum(),
        held: held(state_dir, &file(state_dir, &name, "lock")),
        trackers: Vec::new(),
        stem: name.clone(),
        whole: None,
    };
    for generation in ["state", "state.old"] {
        let Some(bytes) = read(generation, STATE_MAX) else { continue };
        let Some(place) = about(&bytes, info_hash).filter(|place| stem(info_hash, place) == name) else {
            continue;
        };
        let mut parts = place.splitn(2, |byte| *byte == 0);
        saved.folder = parts.next().map(|path| PathBuf::from(OsStr::from_bytes(path)));
        if let Some(own) = parts.next() {
            saved.name = Some(String::from_utf8_lossy(own).into_owned());
        }
        let Some(info) = &info else { break };
        let about = About { key: info.key(), folder: place, pieces: info.piece_count(), files: info.files().len() };
        if let Some(claims) = decode(&bytes, &about) {
            saved.have = claims.have.iter().count() as u32;
            (saved.uploaded, saved.downloaded) = (claims.facts.uploaded, claims.facts.downloaded);
            saved.trackers = claims.facts.completed_at;
            saved.whole = Some(generation);
            break;
        }
    }
    saved
}

/// The info-hash in `HASH-PLACE`.
fn hash_in(name: &str) -> Option<InfoHash> {
    let (hash, place) = name.split_once('-')?;
    (hash.len() == 40 && place.len() == 16).then_some(())?;
    hash.parse().ok()
}

fn file(state_dir: &Path, name: &str, what: &str) -> PathBuf {
    state_dir.join(format!("{name}.{what}"))
}

fn read(path: &Path, max: u64) -> Option<Vec<u8>> {
    let file = File::open(path).ok().filter(|file| file.metadata().is_ok_and(|m| m.is_file() && m.len() <= max))?;
    let mut bytes = Vec::new();
    file.take(max).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

/// Asks by a shared lock, which is let go of at once.
fn held(state_dir: &Path, lock: &Path) -> Option<Holder> {
    match File::open(lock).ok()?.try_lock_shared() {
        Err(TryLockError::WouldBlock) => Some(Holder(pid_in(&text(lock)))),
        _ => leased(state_dir, &text(lock)),
    }
}

/// The process whose session has the name, if that is still at work.
fn leased(state_dir: &Path, text: &str) -> Option<Holder> {
    let holding = Holding::read(text)?;
    let session = state_dir.join(session_file(holding.session));
    let locked = matches!(File::open(&session).ok()?.try_lock_shared(), Err(TryLockError::WouldBlock));
    (locked && Holding::read(&self::text(&session)) == Some(holding)).then_some(Holder(Some(holding.pid)))
}

fn text(lock: &Path) -> String {
    read(lock, TEXT_MAX as u64).map_or_else(String::new, |bytes| String::from_utf8_lossy(&bytes).into_owned())
}
