//! Scenarios with other people's clients (own design): swarms of one kind, and a mix, from our source.
//!
//! The lines are those of the measurements in a network namespace, so that the figures can be laid side by side.
use crate::scenario::{Group, Kind, Role, Scenario};
use std::time::Duration;

/// All of them.
pub fn all() -> Vec<Scenario> {
    vec![
        namespace(),
        of("libtorrent8", "our source, 8 libtorrents", &[(Kind::Libtorrent, 8)]),
        of("transmission8", "our source, 8 Transmissions", &[(Kind::Transmission, 8)]),
        of("aria2-8", "our source, 8 aria2s", &[(Kind::Aria2, 8)]),
        of("rqbit8", "our source, 8 rqbits", &[(Kind::Rqbit, 8)]),
        mix(),
    ]
}

/// The lines of a measurement with real clients in a network namespace: `--plain KIND` shows what a kind makes of it.
pub fn namespace() -> Scenario {
    let line = |role, count| {
        let delay = Duration::from_micros(250);
        Group::new(role, count).rates(4 << 20, 1 << 30).delayed(delay, delay)
    };
    Scenario::new("namespace", "8 downloaders and a seed on lines of 4 MiB/s, a millisecond apart, 128 MiB")
        .content(1024, 131_072, 0)
        .with(line(Role::Seed, 1))
        .with(line(Role::Downloader, 8))
        .within(Duration::from_secs(1200))
}

/// Three kinds alike and a few of the fourth, which do not tell what they have.
pub(crate) fn mix() -> Scenario {
    let shares = [(Kind::Libtorrent, 5), (Kind::Transmission, 4), (Kind::Aria2, 4), (Kind::Rqbit, 3)];
    of("mix16", "our source, 5 libtorrents, 4 Transmissions, 4 aria2s, 3 rqbits", &shares)
}

fn of(name: &'static str, about: &'static str, kinds: &[(Kind, u32)]) -> Scenario {
    let mut scenario = Scenario { name, about, ..namespace() };
    let line = scenario.groups[1].clone();
    scenario.groups.truncate(1);
    for &(kind, count) in kinds {
        scenario.groups.push(Group { role: Role::Plain(kind), count, ..line.clone() });
    }
    scenario
}
