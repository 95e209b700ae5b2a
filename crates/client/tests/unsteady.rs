//! Whole clients on file systems that fail at random: while they download, seed, change what is wanted, pause, check, close, are killed and lose
//! their power. Nothing is served or claimed that is not there, what was durable stays, each failure is said, nothing waits for ever, and
//! when the fault is over everything comes to its end. A failing seed is printed; `TEEM_SEED` runs one alone, `TEEM_SEEDS` so many.
#![allow(clippy::unwrap_used)] // helpers of tests are tests
mod common;

use common::{Folder, folder_torrent};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use teem_client::event::{Event, State};
use teem_client::{Add, Client, Config, Ended, Events, Heard, Listen, Priority, Selection, Source, Torrent};
use teem_disk::fs::Fs;
use teem_faultfs::{Call, Dice, FaultFs, Odds, Unsteady};
use tokio::time::timeout;

/// Nothing that is waited for may take longer; a bound, not a measure.
const HANG: Duration = Duration::from_secs(100);
/// Moments in the life of a client, each with odds and a deed of its own.
const MOMENTS: u64 = 12;
const SEEDS: u64 = 6;
/// Under a whole that is run at random, so many lives go on at once: they mostly wait.
const AT_ONCE: usize = 6;

const FOLDER: &str = "/data";
const PIECE: usize = 16 << 10;
const FILES: [(&str, usize); 5] = [("a", 200_000), ("b", 1), ("c", 90_001), ("d", 16_384), ("e", 333_333)];

fn content() -> Vec<(&'static str, Vec<u8>)> {
    let bytes = |salt: usize, len: usize| (0..len).map(|n| (n * 31 + n / 251 + salt) as u8 | 1).collect();
    FILES.iter().enumerate().map(|(salt, (name, len))| (*name, bytes(salt, *len))).collect()
}

fn source() -> Source {
    folder_torrent("t", &content())
}

fn numbers() -> Vec<u64> {
    let number = |name: &str| std::env::var(name).ok().and_then(|v| v.parse::<u64>().ok());
    let first = number("TEEM_SEED_FIRST").unwrap_or(1);
    number("TEEM_SEED")
        .map_or_else(|| (first..first + number("TEEM_SEEDS").unwrap_or(SEEDS)).collect(), |seed| vec![seed])
}

async fn client_on(folder: &Folder, name: &str, fs: Arc<dyn Fs>) -> Client {
    let listen = Listen { addr: Some("127.0.0.1".parse().unwrap()), port: 0, fall_back: false };
    let mut config = Config::new().unwrap();
    (config.listen, config.state_dir) = (listen, folder.path().join(name));
    Client::start_on(config, fs).await.unwrap()
}

/// Waits, and says what for when that takes too long.
async fn soon<T>(what: &str, wait: impl Future<Output = T>) -> T {
    timeout(HANG, wait).await.unwrap_or_else(|_| panic!("{what}: nothing for {HANG:?}"))
}

/// A client with its torrent on a file system that fails, and what lies below that.
struct Party {
    client: Client,
    torrent: Torrent,
    events: Events,
    unsteady: Unsteady,
    memory: FaultFs,
}

impl Party {
    /// A publisher: all files are there.
    async fn giver(folder: &Folder, name: &str, seed: u64) -> Self {
        let memory = FaultFs::new(seed);
        for (file, bytes) in content() {
            memory.put(&Path::new(FOLDER).join("t").join(file), &bytes);
        }
        let unsteady = Unsteady::new(Arc::new(memory.clone()), seed);
        let client = client_on(folder, name, Arc::new(unsteady.clone())).await;
        let torrent = client.add(Add::publish(source(), FOLDER)).await.unwrap();
        Self { events: torrent.events(), client, torrent, unsteady, memory }
    }

