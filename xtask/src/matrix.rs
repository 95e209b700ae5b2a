//! `matrix`: Teem and each other client, as seed and as downloader, through every tracker, by .torrent and by magnet, whatever
//! the content looks like; each cell in a network namespace of its own, what arrives compared by SHA-256.
//!
//! `cell` is what a cell is and which ones there are, `cover` chooses few of them, `play` plays one, `outcome` tells.
mod cell;
mod cover;
mod outcome;
mod play;

use crate::bench::{self, Failed};
use cell::Cell;
use outcome::{Outcome, Verdict, table};
use std::collections::BTreeMap;
use std::env;
use std::fmt::Write as _;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use teem_rig::client::Client;
use teem_rig::clients::OTHERS;
use teem_rig::content::Shape;
use teem_rig::namespace::{Folder, all_wanted, wrapped};
use teem_rig::process::Process;
use teem_rig::trackers::STOCK;

/// Set inside: the folder for all that is written.
const FOLDER: &str = "TEEM_MATRIX_FOLDER";
/// The longest one cell may take in all: making the content, starting everything, the transfer.
const LIMIT: Duration = Duration::from_secs(play::LIMIT_OF_MANY.as_secs() + 120);
/// Cells at a time, when nothing else is said: they wait most of their time, so more than the cores of a small machine.
const JOBS: usize = 4;
/// Between these lines a document holds the table.
const MARKS: [&str; 2] = ["<!-- matrix -->\n", "<!-- end of matrix -->\n"];

/// What is asked for.
#[derive(Default)]
struct Wishes {
    strength: u32,
    only: Vec<String>,
    without: Vec<String>,
    /// Cells at a time.
    jobs: usize,
    /// How often a cell that failed is played again before that counts.
    again: usize,
    list: bool,
    json: bool,
    teem: Option<PathBuf>,
    write: Option<PathBuf>,
    runs: Option<PathBuf>,
    cells: Vec<Cell>,
}

impl Wishes {
    fn read(words: &[&str]) -> Option<Self> {
        let mut wishes = Self { strength: 2, jobs: JOBS, ..Self::default() };
        let mut words = words.iter();
        while let Some(word) = words.next() {
            match *word {
                "--pairwise" => wishes.strength = 2,
                "--whole" => wishes.strength = 3,
                "--list" => wishes.list = true,
                "--json" => wishes.json = true,
                "--only" => wishes.only.push((*words.next()?).to_owned()),
                "--without" => wishes.without.push((*words.next()?).to_owned()),
                "--jobs" => wishes.jobs = words.next()?.parse().ok()?,
                "--again" => wishes.again = words.next()?.parse().ok()?,
                "--teem" => wishes.teem = Some(PathBuf::from(*words.next()?)),
                "--write" => wishes.write = Some(PathBuf::from(*words.next()?)),
                "--runs" => wishes.runs = Some(PathBuf::from(*words.next()?)),
                "--cell" => wishes.cells.push(Cell::read(words.next()?)?),
                _ => return None,
            }
        }
        Some(wishes)
    }

    fn chosen(&self) -> Vec<Cell> {
        let all = if self.cells.is_empty() { cell::chosen(self.strength, &self.without) } else { self.cells.clone() };
        let wanted = |cell: &Cell| self.only.is_empty() || self.only.iter().any(|name| name == cell.word(0));
        all.into_iter().filter(wanted).collect()
    }
}

/// Plays the cells that the words after `matrix` ask for, with the binary that is named or the release build of `root`.
/// Returns what is to be printed; fails when a cell does.
pub fn run(root: &Path, words: &[&str]) -> Result<String, Failed> {
    let wishes = Wishes::read(words).ok_or_else(|| Failed::new("matrix: these words mean nothing".into()))?;
    let cells = wishes.chosen();
    if wishes.list {
        let lines: Vec<String> = cells.iter().map(ToString::to_string).chain([String::new()]).collect();
        return Ok(lines.join("\n"));
    }
    let teem = wishes.teem.clone().map_or_else(|| bench::built(root), Ok)?;
    if let (Some(folder), [cell]) = (env::var_os(FOLDER), &cells[..]) {
        play::play(*cell, &teem, Path::new(&folder));
        return Ok(String::new());
    }
    let begun = Instant::now();
    let (all, mut outcomes) = (cells.len(), earlier(&wishes, &cells)?);
    let mut left: Vec<Cell> = cells.into_iter().filter(|cell| outcomes.iter().all(|had| had.cell != *cell)).collect();
    left.sort_by_key(|cell| matches!(cell.shape(), Shape::Many(_))); // the long ones last
    outcomes.extend(all_played(&left, &teem, &wishes)?);
    outcomes.sort_by_key(|outcome| outcome.cell);
    let versions: Vec<(String, String)> = std::iter::once(("Teem".to_owned(), printed(&teem)))
        .chain(OTHERS.iter().map(|client| (client.name().to_owned(), client.version())))
        .chain(STOCK.iter().map(|tracker| (tracker.name().to_owned(), tracker.version())))
        .filter(|(_, version)| !version.is_empty())
        .collect();
    let mut told = table(&outcomes, &versions);
    if outcomes.len() < all {
        let _ = writeln!(told, "\n{} of {all} cells were played.", outcomes.len());
    }
    if let Some(path) = &wishes.write {
        fs::write(path, bench::put_between(MARKS, &fs::read_to_string(path)?, &told)?)?;
    }
    let failed = outcomes.iter().filter(|outcome| matches!(outcome.verdict, Verdict::Failed(_))).count();
    let told = if wishes.json { String::new() } else { told };
    let passed = outcomes.iter().filter(|outcome| outcome.verdict == Verdict::Passed).count();
    let sum = format!("{passed} passed, {failed} failed in {:.0} s", begun.elapsed().as_secs_f64());
    if failed > 0 {
        return Err(Failed::new(format!("{sum}\n{told}")));
    }
    eprintln!("{sum}");
    Ok(told)
}

