//! A table: each kind of call of the file system fails for good, with each error that a system may answer it with, under whole clients that begin a
//! download, go on with one, come to want more, check, seed and close. Nothing waits for ever; what is not said to have failed is whole; what is said names a path and what
//! helps; and once the fault is over, after a power cut, nothing is claimed that is not there and the download comes to its end.
#![allow(clippy::unwrap_used)] // helpers of tests are tests
mod common;

use common::{Folder, folder_torrent};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use teem_client::event::{Event, State};
use teem_client::{Add, Choice, Client, Config, Ended, Events, Heard, Listen, Priority, Selection, Source, Torrent};
use teem_disk::fs::Fs;
use teem_faultfs::{Call, Errno, FaultFs, Odds, Unsteady};
use tokio::time::timeout;

/// Nothing that is waited for may take longer; a bound, not a measure.
const HANG: Duration = Duration::from_secs(60);
/// So many lives go on at once.
const AT_ONCE: usize = 24;
const FOLDER: &str = "/data";
const PIECE: usize = 16 << 10;
const FILES: [(&str, usize); 3] = [("a", 40_000), ("b", 90_001), ("c", 50_000)];

/// Every error of the table, and what its sentence holds: what it is, and what helps.
const ERRORS: [(Errno, &str, &str); 12] = [
    (Errno::IO, "Input/output error", "check the medium"),
    (Errno::NOSPC, "the disk is full", "make room"),
    (Errno::DQUOT, "the quota is used up", "make room"),
    (Errno::FBIG, "no file as large as that", "ulimit -f"),
    (Errno::ROFS, "read-only", "choose another folder"),
    (Errno::ACCESS, "permission denied", "chmod"),
    (Errno::PERM, "not permitted", "choose another folder"),
    (Errno::NOENT, "it is missing", "put it back"),
    (Errno::MFILE, "too many open files", "ulimit -n"),
    (Errno::NFILE, "too many open files", "fs.file-max"),
    (Errno::STALE, "Stale file handle", "mount"),
    (Errno::NAMETOOLONG, "the name is too long", "choose another folder"),
];

/// What a client does while the call fails.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum While {
    Begins,
    Resumes,
    WantsMore,
    Checks,
    Seeds,
    Closes,
}

const PHASES: [While; 6] =
    [While::Begins, While::Resumes, While::WantsMore, While::Checks, While::Seeds, While::Closes];

fn content() -> Vec<(&'static str, Vec<u8>)> {
    let bytes = |salt: usize, len: usize| (0..len).map(|n| (n * 31 + n / 251 + salt) as u8 | 1).collect();
    FILES.iter().enumerate().map(|(salt, (name, len))| (*name, bytes(salt, *len))).collect()
}

fn source() -> Source {
    folder_torrent("t", &content())
}

async fn soon<T>(what: &str, wait: impl Future<Output = T>) -> T {
    timeout(HANG, wait).await.unwrap_or_else(|_| panic!("{what}: nothing for {HANG:?}"))
}

/// A client, and the file system that fails under it.
struct Party {
    client: Client,
    unsteady: Unsteady,
    memory: FaultFs,
}

impl Party {
    async fn new(folder: &Folder, name: &str, memory: FaultFs) -> Self {
        let unsteady = Unsteady::new(Arc::new(memory.clone()), 1);
        let listen = Listen { addr: Some("127.0.0.1".parse().unwrap()), port: 0, fall_back: false };
        let mut config = Config::new().unwrap();
        (config.listen, config.state_dir) = (listen, folder.path().join(name));
        let fs: Arc<dyn Fs> = Arc::new(unsteady.clone());
        Self { client: Client::start_on(config, fs).await.unwrap(), unsteady, memory }
    }

    /// One that has everything.
    async fn giver(folder: &Folder) -> (Self, Torrent) {
        let memory = FaultFs::new(1);
        for (file, bytes) in content() {
            memory.put(&Path::new(FOLDER).join("t").join(file), &bytes);
        }
        let party = Self::new(folder, "giver", memory).await;
        let torrent = party.client.add(Add::publish(source(), FOLDER)).await.unwrap();
        torrent.completed().await.unwrap();
        (party, torrent)
    }

