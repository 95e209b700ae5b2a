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
