//! Nodes that a look-up asks and counts, and when it ends (own design).
use super::search::*;
use crate::id::Id;
use crate::krpc::message::Contact;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::net::{IpAddr, SocketAddr};
use teem_basis::rng::Rng;

fn addr(n: u32) -> SocketAddr {
    SocketAddr::new(IpAddr::from((0x0B00_0001 + n * 256).to_be_bytes()), 6881)
}

/// A network in which each node names the eight that it knows nearest to the target.
struct Net {
    nodes: BTreeMap<SocketAddr, Contact>,
    known: BTreeMap<SocketAddr, Vec<Contact>>,
}

impl Net {
    fn new(count: u32, rng: &mut Rng) -> Self {
        let nodes: Vec<Contact> = (0..count).map(|n| Contact { id: Id::random(rng), addr: addr(n) }).collect();
        let known = nodes.iter().map(|node| {
            let mut buckets: BTreeMap<u32, Vec<Contact>> = BTreeMap::new();
            for other in nodes.iter().filter(|other| other.addr != node.addr) {
                let bucket = buckets.entry(node.id.common_bits(other.id)).or_default();
                if bucket.len() < 8 {
                    bucket.push(*other);
                }
            }
            (node.addr, buckets.into_values().flatten().collect())
        });
        Self { known: known.collect(), nodes: nodes.iter().map(|node| (node.addr, *node)).collect() }
    }

    fn answer(&self, from: SocketAddr, target: Id) -> Vec<Contact> {
        let mut nodes = self.known[&from].clone();
        nodes.sort_by_key(|node| node.id.distance(target));
        nodes.truncate(8);
        nodes
    }

    fn closest(&self, target: Id, alive: impl Fn(SocketAddr) -> bool) -> Vec<Contact> {
        let mut nodes: Vec<Contact> = self.nodes.values().filter(|node| alive(node.addr)).copied().collect();
        nodes.sort_by_key(|node| node.id.distance(target));
        nodes.truncate(CLOSEST);
        nodes
    }
}

/// Leads a look-up to its end: those that are not alive are late, and have failed some answers later.
fn lead(search: &mut Search, target: Id, net: &Net, alive: impl Fn(SocketAddr) -> bool, rng: &mut Rng) {
    let mut under_way: Vec<SocketAddr> = Vec::new();
    loop {
        match search.next() {
            Next::Ask(addr) => {
                under_way.push(addr);
                assert!(under_way.iter().filter(|addr| alive(**addr)).count() <= WIDTH.all);
            }
            Next::End => return,
            Next::Wait => {
                let at = rng.index(under_way.len()).unwrap();
                let from = under_way.swap_remove(at);
                if alive(from) {
                    let nodes = net.answer(from, target).into_iter().map(|node| (node, true));
                    search.answered(net.nodes[&from], true, Some(b"token"), nodes);
                } else if rng.below(2) == 0 {
                    search.late(from);
                    under_way.push(from);
                } else {
                    search.failed(from);
                }
            }
        }
    }
}

fn found(search: &Search) -> Vec<Contact> {
    search.closest().into_iter().map(|(contact, _)| contact).collect()
}

/// Round trips in milliseconds at each twentieth of all pairs, half of them below 90.
const ROUND_TRIPS: [u64; 20] =
    [25, 37, 45, 51, 57, 63, 69, 74, 80, 87, 93, 101, 109, 118, 129, 142, 158, 181, 218, 370];

/// How long it takes, in milliseconds, until one of the closest eight has answered, where three in ten of all nodes are dead.
fn until_the_closest(net: &Net, target: Id, rng: &mut Rng) -> u64 {
    const LATE: u64 = 290;
    let alive = |addr: SocketAddr| net.nodes[&addr].id.0[18] >= 77;
    let closest = net.closest(target, alive);
    let mut search = Search::new(target, WIDTH, None);
    let mut own = net.known[&addr(7)].clone();
    own.sort_by_key(|node| node.id.distance(target));
    own.into_iter().take(16).for_each(|node| search.know(node, true));
    let (mut now, mut number, mut events) = (0, 0, BTreeMap::new());
    loop {
        while let Next::Ask(addr) = search.next() {
            number += 1;
            let after = if alive(addr) { ROUND_TRIPS[rng.below(20) as usize] } else { LATE };
            events.insert((now + after.min(LATE), number), (addr, after <= LATE && alive(addr), now + after));
        }
        let Some(((at, _), (from, has_answered, answers_at))) = events.pop_first() else { return u64::MAX };
        now = at;
        if has_answered {
            if closest.contains(&net.nodes[&from]) {
                return now;
            }
            search.answered(
                net.nodes[&from],
                true,
                Some(b"token"),
                net.answer(from, target).into_iter().map(|node| (node, true)),
            );
        } else {
            search.late(from);
            if alive(from) {
                number += 1;
                events.insert((answers_at, number), (from, true, answers_at));
            }
        }
    }
}

