//! Some hundred torrents, our own tracker on loopback, and restarts: what the tracker hears at the start, after a restart, and at the end.
#![allow(clippy::unwrap_used)] // helpers of tests are tests
mod common;

use common::{Folder, torrent};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};
use teem_client::config::Records;
use teem_client::metainfo::InfoHash;
use teem_client::{About, Add, AddAtRest, AnnounceUrl, Client, Config, Listen, Torrent};
use teem_disk::root::RealFs;
use teem_disk::{Database, Kind, OpenError, StateStore};
use teem_tracker_server::limits::Limits;
use teem_tracker_server::tracker::{Access, Tracker};
use teem_tracker_server::udp;
use teem_wire::peer::handshake::PeerId;
use teem_wire::tracker::announce::AnnounceEvent;
use teem_wire::tracker::udp::{Request, decode_request};

const MANY: u32 = 200;

#[derive(Clone, Copy, Debug)]
struct Heard {
    hash: InfoHash,
    peer_id: PeerId,
    key: u32,
    event: AnnounceEvent,
    left: u64,
    at: Instant,
}

/// Our tracker over UDP, and what it heard.
#[derive(Clone)]
struct Tracked(Arc<(Mutex<Vec<Heard>>, Condvar)>, SocketAddr);

impl Tracked {
    fn start() -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let addr = socket.local_addr().unwrap();
        let tracked = Self(Arc::default(), addr);
        let heard = tracked.clone();
        std::thread::spawn(move || {
            let mut tracker = Tracker::new(Limits::DEFAULT, Access::Open, [3; 40]);
            let (start, mut room) = (Instant::now(), [0; 4096]);
            while let Ok((len, from)) = socket.recv_from(&mut room) {
                if let Some(Request::Announce { announce, .. }) = decode_request(&room[..len]) {
                    let (hash, peer_id) = (announce.info_hash, announce.peer_id);
                    let (key, event, left, at) = (announce.key, announce.event, announce.left, Instant::now());
                    let one = Heard { hash, peer_id, key, event, left, at };
                    heard.0.0.lock().unwrap().push(one);
                    heard.0.1.notify_all();
                }
                let answer = udp::handle(&mut tracker, start.elapsed(), from, addr, &room[..len]);
                if let Some(answer) = answer {
                    socket.send_to(&answer, from).unwrap();
                }
            }
        });
        tracked
    }

    fn heard(&self) -> Vec<Heard> {
        self.0.0.lock().unwrap().clone()
    }

    /// Waits until so much was heard in all.
    async fn hears(&self, all: usize) -> Vec<Heard> {
        let shared = self.0.clone();
        let waited = move || shared.1.wait_while(shared.0.lock().unwrap(), |heard| heard.len() < all).unwrap().clone();
        tokio::task::spawn_blocking(waited).await.unwrap()
    }
}

/// The database, as soon as the threads of the run before have let go of it.
async fn open(folder: &Folder) -> Database {
    loop {
        match Database::open(&RealFs, &folder.path().join("state"), "test.redb") {
            Ok(opened) => return opened.database,
            Err(OpenError::Taken(_)) => tokio::task::yield_now().await,
            Err(e) => panic!("{e}"),
        }
    }
}

/// A client whose state lies in one database.
async fn client(folder: &Folder, port: u16) -> (Client, Arc<Database>) {
    let state = folder.path().join("state");
    let database = Arc::new(open(folder).await);
    let mut config = Config::new().unwrap();
    config.listen = Listen { addr: Some("127.0.0.1".parse().unwrap()), port, fall_back: false };
    (config.state_dir, config.records) = (state, Some(Records(database.clone())));
    config.rest = Some(Duration::from_secs(3600));
    (Client::start(config).await.unwrap(), database)
}

async fn add_all(client: &Client, folder: &Folder, tracker: SocketAddr) -> Vec<Torrent> {
    let mut all = Vec::new();
    for n in 0..MANY {
        let (name, content) = (format!("file-{n}"), format!("content {n}"));
        std::fs::write(folder.path().join(&name), &content).unwrap();
        let mut source = torrent(&name, content.as_bytes());
        source.trackers = vec![vec![AnnounceUrl::of_user(format!("udp://{tracker}"))]];
        all.push(client.add(Add::download(source, folder.path())).await.unwrap());
    }
    for torrent in &all {
        torrent.durable().await.unwrap();
    }
    all
}

/// A peer that has shaken hands.
fn visit(port: u16, hash: InfoHash) -> TcpStream {
    let mut peer = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let mut hello = b"\x13BitTorrent protocol\0\0\0\0\0\0\0\0".to_vec();
    hello.extend(hash.0);
    hello.extend(b"-XX0001-abcdefghijkl");
    peer.write_all(&hello).unwrap();
    peer.read_exact(&mut [0; 68]).unwrap();
    peer
}

