//! One swarm, measured: in a network namespace that holds 198.18.0.0/15, an address for each client.
use super::clients::{Common, Kind};
use super::lines::Lines;
use super::outcome::Outcome;
use super::wishes::Wishes;
use crate::bench::{self, Failed};
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use teem_rig::client::Running;
use teem_rig::setting::{Protocol, Role};
use teem_rig::tracker::Swarm;

/// Where our own tracker listens.
const TRACKER: ([u8; 4], u16) = ([198, 18, 0, 1], 6969);
/// How often everything is looked at.
const EVERY: Duration = Duration::from_millis(50);
/// Bytes are compared with the limits over so long.
const WINDOWS: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(2)];
/// The longest a swarm may take: so many times the bound, and half a minute.
const PATIENCE: u32 = 12;
/// How long a Teem may take to tell that its last piece is confirmed, once all are done.
const CONFIRMED: Duration = Duration::from_secs(4);

/// Measures with that binary of Teem; `folder` is for all that is written.
pub(super) fn measure(wishes: &Wishes, teem: &Path, folder: &Path) -> Result<Outcome, Failed> {
    let data = folder.join("data");
    fs::create_dir_all(&data)?;
    bench::write_content(&data.join("content.bin"), wishes.size)?;
    let torrent = folder.join("content.torrent");
    let tracker = SocketAddr::from(TRACKER);
    let run = |args: &[&str]| {
        let mut command = Command::new(teem);
        command.env("TEEM_NO_DHT", "1"); // peers come from where the measurement says
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

fn in_swarm(wishes: &Wishes, common: &Common<'_>, folder: &Path, data: &Path, hash: &str) -> Result<Outcome, Failed> {
    let seed = common.start(wishes.seed, 0, &folder.join("seed"), data, Role::Seeds)?;
    let at = SocketAddr::from(TRACKER);
    Swarm { protocol: Protocol::Http, at, info_hash: hash.to_owned() }.wait_seed(Duration::from_secs(60));
    let begun = Instant::now();
    let limit = Duration::from_secs_f64(wishes.bound()) * PATIENCE + Duration::from_secs(30);
    let mut clients = Vec::new();
    for (i, kind) in wishes.get.iter().enumerate() {
        let home = folder.join(format!("get{i}"));
        clients.push(common.start(*kind, i as u16 + 1, &home, &home.join("out"), Role::Gets)?);
    }
    let mut done: Vec<Option<Duration>> = vec![None; clients.len()];
    let ids = std::iter::once(&seed).chain(&clients).map(|client: &Running| client.process.id()).collect();
    let mut lines = Lines::of(ids, begun);
    until(begun + limit, || {
        lines.look()?;
        for (client, done) in clients.iter_mut().zip(&mut done) {
            if done.is_none() && client.is_whole() {
                *done = Some(begun.elapsed());
            }
        }
        Ok(done.iter().all(Option::is_some))
    })?;
    let (end, free) = (begun.elapsed(), lines.free());
    let content = fs::read(data.join("content.bin"))?;
    for (i, _) in done.iter().enumerate().filter(|(_, done)| done.is_some()) {
        if content != fs::read(folder.join(format!("get{i}/out/content.bin")))? {
            return Err(Failed::new("what arrived differs from what was sent".into()));
        }
    }
    let copies = |bytes: u64| bytes as f64 / wishes.size as f64;
    until(Instant::now() + CONFIRMED, || Ok(wishes.seed != Kind::Teem || all_out(&seed.process.log()).is_some()))?;
    Ok(Outcome {
        first: all_out(&seed.process.log()).map(copies),
        copies: copies(lines.total(0)),
        ends: done.iter().flatten().map(Duration::as_secs_f64).collect(),
        count: done.len() as f64,
        bound: wishes.bound(),
        waited: end.as_secs_f64(),
        bursts: WINDOWS.map(|window| lines.busiest(window, wishes.rate)),
        whole: lines.whole(end, wishes.rate),
        free,
    })
}

/// The bytes in the last `all_out` that the log tells.
fn all_out(log: &str) -> Option<u64> {
    let line = log.lines().rev().find(|line| line.contains("\"all_out\""))?;
    let digits: String = line.split("\"sent\":").nth(1)?.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

/// Waits until it is so; whether it came to be so before the end.
fn until(end: Instant, mut so: impl FnMut() -> Result<bool, Failed>) -> Result<bool, Failed> {
    while !so()? {
        if Instant::now() >= end {
            return Ok(false);
        }
        std::thread::sleep(EVERY);
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_all_out_counts() {
        assert_eq!(all_out("x\n{\"event\":\"all_out\",\"sent\":12}\ny"), Some(12));
    }
}
