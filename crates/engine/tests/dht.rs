//! Engines find peers by the DHT (BEP 5), and none of its packets is about a private torrent (BEP 27).
mod common;
use common::*;
use core::net::SocketAddr;
use core::time::Duration;
use std::collections::BTreeMap;
use teem_dht::krpc::decode::{Limits, decode};
use teem_dht::krpc::message::{Body, Method};
use teem_engine::config::DhtConfig;
use teem_engine::input::Input;
use teem_engine::{Engine, EngineConfig};
use teem_swarm::ask::{Answer, Question};
use teem_swarm::command::Command;
use teem_swarm::event::Event;
use teem_swarm::ids::{ConnId, TorrentId};
use teem_swarm::output::Output;
use teem_swarm::remote::{Remote, Via};
use teem_swarm::search::{Counts, SourceKind};
use teem_swarm::time::Time;
use teem_wire::compact::Family;
use teem_wire::peer::handshake::{Features, Handshake, PeerId};
use teem_wire::peer::message::Message;

const DELAY: Duration = Duration::from_millis(20);
const NAME: &str = "node.example";

struct Side {
    engine: Engine<Block>,
    dialled: Vec<SocketAddr>,
    /// Packets of the DHT that it sent, and when.
    packets: Vec<(Time, Vec<u8>)>,
    others: Vec<Output<Block>>,
}

/// Engines at 20.0.n.1:5000, of which the first is the node that everybody knows by name.
struct Net {
    now: Time,
    sides: Vec<Side>,
    on_the_way: BTreeMap<(Time, usize), (usize, SocketAddr, Vec<u8>)>,
    sent: usize,
}

fn addr(n: usize) -> SocketAddr {
    ([20, 0, n as u8, 1], 5000).into()
}

impl Net {
    fn new(count: u64) -> Self {
        let side = |n| {
            let dht = DhtConfig {
                families: vec![Family::V4],
                bootstrap: vec![(NAME.to_owned(), 5000)],
                ..DhtConfig::default()
            };
            let engine = Engine::new(EngineConfig { dht: Some(dht), ..EngineConfig::new(5000, n) });
            Side { engine, dialled: Vec::new(), packets: Vec::new(), others: Vec::new() }
        };
        Self { now: secs(100), sides: (0..count).map(side).collect(), on_the_way: BTreeMap::new(), sent: 0 }
    }

    fn give(&mut self, n: usize, input: Input<Block>) {
        self.sides[n].engine.handle(self.now, input);
        let mut answers = Vec::new();
        while let Some(output) = self.sides[n].engine.poll_output() {
            match output {
                Output::Datagram { to, bytes } => {
                    self.sides[n].packets.push((self.now, bytes.clone()));
                    if let Some(other) = (0..self.sides.len()).find(|other| addr(*other) == to) {
                        self.sent += 1;
                        self.on_the_way.insert((self.now + DELAY, self.sent), (other, addr(n), bytes));
                    }
                }
                Output::Dial { to, .. } => self.sides[n].dialled.extend(to.addr()),
                Output::Ask { id, question: Question::Resolve { host, port, .. } } => {
                    assert_eq!((host.as_str(), port), (NAME, 5000));
                    answers.push(Input::Answer { id, answer: Answer::Resolved(Ok(vec![addr(0)])) });
                }
                other => self.sides[n].others.push(other),
            }
        }
        for answer in answers {
            self.give(n, answer);
        }
    }

    fn run(&mut self, seconds: u64) {
        let end = self.now + Duration::from_secs(seconds);
        loop {
            let packet = self.on_the_way.first_key_value().map(|((at, _), _)| *at);
            let ticks = self.sides.iter().map(|side| side.engine.deadline());
            let (tick, n) = ticks.enumerate().filter_map(|(n, at)| Some((at?, n))).min().unwrap_or((end, 0));
            let next = packet.unwrap_or(end).min(tick);
            if next >= end {
                self.now = end;
                return;
            }
            self.now = self.now.max(next);
            if packet == Some(next)
                && let Some((_, (to, from, bytes))) = self.on_the_way.pop_first()
            {
                self.give(to, Input::Datagram { from, bytes });
            } else {
                self.give(n, Input::Tick);
            }
        }
    }

    fn add(&mut self, n: usize, content: u64) {
        let command = torrent(&info(content, false), false, &[], &[]);
        self.give(n, Input::Command(command));
    }
}

#[test]
fn who_has_a_bare_hash_finds_those_who_have_it_too() {
    let mut net = Net::new(4);
    net.add(0, 1);
    net.run(5);
    net.add(1, 2);
    net.add(2, 3);
    net.run(60);
    // What a node tells may be where we are ourselves, which is found out by dialling.
    assert!(net.sides[2].dialled.iter().all(|to| *to == addr(2)), "{:?}", net.sides[2].dialled);
    net.add(3, 2);
    let began = net.now;
    net.run(1);
    assert!(net.sides[3].dialled.contains(&addr(1)), "{:?} in {:?}", net.sides[3].dialled, net.now.since(began));
    net.run(60);
    assert!(!net.sides[3].dialled.contains(&addr(2)) && !net.sides[3].dialled.contains(&addr(0)));
}

