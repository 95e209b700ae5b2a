//! The drivers over loopback: both protocols, both families, other content, and connections that stall.
#![allow(clippy::unwrap_used, reason = "helpers of tests may")]
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use teem_metainfo::InfoHash;
use teem_tracker_server::limits::Limits;
use teem_tracker_server::net::{Bytes, Config, Content, Datagram, Lent, NetLimits, Routes, Server, bind, serve};
use teem_tracker_server::tracker::{Access, Tracker};
use teem_wire::compact::Family;
use teem_wire::peer::handshake::PeerId;
use teem_wire::tracker::announce::{Announce, AnnounceEvent, AnnounceReply};
use teem_wire::tracker::http::{announce_url, decode_reply};
use teem_wire::tracker::udp::{self, Reply, Request};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::sync::mpsc;

const HASH: InfoHash = InfoHash([9; 20]);

fn tracker() -> Arc<Mutex<Tracker>> {
    Arc::new(Mutex::new(Tracker::new(Limits::DEFAULT, Access::Open, [3; 40])))
}

fn routes() -> Routes {
    Arc::new(|path| {
        let content = Content {
            media_type: "application/x-bittorrent",
            body: Bytes::from_static(b"d4:infodee"),
            headers: &[("x-more", "yes")],
        };
        let content = (path == "/x.torrent").then_some(content);
        Box::pin(async { content })
    })
}

fn start(addr: &str, tracker: &Arc<Mutex<Tracker>>, limits: NetLimits) -> Server {
    let (http, udp) = bind::tcp_and_udp(addr.parse().unwrap()).unwrap();
    serve(Config {
        http,
        udp,
        lent: None,
        tracker: tracker.clone(),
        routes: Some(routes()),
        on_announced: None,
        limits,
    })
    .unwrap()
}

fn announce(id: u8) -> Announce {
    Announce {
        info_hash: HASH,
        peer_id: PeerId([id; 20]),
        port: 1000 + u16::from(id),
        uploaded: 0,
        downloaded: 0,
        left: 5,
        event: AnnounceEvent::Started,
        num_want: 50,
        key: id.into(),
        tracker_id: None,
    }
}

/// Sends a request's text, returns the whole answer.
async fn exchange(to: SocketAddr, request: &str) -> Vec<u8> {
    let mut stream = TcpStream::connect(to).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    // A server that closes while we still send may reset.
    let _ = stream.read_to_end(&mut answer).await;
    answer
}

async fn get(to: SocketAddr, target: &str) -> (String, Vec<u8>) {
    let answer = exchange(to, &format!("GET {target} HTTP/1.1\r\nHost: t\r\n\r\n")).await;
    let at = answer.windows(4).position(|w| w == b"\r\n\r\n").unwrap();
    (String::from_utf8(answer[..at].to_vec()).unwrap(), answer[at + 4..].to_vec())
}

async fn over_http(to: SocketAddr, announce: &Announce) -> AnnounceReply {
    let (head, body) = get(to, &announce_url("/announce", announce)).await;
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    decode_reply(&body).unwrap()
}

