//! What trackers hear while a torrent runs: of pauses (BEP 3 `stopped`), and of other trackers that are set.
mod common;
use common::*;
use std::time::Duration;
use teem_engine::input::{Input, PeerSource};
use teem_metainfo::AnnounceUrl;
use teem_swarm::ask::Answer;
use teem_swarm::command::{Command, TrackerChange};
use teem_swarm::event::{Event, Snapshot, State};
use teem_wire::tracker::announce::{AnnounceEvent, AnnounceReply};

const A: &str = "http://a/announce";
const B: &str = "http://b/announce";
const C: &str = "http://c/announce";

/// Answers what a node has asked of trackers, but for the first `answered`; what they heard is returned.
fn answer(world: &mut World, node: usize, answered: &mut usize) -> Vec<(String, AnnounceEvent)> {
    let asked: Vec<_> = world.nodes[node].announces.iter().skip(*answered).cloned().collect();
    let said: Vec<_> = world.nodes[node].said.iter().skip(*answered).copied().collect();
    *answered += asked.len();
    for (_, id, _) in &asked {
        let reply = Ok(AnnounceReply { interval: Duration::from_secs(1800), ..AnnounceReply::default() });
        let answer = Answer::Announced { source: PeerSource::PublicTracker, reply };
        world.give(node, Input::Answer { id: *id, answer });
    }
    asked.into_iter().map(|(_, _, url)| url).zip(said).collect()
}

/// A seed that has said `started` to these trackers, each in a tier of its own; and how much was answered.
fn seed(trackers: &[&str], private: bool) -> (World, usize) {
    let mut world = World::of_engines(info(4, private));
    world.node(true);
    let add = torrent(&world.info, true, &[], trackers);
    world.command(0, add);
    world.until(5, |w| w.has_completed(0, ME));
    let mut answered = 0;
    let heard = answer(&mut world, 0, &mut answered);
    let started = |url: &&str| heard.contains(&((*url).to_string(), AnnounceEvent::Started));
    assert!(private || trackers.iter().all(started), "{heard:?}");
    (world, answered)
}

fn named(url: &str) -> AnnounceUrl {
    AnnounceUrl::of_user(url)
}

fn change(world: &mut World, change: TrackerChange) {
    world.command(0, Command::Trackers(ME, change));
}

fn add(url: &str) -> TrackerChange {
    TrackerChange::Add { url: named(url), tier: None }
}

fn heard(list: &[(&str, AnnounceEvent)]) -> Vec<(String, AnnounceEvent)> {
    list.iter().map(|(url, event)| ((*url).to_string(), *event)).collect()
}

fn state(world: &World) -> Option<State> {
    let of = |event: &Event| if let Event::State { state, .. } = event { Some(*state) } else { None };
    world.nodes[0].events.iter().filter_map(of).next_back()
}

fn figures(world: &mut World) -> Snapshot {
    world.command(0, Command::Snapshot(ME));
    match world.nodes[0].events.pop() {
        Some(Event::Snapshot(figures)) => *figures,
        other => panic!("{other:?}"),
    }
}

fn urls(figures: &Snapshot) -> Vec<&str> {
    figures.trackers.iter().map(|tracker| tracker.url.reveal()).collect()
}

#[test]
fn pausing_says_stopped_and_resuming_says_started() {
    let (mut world, mut answered) = seed(&[A, B], false);
    world.command(0, Command::Pause(ME));
    let mut stopped = answer(&mut world, 0, &mut answered);
    stopped.sort_by(|a, b| a.0.cmp(&b.0));
    assert_eq!(stopped, heard(&[(A, AnnounceEvent::Stopped), (B, AnnounceEvent::Stopped)]));
    world.until(3, |w| state(w) == Some(State::Paused));
    world.wait(7200);
    assert_eq!(answer(&mut world, 0, &mut answered), [], "one that rests says nothing");
    world.command(0, Command::Resume(ME));
    world.until(5, |w| state(w) == Some(State::Seeding));
    let mut started = answer(&mut world, 0, &mut answered);
    started.sort_by(|a, b| a.0.cmp(&b.0));
    assert_eq!(started, heard(&[(A, AnnounceEvent::Started), (B, AnnounceEvent::Started)]));
}

#[test]
fn a_pause_does_not_wait_for_trackers_that_are_silent() {
    let (mut world, _) = seed(&[A], false);
    world.command(0, Command::Pause(ME));
    assert!(world.run(5, |w| state(w) == Some(State::Paused)));
}

