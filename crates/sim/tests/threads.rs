//! A world runs on any number of threads, and the run is the same.
use std::time::Duration;
use teem_sim::report::Report;
use teem_sim::scenario::{Departure, Group, Role, Scenario};
use teem_sim::series::Sample;
use teem_sim::world::World;
use teem_sim::{makers, random};
use teem_swarm::time::Time;

/// A report, how it went over time, and who banned whom.
type Run = (Report, Vec<Sample>, Vec<(Time, u32, u32)>);

fn run(scenario: Scenario, seed: u64, threads: usize) -> Run {
    let mut world = World::new(scenario, seed, Box::new(makers::engine));
    world.on_threads(threads);
    world.run();
    (Report::of(&world, seed), world.series().samples().to_vec(), world.findings().banned().to_vec())
}

#[test]
fn a_run_is_the_same_on_any_number_of_threads() {
    for seed in 1..=6 {
        let one = run(random::scenario(seed), seed, 1);
        for threads in [2, 5] {
            assert_eq!(run(random::scenario(seed), seed, threads), one, "seed {seed} on {threads} threads");
        }
    }
}

/// Lines so slow that who crashes has connections of which nothing has left yet.
fn crashes() -> Scenario {
    let life = Departure::Comes { life: Duration::from_secs(4), away: Duration::from_secs(2), crash_permille: 1000 };
    Scenario::new("crashes", "")
        .content(8, 65_536, 0)
        .with(Group::new(Role::Seed, 1))
        .with(Group::new(Role::Downloader, 40).rates(20_000, 200_000).leaving(life))
        .within(Duration::from_secs(300))
}

#[test]
fn who_crashes_before_its_first_packet_has_left_is_missed_by_nobody() {
    let one = run(crashes(), 1, 1);
    assert_eq!(run(crashes(), 1, 3), one);
    assert_eq!((one.0.complete, one.0.violations), (40, 0), "{}", one.0);
}

#[test]
fn a_world_without_peers_is_soon_over() {
    let (report, ..) = run(Scenario::new("empty", "").within(Duration::from_secs(1)), 1, 4);
    assert_eq!((report.downloaders, report.events, report.violations), (0, 0, 0));
}
