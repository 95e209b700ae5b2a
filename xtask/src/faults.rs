//! `faults`: the whole program under faults (own design), for as long as is wished: power cuts of the model, real processes that are killed,
//! random errors under whole clients, all three side by side. Each turn has its own seeds; one that finds something says how it is repeated, and the
//! others go on.
use crate::bench::{self, Failed, Running};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError, mpsc};
use std::time::{Duration, Instant};

/// How much is in one turn.
struct Size {
    /// Seeds of the power tests: each is some twenty cuts.
    cut_seeds: u64,
    /// Lives of whole clients.
    lives: u64,
    /// Kills, at least; then the download may end.
    kills: u64,
}

/// A turn of a long run.
const LONG: Size = Size { cut_seeds: 200, lives: 6, kills: 20 };
/// The one turn of a short run: within a minute.
const SHORT: Size = Size { cut_seeds: 40, lives: 4, kills: 8 };

/// The tests that are run with other seeds: package, and test. The last is of whole clients, the others of the disk's model.
const TESTS: [(&str, &str); 3] =
    [("teem-disk", "power"), ("teem-disk", "power_selection"), ("teem-client", "unsteady")];
/// The one of whole clients.
const LIVES: &str = "unsteady";
/// Bytes of what is downloaded under kills, and how many of them a second are let through.
const SIZE: u64 = 16 << 20;
const RATE: &str = "4M";
/// A process that is to start, and a download that nobody kills any more, end within this.
const HANG: Duration = Duration::from_secs(120);
/// A turn of tests that takes longer hangs.
const TESTS_HANG: Duration = Duration::from_secs(900);
/// How often a long run says how far it is.
const SAID_EVERY: Duration = Duration::from_secs(60);

/// What goes on side by side.
#[derive(Clone, Copy)]
enum Strand {
    Cuts,
    Lives,
    Kills,
}

/// What was done so far.
#[derive(Default)]
struct Counts {
    cuts: u64,
    /// Of the model.
    ends: u64,
    kills: u64,
    downloads: u64,
    lives: u64,
    errors: u64,
    short: u64,
    delays: u64,
    found: Vec<String>,
}

/// What the strands of a run share.
struct Run<'a> {
    root: &'a Path,
    size: &'a Size,
    teem: PathBuf,
    tests: BTreeMap<&'static str, PathBuf>,
    counts: Mutex<Counts>,
    seed: u64,
    again: &'static str,
    end: Instant,
}

/// Runs `--hours H [--seed S]` or `--short [--seed S]`; the counts, to be printed.
pub fn run(root: &Path, words: &[&str]) -> Result<String, Failed> {
    let usage = || Failed::new("faults: --hours H or --short, and --seed S if one is to be repeated".into());
    let (mut hours, mut seed, mut short, mut words) = (None, None, false, words.iter());
    while let Some(word) = words.next() {
        match *word {
            "--short" => short = true,
            "--hours" => {
                let given = words.next().and_then(|text| text.parse::<f64>().ok());
                hours = Some(given.filter(|hours| *hours >= 0.0 && *hours < 1000.0).ok_or_else(usage)?);
            }
            "--seed" => seed = Some(words.next().and_then(|text| text.parse::<u32>().ok()).ok_or_else(usage)?),
            _ => return Err(usage()),
        }
    }
    let hours = if short { 0.0 } else { hours.ok_or_else(usage)? };
    let drawn = || std::time::UNIX_EPOCH.elapsed().map_or(1, |now| now.subsec_nanos());
    let (teem, tests) = built(root)?;
    let run = Run {
        root,
        size: if short { &SHORT } else { &LONG },
        teem,
        tests,
        counts: Mutex::default(),
        seed: u64::from(seed.unwrap_or_else(drawn)),
        again: if short { "--short" } else { "--hours 0" },
        end: Instant::now() + Duration::from_secs_f64(hours * 3600.0),
    };
    let ended = Mutex::new(0);
    std::thread::scope(|scope| {
        for strand in [Strand::Cuts, Strand::Lives, Strand::Kills] {
            let (run, ended) = (&run, &ended);
            scope.spawn(move || {
                run.strand(strand);
                *locked(ended) += 1;
            });
        }
        let mut said = Instant::now();
        while *locked(&ended) < 3 {
            std::thread::sleep(Duration::from_millis(200));
            if said.elapsed() >= SAID_EVERY {
                said = Instant::now();
                eprintln!("{}", run.counts().told());
            }
        }
    });
    let Run { counts, seed, teem, .. } = run;
    teem.parent().map_or(Ok(()), fs::remove_dir_all)?;
    let counts = counts.into_inner().unwrap_or_else(PoisonError::into_inner);
    let said = format!("seeds from {seed} on\n{}", counts.told());
    if counts.found.is_empty() {
        Ok(format!("{said}nothing was found\n"))
    } else {
        Err(Failed::new(format!("{}\n{said}found: {}", counts.found.join("\n\n"), counts.found.len())))
    }
}

