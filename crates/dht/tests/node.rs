//! Whole nodes that speak with each other: what is announced is found, what is stored is read, and nothing else counts (BEP 5, 42, 43, 44).
use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::time::Duration;
use teem_basis::rng::Rng;
use teem_basis::time::Time;
use teem_dht::id::Id;
use teem_dht::item::{public_key, sign, target_of_key, target_of_value};
use teem_dht::krpc::decode::{Limits, decode};
use teem_dht::krpc::message::{Body, Message, Response};
use teem_dht::{Act, Item, Node, Port, Question, Settings, Signature, secure};
use teem_wire::compact::Family;

const HASH: Id = Id([7; 20]);

/// Nodes whose packets arrive at once.
struct Net {
    now: Time,
    nodes: BTreeMap<SocketAddr, Node>,
    told: Vec<(SocketAddr, Act)>,
    packets: u64,
}

fn at(n: u8) -> SocketAddr {
    SocketAddr::from(([20, n, 7, 1], 6881))
}

impl Net {
    fn new(count: u8) -> Self {
        let mut net = Self { now: Time::ZERO, nodes: BTreeMap::new(), told: Vec::new(), packets: 0 };
        for n in 0..count {
            net.add(at(n), Settings::default());
            net.tell(at(n), |node, now| node.hint(now, at(0)));
        }
        net.pass(Duration::from_secs(60));
        net
    }

    fn add(&mut self, addr: SocketAddr, settings: Settings) {
        let seed = self.nodes.len() as u64;
        let node = Node::new(self.now, Family::of(addr.ip()), settings, None, [seed, 5], Rng::new(seed));
        self.nodes.insert(addr, node);
    }

    fn tell<T>(&mut self, addr: SocketAddr, what: impl FnOnce(&mut Node, Time) -> T) -> T {
        let now = self.now;
        let said = what(self.nodes.get_mut(&addr).expect("there is such a node"), now);
        self.settle();
        said
    }

    /// Until nobody has anything to send.
    fn settle(&mut self) {
        let mut under_way = VecDeque::new();
        loop {
            for (from, node) in &mut self.nodes {
                while let Some(act) = node.poll() {
                    match act {
                        Act::Send { to, bytes } => under_way.push_back((*from, to, bytes)),
                        act => self.told.push((*from, act)),
                    }
                }
            }
            let Some((from, to, bytes)) = under_way.pop_front() else { return };
            self.packets += 1;
            if let Some(node) = self.nodes.get_mut(&to) {
                node.packet(self.now, from, &bytes);
            }
        }
    }

    fn pass(&mut self, time: Duration) {
        let until = self.now + time;
        while let Some(next) = self.nodes.values().filter_map(Node::deadline).min().filter(|next| *next <= until) {
            assert!(next >= self.now, "time goes on");
            self.now = next;
            self.nodes
                .values_mut()
                .filter(|node| node.deadline().is_some_and(|at| at <= next))
                .for_each(|node| node.tick(next));
            self.settle();
        }
        self.now = until;
    }

    fn told(&mut self, addr: SocketAddr) -> Vec<Act> {
        let (of_it, rest) = std::mem::take(&mut self.told).into_iter().partition(|(from, _)| *from == addr);
        self.told = rest;
        let of_it: Vec<(SocketAddr, Act)> = of_it;
        of_it.into_iter().map(|(_, act)| act).collect()
    }
}

fn peers_of(acts: &[Act]) -> Vec<SocketAddr> {
    acts.iter().flat_map(|act| if let Act::Peers { peers, .. } = act { peers.clone() } else { Vec::new() }).collect()
}

