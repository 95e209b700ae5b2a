//! `faults`: the whole program under faults (own design), for as long as is wished: power cuts of the model, real processes that are killed,
//! random errors under whole clients. Each turn has its own seeds; one that fails says how it is repeated.
use crate::bench::{self, Failed, Running};
use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// Seeds of the power tests in one turn: three tests of 200 to 300 cuts each hundred.
const CUT_SEEDS: u64 = 100;
/// Cuts of one seed: three in each test of `power` and one after its end, four and one in that of `power_selection`.
const CUTS_PER_SEED: u64 = 4 + 4 + 5;
/// Lives of whole clients in one turn.
const LIVES: u64 = 6;
/// Kills in one turn, at least; then the download may end.
const KILLS: u64 = 20;
/// Bytes of what is downloaded under kills, and how many of them a second are let through.
const SIZE: u64 = 16 << 20;
const RATE: &str = "4M";
/// A process that is to start, and a download that nobody kills any more, end within this.
const HANG: Duration = Duration::from_secs(120);
/// A turn of tests that takes longer hangs.
const TESTS_HANG: Duration = Duration::from_secs(900);

/// What was done so far.
#[derive(Default)]
struct Counts {
    cuts: u64,
    kills: u64,
    downloads: u64,
    lives: u64,
    errors: u64,
    short: u64,
    delays: u64,
}

/// Runs `--hours H [--seed S]`; the counts, to be printed.
pub fn run(root: &Path, words: &[&str]) -> Result<String, Failed> {
    let (mut hours, mut seed) = (None, None);
    for pair in words.chunks(2) {
        match pair {
            ["--hours", text] => hours = text.parse::<f64>().ok().filter(|hours| *hours >= 0.0 && *hours < 1000.0),
            ["--seed", text] => seed = text.parse::<u32>().ok(),
            _ => return Err(Failed::new("faults: --hours H, and --seed S if one is to be repeated".into())),
        }
    }
    let Some(hours) = hours else { return Err(Failed::new("faults: --hours H is missing".into())) };
    let drawn = || std::time::UNIX_EPOCH.elapsed().map_or(1, |now| now.subsec_nanos());
    let seed = u64::from(seed.unwrap_or_else(drawn));
    let teem = program(root)?;
    let tests = Tests::build(root)?;
    let end = Instant::now() + Duration::from_secs_f64(hours * 3600.0);
    let (mut counts, mut turn) = (Counts::default(), seed);
    // All three at least once.
    loop {
        let again = |what: String| {
            Failed::new(format!("{what}\nto repeat this turn: cargo xtask faults --hours 0 --seed {turn}"))
        };
        tests.cuts(turn, &mut counts).map_err(&again)?;
        kills(&teem, turn, &mut counts).map_err(|e| again(e.to_string()))?;
        tests.lives(turn, &mut counts).map_err(&again)?;
        turn += 1;
        if Instant::now() >= end {
            break;
        }
    }
    let mut said = String::new();
    let _ = writeln!(said, "seeds {seed} to {}: nothing was found", turn - 1);
    let _ = writeln!(said, "power cuts of the model: {}", counts.cuts);
    let _ = writeln!(
        said,
        "kill -9 of real processes: {}, over {} downloads that all ended whole",
        counts.kills, counts.downloads
    );
    let Counts { lives, errors, short, delays, .. } = counts;
    let _ = writeln!(
        said,
        "whole clients on a disk that fails: {lives} lives, {errors} errors, {short} short calls, {delays} delays"
    );
    Ok(said)
}

/// The program as tests have it: its assertions look too.
fn program(root: &Path) -> Result<PathBuf, Failed> {
    let built = Command::new("cargo").args(["build", "--quiet", "--locked"]).current_dir(root).status()?;
    let folder = bench::release(root);
    if built.success() {
        Ok(folder.with_file_name("debug").join("teem"))
    } else {
        Err(Failed::new("the build failed".into()))
    }
}

/// The test programs that are run with other seeds.
struct Tests<'a> {
    root: &'a Path,
}

impl<'a> Tests<'a> {
    fn build(root: &'a Path) -> Result<Self, Failed> {
        let tests = Self { root };
        for (package, test) in [("teem-disk", "power"), ("teem-disk", "power_selection"), ("teem-client", "unsteady")] {
            let built = tests.command(package, test).arg("--no-run").status()?;
            if !built.success() {
                return Err(Failed::new(format!("the test {test} cannot be built")));
            }
        }
        Ok(tests)
    }

    fn command(&self, package: &str, test: &str) -> Command {
        let mut command = Command::new("cargo");
        command.args(["test", "--quiet", "--locked", "-p", package, "--test", test]).current_dir(self.root);
        command
    }

    /// Runs one with so many seeds from the first on; what it has printed.
    fn run(&self, package: &str, test: &str, first: u64, seeds: u64) -> Result<String, String> {
        let mut command = self.command(package, test);
        command.env("TEEM_SEED_FIRST", first.to_string()).env("TEEM_SEEDS", seeds.to_string());
        command.args(["--", "--nocapture"]).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = command.spawn().map_err(|e| format!("{test} cannot be run: {e}"))?;
        let (done, ended) = mpsc::channel();
        std::thread::spawn(move || done.send(child.wait_with_output()));
        let output = ended.recv_timeout(TESTS_HANG).map_err(|_| format!("{test} hangs"))?;
        let output = output.map_err(|e| format!("{test}: {e}"))?;
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        let alone = "one alone: TEEM_SEED=N cargo test";
        if output.status.success() { Ok(said) } else { Err(format!("{said}\n{alone} -p {package} --test {test}")) }
    }

    fn cuts(&self, turn: u64, counts: &mut Counts) -> Result<(), String> {
        for test in ["power", "power_selection"] {
            self.run("teem-disk", test, turn * CUT_SEEDS, CUT_SEEDS)?;
        }
        counts.cuts += CUT_SEEDS * CUTS_PER_SEED;
        Ok(())
    }

    fn lives(&self, turn: u64, counts: &mut Counts) -> Result<(), String> {
        let said = self.run("teem-client", "unsteady", turn * LIVES + 1, LIVES)?;
        let line = said.lines().find_map(|line| line.split_once("figure: lives ")).map(|(_, rest)| rest);
        let mut figures =
            line.unwrap_or_default().split(|c: char| !c.is_ascii_digit()).filter_map(|n| n.parse::<u64>().ok());
        for count in [&mut counts.lives, &mut counts.errors, &mut counts.short, &mut counts.delays, &mut counts.cuts] {
            *count += figures.next().ok_or("the clients' test told no figures")?;
        }
        Ok(())
    }
}

/// A seed and a download, either killed at random moments and started again, until the download has ended: then all must be there.
fn kills(teem: &Path, turn: u64, counts: &mut Counts) -> Result<(), Failed> {
    let folder = std::env::temp_dir().join(format!("teem-faults-{}", std::process::id()));
    let _ = fs::remove_dir_all(&folder); // of an earlier turn
    fs::create_dir_all(&folder)?;
    let result = killed(teem, &folder, turn, counts);
    if result.is_ok() {
        fs::remove_dir_all(&folder)?;
    }
    result.map_err(|e| Failed::new(format!("{e}; what was there is in {}", folder.display())))
}

fn killed(teem: &Path, folder: &Path, turn: u64, counts: &mut Counts) -> Result<(), Failed> {
    let (content, torrent, out) = (folder.join("content"), folder.join("content.torrent"), folder.join("out"));
    bench::write_content(&content, SIZE)?;
    let command = |args: &[&str]| {
        let mut command = Command::new(teem);
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
    for kill in 1..=KILLS {
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
