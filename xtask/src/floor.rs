//! `bench floor`: one seed to one downloader over loopback by the smallest program that could do it (`crates/disk/examples/floor.rs`),
//! by Teem, and by libtorrent where Python has it; in turns, so that what else the machine does hits all alike.
//!
//! Counted are the processor's seconds of each process, which hold on a machine that is shared; the wall's are told too.
use crate::bench::{self, Failed, Running};
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// The longest that one download may take.
const PATIENCE: Duration = Duration::from_secs(600);
/// How often it is looked whether a program has ended.
const EVERY: Duration = Duration::from_millis(2);
/// Ticks in a second of `/proc`'s times, on every Linux.
const TICKS: f64 = 100.0;
/// A session with one torrent: mode, torrent, folder, port, and the port of the peer to connect to, if any. Says `ready` when a
/// seed has checked its content, and `done` when a download is whole and written.
const LIBTORRENT: &str = r#"
import sys, libtorrent as lt
mode, torrent, folder, port, peer = sys.argv[1:]
session = lt.session({"listen_interfaces": f"127.0.0.1:{port}", "enable_dht": False, "enable_lsd": False, "enable_upnp": False,
    "enable_natpmp": False, "enable_incoming_utp": False, "enable_outgoing_utp": False, "hashing_threads": 2,
    "out_enc_policy": int(lt.enc_policy.disabled), "alert_mask": lt.alert.category_t.status_notification | lt.alert.category_t.storage_notification})
params = lt.add_torrent_params()
params.ti, params.save_path = lt.torrent_info(torrent), folder
params.flags &= ~(lt.torrent_flags.auto_managed | lt.torrent_flags.paused)
handle = session.add_torrent(params)
if peer:
    handle.connect_peer(("127.0.0.1", int(peer)))
whole = False
while True:
    session.wait_for_alert(1000)
    alerts = session.pop_alerts()
    if any(isinstance(alert, lt.torrent_finished_alert) for alert in alerts):
        whole = True
    if whole and mode == "seed":
        print("ready", flush=True)
    elif whole and any(isinstance(alert, lt.cache_flushed_alert) for alert in alerts):
        print("done", flush=True)
    elif whole:
        # Asked again when the word of an earlier flush came before the end.
        handle.flush_cache()
"#;

/// What one pair used, in seconds, and its peaks of memory in MiB.
struct Pair {
    wall: f64,
    seed: f64,
    get: f64,
    seed_mib: f64,
    get_mib: f64,
}

/// Runs one pair.
type Program = fn(&Bench) -> Result<Pair, Failed>;

/// What all runs share.
struct Bench {
    teem: PathBuf,
    floor: PathBuf,
    folder: PathBuf,
    mib: u64,
}

/// Measures `[--reps N] [--size MIB] [--teem BINARY]`; returns the table.
pub fn run(root: &Path, words: &[&str]) -> Result<String, Failed> {
    let (mut reps, mut mib, mut named) = (5, 2048, None);
    for pair in words.chunks(2) {
        match pair {
            ["--teem", binary] => named = Some(PathBuf::from(binary)),
            ["--reps", n] => reps = number(n)?,
            ["--size", n] => mib = number(n)?,
            _ => return Err(Failed::new("bench floor: these words mean nothing".into())),
        }
    }
    let teem = named.map_or_else(|| bench::built(root), Ok)?;
    let build = ["build", "--quiet", "--release", "--locked", "-p", "teem-disk", "--example", "floor"];
    if !Command::new("cargo").args(build).current_dir(root).status()?.success() {
        return Err(Failed::new("the release build failed".into()));
    }
    let folder = std::env::temp_dir().join(format!("teem-floor-{}", std::process::id()));
    fs::create_dir_all(&folder)?;
    let bench = Bench { teem, floor: bench::release(root).join("examples/floor"), folder, mib };
    let table = bench.table(reps as usize);
    let _ = fs::remove_dir_all(&bench.folder);
    table
}

fn number(text: &str) -> Result<u64, Failed> {
    text.parse().map_err(|_| Failed::new(format!("bench floor: {text} is no number")))
}