#[test]
fn what_one_announces_another_finds_from_one_address() {
    let mut net = Net::new(20);
    net.tell(at(3), |node, now| {
        node.listens(now, Some(Port { port: 51_413, implied: false }));
        node.announce(now, HASH, true)
    });
    let announced = net.told(at(3));
    let Some(Act::Announced { outcome, .. }) = announced.iter().find(|act| matches!(act, Act::Announced { .. })) else {
        panic!("{announced:?}")
    };
    assert!((8..20).contains(&outcome.stored), "{outcome:?}");
    net.add(at(99), Settings { read_only: true, ..Settings::default() });
    net.tell(at(99), |node, now| node.hint(now, at(0)));
    let question = Question::Peers { info_hash: HASH, no_seeds: false, scrape: true };
    net.tell(at(99), |node, now| node.look_up(now, question));
    net.pass(Duration::from_secs(5));
    let acts = net.told(at(99));
    assert_eq!(peers_of(&acts), [SocketAddr::new(at(3).ip(), 51_413)], "once, though eight know it");
    let Some(Act::End { outcome, .. }) = acts.iter().find(|act| matches!(act, Act::End { .. })) else {
        panic!("{acts:?}")
    };
    assert!(outcome.filters.as_ref().is_some_and(|all| all.seeds != [0; 256] && all.peers == [0; 256]));
    assert!(net.nodes.values().all(|node| node.to_save().iter().all(|known| known.addr != at(99))), "it reads only");
}

#[test]
fn a_new_port_is_announced_at_once_and_a_torrent_that_is_withdrawn_never() {
    let mut net = Net::new(12);
    net.tell(at(3), |node, now| node.announce(now, HASH, true));
    let none = net.told(at(3));
    assert!(none.iter().any(|act| matches!(act, Act::Announced { outcome, .. } if outcome.stored == 0)), "{none:?}");
    for port in [1_000, 2_000] {
        net.tell(at(3), |node, now| node.listens(now, Some(Port { port, implied: false })));
        let acts = net.told(at(3));
        assert!(
            acts.iter().any(|act| matches!(act, Act::Announced { outcome, .. } if outcome.stored == 8)),
            "{acts:?}"
        );
    }
    net.tell(at(5), |node, now| node.look_up(now, Question::Peers { info_hash: HASH, no_seeds: false, scrape: false }));
    assert_eq!(peers_of(&net.told(at(5))), [SocketAddr::new(at(3).ip(), 2_000)]);
    net.pass(Duration::from_mins(17));
    assert_eq!(net.told(at(3)).iter().filter(|act| matches!(act, Act::Announced { .. })).count(), 1);
    net.tell(at(3), |node, now| node.withdraw(now, HASH));
    net.pass(Duration::from_mins(40));
    assert!(!net.told(at(3)).iter().any(|act| matches!(act, Act::Announced { .. })));
}

#[test]
fn items_are_stored_and_read() {
    let mut net = Net::new(12);
    let value = b"5:hello".to_vec();
    let target = target_of_value(&value);
    let item = Item { value, signature: None };
    net.tell(at(2), |node, now| node.put(now, target, item.clone()));
    net.tell(at(9), |node, now| node.look_up(now, Question::Item { target, salt: Vec::new() }));
    let found: Vec<Act> = net.told(at(9)).into_iter().filter(|act| matches!(act, Act::Item { .. })).collect();
    assert!(matches!(&found[..], [Act::Item { item: it, .. }] if *it == item), "{found:?}");

    let (seed, salt) = ([3; 32], b"salt".to_vec());
    let key = public_key(&seed);
    let target = target_of_key(&key, &salt);
    for seq in [1, 2] {
        let value = format!("i{seq}e").into_bytes();
        let signature = sign(&seed, &salt, seq, &value);
        let signature = Some(Signature { key, signature, seq, cas: None, salt: salt.clone() });
        net.tell(at(2), |node, now| node.put(now, target, Item { value, signature }));
    }
    let stored = net.told(at(2));
    assert!(stored.iter().any(|act| matches!(act, Act::End { outcome, .. } if outcome.stored == 8)), "{stored:?}");
    net.tell(at(9), |node, now| node.look_up(now, Question::Item { target, salt: salt.clone() }));
    let newest = net
        .told(at(9))
        .into_iter()
        .filter_map(|act| if let Act::Item { item, .. } = act { Some(item.value) } else { None });
    assert_eq!(newest.max(), Some(b"i2e".to_vec()));
    net.tell(at(9), |node, now| node.look_up(now, Question::Item { target, salt: b"another".to_vec() }));
    assert!(!net.told(at(9)).iter().any(|act| matches!(act, Act::Item { .. })), "it is not under that target");
}

