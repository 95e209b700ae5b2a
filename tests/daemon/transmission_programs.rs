//! Programs that were made for Transmission drive the daemon: what they read, and what is on the disk then.

use std::fs;
use std::process::Command;

use crate::common::driven::{Driven, driven_by, is_there};
use crate::common::namespace::Needs;
use serde_json::json;

#[test]
fn transmission_remote_drives_it() {
    if !is_there("transmission_remote_drives_it", Needs::Command("transmission-remote", "--version")) {
        return;
    }
    let daemon = Driven::start("transmission-remote");
    let (film, song) = (daemon.complete("film"), daemon.complete("the song"));
    let remote = |args: &[&str]| {
        let mut command = Command::new("transmission-remote");
        command.arg(daemon.api.to_string()).args(["--auth", &format!("me:{}", daemon.token)]).args(args);
        daemon.drive(&mut command)
    };
    let film_file = film.path.display().to_string();
    assert!(remote(&["--add", &film_file]).contains("success"));
    assert!(remote(&["--add", &song.magnet()]).contains("success"));
    remote(&["--torrent", "2", "--stop"]);
    let listed = remote(&["--list"]);
    assert!(listed.contains("film") && listed.contains("Stopped") && listed.lines().count() == 4, "{listed}");
    remote(&["--torrent", "1", "--start"]);
    daemon.wait("all of it", &film.info_hash, |one| one["state"] == "seeding");
    let info = remote(&["--torrent", "1", "--info", "--info-trackers", "--info-peers"]);
    assert!(info.contains(&film.info_hash) && info.contains("127.0.0.1:9") && info.contains("100"), "{info}");
    assert!(remote(&["--session-info"]).contains(&daemon.root().display().to_string()));
    assert!(remote(&["--session-stats"]).contains("Uploaded"));
    remote(&["--torrent", "all", "--stop"]);
    daemon.wait("its rest", &film.info_hash, |one| one["state"] == "paused");
    remote(&["--torrent", "2", "--remove"]);
    remote(&["--torrent", "1", "--start"]);
    let content = fs::read(daemon.root().join("film")).expect("own file");
    let sub = daemon.root().join("moved");
    remote(&["--torrent", "1", "--move", &sub.display().to_string()]);
    daemon.wait("its new place", &film.info_hash, |one| one["folder"] == json!(sub) && one["state"] == "seeding");
    assert!(fs::read(sub.join("film")).expect("it was moved") == content && !daemon.root().join("film").exists());
    remote(&["--torrent", "1", "--labels", "a,b", "--downlimit", "100", "--uplimit", "50", "--seedratio", "2"]);
    let told = daemon.list().remove(0);
    assert_eq!((&told["labels"], &told["down_limit"]), (&json!(["a", "b"]), &json!(100_000)));
    assert_eq!((&told["up_limit"], &told["until"]), (&json!(50_000), &json!("ratio=2")));
    remote(&["--torrent", "1", "--tracker-add", "udp://127.0.0.1:9/announce"]);
    remote(&["--torrent", "1", "--tracker-remove", "0"]);
    let trackers = remote(&["--torrent", "1", "--info-trackers"]);
    assert!(trackers.contains("udp://127.0.0.1:9") && !trackers.contains("http://"), "{trackers}");
    remote(&["--torrent", "1", "--verify", "--reannounce"]);
    daemon.wait("another look", &film.info_hash, |one| one["state"] == "seeding");
    let album = daemon.album();
    remote(&["--add", &album.path.display().to_string()]);
    remote(&["--torrent", "3", "--no-get", "1", "--priority-high", "2"]);
    let files = remote(&["--torrent", "3", "--files"]);
    assert!(files.contains("High") && files.contains("No ") && files.contains("album/c"), "{files}");
    fs::write(daemon.root().join("album/strange"), "x").expect("the folder is writable");
    remote(&["--torrent", "3", "--remove-and-delete"]);
    let left = fs::read_dir(daemon.root().join("album")).expect("it stays").count();
    assert_eq!(left, 1, "what is not its own stays");
    remote(&["--downlimit", "1000", "--alt-speed"]);
    let session = remote(&["--session-info"]);
    assert!(session.contains("Enabled limit: 1.00 MB/s; Enabled turtle limit"), "{session}");
    remote(&["--torrent", "1", "--remove"]);
    assert_eq!(daemon.list().len(), 0);
    assert!(sub.join("film").exists());
}

#[test]
fn transmission_rpc_for_python_drives_it() {
    driven_by("transmission-rpc-py", "python3", Needs::Python("transmission_rpc"), "transmission_rpc_py.py");
}

#[test]
fn ctrl_transmission_for_node_drives_it() {
    driven_by("ctrl-transmission", "node", Needs::Node("@ctrl/transmission"), "ctrl_transmission.mjs");
}

#[test]
fn stig_drives_it() {
    if !is_there("stig_drives_it", Needs::Python("stig")) {
        return;
    }
    let daemon = Driven::start("stig");
    let film = daemon.complete("film");
    let url = format!("http://me:{}@{}/transmission/rpc", daemon.token, daemon.api);
    let stig = |words: &[&str]| {
        let mut command = Command::new("python3");
        command.args(["-m", "stig", "--norcfile", "set", "connect.url", &url, ";"]).args(words);
        command.env("HOME", daemon.at()).env("TERM", "dumb");
        daemon.drive(&mut command)
    };
    stig(&["add", &film.path.display().to_string()]);
    daemon.wait("all of it", &film.info_hash, |one| one["state"] == "seeding");
    assert!(stig(&["list", "all"]).contains("film"));
    stig(&["stop", "all"]);
    daemon.wait("its rest", &film.info_hash, |one| one["state"] == "paused");
    stig(&["start", "all"]);
    let content = fs::read(daemon.root().join("film")).expect("own file");
    stig(&["move", "film", "moved"]);
    let sub = daemon.root().join("moved");
    daemon.wait("its new place", &film.info_hash, |one| one["folder"] == json!(sub) && one["state"] == "seeding");
    assert!(fs::read(sub.join("film")).expect("it was moved") == content && !daemon.root().join("film").exists());
    stig(&["rename", "film", "renamed"]);
    assert!(fs::read(sub.join("renamed")).expect("it was renamed") == content && !sub.join("film").exists());
    stig(&["ratelimit", "up", "50kB", "all"]);
    assert_eq!(daemon.list()[0]["up_limit"], json!(50_000));
    stig(&["verify", "all"]);
    stig(&["announce", "all"]);
    stig(&["remove", "--force", "all"]);
    assert_eq!(daemon.list().len(), 0);
    let album = daemon.album();
    stig(&["add", &album.path.display().to_string()]);
    stig(&["priority", "off", "album", "b"]);
    daemon.wait("what is wanted", &album.info_hash, |one| one["state"] == "seeding" && one["wanted"] == json!(80_000));
    stig(&["remove", "--delete-files", "--force", "all"]);
    assert!(!daemon.root().join("album").exists() && sub.join("renamed").exists());
}
