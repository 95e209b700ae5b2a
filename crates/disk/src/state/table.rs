//! How the files of a torrent with many were left (own design): a file of its own beside the state, of which a save writes only the
//! chunks in which a file changed.
//!
//! Each chunk has two places, of which a save takes the one that the state on the disk does not need; a state believes of each chunk the
//! newest that is not newer than itself. So a save that the power ends leaves the state as it was, and what is torn or
//! foreign costs a check of its files' pieces, never a wrong claim.
//!
//! Invariant: a chunk that is newer than the state it was loaded with is written again before the next state is.
use crate::fs::{Access, File, Folder, Stat, read_full, write_full};
use crate::hash;
use std::collections::BTreeSet;
use std::io::{self, IoSlice, IoSliceMut};
use std::path::PathBuf;
use std::sync::Arc;

/// Files of a chunk. A torrent that fits into one has them in its state.
pub(crate) const CHUNK: usize = 64;

/// Chunks read at a time.
const READ: usize = 128;

/// How records are written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Form {
    /// What it is, length, times of content and inode, inode.
    Now,
    /// Without the time of the inode, as up to version 4 of the state.
    Older,
}

impl Form {
    /// Bytes of a record.
    const fn record_len(self) -> usize {
        match self {
            Self::Now => 1 + 4 * 8,
            Self::Older => 1 + 3 * 8,
        }
    }

    /// Bytes of one place: generation, records, checksum.
    const fn place_len(self) -> usize {
        8 + CHUNK * self.record_len() + 8
    }
}

/// How a file was left.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) enum Record {
    /// It was not there.
    #[default]
    Missing,
    /// Under its own name.
    Own(Stat),
    /// What there was of it lay in the part file.
    Apart,
}

impl Record {
    /// Of a file as it is. Only what is recorded of a stat counts.
    pub(crate) fn own(stat: Option<Stat>) -> Self {
        stat.map_or(Self::Missing, |Stat { len, mtime_ns, ctime_ns, inode, .. }| {
            Self::Own(Stat { len, mtime_ns, ctime_ns, inode, ..Stat::default() })
        })
    }

    pub(crate) fn encode(self, out: &mut Vec<u8>) {
        let (kind, stat) = match self {
            Self::Missing => (0, Stat::default()),
            Self::Own(stat) => (1, stat),
            Self::Apart => (2, Stat::default()),
        };
        out.push(kind);
        out.extend(stat.len.to_le_bytes());
        out.extend(stat.mtime_ns.to_le_bytes());
        out.extend(stat.ctime_ns.to_le_bytes());
        out.extend(stat.inode.to_le_bytes());
    }

    /// The record that bytes begin with, and the rest. A time of the inode that is not written is zero.
    pub(crate) fn decode(bytes: &[u8], form: Form) -> Option<(Self, &[u8])> {
        let (record, rest) = bytes.split_at_checked(form.record_len())?;
        let (kind, words) = record.split_first()?;
        let word = |n: usize| words.get(n * 8..)?.first_chunk().map(|word| u64::from_le_bytes(*word));
        let (ctime, inode) = if form == Form::Now { (word(2)?, word(3)?) } else { (0, word(2)?) };
        let (mtime_ns, ctime_ns) = (word(1)?.cast_signed(), ctime.cast_signed());
        let stat = Stat { len: word(0)?, mtime_ns, ctime_ns, inode, ..Stat::default() };
        match kind {
            0 => Some((Self::Missing, rest)),
            1 => Some((Self::Own(stat), rest)),
            2 => Some((Self::Apart, rest)),
            _ => None,
        }
    }
}

/// The table of one open torrent.
pub(crate) struct Table {
    path: PathBuf,
    /// What no other torrent's chunk has, and none in another folder.
    about: Vec<u8>,
    /// Of each chunk, the place that the state on the disk needs.
    current: Vec<bool>,
    /// Nothing in the file is needed: the state goes with a table of the older form.
    anew: bool,
    file: Option<Arc<dyn File>>,
}

/// What was in it.
pub(crate) struct Recorded {
    /// One for each file.
    pub(crate) records: Vec<Record>,
    /// The chunks to be written again with the next state.
    pub(crate) stale: BTreeSet<u32>,
    /// The newest generation that was seen.
    pub(crate) newest: u64,
}

