//! HTTP targets and UDP packets: what clients send, what others send, and what must never be answered.
#![allow(clippy::unwrap_used, reason = "helpers of tests may")]
use proptest::collection::vec;
use proptest::prelude::*;
use std::net::SocketAddr;
use std::time::Duration;
use teem_metainfo::InfoHash;
use teem_tracker_server::connection_id::MARK;
use teem_tracker_server::http::{self, Answer};
use teem_tracker_server::limits::Limits;
use teem_tracker_server::tracker::{Access, Tracker};
use teem_tracker_server::udp;
use teem_wire::compact::Family;
use teem_wire::peer::handshake::PeerId;
use teem_wire::tracker::announce::{Announce, AnnounceError, AnnounceEvent, AnnounceReply, Form};
use teem_wire::tracker::http::{announce_url, decode_reply};
use teem_wire::tracker::scrape::{self, ScrapeEntry};
use teem_wire::tracker::udp::{NUM_WANT_DEFAULT, Reply, Request, encode_request};

const NOW: Duration = Duration::from_secs(1000);

fn tracker() -> Tracker {
    Tracker::new(Limits::DEFAULT, Access::Open, [5; 40])
}

fn local() -> SocketAddr {
    "198.18.0.1:6969".parse().unwrap()
}

fn announce(id: u8, port: u16) -> Announce {
    Announce {
        info_hash: InfoHash([1; 20]),
        peer_id: PeerId([id; 20]),
        port,
        uploaded: 0,
        downloaded: 0,
        left: 7,
        event: AnnounceEvent::Started,
        num_want: 50,
        key: 0xABCD_0000 | u32::from(id),
        tracker_id: None,
        form: Form::Full,
    }
}

fn get(t: &mut Tracker, from: &str, target: &str) -> Answer {
    http::handle(t, NOW, from.parse().unwrap(), local(), target).unwrap()
}

fn get_announce(t: &mut Tracker, from: &str, announce: &Announce) -> AnnounceReply {
    let answer = get(t, from, &announce_url("/announce", announce));
    assert_eq!(answer.status, 200);
    decode_reply(&answer.body).unwrap()
}

fn failure(answer: &Answer) -> String {
    match decode_reply(&answer.body) {
        Err(AnnounceError::Refused { reason, .. }) => reason,
        other => panic!("{other:?}"),
    }
}

fn send(t: &mut Tracker, now: Duration, from: &str, packet: &[u8]) -> Option<Vec<u8>> {
    udp::handle(t, now, from.parse().unwrap(), local(), packet)
}

fn connect(t: &mut Tracker, now: Duration, from: &str) -> u64 {
    let packet = encode_request(&Request::Connect { transaction: 77 }, "");
    let reply = send(t, now, from, &packet).unwrap();
    assert!(reply.len() <= packet.len());
    match teem_wire::tracker::udp::decode_reply(&reply, Family::V4) {
        Some(Reply::Connect { transaction: 77, connection }) => connection,
        other => panic!("{other:?}"),
    }
}

fn send_announce(t: &mut Tracker, from: &str, announce: Announce) -> Option<Reply> {
    let connection = connect(t, NOW, from);
    let packet = encode_request(&Request::Announce { connection, transaction: 78, announce }, "/announce");
    let family = Family::of(from.parse::<SocketAddr>().unwrap().ip());
    teem_wire::tracker::udp::decode_reply(&send(t, NOW, from, &packet)?, family)
}

#[test]
fn one_peer_over_both_protocols_and_families() {
    let mut t = tracker();
    get_announce(&mut t, "198.18.0.5:50000", &announce(1, 1001));
    get_announce(&mut t, "[2001:db8::5]:50000", &announce(1, 1001));
    for from in ["198.18.0.5:40000", "[2001:db8::5]:1", "[::ffff:198.18.0.5]:1"] {
        assert!(matches!(send_announce(&mut t, from, announce(1, 1001)), Some(Reply::Announce { .. })));
    }
    assert_eq!(t.counts(), (1, 1));
    let reply = get_announce(&mut t, "198.18.0.6:50000", &announce(2, 1002));
    let mut peers = reply.peers;
    peers.sort();
    assert_eq!(peers, ["198.18.0.5:1001".parse().unwrap(), "[2001:db8::5]:1001".parse().unwrap()]);
    assert_eq!(reply.external_ip, Some([198, 18, 0, 6].into()));
    assert_eq!((reply.complete, reply.incomplete), (Some(0), Some(2)));
    for (from, told) in [("198.18.0.7:1", "198.18.0.5:1001"), ("[2001:db8::7]:1", "[2001:db8::5]:1001")] {
        let Some(Reply::Announce { transaction: 78, reply }) = send_announce(&mut t, from, announce(3, 1003)) else {
            panic!()
        };
        assert!(reply.peers.contains(&told.parse().unwrap()));
        assert!(reply.peers.iter().all(|p| p.is_ipv4() == told.starts_with('1')));
    }
}

