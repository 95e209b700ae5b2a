//! The engine in small worlds: one behaviour each.
use teem_sim::report::Report;
use teem_sim::scenario::Scenario;
use teem_sim::world::World;
use teem_sim::{catalog, makers};

fn run(scenario: Scenario, seed: u64) -> Report {
    let mut world = World::new(scenario, seed, Box::new(makers::engine));
    world.run();
    Report::of(&world, seed)
}

/// Complete without a broken rule.
fn sound(scenario: Scenario) -> Report {
    let report = run(scenario, 1);
    assert_eq!((report.complete, report.violations), (report.downloaders, 0), "{report}");
    report
}

#[test]
fn two_peers_complete_and_each_block_is_sent_once() {
    let report = sound(catalog::pair());
    assert_eq!((report.copies_permille, report.all_out_permille, report.wasted_permille), (1000, Some(1000), 0));
    assert!(report.over_bound_permille.is_some_and(|ratio| ratio < 1400), "{report}");
}

#[test]
fn the_same_seed_is_the_same_run_and_another_is_another() {
    let trace = |seed| run(catalog::pair(), seed).trace;
    assert_eq!(trace(7), trace(7));
    assert_ne!(trace(7), trace(8));
}

#[test]
fn the_pipeline_grows_until_it_fills_a_long_fast_line() {
    let report = sound(catalog::far());
    assert!(report.over_bound_permille.is_some_and(|ratio| ratio < 1150), "{report}");
}

#[test]
fn metadata_comes_from_peers() {
    sound(catalog::magnet());
}

#[test]
fn limits_hold_and_are_used() {
    let report = sound(catalog::limited());
    assert!(report.over_bound_permille.is_some_and(|ratio| (990..1100).contains(&ratio)), "{report}");
}

#[test]
fn what_lies_on_the_disk_is_not_fetched_again() {
    let report = sound(catalog::resumed());
    assert!(report.copies_permille < 700, "{report}");
}
