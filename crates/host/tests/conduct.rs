//! How the host behaves toward single peers (own design; BEP 3; rows 44 and 45 of the list of bad inputs as far as they are the host's).
#![allow(clippy::unwrap_used)] // helpers of tests are tests

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream, UdpSocket};
use std::time::Duration;
use teem_engine::input::{DialError, Input};
use teem_host::mailbox::{HostMsg, SendError};
use teem_swarm::ask::{Answer, AskId, Question};
use teem_swarm::command::Command;
use teem_swarm::ids::ConnId;
use teem_swarm::output::CloseReason;
use teem_swarm::output::Output;
use teem_swarm::remote::How;
use teem_wire::peer::block::BlockRef;
use teem_wire::peer::encode::{block_head, encode, encode_handshake};
use teem_wire::peer::message::Message;

mod common;
use common::{LOOPBACK, Led, TORRENT, Told, content, handshake};

/// A peer of ours that the test plays, connected and through its handshake.
fn peer(led: &Led) -> (TcpStream, ConnId) {
    let mut peer = TcpStream::connect(led.addr()).unwrap();
    peer.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    peer.write_all(&encode_handshake(&handshake())).unwrap();
    let conn = led.accepted();
    match led.next() {
        Input::Hello { conn: of, handshake: got, .. } => assert_eq!((of, got), (conn, handshake())),
        other => panic!("{other:?}"),
    }
    (peer, conn)
}

#[test]
fn a_dialler_that_begins_with_mse_is_closed_at_the_first_odd_byte() {
    let led = Led::new();
    for (start, odd) in [(&b"\x7f"[..], 0), (&b"\x13BitT\x00"[..], 5)] {
        let mut peer = TcpStream::connect(led.addr()).unwrap();
        peer.write_all(start).unwrap();
        let conn = led.accepted();
        match led.next() {
            Input::Closed { conn: of, why } => assert_eq!((of, why), (conn, CloseReason::NotBitTorrent), "byte {odd}"),
            other => panic!("{other:?}"),
        }
        // The end, or a reset when our byte was still unread: both make the other side come back in plaintext.
        assert!(matches!(peer.read(&mut [0; 16]), Ok(0) | Err(_)));
    }
    led.end();
}

#[test]
fn messages_in_single_bytes_arrive_whole() {
    let led = Led::new();
    let (mut peer, conn) = peer(&led);
    let mut bytes = Vec::new();
    encode(&Message::Have(5), &mut bytes);
    let at = BlockRef { piece: 3, begin: 16384, len: 100 };
    bytes.extend_from_slice(&block_head(at));
    bytes.extend_from_slice(&content(at));
    peer.set_nodelay(true).unwrap();
    for byte in bytes {
        peer.write_all(&[byte]).unwrap();
    }
    assert!(matches!(led.next(), Input::Message { conn: of, message: Message::Have(5) } if of == conn));
    match led.next() {
        Input::Block { conn: of, at: got, data } => {
            assert_eq!((of, got), (conn, at));
            assert_eq!(data.as_ref(), content(at));
        }
        other => panic!("{other:?}"),
    }
    drop(peer);
    assert!(matches!(led.next(), Input::Closed { why: CloseReason::Remote, .. }));
    led.end();
}

/// The last words of a peer and the end of the stream come in one segment, and so in one word of the poll.
#[cfg(target_os = "linux")]
#[test]
fn an_end_that_comes_with_the_last_words_is_seen() {
    let led = Led::new();
    let mut bytes = Vec::new();
    encode(&Message::Have(5), &mut bytes);
    let corked = |peer: &TcpStream| socket2::SockRef::from(peer).set_tcp_cork(true).unwrap();
    for _ in 0..20 {
        let (mut peer, conn) = peer(&led);
        corked(&peer);
        peer.write_all(&bytes).unwrap();
        peer.shutdown(Shutdown::Write).unwrap();
        assert!(matches!(led.next(), Input::Message { conn: of, message: Message::Have(5) } if of == conn));
        assert!(matches!(led.next(), Input::Closed { conn: of, why: CloseReason::Remote } if of == conn));
    }
    // The first words may be the last.
    for _ in 0..20 {
        let mut peer = TcpStream::connect(led.addr()).unwrap();
        corked(&peer);
        peer.write_all(&encode_handshake(&handshake())).unwrap();
        peer.shutdown(Shutdown::Write).unwrap();
        let conn = led.accepted();
        assert!(matches!(led.next(), Input::Hello { conn: of, .. } if of == conn));
        assert!(matches!(led.next(), Input::Closed { conn: of, why: CloseReason::Remote } if of == conn));
    }
    led.end();
}

