//! The drivers over loopback: both protocols, both families, other content, and connections that stall.
#![allow(clippy::unwrap_used, reason = "helpers of tests may")]
use std::net::SocketAddr;
use teem_metainfo::InfoHash;
use teem_tracker_server::limits::Limits;
use teem_tracker_server::net::{Lent, Table, Udp, bind, routes};
use teem_tracker_server::tracker::{Access, Tracker};
use teem_web::Limits as WebLimits;
use teem_wire::compact::Family;
use teem_wire::datagram::Datagram;
use teem_wire::peer::handshake::PeerId;
use teem_wire::tracker::announce::{Announce, AnnounceEvent, AnnounceReply, Form};
use teem_wire::tracker::http::{announce_url, decode_reply};
use teem_wire::tracker::udp::{self, Reply, Request};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};
use tokio::sync::mpsc;

const HASH: InfoHash = InfoHash([9; 20]);

fn tracker() -> Table {
    Table::new(Tracker::new(Limits::DEFAULT, Access::Open, [3; 40]))
}

/// A tracker over both protocols.
struct Served {
    web: teem_web::Server,
    http: Vec<SocketAddr>,
    udp: Udp,
}

impl Served {
    fn http(&self) -> &[SocketAddr] {
        &self.http
    }

    fn udp(&self) -> &[SocketAddr] {
        self.udp.bound()
    }

    async fn shutdown(self) {
        self.web.shutdown().await;
        self.udp.shutdown().await;
    }
}

fn start(addr: &str, table: &Table) -> Served {
    let (http, udp) = bind::tcp_and_udp(addr.parse().unwrap()).unwrap();
    let mut web = teem_web::Server::new(routes(table.clone()), WebLimits::DEFAULT);
    let http = http.into_iter().map(|listener| web.listen(listener).unwrap()).collect();
    Served { web, http, udp: Udp::on(table, udp).unwrap() }
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
        form: Form::Full,
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
    let answer = exchange(to, &format!("GET {target} HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n")).await;
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
    let server = start("127.0.0.1:0", &table);
    let (http, udp) = (server.http()[0], server.udp()[0]);
    assert_eq!(http.port(), udp.port());
    assert_eq!(over_http(http, &announce(1)).await.peers, []);
    assert_eq!(over_udp(udp, &announce(1)).await.incomplete, Some(1));
    assert_eq!(over_udp(udp, &announce(2)).await.peers, ["127.0.0.1:1001".parse().unwrap()]);
    assert_eq!(over_http(http, &announce(1)).await.peers, ["127.0.0.1:1002".parse().unwrap()]);
    assert_eq!(table.tracker().counts(), (1, 2));
    let (head, body) = get(http, &format!("/scrape?info_hash={}", "%09".repeat(20))).await;
    assert!(head.starts_with("HTTP/1.1 200") && body.ends_with(b"10:incompletei2eeee"));
    server.shutdown().await;
    assert!(TcpStream::connect(http).await.is_err());
}

#[tokio::test]
async fn all_addresses_of_both_families() {
    let table = tracker();
    table.tracker().own_seed(HASH, 6881);
    let server = start("[::]:0", &table);
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
    table.tracker().own_seed(HASH, 6881);
    let server = start("0.0.0.0:0", &table);
    for ip in ["127.0.0.2", "127.9.9.9"] {
        let to = SocketAddr::new(ip.parse().unwrap(), server.udp()[0].port());
        let seed = SocketAddr::new(to.ip(), 6881);
        assert!(over_udp(to, &announce(1)).await.peers.contains(&seed));
        assert!(over_http(to, &announce(1)).await.peers.contains(&seed));
    }
}

#[tokio::test]
async fn many_announces_on_one_connection() {
    let server = start("127.0.0.1:0", &tracker());
    let mut stream = TcpStream::connect(server.http()[0]).await.unwrap();
    for id in 1..100 {
        let target = announce_url("/announce", &announce(id));
        stream.write_all(format!("GET {target} HTTP/1.1\r\nHost: t\r\n\r\n").as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        let (head, length) = loop {
            let mut buffer = [0; 4096];
            let read = stream.read(&mut buffer).await.unwrap();
            assert_ne!(read, 0, "the connection is kept");
            answer.extend_from_slice(&buffer[..read]);
            if let Some(at) = answer.windows(4).position(|w| w == b"\r\n\r\n") {
                let head = String::from_utf8(answer[..at].to_vec()).unwrap();
                let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
                break (at + 4, length.unwrap().parse::<usize>().unwrap());
            }
        };
        while answer.len() < head + length {
            assert_ne!(stream.read_buf(&mut answer).await.unwrap(), 0);
        }
        let reply = decode_reply(&answer[head..]).unwrap();
        assert_eq!(reply.incomplete, Some(u32::from(id)), "each is taken in");
    }
}

#[tokio::test]
async fn requests_that_are_no_announces() {
    let server = start("127.0.0.1:0", &tracker());
    let http = server.http()[0];
    let (head, body) = get(http, "/announce?info_hash=x").await;
    assert!(head.starts_with("HTTP/1.1 400") && head.contains("content-type: text/plain"));
    assert!(body.starts_with(b"d14:failure reason"), "clients show it");
    assert!(get(http, "/other").await.0.starts_with("HTTP/1.1 404"));
    assert!(get(http, "/scrape").await.0.starts_with("HTTP/1.1 400"));
    let post = "POST /announce HTTP/1.1\r\nHost: t\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    assert!(exchange(http, post).await.starts_with(b"HTTP/1.1 405"));
    // An info-hash is any 20 bytes, a host is no part of HTTP/1.0, and a proxy sends the whole URL.
    let hash = "%FE%00%80%20%2b".repeat(4);
    let target = format!("/announce?info_hash={hash}&peer_id={}&port=5&left=1&compact=1", "%fe".repeat(20));
    for request in [format!("GET {target} HTTP/1.0\r\n\r\n"), format!("GET http://t{target} HTTP/1.0\r\n\r\n")] {
        let answer = exchange(http, &request).await;
        assert!(answer.starts_with(b"HTTP/1.0 200") && answer.windows(14).any(|w| w == b"10:incompletei"), "{request}");
    }
}

#[tokio::test]
async fn a_port_of_somebody_else() {
    let table = tracker();
    table.tracker().own_seed(HASH, 6881);
    let (questions, asked) = mpsc::channel(4);
    let (answers, mut answered) = mpsc::unbounded_channel();
    let answer = Box::new(move |answer| answers.send(answer).unwrap());
    let server = Udp::lent(&table, Lent { questions: asked, answer });

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
    assert!(questions.is_closed());
}
