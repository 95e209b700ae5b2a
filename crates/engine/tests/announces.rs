//! Thousands of torrents and their trackers, in virtual time: what goes out in a second, who is first, and that nobody is forgotten.
#![allow(clippy::unwrap_used)] // a test may panic: that is its way to say no
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::Duration;
use teem_engine::input::{Input, PeerSource};
use teem_engine::{Engine, EngineConfig};
use teem_metainfo::{AnnounceUrl, InfoHash};
use teem_sim::block::SimBlock;
use teem_sim::lab;
use teem_swarm::ask::{Answer, AskId, Question};
use teem_swarm::command::{AddTorrent, Command, Spreading};
use teem_swarm::ids::TorrentId;
use teem_swarm::job::{Done, Facts, Job};
use teem_swarm::output::Output;
use teem_swarm::selection::Selection;
use teem_swarm::time::Time;
use teem_wire::compact::Family;
use teem_wire::tracker::announce::{AnnounceEvent, AnnounceReply};
use teem_wire::tracker::udp::{Reply, Request, decode_request, encode_reply};

const UDP: &str = "udp://10.0.0.1:6969/announce";
const SLOW: &str = "http://slow/announce";
const INTERVAL: Duration = Duration::from_secs(1800);
const WAY: Duration = Duration::from_millis(50);

/// An announce, as a tracker heard it.
#[derive(Clone, Debug)]
struct Heard {
    at: Time,
    hash: InfoHash,
    event: AnnounceEvent,
    url: String,
}

/// An engine, and trackers that answer; the slow one never does.
struct World {
    engine: Engine<SimBlock>,
    now: Time,
    /// What comes when, in the order in which it was caused.
    coming: BTreeMap<(Time, u64), Input<SimBlock>>,
    came: u64,
    heard: Vec<Heard>,
    /// Asks over HTTP that are to be answered, and the most there were: in all, and at one host.
    open: BTreeMap<AskId, String>,
    most_open: (usize, usize),
    hashes: BTreeMap<TorrentId, InfoHash>,
}

impl World {
    fn new() -> Self {
        Self {
            engine: Engine::new(EngineConfig::new(5000, 7)),
            now: lab::at(100),
            coming: BTreeMap::new(),
            came: 0,
            heard: Vec::new(),
            open: BTreeMap::new(),
            most_open: (0, 0),
            hashes: BTreeMap::new(),
        }
    }

    fn come(&mut self, after: Duration, input: Input<SimBlock>) {
        self.came += 1;
        self.coming.insert((self.now + after, self.came), input);
    }

    fn give(&mut self, input: Input<SimBlock>) {
        self.engine.handle(self.now, input);
        while let Some(output) = self.engine.poll_output() {
            match output {
                Output::Disk(Job::Open { torrent, info, .. }) => {
                    let have = (0..info.content_size().div_ceil(16_384) as u32).collect();
                    let (check, facts, selection) = (Vec::new(), Facts::default(), Selection::all());
                    self.come(Duration::ZERO, Input::Disk(Done::Opened { torrent, have, check, facts, selection }));
                }
                Output::Disk(Job::Sync { torrent, .. }) => {
                    self.come(Duration::ZERO, Input::Disk(Done::Synced { torrent }));
                }
                Output::Disk(Job::Close { torrent, .. }) => {
                    self.come(Duration::ZERO, Input::Disk(Done::Closed { torrent }));
                }
                Output::Datagram { to, bytes } => self.packet(to, &bytes),
                Output::Ask { id, question: Question::Announce { torrent, url, announce } } => {
                    let host = url.reveal().to_owned();
                    let heard =
                        Heard { at: self.now, hash: announce.info_hash, event: announce.event, url: host.clone() };
                    assert_eq!(self.hashes[&torrent], announce.info_hash);
                    self.heard.push(heard);
                    if !url.is_same(&AnnounceUrl::of_user(SLOW)) {
                        let reply = Ok(AnnounceReply { interval: INTERVAL, ..AnnounceReply::default() });
                        let answer = Answer::Announced { source: PeerSource::PublicTracker, reply };
                        self.come(WAY * 4, Input::Answer { id, answer });
                        self.open.insert(id, host.clone());
                        let there = self.open.values().filter(|open| **open == host).count();
                        self.most_open = (self.most_open.0.max(self.open.len()), self.most_open.1.max(there));
                    }
                }
                _ => {}
            }
        }
    }

    fn packet(&mut self, from: SocketAddr, bytes: &[u8]) {
        let reply = match decode_request(bytes).unwrap() {
            Request::Connect { transaction } => Reply::Connect { transaction, connection: 5 },
            Request::Announce { transaction, announce, .. } => {
                let (at, hash, event) = (self.now, announce.info_hash, announce.event);
                self.heard.push(Heard { at, hash, event, url: UDP.to_owned() });
                let reply = AnnounceReply { interval: INTERVAL, ..AnnounceReply::default() };
                Reply::Announce { transaction, reply }
            }
            Request::Scrape { .. } => return,
        };
        self.come(WAY, Input::Datagram { from, bytes: encode_reply(&reply, Family::V4) });
    }

