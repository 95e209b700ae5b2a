//! What a run came to (own design): figures divided by the bounds of what is possible.
//!
//! The bounds are those of `bound`. A peer's time is counted from its arrival, the makespan from the first arrival to
//! the last completion. Who has gone for good before it was complete is counted as gone and in no time. All figures
//! are integers; ratios are in thousandths.
pub mod stats;
mod text;

use crate::bound;
use crate::node::Node;
use crate::scenario::{Departure, Role};
use crate::world::World;
use serde::{Deserialize, Serialize};
use stats::{mean, ms, percentile, permille, ratio};
use std::time::Duration;
use teem_swarm::time::Time;

/// The figures of a run.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Report {
    /// The scenario's name.
    pub scenario: String,
    /// The seed it was run from.
    pub seed: u64,
    /// The hash of all that happened, as 16 hexadecimal digits.
    pub trace: String,
    /// Events taken from the queue.
    pub events: u64,
    /// Virtual time of the run in milliseconds.
    pub duration_ms: u64,
    /// Peers that wanted the content.
    pub downloaders: u32,
    /// How many of them got it.
    pub complete: u32,
    /// How many of them went for good before they had it.
    pub gone: u32,
    /// From the first arrival until the last downloader was complete, in milliseconds; `None` when one is not.
    pub makespan_ms: Option<u64>,
    /// Mean time from a downloader's arrival to its completion, in milliseconds.
    pub mean_ms: Option<u64>,
    /// The fluid bound in milliseconds.
    pub bound_ms: u64,
    /// The bound of a source that sends one copy, in milliseconds.
    pub frugal_bound_ms: u64,
    /// Makespan over the fluid bound.
    pub over_bound_permille: Option<u64>,
    /// Makespan over the bound of a source that sends one copy.
    pub over_frugal_permille: Option<u64>,
    /// Mean time over the fluid bound.
    pub mean_permille: Option<u64>,
    /// Times over the fluid bound within which 50, 90, 99 and 99.9 of a hundred completions lie.
    pub percentiles_permille: Option<[u64; 4]>,
    /// What the seeds sent over the size.
    pub copies_permille: u64,
    /// The same when every block had left them once.
    pub all_out_permille: Option<u64>,
    /// Payload received beyond what was needed over what was needed, over downloaders that completed.
    pub wasted_permille: u64,
    /// Mean time of the contributors over that of the free riders, where there are both.
    pub fairness_permille: Option<u64>,
    /// Of what the peers present could send until the makespan, what they did.
    pub upload_use_permille: Option<u64>,
    /// The groups of downloaders.
    pub classes: Vec<Class>,
    /// Times that somebody hostile was banned by somebody honest.
    pub bans: u64,
    /// Breaches of rules.
    pub violations: u64,
    /// The first of them, in words.
    pub first_violations: Vec<String>,
}

/// One group of downloaders.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Class {
    /// What they are.
    pub role: String,
    /// What each can send, in bytes a second.
    pub up: u64,
    /// How many they are.
    pub count: u32,
    /// How many got the content.
    pub complete: u32,
    /// Their mean time over the fluid bound.
    pub(crate) mean_permille: Option<u64>,
}

impl Report {
    /// The figures of a world that has been run from that seed.
    pub fn of(world: &World, seed: u64) -> Self {
        let scenario = world.scenario();
        let total = scenario.total();
        let wanting: Vec<&Node> = world.nodes().iter().filter(|node| node.spec.role.wants()).collect();
        let first = wanting.iter().filter_map(|node| node.came).min().unwrap_or(Time::ZERO);
        let gone = wanting.iter().filter(|node| is_gone(node)).count();
        let complete = wanting.iter().filter(|node| node.complete.is_some()).count();
        let last = wanting.iter().filter_map(|node| node.complete).max();
        let end = last.filter(|_| complete + gone == wanting.len());
        let makespan = end.map(|end| end.since(first));
        let mut times = times_of(&wanting);
        times.sort_unstable();
        let (fluid, frugal) = (bound::fluid(scenario), bound::frugal(scenario, 1));
        let (mut received, mut needed) = (0, 0);
        for node in wanting.iter().filter(|node| node.spec.role.honest() && node.spec.unclaimed_permille == 0) {
            if node.complete.is_some() {
                received += node.received;
                needed += total;
            }
        }
        let (sent, all_out) = world.source();
        let (events, now) = world.events();
        Self {
            scenario: scenario.name.to_string(),
            seed,
            trace: format!("{:016x}", world.hash()),
            events,
            duration_ms: ms(now.since(Time::ZERO)),
            downloaders: wanting.len() as u32,
            complete: complete as u32,
            gone: gone as u32,
            makespan_ms: makespan.map(ms),
            mean_ms: mean(&times).map(ms),
            bound_ms: ms(fluid),
            frugal_bound_ms: ms(frugal),
            over_bound_permille: makespan.map(|makespan| ratio(makespan, fluid)),
            over_frugal_permille: makespan.map(|makespan| ratio(makespan, frugal)),
            mean_permille: mean(&times).map(|mean| ratio(mean, fluid)),
            percentiles_permille: percentiles(&times, fluid),
            copies_permille: permille(sent, total),
            all_out_permille: all_out.map(|sent| permille(sent, total)),
            wasted_permille: permille(u64::saturating_sub(received, needed), needed),
            fairness_permille: fairness(&wanting),
            upload_use_permille: end.and_then(|end| world.series().upload_use_permille(end)),
            classes: classes(world, fluid),
            bans: world.findings().banned().len() as u64,
            violations: world.findings().count(),
            first_violations: world.findings().found().iter().map(ToString::to_string).collect(),
        }
    }
}

/// Gone for good, and incomplete.
fn is_gone(node: &Node) -> bool {
    let for_good = matches!(node.spec.departure, Departure::Dies(_) | Departure::After(_) | Departure::OnceCopied(_));
    for_good && node.complete.is_none() && node.came.is_some() && node.brain.is_none()
}

/// From arrival to completion, of those that got there.
fn times_of(nodes: &[&Node]) -> Vec<Duration> {
    nodes.iter().filter_map(|node| Some(node.complete?.since(node.came?))).collect()
}

fn percentiles(sorted: &[Duration], bound: Duration) -> Option<[u64; 4]> {
    if sorted.is_empty() {
        return None;
    }
    Some([500, 900, 990, 999].map(|part| percentile(sorted, part).map_or(0, |time| ratio(time, bound))))
}

fn fairness(wanting: &[&Node]) -> Option<u64> {
    let (riders, givers): (Vec<&Node>, Vec<&Node>) =
        wanting.iter().copied().partition(|node| node.spec.role == Role::FreeRider);
    Some(ratio(mean(&times_of(&givers))?, mean(&times_of(&riders))?))
}

fn classes(world: &World, bound: Duration) -> Vec<Class> {
    let mut nodes = world.nodes();
    let mut classes = Vec::new();
    for group in &world.scenario().groups {
        let (these, rest) = nodes.split_at(group.count as usize);
        nodes = rest;
        if group.role.wants() {
            let times = times_of(&these.iter().collect::<Vec<_>>());
            classes.push(Class {
                role: format!("{:?}", group.role),
                up: group.gives(),
                count: group.count,
                complete: times.len() as u32,
                mean_permille: mean(&times).map(|mean| ratio(mean, bound)),
            });
        }
    }
    classes
}
