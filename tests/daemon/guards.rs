//! What the daemon's interface is guarded by: what others do to it changes nothing for those who drive it, and what these change is noted.

use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;

use serde_json::{Value, json};

use crate::common::driven::{Driven, READY};
use crate::common::process::wait_until;

/// The value of `Authorization` for a token.
fn bearer(token: &str) -> String {
    format!("Bearer {token}")
}

fn magnet(n: u32) -> String {
    format!(
        "magnet:?xt=urn:btih:{n:040x}&dn=content-{n}&tr=http://127.0.0.1:9/announce?passkey=0123456789abcdef0123456789abcdef"
    )
}

#[test]
fn what_is_changed_is_noted_with_who_asked_and_without_secrets() {
    let daemon = Driven::start("guards-audit");
    let sonarr = bearer(&daemon.make_token("sonarr", "control"));
    let reader = bearer(&daemon.make_token("looks", "read"));
    let (own, post) = ("/teem/v1/torrents", |body: Value| body.to_string());
    let ask = |path: &str, token: &str, body: String| daemon.ask(path, &[("Authorization", token)], Some(&body)).status;
    assert_eq!(ask(own, &sonarr, post(json!({"link": magnet(1), "paused": true}))), 201);
    assert_eq!(ask("/teem/v1/torrents/remove", &reader, post(json!({"select": ["all"]}))), 403);
    assert_eq!(ask("/teem/v1/torrents/pause", &sonarr, post(json!({"select": ["nothing"]}))), 404);
    assert_eq!(daemon.ask(own, &[("Authorization", &reader)], None).status, 200);
    let session = daemon.ask("/transmission/rpc", &[("Authorization", &sonarr)], Some("{}"));
    let id = session.header("x-transmission-session-id").expect("a session").to_owned();
    let with_session = [("Authorization", sonarr.as_str()), ("X-Transmission-Session-Id", id.as_str())];
    for method in ["torrent-get", "torrent-stop"] {
        let body = json!({"method": method, "arguments": {"fields": ["id"]}}).to_string();
        assert_eq!(daemon.ask("/transmission/rpc", &with_session, Some(&body)).status, 200);
    }
    let form = [("Authorization", sonarr.as_str()), ("Content-Type", "application/x-www-form-urlencoded")];
    assert_eq!(daemon.ask("/api/v2/torrents/stop", &form, Some("hashes=all")).status, 200);
    daemon.run(&["remove", "content-1"]).ended(0);
    // What is answered is noted already.
    let text = fs::read_to_string(daemon.at().join("state/teem/audit.jsonl")).expect("the file");
    assert!(!text.contains("0123456789abcdef") && !text.contains(&sonarr[7..]), "{text}");
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let told: Vec<_> = lines
        .iter()
        .map(|line| {
            let text = |key: &str| line[key].as_str().unwrap_or_default();
            let outcome = if text("outcome") == "done" { "done" } else { "not" };
            (text("token"), text("interface"), text("verb"), outcome)
        })
        .collect();
    assert_eq!(
        told[told.len() - 6..],
        [
            ("sonarr", "teem", "torrents", "done"),
            ("looks", "teem", "torrents/remove", "not"),
            ("sonarr", "teem", "torrents/pause", "not"),
            ("sonarr", "transmission", "torrent_stop", "done"),
            ("sonarr", "qbittorrent", "torrents/stop", "done"),
            ("", "teem", "torrents/remove", "done"),
        ],
        "{text}"
    );
    let (first, last) = (&lines[lines.len() - 6], &lines[lines.len() - 1]);
    assert!(first["address"].as_str().is_some_and(|address| address.starts_with("127.0.0.1:")), "{first}");
    assert!(last["user"].is_u64() && last["time"].is_u64() && last["what"]["select"][0] == "content-1", "{last}");
}

