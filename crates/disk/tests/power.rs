//! Power cuts and killed processes at random moments: nothing is claimed that is not there, nothing durable is lost, and
//! after a kill no verified piece is lost. A failing seed is printed; `TEEM_SEED` runs one alone, `TEEM_SEEDS` so many.
mod rig;

use rig::{Made, Rig, T, make, seeds};
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use teem_disk::{DiskConfig, Place};
use teem_faultfs::{Dice, FaultFs, Faults};
use teem_swarm::job::{Done, Facts, Job};

const SEEDS: u64 = 200;

fn small() -> DiskConfig {
    DiskConfig { pool_bytes: 1 << 20, hashers: 1, open_files: 4 }
}

/// Half of the seeds have their state in files, half in a database.
fn start(fs: &FaultFs, seed: u64) -> Rig {
    let fs = Arc::new(fs.clone());
    if seed.is_multiple_of(2) { Rig::on(&small(), fs) } else { Rig::on_database(&small(), fs) }
}

/// The pieces whose bytes are right in the file system as it is now.
fn present(made: &Made, fs: &FaultFs) -> BTreeSet<u32> {
    let mut image = made.bytes.clone();
    for (path, at, len) in made.stored() {
        let mut data = fs.content(&made.path(Path::new("/data"), path)).unwrap_or_default();
        data.resize(len, 0x55);
        image[at..at + len].copy_from_slice(&data);
    }
    let length = made.info.piece_length() as usize;
    let same = image.chunks(length).zip(made.bytes.chunks(length)).map(|(a, b)| a == b);
    same.enumerate().filter_map(|(i, same)| same.then_some(i as u32)).collect()
}

/// One life of the disk: opens, checks what it claims, downloads until done or until the power is off. `durable` must be
/// there; the pieces verified and those durable at the end come back.
fn life(
    made: &Made,
    fs: &FaultFs,
    dice: &mut Dice,
    known: &BTreeSet<u32>,
    off: Option<u64>,
    seed: u64,
) -> (BTreeSet<u32>, BTreeSet<u32>) {
    let place = Place::download("/data", "/state");
    let mut rig = start(fs, seed);
    let (have, check) = match rig.try_open(made, place) {
        Ok(found) => found,
        Err(e) => panic!("seed {seed}: {e}"),
    };
    let there = present(made, fs);
    for piece in &have {
        assert!(there.contains(piece), "seed {seed}: piece {piece} is claimed and not there");
    }
    for piece in known {
        assert!(there.contains(piece), "seed {seed}: durable piece {piece} is gone");
        assert!(have.contains(piece) || check.contains(piece), "seed {seed}: durable piece {piece} is forgotten");
    }
    let mut verified: BTreeSet<u32> = have.iter().copied().collect();
    verified.extend(rig.check(&check));
    let mut durable = known.clone();
    fs.faults(Faults { power_off_after: off, mischief: dice.roll(2) == 0, ..Faults::default() });
    let mut missing: Vec<u32> = (0..made.pieces()).filter(|p| !verified.contains(p)).collect();
    while !missing.is_empty() {
        let piece = missing.swap_remove(dice.roll(missing.len() as u64) as usize);
        rig.write(made, piece);
        let ok = rig.wait(|done| match done {
            Done::Piece { verdict, .. } => Some(verdict.is_right()),
            Done::WriteFailed { .. } | Done::SyncFailed { .. } | Done::Trouble { .. } => Some(false),
            _ => None,
        });
        // What is said after that moment is said to nobody.
        if !ok || fs.is_off() {
            return (verified, durable);
        }
        verified.insert(piece);
        if dice.roll(4) == 0 {
            if rig.sync().is_err() {
                return (verified, durable);
            }
            durable.clone_from(&verified);
        }
    }
    rig.submit([Job::Close { torrent: T, facts: Some(Facts::default()) }]);
    rig.wait(|done| matches!(done, Done::Closed { .. }).then_some(()));
    if !rig
        .seen
        .iter()
        .any(|done| matches!(done, Done::WriteFailed { .. } | Done::SyncFailed { .. } | Done::Trouble { .. }))
    {
        durable.clone_from(&verified);
    }
    (verified, durable)
}

fn torrent(seed: u64) -> Made {
    let piece = [16_384, 20_000, 50_000][seed as usize % 3];
    make("t", piece, &[("a", 150_000), ("d/b", 1), (".pad/777", 777), ("d/c", 120_000), ("e", 30_000)])
}