#[test]
fn compact_and_not() {
    let mut t = tracker();
    get_announce(&mut t, "198.18.0.5:50000", &announce(1, 1001));
    let target = announce_url("/announce", &announce(2, 1002));
    let compact = get(&mut t, "198.18.0.6:1", &target);
    assert!(compact.body.windows(8).any(|w| w == b"5:peers6"));
    for listed in [target.replace("compact=1", "compact=0"), target.replace("compact=1&", "")] {
        let listed = get(&mut t, "198.18.0.6:1", &listed);
        assert!(listed.body.windows(9).any(|w| w == b"5:peersld"));
        assert_eq!(decode_reply(&listed.body).unwrap().peers, decode_reply(&compact.body).unwrap().peers);
    }
}

#[test]
fn malformed_announces_over_http() {
    let mut t = tracker();
    let good = announce_url("/announce", &announce(1, 1001));
    let mut bad = |target: &str| {
        let answer = get(&mut t, "198.18.0.5:5", target);
        assert_eq!(answer.status, 400, "{target}");
        assert!(!failure(&answer).is_empty());
    };
    bad("/announce");
    bad("/announce?");
    bad(&good.replace("info_hash=", "info_hash=a"));
    bad(&good.replace("info_hash=%01", "info_hash="));
    bad(&good.replace("info_hash=%01", "info_hash=%0"));
    bad(&good.replace("info_hash=", "infohash="));
    bad(&good.replace("peer_id=%01", "peer_id="));
    bad(&good.replace("port=1001", "port=65536"));
    bad(&good.replace("port=1001", "port=-1"));
    bad(&good.replace("key=", &format!("key={}", "k".repeat(65))));
    bad(&format!("{good}&x={}", "x".repeat(8192)));
    bad("/scrape");
    bad("/scrape?info_hash=short");
    assert_eq!(http::handle(&mut t, NOW, local(), local(), "/"), None);
    assert_eq!(http::handle(&mut t, NOW, local(), local(), "/announce/x?info_hash=a"), None);

    let zero = get(&mut t, "198.18.0.5:5", &good.replace("port=1001", "port=0"));
    assert_eq!((zero.status, failure(&zero).contains("port 0")), (200, true));
    assert!(zero.body.ends_with(b"8:retry in5:nevere"));
    assert_eq!(t.counts(), (0, 0));
}

#[test]
fn odd_announces_over_http_are_clamped() {
    let mut t = tracker();
    for id in 0..150 {
        get_announce(&mut t, &format!("198.18.1.{id}:5"), &announce(id, 2000));
    }
    let good = announce_url("/announce", &announce(200, 1001));
    let mut count = |target: String| {
        let answer = get(&mut t, "198.18.0.5:5", &target);
        assert_eq!(answer.status, 200);
        decode_reply(&answer.body).unwrap().peers.len()
    };
    assert_eq!(count(good.clone()), 50);
    for many in ["1000000000", "99999999999", "101"] {
        assert_eq!(count(good.replace("numwant=50", &format!("numwant={many}"))), 100);
    }
    for unsaid in ["-1", "junk", "", "99999999999999999999999"] {
        assert_eq!(count(good.replace("numwant=50", &format!("numwant={unsaid}"))), 50);
    }
    assert_eq!(count(good.replace("numwant=50", "numwant=0")), 0);
    // An event that is not known is none, an address in the query is nobody's.
    assert_eq!(count(good.replace("event=started", "event=junk%00")), 50);
    assert_eq!(count(format!("{good}&ip=203.0.113.9&ipv4=203.0.113.9&ipv6=2001:db8::9")), 50);
    let everybody = announce_url("/announce", &Announce { num_want: 100, ..announce(201, 1002) });
    for _ in 0..20 {
        let peers = decode_reply(&get(&mut t, "198.18.0.6:5", &everybody).body).unwrap().peers;
        assert!(peers.iter().all(|p| p.to_string().starts_with("198.18.")));
    }
    // A key that is no number is as good as one.
    let before = t.counts().1;
    for key in ["key=hello", "key=hello", "key=%FF%00"] {
        get(&mut t, "198.18.0.9:5", &announce_url("/announce", &announce(210, 9)).replace("key=abcd00d2", key));
    }
    assert_eq!(t.counts().1, before + 2);
}

#[test]
fn scrapes() {
    let mut t = tracker();
    get_announce(&mut t, "198.18.0.5:50000", &announce(1, 1001));
    let one = ScrapeEntry { complete: 0, downloaded: 0, incomplete: 1 };
    let hash = |n: u8| format!("%{n:02x}").repeat(20);
    let answer = get(&mut t, "198.18.0.5:1", &format!("/scrape?info_hash={}&info_hash={}", hash(1), hash(2)));
    assert_eq!(scrape::decode(&answer.body).unwrap(), [(InfoHash([1; 20]), one)]);
    let many = format!("/scrape?{}", format!("info_hash={}&", "a".repeat(20)).repeat(250));
    assert_eq!(get(&mut t, "198.18.0.5:1", &many).status, 200);

    let connection = connect(&mut t, NOW, "198.18.0.5:1");
    let mut hashes = vec![InfoHash([2; 20]); 74];
    hashes[1] = InfoHash([1; 20]);
    let packet = encode_request(&Request::Scrape { connection, transaction: 5, hashes }, "");
    let reply = send(&mut t, NOW, "198.18.0.5:1", &packet).unwrap();
    let Some(Reply::Scrape { transaction: 5, entries }) = teem_wire::tracker::udp::decode_reply(&reply, Family::V4)
    else {
        panic!()
    };
    assert_eq!((entries.len(), entries[0], entries[1]), (70, ScrapeEntry::default(), one));
}

