//! When we are announced for which torrent (BEP 5, "announce_peer"): at once, on a new port, and every quarter of an hour, a tenth more or less so that not
//! all come together. An announce that reached few nodes comes again soon: in a network that has just begun, or of which we know little yet, those that are
//! asked later are others. So does one of a downloader that met nobody, since it is a look-up too.
use crate::id::Id;
use crate::lookup::{LookupId, Told};
use alloc::collections::{BTreeMap, BTreeSet};
use core::time::Duration;
use teem_basis::rng::Rng;
use teem_basis::time::Time;

/// Between two announces of a torrent.
const INTERVAL: Duration = Duration::from_secs(900);
/// After an announce that reached few nodes or met nobody; doubled each time, up to the interval.
const AGAIN: Duration = Duration::from_secs(10);
/// Nodes that an announce is meant to reach (BEP 5 says the closest, whose number is that of a bucket).
const ENOUGH: u32 = 8;
/// So many torrents are taken.
const TORRENTS_MAX: usize = 100_000;

#[derive(Debug)]
struct Torrent {
    seed: bool,
    next: Time,
    running: Option<LookupId>,
    /// Announces in a row that reached few nodes, or met nobody.
    failures: u32,
    /// The last one reached none.
    unheard: bool,
    /// Something changed while it was announced.
    changed: bool,
}

/// The torrents that we are announced for.
#[derive(Debug, Default)]
pub(crate) struct Announces {
    torrents: BTreeMap<Id, Torrent>,
    due: BTreeSet<(Time, Id)>,
}

impl Announces {
    /// A torrent is to be announced from now on, or what is said of it has changed; false when there are too many.
    pub(crate) fn add(&mut self, now: Time, info_hash: Id, seed: bool) -> bool {
        if let Some(torrent) = self.torrents.get_mut(&info_hash) {
            if torrent.seed != seed {
                torrent.seed = seed;
                self.again(now, info_hash);
            }
            return true;
        }
        let room = self.torrents.len() < TORRENTS_MAX;
        if room {
            let torrent = Torrent { seed, next: now, running: None, failures: 0, unheard: false, changed: false };
            self.torrents.insert(info_hash, torrent);
            self.due.insert((now, info_hash));
        }
        room
    }

    /// A torrent is not announced any more: the look-up that is under way for it.
    pub(crate) fn remove(&mut self, info_hash: Id) -> Option<LookupId> {
        let torrent = self.torrents.remove(&info_hash)?;
        self.due.remove(&(torrent.next, info_hash));
        torrent.running
    }

    /// All are announced anew, since we are reached elsewhere.
    pub(crate) fn all_again(&mut self, now: Time) {
        let all: alloc::vec::Vec<Id> = self.torrents.keys().copied().collect();
        for info_hash in all {
            self.again(now, info_hash);
        }
    }

    /// Those that reached nobody are announced anew, since there are nodes now.
    pub(crate) fn failed_again(&mut self, now: Time) {
        let failed = self.torrents.iter().filter(|(_, torrent)| torrent.unheard).map(|(id, _)| *id);
        let failed: alloc::vec::Vec<Id> = failed.collect();
        for info_hash in failed {
            self.again(now, info_hash);
        }
    }

    /// A torrent whose turn it is, and whether we are complete. It counts as running until [`Self::done`].
    pub(crate) fn next(&mut self, now: Time) -> Option<(Id, bool)> {
        let (_, info_hash) = self.due.first().copied().filter(|(at, _)| *at <= now)?;
        self.due.pop_first();
        self.torrents.get(&info_hash).map(|torrent| (info_hash, torrent.seed))
    }

    /// A torrent's look-up has begun, or could not.
    pub(crate) fn began(&mut self, now: Time, info_hash: Id, lookup: Option<LookupId>) {
        if let Some(torrent) = self.torrents.get_mut(&info_hash) {
            torrent.running = lookup;
        }
        if lookup.is_none() {
            self.schedule(info_hash, now + AGAIN);
        }
    }

    /// A torrent was announced.
    pub(crate) fn done(&mut self, now: Time, told: Told, rng: &mut Rng) {
        let Told { info_hash, stored, met } = told;
        let Some(torrent) = self.torrents.get_mut(&info_hash) else { return };
        torrent.running = None;
        let enough = stored >= ENOUGH && (met || torrent.seed);
        torrent.failures = if enough { 0 } else { torrent.failures + 1 };
        torrent.unheard = stored == 0;
        let changed = core::mem::take(&mut torrent.changed);
        let wait = if changed {
            Duration::ZERO
        } else if torrent.failures > 0 {
            (AGAIN * 2u32.saturating_pow((torrent.failures - 1).min(8))).min(INTERVAL)
        } else {
            let tenth = INTERVAL.as_millis() as u64 / 10;
            Duration::from_millis(9 * tenth + rng.below(2 * tenth + 1))
        };
        self.schedule(info_hash, now + wait);
    }

