//! What a new run finds: after a clean end, after a killed one, after files changed (rows 67 and 68 of bad input).
mod rig;

use rig::{Made, Rig, Scratch, T, make, noise};
use std::fs;
use std::sync::Arc;
use teem_disk::create::{HashFile, HashFiles};
use teem_disk::{DiskConfig, Left, Place, Told, saved_info};
use teem_engine::storage::Storage;
use teem_swarm::job::{Done, Facts, Job};
use teem_wire::peer::handshake::PeerId;

/// Opens in a new disk as soon as the one before, which was dropped, has let go of its locks.
fn reopen(made: &Made, place: &Place) -> (Rig, Vec<u32>, Vec<u32>) {
    loop {
        let mut rig = Rig::start(&DiskConfig::default());
        match rig.try_open(made, place.clone()) {
            Ok((have, check)) => return (rig, have, check),
            Err(e) if e.starts_with("Locked") => std::thread::yield_now(),
            Err(e) => panic!("{e}"),
        }
    }
}

fn facts() -> Facts {
    Facts {
        uploaded: 5,
        downloaded: 6,
        completed_at: vec!["http://t/a".into()],
        complete: true,
        peers: vec!["1.2.3.4:5".into()],
        out: vec![0x80],
        granted: vec![(PeerId([7; 20]), 3)],
    }
}

fn tree() -> Made {
    make("t", 32_768, &[("a", 100_000), ("b", 100_000), ("c/d", 50_000)])
}

#[test]
fn a_place_that_is_told_before_a_slow_close_is_done_is_for_the_next_time() {
    let dir = Scratch::new("told");
    let made = tree();
    let place = Place::download(&dir.0, dir.join("state"));
    let (mut rig, ..) = reopen(&made, &place);
    rig.download(&made, 0..5);
    rig.handle.place(T, place);
    rig.submit([
        Job::Close { torrent: T, facts: Some(facts()) },
        Job::Open { torrent: T, info: Arc::clone(&made.info), selection: None },
    ]);
    let opened = rig.wait(|done| match done {
        Done::Opened { have, .. } => Some(Ok(have.clone())),
        Done::OpenFailed { error, .. } => Some(Err(error.message.clone())),
        _ => None,
    });
    assert_eq!(opened, Ok((0..5).collect()));
    rig.close(facts());
    rig.submit([Job::Open { torrent: T, info: Arc::clone(&made.info), selection: None }]);
    let told = rig.wait(|done| match done {
        Done::OpenFailed { error, .. } => Some(error.message.clone()),
        _ => None,
    });
    assert!(told.contains("was not told"), "{told}");
}

#[test]
fn a_file_that_was_touched_and_not_changed_is_found_whole_by_a_check() {
    let dir = Scratch::new("touched");
    let made = tree();
    let place = Place::download(&dir.0, dir.join("state"));
    let (mut rig, ..) = reopen(&made, &place);
    rig.download(&made, 0..made.pieces());
    made.put(&dir.0);
    let all: Vec<u32> = (0..made.pieces()).collect();
    assert_eq!(rig.check(&all), all, "what is in it now is what matters");
    fs::write(made.path(&dir.0, "b"), &made.bytes[100_000..150_000]).unwrap();
    let left: Vec<u32> = all.iter().copied().filter(|piece| !(4..=6).contains(piece)).collect();
    assert_eq!(rig.check(&all), left);
}

