//! Which torrents may work at once (own design): places for downloads, seeds and those whose files are looked through, given in the order of a queue.
//!
//! A torrent that is stalled holds no place, so that it keeps nobody from working; one that is forced holds none either and always works. Nobody is stopped
//! while his files are looked through. The function looks at the head of the queue as far as places go, and at those that work: not at the others.
use std::num::NonZeroU32;

/// How many may work at once; `None` is any number.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Places {
    /// Of those that are not complete.
    pub downloads: Option<NonZeroU32>,
    /// Of those that are.
    pub seeds: Option<NonZeroU32>,
    /// Of those whose files are looked through.
    pub checks: Option<NonZeroU32>,
}

impl Places {
    /// Whether everybody works.
    pub fn is_unlimited(&self) -> bool {
        *self == Self::default()
    }
}

/// What a torrent does when it works.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// It is not complete.
    Download,
    /// All that is wanted of it is there.
    Seed,
}

/// One of the queue.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Queued<K> {
    /// Its name, which the answer gives back.
    pub key: K,
    /// What it does.
    pub kind: Kind,
    /// Whether it works now.
    pub works: bool,
    /// Whether its files are being looked through, or would be first.
    pub checks: bool,
    /// Whether nothing moves although it works.
    pub stalled: bool,
    /// Whether it works whatever others do.
    pub forced: bool,
}

/// What is to change.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Turn<K> {
    /// These are to work.
    pub begin: Vec<K>,
    /// These are to wait.
    pub stop: Vec<K>,
}

/// Gives the places to the first of the queue, which `queue` yields in its order: those that work and those that wait, without those that their owner lets rest.
pub fn turn<K: Copy>(places: Places, queue: impl IntoIterator<Item = Queued<K>>) -> Turn<K> {
    let of = |places: Option<NonZeroU32>| places.map_or(u32::MAX, NonZeroU32::get);
    let (mut downloads, mut seeds) = (of(places.downloads), of(places.seeds));
    let (mut begin, mut stop, mut waiting) = (Vec::new(), Vec::new(), Vec::new());
    let mut checks = of(places.checks);
    for one in queue {
        let places = match one.kind {
            Kind::Download => &mut downloads,
            Kind::Seed => &mut seeds,
        };
        let holds_none = one.forced || (one.works && one.stalled && !one.checks);
        if !holds_none && *places == 0 {
            if one.works && one.checks {
                // What was looked through already would be lost.
                checks = checks.saturating_sub(1);
            } else if one.works {
                stop.push(one.key);
            }
            continue;
        }
        if !holds_none {
            *places -= 1;
        }
        match (one.works, one.checks) {
            (true, true) => checks = checks.saturating_sub(1),
            (true, false) => {}
            (false, true) => waiting.push(one.key),
            (false, false) => begin.push(one.key),
        }
    }
    // Those whose files are looked through already have been counted by now.
    begin.extend(waiting.into_iter().take(checks as usize));
    Turn { begin, stop }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn places(downloads: u32, seeds: u32, checks: u32) -> Places {
        let [downloads, seeds, checks] = [downloads, seeds, checks].map(NonZeroU32::new);
        Places { downloads, seeds, checks }
    }

    fn download(key: u32) -> Queued<u32> {
        Queued { key, kind: Kind::Download, works: false, checks: false, stalled: false, forced: false }
    }

    #[test]
    fn the_first_work_and_the_others_wait() {
        let queue =
            [download(0), Queued { works: true, ..download(1) }, download(2), Queued { works: true, ..download(3) }];
        assert_eq!(turn(places(2, 0, 0), queue), Turn { begin: vec![0], stop: vec![3] });
        assert_eq!(turn(places(0, 0, 0), queue), Turn { begin: vec![0, 2], stop: vec![] });
        let seed = Queued { kind: Kind::Seed, ..download(9) };
        assert_eq!(
            turn(places(1, 1, 0), [download(0), download(1), seed]).begin,
            [0, 9],
            "each kind has places of its own"
        );
    }

    #[test]
    fn stalled_and_forced_ones_hold_no_place() {
        let stalled = Queued { works: true, stalled: true, ..download(0) };
        assert_eq!(turn(places(1, 0, 0), [stalled, download(1), download(2)]), Turn { begin: vec![1], stop: vec![] });
        let forced = Queued { forced: true, ..download(2) };
        assert_eq!(turn(places(1, 0, 0), [download(0), download(1), forced]).begin, [0, 2]);
    }

    #[test]
    fn few_are_looked_through_at_once_and_none_is_stopped_meanwhile() {
        let new = |key| Queued { checks: true, ..download(key) };
        assert_eq!(turn(places(0, 0, 2), [new(0), new(1), new(2)]).begin, [0, 1]);
        let at_it = Queued { works: true, ..new(3) };
        assert_eq!(turn(places(0, 0, 2), [new(0), new(1), at_it]).begin, [0]);
        assert_eq!(turn(places(1, 0, 0), [download(0), at_it]).stop, [0_u32; 0]);
    }

    fn any_queue() -> impl Strategy<Value = Vec<Queued<u32>>> {
        let one = (any::<bool>(), any::<[bool; 4]>()).prop_map(|(seed, [works, checks, stalled, forced])| {
            let kind = if seed { Kind::Seed } else { Kind::Download };
            Queued { kind, works, checks, stalled, forced, ..download(0) }
        });
        prop::collection::vec(one, 0..40).prop_map(|mut queue| {
            queue.iter_mut().zip(0..).for_each(|(one, key)| one.key = key);
            queue
        })
    }

    /// The queue after a turn.
    fn after(queue: &[Queued<u32>], turn: &Turn<u32>) -> Vec<Queued<u32>> {
        let works = |one: &Queued<u32>| (one.works || turn.begin.contains(&one.key)) && !turn.stop.contains(&one.key);
        queue.iter().map(|one| Queued { works: works(one), ..*one }).collect()
    }

    proptest! {
        #[test]
        fn no_more_work_than_there_are_places_and_none_is_passed_over(queue in any_queue(), n in 1..5_u32, checks in 0..4_u32) {
            let rules = places(n, n, checks);
            let all = after(&queue, &turn(rules, queue.iter().copied()));
            for kind in [Kind::Download, Kind::Seed] {
                let holds = |one: &&Queued<u32>| one.kind == kind && one.works && !one.forced && !one.stalled && !one.checks;
                prop_assert!(all.iter().filter(holds).count() <= n as usize);
                // Without a limit on looking through, nobody waits behind whom another holds a place.
                if checks == 0 {
                    let last = all.iter().rposition(|one| holds(&one));
                    let waits = |one: &&Queued<u32>| one.kind == kind && !one.works;
                    prop_assert!(last.is_none_or(|last| all[..last].iter().all(|one| !waits(&one))));
                }
            }
            prop_assert!(all.iter().all(|one| one.works || !one.forced || one.checks));
        }

        #[test]
        fn a_second_turn_changes_nothing_where_nobody_stalls(queue in any_queue(), n in 1..5_u32) {
            let queue: Vec<_> = queue.into_iter().map(|one| Queued { stalled: false, ..one }).collect();
            let all = after(&queue, &turn(places(n, n, 0), queue.iter().copied()));
            prop_assert_eq!(turn(places(n, n, 0), all), Turn { begin: vec![], stop: vec![] });
        }
    }
}
