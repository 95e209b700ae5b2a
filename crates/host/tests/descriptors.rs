//! Out of file descriptors (own design; row 71 of the list of bad inputs). Alone in its file, because the limit is the process's.
#![allow(clippy::unwrap_used)] // helpers of tests are tests

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use socket2::{Domain, Socket, Type};
use std::fs::File;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::atomic::Ordering;
use teem_engine::input::{DialError, Input};
use teem_swarm::output::Output;
use teem_swarm::remote::How;

mod common;
use common::{Led, TORRENT};

/// A peer comes through; the host has then taken all who came before.
fn hello(led: &Led) {
    let mut peer = TcpStream::connect(led.addr()).unwrap();
    peer.write_all(&[19]).unwrap();
    led.accepted();
    drop(peer);
    assert!(matches!(led.next(), Input::Closed { .. }));
}

#[test]
fn accepting_rests_without_a_spin_and_goes_on_when_there_is_room() {
    let led = Led::new();
    let stranger = || Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    let (first, stranger) = (stranger(), stranger());
    // Threads that are still beginning may let go of a descriptor later: when one stranger is through, they run.
    first.connect(&led.addr().into()).unwrap();
    first.send(&[19]).unwrap();
    led.accepted();
    let maximum = getrlimit(Resource::Nofile).maximum;
    setrlimit(Resource::Nofile, Rlimit { current: Some(64), maximum }).unwrap();
    let mut hogs = Vec::new();
    while let Ok(hog) = File::open("/dev/null") {
        hogs.push(hog);
    }
    let turns = led.pool.turns.load(Ordering::SeqCst);
    stranger.connect(&led.addr().into()).unwrap();
    stranger.send(&[19]).unwrap();
    // The dial is answered after the stranger has been looked at in vain, or with it in one turn.
    let addr = led.addr();
    led.run([Output::Dial { torrent: TORRENT, to: addr.into(), plan: How::TCP.into() }]);
    match led.next() {
        Input::DialFailed { why: DialError::Unreachable, .. } => {}
        other => panic!("{other:?}"),
    }
    drop(hogs);
    led.accepted();
    let turns = led.pool.turns.load(Ordering::SeqCst) - turns;
    assert!(turns < 50, "{turns} turns to accept one connection");

    // Those who say nothing give way, the oldest first, to those who may.
    let mut silent: Vec<_> = (0..8).map(|_| TcpStream::connect(led.addr()).unwrap()).collect();
    let late = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    hello(&led);
    let mut hogs = Vec::new();
    while let Ok(hog) = File::open("/dev/null") {
        hogs.push(hog);
    }
    late.connect(&led.addr().into()).unwrap();
    late.send(&[19]).unwrap();
    led.accepted();
    assert_eq!(silent[0].read(&mut [0; 1]).unwrap(), 0);
    drop((hogs, late, stranger));
    led.end();
}
