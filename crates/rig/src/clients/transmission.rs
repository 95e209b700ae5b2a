//! transmission-daemon 3.00, driven by its RPC. It asks for the first block 11 to 13 s after it starts, accepts one peer
//! an address, and finds peers through trackers only. It makes no files for empty ones.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use crate::client::{Client, Job, Running, Seat, Whole, printed_version};
use crate::http;
use crate::namespace::Needs;
use crate::process::wait_until;
use crate::setting::{Asked, Encryption, Family, Protocol, Role};

/// Starting, and as a seed checking what is there.
const READY: Duration = Duration::from_secs(60);
/// The control port that it comes with.
const STOCK_CONTROL: &str = "127.0.0.1:9091";

/// A daemon with one torrent.
#[derive(Clone, Copy, Debug)]
pub struct Transmission;

impl Client for Transmission {
    fn name(&self) -> &'static str {
        "transmission"
    }

    fn needs(&self) -> Needs {
        Needs::Command("transmission-daemon", "--version")
    }

    fn version(&self) -> String {
        printed_version(Command::new("transmission-daemon").arg("--version"))
    }

    fn cannot(&self, asked: Asked) -> Option<&'static str> {
        let udp6 = asked.family == Family::V6 && asked.protocol == Protocol::Udp;
        let renames = asked.odd && asked.role == Role::Seeds;
        let renames = renames.then_some("does not find what it would itself have written under another name");
        udp6.then_some("asks UDP trackers over IPv4 only").or(renames)
    }

    fn knows(&self, encryption: Encryption) -> bool {
        encryption != Encryption::Off
    }

    fn makes_empty_files(&self) -> bool {
        false
    }

    fn start(&self, seat: &Seat, job: &Job<'_>) -> Running {
        let control = seat.control();
        let bind = if seat.family() == Family::V4 { "bind-address-ipv4" } else { "bind-address-ipv6" };
        let encryption = match job.encryption {
            Some(Encryption::Require) => 2,
            Some(Encryption::Prefer) => 1,
            Some(Encryption::Allow | Encryption::Off) | None => 0,
        };
        let settings = json!({
            bind: seat.ip.to_string(), "peer-port": seat.listen().port(), "port-forwarding-enabled": false,
            "rpc-bind-address": "127.0.0.1", "rpc-port": control.port(), "rpc-authentication-required": false,
            "rpc-host-whitelist-enabled": false, "rpc-whitelist-enabled": false,
            "dht-enabled": !job.dht.is_empty(), "lpd-enabled": job.lsd, "pex-enabled": job.pex, "utp-enabled": job.utp, "encryption": encryption,
            "ratio-limit-enabled": false, "idle-seeding-limit-enabled": false, "download-queue-enabled": false,
            "queue-stalled-enabled": false, "rename-partial-files": false, "message-level": 2,
            "peer-limit-per-torrent": 200, "speed-limit-up-enabled": job.up > 0, "speed-limit-up": job.up / 1000,
        });
        fs::write(seat.home.join("settings.json"), settings.to_string()).expect("the folder is writable");
        fs::write(seat.home.join("dht.dat"), known(seat.number, job.dht)).expect("the folder is writable");
        let (running, mut daemon) = daemon(seat, &control.to_string());
        let seeds = job.role == Role::Seeds;
        daemon.add(&json!({ "filename": job.link, "download-dir": job.folder, "paused": seeds }));
        if seeds {
            daemon.check_and_start();
        }
        running
    }
}

/// What it keeps between two runs of the nodes of IPv4 that it knows. Without it, a file of names is read at a pace that takes half a minute more; it announces once it knows nine.
fn known(number: u16, nodes: &[SocketAddr]) -> Vec<u8> {
    let mut list = Vec::new();
    for node in nodes {
        if let SocketAddr::V4(node) = node {
            list.extend(node.ip().octets());
            list.extend(node.port().to_be_bytes());
        }
    }
    [format!("d2:id20:transmission {number:07}5:nodes{}:", list.len()).as_bytes(), &list, b"e"].concat()
}

/// A daemon with all settings as they come that fetches into `folder`, or seeds what lies there.
pub(crate) fn stock(seat: &Seat, role: Role, link: &str, folder: &Path) -> Running {
    let (running, mut daemon) = daemon(seat, STOCK_CONTROL);
    let seeds = role == Role::Seeds;
    daemon.add(&json!({ "filename": link, "download-dir": folder, "paused": seeds }));
    if seeds {
        daemon.check_and_start();
    }
    running
}

/// Starts a daemon with its folder in `seat`, and waits until it can be told what to do.
fn daemon(seat: &Seat, control: &str) -> (Running, Remote) {
    let mut daemon = Remote { at: control.to_string(), session: String::new() };
    let mut asked = Remote { at: control.to_string(), session: String::new() };
    let mut command = Command::new("transmission-daemon");
    let whole = Whole::Asked(Box::new(move || asked.is_whole()));
    let mut running = seat.start(command.arg("-f").arg("-g").arg(&seat.home), whole);
    wait_until("answer from transmission", READY, || {
        running.process.assert_runs();
        daemon.call("session-get", &json!({}))
    });
    (running, daemon)
}

/// Remote control of one daemon.
struct Remote {
    at: String,
    session: String,
}

impl Remote {
    fn add(&mut self, arguments: &Value) {
        let answer = self.call("torrent-add", arguments).expect("transmission answers");
        assert!(answer["arguments"]["torrent-added"].is_object(), "torrent-add {arguments}: {answer}");
    }

    fn check_and_start(&mut self) {
        self.call("torrent-verify", &json!({ "ids": [1] })).expect("transmission checks");
        wait_until("check by transmission", READY, || {
            let state = self.state();
            (state["status"] == 0 && state["leftUntilDone"] == 0 && state["sizeWhenDone"] != 0).then_some(())
        });
        self.call("torrent-start-now", &json!({ "ids": [1] })).expect("transmission starts");
    }

    /// Whether all is there and verified.
    fn is_whole(&mut self) -> bool {
        let state = self.state();
        let known = state["metadataPercentComplete"] == 1 || state["metadataPercentComplete"] == 1.0;
        let complete = state["leftUntilDone"] == 0 && state["haveUnchecked"] == 0 && state["sizeWhenDone"] != 0;
        known && complete && [0, 5, 6].iter().any(|&status| state["status"] == status)
    }

    /// Its only torrent.
    fn state(&mut self) -> Value {
        let fields = ["status", "leftUntilDone", "haveUnchecked", "sizeWhenDone", "metadataPercentComplete"];
        let answer = self.call("torrent-get", &json!({ "fields": fields })).unwrap_or_default();
        answer["arguments"]["torrents"][0].clone()
    }

    fn call(&mut self, method: &str, arguments: &Value) -> Option<Value> {
        let body = json!({ "method": method, "arguments": arguments }).to_string();
        for _ in 0..2 {
            let headers = [("X-Transmission-Session-Id", self.session.as_str())];
            let answer = http::request(&self.at, "/transmission/rpc", &headers, Some(&body)).ok()?;
            if answer.status == 409 {
                self.session = answer.header("X-Transmission-Session-Id")?.to_string();
                continue;
            }
            return serde_json::from_slice(&answer.body).ok();
        }
        None
    }
}
