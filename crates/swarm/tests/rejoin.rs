//! After a sleep or with a new address: the trackers hear of us and those that were peers are dialled again, within 30 s and
//! without a storm.
#![allow(clippy::unwrap_used)] // a test may panic: that is its way to say no
mod common;

use common::{BLOCK, World, info};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;
use teem_metainfo::{AnnounceUrl, InfoHash};
use teem_swarm::ask::AskIds;
use teem_swarm::ids::{ConnId, TorrentId};
use teem_swarm::output::CloseReason;
use teem_swarm::rng::Rng;
use teem_swarm::time::Time;
use teem_swarm::torrent::address::{DialError, PeerSource};
use teem_swarm::torrent::announce::{Announcer, Asking, Counters, Identity};
use teem_swarm::turns::Always;
use teem_wire::peer::handshake::{Features, Handshake, PeerId};
use teem_wire::peer::message::Message;
use teem_wire::tracker::announce::{AnnounceError, AnnounceEvent, AnnounceReply};

fn secs(s: u64) -> Time {
    Time::from_nanos(s * 1_000_000_000)
}

#[test]
fn trackers_hear_of_us_within_five_seconds_and_once_a_minute_at_most() {
    let urls: Vec<Vec<AnnounceUrl>> =
        (0..20).map(|n| vec![AnnounceUrl::of_user(format!("http://t{n}/announce"))]).collect();
    let me = Identity { torrent: InfoHash([1; 20]).into(), peer_id: PeerId([2; 20]), doors: 7000.into(), key: 9 };
    let mut rng = Rng::new(4);
    let mut announcer = Announcer::new(me, &urls, false, &mut rng);
    announcer.start(secs(10));
    announcer.set_peers(secs(10), 9, true);
    // The last of them has no network: it is waited for ever longer.
    let mut ids = AskIds::default();
    let mut run = |announcer: &mut Announcer, rng: &mut Rng, until: Time, dead: bool| {
        let mut asked: BTreeMap<String, Vec<(Time, AnnounceEvent)>> = BTreeMap::new();
        while let Some(now) = announcer.deadline().filter(|at| *at <= until) {
            let mut asks = Vec::new();
            let asking = Asking { torrent: TorrentId(0), ids: &mut ids, turns: &mut Always };
            announcer.poll(now, Counters::default(), rng, asking, |ask| asks.push(ask));
            for ask in asks {
                let reply = if dead && ask.url.is_same(&urls[19][0]) {
                    Err(AnnounceError::TimedOut)
                } else {
                    Ok(AnnounceReply { interval: Duration::from_secs(1800), ..AnnounceReply::default() })
                };
                announcer.reply(now, ask.id, &reply, rng).unwrap();
                asked.entry(ask.url.reveal().to_owned()).or_default().push((now, ask.announce.event));
            }
        }
        asked
    };
    let first = run(&mut announcer, &mut rng, secs(1000), true);
    assert!(first.len() == 20 && first[urls[0][0].reveal()].len() == 1);
    announcer.rejoin(secs(1000), Duration::ZERO, &mut rng);
    let again = run(&mut announcer, &mut rng, secs(1005), false);
    assert_eq!(again.len(), 20, "also the one that failed");
    assert!(again.values().all(|times| times.len() == 1));
    let moments: std::collections::BTreeSet<Time> = again.values().map(|times| times[0].0).collect();
    assert!(moments.len() > 10, "not all in one instant");
    // A network that comes and goes every ten seconds.
    let mut times = 0;
    for second in (1010..1310).step_by(10) {
        announcer.rejoin(secs(second), Duration::ZERO, &mut rng);
        times += run(&mut announcer, &mut rng, secs(second + 9), false).values().map(Vec::len).sum::<usize>();
    }
    assert!((20 * 4..=20 * 5).contains(&times), "{times} asks in five minutes");
}

#[test]
fn those_that_were_peers_are_dialled_within_ten_seconds_and_strangers_are_not() {
    let mut world = World::new(info(1 << 20, 2 * BLOCK));
    let me = world.add(Vec::new(), 0);
    world.wait(1);
    let addr = |n: u8| SocketAddr::from(([198, 19, 2, n], 7000));
    let all: Vec<SocketAddr> = (1..=20).map(addr).collect();
    let start = world.now;
    world.act(me, |t, cx| t.add_peers(cx.now, PeerSource::LocalTracker, &all));
    // Half of them are peers, half cannot be reached.
    let mut conns = Vec::new();
    while let Some((at, plan)) = world.nodes[me].machine.torrent.next_dial(start) {
        let Some(SocketAddr::V4(v4)) = at.addr() else { panic!("{at}") };
        let n = v4.ip().octets()[3];
        if n > 10 {
            world.act(me, |t, cx| t.dial_failed(cx.now, at, plan.first, DialError::TimedOut, true));
            continue;
        }
        let conn = ConnId(50_000 + u64::from(n));
        let info_hash = world.nodes[me].machine.torrent.handshake().info_hash;
        let features = Features { fast: true, extended: true, ..Features::default() };
        let hello = Handshake { info_hash, peer_id: PeerId([n + 100; 20]), features };
        world.act(me, |t, cx| t.peer_ready(cx, conn, at, true, hello));
        conns.push(conn);
    }
    assert_eq!(conns.len(), 10);
    // Five are lost before it is known that we have moved, five by the word that is sent then.
    for conn in &conns[..5] {
        world.act(me, |t, cx| t.closed(cx, *conn, CloseReason::Remote));
    }
    for conn in &conns {
        world.heard(me, *conn);
    }
    world.act(me, teem_swarm::torrent::Torrent::rejoin);
    for conn in &conns[5..] {
        assert!(world.heard(me, *conn).contains(&Message::KeepAlive));
        world.act(me, |t, cx| t.closed(cx, *conn, CloseReason::Remote));
    }
    let moved = world.now;
    let mut dialled = Vec::new();
    while let Some(at) =
        world.nodes[me].machine.torrent.dial_deadline().filter(|at| *at <= moved + Duration::from_secs(10))
    {
        while let Some((to, _)) = world.nodes[me].machine.torrent.next_dial(at) {
            dialled.extend(to.addr());
        }
    }
    dialled.sort_unstable();
    assert_eq!(dialled, all[..10]);
}

