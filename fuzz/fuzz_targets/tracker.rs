//! Trackers' answers and requests, over HTTP and UDP: never a panic, bounded lists, and what is written reads the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use teem_wire::compact::Family;
use teem_wire::tracker::limits::{PEERS_MAX, SCRAPE_MAX};
use teem_wire::tracker::url::TrackerUrl;
use teem_wire::tracker::{http, scrape, udp};

fuzz_target!(|bytes: &[u8]| {
    if let Ok(reply) = http::decode_reply(bytes) {
        assert!(reply.peers.len() <= PEERS_MAX);
        let again = http::decode_reply(&http::encode_reply(&reply, true)).expect("own answers are readable");
        assert_eq!(again.interval, reply.interval);
    }
    if let Ok(entries) = scrape::decode(bytes) {
        assert!(entries.len() <= SCRAPE_MAX);
        assert_eq!(scrape::decode(&scrape::encode(&entries)).map(|again| again.len()), Ok(entries.len()));
    }
    if let Some(request) = udp::decode_request(bytes) {
        let again = udp::decode_request(&udp::encode_request(&request, ""));
        assert_eq!(again, Some(request));
    }
    for family in [Family::V4, Family::V6] {
        if let Some(reply) = udp::decode_reply(bytes, family).filter(|reply| is_kept(reply, family)) {
            assert_eq!(udp::decode_reply(&udp::encode_reply(&reply, family), family), Some(reply));
        }
    }
    if let Ok(text) = str::from_utf8(bytes) {
        let _ = TrackerUrl::parse(text);
    }
});

/// Is the answer written as it was read? Not texts, which are tidied for people's eyes, nor an IPv4 address mapped into
/// IPv6: that is read as what it is, and then has no place in a list of the other family.
fn is_kept(reply: &udp::Reply, family: Family) -> bool {
    match reply {
        udp::Reply::Announce { reply, .. } => reply.peers.iter().all(|peer| Family::of(peer.ip()) == family),
        udp::Reply::Error { .. } => false,
        _ => true,
    }
}
