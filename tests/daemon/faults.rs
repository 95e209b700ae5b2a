//! Disks that hang or are full, and saved state that is torn or of an earlier form, met by the real daemon.
#![cfg(target_os = "linux")]

use std::fs;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;

use redb::ReadableTable;
use serde_json::{Value, json};

use crate::common::home::{Home, READY, wait_event};
use crate::common::namespace::{Needs, isolated};
use crate::common::process::{Process, wait_until};
use crate::common::run::{Ran, command, teem_with};
use crate::common::torrent::Torrent;
use crate::common::tracker::{Answer, Tracker};
use crate::common::{PEER_PORT, TEEM_IP};

const NEEDS: [Needs; 1] = [Needs::Command("mount", "--version")];

fn named(at: &Path) -> String {
    format!("unix:{}", at.join("daemon.sock").display())
}

/// A daemon of these roots.
fn start(at: &Path, roots: &[&str]) -> Process {
    start_on(at, roots, "127.0.0.1:0")
}

/// The same with peers on that address.
fn start_on(at: &Path, roots: &[&str], listen: &str) -> Process {
    let roots = roots.iter().flat_map(|root| ["--root", root]);
    let args = ["daemon", "--listen", listen, "--api", "none", "--json"].into_iter().chain(roots);
    let mut daemon = Process::start(command(at, &args.collect::<Vec<_>>()).env("TEEM_DAEMON", named(at)));
    wait_event(&mut daemon, "ready");
    daemon
}

fn run(at: &Path, args: &[&str]) -> Ran {
    teem_with(at, args, &[("TEEM_DAEMON", &named(at))], b"")
}

fn list(at: &Path) -> Vec<Value> {
    run(at, &["list", "--json"]).ended(0).lines()
}

/// What the daemon answers to a request.
fn ask(at: &Path, request: &str, body: &str) -> String {
    let mut stream = UnixStream::connect(at.join("daemon.sock")).expect("a daemon");
    let len = body.len();
    let head = format!("{request} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {len}");
    stream.write_all(format!("{head}\r\n\r\n{body}").as_bytes()).expect("a reader");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer
}

fn body(answer: &str) -> &str {
    answer.split_once("\r\n\r\n").expect("an answer").1
}

fn kill(daemon: Process) {
    let killed = Command::new("kill").args(["-KILL", &daemon.id().to_string()]).status().expect("kill");
    assert!(killed.success());
    drop(daemon);
}

/// A torrent of content that lies beside the roots.
fn torrent(at: &Path, name: &str) -> Torrent {
    fs::write(at.join(name), vec![name.len() as u8; 100_000]).expect("the folder is writable");
    Torrent::create(at, name, 16 << 10, &[])
}

/// A file system that answers nobody, until this is dropped.
struct Hung(Child);

impl Hung {
    /// Mounts one there.
    fn mount(folder: &Path) -> Self {
        let script = "exec 3<>/dev/fuse && mount -i -t fuse -o fd=3,rootmode=40000,user_id=0,group_id=0 hung \"$0\" && echo there && exec sleep 600";
        let mut sh = Command::new("sh");
        let mut held = sh.args(["-c", script]).arg(folder).stdout(Stdio::piped()).spawn().expect("a shell");
        let mut word = [0; 6];
        held.stdout.as_mut().expect("its output").read_exact(&mut word).expect("FUSE can be mounted in a namespace");
        Self(held)
    }
}

