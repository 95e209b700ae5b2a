//! Complete torrents without peers rest as records: what wakes them, what their trackers and their owner notice of it, and what they still know.
mod common;
use common::*;
use core::time::Duration;
use teem_engine::EngineConfig;
use teem_engine::input::{Input, PeerSource};
use teem_swarm::ask::Answer;
use teem_swarm::command::{Command, TrackerChange};
use teem_swarm::event::{Event, Snapshot, State};
use teem_swarm::ids::{ConnId, ReadId, TorrentId};
use teem_swarm::job::{Done, Facts};
use teem_swarm::output::CloseReason;
use teem_swarm::remote::Via;
use teem_swarm::selection::Selection;
use teem_wire::peer::block::BlockRef;
use teem_wire::peer::handshake::{Features, Handshake, PeerId};
use teem_wire::tracker::announce::{AnnounceEvent, AnnounceReply};

const URL: &str = "http://t/announce";

/// A world whose first node is a seed that has gone to rest; it has that tracker, if any.
fn at_rest(trackers: &[&str]) -> World {
    let mut world = World::of_engines(info(4, false));
    world.node_with(true, |config| EngineConfig { rest: Some(Duration::from_secs(60)), ..config });
    let add = torrent(&world.info, true, &[], trackers);
    world.command(0, add);
    world.until(5, |w| w.is_complete(0));
    hear(&mut world, &[]);
    world.until(70, |w| count(w, rests) == 1);
    hear(&mut world, &[]); // without peers it has asked once more after a minute
    world
}

/// Answers what the seed has asked last: its interval is half an hour, and these are the peers.
fn hear(world: &mut World, peers: &[&str]) {
    let Some((_, id, _)) = world.nodes[0].announces.last().cloned() else { return };
    let peers: Vec<_> = peers.iter().map(|peer| peer.parse().expect("an address")).collect();
    let reply = AnnounceReply { interval: Duration::from_secs(1800), peers, ..AnnounceReply::default() };
    world.give(
        0,
        Input::Answer { id, answer: Answer::Announced { source: PeerSource::PublicTracker, reply: Ok(reply) } },
    );
}

fn rests(event: &Event) -> bool {
    matches!(event, Event::Rests { .. })
}

fn wakes(event: &Event) -> bool {
    matches!(event, Event::Woken { .. })
}

fn count(world: &World, what: impl Fn(&Event) -> bool) -> usize {
    world.nodes[0].events.iter().filter(|event| what(event)).count()
}

fn states(world: &World) -> Vec<State> {
    let of = |event: &Event| if let Event::State { state, .. } = event { Some(*state) } else { None };
    world.nodes[0].events.iter().filter_map(of).collect()
}

fn figures(world: &mut World) -> Snapshot {
    world.command(0, Command::Snapshot(ME));
    match world.nodes[0].events.pop() {
        Some(Event::Snapshot(figures)) => *figures,
        other => panic!("{other:?}"),
    }
}

/// A downloader that dials the seed.
fn downloader(world: &mut World) -> usize {
    let (get, seed) = (world.node(false), world.nodes[0].addr);
    let add = torrent(&world.info, true, &[seed], &[]);
    world.command(get, add);
    get
}

fn dial(world: &mut World, n: u8) -> ConnId {
    let conn = world.stranger(0, ([9, n, 1, 1], 7000).into());
    let features = Features { fast: true, extended: true, dht: false, v2: false };
    let handshake = Handshake { info_hash: hash(&world.info), peer_id: PeerId([n; 20]), features };
    world.give(0, Input::Hello { conn, handshake, via: Via::TCP });
    conn
}

#[test]
fn a_handshake_wakes_it_and_a_minute_alone_brings_it_back() {
    let mut world = at_rest(&[]);
    let before = states(&world);
    for round in 1..=3 {
        let get = downloader(&mut world);
        world.until(5, |w| w.is_complete(get));
        world.leave(get);
        world.until(200, |w| count(w, rests) == round + 1);
        assert_eq!(count(&world, wakes), round);
        let now = figures(&mut world);
        assert_eq!((now.uploaded, now.have, now.wanted), (round as u64 * now.wanted, now.wanted, now.wanted));
        assert_eq!((now.state, now.pieces), (State::Seeding, 4), "what rests serves");
    }
    assert_eq!(states(&world), before, "nothing of this is news");
    let all = figures(&mut world).uploaded;
    assert_eq!(world.nodes[0].disk.of(ME).facts().uploaded, all, "all of it is saved");
}

#[test]
fn what_rests_is_no_torrent_and_has_no_moment() {
    let world = at_rest(&[]);
    assert!(!world.nodes[0].machine.has(ME));
    assert_eq!(world.nodes[0].machine.deadline(), None);
}

#[test]
fn without_the_setting_nothing_rests() {
    let mut world = World::of_engines(info(4, false));
    world.node(true);
    let add = torrent(&world.info, true, &[], &[]);
    world.command(0, add);
    world.wait(1000);
    assert_eq!((count(&world, rests), world.nodes[0].machine.has(ME)), (0, true));
}