impl Bench {
    fn table(&self, reps: usize) -> Result<String, Failed> {
        bench::write_content(&self.content(), self.mib << 20)?;
        let made =
            self.teem(&["create", "--piece-size", "1MiB", "-o"]).arg(self.torrent()).arg(self.content()).status()?;
        if !made.success() {
            return Err(Failed::new("no torrent was made".into()));
        }
        let mut programs: Vec<(&str, Program)> = vec![("floor", Self::by_floor), ("teem", Self::by_teem)];
        if python().is_some() {
            programs.push(("libtorrent", Self::by_libtorrent));
        }
        let mut pairs: Vec<Vec<Pair>> = programs.iter().map(|_| Vec::new()).collect();
        for _ in 0..reps {
            for ((name, program), pairs) in programs.iter().zip(&mut pairs) {
                let _ = fs::remove_dir_all(self.out());
                fs::create_dir_all(self.out())?;
                pairs.push(program(self)?);
                if !same(&self.content(), &self.out().join("content.bin")).unwrap_or(false) {
                    return Err(Failed::new(format!("{name}: what arrived differs from what was sent")));
                }
            }
        }
        let mut text = format!("{} MiB, {reps} turns; median (least to most)\n", self.mib);
        let _ = writeln!(text, "| program | wall s | seed CPU s | get CPU s | both, ns/B | seed MiB | get MiB |");
        let _ = writeln!(text, "|---|---|---|---|---|---|---|");
        for ((name, _), pairs) in programs.iter().zip(&pairs) {
            let column = |of: fn(&Pair) -> f64| spread(pairs.iter().map(of).collect());
            let bytes = (self.mib << 20) as f64;
            let both = spread(pairs.iter().map(|p| (p.seed + p.get) * 1e9 / bytes).collect());
            let _ = writeln!(
                text,
                "| {name} | {} | {} | {} | {both} | {} | {} |",
                column(|p| p.wall),
                column(|p| p.seed),
                column(|p| p.get),
                column(|p| p.seed_mib),
                column(|p| p.get_mib),
            );
        }
        Ok(text)
    }

    fn content(&self) -> PathBuf {
        self.folder.join("content.bin")
    }

    fn torrent(&self) -> PathBuf {
        self.folder.join("content.torrent")
    }

    fn out(&self) -> PathBuf {
        self.folder.join("out")
    }

    fn teem(&self, args: &[&str]) -> Command {
        let mut command = Command::new(&self.teem);
        command.env("TEEM_NO_DHT", "1"); // peers come from where the measurement says
        command.args(args).env("HOME", &self.folder).env("XDG_STATE_HOME", self.out().join("state"));
        command
    }

    fn by_floor(&self) -> Result<Pair, Failed> {
        let mut seed = Command::new(&self.floor);
        seed.arg("seed").arg(self.content());
        let (seed, said) = started(seed)?;
        let mut get = Command::new(&self.floor);
        let bytes = (self.mib << 20).to_string();
        get.args(["get", said.trim(), &bytes]).arg(self.out().join("content.bin"));
        to_end(&seed, get)
    }

    fn by_teem(&self) -> Result<Pair, Failed> {
        let mut seed = self.teem(&["seed", "--json", "--listen", "127.0.0.1:0", "--data"]);
        seed.arg(&self.folder).arg(self.torrent()).env("XDG_STATE_HOME", self.folder.join("state"));
        let (seed, said) = started(seed)?;
        let peer = format!("127.0.0.1:{}", bench::port(&said)?);
        let mut get = self.teem(&["get", "--listen", "127.0.0.1:0", "--peer", &peer, "-o"]);
        get.arg(self.out()).arg(self.torrent());
        to_end(&seed, get)
    }

