//! `teem get` for some of the files: by pattern, by link, by asking, one after the other, and what partial seeds give to others.

use crate::common::clients::libtorrent::Libtorrent;
use crate::common::content::{self, Shape};
use crate::common::namespace::isolated;
use crate::common::run::teem;
use crate::common::teem::Teem;
use crate::common::torrent::Torrent;
use crate::common::{Client, Family, Job, PEER_PORT, Seat, TEEM_IP};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(60);
const OTHER_IP: &str = "198.18.4.1";
const LIBTORRENT: Libtorrent = Libtorrent { super_seeds: false };

/// A folder of three files whose pieces of 64 KiB overlap: its seed, itself, its .torrent and its magnet link.
fn seeded(folder: &Path) -> (Teem, PathBuf, PathBuf, String) {
    let path = folder.join("album");
    fs::create_dir(&path).expect("own folder");
    for (name, size) in [("a.flac", 300_000), ("b.flac", 500_001), ("notes.txt", 70_000)] {
        content::write(&path, name, Shape::Single, size);
    }
    let (torrent, at) = (folder.join("album.torrent"), format!("{TEEM_IP}:{PEER_PORT}"));
    let home = folder.join("seed");
    let args =
        ["share", &path.to_string_lossy(), "--listen", &at, "-o", &torrent.to_string_lossy(), "--piece-size", "64Ki"];
    let mut seed = Teem::start(&home, &args);
    let ready = seed.wait_event("ready", LIMIT);
    let magnet = ready["magnet"].as_str().expect("a link").to_owned();
    (seed, path, torrent, magnet)
}

fn get(folder: &Path, ip: &str, link: &str, more: &[&str]) -> (Teem, PathBuf) {
    let (home, listen) = (folder.join("home"), format!("{ip}:{PEER_PORT}"));
    let out = folder.join("out");
    let args = ["get", link, "-o", &out.to_string_lossy(), "--listen", &listen];
    (Teem::start(&home, &[&args, more].concat()), out)
}

/// What lies in a folder, without the album's own folder.
fn names(out: &Path) -> Vec<String> {
    let mut names: Vec<String> = content::files(&out.join("album")).iter().map(|p| p.display().to_string()).collect();
    names.sort();
    names
}

fn same(path: &Path, out: &Path, name: &str) -> bool {
    fs::read(path.join(name)).ok() == fs::read(out.join("album").join(name)).ok()
}

#[test]
fn only_what_was_asked_for_then_all_of_it() {
    isolated("only_what_was_asked_for_then_all_of_it", &[], |folder| {
        let (_seed, path, torrent, _) = seeded(folder);
        let torrent = torrent.to_string_lossy();
        let (mut first, out) = get(folder, OTHER_IP, &torrent, &["--only", "notes.*"]);
        first.wait_complete(LIMIT);
        assert_eq!(first.events("done")[0]["size"], 70_000);
        assert_eq!(first.wait_exit(LIMIT).code(), Some(0));
        assert_eq!(names(&out), ["notes.txt"]);
        assert!(same(&path, &out, "notes.txt"));
        let parts = || fs::read_dir(&out).expect("own folder").flatten().filter(|e| e.file_name() != "album").count();
        assert_eq!(parts(), 1, "the bytes before it, in its piece, lie in the part file");
        let (mut again, _) = get(folder, OTHER_IP, &torrent, &[]);
        again.wait_complete(LIMIT);
        assert_eq!(again.events("done")[0]["downloaded"], 0, "what was chosen is there");
        assert_eq!(again.wait_exit(LIMIT).code(), Some(0));
        assert!(again.log().contains("1 of 3 files are wanted, as in the last run"), "{}", again.log());
        let (mut rest, _) = get(folder, OTHER_IP, &torrent, &["--only", "*"]);
        rest.wait_complete(LIMIT);
        let again = rest.events("done")[0]["downloaded"].as_u64().expect("bytes");
        assert!(again <= 800_001, "what was there is not fetched again: {again}");
        rest.wait_exit(LIMIT);
        content::assert_same(&path, &out.join("album"));
        assert_eq!(parts(), 0);
        let (mut none, _) = get(&folder.join("none"), OTHER_IP, &torrent, &["--only", "*.iso"]);
        assert_eq!(none.wait_exit(LIMIT).code(), Some(1));
        assert!(none.log().contains("no_such_file") && none.log().contains("b.flac"), "{}", none.log());
    });
}

#[test]
fn a_magnet_link_that_selects_files() {
    isolated("a_magnet_link_that_selects_files", &[], |folder| {
        let (_seed, path, _, magnet) = seeded(folder);
        let (mut get, out) = get(folder, OTHER_IP, &format!("{magnet}&so=1"), &[]);
        get.wait_complete(LIMIT);
        get.wait_exit(LIMIT);
        assert_eq!(names(&out), ["b.flac"]);
        assert!(same(&path, &out, "b.flac"));
        assert!(teem(folder, &["get", "--files", &magnet]).ended(2).err.contains("--only"), "nobody is there to ask");
    });
}

#[test]
fn libtorrent_completes_from_two_partial_seeds() {
    isolated("libtorrent_completes_from_two_partial_seeds", &[LIBTORRENT.needs()], |folder| {
        let (mut seed, path, torrent, magnet) = seeded(folder);
        let link = torrent.to_string_lossy();
        let mut halves = Vec::new();
        for (ip, more) in [
            (OTHER_IP, &["--only", "a.flac", "--seed"][..]),
            ("198.18.4.2", &["--only", "b*", "--only", "*.txt", "--seed"]),
        ] {
            let (mut half, _) = get(&folder.join(ip), ip, &link, more);
            half.wait_event("done", LIMIT);
            halves.push(half);
        }
        seed.terminate();
        seed.wait_exit(LIMIT);
        let out = folder.join("lt");
        let link = format!("{magnet}&x.pe={OTHER_IP}:{PEER_PORT}&x.pe=198.18.4.2:{PEER_PORT}");
        LIBTORRENT.start(&Seat::new(1, Family::V4, &folder.join("lt home")), &Job::get(&link, &out)).wait_whole(LIMIT);
        content::assert_same(&path, &out.join("album"));
    });
}

#[test]
fn some_files_from_a_libtorrent_seed() {
    isolated("some_files_from_a_libtorrent_seed", &[LIBTORRENT.needs()], |folder| {
        content::write(folder, "content", Shape::Tree, 3 << 20);
        let torrent = Torrent::create(folder, "content", 65_536, &[]);
        let data = folder.to_path_buf();
        let seat = Seat::new(1, Family::V4, &folder.join("lt home"));
        let _seed = LIBTORRENT.start(&seat, &Job::seed(&torrent.path.to_string_lossy(), &data));
        let wanted =
            content::files(&folder.join("content")).into_iter().max_by_key(|p| p.as_os_str().len()).expect("files");
        let pattern = format!("/{}", wanted.display());
        let peer = seat.listen().to_string();
        let (mut get, out) =
            get(&folder.join("me"), TEEM_IP, &torrent.path.to_string_lossy(), &["--only", &pattern, "--peer", &peer]);
        get.wait_complete(LIMIT);
        get.wait_exit(LIMIT);
        assert_eq!(content::files(&out.join("content")), [wanted]);
    });
}
