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

/// Bytes of a record: what it is, length, time, inode.
const RECORD_LEN: usize = 1 + 8 + 8 + 8;

/// Bytes of one place: generation, records, checksum.
const PLACE_LEN: usize = 8 + CHUNK * RECORD_LEN + 8;

/// Bytes read at a time.
const READ: usize = 128 * 2 * PLACE_LEN;

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
        stat.map_or(Self::Missing, |Stat { len, mtime_ns, inode, .. }| {
            Self::Own(Stat { len, mtime_ns, inode, ..Stat::default() })
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
        out.extend(stat.inode.to_le_bytes());
    }

    /// The record that bytes begin with, and the rest.
    pub(crate) fn decode(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let (record, rest) = bytes.split_first_chunk::<RECORD_LEN>()?;
        let word = |at: usize| record[at..].first_chunk().map(|word| u64::from_le_bytes(*word));
        let stat = Stat { len: word(1)?, mtime_ns: word(9)?.cast_signed(), inode: word(17)?, ..Stat::default() };
        match record[0] {
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
    /// Reads what a state of this generation believes of `count` files.
    pub(crate) fn load(
        dir: &dyn Folder,
        path: PathBuf,
        about: Vec<u8>,
        count: usize,
        generation: u64,
    ) -> (Self, Recorded) {
        let chunks = count.div_ceil(CHUNK);
        let mut table = Self { path, about, current: vec![false; chunks], file: None };
        let mut found = Recorded { records: vec![Record::Missing; count], stale: BTreeSet::new(), newest: generation };
        let file = dir.open(&table.path, Access::Read).ok();
        let mut buffer = vec![0; READ.min(chunks * 2 * PLACE_LEN)];
        for first in (0..chunks).step_by(READ / (2 * PLACE_LEN)) {
            let at = (first * 2 * PLACE_LEN) as u64;
            let read = file.as_ref().map(|file| read_full(&**file, &mut [IoSliceMut::new(&mut buffer)], at));
            let read = read.and_then(Result::ok).unwrap_or(0) as usize;
            let last = chunks.min(first + READ / (2 * PLACE_LEN));
            for chunk in first..last {
                let place = |n: usize| {
                    let at = ((chunk - first) * 2 + n) * PLACE_LEN;
                    buffer[..read].get(at..at + PLACE_LEN).and_then(|place| table.whole(chunk, place))
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
                if newer || best.is_none() {
                    found.stale.insert(chunk as u32);
                }
                if let Some((n, _, mut rest)) = best {
                    table.current[chunk] = n == 1;
                    for record in found.records.iter_mut().skip(chunk * CHUNK).take(CHUNK) {
                        let Some((next, behind)) = Record::decode(rest) else { break };
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
            let file = dir.open(&self.path, Access::Write)?;
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
            let at = (chunk as usize * 2 + other) * PLACE_LEN;
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
        Record::own(Some(Stat { len: file as u64, mtime_ns: -1, inode: generation, ..Stat::default() }))
    }

    #[test]
    fn a_state_believes_what_was_written_up_to_it() {
        let folder = std::env::temp_dir().join(format!("teem-table-{}", std::process::id()));
        let dir = RealFs.folder(&folder, true).unwrap();
        let load = |generation| Table::load(&*dir, "t".into(), b"me".to_vec(), 130, generation);
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
        bytes[2 * PLACE_LEN + 9] ^= 1;
        std::fs::write(&path, &bytes).unwrap();
        assert_eq!(load(2).1.records[64], record(1, 64));
        // Another torrent's is nobody's.
        let (_, other) = Table::load(&*dir, "t".into(), b"you".to_vec(), 130, 2);
        assert_eq!((other.stale.len(), other.records[0]), (3, Record::Missing));
        std::fs::remove_dir_all(folder).unwrap();
    }
}
