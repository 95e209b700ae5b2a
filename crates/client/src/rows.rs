//! The table of a client's torrents (own design): one row for each, with the revision at which it was changed last.
//!
//! Whoever shows torrents reads all rows once and from then on asks for those that were changed since: that costs what changed, however many rows
//! there are, and nothing is kept for those who ask. Rows are changed by the router alone, in batches: one for all that the engine has said in a
//! turn (`registry::hear`). What always changes (rates, bytes sent) is in no row: it is asked of the engine for the rows that somebody looks at
//! (`Client::snapshots_of`).
//!
//! Invariants: each row's revision is its own; `changed` names each row once, at its revision. A row is changed before its revision is, so that one
//! who asks in between finds it once more with the next answer, and never misses it.
use crate::entry::Entry;
use crate::status::Status;
use std::collections::{BTreeMap, VecDeque};
use std::path::Path;
use std::sync::Arc;
use teem_metainfo::TorrentKey;
use teem_swarm::ids::TorrentId;

/// Removed rows that are remembered; one who has not asked since gets all rows.
const REMOVED_MAX: usize = 4096;

/// What a client keeps of a torrent.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Row {
    /// Its name in this client; never given twice in one run.
    pub id: TorrentId,
    /// What it was known by when it was added.
    pub key: TorrentKey,
    /// The folder that its content goes into.
    pub folder: Arc<Path>,
    /// What is true of it.
    pub status: Status,
    /// When it was changed last: the greater of two revisions is the later.
    pub revision: u64,
}

impl Row {
    /// What the torrent calls its content; `None` while the metadata is missing.
    pub fn name(&self) -> Option<&str> {
        self.status.about.as_ref().map(|about| &*about.name)
    }
}

/// Rows that were changed.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Rows {
    /// To be given when asking for what changes from now on.
    pub revision: u64,
    /// Those that were added or changed, in the order in which they were changed last.
    pub rows: Vec<Row>,
    /// Those that are gone.
    pub removed: Vec<TorrentId>,
    /// Whether these are all rows there are, so that others are gone: at first, and when more were removed since than is remembered.
    pub all: bool,
}

/// The rows, by torrent and by revision.
#[derive(Default)]
pub(crate) struct Table {
    rows: BTreeMap<TorrentId, (Arc<Entry>, u64)>,
    revision: u64,
    changed: BTreeMap<u64, TorrentId>,
    removed: VecDeque<(u64, TorrentId)>,
    /// The revision up to which removals are forgotten.
    forgotten: u64,
}

impl Table {
    pub(crate) fn enter(&mut self, entry: Arc<Entry>) {
        let id = entry.id;
        self.rows.insert(id, (entry, 0));
        self.touch(id);
    }

    /// A row was changed.
    pub(crate) fn touch(&mut self, id: TorrentId) {
        let Some((_, revision)) = self.rows.get_mut(&id) else { return };
        self.changed.remove(revision);
        self.revision += 1;
        *revision = self.revision;
        self.changed.insert(self.revision, id);
    }

    pub(crate) fn remove(&mut self, id: TorrentId) {
        let Some((_, revision)) = self.rows.remove(&id) else { return };
        self.changed.remove(&revision);
        self.revision += 1;
        self.removed.push_back((self.revision, id));
        if self.removed.len() > REMOVED_MAX {
            self.forgotten = self.removed.pop_front().map_or(self.forgotten, |(at, _)| at);
        }
    }

    /// Removes all, in the order in which they were added.
    pub(crate) fn take(&mut self) -> Vec<Arc<Entry>> {
        let ids: Vec<TorrentId> = self.rows.keys().copied().collect();
        let all = self.all();
        for id in ids {
            self.remove(id);
        }
        all
    }

    pub(crate) fn get(&self, id: TorrentId) -> Option<&Arc<Entry>> {
        self.rows.get(&id).map(|(entry, _)| entry)
    }

    /// All, in the order in which they were added.
    pub(crate) fn all(&self) -> Vec<Arc<Entry>> {
        self.rows.values().map(|(entry, _)| Arc::clone(entry)).collect()
    }

