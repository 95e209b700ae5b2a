//! The table against a naive model, and its rules one by one.
#![allow(clippy::unwrap_used, reason = "helpers of tests may")]
use proptest::collection::vec;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;
use teem_metainfo::InfoHash;
use teem_tracker_server::limits::Limits;
use teem_tracker_server::own_seed::OwnSeed;
use teem_tracker_server::request::{Refusal, Request};
use teem_tracker_server::tracker::{Access, Tracker};
use teem_wire::compact::Family;
use teem_wire::peer::handshake::PeerId;
use teem_wire::reach::Reach;
use teem_wire::tracker::announce::AnnounceEvent;

const HASH: InfoHash = InfoHash([1; 20]);
const SEC: Duration = Duration::from_secs(1);

fn tracker(access: Access) -> Tracker {
    Tracker::new(Limits::DEFAULT, access, [5; 40])
}

fn request(id: u8, from: &str, left: u64) -> Request {
    let from: SocketAddr = from.parse().unwrap();
    Request {
        info_hash: HASH,
        peer_id: PeerId([id; 20]),
        key: u32::from(id),
        from: from.ip(),
        local: "198.18.0.1:6969".parse().unwrap(),
        port: from.port(),
        left,
        event: AnnounceEvent::None,
        num_want: None,
        peers_max: 100,
        family: None,
    }
}

/// The peers that the answer names, sorted.
fn told(tracker: &mut Tracker, now: Duration, request: &Request) -> Vec<SocketAddr> {
    let mut peers = tracker.announce(now, request).unwrap().peers;
    peers.sort();
    peers
}

fn addrs(list: &[&str]) -> Vec<SocketAddr> {
    let mut out: Vec<_> = list.iter().map(|a| a.parse().unwrap()).collect();
    out.sort();
    out
}

#[test]
fn peers_meet_and_seeds_do_not() {
    let mut t = tracker(Access::Open);
    let s1 = request(1, "198.18.0.11:1001", 0);
    let s2 = request(2, "198.18.0.12:1002", 0);
    let partial = Request { event: AnnounceEvent::Paused, ..request(3, "198.18.0.13:1003", 5) };
    let leech = request(4, "198.18.0.14:1004", 9);
    assert_eq!(told(&mut t, SEC, &s1), []);
    assert_eq!(told(&mut t, SEC, &s2), []);
    assert_eq!(told(&mut t, SEC, &partial), []);
    let all = ["198.18.0.11:1001", "198.18.0.12:1002", "198.18.0.13:1003"];
    assert_eq!(told(&mut t, SEC, &leech), addrs(&all));
    assert_eq!(told(&mut t, SEC, &s1), addrs(&["198.18.0.14:1004"]));
    assert_eq!(told(&mut t, SEC, &partial), addrs(&["198.18.0.14:1004"]));
    let numbers = t.scrape(&HASH).unwrap();
    assert_eq!((numbers.complete, numbers.incomplete, numbers.downloaded), (2, 2, 0));
    assert_eq!(told(&mut t, SEC, &Request { num_want: Some(0), ..leech.clone() }), []);
    assert_eq!(told(&mut t, SEC, &Request { num_want: Some(2), ..leech.clone() }).len(), 2);
    assert_eq!(told(&mut t, SEC, &Request { num_want: Some(u32::MAX), peers_max: 1, ..leech }).len(), 1);
}

/// rqbit 9.1 with a magnet link says that nothing is left, since it does not know how much there is.
#[test]
fn who_begins_with_nothing_left_hears_of_seeds() {
    let mut t = tracker(Access::Open);
    told(&mut t, SEC, &request(1, "198.18.0.11:1001", 0));
    let begins = Request { event: AnnounceEvent::Started, ..request(2, "198.18.0.12:1002", 0) };
    assert_eq!(told(&mut t, SEC, &begins), addrs(&["198.18.0.11:1001"]));
    assert_eq!(told(&mut t, SEC, &request(2, "198.18.0.12:1002", 0)), []);
}

