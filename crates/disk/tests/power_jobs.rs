//! Power cuts, kills and errors at every step of a move and of a removal: all lies whole in one place, the record names it, and what is not the
//! torrent's stays. A failing seed is printed; `TEEM_SEED` runs one alone, `TEEM_SEEDS` so many.
#![allow(clippy::unwrap_used)] // helpers of tests are tests
mod rig;

use rig::{Made, Rig, T, make, seeds};
use std::path::Path;
use std::sync::Arc;
use teem_disk::fs::Fs;
use teem_disk::jobs::{JobFailed, Watch, Where};
use teem_disk::{DiskConfig, Place};
use teem_faultfs::{Dice, FaultFs, Faults};
use teem_swarm::job::{DiskErrorKind, Facts};

const SEEDS: u64 = 300;

fn small() -> DiskConfig {
    DiskConfig { pool_bytes: 1 << 20, hashers: 1, open_files: 4 }
}

/// Half of the seeds have their state in files, half in a database.
fn start(fs: Arc<dyn Fs>, seed: u64) -> Rig {
    if seed.is_multiple_of(2) { Rig::on(&small(), fs) } else { Rig::on_database(&small(), fs) }
}

fn torrent(seed: u64) -> Made {
    let piece = [16_384, 20_000, 50_000][seed as usize % 3];
    make("t", piece, &[("a", 60_000), ("d/b", 1), (".pad/777", 777), ("d/c", 40_000), ("e", 30_000)])
}

/// From where, and to where: another folder on the same file system, one on another, or other names in the same.
fn places(seed: u64) -> (Place, Place) {
    let from = Place::download("/old", "/state");
    let to = match seed / 2 % 3 {
        0 => Place { folder: "/new".into(), ..from.clone() },
        1 => Place { folder: "/mnt/new".into(), ..from.clone() },
        _ => Place { name: Some("u".into()), names: [(0, "x/a".to_owned())].into(), ..from.clone() },
    };
    (from, to)
}

fn faults() -> Faults {
    Faults { mounted: Some("/mnt"), ..Faults::default() }
}

/// The process ends, as one does that is killed: what it held is free.
fn end(rig: Rig, fs: &FaultFs) {
    fs.kill();
    drop(rig);
    fs.faults(faults());
}

/// A whole torrent that was closed in order, beside what is somebody else's.
fn downloaded(made: &Made, fs: &FaultFs, place: &Place, seed: u64) {
    fs.put(Path::new("/old/t/foreign"), b"x");
    let mut rig = start(Arc::new(fs.clone()), seed);
    rig.open(made, place.clone());
    rig.download(made, 0..made.pieces());
    rig.close(Facts::default());
    // All that was put is durable then.
    rig.handle.forget_job(made.hash(), Path::new("/state")).unwrap();
    end(rig, fs);
}

/// Opens the torrent where it lies: every piece is there, and no file of it is anywhere else.
fn assert_whole(made: &Made, fs: &FaultFs, place: &Place, seed: u64) {
    let mut rig = start(Arc::new(fs.clone()), seed);
    let have = rig.open_checked(made, place.clone());
    assert_eq!(have.len() as u32, made.pieces(), "seed {seed}: {place:?}");
    rig.close(Facts::default());
    end(rig, fs);
    assert_eq!(fs.content(Path::new("/old/t/foreign")).as_deref(), Some(&b"x"[..]), "seed {seed}");
    let files = fs.paths();
    let content = files.iter().filter(|path| !path.starts_with("/state")).collect::<Vec<_>>();
    assert_eq!(content.len(), 5, "seed {seed}: {content:?}");
}