    /// One that takes from there.
    async fn taker(
        folder: &Folder,
        memory: FaultFs,
        port: Option<u16>,
        (choice, fault): (Choice, Option<Odds>),
    ) -> (Self, Torrent, Events) {
        let party = Self::new(folder, "taker", memory).await;
        if let Some(fault) = fault {
            party.unsteady.set(fault);
        }
        let mut add = Add::download(source(), FOLDER);
        add.peers = port.iter().map(|port| format!("127.0.0.1:{port}")).collect();
        add.choice = choice;
        // From before it is added, so that nothing is missed.
        let events = party.client.events();
        let torrent = party.client.add(add).await.unwrap();
        (party, torrent, events)
    }

    fn assert_whole(&self, wanted: &Selection, what: &str) {
        for (index, (file, bytes)) in content().into_iter().enumerate().filter(|(index, _)| wanted.wants(*index)) {
            let there = self.memory.content(&Path::new(FOLDER).join("t").join(file));
            assert!(there.as_ref() == Some(&bytes), "{what}: file {index} is said to be durable and differs");
        }
    }
}

/// The trouble that an event tells of.
fn trouble(heard: Heard) -> Option<String> {
    let Heard::Event(event) = heard else { return None };
    match event {
        Event::Disk { error, .. } => Some(error.message),
        Event::Failed { why, .. } => Some(why),
        // That the choice of the last run holds is no trouble.
        Event::Notice { text, .. } => Some(text).filter(|text| !text.contains("are wanted")),
        Event::PieceFailed { piece, .. } => panic!("piece {piece} came damaged"),
        _ => None,
    }
}

/// Waits until what is wanted is durable (`None`), or something is said.
async fn durable_or_said(torrent: &Torrent, events: &mut Events, what: &str) -> Option<String> {
    let said = async {
        loop {
            if let Some(said) = trouble(events.next().await.unwrap()) {
                return Some(said);
            }
        }
    };
    let durable = async {
        match torrent.durable().await {
            Ok(()) => None,
            Err(Ended::Failed(why, _)) => Some(why),
            Err(other) => panic!("{what}: {other}"),
        }
    };
    soon(what, async {
        tokio::select! { biased; said = said => said, durable = durable => durable }
    })
    .await
}

/// What the client says it has is what belongs there; how many pieces that are.
async fn assert_claims(torrent: &Torrent, what: &str) -> u32 {
    let whole: Vec<u8> = content().into_iter().flat_map(|(_, bytes)| bytes).collect();
    let mut there = 0;
    for (piece, bytes) in whole.chunks(PIECE).enumerate() {
        if let Ok(read) = soon(what, torrent.read(piece as u32, 0, bytes.len() as u32)).await {
            assert!(read == bytes, "{what}: piece {piece} is claimed and wrong");
            there += 1;
        }
    }
    there
}

async fn looked_at(torrent: &Torrent, what: &str) {
    let done = |state| !matches!(state, State::Checking | State::Placing | State::Stopping);
    let _ = soon(what, torrent.until(|status| done(status.state).then_some(()))).await; // it may have failed
}

/// Nothing but the first file is chosen.
fn the_first() -> Choice {
    Choice::Indices(vec![0..=0])
}

fn only_the_first() -> Selection {
    Selection::of((0..FILES.len()).map(|file| if file == 0 { Priority::Normal } else { Priority::Skip }).collect())
}

