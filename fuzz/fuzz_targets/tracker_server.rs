<<<<<<< HEAD
//! The tracker: any target and any packet is survived, nobody gets more over UDP than he sent without an id of his own, and the table
//! stays within its bounds.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::net::SocketAddr;
use std::time::Duration;
use teem_tracker_server::limits::Limits;
use teem_tracker_server::tracker::{Access, Tracker};
use teem_tracker_server::{http, udp};
use teem_wire::tracker::udp::{Request, decode_request, encode_request};

const NOW: Duration = Duration::from_secs(1000);

fuzz_target!(|requests: Vec<(u16, Vec<u8>)>| {
    let limits = Limits { torrents: 4, peers_per_torrent: 4, peers: 8, ..Limits::DEFAULT };
    let mut tracker = Tracker::new(limits, Access::Open, [7; 40]);
    let local = SocketAddr::from(([198, 18, 0, 1], 6969));
    for (who, bytes) in requests {
        let from = SocketAddr::from(([198, 18, who as u8, 9], who));
        let now = NOW + Duration::from_secs(u64::from(who));
        if let Ok(text) = str::from_utf8(&bytes) {
            let _ = http::handle(&mut tracker, now, from, local, text);
            let _ = http::handle(&mut tracker, now, from, local, &format!("/announce?{text}"));
            let _ = http::handle(&mut tracker, now, from, local, &format!("/scrape?{text}"));
        }
        let answer = udp::handle(&mut tracker, now, from, local, &bytes);
        assert!(answer.is_none_or(|answer| answer.len() <= bytes.len()));
        // The same request by somebody who has an id.
        let connect = encode_request(&Request::Connect { transaction: 1 }, "");
        let answer = udp::handle(&mut tracker, now, from, local, &connect).expect("a connect is answered");
        if let Some(Request::Announce { .. } | Request::Scrape { .. }) = decode_request(&bytes) {
            let packet = [&answer[8..16], &bytes[8..]].concat();
            assert!(udp::handle(&mut tracker, now, from, local, &packet).is_some());
        }
        let (torrents, peers) = tracker.counts();
        assert!(torrents <= limits.torrents && peers <= limits.peers);
    }
});
=======
//! A tracker under requests from strangers: never a panic, every answer is readable, and a forged sender is sent no more
//! than he sent.
#![no_main]

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use teem_bencode::{Limits as Bencode, parse};
use teem_tracker_server::limits::Limits;
use teem_tracker_server::tracker::{Access, Tracker};
use teem_tracker_server::{http, udp};
use teem_wire::compact::Family;
use teem_wire::tracker::udp::{PROTOCOL_ID, Reply, decode_reply};

/// Few, so that the limits are reached.
const LIMITS: Limits = Limits { torrents: 3, peers_per_torrent: 4, peers: 8, ..Limits::DEFAULT };

fuzz_target!(|requests: Vec<(bool, u8, &[u8])>| {
    let mut tracker = Tracker::new(LIMITS, Access::Open, [7; 40]);
    let local = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(198, 18, 0, 1)), 6969);
    for (second, (known, host, bytes)) in (1..).zip(requests) {
        let now = Duration::from_secs(second);
        let from = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(198, 18, 1, host % 16)), 7000);
        if let Some(sent) = udp::handle(&mut tracker, now, from, local, bytes) {
            assert!(sent.len() <= bytes.len(), "a stranger's packet is amplified");
        }
        if known && bytes.len() >= 8 {
            let id = connection(&mut tracker, now, from, local);
            let packet = [&id.to_be_bytes(), &bytes[8..]].concat();
            if let Some(sent) = udp::handle(&mut tracker, now, from, local, &packet) {
                assert!(decode_reply(&sent, Family::V4).is_some());
            }
        }
        if let Ok(target) = str::from_utf8(bytes) {
            for target in [target.to_string(), format!("/announce?{target}"), format!("/scrape?{target}")] {
                if let Some(answer) = http::handle(&mut tracker, now, from, local, &target) {
                    assert!(parse(&answer.body, &Bencode::TRACKER).is_ok_and(|read| read.root().is_canonical()));
                }
            }
        }
        let (swarms, peers) = tracker.counts();
        assert!(swarms <= LIMITS.torrents && peers <= LIMITS.peers);
    }
});

fn connection(tracker: &mut Tracker, now: Duration, from: SocketAddr, local: SocketAddr) -> u64 {
    let packet = [&PROTOCOL_ID.to_be_bytes()[..], &[0; 8]].concat();
    let answer = udp::handle(tracker, now, from, local, &packet).expect("connect is answered");
    match decode_reply(&answer, Family::V4) {
        Some(Reply::Connect { connection, .. }) => connection,
        other => panic!("connect is answered by {other:?}"),
    }
}
>>>>>>> e7c0d63 (Fuzzing of the tracker's requests: strangers' packets are never amplified, tables keep their bounds)
