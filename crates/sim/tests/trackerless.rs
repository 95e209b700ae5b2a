//! Worlds without a tracker: peers find each other by the DHT (BEP 5) and by what they tell each other (BEP 11). All times are virtual.
use teem_sim::report::Report;
use teem_sim::scenario::Scenario;
use teem_sim::table::cases;
use teem_sim::world::World;
use teem_sim::{catalog, makers};

fn run(scenario: Scenario, seed: u64, threads: usize) -> Report {
    let mut world = World::new(scenario, seed, Box::new(makers::engine));
    world.on_threads(threads);
    world.run();
    let report = Report::of(&world, seed);
    assert_eq!((report.complete, report.violations), (report.downloaders, 0), "{report}");
    report
}

/// Less of the content, so that it takes seconds.
fn small(scenario: Scenario) -> Scenario {
    Scenario { pieces: 128, ..scenario }
}

#[test]
fn twenty_without_a_tracker_take_no_longer_than_with_one_nor_more_from_the_source() {
    let (mut with, mut without) = ([0; 2], [0; 2]);
    for seed in [1, 2] {
        for (sums, scenario) in
            [(&mut with, cases::world("equal-n20").unwrap()), (&mut without, catalog::trackerless(20))]
        {
            let report = run(small(scenario), seed, 1);
            sums[0] += report.makespan_ms.unwrap();
            sums[1] += report.all_out_permille.unwrap();
        }
    }
    let all =
        format!("makespan in ms and copies until all was out, of two runs: {with:?}, {without:?} without tracker");
    assert!(without[0] * 1_000 <= with[0] * 1_020, "{all}");
    assert!(without[1] <= with[1] + 2 * 5, "{all}");
}

#[test]
fn such_a_world_is_the_same_on_any_number_of_threads() {
    let one = run(small(catalog::trackerless(8)), 1, 1);
    assert_eq!(run(small(catalog::trackerless(8)), 1, 3).trace, one.trace);
}

/// A magnet link is enough, and those whom nobody can dial find those who can be dialled.
#[test]
fn links_and_routers_are_no_hindrance() {
    for scenario in [catalog::magnet(), catalog::nat(), catalog::churn()] {
        run(scenario.without_tracker(), 1, 1);
    }
}