    /// A downloader with what an earlier one left.
    async fn taker(folder: &Folder, name: &str, memory: FaultFs, unsteady: Unsteady, peers: &[u16]) -> Self {
        let client = client_on(folder, name, Arc::new(unsteady.clone())).await;
        let torrent = client.add(download(peers)).await.unwrap();
        Self { events: torrent.events(), client, torrent, unsteady, memory }
    }

    /// What has been said of trouble since the last time.
    fn said(&mut self, what: &str) -> Vec<String> {
        let mut said = Vec::new();
        while let Some(heard) = self.events.try_next() {
            let Heard::Event(event) = heard else { continue };
            match event {
                Event::Disk { error, .. } => said.push(error.message),
                Event::Failed { why, .. } => said.push(why),
                Event::Notice { text, .. } => said.push(text),
                Event::PieceFailed { piece, .. } => panic!("{what}: piece {piece} came damaged"),
                _ => {}
            }
        }
        said
    }

    /// The faults are over: a torrent that had given up is begun again, as a person would, and all that is wanted becomes durable.
    async fn recover(&mut self, what: &str) {
        self.unsteady.set(Odds::default());
        // What follows from earlier commands has been told by then.
        soon(&format!("{what}, wait 1"), self.torrent.snapshot()).await.unwrap();
        for _ in 0..3 {
            let durable = timeout(HANG, self.torrent.durable()).await;
            let Ok(durable) = durable else {
                panic!("{what}: not durable after {HANG:?}: {:#?}", (self.torrent.snapshot().await, self.said(what)))
            };
            match durable {
                Ok(()) => return,
                Err(Ended::Failed(why, _)) => {
                    assert!(!why.is_empty());
                    soon(&format!("{what}, wait 2"), self.torrent.pause()).await.unwrap();
                    soon(&format!("{what}, wait 3"), self.torrent.resume()).await.unwrap();
                }
                Err(ended) => panic!("{what}: {ended}"),
            }
        }
        panic!("{what}: it fails without a fault: {:?}", self.torrent.status());
    }

    /// One that had given up is begun again.
    async fn begun_again(&self, what: &str) {
        if self.torrent.status().failed.is_some() {
            soon(&format!("{what}, wait 4"), self.torrent.pause()).await.unwrap();
            soon(&format!("{what}, wait 5"), self.torrent.resume()).await.unwrap();
        }
        looked_at(&self.torrent, what).await;
    }

    /// Files that are durable hold what they should.
    fn assert_whole(&self, wanted: &Selection, what: &str) {
        for (index, (file, bytes)) in content().into_iter().enumerate() {
            if wanted.wants(index) {
                let there = self.memory.content(&Path::new(FOLDER).join("t").join(file));
                assert!(there.as_ref() == Some(&bytes), "{what}: {file} is said to be durable and differs");
            }
        }
    }
}

fn download(peers: &[u16]) -> Add {
    let mut add = Add::download(source(), FOLDER);
    add.peers = peers.iter().map(|port| format!("127.0.0.1:{port}")).collect();
    add
}

