//! Faults of the program itself, planted where real ones would be: each is said with what to report, a torrent's ends that torrent alone, and
//! any other ends the process with an exit code of its own, after what could be saved is saved.
#![cfg(debug_assertions)] // the seam is there in debug builds only

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::time::Duration;

use crate::common::content::{self, Shape};
use crate::common::namespace::{Folder, isolated};
use crate::common::process::Process;
use crate::common::run::teem_with;
use crate::common::scripted::{Manner, Scripted};
use crate::common::teem::Teem;
use crate::common::torrent::Torrent;
use crate::common::{PEER_PORT, TEEM_IP};

const LIMIT: Duration = Duration::from_secs(60);
const SIZE: u64 = 600_000;

/// Two torrents and a peer for each.
struct Scene<'a> {
    folder: &'a Path,
    torrents: [Torrent; 2],
    seeds: [Scripted; 2],
}

impl<'a> Scene<'a> {
    fn new(folder: &'a Path) -> Self {
        let torrents = ["bad", "good"].map(|name| {
            content::write(folder, name, Shape::Single, SIZE);
            // Nobody listens there; but a tracker is a question.
            Torrent::create(folder, name, 64 << 10, &["http://198.18.2.9:1/announce"])
        });
        let seed = |ip, torrent| Scripted::start(ip, "-HO0001-", torrent, folder, Manner::default());
        let seeds = [seed("198.18.2.1", &torrents[0]), seed("198.18.2.2", &torrents[1])];
        Self { folder, torrents, seeds }
    }

    /// Downloads both, with a fault at that place.
    fn get(&self, plant: &str, more: &[&str]) -> Process {
        let out = self.folder.join("out");
        let [bad, good] = self.torrents.each_ref().map(|torrent| torrent.path.to_string_lossy().into_owned());
        let [first, second] = self.seeds.each_ref().map(|seed| seed.address.to_string());
        let listen = format!("{TEEM_IP}:{PEER_PORT}");
        let mut args = vec!["get", &bad, &good, "--listen", &listen, "--peer", &first, "--peer", &second];
        let out = out.to_string_lossy();
        args.extend(["-o", &out]);
        args.extend(more);
        let mut command = Teem::command(&self.folder.join("home"), &args);
        Process::start(command.env("TEEM_PLANT", plant))
    }

    fn assert_same(&self, name: &str) {
        content::assert_same(&self.folder.join(name), &self.folder.join("out").join(name));
    }
}

/// What the program wrote, once it has ended by itself with the code of a fault.
fn ended(mut get: Process) -> String {
    assert_eq!(get.wait_exit(LIMIT).code(), Some(70), "{}", get.log());
    let log = get.whole_log();
    for part in ["a fault of the program", "where:", ".rs:", "version: teem 0.", "Please report"] {
        assert!(log.contains(part), "no {part:?}: {log}");
    }
    log
}

#[test]
fn a_fault_of_one_torrent_or_its_disk_ends_it_alone_and_the_other_finishes() {
    isolated("a_fault_of_one_torrent_or_its_disk_ends_it_alone_and_the_other_finishes", &[], |folder| {
        let scene = Scene::new(folder);
        for (plant, what) in [("torrent bad", "planted in the torrent"), ("disk bad", "planted in a write")] {
            let log = ended(scene.get(plant, &[]));
            assert!(log.contains("the torrent bad was stopped by a fault in Teem") && log.contains(what), "{log}");
            assert!(log.contains("the others go on") && log.contains("good: complete, verified"), "{log}");
            assert_eq!(log.matches("version: teem").count(), 1, "one report: {log}");
            scene.assert_same("good");
            // The same command goes on from there.
            let mut again = scene.get("", &[]);
            assert_eq!(again.wait_exit(LIMIT).code(), Some(0), "{}", again.log());
            scene.assert_same("bad");
            std::fs::remove_dir_all(folder.join("out")).expect("it is ours");
            std::fs::remove_dir_all(folder.join("home")).expect("it is ours");
        }
    });
}

#[test]
fn a_fault_before_there_is_anything_ends_it_with_70_too() {
    let folder = Folder::new("start");
    let ran = teem_with(
        &folder.0,
        &["show", "magnet:?xt=urn:btih:c0fda1edafdbdbb96443424e0b3899af7159d10e"],
        &[("TEEM_PLANT", "start")],
        b"",
    );
    assert!(ran.ended(70).err.contains("planted at the start"));
}

#[test]
fn any_other_fault_ends_the_process_with_70_and_goes_on_from_there() {
    isolated("any_other_fault_ends_the_process_with_70_and_goes_on_from_there", &[], |folder| {
        let scene = Scene::new(folder);
        for (plant, what) in [
            ("main", "planted in main"),
            ("thread", "planted in a thread"),
            ("task", "planted in a task"),
            ("engine", "planted in the engine"),
            ("question", "planted in a question"),
        ] {
            // Seeding: without the fault it would not end.
            let log = ended(scene.get(plant, &["--seed"]));
            assert!(log.contains(what) && log.contains("ended by a fault of the program"), "{plant}: {log}");
        }
        let json = ended(scene.get("engine", &["--seed", "--json"]));
        assert!(json.contains(r#""class":"fault""#), "{json}");
        let mut again = scene.get("", &[]);
        assert_eq!(again.wait_exit(LIMIT).code(), Some(0), "{}", again.log());
        scene.assert_same("bad");
        scene.assert_same("good");
    });
}

#[test]
fn a_fault_while_a_page_is_served_ends_that_connection_alone_and_is_said() {
    isolated("a_fault_while_a_page_is_served_ends_that_connection_alone_and_is_said", &[], |folder| {
        content::write(folder, "content", Shape::Single, SIZE);
        let (path, listen) = (folder.join("content"), format!("{TEEM_IP}:{PEER_PORT}"));
        let args = ["share", &path.to_string_lossy(), "--listen", &listen, "--json"];
        let mut share = Process::start(Teem::command(&folder.join("home"), &args).env("TEEM_PLANT", "request"));
        share.wait_line("a share that is ready", LIMIT, |line| line.contains("\"ready\"").then_some(()));
        let page = || {
            let mut stream = TcpStream::connect(&listen).expect("it listens");
            stream.write_all(b"GET / HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n").expect("it reads");
            let mut answer = String::new();
            let _ = stream.read_to_string(&mut answer); // an end or a reset
            answer
        };
        assert_eq!(page(), "", "the connection is ended");
        let answer = page();
        assert!(answer.starts_with("HTTP/1.1 200"), "the next one is served: {answer}");
        share.terminate();
        assert_eq!(share.wait_exit(LIMIT).code(), Some(143), "the program went on");
        let log = share.whole_log();
        for part in ["planted in a request", "One connection that was served is ended by it", "Please report"] {
            assert!(log.contains(part), "no {part:?}: {log}");
        }
    });
}