#[test]
fn a_peer_is_counted_once_over_families() {
    let mut t = tracker(Access::Open);
    told(&mut t, SEC, &request(1, "198.18.0.11:1001", 5));
    told(&mut t, SEC, &request(1, "[2001:db8::1]:1001", 5));
    told(&mut t, SEC, &request(1, "[::ffff:198.18.0.11]:1001", 5));
    assert_eq!(t.scrape(&HASH).unwrap().incomplete, 1);
    assert_eq!(t.counts(), (1, 1));
    let asker = request(2, "198.18.0.12:1002", 5);
    assert_eq!(told(&mut t, SEC, &asker), addrs(&["198.18.0.11:1001", "[2001:db8::1]:1001"]));
    let only = Request { family: Some(Family::V6), ..asker };
    assert_eq!(told(&mut t, SEC, &only), addrs(&["[2001:db8::1]:1001"]));
    // Another key is another peer, and cannot drive the first one out.
    let thief = Request { key: 99, event: AnnounceEvent::Stopped, ..request(1, "198.18.0.66:6", 5) };
    told(&mut t, SEC, &thief);
    assert_eq!(t.scrape(&HASH).unwrap().incomplete, 2);
    let stops = Request { event: AnnounceEvent::Stopped, ..request(1, "198.18.0.11:1001", 5) };
    assert_eq!(told(&mut t, SEC, &stops), []);
    assert_eq!(t.scrape(&HASH).unwrap().incomplete, 1);
}

#[test]
fn completed_is_counted_once() {
    let mut t = tracker(Access::Open);
    let completes = |left| Request { event: AnnounceEvent::Completed, ..request(1, "198.18.0.11:1001", left) };
    told(&mut t, SEC, &request(1, "198.18.0.11:1001", 5));
    told(&mut t, SEC, &completes(5)); // with something missing it is no completion
    assert_eq!(t.scrape(&HASH).unwrap().downloaded, 0);
    told(&mut t, SEC, &completes(0));
    told(&mut t, SEC, &completes(0)); // sent again because the answer was lost
    told(&mut t, SEC, &Request { event: AnnounceEvent::Completed, ..request(1, "[2001:db8::1]:1001", 0) });
    let numbers = t.scrape(&HASH).unwrap();
    assert_eq!((numbers.complete, numbers.incomplete, numbers.downloaded), (1, 0, 1));
}

#[test]
fn near_addresses_are_told_near() {
    let mut t = tracker(Access::Open);
    let all = ["127.0.0.1:1001", "192.168.0.2:1002", "198.18.0.3:1003"];
    for (id, addr) in (1..).zip(all) {
        told(&mut t, SEC, &request(id, addr, 5));
    }
    assert_eq!(told(&mut t, SEC, &request(9, "198.18.0.9:9", 5)), addrs(&all[2..]));
    assert_eq!(told(&mut t, SEC, &request(9, "10.0.0.9:9", 5)), addrs(&all[1..]));
    let mut with_others = told(&mut t, SEC, &request(9, "127.0.0.9:9", 5));
    with_others.retain(|a| all.contains(&a.to_string().as_str()));
    assert_eq!(with_others, addrs(&all));
}