#[test]
fn the_dead_and_the_slow_hold_up_one_look_up_in_twenty_for_no_more_than_four_hundred_milliseconds() {
    let mut rng = Rng::new(4);
    let net = Net::new(1_500, &mut rng);
    let mut times: Vec<u64> = (0..400).map(|_| until_the_closest(&net, Id::random(&mut rng), &mut rng)).collect();
    times.sort_unstable();
    assert!(times[200] <= 200 && times[380] <= 400, "p50 {}, p95 {}, last {}", times[200], times[380], times[399]);
}

#[test]
fn it_comes_to_the_closest_eight() {
    let mut rng = Rng::new(1);
    let net = Net::new(600, &mut rng);
    let mut asked = 0;
    for _ in 0..50 {
        let target = Id::random(&mut rng);
        let mut search = Search::new(target, WIDTH, None);
        for node in &net.known[&addr(7)] {
            search.know(*node, true);
        }
        lead(&mut search, target, &net, |_| true, &mut rng);
        assert_eq!(found(&search), net.closest(target, |_| true));
        assert!(search.closest().iter().all(|(_, token)| *token == Some(&b"token"[..])));
        asked += search.asked();
    }
    assert!(asked <= 50 * 16, "{asked} queries");
}

#[test]
fn it_goes_past_the_dead() {
    let mut rng = Rng::new(2);
    let net = Net::new(600, &mut rng);
    for (dead, permille) in [(2, 650), (3, 850), (4, 900)] {
        let alive = |addr: SocketAddr| !net.nodes[&addr].id.0[19].is_multiple_of(dead);
        let mut hits = 0;
        for _ in 0..50 {
            let target = Id::random(&mut rng);
            let mut search = Search::new(target, WIDTH, None);
            for node in &net.known[&addr(7)] {
                search.know(*node, true);
            }
            lead(&mut search, target, &net, alive, &mut rng);
            let closest = net.closest(target, alive);
            hits += found(&search).iter().filter(|node| closest.contains(node)).count();
        }
        assert!(hits * 1_000 >= 50 * CLOSEST * permille, "one in {dead}: {hits} of {}", 50 * CLOSEST);
    }
}

#[test]
fn one_address_without_an_id_is_enough_to_begin() {
    let mut rng = Rng::new(3);
    let net = Net::new(300, &mut rng);
    let target = Id::random(&mut rng);
    let mut search = Search::new(target, WIDTH, None);
    assert_eq!(search.next(), Next::End, "nobody is known");
    search.know_address(addr(5));
    search.know_address(addr(5));
    lead(&mut search, target, &net, |_| true, &mut rng);
    assert_eq!(found(&search), net.closest(target, |_| true));
}

#[test]
fn the_only_one_that_is_known_is_asked_three_times() {
    let mut search = Search::new(Id([1; 20]), WIDTH, None);
    search.know_address(addr(5));
    for _ in 0..3 {
        assert_eq!(search.next(), Next::Ask(addr(5)));
        assert_eq!(search.next(), Next::Wait);
        search.late(addr(5));
    }
    assert_eq!(search.next(), Next::Wait, "an answer that is late may come yet");
    search.failed(addr(5));
    assert_eq!(search.next(), Next::End);
}