#[test]
fn whatever_the_cut_one_place_holds_everything() {
    seeds::each(SEEDS, |seed| {
        let (made, fs, mut dice) = (torrent(seed), FaultFs::new(seed), Dice(seed ^ 0x30e));
        let (from, to) = places(seed);
        fs.faults(faults());
        downloaded(&made, &fs, &from, seed);
        for _ in 0..4 {
            let rig = start(Arc::new(fs.clone()), seed);
            fs.faults(Faults { power_off_after: Some(dice.roll(70)), mischief: dice.roll(2) == 0, ..faults() });
            let moved = rig.handle.relocate(T, &made.info, (&from, &to), &Watch::default());
            let told = moved.is_ok() && !fs.is_off();
            if dice.roll(2) == 0 {
                fs.cut();
            } else {
                fs.kill();
            }
            drop(rig);
            fs.faults(faults());
            if told {
                break;
            }
        }
        // The next life goes on with what is noted.
        let rig = start(Arc::new(fs.clone()), seed);
        let there = rig.handle.relocate(T, &made.info, (&from, &to), &Watch::default());
        assert_eq!(there, Ok(Where::of(&to)), "seed {seed}");
        fs.cut();
        drop(rig);
        fs.faults(faults());
        assert_whole(&made, &fs, &to, seed);
        let rig = start(Arc::new(fs.clone()), seed);
        rig.handle.forget_job(made.hash(), Path::new("/state")).unwrap();
        fs.cut();
        drop(rig);
        fs.faults(faults());
        assert_whole(&made, &fs, &to, seed);
        fs
    });
}

#[test]
fn what_is_told_as_moved_stays_so_over_a_cut() {
    seeds::each(60, |seed| {
        let (made, fs) = (torrent(seed), FaultFs::new(seed));
        let (from, to) = places(seed);
        fs.faults(faults());
        downloaded(&made, &fs, &from, seed);
        let rig = start(Arc::new(fs.clone()), seed);
        assert_eq!(rig.handle.relocate(T, &made.info, (&from, &to), &Watch::default()), Ok(Where::of(&to)));
        fs.cut();
        drop(rig);
        fs.faults(faults());
        let mut rig = start(Arc::new(fs.clone()), seed);
        let (have, check) = rig.open(&made, to.clone());
        assert_eq!((have.len() as u32, check.len()), (made.pieces(), 0), "seed {seed}: claimed as it was");
        rig.close(Facts::default());
        end(rig, &fs);
        assert_whole(&made, &fs, &to, seed);
        fs
    });
}

/// Fails one call after the other, each in a life of its own, until there is none left that could.
#[cfg(debug_assertions)] // the seam is there in debug builds only
#[test]
fn whatever_call_fails_it_lies_whole_and_is_told_where() {
    use rustix::io::Errno;
    use std::sync::atomic::{AtomicU64, Ordering};
    use teem_disk::hooked::Hooked;
    for (mode, errno) in [(0, Errno::IO), (2, Errno::NOSPC), (4, Errno::IO), (3, Errno::NOSPC)] {
        let seed = mode;
        let mut outcomes = [0; 3];
        for fails in 0.. {
            let (made, fs) = (torrent(seed), FaultFs::new(seed));
            let (from, to) = places(seed);
            fs.faults(faults());
            downloaded(&made, &fs, &from, seed);
            let calls = Arc::new(AtomicU64::new(0));
            let (counted, armed) = (Arc::clone(&calls), Arc::new(AtomicU64::new(0)));
            let arm = Arc::clone(&armed);
            let hook = move |_: &str, path: &Path| {
                let counts = armed.load(Ordering::SeqCst) == 1 && !path.to_string_lossy().ends_with(".redb");
                if counts && counted.fetch_add(1, Ordering::SeqCst) == fails { Err(errno.into()) } else { Ok(()) }
            };
            let rig = start(Arc::new(Hooked::new(Arc::new(fs.clone()), Arc::new(hook))), seed);
            arm.store(1, Ordering::SeqCst);
            let moved = rig.handle.relocate(T, &made.info, (&from, &to), &Watch::default());
            arm.store(0, Ordering::SeqCst);
            let hit = calls.load(Ordering::SeqCst) > fails;
            end(rig, &fs);
            let place = match moved {
                Ok(there) => there,
                Err(JobFailed { pending: false, error }) => {
                    assert!(hit, "{error}");
                    outcomes[0] += 1;
                    Where::of(&from)
                }
                Err(JobFailed { pending: true, .. }) => {
                    outcomes[1] += 1;
                    let rig = start(Arc::new(fs.clone()), seed);
                    let there = rig.handle.relocate(T, &made.info, (&from, &to), &Watch::default()).unwrap();
                    end(rig, &fs);
                    there
                }
            };
            let mut rig = start(Arc::new(fs.clone()), seed);
            let have = rig.open_checked(&made, place.like(&from));
            assert_eq!(have.len() as u32, made.pieces(), "{mode} {fails}: {place:?}");
            rig.close(Facts::default());
            end(rig, &fs);
            assert_eq!(fs.content(Path::new("/old/t/foreign")).as_deref(), Some(&b"x"[..]));
            if !hit {
                outcomes[2] = fails;
                break;
            }
        }
        assert!(outcomes[0] > 5 && outcomes[1] > 0 && outcomes[2] > 20, "{mode}: {outcomes:?}");
    }
}

