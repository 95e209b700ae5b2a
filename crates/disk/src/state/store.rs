//! State files on the disk (own design): written as temporary, synced, renamed, folder synced, with the generation
//! before kept; kept from other processes while in use.
use super::claims::Claims;
use super::format::{About, decode, encode, form_of};
use super::journal::{self, JOURNAL_MAX, Journal, Journaled};
use super::lease::{Lease, Leased, Leases};
use super::record_files::{RecordFiles, write_temporary};
use super::records::{Kind, StateStore};
use super::table::{CHUNK, Form, Record, Table};
use crate::bits::Bits;
use crate::content::Content;
use crate::error::explain;
use crate::folders::Folders;
use crate::fs::{Access, Folder, Fs, Stat, read_small};
use crate::hash;
use crate::place::Place;
use std::cell::Cell;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use teem_metainfo::{InfoHash, TorrentKey};
use teem_swarm::job::{DiskError, DiskErrorKind, Facts};
use teem_swarm::selection::Selection;

/// Bytes of a saved info dictionary that are read: the limit of a .torrent file.
pub(super) const INFO_MAX: u64 = 192 << 20;

/// The saved state of one open torrent; its names are kept from others as long as it lives or until `close`.
#[derive(Default)]
pub(crate) struct Saved {
    open: Option<Open>,
}

struct Open {
    dir: Arc<dyn Folder>,
    dir_path: PathBuf,
    /// Where the state itself lies; journal, table and info dictionary are files of `dir`.
    records: Arc<dyn StateStore>,
    stem: String,
    key: TorrentKey,
    folder: Vec<u8>,
    journal: Option<Journal>,
    /// Counts states, those that could not be written included.
    generation: u64,
    /// Where there are many files: how they were left.
    table: Option<Table>,
    /// What the state on the disk claims.
    claimed: Bits,
    facts: Facts,
    selection: Selection,
    /// What the state on the disk says, its number aside, as a digest; none while there is no state.
    says: Option<[u8; 20]>,
    /// Notes of an earlier run are there, which the next state makes void.
    noted: bool,
    _leases: Vec<Lease>,
}

/// What was there.
pub(crate) struct Loaded {
    pub(crate) claims: Option<Claims>,
    pub(crate) journal: Journaled,
    /// The chunks of files to be written with the next state whatever happens.
    pub(crate) stale: BTreeSet<u32>,
}

impl Saved {
    /// Locks and loads. Seeding works without a state folder that can be written, only without memory. Who brings `records` for all
    /// torrents has them locked as a whole.
    pub(crate) fn open(
        fs: &dyn Fs,
        (folders, leases): (&Folders, &Leases),
        records: Option<&Arc<dyn StateStore>>,
        place: &Place,
        content: &Content,
    ) -> Result<(Self, Loaded), DiskError> {
        let nothing = || Loaded { claims: None, journal: Journaled::default(), stale: BTreeSet::new() };
        let dir = match folders.enter(&place.state_dir, true) {
            Ok(dir) => dir,
            Err(_) if place.read_only => return Ok((Self::default(), nothing())),
            Err(e) => return Err(explain(&e, "keep state in", &place.state_dir)),
        };
        let fail = |e: io::Error| explain(&e, "keep state in", &place.state_dir);
        let key = content.info.key();
        let folder = folder_name(fs, &place.folder, place.name.as_deref()).map_err(fail)?;
        let stem = stem(key.wire(), &folder);
        let mut held = Vec::new();
        if records.is_none() {
            match leases.take(&dir, &place.state_dir, named(&stem, "lock"), false) {
                Ok(Leased::Held(lease)) => held.push(lease),
                Ok(Leased::Taken(pid)) => return Err(locked(pid, place, content)),
                Err(_) if place.read_only => return Ok((Self::default(), nothing())),
                Err(e) => return Err(fail(e)),
            }
        }
        if !place.read_only {
            // Torrents of one name may write into the same files.
            let name = place.name.as_deref().unwrap_or(content.info.name());
            let path = [&folder[..], b"\0", name.as_bytes()].concat();
            let path = PathBuf::from(format!("name-{}.lock", hex(&hash::sha1(&path)[..8])));
            match leases.take(&dir, &place.state_dir, path, true).map_err(fail)? {
                Leased::Held(lease) => held.push(lease),
                Leased::Taken(pid) => return Err(locked(pid, place, content)),
            }
        }
        let about = About { key, folder: &folder, pieces: content.piece_count(), files: content.info.files().len() };
        let records: Arc<dyn StateStore> =
            records.map_or_else(|| Arc::new(RecordFiles(Arc::clone(&dir))) as Arc<dyn StateStore>, Arc::clone);
        let decoded = Cell::new(None);
        let whole = |bytes: &[u8]| {
            let claims = decode(bytes, &about);
            let is_whole = claims.is_some();
            decoded.set(claims.map(|claims| (claims, form_of(bytes))));
            is_whole
        };
        if let Err(e) = records.get(Kind::State, &stem, &whole) {
            // What cannot be read now is not to be written over: what was chosen and counted stands in it.
            if place.read_only {
                return Ok((Self::default(), nothing()));
            }
            return Err(explain(&e, "read what is remembered in", &place.state_dir.join(named(&stem, "state"))));
        }
        let (mut claims, form) = decoded.take().map_or((None, Form::Now), |(claims, form)| (Some(claims), form));
        if claims.is_some() && !place.read_only {
            // A process that was killed may have put it there just before: nothing is written that a power cut could leave without it.
            dir.sync_dir(Path::new("")).map_err(fail)?;
        }
        let (mut table, mut stale) = (None, BTreeSet::new());
        let mut generation = claims.as_ref().map_or(0, |claims| claims.generation);
        // The part file is one more.
        let files = about.files + 1;
        if files > CHUNK {
            let paths = (named(&stem, "table"), (form == Form::Older).then(|| named(&stem, "files")));
            let (loaded, found) = Table::load(&*dir, paths, stem.clone().into(), files, generation);
            (table, stale, generation) = (Some(loaded), found.stale, found.newest);
            if let Some(claims) = &mut claims {
                claims.files = found.records;
            }
        }
        let notes = read_small(&*dir, &named(&stem, "journal"), JOURNAL_MAX).ok().flatten();
        let noted = notes.as_ref().is_some_and(|notes| !notes.is_empty());
        let mut journal = notes.map(|bytes| journal::decode(&bytes)).unwrap_or_default();
        if claims.is_none() {
            journal = Journaled::default();
        }
        let mut open = Open {
            journal: None,
            generation,
            table,
            claimed: claims.as_ref().map_or_else(|| Bits::new(about.pieces), |c| c.have.clone()),
            facts: claims.as_ref().map(|c| c.facts.clone()).unwrap_or_default(),
            selection: claims.as_ref().map(|c| c.selection.clone()).unwrap_or_default(),
            dir_path: place.state_dir.clone(),
            dir,
            records,
            stem,
            key,
            folder,
            says: None,
            noted,
            _leases: held,
        };
        if form == Form::Now {
            open.says = claims.as_ref().map(|claims| open.digest(claims, files));
        }
        open.keep_info(content.info.raw());
        Ok((Self { open: Some(open) }, Loaded { claims, journal, stale }))
    }

