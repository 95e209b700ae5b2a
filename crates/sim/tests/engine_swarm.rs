//! The engine in swarms: churn, liars, corrupters, free riders, peers that cannot be dialled.
use std::collections::BTreeSet;
use teem_sim::report::Report;
use teem_sim::scenario::{Role, Scenario};
use teem_sim::world::World;
use teem_sim::{catalog, makers};

fn run(scenario: Scenario, seed: u64) -> (World, Report) {
    let mut world = World::new(scenario, seed, Box::new(makers::engine));
    world.run();
    let report = Report::of(&world, seed);
    assert_eq!(report.violations, 0, "{report}");
    (world, report)
}

/// The hostile peers that were banned by somebody; that nobody honest was is a rule of the checkers.
fn banned(world: &World) -> BTreeSet<u32> {
    world.findings().banned().iter().map(|(_, _, whom)| *whom).collect()
}

#[test]
fn fifty_peers_with_churn_and_all_kinds_of_hostile_ones_complete() {
    let (world, report) = run(catalog::zoo(), 1);
    assert_eq!(world.nodes().len(), 50);
    let corrupter = world.nodes().iter().position(|node| matches!(node.spec.role, Role::Corrupter(_)));
    assert_eq!(banned(&world).into_iter().map(|peer| peer as usize).collect::<Vec<_>>(), [corrupter.unwrap()]);
    assert!(report.complete >= 42, "all but perhaps the two that leave early: {report}");
}

#[test]
fn corrupters_are_banned_and_nobody_else() {
    let (world, _) = run(catalog::corrupters(), 1);
    let banned = banned(&world);
    assert!(banned.len() > 5, "{banned:?}");
}

#[test]
fn peers_that_crash_and_come_back_complete() {
    let (_, report) = run(catalog::churn(), 1);
    assert!(report.wasted_permille < 100, "what was there is not fetched again: {report}");
}

#[test]
fn free_riders_do_not_keep_others_from_completing() {
    let (world, _) = run(catalog::free_riders(), 1);
    let mean = |role| {
        let times = world.nodes().iter().filter(|node| node.spec.role == role).filter_map(|node| node.complete);
        let (sum, count) = times.fold((0, 0), |(sum, count), time| (sum + time.nanos(), count + 1));
        sum / count
    };
    // Tit-for-tat alone hardly tells them apart; but it must not turn against those that give.
    assert!(mean(Role::Downloader) <= mean(Role::FreeRider) * 11 / 10);
}

#[test]
fn peers_that_cannot_be_dialled_complete() {
    run(catalog::nat(), 1);
}

#[test]
fn a_slow_source_is_shared() {
    let (_, report) = run(catalog::slow_source(), 1);
    assert!(report.copies_permille < 5000, "{report}");
}
