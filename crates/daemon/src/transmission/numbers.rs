//! The numbers by which Transmission's programs know torrents (rpc-spec, `ids`): given in the order in which torrents are first seen, never twice in
//! one run. Of those that were removed and of those that changed lately it is known for `recently-active`.
use crate::kept::{Kept, Table};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::{Duration, Instant};
use teem_client::metainfo::InfoHash;

/// How long something that was changed counts as recent, as in Transmission.
const RECENT: Duration = Duration::from_secs(60);

/// Removed torrents that are remembered.
const REMOVED_MAX: usize = 4096;

/// The numbers of all torrents.
#[derive(Default)]
pub(super) struct Numbers {
    by_hash: HashMap<InfoHash, u64>,
    by_number: BTreeMap<u64, InfoHash>,
    last: u64,
    removed: VecDeque<(Instant, u64)>,
    /// What was changed lately, and up to which revision of the table all of this is known; none has the revision 0.
    changed: HashMap<InfoHash, Instant>,
    revision: u64,
}

impl Numbers {
    /// Takes over which torrents there are now, and which of them were changed: what that costs is what has changed since it was last done. At first all are
    /// looked at, and those count as changed that were added or moved payload lately; `clock` is the second since 1970.
    pub(super) fn follow(&mut self, now: Instant, clock: u64, table: &Table) {
        let since = table.since(self.revision);
        let is_lately = |kept: &Kept| {
            let lately = |at: u64| at.saturating_add(RECENT.as_secs()) >= clock;
            lately(kept.row.added) || kept.line.totals.moved.is_some_and(lately)
        };
        let is_other = |kept: &Kept| match self.revision {
            0 => is_lately(kept),
            before => kept.line.revision > before,
        };
        let (mut new, mut gone) = (Vec::new(), Vec::new());
        let mut take = |hash: InfoHash, kept: &Kept| {
            if !self.by_hash.contains_key(&hash) {
                new.push((kept.row.added, hash));
            }
            if is_other(kept) {
                self.changed.insert(hash, now);
            }
        };
        if let Some(changed) = since {
            for hash in changed {
                match table.get(&hash) {
                    Some(kept) => take(hash, kept),
                    None => gone.push(hash),
                }
            }
        } else {
            table.iter().for_each(|(hash, kept)| take(*hash, kept));
            gone.extend(self.by_hash.keys().filter(|hash| !table.contains_key(*hash)));
        }
        new.sort_unstable();
        for (_, hash) in new {
            self.last += 1;
            self.by_hash.insert(hash, self.last);
            self.by_number.insert(self.last, hash);
        }
        for hash in gone {
            self.remove(now, &hash);
        }
        self.revision = table.revision();
        self.changed.retain(|_, at| now.duration_since(*at) <= RECENT);
        while self.removed.front().is_some_and(|(at, _)| now.duration_since(*at) > RECENT) {
            self.removed.pop_front();
        }
    }

    fn remove(&mut self, now: Instant, hash: &InfoHash) {
        let Some(number) = self.by_hash.remove(hash) else { return };
        self.by_number.remove(&number);
        self.changed.remove(hash);
        self.removed.push_back((now, number));
        if self.removed.len() > REMOVED_MAX {
            self.removed.pop_front();
        }
    }

    pub(super) fn of(&self, hash: &InfoHash) -> Option<u64> {
        self.by_hash.get(hash).copied()
    }

    pub(super) fn hash(&self, number: u64) -> Option<InfoHash> {
        self.by_number.get(&number).copied()
    }

    /// In the order of their numbers.
    pub(super) fn all(&self) -> Vec<(u64, InfoHash)> {
        self.by_number.iter().map(|(number, hash)| (*number, *hash)).collect()
    }

    /// Those that were changed lately, by hash.
    pub(super) fn recent(&self) -> impl Iterator<Item = InfoHash> {
        self.changed.keys().copied()
    }

    /// Those that were removed lately.
    pub(super) fn removed(&self) -> Vec<u64> {
        self.removed.iter().map(|(_, number)| *number).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kept::tests::made;

    /// Enters a torrent that was added in that second.
    fn enter(table: &mut Table, n: u32, added: u64) -> InfoHash {
        let (hash, mut kept) = made(n);
        kept.row.added = added;
        table.enter(hash, kept);
        hash
    }

    #[test]
    fn numbers_stay_and_are_never_given_twice() {
        let (mut table, mut numbers, now) = (Table::new(7), Numbers::default(), Instant::now());
        let (a, b) = (enter(&mut table, 1, 2), enter(&mut table, 2, 1));
        numbers.follow(now, 2, &table);
        assert_eq!((numbers.of(&b), numbers.of(&a), numbers.hash(2)), (Some(1), Some(2), Some(a)));
        table.leave(&b);
        let c = enter(&mut table, 3, 3);
        numbers.follow(now, 3, &table);
        assert_eq!((numbers.of(&b), numbers.of(&c), numbers.removed()), (None, Some(3), vec![1]));
        enter(&mut table, 2, 9);
        numbers.follow(now, 9, &table);
        assert_eq!(numbers.of(&b), Some(4));
        numbers.follow(now + RECENT * 2, 200, &table);
        assert_eq!((numbers.removed(), numbers.all().len()), (Vec::new(), 3));
    }

    #[test]
    fn what_changed_lately_is_known_whatever_the_table_has_forgotten() {
        let (mut table, mut numbers, now) = (Table::new(7), Numbers::default(), Instant::now());
        let (old, new) = (enter(&mut table, 1, 1_000), enter(&mut table, 2, 5_000));
        let recent = |numbers: &Numbers| {
            let mut recent: Vec<InfoHash> = numbers.recent().collect();
            recent.sort_unstable();
            recent
        };
        numbers.follow(now, 5_010, &table);
        assert_eq!(recent(&numbers), [new], "of one who asks first");
        table.touch(&old);
        numbers.follow(now, 5_010, &table);
        assert_eq!(recent(&numbers).len(), 2);
        let later = now + RECENT * 2;
        numbers.follow(later, 5_130, &table);
        assert!(recent(&numbers).is_empty());
        for _ in 0..20_000 {
            table.touch(&old);
        }
        numbers.follow(later, 5_130, &table);
        assert_eq!(recent(&numbers), [old]);
        table.leave(&old);
        numbers.follow(later, 5_130, &table);
        assert_eq!((recent(&numbers), numbers.all().len(), numbers.removed().len()), (Vec::new(), 1, 1));
    }
}