/// An answer says where the question came from (BEP 42): three networks that agree are believed.
#[test]
fn nodes_tell_us_where_the_world_sees_us() {
    let mut net = Net::new(5);
    for n in 0..5 {
        net.add(n, 1 + n as u64);
    }
    net.run(120);
    for (n, side) in net.sides.iter().enumerate() {
        let ours = |output: &Output<Block>| match output {
            Output::Event(Event::External { ip, .. }) => Some(*ip),
            _ => None,
        };
        let said: Vec<_> = side.others.iter().filter_map(ours).collect();
        assert_eq!(said, [addr(n).ip()], "{n}");
    }
}

#[test]
fn a_node_is_saved_and_a_later_run_needs_no_name() {
    let mut net = Net::new(3);
    net.add(0, 1);
    net.add(1, 2);
    net.run(60);
    net.give(1, Input::Command(Command::Nodes));
    let Some(Output::Event(Event::Nodes { nodes, saved })) = net.sides[1].others.pop() else { panic!("no nodes") };
    assert_eq!((nodes.len(), nodes[0].good, nodes[0].torrents), (1, 1, 1));
    assert_eq!(saved[0].1, addr(0));
    let id = teem_dht::id::Id(nodes[0].id);
    let contact = teem_dht::krpc::message::Contact { id: teem_dht::id::Id(saved[0].0), addr: saved[0].1 };
    let dht = DhtConfig {
        families: vec![Family::V4],
        ids: vec![(Family::V4, id)],
        saved: vec![contact],
        ..DhtConfig::default()
    };
    net.sides[2].engine = Engine::new(EngineConfig { dht: Some(dht), ..EngineConfig::new(5000, 9) });
    net.add(2, 2);
    net.run(1);
    assert!(net.sides[2].dialled.contains(&addr(1)), "{:?}", net.sides[2].dialled);
}

/// A private torrent has no packet of the DHT: none at all where there is no other, none about it where there is.
#[test]
fn a_private_torrent_is_nobodys_but_its_trackers() {
    let mut net = Net::new(3);
    net.add(0, 1);
    let secret = info(7, true);
    net.give(1, Input::Command(torrent(&secret, true, &[], &["http://t/announce"])));
    // Somebody asks it, and calls it by name.
    let stranger = b"d1:ad2:id20:abcdefghij0123456789e1:q4:ping1:t2:aa1:y1:qe".to_vec();
    net.give(1, Input::Datagram { from: addr(0), bytes: stranger });
    net.run(1_000);
    assert!(net.sides[1].packets.is_empty());
    let open = limited(torrent(&info(2, false), false, &[], &[]), TorrentId(8), None, None);
    net.give(1, Input::Command(open));
    net.run(1_000);
    assert!(!net.sides[1].packets.is_empty());
    let told = hash(&secret).0;
    let named = |packet: &[u8]| match decode(packet, &Limits::NODE).map(|message| message.body) {
        Ok(Body::Query(query)) => match query.method {
            Method::GetPeers { info_hash, .. } | Method::AnnouncePeer { info_hash, .. } => info_hash.0 == told,
            _ => false,
        },
        _ => false,
    };
    assert!(!net.sides.iter().flat_map(|side| &side.packets).any(|(_, packet)| named(packet)));
}

/// Handshakes say that there is a node, peers that have one too are told where, and what they tell is asked (BEP 5, PORT).
#[test]
fn peers_tell_each_other_of_their_nodes() {
    let mut net = Net::new(3);
    net.sides[0].engine = Engine::new(EngineConfig {
        dht: Some(DhtConfig { families: vec![Family::V4], ..DhtConfig::default() }),
        ..EngineConfig::new(5000, 77)
    });
    net.add(0, 1);
    net.add(1, 1);
    let content = info(1, false);
    for (has_node, n) in [(true, 1), (false, 2)] {
        let (conn, remote) = (ConnId(n), Remote::Addr(addr(1)));
        net.give(0, Input::Accepted { conn, remote, local: None });
        let features = Features { fast: true, extended: true, dht: has_node, v2: false };
        let handshake = Handshake { info_hash: hash(&content), peer_id: PeerId([n as u8; 20]), features };
        net.give(0, Input::Hello { conn, handshake, via: Via::TCP });
        let ours = net.sides[0].others.iter().any(
            |output| matches!(output, Output::Hello { conn: on, handshake } if *on == conn && handshake.features.dht),
        );
        let told = net.sides[0]
            .others
            .iter()
            .any(|output| matches!(output, Output::Send { conn: on, message: Message::Port(5000) } if *on == conn));
        assert_eq!((ours, told), (true, has_node));
        net.sides[0].packets.clear();
        net.give(0, Input::Message { conn, message: Message::Port(5000) });
        net.run(10);
        net.give(0, Input::Closed { conn, why: teem_swarm::output::CloseReason::Remote });
    }
    net.give(0, Input::Command(Command::Nodes));
    let Some(Output::Event(Event::Nodes { nodes, .. })) = net.sides[0].others.pop() else { panic!("no nodes") };
    assert_eq!(nodes[0].good, 1, "the peer's node has answered");
}

