//! Scenarios with peers that do harm (own design): each beside the same world without them.
//!
//! What must hold is in the tests: everybody completes, nobody honest is banned, and those who contribute lose little.
use crate::scenario::{Group, Role, Scenario};
use std::time::Duration;
use teem_swarm::command::Spreading;

/// All of them.
pub fn all() -> Vec<Scenario> {
    let mut all = vec![clean(), riders(), half_open(), dribblers(), liars()];
    all.extend([
        corrupters("corrupt10", "1 in 10 of those who claim something sends wrong blocks", 1),
        corrupters("corrupt50", "half of those who claim something send wrong blocks", 10),
        corrupters("corrupt90", "9 in 10 of those who claim something send wrong blocks", 90),
        poisoners(),
    ]);
    all
}

/// Ten downloaders and a source, with nobody to harm them.
pub fn clean() -> Scenario {
    Scenario::new("clean", "10 downloaders and a source, to compare the adversaries' scenarios with")
        .content(128, 65_536, 0)
        .with(Group::new(Role::Seed, 1))
        .with(Group::new(Role::Downloader, 10))
        .within(Duration::from_secs(3600))
}

fn with(name: &'static str, about: &'static str, groups: impl IntoIterator<Item = Group>) -> Scenario {
    let scenario = Scenario { name, about, ..clean() };
    groups.into_iter().fold(scenario, Scenario::with)
}

/// Peers that take from everybody and give to nobody.
pub fn riders() -> Scenario {
    let more = [Group::new(Role::FreeRider, 3), Group::new(Role::FreeRider, 2).rates(12_500_000, 125_000_000)];
    with("riders", "as clean, with 5 peers that take from everybody and never give, two of them on fast lines", more)
}

/// Peers that hold connections and do nothing with them.
pub fn half_open() -> Scenario {
    with(
        "half-open",
        "as clean, with 25 mute peers and 25 that unchoke and never deliver",
        [Group::new(Role::Mute, 25), Group::new(Role::Liar, 25)],
    )
}

/// Peers that take eight seconds or more to serve a block.
pub fn dribblers() -> Scenario {
    let slow = Group::new(Role::Corrupter(0), 20).rates(2_000, 1_250_000);
    with("dribblers", "as clean, with 20 peers that claim everything and send 2 kB/s", [slow])
}

/// Peers that claim pieces which they lack, take them back, and reject every request.
pub fn liars() -> Scenario {
    let roles = [Role::Liar, Role::Flapper, Role::Shifter, Role::Rejecter];
    with("liars", "as clean, with 20 peers that claim everything and lie, flap, shift and reject", {
        roles.map(|role| Group::new(role, 5))
    })
}

/// `count` peers of whose blocks one in three is wrong.
pub fn corrupters(name: &'static str, about: &'static str, count: u32) -> Scenario {
    with(name, about, [Group::new(Role::Corrupter(333), count)])
}

/// Peers that send one wrong block with each piece.
pub(crate) fn poisoners() -> Scenario {
    let scenario = with(
        "poisoners",
        "as clean, with 10 peers that send one wrong block with each piece",
        [Group::new(Role::Poisoner, 10)],
    );
    scenario.spreading(Spreading::Ordinary)
}