#[test]
fn strangers_wrong_tokens_and_connections_that_say_nothing_change_nothing_for_others() {
    let daemon = Driven::start("guards-strangers");
    let token = bearer(&daemon.token);
    let ask = |headers: &[(&str, &str)]| daemon.ask("/teem/v1/torrents", headers, None).status;
    for strange in [("Origin", "http://evil.example"), ("Origin", "null")] {
        assert_eq!(ask(&[("Authorization", &token), strange]), 403, "{strange:?}");
    }
    let rebound = raw(
        &daemon,
        &format!(
            "GET /teem/v1/torrents HTTP/1.1\r\nHost: rebound.example\r\nAuthorization: {token}\r\nConnection: close\r\n\r\n"
        ),
    );
    assert!(rebound.starts_with("HTTP/1.1 403"), "{rebound}");
    // Twice as many wrong ones as cost no wait.
    for n in 0..7 {
        assert_eq!(ask(&[("Authorization", &bearer(&format!("teem_{n}")))]), 401);
    }
    assert_eq!(ask(&[("Authorization", &token)]), 200, "not shown from there before");
    assert_eq!(ask(&[("Authorization", &token)]), 200);
    // What is longer than most is taken as far as limits say.
    let long = json!({"link": "x", "only": ["a".repeat(3 << 20)]}).to_string();
    assert_eq!(daemon.ask("/teem/v1/torrents", &[("Authorization", &token)], Some(&long)).status, 400);
    let mut half_open = Vec::new();
    for n in 0..1000 {
        let mut stream = TcpStream::connect(daemon.api).expect("it listens");
        // Half of them have begun to ask. One that has given way to a later one may be closed already.
        let _ = if n % 2 == 0 { stream.write_all(b"GET /teem/v1 HTTP/1.1\r\nHost: loc") } else { Ok(()) };
        half_open.push(stream);
    }
    assert_eq!(ask(&[("Authorization", &token)]), 200);
    daemon.run(&["list"]).ended(0);
    drop(half_open);
    assert_eq!(ask(&[("Authorization", &token)]), 200);
}

fn raw(daemon: &Driven, request: &str) -> String {
    let mut stream = TcpStream::connect(daemon.api).expect("it listens");
    stream.write_all(request.as_bytes()).expect("a reader");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer
}

#[test]
fn a_reader_that_takes_nothing_loses_its_stream_and_nobody_else_does() {
    let daemon = Driven::start("guards-slow");
    let socket = daemon.at().join("run/daemon.sock");
    let labels = |word: &str| (0..32).map(|n| format!("{word}{n:02}{}", "x".repeat(90))).collect::<Vec<_>>();
    let token = bearer(&daemon.token);
    let post = |path: &str, body: Value| {
        let answer = daemon.ask(path, &[("Authorization", &token)], Some(&body.to_string()));
        assert!(answer.status < 300, "{}", String::from_utf8_lossy(&answer.body));
    };
    for n in 1..=60 {
        post("/teem/v1/torrents", json!({"link": magnet(n), "paused": true, "labels": labels("a")}));
    }
    let open = || {
        let mut stream = UnixStream::connect(&socket).expect("a daemon");
        stream.set_read_timeout(Some(READY)).expect("a time");
        stream
            .write_all(b"GET /teem/v1/torrents HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n")
            .expect("a reader");
        stream
    };
    let (mut slow, mut quick) = (open(), open());
    // Each change is 200 KB for each of both; one of them reads.
    let words = ["b", "c"];
    let (mut read, mut turn) = (vec![0; 1 << 20], 0);
    wait_until("the end of the slow one's stream", READY, || {
        turn += 1;
        post("/teem/v1/torrents/set", json!({"select": ["all"], "labels": labels(words[turn % 2])}));
        let mut seen = Vec::new();
        while !seen.ends_with(b"}\n\n\r\n") {
            let len = quick.read(&mut read).expect("in time");
            assert!(len > 0, "the quick one's stream goes on");
            seen.extend_from_slice(&read[..len]);
        }
        streams(&daemon).filter(|streams| *streams == 1)
    });
    // It gets what had been sent, and then an end.
    loop {
        match slow.read(&mut read) {
            Ok(0) => break,
            Ok(_) => {}
            Err(e) => break assert_eq!(e.kind(), ErrorKind::ConnectionReset),
        }
    }
    post("/teem/v1/torrents/set", json!({"select": ["all"], "labels": ["end"]}));
    let mut seen = String::new();
    while !seen.contains("\"end\"") {
        let len = quick.read(&mut read).expect("in time");
        assert!(len > 0, "the quick one's stream goes on");
        seen += &String::from_utf8_lossy(&read[..len]);
    }
}

/// How many streams the daemon says that it has.
fn streams(daemon: &Driven) -> Option<u64> {
    let answer = daemon.ask("/metrics", &[("Authorization", &bearer(&daemon.token))], None);
    let text = String::from_utf8_lossy(&answer.body).into_owned();
    text.lines().find_map(|line| line.strip_prefix("teem_streams ")?.parse().ok())
}
