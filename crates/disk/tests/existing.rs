//! What stood in the folder before a download (`docs/existing-files.md`): what is right is left alone, what is somebody else's too stays.
#![allow(clippy::unwrap_used)] // helpers of tests are tests
mod rig;

use rig::{Made, Rig, Scratch, T, make, noise};
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64};
use teem_disk::verify::verify;
use teem_disk::{DiskConfig, Place};
use teem_faultfs::{FaultFs, Faults};
use teem_swarm::job::{Done, Facts, Job};

/// Three files that share pieces: `a` ends in piece 3, `b` in 6, `c` in 7.
fn tree() -> Made {
    make("t", 32_768, &[("a", 100_000), ("b", 100_000), ("c", 50_000)])
}

fn start() -> Rig {
    Rig::start(&DiskConfig::default())
}

/// What shows that a file was written to.
fn stamp(path: &Path) -> (i64, i64, i64, i64, u64) {
    let meta = fs::metadata(path).unwrap();
    (meta.mtime(), meta.mtime_nsec(), meta.ctime(), meta.ctime_nsec(), meta.ino())
}

/// What the disk has to say besides its answers.
fn remark(rig: &mut Rig) -> String {
    rig.wait(|done| match done {
        Done::Remark { text, .. } => Some(text.clone()),
        _ => None,
    })
}

/// Opens, checks, and downloads what is missing.
fn fetch(rig: &mut Rig, made: &Made, place: Place) -> Vec<u32> {
    let have = rig.open_checked(made, place);
    let missing: Vec<u32> = (0..made.pieces()).filter(|piece| !have.contains(piece)).collect();
    rig.download(made, missing.iter().copied());
    missing
}

#[test]
fn a_right_file_beside_a_missing_one_is_not_written_to() {
    let (dir, made) = (Scratch::new("beside"), tree());
    made.put(&dir.0);
    fs::remove_file(dir.join("t/b")).unwrap();
    let before = [stamp(&dir.join("t/a")), stamp(&dir.join("t/c"))];
    let mut rig = start();
    assert_eq!(fetch(&mut rig, &made, Place::download(&dir.0, dir.join("state"))), [3, 4, 5, 6]);
    rig.close(Facts::default());
    made.assert_whole(&dir.0);
    assert_eq!([stamp(&dir.join("t/a")), stamp(&dir.join("t/c"))], before);
}

#[test]
fn a_file_that_cannot_be_written_to_does_not_hinder_its_neighbour() {
    let (made, fs) = (tree(), FaultFs::new(1));
    for (path, at, len) in made.stored().filter(|(path, ..)| *path != "b") {
        fs.put(&Path::new("/data/t").join(path), &made.bytes[at..at + len]);
    }
    fs.faults(Faults { read_only: Some("/a"), ..Faults::default() });
    let mut rig = Rig::on(&DiskConfig::default(), Arc::new(fs.clone()));
    let place = Place::download("/data", "/state");
    assert_eq!(fetch(&mut rig, &made, place.clone()), [3, 4, 5, 6]);
    rig.sync().unwrap();
    for at in made.blocks(3) {
        assert_eq!(rig.read(at).unwrap(), made.data(at));
    }
    rig.close(Facts::default());
    assert_eq!(rig.open(&made, place).0.len() as u32, made.pieces(), "all is claimed");
}

#[test]
fn a_wrong_file_that_cannot_be_written_to_is_named() {
    let (made, fs) = (tree(), FaultFs::new(1));
    for (path, at, len) in made.stored() {
        fs.put(&Path::new("/data/t").join(path), &made.bytes[at..at + len]);
    }
    fs.meddle(Path::new("/data/t/a"), 40_000);
    fs.faults(Faults { read_only: Some("/a"), ..Faults::default() });
    let mut rig = Rig::on(&DiskConfig::default(), Arc::new(fs.clone()));
    assert_eq!(rig.open_checked(&made, Place::download("/data", "/state")), [0, 2, 3, 4, 5, 6, 7]);
    rig.write(&made, 1);
    let error = rig.wait(|done| match done {
        Done::WriteFailed { piece: 1, error, .. } => Some(error.message.clone()),
        _ => None,
    });
    assert!(error.contains("/data/t/a") && error.contains("permission denied"), "{error}");
}

/// The content, with each file also under another name outside, as a library would have it.
fn library(name: &str, made: &Made) -> (Scratch, PathBuf) {
    let dir = Scratch::new(name);
    made.put(&dir.0);
    fs::create_dir(dir.join("library")).unwrap();
    for (path, ..) in made.stored() {
        fs::hard_link(dir.join("t").join(path), dir.join("library").join(path)).unwrap();
    }
    let library = dir.join("library");
    (dir, library)
}

