//! What is kept of announces over runs: the same peer at its trackers, nothing before its time, and no storm when time is out of joint.
#![allow(clippy::unwrap_used)] // a test may panic: that is its way to say no
mod announcer;
use announcer::*;
use core::time::Duration;
use teem_swarm::memory::Memory;
use teem_swarm::time::Time;
use teem_wire::tracker::announce::{AnnounceError, AnnounceEvent};

const DAY: Duration = Duration::from_secs(86_400);
const SPREAD: Duration = Duration::from_secs(600);

/// A seed without peers that has been told that it may come again in an hour.
fn seed() -> World {
    let mut w = World::new(&[&[A], &[B]], false, 1);
    w.left = Some(0);
    w.announcer.start(secs(10));
    for ask in w.poll(secs(10)) {
        w.ok(secs(10), ask.url.reveal(), 3600, None);
    }
    w
}

/// The next run, which begins so much later and has no clock in common with the one before.
fn next(memory: Memory, later: Duration, wants: bool) -> World {
    let mut w = World::new(&[&[A], &[B]], false, 2);
    w.left = Some(u64::from(wants));
    w.announcer.recall(secs(50), &memory.after(later), wants, SPREAD, &mut w.rng);
    w.announcer.start(secs(50));
    w
}

#[test]
fn a_restart_within_the_interval_asks_nobody_and_then_goes_on() {
    let memory = seed().announcer.memory(secs(20)).unwrap();
    assert_eq!((memory.trackers.len(), memory.port, memory.key), (2, 7000, 9));
    let mut w = next(memory, Duration::from_secs(600), false);
    assert!(w.poll(secs(50)).is_empty());
    let (at, asks) = w.next();
    assert!((secs(50 + 3240 - 610)..=secs(50 + 3960 - 610)).contains(&at), "{at:?}");
    assert_eq!(asks.iter().map(|ask| ask.announce.event).collect::<Vec<_>>(), [AnnounceEvent::None]);
}

#[test]
fn after_a_day_all_are_due_and_are_spread_unless_something_is_missing() {
    let memory = seed().announcer.memory(secs(20)).unwrap();
    let mut w = next(memory.clone(), DAY, false);
    assert!(w.poll(secs(50)).is_empty());
    let (first, _) = w.next();
    assert!(first <= secs(50) + SPREAD);
    assert_eq!(next(memory, DAY, true).poll(secs(50)).len(), 2, "peers are needed");
}

#[test]
fn a_clock_that_was_set_back_silences_nobody() {
    let memory = seed().announcer.memory(secs(20)).unwrap();
    // No time has passed, as far as can be told: what was due within the interval is so still.
    let mut w = next(memory, Duration::ZERO, false);
    let (at, _) = w.next();
    assert!(at <= secs(50 + 3960), "{at:?}");
}

#[test]
fn what_trackers_were_told_goes_on_and_completed_is_said_once() {
    let mut w = seed();
    w.left = Some(0);
    w.announcer.completed(secs(100));
    w.announcer.set_peers(secs(100), 3, true);
    for ask in w.poll(secs(100)) {
        assert_eq!((ask.announce.event, ask.announce.uploaded), (AnnounceEvent::Completed, 1));
        w.ok(secs(100), ask.url.reveal(), 3600, None);
    }
    let memory = w.announcer.memory(secs(200)).unwrap();
    assert!(memory.trackers.iter().all(|tracker| tracker.completed && tracker.started));
    let mut w = next(memory, Duration::from_secs(7200), true);
    // Pieces were lost and have come again.
    w.announcer.completed(secs(50));
    let asks = w.poll(secs(50));
    let said: Vec<_> = asks.iter().map(|ask| (ask.announce.event, ask.announce.uploaded)).collect();
    assert_eq!(said, [(AnnounceEvent::None, 2); 2]);
}

#[test]
fn at_the_end_only_those_with_peers_say_so_and_say_started_again() {
    let mut alone = seed();
    let kept = alone.announcer.memory(secs(20));
    alone.announcer.part();
    alone.announcer.stop(secs(20));
    assert!(alone.poll(secs(20)).is_empty() && alone.announcer.is_stopped(secs(20)));
    assert!(kept.is_some() && alone.announcer.memory(secs(20)).is_none(), "what was kept before holds");

    let mut w = seed();
    w.announcer.set_peers(secs(20), 1, true);
    w.announcer.part();
    w.announcer.stop(secs(20));
    assert_eq!(said(&w.poll(secs(20))), [(A, AnnounceEvent::Stopped), (B, AnnounceEvent::Stopped)]);
    let memory = w.announcer.memory(secs(20)).unwrap();
    assert!(memory.trackers.iter().all(|tracker| !tracker.started));
    let mut w = next(memory, Duration::from_secs(5), true);
    assert_eq!(said(&w.poll(secs(50))), [(A, AnnounceEvent::Started), (B, AnnounceEvent::Started)]);
}

#[test]
fn a_port_that_trackers_do_not_know_is_told_and_one_that_they_know_is_not() {
    let mut memory = seed().announcer.memory(secs(20)).unwrap();
    memory.port = 9000;
    let mut w = next(memory.clone(), Duration::from_secs(60), false);
    let (at, _) = w.next();
    assert!(at <= secs(50) + SPREAD, "{at:?}");
    // A router forwards that one, as it turns out: nobody has to hear of it.
    let mut w = next(memory, Duration::from_secs(60), false);
    w.listens(9000);
    w.announcer.port_changed(secs(51));
    assert!(w.poll(secs(51)).is_empty());
    assert!(w.announcer.deadline().unwrap() > secs(50) + SPREAD);
}

#[test]
fn one_that_did_not_answer_is_tried_again_in_its_time_or_at_once_where_something_is_missing() {
    let mut w = World::new(&[&[A]], false, 1);
    w.announcer.start(secs(10));
    for n in 0..5 {
        let (at, _) = if n == 0 { (secs(10), w.poll(secs(10))) } else { w.next() };
        w.fail(at, A, AnnounceError::TimedOut);
    }
    let now = w.announcer.deadline().unwrap() - Duration::from_secs(100);
    let memory = w.announcer.memory(now).unwrap();
    assert!(!memory.trackers[0].works);
    assert!(next(memory.clone(), Duration::ZERO, true).poll(secs(50)).iter().any(|ask| ask.url == *A));
    let mut w = next(memory, Duration::ZERO, false);
    assert!(w.poll(secs(50)).iter().all(|ask| ask.url == *B), "that one was never asked");
}

#[test]
fn the_one_that_works_stays_the_first_of_its_tier() {
    for seed in 0..20 {
        let mut w = World::new(&[&[A, B, U]], false, seed);
        w.announcer.start(Time::ZERO);
        w.left = Some(0);
        let first = w.poll(Time::ZERO)[0].url.reveal().to_owned();
        w.ok(Time::ZERO, &first, 3600, None);
        let memory = w.announcer.memory(secs(1)).unwrap();
        let mut w = World::new(&[&[A, B, U]], false, seed + 100);
        w.announcer.recall(secs(5), &memory, false, SPREAD, &mut w.rng);
        w.announcer.start(secs(5));
        assert!(w.poll(secs(5)).is_empty(), "no other is asked in its place");
    }
}
