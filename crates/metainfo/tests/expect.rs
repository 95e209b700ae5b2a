//! Every torrent of the test data, held against what other implementations make of it.
#![allow(clippy::unwrap_used)] // a test fails by panicking

mod common;

use std::collections::BTreeSet;

use serde_json::Value;
use teem_metainfo::{InfoHashV2, Limits, Metainfo, url};

fn strings(value: &Value) -> Vec<String> {
    value.as_array().into_iter().flatten().map(|v| v.as_str().unwrap().to_owned()).collect()
}

fn assert_safe(part: &str, file: &str) {
    let bad = part.is_empty() || part == "." || part == ".." || part.contains(['/', '\\', '\0']) || part.len() > 255;
    assert!(!bad, "{part:?} in {file}");
}

fn check(file: &str, expect: &Value, torrent: &Metainfo) {
    let info = &torrent.info;
    assert_eq!(info.key().v1().map(|h| h.to_string()).as_deref(), expect["infohash_v1"].as_str(), "{file}");
    assert_eq!(info.key().v2().map(|h| h.to_string()).as_deref(), expect["infohash_v2"].as_str(), "{file}");
    for (key, value) in [
        ("files", info.files().len() as u64),
        ("real_files", info.files().iter().filter(|f| !f.pad).count() as u64),
        ("total_size", info.total()),
        ("size_without_pads", info.content_size()),
        ("piece_length", u64::from(info.piece_length())),
        ("pieces", u64::from(info.piece_count())),
    ] {
        assert_eq!(Some(value), expect[key].as_u64(), "{key} of {file}");
    }
    assert_eq!(Some(info.is_private()), expect["private"].as_bool(), "{file}");
    assert_eq!(torrent.trackers.concat(), strings(&expect["trackers"]), "{file}");
    let mut seeds = strings(&expect["web_seeds"]);
    seeds.retain(|seed| url::http(seed).is_ok()); // one has a path without a host
    assert_eq!(torrent.web_seeds.len(), seeds.len(), "{file}");
    for seed in &torrent.web_seeds {
        // The other side completes some URLs by the file's path.
        assert!(seeds.iter().any(|theirs| theirs.starts_with(seed.as_str())), "{seed} of {file}");
    }
    let nodes: Vec<_> = torrent.nodes.iter().map(|(host, port)| serde_json::json!([host, port])).collect();
    assert_eq!(&nodes, expect["dht_nodes"].as_array().unwrap_or(&Vec::new()), "{file}");
    if let Some(comment) = expect["comment"].as_str() {
        assert_eq!(torrent.comment.as_deref(), Some(comment), "{file}");
    }

    assert_safe(info.name(), file);
    let mut paths = BTreeSet::new();
    // The other side may put an empty file before or behind padding.
    let list = expect["file_list"].as_array().unwrap();
    let real = info.files().iter().filter(|f| !f.pad).zip(list.iter().filter(|f| f["pad"] != true));
    for (ours, theirs) in real {
        assert_eq!(Some(ours.length), theirs["size"].as_u64(), "{file}");
        assert_eq!(ours.symlink().is_some(), theirs["symlink"].is_string(), "{file}");
        let root = ours.pieces_root().map(|root| InfoHashV2(*root).to_string()); // for its digits
        assert_eq!(root.as_deref(), theirs["pieces_root"].as_str(), "{file}");
        info.full_path(&ours).for_each(|part| assert_safe(part, file));
        assert!(paths.insert(ours.path()), "{:?} collides in {file}", ours.path());
    }
}

#[test]
fn torrents_of_other_implementations() {
    let Some(root) = common::data() else { return };
    let text = std::fs::read_to_string(root.join("expect.json")).unwrap();
    let expectations: serde_json::Map<String, Value> = serde_json::from_str(&text).unwrap();
    let mut seen = 0;
    for (file, expect) in expectations.iter().filter(|(file, _)| file.starts_with("torrents/")) {
        let result = Metainfo::parse(&std::fs::read(root.join(file)).unwrap(), &Limits::FILE);
        match expect["verdict"].as_str().unwrap() {
            "accept" => check(file, expect, &result.unwrap_or_else(|error| panic!("{file}: {error}"))),
            "reject" => {
                let class = result.expect_err(file).class();
                // This one is broken in several ways; we meet another one first.
                if !file.ends_with("/bad_name.torrent") {
                    assert_eq!(class, expect["error_class"], "{file}");
                }
            }
            _ => {}
        }
        seen += 1;
    }
    assert!(seen >= 70, "{seen}");
}