#[test]
fn a_repair_does_not_reach_the_other_names_of_a_file() {
    let made = tree();
    let (dir, library) = library("repair", &made);
    // In place, so that both names show it.
    let mut wrong = fs::read(library.join("a")).unwrap();
    wrong[40_000] ^= 1;
    fs::write(library.join("a"), &wrong).unwrap();
    let others = ["b", "c"].map(|path| stamp(&dir.join("t").join(path)));
    let mut rig = start();
    assert_eq!(fetch(&mut rig, &made, Place::download(&dir.0, dir.join("state"))), [1]);
    let said = remark(&mut rig);
    assert!(said.contains("t/a") && said.contains("hard link"), "{said}");
    rig.close(Facts::default());
    made.assert_whole(&dir.0);
    assert!(fs::read(library.join("a")).unwrap() == wrong, "the other name has its bytes");
    assert_ne!(fs::metadata(library.join("a")).unwrap().ino(), fs::metadata(dir.join("t/a")).unwrap().ino());
    assert_eq!(["b", "c"].map(|path| stamp(&dir.join("t").join(path))), others, "right files stay linked");
    assert_eq!(fs::read_dir(dir.join("t")).unwrap().count(), 3, "nothing is left behind");
    // And what was said to be there is there in the next run, without a check.
    assert_eq!(start().open(&made, Place::download(&dir.0, dir.join("state"))).0.len() as u32, made.pieces());
}

#[test]
fn a_short_file_with_other_names_grows_under_its_own_only() {
    let made = tree();
    let (dir, library) = library("short", &made);
    let b = fs::File::options().write(true).open(library.join("b")).unwrap();
    b.set_len(50_000).unwrap();
    let mut rig = start();
    assert_eq!(fetch(&mut rig, &made, Place::download(&dir.0, dir.join("state"))), [4, 5, 6]);
    rig.close(Facts::default());
    made.assert_whole(&dir.0);
    assert_eq!(fs::metadata(library.join("b")).unwrap().len(), 50_000);
}

#[test]
fn a_file_that_gets_another_name_in_the_middle_goes_on_as_a_copy() {
    let made = tree();
    let dir = Scratch::new("linked-late");
    let mut rig = start();
    rig.open(&made, Place::download(&dir.0, dir.join("state")));
    rig.download(&made, 0..2);
    fs::hard_link(dir.join("t/a"), dir.join("mine")).unwrap();
    let before = fs::read(dir.join("mine")).unwrap();
    rig.download(&made, 2..made.pieces());
    rig.close(Facts::default());
    made.assert_whole(&dir.0);
    assert!(fs::read(dir.join("mine")).unwrap() == before, "what was linked keeps what it had");
}

/// Closes as a run does that has everything.
fn complete(rig: &mut Rig) -> Result<(), String> {
    rig.submit([Job::Sync { torrent: T, facts: Facts { complete: true, ..Facts::default() } }]);
    rig.wait(|done| match done {
        Done::Synced { .. } => Some(Ok(())),
        Done::SyncFailed { error, .. } => Some(Err(error.message.clone())),
        _ => None,
    })
}

/// What `verify` says of the folder.
fn is_whole(dir: &Scratch, made: &Made) -> bool {
    let place = Place::seed(&dir.0, "");
    verify(&made.info, &place, Some(1), &AtomicU64::new(0), &AtomicBool::new(false)).unwrap().whole
}

#[test]
fn a_longer_file_is_refused_before_the_work_or_cut_when_that_is_allowed() {
    let (dir, made) = (Scratch::new("longer"), tree());
    made.put(&dir.0);
    fs::hard_link(dir.join("t/c"), dir.join("mine")).unwrap();
    fs::File::options().append(true).open(dir.join("t/c")).unwrap().write_all(b"more").unwrap();
    let place = Place::download(&dir.0, dir.join("state"));
    let error = start().try_open(&made, place.clone()).unwrap_err();
    assert!(error.starts_with("Occupied") && error.contains("t/c") && error.contains("--overwrite"), "{error}");
    assert_eq!(fs::metadata(dir.join("t/c")).unwrap().len(), 50_004);
    // A seed gives what is right of it.
    let mut rig = start();
    assert_eq!(rig.open_checked(&made, Place::seed(&dir.0, dir.join("other"))).len() as u32, made.pieces());
    let mut rig = start();
    assert_eq!(rig.open_checked(&made, Place { overwrite: true, ..place }).len() as u32, made.pieces());
    complete(&mut rig).unwrap();
    assert!(is_whole(&dir, &made));
    assert_eq!(fs::metadata(dir.join("mine")).unwrap().len(), 50_004, "the other name keeps what it had");
}

/// What is done to a folder.
type Act<'a> = &'a dyn Fn(&Path);

