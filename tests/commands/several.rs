//! Several paths of one `share`: each a torrent of its own, or all of them one.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::common::PEER_PORT;
use crate::common::content::{self, Shape};
use crate::common::namespace::isolated;
use crate::common::run::teem;
use crate::common::teem::Teem;
use serde_json::Value;

const LIMIT: Duration = Duration::from_secs(60);

/// A `get` by somebody with an address, a state and a folder of their own; the folder it goes into.
fn get(folder: &Path, number: u32, link: &str) -> PathBuf {
    let home = folder.join(format!("peer{number}"));
    let (listen, out) = (format!("198.18.1.{number}:{PEER_PORT}"), home.join("out"));
    let args = ["get", link, "--listen", &listen, "-o", &out.to_string_lossy()];
    Teem::start(&home, &args).wait_complete(LIMIT);
    out
}

fn text(value: &Value, key: &str) -> String {
    value[key].as_str().unwrap_or_else(|| panic!("no {key} in {value}")).to_string()
}

#[test]
fn each_path_is_a_torrent_of_its_own() {
    isolated("each_path_is_a_torrent_of_its_own", &[], |folder| {
        content::write(folder, "one", Shape::Single, 300_000);
        content::write(folder, "two", Shape::Single, 200_000);
        let paths = [folder.join("one"), folder.join("two")].map(|path| path.to_string_lossy().into_owned());
        // A path that is named twice is meant once.
        let mut source = Teem::start(&folder.join("home"), &["share", &paths[0], &paths[1], &paths[0]]);
        let ready = [source.wait_event("ready", LIMIT), source.wait_event("ready", LIMIT)];
        assert_eq!(ready[0]["port"], ready[1]["port"]);
        for (number, (ready, name)) in ready.iter().zip(["one", "two"]).enumerate() {
            let out = get(folder, number as u32 + 1, &text(ready, "magnet"));
            content::assert_same(&folder.join(name), &out.join(name));
        }
        source.assert_runs();
        source.terminate();
        assert_eq!(source.wait_exit(LIMIT).code(), Some(143));
    });
}

#[test]
fn together_they_are_one_torrent_that_holds_what_was_named() {
    isolated("together_they_are_one_torrent_that_holds_what_was_named", &[], |folder| {
        let lot = folder.join("a lot");
        content::write(&lot, "file", Shape::Single, 300_000);
        content::write(&lot, "tree", Shape::Tree, 200_000);
        fs::write(lot.join("secret"), "not named").expect("the folder is writable");
        fs::write(folder.join("elsewhere"), "x").expect("the folder is writable");
        let paths = ["file", "tree"].map(|name| lot.join(name).to_string_lossy().into_owned());
        let args = ["share", &paths[0], &paths[1], "--together", "both", "--hidden"];
        let ready = {
            let mut source = Teem::start(&folder.join("home"), &args);
            let ready = source.wait_event("ready", LIMIT);
            let out = get(folder, 1, &text(&ready, "magnet")).join("both");
            content::assert_same(&lot.join("file"), &out.join("file"));
            content::assert_same(&lot.join("tree"), &out.join("tree"));
            assert_eq!(fs::read_dir(&out).expect("it is there").count(), 2);
            ready
        };
        // Again: the same torrent, and nothing is hashed a second time.
        let mut again = Teem::start(&folder.join("home"), &args);
        let second = again.wait_event("ready", LIMIT);
        assert_eq!(second["infohash_v1"], ready["infohash_v1"]);
        let apart = teem(folder, &["share", "a lot/file", "elsewhere", "--together", "x"]).ended(3);
        assert!(apart.err.contains("different folders"), "{}", apart.err);
        let named = teem(folder, &["share", "a lot/file", "--together", "../x"]).ended(3);
        assert!(named.err.contains("../x"), "{}", named.err);
        teem(folder, &["share", "a lot/file", "elsewhere", "-o", "x.torrent"]).ended(2);
    });
}

#[test]
fn two_torrents_of_one_name_and_different_files_are_got_into_one_folder() {
    isolated("two_torrents_of_one_name_and_different_files_are_got_into_one_folder", &[], |folder| {
        let listen = |n: u32| format!("198.18.2.{n}:{PEER_PORT}");
        let mut shares = Vec::new();
        for (n, file) in [(1, "e1"), (2, "e2")] {
            let series = folder.join(format!("from{n}")).join("series");
            fs::create_dir_all(&series).expect("own folder");
            content::write(&series, file, Shape::Single, 300_000 + n as u64);
            let home = folder.join(format!("home{n}"));
            let mut share = Teem::start(&home, &["share", &series.to_string_lossy(), "--listen", &listen(n)]);
            let magnet = text(&share.wait_event("ready", LIMIT), "magnet");
            shares.push((share, magnet, series.join(file)));
        }
        for again in ["fetched", "there already"] {
            let home = folder.join("peer");
            let (out, own) = (home.join("out"), listen(3));
            let (a, b) = (&shares[0].1, &shares[1].1);
            let mut got = Teem::start(&home, &["get", a, b, "--listen", &own, "-o", &out.to_string_lossy()]);
            got.wait_complete(LIMIT);
            for (_, _, file) in &shares {
                let name = file.file_name().expect("a file");
                assert_eq!(fs::read(file).ok(), fs::read(out.join("series").join(name)).ok(), "{again}");
            }
        }
        // The same files twice are one too many.
        let copy = folder.join("copy/series");
        fs::create_dir_all(&copy).expect("own folder");
        content::write(&copy, "e1", Shape::Single, 100_000);
        let other = folder.join("other.torrent");
        let made = teem(folder, &["create", "copy/series", "-o", &other.to_string_lossy()]).ended(0);
        let first = folder.join("first.torrent");
        teem(folder, &["create", "from1/series", "-o", &first.to_string_lossy()]).ended(0);
        let args = ["get", &first.to_string_lossy(), &other.to_string_lossy(), "-o", "both", "--listen", "127.0.0.1:0"];
        let clash = teem(folder, &args).ended(3);
        assert!(clash.err.contains("series/e1"), "{} {}", clash.err, made.err);
    });
}
