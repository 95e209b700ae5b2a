//! Questions of an engine that meet a full queue (own design): each is asked again until it is answered.
use super::*;
use std::collections::BTreeSet;
use std::time::Duration;
use teem_engine::input::Input;
use teem_engine::{Engine, EngineConfig};
use teem_metainfo::{AnnounceUrl, Info, InfoHash, Limits, TorrentKey};
use teem_swarm::command::{AddTorrent, Command, Spreading};
use teem_swarm::event::State;
use teem_swarm::ids::TorrentId;
use teem_swarm::job::{Done, Job};
use teem_swarm::output::Output;
use teem_swarm::time::Time;
use teem_swarm::torrent::address::PeerSource;
use teem_wire::tracker::announce::AnnounceReply;

/// Turns of the engine that anything here may take; only a hang reaches it.
const TURNS_MAX: usize = 100_000;

fn info() -> Arc<Info> {
    let raw = format!("d6:lengthi5e4:name1:t12:piece lengthi16384e6:pieces20:{}e", "h".repeat(20));
    Arc::new(Info::parse(raw.as_bytes(), &Limits::FILE).unwrap())
}

/// A magnet link's torrent.
fn add(torrent: TorrentId, key: TorrentKey, trackers: &[String]) -> Input<()> {
    Input::Command(Command::Add(Box::new(AddTorrent {
        torrent,
        key,
        info: None,
        trackers: vec![trackers.iter().map(AnnounceUrl::of_user).collect()],
        peers: Vec::new(),
        up: None,
        down: None,
        publish: false,
        spreading: Spreading::default(),
        cooperative: false,
        selection: None,
        choose: false,
        announced: None,
    })))
}

/// An engine that asks through the queue of a client.
struct World {
    engine: Engine<()>,
    router: Router,
    asked: mpsc::Receiver<(AskId, Question)>,
    now: Time,
    /// Questions that met a full queue.
    refused: usize,
    states: Vec<State>,
    opened: BTreeSet<TorrentId>,
}

impl World {
    fn new(bound: usize) -> Self {
        let (questions, asked) = mpsc::channel(bound);
        Self {
            engine: Engine::new(EngineConfig::new(1, 1)),
            router: Router {
                registry: Arc::default(),
                announced: None,
                questions,
                door: Door::default(),
                said: Vec::new(),
            },
            asked,
            now: Time::ZERO + Duration::from_secs(1),
            refused: 0,
            states: Vec::new(),
            opened: BTreeSet::new(),
        }
    }

    /// Gives the engine an input and carries out what it wants, as the host does.
    fn give(&mut self, input: Input<()>) {
        let mut inputs = vec![input];
        while let Some(input) = inputs.pop() {
            self.engine.handle(self.now, input);
            while let Some(output) = self.engine.poll_output() {
                match output {
                    Output::Ask { id, question } => {
                        if let Some(answer) = self.router.on_ask(id, question) {
                            self.refused += usize::from(matches!(answer, Answer::Busy));
                            inputs.push(Input::Answer { id, answer });
                        }
                    }
                    Output::Event(event) => {
                        if let Event::State { state, .. } = &event {
                            self.states.push(*state);
                        }
                        self.router.on_event(event);
                    }
                    Output::Disk(Job::Open { torrent, .. }) => _ = self.opened.insert(torrent),
                    _ => {}
                }
            }
        }
    }

    /// Lets the time of the engine's next deadline come.
    fn pass(&mut self) {
        let at = self.engine.deadline().expect("something is still to be done");
        self.now = self.now.max(at);
        self.give(Input::Tick);
    }
}