fn locked<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Counts {
    fn told(&self) -> String {
        let Self { cuts, ends, kills, downloads, lives, errors, short, delays, found } = self;
        let mut said = String::new();
        let _ = writeln!(said, "power cuts of the model: {cuts}, ends of its process: {ends}");
        let _ = writeln!(said, "kill -9 of real processes: {kills}, over {downloads} downloads that all ended whole");
        let _ = writeln!(
            said,
            "whole clients on a disk that fails: {lives} lives, {errors} errors, {short} short calls, {delays} delays"
        );
        if !found.is_empty() {
            let _ = writeln!(said, "found so far: {}", found.len());
        }
        said
    }
}

/// The program and the tests, with the assertions that tests have, as they are now: copies, so that a long run does not see what is built meanwhile.
fn built(root: &Path) -> Result<(PathBuf, BTreeMap<&'static str, PathBuf>), Failed> {
    let folder = std::env::temp_dir().join(format!("teem-faults-{}-programs", std::process::id()));
    fs::create_dir_all(&folder)?;
    let build = Command::new("cargo").args(["build", "--quiet", "--locked"]).current_dir(root).status()?;
    if !build.success() {
        return Err(Failed::new("the build failed".into()));
    }
    let teem = folder.join("teem");
    fs::copy(bench::release(root).with_file_name("debug").join("teem"), &teem)?;
    let mut tests = BTreeMap::new();
    for (package, test) in TESTS {
        let mut command = Command::new("cargo");
        command.args([
            "test",
            "--quiet",
            "--locked",
            "--no-run",
            "--message-format=json",
            "-p",
            package,
            "--test",
            test,
        ]);
        let output = command.current_dir(root).stderr(Stdio::inherit()).output()?;
        let lines = String::from_utf8_lossy(&output.stdout);
        let lines = lines.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
        let mut programs = lines.filter(|line| line["target"]["name"] == test);
        let program = programs.find_map(|line| line["executable"].as_str().map(PathBuf::from));
        let program = program.ok_or_else(|| Failed::new(format!("the test {test} cannot be built")))?;
        fs::copy(program, folder.join(test))?;
        tests.insert(test, folder.join(test));
    }
    Ok((teem, tests))
}

