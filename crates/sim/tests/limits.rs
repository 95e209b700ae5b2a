//! Limits that users set on what they download: kept, used to the full, without starving anybody.
use std::time::Duration;
use teem_sim::makers;
use teem_sim::report::Report;
use teem_sim::scenario::{Group, Role, Scenario};
use teem_sim::world::World;

/// One downloader with that limit, and so many seeds; gives the time over the bound, in thousandths.
fn limited(limit: u64, seeds: u32, pieces: u32, piece_len: u32) -> u64 {
    let scenario = Scenario::new("limits", "a download limit")
        .content(pieces, piece_len, 0)
        .with(Group::new(Role::Seed, seeds))
        .with(Group::new(Role::Downloader, 1).limits(None, Some(limit)))
        .within(Duration::from_secs(1200));
    let mut world = World::new(scenario, 1, Box::new(makers::engine));
    world.run();
    let report = Report::of(&world, 1);
    assert_eq!((report.complete, report.violations), (1, 0), "{report}");
    assert!(report.wasted_permille <= 2, "{report}");
    report.over_bound_permille.unwrap_or(u64::MAX)
}

#[test]
fn a_low_limit_with_many_peers() {
    // 4 MiB at 50 kB/s: 84 s, with three blocks a second for forty peers.
    let over = limited(50_000, 40, 32, 131_072);
    assert!((990..=1020).contains(&over), "{over}");
}

#[test]
fn a_limit_below_one_block_a_second() {
    let over = limited(5_000, 3, 8, 65_536);
    assert!((970..=1020).contains(&over), "{over}");
}

#[test]
fn a_high_limit_does_not_starve_the_pipeline() {
    let over = limited(4_000_000, 8, 256, 262_144);
    assert!((985..=1050).contains(&over), "{over}");
}
