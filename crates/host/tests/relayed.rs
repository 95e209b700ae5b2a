//! Packets through the relay of a proxy (RFC 1928, section 7), and none past it: they wait until it is granted, stop when it falls, and go on when it is there again.
#![allow(clippy::unwrap_used)] // helpers of tests are tests
mod common;

use common::{LOOPBACK, Led, TORRENT};
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::sync::mpsc::channel;
use std::time::Duration;
use teem_engine::input::Input;
use teem_host::mailbox::HostMsg;
use teem_host::named::Named;
use teem_path::opener::{OpenError, Target};
use teem_path::{Datagrams, Path};
use teem_rig::socks::{Manner, Relay, Socks};
use teem_swarm::output::Output;
use teem_swarm::remote::{Encryption, How, Plan, Transports};
use teem_swarm::torrent::address::DialError;

const LIMIT: Duration = Duration::from_secs(30);
/// A query of the DHT, and an answer of a tracker.
const PING: &[u8] = b"d1:ad2:id20:abcdefghij0123456789e1:q4:ping1:t2:aa1:y1:qe";
const TRACKER: &[u8] = &[0; 16];

fn manner(at: SocketAddr, relay: Relay) -> Manner {
    Manner { at, user: None, relay, names: vec![("node.test", LOOPBACK)] }
}

fn proxy(relay: Relay) -> Socks {
    Socks::serve(manner((LOOPBACK, 0).into(), relay), None)
}

fn led(proxy: SocketAddr) -> (Led, Path) {
    let path = Path::direct().through(format!("socks5://{proxy}").parse().unwrap(), vec![proxy], false);
    (Led::by(&path, Transports::Auto, Encryption::Off, None), path)
}

fn udp() -> UdpSocket {
    let socket = UdpSocket::bind((LOOPBACK, 0)).unwrap();
    socket.set_read_timeout(Some(LIMIT)).unwrap();
    socket
}

/// Sends a packet to somebody until it has come; where from it came.
fn comes(led: &Led, somebody: &UdpSocket, packet: &'static [u8]) -> SocketAddr {
    led.run([Output::Datagram { to: somebody.local_addr().unwrap(), bytes: packet.to_vec() }]);
    let mut room = [0; 64];
    let (len, from) = somebody.recv_from(&mut room).unwrap();
    assert_eq!(&room[..len], packet);
    from
}

fn heard(led: &Led, from: &UdpSocket, packet: &[u8]) {
    let input = std::iter::repeat_with(|| led.next()).find(|input| matches!(input, Input::Datagram { .. })).unwrap();
    let Input::Datagram { from: said, bytes } = input else { unreachable!() };
    assert_eq!((said, &bytes[..]), (from.local_addr().unwrap(), packet));
}

/// The next dial that has failed.
fn failed(led: &Led) -> Input<common::Block> {
    std::iter::repeat_with(|| led.next()).find(|input| matches!(input, Input::DialFailed { .. })).unwrap()
}

#[test]
fn packets_go_and_come_by_it_however_it_is_named() {
    for relay in [Relay::Named, Relay::Unspecified, Relay::NoName] {
        let proxy = proxy(relay);
        let (led, path) = led(proxy.addr());
        let somebody = udp();
        // The first waits until the relay is there.
        let from = comes(&led, &somebody, PING);
        assert_eq!(path.datagrams(), Some(Datagrams::Carried(from)), "{relay:?}");
        somebody.send_to(TRACKER, from).unwrap();
        heard(&led, &somebody, TRACKER);
        led.end();
    }
}

