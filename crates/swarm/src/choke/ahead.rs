//! How much is read ahead for the line while no limit says when it is full (own design).
//!
//! Blocks that are read wait in the sockets, where all connections take turns: with everything that is asked for in there, a new
//! piece comes whole to all peers at once, and late. With no more than the line carries in a moment they wait as requests, in
//! the order of [`super::order`], and the first has its piece while the others wait; then two can pass it on.
//! Invariant: the sum is that of [`crate::peer::upload::Upload::ahead`] over all peers.

/// Milliseconds of the line that are read ahead: connections that begin or whose other end is busy take less than their part,
/// and with half of it lines that are no faster than those of the receivers stood idle now and then.
const AHEAD_MS: u64 = 750;
/// The least, in bytes: a line that has not shown its rate must not be held up.
const AHEAD_MIN: u64 = 512 << 10;

/// What was read and has not left.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct Ahead(u64);

impl Ahead {
    /// What is read ahead for one peer has changed.
    pub(crate) fn changed(&mut self, before: u64, now: u64) {
        self.0 = (self.0 + now).saturating_sub(before);
    }

    /// Bytes that were read and have not left.
    pub(crate) fn bytes(self) -> u64 {
        self.0
    }

    /// Whether the line has enough to do, at that rate in bytes a second.
    pub(crate) fn is_enough(self, rate: u64) -> bool {
        self.0 >= (rate / 1_000 * AHEAD_MS).max(AHEAD_MIN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_quarters_of_a_second_and_half_a_mebibyte_at_least() {
        let mut ahead = Ahead::default();
        ahead.changed(0, 600_000);
        assert!(ahead.is_enough(0) && ahead.is_enough(700_000) && !ahead.is_enough(900_000));
        ahead.changed(600_000, 100_000);
        assert!(!ahead.is_enough(0));
    }
}