    /// Whether the state on the disk claims a piece.
    pub(crate) fn claims(&self, piece: u32) -> bool {
        self.open.as_ref().is_some_and(|open| open.claimed.has(piece))
    }

    /// Notes that a piece (or something unverified) was written and how these files were left. Failing costs a check
    /// after an unclean end, no more.
    pub(crate) fn note(&mut self, piece: Option<u32>, files: impl Iterator<Item = (usize, Stat)>) {
        let Some(open) = &mut self.open else { return };
        if open.journal.is_none() {
            let file = open.dir.open(&named(&open.stem, "journal"), Access::Private);
            open.journal = file.and_then(Journal::new).ok();
        }
        if let Some(journal) = &mut open.journal {
            let _ = journal.note(piece, files);
        }
    }

    /// The facts last saved.
    pub(crate) fn facts(&self) -> Facts {
        self.open.as_ref().map(|open| open.facts.clone()).unwrap_or_default()
    }

    /// Which files were wanted when that was last saved.
    pub(crate) fn selection(&self) -> Selection {
        self.open.as_ref().map(|open| open.selection.clone()).unwrap_or_default()
    }

    /// Replaces the state; what is claimed must be durable already. `record` tells how each of so many files is left, `changed` in which
    /// chunks of them one is left otherwise than in the last state.
    pub(crate) fn save(
        &mut self,
        mut claims: Claims,
        files: usize,
        changed: &BTreeSet<u32>,
        record: &dyn Fn(usize) -> Record,
    ) -> Result<(), DiskError> {
        let Some(open) = &mut self.open else { return Ok(()) };
        if open.table.is_none() {
            claims.files = (0..files).map(record).collect();
        }
        let says = open.digest(&claims, files);
        let noted = open.noted || open.journal.as_ref().is_some_and(|journal| !journal.is_empty());
        if open.says == Some(says) && !noted && (open.table.is_none() || changed.is_empty()) {
            return Ok(()); // thousands that nobody has asked for anything are closed without a write
        }
        // Notes of an earlier run are this state's too.
        if open.journal.is_none()
            && let Ok(Some(_)) = open.dir.stat(&named(&open.stem, "journal"))
        {
            let file = open.dir.open(&named(&open.stem, "journal"), Access::Private);
            open.journal = file.and_then(Journal::new).ok();
        }
        open.generation = open.generation.saturating_add(1);
        claims.generation = open.generation;
        let written = if let Some(table) = &mut open.table {
            table.write(&*open.dir, changed, open.generation, record)
        } else {
            Ok(())
        };
        open.says = None;
        let written = written.and_then(|()| open.write(&claims, files));
        written.map_err(|e| explain(&e, "keep state in", &open.dir_path))?;
        if let Some(table) = &mut open.table {
            table.settle(changed);
        }
        (open.claimed, open.facts, open.selection) = (claims.have, claims.facts, claims.selection);
        (open.says, open.noted) = (Some(says), false);
        // Only now: the state knows all that was noted.
        if let Some(journal) = &mut open.journal
            && let Err(e) = journal.clear()
        {
            return Err(explain(&e, "keep state in", &open.dir_path));
        }
        Ok(())
    }