    fn add(&mut self, n: u32, seed: bool, tracker: &str) -> InfoHash {
        let info = lab::info(16_384 + u64::from(n), 16_384, false);
        let key = if seed { info.key() } else { InfoHash(std::array::from_fn(|i| (n >> (i % 4 * 8)) as u8)).into() };
        let add = AddTorrent {
            torrent: TorrentId(n),
            key,
            info: seed.then_some(info),
            trackers: vec![vec![AnnounceUrl::of_user(tracker)]],
            peers: Vec::new(),
            up: None,
            down: None,
            publish: false,
            spreading: Spreading::Ordinary,
            cooperative: false,
            selection: None,
            choose: false,
            announced: None,
        };
        self.hashes.insert(TorrentId(n), key.wire());
        self.give(Input::Command(Command::Add(Box::new(add))));
        key.wire()
    }

    /// Lets time pass until then.
    fn until(&mut self, end: Time) {
        loop {
            let due = self.engine.deadline().map(|at| at.max(self.now));
            let coming = self.coming.keys().next().map(|(at, _)| *at);
            let Some(next) = Time::earliest([due, coming]).filter(|at| *at <= end) else { break };
            self.now = next;
            if coming == Some(next) {
                let (_, input) = self.coming.pop_first().unwrap();
                if let Input::Answer { id, .. } = &input {
                    self.open.remove(id);
                }
                self.give(input);
            } else {
                self.give(Input::Tick);
            }
        }
        self.now = end;
    }

    fn wait(&mut self, time: Duration) {
        self.until(self.now + time);
    }

    fn of(&self, url: &str) -> Vec<&Heard> {
        self.heard.iter().filter(|heard| heard.url == url).collect()
    }
}

fn most_in_a_second(heard: &[&Heard]) -> usize {
    let within =
        |n: usize| heard[n..].iter().take_while(|one| one.at.since(heard[n].at) < Duration::from_secs(1)).count();
    (0..heard.len()).map(within).max().unwrap_or(0)
}

fn each_once(heard: &[&Heard]) -> bool {
    heard.iter().map(|one| one.hash).collect::<BTreeSet<_>>().len() == heard.len()
}

#[test]
fn thousands_that_begin_at_once_come_in_order_and_a_slow_host_holds_nobody_up() {
    let mut w = World::new();
    let began = w.now;
    for n in 0..200 {
        w.add(n, true, SLOW);
    }
    for n in 200..2200 {
        w.add(n, true, UDP);
    }
    for n in 2200..2700 {
        w.add(n, true, &format!("http://t{}/announce", n % 30));
    }
    let downloads: BTreeSet<InfoHash> = (2700..2800).map(|n| w.add(n, false, UDP)).collect();
    w.wait(Duration::from_secs(30));
    let udp = w.of(UDP);
    assert_eq!(udp.len(), 2100);
    assert!(each_once(&udp) && udp.iter().all(|one| one.event == AnnounceEvent::Started));
    // Those of the first moments have waited together for the number that the tracker gives out first.
    let later: Vec<&Heard> = udp.iter().copied().filter(|one| one.at > began + WAY * 2).collect();
    assert!(most_in_a_second(&later) <= 200, "{}", most_in_a_second(&later));
    let last = udp.iter().rposition(|one| downloads.contains(&one.hash)).unwrap();
    assert!(last < 200, "those that were begun last and need peers are first: {last}");
    let http: Vec<&Heard> = w.heard.iter().filter(|one| one.url != UDP && one.url != SLOW).collect();
    assert_eq!(http.len(), 500);
    assert!(each_once(&http));
    assert_eq!(w.most_open, (48, 2), "in all, beside those of the slow one, and at one host");
    assert_eq!(w.of(SLOW).len(), 2, "so many are under way there");
}

#[test]
fn a_wake_is_spread_over_minutes_and_each_is_told_once() {
    let mut w = World::new();
    for n in 0..2000 {
        w.add(n, true, UDP);
    }
    // All know by then that nobody is there but ourselves, and wait for the tracker's interval.
    w.wait(Duration::from_secs(6 * 3600));
    w.heard.clear();
    let woken = w.now;
    w.give(Input::Moved);
    w.wait(Duration::from_secs(200));
    let told: BTreeSet<InfoHash> = w.of(UDP).iter().map(|one| one.hash).collect();
    assert_eq!(told.len(), 2000);
    assert!(most_in_a_second(&w.of(UDP)) <= 60, "{}", most_in_a_second(&w.of(UDP)));
    let half = w.heard.iter().filter(|one| one.at.since(woken) < Duration::from_secs(100)).count();
    assert!((800..1300).contains(&half), "evenly: {half}");
}

#[test]
fn at_rest_each_comes_once_in_the_trackers_interval() {
    let mut w = World::new();
    for n in 0..500 {
        w.add(n, true, UDP);
    }
    w.wait(Duration::from_secs(6 * 3600));
    w.heard.clear();
    w.wait(INTERVAL + INTERVAL / 10 + Duration::from_secs(10));
    let told: BTreeSet<InfoHash> = w.of(UDP).iter().map(|one| one.hash).collect();
    assert_eq!(told.len(), 500, "nobody is silent");
    assert!(w.heard.len() < 650, "{}", w.heard.len());
}
