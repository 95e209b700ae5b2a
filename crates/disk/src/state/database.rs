//! Records in one database (own design; rows 67 and 68 of bad input), for who has thousands of torrents: a file of state for each costs minutes to save.
//!
//! What is put lies in memory first and is committed by a thread of its own, [`COMMIT_EVERY`] later, or at once when somebody
//! flushes. Those that flush at the same time share a commit.
//!
//! After an error of input or output the database library refuses everything, so the file is closed and opened anew; what was not committed
//! stays in memory meanwhile. What cannot be read is put aside under another name, and the owner is told.
mod part;

use super::lease;
use super::records::{Kind, StateStore};
use crate::fs::{Access, File, Folder, Fs, read_full, write_full};
use redb::{Builder, ReadableDatabase, ReadableTable, StorageBackend, TableDefinition};
use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, IoSlice, IoSliceMut};
use std::ops::Bound;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

pub use part::Part;

/// How long what was put may wait for its commit.
const COMMIT_EVERY: Duration = Duration::from_secs(5);

/// Bytes that the database library may hold of its file: rows are read once at the start, and states as torrents wake.
const CACHE: usize = 4 << 20;

/// Bytes of records that wait for a commit before the next put commits itself.
const WAITING_MAX: usize = 16 << 20;

/// The form of the tables and their names. The records have versions of their own.
const FORM: u64 = 1;

/// Bytes below which a file is not worth compacting.
const COMPACT_FROM: u64 = 1 << 20;

/// Changed records after which it is asked anew whether the file is half free, which reads all of its tables.
const LOOK_AFTER: usize = 1_000;

/// Files put aside under numbered names before an unreadable database is an error.
const ASIDE_MAX: u32 = 100;

/// Bytes that are copied at a time.
const COPY: usize = 1 << 20;

const ABOUT: TableDefinition<'_, &str, u64> = TableDefinition::new("about");

const fn table(kind: Kind) -> TableDefinition<'static, &'static str, &'static [u8]> {
    TableDefinition::new(kind.name())
}

/// All records of one folder of saved state, in one file that no other process has meanwhile.
pub struct Database {
    shared: Arc<Shared>,
    committer: Option<JoinHandle<()>>,
}

/// A database, and what its owner is to be told about it.
pub struct Opened {
    /// The open database; others are refused while it lives.
    pub database: Database,
    /// What was found wrong and what was done about it, in sentences.
    pub remarks: Vec<String>,
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Database").field("name", &self.shared.at.name).finish_non_exhaustive()
    }
}

/// Why there is no database.
#[derive(Debug)]
pub enum OpenError {
    /// Another process has it; its id, where it left that.
    Taken(Option<u32>),
    /// A newer version of Teem wrote it.
    Newer,
    /// It cannot be read or made.
    Io(io::Error),
}

impl From<io::Error> for OpenError {
    fn from(e: io::Error) -> Self {
        Self::Io(e)
    }
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Taken(Some(pid)) => write!(f, "it is in use by process {pid}; stop that one first"),
            Self::Taken(None) => f.write_str("it is in use by another process; stop that one first"),
            Self::Newer => f.write_str("a newer version of Teem wrote it; use that version"),
            Self::Io(e) => write!(f, "{e}"),
        }
    }
}

impl std::error::Error for OpenError {}

/// A record that waits for its commit; `None` is to be removed.
type Change = Option<Arc<[u8]>>;

/// Which record: its kind and its name.
type Id = (Kind, Box<str>);

#[derive(Default)]
struct Waiting {
    /// Put since the last commit began.
    changes: BTreeMap<Id, Change>,
    /// What the commit that runs writes.
    committing: BTreeMap<Id, Change>,
    /// Bytes of `changes`.
    bytes: usize,
    /// Records that were committed since it was last asked whether the file should be smaller.
    since_look: usize,
    /// What the last commit failed with, until one succeeds.
    trouble: Option<String>,
    ending: bool,
}

