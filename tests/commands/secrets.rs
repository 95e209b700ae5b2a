//! Passkeys, users and passwords in URLs: what is printed, and what others could read, holds none of them, whoever repeats them to us.
#![allow(clippy::unwrap_used)] // helpers of tests are tests

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;

use crate::common::namespace::Folder;
use crate::common::run::{Ran, teem};

/// What must be nowhere, in lower case.
const SECRETS: [&str; 6] =
    ["0123456789abcdef0123456789abcdef", "hunter2", "s3same", "pass word", "pass%20word", "0a1b2c3d4e5f6a7b"];

/// Answers each request by a function of its target and the server's own address.
fn server(answer: fn(&str, &str) -> String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = listener.local_addr().unwrap().to_string();
    let own = at.clone();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let asked: &TcpStream = &stream;
            let mut lines = BufReader::new(asked).lines().map_while(Result::ok);
            let Some(request) = lines.next() else { continue };
            lines.take_while(|line| !line.is_empty()).for_each(drop);
            let target = request.split(' ').nth(1).unwrap_or_default();
            let _ = stream.write_all(answer(target, &own).as_bytes());
        }
    });
    at
}

/// A body with this status line and further headers.
fn http(status: &str, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len())
}

fn text(text: &str) -> String {
    format!("{}:{text}", text.len())
}

/// A .torrent with these trackers, each in a tier of its own.
fn torrent(folder: &Folder, name: &str, trackers: &[&str]) {
    let tiers = trackers.iter().fold(String::new(), |tiers, url| format!("{tiers}l{}e", text(url)));
    let info = format!("d6:lengthi5e4:name1:t12:piece lengthi16384e6:pieces20:{}e", "h".repeat(20));
    fs::write(folder.0.join(name), format!("d13:announce-listl{tiers}e4:info{info}e")).unwrap();
}

#[track_caller]
fn silent(ran: &Ran) {
    let all = format!("{}\n{}", ran.out, ran.err).to_lowercase();
    assert!(SECRETS.iter().all(|secret| !all.contains(secret)), "{all}");
}

#[test]
fn a_tracker_that_repeats_our_url_tells_nobody_more_than_it_knows() {
    let folder = Folder::new("secrets-echo");
    let at = server(|target, own| {
        let why = format!(
            "unregistered: http://u:hunter2@{own}{target} (user s3same, key {} or 0123456789ABCDEF0123456789abcdef)",
            target.split(['/', '?']).nth(1).unwrap_or_default()
        );
        http("200 OK", "", &format!("d14:failure reason{}e", text(&why)))
    });
    let tracker = format!("http://s3same:pass%20word@{at}/0123456789abcdef0123456789abcdef/announce?sid=hunter2");
    torrent(&folder, "t.torrent", &[&tracker]);
    let get = ["get", "t.torrent", "--listen", "127.0.0.1:0", "--timeout", "3s"];
    let told = teem(&folder.0, &get).ended(4);
    assert!(told.err.contains("unregistered"), "{}", told.err);
    silent(&told);
    let told = teem(&folder.0, &[&get[..], &["--json"]].concat()).ended(4);
    assert!(told.out.contains("unregistered"), "{}", told.out);
    silent(&told);
    // A scrape asks at another path, and is refused alike.
    silent(&teem(&folder.0, &["show", "--scrape", "t.torrent"]).ended(1));
}

