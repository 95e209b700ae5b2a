//! What a node answers (BEP 5, 32, 33, 44, 51): packets in, packets out. Rows 48, 49 and 51 of bad input among them.
#![allow(clippy::unwrap_used, reason = "a test may unwrap")]
use std::net::SocketAddr;
use std::time::Duration;
use teem_basis::rng::Rng;
use teem_basis::time::Time;
use teem_dht::filter::Filter;
use teem_dht::id::Id;
use teem_dht::item::{public_key, sign, target_of_key, target_of_value};
use teem_dht::krpc::decode::{DecodeError, Limits, decode};
use teem_dht::krpc::message::{Body, Contact, Message, Method, Query, Response, Signed, Want, code};
use teem_dht::served::{Asker, Kept, Served, Table, Us};
use teem_wire::compact::Family;

const OURS: Id = Id(*b"mnopqrstuvwxyz123456");
const THEIRS: Id = Id(*b"abcdefghij0123456789");
const HASH: Id = Id([0x11; 20]);
const NO_PEERS: Method<'static> = Method::GetPeers { info_hash: HASH, no_seeds: false, scrape: false };

/// Nine nodes of each family.
struct Nodes;

impl Table for Nodes {
    fn closest(&self, family: Family, _target: Id) -> Option<Vec<Contact>> {
        let addr = |n: u8| match family {
            Family::V4 => SocketAddr::from(([30, 0, 0, n], 6881)),
            Family::V6 => SocketAddr::from(([0x2001, 0xdb8, 0, 0, 0, 0, 0, n.into()], 6881)),
        };
        let near = Contact { id: OURS, addr: ([192, 168, 0, 1], 6881).into() };
        let far = (1..10).map(|n| Contact { id: Id([n; 20]), addr: addr(n) });
        Some([near].into_iter().filter(|_| family == Family::V4).chain(far).collect())
    }
}

struct Node {
    served: Served,
    now: Time,
}

impl Node {
    fn new(is_open: bool) -> Self {
        Self { served: Served::new([1, 2], Rng::new(3), is_open), now: Time::ZERO + Duration::from_secs(3_600) }
    }

    fn wants(&mut self, from: SocketAddr, want: Option<Want>, method: Method<'_>) -> Option<Vec<u8>> {
        let asker = Asker { addr: from, is_known: false };
        let us = Us { id: OURS, version: b"TE00" };
        let query = Query { id: THEIRS, read_only: false, want, method };
        let packet = Message { transaction: b"aa", version: None, ip: None, body: Body::Query(query) }.encode();
        if !self.served.may_ask(self.now, from) {
            return None;
        }
        let message = match decode(&packet, &Limits::NODE) {
            Ok(message) => message,
            Err(DecodeError::BadQuery { transaction, code, why }) => {
                return self.served.refuse(self.now, asker, us, transaction, code, why);
            }
            Err(other) => panic!("{other:?}"),
        };
        let Body::Query(query) = message.body else { panic!("no query") };
        self.served.answer(self.now, asker, us, message.transaction, &query, &Nodes)
    }

    fn asks(&mut self, from: SocketAddr, method: Method<'_>) -> Vec<u8> {
        self.wants(from, None, method).expect("an answer")
    }

    fn announces(&mut self, from: SocketAddr, port: u16, implied_port: bool, seed: bool) {
        let reply = self.asks(from, NO_PEERS);
        let token = response(&reply).token.unwrap();
        let method = Method::AnnouncePeer { info_hash: HASH, port, implied_port, seed, token };
        response(&self.asks(from, method));
    }
}

fn response(packet: &[u8]) -> Response<'_> {
    let message = decode(packet, &Limits::NODE).unwrap();
    assert_eq!((message.transaction, message.version), (&b"aa"[..], Some(&b"TE00"[..])));
    let Body::Response(response) = message.body else { panic!("{message:?}") };
    assert_eq!(response.id, OURS);
    response
}

fn refused(packet: &[u8]) -> i64 {
    let Body::Error(refusal) = decode(packet, &Limits::NODE).unwrap().body else { panic!("not refused") };
    assert!(!refusal.text.is_empty());
    refusal.code
}

fn addr(n: u8) -> SocketAddr {
    ([20, 0, n, 1], 5000 + u16::from(n)).into()
}

#[test]
fn a_response_says_from_where_the_query_came_and_names_eight_nodes() {
    let mut node = Node::new(false);
    let ping = node.asks(addr(1), Method::Ping);
    assert_eq!(decode(&ping, &Limits::NODE).unwrap().ip, Some(addr(1)));
    assert_eq!(response(&ping).nodes, None);
    let reply = node.asks(addr(1), Method::FindNode { target: HASH });
    let nodes = response(&reply).nodes.unwrap();
    assert_eq!(nodes.len(), 8);
    assert!(nodes.iter().all(|node| node.id != OURS), "a near address is told to near ones alone");
    let reply = node.wants("192.168.0.7:9".parse().unwrap(), None, Method::FindNode { target: HASH }).unwrap();
    assert_eq!(response(&reply).nodes.unwrap()[0].id, OURS);
    let later = node.asks(addr(1), Method::Other { name: b"later", target: Some(HASH) });
    assert_eq!(response(&later).nodes.unwrap(), nodes, "an unknown query with a target is one for nodes");
    assert_eq!(refused(&node.asks(addr(1), Method::Other { name: b"later", target: None })), code::UNKNOWN_METHOD);
}

