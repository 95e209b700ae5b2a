//! The table of rows: what changes is told once, and orders find room however many there are.
#![allow(clippy::unwrap_used)] // helpers of tests are tests
mod common;

use common::{Folder, client, torrent};
use std::collections::BTreeSet;
use teem_client::event::State;
use teem_client::{Add, Torrent};

/// More than the engine's mailbox has room for.
const ORDERS: u64 = 40_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_of_rows_is_told_what_changed_and_nothing_else() {
    let folder = Folder::new("rows");
    let client = client(&folder, "state").await;
    assert!(client.rows(0).rows.is_empty());
    let mut all: Vec<Torrent> = Vec::new();
    for n in 0..20 {
        let mut add = Add::download(torrent(&format!("file-{n}"), b"content"), folder.path());
        add.paused = true;
        all.push(client.add(add).await.unwrap());
    }
    for one in &all {
        one.until(|status| (status.state == State::Paused).then_some(())).await.unwrap();
    }
    // Each was told of as paused by now, but its revision may follow in the same turn.
    client.snapshots().await.unwrap();
    let first = client.rows(0);
    assert_eq!((first.rows.len(), first.all), (20, true));
    let row = first.rows.iter().find(|row| row.id == all[3].id()).unwrap();
    assert_eq!((row.name(), row.status.state, &*row.folder), (Some("file-3"), State::Paused, folder.path()));
    assert!(client.rows(first.revision).rows.is_empty(), "nothing has changed");
    all[7].resume().await.unwrap();
    all[11].remove().await;
    all[7].until(|status| (status.state == State::Downloading).then_some(())).await.unwrap();
    client.snapshots().await.unwrap();
    let next = client.rows(first.revision);
    let ids: BTreeSet<_> = next.rows.iter().map(|row| row.id).collect();
    assert_eq!((ids, next.removed, next.all), (BTreeSet::from([all[7].id()]), vec![all[11].id()], false));
    client.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_mailbox_is_not_the_end_of_the_client() {
    let folder = Folder::new("orders");
    let client = client(&folder, "state").await;
    let mut add = Add::download(torrent("file", b"content"), folder.path());
    add.paused = true;
    let torrent = client.add(add).await.unwrap();
    for n in 0..ORDERS {
        torrent.limits(Some(n + 1), None).unwrap();
    }
    // What waits comes behind all of that.
    assert_eq!(torrent.snapshot().await.unwrap().state, State::Paused);
    assert_eq!(client.torrents().len(), 1);
    client.shutdown().await;
}