#[test]
fn a_magnet_that_was_paused_before_its_metadata_came_gets_it_when_it_is_resumed() {
    let mut world = World::of_engines(info(4, false));
    for whole in [true, false] {
        let node = world.node(whole);
        let peers = [world.nodes[0].addr];
        let add = torrent(&world.info, whole, if whole { &[] } else { &peers }, &[A]);
        world.command(node, add);
    }
    let state = |w: &World| {
        let of = |event: &Event| if let Event::State { state, .. } = event { Some(*state) } else { None };
        w.nodes[1].events.iter().filter_map(of).next_back()
    };
    world.command(1, Command::Pause(ME));
    world.until(6, |w| state(w) == Some(State::Paused));
    world.wait(60);
    assert!(!world.nodes[1].events.iter().any(|event| matches!(event, Event::Metadata { .. })));
    world.command(1, Command::Resume(ME));
    // No tracker answers: it has to know the peer that the link named.
    world.until(60, |w| w.is_complete(1));
    assert!(world.nodes[1].events.iter().any(|event| matches!(event, Event::Metadata { .. })));
}

#[test]
fn a_tracker_that_is_added_hears_started_and_the_others_nothing() {
    let (mut world, mut answered) = seed(&[A], false);
    change(&mut world, add(B));
    change(&mut world, add(A));
    assert_eq!(answer(&mut world, 0, &mut answered), heard(&[(B, AnnounceEvent::Started)]));
    world.wait(30); // without peers all are asked again after a minute
    assert_eq!(answer(&mut world, 0, &mut answered).len(), 0);
    assert_eq!(urls(&figures(&mut world)), [A, B]);
    world.wait(60);
    let mut later = answer(&mut world, 0, &mut answered);
    later.sort_by(|a, b| a.0.cmp(&b.0));
    assert_eq!(later, heard(&[(A, AnnounceEvent::None), (B, AnnounceEvent::None)]));
}

#[test]
fn a_tracker_that_joins_a_tier_waits_for_its_turn() {
    let (mut world, mut answered) = seed(&[A, C], false);
    change(&mut world, TrackerChange::Add { url: named(B), tier: Some(0) });
    world.wait(30); // without peers all are asked again after a minute
    assert_eq!(answer(&mut world, 0, &mut answered), [], "the first of its tier works");
    assert_eq!(urls(&figures(&mut world)), [A, B, C]);
    change(&mut world, TrackerChange::Remove(A.to_string()));
    let heard_now = answer(&mut world, 0, &mut answered);
    assert_eq!(heard_now, heard(&[(A, AnnounceEvent::Stopped), (B, AnnounceEvent::Started)]));
}

#[test]
fn a_tracker_that_is_removed_hears_stopped_once_if_it_had_heard_started() {
    let (mut world, mut answered) = seed(&[A, B], false);
    change(&mut world, add(C));
    let asked = world.nodes[0].announces.len();
    change(&mut world, TrackerChange::Remove(A.to_string()));
    change(&mut world, TrackerChange::Remove(A.to_string()));
    assert_eq!(urls(&figures(&mut world)), [B, C]);
    assert_eq!(
        answer(&mut world, 0, &mut answered),
        heard(&[(C, AnnounceEvent::Started), (A, AnnounceEvent::Stopped)]),
        "{asked}"
    );
    world.wait(30); // without peers all are asked again after a minute
    assert_eq!(answer(&mut world, 0, &mut answered), []);
    world.wait(3600);
    assert!(answer(&mut world, 0, &mut answered).iter().all(|(url, _)| url != A));
    world.command(0, Command::Pause(ME));
    let stopped = answer(&mut world, 0, &mut answered);
    assert!(stopped.len() == 2 && stopped.iter().all(|(url, _)| url != A), "{stopped:?}");
}

