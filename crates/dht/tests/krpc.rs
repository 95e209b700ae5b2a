//! Packets of the DHT are read and written (BEP 5, 32, 33, 42, 43, 44, 51), rows 49 and 50 of bad input among them.
mod common;

use common::{bytes_of, test_data, vectors};
use proptest::prelude::*;
use std::net::SocketAddr;
use teem_dht::id::Id;
use teem_dht::krpc::decode::{DecodeError, Limits, decode};
use teem_dht::krpc::message::{
    Body, Contact, FilterPair, ItemFields, Message, Method, Query, Refusal, Response, Samples, Signed, Want, code,
};

const ID: Id = Id(*b"abcdefghij0123456789");
const OTHER: Id = Id(*b"mnopqrstuvwxyz123456");

fn read(packet: &[u8]) -> Result<Message<'_>, DecodeError<'_>> {
    decode(packet, &Limits::NODE)
}

fn query(method: Method<'_>) -> Body<'_> {
    Body::Query(Query { id: ID, read_only: false, want: None, method })
}

/// What BEP 5 prints is what is written, and is read as what it means.
#[test]
fn the_examples_of_the_specification() {
    let same = |packet: &str, body: Body<'_>| {
        let message = Message { transaction: b"aa", version: None, ip: None, body };
        assert_eq!(String::from_utf8(message.encode()).unwrap(), packet);
        assert_eq!(read(packet.as_bytes()), Ok(message));
    };
    same("d1:ad2:id20:abcdefghij0123456789e1:q4:ping1:t2:aa1:y1:qe", query(Method::Ping));
    same(
        "d1:ad2:id20:abcdefghij01234567896:target20:mnopqrstuvwxyz123456e1:q9:find_node1:t2:aa1:y1:qe",
        query(Method::FindNode { target: OTHER }),
    );
    same(
        "d1:ad2:id20:abcdefghij01234567899:info_hash20:mnopqrstuvwxyz123456e1:q9:get_peers1:t2:aa1:y1:qe",
        query(Method::GetPeers { info_hash: OTHER, no_seeds: false, scrape: false }),
    );
    same(
        "d1:ad2:id20:abcdefghij012345678912:implied_porti1e9:info_hash20:mnopqrstuvwxyz1234564:porti6881e5:token8:aoeusnth\
         e1:q13:announce_peer1:t2:aa1:y1:qe",
        query(Method::AnnouncePeer {
            info_hash: OTHER,
            port: 6881,
            implied_port: true,
            seed: false,
            token: b"aoeusnth",
        }),
    );
    same("d1:rd2:id20:mnopqrstuvwxyz123456e1:t2:aa1:y1:re", Body::Response(Response::new(OTHER)));
    let peers: Vec<SocketAddr> = ["97.120.106.101:11893", "105.100.104.116:28269"].map(|a| a.parse().unwrap()).into();
    same(
        "d1:rd2:id20:abcdefghij01234567895:token8:aoeusnth6:valuesl6:axje.u6:idhtnmee1:t2:aa1:y1:re",
        Body::Response(Response { token: Some(b"aoeusnth"), values: Some(peers), ..Response::new(ID) }),
    );
    same(
        "d1:eli201e23:A Generic Error Ocurrede1:t2:aa1:y1:ee",
        Body::Error(Refusal { code: code::GENERIC, text: b"A Generic Error Ocurred" }),
    );
}

/// rqbit refuses an announce whose `implied_port` is missing, so it is written when it is 0 too (BEP 5 knows both values).
#[test]
fn an_announce_says_whether_its_port_is_implied() {
    let method = Method::AnnouncePeer { info_hash: OTHER, port: 6881, implied_port: false, seed: false, token: b"x" };
    let packet = "d1:ad2:id20:abcdefghij012345678912:implied_porti0e9:info_hash20:mnopqrstuvwxyz1234564:porti6881e5:token1:xe\
                  1:q13:announce_peer1:t2:aa1:y1:qe";
    let message = Message { transaction: b"aa", version: None, ip: None, body: query(method) };
    assert_eq!(String::from_utf8_lossy(&message.encode()), packet);
    let without = packet.replace("12:implied_porti0e", "");
    assert_eq!(read(without.as_bytes()).unwrap().body, message.body, "a missing one says the same");
}

