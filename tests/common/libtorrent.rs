//! libtorrent 2.1.1 by its Python binding: a short script plays one client with one torrent and tells its state by words
//! on standard output.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::json;

use super::namespace::Needs;
use super::process::Process;

const SCRIPT: &str = include_str!("libtorrent_peer.py");
/// Starting and checking a few MiB.
const READY: Duration = Duration::from_secs(60);

/// What a test that uses it needs.
pub const NEEDS: Needs = Needs::Python("libtorrent");

/// A running session.
pub struct Libtorrent(Process);

impl Libtorrent {
    /// Seeds `torrent`, whose content lies in `data`; returns when it has checked it.
    pub fn seed(torrent: &Path, data: &Path, ip: &str) -> Self {
        Self::start("seed", &torrent.to_string_lossy(), data, ip, &[], 0)
    }

    /// Downloads `link` (a path or a magnet) into `out`, dialling `peers` besides what trackers tell.
    pub fn get(link: &str, out: &Path, ip: &str, peers: &[(&str, u16)]) -> Self {
        Self::start("get", link, out, ip, peers, 0)
    }

    /// Downloads and goes on giving, at most `up` bytes a second.
    pub fn stay(link: &str, out: &Path, ip: &str, up: u64) -> Self {
        Self::start("get", link, out, ip, &[], up)
    }

    fn start(mode: &str, link: &str, folder: &Path, ip: &str, peers: &[(&str, u16)], up: u64) -> Self {
        let job = json!({
            "mode": mode, "link": link, "dir": folder, "ip": ip, "port": super::PEER_PORT, "peers": peers,
            "up": up,
        });
        let mut command = Command::new("python3");
        command.args(["-W", "ignore", "-c", SCRIPT, &job.to_string()]);
        let mut process = Process::start(&mut command);
        process.wait_line("ready session", READY, |line| (line == "ready").then_some(()));
        Self(process)
    }

    /// Waits until all is there, verified and written.
    pub fn wait_complete(&mut self, limit: Duration) {
        self.0.wait_line("complete download", limit, |line| (line == "done").then_some(()));
    }
}
