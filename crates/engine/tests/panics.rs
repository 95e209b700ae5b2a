//! A panic in one torrent's code ends that torrent alone: nothing names it afterwards, and the others don't notice.
#![cfg(debug_assertions)] // the seam is there in debug builds only
mod common;
use common::*;
use core::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use teem_engine::input::{Input, PeerSource};
use teem_engine::{Engine, EngineConfig};
use teem_metainfo::Info;
use teem_swarm::ask::{Answer, Question};
use teem_swarm::command::Command;
use teem_swarm::event::{Event, State};
use teem_swarm::ids::{ConnId, ReadId, TorrentId};
use teem_swarm::job::{DiskError, DiskErrorKind, Done, Facts, Job, Reader};
use teem_swarm::output::Output;
use teem_swarm::remote::Via;
use teem_swarm::selection::Selection;
use teem_wire::peer::block::BlockRef;
use teem_wire::peer::handshake::{Features, Handshake, PeerId};
use teem_wire::tracker::announce::AnnounceEvent;

const BAD: TorrentId = TorrentId(1);
const GOOD: TorrentId = TorrentId(2);
const URL: &str = "http://t/announce";

fn guard(work: &mut dyn FnMut()) -> Result<(), String> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|payload| {
        payload.downcast_ref::<&str>().map_or_else(|| "words that were put together".to_owned(), ToString::to_string)
    })
}

fn content(id: TorrentId) -> std::sync::Arc<Info> {
    info(3 + u64::from(id.0), false)
}

fn add(id: TorrentId) -> Input<Block> {
    Input::Command(limited(torrent(&content(id), true, &[], &[URL]), id, Some(1000), Some(1000)))
}

fn drain(engine: &mut Engine<Block>) -> Vec<Output<Block>> {
    std::iter::from_fn(|| engine.poll_output()).collect()
}

fn hello(id: TorrentId, n: u8) -> Handshake {
    let features = Features { fast: true, extended: true, ..Features::default() };
    Handshake { info_hash: hash(&content(id)), peer_id: PeerId([n; 20]), features }
}

/// Both torrents are open, each with a peer and an address to dial.
fn engine() -> Engine<Block> {
    let mut engine = Engine::new(EngineConfig { up: Some(2000), down: Some(2000), ..EngineConfig::new(5000, 3) });
    engine = engine.guarded(guard);
    for id in [BAD, GOOD] {
        engine.handle(secs(50), add(id));
        let (have, check, facts) = (vec![0], Vec::new(), Facts::default());
        let opened = Done::Opened { torrent: id, have, check, facts, selection: Selection::all() };
        engine.handle(secs(50), Input::Disk(opened));
        peer(&mut engine, id, id.0 as u8);
    }
    drain(&mut engine);
    engine
}

/// A peer of that torrent has dialled us.
fn peer(engine: &mut Engine<Block>, id: TorrentId, n: u8) {
    let conn = ConnId(u64::from(n));
    let remote: SocketAddr = ([8, 8, 8, n], 5000).into();
    engine.handle(secs(51), Input::Accepted { conn, remote: remote.into(), local: None });
    engine.handle(secs(51), Input::Hello { conn, handshake: hello(id, n), via: Via::TCP });
}

fn fault(outputs: &[Output<Block>]) -> &str {
    let mut told = outputs.iter().filter_map(|output| match output {
        Output::Event(Event::Fault { torrent: BAD, why }) => Some(why.as_str()),
        _ => None,
    });
    let why = told.next().expect("the owner is told");
    assert!(told.next().is_none(), "once");
    why
}

