//! The numbers by which Transmission's programs know torrents (rpc-spec, `ids`): given in the order in which torrents are first seen, never twice in
//! one run. Of those that were removed and of those that changed lately it is known for `recently-active`.
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
    /// What was changed lately, and up to which revision of the client's table that is known.
    changed: HashMap<InfoHash, Instant>,
    revision: u64,
}

impl Numbers {
    /// Up to which revision it is known what was changed.
    pub(super) fn revision(&self) -> u64 {
        self.revision
    }

    /// These were changed up to that revision.
    pub(super) fn changed(&mut self, now: Instant, revision: u64, hashes: impl Iterator<Item = InfoHash>) {
        self.revision = revision;
        self.changed.extend(hashes.map(|hash| (hash, now)));
        self.changed.retain(|_, at| now.duration_since(*at) <= RECENT);
    }

    /// Whether it was changed lately.
    pub(super) fn is_recent(&self, hash: &InfoHash) -> bool {
        self.changed.contains_key(hash)
    }

    /// These are all torrents there are now, each with the moment in which it was added.
    pub(super) fn follow(&mut self, now: Instant, all: &BTreeMap<InfoHash, u64>) {
        let mut new: Vec<(u64, InfoHash)> = all
            .iter()
            .filter(|(hash, _)| !self.by_hash.contains_key(hash))
            .map(|(hash, added)| (*added, *hash))
            .collect();
        new.sort_unstable();
        for (_, hash) in new {
            self.last += 1;
            self.by_hash.insert(hash, self.last);
            self.by_number.insert(self.last, hash);
        }
        if self.by_hash.len() > all.len() {
            let gone: Vec<InfoHash> = self.by_hash.keys().filter(|hash| !all.contains_key(hash)).copied().collect();
            for hash in gone {
                self.remove(now, &hash);
            }
        }
        while self.removed.front().is_some_and(|(at, _)| now.duration_since(*at) > RECENT) {
            self.removed.pop_front();
        }
    }

    fn remove(&mut self, now: Instant, hash: &InfoHash) {
        let Some(number) = self.by_hash.remove(hash) else { return };
        self.by_number.remove(&number);
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

    /// Those that were removed lately.
    pub(super) fn removed(&self) -> Vec<u64> {
        self.removed.iter().map(|(_, number)| *number).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stay_and_are_never_given_twice() {
        let [a, b, c] = [1, 2, 3].map(|n| InfoHash([n; 20]));
        let (mut numbers, now) = (Numbers::default(), Instant::now());
        let all = |added: &[(InfoHash, u64)]| added.iter().copied().collect::<BTreeMap<_, _>>();
        numbers.follow(now, &all(&[(a, 2), (b, 1)]));
        assert_eq!((numbers.of(&b), numbers.of(&a), numbers.hash(2)), (Some(1), Some(2), Some(a)));
        numbers.follow(now, &all(&[(a, 2), (c, 3)]));
        assert_eq!((numbers.of(&b), numbers.of(&c), numbers.removed()), (None, Some(3), vec![1]));
        numbers.follow(now, &all(&[(b, 9), (a, 2), (c, 3)]));
        assert_eq!(numbers.of(&b), Some(4));
        numbers.follow(now + RECENT * 2, &all(&[(b, 9), (a, 2), (c, 3)]));
        assert_eq!((numbers.removed(), numbers.all().len()), (Vec::new(), 3));
    }
}
