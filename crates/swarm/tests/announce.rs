//! The announcer: events, intervals, tiers, back-off, private torrents, sleep (BEP 3, 12, 27, 31; interop rules 4, 5).
#![allow(clippy::unwrap_used)] // a test may panic: that is its way to say no
mod announcer;
use announcer::*;
use core::time::Duration;
use teem_metainfo::{AnnounceUrl, InfoHash};
use teem_swarm::listening::Doors;
use teem_swarm::time::Time;
use teem_swarm::torrent::announce::{Announcer, Identity};
use teem_wire::peer::handshake::PeerId;
use teem_wire::tracker::announce::{AnnounceError, AnnounceEvent, AnnounceReply};

#[test]
fn started_is_said_until_acknowledged_then_regular_ones_follow_at_the_interval() {
    for seed in 0..50 {
        let mut w = World::new(&[&[A]], false, seed);
        w.left = None;
        assert_eq!(w.announcer.deadline(), None);
        w.announcer.start(secs(10));
        let asks = w.poll(secs(10));
        assert_eq!(said(&asks), [(A, AnnounceEvent::Started)]);
        assert_eq!((asks[0].announce.left, asks[0].announce.num_want, asks[0].announce.key), (16384, 200, 9));
        w.fail(secs(11), A, AnnounceError::TimedOut);
        let (at, asks) = w.next();
        assert!((secs(24)..=secs(28)).contains(&at), "15 s with jitter: {at:?}");
        assert_eq!(said(&asks), [(A, AnnounceEvent::Started)]);
        w.announcer.set_peers(at, 300, false);
        w.ok(at, A, 1000, Some(990));
        let (next, asks) = w.next();
        assert!((at + Duration::from_secs(990)..=at + Duration::from_secs(1100)).contains(&next));
        assert_eq!(said(&asks), [(A, AnnounceEvent::None)]);
        assert_eq!(asks[0].announce.num_want, 50);
        assert_eq!(asks[0].announce.tracker_id.as_deref(), Some(&b"id"[..]));
    }
}

#[test]
fn another_port_is_told_at_once_and_until_it_is_acknowledged() {
    let port = Doors::from(7000);
    let me = Identity { torrent: InfoHash([1; 20]).into(), peer_id: PeerId([2; 20]), doors: port.clone(), key: 9 };
    let mut w = World::new(&[&[A]], false, 1);
    w.announcer = Announcer::new(me, &[vec![AnnounceUrl::of_user(A)]], false, &mut w.rng);
    w.announcer.start(Time::ZERO);
    w.poll(Time::ZERO);
    w.announcer.set_peers(Time::ZERO, 300, false);
    // The ask under way says the former one, so the new one is told when that is answered.
    port.set(7001.into());
    w.announcer.port_changed(secs(1));
    assert!(w.poll(secs(1)).is_empty());
    w.ok(secs(2), A, 1800, None);
    let asks = w.poll(secs(2));
    assert_eq!((said(&asks), asks[0].announce.port), (vec![(A, AnnounceEvent::None)], 7001));
    w.fail(secs(3), A, AnnounceError::Status(500));
    let (at, asks) = w.next();
    assert_eq!((asks.len(), asks[0].announce.port), (1, 7001));
    w.ok(at, A, 1800, None);
    assert!(w.next().0 >= at + Duration::from_secs(1600), "then its interval counts again");
}

#[test]
fn back_off_grows_to_an_hour_and_no_further() {
    let mut w = World::new(&[&[A]], false, 1);
    w.announcer.start(Time::ZERO);
    let mut before = Time::ZERO;
    for n in 0..20 {
        let (at, asks) = if n == 0 { (Time::ZERO, w.poll(Time::ZERO)) } else { w.next() };
        assert_eq!(asks.len(), 1);
        let wait = at.since(before).as_secs();
        assert!(wait <= 3960 && (n == 0 || wait >= (15 << (n - 1).min(8)).min(3600) * 9 / 10), "{n}: {wait}");
        before = at;
        w.fail(at, A, AnnounceError::Status(500));
    }
}

