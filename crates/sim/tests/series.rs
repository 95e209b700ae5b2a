//! Samples over time: they begin with nothing and end with everything, and add up.
use std::time::Duration;
use teem_sim::makers;
use teem_sim::report::Report;
use teem_sim::scenario::{Departure, Group, Role, Scenario};
use teem_sim::world::World;

fn run(group: Group) -> World {
    let scenario = Scenario::new("test", "").content(64, 65_536, 0).with(Group::new(Role::Seed, 1)).with(group);
    let mut world = World::new(scenario, 1, Box::new(makers::plain));
    world.run();
    world
}

#[test]
fn a_run_goes_from_nothing_to_everything() {
    let world = run(Group::new(Role::Downloader, 5));
    let report = Report::of(&world, 1);
    let samples = world.series().samples();
    let (first, last) = (&samples[0], samples.last().unwrap());
    assert_eq!((first.progress_permille, first.source_permille, first.out_permille), ([0; 5], 0, 0));
    assert_eq!((last.progress_permille, last.out_permille, &last.each_permille[..]), ([1000; 5], 1000, &[1000; 5][..]));
    assert_eq!((last.present, last.rarest), (6, 6), "seed and peers hold every piece");
    assert_eq!(last.source_permille, report.copies_permille);
    for pair in samples.windows(2) {
        let (before, after) = (&pair[0], &pair[1]);
        assert!(before.at_ms <= after.at_ms && before.source_permille <= after.source_permille);
        assert!(before.out_permille <= after.out_permille && before.progress_permille <= after.progress_permille);
    }
    // Five copies went through lines that could have carried them in a bound's time, and took the makespan.
    let used = report.upload_use_permille.unwrap();
    assert!((100..=1000).contains(&used), "{report}");
}

#[test]
fn who_dies_takes_its_pieces_along() {
    let world = run(Group::new(Role::Downloader, 6).leaving(Departure::Dies(Duration::from_secs(20))));
    let most = world.series().samples().iter().map(|sample| sample.rarest).max().unwrap();
    let last = world.series().samples().last().unwrap();
    assert!(most > last.rarest && last.rarest >= 1, "{most} then {}", last.rarest);
    assert_eq!(last.rarest, last.present);
}

#[test]
fn samples_do_not_pile_up() {
    let late = Group::new(Role::Downloader, 1).arriving(teem_sim::scenario::Arrival::At(Duration::from_secs(1200)));
    let samples = run(late).series().samples().len();
    assert!((200..1000).contains(&samples), "{samples}");
}
