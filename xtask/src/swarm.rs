//! `bench swarm`: one seed and downloaders of any clients in a network of their own, all with the same upload limit. Printed:
//! how many copies the seed sent until every block had left it once, how long it took over the bound, and whether anybody
//! was faster than the limits allow.
pub mod clients;

use crate::bench::{self, Failed};
use clients::{Common, Kind, Running, http};
use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Set inside the namespace: the binary to measure.
const INSIDE: &str = "TEEM_BENCH_TEEM";
/// Where our own tracker listens.
const TRACKER: ([u8; 4], u16) = ([198, 18, 0, 1], 6969);
/// How often everything is looked at.
const EVERY: Duration = Duration::from_millis(50);
/// Bytes are compared with the limits over so long.
const WINDOW: Duration = Duration::from_secs(2);
/// The longest a swarm may take: so many times the bound, and half a minute.
const PATIENCE: u32 = 12;

/// What is to be measured.
pub struct Wishes {
    seed: Kind,
    get: Vec<(String, Kind)>,
    size: u64,
    rate: u64,
}

impl Wishes {
    /// Reads the words after `bench swarm`.
    pub fn read(args: &[&str]) -> Option<Self> {
        let mut wishes = Self { seed: Kind::Teem, get: Vec::new(), size: 64 << 20, rate: 4 << 20 };
        for pair in args.chunks(2) {
            let [name, value] = pair else { return None };
            match *name {
                "--seed" => wishes.seed = Kind::named(value)?,
                "--size" => wishes.size = value.parse::<u64>().ok().filter(|n| *n > 0)? << 20,
                "--rate" => wishes.rate = value.parse::<u64>().ok().filter(|n| *n > 0)? << 20,
                "--get" => {
                    for part in value.split(',') {
                        let (name, count) = part.split_once(':').unwrap_or((part, "1"));
                        let count: usize = count.parse().ok()?;
                        wishes.get.extend(std::iter::repeat_n((name.to_owned(), Kind::named(name)?), count));
                    }
                }
                _ => return None,
            }
        }
        (!wishes.get.is_empty()).then_some(wishes)
    }

    /// Kumar and Ross: no faster than the seed sends one copy, nor than all lines together send all copies.
    fn bound(&self) -> f64 {
        let (size, count) = (self.size as f64, self.get.len() as f64);
        (size / self.rate as f64).max(count * size / ((count + 1.0) * self.rate as f64))
    }
}

