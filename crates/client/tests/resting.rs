//! Complete torrents rest in a running client: peers on real sockets are served whatever way they come, and the owner sees no difference.
#![allow(clippy::unwrap_used)] // helpers of tests are tests
mod common;

use common::{Folder, folder_torrent, torrent};
use std::time::Duration;
use teem_client::event::State;
use teem_client::{Add, AddError, Client, Config, Encryption, Listen, Torrent, Transports};

/// A client that only this machine reaches; its torrents rest as soon as nobody is there.
async fn client(folder: &Folder, name: &str, set: impl FnOnce(&mut Config)) -> Client {
    let mut config = Config::new().unwrap();
    config.listen = Listen { addr: Some([127, 0, 0, 1].into()), port: 0, fall_back: false };
    config.state_dir = folder.path().join(name);
    config.rest = Some(Duration::ZERO);
    set(&mut config);
    Client::start(config).await.unwrap()
}

async fn rested(torrent: &Torrent) {
    torrent.until(|status| status.rests.then_some(())).await.unwrap();
}

fn content() -> Vec<u8> {
    (0..200_000_u32).map(|n| (n * 7 % 251) as u8).collect()
}

/// A client with a complete torrent that rests.
async fn seed(folder: &Folder) -> (Client, Torrent) {
    let at = folder.path().join("seed");
    std::fs::create_dir_all(&at).unwrap();
    std::fs::write(at.join("file"), content()).unwrap();
    let client = client(folder, "ours", |_| {}).await;
    let torrent = client.add(Add::download(torrent("file", &content()), at)).await.unwrap();
    rested(&torrent).await;
    (client, torrent)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_comes_is_served_over_tcp_utp_and_encrypted() {
    let folder = Folder::new("resting");
    let (ours, seed) = seed(&folder).await;
    let ways = [
        (Transports::Tcp, Encryption::Off),
        (Transports::Utp, Encryption::Off),
        (Transports::Tcp, Encryption::Require),
        (Transports::Utp, Encryption::Require),
    ];
    for (n, (transports, encryption)) in ways.into_iter().enumerate() {
        let set = |config: &mut Config| (config.transports, config.encryption) = (transports, encryption);
        let theirs = client(&folder, &format!("theirs-{n}"), set).await;
        let at = folder.path().join(format!("get-{n}"));
        std::fs::create_dir_all(&at).unwrap();
        let mut add = Add::download(torrent("file", &content()), &at);
        add.peers = vec![format!("127.0.0.1:{}", ours.port())];
        let get = theirs.add(add).await.unwrap();
        get.durable().await.unwrap();
        assert_eq!(std::fs::read(at.join("file")).unwrap(), content());
        theirs.shutdown().await;
        rested(&seed).await;
        let now = seed.snapshot().await.unwrap();
        assert_eq!(
            (now.uploaded, now.state),
            ((n as u64 + 1) * 200_000, State::Seeding),
            "{transports:?} {encryption:?}"
        );
    }
    ours.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn its_owner_reads_names_pauses_and_removes_it_as_any_other() {
    let folder = Folder::new("owned");
    let (ours, seed) = seed(&folder).await;
    let row = ours.rows(0).rows.pop().unwrap();
    assert_eq!((row.name(), row.status.complete, row.status.durable), (Some("file"), Some(true), true));
    assert_eq!((row.status.state, row.status.info.is_none()), (State::Seeding, true));
    assert_eq!(seed.metadata().await.unwrap().content_size(), 200_000);
    assert!(seed.status().rests, "for that it was not woken");
    assert_eq!(seed.availability().await.unwrap().len(), 13);
    assert_eq!(seed.read(1, 5, 100).await.unwrap(), content()[16_389..16_489]);
    rested(&seed).await;
    seed.pause().await.unwrap();
    assert_eq!(seed.status().state, State::Paused);
    seed.resume().await.unwrap();
    assert_eq!(seed.status().state, State::Seeding);
    seed.recheck().unwrap();
    assert_eq!(seed.rechecked().await.unwrap(), 0);
    rested(&seed).await;
    let hash = seed.info_hash().to_string();
    let saved = || {
        let paths = std::fs::read_dir(folder.path().join("ours")).unwrap().map(|entry| entry.unwrap().path());
        let of_it =
            |path: &std::path::Path| path.file_stem().is_some_and(|stem| stem.to_str().unwrap().starts_with(&hash));
        paths.filter(|path| of_it(path) && path.extension().is_some_and(|end| end != "lock")).count()
    };
    assert!(saved() > 0, "its state is saved");
    seed.forget().await.unwrap();
    assert_eq!(saved(), 0, "and forgotten with it");
    assert!(ours.torrents().is_empty());
    assert!(folder.path().join("seed/file").exists());
    ours.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_rests_still_has_its_files() {
    let folder = Folder::new("rivals");
    let ours = client(&folder, "ours", |_| {}).await;
    let at = folder.path().join("here");
    std::fs::create_dir_all(at.join("series")).unwrap();
    std::fs::write(at.join("series/e1"), b"one").unwrap();
    let first = ours.add(Add::download(folder_torrent("series", &[("e1", b"one".to_vec())]), &at)).await.unwrap();
    rested(&first).await;
    let other = Add::download(folder_torrent("series", &[("e1", b"two".to_vec())]), &at);
    let refused = ours.add(other).await.map(|_| ()).unwrap_err();
    assert_eq!(refused, AddError::SamePlace(at.join("series/e1")));
    let beside = Add::download(folder_torrent("series", &[("e2", b"two".to_vec())]), &at);
    let beside = ours.add(beside).await.unwrap();
    beside.remove().await;
    ours.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_changed_while_it_rested_is_seen_before_it_is_served() {
    let folder = Folder::new("changed");
    let (ours, seed) = seed(&folder).await;
    let mut spoilt = content();
    spoilt[20_000] ^= 1;
    std::fs::write(folder.path().join("seed/file"), spoilt).unwrap();
    let theirs = client(&folder, "theirs", |_| {}).await;
    let at = folder.path().join("get");
    std::fs::create_dir_all(&at).unwrap();
    let mut add = Add::download(torrent("file", &content()), &at);
    add.peers = vec![format!("127.0.0.1:{}", ours.port())];
    let get = theirs.add(add).await.unwrap();
    seed.until(|status| (status.state == State::Downloading).then_some(())).await.unwrap();
    let now = seed.snapshot().await.unwrap();
    assert_eq!(now.wanted - now.have, 16_384, "one piece is not what it was");
    drop(get);
    theirs.shutdown().await;
    ours.shutdown().await;
}
