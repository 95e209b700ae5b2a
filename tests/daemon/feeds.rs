//! Feeds from which the daemon takes torrents, sent by a small server of the test's own on loopback.

use std::collections::HashMap;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use serde_json::Value;

use crate::common::home::{Home, READY, signal, wait_event};
use crate::common::process::{Process, wait_until};
use crate::common::torrent::Torrent;

/// What is sent at a path: the status, the tag that it is known by, the bytes.
type Page = (u16, String, Vec<u8>);

#[derive(Default)]
struct Pages {
    pages: HashMap<String, Page>,
    /// Paths that were asked for, with the status of the answer.
    asked: Vec<(String, u16)>,
}

/// A server of a few pages, which answers 304 where what it has is what the asker has.
struct Server {
    at: SocketAddr,
    pages: Arc<Mutex<Pages>>,
}

impl Server {
    fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let at = listener.local_addr().expect("an address");
        let pages = Arc::new(Mutex::new(Pages::default()));
        let shared = pages.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // One who hangs up has had enough.
                let _ = serve(stream, &shared);
            }
        });
        Self { at, pages }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.at)
    }

    fn put(&self, path: &str, status: u16, tag: &str, bytes: impl Into<Vec<u8>>) {
        self.pages.lock().expect("pages").pages.insert(path.to_owned(), (status, tag.to_owned(), bytes.into()));
    }

    /// How often a path was answered so.
    fn count(&self, path: &str, status: u16) -> usize {
        let pages = self.pages.lock().expect("pages");
        pages.asked.iter().filter(|(asked, with)| asked == path && *with == status).count()
    }
}

fn serve(mut stream: TcpStream, pages: &Mutex<Pages>) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let first = lines.next().transpose()?.unwrap_or_default();
    let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
    let mut seen = String::new();
    for line in lines {
        let line = line?;
        if line.is_empty() {
            break;
        }
        let (name, value) = line.split_once(": ").unwrap_or_default();
        if name.eq_ignore_ascii_case("if-none-match") {
            value.clone_into(&mut seen);
        }
    }
    let mut pages = pages.lock().expect("pages");
    let missing = || (404, String::new(), Vec::new());
    let (mut status, tag, mut bytes) = pages.pages.get(&path).cloned().unwrap_or_else(missing);
    if status == 200 && !tag.is_empty() && seen == tag {
        (status, bytes) = (304, Vec::new());
    }
    pages.asked.push((path, status));
    drop(pages);
    let tag = if tag.is_empty() { tag } else { format!("ETag: {tag}\r\n") };
    write!(stream, "HTTP/1.1 {status} x\r\n{tag}Content-Length: {}\r\nConnection: close\r\n\r\n", bytes.len())?;
    stream.write_all(&bytes)
}

/// A feed of these items: title, id, and the rest as it stands.
fn feed(items: &[(&str, &str, String)]) -> String {
    let item = |(title, id, rest): &(&str, &str, String)| {
        format!("<item><title>{title}</title><guid>{id}</guid>{rest}</item>")
    };
    let items: String = items.iter().map(item).collect();
    format!("<?xml version='1.0'?><rss version='2.0'><channel><title>Test</title>{items}</channel></rss>")
}

/// The enclosure of a .torrent that this server sends.
fn enclosure(server: &Server, home: &Home, name: &str) -> (Torrent, String) {
    let torrent = home.torrent(name);
    let path = format!("/{}.torrent?passkey=0123456789abcdef0123456789abcdef", name.replace(' ', "-"));
    let bytes = fs::read(home.at().join(format!("{name}.torrent"))).expect("a torrent");
    server.put(&path, 200, "", bytes);
    (torrent, format!("<enclosure url='{}' length='5' type='application/x-bittorrent'/>", server.url(&path)))
}

/// The one feed that there is.
fn listed(home: &Home) -> Value {
    home.run(&["feed", "list", "--json"]).ended(0).json()
}

fn names(home: &Home) -> Vec<String> {
    let name = |torrent: &Value| torrent["name"].as_str().unwrap_or_default().to_owned();
    let mut names: Vec<_> = home.list(&[]).iter().map(name).collect();
    names.sort();
    names
}