/// What the client says it has of each piece is what belongs there: it is read through the client, as a player would.
async fn assert_claims(torrent: &Torrent, what: &str) -> u32 {
    let whole: Vec<u8> = content().into_iter().flat_map(|(_, bytes)| bytes).collect();
    let mut there = 0;
    for (piece, bytes) in whole.chunks(PIECE).enumerate() {
        match soon(&format!("{what}, wait 6"), torrent.read(piece as u32, 0, bytes.len() as u32)).await {
            Ok(read) => {
                let wrong = read.iter().zip(bytes).position(|(a, b)| a != b);
                assert_eq!(wrong, None, "{what}: piece {piece} is claimed and wrong from there on");
                there += 1;
            }
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    }
    there
}

/// The torrent has looked at what is on the disk, as far as it can.
async fn looked_at(torrent: &Torrent, what: &str) {
    let done = |state| !matches!(state, State::Checking | State::Placing | State::Stopping);
    let _ = soon(&format!("{what}, wait 7"), torrent.until(|status| done(status.state).then_some(()))).await; // it may have failed
}

/// A seeded life: what goes wrong, and what its owner does meanwhile.
async fn life(seed: u64) -> [u64; 6] {
    let what = format!("seed {seed}");
    let folder = Folder::new("faults");
    let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9) ^ 0xfa17);
    let mut giver = Party::giver(&folder, "giver", seed).await;
    // It takes from the client under test alone, over a disk without faults, and hashes all that comes.
    let memory = FaultFs::new(seed ^ 2);
    let unsteady = Unsteady::new(Arc::new(memory.clone()), seed ^ 2);
    let mut checker = Party::taker(&folder, "checker", memory, unsteady, &[]).await;
    let (memory, peers) = (FaultFs::new(seed ^ 1), [giver.client.port(), checker.client.port()]);
    let unsteady = Unsteady::new(Arc::new(memory.clone()), seed ^ 1);
    let mut taker = Party::taker(&folder, "taker", memory, unsteady, &peers).await;
    let mut wanted = Selection::all();
    for _ in 0..MOMENTS {
        taker.unsteady.set(odds(&mut dice));
        giver.unsteady.set(if dice.roll(2) == 0 { odds(&mut dice) } else { Odds::default() });
        match dice.roll(8) {
            0 => {
                wanted = choice(&mut dice);
                taker.torrent.select(wanted.clone()).unwrap();
            }
            1 => {
                soon(&format!("{what}, wait 8"), taker.torrent.pause()).await.unwrap();
                soon(&format!("{what}, wait 9"), taker.torrent.resume()).await.unwrap();
            }
            2 => {
                let _ = taker.torrent.recheck(); // one that has failed has nothing to hash
            }
            3 => _ = assert_claims(&taker.torrent, &format!("{what}, at work")).await,
            4 => {
                soon(&format!("{what}, wait 10"), taker.torrent.remove()).await;
                taker = reopened(&folder, taker, &peers, &what).await;
                taker.torrent.select(wanted.clone()).unwrap();
            }
            5 => {
                // After the cut nothing of the former client reaches the disk: its handles are dead.
                if dice.roll(3) == 0 {
                    taker.memory.kill();
                } else {
                    taker.memory.cut();
                }
                taker = reopened(&folder, taker, &[], &what).await;
                taker.unsteady.set(Odds::default());
                looked_at(&taker.torrent, &what).await;
                assert_claims(&taker.torrent, &what).await;
                taker = reopened(&folder, taker, &peers, &what).await;
                taker.torrent.select(wanted.clone()).unwrap();
            }
            _ => {}
        }
        // A random moment later the next thing happens, whatever was heard meanwhile.
        let moment = Duration::from_millis(dice.roll(120));
        let _ = timeout(moment, std::future::pending::<()>()).await;
        for party in [&mut taker, &mut giver, &mut checker] {
            party.said(&what);
        }
    }
    // It is over: what a publisher could not read for a while it finds again by itself, unless it has failed as a whole.
    giver.unsteady.set(Odds::default());
    taker.unsteady.set(Odds::default());
    giver.begun_again(&what).await;
    let all = source().info.unwrap().piece_count();
    let there = async {
        while giver.torrent.snapshot().await.unwrap().pieces < all {
            giver.events.next().await.unwrap(); // it says so in the end
        }
    };
    soon(&format!("{what}, wait 11"), there).await;
    taker.recover(&what).await;
    taker.assert_whole(&wanted, &format!("{what} before {wanted:?}"));
    taker.torrent.select(Selection::all()).unwrap();
    taker.recover(&what).await;
    taker.assert_whole(&Selection::all(), &format!("{what} all before the cut"));
    taker.memory.cut();
    taker.assert_whole(&Selection::all(), &format!("{what} all after the cut"));
    let (mut taker, pieces) = (reopened(&folder, taker, &peers, &what).await, source().info.unwrap().piece_count());
    taker.recover(&what).await;
    assert_eq!(assert_claims(&taker.torrent, &what).await, pieces, "{what}: after the last cut");
    checker.recover(&what).await;
    checker.assert_whole(&Selection::all(), &what);
    for party in [&mut taker, &mut giver, &mut checker] {
        party.said(&what);
    }
    let (failed, short, slow) = [&taker, &giver]
        .iter()
        .map(|party| party.unsteady.counts())
        .fold((0, 0, 0), |a, b| (a.0 + b.0, a.1 + b.1, a.2 + b.2));
    let (cuts, kills) = taker.memory.ends();
    for party in [taker, giver, checker] {
        soon(&format!("{what}, wait 12"), party.client.shutdown()).await;
    }
    [1, failed, short, slow, cuts, kills]
}