#[test]
fn trackers_hear_of_it_at_their_interval_and_notice_nothing_else() {
    let mut world = at_rest(&[URL]);
    assert_eq!(world.nodes[0].said, [AnnounceEvent::Started, AnnounceEvent::None]);
    let begun = world.now;
    world.until(2000, |w| w.nodes[0].said.len() == 3);
    let waited = world.now.since(begun).as_secs();
    assert!((1620..=1990).contains(&waited), "{waited}");
    hear(&mut world, &[]);
    let get = downloader(&mut world);
    world.until(5, |w| w.is_complete(get));
    world.leave(get);
    world.until(200, |w| count(w, rests) == 2);
    assert_eq!(
        world.nodes[0].said,
        [AnnounceEvent::Started, AnnounceEvent::None, AnnounceEvent::None],
        "neither waking nor resting is told"
    );
    world.until(2000, |w| w.nodes[0].said.len() == 4);
    assert_eq!(world.nodes[0].said[3], AnnounceEvent::None);
}

#[test]
fn an_answer_that_names_a_downloader_wakes_it() {
    let mut world = at_rest(&[URL]);
    let get = world.node(false);
    let add = torrent(&world.info, true, &[], &[]);
    world.command(get, add);
    world.until(2000, |w| w.nodes[0].said.len() == 3);
    assert_eq!(count(&world, wakes), 0);
    let addr = world.nodes[get].addr.to_string();
    hear(&mut world, &[&addr]);
    world.until(10, |w| w.is_complete(get));
}

#[test]
fn a_tracker_that_counts_only_seeds_does_not() {
    let mut world = at_rest(&[URL]);
    world.until(2000, |w| w.nodes[0].said.len() == 3);
    let (_, id, _) = world.nodes[0].announces[2].clone();
    let peers = vec!["198.18.0.77:5000".parse().unwrap()];
    let interval = Duration::from_secs(1800);
    let reply = AnnounceReply { interval, peers, incomplete: Some(0), ..AnnounceReply::default() };
    world.give(
        0,
        Input::Answer { id, answer: Answer::Announced { source: PeerSource::PublicTracker, reply: Ok(reply) } },
    );
    world.wait(100);
    assert_eq!(count(&world, wakes), 0);
}

#[test]
fn paused_at_rest_it_says_stopped_once_and_refuses_and_resumed_it_rests_again() {
    let mut world = at_rest(&[URL]);
    world.command(0, Command::Pause(ME));
    hear(&mut world, &[]);
    assert_eq!(states(&world).last(), Some(&State::Paused));
    assert_eq!(world.nodes[0].said[2..], [AnnounceEvent::Stopped]);
    let conn = dial(&mut world, 1);
    assert_eq!(world.why_closed(0, conn), Some(CloseReason::UnknownTorrent));
    world.wait(5000);
    assert_eq!((world.nodes[0].said.len(), figures(&mut world).state), (3, State::Paused), "no announce");
    world.command(0, Command::Resume(ME));
    assert_eq!(states(&world).last(), Some(&State::Seeding));
    hear(&mut world, &[]);
    assert_eq!(world.nodes[0].said.last(), Some(&AnnounceEvent::Started));
    assert_eq!(count(&world, wakes), 0, "for none of this it was woken");
    let get = downloader(&mut world);
    world.until(5, |w| w.is_complete(get));
}

#[test]
fn a_pause_while_it_lies_down_holds() {
    let mut world = World::of_engines(info(4, false));
    world.node_with(true, |config| EngineConfig { rest: Some(Duration::from_secs(60)), ..config });
    let add = torrent(&world.info, true, &[], &[URL]);
    world.command(0, add);
    world.until(5, |w| w.is_complete(0));
    hear(&mut world, &[]);
    world.nodes[0].disk.silent = true;
    world.wait(62);
    assert_eq!(count(&world, rests), 0, "the disk has not let go");
    world.command(0, Command::Pause(ME));
    hear(&mut world, &[]);
    world.until(5, |w| states(w).last() == Some(&State::Paused));
    assert_eq!(world.nodes[0].said.last(), Some(&AnnounceEvent::Stopped));
}

#[test]
fn a_disk_that_hangs_keeps_nothing_from_resting() {
    let mut world = World::of_engines(info(4, false));
    world.node_with(true, |config| EngineConfig { rest: Some(Duration::from_secs(60)), ..config });
    let add = torrent(&world.info, true, &[], &[]);
    world.command(0, add);
    world.until(5, |w| w.is_complete(0));
    world.wait(1);
    world.nodes[0].disk.silent = true;
    world.until(70, |w| count(w, rests) == 1);
}

#[test]
fn removed_at_rest_it_is_gone_once_its_trackers_know() {
    for (trackers, said) in [(&[][..], 0), (&[URL][..], 3)] {
        let mut world = at_rest(trackers);
        world.command(0, Command::Remove(ME));
        assert_eq!(world.is_removed(0), trackers.is_empty());
        hear(&mut world, &[]);
        assert!(world.is_removed(0));
        assert_eq!(world.nodes[0].said.len(), said);
        assert_eq!(world.nodes[0].machine.deadline(), None);
        let add = torrent(&world.info, true, &[], &[]);
        world.command(0, add);
        assert!(world.nodes[0].machine.has(ME), "its info-hash is free again");
    }
    let mut world = at_rest(&[URL]);
    world.command(0, Command::Remove(ME));
    world.until(5, |w| w.is_removed(0)); // a tracker that is silent
}

