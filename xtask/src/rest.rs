//! What a daemon costs that has thousands of complete torrents: starting, resting, answering, ending (own design over proc(5)).
//!
//! Each count has a folder of its own: contents of some bytes, their .torrents, and the daemon's state. The torrents are added over its socket, then
//! it is ended by a signal, started again, asked, killed, and started once more.

mod api;
mod churn;
mod daemon;
mod peer;
mod programs;

use crate::bench::{Failed, built, put_between};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use teem_rig::torrent::Torrent;

use api::Api;
use daemon::{ADDERS, add, complete, descriptors, resident, start};

/// Torrents when nothing is said.
const COUNTS: &[usize] = &[100, 1_000, 10_000];
/// The same of a run that only shows that all of it works.
const COUNTS_SMOKE: &[usize] = &[100];
/// Torrents that come and go when nothing is said, and for how long when it is only to be shown that all of it works.
const CHURNED: usize = 1_000;
const CHURN_SMOKE: Duration = Duration::from_secs(3);
/// Where the tables stand in the document.
const MARKS: [&str; 2] = ["<!-- rest -->\n", "<!-- /rest -->\n"];
const MARKS_CHURN: [&str; 2] = ["<!-- churn -->\n", "<!-- /churn -->\n"];
/// How long a daemon is left alone before it is looked at, and watched; each a second when it is only to be shown that all of it works.
const SETTLE: Duration = Duration::from_secs(5);
const WATCH: Duration = Duration::from_secs(15);
const SMOKE: Duration = Duration::from_secs(1);
/// A torrent rests after a minute without peers, and is a record of the next run when that has been written down, for five hundred in a second.
const REST: Duration = Duration::from_secs(70);
const WRITTEN_EACH_S: u64 = 400;
/// Requests of a window, and torrents in it.
const ASKED: usize = 1_000;
const WINDOW: usize = 50;
/// Torrents whose first block is asked for, one after the other.
const BLOCKS: usize = 20;

/// What is measured for one count.
#[derive(Default)]
struct Figures {
    count: usize,
    add: f64,
    end: f64,
    ready: f64,
    serves: f64,
    killed: f64,
    each: f64,
    resident: f64,
    descriptors: usize,
    processor: f64,
    window: usize,
    p50: f64,
    p99: f64,
    block: f64,
    programs: programs::Figures,
}

/// Words of the command line.
#[derive(Default)]
struct Wishes {
    counts: Vec<usize>,
    /// How long torrents come and go, where that is what is measured.
    churn: Option<Duration>,
    smoke: bool,
    folder: Option<PathBuf>,
    teem: Option<PathBuf>,
    document: Option<PathBuf>,
}

/// Measures, and returns the table to print.
pub fn run(root: &Path, words: &[&str]) -> Result<String, Failed> {
    let wishes = understood(words)?;
    let teem = wishes.teem.map_or_else(|| built(root), Ok)?;
    let folder = std::env::temp_dir().join(format!("teem-rest-{}", std::process::id()));
    let folder = wishes.folder.unwrap_or(folder);
    let (marks, table) = match wishes.churn {
        Some(time) => (MARKS_CHURN, churned(&teem, &folder, wishes.counts.first().copied().unwrap_or(CHURNED), time)?),
        None => (MARKS, figures(&teem, &folder, &wishes.counts, wishes.smoke)?),
    };
    if let Some(path) = wishes.document {
        let path = root.join(path);
        fs::write(&path, put_between(marks, &fs::read_to_string(&path)?, &table)?)?;
    }
    if wishes.smoke && wishes.churn.is_none() {
        let churn = churned(&teem, &folder, COUNTS_SMOKE[0], CHURN_SMOKE)?;
        return Ok([table, churn].join("\n"));
    }
    Ok(table)
}

/// The table of so many torrents each.
fn figures(teem: &Path, folder: &Path, counts: &[usize], smoke: bool) -> Result<String, Failed> {
    let mut all = Vec::new();
    for &count in if counts.is_empty() { COUNTS } else { counts } {
        let folder = folder.join(count.to_string());
        fs::create_dir_all(&folder)?;
        let times = if smoke { (SMOKE, SMOKE) } else { (SETTLE, WATCH) };
        let figures = measure(teem, &folder, count, times);
        fs::remove_dir_all(&folder)?;
        all.push(figures?);
        eprintln!("{count}: done");
    }
    Ok(table(&all))
}

/// The table of so many torrents that come and go.
fn churned(teem: &Path, folder: &Path, count: usize, time: Duration) -> Result<String, Failed> {
    let folder = folder.join("churn");
    fs::create_dir_all(&folder)?;
    let table = contents(&folder, count).and_then(|torrents| churn::run(teem, &folder, &torrents, time));
    fs::remove_dir_all(&folder)?;
    table
}

/// Makes so many contents of some bytes, each with its .torrent.
fn contents(folder: &Path, count: usize) -> Result<Vec<Torrent>, Failed> {
    let content = folder.join("content");
    fs::create_dir_all(&content)?;
    let mut torrents = Vec::with_capacity(count);
    for n in 0..count {
        let name = format!("file-{n:07}");
        fs::write(content.join(&name), format!("the content of {n}"))?;
        torrents.push(Torrent::create(&content, &name, 16 << 10, &[]));
    }
    Ok(torrents)
}