/// Packets that others publish: those that are messages are written as they were, but for what has no meaning here.
#[test]
fn what_others_send() {
    for case in vectors("krpc") {
        let packet = bytes_of(&case["packet"]);
        if let Ok(message) = read(&packet) {
            assert_eq!(message.encode(), packet, "{}", case["id"]);
        }
    }
    for (file, method) in [("find_node_request", "find_node"), ("get_peers_request_0", "get_peers")] {
        let Some(packet) = test_data(&format!("files/dht/{file}.bin")) else { return };
        let Ok(Message { body: Body::Query(query), .. }) = read(&packet) else { panic!("{file} is no query") };
        assert_eq!(query.method.name(), method.as_bytes());
    }
    let Some(packet) = test_data("files/dht/find_node_response_1.bin") else { return };
    let Ok(Message { body: Body::Response(response), .. }) = read(&packet) else { panic!("no response") };
    assert_eq!(response.nodes.unwrap().len(), 8);
}

#[test]
fn optional_keys_of_a_wrong_type_and_unknown_ones_are_passed_over() {
    let packet = b"d1:ad2:id20:abcdefghij01234567899:info_hash20:mnopqrstuvwxyz1234566:scrape3:yes4:want2:n4e2:ip3:abc1:q9:get_peers\
                   2:roi1e1:t0:1:vi7e1:xle1:y1:qe";
    let message = read(packet).unwrap();
    assert_eq!((message.version, message.ip, message.transaction), (None, None, &b""[..]));
    let method = Method::GetPeers { info_hash: OTHER, no_seeds: false, scrape: false };
    assert_eq!(message.body, Body::Query(Query { id: ID, read_only: true, want: None, method }));
    let keys_unsorted = b"d1:y1:q1:t2:aa1:q4:ping1:ad2:id20:abcdefghij0123456789ee";
    assert_eq!(read(keys_unsorted).unwrap().body, query(Method::Ping));
    let text_alone = read(b"d1:e4:oops1:t2:aa1:y1:ee").unwrap();
    assert_eq!(text_alone.body, Body::Error(Refusal { code: code::GENERIC, text: b"oops" }));
    let one_string = b"d1:rd2:id20:abcdefghij01234567896:valuesl12:aaaabbccccddee1:t2:aa1:y1:re";
    let Body::Response(response) = read(one_string).unwrap().body else { panic!("no response") };
    assert_eq!(response.values.unwrap().len(), 2);
    let unknown = b"d1:ad2:id20:abcdefghij01234567896:target20:mnopqrstuvwxyz123456e1:q4:vote1:t2:aa1:y1:qe";
    assert_eq!(read(unknown).unwrap().body, query(Method::Other { name: b"vote", target: Some(OTHER) }));
}

