//! Peers are found in the DHT (BEP 5): processes on addresses of this machine, which are all that is asked.

use crate::common::content::{self, Shape};
use crate::common::run::{Ran, command};
use crate::common::teem::Teem;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(60);

/// A folder of its own for a test.
fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("teem-dht-{name}-{}", std::process::id()));
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).expect("a folder can be made");
    folder
}

/// Shares a file of its own at 127.n.0.1, without a tracker; the first has nobody to ask.
fn share(folder: &Path, n: u8, known: Option<&str>, more: &[&str]) -> (Teem, Value) {
    let name = format!("content{n}");
    content::write(folder, &name, Shape::Single, (1 << 20) + u64::from(n));
    let (path, home) = (folder.join(&name), folder.join(format!("home{n}")));
    let (path, listen) = (path.to_string_lossy(), format!("127.{n}.0.1:0"));
    let mut args = vec!["share", &path, "--hidden", "--no-tracker", "--listen", &listen];
    args.extend(known.iter().flat_map(|node| ["--dht-bootstrap", node]));
    args.extend(more);
    let mut teem = Teem::start_in_dht(&home, &args);
    let ready = teem.wait_event("ready", LIMIT);
    (teem, ready)
}

fn text(value: &Value, key: &str) -> String {
    value[key].as_str().unwrap_or_else(|| panic!("no {key}: {value}")).to_string()
}