fn who(heard: &[Heard]) -> BTreeMap<InfoHash, (PeerId, u32)> {
    heard.iter().map(|one| (one.hash, (one.peer_id, one.key))).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_within_the_interval_announces_nothing_and_a_jump_of_a_day_no_storm() {
    let folder = Folder::new("announces");
    let tracker = Tracked::start();
    let all = MANY as usize;

    let (first, database) = client(&folder, 0).await;
    let port = first.port();
    add_all(&first, &folder, tracker.1).await;
    let heard = tracker.hears(all).await;
    assert!(heard.iter().all(|one| one.event == AnnounceEvent::Started));
    // What a tracker has answered is kept.
    let answered = |one: &teem_client::event::TrackerStats| matches!(one.last, Some(Ok(_)));
    while !first.snapshots().await.unwrap().iter().all(|one| one.trackers.iter().all(answered)) {}
    let known = who(&heard);
    assert_eq!(known.len(), all);
    for (n, one) in heard.iter().enumerate().skip(200) {
        assert!(one.at - heard[n - 200].at >= Duration::from_secs(1), "200 in a second");
    }
    first.shutdown().await;
    drop(database);
    assert_eq!(tracker.heard().len(), all, "nobody was there, so nobody need know that we leave");

    // Again at once: nothing is due. One torrent gets a peer.
    let (second, database) = client(&folder, port).await;
    let torrents = add_all(&second, &folder, tracker.1).await;
    let visited = torrents[7].key().wire();
    let _peer = visit(port, visited);
    second.shutdown().await;
    drop((database, torrents));
    let heard = tracker.heard();
    let [stopped] = &heard[all..] else { panic!("one torrent has had a peer: {:?}", &heard[all..]) };
    assert_eq!((stopped.event, stopped.hash), (AnnounceEvent::Stopped, visited));
    assert_eq!(known[&visited], (stopped.peer_id, stopped.key), "the same peer, although in another run");

    // The clock jumps a day: all are due, and come one after the other.
    let opened = open(&folder).await;
    let mut records = Vec::new();
    opened.each(Kind::Announces, &mut |name, bytes| records.push((name.to_owned(), bytes.to_vec()))).unwrap();
    assert_eq!(records.len(), all);
    for (name, record) in records {
        // `2:ati…e`, in milliseconds.
        let text = String::from_utf8_lossy(&record).into_owned();
        let at = text.strip_prefix("d2:ati").unwrap().split_once('e').unwrap().0.to_owned();
        let earlier = (at.parse::<u64>().unwrap() - 86_400_000).to_string();
        let rest = record[6 + at.len()..].to_vec();
        opened.put(Kind::Announces, &name, [b"d2:ati", earlier.as_bytes(), &rest].concat()).unwrap();
    }
    drop(opened);
    let (third, database) = client(&folder, port).await;
    let torrents = add_all(&third, &folder, tracker.1).await;
    let heard = tracker.hears(all + 1 + 40).await;
    let new = &heard[all + 1..];
    let hashes: BTreeSet<InfoHash> = new.iter().map(|one| one.hash).collect();
    assert_eq!(hashes.len(), new.len(), "each once");
    for one in new {
        let event = if one.hash == visited { AnnounceEvent::Started } else { AnnounceEvent::None };
        assert_eq!((one.event, known[&one.hash]), (event, (one.peer_id, one.key)));
    }
    assert!(new.len() < all, "not all at once: they are spread over twenty seconds");
    third.shutdown().await;
    drop((database, torrents));
}

/// As [`add_all`], of torrents that rested in the run before.
async fn add_all_at_rest(client: &Client, folder: &Folder, tracker: SocketAddr) -> Vec<Torrent> {
    let rested = (0..MANY).map(|n| {
        let source = torrent(&format!("file-{n}"), format!("content {n}").as_bytes());
        let mut add = AddAtRest::new(source.key, folder.path(), About::of(source.info.as_ref().unwrap()));
        add.trackers = vec![vec![AnnounceUrl::of_user(format!("udp://{tracker}"))]];
        add
    });
    client.add_at_rest(rested.collect()).await.into_iter().map(Result::unwrap).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_rests_announces_nothing_in_a_restart_and_goes_on_as_the_same_peer() {
    let folder = Folder::new("announces-rest");
    let tracker = Tracked::start();
    let all = MANY as usize;
    let (first, database) = client(&folder, 0).await;
    let port = first.port();
    let torrents = add_all(&first, &folder, tracker.1).await;
    let known = who(&tracker.hears(all).await);
    let answered = |one: &teem_client::event::TrackerStats| matches!(one.last, Some(Ok(_)));
    while !first.snapshots().await.unwrap().iter().all(|one| one.trackers.iter().all(answered)) {}
    first.shutdown().await;
    drop((database, torrents));

    let (second, database) = client(&folder, port).await;
    let torrents = add_all_at_rest(&second, &folder, tracker.1).await;
    let visited = torrents[7].key().wire();
    // Its turn would come after all of theirs.
    std::fs::write(folder.path().join("other"), b"other").unwrap();
    let mut source = torrent("other", b"other");
    source.trackers = vec![vec![AnnounceUrl::of_user(format!("udp://{}", tracker.1))]];
    let other = second.add(Add::download(source, folder.path())).await.unwrap();
    let heard = tracker.hears(all + 1).await;
    assert_eq!(heard[all..].iter().map(|one| one.hash).collect::<Vec<_>>(), [other.key().wire()]);

    // One that is woken is the peer that its tracker knows, and complete.
    let _peer = visit(port, visited);
    second.shutdown().await;
    drop((database, torrents, other));
    let heard = tracker.heard();
    let [stopped] = &heard[all + 1..] else { panic!("one torrent has had a peer: {:?}", &heard[all + 1..]) };
    assert_eq!((stopped.hash, stopped.event, stopped.left), (visited, AnnounceEvent::Stopped, 0));
    assert_eq!(known[&visited], (stopped.peer_id, stopped.key));
}
