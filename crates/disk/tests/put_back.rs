//! Files that were changed between runs and made to look as if they were not: length and time put back, another file under the name, other rights.
#![allow(clippy::unwrap_used)] // helpers of tests are tests
mod rig;

use rig::{Made, Rig, Scratch, make};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use teem_disk::{DiskConfig, Place};
use teem_swarm::job::Facts;

/// `b` lies in pieces 3 to 6.
fn tree() -> Made {
    make("t", 32_768, &[("a", 100_000), ("b", 100_000), ("c", 50_000)])
}

/// Does something to a file, and sets its time back.
fn meddle(path: &Path, act: impl FnOnce(&Path)) {
    let before = fs::metadata(path).unwrap().modified().unwrap();
    act(path);
    fs::File::options().read(true).open(path).unwrap().set_modified(before).unwrap();
}

fn flip(path: &Path) {
    let mut data = fs::read(path).unwrap();
    data[70_000] ^= 1;
    fs::write(path, data).unwrap();
}

/// What a run finds after the files of one that had everything were meddled with: the pieces that it believes and those that it checks.
fn after(made: &Made, seed: bool, act: impl FnOnce(&Path)) -> (Scratch, Rig, Vec<u32>, Vec<u32>) {
    let dir = Scratch::new("put-back");
    made.put(&dir.0);
    let place = if seed { Place::seed(&dir.0, dir.join("state")) } else { Place::download(&dir.0, dir.join("state")) };
    let mut rig = Rig::start(&DiskConfig::default());
    assert_eq!(rig.open_checked(made, place.clone()).len() as u32, made.pieces());
    rig.close(Facts::default());
    act(&dir.join("t/b"));
    let (have, check) = rig.open(made, place);
    (dir, rig, have, check)
}

#[test]
fn changed_content_with_its_time_put_back_is_checked_before_it_is_shown() {
    let made = tree();
    for seed in [true, false] {
        let (_dir, mut rig, have, check) = after(&made, seed, |b| meddle(b, flip));
        assert_eq!((have, &check[..]), (vec![0, 1, 2, 7], &[3, 4, 5, 6][..]));
        assert!(rig.read(made.blocks(5)[0]).is_err(), "not shown before it was checked");
        assert_eq!(rig.check(&check), [3, 4, 6]);
        assert!(rig.read(made.blocks(5)[0]).is_err(), "nor after");
    }
}

#[test]
fn another_file_that_looks_the_same_is_checked() {
    let made = tree();
    let replace = |b: &Path| {
        flip(b);
        let copy = b.with_file_name("copy");
        fs::copy(b, &copy).unwrap();
        fs::rename(copy, b).unwrap();
    };
    let (_dir, mut rig, _, check) = after(&made, true, |b| meddle(b, replace));
    assert_eq!(rig.check(&check), [3, 4, 6]);
}

#[test]
fn other_rights_or_another_name_cost_a_check_and_no_download() {
    let made = tree();
    let acts: [&dyn Fn(&Path); 3] = [
        &|b| fs::set_permissions(b, fs::Permissions::from_mode(0o640)).unwrap(),
        &|b| fs::hard_link(b, b.with_file_name("other")).unwrap(),
        &|b| fs::File::options().append(true).open(b).unwrap().set_modified(std::time::UNIX_EPOCH).unwrap(),
    ];
    for act in acts {
        let (_dir, mut rig, have, check) = after(&made, false, act);
        assert_eq!((have, &check[..]), (vec![0, 1, 2, 7], &[3, 4, 5, 6][..]));
        assert_eq!(rig.check(&check), [3, 4, 5, 6]);
        rig.close(Facts::default());
    }
}

#[test]
fn of_many_files_only_the_changed_ones_are_checked() {
    let names: Vec<String> = (0..200).map(|n| format!("d/{n:03}")).collect();
    let files: Vec<(&str, usize)> = names.iter().map(|name| (name.as_str(), 16_384)).collect();
    let made = make("t", 16_384, &files);
    let act = |b: &Path| {
        let folder = b.with_file_name("d");
        for name in ["007", "150"] {
            meddle(&folder.join(name), |path| fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap());
        }
    };
    let (_dir, _rig, have, check) = after(&made, true, act);
    assert_eq!((have.len(), &check[..]), (198, &[7, 150][..]));
}
