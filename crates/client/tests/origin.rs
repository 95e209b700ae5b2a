//! What a link may make this machine ask for in its own neighbourhood (own design): a tracker's question and nothing else. A file of the
//! user's may name any tracker.
#![allow(clippy::unwrap_used)] // helpers of tests are tests
mod common;

use common::{Folder, client, torrent};
use teem_client::scrape::scrape;
use teem_client::{Add, AnnounceUrl, Heard, Origin, source};
use teem_swarm::event::Event;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

/// A server on loopback that hands on the first line of each request, and sends whoever asks for `/announce` to somewhere near.
async fn near() -> (String, mpsc::UnboundedReceiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = format!("http://{}", listener.local_addr().unwrap());
    let (asked, told) = mpsc::unbounded_channel();
    let to = format!("{at}/redirected");
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n") && stream.read_buf(&mut request).await.unwrap_or(0) > 0 {}
            let line = String::from_utf8_lossy(&request).lines().next().unwrap_or_default().to_owned();
            // Before the answer, so that the test finds it when it hears what came of that.
            if asked.send(line).is_err() {
                return;
            }
            let answer =
                format!("HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    (at, told)
}

/// Adds it, and waits until each of its trackers has had its say.
async fn trackers_have_failed(client: &teem_client::Client, add: Add, trackers: usize) {
    let mut events = client.events();
    let _torrent = client.add(add).await.unwrap();
    let mut failed = 0;
    while failed < trackers {
        if let Some(Heard::Event(Event::Tracker { .. })) = events.next().await {
            failed += 1;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_has_nothing_asked_of_a_neighbour_but_what_a_tracker_is_asked() {
    let folder = Folder::new("origin");
    let client = client(&folder, "state").await;
    let (at, mut asked) = near().await;
    let hash = "12".repeat(20);
    let link = format!("magnet:?xt=urn:btih:{hash}&tr={at}/reboot%3Fnow=1&tr={at}/setup.cgi&tr={at}/announce");
    let source = source::load(&link, client.http()).await.unwrap();
    assert_eq!(source.origin, Origin::Stranger);
    trackers_have_failed(&client, Add::download(source, folder.path()), 3).await;
    let lines: Vec<String> = std::iter::from_fn(|| asked.try_recv().ok()).collect();
    assert!(lines.len() == 1 && lines[0].starts_with("GET /announce?info_hash="), "{lines:?}");

    let mut source = torrent("content", &vec![7; 50_000]);
    source.trackers = vec![vec![AnnounceUrl::of_user(format!("{at}/PASSKEY/tracker.php?x=1"))]];
    assert_eq!(source.origin, Origin::User);
    trackers_have_failed(&client, Add::download(source, folder.path().join("user")), 1).await;
    let first = asked.try_recv().unwrap();
    assert!(first.starts_with("GET /PASSKEY/tracker.php?x=1&info_hash="), "{first}");
    assert!(asked.try_recv().unwrap().starts_with("GET /redirected"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nor_has_a_link_that_is_scraped() {
    let folder = Folder::new("origin-scrape");
    let client = client(&folder, "state").await;
    let (at, mut asked) = near().await;
    let hash = teem_metainfo::InfoHash([7; 20]);
    for (tracker, origin) in [
        (format!("{at}/announce?reboot=1"), Origin::Stranger),
        (format!("{at}/setup/announce"), Origin::Stranger),
        (format!("{at}/announce"), Origin::Stranger),
        (format!("{at}/KEY/announce"), Origin::User),
    ] {
        assert!(scrape(client.http(), &AnnounceUrl::new(&tracker, origin), hash).await.is_err(), "{tracker}");
    }
    let lines: Vec<String> = std::iter::from_fn(|| asked.try_recv().ok()).collect();
    let paths: Vec<&str> = lines.iter().map(|line| line.split(['?', ' ']).nth(1).unwrap()).collect();
    // What this machine's user names is followed where it leads.
    assert_eq!(paths.first().copied(), Some("/scrape"), "{lines:?}");
    assert_eq!(paths.get(1).copied(), Some("/KEY/scrape"), "{lines:?}");
    assert!(lines.iter().all(|line| !line.contains("reboot") && !line.contains("setup")), "{lines:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_user_adds_to_a_link_s_torrent_is_the_user_s() {
    let folder = Folder::new("origin-added");
    let client = client(&folder, "state").await;
    let (at, mut asked) = near().await;
    let (link_s, own) = (format!("{at}/setup.cgi"), format!("{at}/KEY/tracker.php?x=1"));
    let link = format!("magnet:?xt=urn:btih:{}&tr={link_s}", "12".repeat(20));
    let source = source::load(&link, client.http()).await.unwrap();
    let mut events = client.events();
    let mut failed = async || loop {
        if let Some(Heard::Event(Event::Tracker { url, result, .. })) = events.next().await {
            return (url.reveal().to_owned(), result.unwrap_err());
        }
    };
    let torrent = client.add(Add::download(source, folder.path())).await.unwrap();
    let (url, why) = failed().await;
    assert!(url == link_s && why.contains("private network"), "{url}: {why}");
    assert!(asked.try_recv().is_err(), "a stranger's wish");

    torrent.add_tracker(&*own, None).unwrap();
    assert_eq!(failed().await.0, own);
    assert!(asked.try_recv().unwrap().starts_with("GET /KEY/tracker.php?x=1&info_hash="));
    // Where that sends us on to is followed, as what the user has named.
    assert!(asked.try_recv().unwrap().starts_with("GET /redirected"));

    // What the link named becomes the user's once the user names it, at work as at rest.
    torrent.pause().await.unwrap();
    while asked.try_recv().is_ok() {}
    torrent.add_tracker(&*link_s, None).unwrap();
    let of = |trackers: Vec<teem_client::event::TrackerStats>| -> Vec<(String, Origin)> {
        trackers.into_iter().map(|tracker| (tracker.url.reveal().to_owned(), tracker.url.origin())).collect()
    };
    let both = [(link_s.clone(), Origin::User), (own.clone(), Origin::User)];
    assert_eq!(of(torrent.snapshot().await.unwrap().trackers), both);
    torrent.resume().await.unwrap();
    while failed().await.0 != link_s {}
    let lines: Vec<String> = std::iter::from_fn(|| asked.try_recv().ok()).collect();
    assert!(lines.iter().any(|line| line.starts_with("GET /setup.cgi?info_hash=")), "{lines:?}");
}