impl Table {
    /// Reads what a state of this generation believes of `count` files. Where there is an `older` table the state goes with that, and every chunk is to
    /// be written.
    pub(crate) fn load(
        dir: &dyn Folder,
        (path, older): (PathBuf, Option<PathBuf>),
        about: Vec<u8>,
        count: usize,
        generation: u64,
    ) -> (Self, Recorded) {
        let form = if older.is_some() { Form::Older } else { Form::Now };
        let place_len = form.place_len();
        let chunks = count.div_ceil(CHUNK);
        let mut table = Self { path, about, current: vec![false; chunks], anew: older.is_some(), file: None };
        let mut found = Recorded { records: vec![Record::Missing; count], stale: BTreeSet::new(), newest: generation };
        let file = dir.open(older.as_deref().unwrap_or(&table.path), Access::Read).ok();
        let mut buffer = vec![0; READ.min(chunks) * 2 * place_len];
        for first in (0..chunks).step_by(READ) {
            let at = (first * 2 * place_len) as u64;
            let read = file.as_ref().map(|file| read_full(&**file, &mut [IoSliceMut::new(&mut buffer)], at));
            let read = read.and_then(Result::ok).unwrap_or(0) as usize;
            let last = chunks.min(first + READ);
            for chunk in first..last {
                let place = |n: usize| {
                    let at = ((chunk - first) * 2 + n) * place_len;
                    buffer[..read].get(at..at + place_len).and_then(|place| table.whole(chunk, place))
                };
                let places = [place(0), place(1)];
                let (mut best, mut newer) = (None, false);
                for (n, (written, records)) in places.iter().enumerate().filter_map(|(n, p)| p.map(|p| (n, p))) {
                    found.newest = found.newest.max(written);
                    newer |= written > generation;
                    if written <= generation && best.is_none_or(|(_, than, _)| written > than) {
                        best = Some((n, written, records));
                    }
                }
                if newer || best.is_none() || table.anew {
                    found.stale.insert(chunk as u32);
                }
                if let Some((n, _, mut rest)) = best {
                    table.current[chunk] = n == 1 && !table.anew;
                    for record in found.records.iter_mut().skip(chunk * CHUNK).take(CHUNK) {
                        let Some((next, behind)) = Record::decode(rest, form) else { break };
                        (*record, rest) = (next, behind);
                    }
                }
            }
        }
        (table, found)
    }

    /// Writes chunks as part of a generation, and makes them durable. They count from [`Table::settle`] on.
    pub(crate) fn write(
        &mut self,
        dir: &dyn Folder,
        chunks: &BTreeSet<u32>,
        generation: u64,
        record: &dyn Fn(usize) -> Record,
    ) -> io::Result<()> {
        let file = if let Some(file) = &self.file {
            Arc::clone(file)
        } else {
            let file = dir.open(&self.path, Access::Private)?;
            if self.anew {
                file.set_len(0)?;
            }
            // Its name is there before any state relies on it.
            dir.sync_dir("".as_ref())?;
            self.file = Some(Arc::clone(&file));
            file
        };
        for &chunk in chunks {
            let mut place = generation.to_le_bytes().to_vec();
            for file in chunk as usize * CHUNK..(chunk as usize + 1) * CHUNK {
                record(file).encode(&mut place);
            }
            place.extend(self.checksum(chunk as usize, &place));
            let other = usize::from(!self.current.get(chunk as usize).copied().unwrap_or(false));
            let at = (chunk as usize * 2 + other) * Form::Now.place_len();
            write_full(&*file, &mut [IoSlice::new(&place)], at as u64)?;
        }
        if chunks.is_empty() { Ok(()) } else { file.sync() }
    }

    /// The state that goes with what was written is on the disk.
    pub(crate) fn settle(&mut self, chunks: &BTreeSet<u32>) {
        for &chunk in chunks {
            if let Some(current) = self.current.get_mut(chunk as usize) {
                *current = !*current;
            }
        }
    }

