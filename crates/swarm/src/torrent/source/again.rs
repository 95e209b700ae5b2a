//! What leaves for one peer more than once (own design): a grant is over when each of its bytes has left, so that a peer which asks for the same
//! blocks again and again, and reads them, comes no nearer to its end. With nothing new for a while it is taken for one that goes no further.
use crate::time::Time;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::time::Duration;
use teem_wire::peer::block::BlockRef;

/// Separate parts of one piece that are told apart: blocks mostly come in order. What leaves beyond that counts as sent before.
const PARTS_MAX: usize = 1_024;
/// Pieces taken back of which it is remembered what has left.
const TAKEN_BACK_MAX: usize = 256;

/// Which bytes of a piece have left: ranges that do not touch, ascending.
#[derive(Clone, Default, Debug)]
pub(super) struct Parts(Vec<(u32, u32)>);

impl Parts {
    /// These leave too; how many had not before.
    pub(super) fn cover(&mut self, begin: u32, len: u32) -> u32 {
        let end = begin.saturating_add(len);
        let first = self.0.partition_point(|(_, before)| *before < begin);
        let last = first + self.0[first..].partition_point(|(from, _)| *from <= end);
        let met = &self.0[first..last];
        let known: u32 = met.iter().map(|(from, to)| end.min(*to).saturating_sub(begin.max(*from))).sum();
        let from = met.first().map_or(begin, |(from, _)| begin.min(*from));
        let to = met.last().map_or(end, |(_, to)| end.max(*to));
        if met.is_empty() && self.0.len() >= PARTS_MAX {
            return 0;
        }
        self.0.splice(first..last, [(from, to)]);
        end - begin - known
    }
}

/// When one peer was last sent what it had been sent, and when something new.
#[derive(Clone, Default, Debug)]
pub(super) struct Again {
    repeated: Option<Time>,
    /// Since when it has been sent nothing but repeats.
    since: Option<Time>,
    /// What had left of pieces that were taken back from it.
    taken_back: BTreeMap<u32, Parts>,
}

impl Again {
    /// A block has left.
    pub(super) fn sent(&mut self, now: Time, new: bool) {
        if new {
            (self.repeated, self.since) = (None, None);
        } else {
            self.repeated = Some(now);
            self.since.get_or_insert(now);
        }
    }

    /// A block of a piece that is not granted to it has left.
    pub(super) fn withdrawn(&mut self, now: Time, at: BlockRef) {
        if let Some(parts) = self.taken_back.get_mut(&at.piece) {
            let new = parts.cover(at.begin, at.len) > 0;
            self.sent(now, new);
        }
    }

    /// A piece is taken back of which so much has left.
    pub(super) fn keep(&mut self, piece: u32, parts: Parts) {
        while self.taken_back.len() >= TAKEN_BACK_MAX {
            self.taken_back.pop_first();
        }
        self.taken_back.insert(piece, parts);
    }

    /// Whether it has been sent nothing new for so long, and something again within that time.
    pub(super) fn goes_round(&self, now: Time, patience: Duration) -> bool {
        self.since.is_some_and(|at| now.since(at) >= patience)
            && self.repeated.is_some_and(|at| now.since(at) < patience)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_leaves_twice_counts_once() {
        let mut parts = Parts::default();
        assert_eq!([parts.cover(0, 10), parts.cover(0, 10), parts.cover(20, 10)], [10, 0, 10]);
        assert_eq!([parts.cover(5, 20), parts.cover(0, 40), parts.cover(0, 40)], [10, 10, 0]);
        assert_eq!(parts.0, [(0, 40)]);
        (0..5_000).for_each(|n| _ = parts.cover(100 + 2 * n, 1));
        assert_eq!(parts.0.len(), PARTS_MAX);
    }

    #[test]
    fn one_that_is_sent_the_same_for_long_goes_round_until_something_new_comes() {
        let (at, patience) = (|s| Time::ZERO + Duration::from_secs(s), Duration::from_secs(10));
        let mut again = Again::default();
        (1..=11).for_each(|s| again.sent(at(s), false));
        assert!(!again.goes_round(at(10), patience) && again.goes_round(at(11), patience));
        assert!(!again.goes_round(at(21), patience), "it has stopped");
        again.sent(at(22), true);
        again.sent(at(23), false);
        assert!(!again.goes_round(at(24), patience));
    }
}
