//! The processes that are put at the ends of the lines (own design): for each role the script or the engine that
//! plays it.
use crate::block::SimBlock;
use crate::brain::{Birth, Brain, Maker};
use crate::hostile::{FreeRider, Hostile};
use crate::lone_node::LoneNode;
use crate::node::PORT;
use crate::plain::habits::Habits;
use crate::plain::{Plain, aria2, libtorrent, rqbit, simple, transmission};
use crate::scenario::{Kind, Role};
use teem_engine::config::DhtConfig;
use teem_engine::{Engine, EngineConfig};
use teem_swarm::rng::Rng;
use teem_wire::compact::Family;

/// The name by which beginners look nodes of the DHT up.
pub(crate) const NODES: &str = "nodes.sim";

/// The engine for every role of its own. Where there is no tracker it has a node of the DHT, and tells peers of peers (BEP 11).
pub fn engine(birth: &Birth<'_>) -> Box<dyn Brain> {
    cast(birth, |birth| {
        let config = EngineConfig::new(PORT, birth.seed);
        let config = if birth.nodes.is_empty() {
            config
        } else {
            let (families, bootstrap) = (vec![Family::V4], vec![(NODES.to_string(), PORT)]);
            EngineConfig { pex: true, dht: Some(DhtConfig { families, bootstrap, ..DhtConfig::default() }), ..config }
        };
        Box::new(Engine::<SimBlock>::new(config))
    })
}

/// The same where peers tell each other of peers (BEP 11).
pub fn exchanging(birth: &Birth<'_>) -> Box<dyn Brain> {
    cast(birth, |birth| {
        let config = EngineConfig { pex: true, ..EngineConfig::new(PORT, birth.seed) };
        Box::new(Engine::<SimBlock>::new(config))
    })
}

/// The small client in place of the engine.
pub fn plain(birth: &Birth<'_>) -> Box<dyn Brain> {
    cast(birth, |birth| client(simple::habits(), birth))
}

/// Somebody else's client in place of the engine.
pub fn foreign(kind: Kind) -> Maker {
    Box::new(move |birth| cast(birth, |birth| client(habits(kind), birth)))
}

/// The ways of other people's clients.
fn habits(kind: Kind) -> Habits {
    match kind {
        Kind::Libtorrent => libtorrent::habits(),
        Kind::Transmission => transmission::habits(),
        Kind::Aria2 => aria2::habits(),
        Kind::Rqbit => rqbit::habits(),
    }
}

fn client(habits: Habits, birth: &Birth<'_>) -> Box<dyn Brain> {
    Box::new(Plain::new(habits, birth.content.clone(), Rng::new(birth.seed)))
}

/// Scripts for the hostile roles, other people's clients where the scenario says so, `own` for the others.
fn cast(birth: &Birth<'_>, own: impl Fn(&Birth<'_>) -> Box<dyn Brain>) -> Box<dyn Brain> {
    match birth.role {
        Role::Seed | Role::Downloader => own(birth),
        Role::Plain(kind) => client(habits(kind), birth),
        Role::FreeRider => Box::new(FreeRider(own(birth))),
        Role::Node => Box::new(LoneNode::new(birth)),
        role => Box::new(Hostile::new(role, birth.content.clone(), Rng::new(birth.seed))),
    }
}