#[test]
fn one_that_was_never_reached_is_forgotten_at_once_and_one_that_is_being_asked_hears_stopped() {
    let mut world = World::of_engines(info(4, false));
    world.node(true);
    let Command::Add(mut one) = torrent(&world.info, true, &[], &[A]) else { panic!("a torrent is added") };
    one.trackers[0].push(named(B));
    world.command(0, Command::Add(one));
    world.until(5, |w| w.has_completed(0, ME));
    let [(_, _, first)] = &world.nodes[0].announces[..] else { panic!("one of the tier is asked") };
    let first = first.clone();
    let other = if first == A { B } else { A };
    change(&mut world, TrackerChange::Remove(other.to_string()));
    change(&mut world, TrackerChange::Remove(first.clone()));
    world.wait(3);
    let asked = &world.nodes[0];
    assert_eq!(asked.announces.iter().map(|(_, _, url)| url).collect::<Vec<_>>(), [&first, &first]);
    assert_eq!(asked.said, [AnnounceEvent::Started, AnnounceEvent::Stopped]);
    world.wait(3600);
    assert_eq!(world.nodes[0].announces.len(), 2, "it had its time");
}

#[test]
fn one_that_comes_back_while_it_leaves_hears_started_after_stopped() {
    let (mut world, mut answered) = seed(&[A], false);
    change(&mut world, TrackerChange::Remove(A.to_string()));
    change(&mut world, add(A));
    assert_eq!(answer(&mut world, 0, &mut answered), heard(&[(A, AnnounceEvent::Stopped)]));
    world.wait(5);
    assert_eq!(answer(&mut world, 0, &mut answered), heard(&[(A, AnnounceEvent::Started)]));
}

#[test]
fn all_are_replaced_and_those_that_stay_notice_nothing() {
    let (mut world, mut answered) = seed(&[A, B], false);
    change(&mut world, TrackerChange::Replace(vec![vec![named(C), named(C)], vec![named(B)], vec![]]));
    let now = answer(&mut world, 0, &mut answered);
    assert_eq!(now, heard(&[(A, AnnounceEvent::Stopped), (C, AnnounceEvent::Started)]));
    assert_eq!(urls(&figures(&mut world)), [C, B]);
    change(&mut world, TrackerChange::Replace(Vec::new()));
    let mut now = answer(&mut world, 0, &mut answered);
    now.sort_by(|a, b| a.0.cmp(&b.0));
    assert_eq!(now, heard(&[(B, AnnounceEvent::Stopped), (C, AnnounceEvent::Stopped)]));
    world.wait(7200);
    assert_eq!(answer(&mut world, 0, &mut answered), []);
}

#[test]
fn a_torrent_that_is_removed_meanwhile_waits_for_those_that_leave() {
    let (mut world, mut answered) = seed(&[A], false);
    change(&mut world, TrackerChange::Remove(A.to_string()));
    world.command(0, Command::Remove(ME));
    world.wait(1);
    assert!(!world.is_removed(0));
    assert_eq!(answer(&mut world, 0, &mut answered), heard(&[(A, AnnounceEvent::Stopped)]));
    world.until(1, |w| w.is_removed(0));
}

#[test]
fn what_was_changed_holds_over_a_pause() {
    let (mut world, mut answered) = seed(&[A], false);
    world.command(0, Command::Pause(ME));
    answer(&mut world, 0, &mut answered);
    change(&mut world, add(B));
    world.until(5, |w| state(w) == Some(State::Paused));
    change(&mut world, TrackerChange::Remove(A.to_string()));
    change(&mut world, add(C));
    assert_eq!(urls(&figures(&mut world)), [B, C]);
    assert_eq!(answer(&mut world, 0, &mut answered), []);
    world.command(0, Command::Resume(ME));
    world.until(5, |w| state(w) == Some(State::Seeding));
    let mut started = answer(&mut world, 0, &mut answered);
    started.sort_by(|a, b| a.0.cmp(&b.0));
    assert_eq!(started, heard(&[(B, AnnounceEvent::Started), (C, AnnounceEvent::Started)]));
}

#[test]
fn a_private_torrent_keeps_to_one_tracker_at_a_time() {
    let (mut world, mut answered) = seed(&[A, B], true);
    change(&mut world, add(C));
    world.wait(30); // without peers all are asked again after a minute
    assert_eq!(answer(&mut world, 0, &mut answered), [], "the first works");
    let first = world.nodes[0].announces[0].2.clone();
    change(&mut world, TrackerChange::Remove(first.clone()));
    let now = answer(&mut world, 0, &mut answered);
    assert_eq!(
        now.iter().map(|(_, event)| *event).collect::<Vec<_>>(),
        [AnnounceEvent::Stopped, AnnounceEvent::Started]
    );
    assert_eq!(now[0].0, first);
}
