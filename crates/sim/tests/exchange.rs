//! Worlds where peers tell each other of peers (BEP 11): who knows one peer alone finds the others, and nobody breaks a rule by it.
use teem_engine::{Engine, EngineConfig};
use teem_metainfo::Info;
use teem_sim::block::SimBlock;
use teem_sim::lab::engines::{TORRENT, torrent};
use teem_sim::report::Report;
use teem_sim::world::World;
use teem_sim::{catalog, lab, makers};
use teem_swarm::command::Command;
use teem_wire::peer::message::Message;

/// A downloader and a seed that know nobody but a third, which hardly takes anything itself.
fn through_a_third(info: &std::sync::Arc<Info>, pex: bool) -> (lab::World<Engine<SimBlock>>, usize) {
    let mut world = lab::World::of_engines(info.clone());
    let set = |config| EngineConfig { pex, ..config };
    let [third, seed, get] = [(false, ()), (true, ()), (false, ())].map(|(whole, ())| world.node_with(whole, set));
    let addr = world.nodes[third].addr;
    let Command::Add(mut slow) = torrent(info, true, &[], &[]) else { unreachable!("it adds a torrent") };
    slow.down = Some(1_000);
    world.command(third, Command::Add(slow));
    world.command(seed, torrent(info, true, &[addr], &[]));
    world.wait(5);
    world.command(get, torrent(info, true, &[addr], &[]));
    (world, get)
}

#[test]
fn a_third_peer_is_found_through_the_exchange_alone() {
    let info = lab::info(32 * 65_536, 65_536, false);
    let (mut world, get) = through_a_third(&info, true);
    world.until(60, |world| world.has_completed(get, TORRENT));
    assert!(world.log.iter().any(|(_, _, _, message)| matches!(message, Message::Pex { .. })));
    let (mut world, get) = through_a_third(&info, false);
    assert!(!world.run(60, |world| world.has_completed(get, TORRENT)), "without it nobody else is known");
}

#[test]
fn everybody_completes_and_no_rule_is_broken() {
    for scenario in [catalog::swarm(10), catalog::nat(), catalog::churn()] {
        let mut world = World::new(scenario, 1, Box::new(makers::exchanging));
        world.run();
        let report = Report::of(&world, 1);
        assert_eq!((report.complete, report.violations), (report.downloaders, 0), "{report}");
    }
}
