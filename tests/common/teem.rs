//! Teem itself, as a user starts it: the binary with `--json`, on an address of its own and with a state folder of its
//! own.

use std::ops::{Deref, DerefMut};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use super::process::Process;
use super::{PEER_PORT, TEEM_IP, TRACKER_IP, TRACKER_PORT};

/// Starting, and checking a few MiB in a debug build.
const READY: Duration = Duration::from_secs(60);

/// A running Teem.
pub struct Teem(Process);

impl Deref for Teem {
    type Target = Process;

    fn deref(&self) -> &Process {
        &self.0
    }
}

impl DerefMut for Teem {
    fn deref_mut(&mut self) -> &mut Process {
        &mut self.0
    }
}

impl Teem {
    /// Any subcommand; `home` holds its saved state.
    pub fn command(home: &Path, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_teem"));
        command.args(args).env("TEEM_NO_LSD", "1").env("HOME", home).env("XDG_STATE_HOME", home.join("state"));
        // No test asks anybody beyond this machine; one that wants the DHT takes this away and names its nodes.
        command.env("TEEM_NO_DHT", "1");
        command
    }

    /// Starts a subcommand with `--json` and waits for its first line.
    pub fn start(home: &Path, args: &[&str]) -> Self {
        let mut teem = Self(Process::start(Self::command(home, args).arg("--json")));
        teem.wait_event("listening", READY);
        teem
    }

    /// The same with the DHT, whose first nodes `args` name, or nobody does.
    pub fn start_in_dht(home: &Path, args: &[&str]) -> Self {
        let mut command = Self::command(home, args);
        let mut teem = Self(Process::start(command.env_remove("TEEM_NO_DHT").arg("--json")));
        teem.wait_event("listening", READY);
        teem
    }

    /// The same with another program around it: `wrapper` and, behind its arguments, the binary and its own.
    pub fn start_under(wrapper: &[&str], home: &Path, args: &[&str]) -> Self {
        let inner = Self::command(home, args);
        let mut command = Command::new(wrapper[0]);
        command.args(&wrapper[1..]).arg(inner.get_program()).args(inner.get_args()).arg("--json");
        command.envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let mut teem = Self(Process::start(&mut command));
        teem.wait_event("listening", READY);
        teem
    }

    /// `teem seed` on [`TEEM_IP`]; `data` is the folder that holds the content.
    pub fn seed(home: &Path, torrent: &Path, data: &Path) -> Self {
        let listen = format!("{TEEM_IP}:{PEER_PORT}");
        let (torrent, data) = (torrent.to_string_lossy(), data.to_string_lossy());
        Self::start(home, &["seed", &torrent, "--data", &data, "--listen", &listen])
    }

    /// `teem get` on [`TEEM_IP`] of a link into `out`.
    pub fn get(home: &Path, link: &str, out: &Path, more: &[&str]) -> Self {
        let listen = format!("{TEEM_IP}:{PEER_PORT}");
        let out = out.to_string_lossy();
        let mut args = vec!["get", link, "-o", &out, "--listen", &listen];
        args.extend(more);
        Self::start(home, &args)
    }

    /// `teem track` on [`TRACKER_IP`], both protocols.
    pub fn track(home: &Path) -> Self {
        let address = format!("{TRACKER_IP}:{TRACKER_PORT}");
        Self::start(home, &["track", "--http", &address, "--udp", &address])
    }

    /// Waits for the JSON line with this `event`.
    pub fn wait_event(&mut self, event: &str, limit: Duration) -> Value {
        self.0.wait_line(&format!("event {event}"), limit, |line| {
            let value: Value = serde_json::from_str(line).ok()?;
            (value["event"] == event).then_some(value)
        })
    }

    /// Waits until it ends by itself with exit code 0.
    pub fn wait_complete(&mut self, limit: Duration) {
        let status = self.0.wait_exit(limit);
        assert!(status.success(), "teem: {status}");
    }

    /// All lines with this `event` so far, waited for or not.
    pub fn events(&self, event: &str) -> Vec<Value> {
        let log = self.0.log();
        let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        lines.filter(|value| value["event"] == event).collect()
    }
}
