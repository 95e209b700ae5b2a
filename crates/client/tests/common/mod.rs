//! What the tests of the client stand on: a client on loopback, a folder of its own, small torrents.
#![allow(dead_code, clippy::unwrap_used)] // each test uses its part; helpers of tests are tests
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use teem_client::{Client, Config, Listen, Source, source};

/// A folder that goes when the test ends.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new(name: &str) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let unique = format!("teem-{name}-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(unique);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A client that only this machine reaches.
pub(crate) async fn client(folder: &Folder, name: &str) -> Client {
    let listen = Listen { addr: Some("127.0.0.1".parse().unwrap()), port: 0, fall_back: false };
    let mut config = Config::new().unwrap();
    (config.listen, config.state_dir) = (listen, folder.path().join(name));
    Client::start(config).await.unwrap()
}

/// A magnet link that leads to nobody.
pub(crate) async fn magnet(client: &Client, n: u32) -> Source {
    source::load(&format!("magnet:?xt=urn:btih:{n:040x}"), client.http()).await.unwrap()
}

/// A torrent of one file of that content, in pieces of 16 KiB.
pub(crate) fn torrent(name: &str, content: &[u8]) -> Source {
    let pieces: Vec<u8> = content.chunks(16 << 10).flat_map(sha1).collect();
    let mut raw = format!(
        "d4:infod6:lengthi{}e4:name{}:{name}12:piece lengthi16384e6:pieces{}:",
        content.len(),
        name.len(),
        pieces.len()
    )
    .into_bytes();
    raw.extend(pieces);
    raw.extend(b"ee");
    source::from_bytes(name, &raw).unwrap()
}

/// A torrent of a folder of files of that content, in pieces of 16 KiB.
pub(crate) fn folder_torrent(name: &str, files: &[(&str, Vec<u8>)]) -> Source {
    let content: Vec<u8> = files.iter().flat_map(|(_, bytes)| bytes.clone()).collect();
    let pieces: Vec<u8> = content.chunks(16 << 10).flat_map(sha1).collect();
    let file = |(path, bytes): &(&str, Vec<u8>)| format!("d6:lengthi{}e4:pathl{}:{path}ee", bytes.len(), path.len());
    let list: String = files.iter().map(file).collect();
    let length = name.len();
    let head = format!("d4:infod5:filesl{list}e4:name{length}:{name}12:piece lengthi16384e6:pieces{}:", pieces.len());
    source::from_bytes(name, &[head.as_bytes(), &pieces, b"ee"].concat()).unwrap()
}

fn sha1(piece: &[u8]) -> [u8; 20] {
    teem_disk::hash::Kernel::SINGLE.sha1_many(&[vec![piece]])[0]
}
