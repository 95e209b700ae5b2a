//! How the host ends (own design): torrents first, then what is queued, then the thread.
use std::sync::Arc;
use teem_engine::input::Input;
use teem_host::mailbox::HostMsg;
use teem_metainfo::InfoHash;
use teem_swarm::ask::{AskId, Question};
use teem_swarm::command::{AddTorrent, Command, Spreading};
use teem_swarm::event::Event;
use teem_swarm::ids::TorrentId;
use teem_swarm::output::Output;

mod common;
use common::{Led, TORRENT, Told};

fn add(torrent: TorrentId) -> HostMsg {
    HostMsg::Command(Command::Add(Box::new(AddTorrent {
        torrent,
        key: InfoHash([7; 20]).into(),
        info: None,
        trackers: Vec::new(),
        peers: Vec::new(),
        up: Some(1000),
        down: None,
        publish: false,
        spreading: Spreading::default(),
        cooperative: false,
        selection: None,
        choose: false,
        announced: None,
    })))
}

#[test]
fn shutdown_removes_every_torrent_and_waits_for_it() {
    let led = Led::new();
    let other = TorrentId(2);
    for torrent in [TORRENT, other] {
        led.host.send(add(torrent)).unwrap();
        assert!(matches!(led.next(), Input::Command(Command::Add(_))));
    }
    // One has gone by itself before.
    led.run([Output::Event(Event::Removed { torrent: other })]);
    assert!(matches!(led.told(), Told::Event(Event::Removed { torrent }) if torrent == other));
    led.host.shutdown();
    assert!(matches!(led.next(), Input::Command(Command::Part(TORRENT))));
    // It still works for the torrent that is being removed.
    let question =
        Question::Resolve { host: "tracker.example".into(), port: 1, speaks: teem_swarm::ask::Speaks::Tracker };
    led.run([Output::Ask { id: AskId(1), question }]);
    assert!(matches!(led.told(), Told::Ask(AskId(1), _)));
    led.run([Output::Event(Event::Removed { torrent: TORRENT })]);
    led.host.join().unwrap();
    assert!(matches!(led.told(), Told::Event(Event::Removed { torrent: TORRENT })));
    assert!(led.told.recv().is_err());
}

#[test]
fn shutdown_without_torrents_ends_at_once_and_join_may_be_called_twice() {
    let led = Led::new();
    led.host.shutdown();
    led.host.join().unwrap();
    led.host.join().unwrap();
}

#[test]
fn the_last_handle_dropped_ends_the_thread() {
    let led = Led::new();
    let (told, pool) = (led.told, Arc::clone(&led.pool));
    drop(led.host.clone());
    drop(led.host);
    assert!(told.recv().is_err(), "the owner is dropped with the thread");
    drop(pool);
}
