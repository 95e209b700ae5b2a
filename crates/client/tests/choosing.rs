//! A choice of files that somebody makes: the torrent waits for it where it can be seen, and fetches what was chosen.
#![allow(clippy::unwrap_used)] // helpers of tests are tests
mod common;

use common::{Folder, client, folder_torrent};
use std::path::Path;
use teem_client::event::State;
use teem_client::{Add, Changes, Choice, ChooseError, Client, Ended, Source, Status, Torrent, source};

const FILES: [(&str, usize); 3] = [("a.txt", 40_000), ("b.mkv", 50_000), ("c.txt", 30_000)];

fn content() -> Vec<(&'static str, Vec<u8>)> {
    FILES.iter().map(|(name, len)| (*name, (0..*len).map(|n| (n % 241) as u8).collect())).collect()
}

/// A seed of the three files.
async fn seed(folder: &Folder) -> (Client, Torrent) {
    let giver = client(folder, "state-giver").await;
    let at = folder.path().join("seed");
    std::fs::create_dir_all(at.join("three")).unwrap();
    for (name, bytes) in content() {
        std::fs::write(at.join("three").join(name), bytes).unwrap();
    }
    let torrent = giver.add(Add::publish(folder_torrent("three", &content()), at)).await.unwrap();
    (giver, torrent)
}

fn asking(source: Source, giver: &Client, into: &Path) -> Add {
    let peers = vec![format!("127.0.0.1:{}", giver.port())];
    let mut add = Add::download(source, into);
    (add.peers, add.choice) = (peers, Choice::Ask);
    add
}

async fn magnet(client: &Client, of: &Torrent) -> Source {
    source::load(&format!("magnet:?xt=urn:btih:{}", of.info_hash()), client.http()).await.unwrap()
}

fn waits(status: &Status) -> Option<()> {
    (status.state == State::Choosing).then_some(())
}

fn only(pattern: &str) -> Choice {
    Choice::Patterns { only: vec![pattern.to_owned()], first: Vec::new() }
}

/// The files that are there, by name.
fn there(at: &Path) -> Vec<String> {
    let list = std::fs::read_dir(at.join("three")).unwrap();
    let mut names: Vec<String> = list.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_magnet_waits_for_a_choice_and_fetches_only_that() {
    let folder = Folder::new("choosing-magnet");
    let (giver, seed) = seed(&folder).await;
    let taker = client(&folder, "state").await;
    let mut events = taker.events();
    let into = folder.path().join("got");
    let source = magnet(&taker, &seed).await;
    let got = taker.add(asking(source, &giver, &into)).await.unwrap();
    got.until(waits).await.unwrap();
    assert!(events.take_changes()[&got.id()].contains(Changes::METADATA | Changes::CHOICE));
    assert_eq!(got.snapshot().await.unwrap().state, State::Choosing);
    let info = got.status().info.unwrap();
    assert_eq!(info.files().iter().map(|file| file.path()).collect::<Vec<_>>(), FILES.map(|(name, _)| name));
    assert!(!into.exists(), "nothing is made before it is known what is wanted");

    let refused = got.choose(only("*.iso")).await;
    assert!(matches!(&refused, Err(ChooseError::Choice(why)) if why.contains("*.iso")), "{refused:?}");
    assert_eq!(got.snapshot().await.unwrap().state, State::Choosing, "a choice that fits nothing changes nothing");

    got.choose(only("*.mkv")).await.unwrap();
    assert_eq!(got.finished().await.unwrap().size, 50_000);
    assert_eq!(there(&into), ["b.mkv"]);
    assert_eq!(std::fs::read(into.join("three/b.mkv")).unwrap(), content()[1].1);
    giver.shutdown().await;
    taker.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_waits_over_a_pause_and_a_choice_made_at_rest_counts() {
    let folder = Folder::new("choosing-pause");
    let (giver, seed) = seed(&folder).await;
    let taker = client(&folder, "state").await;
    let at = |name: &str| folder.path().join(name);
    let sources = [magnet(&taker, &seed).await, folder_torrent("three", &content())];
    for (source, name) in sources.into_iter().zip(["by-magnet", "by-torrent"]) {
        let got = taker.add(asking(source, &giver, &at(name))).await.unwrap();
        got.until(waits).await.unwrap();
        got.pause().await.unwrap();
        got.resume().await.unwrap();
        got.until(waits).await.unwrap();
        got.pause().await.unwrap();
        got.choose(only("a.txt")).await.unwrap();
        got.resume().await.unwrap();
        assert_eq!(got.finished().await.unwrap().size, 40_000);
        assert_eq!(there(&at(name)), ["a.txt"]);
        got.remove().await;
        assert_eq!(got.choose(Choice::All).await, Err(ChooseError::Ended(Ended::Removed)));
    }
    giver.shutdown().await;
    taker.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_that_are_known_at_once_are_waited_for_too() {
    let folder = Folder::new("choosing-torrent");
    let (giver, _seed) = seed(&folder).await;
    let taker = client(&folder, "state").await;
    let into = folder.path().join("got");
    let got = taker.add(asking(folder_torrent("three", &content()), &giver, &into)).await.unwrap();
    assert_eq!(got.status().state, State::Choosing);
    assert_eq!(got.snapshot().await.unwrap().state, State::Choosing);
    got.choose(Choice::Indices(vec![0..=0, 2..=2])).await.unwrap();
    assert_eq!(got.finished().await.unwrap().size, 70_000);
    assert_eq!(there(&into), ["a.txt", "c.txt"]);
    giver.shutdown().await;
    taker.shutdown().await;
}