/// Row 49 of bad input: what is too long is no message; a query that lacks something is told so.
#[test]
fn row_49_bad_queries() {
    let long =
        [b"d1:ad2:id20:abcdefghij0123456789e1:q4:ping1:t2:aa1:v1500:".as_slice(), &[b'x'; 1_500], b"1:y1:qe"].concat();
    assert_eq!(read(&long), Err(DecodeError::NotKrpc));
    let transaction =
        [b"d1:ad2:id20:abcdefghij0123456789e1:q4:ping1:t33:".as_slice(), &[b'x'; 33], b"1:y1:qe"].concat();
    assert_eq!(read(&transaction), Err(DecodeError::NotKrpc));
    for (packet, expected) in [
        ("d1:q4:ping1:t2:hi1:y1:qe", "no a"),
        ("d1:ad2:id19:abcdefghij012345678e1:q4:ping1:t2:hi1:y1:qe", "id is not 20 bytes"),
        ("d1:ad2:id21:abcdefghij01234567890e1:q4:ping1:t2:hi1:y1:qe", "id is not 20 bytes"),
        ("d1:ad2:id20:abcdefghij0123456789e1:q9:find_node1:t2:hi1:y1:qe", "target is not 20 bytes"),
        ("d1:ad2:id20:abcdefghij0123456789e1:q9:get_peers1:t2:hi1:y1:qe", "info_hash is not 20 bytes"),
        (
            "d1:ad2:id20:abcdefghij01234567899:info_hash20:mnopqrstuvwxyz1234564:porti6881ee1:q13:announce_peer1:t2:hi1:y1:qe",
            "no token",
        ),
        (
            "d1:ad2:id20:abcdefghij01234567899:info_hash20:mnopqrstuvwxyz1234564:porti0e5:token1:xe1:q13:announce_peer1:t2:hi1:y1:qe",
            "no port",
        ),
        (
            "d1:ad2:id20:abcdefghij01234567899:info_hash20:mnopqrstuvwxyz1234564:porti65537e5:token1:xe1:q13:announce_peer1:t2:hi1:y1:qe",
            "no port",
        ),
        ("d1:ad2:id20:abcdefghij01234567895:token1:x1:vd1:bi1e1:ai1eee1:q3:put1:t2:hi1:y1:qe", "v is not canonical"),
    ] {
        let expected = DecodeError::BadQuery { transaction: b"hi", code: code::PROTOCOL, why: expected };
        assert_eq!(read(packet.as_bytes()), Err(expected), "{packet}");
    }
    let implied = "d1:ad2:id20:abcdefghij012345678912:implied_porti1e9:info_hash20:mnopqrstuvwxyz1234565:token1:xe\
                   1:q13:announce_peer1:t2:aa1:y1:qe";
    let method = Method::AnnouncePeer { info_hash: OTHER, port: 0, implied_port: true, seed: false, token: b"x" };
    assert_eq!(read(implied.as_bytes()).unwrap().body, query(method), "the port that is not looked at may be missing");
    let bad = b"d1:rd2:id2:xxe1:t2:aa1:y1:re";
    assert_eq!(read(bad), Err(DecodeError::BadResponse { transaction: b"aa" }));
    for packet in [&b""[..], b"d", b"de", b"i1e", b"d1:t2:aa1:y1:xe", b"d1:t2:aae", b"d1:y1:qe", b"\xFF\xFF"] {
        assert_eq!(read(packet), Err(DecodeError::NotKrpc));
    }
}

/// Row 50 of bad input: of more peers and nodes than anybody needs some are taken, and none has port 0.
#[test]
fn row_50_no_more_is_taken_than_is_needed() {
    let limits = Limits {
        bencode: teem_bencode::Limits { bytes: 100_000, tokens: 10_000, ..Limits::NODE.bencode },
        ..Limits::NODE
    };
    let addr = |n: u16| SocketAddr::from(([10, 0, (n >> 8) as u8, n as u8], n));
    let nodes = (0..900).map(|n| Contact { id: OTHER, addr: addr(n) }).collect();
    let body = Body::Response(Response {
        nodes: Some(nodes),
        values: Some((0..1_000).map(addr).collect()),
        ..Response::new(ID)
    });
    let packet = Message { transaction: b"aa", version: None, ip: None, body }.encode();
    assert_eq!(read(&packet), Err(DecodeError::NotKrpc));
    let Body::Response(response) = decode(&packet, &limits).unwrap().body else { panic!("no response") };
    let (nodes, values) = (response.nodes.unwrap(), response.values.unwrap());
    assert_eq!((nodes.len(), values.len()), (16, 100));
    assert!(nodes.iter().all(|node| node.addr.port() != 0) && values.iter().all(|peer| peer.port() != 0));
}

/// Each code is read as it was written; the numbers are those of BEP 5 and 44.
#[test]
fn refusals_keep_their_codes() {
    let codes = [
        code::GENERIC,
        code::SERVER,
        code::PROTOCOL,
        code::UNKNOWN_METHOD,
        code::VALUE_TOO_LONG,
        code::BAD_SIGNATURE,
        code::SALT_TOO_LONG,
        code::CAS_MISMATCH,
        code::SEQ_TOO_LOW,
    ];
    assert_eq!(codes, [201, 202, 203, 204, 205, 206, 207, 301, 302]);
    for code in codes {
        let body = Body::Error(Refusal { code, text: b"why" });
        let packet = Message { transaction: b"aa", version: None, ip: None, body: body.clone() }.encode();
        assert_eq!(read(&packet).unwrap().body, body);
    }
}

