//! `teem-sim`: runs a scenario from a seed and prints what it came to.
use clap::Parser;
use std::io::{Write, stderr, stdout};
use std::process::ExitCode;
use teem_sim::makers;
use teem_sim::report::Report;
use teem_sim::world::{Maker, World};
use teem_sim::{catalog, random, scenario::Scenario};

/// Runs a swarm in virtual time: the same scenario and seed give the same run, to the last bit, on every machine.
#[derive(Parser)]
#[command(name = "teem-sim", version)]
struct Args {
    /// The scenario to run; `--list` shows them
    #[arg(required_unless_present = "list")]
    scenario: Option<String>,
    /// Show the scenarios
    #[arg(long)]
    list: bool,
    /// The seed to run it from
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Print the report as one line of JSON
    #[arg(long)]
    json: bool,
    /// Put the small client of the simulator, in place of the engine, at every honest line
    #[arg(long)]
    plain: bool,
}

/// Exit codes: 0 all rules held, 1 one was broken, 2 usage.
fn main() -> ExitCode {
    let args = Args::parse();
    let scenario = args.scenario.as_deref().map(|name| catalog::find(name, args.seed));
    let done = match scenario {
        _ if args.list => list(),
        Some(Some(scenario)) => run(scenario, &args),
        _ => {
            let _ = writeln!(stderr(), "error: there is no such scenario\nhint: --list shows them");
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(code) => code,
        Err(error) => {
            let _ = writeln!(stderr(), "error: cannot write the report: {error}");
            ExitCode::from(3)
        }
    }
}

fn list() -> std::io::Result<ExitCode> {
    for scenario in catalog::all() {
        writeln!(stdout().lock(), "{:14} {}", scenario.name, scenario.about)?;
    }
    writeln!(stdout().lock(), "{:14} {}", random::NAME, random::ABOUT)?;
    Ok(ExitCode::SUCCESS)
}

fn run(scenario: Scenario, args: &Args) -> std::io::Result<ExitCode> {
    let maker: Maker = Box::new(if args.plain { makers::plain } else { makers::engine });
    let mut world = World::new(scenario, args.seed, maker);
    world.run();
    let report = Report::of(&world, args.seed);
    if args.json {
        writeln!(stdout().lock(), "{}", serde_json::to_string(&report)?)?;
    } else {
        write!(stdout().lock(), "{report}")?;
    }
    Ok(if report.violations == 0 { ExitCode::SUCCESS } else { ExitCode::from(1) })
}
