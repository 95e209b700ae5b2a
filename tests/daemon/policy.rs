//! What the daemon does by itself: who works when places are few, who has given enough, which limits hold.

use std::fs;
use std::time::Duration;

use crate::common::home::{Home, READY, signal};
use crate::common::process::{Process, wait_until};
use crate::common::run::command;
use serde_json::{Value, json};

/// The state of each torrent, by name.
fn states(home: &Home) -> Vec<(String, String)> {
    let text = |torrent: &Value, key: &str| torrent[key].as_str().expect("a text").to_owned();
    let mut all: Vec<_> =
        home.list(&[]).iter().map(|torrent| (text(torrent, "name"), text(torrent, "state"))).collect();
    all.sort();
    all
}

/// Waits until the torrents are in these states, by name.
/// What a peer took that was gone before it was looked at is counted when the torrent goes to rest, after a minute.
const COUNTED: Duration = READY.saturating_mul(3);

fn wait_states(home: &Home, wanted: &[(&str, &str)]) {
    let wanted: Vec<_> = wanted.iter().map(|(name, state)| ((*name).to_owned(), (*state).to_owned())).collect();
    wait_until(&format!("{wanted:?}"), COUNTED, || {
        let states = states(home);
        if states == wanted { Some(()) } else { None }
    });
}

/// What the interface answers to a request with a body.
fn post(home: &Home, path: &str, body: &Value) -> Value {
    let body = body.to_string();
    let len = body.len();
    let answer = home.ask(&format!(
        "POST /teem/v1/{path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {len}\r\n\r\n{body}"
    ));
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    serde_json::from_str(answer.rsplit("\r\n\r\n").next().expect("a body")).expect("JSON")
}

#[test]
fn the_first_of_the_queue_work_and_those_behind_wait() {
    let home = Home::new("policy-queue");
    home.configure("[queue]\ndownloads = 1\nstalled-after = '1d'");
    let daemon = home.start(&[]);
    for name in ["a", "bb", "ccc"] {
        home.run(&[
            "add",
            &format!(
                "{name}.torrent",
                name = {
                    home.torrent(name);
                    name
                }
            ),
        ])
        .ended(0);
    }
    wait_states(&home, &[("a", "downloading"), ("bb", "queued"), ("ccc", "queued")]);
    home.run(&["set", "ccc", "queue=top"]).ended(0);
    wait_states(&home, &[("a", "queued"), ("bb", "queued"), ("ccc", "downloading")]);
    let forced = home.run(&["set", "bb", "queue=force", "up=1M", "--json"]).ended(0).json();
    assert_eq!((&forced["forced"], &forced["up_limit"]), (&json!(true), &json!(1_000_000)));
    wait_states(&home, &[("a", "queued"), ("bb", "downloading"), ("ccc", "downloading")]);
    // One that its owner lets rest gives its place up, over a kill too.
    home.run(&["pause", "ccc"]).ended(0);
    wait_states(&home, &[("a", "downloading"), ("bb", "downloading"), ("ccc", "paused")]);
    signal(&daemon, "-KILL");
    drop(daemon);
    let daemon = home.start(&[]);
    wait_states(&home, &[("a", "downloading"), ("bb", "downloading"), ("ccc", "paused")]);
    home.run(&["resume", "ccc"]).ended(0);
    wait_states(&home, &[("a", "queued"), ("bb", "downloading"), ("ccc", "downloading")]);
    // A file without a queue lets all of them work.
    home.configure("");
    signal(&daemon, "-HUP");
    wait_states(&home, &[("a", "downloading"), ("bb", "downloading"), ("ccc", "downloading")]);
}

#[test]
fn one_that_is_stalled_keeps_nobody_from_working() {
    let home = Home::new("policy-stalled");
    home.configure("[queue]\ndownloads = 1\nstalled-after = '1ms'");
    let _daemon = home.start(&[]);
    for name in ["a", "bb"] {
        home.torrent(name);
        home.run(&["add", &format!("{name}.torrent")]).ended(0);
    }
    wait_states(&home, &[("a", "downloading"), ("bb", "downloading")]);
}

/// A torrent whose content lies in the root already.
fn complete(home: &Home, name: &str) {
    home.torrent(name);
    fs::copy(home.at().join(name), home.at().join("files").join(name)).expect("the folder is writable");
}