#[test]
fn row_52_a_410_and_a_never_end_it_and_retry_in_is_kept() {
    let mut w = World::new(&[&[A], &[B]], false, 1);
    w.announcer.start(Time::ZERO);
    assert_eq!(w.poll(Time::ZERO).len(), 2, "all tiers are asked");
    w.fail(Time::ZERO, A, AnnounceError::Status(410));
    w.fail(
        Time::ZERO,
        B,
        AnnounceError::Refused { reason: "no".into(), retry_in: Some(Some(Duration::from_secs(7200))) },
    );
    let (at, asks) = w.next();
    assert_eq!((at, said(&asks)), (secs(7200), vec![(B, AnnounceEvent::Started)]));
    w.fail(at, B, AnnounceError::Refused { reason: "never".into(), retry_in: Some(None) });
    assert_eq!(w.announcer.deadline(), None);
}

#[test]
fn row_55_intervals_are_clamped_and_words_cut() {
    for (told, min, max) in [(0, 60, 66), (u64::MAX, 6 * 3240, 6 * 3960)] {
        let mut w = World::new(&[&[A]], false, 3);
        w.announcer.start(Time::ZERO);
        w.poll(Time::ZERO);
        w.announcer.set_peers(Time::ZERO, 5, false);
        w.ok(Time::ZERO, A, told, None);
        let wait = w.announcer.deadline().unwrap().since(Time::ZERO).as_secs();
        assert!((min..=max).contains(&wait), "{wait}");
    }
    let mut w = World::new(&[&[A]], false, 3);
    w.announcer.start(Time::ZERO);
    w.poll(Time::ZERO);
    w.fail(Time::ZERO, A, AnnounceError::Refused { reason: "é".repeat(1 << 19), retry_in: None });
    let words = w.announcer.stats(secs(10))[0].last.clone().unwrap().unwrap_err();
    assert!(words.len() < 600);
}

#[test]
fn completed_is_said_once_over_restarts_and_retried() {
    let mut w = World::new(&[&[A]], false, 1);
    w.announcer.start(Time::ZERO);
    w.poll(Time::ZERO);
    w.announcer.set_peers(Time::ZERO, 9, false);
    w.ok(Time::ZERO, A, 1800, Some(1800));
    w.left = Some(0);
    w.announcer.completed(secs(100));
    let asks = w.poll(secs(100));
    assert_eq!(said(&asks), [(A, AnnounceEvent::Completed)]);
    w.fail(secs(101), A, AnnounceError::TimedOut);
    let (at, asks) = w.next();
    assert_eq!(said(&asks), [(A, AnnounceEvent::Completed)]);
    w.ok(at, A, 1800, Some(1800));
    assert_eq!(w.announcer.completed_at(), [A.to_string()]);
    assert_eq!(said(&w.next().1), [(A, AnnounceEvent::None)]);

    let mut again = World::new(&[&[A]], false, 1);
    again.announcer.remember(&[A.to_string()]);
    again.announcer.start(Time::ZERO);
    again.poll(Time::ZERO);
    again.announcer.set_peers(Time::ZERO, 9, false);
    again.ok(Time::ZERO, A, 1800, Some(1800));
    again.announcer.completed(secs(100));
    assert!(again.poll(secs(100)).is_empty());
}

#[test]
fn a_tracker_that_never_knew_us_unfinished_is_not_told_completed() {
    let mut w = World::new(&[&[A]], false, 1);
    w.announcer.start(Time::ZERO);
    w.poll(Time::ZERO);
    w.fail(Time::ZERO, A, AnnounceError::TimedOut);
    w.announcer.completed(secs(1));
    w.left = Some(0);
    let (at, asks) = w.next();
    assert_eq!(said(&asks), [(A, AnnounceEvent::Started)]);
    w.ok(at, A, 1800, None);
    w.announcer.set_peers(at, 1, false);
    assert!(w.announcer.deadline().unwrap() > at + Duration::from_secs(1600));
}

#[test]
fn stopped_goes_to_those_told_started_and_never_takes_more_than_4_s() {
    let mut w = World::new(&[&[A], &[B], &["wss://x"]], false, 1);
    w.announcer.start(Time::ZERO);
    assert_eq!(w.poll(Time::ZERO).len(), 2);
    w.ok(Time::ZERO, A, 1800, Some(1800));
    w.fail(Time::ZERO, B, AnnounceError::TimedOut);
    w.announcer.stop(secs(5));
    let asks = w.poll(secs(5));
    assert_eq!(said(&asks), [(A, AnnounceEvent::Stopped)]);
    assert_eq!(asks[0].announce.num_want, 0);
    assert!(!w.announcer.is_stopped(secs(5)));
    w.fail(secs(5), A, AnnounceError::TimedOut);
    let (at, asks) = w.next();
    assert_eq!((at, said(&asks)), (secs(6), vec![(A, AnnounceEvent::Stopped)]));
    assert!(!w.announcer.is_stopped(secs(8)));
    assert!(w.announcer.is_stopped(secs(9)));
    w.ok(secs(7), A, 1800, None);
    assert!(w.announcer.is_stopped(secs(7)));
    assert_eq!(w.announcer.deadline(), None);
}

