//! `teem edit` as a person meets it: the swarm stays the same, a bad file hinders no good one, nothing is written in vain.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;

use crate::common::namespace::Folder;
use crate::common::run::{teem, teem_with};
use crate::common::torrent::Torrent;
use serde_json::json;

fn torrents(name: &str, count: usize) -> (Folder, Vec<String>) {
    let folder = Folder::new(name);
    let one = |n: usize| {
        fs::write(folder.0.join(format!("c{n}")), vec![7; 40_000 + n]).expect("the folder is writable");
        Torrent::create(&folder.0, &format!("c{n}"), 16 << 10, &["http://tracker.example/announce"]);
        format!("c{n}.torrent")
    };
    let names = (0..count).map(one).collect();
    (folder, names)
}

fn shown(at: &Path, name: &str) -> serde_json::Value {
    teem(at, &["show", name, "--json"]).ended(0).json()
}

#[test]
fn what_is_changed_is_shown_and_the_info_hash_stays() {
    let (folder, names) = torrents("edit", 1);
    let (at, name) = (&folder.0, names[0].as_str());
    let before = shown(at, name);
    let add = ["--add-tracker", "udp://two.example:1", "--add-tracker", "http://three.example/"];
    let more = ["--add-web-seed", "http://mirror.example/", "--comment", "changed"];
    let ran = teem(at, &[&["edit", name], &add[..], &more].concat()).ended(0);
    assert!(ran.out.contains("+ tracker udp://two.example:1 in tier 2"), "{}", ran.out);
    let after = shown(at, name);
    assert_eq!(after["infohash_v1"], before["infohash_v1"]);
    assert_eq!(after["tracker_tiers"], json!([0, 1, 2]), "{after}");
    assert_eq!(after["web_seeds"], json!(["http://mirror.example/"]));
    assert_eq!(after["comment"], "changed");
    teem(at, &["verify", name]).ended(0);

    let typed = ["--replace", "tracker.example", "moved.example", "--remove-tracker", "http://three.example/"];
    let ran = teem(at, &[&["edit", name, "--json"], &typed[..]].concat()).ended(0).json();
    assert_eq!(ran["event"], "edited");
    assert_eq!(ran["written"], true);
    assert_eq!(ran["changes"].as_array().map(Vec::len), Some(2), "{ran}");
    assert_eq!(shown(at, name)["trackers"], json!(["http://moved.example/announce", "udp://two.example:1"]));
    let vars = [
        ("TEEM_REPLACE", "moved.example again.example"),
        ("TEEM_TIER", "1"),
        ("TEEM_ADD_TRACKER", "http://x/ http://y/"),
    ];
    teem_with(at, &["edit", name], &vars, b"").ended(0);
    assert_eq!(shown(at, name)["tracker_tiers"], json!([0, 0, 0, 1]));
}

#[test]
fn permissions_and_links_stay_and_nothing_is_written_in_vain() {
    let (folder, names) = torrents("edit-file", 1);
    let (at, real) = (&folder.0, folder.0.join(&names[0]));
    fs::set_permissions(&real, fs::Permissions::from_mode(0o604)).expect("own file");
    symlink(&names[0], at.join("link.torrent")).expect("the folder is writable");
    let before = fs::read(&real).expect("own file");
    let inode = || fs::metadata(&real).expect("own file").ino();
    let first = inode();
    let add = ["edit", "link.torrent", "--add-tracker", "http://b.example/"];
    let dry = teem(at, &[&add[..], &["--dry-run"]].concat()).ended(0);
    assert!(dry.out.contains("would change") && dry.out.contains("http://b.example/"), "{}", dry.out);
    assert_eq!(fs::read(&real).expect("own file"), before);
    teem(at, &add).ended(0);
    assert_ne!(fs::read(&real).expect("own file"), before);
    assert!(at.join("link.torrent").is_symlink());
    assert_eq!(fs::metadata(&real).expect("own file").permissions().mode() & 0o777, 0o604);
    let second = inode();
    assert_ne!(first, second, "a new file took the place of the old one");
    let again = teem(at, &add).ended(0);
    assert!(again.out.contains("nothing to change"), "{}", again.out);
    assert_eq!(inode(), second);
    let left = fs::read_dir(at).expect("own folder").filter_map(Result::ok);
    assert_eq!(left.filter(|entry| entry.file_name().to_string_lossy().ends_with(".tmp")).count(), 0);
}

#[test]
fn a_bad_file_is_named_and_the_others_are_done() {
    let (folder, names) = torrents("edit-many", 2);
    let at = &folder.0;
    fs::write(at.join("bad.torrent"), b"d4:infod4:name1:xee").expect("the folder is writable");
    let add = ["--add-tracker", "http://b.example/"];
    let files = [names[0].as_str(), "bad.torrent", "absent.torrent", names[1].as_str()];
    let ran = teem(at, &[&["edit"], &files[..], &add].concat()).ended(1);
    assert!(ran.err.contains("bad.torrent") && ran.err.contains("absent.torrent"), "{}", ran.err);
    for name in &names {
        assert_eq!(shown(at, name)["tracker_tiers"], json!([0, 1]));
    }
    let lines = teem(at, &[&["edit", "--json"], &files[..], &add].concat()).ended(1).lines();
    let events: Vec<&str> = lines.iter().filter_map(|line| line["event"].as_str()).collect();
    assert_eq!(events, ["edited", "edited", "not_edited", "not_edited"]);
    assert_eq!(lines[2]["error"]["class"], "bad_piece_length");
    assert_eq!(lines[4]["error"]["class"], "bad_piece_length", "the last line says how it ends");
    assert_eq!(teem(at, &[&["edit", "absent.torrent", "--json"], &add[..]].concat()).ended(3).class(), "file");
}

#[test]
fn passkeys_are_not_shown() {
    let (folder, names) = torrents("edit-secret", 1);
    let key = "0123456789abcdef0123456789abcdef";
    let url = format!("http://b.example/{key}/announce");
    for extra in [&["--dry-run"][..], &["--dry-run", "--json"], &[]] {
        let ran = teem(&folder.0, &[&["edit", &names[0], "--add-tracker", &url], extra].concat()).ended(0);
        assert!(ran.out.contains("b.example") && !ran.out.contains(key), "{}", ran.out);
    }
    let ran = teem(&folder.0, &["edit", &names[0], "--replace", key, "fedcba9876543210fedcba9876543210"]).ended(0);
    assert!(ran.out.contains("not shown here") && !ran.out.contains(key), "{}", ran.out);
}
