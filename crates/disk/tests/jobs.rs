//! Moves, other names and removal on real folders: what is the torrent's own goes, all else stays, and nothing is hashed anew.
#![allow(clippy::unwrap_used)] // helpers of tests are tests
mod rig;

use rig::{Made, Rig, Scratch, T, make, noise};
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use teem_disk::jobs::{Watch, Where};
use teem_disk::{DiskConfig, Place};
use teem_swarm::job::{DiskErrorKind, Facts};
use teem_swarm::selection::{Priority, Selection};

fn small() -> Rig {
    Rig::start(&DiskConfig { pool_bytes: 1 << 20, hashers: 1, open_files: 4 })
}

fn torrent() -> Made {
    make("t", 20_000, &[("a", 150_000), ("d/b", 1), (".pad/777", 777), ("d/e/c", 120_000), ("empty", 0)])
}

/// A whole torrent that was closed in order.
fn downloaded(made: &Made, place: &Place) -> Rig {
    let mut rig = small();
    rig.open(made, place.clone());
    rig.download(made, 0..made.pieces());
    rig.close(Facts { uploaded: 17, ..Facts::default() });
    rig
}

fn relocate(rig: &Rig, made: &Made, from: &Place, to: &Place) -> Result<Where, String> {
    let moved = rig.handle.relocate(T, &made.info, (from, to), &Watch::default());
    moved.map_err(|failed| format!("{:?} {}: {}", failed.error.kind, failed.pending, failed.error))
}

/// Moves, keeps the outcome, and opens: all is there, and nothing is to be hashed.
fn assert_moved(rig: &mut Rig, made: &Made, from: &Place, to: &Place) {
    let watch = Watch::default();
    let there = rig.handle.relocate(T, &made.info, (from, to), &watch).unwrap();
    assert_eq!(there, Where::of(to));
    assert_eq!(watch.progress(), (270_001, 270_001));
    rig.handle.forget_job(made.hash(), &to.state_dir).unwrap();
    let (have, check) = rig.open(made, to.clone());
    assert_eq!((have.len() as u32, check.len()), (made.pieces(), 0));
    for piece in 0..made.pieces() {
        let at = made.blocks(piece)[0];
        assert_eq!(rig.read(at).unwrap(), made.data(at));
    }
    rig.close(Facts::default());
}

/// All files below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().map(Result::unwrap) {
        if entry.file_type().unwrap().is_dir() {
            found.extend(files(&entry.path()));
        } else {
            found.push(entry.path());
        }
    }
    found.sort();
    found
}

/// A folder on another file system than `/tmp`, if there is one.
fn elsewhere(name: &str) -> Option<Scratch> {
    use std::os::unix::fs::MetadataExt;
    let device = |path: &Path| fs::metadata(path).map(|meta| meta.dev()).ok();
    let shm = Path::new("/dev/shm");
    if device(shm).is_none() || device(shm) == device(&std::env::temp_dir()) {
        #[allow(clippy::print_stderr)] // the reason of what is left out
        {
            eprintln!("left out: /dev/shm is no other file system here");
        }
        return None;
    }
    let folder = shm.join(format!("teem-jobs-{name}-{}", std::process::id()));
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    Some(Scratch(folder))
}

#[test]
fn a_move_within_a_file_system_takes_what_is_the_torrent_s_and_nothing_else() {
    let (made, dir) = (torrent(), Scratch::new("move"));
    let (from, to) =
        (Place::download(dir.join("old"), dir.join("state")), Place::download(dir.join("new/deep"), dir.join("state")));
    let mut rig = downloaded(&made, &from);
    fs::write(dir.join("old/t/d/foreign"), "x").unwrap();
    assert_moved(&mut rig, &made, &from, &to);
    made.assert_whole(&to.folder);
    assert_eq!(files(&from.folder), [dir.join("old/t/d/foreign")]);
    assert!(!dir.join("old/t/d/e").exists(), "folders of its own that are empty are gone");
    // And back, where the foreign file still lies.
    assert_moved(&mut rig, &made, &to, &from);
    made.assert_whole(&from.folder);
    assert_eq!(files(&to.folder), [] as [PathBuf; 0]);
    assert!(to.folder.exists(), "the folder itself is its owner's");
    drop(rig);
    let saved = teem_disk::saved_torrents(&dir.join("state")).unwrap();
    let of = saved.iter().filter(|saved| saved.folder.is_some()).map(|saved| (saved.have, saved.uploaded));
    assert_eq!(of.collect::<Vec<_>>(), [(made.pieces(), 0)], "one state, for where it lies");
}