fn printed(teem: &Path) -> String {
    teem_rig::clients::teem::Teem { binary: teem.to_path_buf(), plain: false }.version()
}

/// What came of the cells in the runs of a file, the last time; where more are to be played, those that passed.
fn earlier(wishes: &Wishes, cells: &[Cell]) -> Result<Vec<Outcome>, Failed> {
    let Some(file) = wishes.runs.as_ref().filter(|file| file.exists()) else { return Ok(Vec::new()) };
    let mut last = BTreeMap::new();
    for outcome in fs::read_to_string(file)?.lines().filter_map(Outcome::read) {
        last.insert(outcome.cell, outcome);
    }
    let is_wanted =
        |outcome: &Outcome| cells.contains(&outcome.cell) && (wishes.jobs == 0 || outcome.verdict == Verdict::Passed);
    Ok(last.into_values().filter(is_wanted).collect())
}

/// So many at a time; each is told as it ends.
fn all_played(cells: &[Cell], teem: &Path, wishes: &Wishes) -> Result<Vec<Outcome>, Failed> {
    let open = |path: &PathBuf| OpenOptions::new().create(true).append(true).open(path);
    let file = wishes.runs.as_ref().map(open).transpose()?;
    let (next, done) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..wishes.jobs {
            scope.spawn(|| {
                while let Some(cell) = cells.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let begun = Instant::now();
                    let mut verdict = played(*cell, teem);
                    for _ in 0..wishes.again {
                        if let Verdict::Failed(why) = &verdict {
                            eprintln!("once more: {cell}: {why}");
                            verdict = played(*cell, teem);
                        }
                    }
                    let outcome = Outcome { cell: *cell, verdict, took: begun.elapsed() };
                    let line = if wishes.json { outcome.json() } else { format!("{}\n", outcome.line()) };
                    let _ = std::io::stdout().lock().write_all(line.as_bytes());
                    if let Some(mut file) = file.as_ref() {
                        let _ = file.write_all(outcome.json().as_bytes());
                    }
                    if let Ok(mut done) = done.lock() {
                        done.push(outcome);
                    }
                }
            });
        }
    });
    Ok(done.into_inner().unwrap_or_default())
}

/// One cell, in namespaces of its own.
fn played(cell: Cell, teem: &Path) -> Verdict {
    let tracker = cell.stock_tracker().map(|tracker| tracker.needs(cell.protocol()));
    let mut needed = cell.others().into_iter().map(Client::needs).chain(tracker);
    if let Some(missing) = needed.find(|needs| !needs.is_there()) {
        return absent(format!("{missing:?} is not installed"));
    }
    let Some(mut command) = env::current_exe().ok().and_then(wrapped) else {
        return absent("no network namespace can be made (unshare -n)".to_owned());
    };
    let folder = Folder::new("matrix");
    command.args(["matrix", "--cell", &cell.to_string(), "--teem"]).arg(teem);
    let mut inner = Process::start(command.env(FOLDER, &folder.0).env("RUST_BACKTRACE", "0"));
    match inner.poll_exit(LIMIT) {
        Some(status) if status.success() => Verdict::Passed,
        Some(_) => Verdict::Failed(why(&inner.log(), cell)),
        None => Verdict::Failed(format!("no end within {LIMIT:?}")),
    }
}

/// Nothing may be skipped where all was asked for.
fn absent(why: String) -> Verdict {
    if all_wanted() { Verdict::Failed(why) } else { Verdict::Skipped(why) }
}

/// The sentence of the panic; all that the programs wrote is shown to whoever looks on.
fn why(log: &str, cell: Cell) -> String {
    eprintln!("---- {cell}\n{log}\n----");
    let mut lines = log.lines().skip_while(|line| !line.contains("panicked at")).skip(1);
    lines.next().unwrap_or("it ended without a word").to_owned()
}