/// Of the one torrent nothing is left but its name; the other still works.
fn assert_alone(engine: &mut Engine<Block>, outputs: &[Output<Block>]) {
    let why = fault(outputs);
    assert!(why.contains(content(BAD).name()) && why.contains("report"), "{why}");
    assert!(outputs.iter().any(|o| matches!(o, Output::Disk(Job::Close { torrent: BAD, facts: None }))), "{outputs:?}");
    assert!(outputs.iter().any(|o| matches!(o, Output::Close { conn: ConnId(1), .. })), "{outputs:?}");
    let stopped = outputs.iter().find_map(|o| match o {
        Output::Ask { id, question: Question::Announce { torrent: BAD, announce, .. } }
            if announce.event == AnnounceEvent::Stopped =>
        {
            Some(*id)
        }
        _ => None,
    });
    let id = stopped.expect("its tracker is told");
    assert!(engine.has_last_words());
    let reply = Err(teem_wire::tracker::announce::AnnounceError::TimedOut);
    let answer = Answer::Announced { source: PeerSource::PublicTracker, reply };
    engine.handle(secs(59), Input::Answer { id, answer });
    assert!(!engine.has_last_words(), "whatever it answers");
    assert!(!outputs.iter().any(|o| matches!(o, Output::Close { conn: ConnId(2), .. })), "{outputs:?}");
    assert!(!engine.has(BAD) && engine.has(GOOD));
    // What comes for it changes nothing.
    engine.handle(secs(60), Input::Disk(Done::Closed { torrent: BAD }));
    engine.handle(secs(60), Input::Disk(Done::Checked { torrent: BAD, piece: 0, ok: true }));
    engine.handle(secs(60), Input::Closed { conn: ConnId(1), why: teem_swarm::output::CloseReason::Remote });
    peer(engine, BAD, 9);
    let after = drain(engine);
    assert!(
        after.iter().any(|o| matches!(o, Output::Close { conn: ConnId(9), .. })),
        "nobody is taken for it: {after:?}"
    );
    // The other goes on in time: it is dialled for, ticks, and is removed in order.
    let dials =
        |outputs: &[Output<Block>]| outputs.iter().filter(|o| matches!(o, Output::Dial { torrent: GOOD, .. })).count();
    let list = vec![([9, 9, 9, 9], 6000).into()];
    let peers = Command::Peers { torrent: GOOD, source: PeerSource::PublicTracker, list };
    engine.handle(secs(61), Input::Command(peers));
    let mut all = drain(engine);
    for _ in 0..50 {
        let Some(due) = engine.deadline() else { break };
        engine.handle(due, Input::Tick);
        all.extend(drain(engine));
    }
    assert_eq!(dials(&all), 1);
    let named = |o: &Output<Block>| format!("{o:?}").contains("TorrentId(1)");
    assert!(!all.iter().any(named), "{:?}", all.iter().find(|o| named(o)));
    let ask = Command::Snapshots { ask: 7, torrents: None };
    engine.handle(secs(90), Input::Command(ask));
    let Some(Output::Event(Event::Snapshots { list, .. })) = drain(engine).pop() else { panic!("figures") };
    let states: Vec<_> = list.iter().map(|s| (s.torrent, s.state)).collect();
    assert_eq!(states, [(BAD, State::Failed), (GOOD, State::Downloading)]);
    // It is removed at once, and can be added anew.
    engine.handle(secs(91), Input::Command(Command::Remove(BAD)));
    assert!(matches!(drain(engine)[..], [Output::Event(Event::Removed { torrent: BAD })]));
    engine.handle(secs(92), add(BAD));
    assert!(drain(engine).iter().any(|o| matches!(o, Output::Disk(Job::Open { torrent: BAD, .. }))));
}

#[test]
fn a_panic_in_a_torrent_ends_it_alone() {
    let mut engine = engine();
    engine.handle(secs(52), Input::Command(Command::Panic(Some(BAD))));
    let outputs = drain(&mut engine);
    assert!(fault(&outputs).contains("planted in the torrent"));
    let half = |o: &Output<Block>| matches!(o, Output::Event(Event::Notice { text, .. }) if text.contains("half"));
    assert!(!outputs.iter().any(half), "what it had pushed is not carried out");
    assert_alone(&mut engine, &outputs);
}

#[test]
fn a_panic_in_the_disks_work_for_a_torrent_ends_it_alone() {
    let error = || DiskError { kind: DiskErrorKind::Fault, message: "planted in the disk".to_owned() };
    let at = BlockRef { piece: 0, begin: 0, len: 16_384 };
    let failed = |reader| Done::ReadFailed { torrent: BAD, reader, at, error: error() };
    for done in [
        Done::OpenFailed { torrent: BAD, error: error() },
        Done::WriteFailed { torrent: BAD, piece: 1, error: error() },
        Done::SyncFailed { torrent: BAD, error: error() },
        Done::Trouble { torrent: BAD, error: error() },
        failed(Reader::Peer(ConnId(1))),
        failed(Reader::Local(ReadId(5))),
    ] {
        let mut engine = engine();
        let local = matches!(done, Done::ReadFailed { reader: Reader::Local(_), .. });
        engine.handle(secs(52), Input::Disk(done));
        let outputs = drain(&mut engine);
        let answered = outputs.iter().any(|o| matches!(o, Output::Read { id: ReadId(5), result: Err(_) }));
        assert_eq!(answered, local);
        assert!(fault(&outputs).contains("planted in the disk"));
        assert_alone(&mut engine, &outputs);
    }
}

#[test]
fn whoever_waits_for_its_removal_or_its_rest_is_told() {
    let mut removing = engine();
    removing.handle(secs(52), Input::Command(Command::Remove(BAD)));
    drain(&mut removing);
    removing.handle(secs(52), Input::Command(Command::Panic(Some(BAD))));
    let outputs = drain(&mut removing);
    fault(&outputs);
    assert!(matches!(outputs.last(), Some(Output::Event(Event::Removed { torrent: BAD }))));
    let mut pausing = engine();
    pausing.handle(secs(52), Input::Command(Command::Pause(BAD)));
    drain(&mut pausing);
    pausing.handle(secs(52), Input::Command(Command::Panic(Some(BAD))));
    fault(&drain(&mut pausing));
    pausing.handle(secs(53), Input::Command(Command::Resume(BAD)));
    assert!(!pausing.has(BAD), "nothing is begun again from what broke");
    pausing.handle(secs(53), Input::Command(Command::Remove(BAD)));
    assert!(matches!(drain(&mut pausing)[..], [Output::Event(Event::Removed { torrent: BAD })]));
}

#[test]
fn without_a_guard_nothing_is_caught() {
    let mut engine = Engine::<Block>::new(EngineConfig::new(5000, 3));
    engine.handle(secs(50), add(BAD));
    let input = Input::Command(Command::Panic(Some(BAD)));
    assert!(catch_unwind(AssertUnwindSafe(|| engine.handle(secs(51), input))).is_err());
}
