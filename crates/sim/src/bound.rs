//! What is possible at best (own design after Kumar and Ross 2006): the times that a run is divided by.
//!
//! F is the size, u_s what the sources send together, u_i and d_i what downloader i sends and receives, N how many they
//! are; who never gives has u_i = 0. Rates are those of the lines, or what a user set below it. A block's 13 bytes of
//! header travel on the line as well, so payload alone cannot quite reach these bounds (0.08 %).
use crate::scenario::Scenario;
use std::time::Duration;

/// The fluid bound: max { F/u_s, F/d_min, N·F/(u_s + Σu_i) }. It holds for peers that are there from the start and stay;
/// elsewhere it is only a yardstick.
pub(crate) fn fluid(scenario: &Scenario) -> Duration {
    let sums = Sums::of(scenario);
    let total = u128::from(scenario.total());
    let shared = sums.source.saturating_add(sums.peers);
    sums.alone(total).max(time(total * u128::from(sums.count), shared))
}

/// The bound when the sources give only `copies` times the content: max { F/u_s, F/d_min, (N-c)·F/Σu_i }.
pub(crate) fn frugal(scenario: &Scenario, copies: u32) -> Duration {
    let sums = Sums::of(scenario);
    let total = u128::from(scenario.total());
    sums.alone(total).max(time(total * u128::from(sums.count.saturating_sub(copies)), sums.peers))
}

struct Sums {
    source: u64,
    peers: u64,
    slowest: u64,
    count: u32,
}

impl Sums {
    fn of(scenario: &Scenario) -> Self {
        let mut sums = Self { source: 0, peers: 0, slowest: u64::MAX, count: 0 };
        for group in &scenario.groups {
            let together = group.gives().saturating_mul(u64::from(group.count));
            if group.role.wants() {
                sums.peers = sums.peers.saturating_add(together);
                sums.slowest = sums.slowest.min(group.takes());
                sums.count += group.count;
            } else {
                sums.source = sums.source.saturating_add(together);
            }
        }
        sums
    }

    /// What neither the source nor the slowest line can beat.
    fn alone(&self, total: u128) -> Duration {
        time(total, self.source).max(time(total, self.slowest))
    }
}

fn time(bytes: u128, rate: u64) -> Duration {
    let ns = bytes * 1_000_000_000 / u128::from(rate.max(1));
    Duration::from_nanos(u64::try_from(ns).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::{Group, Role};

    fn world(source: u64, peers: u32, riders: u32) -> Scenario {
        Scenario::new("bound", "")
            .content(100, 1_000_000, 0)
            .with(Group::new(Role::Seed, 1).rates(source, 1_000_000))
            .with(Group::new(Role::Downloader, peers).rates(1_000_000, 10_000_000))
            .with(Group::new(Role::FreeRider, riders).rates(1_000_000, 10_000_000))
    }

    #[test]
    fn the_scarcest_of_three_decides() {
        let seconds = |scenario: &Scenario| fluid(scenario).as_secs();
        assert_eq!(seconds(&world(250_000, 10, 0)), 400, "the source");
        assert_eq!(seconds(&world(100_000_000, 1, 0)), 10, "the line in");
        assert_eq!(seconds(&world(1_000_000, 10, 0)), 100, "the source again, 1000 MB over 11 MB/s being less");
        assert_eq!(seconds(&world(2_000_000, 6, 2)), 100, "what all can send: 800 MB over 8 MB/s");
    }

    #[test]
    fn a_frugal_source_leaves_the_rest_to_the_peers() {
        assert_eq!(frugal(&world(4_000_000, 10, 0), 1).as_secs(), 90);
        assert_eq!(frugal(&world(1_000_000, 10, 0), 1).as_secs(), 100);
        assert_eq!(time(u128::from(world(1, 1, 0).total()), 1_000_000).as_secs(), 100);
    }
}