#[test]
fn a_disk_that_fills_up_leaves_the_old_place_whole_and_nothing_in_the_new_one() {
    let seed = 2;
    let (made, fs) = (torrent(seed), FaultFs::new(seed));
    let (from, to) = places(seed);
    fs.faults(faults());
    downloaded(&made, &fs, &from, seed);
    let before = fs.paths().len();
    let mut rig = start(Arc::new(fs.clone()), seed);
    // Half of it fits: `free` does not know, since the files' allocation is not told here.
    fs.faults(Faults { capacity: Some(200_000), ..faults() });
    let failed = rig.handle.relocate(T, &made.info, (&from, &to), &Watch::default()).unwrap_err();
    assert_eq!((failed.error.kind, failed.pending), (DiskErrorKind::NoSpace, false), "{}", failed.error);
    assert!(failed.error.message.contains("the disk is full"), "{}", failed.error);
    assert_eq!(rig.open(&made, from.clone()), ((0..made.pieces()).collect(), Vec::new()));
    let at = made.blocks(0)[0];
    assert_eq!(rig.read(at).unwrap(), made.data(at));
    rig.close(Facts::default());
    end(rig, &fs);
    assert_eq!(fs.paths().len(), before, "{:?}", fs.paths());
    assert_whole(&made, &fs, &from, seed);
}

#[test]
fn a_removal_that_was_written_down_is_carried_out_whatever_comes_between() {
    seeds::each(100, |seed| {
        let (made, fs, mut dice) = (torrent(seed), FaultFs::new(seed), Dice(seed ^ 0xc1));
        let place = places(seed).0;
        downloaded(&made, &fs, &place, seed);
        let rig = start(Arc::new(fs.clone()), seed);
        fs.faults(Faults { power_off_after: Some(dice.roll(40)), ..Faults::default() });
        let planned = rig.handle.plan_to_clear(T, &made.info, &place);
        let planned = planned.is_ok() && !fs.is_off();
        let _ = rig.handle.clear(made.hash(), Path::new("/state"));
        if dice.roll(2) == 0 {
            fs.cut();
        } else {
            fs.kill();
        }
        drop(rig);
        if !planned {
            // It may have been written down all the same; if not, nothing is gone.
            let rig = start(Arc::new(fs.clone()), seed);
            rig.handle.clear(made.hash(), Path::new("/state")).unwrap();
            end(rig, &fs);
            if fs.paths().iter().any(|path| path.starts_with("/old/t") && !path.ends_with("foreign")) {
                assert_whole(&made, &fs, &place, seed);
                return fs;
            }
        }
        let rig = start(Arc::new(fs.clone()), seed);
        rig.handle.clear(made.hash(), Path::new("/state")).unwrap();
        fs.cut();
        drop(rig);
        let content: Vec<_> = fs.paths().into_iter().filter(|path| !path.starts_with("/state")).collect();
        assert_eq!(content, [Path::new("/old/t/foreign")], "seed {seed}");
        fs
    });
}