async fn over_udp(to: SocketAddr, announce: &Announce) -> AnnounceReply {
    let any = if to.is_ipv4() { "127.0.0.1:0" } else { "[::1]:0" };
    let family = Family::of(to.ip());
    let socket = UdpSocket::bind(any).await.unwrap();
    let mut buffer = [0; 2048];
    let mut ask = async |request: &Request| {
        socket.send_to(&udp::encode_request(request, "/announce"), to).await.unwrap();
        let (len, from) = socket.recv_from(&mut buffer).await.unwrap();
        assert_eq!(from, to);
        udp::decode_reply(&buffer[..len], family).unwrap()
    };
    let Reply::Connect { connection, .. } = ask(&Request::Connect { transaction: 1 }).await else { panic!() };
    match ask(&Request::Announce { connection, transaction: 2, announce: announce.clone() }).await {
        Reply::Announce { transaction: 2, reply } => reply,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn both_protocols_share_one_table() {
    let table = tracker();
    let server = start("127.0.0.1:0", &table, NetLimits::DEFAULT);
    let (http, udp) = (server.http()[0], server.udp()[0]);
    assert_eq!(http.port(), udp.port());
    assert_eq!(over_http(http, &announce(1)).await.peers, []);
    assert_eq!(over_udp(udp, &announce(1)).await.incomplete, Some(1));
    assert_eq!(over_udp(udp, &announce(2)).await.peers, ["127.0.0.1:1001".parse().unwrap()]);
    assert_eq!(over_http(http, &announce(1)).await.peers, ["127.0.0.1:1002".parse().unwrap()]);
    assert_eq!(table.lock().unwrap().counts(), (1, 2));
    let (head, body) = get(http, &format!("/scrape?info_hash={}", "%09".repeat(20))).await;
    assert!(head.starts_with("HTTP/1.1 200") && body.ends_with(b"10:incompletei2eeee"));
    server.shutdown().await;
    assert!(TcpStream::connect(http).await.is_err());
}

#[tokio::test]
async fn all_addresses_of_both_families() {
    let table = tracker();
    table.lock().unwrap().own_seed(HASH, 6881);
    let server = start("[::]:0", &table, NetLimits::DEFAULT);
    for bound in server.udp().iter().chain(server.http()) {
        assert_eq!(bound.port(), server.udp()[0].port());
    }
    // The address that the asker reached us by is what it is told, over both protocols.
    for bound in server.udp() {
        let ip = if bound.is_ipv4() { "127.0.0.1" } else { "::1" };
        let to = SocketAddr::new(ip.parse().unwrap(), bound.port());
        let seed = SocketAddr::new(to.ip(), 6881);
        assert!(over_udp(to, &announce(1)).await.peers.contains(&seed));
        assert!(over_http(to, &announce(1)).await.peers.contains(&seed));
    }
    server.shutdown().await;
}

/// All of 127/8 is this machine's on Linux, so it stands for a machine with several addresses.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn answers_come_from_the_address_that_was_asked() {
    let table = tracker();
    table.lock().unwrap().own_seed(HASH, 6881);
    let server = start("0.0.0.0:0", &table, NetLimits::DEFAULT);
    for ip in ["127.0.0.2", "127.9.9.9"] {
        let to = SocketAddr::new(ip.parse().unwrap(), server.udp()[0].port());
        let seed = SocketAddr::new(to.ip(), 6881);
        assert!(over_udp(to, &announce(1)).await.peers.contains(&seed));
        assert!(over_http(to, &announce(1)).await.peers.contains(&seed));
    }
}

#[tokio::test]
async fn other_content_and_other_requests() {
    let server = start("127.0.0.1:0", &tracker(), NetLimits::DEFAULT);
    let http = server.http()[0];
    let (head, body) = get(http, "/x.torrent").await;
    assert!(head.contains("content-type: application/x-bittorrent") && body == b"d4:infodee");
    assert!(head.contains("x-more: yes") && head.contains("x-content-type-options: nosniff"));
    assert!(get(http, "/other").await.0.starts_with("HTTP/1.1 404"));
    assert!(get(http, "/announce?info_hash=x").await.0.starts_with("HTTP/1.1 400"));
    let answer = exchange(http, "POST /announce HTTP/1.1\r\nHost: t\r\nContent-Length: 0\r\n\r\n").await;
    assert!(answer.starts_with(b"HTTP/1.1 405"));
    let long = format!("GET /announce?{} HTTP/1.1\r\n\r\n", "x".repeat(100_000));
    let answer = exchange(http, &long).await;
    assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 4"));
    assert!(exchange(http, "\x13BitTorrent protocol\r\n\r\n").await.starts_with(b"HTTP/1.1 400"));
}

#[tokio::test]
async fn who_stalls_holds_nobody_up() {
    let limits = NetLimits { connections: 2, head: Duration::from_millis(300), ..NetLimits::DEFAULT };
    let server = start("127.0.0.1:0", &tracker(), limits);
    let http = server.http()[0];
    let mut stalled = [TcpStream::connect(http).await.unwrap(), TcpStream::connect(http).await.unwrap()];
    for stream in &mut stalled {
        stream.write_all(b"GET /ann").await.unwrap();
    }
    // Both places are taken, by one address: one of them gives way.
    assert!(get(http, "/x.torrent").await.0.starts_with("HTTP/1.1 200"));
    for stream in &mut stalled {
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest).await; // the other ends by the server's deadline
    }
    assert!(get(http, "/x.torrent").await.0.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn a_port_of_somebody_else() {
    let table = tracker();
    table.lock().unwrap().own_seed(HASH, 6881);
    let (streams, from_holder) = mpsc::channel(4);
    let (questions, asked) = mpsc::channel(4);
    let (answers, mut answered) = mpsc::unbounded_channel();
    let answer = Box::new(move |answer| answers.send(answer).unwrap());
    let lent = Some(Lent { streams: from_holder, questions: asked, answer });
    let limits = NetLimits { connections: 2, ..NetLimits::DEFAULT };
    let config = Config {
        http: vec![],
        udp: vec![],
        lent,
        tracker: table.clone(),
        routes: Some(routes()),
        on_announced: None,
        limits,
    };
    let server = serve(config).unwrap();

    let holder = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = holder.local_addr().unwrap();
    let hand_over = tokio::spawn(async move {
        loop {
            let (stream, _) = holder.accept().await.unwrap();
            streams.send(stream.into_std().unwrap()).await.unwrap();
        }
    });
    assert_eq!(get(addr, "/x.torrent").await.1, b"d4:infodee");
    assert_eq!(over_http(addr, &announce(1)).await.peers, ["127.0.0.1:6881".parse().unwrap()]);
    // Two places are all there is, and who stalls in them gives way.
    let mut stalled = Vec::new();
    for _ in 0..4 {
        stalled.push(TcpStream::connect(addr).await.unwrap());
        stalled.last_mut().unwrap().write_all(b"GET /").await.unwrap();
        assert_eq!(get(addr, "/x.torrent").await.1, b"d4:infodee");
    }

    let (remote, local) = ("192.0.2.1:5000".parse().unwrap(), "192.0.2.9:6881".parse().unwrap());
    let bytes = udp::encode_request(&Request::Connect { transaction: 3 }, "");
    questions.send(Datagram { remote, local, bytes }).await.unwrap();
    let Datagram { remote: to, local: from, bytes } = answered.recv().await.unwrap();
    assert_eq!((to, from), (remote, local));
    let Some(Reply::Connect { transaction: 3, connection }) = udp::decode_reply(&bytes, Family::V4) else { panic!() };
    let request = Request::Announce { connection, transaction: 4, announce: announce(2) };
    questions.send(Datagram { remote, local, bytes: udp::encode_request(&request, "/announce") }).await.unwrap();
    let bytes = answered.recv().await.unwrap().bytes;
    let Some(Reply::Announce { reply, .. }) = udp::decode_reply(&bytes, Family::V4) else { panic!() };
    assert_eq!(reply.peers, [local], "the seed is where it was asked");
    server.shutdown().await;
    hand_over.abort();
}