#[test]
fn what_cannot_be_reached_is_named_without_its_secrets() {
    let folder = Folder::new("secrets-reach");
    let key = SECRETS[0];
    let at = server(|target, own| match target {
        t if t.starts_with("/to/") => {
            let to = "http://s3same:hunter2@0a1b2c3d4e5f6a7b.t.invalid/0123456789abcdef0123456789abcdef/x";
            http("302 Found", &format!("Location: {to}\r\n"), "")
        }
        t if t.starts_with("/bad/") => {
            http("302 Found", "Location: gopher://s3same:hunter2@h/0123456789abcdef0123456789abcdef\r\n", "")
        }
        t if t.starts_with("/round/") => http("302 Found", &format!("Location: http://{own}{t}\r\n"), ""),
        _ => http("404 Not Found", "", "no 0123456789abcdef0123456789abcdef"),
    });
    for path in ["to", "bad", "round", "none"] {
        let url = format!("http://s3same:hunter2@{at}/{path}/{key}/a.torrent?k=hunter2");
        let told = teem(&folder.0, &["show", &url]).ended(1);
        assert!(told.err.contains("/a.torrent?k=…"), "{}", told.err);
        silent(&told);
        silent(&teem(&folder.0, &["show", "--json", &url]).ended(1));
    }
    for link in [
        format!("htps://s3same:hunter2@t.example/{key}/a.torrent"),
        format!("magnt:?xt=urn:btih:12&tr=http%3A%2F%2Ft.example%2F{key}"),
        format!("magnet:?xt=urn:btih:12&tr=http%3A%2F%2Ft.example%2F{key}"),
        format!("http://t.example:hunter2/{key}"),
    ] {
        let told = teem(&folder.0, &["show", &link]);
        assert!(told.code == 1 || told.code == 3, "{told:?}");
        silent(&told);
    }
    let trackers = [
        "http://0a1b2c3d4e5f6a7b.t.invalid/announce".to_owned(),
        format!("udp://0a1b2c3d4e5f6a7b.t.invalid:1/{key}"),
        format!("gopher://s3same:hunter2@t.example/{key}"),
        format!("http://t.example:hunter2/{key}"),
    ];
    torrent(&folder, "t.torrent", &trackers.iter().map(|url| &**url).collect::<Vec<_>>());
    let told = teem(&folder.0, &["get", "t.torrent", "--listen", "127.0.0.1:0", "--timeout", "4s"]).ended(4);
    assert!(told.err.contains("….t.invalid"), "{}", told.err);
    silent(&told);
    silent(&teem(&folder.0, &["show", "t.torrent"]).ended(0));
    silent(&teem(&folder.0, &["show", "--scrape", "t.torrent"]).ended(1));
}

#[test]
fn what_is_made_with_a_passkey_is_its_owner_s_and_says_so_to_nobody() {
    let folder = Folder::new("secrets-made");
    fs::write(folder.0.join("a"), b"content").unwrap();
    let mode = |name: &str| fs::metadata(folder.0.join(name)).unwrap().permissions().mode() & 0o777;
    let key = SECRETS[0];
    for (name, option, url) in [
        ("path", "--tracker", format!("http://t.example/{key}/announce")),
        ("query", "--tracker", "http://t.example/announce?k=hunter2".to_owned()),
        ("user", "--tracker", "http://s3same:hunter2@t.example/announce".to_owned()),
        ("host", "--tracker", "http://0a1b2c3d4e5f6a7b.t.example/announce".to_owned()),
        ("seed", "--web-seed", "https://s3same:hunter2@w.example/a".to_owned()),
        ("token", "--web-seed", format!("https://w.example/a?token={key}")),
        ("seedhost", "--web-seed", "https://0a1b2c3d4e5f6a7b.w.example/a".to_owned()),
    ] {
        let file = format!("{name}.torrent");
        silent(&teem(&folder.0, &["create", "a", option, &url, "-o", &file]).ended(0));
        assert_eq!(mode(&file), 0o600, "{name}");
        silent(&teem(&folder.0, &["show", &file]).ended(0));

        let other = format!("{name}-edited.torrent");
        teem(&folder.0, &["create", "a", "--tracker", "http://open.example/announce", "-o", &other]).ended(0);
        fs::set_permissions(folder.0.join(&other), fs::Permissions::from_mode(0o644)).unwrap();
        teem(&folder.0, &["edit", &other, "--comment", "x"]).ended(0);
        assert_eq!(mode(&other), 0o644, "nothing secret is in it");
        let add = format!("--add-{}", option.trim_start_matches('-'));
        silent(&teem(&folder.0, &["edit", &other, &add, &url, "--dry-run"]).ended(0));
        silent(&teem(&folder.0, &["edit", &other, &add, &url, "--json"]).ended(0));
        assert_eq!(mode(&other), 0o600, "{name}");
    }
}
