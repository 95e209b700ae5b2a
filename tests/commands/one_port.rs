//! Everything of `share` is on one port: peers, tracker (HTTP and UDP), the .torrent, the page (BEP 3, 15, 23).

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::common::content::{self, Shape};
use crate::common::http;
use crate::common::namespace::isolated;
use crate::common::teem::Teem;
use serde_json::Value;

const LIMIT: Duration = Duration::from_secs(60);

struct Share {
    teem: Teem,
    ready: Value,
    port: u16,
    hash: Vec<u8>,
}

fn share(folder: &Path, name: &str, more: &[&str]) -> Share {
    let path = folder.join(name);
    let path = path.to_string_lossy();
    let args = [&["share", &path], more].concat();
    let mut teem = Teem::start(&folder.join("home"), &args);
    let ready: Value = teem.wait_event("ready", LIMIT);
    let port = ready["port"].as_u64().and_then(|port| u16::try_from(port).ok()).expect("a port");
    let hex = ready["infohash_v1"].as_str().expect("a hash").to_string();
    let hash = (0..20).map(|i| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).expect("hexadecimal")).collect();
    Share { teem, ready, port, hash }
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_else(|| panic!("no {key}: {value}"))
}

fn connect(to: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(to).expect("it listens");
    stream.set_read_timeout(Some(LIMIT)).expect("a timeout can be set");
    stream.set_nodelay(true).expect("it can be set");
    stream
}

/// A peer's handshake, in parts of so many bytes, and the answer to it.
fn handshake(to: SocketAddr, hash: &[u8], part: usize) -> Vec<u8> {
    let hello = [b"\x13BitTorrent protocol\0\0\0\0\0\0\0\0", hash, b"-HO0001-000000000001"].concat();
    let mut peer = connect(to);
    for bytes in hello.chunks(part) {
        peer.write_all(bytes).expect("it listens to us");
    }
    let mut answer = vec![0; 68];
    peer.read_exact(&mut answer).expect("it answers");
    answer
}

/// An announce over HTTP by a downloader on port 5001, and the compact peers of the answer.
fn announce(to: SocketAddr, hash: &[u8]) -> Vec<u8> {
    let coded = hash.iter().fold(String::new(), |coded, byte| coded + &format!("%{byte:02x}"));
    let rest = "peer_id=-HO0001-000000000002&port=5001&left=9&uploaded=0&downloaded=0&compact=1&event=started";
    let path = format!("/announce?info_hash={coded}&{rest}");
    let answer = http::request(&to.to_string(), &path, &[], None).expect("it answers");
    assert_eq!(answer.status, 200, "{}", answer.head);
    answer.body
}

/// The first answer of the tracker over UDP: a connection id.
fn connection_id(to: SocketAddr) -> Vec<u8> {
    let any = if to.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
    let socket = UdpSocket::bind(any).expect("the namespace is our own");
    socket.set_read_timeout(Some(LIMIT)).expect("a timeout can be set");
    socket.connect(to).expect("it has an address");
    let hello = [&0x0417_2710_1980_u64.to_be_bytes()[..], &[0; 4], &[0, 0, 0, 7]].concat();
    socket.send(&hello).expect("loopback sends");
    let mut buffer = [0; 64];
    let size = socket.recv(&mut buffer).expect("the tracker answers");
    assert_eq!((size, &buffer[..8]), (16, &[0, 0, 0, 0, 0, 0, 0, 7][..]));
    buffer[8..16].to_vec()
}

