//! Thousands of complete torrents at rest hold next to nothing open; alone in its process, because it counts the descriptors of it.
#![allow(clippy::unwrap_used)] // helpers of tests are tests
mod common;

use common::{Folder, client, torrent};
use teem_client::{Add, Client};

/// Torrents of the test.
const MANY: u32 = 2_000;
/// Descriptors that all of them may hold at rest, the client's own sockets included.
const DESCRIPTORS_MAX: usize = 64;

/// Open descriptors of this process, where the system tells.
fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").map_or(0, Iterator::count)
}

async fn add_all(client: &Client, folder: &Folder, publish: bool) {
    let mut all = Vec::new();
    for n in 0..MANY {
        let (name, content) = (format!("file-{n}"), format!("content {n}"));
        let source = torrent(&name, content.as_bytes());
        // Some share a folder, others have one each.
        let at = folder.path().join(if n % 2 == 0 { "all".to_owned() } else { format!("of-{n}") });
        std::fs::create_dir_all(&at).unwrap();
        std::fs::write(at.join(&name), &content).unwrap();
        let add = if publish { Add::publish(source, at) } else { Add::download(source, at) };
        all.push(client.add(add).await.unwrap());
    }
    for torrent in &all {
        torrent.durable().await.unwrap();
    }
    // What is read is opened again, and closed when it has not been used for a while.
    let read = all[7].read(0, 0, 9).await.unwrap();
    assert_eq!(read, b"content 7");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_thousand_at_rest_hold_few_descriptors() {
    let folder = Folder::new("at-rest");
    for publish in [false, true] {
        let before = descriptors();
        let client = client(&folder, "state").await;
        add_all(&client, &folder, publish).await;
        let open = descriptors() - before;
        assert!(open <= DESCRIPTORS_MAX, "{open} descriptors, publish: {publish}");
        client.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_rests_is_kept_from_another_process_all_the_same() {
    let folder = Folder::new("kept");
    let (ours, theirs) = (client(&folder, "state").await, client(&folder, "state").await);
    std::fs::write(folder.path().join("file"), "content").unwrap();
    let add = || Add::download(torrent("file", b"content"), folder.path());
    let torrent = ours.add(add()).await.unwrap();
    torrent.durable().await.unwrap();
    let refused = theirs.add(add()).await.unwrap();
    let why = refused.ended().await.to_string();
    assert!(why.contains(&format!("is held by process {}", std::process::id())), "{why}");
    refused.remove().await;
    torrent.pause().await.unwrap();
    let taken = theirs.add(add()).await.unwrap();
    taken.durable().await.unwrap();
    ours.shutdown().await;
    theirs.shutdown().await;
}