#[test]
fn its_owner_reads_and_has_it_hashed_as_if_it_were_awake() {
    let mut world = at_rest(&[]);
    let at = BlockRef { piece: 3, begin: 0, len: 16_384 };
    world.command(0, Command::Read { torrent: ME, id: ReadId(7), at });
    world.until(1, |w| !w.nodes[0].reads.is_empty());
    assert!(world.nodes[0].reads[0].2.is_ok());
    world.until(70, |w| count(w, rests) == 2);
    world.command(0, Command::Recheck(ME));
    world.until(2, |w| count(w, |event| matches!(event, Event::Rechecked { lost: 0, .. })) == 1);
    assert!(states(&world).ends_with(&[State::Checking, State::Seeding]), "that is news");
    world.until(70, |w| count(w, rests) == 3);
}

#[test]
fn other_trackers_are_told_without_waking_it() {
    let mut world = at_rest(&[]);
    world.command(
        0,
        Command::Trackers(ME, TrackerChange::Add { url: teem_metainfo::AnnounceUrl::of_user(URL), tier: None }),
    );
    world.until(1, |w| w.nodes[0].said == [AnnounceEvent::Started]);
    hear(&mut world, &[]);
    world.command(0, Command::Trackers(ME, TrackerChange::Remove(URL.to_owned())));
    world.until(1, |w| w.nodes[0].said == [AnnounceEvent::Started, AnnounceEvent::Stopped]);
    assert_eq!((count(&world, wakes), figures(&mut world).trackers.len()), (0, 0));
}

#[test]
fn a_connection_waits_two_seconds_and_64_at_a_time() {
    let mut world = at_rest(&[]);
    world.disk = Duration::from_secs(1000);
    let conns: Vec<ConnId> = (0..70).map(|n| dial(&mut world, n)).collect();
    let refused =
        |world: &World| conns.iter().filter(|conn| world.why_closed(0, **conn) == Some(CloseReason::TooMany)).count();
    assert_eq!(refused(&world), 6);
    world.wait(1);
    assert_eq!(world.nodes[0].closed.len(), 6);
    world.wait(2);
    let late = conns.iter().filter(|conn| world.why_closed(0, **conn) == Some(CloseReason::TimedOut));
    assert_eq!((late.count(), world.nodes[0].closed.len()), (64, 70));
}

#[test]
fn a_peer_that_talks_on_before_it_is_answered_is_let_go() {
    use teem_wire::peer::message::Message;
    let mut world = at_rest(&[]);
    world.disk = Duration::from_secs(1000);
    let conn = dial(&mut world, 1);
    for piece in 0..20 {
        world.give(0, Input::Message { conn, message: Message::Have(piece) });
    }
    assert!(matches!(world.why_closed(0, conn), Some(CloseReason::Flood(_))));
}

#[test]
fn what_it_says_before_it_is_answered_is_not_lost() {
    use teem_wire::peer::message::Message;
    let mut world = at_rest(&[]);
    let conn = dial(&mut world, 1);
    world.give(0, Input::Message { conn, message: Message::HaveNone });
    world.give(0, Input::Message { conn, message: Message::Interested });
    world.until(1, |w| w.log.iter().any(|(_, node, c, m)| (*node, *c) == (0, conn) && matches!(m, Message::Unchoke)));
}

#[test]
fn what_is_missing_when_it_is_woken_is_news() {
    let mut world = at_rest(&[]);
    world.nodes[0].disk.silent = true;
    dial(&mut world, 1);
    world.wait(1);
    let (have, check, facts, selection) = (vec![0, 1], Vec::new(), Facts::default(), Selection::all());
    world.give(0, Input::Disk(Done::Opened { torrent: ME, have, check, facts, selection }));
    assert_eq!(states(&world).last(), Some(&State::Downloading));
    let now = figures(&mut world);
    assert!(now.have < now.wanted);
}

#[test]
fn many_rest_and_each_is_woken_alone() {
    let mut world = World::of_engines(info(4, false));
    world.node_with(true, |config| EngineConfig { rest: Some(Duration::from_secs(60)), ..config });
    let infos: Vec<_> = (0..20).map(|n| info(4 + n, false)).collect();
    for (n, info) in infos.iter().enumerate() {
        let add = limited(torrent(info, true, &[], &[]), TorrentId(100 + n as u32), None, None);
        world.command(0, add);
    }
    world.until(100, |w| count(w, rests) == 20);
    let get = world.node(false);
    world.info = infos[7].clone();
    let add = torrent(&infos[7], true, &[world.nodes[0].addr], &[]);
    world.command(get, add);
    world.until(5, |w| w.is_complete(get));
    let woken: Vec<_> = world.nodes[0].events.iter().filter(|event| wakes(event)).map(Event::torrent).collect();
    assert_eq!(woken, [Some(TorrentId(107))]);
}
