//! A disk that fails under the running program (faults, rows 8, 9 and 11): strace makes its calls fail as a medium would, once,
//! for a while or for good. Nothing wrong is claimed or served, the cause is named, and when it is over it goes on by itself.

use std::fs;
use std::path::Path;
use std::time::Duration;

use crate::common::content::{self, Shape};
use crate::common::namespace::{Needs, isolated};
use crate::common::scripted::{Manner, Scripted};
use crate::common::teem::Teem;
use crate::common::torrent::Torrent;
use crate::common::{PEER_PORT, TEEM_IP};

const LIMIT: Duration = Duration::from_secs(100);
/// What a user waits for at the end, and some time for a busy machine.
const STOP_MAX: Duration = Duration::from_secs(10);
const NEEDS: [Needs; 1] = [Needs::Command("strace", "-V")];
const SIZE: u64 = 6 << 20;
/// Where the seed is whose disk fails.
const SEED_IP: &str = "198.18.0.3";
/// What is looked at, and so slowed down: the calls that reach the medium.
const CALLS: &str = "trace=preadv,pwritev,fsync,ftruncate";

/// A folder with content, its torrent, and an honest seed of it.
struct Scene<'a> {
    folder: &'a Path,
    torrent: Torrent,
    seed: Scripted,
}

impl<'a> Scene<'a> {
    fn new(folder: &'a Path, rate: u64) -> Self {
        content::write(folder, "content", Shape::Single, SIZE);
        let torrent = Torrent::create(folder, "content", 64 << 10, &[]);
        let seed = Scripted::start("198.18.2.1", "-HO0001-", &torrent, folder, Manner { rate, ..Manner::default() });
        Self { folder, torrent, seed }
    }

    /// Downloads while these calls on the content's file fail.
    fn get(&self, faults: &[&str]) -> Teem {
        let out = self.folder.join("out");
        let path = out.join("content");
        let (link, out, peer) = (self.link(), out.to_string_lossy(), self.seed.address.to_string());
        let listen = format!("{TEEM_IP}:{PEER_PORT}");
        let args = ["get", &link, "-o", &out, "--listen", &listen, "--peer", &peer];
        under(faults, Some(&path), &self.folder.join("home"), &args)
    }

    /// The same when nothing fails any more.
    fn finish(&self) {
        self.get(&[]).wait_complete(LIMIT);
        self.assert_same();
    }

    fn link(&self) -> String {
        self.torrent.path.to_string_lossy().into_owned()
    }

    fn assert_same(&self) {
        content::assert_same(&self.folder.join("content"), &self.folder.join("out/content"));
    }
}

/// Teem with these faults on a file, or on any.
fn under(faults: &[&str], path: Option<&Path>, home: &Path, args: &[&str]) -> Teem {
    if faults.is_empty() {
        return Teem::start(home, args);
    }
    let path = path.map(|path| path.to_string_lossy().into_owned());
    let mut wrapper = vec!["strace", "-D", "-f", "-qq", "--seccomp-bpf", "-o", "/dev/null", "-e", CALLS];
    if let Some(path) = &path {
        wrapper.extend(["-P", path]);
    }
    for fault in faults {
        wrapper.extend(["-e", fault]);
    }
    Teem::start_under(&wrapper, home, args)
}

/// Waits for the sentence about the disk, which names the file and the cause.
#[track_caller]
fn wait_trouble(teem: &mut Teem, cause: &str) -> String {
    let said = teem.wait_event("disk", LIMIT)["error"].as_str().expect("a sentence").to_owned();
    assert!(said.contains(cause) && said.contains("content"), "{said}");
    said
}

fn stop(mut teem: Teem) {
    teem.terminate();
    assert_eq!(teem.wait_exit(STOP_MAX).code(), Some(143));
}

#[test]
fn row_9_a_write_that_fails_once() {
    isolated("row_9_a_write_that_fails_once", &NEEDS, |folder| {
        for_a_while(folder, &[("error=EIO:when=3", "Input/output error")]);
    });
}

#[test]
fn rows_9_and_11_no_room_for_a_while_and_a_write_that_takes_nothing() {
    isolated("rows_9_and_11_no_room_for_a_while_and_a_write_that_takes_nothing", &NEEDS, |folder| {
        for_a_while(folder, &[("error=ENOSPC:when=2..3", "full"), ("retval=0:when=3", "write")]);
    });
}

/// Some writes fail; the cause is said, and it is tried again without anybody's help. strace counts the calls of each thread for
/// itself, so until all threads have had their failure, which a disk would have once, minutes may go by: the next run ends it.
fn for_a_while(folder: &Path, faults: &[(&str, &str)]) {
    let scene = Scene::new(folder, 4 << 20);
    for (fault, cause) in faults {
        let mut get = scene.get(&[&format!("inject=pwritev:{fault}")]);
        wait_trouble(&mut get, cause);
        get.wait_event("disk_recovered", LIMIT);
        stop(get);
        scene.finish();
        forget(&scene);
    }
}

/// As if nothing had been downloaded.
fn forget(scene: &Scene<'_>) {
    fs::remove_dir_all(scene.folder.join("out")).expect("it is there");
    fs::remove_dir_all(scene.folder.join("home")).expect("it is there");
}

#[test]
fn row_11_calls_are_interrupted_again_and_again() {
    isolated("row_11_calls_are_interrupted_again_and_again", &NEEDS, |folder| {
        let scene = Scene::new(folder, 4 << 20);
        let calls = "inject=pwritev,preadv,fsync,ftruncate:error=EINTR:when=1+2";
        let mut get = scene.get(&[calls]);
        get.wait_complete(LIMIT);
        assert!(get.events("disk").is_empty(), "{:?}", get.events("disk"));
        scene.assert_same();
    });
}