#[test]
fn a_move_to_another_file_system_copies_and_leaves_nothing_behind() {
    let (made, dir) = (torrent(), Scratch::new("across"));
    let Some(other) = elsewhere("across") else { return };
    let (from, to) =
        (Place::download(dir.join("old"), dir.join("state")), Place::download(other.join("new"), dir.join("state")));
    let mut rig = downloaded(&made, &from);
    fs::write(dir.join("old/t/foreign"), "x").unwrap();
    // A hard link of the owner's keeps its bytes.
    fs::hard_link(dir.join("old/t/a"), dir.join("mine")).unwrap();
    // Rights and times are the owner's too.
    let old = fs::File::options().write(true).open(dir.join("old/t/d/e/c")).unwrap();
    let then = std::time::UNIX_EPOCH + std::time::Duration::new(1_000_000_000, 123_456_789);
    old.set_times(fs::FileTimes::new().set_modified(then)).unwrap();
    old.set_permissions(fs::Permissions::from_mode(0o640)).unwrap();
    // These are changes of the files, which are looked at once.
    rig.open_checked(&made, from.clone());
    rig.close(Facts::default());
    assert_moved(&mut rig, &made, &from, &to);
    made.assert_whole(&to.folder);
    let copied = fs::metadata(to.folder.join("t/d/e/c")).unwrap();
    assert_eq!((copied.permissions().mode() & 0o7777, copied.modified().unwrap()), (0o640, then));
    assert_eq!(files(&from.folder), [dir.join("old/t/foreign")]);
    assert_eq!(fs::read(dir.join("mine")).unwrap(), made.bytes[..150_000]);
    assert_eq!(files(&other.0).len(), 4, "no copy is left under its hidden name");
}

#[test]
fn what_was_copied_while_it_was_served_is_not_copied_again() {
    let (made, dir) = (torrent(), Scratch::new("staged"));
    let Some(other) = elsewhere("staged") else { return };
    let (from, to) =
        (Place::download(dir.join("old"), dir.join("state")), Place::download(other.join("new"), dir.join("state")));
    let mut rig = downloaded(&made, &from);
    rig.open(&made, from.clone());
    let watch = Watch::default();
    rig.handle.stage(&made.info, (&from, &to), &watch).unwrap();
    assert_eq!(watch.progress(), (270_001, 270_001));
    made.assert_whole(&from.folder);
    let at = made.blocks(3)[0];
    assert_eq!(rig.read(at).unwrap(), made.data(at), "it is served meanwhile");
    rig.close(Facts::default());
    // A file that changes between is copied anew: what is moved is what there is.
    let mut bytes = fs::read(dir.join("old/t/a")).unwrap();
    bytes[5] ^= 1;
    fs::write(dir.join("old/t/a"), &bytes).unwrap();
    let inode = |path: PathBuf| std::os::unix::fs::MetadataExt::ino(&fs::metadata(path).unwrap());
    let copy = inode(other.join(&format!("new/.{}-3.teem-move", made.hash())));
    rig.handle.relocate(T, &made.info, (&from, &to), &watch).unwrap();
    assert_eq!(inode(to.folder.join("t/d/e/c")), copy);
    assert_eq!(fs::read(to.folder.join("t/a")).unwrap(), bytes);
    assert_eq!(files(&from.folder), [] as [PathBuf; 0]);
    let (have, check) = rig.open(&made, to.clone());
    let pieces_of_a = 150_000_u32.div_ceil(20_000);
    assert_eq!((have.len() as u32, check.len() as u32), (made.pieces() - pieces_of_a, pieces_of_a));
    assert_eq!(rig.check(&check).len() as u32, pieces_of_a - 1, "the change is found");
}

#[test]
fn copies_for_a_torrent_that_is_no_more_go_and_others_stay() {
    let (made, dir) = (torrent(), Scratch::new("abandoned"));
    let Some(other) = elsewhere("abandoned") else { return };
    let (from, to) =
        (Place::download(dir.join("old"), dir.join("state")), Place::download(other.join("new"), dir.join("state")));
    let rig = downloaded(&made, &from);
    let watch = Watch::default();
    watch.stop();
    // As a kill leaves it: the record, and what was copied so far.
    assert!(rig.handle.stage(&made.info, (&from, &to), &watch).unwrap_err().pending);
    let hash = made.hash();
    let theirs = [".x-1.teem-move".to_owned(), format!(".{hash}-.teem-move"), format!(".{hash}-1a.teem-move")];
    for name in &theirs {
        fs::write(to.folder.join(name), "x").unwrap();
    }
    for slot in [0, 4, 6] {
        fs::write(to.folder.join(format!(".{hash}-{slot}.teem-move")), "x").unwrap();
    }
    rig.handle.abandon_move(hash, &to.state_dir).unwrap();
    let mut left: Vec<PathBuf> = theirs.iter().map(|name| to.folder.join(name)).collect();
    left.sort();
    assert_eq!(files(&to.folder), left);
    made.assert_whole(&from.folder);
    // Nothing is left to be gone on with.
    rig.handle.abandon_move(hash, &to.state_dir).unwrap();
}

