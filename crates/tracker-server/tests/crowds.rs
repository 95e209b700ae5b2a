//! Nobody fills a tracker for the others (own design): one holder, one network, many torrents.
#![allow(clippy::unwrap_used, reason = "helpers of tests may")]
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;
use teem_metainfo::InfoHash;
use teem_tracker_server::limits::Limits;
use teem_tracker_server::request::Request;
use teem_tracker_server::tracker::{Access, Tracker};
use teem_wire::peer::handshake::PeerId;
use teem_wire::tracker::announce::AnnounceEvent;

const NOW: Duration = Duration::from_secs(1);

fn tracker(limits: Limits) -> Tracker {
    Tracker::new(limits, Access::Open, [5; 40])
}

fn hash(n: u32) -> InfoHash {
    let mut hash = [7; 20];
    hash[..4].copy_from_slice(&n.to_be_bytes());
    InfoHash(hash)
}

/// A leecher of that number from there, for torrent `n`.
fn request(n: u32, id: u32, from: IpAddr) -> Request {
    let mut peer = [0; 20];
    peer[..4].copy_from_slice(&id.to_be_bytes());
    Request {
        info_hash: hash(n),
        peer_id: PeerId(peer),
        key: id,
        from,
        local: "198.18.0.1:6969".parse().unwrap(),
        port: 1024 + (id % 60_000) as u16,
        left: 9,
        event: AnnounceEvent::None,
        num_want: None,
        peers_max: 100,
        family: None,
    }
}

fn ip(network: u8, host: u8) -> IpAddr {
    Ipv4Addr::new(203, 0, network, host).into()
}

/// Ten honest ones, each of a network of its own.
fn honest(tracker: &mut Tracker) -> Vec<IpAddr> {
    let them: Vec<_> = (1..=10).map(|n| ip(n, 7)).collect();
    for (id, from) in (900_000..).zip(&them) {
        tracker.announce(NOW, &request(0, id, *from)).unwrap();
    }
    them
}

#[test]
fn row_4_one_address_fills_no_torrent_and_hides_nobody() {
    let mut t = tracker(Limits::DEFAULT);
    for id in 0..3_000 {
        t.announce(NOW, &request(0, id, ip(200, 1))).unwrap();
    }
    assert_eq!(t.counts(), (1, Limits::DEFAULT.peers_per_holder));
    let honest = honest(&mut t);
    let told = t.announce(NOW, &request(0, 999_999, ip(50, 1))).unwrap().peers;
    assert!(honest.iter().all(|ip| told.iter().any(|addr| addr.ip() == *ip)), "{told:?}");
}

#[test]
fn row_4_nor_does_a_network_or_a_64_of_ipv6() {
    let mut t = tracker(Limits::DEFAULT);
    for id in 0..6_000 {
        t.announce(NOW, &request(0, id, ip(200, (id % 250) as u8))).unwrap();
    }
    assert_eq!(t.counts().1, Limits::DEFAULT.peers_per_network);
    let of_64 = |id: u32| IpAddr::from([0x2001, 0xdb8, 1, 2, 0, 0, (id >> 16) as u16, id as u16]);
    for id in 100_000..101_000 {
        t.announce(NOW, &request(0, id, of_64(id))).unwrap();
    }
    assert_eq!(t.counts().1, Limits::DEFAULT.peers_per_network + Limits::DEFAULT.peers_per_holder);
    let honest = honest(&mut t);
    // An answer looks at some of them by chance, so an honest stranger asks a few times, as clients do.
    let mut met = std::collections::BTreeSet::new();
    for _ in 0..5 {
        let told = t.announce(NOW, &request(0, 999_999, ip(50, 1))).unwrap().peers;
        met.extend(told.iter().map(std::net::SocketAddr::ip).filter(|ip| honest.contains(ip)));
    }
    assert_eq!(met.len(), honest.len());
}

#[test]
fn a_full_torrent_takes_newcomers_in_at_the_cost_of_the_network_that_has_most() {
    let limits = Limits { peers_per_torrent: 100, ..Limits::DEFAULT };
    let mut t = tracker(limits);
    let honest = honest(&mut t);
    for id in 0..1_500 {
        t.announce(NOW, &request(0, id, ip(100 + (id % 3) as u8, (id % 250) as u8))).unwrap();
    }
    assert_eq!(t.counts().1, 100);
    for n in 20..60 {
        t.announce(NOW, &request(0, 800_000 + n, ip(n as u8, 1))).unwrap();
    }
    assert_eq!(t.counts().1, 100);
    let asked = Request { num_want: Some(100), ..request(0, 999_999, ip(61, 1)) };
    let told = t.announce(NOW, &asked).unwrap().peers;
    assert!(
        honest.iter().all(|ip| told.iter().any(|addr| addr.ip() == *ip)),
        "each network of one keeps its place: {told:?}"
    );
}

#[test]
fn row_4_a_hundred_thousand_torrents_of_one_network_leave_room_for_others() {
    let limits = Limits { torrents: 200, ..Limits::DEFAULT };
    let mut t = tracker(limits);
    // A torrent of the same network that others take part in stays.
    t.announce(NOW, &request(5, 1, ip(200, 9))).unwrap();
    honest(&mut t);
    for n in 0..3 {
        t.announce(NOW, &request(5, 700_000 + n, ip(30 + n as u8, 1))).unwrap();
    }
    for n in 10..2_000 {
        t.announce(NOW, &request(n, n, ip(200, (n % 250) as u8))).unwrap();
    }
    assert_eq!(t.counts().0, 200);
    t.announce(NOW, &request(77, 600_000, ip(40, 1))).unwrap();
    assert!(t.scrape(&hash(77)).is_some() && t.scrape(&hash(0)).is_some());
    assert_eq!(t.scrape(&hash(5)).unwrap().incomplete, 4);
}

#[test]
fn a_full_table_takes_newcomers_in() {
    let limits = Limits { peers: 500, ..Limits::DEFAULT };
    let mut t = tracker(limits);
    for n in 0..2_000 {
        t.announce(NOW, &request(n % 50, n, ip(200, (n % 250) as u8))).unwrap();
    }
    assert_eq!(t.counts().1, 500);
    let honest = honest(&mut t);
    assert!(t.counts().1 <= 500);
    let told = t.announce(NOW, &request(0, 999_999, ip(50, 1))).unwrap().peers;
    assert!(honest.iter().all(|ip| told.iter().any(|addr| addr.ip() == *ip)), "{told:?}");
    // One that is known is renewed, and leaves.
    t.announce(NOW, &request(0, 999_999, ip(50, 1))).unwrap();
    let before = t.counts().1;
    t.announce(NOW, &Request { event: AnnounceEvent::Stopped, ..request(0, 999_999, ip(50, 1)) }).unwrap();
    assert_eq!(t.counts().1, before - 1);
}

#[test]
fn loopback_speaks_for_many() {
    let mut t = tracker(Limits::DEFAULT);
    for id in 0..1_000 {
        t.announce(NOW, &request(0, id, Ipv4Addr::LOCALHOST.into())).unwrap();
    }
    assert_eq!(t.counts().1, 1_000);
}