#[test]
fn a_clean_end_is_believed_without_a_check() {
    let dir = Scratch::new("clean");
    let made = tree();
    let place = Place::download(&dir.0, dir.join("state"));
    let (mut rig, ..) = reopen(&made, &place);
    rig.download(&made, 0..5);
    rig.close(facts());
    // The same disk can open it again, and so can another.
    rig.handle.place(T, place.clone());
    rig.submit([Job::Open { torrent: T, info: Arc::clone(&made.info), selection: None }]);
    let opened = rig.wait(|d| match d {
        Done::Opened { have, check, facts, .. } => Some((have.clone(), check.clone(), facts.clone())),
        _ => None,
    });
    assert_eq!(opened, ((0..5).collect(), vec![], facts()));
    rig.download(&made, 5..made.pieces());
    rig.close(facts());
    let (mut rig, have, check) = reopen(&made, &place);
    assert_eq!((have.len() as u32, check.len()), (made.pieces(), 0));
    assert_eq!(rig.read(made.blocks(6)[1]).unwrap(), made.data(made.blocks(6)[1]));
    let real = teem_disk::root::RealFs;
    assert_eq!(saved_info(&real, &place, made.info.key()).as_deref(), Some(made.info.raw()));
}

#[test]
fn after_a_kill_no_written_piece_is_lost_and_durable_ones_are_not_checked() {
    let dir = Scratch::new("kill");
    let made = tree();
    let place = Place::download(&dir.0, dir.join("state"));
    let (mut rig, ..) = reopen(&made, &place);
    rig.download(&made, 0..3);
    rig.sync().unwrap();
    rig.download(&made, 3..6);
    drop(rig);
    let (rig, have, check) = reopen(&made, &place);
    assert_eq!((have, check), (vec![0, 1, 2], vec![3, 4, 5]));
    // Killed again before they were checked: still not lost.
    drop(rig);
    let (mut rig, have, check) = reopen(&made, &place);
    assert_eq!(have, [0, 1, 2]);
    assert_eq!(rig.check(&check), [3, 4, 5]);
    rig.sync().unwrap();
    drop(rig);
    assert_eq!(reopen(&made, &place).1, [0, 1, 2, 3, 4, 5]);
}

#[test]
fn only_the_pieces_of_files_that_changed_are_doubted() {
    let dir = Scratch::new("changed");
    let made = tree();
    let place = Place::download(&dir.0, dir.join("state"));
    let (mut rig, ..) = reopen(&made, &place);
    rig.download(&made, 0..made.pieces());
    rig.close(Facts::default());
    let b = dir.join("t/b");
    // Edited: its pieces (3 to 6) are checked, and those that are right are kept.
    let mut data = fs::read(&b).unwrap();
    data[70_000] ^= 1;
    fs::write(&b, &data).unwrap();
    let (mut rig, have, check) = reopen(&made, &place);
    assert_eq!((have, &check[..]), (vec![0, 1, 2, 7], &[3, 4, 5, 6][..]));
    assert_eq!(rig.check(&check), [3, 4, 6]);
    rig.download(&made, [5]);
    rig.close(Facts::default());
    made.assert_whole(&dir.0);
    // Shorter: what is beyond its end is gone, the rest is checked.
    fs::OpenOptions::new().write(true).open(&b).unwrap().set_len(40_000).unwrap();
    let (rig, have, check) = reopen(&made, &place);
    assert_eq!((have, check), (vec![0, 1, 2, 7], vec![3]));
    drop(rig);
    // Missing.
    fs::remove_file(&b).unwrap();
    let (rig, have, check) = reopen(&made, &place);
    assert_eq!((have, check), (vec![0, 1, 2, 7], vec![]));
    drop(rig);
    // Longer: seeded after a check, and not cut.
    fs::write(dir.join("t/c/d"), [&made.bytes[200_000..], &[1, 2, 3]].concat()).unwrap();
    let (mut rig, have, check) = reopen(&made, &Place { read_only: true, ..place });
    assert_eq!((have, rig.check(&check)), (vec![0, 1, 2], vec![7]));
    assert_eq!(fs::metadata(dir.join("t/c/d")).unwrap().len(), 50_003);
}

