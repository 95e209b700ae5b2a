//! Peers that do harm: everybody completes, nobody honest is banned, and who contributes is slowed down within bounds.
use std::time::Duration;
use teem_sim::adversaries;
use teem_sim::makers;
use teem_sim::report::Report;
use teem_sim::scenario::{Role, Scenario};
use teem_sim::world::World;

/// Runs it: no rule is broken, which is to say that all complete and that no honest peer is banned or accused.
fn run(scenario: Scenario) -> (World, Report) {
    let mut world = World::new(scenario, 1, Box::new(makers::engine));
    world.run();
    let report = Report::of(&world, 1);
    assert_eq!(report.violations, 0, "{report}");
    (world, report)
}

/// When those that contribute were complete: in the mean, and the last.
fn times(world: &World, role: Role) -> (Duration, Duration) {
    let nodes = world.nodes().iter().filter(|node| node.spec.role == role);
    let times: Vec<Duration> = nodes.filter_map(|node| Some(node.complete?.since(node.came?))).collect();
    (times.iter().sum::<Duration>() / times.len() as u32, times.iter().copied().max().unwrap_or_default())
}

/// How much later they were complete than in a world without adversaries, in hundredths: in the mean, and the last.
fn slowdown(world: &World) -> (u128, u128) {
    let (clean, _) = run(adversaries::clean());
    let ((mean, last), (clean_mean, clean_last)) = (times(world, Role::Downloader), times(&clean, Role::Downloader));
    (mean.as_millis() * 100 / clean_mean.as_millis(), last.as_millis() * 100 / clean_last.as_millis())
}

/// Payload that was of no use to the downloaders, in pieces.
fn wasted(world: &World) -> u64 {
    let good = world.nodes().iter().filter(|node| node.spec.role == Role::Downloader);
    let wasted: u64 = good.map(|node| node.received.saturating_sub(world.scenario().total())).sum();
    wasted / u64::from(world.scenario().piece_len)
}

#[test]
fn who_only_takes_hardly_fares_better_than_who_gives() {
    let (world, _) = run(adversaries::riders());
    let (giver, rider) = (times(&world, Role::Downloader), times(&world, Role::FreeRider));
    assert!(giver.0 <= rider.0 * 115 / 100, "{giver:?} {rider:?}");
    // Half as many again want the content, and nobody has more to give.
    assert!(slowdown(&world).1 <= 250, "{:?}", slowdown(&world));
}

#[test]
fn connections_that_lead_nowhere() {
    let (world, _) = run(adversaries::half_open());
    assert!(slowdown(&world).1 <= 150, "{:?}", slowdown(&world));
}

#[test]
fn peers_that_deliver_drop_by_drop() {
    let (world, _) = run(adversaries::dribblers());
    assert!(slowdown(&world).1 <= 150, "{:?}", slowdown(&world));
}

#[test]
fn claims_that_are_not_kept() {
    let (world, _) = run(adversaries::liars());
    assert!(slowdown(&world).1 <= 150, "{:?}", slowdown(&world));
}

#[test]
fn wrong_blocks_are_traced_to_who_sent_them() {
    let (clean, _) = run(adversaries::clean());
    let usual = wasted(&clean);
    let evil = |scenario: &Scenario| {
        let groups = scenario.groups.iter();
        groups.filter(|group| matches!(group.role, Role::Corrupter(_) | Role::Poisoner)).map(|group| group.count).sum()
    };
    for scenario in adversaries::all().into_iter().filter(|scenario| !scenario.name.starts_with("dribblers")) {
        let evil: u32 = evil(&scenario);
        if evil > 0 {
            let (world, report) = run(scenario);
            let meeting = u64::from(evil) * 10;
            assert!(report.bans * 10 >= meeting * 3, "{report}");
            // An adversary that is met is banned, and until then costs two pieces at each of the ten
            // peers that meet it: the one that failed and what was under way. How much is wasted anyhow
            // differs by half from run to run.
            let most = report.bans * 2 + usual * 3 / 2;
            assert!(wasted(&world) <= most, "{} of {most} {report}", wasted(&world));
        }
    }
}
