//! What `--why` says of each reason for which nothing comes, by the real binary in a network of its own: a word, the figures that lead to it, and what would help.

use crate::common::content::{self, Shape};
use crate::common::namespace::{Needs, isolated};
use crate::common::run::{Ran, command, teem};
use crate::common::teem::Teem;
use crate::common::tracker::{Answer, Tracker};
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(60);
const NFT: Needs = Needs::Command("nft", "--version");
/// Addresses of the network that nothing listens at.
const NOBODY: &str = "198.18.9.9:6999";
const NOBODY_TOO: &str = "198.18.9.8:6999";
const HASH: &str = "0123456789abcdef0123456789abcdef01234567";

/// A torrent whose content is elsewhere; whether it is private, and its trackers.
fn torrent(folder: &Path, private: bool, trackers: &[&str]) -> String {
    content::write(folder, "content", Shape::Single, 100_000);
    let trackers: Vec<&str> = trackers.iter().flat_map(|url| ["--tracker", url]).collect();
    let private: &[&str] = if private { &["--private"] } else { &[] };
    teem(folder, &[&["create", "content", "--force"], private, &trackers].concat()).ended(0);
    "content.torrent".to_owned()
}

/// The same run with the DHT, whose only node is named.
fn in_dht(folder: &Path, args: &[&str]) -> Ran {
    let output = command(folder, args).env_remove("TEEM_NO_DHT").output().expect("the binary can be started");
    Ran {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        bytes: output.stdout,
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

fn args<'a>(link: &'a str, timeout: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let get = ["get", link, "-o", "out", "--listen", "198.18.0.2:7000", "--why", "--json", "--timeout", timeout];
    [&get, more].concat()
}

/// What was said at the end of a run that gave up: the event, whose verdict is that, with something that helps.
#[track_caller]
fn gave_up(ran: Ran, verdict: &str) -> Value {
    let ran = ran.ended(4);
    let why = ran.lines().into_iter().rfind(|line| line["event"] == "why").unwrap_or_else(|| panic!("{}", ran.out));
    assert_eq!(why["verdict"], verdict, "{why}\n{}", ran.err);
    assert!(why["help"].as_str().is_some_and(|help| help.len() > 20), "no help: {why}");
    assert!(why["why"].as_str().is_some_and(|said| said.ends_with(why["help"].as_str().unwrap_or("?"))), "{why}");
    why
}

/// The entry of a kind of source.
fn source(why: &Value, kind: &str) -> [u64; 3] {
    let all = why["sources"].as_array().expect("a list");
    let of = all.iter().find(|of| of["source"] == kind).unwrap_or_else(|| panic!("no {kind}: {why}"));
    ["named", "tried", "reached"].map(|figure| of[figure].as_u64().expect("a number"))
}

/// A figure of the dials by one way over IPv4.
fn way(why: &Value, way: &str, figure: &str) -> u64 {
    let all = why["ways"].as_array().expect("a list");
    let of =
        all.iter().find(|of| of["way"] == way && of["family"] == "v4").unwrap_or_else(|| panic!("no {way}: {why}"));
    of[figure].as_u64().expect("a number")
}

fn shell(line: &str) {
    let status = Command::new("sh").args(["-c", line]).status().expect("a shell can be started");
    assert!(status.success(), "{line}");
}

/// Packets to this machine that fit are dropped without a word.
fn drop_all(what: &str) {
    shell(&format!(
        "nft add table inet quiet && nft 'add chain inet quiet in {{ type filter hook input priority 0; }}' &&
         nft add rule inet quiet in {what} drop"
    ));
}

#[test]
fn all_refused() {
    isolated("all_refused", &[], |folder| {
        let link = torrent(folder, false, &[]);
        let ran = teem(folder, &args(&link, "6s", &["--peer", NOBODY, "--peer", NOBODY_TOO]));
        let why = gave_up(ran, "all_refused");
        assert_eq!((source(&why, "user"), source(&why, "trackers")), ([2, 2, 0], [0, 0, 0]));
        assert!(way(&why, "tcp", "refused") >= 2 && way(&why, "tcp", "silent") == 0, "{why}");
        assert!(why["help"].as_str().is_some_and(|help| help.contains("start again")), "{why}");
    });
}

#[test]
fn all_silent() {
    isolated("all_silent", &[NFT], |folder| {
        drop_all("meta l4proto { tcp, udp } th dport 6999");
        let link = torrent(folder, false, &[]);
        let why = gave_up(teem(folder, &args(&link, "13s", &["--peer", NOBODY, "--peer", NOBODY_TOO])), "all_silent");
        assert_eq!((source(&why, "user"), way(&why, "tcp", "silent")), ([2, 2, 0], 2));
        assert!(way(&why, "utp", "silent") >= 2 && way(&why, "tcp", "refused") == 0, "{why}");
        assert!(why["help"].as_str().is_some_and(|help| help.contains("router")), "{why}");
    });
}

#[test]
fn filtered() {
    isolated("filtered", &[], |folder| {
        let link = torrent(folder, false, &[]);
        fs::write(folder.join("list"), "198.18.9.0/24\n").expect("the folder is writable");
        let more = ["--peer", NOBODY, "--peer", NOBODY_TOO, "--filter", "list"];
        let why = gave_up(teem(folder, &args(&link, "2s", &more)), "filtered");
        assert_eq!((way(&why, "tcp", "filtered"), way(&why, "tcp", "unreachable")), (2, 0), "{why}");
        assert_eq!((&why["us"]["filtered"]["ranges"], &why["us"]["filtered"]["dials"]), (&1.into(), &2.into()));
    });
}

#[test]
fn proxy_down() {
    isolated("proxy_down", &[], |folder| {
        let link = torrent(folder, false, &[]);
        let more = ["--peer", NOBODY, "--proxy", "socks5://me:secret@198.18.7.7:1080"];
        let ran = teem(folder, &args(&link, "3s", &more));
        assert!(!ran.out.contains("secret") && !ran.err.contains("secret"), "the password was printed");
        let why = gave_up(ran, "proxy_down");
        assert!(why["us"]["proxy"].as_str().is_some_and(|proxy| proxy.contains("198.18.7.7:1080")), "{why}");
        assert!(why["us"]["proxy_trouble"].is_string(), "{why}");
    });
}

/// A node of the DHT and a tracker are there, and what is sent over UDP never comes back; with UDP the same run blames the peer that refuses.
#[test]
fn no_udp() {
    isolated("no_udp", &[NFT], |folder| {
        let tracker = Tracker::start(Answer::Body("d8:intervali1800e5:peersld2:ip10:198.18.9.94:porti6999eeee"));
        let link = torrent(folder, false, &[&tracker.url]);
        content::write(folder, "other", Shape::Single, 100_000);
        let other = folder.join("other");
        let share = ["share", &other.to_string_lossy(), "--no-tracker", "--listen", "198.18.0.9:7000"];
        let mut node = Teem::start_in_dht(&folder.join("node"), &share);
        node.wait_event("ready", LIMIT);
        let more = ["--dht-bootstrap", "198.18.0.9:7000"];
        drop_all("meta l4proto udp");
        let why = gave_up(in_dht(folder, &args(&link, "6s", &more)), "no_udp");
        assert!(why["dht"]["asked"].as_u64() > Some(0) && why["dht"]["answers"] == 0, "{why}");
        assert_eq!((source(&why, "trackers"), way(&why, "tcp", "reached")), ([1, 1, 0], 0), "{why}");
        assert!(way(&why, "tcp", "refused") > 0 && way(&why, "utp", "silent") > 0, "{why}");
        assert!(why["help"].as_str().is_some_and(|help| help.contains("port 7000")), "{why}");
        shell("nft delete table inet quiet");
        let why = gave_up(in_dht(folder, &args(&link, "6s", &more)), "all_refused");
        assert!(why["dht"]["answers"].as_u64() > Some(0), "{why}");
    });
}

#[test]
fn tracker_dead() {
    isolated("tracker_dead", &[], |folder| {
        let link = torrent(folder, false, &["http://198.18.5.5:9/announce"]);
        let why = gave_up(teem(folder, &args(&link, "3s", &[])), "tracker_dead");
        assert_eq!((source(&why, "trackers"), &why["dht"]), ([0, 0, 0], &Value::Null));
        let tracker = &why["trackers"][0];
        assert!(tracker["url"] == "http://198.18.5.5:9/announce" && tracker["error"].is_string(), "{why}");
        // A person reads the same in lines.
        let said =
            teem(folder, &["get", &link, "-o", "out", "--listen", "198.18.0.2:7000", "--why", "--timeout", "3s"])
                .ended(4)
                .err;
        let last = format!("what would help: {}", why["help"].as_str().expect("a sentence"));
        for line in [
            "why: no data is coming; no peer is known",
            "trackers: 0 named, 0 tried, 0 reached; http://198.18.5.5:9/announce: ",
            "DHT: ",
            "PEX: ",
            "saved: ",
            &last,
        ] {
            assert!(said.contains(line), "{line} is not in\n{said}");
        }
    });
}

/// Told once when it stalls, where the ordinary sentence names the DHT too.
#[test]
fn dht_without_nodes() {
    isolated("dht_without_nodes", &[], |folder| {
        let out = folder.join("out");
        let out = out.to_string_lossy();
        let args =
            ["get", HASH, "-o", &out, "--listen", "198.18.0.2:7000", "--dht-bootstrap", "198.18.3.3:6881", "--why"];
        let mut teem = Teem::start_in_dht(&folder.join("home"), &[&args[..], &["--timeout", "10s"]].concat());
        let stalled = teem.wait_event("stalled", LIMIT);
        assert!(
            stalled["why"].as_str().is_some_and(|why| why.contains("no node of the DHT has answered")),
            "{stalled}"
        );
        assert_eq!(teem.wait_exit(LIMIT).code(), Some(4));
        let whys = teem.events("why");
        assert_eq!(whys.len(), 2, "when it stalled, and at the end");
        for why in whys {
            assert_eq!(why["verdict"], "dht_without_nodes", "{why}");
            assert!(why["dht"]["looks"] == true && why["dht"]["nodes"] == 0, "{why}");
            assert!(why["help"].as_str().is_some_and(|help| help.contains("--dht-bootstrap")), "{why}");
        }
    });
}

/// Of a private torrent nothing but its tracker is asked, and a peer that was named by hand is not dialled.
#[test]
fn private() {
    isolated("private", &[], |folder| {
        let tracker = Tracker::start(Answer::Body("d14:failure reason20:torrent is not knowne"));
        let link = torrent(folder, true, &[&tracker.url]);
        let more = ["--peer", NOBODY, "--dht-bootstrap", "198.18.3.3:6881"];
        let why = gave_up(in_dht(folder, &args(&link, "3s", &more)), "private");
        assert_eq!(
            (&why["private"], &why["dht"]["looks"], &why["dht"]["asked"]),
            (&true.into(), &false.into(), &0.into())
        );
        assert_eq!(source(&why, "user"), [0, 0, 0]);
        assert!(why["trackers"][0]["error"].as_str().is_some_and(|said| said.contains("not known")), "{why}");
    });
}

#[test]
fn interface_gone() {
    isolated("interface_gone", &[], |folder| {
        shell("ip link add tun7 type veth peer name far7 && ip address add 10.77.0.1/24 dev tun7 && ip link set far7 up &&
             ip link set tun7 up");
        let link = folder.join(torrent(folder, false, &[]));
        let out = folder.join("out");
        let (link, out) = (link.to_string_lossy(), out.to_string_lossy());
        let args = ["get", &link, "-o", &out, "--listen", ":0", "--bind", "tun7", "--peer", "10.77.0.9:7000", "--why"];
        let mut teem = Teem::start(&folder.join("home"), &[&args[..], &["--timeout", "10s"]].concat());
        shell("ip link delete tun7");
        assert_eq!(teem.wait_exit(LIMIT).code(), Some(4));
        let why = teem.events("why").pop().expect("it says why");
        assert_eq!((&why["verdict"], &why["us"]["gone"][0]), (&"interface_gone".into(), &"tun7".into()), "{why}");
        assert!(
            why["us"]["cut_off"] == true && why["help"].as_str().is_some_and(|help| help.contains("Bring tun7 back"))
        );
    });
}

/// Those who give are told once what keeps others away; without `--why` nobody is.
#[test]
fn those_who_give_are_told_too() {
    isolated("those_who_give_are_told_too", &[], |folder| {
        let link = folder.join(torrent(folder, false, &["http://198.18.5.5:9/announce"]));
        let (link, content) = (link.to_string_lossy(), folder.join("content"));
        let seed = |n: u8, more: &[&str]| {
            let listen = format!("198.18.0.{n}:7000");
            let args = [&["seed", &link, "--listen", &listen], more].concat();
            Teem::start(&folder.join(format!("home{n}")), &args)
        };
        let (mut told, untold) = (seed(2, &["--why"]), seed(3, &[]));
        let share = ["share", &content.to_string_lossy(), "--listen", "198.18.0.4:7000", "--why"];
        let mut share = Teem::start(&folder.join("home4"), &share);
        let why = told.wait_event("why", LIMIT);
        assert_eq!((&why["verdict"], &why["state"]), (&"tracker_dead".into(), &"seeding".into()), "{why}");
        // Its own tracker works; that anybody from outside reaches this machine is not to be seen.
        let why = share.wait_event("why", LIMIT);
        assert_eq!((&why["verdict"], &why["us"]["port"]), (&"closed".into(), &7000.into()), "{why}");
        assert!(why["help"].as_str().is_some_and(|help| help.contains("port 7000")), "{why}");
        assert!(untold.events("why").is_empty() && untold.events("stalled").is_empty());
    });
}
