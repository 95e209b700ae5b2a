//! UDP tracker packets: both sides' codecs agree, lengths are least lengths, and any packet is survived.
use proptest::collection::vec;
use proptest::prelude::*;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;
use teem_metainfo::InfoHash;
use teem_wire::compact::Family;
use teem_wire::peer::handshake::PeerId;
use teem_wire::tracker::announce::{Announce, AnnounceEvent, AnnounceReply, Form};
use teem_wire::tracker::scrape::ScrapeEntry;
use teem_wire::tracker::udp::{Reply, Request, decode_reply, decode_request, encode_reply, encode_request};

fn announce() -> impl Strategy<Value = Announce> {
    let ids = any::<([u8; 20], [u8; 20], u16, u32, u32)>();
    (ids, any::<[u64; 3]>(), 0..5).prop_map(|((hash, id, port, num_want, key), counters, event)| {
        use AnnounceEvent::{Completed, None, Paused, Started, Stopped};
        Announce {
            info_hash: InfoHash(hash),
            peer_id: PeerId(id),
            port,
            uploaded: counters[0],
            downloaded: counters[1],
            left: counters[2],
            event: [None, Completed, Started, Stopped, Paused][event as usize],
            num_want,
            key,
            tracker_id: Option::None,
            form: Form::Full,
        }
    })
}

fn request() -> impl Strategy<Value = Request> {
    prop_oneof![
        any::<u32>().prop_map(|transaction| Request::Connect { transaction }),
        (any::<(u64, u32)>(), announce()).prop_map(|((connection, transaction), announce)| Request::Announce {
            connection,
            transaction,
            announce
        }),
        (any::<(u64, u32)>(), vec(any::<[u8; 20]>(), 1..74)).prop_map(|((connection, transaction), hashes)| {
            Request::Scrape { connection, transaction, hashes: hashes.into_iter().map(InfoHash).collect() }
        }),
    ]
}

fn peers() -> impl Strategy<Value = (Family, Vec<SocketAddr>)> {
    let v4 = vec((any::<Ipv4Addr>(), 1_u16..), 0..60)
        .prop_map(|list| (Family::V4, list.into_iter().map(|(ip, port)| (ip, port).into()).collect()));
    let v6 = vec((any::<Ipv6Addr>(), 1_u16..), 0..60).prop_map(|list| {
        let only_v6 = list.into_iter().filter(|(ip, _)| ip.to_canonical().is_ipv6());
        (Family::V6, only_v6.map(|(ip, port)| (ip, port).into()).collect())
    });
    prop_oneof![v4, v6]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn requests_come_back(request in request(), tail in vec(any::<u8>(), 0..19)) {
        let mut packet = encode_request(&request, "");
        prop_assert_eq!(decode_request(&packet), Some(request.clone()));
        let least = match &request {
            Request::Connect { .. } => 16,
            Request::Announce { .. } => 98,
            Request::Scrape { .. } => 36,
        };
        for len in 0..least {
            prop_assert_eq!(decode_request(&packet[..len]), None);
        }
        packet.extend_from_slice(&tail);
        prop_assert_eq!(decode_request(&packet), Some(request));
    }

    #[test]
    fn announce_replies_come_back(
        (family, peers) in peers(),
        numbers in any::<[u32; 3]>(),
        seconds in 60_u64..21600,
    ) {
        let reply = AnnounceReply {
            interval: Duration::from_secs(seconds),
            peers,
            complete: Some(numbers[0]),
            incomplete: Some(numbers[1]),
            ..AnnounceReply::default()
        };
        let reply = Reply::Announce { transaction: numbers[2], reply };
        let packet = encode_reply(&reply, family);
        prop_assert_eq!(decode_reply(&packet, family), Some(reply));
        for len in 0..20 {
            prop_assert_eq!(decode_reply(&packet[..len], family), None);
        }
    }

    #[test]
    fn any_packet_is_survived(action in 0_u8..6, rest in vec(any::<u8>(), 0..200)) {
        let packet = [&[0, 0, 0, action][..], &rest].concat();
        let _ = decode_reply(&packet, Family::V4);
        let _ = decode_reply(&packet, Family::V6);
        let _ = decode_request(&[&rest[..rest.len().min(8)], &packet].concat());
    }
}

#[test]
fn the_other_replies() {
    let entry = ScrapeEntry { complete: 1, downloaded: 2, incomplete: 3 };
    for reply in [
        Reply::Connect { transaction: 1, connection: u64::MAX },
        Reply::Scrape { transaction: 2, entries: vec![entry; 3] },
        Reply::Error { transaction: 3, message: "no such torrent".into() },
    ] {
        assert_eq!(decode_reply(&encode_reply(&reply, Family::V4), Family::V4), Some(reply));
    }
    assert_eq!(decode_reply(&[0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8], Family::V4), None);
    assert_eq!(decode_reply(&[0, 0, 0, 9, 0, 0, 0, 1], Family::V4), None);
    let shouting = [&[0, 0, 0, 3, 0, 0, 0, 1][..], &[b'A'; 4000]].concat();
    let Some(Reply::Error { message, .. }) = decode_reply(&shouting, Family::V4) else { panic!() };
    assert_eq!(message.len(), 512);
}

#[test]
fn a_connect_request_has_its_magic() {
    let packet = encode_request(&Request::Connect { transaction: 7 }, "");
    assert_eq!(packet, [0, 0, 4, 0x17, 0x27, 0x10, 0x19, 0x80, 0, 0, 0, 0, 0, 0, 0, 7]);
    let mut wrong = packet.clone();
    wrong[0] = 1;
    assert_eq!(decode_request(&wrong), None);
}

#[test]
fn the_path_goes_along() {
    let announce = Announce {
        info_hash: InfoHash([1; 20]),
        peer_id: PeerId([2; 20]),
        port: 3,
        uploaded: 0,
        downloaded: 0,
        left: 0,
        event: AnnounceEvent::None,
        num_want: 50,
        key: 0,
        tracker_id: None,
        form: Form::Full,
    };
    let request = Request::Announce { connection: 1, transaction: 2, announce };
    assert_eq!(encode_request(&request, "").len(), 98);
    assert_eq!(encode_request(&request, "/dir?a=b")[98..], *b"\x02\x08/dir?a=b\x00");
    let long = "x".repeat(300);
    let packet = encode_request(&request, &long);
    assert_eq!((packet[98], packet[99], packet.len()), (2, 255, 98 + 2 + 255 + 2 + 45 + 1));
    assert_eq!(decode_request(&packet), Some(request));
}
