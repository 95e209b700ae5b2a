//! What the daemon does with files: moves, other names, hashing again, removal; whatever comes between, one place holds everything.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::common::clients::transmission::Transmission;
use crate::common::namespace::{Folder, isolated};
use crate::common::process::{Process, wait_until};
use crate::common::run::{Ran, command, teem_with};
use crate::common::teem::Teem;
use crate::common::torrent::Torrent;
use crate::common::{Client, Family, Job, PEER_PORT, Seat, TEEM_IP, tracker_url};
use serde_json::{Value, json};
use teem_faultfs::Dice;

/// Starting, and hashing, in a debug build on a machine with much else to do.
pub(super) const READY: Duration = Duration::from_secs(60);

/// A folder with a daemon's state, its roots `a` and another on another file system where there is one, and its socket.
pub(super) struct Home {
    folder: Folder,
    pub(super) other: PathBuf,
}

impl Drop for Home {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.other);
    }
}

impl Home {
    pub(super) fn new(name: &str) -> Self {
        let folder = Folder::new(name);
        fs::create_dir(folder.0.join("a")).expect("the folder is writable");
        let shm = Path::new("/dev/shm");
        let other = if shm.is_dir() { shm.to_owned() } else { folder.0.clone() };
        let other = other.join(format!("teem-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&other);
        fs::create_dir_all(&other).expect("the folder is writable");
        Self { folder, other }
    }

    pub(super) fn at(&self) -> &Path {
        &self.folder.0
    }

    fn socket(&self) -> PathBuf {
        self.at().join("run/daemon.sock")
    }

    pub(super) fn start(&self) -> Process {
        self.start_on("127.0.0.1:0")
    }

    /// A daemon with peers on that address.
    fn start_on(&self, listen: &str) -> Process {
        let other = self.other.display().to_string();
        let args = ["daemon", "--root", "a", "--root", &other, "--listen", listen, "--api", "none", "--json"];
        let mut command = command(self.at(), &args);
        let mut daemon = Process::start(command.env("TEEM_DAEMON", format!("unix:{}", self.socket().display())));
        daemon.wait_line("ready", READY, |line| line.contains("\"ready\"").then_some(()));
        daemon
    }

    pub(super) fn run(&self, args: &[&str]) -> Ran {
        teem_with(self.at(), args, &[("TEEM_DAEMON", &format!("unix:{}", self.socket().display()))], b"")
    }

    fn row(&self, hash: &str) -> Value {
        self.run(&["list", "--json", hash]).ended(0).json()
    }

    /// The row of a torrent once it is so.
    pub(super) fn once(&self, hash: &str, what: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        let until = Instant::now() + READY;
        loop {
            let row = self.row(hash);
            if is_so(&row) {
                return row;
            }
            assert!(Instant::now() < until, "{what}: {row}");
        }
    }

    fn ask(&self, path: &str, body: &Value) -> Option<String> {
        self.post(&format!("torrents/{path}"), body)
    }

    /// What a request is answered with, if somebody listens.
    pub(super) fn post(&self, path: &str, body: &Value) -> Option<String> {
        let mut stream = UnixStream::connect(self.socket()).ok()?;
        let body = body.to_string();
        let len = body.len();
        let head = "Host: localhost\r\nConnection: close";
        let text = format!("POST /teem/v1/{path} HTTP/1.1\r\n{head}\r\nContent-Length: {len}\r\n\r\n{body}");
        stream.write_all(text.as_bytes()).ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        Some(answer)
    }

    /// A torrent of a folder of three files, whose content lies in the first root.
    pub(super) fn torrent(&self, name: &str, bytes: usize) -> Torrent {
        self.tracked(name, bytes, &[])
    }

    fn tracked(&self, name: &str, bytes: usize, trackers: &[&str]) -> Torrent {
        let folder = self.at().join(name);
        fs::create_dir_all(folder.join("d")).expect("the folder is writable");
        for (n, file) in ["one", "d/two", "d/three"].into_iter().enumerate() {
            fs::write(folder.join(file), content(name, n, bytes)).expect("the folder is writable");
        }
        let torrent = Torrent::create(self.at(), name, 16 << 10, trackers);
        fs::rename(folder, self.at().join("a").join(name)).expect("the folder is writable");
        torrent
    }
}

pub(super) fn content(name: &str, n: usize, bytes: usize) -> Vec<u8> {
    (0..bytes).map(|at| (at / 7 + n * 31 + name.len() * 13) as u8).collect()
}

fn assert_whole(folder: &Path, name: &str, bytes: usize) {
    for (n, file) in ["one", "d/two", "d/three"].into_iter().enumerate() {
        let path = folder.join(name).join(file);
        assert!(fs::read(&path).is_ok_and(|there| there == content(name, n, bytes)), "{}", path.display());
    }
}

pub(super) fn is_whole(row: &Value) -> bool {
    row["state"] == "seeding" && row["complete"] == true
}

pub(super) fn kill(daemon: Process) {
    let killed = Command::new("kill").args(["-KILL", &daemon.id().to_string()]).status().expect("kill");
    assert!(killed.success());
    drop(daemon);
}

#[test]
fn content_is_moved_renamed_hashed_again_and_removed() {
    let home = Home::new("jobs-all");
    let torrent = home.torrent("film", 100_000);
    let hash = torrent.info_hash.as_str();
    let daemon = home.start();
    home.run(&["add", "film.torrent"]).ended(0);
    home.once(hash, "found", is_whole);
    fs::write(home.at().join("a/film/d/mine"), "mine").expect("the folder is writable");
    let other = home.other.clone();
    // To another file system, and told when it is done.
    home.run(&["move", hash, &other.display().to_string()]).ended(0);
    home.once(hash, "moved", |row| is_whole(row) && row["folder"] == json!(other));
    assert_whole(&other, "film", 100_000);
    assert!(home.at().join("a/film/d/mine").exists() && !home.at().join("a/film/d/two").exists());
    kill(daemon);

    let daemon = home.start();
    home.once(hash, "it lies there still", |row| is_whole(row) && row["folder"] == json!(other));
    // Another name for a file, and one for all of it.
    for (path, to) in [("film/d/two", "film/d/second"), ("film", "The film")] {
        let answer = home.ask("rename", &json!({"select": [hash], "path": path, "to": to})).expect("an answer");
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
    assert_eq!(fs::read(other.join("The film/d/second")).expect("renamed"), content("film", 1, 100_000));
    home.once(hash, "at work again", is_whole);
    kill(daemon);

    let daemon = home.start();
    home.once(hash, "by its new names", is_whole);
    // What rots is found when all is hashed again, and told.
    let path = other.join("The film/one");
    let mut bytes = fs::read(&path).expect("it is there");
    bytes[50_000] ^= 1;
    fs::write(&path, bytes).expect("the folder is writable");
    home.run(&["recheck", hash]).ended(0);
    home.once(hash, "hashed again", |row| row["lost"] == json!(1));
    // A place that is taken, and one that is not the daemon's.
    let taken = home.at().join("a/taken/The film");
    fs::create_dir_all(&taken).expect("the folder is writable");
    fs::write(taken.join("one"), "theirs").expect("the folder is writable");
    let refused = home.run(&["move", hash, "a/taken", "--json"]).ended(1);
    assert_eq!(refused.class(), "occupied");
    assert_eq!(home.run(&["move", hash, "/etc", "--json"]).ended(1).class(), "wish");
    assert_eq!(fs::read(taken.join("one")).expect("it stays"), b"theirs");
    // Removed with its files, and with nothing else.
    fs::write(other.join("The film/mine"), "mine").expect("the folder is writable");
    home.run(&["remove", hash, "--with-data"]).ended(0);
    let left: Vec<_> = fs::read_dir(other.join("The film")).expect("mine is there").flatten().collect();
    assert_eq!(left.len(), 1, "{left:?}");
    assert!(home.run(&["list", "--json"]).ended(0).out.is_empty());
    drop(daemon);
}

#[test]
fn what_was_removed_with_its_files_comes_again_as_what_it_is() {
    let home = Home::new("jobs-again");
    let torrent = home.torrent("film", 1_000);
    let hash = torrent.info_hash.as_str();
    let end = |mut daemon: Process| {
        let ended = Command::new("kill").args(["-TERM", &daemon.id().to_string()]).status().expect("kill");
        assert!(ended.success() && daemon.wait_exit(READY).success());
    };
    let daemon = home.start();
    home.run(&["add", "film.torrent"]).ended(0);
    home.once(hash, "found", is_whole);
    end(daemon); // It is kept now that all of it was there.
    let daemon = home.start();
    home.once(hash, "found again", is_whole);
    home.run(&["remove", hash, "--with-data"]).ended(0);
    home.run(&["add", "film.torrent"]).ended(0);
    home.once(hash, "nothing of it is there", |row| row["state"] == "downloading" && row["have"] == 0);
    end(daemon);
    let _daemon = home.start();
    home.once(hash, "it is wanted still", |row| row["state"] == "downloading" && row["complete"] == false);
}

#[test]
fn the_files_of_several_go_only_when_that_is_said() {
    let home = Home::new("jobs-several");
    let (one, two) = (home.torrent("one", 1_000), home.torrent("other", 1_000));
    let _daemon = home.start();
    home.run(&["add", "one.torrent", "other.torrent"]).ended(0);
    for torrent in [&one, &two] {
        home.once(&torrent.info_hash, "found", is_whole);
    }
    let refused = home.run(&["remove", "all", "--with-data"]).ended(2);
    assert!(refused.err.contains("the files of 2 torrents would be removed"), "{}", refused.err);
    assert_whole(&home.at().join("a"), "one", 1_000);
    home.run(&["remove", "all", "--with-data", "--yes"]).ended(0);
    assert_eq!(fs::read_dir(home.at().join("a")).expect("the root stays").count(), 0);
}

#[test]
fn a_peer_that_downloads_gets_everything_while_content_moves() {
    const BYTES: usize = 4_000_000;
    isolated("a_peer_that_downloads_gets_everything_while_content_moves", &[Transmission.needs()], |at| {
        let _tracker = Teem::track(&at.join("track"));
        let home = Home::new("jobs-served");
        let torrent = home.tracked("film", BYTES, &[&tracker_url()]);
        let hash = torrent.info_hash.as_str();
        let _daemon = home.start_on(&format!("{TEEM_IP}:{PEER_PORT}"));
        home.run(&["add", "film.torrent", "--up", "1M"]).ended(0);
        home.once(hash, "found", is_whole);
        let (seat, out, link) =
            (Seat::new(1, Family::V4, &at.join("seat")), at.join("out"), torrent.path.to_string_lossy());
        let mut peer = Transmission.start(&seat, &Job::get(&link, &out));
        let first = fs::canonicalize(home.at().join("a")).expect("own folder");
        let mut sent = 0;
        // To another file system, back, and by new names alone.
        for to in [home.other.clone(), first.clone(), first.join("deep")] {
            let row = home.once(hash, "what the peer takes", |row| row["uploaded"].as_u64() > Some(sent));
            sent = row["uploaded"].as_u64().expect("a number");
            assert!(!peer.is_whole(), "it has all of it before content moved to {}", to.display());
            home.run(&["move", hash, &to.display().to_string()]).ended(0);
            home.once(hash, "moved", |row| is_whole(row) && row["folder"] == json!(to));
            assert_whole(&to, "film", BYTES);
        }
        peer.wait_whole(READY * 2);
        assert_whole(&out, "film", BYTES);
        assert_whole(&first.join("deep"), "film", BYTES);
        assert!(!home.other.join("film").exists() && !first.join("film").exists(), "one place holds everything");
        let row = home.row(hash);
        assert!(row["uploaded"].as_u64() >= Some(3 * BYTES as u64), "{row}");
    });
}

#[test]
fn a_daemon_that_is_killed_in_a_move_loses_nothing() {
    const BYTES: usize = 3_000_000;
    let lives = if std::env::var_os("TEEM_TEST_ALL").is_some() { 30 } else { 6 };
    let home = Home::new("jobs-killed");
    let torrent = home.torrent("film", BYTES);
    let hash = torrent.info_hash.as_str();
    let mut daemon = home.start();
    home.run(&["add", "film.torrent"]).ended(0);
    home.once(hash, "found", is_whole);
    let first = fs::canonicalize(home.at().join("a")).expect("own folder");
    let folders = [home.other.clone(), first.clone(), first.join("deep")];
    let mut dice = Dice(7);
    for life in 0..lives {
        let to = &folders[dice.roll(3) as usize];
        let asked = json!({"select": [hash], "folder": to});
        std::thread::scope(|scope| {
            let asks = scope.spawn(|| home.ask("move", &asked));
            // Somewhere in between, or after it.
            let until = Instant::now() + Duration::from_millis(dice.roll(300));
            wait_until("the moment of the kill", READY, || (Instant::now() >= until).then_some(()));
            kill(std::mem::replace(&mut daemon, Process::start(&mut Command::new("true"))));
            let _ = asks.join();
        });
        daemon = home.start();
        let row = home.once(hash, "whole again", is_whole);
        let there = PathBuf::from(row["folder"].as_str().expect("a folder"));
        assert_whole(&there, "film", BYTES);
        for folder in folders.iter().filter(|folder| **folder != there) {
            assert!(!folder.join("film").exists(), "life {life}: {} and {}", there.display(), folder.display());
        }
    }
}