#[test]
fn damaged_state_falls_back_to_the_generation_before() {
    let dir = Scratch::new("damaged");
    let made = tree();
    let place = Place::download(&dir.0, dir.join("state"));
    let (mut rig, ..) = reopen(&made, &place);
    rig.download(&made, 0..2);
    rig.sync().unwrap();
    rig.download(&made, 2..4);
    rig.close(Facts::default());
    let find = |end: &str| {
        let found = fs::read_dir(dir.join("state")).unwrap().map(|e| e.unwrap().path());
        found.into_iter().find(|p| p.to_string_lossy().ends_with(end)).unwrap()
    };
    let state = find(".state");
    let good = fs::read(&state).unwrap();
    for damage in [good[..good.len() / 2].to_vec(), vec![0; 4096], Vec::new()] {
        fs::write(&state, damage).unwrap();
        let (mut rig, have, check) = reopen(&made, &place);
        let mut all = have.clone();
        all.extend(rig.check(&check));
        all.sort_unstable();
        assert!(all.starts_with(&[0, 1]), "{have:?} {check:?}");
        drop(rig);
    }
    // Both generations gone: the files prove themselves.
    fs::write(find(".state.old"), b"x").unwrap();
    fs::write(&state, b"").unwrap();
    let (mut rig, have, check) = reopen(&made, &place);
    assert_eq!(have, [0]);
    assert_eq!(rig.check(&check), [1, 2, 3]);
}

#[test]
fn files_of_others_are_not_touched() {
    let dir = Scratch::new("occupied");
    let made = tree();
    let place = Place::download(&dir.0, dir.join("state"));
    fs::create_dir(dir.join("t")).unwrap();
    let theirs = noise(99, 80_000);
    fs::write(dir.join("t/a"), &theirs).unwrap();
    let mut rig = Rig::start(&DiskConfig::default());
    let error = rig.try_open(&made, place.clone()).unwrap_err();
    assert!(error.starts_with("Occupied") && error.contains("t/a") && error.contains("--overwrite"), "{error}");
    assert_eq!(fs::read(dir.join("t/a")).unwrap(), theirs);
    assert!(!dir.join("t/c").exists());
    let (have, _) = rig.open(&made, Place { overwrite: true, ..place });
    assert_eq!(have, [0; 0]);
    rig.download(&made, 0..made.pieces());
    made.assert_whole(&dir.0);
}

#[test]
fn content_without_state_is_found() {
    let dir = Scratch::new("found");
    let made = tree();
    made.put(&dir.0);
    let place = Place::download(&dir.0, dir.join("state"));
    let mut rig = Rig::start(&DiskConfig::default());
    let have = rig.open_checked(&made, place);
    assert_eq!(have.len() as u32, made.pieces());
}

#[test]
fn a_seed_creates_nothing_and_remembers_its_check() {
    let dir = Scratch::new("seed");
    let made = make("t", 32_768, &[("a", 100_000), ("missing", 40_000), ("empty", 0)]);
    made.put(&dir.0);
    fs::remove_file(dir.join("t/missing")).unwrap();
    fs::remove_file(dir.join("t/empty")).unwrap();
    let place = Place::seed(&dir.0, dir.join("state"));
    let (mut rig, ..) = reopen(&made, &place);
    rig.close(Facts::default());
    let (mut rig, _, _) = reopen(&made, &place);
    assert_eq!(rig.open_checked_again(&made, &place), [0, 1, 2]);
    rig.write(&made, 3);
    rig.wait(|d| matches!(d, Done::WriteFailed { piece: 3, .. }).then_some(()));
    rig.close(Facts::default());
    let (_rig, have, check) = reopen(&made, &place);
    assert_eq!((have, check), (vec![0, 1, 2], vec![]));
    assert!(!dir.join("t/missing").exists() && !dir.join("t/empty").exists());
}

#[test]
fn a_second_one_is_told_who_holds_it() {
    let dir = Scratch::new("locked");
    let made = tree();
    let place = Place::download(&dir.0, dir.join("state"));
    let (_first, ..) = reopen(&made, &place);
    let mut second = Rig::start(&DiskConfig::default());
    let error = second.try_open(&made, place.clone()).unwrap_err();
    assert!(error.starts_with("Locked") && error.contains(&format!("process {}", std::process::id())), "{error}");
    let namesake = make("t", 16_384, &[("a", 5)]);
    assert!(second.try_open(&namesake, place).unwrap_err().starts_with("Locked"), "same name, same folder");
    let mut done = Vec::new();
    second.disk.poll(&mut done);
}

