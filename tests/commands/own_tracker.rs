//! What the tracker of `share` and its own seed have to do with each other (BEP 15): each asker hears the address by which it reached
//! us, and the seed dials who announced.

use std::io::Read;
use std::net::{IpAddr, Ipv4Addr, SocketAddrV4, TcpListener, UdpSocket};
use std::path::Path;
use std::sync::mpsc::channel;
use std::time::Duration;

use crate::common::content::{self, Shape};
use crate::common::namespace::isolated;
use crate::common::teem::Teem;
use serde_json::Value;

const LIMIT: Duration = Duration::from_secs(60);
/// The first connection id of BEP 15.
const PROTOCOL: u64 = 0x0417_2710_1980;

/// A peer at `source` announces to the tracker at `tracker`, and hears of these.
fn announce(source: &str, tracker: (&str, u16), hash: &[u8], port: u16) -> Vec<SocketAddrV4> {
    let socket = UdpSocket::bind((source, 0)).expect("the namespace is our own");
    socket.set_read_timeout(Some(LIMIT)).expect("a timeout can be set");
    socket.connect(tracker).expect("it has an address");
    let mut buffer = [0; 2048];
    let hello = [&PROTOCOL.to_be_bytes()[..], &0u32.to_be_bytes(), &7u32.to_be_bytes()].concat();
    socket.send(&hello).expect("loopback sends");
    let size = socket.recv(&mut buffer).expect("the tracker answers");
    assert_eq!((size, &buffer[..8]), (16, &[0, 0, 0, 0, 0, 0, 0, 7][..]));
    let id = format!("-HO0001-{:012}", u64::from(port));
    let mut question = [&buffer[8..16], &1u32.to_be_bytes(), &8u32.to_be_bytes(), hash, id.as_bytes()].concat();
    for number in [0u64, 1000, 0] {
        question.extend(number.to_be_bytes());
    }
    for number in [2u32, 0, 9, 50] {
        question.extend(number.to_be_bytes()); // started, own address, key, peers wanted
    }
    question.extend(port.to_be_bytes());
    socket.send(&question).expect("loopback sends");
    let size = socket.recv(&mut buffer).expect("the tracker answers");
    assert_eq!(&buffer[..8], &[0, 0, 0, 1, 0, 0, 0, 8], "{}", String::from_utf8_lossy(&buffer[8..size]));
    let peer = |six: &[u8]| {
        SocketAddrV4::new(Ipv4Addr::new(six[0], six[1], six[2], six[3]), u16::from_be_bytes([six[4], six[5]]))
    };
    buffer[20..size].chunks_exact(6).map(peer).collect()
}

/// Shares something; its info-hash, the port of peers and that of the tracker.
fn share(folder: &Path) -> (Teem, Vec<u8>, u16, u16) {
    content::write(folder, "content", Shape::Single, 100_000);
    let path = folder.join("content");
    let mut source = Teem::start(&folder.join("home"), &["share", &path.to_string_lossy()]);
    let ready: Value = source.wait_event("ready", LIMIT);
    let number = |key: &str| ready[key].as_u64().and_then(|port| u16::try_from(port).ok()).expect("a port");
    let hex = ready["infohash_v1"].as_str().expect("a hash").to_string();
    let hash = (0..20).map(|i| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).expect("hexadecimal")).collect();
    (source, hash, number("port"), number("web_port"))
}

#[test]
fn the_seed_dials_who_announced() {
    isolated("the_seed_dials_who_announced", &[], |folder| {
        let (_source, hash, _, web_port) = share(folder);
        let peer = TcpListener::bind("198.18.3.1:0").expect("the namespace is our own");
        let port = peer.local_addr().expect("it is bound").port();
        let (said, hears) = channel();
        std::thread::spawn(move || {
            let (mut stream, _) = peer.accept().expect("a listener accepts");
            let mut handshake = [0; 68];
            stream.read_exact(&mut handshake).expect("who dials speaks first");
            said.send(handshake).expect("the test waits");
        });
        announce("198.18.3.1", ("198.18.0.2", web_port), &hash, port);
        let handshake = hears.recv_timeout(LIMIT).expect("the seed dials");
        assert_eq!((&handshake[..20], &handshake[28..48]), (&b"\x13BitTorrent protocol"[..], &hash[..]));
    });
}

#[test]
fn each_asker_hears_the_address_it_asked() {
    isolated("each_asker_hears_the_address_it_asked", &[], |folder| {
        let (_source, hash, port, web_port) = share(folder);
        let seed = |ip: &str| SocketAddrV4::new(ip.parse().expect("an address"), port);

        let near = announce("127.0.0.1", ("127.0.0.1", web_port), &hash, 5001);
        assert!(near.contains(&seed("127.0.0.1")), "a program on this machine hears {near:?}");
        for asked in ["198.18.0.2", "198.18.0.7"] {
            let heard = announce("198.18.3.1", (asked, web_port), &hash, 5002);
            assert!(heard.contains(&seed(asked)), "who asked {asked} hears {heard:?}");
            let loopback = heard.iter().any(|peer| IpAddr::from(*peer.ip()).is_loopback());
            assert!(!loopback, "a stranger hears {heard:?}");
        }
        let other = announce("198.18.3.2", ("198.18.0.2", web_port), &hash, 5003);
        assert!(other.contains(&SocketAddrV4::new(Ipv4Addr::new(198, 18, 3, 1), 5002)), "{other:?}");
        assert!(!other.iter().any(|peer| peer.ip().is_loopback()), "{other:?}");
    });
}
