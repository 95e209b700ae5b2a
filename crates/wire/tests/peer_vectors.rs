//! The peer protocol held against packets and vectors that others publish.
mod common;

use common::{Whole, bytes_of, decode, hex, test_data, vectors};
use std::net::SocketAddr;
use teem_metainfo::InfoHash;
use teem_wire::peer::allowed_fast::allowed_fast;
use teem_wire::peer::client_names::{client_name, own_peer_id};
use teem_wire::peer::decode::Decoder;
use teem_wire::peer::extended;
use teem_wire::peer::handshake::{Features, PeerId};
use teem_wire::peer::limits::Limits;
use teem_wire::peer::message::Message;
use teem_wire::priority::priority;

#[test]
fn a_recorded_extension_handshake() {
    let Some(packet) = test_data("files/peer/extended-handshake.bin") else { return };
    let mut decoder = Decoder::after_handshake(Limits::PEER, Features::default());
    let frames = decode(&mut decoder, &packet, &[]).unwrap();
    let [Whole::Message(Message::ExtendedHandshake(handshake))] = frames.as_slice() else { panic!("{frames:?}") };
    assert_eq!(handshake.ut_metadata, Some(2));
    assert_eq!(handshake.ut_pex, Some(1));
    assert_eq!(handshake.lt_donthave, Some(7));
    assert_eq!(handshake.metadata_size, Some(138_876));
    assert_eq!(handshake.reqq, Some(500));
    assert_eq!(handshake.upload_only, Some(true));
    assert_eq!(handshake.client.as_deref(), Some("qBittorrent/4.4.0alpha1"));
    assert_eq!(handshake.your_ip, Some([127, 0, 0, 1].into()));
}

#[test]
fn extension_handshakes_of_others() {
    for case in vectors("wire") {
        let Some(payload) = case.get("payload") else { continue };
        let expect = &case["expect"];
        let got = extended::decode(&bytes_of(payload)).unwrap();
        let number = |key: &str| expect[key].as_u64();
        assert_eq!(got.ut_metadata.map(u64::from), number("ut_metadata"), "{}", case["id"]);
        assert_eq!(got.ut_pex.map(u64::from), number("ut_pex"), "{}", case["id"]);
        assert_eq!(got.metadata_size.map(u64::from), number("metadata_size"), "{}", case["id"]);
        assert_eq!(got.port.map(u64::from), number("p"), "{}", case["id"]);
        assert_eq!(got.client.as_deref(), expect["v"].as_str(), "{}", case["id"]);
    }
}

#[test]
fn allowed_fast_sets() {
    for case in vectors("bep6-allowed-fast") {
        let hash = InfoHash(hex(case["infohash"].as_str().unwrap()).try_into().unwrap());
        let expected: Vec<u64> = case["set"].as_array().unwrap().iter().map(|n| n.as_u64().unwrap()).collect();
        let ip = case["ip"].as_str().unwrap().parse().unwrap();
        let pieces = case["pieces"].as_u64().unwrap() as u32;
        let got = allowed_fast(ip, &hash, pieces, case["count"].as_u64().unwrap() as usize);
        assert_eq!(got.into_iter().map(u64::from).collect::<Vec<_>>(), expected, "{}", case["id"]);
    }
    assert!(allowed_fast([1, 2, 3, 4].into(), &InfoHash([0; 20]), 0, 10).is_empty());
}

/// The vectors are advisory (versions are written in more than one way), the client's name is not.
#[test]
fn names_of_clients() {
    for case in vectors("client-names") {
        let start = bytes_of(&case["peer_id_starts"]);
        let mut id = [b'-'; 20];
        id[..start.len()].copy_from_slice(&start);
        let name = client_name(&PeerId(id));
        let expected = case["client"].as_str().unwrap();
        let first = |text: &str| text.split([' ', '%']).next().unwrap().to_lowercase().replace('0', "o");
        assert_eq!(first(&name), first(expected), "{} {name} {expected}", case["id"]);
    }
    let name = |start: &[u8]| {
        let mut id = [b'x'; 20];
        id[..start.len()].copy_from_slice(start);
        client_name(&PeerId(id))
    };
    assert_eq!(client_name(&own_peer_id([7; 12])), "Teem 0.1.0");
    assert_eq!(name(b"-TR4060-"), "Transmission 4.0.6");
    assert_eq!(name(b"-TR410B-"), "Transmission 4.1.0 (beta)");
    assert_eq!(name(b"-LT20B0-"), "libtorrent 2.0.11");
    assert_eq!(name(b"-qB4520-"), "qBittorrent 4.5.2");
    assert_eq!(name(b"A2-1-36-0-"), "aria2 1.36.0");
    assert_eq!(name(b"M7-9-2--"), "BitTorrent 7.9.2");
    assert_eq!(name(b"\x1b[31m<b>"), "%1B%5B31m%3Cb%3E");
    assert_eq!(name(b"-??1234-"), "-%3F%3F1234-");
}

#[test]
fn priorities_as_others_compute_them() {
    let end = |value: &serde_json::Value| {
        let (ip, port) = (value[0].as_str().unwrap(), value[1].as_u64().unwrap());
        SocketAddr::new(ip.parse().unwrap(), port.try_into().unwrap())
    };
    for case in vectors("bep40-priority") {
        // Where libtorrent departs from the masks that the specification prints, the specification is followed.
        let want = case.get("priority_by_bep_text").unwrap_or(&case["priority"]).as_u64();
        assert_eq!(priority(end(&case["a"]), end(&case["b"])).map(u64::from), want, "{}", case["id"]);
    }
}