    fn by_libtorrent(&self) -> Result<Pair, Failed> {
        let command = |mode: &str, folder: &Path, port: u16, peer: String| {
            let mut command = Command::new(python().unwrap_or_default());
            command.args(["-W", "ignore", "-c", LIBTORRENT, mode]).arg(self.torrent()).arg(folder);
            command.args([port.to_string(), peer]);
            command
        };
        let (seed_port, get_port) = (free_port()?, free_port()?);
        let (seed, _) = started(command("seed", &self.folder, seed_port, String::new()))?;
        to_end(&seed, command("get", &self.out(), get_port, seed_port.to_string()))
    }
}

/// The Python that has libtorrent, itself and not a script that looks for it, which would count too.
fn python() -> Option<String> {
    let asked = Command::new("python3").args(["-c", "import libtorrent, sys; print(sys.executable)"]).output().ok()?;
    asked.status.success().then(|| String::from_utf8_lossy(&asked.stdout).trim().to_owned())
}

/// Starts a program and waits for the first line that it prints; the rest is read and dropped.
fn started(mut command: Command) -> Result<(Running, String), Failed> {
    let mut running = Running(command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?);
    let Some(output) = running.0.stdout.take() else { return Err(Failed::new("a seed without output".into())) };
    let mut output = BufReader::new(output);
    let mut said = String::new();
    output.read_line(&mut said)?;
    std::thread::spawn(move || io::copy(&mut output, &mut io::sink()));
    Ok((running, said))
}

/// Runs a downloader until it ends or says `done`, and tells what it and its seed used.
fn to_end(seed: &Running, mut get: Command) -> Result<Pair, Failed> {
    let (seed_before, begun) = (used(seed.0.id()), Instant::now());
    let mut get = Running(get.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?);
    let Some(mut output) = get.0.stdout.take() else { return Err(Failed::new("a downloader without output".into())) };
    let lines = std::thread::spawn(move || {
        let mut said = [0; 4096];
        // `done` comes by itself in a line of its own; who ends instead closes its output.
        while let Ok(len) = output.read(&mut said) {
            if len == 0 || said[..len].windows(5).any(|word| word == b"done\n") {
                return;
            }
        }
    });
    let (mut seed_mib, mut get_mib) = (0.0, 0.0);
    while !lines.is_finished() {
        seed_mib = f64::max(seed_mib, bench::peak_kib(seed.0.id()) as f64 / 1024.0);
        get_mib = f64::max(get_mib, bench::peak_kib(get.0.id()) as f64 / 1024.0);
        std::thread::sleep(EVERY);
        if begun.elapsed() > PATIENCE {
            return Err(Failed::new("a download does not end".into()));
        }
    }
    let wall = begun.elapsed().as_secs_f64();
    // The figures of one that has ended stay until it is waited for.
    Ok(Pair { wall, seed: used(seed.0.id()) - seed_before, get: used(get.0.id()), seed_mib, get_mib })
}

/// Seconds that a process has used, user and system, of all its threads; also when it has ended and nobody has waited.
pub(crate) fn used(id: u32) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks = after_name.split_whitespace().skip(11).take(2).filter_map(|field| field.parse::<f64>().ok());
    ticks.sum::<f64>() / TICKS
}

fn free_port() -> io::Result<u16> {
    Ok(std::net::TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

/// Whether two files have the same content.
fn same(left: &Path, right: &Path) -> io::Result<bool> {
    let (mut left, mut right) = (File::open(left)?, File::open(right)?);
    if left.metadata()?.len() != right.metadata()?.len() {
        return Ok(false);
    }
    let (mut a, mut b) = (vec![0; 1 << 20], vec![0; 1 << 20]);
    loop {
        let len = left.read(&mut a)?;
        right.read_exact(&mut b[..len])?;
        if len == 0 || a[..len] != b[..len] {
            return Ok(len == 0);
        }
    }
}

/// The median, with the least and the most.
pub(crate) fn spread(mut figures: Vec<f64>) -> String {
    figures.sort_by(f64::total_cmp);
    match (figures.first(), figures.get(figures.len() / 2), figures.last()) {
        (Some(least), Some(median), Some(most)) => format!("{median:.2} ({least:.2} to {most:.2})"),
        _ => String::new(),
    }
}
