//! Faults of ours under a client: one torrent's ends that torrent, with words; one of what all stand on ends the client, never the process.
#![cfg(debug_assertions)] // the seam is there in debug builds only
#![allow(clippy::unwrap_used)] // helpers of tests are tests
mod common;

use common::{Folder, client, torrent};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use teem_client::event::State;
use teem_client::{Add, AnnounceUrl, Client, Config, Ended, Listen, Planted, Torrent};
use teem_disk::hooked::Hooked;
use teem_disk::root::RealFs;

fn content(seed: u32) -> Vec<u8> {
    (0..300_000u32).map(|n| (n.wrapping_mul(0x9E37_79B9 + seed) >> 13) as u8).collect()
}

/// A client that seeds two contents.
async fn giver(folder: &Folder) -> Client {
    let giver = client(folder, "state-giver").await;
    let from = folder.path().join("seed");
    std::fs::create_dir_all(&from).unwrap();
    for (name, seed) in [("bad", 1), ("good", 2)] {
        std::fs::write(from.join(name), content(seed)).unwrap();
        let seed = giver.add(Add::publish(torrent(name, &content(seed)), &from)).await.unwrap();
        seed.completed().await.unwrap();
    }
    giver
}

fn download(name: &str, seed: u32, folder: &Folder, from: &Client) -> Add {
    let mut add = without_peers(name, seed, folder);
    add.peers = vec![format!("127.0.0.1:{}", from.port())];
    add
}

fn without_peers(name: &str, seed: u32, folder: &Folder) -> Add {
    Add::download(torrent(name, &content(seed)), folder.path().join("got"))
}

async fn on(folder: &Folder, fs: Hooked) -> Client {
    let listen = Listen { addr: Some("127.0.0.1".parse().unwrap()), port: 0, fall_back: false };
    let mut config = Config::new().unwrap();
    (config.listen, config.state_dir) = (listen, folder.path().join("state-on"));
    Client::start_on(config, Arc::new(fs)).await.unwrap()
}

fn fault(ended: Ended) -> String {
    let Ended::Fault(why) = ended else { panic!("a fault is wanted: {ended:?}") };
    assert!(why.contains("report"), "{why}");
    why
}

/// The torrent has ended alone: the other one finishes, and it can be begun anew.
async fn assert_alone(taker: &Client, bad: &Torrent, folder: &Folder, giver: &Client) {
    let why = fault(bad.ended().await);
    assert!(why.contains("bad"), "it is named: {why}");
    assert_eq!(bad.status().state, State::Failed);
    assert!(bad.status().fault);
    let good = taker.add(download("good", 2, folder, giver)).await.unwrap();
    good.durable().await.unwrap();
    assert_eq!(std::fs::read(folder.path().join("got/good")).unwrap(), content(2));
    let states: Vec<State> = taker.snapshots().await.unwrap().iter().map(|s| s.state).collect();
    assert_eq!(states, [State::Failed, State::Seeding]);
    assert_eq!(fault(bad.pause().await.unwrap_err()), why);
    bad.remove().await;
    let again = taker.add(download("bad", 1, folder, giver)).await.unwrap();
    again.durable().await.unwrap();
    assert_eq!(std::fs::read(folder.path().join("got/bad")).unwrap(), content(1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_panic_in_a_torrent_ends_that_torrent_alone() {
    let folder = Folder::new("fault-torrent");
    let giver = giver(&folder).await;
    let taker = client(&folder, "state-taker").await;
    let bad = taker.add(without_peers("bad", 1, &folder)).await.unwrap();
    bad.until(|s| (s.state == State::Downloading).then_some(())).await.unwrap();
    taker.plant(Planted::Torrent(bad.id()));
    assert_alone(&taker, &bad, &folder, &giver).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_panic_in_a_task_of_the_disk_ends_that_torrent_alone() {
    let folder = Folder::new("fault-disk");
    let giver = giver(&folder).await;
    let planted = Arc::new(AtomicBool::new(true));
    let armed = Arc::clone(&planted);
    let hook = move |call: &str, path: &Path| {
        let hit = call == "write" && path.ends_with("got/bad") && armed.swap(false, Ordering::SeqCst);
        assert!(!hit, "planted in a write");
        Ok(())
    };
    let taker = on(&folder, Hooked::new(Arc::new(RealFs), Arc::new(hook))).await;
    let bad = taker.add(download("bad", 1, &folder, &giver)).await.unwrap();
    assert_alone(&taker, &bad, &folder, &giver).await;
    assert!(!planted.load(Ordering::SeqCst));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_panic_in_the_engine_ends_the_client_and_what_was_there_is_saved() {
    let folder = Folder::new("fault-engine");
    let giver = giver(&folder).await;
    let taker = client(&folder, "state-taker").await;
    let mut events = taker.events();
    let good = taker.add(download("good", 2, &folder, &giver)).await.unwrap();
    good.completed().await.unwrap();
    let waits = taker.add(without_peers("bad", 1, &folder)).await.unwrap();
    taker.plant(Planted::Engine);
    let why = taker.failed().await;
    assert!(why.contains("planted in the engine"), "{why}");
    for torrent in [&good, &waits] {
        // The one that waits and those that ask later learn the same.
        assert_eq!(fault(torrent.ended().await), why);
        assert_eq!(fault(torrent.snapshot().await.unwrap_err()), why);
    }
    assert_eq!(fault(taker.snapshots().await.unwrap_err()), why);
    while events.next().await.is_some() {}
    assert!(taker.add(download("bad", 1, &folder, &giver)).await.is_err());
    taker.shutdown().await;
    // Another client of the process goes on, and finds what was saved.
    let second = client(&folder, "state-taker").await;
    let again = second.add(without_peers("good", 2, &folder)).await.unwrap();
    again.completed().await.unwrap();
    let figures = again.snapshot().await.unwrap();
    assert_eq!((figures.have, figures.checked.1), (300_000, 0), "nothing is hashed again");
    assert_eq!(giver.snapshots().await.unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_panic_on_the_async_side_ends_the_client_in_order() {
    let folder = Folder::new("fault-question");
    let client = client(&folder, "state").await;
    client.plant(Planted::Question);
    let mut source = torrent("bad", &content(1));
    source.trackers = vec![vec![AnnounceUrl::of_user("http://127.0.0.1:9/announce")]];
    let torrent = client.add(Add::download(source, folder.path().join("got"))).await.unwrap();
    let why = client.failed().await;
    assert!(why.contains("planted in a question"), "{why}");
    assert_eq!(fault(torrent.ended().await), why);
}