struct Shared {
    at: At,
    waiting: Mutex<Waiting>,
    /// Told when there is something to be committed, and at the end.
    something: Condvar,
    /// The open file; `None` after an error. Also the turn of those that commit.
    open: Mutex<Option<redb::Database>>,
    _lock: Arc<dyn File>,
}

/// Where the file lies.
struct At {
    dir: Arc<dyn Folder>,
    name: PathBuf,
}

impl Database {
    /// Opens the database `name` in a folder, which is made where it is missing, and takes the lock on it.
    pub fn open(fs: &dyn Fs, folder: &Path, name: &str) -> Result<Opened, OpenError> {
        let dir = fs.folder(folder, true)?;
        let lock = lease::lock(&*dir, Path::new(&format!("{name}.lock")))?.map_err(OpenError::Taken)?;
        let at = At { dir, name: name.into() };
        let mut remarks = Vec::new();
        let open = at.open_or_put_aside(&mut remarks)?;
        let shared = Arc::new(Shared {
            at,
            waiting: Mutex::default(),
            something: Condvar::new(),
            open: Mutex::new(Some(open)),
            _lock: lock,
        });
        let committing = Arc::clone(&shared);
        let builder = thread::Builder::new().name("saved state".to_owned());
        let committer = Some(builder.spawn(move || committing.commit_from_time_to_time())?);
        Ok(Opened { database: Self { shared, committer }, remarks })
    }

    /// Puts (or, where there is none, removes) these records for good, all or none: where that fails, readers and the next commit find what was before.
    pub fn exchange(&self, kind: Kind, records: Vec<(String, Option<Vec<u8>>)>) -> io::Result<()> {
        let set = |name: &str, record: Option<Vec<u8>>| self.shared.change((kind, name.into()), record.map(Into::into));
        let mut before = Vec::new();
        for (name, _) in &records {
            before.push((name.clone(), self.get(kind, name, &|_| true)?));
        }
        let put = records.into_iter().try_for_each(|(name, record)| set(&name, record));
        put.and_then(|()| self.flush()).inspect_err(|_| {
            for (name, record) in before {
                // It waits for the next commit, whatever becomes of one that is tried at once.
                let _ = set(&name, record);
            }
        })
    }

    /// Shows all records of a kind, by name.
    pub fn each(&self, kind: Kind, show: &mut dyn FnMut(&str, &[u8])) -> io::Result<()> {
        let mut changes: BTreeMap<Id, Change> = {
            let waiting = self.shared.waiting();
            waiting.committing.iter().chain(&waiting.changes).map(|(id, change)| (id.clone(), change.clone())).collect()
        };
        changes.retain(|(of, _), _| *of == kind);
        self.shared.read(|db| {
            let table = db.begin_read()?.open_table(table(kind))?;
            let mut after = None;
            for entry in table.iter()? {
                let (name, record) = entry?;
                let upto = Some(Box::<str>::from(name.value()));
                show_changes(&changes, kind, (after.as_deref(), upto.as_deref()), show);
                if !changes.contains_key(&(kind, name.value().into())) {
                    show(name.value(), record.value());
                }
                after = upto;
            }
            show_changes(&changes, kind, (after.as_deref(), None), show);
            Ok(())
        })
    }

    /// What the last commit failed with, until one succeeds: what was put since the one before is not durable.
    pub fn trouble(&self) -> Option<String> {
        self.shared.waiting().trouble.clone()
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        self.shared.waiting().ending = true;
        self.shared.something.notify_all();
        if let Some(committer) = self.committer.take() {
            let _ = committer.join();
        }
    }
}

impl StateStore for Database {
    fn get(&self, kind: Kind, name: &str, whole: &dyn Fn(&[u8]) -> bool) -> io::Result<Option<Vec<u8>>> {
        let id = (kind, name.into());
        let waits = {
            let waiting = self.shared.waiting();
            waiting.changes.get(&id).or_else(|| waiting.committing.get(&id)).cloned()
        };
        let record = match waits {
            Some(change) => change.map(|record| record.to_vec()),
            None => self.shared.read(|db| {
                let table = db.begin_read()?.open_table(table(kind))?;
                Ok(table.get(name)?.map(|record| record.value().to_vec()))
            })?,
        };
        Ok(record.filter(|record| whole(record)))
    }