/// More files than their states fit into the saved state of the torrent: in three chunks of the table.
fn of_many(seed: u64) -> Made {
    let files: Vec<(String, usize)> = (0..150).map(|n| (format!("d{}/f{n}", n / 40), 500 + n * 13 % 3_000)).collect();
    let files: Vec<(&str, usize)> = files.iter().map(|(path, len)| (&**path, *len)).collect();
    make("t", [16_384, 20_000, 50_000][seed as usize % 3], &files)
}

#[test]
fn nothing_is_claimed_that_a_power_cut_took() {
    cut_again_and_again(torrent);
}

#[test]
fn nor_where_there_are_many_files() {
    cut_again_and_again(of_many);
}

fn cut_again_and_again(torrent: fn(u64) -> Made) {
    seeds::each(SEEDS, |seed| {
        let (made, fs, mut dice) = (torrent(seed), FaultFs::new(seed), Dice(seed));
        let mut durable = BTreeSet::new();
        for _ in 0..3 {
            let off = Some(dice.roll(120));
            (_, durable) = life(&made, &fs, &mut dice, &durable, off, seed);
            fs.cut();
        }
        let (all, _) = life(&made, &fs, &mut dice, &durable, None, seed);
        assert_eq!(all.len() as u32, made.pieces(), "seed {seed}");
        fs.cut();
        let (.., durable) = life(&made, &fs, &mut dice, &all, None, seed);
        assert_eq!(durable.len() as u32, made.pieces(), "seed {seed}: whole and durable after the last close");
        fs
    });
}

#[test]
fn a_process_killed_while_it_opens_leaves_a_state_that_the_next_makes_durable() {
    seeds::each(400, |seed| {
        let (made, fs) = (torrent(seed), FaultFs::new(seed));
        fs.faults(Faults { power_off_after: Some(seed % 20), ..Faults::default() });
        let place = || Place::download("/data", "/state");
        let _ = Rig::on(&small(), Arc::new(fs.clone())).try_open(&made, place());
        fs.kill();
        let mut rig = Rig::on(&small(), Arc::new(fs.clone()));
        rig.open(&made, place());
        rig.download(&made, 0..1);
        fs.cut();
        drop(rig);
        let opened = Rig::on(&small(), Arc::new(fs.clone())).try_open(&made, place());
        assert!(opened.is_ok(), "seed {seed}: {opened:?}");
        fs
    });
}

#[test]
fn a_killed_process_loses_no_verified_piece() {
    killed_again_and_again(torrent);
    killed_again_and_again(of_many);
}

#[test]
fn what_a_killed_process_left_is_made_durable_before_it_is_claimed() {
    seeds::each(SEEDS, |seed| {
        let (made, fs, mut dice) = (torrent(seed), FaultFs::new(seed), Dice(seed ^ 0xc07));
        let (mut known, mut durable) = (BTreeSet::new(), BTreeSet::new());
        for _ in 0..6 {
            let off = Some(dice.roll(120));
            let (verified, synced) = life(&made, &fs, &mut dice, &known, off, seed);
            if synced != known {
                durable = synced;
            }
            if dice.roll(2) == 0 {
                fs.cut();
                known.clone_from(&durable);
            } else {
                fs.kill();
                known = verified;
            }
        }
        let (all, _) = life(&made, &fs, &mut dice, &known, None, seed);
        assert_eq!(all.len() as u32, made.pieces(), "seed {seed}");
        fs.cut();
        assert_eq!(
            present(&made, &fs).len() as u32,
            made.pieces(),
            "seed {seed}: whole and durable after the last close"
        );
        fs
    });
}

fn killed_again_and_again(torrent: fn(u64) -> Made) {
    seeds::each(60, |seed| {
        let (made, fs, mut dice) = (torrent(seed), FaultFs::new(seed), Dice(seed));
        let mut verified = BTreeSet::new();
        for _ in 0..3 {
            let off = Some(dice.roll(150));
            (verified, _) = life(&made, &fs, &mut dice, &verified, off, seed);
            fs.kill();
        }
        let (all, _) = life(&made, &fs, &mut dice, &verified, None, seed);
        assert_eq!(all.len() as u32, made.pieces(), "seed {seed}");
        fs
    });
}

#[test]
fn what_a_failed_sync_may_have_lost_is_written_again() {
    let (made, fs) = (torrent(0), FaultFs::new(5));
    let mut rig = Rig::on(&small(), Arc::new(fs.clone()));
    rig.open(&made, Place::download("/data", "/state"));
    rig.download(&made, 0..made.pieces());
    fs.faults(Faults { lose_at_sync: Some("/a"), ..Faults::default() });
    assert!(rig.sync().is_err());
    rig.sync().unwrap();
    fs.cut();
    drop(rig);
    assert_eq!(present(&made, &fs).len() as u32, made.pieces());
}
