//! One who may not have this machine speak to its neighbours gets nothing from them (bad-input row 53), and its owner does.
#![allow(clippy::unwrap_used)] // helpers of tests are tests
mod common;

use common::{Folder, client};
use std::io::{Read, Write};
use std::net::TcpListener;
use teem_client::source::{load, load_public};

#[tokio::test]
async fn a_url_of_this_machine_is_fetched_for_its_owner_alone() {
    let folder = Folder::new("near");
    let client = client(&folder, "state").await;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let served = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let _ = stream.read(&mut [0; 2048]).unwrap();
        let magnet = format!("magnet:?xt=urn:btih:{}", "ab".repeat(20));
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", magnet.len());
        stream.write_all((head + &magnet).as_bytes()).unwrap();
        // Nobody else has come.
        listener.set_nonblocking(true).unwrap();
        assert!(listener.accept().is_err());
    });
    for host in ["127.0.0.1", "localhost", "[::1]", "169.254.169.254", "10.0.0.1", "[::ffff:127.0.0.1]"] {
        let refused = load_public(&format!("http://{host}:{port}/a.torrent"), client.http()).await;
        assert!(refused.is_err(), "{host}");
    }
    load(&format!("http://127.0.0.1:{port}/a.torrent"), client.http()).await.unwrap();
    served.join().unwrap();
    client.shutdown().await;
}
