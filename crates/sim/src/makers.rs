//! Who is put at the ends of the lines (own design): for each role the one who plays it.
use crate::block::SimBlock;
use crate::brain::Brain;
use crate::hostile::{FreeRider, Hostile};
use crate::node::PORT;
use crate::plain::Plain;
use crate::scenario::{Kind, Role};
use crate::world::Birth;
use teem_engine::Engine;
use teem_engine::EngineConfig;
use teem_swarm::rng::Rng;

/// The engine for every honest role.
pub fn engine(birth: &Birth<'_>) -> Box<dyn Brain> {
    cast(birth, |birth| Box::new(Engine::<SimBlock>::new(EngineConfig::new(PORT, birth.seed))))
}

/// The small client for every honest role.
pub fn plain(birth: &Birth<'_>) -> Box<dyn Brain> {
    cast(birth, |birth| Box::new(Plain::new(birth.content.clone(), Rng::new(birth.seed))))
}

/// Somebody else's client.
fn foreign(kind: Kind, birth: &Birth<'_>) -> Box<dyn Brain> {
    match kind {
        Kind::Libtorrent | Kind::Transmission | Kind::Aria2 | Kind::Rqbit => {
            Box::new(Plain::new(birth.content.clone(), Rng::new(birth.seed)))
        }
    }
}

/// Scripts for the hostile roles, `client` for the others.
fn cast(birth: &Birth<'_>, client: fn(&Birth<'_>) -> Box<dyn Brain>) -> Box<dyn Brain> {
    match birth.role {
        Role::Seed | Role::Downloader => client(birth),
        Role::Plain(kind) => foreign(kind, birth),
        Role::FreeRider => Box::new(FreeRider(client(birth))),
        role => Box::new(Hostile::new(role, birth.content.clone(), Rng::new(birth.seed))),
    }
}
