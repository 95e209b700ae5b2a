//! Addresses that are kept out are not heard, spoken to or let in, whatever they speak (own design: lists of addresses).
#![allow(clippy::unwrap_used)] // helpers of tests are tests
mod common;

use common::{LOOPBACK, Led, TORRENT};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::time::Duration;
use teem_engine::input::Input;
use teem_path::Path;
use teem_path::filter::Filter;
use teem_swarm::output::Output;
use teem_swarm::remote::{Encryption, How, Transports};
use teem_swarm::torrent::address::DialError;

const BARRED: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));
/// A query of the DHT, and an answer of a tracker.
const PING: &[u8] = b"d1:ad2:id20:abcdefghij0123456789e1:q4:ping1:t2:aa1:y1:qe";
const TRACKER: &[u8] = &[0; 16];

fn led() -> (Led, Path) {
    let path = Path::direct();
    path.keep_out(Filter::of([(BARRED, BARRED)]));
    (Led::by(&path, Transports::Auto, Encryption::Allow, Some(LOOPBACK)), path)
}

fn udp(ip: IpAddr) -> UdpSocket {
    let socket = UdpSocket::bind((ip, 0)).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    socket
}

#[test]
fn packets_of_the_dht_neither_come_nor_go_and_trackers_are_heard() {
    let (led, path) = led();
    let (barred, free) = (udp(BARRED), udp(LOOPBACK));
    for (socket, packet) in [(&barred, PING), (&barred, TRACKER), (&free, PING)] {
        socket.send_to(packet, led.addr()).unwrap();
    }
    for (socket, packet) in [(&barred, TRACKER), (&free, PING)] {
        let Input::Datagram { from, bytes } = led.next() else { panic!("no packet") };
        assert_eq!((from, &bytes[..]), (socket.local_addr().unwrap(), packet));
    }
    let to = barred.local_addr().unwrap();
    led.run([PING, TRACKER].map(|packet| Output::Datagram { to, bytes: packet.to_vec() }));
    let mut room = [0; 64];
    let (len, _) = barred.recv_from(&mut room).unwrap();
    assert_eq!(&room[..len], TRACKER, "the first that comes");
    assert_eq!(path.barred().packets, 2);
    led.end();
}

#[test]
fn nobody_is_dialled_or_let_in() {
    let (led, path) = led();
    let stranger = TcpListener::bind((BARRED, 0)).unwrap();
    let to = stranger.local_addr().unwrap();
    led.run([Output::Dial { torrent: TORRENT, to: to.into(), plan: How::TCP.into() }]);
    let failed = |input: &Input<_>| matches!(input, Input::DialFailed { over: true, why: DialError::Filtered, .. });
    let input = std::iter::repeat_with(|| led.next()).find(|input| !matches!(input, Input::Command(_))).unwrap();
    assert!(failed(&input), "{input:?}");
    // It is closed without a word; the one after it is let in.
    let mut closed = from(BARRED, led.addr());
    assert_eq!(std::io::Read::read(&mut closed, &mut [0; 1]).unwrap_or(0), 0);
    assert_eq!((path.barred().dials, path.barred().accepts), (1, 1));
    led.end();
}

/// A connection that comes from there.
fn from(ip: IpAddr, to: SocketAddr) -> TcpStream {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::new(ip, 0).into()).unwrap();
    socket.connect(&to.into()).unwrap();
    socket.into()
}