#[test]
fn a_feed_is_asked_conditionally_and_nothing_of_it_is_taken_twice() {
    let (home, server) = (Home::new("feeds-once"), Server::new());
    home.configure("");
    let (one, of_one) = enclosure(&server, &home, "one iso");
    let other = home.torrent("another iso");
    let magnet = format!("<link>{}</link>", other.magnet().replace('&', "&amp;"));
    let (_, of_beta) = enclosure(&server, &home, "beta iso");
    let items = [("One ISO", "1", of_one.clone()), ("Another.iso", "2", magnet), ("An iso, beta", "3", of_beta)];
    server.put("/rss", 200, "\"a\"", feed(&items));
    let daemon = home.start(&[]);
    let url = server.url("/rss");
    let added =
        home.run(&["feed", "add", "x", &url, "--want", "iso", "--not", "beta", "--label", "fed", "--paused", "--json"]);
    let added = added.ended(0).json();
    assert_eq!((&added["name"], &added["origin"], &added["every"]), (&"x".into(), &"api".into(), &1800.into()));
    wait_until("the torrents", READY, || (listed(&home)["taken"] == 2).then_some(()));
    assert_eq!(names(&home), ["another iso", "one iso"]);
    assert!(home.list(&["label:fed"]).iter().all(|torrent| torrent["state"] == "paused"));
    let told = listed(&home);
    assert_eq!((&told["state"], &told["items"], &told["error"]), (&"ok".into(), &3.into(), &Value::Null));

    // Nothing has changed, and nothing is sent.
    home.run(&["feed", "refresh", "x"]).ended(0);
    assert_eq!((server.count("/rss", 200), server.count("/rss", 304)), (1, 1));
    // What is known of it outlives the daemon, and it is not asked again at once.
    daemon_ended(daemon);
    let daemon = home.start(&[]);
    assert_eq!((&listed(&home)["state"], &listed(&home)["taken"]), (&"ok".into(), &2.into()));
    home.run(&["feed", "refresh", "x"]).ended(0);
    assert_eq!((server.count("/rss", 200), server.count("/rss", 304)), (1, 2));

    // A torrent that its owner removed is not taken again: neither as it was, nor under another id and title, nor after a kill.
    home.run(&["remove", &one.info_hash]).ended(0);
    signal(&daemon, "-KILL");
    drop(daemon);
    let (_, of_new) = enclosure(&server, &home, "new iso");
    let rewritten =
        [("One ISO", "1", of_one.clone()), ("One ISO (repost)", "1b", of_one), ("New iso", "4", of_new.clone())];
    server.put("/rss", 200, "\"b\"", feed(&rewritten));
    let _daemon = home.start(&[]);
    home.run(&["feed", "refresh", "x"]).ended(0);
    assert_eq!(names(&home), ["another iso", "new iso"]);
    let torrents =
        server.pages.lock().expect("pages").asked.iter().filter(|(path, _)| path.contains("new-iso")).count();
    home.run(&["feed", "refresh", "x"]).ended(0);
    let again = server.pages.lock().expect("pages").asked.iter().filter(|(path, _)| path.contains("new-iso")).count();
    assert_eq!((torrents, again), (1, 1), "each .torrent is fetched once");

    // One that is removed takes no more, and one that is added again knows what it took.
    home.run(&["feed", "remove", "x"]).ended(0);
    assert!(home.run(&["feed", "list", "--json"]).ended(0).lines().is_empty());
    home.run(&["remove", "all"]).ended(0);
    home.run(&["feed", "add", "x", &url, "--every", "2h"]).ended(0);
    wait_until("an answer", READY, || (listed(&home)["state"] == "ok").then_some(()));
    assert_eq!((names(&home).len(), &listed(&home)["taken"]), (0, &0.into()));
}

/// Has a daemon end in order.
fn daemon_ended(mut daemon: Process) {
    daemon.terminate();
    assert!(daemon.wait_exit(READY).success());
}