#[test]
fn what_falls_is_asked_for_again_and_meanwhile_nothing_is_sent() {
    let first = proxy(Relay::Named);
    let at = first.addr();
    let (led, path) = led(at);
    let somebody = udp();
    comes(&led, &somebody, PING);
    drop(first);
    let until = std::time::Instant::now() + LIMIT;
    while path.datagrams() != Some(Datagrams::Lost) {
        assert!(std::time::Instant::now() < until, "{:?}", path.datagrams());
        // The host looks at its sockets in each turn.
        led.run([]);
    }
    led.run([Output::Datagram { to: somebody.local_addr().unwrap(), bytes: TRACKER.to_vec() }]);
    let again = Socks::serve(manner(at, Relay::Named), None);
    while !matches!(led.next(), Input::Moved) {}
    let from = comes(&led, &somebody, PING);
    assert_eq!(path.datagrams(), Some(Datagrams::Carried(from)));
    drop(again);
    led.end();
}

#[test]
fn without_one_nothing_goes_and_a_dial_by_utp_fails_at_once() {
    let proxy = proxy(Relay::Refused);
    let (led, path) = led(proxy.addr());
    let (tell, told) = channel();
    let named = Named {
        to: Target::Name("node.test".into(), 9),
        packet: PING.to_vec(),
        answers: Box::new(|_| true),
        tell: Box::new(move |addr| tell.send(addr).unwrap()),
    };
    led.host.send(HostMsg::Name(named)).unwrap();
    assert_eq!(told.recv_timeout(LIMIT), Ok(None));
    assert_eq!(path.datagrams(), Some(Datagrams::Refused(OpenError::Unsupported)));
    led.run([Output::Dial { torrent: TORRENT, to: udp().local_addr().unwrap().into(), plan: How::UTP.into() }]);
    let input = failed(&led);
    assert!(matches!(input, Input::DialFailed { over: true, why: DialError::Unreachable, .. }), "{input:?}");
    led.end();
}

#[test]
fn a_name_is_found_by_asking_it() {
    let proxy = proxy(Relay::Unspecified);
    let (led, _) = led(proxy.addr());
    let somebody = udp();
    let port = somebody.local_addr().unwrap().port();
    let (tell, told) = channel();
    let ask = |name: &str| {
        let tell = tell.clone();
        Named {
            to: Target::Name(name.into(), port),
            packet: PING.to_vec(),
            answers: Box::new(|packet| packet == b"pong"),
            tell: Box::new(move |addr| tell.send(addr).unwrap()),
        }
    };
    led.host.send(HostMsg::Name(ask("node.test"))).unwrap();
    let mut room = [0; 64];
    let (len, from) = somebody.recv_from(&mut room).unwrap();
    assert_eq!(&room[..len], PING);
    for packet in [&b"noise"[..], b"pong"] {
        somebody.send_to(packet, from).unwrap();
    }
    assert_eq!(told.recv_timeout(LIMIT), Ok(Some(somebody.local_addr().unwrap())));
    proxy.wait(&format!("udp node.test {port}"), LIMIT);
    led.host.send(HostMsg::Name(ask("nobody.test"))).unwrap();
    assert_eq!(told.recv_timeout(LIMIT), Ok(None), "nobody answers there");
    led.end();
}

/// The proxy takes connections at once, and those behind it may be silent: that decides no race.
#[test]
fn a_proxy_that_answers_is_no_peer_that_does() {
    let proxy = proxy(Relay::Named);
    let (led, path) = led(proxy.addr());
    let silent = TcpListener::bind((LOOPBACK, 0)).unwrap();
    let somebody = UdpSocket::bind(silent.local_addr().unwrap()).unwrap();
    somebody.set_read_timeout(Some(LIMIT)).unwrap();
    drop(silent);
    comes(&led, &somebody, PING);
    assert!(matches!(path.datagrams(), Some(Datagrams::Carried(_))));
    let plan = Plan { first: How::TCP, second: Some(How::UTP) };
    led.run([Output::Dial { torrent: TORRENT, to: somebody.local_addr().unwrap().into(), plan }]);
    let input = failed(&led);
    assert!(matches!(input, Input::DialFailed { how: How::TCP, over: false, .. }), "{input:?}");
    let mut room = [0; 64];
    let (len, _) = somebody.recv_from(&mut room).unwrap();
    assert_eq!((len, room[0]), (20, 0x41), "an opening of uTP");
    led.end();
}