#[test]
fn what_is_called_complete_is_whole_whatever_happened_meanwhile() {
    let made = make("t", 32_768, &[("a", 100_000), ("b", 100_000), ("empty", 0)]);
    let acts: [(Act<'_>, &[u32]); 4] = [
        (&|t| fs::remove_file(t.join("a")).unwrap(), &[0, 1, 2, 3]),
        (&|t| fs::File::options().write(true).open(t.join("b")).unwrap().set_len(5).unwrap(), &[3, 4, 5, 6]),
        (&|t| fs::write(t.join("a"), noise(5, 100_000)).unwrap(), &[0, 1, 2, 3]),
        (&|t| fs::remove_file(t.join("empty")).unwrap(), &[]),
    ];
    for (act, lost) in acts {
        let dir = Scratch::new("meanwhile");
        let mut rig = start();
        rig.open(&made, Place::download(&dir.0, dir.join("state")));
        rig.download(&made, 0..made.pieces());
        act(&dir.join("t"));
        complete(&mut rig).unwrap();
        let mut told: Vec<u32> = rig
            .seen
            .iter()
            .filter_map(|done| match done {
                Done::Checked { piece, ok: false, .. } => Some(*piece),
                _ => None,
            })
            .collect();
        told.sort_unstable();
        assert_eq!(told, lost, "told before the end of the sync");
        rig.seen.clear();
        rig.download(&made, lost.iter().copied());
        complete(&mut rig).unwrap();
        assert!(is_whole(&dir, &made));
    }
    // Longer: that is said instead.
    let dir = Scratch::new("grown");
    let mut rig = start();
    rig.open(&made, Place::download(&dir.0, dir.join("state")));
    rig.download(&made, 0..made.pieces());
    fs::File::options().append(true).open(dir.join("t/a")).unwrap().write_all(b"more").unwrap();
    for _ in 0..2 {
        assert!(complete(&mut rig).unwrap_err().contains("t/a goes on"));
    }
}

#[test]
fn content_under_other_forms_of_its_names_is_used_where_it_lies() {
    // As the torrent has it: composed. On the disk: decomposed, as from a Mac; and one name that we would make safe.
    let (composed, decomposed) = ("M\u{fc}nchen", "Mu\u{308}nchen");
    let files = ["a\u{e9}/x", "what?", "plain"];
    let made = make(composed, 32_768, &[(files[0], 70_000), (files[1], 40_000), (files[2], 40_000)]);
    let put = |dir: &Scratch| {
        made.put(&dir.0);
        fs::rename(dir.join(composed).join("a\u{e9}"), dir.join(composed).join("ae\u{301}")).unwrap();
        fs::rename(dir.join(composed), dir.join(decomposed)).unwrap();
    };
    let dir = Scratch::new("forms");
    put(&dir);
    let place = Place::seed(&dir.0, dir.join("state"));
    assert_eq!(start().open_checked(&made, place).len() as u32, made.pieces());
    assert!(is_whole(&dir, &made));
    let dir = Scratch::new("forms");
    put(&dir);
    fs::remove_file(dir.join(decomposed).join("plain")).unwrap();
    let mut rig = start();
    assert_eq!(fetch(&mut rig, &made, Place::download(&dir.0, dir.join("state"))), [3, 4]);
    complete(&mut rig).unwrap();
    assert!(is_whole(&dir, &made) && !dir.join(composed).exists());
    let names = fs::read_dir(dir.join(decomposed)).unwrap().count();
    assert_eq!(names, 3, "nothing was made twice");
}

#[test]
fn two_files_never_go_by_one_name() {
    // Both forms of one name are in the torrent, and one of them is on the disk.
    let made = make("t", 32_768, &[("e\u{301}", 40_000), ("\u{e9}", 100_000), ("z", 40_000)]);
    for there in ["e\u{301}", "\u{e9}"] {
        let dir = Scratch::new("two");
        made.put(&dir.0);
        for gone in ["e\u{301}", "\u{e9}", "z"].into_iter().filter(|name| *name != there) {
            fs::remove_file(dir.join("t").join(gone)).unwrap();
        }
        let mut rig = start();
        let missing = fetch(&mut rig, &made, Place::download(&dir.0, dir.join("state")));
        assert!(!missing.is_empty());
        complete(&mut rig).unwrap();
        assert!(is_whole(&dir, &made));
        assert_eq!(fs::read_dir(dir.join("t")).unwrap().count(), 3);
    }
}

#[test]
fn another_case_is_another_file() {
    let (dir, made) = (Scratch::new("case"), tree());
    made.put(&dir.0);
    fs::rename(dir.join("t/a"), dir.join("t/A")).unwrap();
    let theirs = stamp(&dir.join("t/A"));
    let mut rig = start();
    assert_eq!(fetch(&mut rig, &made, Place::download(&dir.0, dir.join("state"))), [0, 1, 2, 3]);
    assert_eq!(stamp(&dir.join("t/A")), theirs);
    made.assert_whole(&dir.0);
}

#[test]
fn what_another_program_has_not_finished_is_left_alone_and_named() {
    let made = tree();
    for end in [".part", ".!qB", ".!ut", ".bc!", ".crdownload"] {
        let dir = Scratch::new("unfinished");
        made.put(&dir.0);
        let theirs = dir.join(&format!("t/b{end}"));
        fs::rename(dir.join("t/b"), &theirs).unwrap();
        let before = stamp(&theirs);
        let mut rig = start();
        fetch(&mut rig, &made, Place::download(&dir.0, dir.join("state")));
        assert!(remark(&mut rig).contains(&*theirs.to_string_lossy()));
        assert_eq!(stamp(&theirs), before);
        made.assert_whole(&dir.0);
    }
}

#[test]
fn empty_and_sparse_files_are_filled() {
    let (dir, made) = (Scratch::new("sparse"), tree());
    fs::create_dir(dir.join("t")).unwrap();
    fs::write(dir.join("t/a"), b"").unwrap();
    fs::File::create(dir.join("t/b")).unwrap().set_len(100_000).unwrap();
    let part = &made.bytes[200_000..];
    fs::write(dir.join("t/c"), part).unwrap();
    let mut rig = start();
    assert_eq!(fetch(&mut rig, &made, Place::download(&dir.0, dir.join("state"))).len(), 7);
    complete(&mut rig).unwrap();
    assert!(is_whole(&dir, &made));
}

#[test]
fn a_file_too_small_to_prove_itself_is_not_taken_for_ours() {
    let (dir, made) = (Scratch::new("small"), make("t", 32_768, &[("readme", 100), ("b", 100_000)]));
    made.put(&dir.0);
    fs::remove_file(dir.join("t/b")).unwrap();
    let place = Place::download(&dir.0, dir.join("state"));
    let error = start().try_open(&made, place.clone()).unwrap_err();
    assert!(error.starts_with("Occupied") && error.contains("cannot be told"), "{error}");
    // Allowed to be written over, it is not, since it is right.
    let before = stamp(&dir.join("t/readme"));
    let mut rig = start();
    fetch(&mut rig, &made, Place { overwrite: true, ..place });
    made.assert_whole(&dir.0);
    assert_eq!(stamp(&dir.join("t/readme")), before);
}

#[test]
fn what_may_not_be_made_or_read_is_named() {
    let made = tree();
    let with = |faults: Faults, there: &[&str]| {
        let fs = FaultFs::new(1);
        for (path, at, len) in made.stored().filter(|(path, ..)| there.contains(path)) {
            fs.put(&Path::new("/data/t").join(path), &made.bytes[at..at + len]);
        }
        fs.faults(faults);
        Rig::on(&DiskConfig::default(), Arc::new(fs))
    };
    // In a folder in which nothing can be made.
    let mut rig = with(Faults { read_only: Some("/b"), ..Faults::default() }, &["a", "c"]);
    assert_eq!(rig.open_checked(&made, Place::download("/data", "/state")), [0, 1, 2, 7]);
    rig.write(&made, 4);
    let error = rig.wait(|done| match done {
        Done::WriteFailed { piece: 4, error, .. } => Some(error.message.clone()),
        _ => None,
    });
    assert!(error.contains("/data/t/b: permission denied"), "{error}");
    // A file that is there and closed to us: a download cannot tell whose it is, a seed gives the rest.
    let closed = || Faults { unreadable: Some("/a"), ..Faults::default() };
    let mut rig = with(closed(), &["a", "b", "c"]);
    let error = rig.try_open(&made, Place::download("/data", "/state")).unwrap_err();
    assert!(error.contains("/data/t/a: permission denied"), "{error}");
    let mut rig = with(closed(), &["a", "b", "c"]);
    assert_eq!(rig.open_checked(&made, Place::seed("/data", "/state")), [4, 5, 6, 7]);
}

#[test]
fn what_is_of_no_concern_is_not_touched() {
    let (dir, made) = (Scratch::new("others"), tree());
    made.put(&dir.0);
    fs::remove_file(dir.join("t/b")).unwrap();
    let theirs = ["t/a.aria2", "t/of another torrent", "t/z/deep", "beside"];
    for path in theirs {
        fs::create_dir_all(dir.join(path).parent().unwrap()).unwrap();
        fs::write(dir.join(path), path).unwrap();
    }
    let before = theirs.map(|path| stamp(&dir.join(path)));
    let mut rig = start();
    fetch(&mut rig, &made, Place { overwrite: true, ..Place::download(&dir.0, dir.join("state")) });
    complete(&mut rig).unwrap();
    assert!(is_whole(&dir, &made));
    assert_eq!(theirs.map(|path| stamp(&dir.join(path))), before);
}
