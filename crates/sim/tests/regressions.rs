//! Seeds that once broke a rule: they stay, each with what was wrong.
use teem_sim::report::Report;
use teem_sim::world::World;
use teem_sim::{catalog, makers};

/// Scenario, seed, what it showed.
const SEEDS: [(&str, u64, &str); 9] = [
    ("corrupters", 1, "a block asked for again after a cancel came twice, and its sender was taken for a liar"),
    ("crawling", 1, "a block that a slow line brought three minutes after the cancel was taken for unasked"),
    ("random", 129, "twelve peers at a line of 30 kB/s: parts of many pieces, none whole before its process ended"),
    ("random", 198, "liars held the last blocks until their time was up, in processes that lived hardly longer"),
    ("brief", 1, "pieces were begun in each life and made whole in none"),
    ("cornered", 1, "liars held the last blocks for longer than anybody lived"),
    (
        "random",
        315,
        "a piece sent to two peers, both gone before anybody showed it, was taken to be somebody's for ever",
    ),
    ("random", 359, "wrong senders were asked for several pieces in each life of 16 s before they were known"),
    ("random", 456, "a piece that came while its peer was leaving was missed in that peer's own account"),
];

#[test]
fn seeds_that_once_failed_hold() {
    for (name, seed, what) in SEEDS {
        let scenario = catalog::find(name, seed).unwrap_or_else(|| panic!("no scenario {name}"));
        let mut world = World::new(scenario, seed, Box::new(makers::engine));
        world.run();
        let report = Report::of(&world, seed);
        assert_eq!(report.violations, 0, "{what}\n{report}");
    }
}