#[test]
fn who_comes_from_another_address_is_let_in_when_the_former_connection_is_silent() {
    let mut world = World::new(info(1 << 20, 2 * BLOCK));
    let me = world.add(vec![0], 0);
    world.wait(1);
    let come = |world: &mut World, n: u64, ip: [u8; 4]| {
        let conn = ConnId(60_000 + n);
        let info_hash = world.nodes[me].machine.torrent.handshake().info_hash;
        let hello = Handshake { info_hash, peer_id: PeerId([77; 20]), features: Features::default() };
        world.act(me, |t, cx| t.peer_ready(cx, conn, SocketAddr::from((ip, 7000)), false, hello));
        conn
    };
    let (here, there) = ([198, 19, 2, 1], [198, 19, 3, 1]);
    let first = come(&mut world, 1, here);
    world.wait(9);
    let early = come(&mut world, 2, there);
    assert_eq!(world.why_closed(me, first), None, "its id alone puts nobody out");
    assert_eq!(world.why_closed(me, early), None, "and keeps nobody out");
    world.act(me, |t, cx| t.closed(cx, early, CloseReason::Remote));
    world.wait(2);
    let same = come(&mut world, 3, here);
    assert_eq!(world.why_closed(me, same), Some(CloseReason::Duplicate), "it has not moved");
    let late = come(&mut world, 4, there);
    assert_eq!((world.why_closed(me, first), world.why_closed(me, late)), (Some(CloseReason::TimedOut), None));
    assert_eq!(world.nodes[me].machine.torrent.peer_count(), 1);
}

#[test]
fn an_owner_in_a_hurry_waits_for_the_minimum_of_a_tracker_and_not_for_a_failure() {
    let (patient, failing) = (AnnounceUrl::of_user("http://a/announce"), AnnounceUrl::of_user("http://b/announce"));
    let me = Identity { torrent: InfoHash([1; 20]).into(), peer_id: PeerId([2; 20]), doors: 7000.into(), key: 9 };
    let mut rng = Rng::new(4);
    let mut announcer = Announcer::new(me, &[vec![patient.clone()], vec![failing]], false, &mut rng);
    announcer.start(secs(10));
    announcer.set_peers(secs(10), 300, true);
    let mut ids = AskIds::default();
    let mut poll = |announcer: &mut Announcer, at: u64, fail: bool| {
        let mut asks = Vec::new();
        let asking = Asking { torrent: TorrentId(0), ids: &mut ids, turns: &mut Always };
        announcer.poll(secs(at), Counters::default(), &mut rng, asking, |ask| asks.push(ask));
        let (interval, min_interval) = (Duration::from_secs(1800), Some(Duration::from_secs(300)));
        for ask in &asks {
            let of_patient = AnnounceReply { interval, min_interval, ..AnnounceReply::default() };
            let reply = match () {
                () if ask.url.is_same(&patient) => Ok(of_patient),
                () if fail => Err(AnnounceError::TimedOut),
                () => Ok(AnnounceReply { interval, ..AnnounceReply::default() }),
            };
            announcer.reply(secs(at), ask.id, &reply, &mut rng).unwrap();
        }
        asks.iter().map(|ask| ask.url.reveal().to_owned()).collect::<Vec<_>>()
    };
    let next = |announcer: &Announcer, at: u64| {
        let trackers = announcer.stats(secs(at)).into_iter();
        trackers.map(|tracker| (tracker.tier, tracker.next.unwrap().as_secs())).collect::<Vec<_>>()
    };
    assert_eq!(poll(&mut announcer, 10, true).len(), 2);
    for at in [11, 40] {
        announcer.hurry(secs(at));
        assert_eq!(poll(&mut announcer, at, true), ["http://b/announce"], "one that failed is asked at once");
    }
    announcer.hurry(secs(100));
    assert_eq!(poll(&mut announcer, 100, false), ["http://b/announce"]);
    assert!(next(&announcer, 101)[1].1 > 1000);
    announcer.hurry(secs(110));
    assert_eq!(next(&announcer, 110), [(0, 200), (1, 50)], "five minutes of the one, a minute of the other");
    assert!(poll(&mut announcer, 159, false).is_empty());
    assert_eq!(poll(&mut announcer, 160, false), ["http://b/announce"]);
    assert_eq!(poll(&mut announcer, 310, false), ["http://a/announce"]);
}
