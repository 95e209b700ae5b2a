//! Pausing and resuming: a paused torrent has no connections, and what it has is there again without being hashed.
#![allow(clippy::unwrap_used)] // helpers of tests are tests
mod common;

use common::{Folder, client, torrent};
use teem_client::event::State;
use teem_client::{Add, Client, Ended, Torrent, source};

/// A client with a seed of 50,000 bytes, and another that has nothing yet; the seed and its content.
async fn seeded(folder: &Folder) -> (Client, Client, Torrent, Vec<u8>) {
    let content: Vec<u8> = (0..50_000u32).map(|n| (n % 251) as u8).collect();
    std::fs::create_dir_all(folder.path().join("seed")).unwrap();
    std::fs::write(folder.path().join("seed/content"), &content).unwrap();
    let (giver, taker) = (client(folder, "state-1").await, client(folder, "state-2").await);
    let seed = giver.add(Add::publish(torrent("content", &content), folder.path().join("seed"))).await.unwrap();
    (giver, taker, seed, content)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_paused_torrent_goes_on_where_it_was() {
    let folder = Folder::new("pause");
    let content: Vec<u8> = (0..100_000u32).map(|n| (n % 251) as u8).collect();
    std::fs::create_dir_all(folder.path().join("seed")).unwrap();
    std::fs::write(folder.path().join("seed/content"), &content).unwrap();
    let (giver, taker) = (client(&folder, "state-1").await, client(&folder, "state-2").await);
    let seed = giver.add(Add::publish(torrent("content", &content), folder.path().join("seed"))).await.unwrap();
    let peers = vec![format!("127.0.0.1:{}", giver.port())];
    let into = folder.path().join("got");
    let mut add = Add::download(torrent("content", &content), &into);
    (add.paused, add.peers) = (true, peers);
    let got = taker.add(add).await.unwrap();
    assert_eq!(got.snapshot().await.unwrap().state, State::Paused);
    assert!(!into.join("content").exists(), "nothing is done before it is resumed");
    got.resume().await.unwrap();
    got.durable().await.unwrap();
    assert_eq!(std::fs::read(into.join("content")).unwrap(), content);
    let figures = got.snapshot().await.unwrap();
    assert!(figures.downloaded >= 100_000);

    got.pause().await.unwrap();
    got.pause().await.unwrap();
    let paused = got.snapshot().await.unwrap();
    assert_eq!((paused.state, paused.have, paused.downloaded), (State::Paused, 100_000, figures.downloaded));
    assert_eq!(paused.seeds + paused.downloaders, 0);
    got.resume().await.unwrap();
    got.until(|s| (s.state == State::Seeding).then_some(())).await.unwrap();
    let again = got.snapshot().await.unwrap();
    assert_eq!((again.have, again.downloaded), (100_000, figures.downloaded), "nothing is fetched again");
    assert_eq!(again.checked.1, 0, "nothing is hashed again");

    seed.pause().await.unwrap();
    seed.remove().await;
    assert_eq!(seed.resume().await, Err(Ended::Removed));
    giver.shutdown().await;
    taker.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_magnet_paused_before_its_metadata_came_still_knows_the_peers_that_were_named() {
    let folder = Folder::new("pause-magnet");
    let (giver, taker, seed, _) = seeded(&folder).await;
    // While it rests nobody can give the metadata.
    seed.pause().await.unwrap();
    let link = format!("magnet:?xt=urn:btih:{}&x.pe=127.0.0.1:{}", seed.info_hash(), giver.port());
    let source = source::load(&link, taker.http()).await.unwrap();
    let got = taker.add(Add::download(source, folder.path().join("got"))).await.unwrap();
    assert_eq!(got.snapshot().await.unwrap().state, State::Metadata);
    got.pause().await.unwrap();
    seed.resume().await.unwrap();
    got.resume().await.unwrap();
    assert_eq!(got.finished().await.unwrap().size, 50_000);
    giver.shutdown().await;
    taker.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn peers_that_were_named_are_known_after_a_pause_though_they_gave_nothing_yet() {
    let folder = Folder::new("pause-named");
    let (giver, taker, seed, content) = seeded(&folder).await;
    seed.pause().await.unwrap();
    let mut add = Add::download(torrent("content", &content), folder.path().join("got"));
    add.peers = vec![format!("127.0.0.1:{}", giver.port())];
    let got = taker.add(add).await.unwrap();
    got.until(|s| (s.state == State::Downloading).then_some(())).await.unwrap();
    got.pause().await.unwrap();
    seed.resume().await.unwrap();
    got.resume().await.unwrap();
    got.durable().await.unwrap();
    giver.shutdown().await;
    taker.shutdown().await;
}