#[test]
fn what_was_under_way_when_stopping_began_is_followed_by_stopped_at_once() {
    let mut w = World::new(&[&[A]], false, 1);
    w.announcer.start(Time::ZERO);
    w.poll(Time::ZERO);
    w.ok(Time::ZERO, A, 1800, Some(1800));
    w.left = Some(0);
    w.announcer.completed(secs(100));
    assert_eq!(said(&w.poll(secs(100))), [(A, AnnounceEvent::Completed)]);
    w.announcer.stop(secs(100));
    assert!(w.poll(secs(100)).is_empty());
    w.ok(secs(100), A, 1800, Some(1800));
    assert_eq!(said(&w.poll(secs(100))), [(A, AnnounceEvent::Stopped)]);
    w.ok(secs(100), A, 1800, None);
    assert!(w.announcer.is_stopped(secs(100)));
}

#[test]
fn a_start_under_way_is_still_stopped() {
    let mut w = World::new(&[&[A]], false, 1);
    w.announcer.start(Time::ZERO);
    w.poll(Time::ZERO);
    w.announcer.stop(secs(1));
    assert!(w.poll(secs(1)).is_empty(), "the answer may come at once");
    let (at, asks) = w.next();
    assert_eq!((at, said(&asks)), (secs(2), vec![(A, AnnounceEvent::Stopped)]));
    assert_eq!(w.announcer.deadline(), Some(secs(5)));
    assert!(w.poll(secs(5)).is_empty() && w.announcer.is_stopped(secs(5)));
}

#[test]
fn without_peers_sooner_but_never_within_60_s_or_the_min_interval() {
    let mut w = World::new(&[&[A]], false, 1);
    w.announcer.start(Time::ZERO);
    w.poll(Time::ZERO);
    w.ok(Time::ZERO, A, 1800, Some(300));
    w.announcer.set_peers(secs(1), 4, false);
    w.announcer.set_peers(secs(2), 0, false);
    assert_eq!(w.announcer.deadline(), Some(secs(300)));
    let mut w = World::new(&[&[A]], false, 1);
    w.announcer.start(Time::ZERO);
    w.poll(Time::ZERO);
    w.ok(Time::ZERO, A, 1800, None);
    let mut waits = Vec::new();
    let mut before = Time::ZERO;
    for _ in 0..6 {
        let (at, asks) = w.next();
        assert_eq!(asks.len(), 1);
        waits.push(at.since(before).as_secs());
        before = at;
        w.ok(at, A, 1800, None);
    }
    assert!(waits[0] == 60 && waits[..5].is_sorted() && waits[5] > 1600, "{waits:?}");
}

#[test]
fn when_half_of_the_peers_are_gone_the_tracker_is_asked_sooner_and_once() {
    let mut w = World::new(&[&[A]], false, 1);
    w.announcer.start(Time::ZERO);
    w.poll(Time::ZERO);
    w.ok(Time::ZERO, A, 1800, None);
    w.announcer.set_peers(secs(1), 40, true);
    w.announcer.set_peers(secs(2), 20, false);
    assert!(w.announcer.deadline() > Some(secs(1600)), "half is there");
    w.announcer.set_peers(secs(3), 19, true);
    assert!(w.announcer.deadline() > Some(secs(1600)), "others can be dialled");
    w.announcer.set_peers(secs(3), 19, false);
    assert_eq!(w.announcer.deadline(), Some(secs(60)));
    let (at, asks) = w.next();
    assert_eq!(asks.len(), 1);
    w.ok(at, A, 1800, None);
    assert!(w.announcer.deadline() > Some(secs(1600)), "what is there now is what there is");
}

