//! A panic in what the disk does for one torrent is that torrent's error: everything is answered, buffers and workers come back, and
//! other torrents go on.
#![cfg(debug_assertions)] // the seam is there in debug builds only
#![allow(clippy::unwrap_used)] // helpers of tests are tests
mod rig;

use rig::{Made, Rig, Scratch, T, make};
use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Arc, Mutex};
use teem_disk::hooked::Hooked;
use teem_disk::root::RealFs;
use teem_disk::{Block, DiskConfig, Place};
use teem_engine::storage::Storage;
use teem_swarm::ids::{ConnId, TorrentId};
use teem_swarm::job::{DiskError, DiskErrorKind, Done, Facts, Job, Reader};

const OTHER: TorrentId = TorrentId(8);

/// The call that panics, of the content of the torrent that is at fault.
type Planted = Arc<Mutex<Option<&'static str>>>;

/// A disk on which that call on a path with "bad" in it panics.
fn start(planted: &Planted) -> Rig {
    let planted = Arc::clone(planted);
    let hook = move |call: &str, path: &Path| {
        let hit = path.to_string_lossy().contains("bad") && *planted.lock().unwrap() == Some(call);
        assert!(!hit, "planted in {call}");
        Ok(())
    };
    let config = DiskConfig { pool_bytes: 1 << 20, hashers: 1, ..DiskConfig::default() };
    Rig::on(&config, Arc::new(Hooked::new(Arc::new(RealFs), Arc::new(hook))))
}

fn plant(planted: &Planted, call: &'static str) {
    *planted.lock().unwrap() = Some(call);
}

fn error_of(done: &Done<Block>) -> Option<DiskError> {
    match done {
        Done::OpenFailed { error, .. }
        | Done::WriteFailed { error, .. }
        | Done::SyncFailed { error, .. }
        | Done::Trouble { error, .. }
        | Done::ReadFailed { error, .. } => Some(error.clone()),
        _ => None,
    }
}

/// Waits for the error of the torrent at fault, which says what panicked.
fn fault(rig: &mut Rig, call: &str) {
    let error = rig.wait(|done| error_of(done).filter(|_| !matches!(done, Done::ReadFailed { torrent: OTHER, .. })));
    assert_eq!((error.kind, error.message.as_str()), (DiskErrorKind::Fault, format!("planted in {call}").as_str()));
}

/// The other torrent is read, written and saved as if nothing had been.
fn other_goes_on(rig: &mut Rig, made: &Made, piece: u32) {
    for at in made.blocks(piece) {
        let mut data = loop {
            if let Some(data) = rig.disk.alloc(at.len as usize) {
                break data;
            }
            std::thread::yield_now(); // buffers are on their way back
        };
        data.as_mut().copy_from_slice(made.data(at));
        rig.submit([Job::Write { torrent: OTHER, at, data }]);
    }
    let right = |done: &Done<Block>| match done {
        Done::Piece { torrent: OTHER, verdict, .. } => Some(verdict.is_right()),
        _ => None,
    };
    assert!(rig.wait(right));
    let at = made.blocks(piece)[0];
    rig.submit([Job::Read { torrent: OTHER, reader: Reader::Peer(ConnId(1)), at }]);
    let read = |done: &Done<Block>| match done {
        Done::Block { torrent: OTHER, data, .. } => Some(data.as_ref().to_vec()),
        _ => None,
    };
    assert_eq!(rig.wait(read), made.data(at));
    rig.submit([Job::Sync { torrent: OTHER, facts: Facts::default() }]);
    rig.wait(|done| matches!(done, Done::Synced { torrent: OTHER }).then_some(()));
}

struct Two {
    rig: Rig,
    bad: Made,
    good: Made,
    planted: Planted,
    scratch: Scratch,
}

impl Two {
    /// Two torrents, both open, each with its first two pieces.
    fn new(name: &str) -> Self {
        let (scratch, planted) = (Scratch::new(name), Planted::default());
        let mut rig = start(&planted);
        let (bad, good) = (make("", 65_536, &[("bad", 1_000_000)]), make("", 65_536, &[("good", 1_000_000)]));
        let place = || Place::download(scratch.join("content"), scratch.join("state"));
        rig.open(&bad, place());
        rig.download(&bad, 0..2);
        rig.handle.place(OTHER, place());
        rig.submit([Job::Open { torrent: OTHER, info: Arc::clone(&good.info), selection: None }]);
        rig.wait(|done| matches!(done, Done::Opened { torrent: OTHER, .. }).then_some(()));
        Self { rig, bad, good, planted, scratch }
    }
}