impl Run<'_> {
    fn counts(&self) -> MutexGuard<'_, Counts> {
        locked(&self.counts)
    }

    /// Turn after turn until the time is over, at least one.
    fn strand(&self, strand: Strand) {
        for seed in self.seed.. {
            let turn = match strand {
                Strand::Cuts => self.cuts(seed),
                Strand::Lives => self.lives(seed),
                Strand::Kills => self.kills(seed),
            };
            if let Err(what) = turn {
                let again = format!("to repeat this turn: cargo xtask faults {} --seed {seed}", self.again);
                eprintln!("{what}\n{again}");
                self.counts().found.push(format!("{what}\n{again}"));
            }
            if Instant::now() >= self.end {
                return;
            }
        }
    }

    /// Runs a test with so many seeds from the first on; the figures that it has printed are counted by `count`.
    fn test(&self, test: &str, first: u64, seeds: u64, count: fn(&mut Counts, &[u64])) -> Result<(), String> {
        let program = self.tests.get(test).ok_or("no such test")?;
        let mut command = Command::new(program);
        command.env("TEEM_SEED_FIRST", first.to_string()).env("TEEM_SEEDS", seeds.to_string()).arg("--nocapture");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).current_dir(self.root);
        let child = command.spawn().map_err(|e| format!("{test} cannot be run: {e}"))?;
        let (done, ended) = mpsc::channel();
        std::thread::spawn(move || done.send(child.wait_with_output()));
        let output = ended.recv_timeout(TESTS_HANG).map_err(|_| format!("{test} hangs"))?;
        let output = output.map_err(|e| format!("{test}: {e}"))?;
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        for (_, figures) in said.lines().filter_map(|line| line.split_once("figure: ")) {
            let figures = figures.split(|c: char| !c.is_ascii_digit()).filter_map(|n| n.parse().ok());
            count(&mut self.counts(), &figures.collect::<Vec<_>>());
        }
        if output.status.success() {
            return Ok(());
        }
        let package = TESTS.iter().find(|(_, name)| *name == test).map_or("", |(package, _)| package);
        Err(format!("{said}\none alone: TEEM_SEED=N cargo test -p {package} --test {test}"))
    }

    fn cuts(&self, turn: u64) -> Result<(), String> {
        for (_, test) in TESTS.iter().filter(|(_, test)| *test != LIVES) {
            let seeds = self.size.cut_seeds;
            self.test(test, turn * seeds, seeds, |counts, figures| {
                if let [cuts, ends] = figures {
                    (counts.cuts, counts.ends) = (counts.cuts + cuts, counts.ends + ends);
                }
            })?;
        }
        Ok(())
    }

    fn lives(&self, turn: u64) -> Result<(), String> {
        let lives = self.size.lives;
        self.test(LIVES, turn * lives + 1, lives, |counts, figures| {
            if let [lives, errors, short, delays, cuts, ends] = figures {
                (counts.lives, counts.errors) = (counts.lives + lives, counts.errors + errors);
                (counts.short, counts.delays) = (counts.short + short, counts.delays + delays);
                (counts.cuts, counts.ends) = (counts.cuts + cuts, counts.ends + ends);
            }
        })
    }

    /// A seed and a download, either killed at random moments and started again, until the download has ended: then all must be there.
    fn kills(&self, turn: u64) -> Result<(), String> {
        let folder = std::env::temp_dir().join(format!("teem-faults-{}-{turn}", std::process::id()));
        let mut counts = Counts::default();
        let made = fs::create_dir_all(&folder).map_err(Failed::from);
        let result = made.and_then(|()| killed(&self.teem, &folder, (turn, self.size.kills), &mut counts));
        let mut all = self.counts();
        (all.kills, all.downloads) = (all.kills + counts.kills, all.downloads + counts.downloads);
        drop(all);
        match result {
            Ok(()) => fs::remove_dir_all(&folder).map_err(|e| e.to_string()),
            Err(e) => Err(format!("{e}; what was there is in {}", folder.display())),
        }
    }
}