    fn put(&self, kind: Kind, name: &str, record: Vec<u8>) -> io::Result<()> {
        self.shared.change((kind, name.into()), Some(record.into()))
    }

    fn remove(&self, kind: Kind, name: &str) -> io::Result<()> {
        self.shared.change((kind, name.into()), None)
    }

    fn flush(&self) -> io::Result<()> {
        self.shared.commit()
    }
}

/// Shows what waits under names behind one and up to another, that one included.
fn show_changes(
    changes: &BTreeMap<Id, Change>,
    kind: Kind,
    (after, upto): (Option<&str>, Option<&str>),
    show: &mut dyn FnMut(&str, &[u8]),
) {
    let from = after.map_or(Bound::Unbounded, |name| Bound::Excluded((kind, name.into())));
    let to = upto.map_or(Bound::Unbounded, |name| Bound::Included((kind, name.into())));
    for ((_, name), change) in changes.range::<Id, _>((from, to)) {
        if let Some(record) = change {
            show(name, record);
        }
    }
}

impl Shared {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, id: Id, change: Change) -> io::Result<()> {
        let full = {
            let mut waiting = self.waiting();
            waiting.bytes += id.1.len() + change.as_ref().map_or(0, |record| record.len());
            waiting.changes.insert(id, change);
            waiting.bytes > WAITING_MAX
        };
        self.something.notify_one();
        if full { self.commit() } else { Ok(()) }
    }

    /// Commits what is put, some time after it is put, until the end; what is left then, at once.
    fn commit_from_time_to_time(&self) {
        loop {
            let mut waiting = self.waiting();
            while waiting.changes.is_empty() && !waiting.ending {
                waiting = self.something.wait(waiting).unwrap_or_else(PoisonError::into_inner);
            }
            let rest = |waiting: &mut Waiting| !waiting.ending;
            let waited = self.something.wait_timeout_while(waiting, COMMIT_EVERY, rest);
            let ending = waited.unwrap_or_else(PoisonError::into_inner).0.ending;
            // What fails is told by `trouble`, and tried again with the next.
            let _ = self.commit();
            if ending {
                return;
            }
            self.compact();
        }
    }

    /// Makes durable what was put up to now. A second one that comes meanwhile waits, and finds its own done or does it.
    fn commit(&self) -> io::Result<()> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        {
            let mut waiting = self.waiting();
            if waiting.changes.is_empty() {
                return Ok(());
            }
            waiting.committing = std::mem::take(&mut waiting.changes);
            waiting.bytes = 0;
        }
        // Nobody else changes what is being committed, so a copy of its handles is what the lock need not be held for.
        let changes = self.waiting().committing.clone();
        let result = self.with_file(&mut open, |db| write(db, &changes));
        let mut waiting = self.waiting();
        let mut left = std::mem::take(&mut waiting.committing);
        if result.is_err() {
            // What was put meanwhile is newer.
            left.append(&mut waiting.changes);
            waiting.bytes = left.iter().map(|(id, change)| id.1.len() + change.as_ref().map_or(0, |r| r.len())).sum();
            waiting.changes = left;
        }
        waiting.since_look = waiting.since_look.saturating_add(changes.len());
        waiting.trouble = result.as_ref().err().map(ToString::to_string);
        result
    }

    /// Makes the file smaller when more than half of it is free and much has changed since it was last looked at; those that read and commit wait meanwhile.
    fn compact(&self) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        {
            let mut waiting = self.waiting();
            if waiting.since_look < LOOK_AFTER {
                return;
            }
            waiting.since_look = 0;
        }
        let look = |db: &redb::Database| {
            // What a commit frees is free after the next one.
            set_form(db)?;
            self.at.is_half_free(db)
        };
        let is_worth_it = self.with_file(&mut open, look).unwrap_or(false);
        if is_worth_it
            && let Some(mut db) = open.take()
            && teem_fault::contain(|| db.compact()).is_ok_and(|compacted| compacted.is_ok())
        {
            // One that could not be compacted is opened anew by the next that comes.
            *open = Some(db);
        }
    }

    fn read<T>(&self, work: impl FnOnce(&redb::Database) -> Result<T, redb::Error>) -> io::Result<T> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        self.with_file(&mut open, work)
    }

    /// Works on the file. After an error it is closed, and opened anew by the next that comes.
    fn with_file<T>(
        &self,
        open: &mut Option<redb::Database>,
        work: impl FnOnce(&redb::Database) -> Result<T, redb::Error>,
    ) -> io::Result<T> {
        let db = match open.take() {
            Some(db) => db,
            None => self.at.open().map_err(io_error)?,
        };
        // The library asserts what it believes of its file: what panics over it is an error of the file.
        let worked = teem_fault::contain(|| work(&db));
        match worked.unwrap_or_else(|what| Err(redb::Error::Corrupted(what))) {
            Ok(value) => {
                *open = Some(db);
                Ok(value)
            }
            Err(e) => {
                let _ = teem_fault::contain(move || drop(db));
                Err(io_error(e))
            }
        }
    }
}

