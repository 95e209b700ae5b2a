//! A daemon at work in a folder: how it is begun, filled, looked at and ended (own design over proc(5)).

use super::api::Api;
use crate::bench::{Failed, Running};
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use teem_rig::torrent::Torrent;

/// The longest that anything may take.
const PATIENCE: Duration = Duration::from_secs(1_800);
/// How often the daemon is asked whether it is done.
const EVERY: Duration = Duration::from_millis(20);
/// Connections that add at once.
pub(super) const ADDERS: usize = 4;

/// A daemon at work in a folder.
pub(super) struct Daemon {
    running: Running,
    pub(super) port: u16,
    /// Seconds from its start until it said that it is ready.
    pub(super) ready: f64,
}

/// Starts a daemon and waits until it says that it is ready.
pub(super) fn start(teem: &Path, folder: &Path) -> Result<Daemon, Failed> {
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
    pub(super) fn id(&self) -> u32 {
        self.running.0.id()
    }

    /// Ends it by a signal; seconds until it has ended.
    pub(super) fn end(mut self, signal: &str) -> Result<f64, Failed> {
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

/// Adds these, each with its .torrent.
pub(super) fn add(socket: &Path, torrents: &[Torrent]) -> Result<(), Failed> {
    let mut api = Api::connect(socket)?;
    for torrent in torrents {
        api.add(&fs::read(&torrent.path)?)?;
    }
    Ok(())
}

/// Waits until so many torrents are complete.
pub(super) fn complete(api: &mut Api, count: usize) -> Result<(), Failed> {
    let begun = Instant::now();
    while begun.elapsed() < PATIENCE {
        if api.seeding()? == count {
            return Ok(());
        }
        std::thread::sleep(EVERY);
    }
    Err(Failed::new(format!("not all of {count} are complete")))
}

/// Bytes of resident memory of a process.
pub(super) fn resident(id: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or(0) << 10
}

/// Descriptors that a process has open.
pub(super) fn descriptors(id: u32) -> Result<usize, Failed> {
    Ok(fs::read_dir(format!("/proc/{id}/fd"))?.count())
}