#[test]
fn the_own_seed_is_told_by_the_address_it_was_reached_by() {
    let mut t = tracker(Access::Allow([].into()));
    t.own_seed(HASH, 6881);
    let via = |local: &str, from: &str| Request { local: local.parse().unwrap(), ..request(7, from, 5) };
    assert_eq!(told(&mut t, SEC, &via("198.18.0.1:1", "198.18.0.5:55")), addrs(&["198.18.0.1:6881"]));
    assert_eq!(told(&mut t, SEC, &via("127.0.0.1:1", "127.0.0.1:55")), addrs(&["127.0.0.1:6881"]));
    assert_eq!(told(&mut t, SEC, &via("127.0.0.1:1", "198.18.0.5:55")), []);
    assert_eq!(told(&mut t, SEC, &via("10.0.0.1:1", "198.18.0.5:55")), []);
    assert_eq!(told(&mut t, SEC, &via("0.0.0.0:1", "198.18.0.5:55")), []);
    assert_eq!(told(&mut t, SEC, &via("[::ffff:198.18.0.1]:1", "198.18.0.5:55")), addrs(&["198.18.0.1:6881"]));
    let v6 = Request { family: Some(Family::V6), ..via("198.18.0.1:1", "198.18.0.5:55") };
    assert_eq!(told(&mut t, SEC, &v6), []);
    // A client with nothing but a magnet link may say that nothing is left.
    let nothing_left = Request { left: 0, ..via("198.18.0.1:1", "198.18.0.5:55") };
    assert_eq!(told(&mut t, SEC, &nothing_left), addrs(&["198.18.0.1:6881"]));
    // Its own announces do not make a second one of it.
    let own = Request { left: 0, ..via("127.0.0.1:1", "127.0.0.1:6881") };
    let reply = t.announce(SEC, &own).unwrap();
    assert_eq!((reply.complete, t.counts().1), (Some(2), 1)); // it and the peer 7, a seed by now
    // A router leads those from outside here by another port.
    let outside_v4 = Some("8.8.4.4:9000".parse().unwrap());
    t.own_seed(HASH, OwnSeed { here: 6881, outside_v4, outside_v6: None });
    let asks = |from| Request { local: "10.0.0.1:1".parse().unwrap(), ..request(8, from, 5) };
    let mut first = |from| told(&mut t, SEC, &asks(from)).first().copied();
    assert_eq!(first("9.9.9.9:55"), outside_v4);
    assert_eq!(first("10.0.0.9:55"), addrs(&["10.0.0.1:6881"]).pop());
    t.own_seed_ends(&HASH);
    assert_eq!(t.scrape(&HASH).unwrap().complete, 1);
}

#[test]
fn the_own_seed_hears_who_announces() {
    let mut t = tracker(Access::Open);
    let leech = request(1, "198.18.0.5:5005", 5);
    t.announce(SEC, &leech).unwrap();
    assert_eq!(t.take_announced(), [], "no seed of ours");
    t.own_seed(HASH, 6881);
    let by_magnet = Request { event: AnnounceEvent::Started, ..request(2, "198.18.0.6:5006", 0) };
    let others = [
        request(3, "198.18.0.7:5007", 0),
        Request { event: AnnounceEvent::Stopped, ..request(4, "198.18.0.8:5008", 5) },
        Request { event: AnnounceEvent::Paused, ..request(5, "198.18.0.9:5009", 5) },
        Request { local: "198.18.0.1:1".parse().unwrap(), ..request(6, "198.18.0.1:6881", 5) },
    ];
    for announce in [&leech, &by_magnet].into_iter().chain(&others) {
        t.announce(SEC, announce).unwrap();
    }
    let heard: Vec<_> = t.take_announced().into_iter().map(|(hash, peer)| (hash == HASH, peer.to_string())).collect();
    let expected = ["198.18.0.5:5005", "198.18.0.6:5006"].map(|peer| (true, peer.to_string()));
    assert_eq!(heard, expected, "not seeds, nor who leaves or wants no more, nor the seed itself");
    assert_eq!(t.take_announced(), []);
    // One host is passed on eight times, and again when half a minute has gone by.
    let many = |t: &mut Tracker, now| {
        for port in 2000..2100u16 {
            let announce = Request { port, ..request(port as u8, "198.18.0.5:1", 5) };
            t.announce(now, &announce).unwrap();
        }
        t.take_announced().len()
    };
    assert_eq!(many(&mut t, SEC), 7);
    assert_eq!(many(&mut t, 29 * SEC), 0);
    assert_eq!(many(&mut t, 31 * SEC), 8);
}