/// `teem dht` in that folder, from an address of this machine.
fn dht(folder: &Path, known: &str, args: &[&str]) -> Ran {
    let all =
        [&["dht"], args, &["--json", "--bind", "127.9.0.1", "--dht-bootstrap", known, "--timeout", "20s"]].concat();
    let output = command(folder, &all).stdin(Stdio::null()).output().expect("the binary can be started");
    Ran {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        bytes: output.stdout,
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

fn lines(ran: &Ran, event: &str) -> Vec<Value> {
    let all = ran.out.lines().map(|line| serde_json::from_str::<Value>(line).unwrap_or_else(|e| panic!("{line}: {e}")));
    all.filter(|line| line["event"] == event).collect()
}

/// Waits until a node tells of peers of that torrent: those who share it have announced it.
fn announced(folder: &Path, known: &str, hash: &str) -> Ran {
    let began = std::time::Instant::now();
    loop {
        let ran = dht(folder, known, &["lookup", hash]);
        if ran.code == 0 {
            return ran;
        }
        assert!(began.elapsed() < LIMIT, "nobody announced {hash}: {} {}", ran.out, ran.err);
    }
}

#[test]
fn a_bare_hash_is_enough_without_any_tracker() {
    let folder = folder("bare");
    let (first, ready) = share(&folder, 1, None, &[]);
    let known = format!("127.1.0.1:{}", ready["port"]);
    let (second, ready) = share(&folder, 2, Some(&known), &[]);
    let hash = text(&ready, "infohash_v1");
    let found = announced(&folder, &known, &hash);
    let peer = format!("127.2.0.1:{}", ready["port"]);
    assert!(lines(&found, "peer").iter().any(|line| line["peer"] == peer.as_str()), "{}", found.out);
    assert_eq!(
        lines(&found, "done")[0]["downloaders"]
            .as_u64()
            .map(|n| n + lines(&found, "done")[0]["seeds"].as_u64().unwrap_or(0)),
        Some(1)
    );
    let (home, out) = (folder.join("home3"), folder.join("out"));
    let out_text = out.to_string_lossy();
    let args = ["get", &hash, "-o", &out_text, "--listen", "127.3.0.1:0", "--dht-bootstrap", &known];
    let mut get = Teem::start_in_dht(&home, &args);
    get.wait_complete(LIMIT);
    content::assert_same(&folder.join("content2"), &out.join("content2"));
    assert!(home.join("state/teem/dht.nodes").is_file(), "nodes are kept for the next run");
    drop((first, second));
    fs::remove_dir_all(&folder).expect("own folder");
}

/// Row 27 of BEP's: a private torrent is announced by nobody, and is not found.
#[test]
fn a_private_torrent_is_not_announced() {
    let folder = folder("private");
    let (first, ready) = share(&folder, 1, None, &[]);
    let known = format!("127.1.0.1:{}", ready["port"]);
    let (second, open) = share(&folder, 2, Some(&known), &[]);
    let (third, secret) = share(&folder, 3, Some(&known), &["--private", "--tracker", "http://127.3.0.1:9/announce"]);
    announced(&folder, &known, &text(&open, "infohash_v1"));
    let ran = dht(&folder, &known, &["lookup", &text(&secret, "infohash_v1")]);
    assert_eq!((ran.code, lines(&ran, "peer").len()), (1, 0), "{} {}", ran.out, ran.err);
    drop((first, second, third));
    fs::remove_dir_all(&folder).expect("own folder");
}

#[test]
fn single_questions_are_answered() {
    let folder = folder("single");
    let (first, ready) = share(&folder, 1, None, &[]);
    let known = format!("127.1.0.1:{}", ready["port"]);
    let ping = dht(&folder, &known, &["ping", &known]);
    assert_eq!((ping.code, text(&lines(&ping, "node")[0], "id").len()), (0, 40), "{} {}", ping.out, ping.err);
    let hash = "00112233445566778899aabbccddeeff00112233";
    assert_eq!(dht(&folder, &known, &["lookup", hash]).code, 1);
    let told = dht(&folder, &known, &["announce", hash, "--port", "6000"]);
    assert_eq!((told.code, &lines(&told, "announced")[0]["nodes"]), (0, &Value::from(1)), "{} {}", told.out, told.err);
    let found = dht(&folder, &known, &["lookup", hash]);
    assert_eq!((found.code, &lines(&found, "peer")[0]["peer"]), (0, &Value::from("127.9.0.1:6000")), "{}", found.out);
    // Hello World! of BEP 44, which never changes.
    let put = dht(&folder, &known, &["put", "Hello World!"]);
    assert_eq!(
        (put.code, text(&lines(&put, "stored")[0], "target").as_str()),
        (0, "e5f96f6f38320f0f33959cb4d3d656452117aadb"),
        "{} {}",
        put.out,
        put.err
    );
    let got = dht(&folder, &known, &["get", "e5f96f6f38320f0f33959cb4d3d656452117aadb"]);
    assert_eq!(
        (got.code, text(&lines(&got, "value")[0], "value").as_str()),
        (0, "Hello World!"),
        "{} {}",
        got.out,
        got.err
    );
    fs::write(folder.join("key"), [7; 32]).expect("own folder");
    let signed = |value: &str| dht(&folder, &known, &["put", value, "--key", "key", "--salt", "of-a-test"]);
    for (seq, value) in [(1, "first"), (2, "second")] {
        let put = signed(value);
        assert_eq!(put.code, 0, "{} {}", put.out, put.err);
        // The public key that follows from these bytes.
        let key = "ea4a6c63e29c520abef5507b132ec5f9954776aebebe7b92421eea691446d22c";
        let got = dht(&folder, &known, &["get", key, "--salt", "of-a-test"]);
        let line = lines(&got, "value").pop().unwrap_or_default();
        assert_eq!((line["value"].as_str(), line["seq"].as_i64()), (Some(value), Some(seq)), "{} {}", got.out, got.err);
    }
    assert_eq!(dht(&folder, &known, &["stats"]).code, 0);
    // A node that is kept out is neither asked nor heard, and nothing goes past a proxy.
    fs::write(folder.join("kept-out"), "127.1.0.0/16\n").expect("own folder");
    for question in [&["ping", &known][..], &["lookup", hash]] {
        let ran = dht(&folder, &known, &[question, &["--filter", "kept-out"]].concat());
        assert_eq!(ran.code, 1, "{} {}", ran.out, ran.err);
        let ran = dht(&folder, &known, &[question, &["--proxy", "socks5://user:secret@127.0.0.1:9"]].concat());
        assert!(ran.code == 2 && ran.err.contains("proxy") && !ran.err.contains("secret"), "{} {}", ran.code, ran.err);
    }
    let silent = std::net::UdpSocket::bind("127.8.0.1:0").expect("a port");
    let nobody = silent.local_addr().expect("bound").to_string();
    assert_eq!(dht(&folder, &known, &["ping", &nobody]).code, 1);
    let all = ["dht", "lookup", hash, "--bind", "127.9.0.1", "--dht-bootstrap", &nobody, "--timeout", "100ms"];
    let late = command(&folder, &all).output().expect("the binary can be started");
    assert_eq!(late.status.code(), Some(4), "{}", String::from_utf8_lossy(&late.stderr));
    drop(first);
    fs::remove_dir_all(&folder).expect("own folder");
}
