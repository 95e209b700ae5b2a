//! `teem-sim`: runs a scenario from a seed and prints what it came to; or the table of swarm efficiency.
mod answer;

use answer::Answer;
use clap::Parser;
use serde::Serialize;
use std::io::{self, Write, stderr};
use std::path::PathBuf;
use std::process::ExitCode;
use std::thread::available_parallelism;
use teem_sim::brain::Maker;
use teem_sim::packets::named;
use teem_sim::picture::{self, Curve};
use teem_sim::report::Report;
use teem_sim::report::stats::decimal;
use teem_sim::scenario::{Kind, Scenario};
use teem_sim::series::Sample;
use teem_sim::world::{PEERS_A_THREAD, World};
use teem_sim::{catalog, makers, memory, nodes, random, table};

/// Runs a swarm in virtual time: the same scenario and seed give the same run, to the last bit, on every machine.
#[derive(Parser)]
#[command(name = "teem-sim", version, args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    /// The scenario to run; `--list` shows them. Worlds of the table go by case and size: `equal-n100`, or `equal-n100-off`
    #[arg(required_unless_present = "list")]
    scenario: Option<String>,
    /// Show the scenarios
    #[arg(long)]
    list: bool,
    /// The seed to run it from
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Print the report, with samples over time, as one line of JSON
    #[arg(long)]
    json: bool,
    /// Spread so many pieces instead of the scenario's
    #[arg(long, value_name = "M", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pieces: Option<u32>,
    /// Draw how it went over time into this file
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    /// Put somebody else's client in place of the engine: its kind, or the simulator's own small client
    #[arg(long, value_name = "KIND", num_args = 0..=1, default_missing_value = "simple")]
    plain: Option<Own>,
    /// Run on that many threads: the run is the same. One for each hundred peers, up to one a core, unless told otherwise
    #[arg(long, value_name = "T")]
    threads: Option<usize>,
    /// Let the links carry bytes, through the real codecs
    #[arg(long)]
    bytes: bool,
}

/// The script of a client that stands in for the engine.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Own {
    Simple,
    Libtorrent,
    Transmission,
    Aria2,
    Rqbit,
}

impl Own {
    /// Its maker, and whether it keeps the rules that are watched.
    fn maker(self) -> (Maker, bool) {
        match self {
            Self::Simple => (Box::new(makers::plain), true),
            Self::Libtorrent => (makers::foreign(Kind::Libtorrent), false),
            Self::Transmission => (makers::foreign(Kind::Transmission), false),
            Self::Aria2 => (makers::foreign(Kind::Aria2), false),
            Self::Rqbit => (makers::foreign(Kind::Rqbit), false),
        }
    }
}

#[derive(clap::Subcommand)]
enum Command {
    Table(table::Options),
}

/// The report and what it does not hold.
#[derive(Serialize)]
struct Full<'a> {
    #[serde(flatten)]
    report: &'a Report,
    samples: &'a [Sample],
}

/// Exit codes: 0 all rules held, 1 one was broken (or, with `table --check`, a figure missed), 2 usage, 3 a file or the
/// output could not be written.
fn main() -> ExitCode {
    let args = Args::parse();
    memory::use_large_pages();
    let scenario = args.scenario.as_deref().map(|name| find(name, &args));
    let done = match (&args.command, scenario) {
        (Some(Command::Table(options)), _) => {
            table::run(options, &mut Answer::new()).map(|met| u8::from(options.check && !met))
        }
        _ if args.list => list(),
        _ if args.scenario.as_deref().is_some_and(|name| name.starts_with("utp-")) => datagrams(&args),
        _ if args.scenario.as_deref().is_some_and(|name| name.starts_with("dht-")) => nodes(&args),
        (None, Some(Some(scenario))) => run(scenario, &args),
        _ => {
            let _ = writeln!(stderr(), "error: there is no such scenario\nhint: --list shows them");
            Ok(2)
        }
    };
    match done {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            let _ = writeln!(stderr(), "error: {error}");
            ExitCode::from(3)
        }
    }
}

/// A world of datagrams: its figures, a line for each run.
fn datagrams(args: &Args) -> io::Result<u8> {
    let Some(runs) = args.scenario.as_deref().and_then(named::run) else {
        writeln!(stderr(), "error: there is no such world of datagrams\nhint: --list shows them")?;
        return Ok(2);
    };
    for figures in runs {
        writeln!(Answer::new(), "{figures}")?;
    }
    Ok(0)
}

/// A world of DHT nodes: its figures, a line each.
fn nodes(args: &Args) -> io::Result<u8> {
    let Some(lines) = args.scenario.as_deref().and_then(|name| nodes::named::run(name, args.seed)) else {
        writeln!(stderr(), "error: there is no such world of nodes\nhint: --list shows them")?;
        return Ok(2);
    };
    for line in lines {
        writeln!(Answer::new(), "{line}")?;
    }
    Ok(0)
}

fn find(name: &str, args: &Args) -> Option<Scenario> {
    let scenario = catalog::find(name, args.seed).or_else(|| table::cases::world(name))?;
    let pieces = args.pieces.unwrap_or(scenario.pieces);
    Some(Scenario { pieces, ..scenario })
}

fn list() -> io::Result<u8> {
    for scenario in catalog::all() {
        writeln!(Answer::new(), "{:14} {}", scenario.name, scenario.about)?;
    }
    writeln!(Answer::new(), "{:14} {}", random::NAME, random::ABOUT)?;
    for (name, about) in named::WORLDS.into_iter().chain(nodes::named::WORLDS) {
        writeln!(Answer::new(), "{name:24} {about}")?;
    }
    for case in table::cases::CASES {
        let name = format!("{}-n{}", case.name, case.sizes[0]);
        writeln!(Answer::new(), "{name:19} {} (any size)", case.about)?;
    }
    Ok(0)
}

fn run(scenario: Scenario, args: &Args) -> io::Result<u8> {
    let (maker, keeps_rules) = args.plain.map_or((Box::new(makers::engine) as Maker, true), Own::maker);
    let mut world = World::new(scenario, args.seed, maker);
    if !keeps_rules {
        world.watch_only_completion();
    }
    if args.bytes {
        world.carry_bytes();
    }
    let peers = world.nodes().len();
    world.on_threads(
        args.threads.unwrap_or_else(|| available_parallelism().map_or(1, usize::from).min(peers / PEERS_A_THREAD)),
    );
    world.run();
    let report = Report::of(&world, args.seed);
    if let Some(path) = &args.svg {
        std::fs::write(path, drawn(&world, &report))?;
    }
    if args.json {
        let full = Full { report: &report, samples: world.series().samples() };
        writeln!(Answer::new(), "{}", serde_json::to_string(&full)?)?;
    } else {
        write!(Answer::new(), "{report}")?;
    }
    Ok(u8::from(report.violations > 0))
}

/// The run as a picture.
fn drawn(world: &World, report: &Report) -> String {
    let (makespan, out) = (decimal(report.over_bound_permille), decimal(report.all_out_permille));
    let seed = report.seed;
    let label = format!("seed {seed}: makespan {makespan} T*, {out} copies until all was out");
    let title = format!("{}: {}", world.scenario().name, world.scenario().about);
    let samples = world.series().samples();
    picture::draw(&title, &[Curve { label, samples, bound_ms: report.bound_ms }])
}
