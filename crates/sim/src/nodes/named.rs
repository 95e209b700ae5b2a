//! Worlds with figures (own design): `teem-sim dht-NAME` prints them, and tests hold smaller ones of the same kind to what they must reach.
use super::field::{Field, Plan};
use super::figures::Figures;
use super::sybil::Choice;
use crate::report::stats::decimal;
use std::time::Duration;
use teem_dht::{Pace, Settings};
use teem_wire::compact::Family;

/// Nodes of a whole world.
const NODES: u32 = 10_000;
/// Look-ups of each way.
const LOOKUPS: u32 = 1_000;

/// The worlds, and what each shows.
pub const WORLDS: [(&str, &str); 4] = [
    ("dht-lookups", "10,000 nodes, 90 ms, three in ten dead: first peers, and libtorrent's way beside it"),
    ("dht-lookups-v6", "the same with 1,000 nodes of IPv6"),
    ("dht-sybils", "10,000 nodes, a fifth of one party that wants a torrent for itself"),
    ("dht-idle", "10,000 nodes that want nothing: packets a minute"),
];

/// libtorrent's way: five at once, another after a second.
const FIVE: Pace = Pace::Fixed { width: 5, late_after: Duration::from_secs(1) };

/// Our way, and libtorrent's.
fn ways() -> Vec<(&'static str, Settings)> {
    let ours = Settings::default();
    vec![("ours", ours), ("five at once, another after 1 s", Settings { pace: FIVE, ..ours })]
}

/// Runs one: a line for each figure.
pub fn run(name: &str, seed: u64) -> Option<Vec<String>> {
    match name {
        "dht-lookups" | "dht-lookups-v6" => {
            let (nodes, family) = if name.ends_with("v6") { (1_000, Family::V6) } else { (NODES, Family::V4) };
            let (warm, cold) = lookups(family, nodes, LOOKUPS, seed);
            Some(warm.into_iter().chain([cold]).map(|figures| figures.to_string()).collect())
        }
        "dht-sybils" => {
            Some([Choice::Anywhere, Choice::Fitting].map(|choice| sybils(NODES, 500, seed, choice).to_string()).into())
        }
        "dht-idle" => {
            Some(vec![format!("{} packets a minute, sent and received", decimal(Some(idle(NODES, 20, seed))))])
        }
        _ => None,
    }
}

/// Look-ups where three in ten have just died and others come and go: those of each way, and of nodes that know one address.
pub fn lookups(family: Family, nodes: u32, count: u32, seed: u64) -> (Vec<Figures>, Figures) {
    let mut field = Field::grown(&Plan { family, nodes, seed, measured: ways(), group: (nodes / 50).max(4) });
    field.kill(300);
    let warm = field.look_up(count, nodes.div_ceil(5_000));
    let cold = field.look_up_cold("ours, from one address", count / 20);
    (warm, cold)
}

/// What became of those that had to do with a party.
#[derive(Clone, Debug)]
pub struct Siege {
    /// How the party chose its ids.
    pub choice: Choice,
    /// What the look-ups for its target came to.
    pub lookups: Figures,
    /// How many of the true closest eight each announce reached, sorted.
    pub reached: Vec<usize>,
}

impl Siege {
    /// Of a thousand announces, how many reached seven of the true eight or all.
    pub(crate) fn reached_permille(&self) -> u64 {
        self.reached.iter().filter(|hits| **hits >= 7).count() as u64 * 1_000 / (self.reached.len() as u64).max(1)
    }
}

impl std::fmt::Display for Siege {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let share = decimal(Some(self.reached_permille()));
        write!(out, "ids {:?}: {}; {share} of the announces reached seven of the true eight", self.choice, self.lookups)
    }
}

/// A fifth of the nodes are of one party.
pub fn sybils(nodes: u32, count: u32, seed: u64, choice: Choice) -> Siege {
    let measured = ways().into_iter().take(1).collect();
    let mut field = Field::grown(&Plan { family: Family::V4, nodes, seed, measured, group: (nodes / 50).max(4) });
    field.besiege(choice, 200);
    let lookups = field.look_up_besieged(count);
    let reached = field.announce_besieged(count as usize / 5);
    Siege { choice, lookups, reached }
}

/// Packets a minute of an idle node, in thousandths.
pub fn idle(nodes: u32, minutes: u32, seed: u64) -> u64 {
    Field::grown(&Plan { family: Family::V4, nodes, seed, measured: Vec::new(), group: 0 }).idle(minutes)
}