/// Mostly now and then, sometimes all calls of one kind for good.
fn odds(dice: &mut Dice) -> Odds {
    let delay_max = Duration::from_millis(20);
    match dice.roll(6) {
        0 => Odds::default(),
        1 => {
            let call = Call::ALL[dice.roll(Call::ALL.len() as u64) as usize];
            Odds { error: 1000, only: vec![call], ..Odds::default() }
        }
        2 => Odds { short: 500, delay: 100, delay_max, ..Odds::default() },
        _ => Odds {
            error: 5 + dice.roll(100),
            short: dice.roll(200),
            delay: dice.roll(100),
            delay_max,
            ..Odds::default()
        },
    }
}

/// Some of the files, at least one.
fn choice(dice: &mut Dice) -> Selection {
    let sure = dice.roll(FILES.len() as u64) as usize;
    let wants = |dice: &mut Dice, file| file == sure || dice.roll(2) == 0;
    Selection::of(
        (0..FILES.len()).map(|file| if wants(dice, file) { Priority::Normal } else { Priority::Skip }).collect(),
    )
}

/// The next process on the same disk.
async fn reopened(folder: &Folder, party: Party, peers: &[u16], what: &str) -> Party {
    let Party { client, torrent, events, unsteady, memory } = party;
    drop((torrent, events));
    soon(&format!("{what}, wait 13"), client.shutdown()).await;
    // The locks of a process that is gone are let go.
    memory.kill();
    Party::taker(folder, "taker", memory, unsteady, peers).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wanted_besides_and_is_there_already_becomes_durable_too() {
    let folder = Folder::new("besides");
    let giver = Party::giver(&folder, "giver", 1).await;
    let memory = FaultFs::new(2);
    let unsteady = Unsteady::new(Arc::new(memory.clone()), 2);
    let only = |last: usize| {
        Selection::of((0..FILES.len()).map(|f| if f <= last { Priority::Normal } else { Priority::Skip }).collect())
    };
    let mut taker = Party::taker(&folder, "taker", memory, unsteady, &[giver.client.port()]).await;
    taker.torrent.select(only(0)).unwrap();
    taker.recover("the first").await;
    // The second file lies whole in the last piece of the first.
    taker.torrent.select(only(1)).unwrap();
    taker.recover("the second").await;
    taker.memory.cut();
    taker.assert_whole(&only(1), "after the cut");
    for party in [taker, giver] {
        party.client.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn random_errors_and_delays_cost_nothing_that_was_durable_and_end_with_the_fault() {
    let mut all = [0; 6];
    let mut running = tokio::task::JoinSet::new();
    let mut seeds = numbers().into_iter();
    loop {
        while running.len() < AT_ONCE
            && let Some(seed) = seeds.next()
        {
            running.spawn(life(seed));
        }
        let Some(ended) = running.join_next().await else { break };
        for (sum, more) in all.iter_mut().zip(ended.unwrap()) {
            *sum += more;
        }
    }
    let [lives, failed, short, slow, cuts, kills] = all;
    eprintln!("figure: lives {lives}, errors {failed}, short calls {short}, delays {slow}, cuts {cuts}, kills {kills}");
}