#[test]
fn a_place_that_is_taken_is_refused_with_a_sentence_and_nothing_changes() {
    let (made, dir) = (torrent(), Scratch::new("taken"));
    let from = Place::download(dir.join("old"), dir.join("state"));
    let mut rig = downloaded(&made, &from);
    let to = Place::download(dir.join("new"), dir.join("state"));
    fs::create_dir_all(dir.join("new/t/d")).unwrap();
    for obstacle in ["t/d/b", "t/a"] {
        let path = dir.join("new").join(obstacle);
        fs::write(&path, "theirs").unwrap();
        let why = relocate(&rig, &made, &from, &to).unwrap_err();
        assert_eq!(
            why,
            format!(
                "Occupied false: {} is there already: move it away, or choose another folder or name",
                path.display()
            )
        );
        assert_eq!(fs::read(&path).unwrap(), b"theirs");
        fs::remove_file(&path).unwrap();
    }
    // A link in the new place is not followed.
    fs::create_dir_all(dir.join("outside")).unwrap();
    fs::remove_dir(dir.join("new/t/d")).unwrap();
    symlink(dir.join("outside"), dir.join("new/t/d")).unwrap();
    let why = relocate(&rig, &made, &from, &to).unwrap_err();
    assert!(why.starts_with("BadPath false"), "{why}");
    assert_eq!(files(&dir.join("outside")), [] as [PathBuf; 0]);
    made.assert_whole(&from.folder);
    let (have, check) = rig.open(&made, from);
    assert_eq!((have.len() as u32, check.len()), (made.pieces(), 0));
}

#[test]
fn what_is_not_whole_moves_with_its_part_file_and_what_is_wanted() {
    let (made, dir) = (torrent(), Scratch::new("part"));
    let place = |name: &str| Place::download(dir.join(name), dir.join("state"));
    let wanted =
        Selection::of(vec![Priority::Normal, Priority::Skip, Priority::Normal, Priority::Skip, Priority::Skip]);
    for to in [Some(place("new")), elsewhere("part").map(|other| Place { folder: other.0.clone(), ..place("") })] {
        let Some(to) = to else { continue };
        let (from, mut rig) = (place("old"), small());
        rig.try_open_some(&made, from.clone(), wanted.clone()).unwrap();
        rig.download(&made, 0..8);
        rig.close(Facts::default());
        let before = files(&from.folder).len();
        assert!(before >= 2, "a file and the part file");
        relocate(&rig, &made, &from, &to).unwrap();
        rig.handle.forget_job(made.hash(), &to.state_dir).unwrap();
        assert_eq!((files(&from.folder).len(), files(&to.folder).len()), (0, before));
        let (have, check) = rig.open(&made, to.clone());
        assert_eq!((have.len(), check.len(), &rig.wanted), (8, 0, &wanted));
        for piece in 0..8 {
            let at = made.blocks(piece)[0];
            assert_eq!(rig.read(at).unwrap(), made.data(at));
        }
        rig.close(Facts::default());
        let _ = fs::remove_dir_all(&to.folder);
        let _ = fs::remove_dir_all(dir.join("state"));
    }
}

#[test]
fn files_and_the_folder_get_other_names_and_keep_them() {
    let (made, dir) = (torrent(), Scratch::new("names"));
    let first = Place::download(dir.join("here"), dir.join("state"));
    let mut rig = downloaded(&made, &first);
    let folder = Place { name: Some("other".into()), ..first.clone() };
    assert_moved(&mut rig, &made, &first, &folder);
    assert!(!dir.join("here/t").exists() && dir.join("here/other/d/e/c").exists());
    let file = Place { names: [(3, "x/y z".to_owned()), (1, "d/bb".to_owned())].into(), ..folder.clone() };
    assert_moved(&mut rig, &made, &folder, &file);
    assert_eq!(files(&dir.join("here")), ["a", "d/bb", "empty", "x/y z"].map(|name| dir.join("here/other").join(name)));
    assert!(!dir.join("here/other/d/e").exists());
    // A name that is taken, by another file of the torrent too.
    let taken = Place { names: [(3, "a".to_owned())].into(), ..file.clone() };
    assert!(relocate(&rig, &made, &file, &taken).unwrap_err().starts_with("Occupied false"));
    // They go along to another folder, and back to how the torrent calls them.
    let elsewhere = Place { folder: dir.join("there"), ..file.clone() };
    assert_moved(&mut rig, &made, &file, &elsewhere);
    assert!(dir.join("there/other/x/y z").exists());
    assert_moved(&mut rig, &made, &elsewhere, &first);
    made.assert_whole(&first.folder);

    let single = make("", 20_000, &[("film", 50_000)]);
    let mut rig = downloaded(&single, &first);
    let named = Place { name: Some("The film.mkv".into()), ..first.clone() };
    relocate(&rig, &single, &first, &named).unwrap();
    assert_eq!(fs::read(dir.join("here/The film.mkv")).unwrap(), single.bytes);
    assert_eq!(rig.open(&single, named), ((0..3).collect(), vec![]));
}

