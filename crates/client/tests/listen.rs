//! The listening port changes while the client runs (BEP 3, 5, 10): peers reach the new one; the tracker, the DHT and the peers that there are hear of it.
#![allow(clippy::unwrap_used)] // helpers of tests are tests
mod common;

use common::{Folder, client, torrent};
use std::net::{SocketAddr, TcpStream};
use teem_client::{Add, AnnounceUrl, Client, Config, Dht, Listen};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, UdpSocket};
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

/// What stands in a bencoded dictionary behind that key, from there on.
fn behind<'a>(packet: &'a [u8], key: &str) -> Option<&'a [u8]> {
    let at = packet.windows(key.len()).position(|found| found == key.as_bytes())?;
    Some(&packet[at + key.len()..])
}

/// A bencoded string's length and bytes, as they stand at the beginning.
fn string(bytes: &[u8]) -> &[u8] {
    let colon = bytes.iter().position(|byte| *byte == b':').unwrap();
    let len: usize = std::str::from_utf8(&bytes[..colon]).unwrap().parse().unwrap();
    &bytes[..=colon + len]
}

/// A node of the DHT that knows nobody and hands on the ports that it is told: the sender's, where it says that this is the one.
async fn node() -> (SocketAddr, mpsc::UnboundedReceiver<u16>) {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let addr = socket.local_addr().unwrap();
    let (ports, told) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        let mut room = [0; 2048];
        while let Ok((len, from)) = socket.recv_from(&mut room).await {
            let packet = &room[..len];
            let Some(name) = behind(packet, "1:q").filter(|name| name[0].is_ascii_digit()) else { continue };
            let id = string(behind(packet, "1:t").unwrap());
            if string(name) == b"13:announce_peer" {
                let said = behind(packet, "4:porti").unwrap();
                let end = said.iter().position(|byte| *byte == b'e').unwrap();
                let port = std::str::from_utf8(&said[..end]).unwrap().parse().unwrap();
                let implied = behind(packet, "12:implied_porti1e").is_some();
                let _ = ports.send(if implied { from.port() } else { port });
            }
            let reply = [&b"d1:rd2:id20:nodenodenodenodenode5:nodes0:5:token4:abcde1:t"[..], id, b"1:y1:re"].concat();
            socket.send_to(&reply, from).await.unwrap();
        }
    });
    (addr, told)
}

/// A peer that is connected there and hands on the ports that it is told.
async fn peer(at: SocketAddr, info_hash: [u8; 20]) -> mpsc::UnboundedReceiver<u16> {
    let mut stream = tokio::net::TcpStream::connect(at).await.unwrap();
    let hello = [&b"\x13BitTorrent protocol\0\0\0\0\0\x10\0\0"[..], &info_hash, b"-XX0001-abcdefghijkl"].concat();
    stream.write_all(&hello).await.unwrap();
    let said = b"d1:md6:ut_pexi1eee";
    stream.write_all(&[&(said.len() as u32 + 2).to_be_bytes()[..], &[20, 0], said].concat()).await.unwrap();
    let (ports, told) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        let mut hello = [0; 68];
        stream.read_exact(&mut hello).await.unwrap();
        while let Ok(len) = stream.read_u32().await {
            let mut message = vec![0; len as usize];
            stream.read_exact(&mut message).await.unwrap();
            if message.starts_with(&[20, 0])
                && let Some(said) = behind(&message, "1:pi")
            {
                let end = said.iter().position(|byte| *byte == b'e').unwrap();
                let _ = ports.send(std::str::from_utf8(&said[..end]).unwrap().parse().unwrap());
            }
        }
    });
    told
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_port_is_told_to_tracker_dht_and_peers() {
    let folder = Folder::new("told");
    let content = vec![8; 50_000];
    std::fs::create_dir(folder.path().join("seed")).unwrap();
    std::fs::write(folder.path().join("seed/content"), &content).unwrap();
    let (url, mut tracker) = tracker().await;
    let (known, mut node) = node().await;
    let listen = Listen { addr: Some("127.0.0.1".parse().unwrap()), port: 0, fall_back: false };
    let mut config = Config::new().unwrap();
    (config.listen, config.state_dir) = (listen, folder.path().join("state"));
    config.dht = Some(Dht { bootstrap: Some(vec![known.to_string()]) });
    let seed = Client::start(config).await.unwrap();
    let mut source = torrent("content", &content);
    source.trackers = vec![vec![AnnounceUrl::of_user(url)]];
    let seeded = seed.add(Add::publish(source, folder.path().join("seed"))).await.unwrap();
    seeded.completed().await.unwrap();
    let former = seed.port();
    let mut peer = peer(seed.addrs()[0], seeded.info_hash().0).await;
    for told in [&mut tracker, &mut node, &mut peer] {
        assert_eq!(told.recv().await, Some(former));
    }
    seed.listen(listen).unwrap();
    let port = seed.port();
    assert_ne!(port, former);
    for (name, told) in [("tracker", &mut tracker), ("node", &mut node), ("peer", &mut peer)] {
        // What was under way when the port changed may carry the former one.
        while let Some(said) = told.recv().await {
            if said == port {
                break;
            }
            assert_eq!(said, former, "{name}");
        }
    }
    seed.shutdown().await;
}
