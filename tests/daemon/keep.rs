//! `share --keep` and `get --keep`: the daemon does the work, and what it has is refused to commands that would work on it by themselves.

use std::fs;
use std::path::Path;

use crate::common::home::{Home, READY, signal, wait_event};
use crate::common::process::{Process, wait_until};
use crate::common::run::{command, teem_with};
use serde_json::{Value, json};

/// A download by a program of another user's, who has no daemon.
fn get(home: &Home, link: &str, into: &str) {
    let state = home.at().join(into).join("state");
    let mut get = command(home.at(), &["get", link, "-o", into, "--listen", "127.0.0.1:0"]);
    let mut get = Process::start(get.env("XDG_STATE_HOME", state));
    assert_eq!(get.wait_exit(READY).code(), Some(0), "{}", get.log());
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_else(|| panic!("{key} in {value}"))
}

/// The line of this event.
fn line(lines: &[Value], event: &str) -> Value {
    lines.iter().find(|line| line["event"] == event).unwrap_or_else(|| panic!("{event} in {lines:?}")).clone()
}

#[test]
fn the_daemon_goes_on_sharing_what_it_was_handed() {
    let home = Home::new("keep-share");
    home.configure("");
    let start = || {
        let mut daemon = Process::start(&mut home.daemon(&[]));
        let port = wait_event(&mut daemon, "ready")["port"].clone();
        (daemon, port)
    };
    let (daemon, port) = start();
    // Outside of the folders that the daemon may write to.
    fs::create_dir(home.at().join("mine")).expect("own folder");
    let film = home.at().join("mine/film");
    fs::write(&film, vec![7; 300_000]).expect("own folder");
    let share = ["share", "mine/film", "--keep", "--json", "-o", "film.torrent", "--force"];
    let ready = line(&home.run(&share).ended(0).lines(), "ready");
    assert_eq!(ready["port"], port, "the links name the daemon's port");
    let hash = text(&ready, "infohash_v1").to_owned();
    let listed = home.list(&[]);
    let keys = ["infohash", "state", "complete", "until"].map(|key| listed[0][key].clone());
    assert_eq!(keys, [json!(hash), json!("seeding"), json!(true), json!("forever")]);
    let magnet = text(&ready, "magnet");
    assert!(
        magnet.contains(&format!("{port}%2Fannounce")) || magnet.contains(&format!(":{port}/announce")),
        "{magnet}"
    );
    get(&home, magnet, "by-magnet");
    get(&home, text(&ready, "torrent_url"), "by-url");
    get(&home, "film.torrent", "by-file");
    for into in ["by-magnet", "by-url", "by-file"] {
        assert_eq!(fs::read(home.at().join(into).join("film")).expect("it is there"), vec![7; 300_000], "{into}");
    }
    // The same once more is the same torrent with the same links.
    let again = line(&home.run(&share).ended(0).lines(), "ready");
    assert_eq!((&again["magnet"], &again["torrent_url"]), (&ready["magnet"], &ready["torrent_url"]));

    signal(&daemon, "-KILL");
    drop(daemon);
    let (daemon, port) = start();
    let links = home
        .ask(&format!("GET /teem/v1/torrents/{hash}/links HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"));
    let links: Value = serde_json::from_str(links.rsplit("\r\n\r\n").next().expect("a body")).expect("JSON");
    assert_eq!(links["port"], port, "and those of the next run name its port");
    get(&home, text(&links, "magnet"), "later");
    // Its owner's files are left alone.
    let moved = home.run(&["move", "film", "files"]).ended(3);
    assert!(moved.err.contains("only served from where it lies"), "{}", moved.err);
    home.run(&["remove", "film", "--with-data"]).ended(3);
    assert!(film.exists());
    home.run(&["remove", "film"]).ended(0);
    assert!(film.exists() && home.run(&["list", "film"]).code == 1);
    drop(daemon);
    let none = home.run(&share).ended(3);
    assert_eq!(none.class(), "no_daemon");
    assert!(none.err.is_empty() || none.err.contains("teem daemon"), "{}", none.err);
}