    /// Generation and records, if the checksum is right.
    fn whole<'p>(&self, chunk: usize, place: &'p [u8]) -> Option<(u64, &'p [u8])> {
        let (body, sum) = place.split_last_chunk::<8>()?;
        let (generation, records) = body.split_first_chunk()?;
        (self.checksum(chunk, body) == *sum).then_some((u64::from_le_bytes(*generation), records))
    }

    fn checksum(&self, chunk: usize, body: &[u8]) -> [u8; 8] {
        let sum = hash::sha1(&[&self.about[..], &(chunk as u64).to_le_bytes(), body].concat());
        let mut short = [0; 8];
        short.copy_from_slice(&sum[..8]);
        short
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fs::Fs;
    use crate::root::RealFs;

    fn record(generation: u64, file: usize) -> Record {
        Record::own(Some(Stat { len: file as u64, mtime_ns: -1, ctime_ns: 9, inode: generation, ..Stat::default() }))
    }

    #[test]
    fn a_state_believes_what_was_written_up_to_it() {
        let folder = std::env::temp_dir().join(format!("teem-table-{}", std::process::id()));
        let dir = RealFs.folder(&folder, true).unwrap();
        let load = |generation| Table::load(&*dir, ("t".into(), None), b"me".to_vec(), 130, generation);
        let (mut table, nothing) = load(0);
        assert_eq!((nothing.stale.len(), nothing.records[129]), (3, Record::Missing));
        table.write(&*dir, &nothing.stale, 1, &|file| record(1, file)).unwrap();
        table.settle(&nothing.stale);
        let second = BTreeSet::from([1]);
        table.write(&*dir, &second, 2, &|file| record(2, file)).unwrap();
        // The power went before the state of that was written.
        let (_, before) = load(1);
        assert_eq!((before.records[64], before.newest), (record(1, 64), 2));
        assert_eq!(before.stale, second);
        let (_, after) = load(2);
        assert_eq!(
            (after.records[64], after.records[63], after.records[129]),
            (record(2, 64), record(1, 63), record(1, 129))
        );
        assert!(after.stale.is_empty());
        // Torn: what was there before is still there.
        let path = folder.join("t");
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[2 * Form::Now.place_len() + 9] ^= 1;
        std::fs::write(&path, &bytes).unwrap();
        assert_eq!(load(2).1.records[64], record(1, 64));
        // Another torrent's is nobody's.
        let (_, other) = Table::load(&*dir, ("t".into(), None), b"you".to_vec(), 130, 2);
        assert_eq!((other.stale.len(), other.records[0]), (3, Record::Missing));
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_table_of_the_older_form_is_read_once() {
        let folder = std::env::temp_dir().join(format!("teem-older-{}", std::process::id()));
        let dir = RealFs.folder(&folder, true).unwrap();
        let load =
            |older: Option<&str>| Table::load(&*dir, ("t".into(), older.map(PathBuf::from)), b"me".to_vec(), 130, 1);
        // As version 4 wrote it: each chunk in its second place, without the time of the inode.
        let (mut table, _) = load(None);
        let mut old = Vec::new();
        for chunk in 0..3 {
            let mut place = 1_u64.to_le_bytes().to_vec();
            for file in chunk * CHUNK..(chunk + 1) * CHUNK {
                let mut whole = Vec::new();
                record(1, file).encode(&mut whole);
                place.extend([&whole[..17], &whole[25..]].concat());
            }
            place.extend(table.checksum(chunk, &place));
            old.extend(vec![0; Form::Older.place_len()]);
            old.extend(place);
        }
        std::fs::write(folder.join("old"), old).unwrap();
        let timeless = |file| match record(1, file) {
            Record::Own(stat) => Record::Own(Stat { ctime_ns: 0, ..stat }),
            other => other,
        };
        let (read, found) = load(Some("old"));
        assert_eq!((found.records[0], found.records[129], found.newest), (timeless(0), timeless(129), 1));
        assert_eq!(found.stale.len(), 3, "all of it is to be written in the form of today");
        table = read;
        table.write(&*dir, &found.stale, 1, &|file| record(1, file)).unwrap();
        assert_eq!(load(None).1.records[129], record(1, 129));
        std::fs::remove_dir_all(folder).unwrap();
    }
}