    /// What was changed since a revision, at most so many rows of it: the rest comes after the revision that the answer gives.
    pub(crate) fn since(&self, revision: u64, max: usize) -> Rows {
        // One of another run knows nothing of these rows.
        let all = revision == 0 || revision < self.forgotten || revision > self.revision;
        let after = if all { 0 } else { revision };
        let changed = self.changed.range(after + 1..).filter_map(|(&revision, id)| {
            let (entry, _) = self.rows.get(id)?;
            let (key, folder, status) = (entry.key, entry.folder(), entry.status().clone());
            Some(Row { id: *id, key, folder, status, revision })
        });
        let rows: Vec<Row> = changed.take(max).collect();
        let revision = rows.last().filter(|_| rows.len() >= max).map_or(self.revision, |row| row.revision);
        let gone = self.removed.iter().rev().take_while(|(at, _)| !all && *at > after);
        let gone = gone.filter(|(at, _)| *at <= revision).map(|(_, id)| *id);
        Rows { revision, rows, removed: gone.collect(), all }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use teem_metainfo::InfoHash;

    fn table(rows: u32) -> Table {
        let mut table = Table::default();
        for n in 0..rows {
            let status = Status::new(None, true, false);
            let key = InfoHash([n as u8; 20]).into();
            table.enter(Arc::new(Entry::new(TorrentId(n), key, Path::new("/x").into(), status)));
        }
        table
    }

    #[test]
    fn many_are_told_by_and_by() {
        let mut table = table(10);
        table.remove(TorrentId(0));
        let (mut seen, mut told, mut removed) = (0, Vec::new(), Vec::new());
        for part in [4, 4, 1, 0] {
            let rows = table.since(seen, 4);
            assert_eq!((rows.rows.len(), rows.all), (part, seen == 0));
            (seen, told) = (rows.revision, [told, ids(&rows)].concat());
            removed.extend(rows.removed);
            // What changes meanwhile comes last.
            if part == 1 {
                table.remove(TorrentId(9));
            }
        }
        assert_eq!((told, removed), ((1..10).collect(), vec![TorrentId(0), TorrentId(9)]));
    }

    fn ids(rows: &Rows) -> Vec<u32> {
        rows.rows.iter().map(|row| row.id.0).collect()
    }

    #[test]
    fn only_what_changed_since_is_told_and_each_row_once() {
        let mut table = table(5);
        let all = table.since(0, usize::MAX);
        assert_eq!((ids(&all), all.all, all.revision), (vec![0, 1, 2, 3, 4], true, 5));
        let none = table.since(all.revision, usize::MAX);
        assert!(none.rows.is_empty() && none.removed.is_empty() && !none.all);
        for id in [3, 1, 3, 3] {
            table.touch(TorrentId(id));
        }
        table.remove(TorrentId(2));
        table.touch(TorrentId(2));
        let some = table.since(all.revision, usize::MAX);
        assert_eq!((ids(&some), &some.removed[..], some.all), (vec![1, 3], &[TorrentId(2)][..], false));
        assert!(some.rows.iter().all(|row| row.revision > all.revision && row.revision <= some.revision));
        assert_eq!((table.changed.len(), table.rows.len()), (4, 4), "one place for each row, however often it changes");
        assert!(table.since(some.revision, usize::MAX).rows.is_empty());
    }

    #[test]
    fn one_who_has_missed_too_much_gets_all() {
        let mut table = table(REMOVED_MAX as u32 + 10);
        let seen = table.since(0, usize::MAX).revision;
        for n in 0..REMOVED_MAX as u32 + 5 {
            table.remove(TorrentId(n));
        }
        let late = table.since(seen, usize::MAX);
        assert_eq!((late.all, late.rows.len(), late.removed.len()), (true, 5, 0));
        assert_eq!(table.removed.len(), REMOVED_MAX);
        assert!(table.since(late.revision + 1, usize::MAX).all, "a revision of another run");
        let left: Vec<u32> = table.take().iter().map(|entry| entry.id.0).collect();
        assert_eq!((left.len(), table.since(late.revision, usize::MAX).removed.len()), (5, 5));
    }
}
