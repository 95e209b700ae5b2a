//! The daemon takes over what the real qBittorrent and Transmission have kept: nothing is hashed anew but what was changed since.

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;

use crate::common::home::{Home, READY, is_there};
use crate::common::process::{Process, wait_until};
use serde_json::{Value, json};

/// Whether a program is there; where everything is to be tested it has to be.
fn wanted(program: &str) -> bool {
    let there = is_there(program);
    assert!(there || std::env::var_os("TEEM_TEST_ALL").is_none(), "{program} is not installed");
    there
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").port()
}

/// The body that a request is answered with.
fn http(port: u16, method: &str, path: &str, form: &str) -> Option<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    let len = form.len();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {len}\r\n\r\n{form}"
    );
    stream.write_all(head.as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    head.contains(" 200 ").then(|| body.to_owned())
}

/// Two torrents whose content lies in the daemon's root: their info-hashes.
fn contents(home: &Home) -> [String; 2] {
    ["film", "touched"].map(|name| {
        let torrent = home.torrent(name);
        fs::copy(home.at().join(name), home.at().join("files").join(name)).expect("own folder");
        torrent.info_hash.clone()
    })
}

/// The daemon takes over what lies in that folder: the first without hashing it, the second, which was changed since, by hashing it.
fn takes_over(home: &Home, from: &str, [film, touched]: &[String; 2]) -> Value {
    let path = home.at().join("files/touched");
    let mut bytes = fs::read(&path).expect("it is there");
    bytes[99_999] ^= 1;
    fs::write(&path, bytes).expect("own folder");
    // Whatever the clock's steps are: it was changed later than all that was written down.
    let later = std::time::SystemTime::now() + std::time::Duration::from_secs(100);
    fs::File::options().write(true).open(&path).and_then(|file| file.set_modified(later)).expect("own folder");
    home.configure("");
    let daemon = home.start(&[]);
    let dry = home.run(&["state", "import", from, "--dry-run", "--json"]).ended(0).lines();
    assert_eq!(dry.len(), 2, "{dry:?}");
    assert!(home.list(&[]).is_empty());
    let lines = home.run(&["state", "import", from, "--json"]).ended(0).lines();
    let of =
        |hash: &String| lines.iter().find(|line| line["infohash"] == **hash).unwrap_or_else(|| panic!("{lines:?}"));
    assert_eq!((&of(film)["believed"], &of(film)["to_check"]), (&json!(7), &json!(0)), "{lines:?}");
    assert_eq!((&of(touched)["believed"], &of(touched)["to_check"]), (&json!(1), &json!(6)), "{lines:?}");
    wait_until("the changed one is hashed", READY, || {
        let listed = home.list(&["touched"]);
        (listed[0]["have"] == json!(100_000 - 1_696)).then_some(())
    });
    let listed = home.list(&["film"]);
    assert_eq!(listed[0]["complete"], true);
    let again = home.run(&["state", "import", from, "--json"]).ended(0).lines();
    assert!(again.iter().all(|line| line["event"] == "already"), "{again:?}");
    drop(daemon);
    listed[0].clone()
}