/// The honest of a small network, and a crowd of one party that lies nearer to the target than any of them.
fn besieged(crowd: impl Fn(u32, Id, &mut Rng) -> (Contact, bool), size: Option<u64>) -> (usize, usize) {
    let mut rng = Rng::new(4);
    let mut net = Net::new(400, &mut rng);
    let (mut hits, mut asked) = (0, 0);
    for _ in 0..20 {
        let target = Id::random(&mut rng);
        let evil: Vec<(Contact, bool)> = (0..100).map(|n| crowd(n, target, &mut rng)).collect();
        for (node, _) in &evil {
            net.nodes.insert(node.addr, *node);
        }
        let fits = |node: &Contact| evil.iter().find(|(it, _)| it.addr == node.addr).is_none_or(|(_, fits)| *fits);
        let mut search = Search::new(target, WIDTH, size);
        for node in &net.known[&addr(7)] {
            search.know(*node, true);
        }
        let mut under_way: Vec<SocketAddr> = Vec::new();
        loop {
            match search.next() {
                Next::Ask(addr) => under_way.push(addr),
                Next::End => break,
                Next::Wait => {
                    let from = under_way.remove(0);
                    let is_evil = evil.iter().any(|(it, _)| it.addr == from);
                    // The honest name one of the crowd among theirs; the crowd names itself alone.
                    let mut nodes = if is_evil { Vec::new() } else { net.answer(from, target) };
                    let more = if is_evil { 8 } else { 2 };
                    for _ in 0..more {
                        nodes.push(evil[rng.index(evil.len()).unwrap()].0);
                    }
                    let named: Vec<_> = nodes.into_iter().map(|node| (node, fits(&node))).collect();
                    search.answered(net.nodes[&from], fits(&net.nodes[&from]), Some(b"t"), named);
                }
            }
        }
        for (node, _) in &evil {
            net.nodes.remove(&node.addr);
        }
        let closest = net.closest(target, |_| true);
        hits += found(&search).iter().filter(|node| closest.contains(node)).count();
        asked += search.asked();
    }
    (hits, asked)
}

/// An id that only the closest could have.
fn near(target: Id, rng: &mut Rng) -> Id {
    let mut id = Id::random(rng);
    id.0[..4].copy_from_slice(&target.0[..4]);
    id
}

#[test]
fn ids_that_do_not_fit_keep_nobody_from_the_closest() {
    let crowd = |n, target, rng: &mut Rng| (Contact { id: near(target, rng), addr: addr(100_000 + n) }, false);
    let (hits, asked) = besieged(crowd, None);
    assert!(hits >= 20 * CLOSEST * 95 / 100 && asked <= 20 * 36, "{hits} reached with {asked} queries");
}

#[test]
fn many_of_one_network_keep_nobody_from_the_closest() {
    let crowd = |n: u32, target, rng: &mut Rng| {
        let ip = IpAddr::from([7, 7, 7, n as u8]);
        (Contact { id: near(target, rng), addr: SocketAddr::new(ip, 1) }, true)
    };
    let (hits, _) = besieged(crowd, None);
    assert!(hits >= 20 * 6, "two of the eight places are theirs at most: {hits}");
}

#[test]
fn more_than_the_network_has_keep_nobody_from_the_closest() {
    let crowd = |n, target, rng: &mut Rng| (Contact { id: near(target, rng), addr: addr(100_000 + n) }, true);
    let (hits, _) = besieged(crowd, Some(400));
    assert!(hits >= 20 * 6, "{hits}");
    let (fooled, _) = besieged(crowd, None);
    assert!(fooled < 20, "the size of the network is what tells: {fooled}");
}

#[test]
fn one_that_names_what_is_not_there_is_not_believed() {
    let mut rng = Rng::new(6);
    let target = Id::random(&mut rng);
    let mut search = Search::new(target, Width { near: 1, all: 1 }, None);
    let liar = Contact { id: Id::random(&mut rng), addr: addr(1) };
    let made_up: Vec<_> = (0..8).map(|n| (Contact { id: near(target, &mut rng), addr: addr(10 + n) }, true)).collect();
    search.know(liar, true);
    assert_eq!(search.next(), Next::Ask(liar.addr));
    search.answered(liar, true, None, made_up);
    for _ in 0..3 {
        let Next::Ask(addr) = search.next() else { panic!("it is believed at first") };
        search.failed(addr);
    }
    let honest = Contact { id: Id::random(&mut rng), addr: addr(99) };
    search.know(honest, true);
    assert_eq!(search.next(), Next::Ask(honest.addr), "though it is farther");
}

/// A node may be named under ids that are not its own, by honest nodes that knew it before it changed its id; what was asked there is over with its answer.
#[test]
fn an_answer_under_another_id_leaves_nothing_to_wait_for() {
    let contact = |id: u8| Contact { id: Id([id; 20]), addr: addr(1) };
    for (named, really) in [(&[1, 2][..], 2), (&[1, 2], 1), (&[1, 2], 3), (&[1], 2), (&[1, 2, 3], 4)] {
        let mut search = Search::new(Id([0; 20]), WIDTH, None);
        for id in named {
            search.know(contact(*id), true);
        }
        assert_eq!(search.next(), Next::Ask(addr(1)), "{named:?}");
        assert_eq!(search.next(), Next::Wait, "it is asked once");
        search.answered(contact(really), true, None, []);
        assert_eq!(search.next(), Next::End, "{named:?}, {really}");
        assert_eq!(search.closest(), [(contact(really), None)]);
    }
}