#[test]
fn what_is_refused() {
    let mut t = tracker(Access::Allow([HASH].into()));
    let other = Request { info_hash: InfoHash([2; 20]), ..request(1, "198.18.0.1:1", 5) };
    assert_eq!(t.announce(SEC, &other), Err(Refusal::NotAllowed));
    assert_eq!(t.announce(SEC, &request(1, "198.18.0.1:0", 5)), Err(Refusal::PortZero));
    for from in ["0.0.0.0:1", "224.0.0.1:1", "255.255.255.255:1", "[::]:1", "[ff02::1]:1"] {
        assert_eq!(t.announce(SEC, &request(1, from, 5)), Err(Refusal::BadAddress), "{from}");
    }
    t.remove(&HASH);
    assert_eq!(t.announce(SEC, &request(1, "198.18.0.1:1", 5)), Err(Refusal::NotAllowed));

    let limits = Limits { torrents: 1, peers_per_torrent: 2, ..Limits::DEFAULT };
    let mut t = Tracker::new(limits, Access::Open, [5; 40]);
    for id in 1..=3 {
        assert!(t.announce(SEC, &request(id, &format!("198.18.0.{id}:{id}"), 5)).is_ok());
    }
    assert_eq!(t.counts(), (1, 2), "the third has taken a place from their network");
    // Renewing is no new peer.
    assert_eq!(told(&mut t, SEC, &request(3, "198.18.0.3:3", 5)), addrs(&["198.18.0.2:2"]));
    assert!(t.announce(SEC, &other).is_ok(), "and another torrent that of the network that made most");
    assert_eq!(t.counts(), (1, 1));
    // What this machine itself announces is charged to nobody.
    let mut t = Tracker::new(limits, Access::Open, [5; 40]);
    told(&mut t, SEC, &request(1, "127.0.0.1:1", 5));
    assert_eq!(t.announce(SEC, &other), Err(Refusal::Full));
}

#[test]
fn intervals_are_short_in_a_young_swarm_and_vary() {
    let mut t = tracker(Access::Open);
    let mut seen = BTreeMap::new();
    for second in (0..1200).step_by(10) {
        let now = Duration::from_secs(second);
        let interval = t.announce(now, &request(1, "198.18.0.1:1", 5)).unwrap().interval.as_secs();
        let bounds = if second < 600 { 60..=120 } else { 1620..=1980 };
        assert!(bounds.contains(&interval), "{second} {interval}");
        *seen.entry(interval).or_insert(0) += 1;
    }
    assert!(seen.len() > 30);
}

#[test]
fn a_seed_of_a_young_swarm_hears_soon_of_those_that_cannot_reach_it() {
    let mut t = tracker(Access::Open);
    let mut seen = BTreeMap::new();
    for second in (0..1200).step_by(10) {
        let now = Duration::from_secs(second);
        let interval = t.announce(now, &request(1, "198.18.0.1:1", 0)).unwrap().interval.as_secs();
        let bounds = if second < 600 { 60..=80 } else { 1620..=1980 };
        assert!(bounds.contains(&interval), "{second} {interval}");
        *seen.entry(interval).or_insert(0) += 1;
    }
    assert!(seen.len() > 10, "they don't come in step");
}

#[test]
fn those_who_do_not_come_back_are_forgotten() {
    let mut t = tracker(Access::Open);
    told(&mut t, SEC, &request(1, "198.18.0.1:1", 5));
    let asker = request(2, "198.18.0.2:2", 5);
    assert_eq!(told(&mut t, Duration::from_secs(850), &asker).len(), 1);
    assert_eq!(told(&mut t, Duration::from_secs(950), &asker).len(), 0);
    let other = Request { info_hash: InfoHash([2; 20]), ..asker };
    told(&mut t, Duration::from_secs(90_000), &other);
    assert_eq!(t.counts(), (1, 1));
    assert_eq!(t.scrape(&HASH), None);
}

/// One announce of the property test: which peer, over which address, and what it says.
#[derive(Clone, Debug)]
struct Step {
    id: u8,
    ip: IpAddr,
    left: u64,
    event: AnnounceEvent,
    want: Option<u32>,
    wait: u64,
}

fn step() -> impl Strategy<Value = Step> {
    let ips = ["198.18.0.1", "198.18.0.2", "127.0.0.1", "10.0.0.1", "2001:db8::1", "::1", "fd00::1"];
    let ip = (0..ips.len()).prop_map(move |i| ips[i].parse().unwrap());
    let event = prop_oneof![
        5 => Just(AnnounceEvent::None),
        1 => Just(AnnounceEvent::Completed),
        1 => Just(AnnounceEvent::Stopped),
        1 => Just(AnnounceEvent::Paused),
    ];
    let want = prop_oneof![2 => Just(None), 1 => (0_u32..6).prop_map(Some)];
    (0_u8..12, ip, 0_u64..2, event, want, 0_u64..400).prop_map(|(id, ip, left, event, want, wait)| Step {
        id,
        ip,
        left,
        event,
        want,
        wait,
    })
}