#[test]
fn the_nearest_goal_ends_a_torrent_and_its_owner_begins_it_again() {
    let home = Home::new("policy-goals");
    home.configure(
        "[goal]\nuntil = 'done'\nthen = 'pause'\n[label.keep]\nuntil = 'forever'\n[label.gone]\nthen = 'remove'\n[label.wiped]\nthen = 'delete'",
    );
    let daemon = home.start(&[]);
    for (name, more) in [
        ("a", &[][..]),
        ("bb", &["--label", "keep"]),
        ("ccc", &["--label", "keep", "--until", "done"]),
        ("dddd", &["--until", "30d"]),
    ] {
        complete(&home, name);
        home.run(&[&["add", &format!("{name}.torrent")], more].concat()).ended(0);
    }
    let wanted = [("a", "finished"), ("bb", "seeding"), ("ccc", "finished"), ("dddd", "seeding")];
    wait_states(&home, &wanted);
    signal(&daemon, "-KILL");
    drop(daemon);
    let _daemon = home.start(&[]);
    wait_states(&home, &wanted);
    home.run(&["resume", "a"]).ended(0);
    wait_states(&home, &[("a", "seeding"), wanted[1], wanted[2], wanted[3]]);
    assert_eq!(home.list(&["a"])[0]["until"], "forever", "its owner wants more than the rule");
    home.run(&["set", "bb", "until=time=0"]).ended(0);
    wait_states(&home, &[("a", "seeding"), ("bb", "finished"), wanted[2], wanted[3]]);
    complete(&home, "eeeee");
    home.run(&["add", "eeeee.torrent", "--label", "gone"]).ended(0);
    wait_until("it is removed", READY, || home.run(&["list", "eeeee"]).code.eq(&1).then_some(()));
    assert!(home.at().join("files/eeeee").exists(), "its files stay");
    complete(&home, "ffffff");
    home.run(&["add", "ffffff.torrent", "--label", "wiped"]).ended(0);
    wait_until("its files are gone", READY, || (!home.at().join("files/ffffff").exists()).then_some(()));
    wait_until("so is it", READY, || home.run(&["list", "ffffff"]).code.eq(&1).then_some(()));
    let wrong = home.run(&["add", "a.torrent", "--until", "often"]).ended(2);
    assert!(wrong.err.contains("ratio=R"), "{}", wrong.err);
}

#[test]
fn a_ratio_is_that_of_all_runs() {
    let home = Home::new("policy-ratio");
    home.configure("[goal]\nuntil = 'ratio=2'\nthen = 'pause'");
    complete(&home, "content");
    let get = |daemon_port: u64, into: &str| {
        let magnet = fs::read(home.at().join("content.torrent")).is_ok();
        assert!(magnet);
        let peer = format!("127.0.0.1:{daemon_port}");
        let mut get =
            command(home.at(), &["get", "content.torrent", "-o", into, "--peer", &peer, "--listen", "127.0.0.1:0"]);
        let mut get = Process::start(get.env("XDG_STATE_HOME", home.at().join(into)));
        assert_eq!(get.wait_exit(READY).code(), Some(0));
    };
    let start = || {
        let mut daemon = Process::start(&mut home.daemon(&[]));
        let port = crate::common::home::wait_event(&mut daemon, "ready")["port"].as_u64().expect("a port");
        (daemon, port)
    };
    let (mut daemon, port) = start();
    home.run(&["add", "content.torrent"]).ended(0);
    get(port, "first");
    assert_eq!(states(&home), [("content".to_owned(), "seeding".to_owned())]);
    daemon.terminate();
    assert_eq!(daemon.wait_exit(READY).code(), Some(0));
    let (_daemon, port) = start();
    get(port, "second");
    wait_states(&home, &[("content", "finished")]);
}

#[test]
fn the_other_limits_hold_by_hand_over_restarts() {
    let home = Home::new("policy-alternative");
    home.configure("up = '2M'\n[alternative]\nup = '1k'");
    let daemon = home.start(&[]);
    let told = |home: &Home| {
        let answer = home.ask("GET /teem/v1/alternative HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        serde_json::from_str::<Value>(answer.rsplit("\r\n\r\n").next().expect("a body")).expect("JSON")
    };
    assert_eq!(told(&home), json!({"holds": false, "wanted": "hours"}));
    assert!(home.run(&["limits"]).ended(0).out.starts_with("the usual limits hold, by the hours"));
    let said = home.run(&["limits", "on", "down=3k", "alternative-up=none", "--json"]).ended(0).json();
    let expected = json!({
        "holds": true, "wanted": "on",
        "up_limit": 2_000_000, "down_limit": 3_000, "alternative_up_limit": null, "alternative_down_limit": null,
    });
    assert_eq!(said, expected);
    assert!(home.run(&["limits", "sideways=3k"]).ended(2).err.contains("alternative-up=RATE"));
    signal(&daemon, "-KILL");
    drop(daemon);
    let _daemon = home.start(&[]);
    assert_eq!(told(&home), json!({"holds": true, "wanted": "on"}));
    let shown = home.run(&["limits"]).ended(0).out;
    assert!(shown.starts_with("the other limits ([alternative]) hold, by hand"), "{shown}");
    assert_eq!(home.run(&["limits", "--json"]).ended(0).json(), expected);
    let config = home.run(&["config", "show", "--json"]).ended(0).lines();
    let down = config.iter().find(|setting| setting["key"] == "down").expect("a key");
    assert_eq!((&down["value"], &down["origin"]), (&json!(3_000), &json!("api")));
    assert_eq!(post(&home, "alternative", &json!({"wanted": "off"})), json!({"holds": false, "wanted": "off"}));
}
