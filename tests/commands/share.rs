//! `teem share` and those who come for what it shares.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::FileExt;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::common::content::{self, Shape};
use crate::common::namespace::{Needs, isolated};
use crate::common::run::teem;
use crate::common::teem::Teem;
use crate::common::{PEER_PORT, TEEM_IP, http};
use serde_json::Value;

const LIMIT: Duration = Duration::from_secs(60);

/// A share of `path` that is ready.
fn share(folder: &Path, path: &Path, more: &[&str]) -> (Teem, Value) {
    let path = path.to_string_lossy();
    let mut teem = Teem::start(&folder.join("home"), &[&["share", &path, "--hidden"], more].concat());
    let ready = teem.wait_event("ready", LIMIT);
    (teem, ready)
}

/// A `get` by somebody with an address, a state and a folder of their own; the folder it goes into.
fn get(folder: &Path, number: u32, link: &str, more: &[&str]) -> (Teem, PathBuf) {
    let home = folder.join(format!("peer{number}"));
    let (listen, out) = (format!("198.18.1.{number}:{PEER_PORT}"), home.join("out"));
    let args = ["get", link, "-o", &out.to_string_lossy(), "--listen", &listen];
    (Teem::start(&home, &[&args, more].concat()), out)
}

fn text(value: &Value, key: &str) -> String {
    value[key].as_str().unwrap_or_else(|| panic!("no {key}: {value}")).to_string()
}

fn stop(mut teem: Teem) {
    teem.terminate();
    assert_eq!(teem.wait_exit(Duration::from_secs(10)).code(), Some(143));
}

#[test]
fn by_magnet_by_url_and_by_bare_hash() {
    isolated("by_magnet_by_url_and_by_bare_hash", &[], |folder| {
        let name = "what & who – 日本";
        let path = folder.join(name);
        content::write(folder, name, Shape::Tree, 3 << 20);
        symlink("nowhere", path.join("dangling")).expect("links can be made");
        let listen = format!("{TEEM_IP}:{PEER_PORT}");
        let copy = folder.join("copy.torrent");
        let (mut source, ready) =
            share(folder, &path, &["--listen", &listen, "-o", &copy.to_string_lossy(), "--piece-size", "16Ki"]);
        fs::remove_file(path.join("dangling")).expect("own link");
        assert_eq!(source.log().lines().next().map(|line| line.contains("\"listening\"")), Some(true));
        assert_eq!(ready["port"], PEER_PORT);
        assert_eq!(ready["addresses"][0]["host"], TEEM_IP, "{ready}");
        let skipped = ready["skipped"].to_string();
        assert!(skipped.contains("dangling"), "{skipped}");
        let (magnet, url, hash) = (text(&ready, "magnet"), text(&ready, "torrent_url"), text(&ready, "infohash_v1"));
        assert!(magnet.contains(&hash) && magnet.contains("&tr=") && magnet.contains("&x.pe="), "{magnet}");
        assert!(magnet.is_ascii(), "{magnet}");
        let address = url.strip_prefix("http://").and_then(|rest| rest.split_once('/')).expect("a URL");
        let served = http::request(address.0, &format!("/{}", address.1), &[], None).expect("it is served");
        assert_eq!(served.status, 200);
        assert!(served.body == fs::read(&copy).expect("-o wrote it"), "the URL gives another .torrent than -o");
        let peer = ["--peer", &listen];
        for (number, link, more) in [(1, &magnet, &[][..]), (2, &url, &[]), (3, &hash, &peer)] {
            let (mut get, out) = get(folder, number, link, more);
            get.wait_complete(LIMIT);
            content::assert_same(&path, &out.join(name));
            let done = &get.events("done")[0];
            assert_eq!(done["name"], name);
            assert_eq!(done["infohash_v1"], hash.as_str());
        }
        let sent = source.wait_event("all_out", LIMIT)["sent"].as_u64().expect("bytes");
        assert!(sent >= 3 << 20, "{sent}");
        let all = 3 * sent;
        source.wait_line("three copies sent", LIMIT, |line| {
            let value: Value = serde_json::from_str(line).ok()?;
            (value["uploaded"].as_u64() >= Some(all)).then_some(())
        });
        assert_eq!(source.events("all_out").len(), 1);
        stop(source);
    });
}

#[test]
fn a_restart_hashes_nothing_and_keeps_the_links() {
    isolated("a_restart_hashes_nothing_and_keeps_the_links", &[], |folder| {
        content::write(folder, "content", Shape::Tree, 2 << 20);
        let path = folder.join("content");
        // The default port is taken at first, so another one is what the links hold.
        let (other, default) = share(
            &folder.join("other"),
            &{
                content::write(folder, "other.bin", Shape::Single, 10);
                folder.join("other.bin")
            },
            &[],
        );
        let (first, ready) = share(folder, &path, &[]);
        assert_ne!(ready["port"], default["port"]);
        assert!(!first.events("hashing").is_empty());
        stop(first);
        stop(other);
        let (again, same) = share(folder, &path, &[]);
        assert!(again.events("hashing").is_empty(), "it hashed again");
        for key in ["port", "web_port", "magnet", "torrent_url", "infohash_v1"] {
            assert_eq!(same[key], ready[key], "{key}");
        }
        stop(again);
        // Something else is noticed, and is another torrent.
        fs::write(path.join("z"), "changed").expect("own file");
        let (changed, new) = share(folder, &path, &[]);
        assert!(!changed.events("hashing").is_empty());
        assert_ne!(new["infohash_v1"], ready["infohash_v1"]);
        assert_eq!(new["port"], ready["port"]);
        stop(changed);
    });
}

