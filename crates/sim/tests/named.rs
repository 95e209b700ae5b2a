//! The worlds that have names: everybody completes and no rule is broken, also when the only whole copy leaves, among many who
//! are hostile, and with lines of all kinds.
use teem_sim::report::Report;
use teem_sim::scenario::Scenario;
use teem_sim::world::World;
use teem_sim::{catalog, makers};

fn run(scenario: Scenario) -> Report {
    let mut world = World::new(scenario, 1, Box::new(makers::engine));
    world.run();
    Report::of(&world, 1)
}

#[test]
fn everybody_completes_and_no_rule_is_broken() {
    let small = |scenario: Scenario| Scenario { pieces: scenario.pieces.min(64), ..scenario };
    let some = [
        catalog::orphans(),
        catalog::one_copy(),
        catalog::outnumbered(),
        catalog::arriving(),
        catalog::flash_crowd(),
        catalog::mixed(),
    ];
    for scenario in some {
        let report = run(small(scenario));
        assert_eq!((report.complete, report.violations), (report.downloaders, 0), "{report}");
    }
}

/// Only the simulator's own clients play, so this changes with the simulator and never with the engine.
#[test]
fn a_seed_has_the_same_hash_on_every_machine() {
    let mut world = World::new(catalog::pair(), 1, Box::new(makers::plain));
    world.run();
    assert_eq!(format!("{:016x}", world.hash()), "1eeb2610d68fabf6");
}