/// One cell of the table; what was said, if it did not simply go on.
async fn cell(call: Call, errno: Errno, phase: While) -> Option<String> {
    let what = &format!("{phase:?} while {call:?} fails with {errno:?}");
    let folder = Folder::new("failing");
    let (giver, given) = Party::giver(&folder).await;
    let port = giver.client.port();
    let fault = Odds { error: 1000, only: vec![call], errno: Some(errno), ..Odds::default() };
    let begins = matches!(phase, While::Begins | While::Resumes).then(|| fault.clone());
    let memory = FaultFs::new(2);
    if phase == While::Resumes {
        let (party, torrent, mut events) = Party::taker(&folder, memory.clone(), Some(port), (the_first(), None)).await;
        assert_eq!(durable_or_said(&torrent, &mut events, what).await, None);
        drop((torrent, events));
        soon(what, party.client.shutdown()).await;
        memory.kill();
    }
    let (taker, torrent, mut events) = match phase {
        While::Seeds => {
            giver.unsteady.set(fault.clone());
            Party::taker(&folder, memory, Some(port), (Choice::All, None)).await
        }
        // From the beginning, or more might be there already.
        While::WantsMore | While::Closes => Party::taker(&folder, memory, Some(port), (the_first(), None)).await,
        _ => Party::taker(&folder, memory, Some(port), (Choice::All, begins)).await,
    };
    let mut wanted = Selection::all();
    let mut given_says = given.events();
    let mut said = match phase {
        While::Resumes => {
            wanted = only_the_first();
            durable_or_said(&torrent, &mut events, what).await
        }
        While::Begins => durable_or_said(&torrent, &mut events, what).await,
        While::WantsMore => {
            assert_eq!(durable_or_said(&torrent, &mut events, what).await, None);
            taker.unsteady.set(fault);
            torrent.select(Selection::all()).unwrap();
            // The sync of what was wanted before is not that of what is wanted now.
            soon(what, torrent.snapshot()).await.unwrap();
            durable_or_said(&torrent, &mut events, what).await
        }
        While::Checks | While::Closes => {
            assert_eq!(durable_or_said(&torrent, &mut events, what).await, None);
            if phase == While::Closes {
                // Something that is not durable yet when it closes.
                torrent.select(Selection::all()).unwrap();
                soon(what, torrent.snapshot()).await.unwrap();
                wanted = Selection::of(vec![Priority::Skip; FILES.len()]);
            }
            taker.unsteady.set(fault);
            if phase == While::Checks {
                torrent.recheck().unwrap();
                soon(what, torrent.snapshot()).await.unwrap();
                looked_at(&torrent, what).await;
                durable_or_said(&torrent, &mut events, what).await
            } else {
                None
            }
        }
        While::Seeds => {
            let fetched = async { torrent.durable().await.unwrap() };
            let said = async {
                loop {
                    if let Some(said) = trouble(given_says.next().await.unwrap()) {
                        return said;
                    }
                }
            };
            soon(what, async {
                tokio::select! { biased; said = said => Some(said), () = fetched => None }
            })
            .await
        }
    };
    if said.is_none() && phase != While::Closes {
        taker.assert_whole(&wanted, what);
    }
    assert_claims(&torrent, what).await;
    drop(torrent);
    // It ends although the call fails.
    soon(what, taker.client.clone().shutdown()).await;
    if phase == While::Closes {
        said = std::iter::from_fn(|| events.try_next()).find_map(trouble);
    }
    if said.is_none() {
        // What was durable survives the end of the process and of the power.
        taker.memory.cut();
        taker.assert_whole(&wanted, what);
    } else {
        taker.memory.cut();
    }
    giver.unsteady.set(Odds::default());
    // Alone it has what it claims.
    let (alone, torrent, _) = Party::taker(&folder, taker.memory.clone(), None, (Choice::All, None)).await;
    looked_at(&torrent, what).await;
    assert_claims(&torrent, what).await;
    if phase == While::Resumes {
        // What was chosen is still known.
        let snapshot = soon(what, torrent.snapshot()).await.unwrap();
        assert_eq!(snapshot.wanted, FILES[0].1 as u64, "{what}: what was chosen is forgotten");
    }
    drop(torrent);
    soon(what, alone.client.shutdown()).await;
    taker.memory.kill();
    // With others everything comes to its end.
    if given.status().failed.is_some() {
        soon(what, given.pause()).await.unwrap();
        soon(what, given.resume()).await.unwrap();
    }
    let (last, torrent, _) = Party::taker(&folder, taker.memory.clone(), Some(port), (Choice::All, None)).await;
    torrent.select(Selection::all()).unwrap();
    soon(what, torrent.snapshot()).await.unwrap();
    soon(&format!("{what}, at last"), torrent.durable()).await.unwrap();
    last.assert_whole(&Selection::all(), what);
    for party in [last, giver] {
        soon(what, party.client.shutdown()).await;
    }
    said
}