#[test]
fn content_that_was_just_hashed_is_not_hashed_again() {
    let dir = Scratch::new("vouch");
    let made = tree();
    made.put(&dir.0);
    let listed: HashFiles = made
        .stored()
        .map(|(path, _, len)| {
            let path = made.path(&dir.0, path);
            let modified = fs::metadata(&path).unwrap().modified().unwrap();
            HashFile { path, length: len as u64, modified }
        })
        .collect::<Vec<HashFile>>()
        .into();
    let place = Place::seed(&dir.0, dir.join("state"));
    let mut rig = Rig::start(&DiskConfig::default());
    rig.handle.vouch(T, listed.clone());
    let (have, check) = rig.open(&made, place.clone());
    assert_eq!((have.len() as u32, check.len()), (made.pieces(), 0));
    // One file changed since: nobody is believed.
    let other = Scratch::new("vouch-changed");
    fs::write(dir.join("t/b"), vec![7; 100_000]).unwrap();
    rig.close(Facts::default());
    rig.handle.vouch(T, listed);
    let (have, check) = rig.open(&made, Place::seed(&dir.0, other.join("state")));
    assert_eq!((have.len(), check.len() as u32), (0, made.pieces()));
}

#[test]
fn what_another_program_had_is_believed_of_files_that_it_left_so() {
    let dir = Scratch::new("told");
    let made = make("t", 32_768, &[("a", 100_000), ("b", 50_000), ("c", 50_000), ("d", 10)]);
    made.put(&dir.0);
    let path = |file: &str| made.path(&dir.0, file);
    let second = |file: &str| {
        let modified = fs::metadata(path(file)).unwrap().modified().unwrap();
        modified.duration_since(std::time::UNIX_EPOCH).unwrap().as_secs().cast_signed()
    };
    let seconds: Vec<i64> = ["a", "b", "c", "d"].map(second).into();
    // One that is cut is not as it was left, whatever its time; one that is gone is not there.
    let old = fs::metadata(path("b")).unwrap().modified().unwrap();
    fs::File::options()
        .write(true)
        .open(path("b"))
        .and_then(|b| b.set_len(49_999).and_then(|()| b.set_modified(old)))
        .unwrap();
    fs::remove_file(path("d")).unwrap();
    let told = |left: Left| Told { pieces: vec![0b1011_1110], left };
    let mut rig = Rig::start(&DiskConfig::default());
    for (n, left, believed) in [
        (0, Left::By(i64::MAX), vec![0, 2, 5]),
        (1, Left::Each(seconds.clone()), vec![0, 2, 5]),
        (2, Left::EachBy(vec![seconds[0] + 1, seconds[1], seconds[2]]), vec![0, 2, 5]),
        (3, Left::Each(vec![seconds[0], seconds[1], seconds[2] - 1]), vec![0, 2]),
        (4, Left::By(0), Vec::new()),
    ] {
        let place = Place::download(&dir.0, dir.join(&format!("state-{n}")));
        let info = made.info.clone();
        let said = rig.handle.believe(T, info, (place.clone(), None), told(left)).unwrap();
        if believed.is_empty() {
            // Then they are a stranger's: one piece that is hashed proves whose they are.
            assert_eq!(said.0, 1);
            continue;
        }
        assert_eq!(said.0 as usize, believed.len(), "{n}");
        let (have, check) = rig.open(&made, place);
        assert_eq!(have, believed, "{n}");
        assert!(check.contains(&1) && check.contains(&3), "{n}: {check:?}");
        rig.close(Facts::default());
    }
    // A bitfield of another length is nobody's.
    let place = Place::download(&dir.0, dir.join("state-bad"));
    let bad = Told { pieces: vec![0xff; 9], left: Left::By(i64::MAX) };
    assert_eq!(rig.handle.believe(T, made.info.clone(), (place, None), bad).unwrap().0, 1);
}
