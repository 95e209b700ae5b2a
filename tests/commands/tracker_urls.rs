//! URLs of trackers as people write them: what is asked over the wire, and what is said of those that are of no use.
#![allow(clippy::unwrap_used)] // helpers of tests are tests

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::process::Stdio;
use std::sync::mpsc;
use std::time::Duration;

use crate::common::namespace::Folder;
use crate::common::run::{command, teem};

const HASH: &str = "c0fda1edafdbdbb96443424e0b3899af7159d10e";
const LIMIT: Duration = Duration::from_secs(60);

/// Answers every announce, and passes on each request's target and what it says of itself as `name: value`.
fn tracker() -> (u16, mpsc::Receiver<(String, Vec<String>)>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut lines = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
            let Some(request) = lines.next() else { continue };
            let headers = lines.take_while(|line| !line.is_empty()).collect();
            let target = request.split(' ').nth(1).unwrap_or_default().to_owned();
            let body = "d8:intervali1800e5:peers0:e";
            let _ = write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len());
            let _ = tell.send((target, headers));
        }
    });
    (port, told)
}

#[test]
fn every_way_to_write_a_tracker_reaches_it() {
    let folder = Folder::new("tracker-urls");
    let (port, told) = tracker();
    let ways = [
        format!("http://127.0.0.1:{port}"),
        format!("http://127.0.0.1:{port}?key=x"),
        format!("HTTP://LocalHost:{port}/Case"),
        format!("http://127.0.0.1:{port}/a b"),
        format!("http:\\\\127.0.0.1:{port}\\back"),
        format!("http://user:pass%21@127.0.0.1:{port}/who"),
        format!("http://127.0.0.1:{port}/\u{fc}"),
        format!(" http://127.0.0.1:{port}/tab\there#f\n"),
    ];
    let asked = ["/?", "/?key=x&", "/Case?", "/a%20b?", "/back?", "/who?", "/%C3%BC?", "/tabhere?"];
    // A link may send us to a neighbour for a plain announce only, a file of the user's for all of these.
    let text = |text: &str| format!("{}:{text}", text.len());
    let tiers = ways.iter().fold(String::new(), |tiers, way| format!("{tiers}l{}e", text(way)));
    let info = format!("d6:lengthi5e4:name1:t12:piece lengthi16384e6:pieces20:{}e", "h".repeat(20));
    fs::write(folder.0.join("t.torrent"), format!("d13:announce-listl{tiers}e4:info{info}e")).unwrap();
    let mut child = command(&folder.0, &["get", "t.torrent", "--listen", "127.0.0.1:0"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut seen = BTreeSet::new();
    while seen.len() < asked.len() {
        let (target, headers) = told.recv_timeout(LIMIT).unwrap_or_else(|_| panic!("only {seen:?} were asked"));
        let (before, _) = target.split_once("info_hash=").expect("an announce");
        assert!(asked.contains(&before), "{target}");
        let secret = headers.iter().find(|line| line.to_lowercase().starts_with("authorization:"));
        let expected = (before == "/who?").then_some("basic dxnlcjpwyxnziq=="); // user:pass! in base64, small letters
        assert_eq!(secret.map(|line| line.to_lowercase()[15..].to_owned()).as_deref(), expected, "{target}");
        assert!(
            headers
                .iter()
                .any(|line| line == &format!("host: 127.0.0.1:{port}") || line == &format!("host: localhost:{port}")),
            "{headers:?}"
        );
        seen.insert(before.to_owned());
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn what_cannot_be_asked_is_named_wherever_it_stands() {
    let folder = Folder::new("bad-tracker-urls");
    let link = format!("magnet:?xt=urn:btih:{HASH}&tr=htp%3A%2F%2Fh%2Fannounce");
    let shown = teem(&folder.0, &["show", &link]).ended(0).out;
    assert!(shown.contains("htp://h/announce") && shown.contains("\"htp\""), "{shown}");
    let scraped = teem(&folder.0, &["show", "--scrape", &link]).ended(1).err;
    assert!(scraped.contains("htp://h/announce"), "{scraped}");
    let got = teem(&folder.0, &["get", &link, "--listen", "127.0.0.1:0", "--timeout", "1s"]).ended(4).err;
    assert!(!got.contains("names no tracker"), "{got}");
    assert!(got.contains("No tracker of the link can be used (ignored htp://h/announce"), "{got}");

    fs::write(folder.0.join("a"), b"content").unwrap();
    for bad in ["htp://h/", "h:80/announce", "http://b\u{fc}cher.example/", "http://h:0/", "udp://h/announce"] {
        let made = teem(&folder.0, &["create", "a", "--tracker", bad, "--force"]).ended(2).err;
        assert!(made.contains("--tracker: ") && made.contains(bad.split('/').nth(2).unwrap_or(bad)), "{made}");
    }
    teem(&folder.0, &["create", "a", "--tracker", "HTTP:\\\\T.Example:80?k=v%20w"]).ended(0);
    let shown = teem(&folder.0, &["show", "a.torrent", "--json"]).ended(0).json();
    assert_eq!(shown["trackers"][0], serde_json::json!("http://t.example:80?k=v%20w"), "{shown}");
    for bad in ["htp://h/", "h:80/announce", "http://h:0/", "udp://h/announce"] {
        let edited = teem(&folder.0, &["edit", "a.torrent", "--add-tracker", bad]).ended(2).err;
        assert!(edited.contains("--add-tracker: "), "{edited}");
    }
    teem(&folder.0, &["edit", "a.torrent", "--add-tracker", "Http://t.example:80?k=v%20w"]).ended(0);
    teem(&folder.0, &["edit", "a.torrent", "--add-tracker", "Udp://T.Example:80/a\\b"]).ended(0);
    let shown = teem(&folder.0, &["show", "a.torrent", "--json"]).ended(0).out;
    assert!(shown.contains("udp://t.example:80/a/b") && shown.matches("k=v").count() == 1, "{shown}");
}
