//! Ended by a signal: trackers are told, what is there is kept, the second signal does not wait.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::common::content::{self, Shape};
use crate::common::namespace::isolated;
use crate::common::process::wait_until;
use crate::common::scripted::{Manner, Scripted};
use crate::common::teem::Teem;
use crate::common::torrent::Torrent;
use crate::common::tracker::{Answer, Tracker};
use serde_json::Value;

const LIMIT: Duration = Duration::from_secs(60);
/// What a user waits for at most, and some time for a busy machine.
const STOP_MAX: Duration = Duration::from_secs(5 + 2);

fn signal(teem: &Teem, name: &str) {
    let status = Command::new("kill").args([&format!("-{name}"), &teem.id().to_string()]).status();
    assert!(status.is_ok_and(|status| status.success()), "kill -{name}");
}

/// A download at 2 MiB a second that has begun, and what it had then.
fn begun(folder: &Path, tracker: &Tracker) -> (Scripted, Torrent, Teem, u64) {
    content::write(folder, "content", Shape::Single, 12 << 20);
    let torrent = Torrent::create(folder, "content", 64 << 10, &[&tracker.url]);
    let slow = Manner { rate: 2 << 20, ..Manner::default() };
    let seed = Scripted::start("198.18.2.1", "-HO0001-", &torrent, folder, slow);
    let mut get = again(folder, &torrent, &seed);
    let had = get.wait_line("a piece", LIMIT, |line| have(line).filter(|have| *have > 1 << 20));
    (seed, torrent, get, had)
}

fn again(folder: &Path, torrent: &Torrent, seed: &Scripted) -> Teem {
    let (peer, link) = (seed.address.to_string(), torrent.path.to_string_lossy());
    Teem::get(&folder.join("home"), &link, &folder.join("out"), &["--peer", &peer])
}

fn have(line: &str) -> Option<u64> {
    let value: Value = serde_json::from_str(line).ok()?;
    (value["event"] == "status" && value["state"] == "downloading").then(|| value["have"].as_u64()).flatten()
}

#[test]
fn a_signal_announces_stopped_and_keeps_what_is_there() {
    isolated("a_signal_announces_stopped_and_keeps_what_is_there", &[], |folder| {
        let tracker = Tracker::start(Answer::Nobody);
        let (seed, torrent, mut get, had) = begun(folder, &tracker);
        signal(&get, "INT");
        assert_eq!(get.wait_exit(STOP_MAX).code(), Some(130));
        assert_eq!((tracker.count("started"), tracker.count("stopped")), (1, 1), "{:?}", tracker.queries());
        let mut get = again(folder, &torrent, &seed);
        let resumed = get.wait_line("a download that goes on", LIMIT, have);
        assert!(resumed >= had, "had {had} bytes, went on with {resumed}");
        signal(&get, "TERM");
        assert_eq!(get.wait_exit(STOP_MAX).code(), Some(143));
        assert_eq!((tracker.count("started"), tracker.count("stopped")), (2, 2), "{:?}", tracker.queries());
        let mut get = again(folder, &torrent, &seed);
        get.wait_complete(LIMIT);
        assert_eq!((tracker.count("completed"), tracker.count("stopped")), (1, 3), "{:?}", tracker.queries());
        content::assert_same(&folder.join("content"), &folder.join("out/content"));
        let twice = seed.begun().iter().filter(|times| **times > 1).count();
        eprintln!("{twice} of {} pieces were begun again after two stops", seed.begun().len());
    });
}

#[test]
fn the_second_signal_ends_at_once() {
    isolated("the_second_signal_ends_at_once", &[], |folder| {
        let tracker = Tracker::start(Answer::HangsAtStopped);
        let (_seed, _torrent, mut get, _had) = begun(folder, &tracker);
        signal(&get, "TERM");
        tracker.wait_event("stopped", STOP_MAX);
        // What comes within a second is part of the first; who presses the key again is heard. Were he not, the first would say 143.
        let code = wait_until("the end", STOP_MAX, || {
            let _ = Command::new("kill").args(["-INT", &get.id().to_string()]).stderr(Stdio::null()).status();
            get.poll_exit(Duration::from_millis(50)).map(|status| status.code())
        });
        assert_eq!(code, Some(130));
    });
}

#[test]
fn two_signals_of_one_wish_are_one_stop() {
    isolated("two_signals_of_one_wish_are_one_stop", &[], |folder| {
        let tracker = Tracker::start(Answer::Nobody);
        let (_seed, _torrent, mut get, _had) = begun(folder, &tracker);
        let id = get.id().to_string();
        let both =
            Command::new("sh").args(["-c", &format!("kill -TERM {id}; kill -TERM {id}; kill -INT {id}")]).status();
        assert!(both.is_ok_and(|status| status.success()));
        assert_eq!(get.wait_exit(STOP_MAX).code(), Some(143));
        assert_eq!((tracker.count("started"), tracker.count("stopped")), (1, 1), "{:?}", tracker.queries());
    });
}

#[test]
fn a_tracker_that_hangs_does_not_hold_up_the_end() {
    isolated("a_tracker_that_hangs_does_not_hold_up_the_end", &[], |folder| {
        let tracker = Tracker::start(Answer::HangsAtStopped);
        let (seed, torrent, mut get, had) = begun(folder, &tracker);
        signal(&get, "TERM");
        assert_eq!(get.wait_exit(STOP_MAX).code(), Some(143));
        let resumed = again(folder, &torrent, &seed).wait_line("a download that goes on", LIMIT, have);
        assert!(resumed >= had, "had {had} bytes, went on with {resumed}");
    });
}
