//! A flood of openings of uTP from ten thousand addresses, and five hundred that begin encrypted and go no further: strangers are served meanwhile,
//! and no more than 8 MiB is kept (rows 43, 44 and 46 of the list of bad inputs). Alone in its file, since it looks at the memory of the process.
#![cfg(target_os = "linux")] // all of 127.0.0.0/8 is local, and the kernel tells what is resident
#![allow(clippy::unwrap_used)] // helpers of tests are tests

use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr, TcpStream, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use teem_engine::input::Input;
use teem_swarm::ids::ConnId;
use teem_swarm::output::Output;
use teem_swarm::remote::{Encryption, How, Transports};
use teem_utp::packet::{Head, Kind};
use teem_wire::peer::block::BlockRef;

mod common;
use common::{Led, TORRENT, content, handshake};

/// Addresses that openings come from, and how many from each.
const ADDRESSES: u32 = 10_000;
const EACH: u16 = 10;
/// What may be kept of all that, in bytes.
const MEMORY_MAX: usize = 8 << 20;

/// Bytes of this process that are resident.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() * 1_024
}

/// Openings from one address, until one of them is answered.
fn openings(from: u32, to: SocketAddr) {
    let [_, a, b, c] = from.to_be_bytes();
    let socket = UdpSocket::bind((Ipv4Addr::new(127, a + 1, b, c), 0)).unwrap();
    socket.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
    let mut answer = [0; 100];
    loop {
        for id in 0..EACH {
            let head = Head {
                kind: Kind::Syn,
                connection_id: id,
                timestamp_us: from,
                timestamp_difference_us: 0,
                window: 1 << 20,
                seq_nr: 1,
                ack_nr: 0,
            };
            socket.send_to(&head.encode(), to).unwrap();
        }
        // The system may have dropped all of them.
        if let Ok(len) = socket.recv(&mut answer) {
            assert_eq!(len, 20, "an answer is no longer than what it answers");
            return;
        }
    }
}

/// A stranger dials by that way and gets a block.
fn is_served(led: &Led, how: How) {
    let stranger = Led::with_torrent(Transports::Auto, Encryption::Allow);
    stranger.run([Output::Dial { torrent: TORRENT, to: led.addr().into(), plan: how.into() }]);
    let conn = match stranger.next() {
        Input::Connected { conn, .. } => conn,
        other => panic!("{how:?}: {other:?}"),
    };
    stranger.run([Output::Hello { conn, handshake: handshake() }]);
    let there = led.accepted();
    said_hello(led, there);
    led.run([Output::Hello { conn: there, handshake: handshake() }]);
    said_hello(&stranger, conn);
    let at = BlockRef { piece: 0, begin: 0, len: 16_384 };
    led.run([Output::SendBlock { conn: there, at, data: led.block(at) }]);
    loop {
        match stranger.next() {
            Input::Block { data, .. } => break assert_eq!(data.as_ref(), content(at)),
            Input::Sent { .. } => {}
            other => panic!("{how:?}: {other:?}"),
        }
    }
    stranger.end();
    // The one who was served leaves.
    loop {
        match led.next() {
            Input::Closed { conn, .. } if conn == there => break,
            Input::Sent { .. } => {}
            other => panic!("{how:?}: {other:?}"),
        }
    }
}

fn said_hello(led: &Led, conn: ConnId) {
    match led.next() {
        Input::Hello { conn: of, .. } if of == conn => {}
        other => panic!("{other:?}"),
    }
}

#[test]
fn strangers_are_served_in_a_flood_of_openings_and_little_is_kept() {
    let led = Led::with_torrent(Transports::Auto, Encryption::Allow);
    let ways = [How::UTP, How::UTP_MSE, How::TCP, How::TCP_MSE];
    // What is made once for all is there.
    for how in ways {
        is_served(&led, how);
    }
    let before = resident();
    let half_open = || {
        let mut stream = TcpStream::connect(led.addr()).unwrap();
        // Those that came first are let go for those that come later, perhaps before they have said a word.
        let _ = stream.write_all(&[0x77; 95]);
        stream
    };
    let _crowd: Vec<TcpStream> = (0..500).map(|_| half_open()).collect();
    let (to, served) = (led.addr(), AtomicBool::new(false));
    std::thread::scope(|scope| {
        let flood = scope.spawn(|| {
            let mut from = 0;
            while from < ADDRESSES || !served.load(Ordering::Relaxed) {
                openings(from % ADDRESSES, to);
                from += 1;
            }
        });
        for how in ways {
            is_served(&led, how);
        }
        served.store(true, Ordering::Relaxed);
        flood.join().unwrap();
    });
    let more = resident().saturating_sub(before);
    assert!(more <= MEMORY_MAX, "{more} bytes more");
    is_served(&led, How::UTP);
    led.end();
}