fn killed(teem: &Path, folder: &Path, (turn, kills): (u64, u64), counts: &mut Counts) -> Result<(), Failed> {
    let (content, torrent, out) = (folder.join("content"), folder.join("content.torrent"), folder.join("out"));
    bench::write_content(&content, SIZE)?;
    let command = |args: &[&str]| {
        let mut command = Command::new(teem);
        command.env("TEEM_NO_DHT", "1"); // peers come from where the measurement says
        command.args(args).env("HOME", folder).env_remove("XDG_CONFIG_HOME").stdin(Stdio::null()).stderr(Stdio::null());
        command
    };
    let text = |path: &PathBuf| path.to_string_lossy().into_owned();
    let (content_text, torrent_text, out_text, folder_text) =
        (text(&content), text(&torrent), text(&out), folder.to_string_lossy().into_owned());
    let created = command(&["create", "-o", &torrent_text, &content_text])
        .env("XDG_STATE_HOME", folder.join("s"))
        .stdout(Stdio::null())
        .status()?;
    if !created.success() {
        return Err(Failed::new("create failed".into()));
    }
    // The same port each time, so that a download finds the seed again; the system draws it once.
    let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let (listen, peer) = (format!("127.0.0.1:{port}"), format!("127.0.0.1:{port}"));
    let seed = || {
        let mut command =
            command(&["seed", &torrent_text, "--json", "--data", &folder_text, "--listen", &listen, "--up", RATE]);
        let child = command.env("XDG_STATE_HOME", folder.join("seed")).stdout(Stdio::null()).spawn();
        child.map(Running)
    };
    let get = || {
        let mut command =
            command(&["get", &torrent_text, "--json", "-o", &out_text, "--listen", "127.0.0.1:0", "--peer", &peer]);
        let child = command.env("XDG_STATE_HOME", folder.join("get")).stdout(Stdio::piped()).spawn();
        child.map(Running)
    };
    let mut random = turn.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut roll = |below: u64| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random % below
    };
    let mut seeding = seed()?;
    let mut had = 0;
    for kill in 1..=kills {
        let mut getting = get()?;
        let lines = lines_of(&mut getting);
        let end = Instant::now() + Duration::from_millis(roll(1500));
        let (mut first, mut best) = (None, had);
        while let Ok(line) = lines.recv_timeout(end.saturating_duration_since(Instant::now())) {
            if let Some(have) = have(&line) {
                first.get_or_insert(have);
                best = best.max(have);
            }
        }
        if let Some(first) = first.filter(|first| *first < had) {
            return Err(Failed::new(format!("kill {kill}: had {had} bytes, after it {first}")));
        }
        had = best;
        if getting.0.try_wait()?.is_some_and(|status| status.success()) {
            whole(&content, &out)?;
            fs::remove_dir_all(&out)?;
            counts.downloads += 1;
            had = 0;
        }
        drop(getting); // kill -9
        counts.kills += 1;
        if roll(4) == 0 {
            drop(seeding);
            counts.kills += 1;
            seeding = seed()?;
        }
    }
    let mut last = get()?;
    let lines = lines_of(&mut last);
    let end = Instant::now() + HANG;
    while lines.recv_timeout(end.saturating_duration_since(Instant::now())).is_ok() {}
    match last.0.try_wait()? {
        Some(status) if status.success() => {}
        // Its output has ended: so will it.
        None if Instant::now() < end && last.0.wait()?.success() => {}
        other => return Err(Failed::new(format!("the last download has not ended well: {other:?}"))),
    }
    counts.downloads += 1;
    whole(&content, &out)
}

fn whole(content: &Path, out: &Path) -> Result<(), Failed> {
    let same = fs::read(content)? == fs::read(out.join("content"))?;
    if same { Ok(()) } else { Err(Failed::new("a download has ended that is not what was published".into())) }
}

/// The lines that it prints, until it ends.
fn lines_of(process: &mut Running) -> mpsc::Receiver<String> {
    let (told, lines) = mpsc::channel();
    if let Some(output) = process.0.stdout.take() {
        std::thread::spawn(move || {
            BufReader::new(output).lines().map_while(Result::ok).try_for_each(|line| told.send(line))
        });
    }
    lines
}

/// The verified bytes that a line tells while it downloads, checking being over.
fn have(line: &str) -> Option<u64> {
    let value: serde_json::Value = serde_json::from_str(line).ok()?;
    let told = value["event"] == "status" && value["state"] == "downloading";
    told.then(|| value["have"].as_u64()).flatten()
}