#[test]
fn who_has_had_peers_for_a_while_asks_as_soon_as_if_it_had_never_asked_in_vain() {
    let mut w = World::new(&[&[A]], false, 1);
    w.announcer.start(Time::ZERO);
    w.poll(Time::ZERO);
    w.ok(Time::ZERO, A, 1800, None);
    for (company, wait) in [(59, 120), (60, 60)] {
        let (at, asks) = w.next();
        assert_eq!(asks.len(), 1);
        w.ok(at, A, 1800, None);
        w.announcer.set_peers(at, 4, false);
        w.announcer.set_peers(at + Duration::from_secs(company), 0, false);
        assert_eq!(w.announcer.deadline(), Some(at + Duration::from_secs(wait)), "{company} s of company");
    }
}

#[test]
fn a_silent_udp_tracker_gives_way_after_45_s_and_the_one_that_works_comes_to_the_front() {
    for seed in 0..20 {
        let mut w = World::new(&[&[U, A]], false, seed);
        w.announcer.start(Time::ZERO);
        let first = w.poll(Time::ZERO);
        assert_eq!(first.len(), 1, "one of a tier");
        if first[0].url == *A {
            continue;
        }
        assert!(w.poll(secs(44)).is_empty());
        let (at, asks) = w.next();
        assert_eq!((at, said(&asks)), (secs(45), vec![(A, AnnounceEvent::Started)]));
        w.announcer.set_peers(at, 3, false);
        w.ok(at, A, 1800, None);
        w.fail(secs(465), U, AnnounceError::TimedOut);
        let (at, asks) = w.next();
        assert!(at > secs(1600));
        assert_eq!(said(&asks), [(A, AnnounceEvent::None)], "the one that works is gone on with");
        w.fail(at, A, AnnounceError::Status(503));
        assert_eq!(said(&w.next().1), [(U, AnnounceEvent::Started)], "then the next");
        return;
    }
    panic!("no seed put the UDP tracker first");
}

#[test]
fn a_private_torrent_has_one_tracker_at_a_time_and_tells_of_a_switch() {
    let mut w = World::new(&[&[A], &[B]], true, 1);
    w.announcer.start(Time::ZERO);
    assert_eq!(said(&w.poll(Time::ZERO)), [(A, AnnounceEvent::Started)]);
    w.announcer.set_peers(Time::ZERO, 3, false);
    assert!(!w.ok(Time::ZERO, A, 1800, None));
    let (at, asks) = w.next();
    assert_eq!(said(&asks), [(A, AnnounceEvent::None)]);
    w.fail(at, A, AnnounceError::TimedOut);
    assert_eq!(said(&w.poll(at)), [(B, AnnounceEvent::Started)]);
    assert!(w.ok(at, B, 1800, None), "its peers are dropped");
    let (at, asks) = w.next();
    assert_eq!(said(&asks), [(B, AnnounceEvent::None)]);
    assert!(!w.ok(at, B, 1800, None));
}

#[test]
fn row_70_after_a_jump_of_the_clock_each_tracker_is_asked_once_with_jitter() {
    let mut w = World::new(&[&[A], &[B], &["http://c/announce"]], false, 5);
    w.announcer.start(Time::ZERO);
    for ask in w.poll(Time::ZERO) {
        w.ok(Time::ZERO, ask.url.reveal(), 1800, None);
    }
    let woken = secs(10 * 365 * 86_400);
    assert!(w.poll(woken).is_empty());
    let mut asked = Vec::new();
    while w.announcer.deadline().unwrap() <= woken + Duration::from_secs(6) {
        let (at, asks) = w.next();
        assert!(asks.len() <= 1, "not in one instant");
        for ask in asks {
            asked.push(ask.url.reveal().to_owned());
            w.announcer.set_peers(at, 1, false);
            w.ok(at, ask.url.reveal(), 1800, None);
        }
    }
    asked.sort();
    asked.dedup();
    assert_eq!(asked.len(), 3);
    assert!(w.poll(secs(1)).is_empty(), "and none when it goes back");
}