impl Drop for Hung {
    fn drop(&mut self) {
        // Nobody holds the connection any more: whoever hangs gets an error.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_disk_that_hangs_holds_up_only_what_is_asked_of_it() {
    if !Path::new("/dev/fuse").exists() {
        eprintln!("skipped: there is no /dev/fuse");
        return;
    }
    isolated("a_disk_that_hangs_holds_up_only_what_is_asked_of_it", &NEEDS, |at| {
        for folder in ["files/other", "bad"] {
            fs::create_dir_all(at.join(folder)).expect("the folder is writable");
        }
        let film = torrent(at, "film");
        let song = torrent(at, "another song");
        fs::copy(at.join("film"), at.join("files/film")).expect("the folder is writable");
        let daemon = start(at, &["files", "bad"]);
        run(at, &["add", "film.torrent", "--wait"]).ended(0);
        let hung = Hung::mount(&at.join("bad"));
        // More than are looked at at once.
        let bad = fs::canonicalize(at).expect("own folder").join("bad").display().to_string();
        let move_there = json!({"select": [film.info_hash], "folder": format!("{bad}/x")}).to_string();
        let add_there = json!({"link": "ab".repeat(20), "folder": format!("{bad}/x")}).to_string();
        thread::scope(|scope| {
            let held: Vec<_> = (0..8)
                .map(|n| {
                    let (path, body) = if n % 2 == 0 {
                        ("/teem/v1/torrents/move", &move_there)
                    } else {
                        ("/teem/v1/torrents", &add_there)
                    };
                    scope.spawn(move || ask(at, &format!("POST {path}"), body))
                })
                .collect();
            // Others are answered meanwhile.
            assert_eq!(list(at).len(), 1);
            run(at, &["add", "another song.torrent", "--to", "files/other", "--paused"]).ended(0);
            run(at, &["move", &film.info_hash, "files/other"]).ended(0);
            let row = wait_until("the move", READY, || {
                list(at).into_iter().find(|row| row["infohash"] == *film.info_hash && row["complete"] == true)
            });
            assert!(row["folder"].as_str().is_some_and(|folder| folder.ends_with("files/other")), "{row}");
            run(at, &["remove", &song.info_hash]).ended(0);
            assert!(held.iter().any(|held| !held.is_finished()), "the others hang still");
            for held in held {
                let answer = held.join().expect("an answer");
                assert!(answer.starts_with("HTTP/1.1 400 ") && answer.contains("does not answer"), "{answer}");
            }
        });
        drop(hung);
        kill(daemon);
    });
}

#[test]
fn a_state_disk_that_is_full_is_told_and_loses_nothing() {
    isolated("a_state_disk_that_is_full_is_told_and_loses_nothing", &NEEDS, |at| {
        for folder in ["files", "state"] {
            fs::create_dir_all(at.join(folder)).expect("the folder is writable");
        }
        let mounted =
            Command::new("mount").args(["-t", "tmpfs", "-o", "size=24m", "tmpfs"]).arg(at.join("state")).status();
        assert!(mounted.is_ok_and(|status| status.success()), "a tmpfs can be mounted in a namespace of one's own");
        torrent(at, "film");
        fs::copy(at.join("film"), at.join("files/film")).expect("the folder is writable");
        let daemon = start(at, &["files"]);
        run(at, &["add", "film.torrent", "--wait"]).ended(0);
        let filler = at.join("state/filler");
        fs::write(&filler, vec![0; 32 << 20]).expect_err("the filler takes all that is left");
        // What there is room for in the file itself is kept; what there is not is refused, and what was answered holds.
        let mut answered = vec![list(at)[0]["infohash"].as_str().expect("a hash").to_owned()];
        let refused = (0..4_000_u32).find_map(|n| {
            let hash = format!("{n:040x}");
            let body = json!({"link": hash, "paused": true, "labels": [format!("{n:-<90}")]}).to_string();
            let answer = ask(at, "POST /teem/v1/torrents", &body);
            if answer.starts_with("HTTP/1.1 201 ") {
                answered.push(hash);
                return None;
            }
            Some(answer)
        });
        let refused = refused.expect("the disk is full at last");
        assert!(refused.starts_with("HTTP/1.1 500 ") && refused.contains("\"store\""), "{refused}");
        let health = || ask(at, "GET /healthz", "");
        assert!(health().starts_with("HTTP/1.1 503 ") && health().contains("cannot be kept"), "{}", health());
        for args in [&["list"][..], &["why", "all"]] {
            let told = run(at, args).ended(0);
            assert!(told.err.contains("cannot keep changes: ") && told.err.contains("daemon.redb"), "{}", told.err);
        }
        let happened = |event: &str| {
            wait_until(event, READY, || {
                let events: Value = serde_json::from_str(body(&ask(at, "GET /teem/v1/events", ""))).expect("JSON");
                let events = events["events"].as_array().expect("a list").clone();
                events.into_iter().find(|told| told["event"] == event)
            })
        };
        let told = happened("store_failed");
        assert!(told["infohash"] == "" && told["error"].as_str().is_some_and(|why| !why.is_empty()), "{told}");
        let mut listed: Vec<_> =
            list(at).iter().map(|row| row["infohash"].as_str().expect("a hash").to_owned()).collect();
        listed.sort();
        answered.sort();
        assert_eq!(listed, answered);
        fs::remove_file(&filler).expect("it is ours");
        // The next change finds room, and all is well.
        run(at, &["add", &"ab".repeat(20), "--paused"]).ended(0);
        assert!(health().starts_with("HTTP/1.1 200 "), "{}", health());
        happened("store_works");
        assert!(!run(at, &["list"]).ended(0).err.contains("cannot keep"));
        answered.push("ab".repeat(20));
        kill(daemon);
        let _daemon = start(at, &["files"]);
        let mut listed: Vec<_> =
            list(at).iter().map(|row| row["infohash"].as_str().expect("a hash").to_owned()).collect();
        listed.sort();
        answered.sort();
        assert_eq!(listed, answered);
        wait_until("what it had", READY, || list(at).iter().find(|row| row["complete"] == true).map(drop));
    });
}

#[test]
fn a_torn_database_is_put_aside_and_told_of_and_the_daemon_begins() {
    let home = Home::new("faults-torn");
    home.configure("");
    kill({
        let daemon = home.start(&[]);
        home.run(&["add", &"ab".repeat(20), "--paused"]).ended(0);
        daemon
    });
    let state = home.at().join("state/teem");
    let path = state.join("daemon.redb");
    let whole = fs::read(&path).expect("what is kept");
    for (n, torn) in
        [&whole[..whole.len() / 2], &whole[..100], b"nothing of the kind", &vec![0xff; whole.len()]].iter().enumerate()
    {
        fs::write(&path, torn).expect("the folder is writable");
        let daemon = home.start(&[]);
        let aside = format!("daemon.redb.unreadable-{}", n + 1);
        wait_until("the sentence", READY, || daemon.log().contains(&aside).then_some(()));
        let kept = fs::read(state.join(&aside)).expect("it is put aside");
        assert!(kept == **torn, "as it was found");
        // The daemon goes on.
        assert!(home.list(&[]).is_empty());
        home.run(&["add", &"cd".repeat(20), "--paused"]).ended(0);
        kill(daemon);
    }
}

#[test]
fn a_database_of_an_older_form_is_copied_and_brought_up_to_date() {
    let home = Home::new("faults-older");
    home.configure("");
    kill({
        let daemon = home.start(&[]);
        home.run(&["add", &"ab".repeat(20), "--paused", "--label", "kept"]).ended(0);
        daemon
    });
    let state = home.at().join("state/teem");
    {
        let path = state.join("daemon.redb");
        let database = redb::Database::create(path).expect("it is a database");
        let all = database.begin_write().expect("a change");
        let about = redb::TableDefinition::<&str, u64>::new("about");
        all.open_table(about).expect("a table").insert("form", 0).expect("a value");
        // A torrent as the first versions kept it: without rules, queue and a folder to go to.
        let (hash, root) = ("cd".repeat(20), home.at().join("files").display().to_string());
        let row = format!(
            "d5:addedi5e5:firstle6:folder{}:{root}6:labelsl5:firste4:link40:{hash}4:onlyle6:pausedi1e7:strangei0ee",
            root.len()
        );
        let rows = redb::TableDefinition::<&str, &[u8]>::new("row");
        all.open_table(rows).expect("a table").insert(hash.as_str(), row.as_bytes()).expect("a value");
        all.commit().expect("room");
    }
    let daemon = home.start(&[]);
    wait_until("the sentence", READY, || daemon.log().contains("daemon.redb.form-0").then_some(()));
    assert!(state.join("daemon.redb.form-0").exists());
    let kept = |label: &str| home.list(&[&format!("label:{label}")]).len();
    assert_eq!((kept("kept"), kept("first")), (1, 1));
    kill(daemon);
    let again = home.start(&[]);
    assert_eq!(home.list(&["state:paused"]).len(), 2);
    assert!(!again.log().contains("form-0"), "once is enough");
}

/// Changes what is kept as if the machine's clock had been set by so many seconds since; how many records of announces that concerned.
fn set_clock(at: &Path, seconds: i64) -> usize {
    let database = redb::Database::create(at.join("state/teem/daemon.redb")).expect("it is a database");
    let all = database.begin_write().expect("a change");
    let announces = redb::TableDefinition::<&str, &[u8]>::new("announces");
    let mut announces = all.open_table(announces).expect("a table");
    let records: Vec<(String, Vec<u8>)> = announces
        .iter()
        .expect("records")
        .map(|record| record.expect("a record"))
        .map(|(name, bytes)| (name.value().to_owned(), bytes.value().to_vec()))
        .collect();
    for (name, bytes) in &records {
        // `d2:ati…e`: milliseconds since 1970.
        let end = bytes.iter().position(|byte| *byte == b'e').expect("a number ends");
        let then: i64 = std::str::from_utf8(&bytes[6..end]).expect("digits").parse().expect("a number");
        let set = [format!("d2:ati{}", then - seconds * 1_000).as_bytes(), &bytes[end..]].concat();
        announces.insert(name.as_str(), set.as_slice()).expect("a value");
    }
    drop(announces);
    let totals = redb::TableDefinition::<&str, &[u8]>::new("totals");
    let mut totals = all.open_table(totals).expect("a table");
    let last = number(totals.get("last").expect("a table").expect("the last number").value());
    totals.insert("last", (last - (seconds << 20)).to_string().as_bytes()).expect("a value");
    drop(totals);
    all.commit().expect("room");
    records.len()
}

fn number(digits: &[u8]) -> i64 {
    std::str::from_utf8(digits).expect("digits").parse().expect("a number")
}

#[test]
fn a_clock_that_is_set_by_a_day_costs_one_announce_each_and_no_total() {
    const DAY: i64 = 86_400;
    isolated("a_clock_that_is_set_by_a_day_costs_one_announce_each_and_no_total", &[], |at| {
        fs::create_dir(at.join("files")).expect("the folder is writable");
        let tracker = Tracker::start(Answer::Body("d8:intervali1800e12:min intervali1800e5:peers0:e"));
        let names: Vec<String> = (0..6).map(|n| format!("{n:x<7}")).collect();
        for (n, name) in names.iter().enumerate() {
            fs::write(at.join("files").join(name), vec![n as u8; 20_000]).expect("the folder is writable");
            Torrent::create(&at.join("files"), name, 16 << 10, &[&tracker.url]);
            fs::rename(at.join(format!("files/{name}.torrent")), at.join(format!("{name}.torrent"))).expect("same");
        }
        let totals = |row: &Value| {
            ["active_time", "seeding_time", "added", "completed"].map(|key| row[key].as_u64().unwrap_or_default())
        };
        // Trackers that have answered, and are asked again much later.
        let all_wait = || {
            wait_until("trackers that wait", READY, || {
                let mut rows = list(at);
                let waits = rows.iter().all(|row| {
                    let hash = row["infohash"].as_str().expect("a hash");
                    let told = ask(at, &format!("GET /teem/v1/torrents/{hash}/trackers"), "");
                    let told: Value = serde_json::from_str(body(&told)).expect("JSON");
                    row["state"] == "seeding" && told[0]["next"].as_u64().is_some_and(|next| next > 1_000)
                });
                rows.sort_by_key(|row| row["name"].to_string());
                (waits && rows.len() == names.len()).then_some(rows)
            })
        };
        let last_event = || {
            let told: Value = serde_json::from_str(body(&ask(at, "GET /teem/v1/events", ""))).expect("JSON");
            told["last"].as_i64().expect("a number")
        };
        let end = |mut daemon: Process| {
            daemon.terminate();
            assert!(daemon.wait_exit(READY).success());
        };
        // The port stays: trackers hear of another one at once.
        let listen = format!("{TEEM_IP}:{PEER_PORT}");
        let daemon = start_on(at, &["files"], &listen);
        for name in &names {
            run(at, &["add", &format!("{name}.torrent")]).ended(0);
        }
        let mut before: Vec<_> = all_wait().iter().map(totals).collect();
        assert_eq!(tracker.queries().len(), names.len());
        let mut last = last_event();
        end(daemon);
        // Back by a day: nobody is asked before the time, and nobody waits for a day. Forward: each is asked once.
        for (by, announces) in [(-DAY, names.len()), (2 * DAY, 2 * names.len()), (-DAY, 2 * names.len())] {
            assert_eq!(set_clock(at, by), names.len());
            let daemon = start_on(at, &["files"], &listen);
            let now: Vec<_> = all_wait().iter().map(totals).collect();
            assert_eq!(tracker.queries().len(), announces, "{by}");
            for (before, now) in before.iter().zip(&now) {
                assert!(before.iter().zip(now).all(|(before, now)| before <= now), "{by}: {before:?} {now:?}");
            }
            // By the clock as it is set now.
            assert!(last_event() > last - (by << 20), "{by}: who asks for what came since hears it");
            (before, last) = (now, last_event());
            end(daemon);
        }
    });
}
