//! transmission-daemon 3.00, driven by its RPC. It asks for the first block 11 to 13 s after it starts, accepts one peer
//! an address, and finds peers through trackers only. It makes no files
//! for empty ones.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use super::http;
use super::namespace::Needs;
use super::process::{Process, wait_until};

/// Where its RPC listens, inside the namespace.
const RPC: &str = "127.0.0.1:9091";
/// Starting and checking a few MiB.
const READY: Duration = Duration::from_secs(60);

/// What a test that uses it needs.
pub const NEEDS: Needs = Needs::Command("transmission-daemon", "--version");

/// A running daemon; one a namespace.
pub struct Transmission {
    process: Process,
    session: String,
}

impl Transmission {
    /// Starts it with its configuration in `folder`, on `ip`.
    pub fn start(folder: &Path, ip: &str) -> Self {
        fs::create_dir_all(folder).expect("the folder is writable");
        let settings = json!({
            "bind-address-ipv4": ip, "peer-port": super::PEER_PORT, "port-forwarding-enabled": false,
            "rpc-bind-address": "127.0.0.1", "rpc-port": 9091, "rpc-authentication-required": false,
            "rpc-host-whitelist-enabled": false, "rpc-whitelist-enabled": false,
            "dht-enabled": false, "lpd-enabled": false, "pex-enabled": false, "utp-enabled": false, "encryption": 0,
            "ratio-limit-enabled": false, "idle-seeding-limit-enabled": false, "download-queue-enabled": false,
            "queue-stalled-enabled": false, "rename-partial-files": false, "message-level": 2,
        });
        fs::write(folder.join("settings.json"), settings.to_string()).expect("the folder is writable");
        let process = Process::start(Command::new("transmission-daemon").arg("-f").arg("-g").arg(folder));
        let mut daemon = Self { process, session: String::new() };
        wait_until("answer from transmission", READY, || {
            daemon.process.assert_runs();
            daemon.call("session-get", &json!({}))
        });
        daemon
    }

    /// Adds a torrent whose content lies in `data`, has it checked, and seeds it.
    pub fn seed(&mut self, torrent: &Path, data: &Path) {
        self.add(&json!({ "filename": torrent, "download-dir": data, "paused": true }));
        self.call("torrent-verify", &json!({ "ids": [1] })).expect("transmission checks");
        wait_until("check by transmission", READY, || {
            let state = self.state();
            (state["status"] == 0 && state["leftUntilDone"] == 0 && state["sizeWhenDone"] != 0).then_some(())
        });
        self.call("torrent-start-now", &json!({ "ids": [1] })).expect("transmission starts");
    }

    /// Downloads `link` (a path or a magnet) into `out`.
    pub fn get(&mut self, link: &str, out: &Path) {
        self.add(&json!({ "filename": link, "download-dir": out }));
    }

    /// Waits until all is there and verified.
    pub fn wait_complete(&mut self, limit: Duration) {
        wait_until("complete download by transmission", limit, || {
            self.process.assert_runs();
            let state = self.state();
            let whole = state["metadataPercentComplete"] == 1 || state["metadataPercentComplete"] == 1.0;
            let complete = state["leftUntilDone"] == 0 && state["haveUnchecked"] == 0 && state["sizeWhenDone"] != 0;
            let resting = [0, 5, 6].iter().any(|&status| state["status"] == status);
            (whole && complete && resting).then_some(())
        });
    }

    fn add(&mut self, arguments: &Value) {
        let answer = self.call("torrent-add", arguments).expect("transmission answers");
        assert!(answer["arguments"]["torrent-added"].is_object(), "torrent-add {arguments}: {answer}");
    }

    /// Its only torrent.
    fn state(&mut self) -> Value {
        let fields = [
            "status",
            "leftUntilDone",
            "haveUnchecked",
            "sizeWhenDone",
            "metadataPercentComplete",
            "errorString",
            "peersConnected",
        ];
        let answer = self.call("torrent-get", &json!({ "fields": fields })).expect("transmission answers");
        answer["arguments"]["torrents"][0].clone()
    }

    fn call(&mut self, method: &str, arguments: &Value) -> Option<Value> {
        let body = json!({ "method": method, "arguments": arguments }).to_string();
        for _ in 0..2 {
            let headers = [("X-Transmission-Session-Id", self.session.as_str())];
            let answer = http::request(RPC, "/transmission/rpc", &headers, Some(&body)).ok()?;
            if answer.status == 409 {
                self.session = answer.header("X-Transmission-Session-Id")?.to_string();
                continue;
            }
            return serde_json::from_slice(&answer.body).ok();
        }
        None
    }
}
