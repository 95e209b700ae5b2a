//! Content of a running torrent is read through its handle: what is verified, in bounded ranges, for many readers at once (own design).
#![allow(clippy::unwrap_used)] // helpers of tests are tests
mod common;
use common::*;
use std::fs;
use teem_client::error::ReadError;
use teem_client::{Add, READ_MAX};
use tokio::task::JoinSet;

#[tokio::test]
async fn verified_content_is_read_by_range() {
    let folder = Folder::new("reading");
    let content: Vec<u8> = (0..300_000_u32).map(|i| (i / 3 % 251) as u8).collect();
    fs::write(folder.path().join("file"), &content).unwrap();
    let client = client(&folder, "state").await;
    let torrent = client.add(Add::publish(torrent("file", &content), folder.path())).await.unwrap();
    torrent.completed().await.unwrap();
    let piece_length = torrent.metadata().await.unwrap().piece_length();

    // More readers than may be under way: each has its turn.
    let mut readers = JoinSet::new();
    for reader in 0..100_u32 {
        let (torrent, content) = (torrent.clone(), content.clone());
        readers.spawn(async move {
            let (from, len) = (reader * 2_900, 10_000.min(piece_length - reader * 2_900 % piece_length));
            let read = torrent.read(from / piece_length, from % piece_length, len).await.unwrap();
            assert!(read == content[from as usize..][..len as usize], "{reader}");
        });
    }
    assert_eq!(readers.join_all().await.len(), 100);

    assert_eq!(torrent.read(0, 5, 0).await, Ok(Vec::new()));
    for (piece, offset, len) in [(0, piece_length - 5, 6), (1 << 30, 0, 1), (0, 0, READ_MAX + 1), (0, u32::MAX, 1)] {
        assert_eq!(torrent.read(piece, offset, len).await, Err(ReadError::NotThere), "{piece} {offset} {len}");
    }
    let unknown = magnet(&client, 7).await;
    let waiting = client.add(Add::download(unknown, folder.path().join("other"))).await.unwrap();
    assert_eq!(waiting.read(0, 0, 1).await, Err(ReadError::NotThere), "its metadata is not there yet");
    torrent.remove().await;
    assert_eq!(torrent.read(0, 0, 1).await, Err(ReadError::NoTorrent));
    client.shutdown().await;
}
