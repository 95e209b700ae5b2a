//! A private torrent is found by its trackers alone (BEP 27): no packet of the DHT or of local discovery leaves for it, and by a magnet link none from the metadata on. What leaves is
//! counted by the kernel.

use crate::common::content::{self, Shape};
use crate::common::namespace::{Needs, isolated};
use crate::common::teem::Teem;
use std::process::Command;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(60);
/// A node of the DHT that is not there.
const NODE: &str = "198.18.0.9:6881";

fn nft(args: &[&str]) -> String {
    let output = Command::new("nft").args(args).output().expect("nft runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Packets of UDP that programs have sent so far: uTP and mapping are off, and names are not asked for.
fn packets() -> u64 {
    let text = nft(&["list", "chain", "inet", "seen", "out"]);
    let count = text.split("packets ").nth(1).and_then(|rest| rest.split(' ').next());
    count.and_then(|count| count.parse().ok()).unwrap_or_else(|| panic!("no count in {text}"))
}

#[test]
fn nothing_is_asked_of_dht_or_network_for_a_private_torrent() {
    let test = "nothing_is_asked_of_dht_or_network_for_a_private_torrent";
    isolated(test, &[Needs::Command("nft", "--version")], |folder| {
        nft(&["add", "table", "inet", "seen"]);
        nft(&["add chain inet seen out { type filter hook output priority 0; }"]);
        nft(&["add", "rule", "inet", "seen", "out", "meta", "l4proto", "udp", "counter"]);
        content::write(folder, "thing", Shape::Single, 4 << 20);
        let start = |home: &str, args: &[&str]| {
            let open = ["--transport", "tcp", "--no-map", "--dht-bootstrap", NODE, "--json"];
            let mut command = Teem::command(&folder.join(home), &[args, &open].concat());
            command.env_remove("TEEM_NO_DHT").env_remove("TEEM_NO_LSD");
            crate::common::process::Process::start(&mut command)
        };
        let path = folder.join("thing");
        let path = path.to_string_lossy();
        let shared = ["share", &path, "--private", "--host", "198.18.0.2", "--listen", "198.18.0.2:7000"];
        let mut share = start("home1", &shared);
        let magnet = share.wait_line("link", LIMIT, |line| {
            let value: serde_json::Value = serde_json::from_str(line).ok()?;
            value["magnet"].as_str().map(str::to_owned)
        });
        // Trackers over UDP are asked as long as it lives.
        let magnet: Vec<_> = magnet.split('&').filter(|part| !part.starts_with("tr=udp")).collect();
        let magnet = magnet.join("&");
        let event = |process: &mut crate::common::process::Process, name: &str| {
            process.wait_line(name, LIMIT, |line| {
                let value: serde_json::Value = serde_json::from_str(line).ok()?;
                (value["event"] == name).then_some(())
            });
        };
        event(&mut share, "status");
        assert_eq!(packets(), 0, "of the source");
        let out = folder.join("out");
        let out = out.to_string_lossy();
        let mut get = start("home2", &["get", &magnet, "-o", &out, "--listen", "198.18.0.3:7000", "--down", "400k"]);
        event(&mut get, "metadata");
        let before = packets();
        assert!(before > 0, "until the metadata nobody knows that it is private, and the count counts");
        event(&mut get, "done");
        assert_eq!(packets(), before, "from the metadata on");
        content::assert_same(&folder.join("thing"), &folder.join("out/thing"));
    });
}