#[test]
fn silence_without_a_good_connection_id() {
    let mut t = tracker();
    let from = "198.18.0.5:5";
    let good = connect(&mut t, NOW, from);
    assert_eq!(good.to_be_bytes()[0], MARK);
    let packet =
        |connection| encode_request(&Request::Announce { connection, transaction: 1, announce: announce(1, 1001) }, "");
    let scrape = |connection| {
        encode_request(&Request::Scrape { connection, transaction: 1, hashes: vec![InfoHash([1; 20])] }, "")
    };
    for bad in [0, u64::MAX, good ^ 1, good ^ (1 << 50), good ^ (1 << 63), 0x0417_2710_1980] {
        assert_eq!(send(&mut t, NOW, from, &packet(bad)), None);
        assert_eq!(send(&mut t, NOW, from, &scrape(bad)), None);
    }
    assert_eq!(send(&mut t, NOW, "198.18.0.6:5", &packet(good)), None, "another address");
    assert_eq!(send(&mut t, NOW + Duration::from_secs(125), from, &packet(good)), None, "too old");
    assert_eq!(t.counts(), (0, 0));
    assert!(send(&mut t, NOW + Duration::from_secs(110), "198.18.0.5:6", &packet(good)).is_some(), "another port");
    for len in 0..98 {
        assert_eq!(send(&mut t, NOW, from, &packet(good)[..len]), None);
    }
    // Trailing bytes are taken: libtorrent sends 109, aria2 100.
    for tail in [2, 11, 500] {
        assert!(send(&mut t, NOW, from, &[packet(good), vec![0; tail]].concat()).is_some());
    }
}

#[test]
fn refusals_over_udp_need_a_good_id() {
    let mut t = Tracker::new(Limits::DEFAULT, Access::Allow([].into()), [5; 40]);
    let from = "198.18.0.5:5";
    let Some(Reply::Error { transaction: 78, message }) = send_announce(&mut t, from, announce(1, 1001)) else {
        panic!()
    };
    assert!(message.contains("not tracked"));
    let mut t = tracker();
    assert!(matches!(send_announce(&mut t, from, announce(1, 0)), Some(Reply::Error { .. })));
    let unsaid = Announce { num_want: NUM_WANT_DEFAULT, ..announce(1, 7) };
    assert!(matches!(send_announce(&mut t, from, unsaid), Some(Reply::Announce { .. })));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn any_target_is_survived(target in "(/announce|/scrape)\\?((info_hash|peer_id|port|key|left|event|numwant|compact)=[%a-f0-9&=+-]{0,30}&){0,12}") {
        let answer = http::handle(&mut tracker(), NOW, local(), local(), &target).unwrap();
        prop_assert!(answer.status == 200 || answer.status == 400);
    }

    #[test]
    fn strangers_never_get_more_than_they_send(packet in vec(any::<u8>(), 0..200), connect in any::<bool>()) {
        let magic = [0, 0, 4, 0x17, 0x27, 0x10, 0x19, 0x80, 0, 0, 0, 0];
        let packet = if connect { [&magic[..], &packet].concat() } else { packet };
        let reply = send(&mut tracker(), NOW, "198.18.0.5:5", &packet);
        prop_assert!(reply.is_none_or(|reply| reply.len() <= packet.len()));
    }
}

#[test]
fn without_compact_the_form_of_bep_3_comes_and_ids_unless_nobody_wants_them() {
    let mut t = tracker();
    get_announce(&mut t, "198.18.0.11:1", &announce(b'x', 1001));
    let asked = |t: &mut Tracker, more: &str| {
        let target =
            format!("/announce?info_hash={}&peer_id={}&port=1002&left=1{more}", "%01".repeat(20), "y".repeat(20));
        String::from_utf8_lossy(&get(t, "198.18.0.12:1", &target).body).into_owned()
    };
    let id = format!("7:peer id20:{}", "x".repeat(20));
    for more in ["", "&compact=0", "&no_peer_id=0", "&compact=&no_peer_id="] {
        let full = asked(&mut t, more);
        assert!(full.contains(&format!("5:peersld2:ip11:198.18.0.11{id}4:porti1001eee")), "{more}: {full}");
    }
    for more in ["&no_peer_id=1", "&compact=0&no_peer_id=1"] {
        let short = asked(&mut t, more);
        assert!(short.contains("5:peersld2:ip11:198.18.0.114:porti1001eee"), "{more}: {short}");
    }
    for more in ["&compact=1", "&compact=1&no_peer_id=1", "&no_peer_id=0&compact=1"] {
        let compact = asked(&mut t, more);
        assert!(compact.contains("5:peers6:") && !compact.contains("peer id"), "{more}: {compact}");
    }
}