#[test]
fn nodes_are_of_the_families_that_are_wanted() {
    let mut node = Node::new(false);
    let six: SocketAddr = "[2001:db8:1::1]:9".parse().unwrap();
    let mut counts = |from, want| {
        let reply = node.wants(from, want, Method::FindNode { target: HASH }).unwrap();
        let response = response(&reply);
        (response.nodes.map(|nodes| nodes.len()), response.nodes6.map(|nodes| nodes.len()))
    };
    assert_eq!(counts(addr(1), None), (Some(8), None));
    assert_eq!(counts(six, None), (None, Some(8)));
    assert_eq!(counts(addr(1), Some(Want { v4: false, v6: true })), (None, Some(8)));
    assert_eq!(counts(six, Some(Want { v4: true, v6: true })), (Some(8), Some(8)));
}

#[test]
fn peers_are_told_to_those_who_ask() {
    let mut node = Node::new(false);
    assert_eq!(response(&node.asks(addr(9), NO_PEERS)).values, None);
    node.announces(addr(1), 6881, false, false);
    node.announces(addr(2), 6881, true, true);
    let mut values = response(&node.asks(addr(9), NO_PEERS)).values.unwrap();
    values.sort();
    assert_eq!(values, [([20, 0, 1, 1], 6881).into(), addr(2)], "the second by the port that it came from");
    let scrape = Method::GetPeers { info_hash: HASH, no_seeds: true, scrape: true };
    let reply = node.asks(addr(9), scrape);
    let filters = response(&reply).filters.unwrap();
    let [mut seeds, mut peers] = [Filter::default(), Filter::default()];
    seeds.insert(addr(2).ip());
    peers.insert(addr(1).ip());
    assert_eq!((filters.seeds, filters.peers), (&seeds.0, &peers.0));
    node.now = node.now + Duration::from_secs(46 * 60);
    assert_eq!(response(&node.asks(addr(9), NO_PEERS)).values, None);
    assert_eq!(node.served.kept(), Kept::default());
}

/// Row 49 of bad input: without a token of ours nobody is written down.
#[test]
fn row_49_who_has_no_token_is_refused() {
    let mut node = Node::new(false);
    let reply = node.asks(addr(1), NO_PEERS);
    let token = response(&reply).token.unwrap();
    let announce = |token| Method::AnnouncePeer { info_hash: HASH, port: 1, implied_port: false, seed: false, token };
    assert_eq!(refused(&node.asks(addr(1), announce(b""))), code::PROTOCOL);
    assert_eq!(refused(&node.asks(addr(1), announce(b"aoeusnth"))), code::PROTOCOL);
    assert_eq!(refused(&node.asks(addr(2), announce(token))), code::PROTOCOL);
    assert_eq!(
        refused(
            &node.asks(
                addr(1),
                Method::AnnouncePeer { info_hash: HASH, port: 0, implied_port: false, seed: false, token }
            )
        ),
        code::PROTOCOL
    );
    node.now = node.now + Duration::from_secs(10 * 60);
    assert_eq!(refused(&node.asks(addr(1), announce(token))), code::PROTOCOL);
    assert_eq!(node.served.kept(), Kept::default());
}

/// No reply is longer than a datagram should be, whatever it is about.
#[test]
fn replies_stay_within_what_every_network_carries() {
    let mut node = Node::new(true);
    let six = |n: u16| SocketAddr::from(([0x2001, 0xdb8, n, 0, 0, 0, 0, 1], 7));
    for n in 0..500u16 {
        let [a, b] = n.to_be_bytes();
        node.announces(([21, a, b, 1], 7).into(), 7, false, n % 2 == 0);
        node.announces(six(n), 7, false, n % 2 == 0);
    }
    for from in [addr(1), six(1000)] {
        for want in [None, Some(Want { v4: true, v6: true })] {
            for scrape in [false, true] {
                let method = Method::GetPeers { info_hash: HASH, no_seeds: false, scrape };
                let reply = node.wants(from, want, method).unwrap();
                assert!(reply.len() <= 1_024, "{} bytes to {from}, scrape {scrape}", reply.len());
                assert_eq!(response(&reply).filters.is_some(), scrape);
            }
        }
    }
    let value = [b"996:".as_slice(), &[b'x'; 996]].concat();
    let seed = [5; 32];
    let key = public_key(&seed);
    let target = target_of_key(&key, &[1; 64]);
    let reply = node.asks(addr(1), Method::Get { target, seq: None });
    let signature = sign(&seed, &[1; 64], i64::MAX, &value);
    let signed = Signed { key: &key, signature: &signature, seq: i64::MAX, cas: None, salt: &[1; 64] };
    let put = Method::Put { token: response(&reply).token.unwrap(), value: &value, signed: Some(signed) };
    response(&node.asks(addr(1), put));
    let reply = node.wants(six(1), Some(Want { v4: true, v6: true }), Method::Get { target, seq: None }).unwrap();
    assert!(reply.len() <= 1_420, "{} bytes", reply.len());
    assert_eq!(response(&reply).item.value, Some(&value[..]));
}

