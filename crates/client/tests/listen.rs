//! The listening port changes while the client runs (BEP 3): peers reach the new one, and the tracker hears of it.
#![allow(clippy::unwrap_used)] // helpers of tests are tests
mod common;

use common::{Folder, client, torrent};
use std::net::TcpStream;
use teem_client::{Add, AnnounceUrl, Client, Config, Listen};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

/// A tracker that tells of nobody and hands on the ports that it is told.
async fn tracker() -> (String, mpsc::UnboundedReceiver<u16>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/announce", listener.local_addr().unwrap());
    let (ports, told) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n") && stream.read_buf(&mut request).await.unwrap_or(0) > 0 {}
            let request = String::from_utf8_lossy(&request);
            let port = request.split(['?', '&', ' ']).find_map(|word| word.strip_prefix("port=")?.parse().ok());
            let body = "d8:intervali1800e5:peers0:e";
            let answer =
                format!("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}", body.len());
            stream.write_all(answer.as_bytes()).await.unwrap();
            if ports.send(port.unwrap()).is_err() {
                return;
            }
        }
    });
    (url, told)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn peers_reach_the_new_port_and_the_tracker_hears_of_it() {
    let folder = Folder::new("listen");
    let content = vec![7; 50_000];
    std::fs::create_dir(folder.path().join("seed")).unwrap();
    std::fs::write(folder.path().join("seed/content"), &content).unwrap();
    let seed = client(&folder, "state-seed").await;
    let (url, mut told) = tracker().await;
    let mut source = torrent("content", &content);
    source.trackers = vec![vec![AnnounceUrl::of_user(url)]];
    let seeded = seed.add(Add::publish(source, folder.path().join("seed"))).await.unwrap();
    seeded.completed().await.unwrap();
    let former = seed.port();
    assert_eq!(told.recv().await, Some(former));

    let listen = Listen { addr: Some("127.0.0.1".parse().unwrap()), port: 0, fall_back: false };
    seed.listen(listen).unwrap();
    let port = seed.port();
    assert_ne!(port, former);
    assert_eq!(seed.addrs(), [([127, 0, 0, 1], port).into()]);
    assert_eq!(told.recv().await, Some(port), "long before its interval of half an hour is over");
    // The tracker is told after the sockets have changed.
    assert!(TcpStream::connect(("127.0.0.1", former)).is_err(), "the former port is free");

    // Another seed of its choices than the first one has, so that it has another peer id.
    let mut config = Config::new().unwrap();
    (config.listen, config.state_dir, config.seed) = (listen, folder.path().join("state-get"), Some(2));
    let other = Client::start(config).await.unwrap();
    let mut add = Add::download(torrent("content", &content), folder.path().join("get"));
    add.peers = vec![format!("127.0.0.1:{port}")];
    other.add(add).await.unwrap().completed().await.unwrap();
    assert!(seed.listen(Listen { port: other.port(), ..listen }).is_err(), "a port that is taken is told at once");
    assert_eq!(seed.port(), port);
    seed.shutdown().await;
    assert_eq!(told.recv().await, Some(port), "and `stopped` carries it too");
}
