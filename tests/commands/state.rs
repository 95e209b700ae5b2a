//! `teem state` as a person meets it.

use std::fs;

use crate::common::namespace::Folder;
use crate::common::process::Process;
use crate::common::run::{command, teem};
use crate::common::torrent::Torrent;
use serde_json::{Value, json};

/// A torrent whose content is in `here` and in `there`, opened in both; the second lacks a part.
fn opened(name: &str) -> (Folder, Torrent) {
    let folder = Folder::new(name);
    fs::write(folder.0.join("content"), vec![7; 40_000]).expect("the folder is writable");
    let torrent = Torrent::create(&folder.0, "content", 16 << 10, &[]);
    for place in ["here", "there"] {
        fs::create_dir(folder.0.join(place)).expect("the folder is writable");
        fs::copy(folder.0.join("content"), folder.0.join(place).join("content")).expect("the folder is writable");
        teem(&folder.0, &["get", "content.torrent", "-o", place, "--listen", ":0"]).ended(0);
    }
    (folder, torrent)
}

fn places(folder: &Folder) -> Vec<Value> {
    let mut lines = teem(&folder.0, &["state", "--json"]).ended(0).lines();
    assert_eq!(lines.pop(), Some(json!({"event": "remembered", "paths": 0, "state_bytes": 0})));
    lines
}

#[test]
fn what_is_saved_is_listed_and_forgotten_and_content_stays() {
    let empty = Folder::new("state-empty");
    assert_eq!(teem(&empty.0, &["state"]).ended(0).out, "");
    let (folder, torrent) = opened("state");
    let at = &folder.0;
    let listed = places(&folder);
    assert_eq!(listed.len(), 2, "{listed:?}");
    for (line, place) in listed.iter().zip(["here", "there"]) {
        assert_eq!(line["infohash"], torrent.info_hash.as_str());
        let there = fs::canonicalize(at.join(place)).expect("own folder");
        assert_eq!(line["folder"], json!(there.to_string_lossy()));
        assert_eq!((&line["have"], &line["pieces"], &line["held"]), (&json!(3), &json!(3), &json!(false)));
    }
    let text = teem(at, &["state", "list"]).ended(0);
    assert_eq!(text.out.lines().filter(|line| line.contains("100 %") && line.contains(&torrent.info_hash)).count(), 2);
    assert!(text.err.contains("2 torrents"), "{}", text.err);
    let path = teem(at, &["state", "path"]).ended(0).out;
    assert!(path.trim_end().ends_with("state/teem"), "{path}");
    assert_eq!(teem(at, &["state", "path", "--json"]).ended(0).json()["path"], path.trim_end());

    let only = teem(at, &["state", "forget", "content.torrent", "--folder", "there", "--json"]).ended(0).json();
    assert_eq!(only["event"], "forgotten");
    assert_eq!(places(&folder).len(), 1);
    let nothing = teem(at, &["state", "forget", &torrent.info_hash, "--folder", "there", "--json"]).ended(1);
    assert_eq!(nothing.class(), "no_state");
    teem(at, &["state", "forget", &torrent.info_hash]).ended(0);
    assert_eq!(places(&folder).len(), 0);
    for place in ["here", "there"] {
        assert_eq!(fs::read(at.join(place).join("content")).expect("untouched"), vec![7; 40_000]);
    }
    assert_eq!(teem(at, &["state", "forget", "absent.torrent", "--json"]).ended(3).class(), "file");
}

#[test]
fn what_a_running_process_holds_stays() {
    let (folder, torrent) = opened("state-held");
    let at = &folder.0;
    let args = ["seed", "content.torrent", "--data", "here", "--listen", ":0", "--json"];
    let mut seed = Process::start(&mut command(at, &args));
    let complete = |line: &str| line.contains("\"complete\"").then_some(());
    seed.wait_line("complete", std::time::Duration::from_secs(60), complete);
    let listed = places(&folder);
    assert_eq!((&listed[0]["held"], &listed[1]["held"]), (&json!(true), &json!(false)), "{listed:?}");
    assert_eq!(listed[0]["held_by"], json!(seed.id()));
    let refused = teem(at, &["state", "forget", &torrent.info_hash, "--json"]).ended(3);
    assert_eq!(refused.class(), "locked");
    assert!(refused.err.contains(&seed.id().to_string()), "{}", refused.err);
    let left = places(&folder);
    assert_eq!(left.len(), 1, "the other one is forgotten all the same: {left:?}");
    assert_eq!(left[0]["held"], true);
}