#[test]
fn row_9_a_sync_that_failed_is_not_believed_the_next_time() {
    isolated("row_9_a_sync_that_failed_is_not_believed_the_next_time", &NEEDS, |folder| {
        let scene = Scene::new(folder, 4 << 20);
        let mut get = scene.get(&["inject=fsync:error=EIO:when=1"]);
        get.wait_complete(LIMIT);
        let said = format!("{:?} {:?}", get.events("disk"), get.events("notice"));
        assert!(said.contains("cannot sync") && said.contains("Input/output error"), "{said}");
        scene.assert_same();
    });
}

#[test]
fn row_9_writes_or_syncs_that_fail_for_good() {
    isolated("row_9_writes_or_syncs_that_fail_for_good", &NEEDS, |folder| {
        let scene = Scene::new(folder, 4 << 20);
        for call in ["pwritev", "fsync"] {
            let mut get = scene.get(&[&format!("inject={call}:error=EIO:when=1+")]);
            if call == "pwritev" {
                wait_trouble(&mut get, "Input/output error");
            } else {
                get.wait_line("a sentence about the sync", LIMIT, |line| line.contains("cannot sync").then_some(()));
            }
            get.assert_runs();
            assert!(get.events("durable").is_empty() && get.events("done").is_empty(), "it claims nothing");
            stop(get);
            scene.finish();
            forget(&scene);
        }
    });
}

#[test]
fn row_8_reads_that_fail_while_seeding_cost_only_what_cannot_be_read() {
    isolated("row_8_reads_that_fail_while_seeding_cost_only_what_cannot_be_read", &NEEDS, |folder| {
        let scene = Scene::new(folder, 512 << 10);
        let (link, listen, data) = (scene.link(), format!("{SEED_IP}:{PEER_PORT}"), folder.to_string_lossy());
        let args = ["seed", &link, "--data", &data, "--listen", &listen];
        let ready = |seed: &mut Teem| {
            seed.wait_line("a seed that is ready", LIMIT, |line| line.contains("\"seeding\"").then_some(()));
        };
        // Checked once, so that from now on only what is served is read.
        let mut seed = Teem::start(&folder.join("seed"), &args);
        ready(&mut seed);
        stop(seed);
        for fault in [
            "inject=preadv:error=EIO:when=5+9",
            "inject=preadv:error=EINTR:when=1+2",
            "inject=preadv:retval=0:when=5+9",
        ] {
            let mut seed = under(&[fault], Some(&folder.join("content")), &folder.join("seed"), &args);
            ready(&mut seed);
            let (peer, other) = (scene.seed.address.to_string(), listen.as_str());
            let out = folder.join("out");
            let mut get = Teem::get(&folder.join("home"), &link, &out, &["--peer", &peer, "--peer", other]);
            get.wait_complete(LIMIT);
            scene.assert_same();
            assert!(get.events("piece_failed").is_empty(), "it was served something wrong");
            seed.assert_runs();
            let said = format!("{:?}", seed.events("notice"));
            eprintln!("figure: {fault}: {} notices", seed.events("notice").len());
            assert!(fault.contains("EINTR") || said.contains("content"), "{said}");
            stop(seed);
            forget(&scene);
        }
    });
}

#[test]
fn rows_9_and_16_what_fails_for_good_is_said_with_what_helps_and_ends_with_the_time() {
    isolated("rows_9_and_16_what_fails_for_good_is_said_with_what_helps_and_ends_with_the_time", &NEEDS, |folder| {
        let scene = Scene::new(folder, 4 << 20);
        for (call, errno, cause, help) in [
            ("pwritev", "EDQUOT", "the quota is used up", "make room"),
            ("pwritev", "ESTALE", "Stale file handle", "mount"),
            ("ftruncate", "EFBIG", "no file as large", "ulimit -f"),
            ("ftruncate", "EACCES", "permission denied", "chmod"),
            ("pwritev", "EPERM", "not permitted", "mount"),
        ] {
            let out = folder.join("out");
            let (link, peer, target) = (scene.link(), scene.seed.address.to_string(), out.to_string_lossy());
            let args = ["get", &link, "-o", &target, "--peer", &peer, "--timeout", "4s", "--no-sandbox"];
            fs::create_dir_all(&out).expect("a folder");
            let fault = format!("inject={call}:error={errno}:when=1+");
            let mut get = under(&[&fault], Some(&out.join("content")), &folder.join("home"), &args);
            let said = wait_trouble(&mut get, cause);
            assert!(said.contains(help), "{said}");
            assert_eq!(get.wait_exit(LIMIT).code(), Some(4), "{call} {errno}");
            assert!(get.events("durable").is_empty() && get.events("done").is_empty(), "it claims nothing");
            scene.finish();
            forget(&scene);
        }
    });
}

#[test]
fn row_7_what_cannot_be_saved_at_the_end_is_said() {
    isolated("row_7_what_cannot_be_saved_at_the_end_is_said", &NEEDS, |folder| {
        let scene = Scene::new(folder, 4 << 20);
        let (link, data) = (scene.link(), folder.to_string_lossy());
        let args = ["seed", &link, "--data", &data, "--listen", &format!("{SEED_IP}:{PEER_PORT}")];
        let mut seed = under(&["inject=fsync:error=EIO:when=1+"], None, &folder.join("seed"), &args);
        seed.wait_line("a seed that is ready", LIMIT, |line| line.contains("\"seeding\"").then_some(()));
        seed.terminate();
        assert_eq!(seed.wait_exit(STOP_MAX).code(), Some(143));
        let said = format!("{:?}", seed.events("notice"));
        assert!(said.contains("cannot keep state in") && said.contains("Input/output error"), "{said}");
    });
}