fn write(db: &redb::Database, changes: &BTreeMap<Id, Change>) -> Result<(), redb::Error> {
    let all = db.begin_write()?;
    for kind in Kind::ALL {
        let mut table = all.open_table(table(kind))?;
        for ((_, name), change) in changes.iter().filter(|((of, _), _)| *of == kind) {
            match change {
                Some(record) => drop(table.insert(&**name, &**record)?),
                None => drop(table.remove(&**name)?),
            }
        }
    }
    Ok(all.commit()?)
}

impl At {
    /// Opens the file; one that cannot be read is put aside, and a new one takes its place.
    fn open_or_put_aside(&self, remarks: &mut Vec<String>) -> Result<redb::Database, OpenError> {
        let before = self.dir.stat(&self.name)?;
        let opened = teem_fault::contain(|| self.open()).unwrap_or_else(|what| Err(redb::Error::Corrupted(what)));
        let mut db = match opened {
            Ok(db) => db,
            Err(redb::Error::UpgradeRequired(_)) => return Err(OpenError::Newer),
            Err(e) if unreadable(&e) && before.is_some() => {
                let aside = self.put_aside()?;
                remarks.push(format!(
                    "{} could not be read ({e}): it is kept as {}, and a new one was begun",
                    self.name.display(),
                    aside.display()
                ));
                self.open().map_err(io_error)?
            }
            Err(e) => return Err(io_error(e).into()),
        };
        match form(&db).map_err(io_error)? {
            None => set_form(&db).map_err(io_error)?,
            Some(FORM) => {}
            Some(older) if older < FORM => {
                let copy = PathBuf::from(format!("{}.form-{older}", self.name.display()));
                self.copy(&copy)?;
                remarks.push(format!(
                    "{} was brought up to date; what it was is kept as {}",
                    self.name.display(),
                    copy.display()
                ));
                set_form(&db).map_err(io_error)?;
            }
            Some(_) => return Err(OpenError::Newer),
        }
        // A file of which more than half is free is made smaller while nobody waits for it.
        if self.is_half_free(&db).map_err(io_error)? {
            db.compact().map_err(io_error)?;
        }
        Ok(db)
    }

    /// Whether the file is worth compacting.
    fn is_half_free(&self, db: &redb::Database) -> Result<bool, redb::Error> {
        let len = self.dir.stat(&self.name)?.map_or(0, |stat| stat.len);
        Ok(len >= COMPACT_FROM && used(db)? < len / 2)
    }