#[test]
fn feeds_of_the_file_are_its_own_and_a_test_says_why() {
    let (home, server) = (Home::new("feeds-file"), Server::new());
    let (_, of_one) = enclosure(&server, &home, "one iso");
    let rows = [
        ("One ISO", "1", of_one),
        ("No link here", "2", String::new()),
        ("Some tar", "3", "<link>ftp://x/y</link>".into()),
    ];
    server.put("/rss", 200, "", feed(&rows));
    let url = server.url("/rss");
    let rules = "[[feed.rule]]\nwant = ['iso']\nmin-size = '1M'\n[[feed.rule]]\nwant = ['*no*']\nlabels = ['odd']";
    home.configure(&format!("[[feed]]\nname = 'mine'\nurl = '{url}'\n{rules}"));
    let mut daemon = home.start(&[]);
    wait_until("an answer", READY, || (listed(&home)["state"] == "ok").then_some(()));
    let told = listed(&home);
    assert_eq!((&told["origin"], &told["items"], &told["taken"]), (&"file".into(), &3.into(), &0.into()));
    // The content has 100,000 bytes, which is known once the .torrent is there; it is not fetched again.
    home.run(&["feed", "refresh", "mine"]).ended(0);
    let fetched =
        server.pages.lock().expect("pages").asked.iter().filter(|(path, _)| path.contains(".torrent")).count();
    assert_eq!((fetched, names(&home).len()), (1, 0));
    let failed = &listed(&home)["failed"];
    assert!(failed[0]["title"] == "No link here" && failed[0]["given_up"] == true, "{failed}");

    // The file alone changes what stands in it.
    let refused = home.run(&["feed", "remove", "mine", "--json"]).ended(1);
    assert_eq!(refused.class(), "wish");
    assert!(refused.err.contains("configuration file"), "{}", refused.err);
    assert_eq!(home.run(&["feed", "add", "mine", &url, "--json"]).ended(1).class(), "already");
    assert_eq!(home.run(&["feed", "remove", "none", "--json"]).ended(1).class(), "select");

    // What would be taken, and why, without anything being added.
    let tested = home.run(&["feed", "test", "mine", "--json"]).ended(0).lines();
    let of =
        |n: usize| (tested[n]["rule"].clone(), tested[n]["rules"][0]["why"].as_str().unwrap_or_default().to_owned());
    assert_eq!(of(0), (1.into(), "the title fits `iso`, its size is not told".to_owned()));
    assert_eq!((of(1).0, of(2).0), (2.into(), Value::Null));
    assert!(of(2).1.contains("fits none of `iso`"));
    assert!(tested[0]["link"].as_str().is_some_and(|link| !link.contains("0123456789abcdef")), "{}", tested[0]);
    let tested = home.run(&["feed", "test", &url, "--not", "iso"]).ended(0);
    assert!(tested.out.contains("no       One ISO") && tested.out.contains("`iso` is not wanted"), "{}", tested.out);
    assert_eq!(names(&home).len(), 0);

    home.configure("");
    signal(&daemon, "-HUP");
    assert_eq!(wait_event(&mut daemon, "reload")["ok"], true);
    assert!(home.run(&["feed", "list", "--json"]).ended(0).lines().is_empty());
}

