//! Announces that have to wait for their turn: what is due stays due, says what is true by then, and holds up nothing else.
#![allow(clippy::unwrap_used)] // a test may panic: that is its way to say no
mod announcer;
use announcer::*;
use core::time::Duration;
use teem_swarm::ids::TorrentId;
use teem_swarm::time::Time;
use teem_swarm::torrent::announce::{Asking, Counters};
use teem_swarm::turns::{Turns, Urgency, Wish};
use teem_wire::tracker::announce::AnnounceEvent;

/// Lets nobody announce whose URL begins so, and keeps what was wished for.
#[derive(Debug)]
struct Closed(&'static str, Vec<(String, Urgency, Time)>);

impl Turns for Closed {
    fn may_ask(&mut self, _: Time, wish: Wish<'_>) -> bool {
        self.1.push((wish.url.reveal().to_owned(), wish.urgency, wish.due));
        !wish.url.reveal().starts_with(self.0)
    }

    fn spread(&self) -> Duration {
        Duration::from_secs(600)
    }
}

/// What is asked while those are closed.
fn poll(w: &mut World, now: Time, closed: &mut Closed) -> Vec<String> {
    let mut asked = Vec::new();
    let counters = Counters { left: w.left, ..Counters::default() };
    let asking = Asking { torrent: TorrentId(0), ids: &mut w.ids, turns: closed };
    w.announcer.poll(now, counters, &mut w.rng, asking, |ask| asked.push(ask));
    let urls = asked.iter().map(|ask| ask.url.reveal().to_owned()).collect();
    w.under_way.extend(asked);
    urls
}

#[test]
fn one_that_waits_is_asked_when_its_turn_has_come_and_the_other_tiers_are_not_held_up() {
    let mut w = World::new(&[&[A], &[B]], false, 1);
    let mut closed = Closed(A, Vec::new());
    w.announcer.start(secs(10));
    assert_eq!(poll(&mut w, secs(10), &mut closed), [B]);
    let wished = [(A.to_owned(), Urgency::Download, secs(10)), (B.to_owned(), Urgency::Download, secs(10))];
    assert_eq!(closed.1, wished);
    assert!(w.announcer.deadline().is_none_or(|at| at > secs(10)), "it is not asked for again and again");
    w.ok(secs(11), B, 1800, None);
    w.left = Some(0);
    w.announcer.has_turn(secs(20));
    let asks = w.poll(secs(20));
    assert_eq!(said(&asks), [(A, AnnounceEvent::Started)]);
    assert_eq!(asks[0].announce.left, 0, "what is true by now is said");
}

#[test]
fn one_that_waits_long_gives_way_to_the_next_of_its_tier() {
    let mut w = World::new(&[&[A, B]], false, 1);
    let first = if w.announcer.stats(Time::ZERO)[0].url == *A { A } else { B };
    let other = if first == A { B } else { A };
    let mut closed = Closed(first, Vec::new());
    w.announcer.start(Time::ZERO);
    assert!(poll(&mut w, Time::ZERO, &mut closed).is_empty());
    let next = w.announcer.deadline().unwrap();
    assert_eq!(next, secs(45));
    assert_eq!(poll(&mut w, next, &mut closed), [other]);
    w.announcer.set_peers(next, 1, false);
    w.ok(next, other, 1800, None);
    w.announcer.has_turn(secs(60));
    assert!(w.poll(secs(60)).is_empty(), "it is not needed any more");
}

#[test]
fn the_last_word_is_said_although_something_waits() {
    let mut w = World::new(&[&[A]], false, 1);
    w.announcer.start(Time::ZERO);
    w.poll(Time::ZERO);
    w.ok(Time::ZERO, A, 1800, None);
    let mut closed = Closed(A, Vec::new());
    let at = w.announcer.deadline().unwrap();
    assert!(poll(&mut w, at, &mut closed).is_empty());
    w.announcer.stop(at);
    assert!(poll(&mut w, at, &mut closed).is_empty());
    assert_eq!(closed.1.last().unwrap().1, Urgency::Last);
    assert!(!w.announcer.is_stopped(at));
    assert_eq!(w.announcer.deadline(), Some(at + Duration::from_secs(4)), "that long it is waited for");
    w.announcer.has_turn(at);
    assert_eq!(said(&w.poll(at)), [(A, AnnounceEvent::Stopped)]);
}

#[test]
fn seeds_that_slept_come_within_minutes_and_downloads_within_seconds() {
    for (left, within) in [(Some(0), 600), (Some(9), 5)] {
        let (mut latest, mut w) = (Time::ZERO, World::new(&[&[A], &[B]], false, 4));
        w.left = left;
        w.announcer.start(Time::ZERO);
        for ask in w.poll(Time::ZERO) {
            w.ok(Time::ZERO, ask.url.reveal(), 1800, None);
        }
        let woken = secs(100_000);
        let mut closed = Closed("none", Vec::new());
        assert!(poll(&mut w, woken, &mut closed).is_empty());
        for _ in 0..2 {
            let at = w.announcer.deadline().unwrap();
            for url in poll(&mut w, at, &mut closed) {
                w.announcer.set_peers(at, 1, false);
                w.ok(at, &url, 1800, None);
                latest = at;
            }
        }
        assert!(latest <= woken + Duration::from_secs(within), "{latest:?}");
        assert!(within < 10 || latest > woken + Duration::from_secs(10), "{latest:?}");
    }
}