#[test]
fn a_magnet_whose_place_met_a_full_queue_is_placed_in_the_end() {
    let mut world = World::new(1);
    let (torrent, info) = (TorrentId(1), info());
    world
        .router
        .questions
        .try_send((AskId(0), Question::Resolve { host: "x".into(), port: 1, speaks: teem_swarm::ask::Speaks::Dht }))
        .unwrap();
    world.give(add(torrent, info.key(), &[]));
    world.give(Input::Disk(Done::Metadata { torrent, result: Ok(info), hash_ok: true }));
    assert_eq!((world.states.last(), world.refused), (Some(&State::Placing), 1), "what it waits for can be seen");
    for _ in 0..3 {
        world.pass();
    }
    assert_eq!(world.refused, 4);
    let _ = world.asked.try_recv();
    world.pass();
    match world.asked.try_recv() {
        Ok((id, Question::Place { torrent: asks, .. })) => {
            assert_eq!(asks, torrent);
            world.give(Input::Answer { id, answer: Answer::Placed(Ok(None)) });
        }
        other => panic!("{other:?}"),
    }
    assert_eq!((world.states.last(), world.opened.contains(&torrent)), (Some(&State::Checking), true));
    assert_eq!(world.engine.deadline(), None, "and nobody asks any more");
}

/// Torrents that are announced, resolve a name and are placed, all at once, through a queue of three that is served slowly.
#[test]
fn a_full_queue_of_questions_loses_none() {
    const TORRENTS: u32 = 200;
    let mut world = World::new(3);
    let info = info();
    for n in 0..TORRENTS {
        let mut hash = [0; 20];
        hash[..4].copy_from_slice(&n.to_be_bytes());
        let trackers = [format!("http://t{n}.example/announce")];
        world.give(add(TorrentId(n), InfoHash(hash).into(), &trackers));
        let done = Done::Metadata { torrent: TorrentId(n), result: Ok(info.clone()), hash_ok: true };
        world.give(Input::Disk(done));
    }
    // Names are asked for by the engine's own client of UDP trackers.
    for n in 0..TORRENTS {
        let mut hash = [1; 20];
        hash[..4].copy_from_slice(&n.to_be_bytes());
        let trackers = [format!("udp://u{n}.example:1/announce")];
        world.give(add(TorrentId(TORRENTS + n), InfoHash(hash).into(), &trackers));
    }
    let (mut announced, mut resolved, mut placed) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    let mut seen = BTreeSet::new();
    let all = TORRENTS as usize;
    for _ in 0..TURNS_MAX {
        if let Ok((id, question)) = world.asked.try_recv() {
            assert!(seen.insert(id), "an id names one question");
            let answer = match question {
                Question::Announce { url, .. } => {
                    announced.insert(url.reveal().to_owned());
                    let reply = AnnounceReply { interval: Duration::from_secs(6 * 3600), ..AnnounceReply::default() };
                    Answer::Announced { source: PeerSource::PublicTracker, reply: Ok(reply) }
                }
                Question::Resolve { host, .. } => {
                    resolved.insert(host);
                    Answer::Resolved(Ok(vec!["9.9.9.9:1".parse().unwrap()]))
                }
                Question::Place { torrent, .. } => {
                    placed.insert(torrent);
                    Answer::Placed(Ok(None))
                }
                Question::Load { .. } => Answer::Loaded(Err("nothing rests here".into())),
            };
            world.give(Input::Answer { id, answer });
        }
        if (announced.len(), resolved.len(), placed.len()) == (all, all, all) {
            assert!(world.refused > all, "the queue was full again and again: {}", world.refused);
            assert_eq!(world.opened.len(), all);
            return;
        }
        world.pass();
    }
    panic!("{} announced, {} resolved, {} placed", announced.len(), resolved.len(), placed.len());
}

#[test]
fn an_answer_for_a_torrent_that_is_gone_is_dropped() {
    let mut world = World::new(3);
    world.give(add(TorrentId(1), InfoHash([1; 20]).into(), &[String::from("http://t.example/announce")]));
    let (id, _) = world.asked.try_recv().expect("it announces");
    world.give(Input::Command(Command::Remove(TorrentId(1))));
    while world.engine.has(TorrentId(1)) {
        world.pass();
    }
    let reply = AnnounceReply { peers: vec!["9.9.9.9:1".parse().unwrap()], ..AnnounceReply::default() };
    let answer = Answer::Announced { source: PeerSource::PublicTracker, reply: Ok(reply) };
    for id in [id, id, AskId(99)] {
        world.give(Input::Answer { id, answer: answer.clone() });
    }
    assert_eq!(world.engine.deadline(), None, "nothing has come of it");
}
