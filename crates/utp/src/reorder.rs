//! How long packets may overtake each other (RFC 8985, section 6.2, step 4).
//!
//! On a path where none was seen to, a packet is lost once three sent after it have arrived. Where one that was taken for lost comes after all, the
//! others are waited for: a quarter of a round trip at first, one more with each round trip in which it happens again, up to a whole one.
//! That is forgotten down to the first quarter when losses of sixteen round trips have been losses.

/// Round trips with losses in which nothing was overtaken, until less is waited.
const PERSIST: u32 = 16;

/// The time that is waited.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reorder {
    us: u64,
    /// No second step before.
    until_us: u64,
    /// Round trips with losses that are left of [`PERSIST`], and the end of the present one.
    left: u32,
    round_until_us: u64,
}

impl Reorder {
    /// In microseconds; zero where nothing was seen to be overtaken.
    pub(crate) fn us(&self) -> u64 {
        self.us
    }

    /// A packet that was taken for lost has come.
    pub(crate) fn overtaken(&mut self, now_us: u64, round_us: u64) {
        self.left = PERSIST;
        if now_us >= self.until_us {
            (self.us, self.until_us) = ((self.us + round_us / 4).clamp(1, round_us.max(1)), now_us + round_us);
        }
    }

    /// Packets are taken for lost.
    pub(crate) fn lost(&mut self, now_us: u64, round_us: u64) {
        if self.us == 0 || now_us < self.round_until_us {
            return;
        }
        self.round_until_us = now_us + round_us;
        self.left = self.left.saturating_sub(1);
        if self.left == 0 {
            self.us = self.us.min(round_us / 4).max(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_waited_as_long_as_packets_are_overtaken_and_less_when_they_are_not() {
        let mut reorder = Reorder::default();
        reorder.lost(0, 40_000);
        assert_eq!(reorder.us(), 0);
        for step in 0..10 {
            let now = step * 40_000;
            reorder.overtaken(now, 40_000);
            reorder.overtaken(now + 1, 40_000);
            assert_eq!(reorder.us(), (10_000 * (step + 1)).min(40_000));
        }
        for step in 10..25 {
            reorder.lost(step * 40_000, 40_000);
            reorder.lost(step * 40_000 + 1, 40_000);
            assert_eq!(reorder.us(), 40_000);
        }
        reorder.lost(1_000_000, 40_000);
        assert_eq!(reorder.us(), 10_000);
    }
}