#[test]
fn content_that_changed_since_it_was_hashed_is_looked_at() {
    let home = Home::new("keep-changed");
    home.configure("");
    let _daemon = home.start(&[]);
    fs::write(home.at().join("song"), vec![3; 100_000]).expect("own folder");
    let torrent = home.torrent("film");
    let body = json!({
        "torrent": base64(&fs::read(home.at().join("film.torrent")).expect("it was made")), "folder": home.at(),
        "hashed": torrent.info_hash, "tracker": false,
    });
    fs::write(home.at().join("film"), vec![0; 100_000]).expect("own folder");
    let answer = post(&home, "torrents/share", &body);
    assert!(answer.starts_with("HTTP/1.1 201 "), "{answer}");
    assert_ne!(home.list(&["film"])[0]["complete"], true, "a fingerprint that does not fit is no hash");
    assert_eq!(fs::read(home.at().join("film")).expect("it is there"), vec![0; 100_000]);
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

fn post(home: &Home, path: &str, body: &Value) -> String {
    let body = body.to_string();
    let len = body.len();
    home.ask(&format!(
        "POST /teem/v1/{path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {len}\r\n\r\n{body}"
    ))
}

#[test]
fn a_download_is_followed_and_left_to_the_daemon() {
    let home = Home::new("keep-get");
    home.configure("");
    let _daemon = home.start(&[]);
    let torrent = home.torrent("content");
    let mut seed = command(home.at(), &["seed", "content.torrent", "--listen", "127.0.0.1:0", "--json"]);
    let mut seed = Process::start(&mut seed);
    let port = wait_event(&mut seed, "listening")["port"].clone();
    let link = format!("{}&x.pe=127.0.0.1:{port}", torrent.magnet());
    let done = line(&home.run(&["get", &link, "--keep", "-o", "files", "--json"]).ended(0).lines(), "done");
    let there = fs::canonicalize(home.at().join("files/content")).expect("it is there");
    assert_eq!((&done["infohash_v1"], &done["path"]), (&json!(torrent.info_hash), &json!(there)));
    assert_eq!(fs::read(there).expect("it is there"), fs::read(home.at().join("content")).expect("it is there"));
    assert_eq!(home.list(&["content"])[0]["state"], "seeding");
    let again = home.run(&["get", &torrent.magnet(), "--keep", "-o", "files"]).ended(0);
    assert!(again.err.contains("has it already") && again.err.contains("complete"), "{}", again.err);

    // What nobody has: Ctrl-C leaves it to the daemon, a time that is over too.
    let rare = home.torrent("rare");
    let mut followed = home.command(&["get", "rare.torrent", "--keep", "-o", "files", "--until", "ratio=2", "--json"]);
    let mut followed = Process::start(&mut followed);
    wait_event(&mut followed, "status");
    signal(&followed, "-INT");
    assert_eq!(followed.wait_exit(READY).code(), Some(130));
    let listed = home.list(&["rare"]);
    assert_eq!((&listed[0]["state"], &listed[0]["until"]), (&json!("downloading"), &json!("ratio=2")));
    let given_up = home.run(&["get", &rare.info_hash, "--keep", "-o", "files", "--timeout", "100ms"]).ended(4);
    assert!(given_up.err.contains("the daemon goes on"), "{}", given_up.err);
    let elsewhere = home.run(&["get", &home.torrent("other").magnet(), "--keep", "-o", "elsewhere"]).ended(1);
    assert!(elsewhere.err.contains("--root"), "{}", elsewhere.err);
    home.run(&["pause", "rare"]).ended(0);

    // What the daemon has is not worked on by others, at rest neither.
    for (name, args) in [
        ("rare", &["get", "rare.torrent", "-o", "files", "--listen", "127.0.0.1:0"][..]),
        ("content", &["get", "content.torrent", "-o", "files", "--listen", "127.0.0.1:0"]),
        ("content", &["seed", "content.torrent", "--data", "files", "--listen", "127.0.0.1:0"]),
    ] {
        let refused = home.run(args).ended(3);
        assert!(refused.err.contains("the daemon has") && refused.err.contains(name), "{}", refused.err);
    }
    seed.assert_runs();
}

#[test]
fn what_means_nothing_to_the_daemon_is_refused() {
    let home = Home::new("keep-refused");
    fs::write(home.at().join("film"), "film").expect("own folder");
    for (args, option) in [
        (&["share", "film", "--keep", "--listen", ":0"][..], "--listen"),
        (&["share", "film", "--keep", "--frugal"], "--frugal"),
        (&["get", "film", "--keep", "--peer", "127.0.0.1:1"], "--peer"),
        (&["get", "film", "--keep", "--no-dht"], "--no-dht"),
        (&["get", "film", "--keep", "--on-done", "true"], "--on-done"),
    ] {
        let refused = teem_with(home.at(), args, &[], b"").ended(2);
        assert!(refused.err.contains(&format!("{option} cannot be said with --keep")), "{}", refused.err);
    }
    // What the environment says is for other runs.
    let none = teem_with(home.at(), &["get", &"ab".repeat(20), "--keep"], &[("TEEM_LISTEN", ":0")], b"").ended(3);
    assert!(none.err.contains("teem daemon"), "{}", none.err);
}

/// What is saved of a torrent, and of names that are taken.
fn saved(home: &Home, hash: &str) -> Vec<String> {
    let names = fs::read_dir(home.at().join("state/teem")).expect("saved state");
    let names = names.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned());
    names.filter(|name| name.starts_with(hash) || name.starts_with("name-")).collect()
}

#[test]
fn nothing_is_left_of_a_torrent_that_is_removed() {
    let home = Home::new("keep-removed");
    home.configure("");
    let _daemon = home.start(&[]);
    let good = home.torrent("good");
    home.run(&["add", "good.torrent"]).ended(0);
    assert!(!saved(&home, &good.info_hash).is_empty());
    // Another one's content lies where it is to go.
    let bad = home.torrent("bad");
    let place: &Path = &home.at().join("files/bad");
    fs::write(place, vec![1; 200_000]).expect("own folder");
    home.run(&["add", "bad.torrent"]).ended(0);
    wait_until("it has failed", READY, || (home.list(&["bad"])[0]["state"] == "failed").then_some(()));
    home.run(&["remove", "bad", "good"]).ended(0);
    assert!(saved(&home, &bad.info_hash).is_empty(), "{:?}", saved(&home, &bad.info_hash));
    assert!(saved(&home, &good.info_hash).is_empty(), "{:?}", saved(&home, &good.info_hash));
    assert_eq!(fs::read(place).expect("it is there"), vec![1; 200_000]);
}