#[test]
fn all_of_it_over_both_families() {
    isolated("all_of_it_over_both_families", &[], |folder| {
        let name = "Tom & Jerry's <tree>";
        content::write(folder, name, Shape::Tree, 300_000);
        let copy = folder.join("copy.torrent");
        let share = share(folder, name, &["-o", &copy.to_string_lossy()]);
        let (magnet, torrent_url) = (text(&share.ready, "magnet"), text(&share.ready, "torrent_url"));
        let page_url = text(&share.ready, "page_url");
        assert_eq!(share.ready["web_port"], share.port);
        for link in [torrent_url, page_url, &magnet.replace("%3A", ":")] {
            assert!(link.contains(&format!(":{}", share.port)), "{link}");
        }
        assert_eq!(magnet.matches(&share.port.to_string()).count(), 3 * magnet.matches("x.pe").count(), "{magnet}");
        let torrent_path = &torrent_url[torrent_url.rfind('/').expect("a path")..];

        for ip in ["127.0.0.1", "198.18.0.2", "::1"] {
            let to = SocketAddr::new(ip.parse().expect("an address"), share.port);
            for part in [68, 1] {
                let answer = handshake(to, &share.hash, part);
                assert_eq!((&answer[..20], &answer[28..48]), (&b"\x13BitTorrent protocol"[..], &share.hash[..]));
            }
            let body = announce(to, &share.hash);
            assert!(body.starts_with(b"d8:complete"), "{}", String::from_utf8_lossy(&body));
            let seed = share.port.to_be_bytes();
            assert!(body.windows(2).any(|two| two == seed), "the seed is among the peers");
            assert_ne!(connection_id(to), [0; 8]);
            let get = |path: &str| http::request(&to.to_string(), path, &[], None).expect("it answers");
            let torrent = get(torrent_path);
            assert_eq!((torrent.status, torrent.header("content-type")), (200, Some("application/x-bittorrent")));
            assert!(torrent.body == fs::read(&copy).expect("-o wrote it"), "another .torrent than -o");
            assert_eq!(get("/health").body, b"ok\n");
            assert_eq!(serde_json::from_slice::<Value>(&get("/health.json").body).expect("JSON")["status"], "ok");
            assert_eq!(get("/nothing").status, 404);
        }
        let curl = Command::new("curl").args(["-sSf", torrent_url]).output();
        // Where curl is installed.
        if let Ok(curl) = curl {
            assert!(curl.stdout == fs::read(&copy).expect("-o wrote it"), "{}", String::from_utf8_lossy(&curl.stderr));
        }
    });
}

#[test]
fn the_page_shows_the_download_and_runs_nothing() {
    isolated("the_page_shows_the_download_and_runs_nothing", &[], |folder| {
        let name = "Tom & Jerry's <tree>";
        content::write(folder, name, Shape::Tree, 300_000);
        let share = share(folder, name, &[]);
        let at = format!("198.18.0.1:{}", share.port);
        let get = |path: &str| http::request(&at, path, &[], None).expect("it answers");
        let page = get("/");
        let header = |name: &str| page.header(name).unwrap_or_else(|| panic!("no {name}: {}", page.head));
        assert_eq!((page.status, header("content-type")), (200, "text/html; charset=utf-8"));
        assert!(header("content-security-policy").starts_with("default-src 'none'; style-src 'self';"));
        assert_eq!((header("x-content-type-options"), header("cache-control")), ("nosniff", "no-store"));
        let html = String::from_utf8(page.body.clone()).expect("UTF-8");
        assert!(html.contains("Tom &amp; Jerry&#39;s ") && !html.contains("<tree>") && !html.contains("<script"));
        let href = format!("href=\"{}\"", text(&share.ready, "magnet").replace('&', "&amp;"));
        assert!(html.contains(&href), "{html}");
        for wanted in [text(&share.ready, "infohash_v1"), ".torrent\"", "Downloaders", "Sent", "Rate", "viewport"] {
            assert!(html.contains(wanted), "{wanted}: {html}");
        }
        assert!(html.contains("http-equiv=\"refresh\""), "{html}");
        let style = get("/style.css");
        assert_eq!((style.status, style.header("content-type")), (200, Some("text/css; charset=utf-8")));
        let head = Command::new("curl").args(["-sSI", &format!("http://{at}/")]).output();
        if let Ok(head) = head {
            let head = String::from_utf8_lossy(&head.stdout).into_owned();
            assert!(head.starts_with("HTTP/1.1 200"), "{head}");
        }
        drop(share.teem);
    });
}

#[test]
fn silence_and_nonsense_lock_nobody_out() {
    isolated("silence_and_nonsense_lock_nobody_out", &[], |folder| {
        content::write(folder, "content", Shape::Single, 100_000);
        let share = share(folder, "content", &["--no-tracker"]);
        assert!(share.ready["torrent_url"].is_null() && share.ready["page_url"].is_null(), "{}", share.ready);
        assert_eq!(share.ready["web_port"], 0);
        let to = SocketAddr::new("127.0.0.1".parse().expect("an address"), share.port);
        // Without a tracker nobody is at home for HTTP.
        let mut browser = connect(to);
        browser.write_all(b"GET / HTTP/1.0\r\n\r\n").expect("it listens to us");
        assert!(matches!(browser.read(&mut [0; 1]), Ok(0) | Err(_)));
        let silent: Vec<TcpStream> = (0..300).map(|_| connect(to)).collect();
        let mut neither = connect(to);
        neither.write_all(&[0x7f]).expect("it listens to us");
        assert!(matches!(neither.read(&mut [0; 1]), Ok(0) | Err(_)));
        assert_eq!(&handshake(to, &share.hash, 1)[28..48], &share.hash[..]);
        drop(silent);
    });
}
