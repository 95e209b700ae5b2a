//! Many torrents in one client: added, paused, listed in one batch, removed; paused ones hold no descriptor.
#![allow(clippy::unwrap_used)] // helpers of tests are tests
mod common;

use common::{Folder, client, torrent};
use teem_client::event::State;
use teem_client::{Add, Torrent};

/// Torrents of the test.
const MANY: u32 = 10_000;
/// Of them at work, before they are paused too: each has open files then.
const AT_WORK: u32 = 100;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_are_added_paused_listed_and_removed() {
    let folder = Folder::new("many");
    let client = client(&folder, "state").await;
    let before = descriptors();
    let mut all: Vec<Torrent> = Vec::new();
    for n in 0..MANY {
        let name = format!("file-{n}");
        let paused = n >= AT_WORK;
        let mut add = Add::download(torrent(&name, name.as_bytes()), folder.path());
        add.paused = paused;
        all.push(client.add(add).await.unwrap());
    }
    for torrent in all.iter().take(AT_WORK as usize) {
        torrent.pause().await.unwrap();
    }
    assert_eq!(client.torrents().len(), MANY as usize);
    let figures = client.snapshots().await.unwrap();
    assert_eq!(figures.len(), MANY as usize);
    assert!(figures.iter().zip(&all).all(|(s, t)| s.torrent == t.id() && s.state == State::Paused && s.wanted > 0));
    if let (Some(before), Some(now)) = (before, descriptors()) {
        assert!(now < before + AT_WORK as usize / 2, "{before} descriptors before, {now} with all paused");
    }
    for torrent in &all {
        torrent.remove().await;
    }
    assert_eq!((client.torrents().len(), client.snapshots().await.unwrap().len()), (0, 0));
    client.shutdown().await;
}

/// Open descriptors of this process, where the system tells.
fn descriptors() -> Option<usize> {
    std::fs::read_dir("/proc/self/fd").ok().map(Iterator::count)
}
