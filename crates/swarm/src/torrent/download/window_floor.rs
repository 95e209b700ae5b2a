//! How many blocks may be under way at each peer at least (own design).
//!
//! Sixteen keep any ordinary peer busy. But all peers together should not be asked for more than the line delivers in a few
//! seconds, or a slow line with many peers holds a part of many pieces and the whole of none; and near the end, or where little
//! can be asked for because the source shows it piece by piece, what there is should be divided evenly.
use crate::peer::pipeline::WINDOW_MIN;
use teem_wire::peer::block::BLOCK_LEN;

/// The floor where nothing is scarce, in blocks.
const FLOOR: u32 = 16;
/// Seconds of the line that may be asked for in sum; at least one peer's floor.
const LINE_SECONDS: u64 = 3;

/// The floor of every peer's window.
#[derive(Clone, Copy, Debug)]
pub(super) struct WindowFloor {
    /// By what the line delivers.
    floor: u32,
    /// The same for a peer that alone has something: as if it were the only one.
    sole: u32,
    /// Among how many.
    open: u64,
}

impl Default for WindowFloor {
    fn default() -> Self {
        Self::of(0, 1)
    }
}

impl WindowFloor {
    /// For a line of that rate in bytes a second, among so many peers that let us ask.
    pub(super) fn of(line: u64, open: u64) -> Self {
        let open = open.max(1);
        let sum = (line * LINE_SECONDS / u64::from(BLOCK_LEN)).max(u64::from(FLOOR));
        Self { floor: within_floor(sum / open), sole: within_floor(sum), open }
    }

    /// The floor while so many blocks are left to be asked for.
    pub(super) fn floor(&self, waiting: u64) -> u32 {
        self.floor.min(within_floor(waiting / self.open))
    }

    /// The floor at a peer that alone has something: it is asked for a whole piece at once.
    pub(super) fn sole_floor(&self) -> u32 {
        self.sole
    }
}

fn within_floor(blocks: u64) -> u32 {
    u32::try_from(blocks).unwrap_or(FLOOR).clamp(WINDOW_MIN, FLOOR)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_divided_and_so_is_what_is_left() {
        // 120 kB/s: 22 blocks in three seconds.
        assert_eq!([1, 4, 40].map(|open| WindowFloor::of(120_000, open).floor(1_000)), [16, 5, 2]);
        assert_eq!([1, 4, 40].map(|open| WindowFloor::of(0, open).floor(1_000)), [16, 4, 2]);
        let fast = WindowFloor::of(12_500_000, 40);
        assert_eq!([fast.floor(10_000), fast.floor(320), fast.floor(3)], [16, 8, 2]);
    }
}
