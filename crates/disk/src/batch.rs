//! Finished pieces that wait to be hashed together (own design): lanes cost the same however many of them are in use, so
//! sixteen pieces at once cost a quarter of four times four.
//!
//! A piece waits only while others keep coming: what is slow is hashed one by one, and what is fast fills the lanes, or
//! half of the pool, within some tens of milliseconds.
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// How long pieces wait for the next one.
const NEXT_WAIT: Duration = Duration::from_millis(5);

/// How long a piece waits in all, as long as others come.
const WAIT_MAX: Duration = Duration::from_millis(40);

/// A piece that waits.
struct Waiting<P> {
    piece: P,
    blocks: usize,
    since: Instant,
}

/// The pieces, in the order in which they were finished.
pub(crate) struct Batch<P> {
    waiting: VecDeque<Waiting<P>>,
    /// Pieces that are hashed at once.
    lanes: usize,
    /// Blocks in memory, of all pieces.
    blocks: usize,
    /// So many are enough.
    blocks_enough: usize,
}

impl<P> Batch<P> {
    /// For hashing with so many lanes, and at most about so many blocks that wait.
    pub(crate) fn new(lanes: usize, blocks_enough: usize) -> Self {
        Self { waiting: VecDeque::new(), lanes: lanes.max(1), blocks: 0, blocks_enough }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Takes a piece with so many blocks in memory, finished at that moment.
    pub(crate) fn push(&mut self, piece: P, blocks: usize, since: Instant) {
        self.blocks += blocks;
        self.waiting.push_back(Waiting { piece, blocks, since });
    }

    /// When the pieces should be hashed, if there are any; past when they should be now.
    pub(crate) fn due(&self) -> Option<Instant> {
        let (first, last) = (self.waiting.front()?.since, self.waiting.back()?.since);
        let enough = self.waiting.len() >= self.lanes || self.blocks >= self.blocks_enough;
        Some(if enough { first } else { (first + WAIT_MAX).min(last + NEXT_WAIT) })
    }

    /// Takes as many as are hashed at once.
    pub(crate) fn take(&mut self) -> Vec<P> {
        let taken = self.waiting.drain(..self.waiting.len().min(self.lanes));
        let blocks = &mut self.blocks;
        taken
            .map(|waiting| {
                *blocks -= waiting.blocks;
                waiting.piece
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_lanes_half_a_pool_or_nobody_else() {
        let begun = Instant::now();
        let at = |ms: u64| begun + Duration::from_millis(ms);
        let mut batch = Batch::new(4, 100);
        assert_eq!(batch.due(), None);
        batch.push('a', 10, at(0));
        assert_eq!(batch.due(), Some(at(5)), "alone");
        batch.push('b', 10, at(4));
        assert_eq!(batch.due(), Some(at(9)), "another came in time");
        batch.push('c', 10, at(38));
        assert_eq!(batch.due(), Some(at(40)), "long enough in all");
        batch.push('d', 10, at(38));
        assert_eq!(batch.due(), Some(at(0)), "all lanes");
        batch.push('e', 10, at(39));
        assert_eq!(batch.take(), ['a', 'b', 'c', 'd']);
        assert_eq!(batch.due(), Some(at(44)));
        batch.push('f', 90, at(40));
        assert_eq!(batch.due(), Some(at(39)), "half of the pool");
        assert_eq!(batch.take(), ['e', 'f']);
        assert!(batch.is_empty() && batch.blocks == 0);
    }
}
