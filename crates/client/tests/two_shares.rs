//! Two torrents of one name from one client: one port, one tracker, one page, a .torrent each (BEP 3).
#![allow(clippy::unwrap_used)] // helpers of tests are tests
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64};
use teem_client::create::hash;
use teem_client::create::recipe::{Recipe, Wishes};
use teem_client::publish::share::{ShareOptions, Shared, share};
use teem_client::{Client, Config, Listen};

/// Shares a path on this machine alone.
async fn offer(client: &Client, path: &Path) -> Shared {
    let recipe = Recipe::new(path, &Wishes::default()).unwrap();
    let mut digests = hash::run(&recipe, None, &AtomicU64::new(0), &AtomicBool::new(false)).unwrap();
    let bound = client.addrs().first().map(std::net::SocketAddr::ip);
    let mut options = ShareOptions::default();
    (options.tracker, options.bound) = (true, bound);
    share(client, &recipe, &mut digests, &options).await.unwrap()
}

/// Status and body of a GET; nothing when nobody is at home.
async fn get(port: u16, path: &str) -> Option<(String, Vec<u8>)> {
    let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    let asking = move || {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).ok()?;
        let at = answer.windows(4).position(|four| four == b"\r\n\r\n")?;
        let status = String::from_utf8_lossy(&answer[9..12]).into_owned();
        Some((status, answer[at + 4..].to_vec()))
    };
    tokio::task::spawn_blocking(asking).await.unwrap()
}

/// The status lines and all that follows of several requests over one connection, sent at once; the last one closes it.
async fn over_one(port: u16, requests: &[String]) -> Vec<u8> {
    let mut all = requests.join("Host: x\r\n\r\n");
    all.push_str("Host: x\r\nConnection: close\r\n\r\n");
    let asking = move || {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.write_all(all.as_bytes()).unwrap();
        let mut answers = Vec::new();
        stream.read_to_end(&mut answers).unwrap();
        answers
    };
    tokio::task::spawn_blocking(asking).await.unwrap()
}

fn path(url: Option<&str>) -> String {
    let url = url.unwrap();
    url[url.rfind('/').unwrap()..].to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_has_its_torrent_and_all_have_one_page() {
    let base = std::env::temp_dir().join(format!("teem-two-shares-{}", std::process::id()));
    for (folder, content) in [("a", "one"), ("b", "two, and longer")] {
        fs::create_dir_all(base.join(folder)).unwrap();
        fs::write(base.join(folder).join("content"), content).unwrap();
    }
    let listen = Listen { addr: Some("127.0.0.1".parse().unwrap()), port: 0, fall_back: false };
    let mut config = Config::new().unwrap();
    (config.listen, config.state_dir, config.seed) = (listen, base.join("state"), Some(1));
    let client = Client::start(config).await.unwrap();
    let port = client.port();
    assert_eq!(get(port, "/health").await, None, "nobody is at home yet");

    let first = offer(&client, &base.join("a/content")).await;
    let second = offer(&client, &base.join("b/content")).await;
    assert_eq!(path(first.torrent_url.as_deref()), "/content.torrent");
    assert_eq!(path(second.torrent_url.as_deref()), format!("/{}.torrent", second.torrent.info_hash()));
    for shared in [&first, &second] {
        let (status, file) = get(port, &path(shared.torrent_url.as_deref())).await.unwrap();
        assert_eq!((status.as_str(), &file), ("200", &shared.torrent_file));
        assert!(shared.magnet.contains(&port.to_string()), "{}", shared.magnet);
    }
    // One connection of the peers' port carries them all, part of a .torrent and what a browser has already too.
    let torrent = path(first.torrent_url.as_deref());
    let line = |method: &str, path: &str, header: &str| format!("{method} {path} HTTP/1.1\r\n{header}");
    let whole = over_one(port, &[line("GET", "/health", ""), line("HEAD", &torrent, "")]).await;
    let whole = String::from_utf8_lossy(&whole).into_owned();
    assert_eq!(whole.matches("HTTP/1.1 200").count(), 2, "{whole}");
    assert!(whole.ends_with("\r\n\r\n") && whole.contains(&format!("content-length: {}", first.torrent_file.len())));
    let tag = whole.lines().find_map(|line| line.strip_prefix("etag: ")).unwrap();
    let has = format!("If-None-Match: {tag}\r\n");
    let rest = over_one(port, &[line("GET", &torrent, &has), line("GET", &torrent, "Range: bytes=-5\r\n")]).await;
    let (text, end) = (String::from_utf8_lossy(&rest), &first.torrent_file[first.torrent_file.len() - 5..]);
    assert!(text.starts_with("HTTP/1.1 304") && text.contains("HTTP/1.1 206") && rest.ends_with(end), "{text}");
    let page = String::from_utf8(get(port, "/").await.unwrap().1).unwrap();
    for shared in [&first, &second] {
        assert!(page.contains(&shared.torrent.info_hash().to_string()), "{page}");
    }

    let gone = path(first.torrent_url.as_deref());
    drop(first);
    assert_eq!(get(port, &gone).await.unwrap().0, "404");
    assert_eq!(get(port, &path(second.torrent_url.as_deref())).await.unwrap().0, "200");
    drop(second);
    client.shutdown().await;
    fs::remove_dir_all(base).unwrap();
}
