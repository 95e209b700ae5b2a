//! The world itself, with the small client in it.
use std::time::Duration;
use teem_sim::catalog;
use teem_sim::makers;
use teem_sim::report::Report;
use teem_sim::scenario::{Arrival, Departure, Group, Role, Scenario};
use teem_sim::world::World;

fn run(scenario: Scenario, seed: u64) -> Report {
    let mut world = World::new(scenario, seed, Box::new(makers::plain));
    world.run();
    Report::of(&world, seed)
}

#[test]
fn two_peers_complete_at_the_speed_of_the_line() {
    let report = run(catalog::pair(), 1);
    assert_eq!((report.complete, report.violations, report.wasted_permille), (1, 0, 0), "{report}");
    assert_eq!((report.copies_permille, report.all_out_permille), (1000, Some(1000)), "{report}");
    assert!(report.over_bound_permille.is_some_and(|ratio| (1000..1300).contains(&ratio)), "{report}");
}

#[test]
fn the_same_seed_is_the_same_run_and_another_is_another() {
    let trace = |seed| run(catalog::swarm(10), seed).trace;
    assert_eq!(trace(7), trace(7));
    assert_ne!(trace(7), trace(8));
}

#[test]
fn a_swarm_with_departures_and_crashes_completes() {
    let secs = Duration::from_secs;
    let comes = Departure::Comes { life: secs(3), away: secs(2), crash_permille: 500 };
    let scenario = Scenario::new("test", "")
        .with(Group::new(Role::Seed, 1))
        .with(Group::new(Role::Downloader, 10).arriving(Arrival::Between(secs(0), secs(5))).leaving(comes))
        .with(Group::new(Role::Downloader, 5).behind_nat().leaving(Departure::WhenComplete(secs(1))));
    let report = run(scenario, 3);
    assert_eq!((report.complete, report.violations), (15, 0), "{report}");
}