#[test]
fn a_feed_that_fails_is_told_of_and_loses_nothing() {
    let (home, server) = (Home::new("feeds-fail"), Server::new());
    home.configure("");
    let (_, of_one) = enclosure(&server, &home, "one iso");
    let _daemon = home.start(&[]);
    let url = server.url("/rss");
    server.put("/rss", 500, "", "");
    home.run(&["feed", "add", "x", &url]).ended(0);
    wait_until("a failure", READY, || (listed(&home)["state"] == "failing").then_some(()));
    let many = "<item/>".repeat(100_000);
    let bomb = "<!DOCTYPE x [<!ENTITY a 'aaaa'>]><rss version='2.0'><channel><item><title>&a;";
    let hostile =
        [(feed(&[("x", "1", many)]), "10000 items"), (bomb.to_owned(), "broken"), ("<html/>".to_owned(), "no RSS")];
    for (n, (body, why)) in hostile.into_iter().enumerate() {
        server.put("/rss", 200, "", body);
        home.run(&["feed", "refresh", "x"]).ended(1);
        let told = listed(&home);
        assert!(told["error"].as_str().is_some_and(|error| error.contains(why)), "{told}");
        assert_eq!(told["failures"], n + 2);
    }
    let shown = home.run(&["feed", "list"]).ended(0).out;
    assert!(shown.contains("4 in a row failed") && shown.contains("failing"), "{shown}");
    // A .torrent that cannot be had yet is taken as soon as it can, although the feed stays as it is.
    let path = "/late.torrent";
    let late = format!("<enclosure url='{}' type='application/x-bittorrent'/>", server.url(path));
    server.put("/rss", 200, "\"a\"", feed(&[("One", "1", of_one), ("A\u{202e}B\u{9b}2J", "2", late)]));
    home.run(&["feed", "refresh", "x"]).ended(0);
    let told = listed(&home);
    assert_eq!((&told["taken"], &told["failures"]), (&1.into(), &0.into()));
    assert!(told["failed"][0]["title"] == "A B 2J" && told["failed"][0]["given_up"] == false, "{told}");
    let late = home.torrent("late iso");
    server.put(path, 200, "", fs::read(home.at().join("late iso.torrent")).expect("a torrent"));
    home.run(&["feed", "refresh", "x"]).ended(0);
    assert_eq!((names(&home), server.count("/rss", 304)), (vec!["late iso".to_owned(), "one iso".to_owned()], 0));
    assert_eq!(home.list(&[&late.info_hash]).len(), 1);
    home.run(&["feed", "refresh", "x"]).ended(0);
    assert_eq!(server.count("/rss", 304), 1);
    let answer = home.ask("GET /teem/v1/events HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    for event in ["feed_failed", "feed_answers"] {
        assert_eq!(answer.matches(&format!("\"{event}\"")).count(), 1, "{answer}");
    }
}

#[test]
fn row_53_a_token_s_feed_leads_nowhere_near() {
    let (home, server) = (Home::new("feeds-token"), Server::new());
    let path = home.configure("");
    let text = fs::read_to_string(&path).expect("a file").replace("['none']", "['127.0.0.1:0']");
    fs::write(&path, text).expect("the folder is writable");
    server.put("/rss", 200, "", feed(&[]));
    let mut daemon = Process::start(&mut home.daemon(&[]));
    let ready = wait_event(&mut daemon, "ready");
    let api: SocketAddr = ready["api"][0].as_str().and_then(|at| at.parse().ok()).expect("an address");
    let token = |scope| home.run(&["token", "create", scope, "--scope", scope]).ended(0).out.trim().to_owned();
    let asked = |token: &str, method: &str, path: &str, body: &str| {
        let mut stream = TcpStream::connect(api).expect("a listener");
        let head = format!("{method} {path} HTTP/1.1\r\nHost: {api}\r\nAuthorization: Bearer {token}\r\n");
        write!(stream, "{head}Connection: close\r\nContent-Length: {}\r\n\r\n{body}", body.len()).expect("a reader");
        std::io::read_to_string(stream).expect("an answer")
    };
    let (read, control) = (token("read"), token("control"));
    let body = format!(r#"{{"name":"near","url":"{}","rules":[{{}}]}}"#, server.url("/rss"));
    for (method, path) in
        [("POST", "/teem/v1/feeds"), ("DELETE", "/teem/v1/feeds/near"), ("POST", "/teem/v1/feeds/test")]
    {
        assert!(asked(&read, method, path, &body).starts_with("HTTP/1.1 403"), "{method} {path}");
    }
    assert!(asked(&control, "POST", "/teem/v1/feeds", &body).starts_with("HTTP/1.1 201"));
    let told = asked(&control, "POST", "/teem/v1/feeds/near/refresh", "");
    assert!(told.contains("private network") || told.contains("busy"), "{told}");
    wait_until("a failure", READY, || (listed(&home)["state"] == "failing").then_some(()));
    assert!(asked(&read, "GET", "/teem/v1/feeds", "").contains("private network"));
    assert_eq!(server.pages.lock().expect("pages").asked.len(), 0, "nobody was asked");
    assert!(asked(&control, "DELETE", "/teem/v1/feeds/near", "").starts_with("HTTP/1.1 200"));
}