#[test]
fn only_what_the_state_knows_as_the_torrent_s_is_removed() {
    let (made, dir) = (torrent(), Scratch::new("clear"));
    let place = Place::download(dir.join("here"), dir.join("state"));
    let rig = downloaded(&made, &place);
    fs::write(dir.join("here/t/d/foreign"), "x").unwrap();
    fs::write(dir.join("here/neighbour"), "x").unwrap();
    fs::hard_link(dir.join("here/t/a"), dir.join("mine")).unwrap();
    // Its owner has put a file elsewhere, and a link to it in its place.
    fs::rename(dir.join("here/t/d/e/c"), dir.join("c")).unwrap();
    symlink(dir.join("c"), dir.join("here/t/d/e/c")).unwrap();
    rig.handle.plan_to_clear(T, &made.info, &place).unwrap();
    made.assert_whole(&place.folder);
    let left = rig.handle.clear(made.hash(), &place.state_dir).unwrap();
    let link = dir.join("here/t/d/e/c");
    assert_eq!(left, [format!("{} stays: it is a symbolic link, or lies behind one", link.display())]);
    assert_eq!(files(&dir.join("here")), [dir.join("here/neighbour"), link, dir.join("here/t/d/foreign")]);
    assert_eq!(fs::read(dir.join("c")).unwrap(), made.bytes[150_778..]);
    assert_eq!(fs::read(dir.join("mine")).unwrap(), made.bytes[..150_000]);
    drop(rig);
    assert_eq!(teem_disk::saved_torrents(&dir.join("state")).unwrap(), []);
    assert!(!files(&dir.join("state")).iter().any(|path| path.to_string_lossy().contains(".job")));
}

#[test]
fn what_lay_there_before_the_torrent_is_neither_moved_nor_removed() {
    let (made, dir) = (torrent(), Scratch::new("foreign"));
    let place = Place::download(dir.join("here"), dir.join("state"));
    fs::create_dir_all(dir.join("here/t")).unwrap();
    fs::write(dir.join("here/t/a"), noise(1, 150_000)).unwrap();
    let mut rig = small();
    assert!(rig.try_open(&made, place.clone()).unwrap_err().starts_with("Occupied"));
    rig.close(Facts::default());
    rig.handle.plan_to_clear(T, &made.info, &place).unwrap();
    assert_eq!(rig.handle.clear(made.hash(), &place.state_dir).unwrap(), [] as [String; 0]);
    let to = Place { folder: dir.join("new"), ..place.clone() };
    assert_eq!(relocate(&rig, &made, &place, &to), Ok(Where::of(&to)));
    assert_eq!(files(&dir.join("here")), [dir.join("here/t/a")]);
    assert_eq!(fs::read(dir.join("here/t/a")).unwrap(), noise(1, 150_000));
    assert_eq!(files(&to.folder), [] as [PathBuf; 0]);
    // Nothing was ever begun, not even its folder.
    let (never, to) = (Place { folder: dir.join("never"), ..place.clone() }, Place { folder: dir.join("n2"), ..place });
    assert_eq!(relocate(&rig, &made, &never, &to), Ok(Where::of(&to)));
    assert!(!never.folder.exists());
}

#[test]
fn a_torrent_that_is_open_is_waited_for_and_what_is_only_served_stays() {
    let (made, dir) = (torrent(), Scratch::new("open"));
    let (from, to) =
        (Place::download(dir.join("old"), dir.join("state")), Place::download(dir.join("new"), dir.join("state")));
    let mut rig = downloaded(&made, &from);
    rig.open(&made, from.clone());
    let watch = Watch::default();
    watch.give_up();
    let failed = rig.handle.relocate(T, &made.info, (&from, &to), &watch).unwrap_err();
    assert_eq!((failed.error.kind, failed.pending), (DiskErrorKind::Locked, false));
    let (handle, info) = (rig.handle.clone(), made.info.clone());
    let (a, b) = (from.clone(), to.clone());
    let waits = std::thread::spawn(move || handle.relocate(T, &info, (&a, &b), &Watch::default()));
    rig.close(Facts::default());
    assert_eq!(waits.join().unwrap().unwrap(), Where::of(&to));
    made.assert_whole(&to.folder);
    let served = Place { read_only: true, ..to };
    assert!(relocate(&rig, &made, &served, &from).unwrap_err().starts_with("Denied false"));
    assert_eq!(rig.handle.plan_to_clear(T, &made.info, &served).unwrap_err().error.kind, DiskErrorKind::Denied);
}