fn any_addr() -> impl Strategy<Value = SocketAddr> {
    prop_oneof![
        (any::<[u8; 4]>(), 1..u16::MAX).prop_map(SocketAddr::from),
        // 2000::/3: none that stands for an IPv4 address.
        (any::<[u8; 15]>(), 1..u16::MAX).prop_map(|(rest, port)| {
            let mut ip = [0x20; 16];
            ip[1..].copy_from_slice(&rest);
            SocketAddr::from((ip, port))
        }),
    ]
}

fn bytes(max: usize) -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), 0..=max)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn queries_are_read_as_they_were_written(
        which in 0..8_u8, id: [u8; 20], target: [u8; 20], flags: [bool; 8], port in 1..=u16::MAX, seq: i64, cas: Option<i64>,
        transaction in bytes(32), token in bytes(128), salt in bytes(64), key: [u8; 32], version in prop::option::of(bytes(4)),
        ip in prop::option::of(any_addr()),
    ) {
        let target = Id(target);
        let signature = [7; 64];
        let signed = flags[5].then_some(Signed { key: &key, signature: &signature, seq, cas, salt: &salt });
        let method = match which {
            0 => Method::Ping,
            1 => Method::FindNode { target },
            2 => Method::GetPeers { info_hash: target, no_seeds: flags[0], scrape: flags[1] },
            3 => Method::AnnouncePeer { info_hash: target, port, implied_port: flags[0], seed: flags[1], token: &token },
            4 => Method::Get { target, seq: flags[0].then_some(seq) },
            5 => Method::Put { token: &token, value: b"d1:ali1e0:ee", signed },
            6 => Method::SampleInfohashes { target },
            _ => Method::Other { name: b"later", target: flags[0].then_some(target) },
        };
        let want = (flags[2] || flags[3]).then_some(Want { v4: flags[2], v6: flags[3] });
        let body = Body::Query(Query { id: Id(id), read_only: flags[4], want, method });
        let message = Message { transaction: &transaction, version: version.as_deref(), ip, body };
        let packet = message.encode();
        prop_assert_eq!(read(&packet), Ok(message));
        prop_assert!(teem_bencode::parse(&packet, &Limits::NODE.bencode).unwrap().root().is_canonical());
    }

    #[test]
    fn responses_are_read_as_they_were_written(
        id: [u8; 20], flags: [bool; 8], transaction in bytes(4), token in bytes(16), seq: Option<i64>, interval_s: u32,
        held in 0..1_000_000_u64, addrs in prop::collection::vec(any_addr(), 0..16),
    ) {
        let of = |v4: bool| addrs.iter().filter(|addr| addr.is_ipv4() == v4).map(|addr| Contact { id: OTHER, addr: *addr }).collect();
        let (filter, key, signature, hashes) = ([3; 256], [4; 32], [5; 64], [6; 60]);
        let body = Body::Response(Response {
            id: Id(id),
            nodes: flags[0].then(|| of(true)),
            nodes6: flags[1].then(|| of(false)),
            token: flags[2].then_some(&token),
            values: flags[3].then(|| addrs.clone()),
            filters: flags[4].then_some(FilterPair { seeds: &filter, peers: &filter }),
            item: ItemFields {
                key: flags[5].then_some(&key),
                signature: flags[5].then_some(&signature),
                seq,
                value: flags[6].then_some(b"l3:abce"),
            },
            samples: flags[7].then_some(Samples { interval_s, held, hashes: &hashes }),
        });
        let message = Message { transaction: &transaction, version: None, ip: addrs.first().copied(), body };
        let packet = message.encode();
        let limits = Limits { bencode: teem_bencode::Limits { bytes: 4_096, ..Limits::NODE.bencode }, ..Limits::NODE };
        prop_assert_eq!(decode(&packet, &limits), Ok(message));
        prop_assert!(teem_bencode::parse(&packet, &limits.bencode).unwrap().root().is_canonical());
    }

    #[test]
    fn any_bytes_are_read_or_refused(packet in bytes(200)) {
        let _ = read(&packet);
    }
}
