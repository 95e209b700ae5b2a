//! aria2 1.36: one process a torrent. It dials with MSE first, and bans an address after one bad piece.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use super::namespace::Needs;
use super::process::{Process, wait_until};

/// What a test that uses it needs.
pub const NEEDS: Needs = Needs::Command("aria2c", "--version");

/// A running download or seed.
pub struct Aria2(Process);

impl Aria2 {
    /// Checks what lies in `data` and seeds it.
    pub fn seed(torrent: &Path, data: &Path, ip: &str) -> Self {
        Self::start(&torrent.to_string_lossy(), data, ip, &["--check-integrity=true", "--seed-ratio=0.0"])
    }

    /// Downloads `link` (a path or a magnet) into `out` and ends then.
    pub fn get(link: &str, out: &Path, ip: &str) -> Self {
        Self::start(link, out, ip, &["--seed-time=0"])
    }

    /// Downloads into `home`/out and goes on giving, at most `up` bytes a second; [`Self::wait_whole`] tells the end.
    pub fn stay(link: &str, home: &Path, ip: &str, up: u64) -> Self {
        fs::create_dir_all(home).expect("the folder is writable");
        let hook = home.join("hook");
        fs::write(&hook, format!("#!/bin/sh\n: > '{}'\n", home.join("whole").display())).expect("it is writable");
        fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).expect("own file");
        let (limit, hook) =
            (format!("--max-upload-limit={up}"), format!("--on-bt-download-complete={}", hook.display()));
        Self::start(link, &home.join("out"), ip, &["--seed-ratio=0.0", &limit, &hook])
    }

    /// Waits until what [`Self::stay`] downloads into `home` is whole.
    pub fn wait_whole(&mut self, home: &Path, limit: Duration) {
        let process = &mut self.0;
        wait_until("whole download by aria2", limit, || {
            process.assert_runs();
            home.join("whole").exists().then_some(())
        });
    }

    fn start(link: &str, folder: &Path, ip: &str, more: &[&str]) -> Self {
        let mut command = Command::new("aria2c");
        command.args(["--no-conf", "--console-log-level=notice", "--summary-interval=0"]);
        command.args(["--enable-dht=false", "--enable-dht6=false", "--disable-ipv6=true", "--bt-enable-lpd=false"]);
        command.args(["--enable-peer-exchange=false", "--bt-max-peers=0", "--file-allocation=none"]);
        command.args(["--allow-overwrite=true", "--bt-tracker-interval=5", &format!("--interface={ip}")]);
        command.arg(format!("--listen-port={}", super::PEER_PORT)).args(more);
        command.arg("--dir").arg(folder).arg(link);
        Self(Process::start(&mut command))
    }

    /// Waits until the download is whole and the program has ended.
    pub fn wait_complete(&mut self, limit: Duration) {
        let status = self.0.wait_exit(limit);
        assert!(status.success(), "aria2: {status}\n{}", self.0.log());
    }
}
