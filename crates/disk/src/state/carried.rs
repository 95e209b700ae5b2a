//! What is saved of one torrent in one place, carried from one store into another (own design). The bytes stay as they are, and are believed as far as the
//! files are still as they say: on another machine, or of content that was copied, everything is checked.
use super::format::{About, decode, form_of};
use super::journal::JOURNAL_MAX;
use super::record_files::write_temporary;
use super::records::{Kind, STATE_MAX, StateStore};
use super::saved_torrents::{ForgetError, SavedTorrent};
use super::store::{folder_name, named, stem, stem_of};
use super::table::{CHUNK, Form};
use crate::fs::{Fs, read_small};
use crate::place::Place;
use std::io;
use std::path::Path;
use teem_metainfo::{Info, InfoHash};
use teem_swarm::selection::Selection;

/// Bytes of a table: two places of 2,128 bytes for each 64 files of a million.
const TABLE_MAX: u64 = 80 << 20;

/// What is saved of one torrent in one place, as it lies there.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Carried {
    /// The record of its claims ([`Kind::State`]).
    pub state: Vec<u8>,
    /// How its files were left, where there are many.
    pub table: Option<Vec<u8>>,
    /// What was written since the record was.
    pub journal: Option<Vec<u8>>,
}

/// What a record says beside its claims.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Said {
    /// How many pieces it claims.
    pub have: u32,
    /// Which files are wanted.
    pub selection: Selection,
    /// Payload bytes sent, over all runs.
    pub uploaded: u64,
    /// Payload bytes received, over all runs.
    pub downloaded: u64,
    /// Whether everything that was wanted was there.
    pub complete: bool,
}

impl SavedTorrent {
    /// What is saved of it, unless a process works on it; `None` where no record of it is whole.
    pub fn carried(&self, fs: &dyn Fs, state_dir: &Path) -> Result<Option<Carried>, ForgetError> {
        if let Some(holder) = self.held {
            return Err(ForgetError::Held(holder));
        }
        let (stem, Some(state)) = self.record(state_dir) else { return Ok(None) };
        beside(fs, state_dir, stem, state).map(Some).map_err(ForgetError::Io)
    }
}

/// What is saved of a torrent in a place.
pub fn carried(fs: &dyn Fs, store: &dyn StateStore, place: &Place, wire: InfoHash) -> io::Result<Option<Carried>> {
    let stem = stem_of(fs, wire, place)?;
    match store.get(Kind::State, &stem, &|_| true)? {
        Some(state) => beside(fs, &place.state_dir, &stem, state).map(Some),
        None => Ok(None),
    }
}

/// The record with what lies beside it. It may be at work meanwhile: what is newer than the record is not believed with it.
fn beside(fs: &dyn Fs, state_dir: &Path, stem: &str, state: Vec<u8>) -> io::Result<Carried> {
    let dir = fs.folder(state_dir, false)?;
    let table = if form_of(&state) == Form::Now { "table" } else { "files" };
    let read = |what: &str, max: u64| read_small(&*dir, &named(stem, what), max);
    Ok(Carried { table: read(table, TABLE_MAX)?, journal: read("journal", JOURNAL_MAX)?, state })
}

impl Carried {
    /// What it says of this torrent in this place; `None` where it is not whole or is about another torrent or folder.
    pub fn says(&self, fs: &dyn Fs, place: &Place, info: &Info) -> io::Result<Option<Said>> {
        Ok(look(fs, place, info, self)?.map(|(_, said)| said))
    }
}

/// Puts what was carried where a torrent that is not open is looked for in this place: what it says; `None` where it is not whole or is about another torrent
/// or folder, and then nothing is changed. It is durable with the next flush of the store.
pub fn put_carried(
    fs: &dyn Fs,
    store: &dyn StateStore,
    place: &Place,
    info: &Info,
    carried: &Carried,
) -> io::Result<Option<Said>> {
    let Some((stem, said)) = look(fs, place, info, carried)? else { return Ok(None) };
    let dir = fs.folder(&place.state_dir, true)?;
    let has_table = info.files().len() + 1 > CHUNK;
    let table = if form_of(&carried.state) == Form::Now { "table" } else { "files" };
    let journal = (named(&stem, "journal"), carried.journal.as_ref());
    for (path, bytes) in [(named(&stem, table), carried.table.as_ref().filter(|_| has_table)), journal] {
        match bytes {
            Some(bytes) => {
                let temporary = write_temporary(&*dir, &stem, bytes)?;
                dir.rename(&temporary, &path)?;
            }
            // Notes that belong to another record say nothing of this one.
            None => dir.remove(&path)?,
        }
    }
    dir.sync_dir(Path::new(""))?;
    store.put(Kind::State, &stem, carried.state.clone())?;
    Ok(Some(said))
}

/// What the names of its files begin with, and what it says.
fn look(fs: &dyn Fs, place: &Place, info: &Info, carried: &Carried) -> io::Result<Option<(String, Said)>> {
    let folder = match folder_name(fs, &place.folder, place.name.as_deref()) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        other => other?,
    };
    let about = About { key: info.key(), folder: &folder, pieces: info.piece_count(), files: info.files().len() };
    let within = carried.state.len() as u64 <= STATE_MAX
        && carried.table.as_ref().is_none_or(|table| table.len() as u64 <= TABLE_MAX)
        && carried.journal.as_ref().is_none_or(|journal| journal.len() as u64 <= JOURNAL_MAX);
    let Some(claims) = decode(&carried.state, &about).filter(|_| within) else { return Ok(None) };
    let said = Said {
        have: claims.have.iter().count() as u32,
        selection: claims.selection,
        uploaded: claims.facts.uploaded,
        downloaded: claims.facts.downloaded,
        complete: claims.facts.complete,
    };
    Ok(Some((stem(info.key().wire(), &folder), said)))
}