#[test]
fn interrupted_hashing_goes_on() {
    isolated("interrupted_hashing_goes_on", &[], |folder| {
        let path = folder.join("large");
        // A byte in each piece: holes alone would not be hashed.
        let file = fs::File::create(&path).expect("the folder is writable");
        (0..4u64 << 10).try_for_each(|n| file.write_all_at(b"x", n << 20)).expect("sparse files can be made");
        let start = || Teem::start(&folder.join("home"), &["share", &path.to_string_lossy(), "--listen", ":0"]);
        let hashed = |line: &str| {
            let value: Value = serde_json::from_str(line).ok()?;
            (value["event"] == "hashing").then(|| value["done"].as_u64()).flatten()
        };
        let mut first = start();
        let before = first.wait_line("progress", LIMIT, |line| hashed(line).filter(|done| *done >= 64 << 20));
        first.terminate();
        assert_eq!(first.wait_exit(LIMIT).code(), Some(143));
        let mut second = start();
        let after = second.wait_line("progress", LIMIT, |line| hashed(line).filter(|done| *done > 0));
        // Pieces under way are hashed again.
        assert!(after >= before / 2, "had hashed {before}, went on from {after}");
    });
}

#[test]
fn a_folder_that_may_only_be_read() {
    isolated("a_folder_that_may_only_be_read", &[Needs::Command("mount", "--version")], |folder| {
        let mounted = folder.join("mounted");
        fs::create_dir(&mounted).expect("the folder is writable");
        let mount = |args: &[&str]| {
            let status = Command::new("mount").args(args).arg(&mounted).status();
            assert!(status.is_ok_and(|status| status.success()), "mount {args:?}");
        };
        mount(&["-t", "tmpfs", "tmpfs"]);
        content::write(&mounted, "content", Shape::Tree, 1 << 20);
        mount(&["-o", "remount,ro"]);
        let (source, ready) = share(folder, &mounted.join("content"), &[]);
        let (mut get, out) = get(folder, 1, &text(&ready, "magnet"), &[]);
        get.wait_complete(LIMIT);
        content::assert_same(&mounted.join("content"), &out.join("content"));
        stop(source);
    });
}

#[test]
fn private_and_without_a_tracker() {
    isolated("private_and_without_a_tracker", &[], |folder| {
        content::write(folder, "content", Shape::Single, 100_000);
        let path = folder.join("content");
        let (source, ready) = share(folder, &path, &["--private"]);
        let magnet = text(&ready, "magnet");
        assert!(!magnet.contains("x.pe"), "peers of a private torrent come from its tracker: {magnet}");
        let (mut first, out) = get(folder, 1, &magnet, &[]);
        first.wait_complete(LIMIT);
        content::assert_same(&path, &out.join("content"));
        stop(source);

        let (source, ready) = share(&folder.join("second"), &path, &["--no-tracker"]);
        let magnet = text(&ready, "magnet");
        assert!(!magnet.contains("&tr=") && ready["torrent_url"].is_null(), "{ready}");
        let (mut second, out) = get(folder, 2, &magnet, &[]);
        second.wait_complete(LIMIT);
        content::assert_same(&path, &out.join("content"));
        stop(source);
    });
}

#[test]
fn what_changes_while_it_is_seeded_does_not_leave() {
    isolated("what_changes_while_it_is_seeded_does_not_leave", &[], |folder| {
        content::write(folder, "content", Shape::Single, 6 << 20);
        let path = folder.join("content");
        let (mut source, ready) = share(folder, &path, &["--up", "1M", "--piece-size", "64Ki"]);
        let (mut get, _out) = get(folder, 1, &text(&ready, "magnet"), &[]);
        get.wait_line("a piece", LIMIT, |line| {
            let value: Value = serde_json::from_str(line).ok()?;
            (value["event"] == "status" && value["have"].as_u64() > Some(0)).then_some(())
        });
        let bytes: Vec<u8> = fs::read(&path).expect("own content").iter().map(|byte| !byte).collect();
        fs::write(&path, bytes).expect("own content");
        let notice = source.wait_event("notice", LIMIT);
        assert!(text(&notice, "text").contains(&*path.to_string_lossy()), "it names no file: {notice}");
        source.assert_runs();
        get.assert_runs();
        assert!(get.events("piece_failed").is_empty() && get.events("complete").is_empty(), "{}", get.log());
        stop(get);
        assert_eq!(source.events("notice").len(), 1, "once is enough");
        stop(source);
    });
}

