//! How fast and how large the simulator is (own design): one swarm of equal lines, run to its end, with all checkers on.
//!
//! `cargo run --release -p teem-sim --example speed -- PEERS PIECES [SEED [THREADS]]` prints events a second, wall time and peak
//! memory. The figures depend on the machine; the trace hash does not.
use std::fs::read_to_string;
use std::io::{Write, stdout};
use std::time::{Duration, Instant};
use teem_sim::report::Report;
use teem_sim::scenario::{Group, Role, Scenario};
use teem_sim::world::World;
use teem_sim::{makers, memory};

fn main() -> std::io::Result<()> {
    memory::use_large_pages();
    let mut args = std::env::args().skip(1).map(|arg| arg.parse::<u32>().unwrap_or(0));
    let (peers, pieces) = (args.next().unwrap_or(100), args.next().unwrap_or(1024));
    let seed = u64::from(args.next().unwrap_or(1));
    let threads = args.next().unwrap_or(1) as usize;
    let scenario = Scenario::new("speed", "one seed and that many downloaders, equal rates, all at once")
        .content(pieces, 262_144, 0)
        .with(Group::new(Role::Seed, 1))
        .with(Group::new(Role::Downloader, peers))
        .within(Duration::from_secs(24 * 3600));
    let mut world = World::new(scenario, seed, Box::new(makers::engine));
    world.on_threads(threads);
    let start = Instant::now();
    world.run();
    let wall = start.elapsed();
    let mut out = stdout().lock();
    write!(out, "{}", Report::of(&world, seed))?;
    let rate = u128::from(world.events().0) * 1_000 / wall.as_millis().max(1);
    writeln!(out, "wall              {}.{:03} s", wall.as_secs(), wall.subsec_millis())?;
    writeln!(out, "events a second   {rate}")?;
    let status = read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or("unknown").trim();
    writeln!(out, "peak memory       {peak}")
}
