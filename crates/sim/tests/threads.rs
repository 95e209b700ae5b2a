//! A world runs on any number of threads, and the run is the same.
use teem_sim::report::Report;
use teem_sim::world::World;
use teem_sim::{makers, random};

#[test]
fn a_run_is_the_same_on_any_number_of_threads() {
    for seed in 1..=6 {
        let run = |threads| {
            let mut world = World::new(random::scenario(seed), seed, Box::new(makers::engine));
            world.on_threads(threads);
            world.run();
            (Report::of(&world, seed), world.series().samples().to_vec(), world.findings().banned().to_vec())
        };
        let one = run(1);
        for threads in [2, 5] {
            assert_eq!(run(threads), one, "seed {seed} on {threads} threads");
        }
    }
}