#[test]
fn items_are_stored_and_told() {
    let mut node = Node::new(false);
    let value = b"12:Hello World!";
    let target = target_of_value(value);
    let get = Method::Get { target, seq: None };
    let reply = node.asks(addr(1), get.clone());
    assert_eq!(response(&reply).item.value, None);
    let token = response(&reply).token.unwrap();
    assert_eq!(refused(&node.asks(addr(2), Method::Put { token, value, signed: None })), code::PROTOCOL);
    assert_eq!(refused(&node.asks(addr(1), Method::Put { token, value: b"i1e", signed: None })), code::PROTOCOL);
    response(&node.asks(addr(1), Method::Put { token, value, signed: None }));
    let reply = node.asks(addr(3), get);
    let found = response(&reply);
    assert_eq!((found.item.value, found.item.key, found.nodes.unwrap().len()), (Some(&value[..]), None, 2));
    assert_eq!(node.served.kept(), Kept { items: 1, ..Kept::default() });
}

/// Row 51 of bad input over packets: each fault has its code.
#[test]
fn row_51_bad_items_are_refused_by_their_codes() {
    let mut node = Node::new(false);
    let seed = [5; 32];
    let key = public_key(&seed);
    let mut put = |seq, cas, salt: &[u8], value: &[u8], forged: bool| {
        let signature = sign(if forged { &[6; 32] } else { &seed }, salt, seq, value);
        let target = target_of_key(&key, salt);
        let from = addr(seq as u8);
        let reply = node.asks(from, Method::Get { target, seq: None });
        let token = response(&reply).token.unwrap();
        let signed = Some(Signed { key: &key, signature: &signature, seq, cas, salt });
        let reply = node.asks(from, Method::Put { token, value, signed });
        match decode(&reply, &Limits::NODE).unwrap().body {
            Body::Error(refusal) => Some(refusal.code),
            _ => None,
        }
    };
    assert_eq!(put(1, None, b"", b"1:a", true), Some(code::BAD_SIGNATURE));
    assert_eq!(put(2, None, &[1; 65], b"1:a", false), Some(code::SALT_TOO_LONG));
    assert_eq!(put(3, None, b"", &[b"997:".as_slice(), &[0; 997]].concat(), false), Some(code::VALUE_TOO_LONG));
    assert_eq!(put(4, None, b"", b"1:a", false), None);
    assert_eq!(put(3, None, b"", b"1:a", false), Some(code::SEQ_TOO_LOW));
    assert_eq!(put(5, Some(3), b"", b"1:b", false), Some(code::CAS_MISMATCH));
    assert_eq!(put(5, Some(4), b"", b"1:b", false), None);
}

#[test]
fn hashes_are_sampled() {
    let mut node = Node::new(false);
    node.announces(addr(1), 1, false, false);
    let reply = node.asks(addr(2), Method::SampleInfohashes { target: HASH });
    let response = response(&reply);
    let samples = response.samples.unwrap();
    assert_eq!((samples.iter().collect::<Vec<_>>(), samples.held, samples.interval_s), (vec![HASH], 1, 3_600));
    assert_eq!(response.nodes.unwrap().len(), 8);
}

/// Row 48 of bad input: who asks without end is not answered without end, and strangers together get no flood to send to others.
#[test]
fn row_48_floods_are_not_answered() {
    let mut node = Node::new(false);
    assert_eq!((0..1_000).filter(|_| node.wants(addr(1), None, Method::Ping).is_some()).count(), 50);
    let start = node.now;
    let (mut bytes, mut asked) = (0, 0);
    while node.now.since(start) < Duration::from_secs(10) {
        node.now = node.now + Duration::from_millis(1);
        let from = SocketAddr::from(([40, (asked >> 8) as u8, asked as u8, 1], 9));
        bytes += node.wants(from, None, Method::FindNode { target: HASH }).map_or(0, |reply| reply.len());
        asked += 1;
    }
    assert!((100_000..=160_000).contains(&bytes), "{bytes} bytes in ten seconds, with what was saved before");
    let known = Asker { addr: addr(7), is_known: true };
    let query = Query { id: THEIRS, read_only: false, want: None, method: Method::Ping };
    let us = Us { id: OURS, version: b"TE00" };
    assert!(
        node.served.answer(node.now, known, us, b"aa", &query, &Nodes).is_some(),
        "a node that we know is no stranger"
    );
    for from in ["20.0.0.1:0", "255.255.255.255:9", "224.0.0.1:9", "0.0.0.0:9"] {
        assert!(!node.served.may_ask(node.now, from.parse().unwrap()), "{from}");
    }
}
