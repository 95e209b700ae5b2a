//! What comes to the peers' port and is not for the engine (own design; BEP 15, RFC 9112): HTTP connections, questions to a tracker.
#![allow(clippy::unwrap_used)] // helpers of tests are tests

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::time::Duration;
use teem_engine::input::Input;
use teem_host::mailbox::HostMsg;
use teem_swarm::output::CloseReason;
use teem_wire::datagram::Datagram;
use teem_wire::peer::encode::encode_handshake;
use teem_wire::tracker::udp::{Request, encode_request};

mod common;
use common::{Led, Told, handshake};

/// Far above anything that a sound run needs; only a hang reaches it.
const PATIENCE: Duration = Duration::from_secs(30);

fn connect(to: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(to).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}

/// Each address of a host with one of this machine's own in it.
fn reachable(led: &Led) -> Vec<SocketAddr> {
    let here = |addr: &SocketAddr| {
        let ip = if addr.is_ipv4() { "127.0.0.1" } else { "::1" };
        SocketAddr::new(ip.parse().unwrap(), addr.port())
    };
    // A machine may know the family and yet have no loopback address in it.
    led.host.bound().addrs.iter().map(here).filter(|addr| UdpSocket::bind((addr.ip(), 0)).is_ok()).collect()
}

fn visitor(led: &Led) -> TcpStream {
    match led.told() {
        Told::Http(stream) => {
            stream.set_nonblocking(false).unwrap();
            stream.set_read_timeout(Some(PATIENCE)).unwrap();
            stream
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn http_and_peers_come_to_one_port_of_both_families() {
    let led = Led::on(None);
    for addr in reachable(&led) {
        let request = b"GET /announce?x HTTP/1.1\r\n\r\n";
        let mut browser = connect(addr);
        browser.write_all(request).unwrap();
        let mut given = visitor(&led);
        assert_eq!(given.peer_addr().unwrap(), browser.local_addr().unwrap());
        let mut got = vec![0; request.len()];
        given.read_exact(&mut got).unwrap();
        assert_eq!(got, request, "it is whole");
        given.write_all(b"answer").unwrap();
        drop(given);
        let mut answer = Vec::new();
        browser.read_to_end(&mut answer).unwrap();
        assert_eq!(answer, b"answer");

        let mut peer = connect(addr);
        peer.write_all(&encode_handshake(&handshake())).unwrap();
        let conn = led.accepted();
        assert!(matches!(led.next(), Input::Hello { conn: of, .. } if of == conn));
        drop(peer);
        assert!(matches!(led.next(), Input::Closed { why: CloseReason::Remote, .. }));
    }
    led.end();
}

/// The host has looked at all that was sent before: a peer that comes later is through.
fn settle(led: &Led) {
    let mut peer = connect(led.addr());
    peer.write_all(&[19]).unwrap();
    led.accepted();
    drop(peer);
    assert!(matches!(led.next(), Input::Closed { why: CloseReason::Remote, .. }));
}

#[test]
fn single_bytes_decide_as_soon_as_they_can() {
    let led = Led::new();
    let mut browser = connect(led.addr());
    for byte in b"HEA" {
        browser.write_all(&[*byte]).unwrap();
        settle(&led);
        assert!(led.told.try_recv().is_err(), "not yet");
    }
    browser.write_all(b"D").unwrap();
    let mut head = [0; 4];
    visitor(&led).read_exact(&mut head).unwrap();
    assert_eq!(&head, b"HEAD");

    let mut peer = connect(led.addr());
    for (n, byte) in encode_handshake(&handshake()).into_iter().enumerate() {
        peer.write_all(&[byte]).unwrap();
        if n == 0 {
            led.accepted();
        }
    }
    assert!(matches!(led.next(), Input::Hello { .. }));
    drop(peer);
    assert!(matches!(led.next(), Input::Closed { why: CloseReason::Remote, .. }));

    // What departs from HTTP is a peer's fault, seen at once.
    let mut neither = connect(led.addr());
    neither.write_all(b"G").unwrap();
    settle(&led);
    neither.write_all(b"X").unwrap();
    led.accepted();
    assert!(matches!(led.next(), Input::Closed { why: CloseReason::NotBitTorrent, .. }));
    assert!(matches!(neither.read(&mut [0; 1]), Ok(0) | Err(_)));
    led.end();
}

#[test]
fn who_leaves_undecided_was_never_there() {
    let led = Led::new();
    for bytes in [&b""[..], b"G", b"POS"] {
        let mut stranger = connect(led.addr());
        stranger.write_all(bytes).unwrap();
        stranger.shutdown(std::net::Shutdown::Write).unwrap();
        assert!(matches!(stranger.read(&mut [0; 1]), Ok(0) | Err(_)), "closed at once: {bytes:?}");
    }
    // One who has asked and says no more still gets an answer.
    let mut browser = connect(led.addr());
    browser.write_all(b"GET / HTTP/1.0\r\n\r\n").unwrap();
    browser.shutdown(std::net::Shutdown::Write).unwrap();
    let mut given = visitor(&led);
    given.read_to_end(&mut Vec::new()).unwrap();
    given.write_all(b"answer").unwrap();
    drop(given);
    let mut answer = Vec::new();
    browser.read_to_end(&mut answer).unwrap();
    assert_eq!(answer, b"answer");
    led.end();
}

#[test]
fn a_flood_of_silent_connections_locks_nobody_out() {
    let led = Led::new();
    let mut silent: Vec<_> = (0..40).map(|_| connect(led.addr())).collect();
    for round in 0..20 {
        let mut peer = connect(led.addr());
        silent.extend((0..20).map(|_| connect(led.addr())));
        peer.write_all(&encode_handshake(&handshake())).unwrap();
        let conn = led.accepted();
        assert!(matches!(led.next(), Input::Hello { conn: of, .. } if of == conn), "round {round}");
        drop(peer);
        assert!(matches!(led.next(), Input::Closed { .. }));
        let mut browser = connect(led.addr());
        browser.write_all(b"GET /").unwrap();
        visitor(&led);
    }
    // The oldest of them had to go.
    assert!(matches!(silent[0].read(&mut [0; 1]), Ok(0) | Err(_)));
    led.end();
}

#[test]
fn questions_to_a_tracker_are_answered_from_the_address_that_was_asked() {
    let led = Led::on(None);
    for asked in reachable(&led) {
        let asker = UdpSocket::bind((asked.ip(), 0)).unwrap();
        asker.set_read_timeout(Some(PATIENCE)).unwrap();
        let question = encode_request(&Request::Connect { transaction: 7 }, "");
        asker.send_to(&question, asked).unwrap();
        let packet = match led.told() {
            Told::Datagram(packet) => packet,
            other => panic!("{other:?}"),
        };
        let want = Datagram { remote: asker.local_addr().unwrap(), local: asked, bytes: question };
        assert_eq!(packet, want);
        led.host.send(HostMsg::Datagram(Datagram { bytes: b"answer".to_vec(), ..packet })).unwrap();
        let mut buffer = [0; 64];
        let (len, from) = asker.recv_from(&mut buffer).unwrap();
        assert_eq!((&buffer[..len], from), (&b"answer"[..], asked));

        // What a tracker answers still goes to the engine.
        asker.send_to(&[0; 16], asked).unwrap();
        assert!(matches!(led.next(), Input::Datagram { from, .. } if from == asker.local_addr().unwrap()));
    }
    led.end();
}

/// The packet of BEP 29 that opens connection 0x1234 by packet 7.
const SYN: [u8; 20] = [0x41, 0, 0x12, 0x34, 1, 2, 3, 4, 0, 0, 0, 0, 0, 0x10, 0, 0, 0, 7, 0, 0];

#[test]
fn an_opening_of_utp_is_refused_at_the_address_that_was_asked_and_nothing_else_is_answered() {
    let led = Led::on(None);
    for addr in reachable(&led) {
        let asker = UdpSocket::bind((addr.ip(), 0)).unwrap();
        asker.set_read_timeout(Some(PATIENCE)).unwrap();
        asker.connect(addr).unwrap();
        let mut buffer = [0; 64];
        for first in [0x01, 0x11, 0x21, 0x31, 0x51, 0x40, 0x42] {
            let mut packet = SYN;
            packet[0] = first; // no opening
            asker.send(&packet).unwrap();
        }
        asker.send(&SYN[..19]).unwrap();
        let mut long = SYN.to_vec();
        long.extend([7; 1000]);
        for opening in [&SYN[..], &long] {
            asker.send(opening).unwrap();
            assert_eq!(asker.recv(&mut buffer).unwrap(), 20, "the first answer is to the first opening");
            assert_eq!(buffer[..4], [0x31, 0, 0x12, 0x34], "a reset of that connection");
            assert_eq!(buffer[18..20], [0, 7], "which acknowledges the packet");
        }
    }
    led.end();
}
