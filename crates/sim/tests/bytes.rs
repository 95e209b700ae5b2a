//! Links that carry bytes: the same run, to the last bit, through the real codecs.
use teem_sim::scenario::Scenario;
use teem_sim::world::World;
use teem_sim::{catalog, makers};

/// The same trace with bytes and without, and lines that charge what is written.
fn alike(scenario: &Scenario) {
    let run = |bytes: bool| {
        let mut world = World::new(scenario.clone(), 1, Box::new(makers::engine));
        if bytes {
            world.carry_bytes();
        }
        world.run();
        assert_eq!(world.findings().found(), []);
        (world.hash(), world.wire().map_or((0, 0), teem_sim::wire::Wire::bytes))
    };
    let ((plain, _), (carried, (written, charged))) = (run(false), run(true));
    assert_eq!(plain, carried, "{}", scenario.name);
    assert!(written > scenario.total(), "{written}");
    // Extension handshakes are charged at a round figure.
    assert!(written.abs_diff(charged) * 200 < written, "{written} written, {charged} charged");
}

#[test]
fn a_run_is_the_same_with_bytes() {
    alike(&catalog::magnet());
    alike(&catalog::swarm(10));
}

#[test]
fn and_with_churn_and_hostile_peers() {
    alike(&catalog::zoo());
}