    /// When [`Self::next`] has something.
    pub(crate) fn deadline(&self) -> Option<Time> {
        self.due.first().map(|(at, _)| *at)
    }

    /// How many torrents there are.
    pub(crate) fn len(&self) -> usize {
        self.torrents.len()
    }

    fn again(&mut self, now: Time, info_hash: Id) {
        match self.torrents.get_mut(&info_hash) {
            Some(torrent) if torrent.running.is_some() => torrent.changed = true,
            Some(_) => self.schedule(info_hash, now),
            None => {}
        }
    }

    fn schedule(&mut self, info_hash: Id, at: Time) {
        if let Some(torrent) = self.torrents.get_mut(&info_hash) {
            self.due.remove(&(torrent.next, info_hash));
            torrent.next = at;
            self.due.insert((at, info_hash));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: Id = Id([1; 20]);

    fn at(secs: u64) -> Time {
        Time::ZERO + Duration::from_secs(secs)
    }

    fn run(all: &mut Announces, now: Time, stored: u32) {
        assert_eq!(all.next(now), Some((A, false)));
        all.began(now, A, Some(LookupId(1)));
        assert_eq!(all.next(now), None);
        all.done(now, Told { info_hash: A, stored, met: stored > 0 }, &mut Rng::new(now.nanos()));
    }

    #[test]
    fn every_quarter_of_an_hour_a_tenth_more_or_less() {
        let mut all = Announces::default();
        assert!(all.add(at(5), A, false) && all.add(at(6), A, false));
        let (mut now, mut waits) = (at(5), alloc::vec::Vec::new());
        for _ in 0..50 {
            run(&mut all, now, 8);
            let next = all.deadline().unwrap();
            waits.push(next.since(now).as_secs());
            now = next;
        }
        assert!(waits.iter().all(|wait| (810..=990).contains(wait)), "{waits:?}");
        waits.sort_unstable();
        waits.dedup();
        assert!(waits.len() > 30);
        assert_eq!(all.remove(A), None);
        assert_eq!((all.deadline(), all.len()), (None, 0));
    }

    #[test]
    fn what_reached_nobody_comes_again_soon_and_then_later() {
        let mut all = Announces::default();
        all.add(at(0), A, false);
        let mut now = at(0);
        for wait in [10, 20, 40, 80, 160, 320, 640, 900, 900] {
            run(&mut all, now, 0);
            let next = all.deadline().unwrap();
            assert_eq!(next.since(now).as_secs(), wait);
            now = next;
        }
        all.failed_again(at(9_000));
        assert_eq!(all.deadline(), Some(at(9_000)));
    }

    #[test]
    fn what_reached_few_comes_again_soon_until_it_reaches_enough() {
        let mut all = Announces::default();
        all.add(at(0), A, false);
        run(&mut all, at(0), 2);
        assert_eq!(all.deadline(), Some(at(10)));
        all.failed_again(at(3));
        assert_eq!(all.deadline(), Some(at(10)), "somebody knows already");
        run(&mut all, at(10), 7);
        assert_eq!(all.deadline(), Some(at(30)));
        run(&mut all, at(30), 8);
        assert!(all.deadline().unwrap().since(at(30)) >= Duration::from_secs(810));
    }

    #[test]
    fn a_downloader_that_met_nobody_looks_again_soon_and_a_seed_does_not() {
        let wait = |seed, met| {
            let mut all = Announces::default();
            all.add(at(0), A, seed);
            assert_eq!(all.next(at(0)), Some((A, seed)));
            all.began(at(0), A, Some(LookupId(1)));
            all.done(at(0), Told { info_hash: A, stored: 8, met }, &mut Rng::new(1));
            all.deadline().unwrap().since(at(0)).as_secs()
        };
        assert_eq!(wait(false, false), 10);
        assert!(wait(false, true) >= 810 && wait(true, false) >= 810);
    }

    #[test]
    fn a_new_port_or_completion_is_announced_at_once_and_never_twice_at_the_same_time() {
        let mut all = Announces::default();
        all.add(at(0), A, false);
        run(&mut all, at(0), 8);
        all.all_again(at(60));
        assert_eq!(all.next(at(60)), Some((A, false)));
        all.began(at(60), A, Some(LookupId(2)));
        all.add(at(61), A, true);
        assert_eq!(all.next(at(61)), None, "one is under way");
        all.done(at(62), Told { info_hash: A, stored: 8, met: true }, &mut Rng::new(1));
        assert_eq!(all.next(at(62)), Some((A, true)));
        all.began(at(62), A, Some(LookupId(3)));
        assert_eq!(all.remove(A), Some(LookupId(3)));
    }
}
