//! The daemon's own interface, driven by the commands and by requests as they stand on the line: windows, changes, events, what is counted.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::common::namespace::Folder;
use crate::common::process::{Process, wait_until};
use crate::common::run::{Ran, command, teem_with};
use crate::common::torrent::Torrent;
use serde_json::{Value, json};

/// Starting in a debug build, on a machine with much else to do.
const READY: Duration = Duration::from_secs(60);

/// A folder with a daemon's state and its root `files`.
struct Home(Folder);

impl Home {
    fn new(name: &str) -> Self {
        let folder = Folder::new(name);
        fs::create_dir(folder.0.join("files")).expect("the folder is writable");
        Self(folder)
    }

    fn at(&self) -> &Path {
        &self.0.0
    }

    fn named(&self) -> String {
        format!("unix:{}", self.at().join("run/daemon.sock").display())
    }

    fn start(&self) -> Process {
        let args = ["daemon", "--root", "files", "--listen", "127.0.0.1:0", "--api", "none", "--json"];
        let mut daemon = Process::start(command(self.at(), &args).env("TEEM_DAEMON", self.named()));
        daemon.wait_line("ready", READY, |line| line.contains(r#""event":"ready""#).then_some(()));
        daemon
    }

    fn run(&self, args: &[&str]) -> Ran {
        teem_with(self.at(), args, &[("TEEM_DAEMON", &self.named())], b"")
    }

    /// What a path is answered with: its status and its object.
    fn get(&self, path: &str) -> (u16, Value) {
        let mut stream = UnixStream::connect(self.at().join("run/daemon.sock")).expect("a daemon");
        write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").expect("a reader");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        let body = answer.split_once("\r\n\r\n").expect("a body").1;
        (status, serde_json::from_str(body).expect("JSON"))
    }

    fn window(&self, query: &str) -> Value {
        let (status, window) = self.get(&format!("/teem/v1/torrents?{query}"));
        assert_eq!(status, 200, "{window}");
        window
    }

    /// A torrent of one file of so many bytes, whose tracker nobody listens at.
    fn torrent(&self, name: &str, len: usize) -> Torrent {
        fs::write(self.at().join(name), vec![name.len() as u8; len]).expect("the folder is writable");
        Torrent::create(self.at(), name, 16 << 10, &["http://127.0.0.1:9/announce"])
    }
}

/// A stream of events as it stands on the line.
struct Stream {
    lines: std::io::Lines<BufReader<UnixStream>>,
}

impl Stream {
    /// Asks for one; its status.
    fn open(home: &Home, path: &str, headers: &str) -> (u16, Self) {
        let mut stream = UnixStream::connect(home.at().join("run/daemon.sock")).expect("a daemon");
        stream.set_read_timeout(Some(READY)).expect("a time");
        let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n{headers}\r\n");
        stream.write_all(request.as_bytes()).expect("a reader");
        let mut lines = BufReader::new(stream).lines();
        let status = lines.next().expect("an answer").expect("in time");
        (status.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status"), Self { lines })
    }

    /// The next event: its number, its name, its object.
    fn next(&mut self) -> (u64, String, Value) {
        let (mut id, mut name) = (0, String::new());
        loop {
            let line = self.lines.next().expect("an event").expect("in time");
            if let Some(text) = line.strip_prefix("id: ") {
                id = text.parse().expect("a number");
            } else if let Some(text) = line.strip_prefix("event: ") {
                text.clone_into(&mut name);
            } else if let Some(text) = line.strip_prefix("data: ") {
                return (id, name, serde_json::from_str(text).expect("JSON"));
            }
        }
    }
}

fn kill(daemon: Process) {
    let killed = Command::new("kill").args(["-KILL", &daemon.id().to_string()]).status().expect("kill");
    assert!(killed.success());
    drop(daemon);
}

fn names(window: &Value) -> Vec<&str> {
    let torrents = window["torrents"].as_array().expect("torrents");
    torrents.iter().map(|torrent| torrent["name"].as_str().expect("a name")).collect()
}

#[test]
fn a_window_is_filtered_sorted_and_cut_by_the_daemon() {
    let home = Home::new("api-window");
    let _daemon = home.start();
    for (name, len, label) in [("Cello", 10_000, "music"), ("alto", 30_000, "music"), ("bass", 20_000, "other")] {
        home.torrent(name, len);
        home.run(&["add", &format!("{name}.torrent"), "--paused", "--label", label]).ended(0);
    }
    assert_eq!(names(&home.window("sort=name")), ["alto", "bass", "Cello"]);
    let cut = home.window("sort=size&order=desc&offset=1&limit=1");
    assert_eq!((&cut["total"], &cut["offset"], names(&cut)), (&json!(3), &json!(1), vec!["bass"]));
    assert_eq!(names(&home.window("select=label:music&sort=size")), ["Cello", "alto"]);
    assert_eq!(home.window("select=tracker:127.0.0.1&limit=0")["total"], json!(3));
    assert_eq!(home.get("/teem/v1/torrents?select=tracker:elsewhere").0, 404);
    assert_eq!(home.get("/teem/v1/torrents?sort=colour").0, 400);
    let before = home.window("limit=0")["revision"].as_u64();
    home.run(&["resume", "alto"]).ended(0);
    assert!(home.window("limit=0")["revision"].as_u64() > before);
    let listed = home.run(&["list", "--sort", "-size", "--json"]).ended(0).lines();
    assert_eq!(listed.iter().map(|torrent| &torrent["name"]).collect::<Vec<_>>(), ["alto", "bass", "Cello"]);
}

#[test]
fn what_is_changed_outlives_a_killed_daemon() {
    let home = Home::new("api-set");
    let folder = home.at().join("album");
    fs::create_dir(&folder).expect("the folder is writable");
    for (name, len) in [("one.mp3", 20_000), ("two.mp3", 40_000), ("text.txt", 1_000)] {
        fs::write(folder.join(name), vec![1; len]).expect("the folder is writable");
    }
    let album = Torrent::create(home.at(), "album", 16 << 10, &["http://127.0.0.1:9/announce"]);
    let daemon = home.start();
    home.run(&["add", "album.torrent", "--label", "old"]).ended(0);
    let files = |home: &Home| {
        let (status, files) = home.get(&format!("/teem/v1/torrents/{}/files", album.info_hash));
        assert_eq!(status, 200, "{files}");
        let files = files.as_array().expect("files").clone();
        files.iter().map(|file| (file["path"].clone(), file["priority"].clone())).collect::<Vec<_>>()
    };
    let told = home.run(&["set", "album", "labels+=new,best", "labels-=old", "up=1M", "only=*.mp3", "--json"]).ended(0);
    let told = told.json();
    assert_eq!((&told["labels"], &told["up_limit"]), (&json!(["best", "new"]), &json!(1_000_000)));
    let skipped = |home: &Home| files(home).iter().filter(|(_, priority)| priority == "skip").count();
    assert_eq!(skipped(&home), 1);
    wait_until("what is wanted", READY, || (home.window("")["torrents"][0]["wanted"] == json!(60_000)).then_some(()));
    let of_text = files(&home).iter().position(|(path, _)| path == "text.txt").expect("the file");
    home.run(&["set", "album", &format!("files:{of_text}=first"), "up=none", "trackers+=udp://127.0.0.1:9"]).ended(0);
    let wrong = home.run(&["set", "album", "trackers+=nonsense", "labels=lost", "--json"]).ended(1);
    assert_eq!(wrong.class(), "wish", "all of it or nothing");
    kill(daemon);

    let _daemon = home.start();
    assert_eq!(skipped(&home), 0);
    assert_eq!(files(&home)[of_text].1, "first");
    let torrent = &home.window("")["torrents"][0];
    assert_eq!((&torrent["labels"], &torrent["up_limit"]), (&json!(["best", "new"]), &json!(null)));
    assert_eq!(home.run(&["set", "album", "files:9=skip", "--json"]).ended(1).class(), "wish");
    home.run(&["set", "album"]).ended(2);
    home.run(&["announce", "album"]).ended(0);
    let (_, trackers) = home.get(&format!("/teem/v1/torrents/{}/trackers", album.info_hash));
    let urls = |trackers: &Value| -> Vec<(Value, Value)> {
        let all = trackers.as_array().expect("trackers");
        all.iter().map(|tracker| (tracker["url"].clone(), tracker["tier"].clone())).collect()
    };
    let (http, udp) = (json!("http://127.0.0.1:9/announce"), json!("udp://127.0.0.1:9"));
    assert_eq!(urls(&trackers), [(http, json!(0)), (udp.clone(), json!(1))]);
    home.run(&["set", "album", "trackers-=http://127.0.0.1:9/announce"]).ended(0);
    let (_, trackers) = home.get(&format!("/teem/v1/torrents/{}/trackers", album.info_hash));
    assert_eq!(urls(&trackers), [(udp, json!(0))]);
    assert_eq!(home.get(&format!("/teem/v1/torrents/{}/peers", album.info_hash)), (200, json!([])));
    assert_eq!(home.get(&format!("/teem/v1/torrents/{}/peers", "00".repeat(20))).0, 404);
    assert_eq!(home.get("/teem/v1/torrents/abc/peers").0, 400);
}

#[test]
fn what_happened_is_told_and_what_is_counted_goes_on_after_a_kill() {
    let home = Home::new("api-counted");
    let torrent = home.torrent("content", 100_000);
    let args = ["seed", "content.torrent", "--listen", "127.0.0.1:0", "--json"];
    let mut seed = Process::start(&mut command(home.at(), &args));
    let port = seed.wait_line("listening", READY, |line| {
        let value: Value = serde_json::from_str(line).ok()?;
        value["port"].as_u64().filter(|_| value["event"] == "listening")
    });
    let daemon = home.start();
    home.run(&["add", &format!("{}&x.pe=127.0.0.1:{port}", torrent.magnet())]).ended(0);
    let counted = |home: &Home| {
        let torrent = home.window("")["torrents"][0].clone();
        (torrent["downloaded_total"] == json!(100_000)).then_some(torrent)
    };
    let told = wait_until("what was counted", READY, || counted(&home));
    assert!(told["completed"].is_u64() && told["moved"].is_u64(), "{told}");
    assert_eq!((&told["progress"], &told["ratio"]), (&json!(1.0), &json!(0.0)));
    let (_, events) = home.get("/teem/v1/events?since=0");
    let all = events["events"].as_array().expect("events");
    let words: Vec<_> =
        all.iter().filter_map(|event| event["event"].as_str()).filter(|word| *word != "state").collect();
    assert_eq!(words, ["added", "complete"], "{events}");
    assert!(all.iter().any(|event| event["state"] == "seeding") && events["last"].is_u64());
    kill(daemon);
    drop(seed);

    let _daemon = home.start();
    let again = home.window("")["torrents"][0].clone();
    for key in ["downloaded_total", "completed"] {
        assert_eq!(again[key], told[key], "{key}");
    }
    assert!(again["active_time"].as_u64() >= told["active_time"].as_u64());
    let (_, later) = home.get("/teem/v1/events?since=0");
    assert!(later["last"].as_u64() > events["last"].as_u64(), "numbers go on over runs");
    home.run(&["remove", "content"]).ended(0);
    let (_, after) = home.get(&format!("/teem/v1/events?since={}", later["last"]));
    assert_eq!(after["events"][0]["event"], "removed");
}

#[test]
fn a_stream_begins_with_the_window_and_goes_on_with_what_changes() {
    let home = Home::new("api-stream");
    let mut daemon = home.start();
    for name in ["one", "three"] {
        home.torrent(name, 10_000);
        home.run(&["add", &format!("{name}.torrent"), "--paused"]).ended(0);
    }
    let path = "/teem/v1/torrents?sort=name&fields=name,labels,state";
    let (status, mut stream) = Stream::open(&home, path, "");
    assert_eq!(status, 200);
    let (_, name, window) = stream.next();
    assert_eq!((name.as_str(), names(&window)), ("window", vec!["one", "three"]));
    assert_eq!(window["torrents"][0].as_object().expect("an object").len(), 4, "what was asked for, and the info-hash");
    home.run(&["set", "three", "labels=new"]).ended(0);
    let (id, name, changes) = stream.next();
    let hash = &window["torrents"][1]["infohash"];
    assert_eq!((name.as_str(), &changes["torrents"]), ("changes", &json!([{"infohash": hash, "labels": ["new"]}])));
    assert!(changes.get("order").is_none());
    // One that comes back hears what it missed, and no more.
    drop(stream);
    home.run(&["remove", "one"]).ended(0);
    let (_, mut again) = Stream::open(&home, path, &format!("Last-Event-ID: {id}\r\n"));
    let (_, name, missed) = again.next();
    assert_eq!((name.as_str(), &missed["order"], &missed["torrents"]), ("changes", &json!([hash]), &json!([])));
    // There is an end to how many may be open at once.
    let mut more = Vec::new();
    let refused = loop {
        match Stream::open(&home, path, "") {
            (200, stream) => more.push(stream),
            (status, _) => break status,
        }
    };
    // The former one may have its place until it is noticed that its reader has gone.
    assert!(refused == 503 && (30..=31).contains(&more.len()), "{refused} after {}", more.len());
    more.pop();
    wait_until("a place", READY, || (Stream::open(&home, "/teem/v1/events", "").0 == 200).then_some(()));
    // Those who watch do not hold up its end.
    daemon.terminate();
    assert_eq!(daemon.wait_exit(READY).code(), Some(0));
}

#[test]
fn events_are_told_as_they_come_and_add_waits_for_the_content() {
    let home = Home::new("api-wait");
    let torrent = home.torrent("content", 100_000);
    let args = ["seed", "content.torrent", "--listen", "127.0.0.1:0", "--json"];
    let mut seed = Process::start(&mut command(home.at(), &args));
    let port = seed.wait_line("listening", READY, |line| {
        let value: Value = serde_json::from_str(line).ok()?;
        value["port"].as_u64().filter(|_| value["event"] == "listening")
    });
    let _daemon = home.start();
    let mut events =
        Process::start(command(home.at(), &["events", "--since", "0", "--json"]).env("TEEM_DAEMON", home.named()));
    let link = format!("{}&x.pe=127.0.0.1:{port}", torrent.magnet());
    let told = home.run(&["add", &link, "--wait", "--json"]).ended(0).lines();
    assert_eq!((&told[0]["complete"], &told[told.len() - 1]["complete"]), (&json!(false), &json!(true)));
    for wanted in ["added", "complete"] {
        events.wait_line(wanted, READY, |line| line.contains(&format!(r#""event":"{wanted}""#)).then_some(()));
    }
    let other = home.torrent("other", 10_000);
    let stuck = home.run(&["add", &other.magnet(), "--paused", "--wait", "--json"]).ended(4);
    assert_eq!(stuck.class(), "gave_up");
}
