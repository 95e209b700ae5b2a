//! What a client tells of all its torrents together: their list, their figures in one batch, one bus of events.
#![allow(clippy::unwrap_used)] // helpers of tests are tests
mod common;

use common::{Folder, client, magnet};
use teem_client::{Add, AddError, Changes, Ended, Heard};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn torrents_are_listed_and_their_figures_come_in_one_batch() {
    let folder = Folder::new("batch");
    let client = client(&folder, "state").await;
    let mut added = Vec::new();
    for n in 1..=20 {
        added.push(client.add(Add::download(magnet(&client, n).await, folder.path())).await.unwrap());
    }
    let ids: Vec<_> = added.iter().map(teem_client::Torrent::id).collect();
    assert_eq!(client.torrents().iter().map(teem_client::Torrent::id).collect::<Vec<_>>(), ids);
    let told: Vec<_> = client.snapshots().await.unwrap().iter().map(|s| s.torrent).collect();
    assert_eq!(told, ids);
    let some = [ids[7], ids[3]];
    added[3].remove().await;
    let told: Vec<_> = client.snapshots_of(&some).await.unwrap().iter().map(|s| s.torrent).collect();
    assert_eq!(told, [ids[7]], "those that are gone are left out");
    assert_eq!(added[3].snapshot().await.unwrap_err(), Ended::Removed);
    assert_eq!(added[3].availability().await.unwrap_err(), Ended::Removed);
    assert_eq!(added[4].availability().await.unwrap().len(), 0);
    assert_eq!(client.torrents().len(), 19);
    let again = client.add(Add::download(magnet(&client, 5).await, folder.path())).await;
    assert!(matches!(again, Err(AddError::Already(_))));
    client.add(Add::download(magnet(&client, 4).await, folder.path())).await.unwrap();
    client.shutdown().await;
    assert_eq!(added[0].snapshot().await.unwrap_err(), Ended::Removed);
    assert_eq!(added[0].ended().await, Ended::Removed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_bus_tells_what_has_changed() {
    let folder = Folder::new("bus");
    let client = client(&folder, "state").await;
    let mut all = client.events();
    let first = client.add(Add::download(magnet(&client, 1).await, folder.path())).await.unwrap();
    let mut of_first = first.events();
    let second = client.add(Add::download(magnet(&client, 2).await, folder.path())).await.unwrap();
    second.remove().await;
    assert!(all.changed().await);
    let changed = all.take_changes();
    assert!(changed[&first.id()].contains(Changes::ADDED));
    assert!(changed[&second.id()].contains(Changes::ADDED | Changes::REMOVED), "{changed:?}");
    client.shutdown().await;
    let mut heard = Vec::new();
    while let Some(Heard::Event(event)) = of_first.next().await {
        heard.push(event.torrent());
    }
    assert!(heard.iter().all(|torrent| *torrent == Some(first.id())), "{heard:?}");
}