    /// Holds no file while there is nothing to be noted.
    pub(crate) fn rest(&mut self) {
        if let Some(open) = &mut self.open
            && open.journal.as_ref().is_some_and(Journal::is_empty)
        {
            open.journal = None;
        }
    }

    /// Lets go of files and names.
    pub(crate) fn close(&mut self) {
        self.open = None;
    }
}

impl Open {
    /// What a state says, whatever its number.
    fn digest(&self, claims: &Claims, files: usize) -> [u8; 20] {
        let about = About { key: self.key, folder: &self.folder, pieces: 0, files: files.saturating_sub(1) };
        let mut said = Claims { generation: 0, ..claims.clone() };
        if self.table.is_some() {
            said.files.clear(); // how those were left is told by chunks
        }
        hash::sha1(&encode(&about, &said))
    }

    fn write(&self, claims: &Claims, files: usize) -> io::Result<()> {
        let about = About { key: self.key, folder: &self.folder, pieces: 0, files: files - 1 };
        self.records.put(Kind::State, &self.stem, encode(&about, claims))?;
        // Notes of pieces go, places in the table are used again and files are begun once the state is safe. What is said of a complete
        // torrent without any of these are counts, which may wait a while.
        let waits = (0..claims.have.len()).all(|piece| claims.have.has(piece))
            && self.journal.is_none()
            && self.table.is_none();
        if waits { Ok(()) } else { self.records.flush() }
    }

    /// Keeps the info dictionary; failing costs fetching it again.
    fn keep_info(&self, raw: &[u8]) {
        let path = named(&self.stem, "info");
        if self.dir.stat(&path).is_ok_and(|stat| stat.is_some_and(|s| s.len == raw.len() as u64)) {
            return;
        }
        let kept =
            write_temporary(&*self.dir, &self.stem, raw).and_then(|temporary| self.dir.rename(&temporary, &path));
        if kept.is_err() {
            let _ = self.dir.remove(&named(&self.stem, "new"));
        }
    }
}

/// The info dictionary that was kept when this torrent was last opened in this folder, so that a magnet link can go on
/// without peers. Its hash is right.
pub fn saved_info(fs: &dyn Fs, place: &Place, key: TorrentKey) -> Option<Vec<u8>> {
    let dir = fs.folder(&place.state_dir, false).ok()?;
    let folder = folder_name(fs, &place.folder, place.name.as_deref()).ok()?;
    let raw = read_small(&*dir, &named(&stem(key.wire(), &folder), "info"), INFO_MAX).ok()??;
    key.matches(&raw).then_some(raw)
}

fn locked(pid: Option<u32>, place: &Place, content: &Content) -> DiskError {
    let who = pid.map_or_else(|| "another process".to_owned(), |pid| format!("process {pid}"));
    let path = place.folder.join(place.name.as_deref().unwrap_or(content.info.name()));
    let message = format!("{} is held by {who}; stop that one first, or choose another folder", path.display());
    DiskError { kind: DiskErrorKind::Locked, message }
}

/// The folder as a name: canonical, with the name under which the content lies when it is not the torrent's.
pub(super) fn folder_name(fs: &dyn Fs, folder: &Path, name: Option<&str>) -> io::Result<Vec<u8>> {
    Ok(named_folder(&fs.canonical(folder)?, name))
}

fn named_folder(folder: &Path, name: Option<&str>) -> Vec<u8> {
    let mut out = folder.as_os_str().as_bytes().to_vec();
    if let Some(name) = name {
        out.push(0);
        out.extend(name.as_bytes());
    }
    out
}

/// What the names of all files of a torrent's state in a place begin with. A folder that is gone goes by the name that it had.
pub(crate) fn stem_of(fs: &dyn Fs, wire: InfoHash, place: &Place) -> io::Result<String> {
    let folder = match folder_name(fs, &place.folder, place.name.as_deref()) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => named_folder(&place.folder, place.name.as_deref()),
        other => other?,
    };
    Ok(stem(wire, &folder))
}

/// Forgets a state: what is claimed, and the files beside it. Its lock stays, since another process may wait with it open.
pub(crate) fn forget_stem(fs: &dyn Fs, store: &dyn StateStore, state_dir: &Path, stem: &str) -> io::Result<()> {
    store.remove(Kind::State, stem)?;
    let dir = fs.folder(state_dir, false)?;
    for what in ["table", "files", "journal", "info", "new"] {
        dir.remove(&named(stem, what))?;
    }
    Ok(())
}

/// What the names of all files of a state begin with.
pub(super) fn stem(wire: InfoHash, folder: &[u8]) -> String {
    format!("{wire}-{}", hex(&hash::sha1(folder)[..8]))
}

pub(super) fn named(stem: &str, what: &str) -> PathBuf {
    PathBuf::from(format!("{stem}.{what}"))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut out, byte| {
        // INVARIANT: writing to a String cannot fail; the result is of no use.
        let _ = write!(out, "{byte:02x}");
        out
    })
}
