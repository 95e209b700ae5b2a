//! What a daemon costs that has thousands of complete torrents: starting, resting, answering, ending (own design over proc(5)).
//!
//! Each count has a folder of its own: contents of some bytes, their .torrents, and the daemon's state. The torrents are added over its socket, then
//! it is ended by a signal, started again, asked, killed, and started once more.

mod api;
mod peer;
mod programs;

use crate::bench::{Failed, Running, built, put_between};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use teem_rig::torrent::Torrent;

use api::Api;

/// Torrents when nothing is said.
const COUNTS: &[usize] = &[100, 1_000, 10_000];
/// The same of a run that only shows that all of it works.
const COUNTS_SMOKE: &[usize] = &[100];
/// Where the table stands in the document.
const MARKS: [&str; 2] = ["<!-- rest -->\n", "<!-- /rest -->\n"];
/// How long a daemon is left alone before it is looked at, and watched; each a second when it is only to be shown that all of it works.
const SETTLE: Duration = Duration::from_secs(5);
const WATCH: Duration = Duration::from_secs(15);
const SMOKE: Duration = Duration::from_secs(1);
/// A torrent rests after a minute without peers, and is a record of the next run when that has been written down, for five hundred in a second.
const REST: Duration = Duration::from_secs(70);
const WRITTEN_EACH_S: u64 = 400;
/// The longest that anything may take.
const PATIENCE: Duration = Duration::from_secs(1_800);
/// How often the daemon is asked whether it is done.
const EVERY: Duration = Duration::from_millis(20);
/// Connections that add at once.
const ADDERS: usize = 4;
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
    let mut all = Vec::new();
    for count in wishes.counts {
        let folder = folder.join(count.to_string());
        fs::create_dir_all(&folder)?;
        let times = if wishes.smoke { (SMOKE, SMOKE) } else { (SETTLE, WATCH) };
        let figures = measure(&teem, &folder, count, times);
        fs::remove_dir_all(&folder)?;
        all.push(figures?);
        eprintln!("{count}: done");
    }
    let table = table(&all);
    if let Some(path) = wishes.document {
        let path = root.join(path);
        fs::write(&path, put_between(MARKS, &fs::read_to_string(&path)?, &table)?)?;
    }
    Ok(table)
}

fn understood(words: &[&str]) -> Result<Wishes, Failed> {
    let usage = || {
        Failed::new(
            "usage: cargo xtask bench rest [--counts N,...] [--in FOLDER] [--teem BINARY] [--write DOCUMENT] [--smoke]"
                .into(),
        )
    };
    let mut wishes = Wishes { counts: COUNTS.to_vec(), ..Wishes::default() };
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or_else(usage);
        match *word {
            "--smoke" => (wishes.counts, wishes.smoke) = (COUNTS_SMOKE.to_vec(), true),
            "--counts" => {
                let counts = value()?.split(',').map(|count| count.parse().map_err(|_| usage()));
                wishes.counts = counts.collect::<Result<_, _>>()?;
            }
            "--in" => wishes.folder = Some(value()?.into()),
            "--teem" => wishes.teem = Some(value()?.into()),
            "--write" => wishes.document = Some(value()?.into()),
            _ => return Err(usage()),
        }
    }
    Ok(wishes)
}

/// A daemon at work in a folder.
struct Daemon {
    running: Running,
    port: u16,
    /// Seconds from its start until it said that it is ready.
    ready: f64,
}

/// Starts a daemon and waits until it says that it is ready.
fn start(teem: &Path, folder: &Path) -> Result<Daemon, Failed> {
    let mut command = Command::new(teem);
    command
        .args(["daemon", "--json", "--listen", "127.0.0.1:0", "--api", "none", "--root"])
        .arg(folder.join("content"));
    command.env("TEEM_DAEMON", format!("unix:{}", folder.join("socket").display()));
    command.env("HOME", folder).env("XDG_STATE_HOME", folder.join("state"));
    command.env("XDG_CONFIG_HOME", folder.join("config"));
    command.env("TEEM_NO_DHT", "1").env("TEEM_NO_LSD", "1").env("TEEM_NO_MAP", "1");
    let begun = Instant::now();
    let spawned = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
    let mut running = Running(spawned);
    let line = crate::bench::line_with(&mut running.0, "\"ready\"")?;
    let ready = begun.elapsed().as_secs_f64();
    Ok(Daemon { port: crate::bench::port(&line)?, running, ready })
}

impl Daemon {
    fn id(&self) -> u32 {
        self.running.0.id()
    }

    /// Ends it by a signal; seconds until it has ended.
    fn end(mut self, signal: &str) -> Result<f64, Failed> {
        let begun = Instant::now();
        let sent = Command::new("kill").args([signal, &self.id().to_string()]).status()?;
        if !sent.success() {
            return Err(Failed::new(format!("kill {signal}: {sent}")));
        }
        let ended = self.running.0.wait()?;
        // A kill has no exit code.
        if ended.code().is_some_and(|code| code != 0) {
            return Err(Failed::new(format!("the daemon ended with {ended}")));
        }
        Ok(begun.elapsed().as_secs_f64())
    }
}

fn measure(teem: &Path, folder: &Path, count: usize, (settle, watch): (Duration, Duration)) -> Result<Figures, Failed> {
    let content = folder.join("content");
    fs::create_dir_all(&content)?;
    let mut torrents = Vec::with_capacity(count);
    for n in 0..count {
        let name = format!("file-{n:07}");
        fs::write(content.join(&name), format!("the content of {n}"))?;
        torrents.push(Torrent::create(&content, &name, 16 << 10, &[]));
    }
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
    figures.descriptors = fs::read_dir(format!("/proc/{}/fd", daemon.id()))?.count();
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

/// Adds these, each with its .torrent.
fn add(socket: &Path, torrents: &[Torrent]) -> Result<(), Failed> {
    let mut api = Api::connect(socket)?;
    for torrent in torrents {
        api.add(&fs::read(&torrent.path)?)?;
    }
    Ok(())
}

/// Waits until so many torrents are complete.
fn complete(api: &mut Api, count: usize) -> Result<(), Failed> {
    let begun = Instant::now();
    while begun.elapsed() < PATIENCE {
        if api.seeding()? == count {
            return Ok(());
        }
        std::thread::sleep(EVERY);
    }
    Err(Failed::new(format!("not all of {count} are complete")))
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

/// Bytes of resident memory of a process.
fn resident(id: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or(0) << 10
}

/// Processor time of a process so far, in hundredths of a second.
fn ticks(id: u32) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    let rest = stat.rsplit_once(") ").map_or("", |(_, rest)| rest);
    rest.split(' ').skip(11).take(2).filter_map(|ticks| ticks.parse::<u64>().ok()).sum()
}
