//! What trackers refuse, and what is left out for them then (BEP 3, 21, 23).
#![allow(clippy::unwrap_used)] // a test may panic: that is its way to say no
mod announcer;
use announcer::*;
use core::time::Duration;
use teem_swarm::time::Time;
use teem_wire::tracker::announce::{AnnounceError, AnnounceEvent, Form};

fn refused(reason: &str) -> AnnounceError {
    AnnounceError::Refused { reason: reason.into(), retry_in: None }
}

/// A world with one tracker that has accepted `started`.
fn accepted(url: &str) -> World {
    let mut w = World::new(&[&[url]], false, 5);
    w.announcer.start(Time::ZERO);
    w.announcer.set_peers(Time::ZERO, 9, false);
    w.poll(Time::ZERO);
    w.ok(Time::ZERO, url, 1800, None);
    w
}

#[test]
fn a_tracker_that_refuses_paused_is_asked_without_it_at_once_and_from_then_on() {
    for url in [A, U] {
        let mut w = accepted(url);
        w.announcer.set_partial(secs(100), true);
        assert_eq!(said(&w.poll(secs(100))), [(url, AnnounceEvent::Paused)]);
        w.fail(secs(100), url, refused("invalid event"));
        let asks = w.poll(secs(100));
        assert_eq!(said(&asks), [(url, AnnounceEvent::None)], "at once");
        assert_eq!(asks[0].announce.form, Form::Full, "parameters that it took before are no reason");
        w.ok(secs(100), url, 1800, None);
        let (at, asks) = w.next();
        assert_eq!(said(&asks), [(url, AnnounceEvent::None)], "it is not tried again");
        assert!(at > secs(1700), "{at:?}");
    }
}

#[test]
fn a_tracker_that_refuses_completed_is_not_refused_for_ever() {
    let mut w = accepted(A);
    w.left = Some(0);
    w.announcer.completed(secs(100));
    assert_eq!(said(&w.poll(secs(100))), [(A, AnnounceEvent::Completed)]);
    w.fail(secs(100), A, AnnounceError::Status(400));
    assert_eq!(said(&w.poll(secs(100))), [(A, AnnounceEvent::None)]);
    w.ok(secs(100), A, 1800, None);
    let (at, asks) = w.next();
    assert_eq!(said(&asks), [(A, AnnounceEvent::None)], "it is not tried again");
    assert!(at > secs(1700), "{at:?}");
    assert_eq!(w.announcer.completed_at(), [] as [&str; 0], "it was never acknowledged");
}

#[test]
fn parameters_that_a_tracker_refuses_are_left_out_step_by_step() {
    for error in [refused("unknown parameter: key"), AnnounceError::Status(400), AnnounceError::Malformed("?".into())] {
        let mut w = World::new(&[&[A, B]], true, 5);
        w.announcer.start(Time::ZERO);
        let first = w.poll(Time::ZERO);
        let url = first[0].url.reveal().to_owned();
        assert_eq!(first[0].announce.form, Form::Full);
        w.fail(Time::ZERO, &url, error.clone());
        let asks = w.poll(Time::ZERO);
        assert_eq!(
            (said(&asks), asks[0].announce.form),
            (vec![(&*url, AnnounceEvent::Started)], Form::Lean),
            "at once"
        );
        w.fail(Time::ZERO, &url, error.clone());
        assert_ne!(w.poll(Time::ZERO).first().map(|ask| ask.url.reveal().to_owned()), Some(url), "at once only once");
    }
    let mut w = World::new(&[&[A]], false, 5);
    w.announcer.start(Time::ZERO);
    let (mut forms, mut at) = (Vec::new(), Time::ZERO);
    for _ in 0..5 {
        forms.push(w.poll(at)[0].announce.form);
        w.fail(at, A, refused("no"));
        at = w.announcer.deadline().unwrap();
    }
    assert_eq!(
        forms,
        [Form::Full, Form::Lean, Form::Bare, Form::Full, Form::Lean],
        "nothing is left out for ever in vain"
    );
    w.poll(at);
    w.ok(at, A, 1800, None);
    assert_eq!(w.next().1[0].announce.form, Form::Bare, "what it accepted is gone on with");
}

#[test]
fn what_is_no_refusal_leaves_nothing_out() {
    let refusals = [
        AnnounceError::TimedOut,
        AnnounceError::Status(503),
        AnnounceError::Status(429),
        AnnounceError::Unreachable("x".into()),
        AnnounceError::Refused { reason: "later".into(), retry_in: Some(Some(Duration::from_secs(60))) },
    ];
    for error in refusals {
        let mut w = accepted(A);
        w.announcer.set_partial(secs(100), true);
        w.poll(secs(100));
        w.fail(secs(100), A, error);
        let (at, asks) = w.next();
        assert!(at > secs(110));
        assert_eq!((said(&asks), asks[0].announce.form), (vec![(A, AnnounceEvent::Paused)], Form::Full));
    }
}