/// What the owner is told of the search when it asks: who named how many, the node that named last, and who sees us where.
#[test]
fn the_search_tells_what_the_dht_named() {
    let mut net = Net::new(3);
    net.add(0, 1);
    net.add(1, 2);
    net.run(60);
    net.add(2, 2);
    net.run(5);
    let asked = |net: &mut Net, n: usize, torrent| {
        net.give(n, Input::Command(Command::Search(torrent)));
        match net.sides[n].others.pop() {
            Some(Output::Event(Event::Search(search))) => *search,
            other => panic!("{other:?}"),
        }
    };
    let search = asked(&mut net, 2, ME);
    let dht = search.dht.expect("a node");
    let named = search.counts.of(SourceKind::Dht);
    assert!(dht.looks && dht.good > 0 && dht.asked >= dht.answers && dht.answers > 0, "{dht:?}");
    assert!(named.named > 0 && named.tried > 0 && dht.last.is_some_and(|(_, peers)| peers > 0), "{named:?} {dht:?}");
    assert!(!search.votes.is_empty() && search.votes[0].ip == addr(2).ip(), "{:?}", search.votes);
    let secret = info(7, true);
    let add = limited(torrent(&secret, true, &[], &["http://t/announce"]), TorrentId(8), None, None);
    net.give(2, Input::Command(add));
    net.run(1);
    let search = asked(&mut net, 2, TorrentId(8));
    assert!(search.private && search.dht.is_some_and(|dht| !dht.looks && dht.last.is_none()), "{search:?}");
    assert_eq!(search.counts, Counts::default());
}

/// What has no peer is looked up again, ever less often: so those that come at one moment, each too late for the others' first look-up, find each other.
#[test]
fn a_torrent_that_found_nobody_is_looked_up_again_soon() {
    let mut net = Net::new(3);
    net.add(0, 1);
    net.run(60);
    net.add(1, 2);
    net.run(3);
    assert!(!net.sides[1].dialled.contains(&addr(2)));
    net.add(2, 2);
    net.run(10);
    assert!(net.sides[1].dialled.contains(&addr(2)), "{:?}", net.sides[1].dialled);
}

/// Queries for peers that a side has sent, and when.
fn asked_for_peers(side: &Side) -> Vec<Time> {
    let asks = |packet: &[u8]| {
        let Ok(Body::Query(query)) = decode(packet, &Limits::NODE).map(|message| message.body) else { return false };
        matches!(query.method, Method::GetPeers { .. })
    };
    side.packets.iter().filter(|(_, packet)| asks(packet)).map(|(at, _)| *at).collect()
}

#[test]
fn a_torrent_that_nobody_else_wants_is_looked_up_ever_less_often_and_one_with_a_peer_only_to_be_announced() {
    let mut net = Net::new(2);
    net.add(0, 1);
    net.run(60);
    net.add(1, 2);
    net.run(4_000);
    let mut asked = asked_for_peers(&net.sides[1]);
    asked.dedup();
    let waits: Vec<u64> = asked.windows(2).map(|pair| pair[1].since(pair[0]).as_secs()).collect();
    assert!((8..=20).contains(&asked.len()), "{waits:?}");
    assert!(waits.iter().any(|wait| *wait <= 3) && waits.iter().rev().take(2).all(|wait| *wait >= 300), "{waits:?}");

    // A peer comes to it: what is asked from then on is asked to be announced.
    let before = asked.len();
    let (conn, remote) = (ConnId(1), Remote::Addr(addr(7)));
    net.give(1, Input::Accepted { conn, remote, local: None });
    let handshake =
        Handshake { info_hash: hash(&info(2, false)), peer_id: PeerId([7; 20]), features: Features::default() };
    net.give(1, Input::Hello { conn, handshake, via: Via::TCP });
    for _ in 0..20 {
        net.give(1, Input::Message { conn, message: Message::KeepAlive });
        net.run(50);
    }
    let mut later = asked_for_peers(&net.sides[1]);
    later.dedup();
    assert!(later.len() - before <= 2, "{} more", later.len() - before);
    assert!(
        !net.sides[1]
            .others
            .iter()
            .any(|output| matches!(output, Output::Close { conn: closed, .. } if *closed == conn))
    );
}
