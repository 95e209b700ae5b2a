//! The torrents that are kept, and which of them changed when (own design): so that one who has seen them once is told what changed, without a look at all.
//!
//! Invariant: whatever changes a torrent in a way that lists show says so ([`Table::touch`]) before the table is let go. The log names each change by its
//! revision, in their order; what it has forgotten costs whoever asks a look at all.
use crate::line::Line;
use crate::row::Row;
use crate::wanted::Shared;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ops::{Deref, DerefMut};
use teem_client::Torrent;
use teem_client::metainfo::InfoHash;

/// Changes that are remembered, of 32 bytes each.
const LOG_MAX: usize = 16_384;

/// A torrent that is kept.
pub(crate) struct Kept {
    pub(crate) row: Row,
    /// The torrent at work, or why it could not be begun.
    pub(crate) torrent: Result<Torrent, String>,
    /// What lists show of it.
    pub(crate) line: Line,
    /// Whether it is kept that it rested.
    pub(crate) is_asleep: bool,
}

impl Kept {
    /// Its name; the link's while the metadata is missing, the info-hash where that has none.
    pub(crate) fn name(&self, hash: InfoHash) -> String {
        self.line.name.as_deref().map_or_else(|| hash.to_string(), str::to_owned)
    }
}

/// All torrents that are kept, by info-hash.
pub(crate) struct Table {
    // In boxes: half of each node is free where they come in their order.
    all: BTreeMap<InfoHash, Box<Kept>>,
    log: VecDeque<(u64, InfoHash)>,
    revision: u64,
    /// The revision up to which changes are forgotten.
    forgotten: u64,
    /// The first place in the queue behind all others.
    behind: u64,
    shared: Shared,
}

impl Table {
    /// Without torrents, of a run whose first change comes after that number.
    pub(crate) fn new(before: u64) -> Self {
        Self {
            all: BTreeMap::new(),
            log: VecDeque::new(),
            revision: before,
            forgotten: before,
            behind: 0,
            shared: Shared::default(),
        }
    }

    /// The number of the last change.
    pub(crate) fn revision(&self) -> u64 {
        self.revision
    }

    /// A torrent comes in.
    pub(crate) fn enter(&mut self, hash: InfoHash, mut kept: Kept) {
        self.shared.share(&mut kept.row.wanted);
        self.behind = self.behind.max(kept.row.course.order.saturating_add(1));
        self.all.insert(hash, Box::new(kept));
        self.touch(&hash);
    }

    /// A torrent is gone.
    pub(crate) fn leave(&mut self, hash: &InfoHash) -> Option<Box<Kept>> {
        let gone = self.all.remove(hash);
        self.touch(hash);
        gone
    }

    /// This is a torrent's row from now on, if it is there.
    pub(crate) fn has_row(&mut self, hash: &InfoHash, mut row: Row) {
        self.shared.share(&mut row.wanted);
        if let Some(kept) = self.all.get_mut(hash) {
            kept.row = row;
            self.touch(hash);
        }
    }

    /// Something of a torrent was changed.
    pub(crate) fn touch(&mut self, hash: &InfoHash) {
        self.revision += 1;
        if let Some(kept) = self.all.get_mut(hash) {
            kept.line.revision = self.revision;
            self.behind = self.behind.max(kept.row.course.order.saturating_add(1));
        }
        self.log.push_back((self.revision, *hash));
        if self.log.len() > LOG_MAX {
            self.forgotten = self.log.pop_front().map_or(self.forgotten, |(at, _)| at);
        }
    }

    /// The place in the queue behind all others.
    pub(crate) fn behind(&self) -> u64 {
        self.behind
    }

    /// Torrents that were changed, came or went after that revision; `None` where that is not known any more.
    pub(crate) fn since(&self, revision: u64) -> Option<BTreeSet<InfoHash>> {
        if revision < self.forgotten || revision > self.revision {
            return None;
        }
        let from = self.log.partition_point(|(at, _)| *at <= revision);
        Some(self.log.range(from..).map(|(_, hash)| *hash).collect())
    }
}

impl Deref for Table {
    type Target = BTreeMap<InfoHash, Box<Kept>>;

    fn deref(&self) -> &Self::Target {
        &self.all
    }
}

impl DerefMut for Table {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.all
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::row::{Course, Origin};
    use crate::wanted::Wanted;

    /// A torrent that could not be begun.
    pub(crate) fn made(n: u32) -> (InfoHash, Kept) {
        let mut hash = [0; 20];
        hash[..4].copy_from_slice(&n.wrapping_mul(2_654_435_761).to_be_bytes());
        let wanted = Wanted { folder: "/x".into(), ..Wanted::default() };
        let row = Row::new(Origin::Link(String::new()), wanted, u64::from(n));
        let line = Line::new(None);
        (InfoHash(hash), Kept { row, torrent: Err("none".to_owned()), line, is_asleep: false })
    }

    #[test]
    fn what_changed_is_told_once_and_what_is_forgotten_is_said_to_be() {
        let mut table = Table::new(7);
        let hashes: Vec<InfoHash> = (0..3).map(|n| made(n).0).collect();
        for n in 0..3 {
            let (hash, kept) = made(n);
            table.enter(hash, kept);
        }
        assert_eq!((table.revision(), table.since(7).unwrap().len()), (10, 3));
        table.touch(&hashes[1]);
        table.touch(&hashes[1]);
        assert!(table.leave(&hashes[2]).is_some());
        assert_eq!(table.since(10), Some([hashes[1], hashes[2]].into()));
        assert_eq!((table[&hashes[1]].line.revision, table.since(13)), (12, Some(BTreeSet::new())));
        assert_eq!((table.since(6), table.since(14)), (None, None), "of another run");
        for _ in 0..LOG_MAX {
            table.touch(&hashes[0]);
        }
        assert_eq!((table.log.len(), table.since(12)), (LOG_MAX, None));
        assert_eq!(table.since(13), Some([hashes[0]].into()));
    }

    #[test]
    fn the_last_place_is_behind_all_that_there_were() {
        let mut table = Table::new(0);
        let (hash, mut kept) = made(1);
        kept.row.course = Course { order: 4, ..Course::default() };
        table.enter(hash, kept);
        assert_eq!(table.behind(), 5);
    }
}