fn understood(words: &[&str]) -> Result<Wishes, Failed> {
    let usage = || {
        Failed::new(
            "usage: cargo xtask bench rest [--counts N,...] [--churn MINUTES] [--in FOLDER] [--teem BINARY] [--write DOCUMENT] [--smoke]"
                .into(),
        )
    };
    let mut wishes = Wishes::default();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or_else(usage);
        match *word {
            "--smoke" => (wishes.counts, wishes.smoke) = (COUNTS_SMOKE.to_vec(), true),
            "--counts" => {
                let counts = value()?.split(',').map(|count| count.parse().map_err(|_| usage()));
                wishes.counts = counts.collect::<Result<_, _>>()?;
            }
            "--churn" => {
                let minutes: f64 = value()?.parse().map_err(|_| usage())?;
                let time = Duration::try_from_secs_f64(minutes * 60.0).map_err(|_| usage())?;
                wishes.churn = Some(time);
            }
            "--in" => wishes.folder = Some(value()?.into()),
            "--teem" => wishes.teem = Some(value()?.into()),
            "--write" => wishes.document = Some(value()?.into()),
            _ => return Err(usage()),
        }
    }
    Ok(wishes)
}

fn measure(teem: &Path, folder: &Path, count: usize, (settle, watch): (Duration, Duration)) -> Result<Figures, Failed> {
    let torrents = contents(folder, count)?;
    let socket = folder.join("socket");
    let mut figures = Figures { count, ..Figures::default() };

    let daemon = start(teem, folder)?;
    let empty = resident(daemon.id());
    let begun = Instant::now();
    std::thread::scope(|scope| {
        let socket = socket.as_path();
        let part = |torrents| scope.spawn(move || add(socket, torrents));
        let adders: Vec<_> = torrents.chunks(count.div_ceil(ADDERS).max(1)).map(part).collect();
        adders.into_iter().try_for_each(|adder| adder.join().map_err(|_| Failed::new("an adder panicked".into()))?)
    })?;
    let mut api = Api::connect(&socket)?;
    complete(&mut api, count)?;
    figures.add = begun.elapsed().as_secs_f64();
    if settle == SETTLE {
        std::thread::sleep(REST + Duration::from_secs(count as u64 / WRITTEN_EACH_S));
    }
    figures.end = daemon.end("-TERM")?;

    let daemon = start(teem, folder)?;
    figures.ready = daemon.ready;
    let begun = Instant::now();
    peer::first_block(daemon.port, &torrents[count - 1].info_hash)?;
    figures.serves = figures.ready + begun.elapsed().as_secs_f64();
    let mut api = Api::connect(&socket)?;
    complete(&mut api, count)?;
    std::thread::sleep(settle);
    let before = ticks(daemon.id());
    std::thread::sleep(watch);
    figures.processor = (ticks(daemon.id()) - before) as f64 / watch.as_secs_f64();
    figures.resident = resident(daemon.id()) as f64 / f64::from(1 << 20);
    figures.each = resident(daemon.id()).saturating_sub(empty) as f64 / count as f64;
    figures.descriptors = descriptors(daemon.id())?;
    ask(&mut api, count, &mut figures)?;
    figures.programs = programs::measure(&socket, count, watch)?;
    let mut blocks = Vec::new();
    for n in 0..BLOCKS.min(count) {
        blocks.push(peer::first_block(daemon.port, &torrents[n * count / BLOCKS.min(count)].info_hash)?.as_secs_f64());
    }
    figures.block = blocks.iter().copied().fold(0.0, f64::max);
    daemon.end("-KILL")?;

    let daemon = start(teem, folder)?;
    figures.killed = daemon.ready;
    let mut api = Api::connect(&socket)?;
    complete(&mut api, count)?;
    daemon.end("-TERM")?;
    Ok(figures)
}

/// How long windows take to be answered.
fn ask(api: &mut Api, count: usize, figures: &mut Figures) -> Result<(), Failed> {
    let mut seconds = Vec::with_capacity(ASKED);
    for n in 0..ASKED {
        let begun = Instant::now();
        figures.window = figures.window.max(api.window(n * count / ASKED, WINDOW)?);
        seconds.push(begun.elapsed().as_secs_f64());
    }
    seconds.sort_by(f64::total_cmp);
    (figures.p50, figures.p99) = (seconds[ASKED / 2], seconds[ASKED * 99 / 100]);
    Ok(())
}

fn table(all: &[Figures]) -> String {
    let mut table = String::from(
        "| torrents | added and complete, s | good end, s | ready again, s | serves, s | ready after a kill, s | bytes each | resident, MiB | descriptors | at rest, % of a core | \
         window of 50, bytes | p50, ms | p99, ms | first block, ms |\n|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n",
    );
    for f in all {
        let _ = writeln!(
            table,
            "| {} | {:.2} | {:.2} | {:.2} | {:.2} | {:.2} | {:.0} | {:.1} | {} | {:.2} | {} | {:.2} | {:.2} | {:.1} |",
            f.count,
            f.add,
            f.end,
            f.ready,
            f.serves,
            f.killed,
            f.each,
            f.resident,
            f.descriptors,
            f.processor,
            f.window,
            f.p50 * 1e3,
            f.p99 * 1e3,
            f.block * 1e3
        );
    }
    table += &programs::table(all.iter().map(|f| (f.count, &f.programs)));
    table
}

/// Processor time of a process so far, in hundredths of a second.
fn ticks(id: u32) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    let rest = stat.rsplit_once(") ").map_or("", |(_, rest)| rest);
    rest.split(' ').skip(11).take(2).filter_map(|ticks| ticks.parse::<u64>().ok()).sum()
}