#[test]
fn where_no_terminal_reads_the_link_alone_is_on_standard_output() {
    isolated("where_no_terminal_reads_the_link_alone_is_on_standard_output", &[], |folder| {
        let path = folder.join("content");
        fs::write(&path, "content").expect("the folder is writable");
        let listen = format!("{TEEM_IP}:{PEER_PORT}");
        let mut command = Teem::command(&folder.join("home"), &["share", &path.to_string_lossy(), "--listen", &listen]);
        let mut teem = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("it starts");
        let mut said = BufReader::new(teem.stdout.take().expect("it was asked for"));
        let mut link = String::new();
        said.read_line(&mut link).expect("a line");
        let (mut get, out) = get(folder, 1, link.trim_end(), &[]);
        get.wait_complete(LIMIT);
        content::assert_same(&path, &out.join("content"));
        teem.kill().and_then(|()| teem.wait()).expect("own child");
        let mut more = String::new();
        said.read_to_string(&mut more).expect("text");
        assert_eq!(more, "", "and nothing else");
    });
}

#[test]
fn what_others_are_given_holds_no_passkey_and_a_private_torrent_is_shown_to_nobody() {
    isolated("what_others_are_given_holds_no_passkey_and_a_private_torrent_is_shown_to_nobody", &[], |folder| {
        content::write(folder, "content", Shape::Single, 50_000);
        let (path, made) = (folder.join("content"), folder.join("made.torrent"));
        let key = "0123456789abcdef0123456789abcdef";
        let tracker = format!("http://127.0.0.1:1/{key}/announce");
        let output = made.to_string_lossy().into_owned();
        let (source, ready) = share(folder, &path, &["--tracker", &tracker, "-o", &output, "--listen", ":0"]);
        assert!(!text(&ready, "magnet").contains(key), "{}", text(&ready, "magnet"));
        let port = ready["port"].as_u64().expect("a port") as u16;
        let file = text(&ready, "torrent_url").rsplit_once('/').map(|(_, name)| format!("/{name}")).expect("a path");
        for path in ["/", &file] {
            let answer = fetch(port, path, "localhost");
            assert!(answer.starts_with("HTTP/1.1 200") && !answer.contains(key), "{path}: {answer}");
            let strange = fetch(port, path, "evil.example");
            assert!(strange.starts_with("HTTP/1.1 421"), "{strange}");
        }
        // The file that the user asked for has all of it, and is the user's alone.
        let own = fs::read(&made).expect("the .torrent");
        assert!(String::from_utf8_lossy(&own).contains(key));
        assert_eq!(fs::metadata(&made).expect("the .torrent").permissions().mode() & 0o077, 0);
        drop(source);

        let private = ["--private", "--tracker", &tracker, "--listen", ":0"];
        let (source, ready) = share(folder, &path, &private);
        assert!(ready["page_url"].is_null() && ready["torrent_url"].is_null(), "{ready}");
        let port = ready["port"].as_u64().expect("a port") as u16;
        let answer = fetch(port, "/", "localhost");
        assert!(!answer.contains("content") || answer.contains("Nothing is shared here"), "{answer}");
        assert!(fetch(port, "/content.torrent", "localhost").starts_with("HTTP/1.1 404"));
        drop(source);
    });
}

/// The whole answer to a GET under that name.
fn fetch(port: u16, path: &str, host: &str) -> String {
    use std::io::Write;
    let mut stream = std::net::TcpStream::connect(("127.0.0.1", port)).expect("it listens");
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").expect("it reads");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("it answers");
    String::from_utf8_lossy(&answer).into_owned()
}

#[test]
fn web_seeds_are_in_the_link_and_in_the_torrent() {
    isolated("web_seeds_are_in_the_link_and_in_the_torrent", &[], |folder| {
        content::write(folder, "content", Shape::Single, 50_000);
        let more = ["--web-seed", "http://mirror.example/a b", "-o", "made.torrent", "--listen", ":0"];
        let path = folder.join("content");
        let refused = teem(folder, &[&["share", "content"], &more[..]].concat()).ended(2);
        assert!(refused.err.contains("--web-seed"), "{}", refused.err);
        let url = "http://mirror.example/content?a&b";
        let made = folder.join("made.torrent").to_string_lossy().into_owned();
        let (source, ready) = share(folder, &path, &["--web-seed", url, "-o", &made, "--listen", ":0"]);
        let magnet = text(&ready, "magnet");
        assert!(magnet.contains("&ws=http%3A%2F%2Fmirror.example%2Fcontent%3Fa%26b"), "{magnet}");
        for link in [&magnet, &made] {
            let shown = teem(folder, &["show", link, "--json"]).ended(0).json();
            assert_eq!(shown["web_seeds"], serde_json::json!([url]), "{link}");
        }
        drop(source);
    });
}
