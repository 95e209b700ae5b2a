//! Other people's clients: each kind completes among its own, and with the engine on either side.
use teem_sim::brain::Maker;
use teem_sim::report::Report;
use teem_sim::scenario::{Kind, Role, Scenario};
use teem_sim::world::World;
use teem_sim::{field, makers};

fn run(scenario: Scenario, maker: Maker) -> Report {
    let mut world = World::new(scenario, 1, maker);
    world.run();
    let report = Report::of(&world, 1);
    assert_eq!(report.complete, report.downloaders, "{report}");
    report
}

/// The scenario that the clients' figures are for, with a sixteenth of the content.
fn namespace(role: Role) -> Scenario {
    let mut scenario = field::namespace().content(64, 131_072, 0);
    scenario.groups[1].role = role;
    scenario
}

#[test]
fn each_kind_completes_among_its_own() {
    for kind in Kind::ALL {
        run(namespace(Role::Plain(kind)), makers::foreign(kind));
    }
}

#[test]
fn each_kind_completes_from_an_engine() {
    for kind in Kind::ALL {
        let report = run(namespace(Role::Plain(kind)), Box::new(makers::engine));
        assert_eq!(report.violations, 0, "{report}");
    }
}