#[test]
fn a_partial_seed_says_paused_soon_and_at_each_interval_until_it_wants_more() {
    let mut w = World::new(&[&[A]], false, 3);
    w.announcer.start(secs(10));
    w.announcer.set_peers(secs(10), 9, false);
    assert_eq!(said(&w.poll(secs(10))), [(A, AnnounceEvent::Started)]);
    w.ok(secs(10), A, 1800, None);
    w.announcer.set_partial(secs(100), true);
    assert_eq!(said(&w.poll(secs(100))), [(A, AnnounceEvent::Paused)], "so that it is not counted as a downloader");
    w.ok(secs(100), A, 1800, None);
    let (at, asks) = w.next();
    assert!(at >= secs(1600), "then at the interval");
    assert_eq!(said(&asks), [(A, AnnounceEvent::Paused)]);
    w.ok(at, A, 1800, None);
    w.announcer.set_partial(at, false);
    let (at, asks) = w.next();
    assert_eq!(said(&asks), [(A, AnnounceEvent::None)]);
    w.ok(at, A, 1800, None);
    w.announcer.set_partial(at, true);
    w.announcer.stop(at);
    assert_eq!(said(&w.poll(at)), [(A, AnnounceEvent::Stopped)]);
    // A client that is a partial seed from the start says so with the next regular announce.
    let mut w = World::new(&[&[A]], false, 3);
    w.announcer.set_partial(secs(100), true);
    w.announcer.set_peers(secs(1), 9, false);
    w.announcer.start(secs(10));
    assert_eq!(said(&w.poll(secs(10))), [(A, AnnounceEvent::Started)]);
    w.ok(secs(10), A, 1800, None);
    assert!(w.next().0 >= secs(1600));
}

#[test]
fn an_ask_that_was_not_taken_is_made_again_shortly_as_if_it_had_never_been() {
    let mut seen = std::collections::BTreeSet::new();
    for seed in 0..20 {
        let mut w = World::new(&[&[A, B]], false, seed);
        w.announcer.start(secs(10));
        let first = w.poll(secs(10));
        let (mut now, url) = (secs(10), first[0].url.reveal().to_owned());
        for _ in 0..10 {
            w.busy(now, &url);
            let (at, asks) = w.next();
            assert!((1000..5000).contains(&(at.since(now).as_millis())), "{at:?} after {now:?}");
            assert_eq!(said(&asks), [(url.as_str(), AnnounceEvent::Started)], "it keeps its turn in the tier");
            seen.insert(at.since(now));
            now = at;
        }
        w.ok(now, &url, 1800, None);
        let (next, _) = w.next();
        assert_eq!(next.since(now).as_secs(), 60, "the wait of a peerless client has not grown meanwhile");
    }
    assert!(seen.len() > 100, "they do not come back in step");
}

#[test]
fn events_that_were_not_taken_are_still_owed_and_stopped_is_said_in_time() {
    let mut w = World::new(&[&[A]], false, 2);
    w.announcer.start(Time::ZERO);
    w.poll(Time::ZERO);
    w.announcer.set_peers(Time::ZERO, 5, false);
    w.ok(Time::ZERO, A, 1800, None);
    w.announcer.completed(secs(100));
    w.poll(secs(100));
    w.busy(secs(100), A);
    let (at, asks) = w.next();
    assert_eq!(said(&asks), [(A, AnnounceEvent::Completed)]);
    w.busy(at, A);
    w.announcer.stop(at);
    assert_eq!(said(&w.poll(at)), [(A, AnnounceEvent::Stopped)], "nothing that waits holds it back");
    w.busy(at, A);
    let (again, asks) = w.next();
    assert_eq!((again.since(at).as_secs(), said(&asks)), (1, vec![(A, AnnounceEvent::Stopped)]));
}

#[test]
fn each_answer_counts_for_its_own_ask() {
    let mut w = World::new(&[&[A]], false, 1);
    w.announcer.start(Time::ZERO);
    let started = w.poll(Time::ZERO)[0].id;
    w.announcer.stop(secs(1));
    let (at, asks) = w.next();
    assert_eq!(said(&asks), [(A, AnnounceEvent::Stopped)]);
    let good = Ok(AnnounceReply { interval: Duration::from_secs(1800), ..AnnounceReply::default() });
    assert!(w.announcer.reply(at, started, &good, &mut w.rng).is_some());
    assert!(!w.announcer.is_stopped(at), "that it was `started` says nothing of `stopped`");
    assert_eq!(w.announcer.reply(at, started, &good, &mut w.rng), None, "each is answered once");
    assert!(w.announcer.reply(at, asks[0].id, &good, &mut w.rng).is_some());
    assert!(w.announcer.is_stopped(at));
}
