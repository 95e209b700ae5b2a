//! Pieces of a publisher that could not be read, or were not as they should be (own design): perhaps nobody else has them, so they are looked at again
//! by themselves, a few at a time: after ten seconds first, after growing pauses while nothing comes back, and one after the other once something does.
use crate::time::Time;
use alloc::collections::BTreeSet;
use alloc::vec::Vec;
use core::time::Duration;

/// The first pause, how often it doubles at most, and that between two looks of which the first has found something.
const WAIT: Duration = Duration::from_secs(10);
const DOUBLINGS_MAX: u32 = 6;
const NEXT: Duration = Duration::from_secs(1);
/// Pieces looked at in one go: on a medium that fails each read may take half a minute.
const AT_ONCE: usize = 8;
/// Pieces that are remembered; the others are found by a recheck.
const LOST_MAX: usize = 1 << 16;

/// What is missed, and when it is looked for.
#[derive(Debug, Default)]
pub(in crate::torrent) struct Regain {
    lost: BTreeSet<u32>,
    /// Those that the disk is looking at.
    asked: BTreeSet<u32>,
    /// Where the next look begins.
    from: u32,
    at: Option<Time>,
    doublings: u32,
    /// The look that is under way has found something.
    found: bool,
}

impl Regain {
    /// A piece is not there as it should be.
    pub(in crate::torrent) fn lost(&mut self, now: Time, piece: u32) {
        if self.lost.len() < LOST_MAX && self.lost.insert(piece) && self.asked.is_empty() {
            self.at.get_or_insert(now + WAIT);
        }
    }

    /// When to look.
    pub(in crate::torrent) fn deadline(&self) -> Option<Time> {
        self.at
    }

    /// The pieces to be looked at now.
    pub(in crate::torrent) fn due(&mut self, now: Time) -> Vec<u32> {
        if self.at.is_none_or(|at| at > now) {
            return Vec::new();
        }
        (self.at, self.found) = (None, false);
        let pieces: Vec<u32> =
            self.lost.range(self.from..).chain(self.lost.range(..self.from)).take(AT_ONCE).copied().collect();
        self.from = pieces.last().map_or(0, |last| last + 1);
        self.asked.extend(&pieces);
        pieces
    }

    /// A piece was hashed; whether it was the last that was missed, and is there again.
    pub(in crate::torrent) fn checked(&mut self, now: Time, piece: u32, ok: bool) -> bool {
        let was_lost = ok && self.lost.remove(&piece);
        if self.asked.remove(&piece) {
            self.found |= ok;
            if self.asked.is_empty() && !self.lost.is_empty() {
                self.doublings = if self.found { 0 } else { (self.doublings + 1).min(DOUBLINGS_MAX) };
                let pause = if self.found { NEXT } else { WAIT * (1 << self.doublings) };
                self.at = Some(now + pause);
            }
        }
        if self.lost.is_empty() && self.asked.is_empty() {
            *self = Self::default();
        }
        was_lost && self.lost.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Time {
        Time::ZERO + Duration::from_secs(seconds)
    }

    #[test]
    fn pauses_grow_while_nothing_comes_back_and_work_is_bounded() {
        let mut regain = Regain::default();
        (0..20).for_each(|piece| regain.lost(at(0), piece));
        let (mut now, mut looks) = (0, Vec::new());
        for pause in [10, 20, 40, 80, 160, 320, 640, 640] {
            now += pause;
            assert_eq!(regain.deadline(), Some(at(now)));
            assert!(regain.due(at(now - 1)).is_empty());
            let pieces = regain.due(at(now));
            assert_eq!((pieces.len(), regain.deadline()), (AT_ONCE, None), "nothing more while the disk looks");
            for piece in &pieces {
                assert!(!regain.checked(at(now), *piece, false));
            }
            looks.extend(pieces);
        }
        assert_eq!(looks[..20], (0..20).collect::<Vec<_>>(), "each has its turn");
        let mut back = Vec::new();
        now += 640;
        while !regain.lost.is_empty() {
            for piece in regain.due(at(now)) {
                back.push(regain.checked(at(now), piece, true));
            }
            now += 1;
        }
        assert_eq!((back.len(), back.iter().filter(|last| **last).count(), back[19]), (20, 1, true));
        assert_eq!(regain.deadline(), None);
    }
}