#[test]
fn a_frame_over_the_limit_ends_the_connection() {
    let led = Led::new();
    let (mut peer, conn) = peer(&led);
    peer.write_all(&[0xff; 4]).unwrap();
    match led.next() {
        Input::Closed { conn: of, why: CloseReason::Protocol(_) } => assert_eq!(of, conn),
        other => panic!("{other:?}"),
    }
    led.end();
}

#[test]
fn close_sends_what_was_queued_even_to_one_who_talks() {
    let led = Led::new();
    let (mut peer, conn) = peer(&led);
    // More than the kernel takes at once, so that closing has something to wait for; and bytes of the peer that nobody will read.
    let blocks: Vec<_> = (0..512).map(|n| BlockRef { piece: n / 16, begin: n % 16 * 16384, len: 16384 }).collect();
    let mut want = Vec::new();
    let mut outputs = Vec::new();
    for &at in &blocks {
        want.extend_from_slice(&block_head(at));
        want.extend_from_slice(&content(at));
        outputs.push(Output::SendBlock { conn, at, data: led.block(at) });
    }
    outputs.push(Output::Close { conn, why: CloseReason::Useless });
    outputs.push(Output::Send { conn, message: Message::Choke });
    led.run(outputs);
    peer.write_all(&vec![0; 40_000]).unwrap();
    let mut got = Vec::new();
    peer.read_to_end(&mut got).unwrap();
    assert!(got == want, "{} of {} bytes", got.len(), want.len());
    drop(peer);
    led.end();
}