    fn open(&self) -> Result<redb::Database, redb::Error> {
        let known = self.dir.stat(&self.name)?.is_some();
        let file = self.dir.open(&self.name, Access::Private)?;
        if !known {
            // A name that the power takes with it would take all that is committed.
            self.dir.sync_dir(Path::new(""))?;
        }
        let db = Builder::new().set_cache_size(CACHE).create_with_backend(Backend(file))?;
        let all = db.begin_write()?;
        for kind in Kind::ALL {
            all.open_table(table(kind))?;
        }
        all.open_table(ABOUT)?;
        all.commit()?;
        Ok(db)
    }

    fn put_aside(&self) -> io::Result<PathBuf> {
        for n in 1..=ASIDE_MAX {
            let aside = PathBuf::from(format!("{}.unreadable-{n}", self.name.display()));
            if self.dir.stat(&aside)?.is_none() {
                self.dir.rename(&self.name, &aside)?;
                self.dir.sync_dir(Path::new(""))?;
                return Ok(aside);
            }
        }
        Err(io::Error::other(format!(
            "{ASIDE_MAX} databases that could not be read are kept beside it already; remove them"
        )))
    }

    /// Copies the file as it is, durably.
    fn copy(&self, to: &Path) -> io::Result<()> {
        let (from, copy) = (self.dir.open(&self.name, Access::Read)?, self.dir.open(to, Access::Private)?);
        copy.set_len(0)?;
        let (mut buffer, mut at) = (vec![0; COPY], 0);
        loop {
            let n = read_full(&*from, &mut [IoSliceMut::new(&mut buffer)], at)?;
            if n == 0 {
                break;
            }
            write_full(&*copy, &mut [IoSlice::new(&buffer[..n as usize])], at)?;
            at += n;
        }
        copy.sync()?;
        self.dir.sync_dir(Path::new(""))
    }
}

/// Bytes of the pages that are in use.
fn used(db: &redb::Database) -> Result<u64, redb::Error> {
    let all = db.begin_write()?;
    let stats = all.stats()?;
    let used = stats.allocated_pages() * stats.page_size() as u64;
    all.abort()?;
    Ok(used)
}

fn form(db: &redb::Database) -> Result<Option<u64>, redb::Error> {
    let table = db.begin_read()?.open_table(ABOUT)?;
    Ok(table.get("form")?.map(|form| form.value()))
}

fn set_form(db: &redb::Database) -> Result<(), redb::Error> {
    let all = db.begin_write()?;
    all.open_table(ABOUT)?.insert("form", FORM)?;
    Ok(all.commit()?)
}

/// Whether the bytes of the file are at fault, and not the medium.
fn unreadable(e: &redb::Error) -> bool {
    match e {
        redb::Error::Corrupted(_)
        | redb::Error::TableTypeMismatch { .. }
        | redb::Error::TableIsMultimap(_)
        | redb::Error::TypeDefinitionChanged { .. } => true,
        redb::Error::Io(e) => matches!(e.kind(), io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof),
        _ => false,
    }
}

fn io_error(e: impl Into<redb::Error>) -> io::Error {
    match e.into() {
        redb::Error::Io(e) => e,
        other => io::Error::other(other),
    }
}

/// One of our files, as the database library wants it.
struct Backend(Arc<dyn File>);

impl fmt::Debug for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Backend")
    }
}

impl StorageBackend for Backend {
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.stat()?.len)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let wanted = out.len() as u64;
        let there = read_full(&*self.0, &mut [IoSliceMut::new(out)], offset)?;
        if there == wanted { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let grows = len > self.0.stat()?.len;
        self.0.set_len(len)?;
        // The library writes a header that counts on the length and syncs both at once: the medium may get the header alone, and the library
        // refuses a file that is shorter than its header says.
        if grows { self.0.sync() } else { Ok(()) }
    }

    fn sync_data(&self) -> io::Result<()> {
        self.0.sync()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        write_full(&*self.0, &mut [IoSlice::new(data)], offset)
    }
}
