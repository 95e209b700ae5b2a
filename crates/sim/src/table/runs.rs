//! The runs that the table is made of (own design): which are needed, which are there, and running the others.
//!
//! Several worlds run at a time, and large ones on several threads. A run that has ended is put into the file at once, so
//! an interrupted table goes on where it stopped.
use super::cases::{self, Place};
use super::options::Options;
use crate::makers;
use crate::report::Report;
use crate::report::stats::decimal;
use crate::series::Sample;
use crate::world::{PEERS_A_THREAD, World};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io::{self, Write, stderr};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Instant;

/// The seed whose runs are drawn.
pub(super) const DRAWN: u64 = 1;
/// About how many samples of a run are kept for its picture.
const SAMPLES: usize = 240;

/// What names a run: case, size, granting or not, seed.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub(super) struct Key {
    pub case: String,
    pub n: u32,
    pub granting: bool,
    pub seed: u64,
}

/// What a run came to.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Run {
    #[serde(flatten)]
    pub key: Key,
    /// How long it took here, in milliseconds.
    pub(crate) wall_ms: u64,
    pub report: Report,
    /// How it went over time, for the seed that is drawn.
    pub series: Vec<Sample>,
}

/// All runs that are known.
#[derive(Debug, Default)]
pub(super) struct Runs {
    runs: BTreeMap<Key, Run>,
    /// Where new ones are kept.
    file: Option<PathBuf>,
}

impl Runs {
    /// Those in some files; a file that is not there yet is empty.
    pub(super) fn read(files: &[PathBuf]) -> io::Result<Self> {
        let mut runs = Self { runs: BTreeMap::new(), file: files.first().cloned() };
        for file in files.iter().rev() {
            runs.runs.extend(list(file)?.into_iter().map(|run| (run.key.clone(), run)));
        }
        Ok(runs)
    }

    /// The run of a case, size and seed; none if it was not made.
    pub(super) fn find(&self, case: &str, n: u32, granting: bool, seed: u64) -> Option<&Run> {
        self.runs.get(&Key { case: case.to_string(), n, granting, seed })
    }

    /// From which seeds there are runs of a case at a size.
    pub(super) fn seeds(&self, case: &str, n: u32) -> BTreeSet<u64> {
        self.runs.keys().filter(|key| key.case == case && key.n == n).map(|key| key.seed).collect()
    }

    /// All of those rows.
    pub(super) fn of(&self, places: &[Place]) -> impl Iterator<Item = &Run> {
        let asked = |key: &Key| places.iter().any(|place| place.case.name == key.case && place.n == key.n);
        self.runs.values().filter(move |run| asked(&run.key))
    }

    /// Breaches of rules in those rows.
    pub(super) fn violations(&self, places: &[Place]) -> u64 {
        self.of(places).map(|run| run.report.violations).sum()
    }

    /// Runs what those rows need and is not there.
    pub(super) fn complete(&mut self, places: &[Place], options: &Options) -> io::Result<()> {
        let todo = self.missing(places, options);
        let total = todo.len();
        let jobs = options.jobs().min(total);
        let threads = options.threads(jobs);
        let todo = Mutex::new(todo);
        let done = Mutex::new((self, 0_usize, Ok(())));
        std::thread::scope(|scope| {
            for _ in 0..jobs {
                scope.spawn(|| {
                    loop {
                        // By itself, so that the list is free while the world runs.
                        let next = lock(&todo).pop_front();
                        let Some(key) = next else { return };
                        let Some(run) = play(&key, threads) else { continue };
                        let mut done = lock(&done);
                        done.1 += 1;
                        tell(&run, done.1, total);
                        done.0.runs.insert(key, run);
                        if let Err(error) = done.0.keep() {
                            done.2 = Err(error);
                        }
                    }
                });
            }
        });
        done.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner).2
    }

    fn missing(&self, places: &[Place], options: &Options) -> VecDeque<Key> {
        let mut todo = Vec::new();
        for place in places {
            let cases = [Some(place.case.name), place.calm()];
            let off = !options.granting_only || place.case.figures.iter().any(|(figure, _)| figure.needs_off());
            let ways = if off { &[true, false][..] } else { &[true] };
            for seed in 1..=options.seeds(place.n) {
                for (case, granting) in
                    cases.into_iter().flatten().flat_map(|case| ways.iter().map(move |w| (case, *w)))
                {
                    let key = Key { case: case.to_string(), n: place.n, granting, seed };
                    if !self.runs.contains_key(&key) && !todo.contains(&key) {
                        todo.push(key);
                    }
                }
            }
        }
        // One seed of everything tells more than all seeds of one row, and the engine as it is more than what it is compared with.
        todo.sort_by_key(|key| (key.n, key.seed, !key.granting));
        todo.into()
    }

    /// Puts everything into the file, and takes over what somebody else has put there meanwhile.
    fn keep(&mut self) -> io::Result<()> {
        let Some(file) = &self.file else { return Ok(()) };
        for run in list(file)? {
            self.runs.entry(run.key.clone()).or_insert(run);
        }
        let list: Vec<&Run> = self.runs.values().collect();
        replace(file, &serde_json::to_string(&list)?)
    }
}

/// The runs in a file; one that is not there yet is empty.
fn list(file: &Path) -> io::Result<Vec<Run>> {
    match std::fs::read_to_string(file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        text => Ok(serde_json::from_str(&text?)?),
    }
}

/// Writes a file so that it is never seen half written.
pub(super) fn replace(path: &Path, text: &str) -> io::Result<()> {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    std::fs::write(&name, text)?;
    std::fs::rename(&name, path)
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn play(key: &Key, threads: usize) -> Option<Run> {
    let scenario = cases::place(&key.case, key.n)?.scenario(key.granting);
    let start = Instant::now();
    let mut world = World::new(scenario, key.seed, Box::new(makers::engine));
    world.on_threads(threads.min(world.nodes().len() / PEERS_A_THREAD));
    world.run();
    let report = Report::of(&world, key.seed);
    let series = if key.seed == DRAWN { thinned(world.series().samples(), &report) } else { Vec::new() };
    Some(Run { key: key.clone(), wall_ms: start.elapsed().as_millis() as u64, report, series })
}

/// Some of the samples, evenly, until everything was over.
fn thinned(samples: &[Sample], report: &Report) -> Vec<Sample> {
    let end = report.makespan_ms.unwrap_or(report.duration_ms) + report.bound_ms / 50;
    let count = samples.iter().take_while(|sample| sample.at_ms <= end).count();
    samples.iter().take(count).step_by(count.div_ceil(SAMPLES).max(1)).cloned().collect()
}

fn tell(run: &Run, done: usize, total: usize) {
    let Run { key, report, wall_ms, .. } = run;
    let Key { case, n, seed, .. } = key;
    let how = if key.granting { "granting" } else { "off" };
    let (makespan, copies) = (decimal(report.over_bound_permille), decimal(report.all_out_permille));
    let rate = decimal(Some(report.events / wall_ms.max(&1)));
    let _ = writeln!(
        stderr(),
        "[{done}/{total}] {case}-n{n} {how} seed {seed}: {makespan} T*, {copies} copies until all out; {} s, {rate} M events/s",
        decimal(Some(*wall_ms)),
    );
    if let Some(first) = report.first_violations.first() {
        let _ = writeln!(stderr(), "  {} rules broken; the first: {first}", report.violations);
    }
}
