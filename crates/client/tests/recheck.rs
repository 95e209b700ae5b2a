//! What may be changed of a torrent while it is in the client: its content hashed again, its trackers, its limits.
#![allow(clippy::unwrap_used)] // helpers of tests are tests
mod common;

use common::{Folder, client, torrent};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;
use teem_client::event::State;
use teem_client::{Add, AnnounceUrl, Changes, Client, Ended, Torrent};

const LEN: usize = 40 * 16_384 + 5;

fn content() -> Vec<u8> {
    (0..LEN as u32).map(|n| (n * 7 % 251) as u8).collect()
}

/// A seed of the content, in a folder of that name.
async fn seed(client: &Client, folder: &Folder, name: &str) -> Torrent {
    let path = folder.path().join(name);
    std::fs::create_dir_all(&path).unwrap();
    std::fs::write(path.join("content"), content()).unwrap();
    client.add(Add::publish(torrent("content", &content()), path)).await.unwrap()
}

/// A downloader that has it all from a client, durably.
async fn taken(client: &Client, from: &Client, into: &Path) -> Torrent {
    let peers = vec![format!("127.0.0.1:{}", from.port())];
    let mut add = Add::download(torrent("content", &content()), into);
    add.peers = peers;
    let got = client.add(add).await.unwrap();
    got.durable().await.unwrap();
    got
}

/// Turns a byte of a file over as a bad medium does: length and times stay.
fn spoil(path: &Path, at: u64) {
    let before = std::fs::metadata(path).unwrap().modified().unwrap();
    let mut file = std::fs::OpenOptions::new().read(true).write(true).open(path).unwrap();
    let mut byte = [0];
    file.seek(SeekFrom::Start(at)).unwrap();
    file.read_exact(&mut byte).unwrap();
    file.seek(SeekFrom::Start(at)).unwrap();
    file.write_all(&[!byte[0]]).unwrap();
    file.set_modified(before).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_was_spoilt_is_found_and_fetched_again() {
    let folder = Folder::new("recheck");
    let (giver, taker) = (client(&folder, "state-1").await, client(&folder, "state-2").await);
    let seed = seed(&giver, &folder, "seed").await;
    seed.completed().await.unwrap();
    let into = folder.path().join("got");
    let got = taken(&taker, &giver, &into).await;
    spoil(&into.join("content"), 3 * 16_384);
    spoil(&into.join("content"), 20 * 16_384 + 9);
    let before = got.snapshot().await.unwrap().downloaded;
    let mut events = got.events();
    got.recheck().unwrap();
    assert_eq!(got.rechecked().await, Ok(2));
    assert_eq!(got.snapshot().await.unwrap().checked, (41, 41));
    got.durable().await.unwrap();
    assert_eq!(std::fs::read(into.join("content")).unwrap(), content());
    let figures = got.snapshot().await.unwrap();
    assert_eq!((figures.state, figures.pieces), (State::Seeding, 41));
    let again = figures.downloaded - before;
    assert!((2 * 16_384..20 * 16_384).contains(&again), "{again} bytes were fetched again");
    let changed = events.take_changes()[&got.id()];
    assert!(changed.contains(Changes::STATE | Changes::PIECES | Changes::PROGRESS), "{changed:?}");

    got.recheck().unwrap();
    assert_eq!(got.rechecked().await, Ok(0));
    got.durable().await.unwrap();

    got.pause().await.unwrap();
    spoil(&into.join("content"), 0);
    got.recheck().unwrap();
    assert_eq!(got.status().state, State::Paused);
    got.resume().await.unwrap();
    assert_eq!(got.rechecked().await, Ok(1), "one that rests is hashed when it is resumed");
    got.durable().await.unwrap();
    assert_eq!(std::fs::read(into.join("content")).unwrap(), content());

    got.remove().await;
    assert_eq!(got.recheck(), Err(Ended::Removed));
    giver.shutdown().await;
    taker.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_seed_that_was_spoilt_gives_nothing_wrong_and_another_gives_the_rest() {
    let folder = Folder::new("recheck-seed");
    let (giver, other, taker) =
        (client(&folder, "state-1").await, client(&folder, "state-2").await, client(&folder, "state-3").await);
    let bad = seed(&giver, &folder, "bad").await;
    bad.completed().await.unwrap();
    std::fs::remove_file(folder.path().join("bad/content")).unwrap();
    std::fs::write(folder.path().join("bad/content"), &content()[..10 * 16_384]).unwrap();
    bad.recheck().unwrap();
    assert_eq!(bad.rechecked().await, Ok(31), "ten pieces are there");
    assert_eq!(bad.status().state, State::Seeding, "what is published is not repaired");

    let good = seed(&other, &folder, "good").await;
    good.completed().await.unwrap();
    let peers = [&giver, &other].map(|client| format!("127.0.0.1:{}", client.port())).to_vec();
    let into = folder.path().join("got");
    let mut add = Add::download(torrent("content", &content()), &into);
    add.peers = peers;
    let got = taker.add(add).await.unwrap();
    got.durable().await.unwrap();
    assert_eq!(std::fs::read(into.join("content")).unwrap(), content());
    assert_eq!(got.snapshot().await.unwrap().wasted, 0, "nothing wrong came");
    for client in [giver, other, taker] {
        client.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn trackers_and_limits_are_changed_at_work_and_at_rest() {
    let folder = Folder::new("trackers");
    let client = client(&folder, "state").await;
    let seed = seed(&client, &folder, "seed").await;
    let urls = async |torrent: &Torrent| -> Vec<String> {
        torrent.snapshot().await.unwrap().trackers.into_iter().map(|tracker| tracker.url.reveal().to_owned()).collect()
    };
    let [a, b, c] = ["a", "b", "c"].map(|name| format!("http://127.0.0.1:1/{name}"));
    seed.add_tracker(&a, None).unwrap();
    seed.add_tracker(&b, Some(0)).unwrap();
    seed.add_tracker(&a, None).unwrap();
    assert_eq!(urls(&seed).await, [a.clone(), b.clone()]);
    seed.pause().await.unwrap();
    seed.remove_tracker(&a).unwrap();
    seed.add_tracker(&c, Some(7)).unwrap();
    seed.limits(Some(1_000), None).unwrap();
    assert_eq!(urls(&seed).await, [b.clone(), c.clone()]);
    seed.resume().await.unwrap();
    seed.limits(None, None).unwrap();
    assert_eq!(urls(&seed).await, [b, c.clone()]);
    seed.set_trackers(vec![vec![AnnounceUrl::of_user(&*c)]]).unwrap();
    assert_eq!(urls(&seed).await, [c]);
    client.shutdown().await;
    assert_eq!(seed.limits(None, None), Err(Ended::Removed));
}
