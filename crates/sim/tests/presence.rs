//! How peers come and go: each way in a small world.
use std::time::Duration;
use teem_sim::makers;
use teem_sim::report::Report;
use teem_sim::scenario::{Arrival, Departure, Group, Kind, Role, Scenario};
use teem_sim::world::World;

fn run(scenario: Scenario, seed: u64) -> (World, Report) {
    let mut world = World::new(scenario, seed, Box::new(makers::plain));
    world.run();
    let report = Report::of(&world, seed);
    (world, report)
}

fn world() -> Scenario {
    Scenario::new("test", "").content(16, 65_536, 0).with(Group::new(Role::Seed, 1))
}

fn arrivals(world: &World) -> Vec<u64> {
    world.nodes().iter().skip(1).filter_map(|node| node.came).map(|came| came.nanos() / 1_000_000_000).collect()
}

#[test]
fn poisson_arrivals_come_one_after_the_other() {
    let group = Group::new(Role::Downloader, 8).arriving(Arrival::Poisson(Duration::from_secs(20)));
    let (world, report) = run(world().with(group), 1);
    let came = arrivals(&world);
    assert!(came.is_sorted() && (80..320).contains(&came[7]), "{came:?}");
    assert_eq!((report.complete, report.violations), (8, 0), "{report}");
}

#[test]
fn a_flash_crowd_comes_mostly_at_first() {
    let group = Group::new(Role::Downloader, 20).arriving(Arrival::Flash(Duration::from_secs(20)));
    let (world, _) = run(world().with(group), 1);
    let early = arrivals(&world).into_iter().filter(|came| *came < 20).count();
    assert!((8..=17).contains(&early), "{early} of 20 within the mean");
}

#[test]
fn the_run_does_not_wait_for_the_dead() {
    let dying = Group::new(Role::Downloader, 12).leaving(Departure::Dies(Duration::from_secs(2)));
    let (_, report) = run(world().with(dying), 1);
    assert!((1..12).contains(&report.complete), "{report}");
    assert_eq!(report.violations, 0, "{report}");
    assert!(report.duration_ms < 120_000, "{report}");
}

#[test]
fn a_source_leaves_once_others_hold_a_copy_and_not_before() {
    let leaving = |after| {
        Scenario::new("test", "")
            .content(16, 65_536, 0)
            .with(Group::new(Role::Seed, 1).leaving(Departure::OnceCopied(after)))
            .with(Group::new(Role::Downloader, 6))
    };
    let (world, report) = run(leaving(Duration::ZERO), 1);
    assert!(world.nodes()[0].brain.is_none(), "it is still there");
    assert_eq!((report.complete, report.violations), (6, 0), "{report}");
    assert!((1_000..5_000).contains(&report.copies_permille), "{report}");
    // With one who does not stay there is nobody to hold a copy.
    let (world, _) = run(leaving(Duration::ZERO).leaving(Departure::After(Duration::from_secs(5))), 1);
    assert!(world.nodes()[0].brain.is_some(), "it left who does not stay");
}

#[test]
fn a_line_that_bears_few_connections_refuses_the_rest() {
    let few = world().with(Group::new(Role::Downloader, 10).with_connections(3));
    let (world, report) = run(few, 1);
    assert!(world.nodes().iter().skip(1).all(|node| node.pipes.len() <= 3));
    assert_eq!((report.complete, report.violations), (10, 0), "{report}");
}

#[test]
fn every_kind_of_client_completes() {
    for kind in Kind::ALL {
        let (_, report) = run(world().with(Group::new(Role::Plain(kind), 3)), 1);
        assert_eq!((report.complete, report.violations), (3, 0), "{kind:?}: {report}");
    }
}
