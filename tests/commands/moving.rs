//! A machine gets another address while it downloads (own design; `host::whereabouts`): its peers are dialled again from there,
//! and those who still hold its former connections for live let it in.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::common::PEER_PORT;
use crate::common::content::{self, Shape};
use crate::common::namespace::{Needs, isolated};
use crate::common::process::{Process, wait_until};
use crate::common::teem::Teem;
use crate::common::torrent::Torrent;

/// Everything but what is said of a move.
const LIMIT: Duration = Duration::from_secs(120);
/// From the new address to bytes that come there. It takes half a minute at most where nothing else does; two where the seed waits
/// until what is lost has been silent for too long.
const MOVED: Duration = Duration::from_secs(60);
const SEED_IP: &str = "203.0.113.1";
const SIZE: u64 = 24 << 20;

/// A network behind a cable, apart from that of the seed; it ends with the value.
struct Apart(Process);

impl Apart {
    /// Has the far end of a new cable, whose near end has the seed's address.
    fn new() -> Self {
        let holder = Process::start(Command::new("unshare").args(["-n", "sleep", "infinity"]));
        let apart = Self(holder);
        let (here, pid) = (own_network("self"), apart.0.id().to_string());
        wait_until("network apart", LIMIT, || (own_network(&pid) != here).then_some(()));
        run("ip", &["link", "add", "near", "type", "veth", "peer", "name", "far", "netns", &pid]);
        run("ip", &["address", "add", &format!("{SEED_IP}/24"), "dev", "near"]);
        run("ip", &["link", "set", "near", "up"]);
        apart.ip(&["link", "set", "lo", "up"]);
        apart.ip(&["link", "set", "far", "up"]);
        apart
    }

    fn enter(&self) -> [String; 4] {
        ["nsenter".into(), "-t".into(), self.0.id().to_string(), "-n".into()]
    }

    fn ip(&self, args: &[&str]) {
        let enter = self.enter();
        let before: Vec<&str> = enter[1..].iter().map(String::as_str).chain(["ip"]).collect();
        run(&enter[0], &[&before, args].concat());
    }

    /// Gives it that address and no other, and a way out.
    fn live_at(&self, ip: &str) {
        self.ip(&["address", "flush", "dev", "far"]);
        self.ip(&["address", "add", &format!("{ip}/24"), "dev", "far"]);
        self.ip(&["route", "replace", "default", "via", SEED_IP]);
    }
}

fn own_network(pid: &str) -> Option<std::path::PathBuf> {
    std::fs::read_link(format!("/proc/{pid}/ns/net")).ok()
}

fn run(program: &str, args: &[&str]) {
    let status = Command::new(program).args(args).stdin(Stdio::null()).status().expect("it is installed");
    assert!(status.success(), "{program} {args:?}: {status}");
}

fn seed(folder: &Path, torrent: &Torrent) -> Teem {
    let (link, data) = (torrent.path.to_string_lossy(), folder.to_string_lossy());
    let listen = format!("{SEED_IP}:{PEER_PORT}");
    // Slow enough to be still at it after the move.
    Teem::start(&folder.join("seed"), &["seed", &link, "--data", &data, "--listen", &listen, "--up", "400K"])
}

#[test]
fn a_download_goes_on_from_another_address() {
    isolated("a_download_goes_on_from_another_address", &[Needs::Command("nsenter", "--version")], |folder| {
        let apart = Apart::new();
        apart.live_at("203.0.113.2");
        content::write(folder, "content", Shape::Single, SIZE);
        let torrent = Torrent::create(folder, "content", 64 << 10, &[]);
        let _seed = seed(folder, &torrent);
        let (link, to) = (torrent.path.to_string_lossy(), folder.join("out"));
        let (to, peer) = (to.to_string_lossy(), format!("{SEED_IP}:{PEER_PORT}"));
        let args = ["get", &link, "-o", &to, "--peer", &peer];
        let enter = apart.enter();
        let enter: Vec<&str> = enter.iter().map(String::as_str).collect();
        let mut get = Teem::start_under(&enter, &folder.join("home"), &args);
        let more_than = |have: u64| {
            move |line: &str| {
                let value: serde_json::Value = serde_json::from_str(line).ok()?;
                value["have"].as_u64().filter(|now| value["event"] == "status" && *now > have)
            }
        };
        let before = get.wait_line("first pieces", LIMIT, more_than(0));
        apart.live_at("203.0.113.3");
        // What was received before the move and not yet verified may still come to count.
        let soon = before + (1 << 20);
        assert!(soon < SIZE, "{before} bytes are there already");
        get.wait_line("pieces from the new address", MOVED, more_than(soon));
    });
}
