//! Presets: what is typed wins, what is misspelt is named with what there is.

use std::fs;

use crate::common::namespace::Folder;
use crate::common::run::{teem, teem_with};
use serde_json::{Value, json};

const CONFIG: &str = r#"
[preset.ours]
trackers = ["https://one.example/announce", "udp://two.example:1"]
web-seeds = ["http://mirror.example/"]
private = true
source = "OURS"
comment = "made by us"
piece-size = "64Ki"
exclude = ["*.log"]
hidden = true

[preset.plain]
comment = "nothing else"
"#;

fn folder(name: &str) -> Folder {
    let folder = Folder::new(name);
    fs::create_dir_all(folder.0.join("tree")).expect("the folder is writable");
    for name in ["a", "b.log", ".c"] {
        fs::write(folder.0.join("tree").join(name), name).expect("the folder is writable");
    }
    fs::create_dir_all(folder.0.join("config/teem")).expect("the folder is writable");
    fs::write(folder.0.join("config/teem/config.toml"), CONFIG).expect("the folder is writable");
    folder
}

fn made(folder: &Folder, vars: &[(&str, &str)], args: &[&str]) -> Value {
    teem_with(&folder.0, &[&["create", "tree", "--force"], args].concat(), vars, b"").ended(0);
    teem(&folder.0, &["show", "tree.torrent", "--json"]).ended(0).json()
}

#[test]
fn a_preset_says_what_is_not_typed() {
    let folder = folder("preset");
    let ours = made(&folder, &[], &["--preset", "ours"]);
    assert_eq!(ours["trackers"], json!(["https://one.example/announce", "udp://two.example:1"]));
    assert_eq!(ours["tracker_tiers"], json!([0, 1]));
    assert_eq!(ours["web_seeds"], json!(["http://mirror.example/"]));
    assert_eq!((&ours["private"], &ours["source"]), (&json!(true), &json!("OURS")));
    assert_eq!((&ours["comment"], &ours["piece_length"]), (&json!("made by us"), &json!(64 << 10)));
    assert_eq!(ours["files"], 2, "{ours}");
    let plain = made(&folder, &[("TEEM_PRESET", "plain")], &[]);
    assert_eq!((&plain["private"], &plain["comment"]), (&json!(false), &json!("nothing else")));
    assert_eq!(made(&folder, &[], &[])["comment"], Value::Null, "no preset is used unasked");
}

#[test]
fn what_is_typed_wins_over_the_preset() {
    let folder = folder("preset-typed");
    let typed = ["--tracker", "http://x/", "--private=no", "--comment", "typed", "--exclude", "a", "--hidden=no"];
    let torrent = made(&folder, &[("TEEM_SOURCE", "VAR")], &[&["--preset", "ours"], &typed[..]].concat());
    assert_eq!(torrent["trackers"], json!(["http://x/"]));
    assert_eq!((&torrent["private"], &torrent["source"]), (&json!(false), &json!("VAR")));
    assert_eq!(torrent["comment"], "typed");
    assert_eq!(torrent["piece_length"], 64 << 10);
    assert_eq!(torrent["file_list"], json!([{"path": "tree/b.log", "size": 5}]));
}

#[test]
fn what_is_wrong_is_named_with_what_there_is() {
    let folder = folder("preset-wrong");
    let at = &folder.0;
    let unknown = teem(at, &["create", "tree", "--preset", "other"]).ended(2).err;
    assert!(unknown.contains("ours, plain") && unknown.contains("config.toml"), "{unknown}");
    let absent = teem(at, &["create", "tree", "--preset", "ours", "--config", "absent.toml"]).ended(3).err;
    assert!(absent.contains("absent.toml"), "{absent}");
    for (text, wanted) in [
        ("[preset.x]\ntrackrs = []\n", &["trackrs", "trackers", "piece-size", "2"][..]),
        ("[presets.x]\n", &["presets", "`preset`"]),
        ("[preset.x]\nprivate = \"yes\"\n", &["boolean"]),
        ("[preset.x]\npiece-size = \"big\"\n", &["piece-size", "4Mi"]),
        ("[preset.x]\npiece-size = \"1000\"\n", &["power of two"]),
        ("[preset.x]\ntrackers = [\"gopher://y\"]\n", &["preset x", "trackers", "gopher"]),
        ("[preset.x\n", &["wrong.toml"]),
        ("", &["[preset.NAME]"]),
    ] {
        fs::write(at.join("wrong.toml"), text).expect("the folder is writable");
        let told = teem(at, &["create", "tree", "--preset", "x", "--config", "wrong.toml"]).ended(2).err;
        assert!(wanted.iter().all(|part| told.contains(part)), "{text:?}: {told}");
        assert!(!at.join("tree.torrent").exists());
    }
}
