//! Which kernel takes how many of the messages at hand (own design).
//!
//! Which is fastest depends on the processor, the function and the number of messages: SHA instructions lead with few
//! streams, sixteen lanes with many, and by how much differs between makers. So each kernel is timed once for a few
//! microseconds, and the cheapest way through each number of messages is worked out from that. What comes out of a hash does not depend on it.

use super::function::Function;
use super::kernel::{Kernel, LANES_MAX};
use std::time::Instant;

/// Blocks of each lane in one timed turn.
const BLOCKS: usize = 16;

/// Turns of which the fastest counts: the others may have been interrupted, or found cold caches.
const TURNS: usize = 4;

/// The kernel for the first of so many messages; those that it leaves are looked up again.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Plan {
    /// By the number of messages; the first is not used.
    first: [Kernel; LANES_MAX + 1],
    lanes: usize,
}

impl Plan {
    /// Uses `kernel` wherever there is more than one message.
    pub(super) fn only(kernel: Kernel) -> Self {
        let mut first = [kernel; LANES_MAX + 1];
        first[..2].fill(Kernel::SINGLE);
        Self { first, lanes: kernel.lanes() }
    }

    /// The cheapest way through each number of messages, given what a turn of each kernel costs however many of its lanes
    /// are in use. Of equal ways the one of the kernel that comes first.
    fn cheapest(costs: &[(Kernel, u64)]) -> Self {
        let mut first = [Kernel::SINGLE; LANES_MAX + 1];
        let mut cost = [0; LANES_MAX + 1];
        for n in 1..=LANES_MAX {
            let ways = costs.iter().map(|&(kernel, turn)| (turn + cost[n - kernel.lanes().min(n)], kernel));
            if let Some((least, kernel)) = ways.min_by_key(|&(cost, _)| cost) {
                (cost[n], first[n]) = (least, kernel);
            }
        }
        // The fewest messages that come as cheap each as any number does, by an eighth: more would only cost memory.
        let cheap = |n: usize| (1..=LANES_MAX).all(|m| cost[n] * 8 * m as u64 <= cost[m] * 9 * n as u64);
        Self { first, lanes: (1..=LANES_MAX).find(|&n| cheap(n)).unwrap_or(LANES_MAX) }
    }

    /// As this processor is found to do it.
    pub(super) fn measured<F: Function>() -> Self {
        let content = [[0_u8; 64]; BLOCKS];
        let time = |kernel: Kernel| {
            let (mut states, blocks) = ([F::START; LANES_MAX], [content.as_slice(); LANES_MAX]);
            let turns = (0..TURNS).map(|_| {
                let start = Instant::now();
                F::compress(kernel, &mut states[..kernel.lanes()], &blocks[..kernel.lanes()]);
                start.elapsed().as_nanos() as u64
            });
            // A clock that stands still tells nothing, and must not make all ways equal.
            (kernel, turns.min().unwrap_or(0).max(1))
        };
        Self::cheapest(&Kernel::available().into_iter().map(time).collect::<Vec<_>>())
    }

    /// The kernel for the first of so many messages.
    pub(super) fn first(&self, messages: usize) -> Kernel {
        self.first[messages.min(LANES_MAX)]
    }

    /// How many messages are worth bringing together.
    pub(super) fn lanes(&self) -> usize {
        self.lanes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every number of messages gets through in whole turns, at no more than one after the other.
    #[test]
    fn cheapest_way_through() {
        let kernels = Kernel::available();
        let costs: Vec<(Kernel, u64)> = kernels.iter().map(|&k| (k, 10 * k.lanes() as u64 * 3 / 4 + 3)).collect();
        let plan = Plan::cheapest(&costs);
        for messages in 1..=40 {
            let (mut left, mut cost) = (messages, 0);
            while left > 0 {
                let kernel = plan.first(left);
                cost += costs.iter().find(|(k, _)| *k == kernel).unwrap().1;
                left -= kernel.lanes().min(left);
            }
            assert!(cost <= messages as u64 * costs[0].1, "{messages}");
        }
        let widest = *kernels.last().unwrap();
        assert_eq!(plan.first(LANES_MAX).lanes(), widest.lanes());
        assert_eq!(Plan::cheapest(&[(Kernel::SINGLE, 5)]).lanes(), 1);
        assert_eq!(Plan::cheapest(&[(Kernel::SINGLE, 5), (widest, 1_000)]), Plan::only(Kernel::SINGLE));
    }
}
