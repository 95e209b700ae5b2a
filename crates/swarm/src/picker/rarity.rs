//! How many connected peers have each piece, and which of the pieces not begun is the rarest (rarest first, own design).
//!
//! The pieces not begun stand in one array ordered by availability; each availability is a run in it, and a piece that gains
//! or loses a holder swaps places with one at the edge of its run, so a HAVE costs O(1). Inside a run the order is random, and
//! each arrival is swapped with a random member: ties are broken at random. Peers that have everything are only counted.
//! Invariants: `place[order[i]] == i`; availability ascends along `order`; run `a` is `order[starts[a]..starts[a + 1]]`.
use crate::bitfield::Bitfield;
use crate::rng::Rng;
use alloc::vec;
use alloc::vec::Vec;

/// Mark of a piece that is not in `order`.
const ABSENT: u32 = u32::MAX;
/// Pieces in `order` that are looked at one by one before the search goes by words.
const SCAN_MAX: usize = 256;
/// Pieces of a single holder that are looked at for one of a certain peer's.
const SOLE_SCAN_MAX: usize = 64;
/// Candidates that the search by words compares.
const SAMPLE_MAX: usize = 64;

/// Availability of all pieces, and the pieces not begun in its order.
#[derive(Clone, Debug)]
pub(crate) struct Rarity {
    availability: Vec<u16>,
    order: Vec<u32>,
    place: Vec<u32>,
    starts: Vec<u32>,
    candidates: Bitfield,
    everything: u32,
}

impl Rarity {
    /// Nobody has anything; candidates are the pieces not in `have`.
    pub(crate) fn new(have: &Bitfield, rng: &mut Rng) -> Self {
        let pieces = have.len();
        let candidates_all = Bitfield::full(pieces);
        let mut order: Vec<u32> = candidates_all.iter_without(have).collect();
        rng.shuffle(&mut order);
        let mut place = vec![ABSENT; pieces as usize];
        let mut candidates = Bitfield::new(pieces);
        for (i, piece) in order.iter().enumerate() {
            place[*piece as usize] = i as u32;
            candidates.set(*piece);
        }
        let starts = vec![0, order.len() as u32];
        Self { availability: vec![0; pieces as usize], order, place, starts, candidates, everything: 0 }
    }

    /// How many peers have a piece.
    pub(crate) fn availability(&self, piece: u32) -> u32 {
        u32::from(self.availability[piece as usize]) + self.everything
    }

    /// How many pieces are not begun.
    pub(crate) fn len(&self) -> u32 {
        self.order.len() as u32
    }

    /// Whether every piece has been begun.
    pub(crate) fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// How many of the pieces not begun nobody connected has.
    pub(crate) fn unavailable(&self) -> u32 {
        if self.everything > 0 { 0 } else { self.starts[1] }
    }

    /// A peer that has everything has come.
    pub(crate) fn add_everything(&mut self) {
        self.everything += 1;
    }

    /// A peer that was counted by [`Self::add_everything`] has gone.
    pub(crate) fn remove_everything(&mut self) {
        self.everything = self.everything.saturating_sub(1);
    }

    /// A peer has got a piece.
    pub(crate) fn increase(&mut self, piece: u32, rng: &mut Rng) {
        let a = self.availability[piece as usize] as usize;
        self.availability[piece as usize] += 1;
        if self.place[piece as usize] == ABSENT {
            return;
        }
        if a + 2 == self.starts.len() {
            self.starts.push(self.order.len() as u32);
        }
        // To the end of its run, which then ends one earlier: it is the first of the next.
        let edge = self.starts[a + 1] - 1;
        self.swap(self.place[piece as usize], edge);
        self.starts[a + 1] = edge;
        self.mix(edge, a + 1, rng);
    }

    /// A peer that had a piece has gone.
    pub(crate) fn decrease(&mut self, piece: u32, rng: &mut Rng) {
        let a = self.availability[piece as usize] as usize;
        if a == 0 {
            return;
        }
        self.availability[piece as usize] -= 1;
        if self.place[piece as usize] == ABSENT {
            return;
        }
        let edge = self.starts[a];
        self.swap(self.place[piece as usize], edge);
        self.starts[a] = edge + 1;
        self.mix(edge, a - 1, rng);
    }

    /// Takes a piece out, because it is begun or there. O(number of availabilities).
    pub(crate) fn remove(&mut self, piece: u32) {
        let place = self.place[piece as usize];
        if place == ABSENT {
            return;
        }
        let mut hole = place;
        for a in self.availability[piece as usize] as usize..self.starts.len() - 1 {
            let last = self.starts[a + 1] - 1;
            self.swap(hole, last);
            self.starts[a + 1] = last;
            hole = last;
        }
        self.order.pop();
        self.place[piece as usize] = ABSENT;
        self.candidates.clear(piece);
    }

    /// Puts a piece back in, because it has to be fetched anew.
    pub(crate) fn insert(&mut self, piece: u32, rng: &mut Rng) {
        if self.place[piece as usize] != ABSENT {
            return;
        }
        let a = self.availability[piece as usize] as usize;
        while self.starts.len() < a + 2 {
            self.starts.push(self.order.len() as u32);
        }
        let mut hole = self.order.len() as u32;
        self.order.push(piece);
        self.place[piece as usize] = hole;
        self.candidates.set(piece);
        for run in (a + 1..self.starts.len()).rev() {
            let first = self.starts[run];
            self.starts[run] += 1;
            // The last start is the end of all: nothing to move there.
            if run + 1 < self.starts.len() {
                self.swap(hole, first);
                hole = first;
            }
        }
        self.mix(hole, a, rng);
    }