#[test]
fn a_panic_while_writing_fails_that_piece_and_gives_every_buffer_back() {
    let Two { mut rig, bad, good, planted, scratch: _scratch } = Two::new("panic-write");
    plant(&planted, "write");
    // More than the pool holds: what a panic kept would be missed.
    for piece in 2..15 {
        rig.write(&bad, piece);
        fault(&mut rig, "write");
        other_goes_on(&mut rig, &good, piece);
    }
}

#[test]
fn a_panic_while_reading_answers_every_read() {
    let Two { mut rig, bad, good, planted, scratch: _scratch } = Two::new("panic-read");
    plant(&planted, "read");
    for round in 0..20 {
        let reads = bad.blocks(0).into_iter().chain(bad.blocks(1));
        let jobs = reads.map(|at| Job::Read { torrent: T, reader: Reader::Peer(ConnId(1)), at });
        let jobs: VecDeque<_> = jobs.collect();
        let wanted = jobs.len();
        rig.submit(jobs);
        for _ in 0..wanted {
            fault(&mut rig, "read");
        }
        other_goes_on(&mut rig, &good, round % 15);
    }
}

#[test]
fn a_panic_while_checking_syncing_or_closing_is_told_and_what_was_durable_stays() {
    let Two { mut rig, bad, good, planted, scratch } = Two::new("panic-sync");
    rig.sync().unwrap();
    plant(&planted, "read");
    rig.submit([Job::Check { torrent: T, pieces: vec![5] }]);
    fault(&mut rig, "read");
    rig.download(&bad, 2..3);
    plant(&planted, "sync");
    rig.submit([Job::Sync { torrent: T, facts: Facts::default() }]);
    fault(&mut rig, "sync");
    other_goes_on(&mut rig, &good, 0);
    rig.submit([Job::Close { torrent: T, facts: None }]);
    fault(&mut rig, "sync");
    rig.wait(|done| matches!(done, Done::Closed { torrent: T }).then_some(()));
    *planted.lock().unwrap() = None;
    let have = rig.open_checked(&bad, Place::download(scratch.join("content"), scratch.join("state")));
    assert_eq!(have, [0, 1], "what was durable is claimed, and no more");
}

#[test]
fn a_panic_while_opening_fails_that_torrent() {
    let (scratch, planted) = (Scratch::new("panic-open"), Planted::default());
    let mut rig = start(&planted);
    plant(&planted, "stat");
    let bad = make("", 65_536, &[("bad", 100_000)]);
    let place = || Place::download(scratch.join("content"), scratch.join("state"));
    for _ in 0..20 {
        assert_eq!(rig.try_open(&bad, place()), Err("Fault: planted in stat".to_owned()));
        rig.close(Facts::default());
    }
    *planted.lock().unwrap() = None;
    assert_eq!(rig.try_open(&bad, place()), Ok((Vec::new(), Vec::new())), "its lock was let go");
}

#[test]
fn a_panic_outside_of_any_torrent_is_a_fault_of_the_disk_and_the_other_workers_can_still_save() {
    let (scratch, made) = (Scratch::new("panic-worker"), make("", 65_536, &[("f", 200_000)]));
    let (mut disk, handle) = teem_disk::Disk::start(&DiskConfig::default());
    let (ring, rung) = std::sync::mpsc::channel();
    let first = Mutex::new(true);
    // Answers are told on the worker's own thread, behind every torrent's wall.
    disk.set_waker(Arc::new(move || {
        let first = std::mem::take(&mut *first.lock().unwrap());
        assert!(!first, "planted in the waker");
        _ = ring.send(());
    }));
    handle.place(T, Place::download(scratch.join("content"), scratch.join("state")));
    disk.submit(&mut [Job::Open { torrent: T, info: Arc::clone(&made.info), selection: None }].into());
    rung.recv().unwrap();
    assert_eq!(disk.fault().as_deref(), Some("planted in the waker"));
    let mut done = Vec::new();
    disk.poll(&mut done);
    assert!(matches!(done[..], [Done::Opened { .. }]), "{done:?}");
    disk.submit(&mut [Job::Close { torrent: T, facts: None }].into());
    rung.recv().unwrap();
    disk.poll(&mut done);
    assert!(matches!(done[..], [_, Done::Closed { .. }]), "{done:?}");
}