/// The naive model: a list of (id, address, when last seen) and of (id, leech?).
#[derive(Default)]
struct Model {
    contacts: Vec<(u8, SocketAddr, u64)>,
    leech: BTreeMap<u8, bool>,
    seed: BTreeMap<u8, bool>,
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn the_table_tells_what_a_naive_one_would(steps in vec(step(), 1..60)) {
        let mut t = tracker(Access::Open);
        let mut model = Model::default();
        let mut now = 0;
        for step in steps {
            now += step.wait;
            let addr = SocketAddr::new(step.ip, 1000 + u16::from(step.id));
            let asked = Request {
                event: step.event,
                num_want: step.want,
                ..request(step.id, &addr.to_string(), step.left)
            };
            let reply = t.announce(Duration::from_secs(now), &asked).unwrap();
            let leech = step.left > 0 && step.event != AnnounceEvent::Paused;
            let wants = leech || (step.left == 0 && step.event == AnnounceEvent::Started);
            // Each contact lasts at least 900 s; longer when the swarm is no longer young. Sure ones must be told, expired ones not.
            let of_use = |(id, other, _): &&(u8, SocketAddr, u64)| {
                *id != step.id
                    && *other != addr
                    && (wants || model.leech[id])
                    && Reach::of(other.ip()).told_to(Reach::of(step.ip))
            };
            let possible: Vec<_> = model.contacts.iter().filter(of_use).collect();
            let sure = possible.iter().filter(|(_, _, seen)| now < seen + 900).count();
            let mut told = reply.peers.clone();
            told.sort();
            told.dedup();
            prop_assert_eq!(told.len(), reply.peers.len(), "each address once");
            for peer in &told {
                let known = possible.iter().find(|(_, other, _)| other == peer);
                prop_assert!(known.is_some_and(|(_, _, seen)| now < seen + 2 * 1980), "{} at {}", peer, now);
            }
            let want = step.want.unwrap_or(50) as usize;
            if step.event == AnnounceEvent::Stopped {
                prop_assert_eq!(told.len(), 0);
                model.contacts.retain(|(id, ..)| *id != step.id);
            } else {
                prop_assert!(told.len() >= sure.min(want) && told.len() <= want);
                model.contacts.retain(|(id, other, _)| *id != step.id || other.is_ipv4() != addr.is_ipv4());
                model.contacts.push((step.id, addr, now));
                model.leech.insert(step.id, leech);
                model.seed.insert(step.id, step.left == 0);
            }
            let numbers = t.scrape(&HASH).unwrap_or_default();
            let ids = |sure: bool| {
                let mut ids: Vec<_> = model.contacts.iter().filter(|c| !sure || now < c.2 + 900).map(|c| c.0).collect();
                ids.sort_unstable();
                ids.dedup();
                (ids.iter().filter(|id| model.seed[id]).count() as u32, ids.len() as u32)
            };
            let ((seeds_min, all_min), (seeds_max, all_max)) = (ids(true), ids(false));
            prop_assert!((seeds_min..=seeds_max).contains(&numbers.complete));
            prop_assert!((all_min..=all_max).contains(&(numbers.complete + numbers.incomplete)));
            prop_assert_eq!(t.counts().1 as u32, numbers.complete + numbers.incomplete);
        }
    }

    #[test]
    fn everybody_is_told_about_as_often(seed in any::<[u8; 40]>(), n in 30_u8..100) {
        let mut t = Tracker::new(Limits::DEFAULT, Access::Open, seed);
        for id in 0..n {
            told(&mut t, SEC, &request(id, &format!("198.18.1.{id}:{}", 1000 + u16::from(id)), 5));
        }
        let mut times = BTreeMap::new();
        let asker = Request { num_want: Some(10), ..request(200, "198.18.0.1:1", 5) };
        for _ in 0..400 {
            let peers = told(&mut t, SEC, &asker);
            prop_assert_eq!(peers.len(), 10);
            for peer in peers {
                *times.entry(peer).or_insert(0_u32) += 1;
            }
        }
        prop_assert_eq!(times.len(), usize::from(n));
        // 400 draws of 10 out of n: the mean is 4000 / n, at least 40.
        let mean = 4000 / u32::from(n);
        prop_assert!(times.values().all(|k| (mean / 4..=mean * 3).contains(k)), "{:?}", times);
    }
}
