//! What stood in the folder before (`docs/existing-files.md`), with the whole program: `get` leaves alone what is right and what is somebody else's, what it
//! calls complete `verify` calls whole, and content behind a link is served.

use crate::common::content::{self, Shape};
use crate::common::namespace::isolated;
use crate::common::run::teem;
use crate::common::teem::Teem;
use crate::common::{PEER_PORT, TEEM_IP};
use std::fs;
use std::io::Write;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::{Path, PathBuf};
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(60);
const OTHER_IP: &str = "198.18.4.1";

/// A folder of three files whose pieces of 64 KiB overlap: who shares it, itself, and its .torrent.
fn shared(folder: &Path) -> (Teem, PathBuf, PathBuf) {
    let path = folder.join("album");
    fs::create_dir(&path).expect("own folder");
    for (name, size) in [("a.flac", 300_000), ("b.flac", 500_001), ("notes.txt", 70_000)] {
        content::write(&path, name, Shape::Single, size);
    }
    let torrent = folder.join("album.torrent");
    let seed = share(&folder.join("seed"), &path, &torrent);
    (seed, path, torrent)
}

fn share(home: &Path, path: &Path, torrent: &Path) -> Teem {
    let at = format!("{TEEM_IP}:{PEER_PORT}");
    let args =
        ["share", &path.to_string_lossy(), "--listen", &at, "-o", &torrent.to_string_lossy(), "--piece-size", "64Ki"];
    let mut seed = Teem::start(home, &args);
    seed.wait_event("ready", LIMIT);
    seed
}

fn get(folder: &Path, torrent: &Path, out: &Path, more: &[&str]) -> Teem {
    let listen = format!("{OTHER_IP}:{PEER_PORT}");
    let args = ["get", &torrent.to_string_lossy(), "-o", &out.to_string_lossy(), "--listen", &listen];
    Teem::start(&folder.join("home"), &[&args, more].concat())
}

/// What `verify` says of a folder: its exit code and its words.
fn verify(folder: &Path, torrent: &Path, data: &Path) -> (i32, String) {
    let ran = teem(folder, &["verify", &torrent.to_string_lossy(), "--data", &data.to_string_lossy()]);
    (ran.code, ran.out)
}

/// The content in `out`, each file with another name in `library`.
fn library(folder: &Path, path: &Path) -> (PathBuf, PathBuf) {
    let (out, library) = (folder.join("out"), folder.join("library"));
    fs::create_dir_all(out.join("album")).expect("own folder");
    fs::create_dir(&library).expect("own folder");
    for name in ["a.flac", "b.flac", "notes.txt"] {
        fs::copy(path.join(name), library.join(name)).expect("own files");
        fs::hard_link(library.join(name), out.join("album").join(name)).expect("one file system");
    }
    (out, library)
}

#[test]
fn a_library_keeps_its_bytes_and_right_files_their_times() {
    isolated("a_library_keeps_its_bytes_and_right_files_their_times", &[], |folder| {
        let (_seed, path, torrent) = shared(folder);
        let (out, library) = library(folder, &path);
        let mut wrong = fs::read(library.join("b.flac")).expect("own file");
        wrong[200_000] ^= 1;
        fs::write(library.join("b.flac"), &wrong).expect("own file");
        fs::remove_file(out.join("album/notes.txt")).expect("own file");
        let stamp = || {
            let meta = fs::metadata(out.join("album/a.flac")).expect("it is there");
            (meta.mtime(), meta.mtime_nsec(), meta.ino())
        };
        let before = stamp();
        let mut got = get(folder, &torrent, &out, &[]);
        got.wait_complete(LIMIT);
        content::assert_same(&path, &out.join("album"));
        assert_eq!(verify(folder, &torrent, &out).0, 0);
        assert!(fs::read(library.join("b.flac")).expect("own file") == wrong, "the library has its own bytes");
        assert_eq!(stamp(), before, "what was right was not written again");
        let said: Vec<String> = got.events("notice").iter().map(|n| n["text"].to_string()).collect();
        assert!(said.iter().any(|text| text.contains("b.flac") && text.contains("hard links")), "{said:?}");
    });
}

#[test]
fn content_behind_a_link_is_verified_seeded_and_shared() {
    isolated("content_behind_a_link_is_verified_seeded_and_shared", &[], |folder| {
        let (seed, path, torrent) = shared(folder);
        drop(seed);
        let moved = folder.join("big disk");
        fs::create_dir(&moved).expect("own folder");
        fs::rename(&path, moved.join("it")).expect("one file system");
        symlink(moved.join("it"), &path).expect("own folder");
        fs::rename(moved.join("it/b.flac"), moved.join("b")).expect("one file system");
        symlink("../b", moved.join("it/b.flac")).expect("own folder");
        assert_eq!(verify(folder, &torrent, folder).0, 0);
        let (home, at) = (folder.join("seeder"), format!("{TEEM_IP}:{PEER_PORT}"));
        let data = folder.to_string_lossy().into_owned();
        let args = ["seed", &torrent.to_string_lossy(), "--data", &data, "--listen", &at];
        let seed = Teem::start(&home, &args);
        let out = folder.join("out");
        let peer = at.clone();
        get(folder, &torrent, &out, &["--peer", &peer]).wait_complete(LIMIT);
        assert_eq!(verify(folder, &torrent, &out).0, 0);
        drop(seed);
        // A link as the path itself is what the user means; those below it could lead where he does not.
        fs::remove_file(moved.join("it/b.flac")).expect("own link");
        fs::rename(moved.join("b"), moved.join("it/b.flac")).expect("one file system");
        let again = folder.join("again.torrent");
        let _share = share(&folder.join("sharer"), &path, &again);
        let out = folder.join("out2");
        get(folder, &again, &out, &[]).wait_complete(LIMIT);
        assert_eq!(verify(folder, &again, &out).0, 0);
    });
}

#[test]
fn what_cannot_be_made_right_is_refused_before_the_work() {
    isolated("what_cannot_be_made_right_is_refused_before_the_work", &[], |folder| {
        let (_seed, path, torrent) = shared(folder);
        let (out, library) = library(folder, &path);
        fs::File::options()
            .append(true)
            .open(library.join("a.flac"))
            .and_then(|mut a| a.write_all(b"more"))
            .expect("own file");
        let mut refused = get(folder, &torrent, &out, &[]);
        assert_eq!(refused.wait_exit(LIMIT).code(), Some(3));
        assert!(refused.log().contains("a.flac goes on after the 300000 bytes"), "{}", refused.log());
        let (code, words) = verify(folder, &torrent, &out);
        assert!(code == 1 && words.contains("a.flac: too long"), "{words}");
        get(folder, &torrent, &out, &["--overwrite"]).wait_complete(LIMIT);
        assert_eq!(verify(folder, &torrent, &out).0, 0);
        assert_eq!(fs::metadata(library.join("a.flac")).expect("own file").len(), 300_004);
        // A folder where a file should be.
        let out = folder.join("out2");
        fs::create_dir_all(out.join("album/b.flac")).expect("own folder");
        fs::copy(path.join("a.flac"), out.join("album/a.flac")).expect("own file");
        let mut refused = get(folder, &torrent, &out, &[]);
        assert_eq!(refused.wait_exit(LIMIT).code(), Some(3));
        assert!(refused.log().contains("b.flac: a folder is in the way"), "{}", refused.log());
        let (code, words) = verify(folder, &torrent, &out);
        assert!(code == 1 && words.contains("a folder is in the way"), "{words}");
    });
}
