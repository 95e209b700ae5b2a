//! When a download has given enough, and what is said of it when it is finished.
#![allow(clippy::unwrap_used)] // helpers of tests are tests
mod common;

use common::{Folder, client, torrent};
use std::time::Duration;
use teem_client::event::State;
use teem_client::policy::{Hook, Until};
use teem_client::{Add, Client, Ended, Torrent};

const SIZE: u64 = 200_000;

fn content() -> Vec<u8> {
    (0..SIZE).map(|n| (n % 251) as u8).collect()
}

/// A complete download that has given nothing yet.
async fn complete(client: &Client, folder: &Folder) -> Torrent {
    let at = folder.path().join("complete");
    std::fs::create_dir_all(&at).unwrap();
    std::fs::write(at.join("content"), content()).unwrap();
    client.add(Add::download(torrent("content", &content()), at)).await.unwrap()
}

/// Somebody else fetches it once.
async fn fetch(from: &Client, folder: &Folder, name: &str) {
    let taker = client(folder, &format!("state-{name}")).await;
    let peers = vec![format!("127.0.0.1:{}", from.port())];
    let mut add = Add::download(torrent("content", &content()), folder.path().join(name));
    add.peers = peers;
    taker.add(add).await.unwrap().durable().await.unwrap();
    taker.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ratio_is_reached_when_so_much_was_sent() {
    let folder = Folder::new("ratio");
    let giver = client(&folder, "state").await;
    let given = complete(&giver, &folder).await;
    Until::Done.reached(&given).await.unwrap();
    Until::Ratio(0).reached(&given).await.unwrap();
    assert_eq!(given.snapshot().await.unwrap().uploaded, 0);
    let wait = |thousandths: u64| {
        let given = given.clone();
        tokio::spawn(async move {
            Until::Ratio(thousandths).reached(&given).await.unwrap();
            given.snapshot().await.unwrap().uploaded
        })
    };
    // Several wait for different marks, and the run goes on over a pause.
    let (twice, half, once) = (wait(2_000), wait(500), wait(1_000));
    fetch(&giver, &folder, "first").await;
    assert!(half.await.unwrap() >= SIZE / 2);
    assert!(once.await.unwrap() >= SIZE);
    given.pause().await.unwrap();
    given.resume().await.unwrap();
    given.until(|s| (s.state == State::Seeding).then_some(())).await.unwrap();
    assert!(!twice.is_finished());
    fetch(&giver, &folder, "second").await;
    assert!(twice.await.unwrap() >= 2 * SIZE);
    giver.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_time_passes_and_the_end_of_a_torrent_ends_every_wait() {
    let folder = Folder::new("until");
    let giver = client(&folder, "state").await;
    let given = complete(&giver, &folder).await;
    Until::Time(Duration::from_millis(1)).reached(&given).await.unwrap();
    let waits = [Until::Time(Duration::from_secs(3600)), Until::Ratio(1_000), Until::Stopped].map(|until| {
        let given = given.clone();
        tokio::spawn(async move { until.reached(&given).await })
    });
    given.remove().await;
    for wait in waits {
        assert_eq!(wait.await.unwrap(), Err(Ended::Removed));
    }
    giver.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_finished_is_said_to_the_hook() {
    let folder = Folder::new("finished");
    let giver = client(&folder, "state").await;
    let at = folder.path().join("elsewhere");
    std::fs::create_dir_all(&at).unwrap();
    std::fs::write(at.join("own name"), content()).unwrap();
    let mut add = Add::download(torrent("content", &content()), &at);
    add.name = Some("own name".to_owned());
    let finished = giver.add(add).await.unwrap().finished().await.unwrap();
    assert_eq!((finished.name.as_str(), finished.size, finished.uploaded), ("content", SIZE, 0));
    assert_eq!(finished.path, at.join("own name"));
    let out = folder.path().join("told");
    let told = format!("sh -c 'printf %s \"$TEEM_NAME|$TEEM_PATH|$TEEM_INFOHASH|$TEEM_SIZE\" > \"{}\"'", out.display());
    Hook::parse(&told).unwrap().run(&finished).await.unwrap();
    let expected = format!("content|{}|{}|{SIZE}", finished.path.display(), finished.info_hash);
    assert_eq!(std::fs::read_to_string(out).unwrap(), expected);
    giver.shutdown().await;
}