#[test]
fn sent_tells_the_payload_and_a_full_kernel_is_waited_for() {
    let led = Led::new();
    let (mut peer, conn) = peer(&led);
    let at = |n: u32| BlockRef { piece: n, begin: 0, len: 16384 };
    led.run((0..1024).map(|n| Output::SendBlock { conn, at: at(n), data: led.block(at(n)) }));
    let mut got = vec![0; 1024 * (13 + 16384)];
    peer.read_exact(&mut got).unwrap();
    let mut sent = 0;
    while sent < 1024 * 16384 {
        match led.next() {
            Input::Sent { conn: of, bytes } if of == conn => sent += bytes,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(sent, 1024 * 16384);
    for (n, frame) in (0..).zip(got.chunks(13 + 16384)) {
        assert!(frame[..13] == block_head(at(n)) && frame[13..] == content(at(n)), "block {n}");
    }
    drop(peer);
    led.end();
}

#[test]
fn messages_do_not_pile_up_for_a_peer_that_does_not_read() {
    let led = Led::new();
    let (mut peer, conn) = peer(&led);
    // The kernels of both ends take some megabytes; what is beyond waits with us.
    let mut rounds = 0;
    let why = loop {
        led.run((0..4).map(|_| Output::Send { conn, message: Message::Bitfield(vec![0; 262_144]) }));
        // The answer to our byte shows that the host has been through that turn.
        peer.write_all(&[0; 4]).unwrap_or_default();
        rounds += 1;
        assert!(rounds < 100, "it never ends");
        match led.next() {
            Input::Message { message: Message::KeepAlive, .. } => {}
            Input::Closed { conn: of, why } if of == conn => break why,
            other => panic!("{other:?}"),
        }
    };
    assert!(matches!(why, CloseReason::Flood(_)), "{why:?}");
    led.end();
}

#[test]
fn dials_come_to_something_or_say_why_not() {
    let led = Led::new();
    let listener = TcpListener::bind((LOOPBACK, 0)).unwrap();
    let addr = listener.local_addr().unwrap();
    led.run([Output::Dial { torrent: TORRENT, to: addr.into(), plan: How::TCP.into() }]);
    let conn = match led.next() {
        Input::Connected { conn, torrent: TORRENT, remote, local: Some(local), how: How::TCP } if remote == addr => {
            assert_eq!(local.ip(), LOOPBACK);
            conn
        }
        other => panic!("{other:?}"),
    };
    let (mut peer, _) = listener.accept().unwrap();
    led.run([Output::Hello { conn, handshake: handshake() }]);
    let mut hello = [0; 68];
    peer.read_exact(&mut hello).unwrap();
    assert_eq!(hello, encode_handshake(&handshake()));

    drop(listener);
    led.run([Output::Dial { torrent: TORRENT, to: addr.into(), plan: How::TCP.into() }]);
    match led.next() {
        Input::DialFailed { torrent: TORRENT, to, how: How::TCP, why: DialError::Refused, over: true } => {
            assert_eq!(to, addr);
        }
        other => panic!("{other:?}"),
    }
    let v6: std::net::SocketAddr = "[::1]:6881".parse().unwrap();
    led.run([Output::Dial { torrent: TORRENT, to: v6.into(), plan: How::TCP.into() }]);
    match led.next() {
        Input::DialFailed { torrent: TORRENT, to, how: How::TCP, why: DialError::Unreachable, over: true } => {
            assert_eq!(to, v6);
        }
        other => panic!("{other:?}"),
    }
    led.end();
}

#[test]
fn strangers_without_a_handshake_are_bounded_and_the_oldest_goes() {
    let led = Led::new();
    let mut first = TcpStream::connect(led.addr()).unwrap();
    first.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    first.write_all(&[19]).unwrap();
    let oldest = led.accepted();
    // One that has shown its handshake is not among them, however old.
    let (proven, _) = peer(&led);
    let mut crowd = Vec::new();
    let evicted = loop {
        let mut one = TcpStream::connect(led.addr()).unwrap();
        one.write_all(&[19]).unwrap();
        crowd.push(one);
        assert!(crowd.len() < 1000, "nobody ever goes");
        match led.next() {
            Input::Accepted { .. } => {}
            Input::Closed { conn, why: CloseReason::TooMany } => break conn,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(evicted, oldest);
    assert!(matches!(first.read(&mut [0; 1]), Ok(0) | Err(_)));
    drop(proven);
    led.end();
}

#[test]
fn a_packet_of_a_tracker_comes_in_and_goes_out_of_the_listening_port() {
    let led = Led::new();
    let tracker = UdpSocket::bind((LOOPBACK, 0)).unwrap();
    tracker.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    led.run([Output::Datagram { to: tracker.local_addr().unwrap(), bytes: vec![5; 16] }]);
    let mut packet = [0; 64];
    let (len, from) = tracker.recv_from(&mut packet).unwrap();
    assert_eq!((&packet[..len], from), (&[5; 16][..], led.addr()));
    tracker.send_to(&[0; 16], led.addr()).unwrap();
    match led.next() {
        Input::Datagram { from, bytes } => {
            assert_eq!((from, bytes), (tracker.local_addr().unwrap(), vec![0; 16]));
        }
        other => panic!("{other:?}"),
    }
    led.end();
}

#[test]
fn both_families_come_in_under_their_own_addresses() {
    let led = Led::on(None);
    let bound = led.host.bound();
    for addr in &bound.addrs {
        let ip = if addr.is_ipv4() { LOOPBACK } else { "::1".parse().unwrap() };
        // A machine may know the family and yet have no loopback address in it.
        let Ok(mut stranger) = TcpStream::connect((ip, bound.port)) else { continue };
        stranger.write_all(&[19]).unwrap();
        match led.next() {
            Input::Accepted { remote, local: Some(local), .. } => {
                assert_eq!(remote, stranger.local_addr().unwrap());
                assert_eq!(local, stranger.peer_addr().unwrap());
            }
            other => panic!("{other:?}"),
        }
        drop(stranger);
        assert!(matches!(led.next(), Input::Closed { why: CloseReason::Remote, .. }));
    }
    led.end();
}

#[test]
fn the_owner_is_asked_and_its_answers_come_in() {
    let led = Led::new();
    let resolve =
        |host: &str| Question::Resolve { host: host.into(), port: 6969, speaks: teem_swarm::ask::Speaks::Tracker };
    led.run([Output::Ask { id: AskId(7), question: resolve("tracker.example") }]);
    assert!(matches!(led.told(), Told::Ask(AskId(7), Question::Resolve { host, .. }) if host == "tracker.example"));
    let answer = Answer::Resolved(Ok(vec!["192.0.2.1:6969".parse().unwrap()]));
    led.host.send(HostMsg::Answer { id: AskId(7), answer }).unwrap();
    match led.next() {
        Input::Answer { id: AskId(7), answer: Answer::Resolved(Ok(list)) } => assert_eq!(list.len(), 1),
        other => panic!("{other:?}"),
    }
    // Of a question that it has no room for, the engine hears at once.
    led.run([Output::Ask { id: AskId(8), question: resolve("busy.example") }]);
    assert!(matches!(led.next(), Input::Answer { id: AskId(8), answer: Answer::Busy }));
    led.end();
}

#[test]
fn the_end_frees_the_port_and_later_messages_come_back() {
    let led = Led::new();
    let addr = led.addr();
    let (mut peer, _) = peer(&led);
    led.host.stop();
    assert_eq!(peer.read(&mut [0; 1]).unwrap_or(0), 0);
    drop(peer);
    led.host.join().unwrap();
    assert!(matches!(led.host.send(HostMsg::Command(Command::Sync(TORRENT))), Err(SendError::Stopped(_))));
    assert_eq!(TcpStream::connect(addr).unwrap_err().kind(), ErrorKind::ConnectionRefused);
    assert!(led.told.recv().is_err(), "the owner is dropped with the thread");
}