/// What must come of a call that fails for good.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Must {
    /// The failure is said.
    Say,
    /// Everything goes on, since the call is not needed then.
    Go,
    /// Either, as threads have it.
    Either,
}

fn must(call: Call, errno: Errno, phase: While) -> Must {
    use While::{Begins, Checks, Closes, Resumes, Seeds, WantsMore};
    match (call, phase) {
        // That there is no state yet is no error.
        (Call::Open, Begins) if errno == Errno::NOENT => Must::Go,
        (Call::Read | Call::Stat, _)
        | (Call::MakeDirs, Begins)
        | (Call::Folder | Call::Lock | Call::Canonical | Call::Open, Begins | Resumes) => Must::Say,
        // What is complete and at rest is opened again when something is read.
        (Call::Folder | Call::Open, Checks | Seeds | Closes) => Must::Either,
        // Edges that lie apart may have been moved already; a seed saves what it has given when it comes to that, and what has nothing new is not saved.
        (Call::Remove, WantsMore | Closes)
        | (Call::Create | Call::Write | Call::SetLen | Call::Sync | Call::SyncDir | Call::Rename, Seeds | Closes) => {
            Must::Either
        }
        (Call::Folder | Call::Lock | Call::Canonical | Call::Open | Call::MakeDirs | Call::Free | Call::Remove, _) => {
            Must::Go
        }
        (_, Begins | Resumes | WantsMore | Checks) => Must::Say,
    }
}

/// All cells with `TEEM_CELLS=all`, those whose name holds `TEEM_CELL`, else enough that each call meets each error and fails in each phase.
fn cells() -> Vec<(Call, Errno, While)> {
    let var = |name| std::env::var(name).ok();
    let mut cells = Vec::new();
    for (c, call) in Call::ALL.into_iter().enumerate() {
        for (e, (errno, ..)) in ERRORS.iter().enumerate().filter(|(_, (errno, ..))| call.may_meet(*errno)) {
            let here = |p: usize| e == 0 || (c + e) % PHASES.len() == p;
            let phases = PHASES.into_iter().enumerate();
            let taken = phases.filter(|(p, _)| here(*p) || var("TEEM_CELLS").is_some() || var("TEEM_CELL").is_some());
            cells.extend(taken.map(|(_, phase)| (call, *errno, phase)));
        }
    }
    let only = var("TEEM_CELL").unwrap_or_default();
    // A state that seems to be missing is a content without one, which is refused with another sentence.
    cells.retain(|cell| *cell != (Call::Open, Errno::NOENT, While::Resumes));
    cells.retain(|(call, errno, phase)| format!("{call:?} {} {phase:?}", errno.raw_os_error()).contains(&only));
    cells
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_call_may_fail_for_good_with_every_error() {
    let (mut running, mut left) = (tokio::task::JoinSet::new(), cells().into_iter());
    let (mut done, mut wrong) = (0, Vec::new());
    loop {
        while running.len() < AT_ONCE
            && let Some((call, errno, phase)) = left.next()
        {
            running.spawn(async move { (call, errno, phase, cell(call, errno, phase).await) });
        }
        let (call, errno, phase, said) = match running.join_next().await {
            Some(Ok(cell)) => cell,
            Some(Err(failed)) => {
                wrong.push(failed.to_string());
                continue;
            }
            None => break,
        };
        done += 1;
        let name = format!("{call:?} {} {phase:?}", errno.raw_os_error());
        if std::env::var("TEEM_CELL").is_ok() {
            eprintln!("{name}: {said:?}");
        }
        match (&said, must(call, errno, phase)) {
            (Some(_), Must::Go) | (None, Must::Say) => wrong.push(format!("{name}: {said:?}")),
            _ => {}
        }
        let (_, cause, help) = ERRORS.iter().find(|(e, ..)| *e == errno).unwrap();
        if said.as_ref().is_some_and(|said| !(said.contains('/') && said.contains(cause) && said.contains(help))) {
            wrong.push(format!("{name}: {said:?}"));
        }
    }
    eprintln!("figure: cells {done}");
    assert!(wrong.is_empty(), "{wrong:#?}");
}
