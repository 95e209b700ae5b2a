//! What a run came to (own design): figures divided by the bounds of what is possible.
//!
//! All figures are integers; ratios are in thousandths.
use crate::bound;
use crate::world::World;
use serde::Serialize;
use std::fmt;
use std::time::Duration;
use teem_swarm::time::Time;

/// The figures of a run.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Report {
    /// The scenario's name.
    pub scenario: &'static str,
    /// The seed it was run from.
    pub seed: u64,
    /// The hash of all that happened, as 16 hexadecimal digits.
    pub trace: String,
    /// Events taken from the queue.
    pub events: u64,
    /// Virtual time of the run in milliseconds.
    pub duration_ms: u64,
    /// Peers that wanted the content, and how many of them got it.
    pub downloaders: u32,
    /// How many of them got it.
    pub complete: u32,
    /// From the first arrival until the last downloader was complete, in milliseconds; `None` when one is not.
    pub makespan_ms: Option<u64>,
    /// Mean time from a downloader's arrival to its completion, in milliseconds.
    pub mean_ms: Option<u64>,
    /// The fluid bound in milliseconds.
    pub bound_ms: u64,
    /// Makespan over the bound, in thousandths.
    pub over_bound_permille: Option<u64>,
    /// What the seeds sent over the size, in thousandths.
    pub copies_permille: u64,
    /// The same when every block had left them once.
    pub all_out_permille: Option<u64>,
    /// Payload received beyond what was needed over what was needed, in thousandths, over honest downloaders.
    pub wasted_permille: u64,
    /// Times that somebody hostile was banned by somebody honest.
    pub bans: u64,
    /// Breaches of rules.
    pub violations: u64,
    /// The first of them, in words.
    pub first_violations: Vec<String>,
}

impl Report {
    /// The figures of a world that has been run from that seed.
    pub fn of(world: &World, seed: u64) -> Self {
        let total = world.scenario().total();
        let wanting: Vec<_> = world.nodes().iter().filter(|node| node.spec.role.wants()).collect();
        let done: Vec<(Time, Time)> = wanting.iter().filter_map(|node| Some((node.came?, node.complete?))).collect();
        let first = wanting.iter().filter_map(|node| node.came).min().unwrap_or(Time::ZERO);
        let all = done.len() == wanting.len();
        let makespan = done.iter().map(|(_, end)| end.since(first)).max().filter(|_| all);
        let sum: u64 = done.iter().map(|(came, end)| ms(end.since(*came))).sum();
        let bound = bound::fluid(world.scenario());
        let (mut received, mut needed) = (0, 0);
        for node in wanting.iter().filter(|node| node.spec.role.honest() && node.spec.unclaimed_permille == 0) {
            received += node.received;
            needed += total * u64::from(node.disk.good_pieces()) / u64::from(world.scenario().pieces);
        }
        let (sent, all_out) = world.source();
        let (events, end) = world.events();
        Self {
            scenario: world.scenario().name,
            seed,
            trace: format!("{:016x}", world.hash()),
            events,
            duration_ms: ms(end.since(Time::ZERO)),
            downloaders: wanting.len() as u32,
            complete: done.len() as u32,
            makespan_ms: makespan.map(ms),
            mean_ms: sum.checked_div(done.len() as u64),
            bound_ms: ms(bound),
            over_bound_permille: makespan.map(|makespan| permille(ms(makespan), ms(bound))),
            copies_permille: permille(sent, total),
            all_out_permille: all_out.map(|sent| permille(sent, total)),
            wasted_permille: permille(u64::saturating_sub(received, needed), needed),
            bans: world.checker().banned().len() as u64,
            violations: world.checker().count(),
            first_violations: world.checker().found().iter().map(ToString::to_string).collect(),
        }
    }
}

fn ms(duration: Duration) -> u64 {
    duration.as_millis() as u64
}

fn permille(part: u64, whole: u64) -> u64 {
    (u128::from(part) * 1000 / u128::from(whole.max(1))) as u64
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let thousandths =
            |value: Option<u64>| value.map_or("-".to_string(), |value| format!("{}.{:03}", value / 1000, value % 1000));
        writeln!(f, "scenario          {}", self.scenario)?;
        writeln!(f, "seed              {}", self.seed)?;
        writeln!(f, "trace hash        {}", self.trace)?;
        writeln!(f, "events            {} in {} s", self.events, thousandths(Some(self.duration_ms)))?;
        writeln!(f, "complete          {} of {}", self.complete, self.downloaders)?;
        writeln!(f, "makespan          {} s, mean {} s", thousandths(self.makespan_ms), thousandths(self.mean_ms))?;
        writeln!(f, "bound             {} s", thousandths(Some(self.bound_ms)))?;
        writeln!(f, "makespan / bound  {}", thousandths(self.over_bound_permille))?;
        let all_out = thousandths(self.all_out_permille);
        writeln!(f, "source's copies   {} until all out, {} in all", all_out, thousandths(Some(self.copies_permille)))?;
        writeln!(f, "wasted payload    {}", thousandths(Some(self.wasted_permille)))?;
        writeln!(f, "bans              {}", self.bans)?;
        writeln!(f, "violations        {}", self.violations)?;
        self.first_violations.iter().try_for_each(|violation| writeln!(f, "  {violation}"))
    }
}