#[test]
fn our_id_follows_from_the_address_that_three_networks_see() {
    let net = Net::new(12);
    for (addr, node) in &net.nodes {
        assert_eq!(node.status().outside, Some(addr.ip()));
        assert!(secure::fits(node.id(), addr.ip()), "{addr}");
        assert!(node.status().good >= 8);
    }
}

#[test]
fn only_the_one_that_was_asked_can_answer_and_only_with_the_number() {
    let (now, them) = (Time::ZERO, at(1));
    let mut node = Node::new(now, Family::V4, Settings::default(), None, [1, 2], Rng::new(1));
    let lookup = node.ping(now, them);
    let Some(Act::Send { to, bytes }) = node.poll() else { panic!("nothing is sent") };
    assert_eq!(to, them);
    let transaction = decode(&bytes, &Limits::NODE).unwrap().transaction.to_vec();
    let answer = |transaction: &[u8]| {
        Message { transaction, version: None, ip: None, body: Body::Response(Response::new(Id([9; 20]))) }.encode()
    };
    node.packet(now, at(2), &answer(&transaction));
    node.packet(now, SocketAddr::new(them.ip(), 1), &answer(&transaction));
    node.packet(now, them, &answer(b"else"));
    node.packet(now, them, &answer(b""));
    assert_eq!((node.poll(), node.status().nodes, node.status().counts.strange), (None, 0, 4));
    node.packet(now, them, &answer(&transaction));
    assert!(matches!(node.poll(), Some(Act::Pinged { lookup: it, answer: Some(_) }) if it == lookup));
    node.packet(now, them, &answer(&transaction));
    assert_eq!((node.poll(), node.status().nodes, node.status().counts.strange), (None, 1, 5), "once");
}

#[test]
fn one_that_is_silent_is_given_up_and_a_late_answer_counts() {
    let mut now = Time::ZERO;
    let mut node = Node::new(now, Family::V4, Settings::default(), None, [1, 2], Rng::new(1));
    for (n, answers) in [(1, false), (2, true)] {
        node.ping(now, at(n));
        let Some(Act::Send { bytes, .. }) = node.poll() else { panic!("nothing is sent") };
        let began = now;
        now = now + Duration::from_secs(3);
        node.tick(now);
        assert_eq!(node.poll(), None, "it is late only");
        if answers {
            let transaction = decode(&bytes, &Limits::NODE).unwrap().transaction.to_vec();
            let body = Body::Response(Response::new(Id([9; 20])));
            node.packet(now, at(n), &Message { transaction: &transaction, version: None, ip: None, body }.encode());
        }
        now = began + Duration::from_secs(10);
        node.tick(now);
        let told = node.poll();
        assert!(matches!(told, Some(Act::Pinged { answer, .. }) if answer.is_some() == answers), "{told:?}");
    }
}

#[test]
fn one_that_reads_only_answers_nobody() {
    let mut net = Net::new(2);
    net.add(at(50), Settings { read_only: true, ..Settings::default() });
    net.tell(at(1), |node, now| node.ping(now, at(50)));
    net.pass(Duration::from_secs(10));
    assert!(net.told(at(1)).iter().any(|act| matches!(act, Act::Pinged { answer: None, .. })));
}

#[test]
fn an_idle_node_sends_and_gets_thirty_packets_a_minute_at_most() {
    let mut net = Net::new(40);
    net.pass(Duration::from_mins(20));
    let before = net.packets;
    net.pass(Duration::from_mins(60));
    let a_minute = (net.packets - before) * 2 / 60 / 40;
    assert!((5..=30).contains(&a_minute), "{a_minute}");
}

#[test]
fn what_was_saved_is_enough_to_begin() {
    let mut net = Net::new(20);
    let saved = net.nodes[&at(4)].to_save();
    assert!(saved.len() >= 10);
    net.add(at(77), Settings::default());
    net.tell(at(77), |node, now| node.load(now, &saved));
    net.pass(Duration::from_secs(3));
    let status = net.nodes[&at(77)].status();
    assert!(status.good >= 10 && status.outside == Some(at(77).ip()), "{status:?}");
}