#[test]
fn what_qbittorrent_has_kept_goes_on_in_the_daemon() {
    if !wanted("qbittorrent-nox") {
        return;
    }
    let home = Home::new("state-qbittorrent");
    let hashes = contents(&home);
    let (port, peers) = (free_port(), free_port());
    let config = home.at().join("qbt/qBittorrent/config");
    fs::create_dir_all(&config).expect("own folder");
    let settings = format!(
        "[LegalNotice]\nAccepted=true\n[BitTorrent]\nSession\\DHTEnabled=false\nSession\\LSDEnabled=false\nSession\\PeXEnabled=false\n\
        Session\\Port={peers}\nSession\\InterfaceAddress=127.0.0.1\nSession\\QueueingSystemEnabled=false\n[Network]\nPortForwardingEnabled=false\n\
        [Preferences]\nConnection\\UPnP=false\nWebUI\\Address=127.0.0.1\nWebUI\\Port={port}\nWebUI\\LocalHostAuth=false\nWebUI\\CSRFProtection=false\n"
    );
    fs::write(config.join("qBittorrent.conf"), settings).expect("own folder");
    let mut command = Command::new("qbittorrent-nox");
    command.current_dir(home.at()).env("HOME", home.at());
    command.arg(format!("--profile={}", home.at().join("qbt").display()));
    command.arg(format!("--save-path={}", home.at().join("files").display()));
    let torrents = ["film.torrent", "touched.torrent"].map(|name| home.at().join(name));
    let mut program = Process::start(command.args(["--skip-dialog=true", "--add-paused=false"]).args(torrents));
    let all = wait_until("qBittorrent has both", READY, || {
        let listed: Value = serde_json::from_str(&http(port, "GET", "/api/v2/torrents/info", "")?).ok()?;
        let all = listed.as_array()?.clone();
        let seeds = all
            .iter()
            .filter(|one| one["progress"] == 1.0 && one["state"].as_str().is_some_and(|state| state.ends_with("UP")));
        (seeds.count() == 2).then_some(all)
    });
    assert_eq!(all.len(), 2);
    let post = |path: &str, form: &str| http(port, "POST", path, form).unwrap_or_else(|| panic!("{path}"));
    post("/api/v2/torrents/createCategory", "category=films&savePath=");
    post("/api/v2/torrents/setCategory", &format!("hashes={}&category=films", hashes[0]));
    post("/api/v2/torrents/addTags", &format!("hashes={}&tags=good", hashes[0]));
    post("/api/v2/torrents/setUploadLimit", &format!("hashes={}&limit=5000", hashes[0]));
    // It may be gone before it answers.
    let _ = http(port, "POST", "/api/v2/app/shutdown", "");
    program.wait_exit(READY);
    let told = takes_over(&home, "qbt/qBittorrent/data", &hashes);
    assert_eq!((&told["labels"], &told["up_limit"]), (&json!(["films", "good"]), &json!(5000)), "{told}");
}

/// A request to a Transmission by the tool that comes with it.
fn remote(at: &Path, port: u16, args: &[&str]) -> Option<String> {
    let mut command = Command::new("transmission-remote");
    let output = command.current_dir(at).arg(format!("127.0.0.1:{port}")).args(args).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
fn what_transmission_has_kept_goes_on_in_the_daemon() {
    if !wanted("transmission-daemon") || !wanted("transmission-remote") {
        return;
    }
    let home = Home::new("state-transmission");
    let hashes = contents(&home);
    let (port, peers) = (free_port(), free_port());
    let config = home.at().join("tr");
    fs::create_dir_all(&config).expect("own folder");
    let settings = json!({
        "rpc-bind-address": "127.0.0.1", "rpc-port": port, "bind-address-ipv4": "127.0.0.1", "bind-address-ipv6": "::1", "peer-port": peers,
        "dht-enabled": false, "lpd-enabled": false, "pex-enabled": false, "utp-enabled": false, "port-forwarding-enabled": false,
        "download-dir": home.at().join("files"),
    });
    fs::write(config.join("settings.json"), settings.to_string()).expect("own folder");
    let mut command = Command::new("transmission-daemon");
    command.current_dir(home.at()).env("HOME", home.at()).args(["--foreground", "--config-dir"]).arg(&config);
    let mut program = Process::start(&mut command);
    wait_until("Transmission answers", READY, || remote(home.at(), port, &["-l"]));
    for name in ["film.torrent", "touched.torrent"] {
        remote(home.at(), port, &["-a", name]).unwrap_or_else(|| panic!("{name}"));
    }
    wait_until("Transmission has both", READY, || {
        let listed = remote(home.at(), port, &["-l"])?;
        (listed.matches("100%").count() == 2).then_some(())
    });
    remote(home.at(), port, &["-t", &hashes[0], "-L", "films,good"]).expect("labels");
    remote(home.at(), port, &["-t", &hashes[0], "--no-honor-session", "-u", "5"]).expect("limits");
    remote(home.at(), port, &["--exit"]).expect("its end");
    program.wait_exit(READY);
    let told = takes_over(&home, "tr", &hashes);
    assert_eq!((&told["labels"], &told["up_limit"]), (&json!(["films", "good"]), &json!(5000)), "{told}");
}
