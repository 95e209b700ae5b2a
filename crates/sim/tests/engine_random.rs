//! Worlds drawn from seeds: no rule is ever broken, and everybody completes.
use teem_sim::report::Report;
use teem_sim::world::World;
use teem_sim::{makers, random};

#[test]
fn no_rule_is_broken_in_worlds_drawn_from_seeds() {
    for seed in 1..=24 {
        let mut world = World::new(random::scenario(seed), seed, Box::new(makers::engine));
        world.run();
        let report = Report::of(&world, seed);
        assert_eq!(report.violations, 0, "run it by `random --seed {seed}`\n{report}");
    }
}
