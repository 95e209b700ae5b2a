//! The worlds of the table (own design): round trips drawn evenly from 20 to 150 ms, lines of u = 10 Mbit/s out and 10 u
//! in, 1,024 pieces of 16 blocks (512 for more than 1,000 downloaders), everybody there from the start.
use crate::bound;
use crate::scenario::{Departure, Group, Kind, Role, Scenario};
use std::time::Duration;

/// What an ordinary line sends, in bytes a second.
const U: u64 = 1_250_000;
/// Bytes of a piece: 16 blocks.
const PIECE: u32 = 262_144;
/// A life under churn, in bounds.
const LIFE: u32 = 4;
/// Of a hundred plain clients so many are of each kind, about as they are met with.
const KINDS: [(Kind, u32); 4] =
    [(Kind::Libtorrent, 50), (Kind::Transmission, 20), (Kind::Aria2, 20), (Kind::Rqbit, 10)];

/// One source that sends so many quarters of u, and peers.
fn world(quarters: u64, n: u32) -> Scenario {
    let pieces = if n > 1_000 { 512 } else { 1_024 };
    Scenario::new("table", "a row of the table")
        .content(pieces, PIECE, 0)
        .round_trips(Duration::from_millis(20), Duration::from_millis(150))
        .with(Group::new(Role::Seed, 1).rates(U * quarters / 4, U * 10))
}

fn peers(n: u32) -> Group {
    Group::new(Role::Downloader, n).rates(U, U * 10)
}

/// Sets when it is given up: far beyond anything that could be called a result.
fn bounded(scenario: Scenario) -> Scenario {
    let limit = bound::fluid(&scenario) * 12 + Duration::from_secs(900);
    scenario.within(limit)
}

/// Equal lines; the source sends so many quarters of what each peer does.
pub(crate) fn equal(quarters: u64, n: u32) -> Scenario {
    bounded(world(quarters, n).with(peers(n)))
}

/// As `equal`, and half of the peers only dial out.
pub(super) fn half_behind_nat(n: u32) -> Scenario {
    bounded(world(16, n).with(peers(n / 2)).with(peers(n - n / 2).behind_nat()))
}

/// Lines of three classes.
pub(super) fn mixed(n: u32) -> Scenario {
    let class = |share: u32, quarters: u64| {
        Group::new(Role::Downloader, n * share / 100).rates(U * quarters / 4, U * 10 * quarters / 4)
    };
    bounded(world(16, n).with(class(20, 16)).with(class(50, 4)).with(class(30, 1)))
}

/// A quarter of the peers never give.
pub(super) fn free_riders(n: u32) -> Scenario {
    let riders = Group::new(Role::FreeRider, n / 4).rates(U, U * 10);
    bounded(world(8, n).with(peers(n - n / 4)).with(riders))
}

/// Everybody leaves as soon as he has it.
pub(super) fn leaving(n: u32) -> Scenario {
    equal(4, n).leaving(Departure::WhenComplete(Duration::ZERO))
}

/// Everybody dies some time, without a word and for good.
pub(super) fn churn(scenario: Scenario) -> Scenario {
    let life = bound::fluid(&scenario) * LIFE;
    scenario.leaving(Departure::Dies(life))
}

/// A cluster of one owner, as Kraken's authors measured theirs: lines as fast in as out, a source of five of them.
pub(super) fn kraken(n: u32) -> Scenario {
    let both = |group: Group, times: u64| group.rates(U * times, U * times).of_one_owner();
    let scenario = Scenario::new("table", "a row of the table")
        .content(375, PIECE, 0)
        .round_trips(Duration::from_millis(20), Duration::from_millis(150))
        .with(both(Group::new(Role::Seed, 1), 5))
        .with(both(Group::new(Role::Downloader, n), 1));
    bounded(scenario)
}

/// So many of a hundred peers are other people's clients.
pub(super) fn plain(percent: u32, n: u32) -> Scenario {
    let theirs = n * percent / 100;
    let mut scenario = world(4, n).with(peers(n - theirs));
    let mut left = theirs;
    for (kind, share) in KINDS.into_iter().rev() {
        let count = if kind == Kind::Libtorrent { left } else { theirs * share / 100 };
        left -= count.min(left);
        scenario = scenario.with(Group::new(Role::Plain(kind), count).rates(U, U * 10));
    }
    bounded(scenario)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_worlds_have_the_peers_that_were_asked_for() {
        for n in [10, 100, 1000] {
            let all = [equal(4, n), half_behind_nat(n), mixed(n), free_riders(n), leaving(n), kraken(n), plain(90, n)];
            assert_eq!(all.map(|world| world.wanting()), [n; 7]);
        }
        assert_eq!(equal(4, 10_000).pieces, 512);
    }
}