/// Builds the release binary in `root` and measures inside a network namespace; returns the text to print.
pub fn run(root: &Path, args: &[&str]) -> Result<String, Failed> {
    let Some(wishes) = Wishes::read(args) else {
        return Err(Failed::new("bench swarm: these words mean nothing".into()));
    };
    if let Some(teem) = std::env::var_os(INSIDE) {
        let folder = std::env::temp_dir().join(format!("teem-swarm-{}", std::process::id()));
        fs::create_dir_all(&folder)?;
        let told = measure(&wishes, Path::new(&teem), &folder);
        let _ = fs::remove_dir_all(&folder);
        return told;
    }
    let teem = bench::built(root)?;
    let can = |way: &[&str]| {
        let tried = Command::new("unshare").args(way).arg("true").stderr(Stdio::null()).status();
        tried.is_ok_and(|status| status.success())
    };
    let ways: [&[&str]; 2] = [
        &["-n", "-p", "-f", "--mount-proc", "--kill-child"],
        &["-r", "-n", "-p", "-f", "--mount-proc", "--kill-child"],
    ];
    let Some(way) = ways.into_iter().find(|way| can(way)) else {
        return Err(Failed::new("no network namespace can be made (unshare -n)".into()));
    };
    let setup = "ip link set lo up && ip address add 198.18.0.1/15 dev lo && exec \"$@\"";
    let mut inner = Command::new("unshare");
    inner.args(way).args(["sh", "-c", setup, "sh"]).arg(std::env::current_exe()?).args(["bench", "swarm"]).args(args);
    let output = inner.env(INSIDE, teem).stderr(Stdio::inherit()).output()?;
    if !output.status.success() {
        return Err(Failed::new(format!("the swarm was not measured: {}", output.status)));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn measure(wishes: &Wishes, teem: &Path, folder: &Path) -> Result<String, Failed> {
    let data = folder.join("data");
    fs::create_dir_all(&data)?;
    bench::write_content(&data.join("content.bin"), wishes.size)?;
    let torrent = folder.join("content.torrent");
    let tracker = SocketAddr::from(TRACKER);
    let run = |args: &[&str]| {
        let mut command = Command::new(teem);
        command.args(args).env("HOME", folder).env("XDG_STATE_HOME", folder.join("state")).stdin(Stdio::null());
        command
    };
    let (content, file) = (data.join("content.bin").display().to_string(), torrent.display().to_string());
    let url = format!("http://{tracker}/announce");
    let made = run(&["create", &content, "-o", &file, "--tracker", &url, "--json"]).output()?;
    let made = String::from_utf8_lossy(&made.stdout).into_owned();
    let hash = made.split("\"infohash_v1\":\"").nth(1).and_then(|rest| rest.get(..40));
    let hash = hash.ok_or_else(|| Failed::new(format!("no torrent was made: {made}")))?;
    let http_at = tracker.to_string();
    let mut tracking =
        run(&["track", "--http", &http_at, "--udp", &http_at]).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    let told = in_swarm(wishes, &Common { teem, torrent: &torrent, up: wishes.rate }, folder, &data, hash);
    let _ = tracking.kill();
    let _ = tracking.wait();
    told
}

fn in_swarm(wishes: &Wishes, common: &Common<'_>, folder: &Path, data: &Path, hash: &str) -> Result<String, Failed> {
    let seed = Running::start(common, wishes.seed, 0, &folder.join("seed"), data, true)?;
    until("the seed is not known to the tracker", Instant::now() + Duration::from_secs(60), || Ok(seeds(hash) > 0))?;
    let begun = Instant::now();
    let limit = Duration::from_secs_f64(wishes.bound()) * PATIENCE + Duration::from_secs(30);
    let mut clients = Vec::new();
    for (i, (_, kind)) in wishes.get.iter().enumerate() {
        let home = folder.join(format!("get{i}"));
        clients.push(Running::start(common, *kind, i as u16 + 1, &home, &home.join("out"), false)?);
    }
    let mut done: Vec<Option<Duration>> = vec![None; clients.len()];
    let (mut sent, mut carried) = (BTreeMap::new(), Vec::new());
    let waited = until("some did not finish", begun + limit, || {
        carried.push((begun.elapsed(), loopback()?));
        put_on_lines(seed.id(), &mut sent)?;
        for (client, done) in clients.iter_mut().zip(&mut done) {
            if done.is_none() && client.is_whole()? {
                *done = Some(begun.elapsed());
            }
        }
        Ok(done.iter().all(Option::is_some))
    });
    let finished = done.iter().flatten().count();
    if let Err(why) = waited {
        return Err(Failed::new(format!("{why}: {finished} of {} had", done.len())));
    }
    for i in 0..clients.len() {
        if fs::read(data.join("content.bin"))? != fs::read(folder.join(format!("get{i}/out/content.bin")))? {
            return Err(Failed::new("what arrived differs from what was sent".into()));
        }
    }
    let makespan = done.iter().flatten().max().copied().unwrap_or_default().as_secs_f64();
    let total: u64 = sent.values().sum();
    let copies = |bytes: u64| bytes as f64 / wishes.size as f64;
    // The source tells this when its last piece is confirmed, up to two seconds after it left.
    let _ = until("", Instant::now() + 2 * WINDOW, || Ok(wishes.seed != Kind::Teem || all_out(&seed.log()).is_some()));
    let first = all_out(&seed.log()).map_or_else(|| "-".to_owned(), |bytes| format!("{:.3}", copies(bytes)));
    let limits = wishes.rate as f64 * (wishes.get.len() + 1) as f64;
    Ok(format!(
        "copies until all out {first}, in all {:.2}; makespan {makespan:.1} s, {:.2} times the bound; busiest {} s {:.2} of the limits\n",
        copies(total),
        makespan / wishes.bound(),
        WINDOW.as_secs(),
        busiest(&carried) / limits
    ))
}

/// The bytes in the last `all_out` that the log tells.
fn all_out(log: &str) -> Option<u64> {
    let line = log.lines().rev().find(|line| line.contains("\"all_out\""))?;
    let digits: String = line.split("\"sent\":").nth(1)?.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

/// How many seeds the tracker knows.
fn seeds(hash: &str) -> u64 {
    let escaped: String = hash.as_bytes().chunks(2).flat_map(|pair| ['%', pair[0] as char, pair[1] as char]).collect();
    let answer = http(SocketAddr::from(TRACKER), &format!("/scrape?info_hash={escaped}")).unwrap_or_default();
    let digits = answer.split("8:completei").nth(1).map(|rest| rest.chars().take_while(char::is_ascii_digit).collect());
    digits.and_then(|digits: String| digits.parse().ok()).unwrap_or(0)
}

/// Bytes that a process has put on its TCP connections, each as last seen; payload and messages.
fn put_on_lines(id: u32, sent: &mut BTreeMap<String, u64>) -> Result<(), Failed> {
    let output = Command::new("ss").args(["-tinpH"]).output()?;
    let (mut line, tag) = (None, format!("pid={id},"));
    for text in String::from_utf8_lossy(&output.stdout).lines() {
        if text.starts_with(char::is_whitespace) {
            let bytes = text.split("bytes_sent:").nth(1).and_then(|rest| rest.split_whitespace().next()?.parse().ok());
            if let (Some(line), Some(bytes)) = (line.take(), bytes) {
                sent.insert(line, bytes);
            }
        } else {
            let ends = text.split_whitespace().skip(3).take(2).collect::<Vec<_>>().join(" ");
            line = text.contains(&tag).then_some(ends);
        }
    }
    Ok(())
}

/// Bytes that the namespace's loopback has carried, with headers.
fn loopback() -> Result<u64, Failed> {
    let devices = fs::read_to_string(PathBuf::from("/proc/net/dev"))?;
    let line = devices.lines().find_map(|line| line.trim_start().strip_prefix("lo:"));
    Ok(line.and_then(|rest| rest.split_whitespace().next()?.parse().ok()).unwrap_or(0))
}

/// The most bytes a second over a window.
fn busiest(carried: &[(Duration, u64)]) -> f64 {
    let mut most: f64 = 0.0;
    let mut from = 0;
    for (at, bytes) in carried {
        while carried[from].0 + WINDOW < *at {
            from += 1;
        }
        most = most.max((bytes - carried[from].1) as f64 / WINDOW.as_secs_f64());
    }
    most
}

fn until(what: &str, end: Instant, mut there: impl FnMut() -> Result<bool, Failed>) -> Result<(), Failed> {
    while !there()? {
        if Instant::now() >= end {
            return Err(Failed::new(what.to_owned()));
        }
        std::thread::sleep(EVERY);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read() {
        let wishes = Wishes::read(&["--seed", "aria2", "--get", "teem:4,rqbit", "--size", "1", "--rate", "2"]).unwrap();
        assert_eq!((wishes.seed, wishes.get.len(), wishes.size, wishes.rate), (Kind::Aria2, 5, 1 << 20, 2 << 20));
        assert!((wishes.bound() - 0.5).abs() < 1e-9);
        for wrong in [&["--get"][..], &["--get", "nobody:2"], &["--seed", "teem"], &["--get", "teem", "--size", "0"]] {
            assert!(Wishes::read(wrong).is_none(), "{wrong:?}");
        }
    }

    #[test]
    fn the_busiest_window_is_found() {
        let at = |seconds: u64, bytes| (Duration::from_secs(seconds), bytes);
        assert!((busiest(&[at(0, 0), at(2, 10), at(4, 40), at(6, 50)]) - 15.0).abs() < 1e-9);
        assert_eq!(all_out("x\n{\"event\":\"all_out\",\"sent\":12}\ny"), Some(12));
    }
}