    /// The rarest piece not begun that is in `has` and that `allowed` lets pass.
    ///
    /// Looks at the rarest few first; when none is there and `more` says that there is one it samples the common ones by words, so that
    /// the cost stays far under the number of pieces. What was looked at is added to `work`, sixteen pieces by words as one.
    pub(crate) fn rarest(
        &self,
        has: &Bitfield,
        rng: &mut Rng,
        work: &mut u64,
        more: impl FnOnce(&mut u64) -> bool,
        mut allowed: impl FnMut(u32) -> bool,
    ) -> Option<u32> {
        let near = self.order.iter().copied().take(SCAN_MAX).position(|p| has.get(p) && allowed(p));
        *work += near.unwrap_or(self.order.len().min(SCAN_MAX)) as u64;
        if near.is_some() || self.order.len() <= SCAN_MAX {
            return near.map(|at| self.order[at]);
        }
        let from = rng.below(u64::from(has.len())) as u32;
        if !more(work) {
            return None;
        }
        *work += u64::from(has.len() / 16);
        let common = has.iter_common_from(&self.candidates, from).filter(|p| allowed(*p));
        common.take(SAMPLE_MAX).min_by_key(|p| self.availability[*p as usize])
    }

    /// The rarest of some of the pieces among `these` that are not begun, that is in `has` and that `allowed` lets pass.
    pub(crate) fn rarest_among(
        &self,
        these: &Bitfield,
        has: &Bitfield,
        rng: &mut Rng,
        allowed: impl Fn(u32) -> bool,
    ) -> Option<u32> {
        let from = rng.below(u64::from(has.len())) as u32;
        let fit = has.iter_common_from(these, from).filter(|p| self.contains(*p) && allowed(*p));
        fit.take(SAMPLE_MAX).min_by_key(|p| self.availability[*p as usize])
    }

    /// Whether a peer is the only one connected that has some piece not begun. Looks at a few dozen at most.
    pub(crate) fn has_sole(&self, has: &Bitfield) -> bool {
        // One peer that has everything makes the run of those that nobody else has its own.
        let Some(run) = 1usize.checked_sub(self.everything as usize) else { return false };
        let Some(&end) = self.starts.get(run + 1) else { return false };
        let sole = &self.order[self.starts[run] as usize..end as usize];
        sole.iter().take(SOLE_SCAN_MAX).any(|p| has.get(*p))
    }

    /// Whether a piece is among those not begun.
    pub(crate) fn contains(&self, piece: u32) -> bool {
        self.candidates.get(piece)
    }

    fn swap(&mut self, i: u32, j: u32) {
        self.order.swap(i as usize, j as usize);
        self.place[self.order[i as usize] as usize] = i;
        self.place[self.order[j as usize] as usize] = j;
    }

    /// Swaps the piece at a place with a random member of its run.
    fn mix(&mut self, at: u32, run: usize, rng: &mut Rng) {
        let (first, end) = (self.starts[run], self.starts[run + 1]);
        let other = first + rng.below(u64::from(end - first)) as u32;
        self.swap(at, other);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::{ProptestConfig, prop, prop_assert_eq, proptest};

    fn check(rarity: &Rarity) {
        assert_eq!(rarity.starts[0], 0);
        assert_eq!(*rarity.starts.last().unwrap() as usize, rarity.order.len());
        for (i, piece) in rarity.order.iter().enumerate() {
            assert_eq!(rarity.place[*piece as usize] as usize, i);
            let a = rarity.availability[*piece as usize] as usize;
            assert!((rarity.starts[a]..rarity.starts[a + 1]).contains(&(i as u32)));
            assert!(rarity.contains(*piece));
        }
        assert_eq!(rarity.candidates.count(), rarity.len());
    }

    fn rarest(rarity: &Rarity, has: &Bitfield, rng: &mut Rng, allowed: bool) -> Option<u32> {
        rarity.rarest(has, rng, &mut 0, |_| true, |_| allowed)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn the_runs_stay_in_order(ops in prop::collection::vec((0u8..4, 0u32..40), 0..400), seed: u64) {
            let mut rng = Rng::new(seed);
            let mut rarity = Rarity::new(&Bitfield::new(40), &mut rng);
            for (op, piece) in ops {
                match op {
                    0 => rarity.increase(piece, &mut rng),
                    1 => rarity.decrease(piece, &mut rng),
                    2 => rarity.remove(piece),
                    _ => rarity.insert(piece, &mut rng),
                }
                check(&rarity);
            }
            let least = (0..40).filter(|p| rarity.contains(*p)).map(|p| rarity.availability(p)).min();
            let picked = rarest(&rarity, &Bitfield::full(40), &mut rng, true);
            prop_assert_eq!(picked.map(|p| rarity.availability(p)), least);
        }
    }

    #[test]
    fn ties_are_random_and_common_pieces_are_found_by_words() {
        let mut first = alloc::collections::BTreeSet::new();
        for seed in 0..20 {
            let mut rng = Rng::new(seed);
            let mut rarity = Rarity::new(&Bitfield::new(1_000), &mut rng);
            let mut has = Bitfield::new(1_000);
            first.insert(rarest(&rarity, &Bitfield::full(1_000), &mut rng, true));
            has.set(777);
            (0..5).for_each(|_| rarity.increase(777, &mut rng));
            assert_eq!(rarest(&rarity, &has, &mut rng, true), Some(777));
            assert_eq!(rarest(&rarity, &has, &mut rng, false), None);
        }
        assert!(first.len() > 10);
    }
}
