//! Torrents of which not every file is wanted: what is made, where the edges of the others go, and how they come back (own design).
mod rig;

use proptest::prelude::*;
use rig::{Made, Rig, Scratch, T, make};
use std::fs;
use std::path::{Path, PathBuf};
use teem_disk::{DiskConfig, Place};
use teem_swarm::job::{Done, Facts, Job};
use teem_swarm::selection::{Priority, Selection};

/// Pieces of 32 KiB; "b" begins and ends within pieces of its neighbours.
fn tree() -> Made {
    make("t", 32_768, &[("a", 100_000), ("b", 100_000), ("sub/c", 50_000), ("sub/empty", 0)])
}

fn only(files: &[usize], of: usize) -> Selection {
    let priority = |i| if files.contains(&i) { Priority::Normal } else { Priority::Skip };
    Selection::of((0..of).map(priority).collect())
}

fn part(dir: &Path, made: &Made) -> PathBuf {
    dir.join(format!(".{}.teem-part", made.hash()))
}

/// Pieces with bytes of these files.
fn pieces(made: &Made, files: &[usize]) -> Vec<u32> {
    let mut pieces: Vec<u32> = files.iter().flat_map(|f| made.info.pieces_of_file(*f)).collect();
    pieces.sort_unstable();
    pieces.dedup();
    pieces
}

fn select(rig: &mut Rig, selection: Selection) {
    rig.submit([Job::Select { torrent: T, selection }]);
}

fn assert_files(made: &Made, dir: &Path, there: &[usize]) {
    for (i, (path, at, len)) in made.stored().enumerate() {
        let path = made.path(dir, path);
        assert_eq!(path.exists(), there.contains(&i), "{}", path.display());
        assert!(
            !path.exists() || fs::read(&path).ok().as_deref() == Some(&made.bytes[at..at + len]),
            "{}",
            path.display()
        );
    }
}

fn assert_serves(rig: &mut Rig, made: &Made, pieces: &[u32]) {
    for at in pieces.iter().flat_map(|piece| made.blocks(*piece)) {
        assert_eq!(rig.read(at).as_deref(), Ok(made.data(at)), "{at:?}");
    }
}

#[test]
fn only_what_is_wanted_is_made_and_all_that_was_fetched_is_served() {
    let dir = Scratch::new("select");
    let made = tree();
    let place = Place::download(&dir.0, dir.join("state"));
    let mut rig = Rig::start(&DiskConfig::default());
    assert_eq!(rig.try_open_some(&made, place.clone(), only(&[1], 4)), Ok((vec![], vec![])));
    let wanted = pieces(&made, &[1]);
    rig.download(&made, wanted.clone());
    rig.sync().unwrap();
    assert_files(&made, &dir.0, &[1]);
    let kept = fs::metadata(part(&dir.0, &made)).unwrap().len();
    assert!(kept <= 4 * 32_768, "the edges of two files, not {kept} bytes");
    assert_serves(&mut rig, &made, &wanted);
    rig.close(Facts::default());
    // A clean end is believed, edges included.
    assert_eq!(rig.try_open_some(&made, place, only(&[1], 4)), Ok((wanted.clone(), vec![])));
    assert_serves(&mut rig, &made, &wanted);
}

#[test]
fn what_comes_to_be_wanted_gets_its_edges_back() {
    let dir = Scratch::new("select-more");
    let made = tree();
    let mut rig = Rig::start(&DiskConfig::default());
    let place = Place::download(&dir.0, dir.join("state"));
    rig.try_open_some(&made, place.clone(), only(&[1], 4)).unwrap();
    let first = pieces(&made, &[1]);
    rig.download(&made, first.clone());
    select(&mut rig, only(&[1, 2, 3], 4));
    let second: Vec<u32> = pieces(&made, &[2]).into_iter().filter(|p| !first.contains(p)).collect();
    rig.download(&made, second.clone());
    rig.sync().unwrap();
    assert_files(&made, &dir.0, &[1, 2, 3]);
    assert!(part(&dir.0, &made).exists());
    select(&mut rig, Selection::all());
    let rest: Vec<u32> = (0..made.pieces()).filter(|p| !first.contains(p) && !second.contains(p)).collect();
    assert_serves(&mut rig, &made, &first);
    assert!(!part(&dir.0, &made).exists(), "nothing is left in it");
    rig.download(&made, rest);
    rig.close(Facts::default());
    made.assert_whole(&dir.0);
    let all: Vec<u32> = (0..made.pieces()).collect();
    assert_eq!(rig.open_checked(&made, place), all);
}

#[test]
fn a_later_run_that_wants_everything_finds_the_edges() {
    let dir = Scratch::new("select-later");
    let made = tree();
    let place = Place::download(&dir.0, dir.join("state"));
    let mut rig = Rig::start(&DiskConfig::default());
    rig.try_open_some(&made, place.clone(), only(&[1], 4)).unwrap();
    let wanted = pieces(&made, &[1]);
    rig.download(&made, wanted.clone());
    rig.close(Facts::default());
    assert_eq!(rig.open_checked(&made, place.clone()), wanted);
    assert_eq!(rig.wanted, only(&[1], 4), "as nothing else was said");
    rig.close(Facts::default());
    rig.open_checked(&made, Place { read_only: true, ..place.clone() });
    assert_eq!(rig.wanted, Selection::all(), "what is served as it lies is served whole");
    rig.close(Facts::default());
    rig.open_checked(&made, place.clone());
    assert_eq!(rig.wanted, only(&[1], 4), "of which serving has changed nothing");
    rig.close(Facts::default());
    assert_eq!(rig.try_open_some(&made, place, Selection::all()), Ok((wanted.clone(), vec![])));
    let rest: Vec<u32> = (0..made.pieces()).filter(|p| !wanted.contains(p)).collect();
    rig.download(&made, rest);
    rig.sync().unwrap();
    made.assert_whole(&dir.0);
    assert!(!part(&dir.0, &made).exists());
}

#[test]
fn what_the_part_file_does_not_reach_casts_no_doubt_on_what_lies_in_it() {
    let dir = Scratch::new("select-short");
    let made = tree();
    let place = Place::download(&dir.0, dir.join("state"));
    let mut rig = Rig::start(&DiskConfig::default());
    rig.try_open_some(&made, place.clone(), only(&[1], 4)).unwrap();
    let wanted = pieces(&made, &[1]);
    rig.download(&made, wanted.clone());
    rig.sync().unwrap();
    // Of the last piece nothing was ever fetched.
    assert!(rig.check(&[made.pieces() - 1]).is_empty());
    rig.close(Facts::default());
    assert_eq!(rig.try_open_some(&made, place, only(&[1], 4)), Ok((wanted, vec![])));
}

#[test]
fn a_part_file_that_is_gone_or_changed_costs_its_pieces_and_no_wrong_byte_leaves() {
    let dir = Scratch::new("select-gone");
    let made = tree();
    let place = Place::download(&dir.0, dir.join("state"));
    let mut rig = Rig::start(&DiskConfig::default());
    rig.try_open_some(&made, place.clone(), only(&[1], 4)).unwrap();
    let wanted = pieces(&made, &[1]);
    rig.download(&made, wanted.clone());
    rig.close(Facts::default());
    let path = part(&dir.0, &made);
    let mut bytes = fs::read(&path).unwrap();
    for byte in &mut bytes {
        *byte ^= 1;
    }
    fs::write(&path, bytes).unwrap();
    let (mut have, check) = rig.try_open_some(&made, place.clone(), only(&[1], 4)).unwrap();
    have.extend(rig.check(&check));
    let inside = wanted[1..wanted.len() - 1].to_vec();
    assert_eq!(have, inside);
    rig.close(Facts::default());
    fs::remove_file(&path).unwrap();
    let (mut have, check) = rig.try_open_some(&made, place, only(&[1], 4)).unwrap();
    have.extend(rig.check(&check));
    assert_eq!(have, inside);
    rig.download(&made, [wanted[0], wanted[wanted.len() - 1]]);
    assert_serves(&mut rig, &made, &wanted);
}

#[test]
fn a_file_that_is_there_stays_where_it_is() {
    let dir = Scratch::new("select-less");
    let made = tree();
    let mut rig = Rig::start(&DiskConfig::default());
    rig.open(&made, Place::download(&dir.0, dir.join("state")));
    rig.download(&made, 0..4);
    select(&mut rig, only(&[2], 4));
    rig.download(&made, pieces(&made, &[2]));
    rig.sync().unwrap();
    assert!(made.path(&dir.0, "a").exists() && made.path(&dir.0, "b").exists());
    assert!(!part(&dir.0, &made).exists());
    assert_serves(&mut rig, &made, &[0, 1, 2, 3, 6, 7]);
}

#[test]
fn what_was_begun_and_is_not_wanted_any_more_keeps_its_edges() {
    let dir = Scratch::new("select-begun");
    let made = make("t", 32_768, &[("a", 1), ("b", 65_536)]);
    let place = Place::download(&dir.0, dir.join("state"));
    let mut rig = Rig::start(&DiskConfig::default());
    rig.try_open_some(&made, place.clone(), only(&[0], 2)).unwrap();
    rig.download(&made, [0]);
    rig.close(Facts::default());
    rig.try_open_some(&made, place.clone(), only(&[1], 2)).unwrap();
    rig.download(&made, [1]);
    select(&mut rig, only(&[], 2));
    rig.close(Facts::default());
    let (mut have, check) = rig.try_open_some(&made, place, only(&[], 2)).unwrap();
    have.extend(rig.check(&check));
    have.sort_unstable();
    assert_eq!(have, [0, 1]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn whatever_is_chosen_in_between_all_is_there_in_the_end(
        lengths in prop::collection::vec(0usize..90_000, 1..6),
        steps in prop::collection::vec((any::<u8>(), any::<bool>(), any::<bool>()), 1..5),
    ) {
        prop_assume!(lengths.iter().sum::<usize>() > 0);
        let dir = Scratch::new("select-any");
        let names: Vec<String> = (0..lengths.len()).map(|i| format!("f{i}")).collect();
        let files: Vec<(&str, usize)> = names.iter().map(String::as_str).zip(lengths.iter().copied()).collect();
        let made = make("t", 32_768, &files);
        let place = Place::download(&dir.0, dir.join("state"));
        let mut rig = Rig::start(&DiskConfig::default());
        rig.open(&made, place.clone());
        let (mut have, mut last): (Vec<u32>, _) = (Vec::new(), Selection::all());
        for (mask, fetch, again) in steps {
            let chosen: Vec<usize> = (0..lengths.len()).filter(|i| mask >> i & 1 == 1).collect();
            let selection = only(&chosen, lengths.len());
            if again {
                rig.close(Facts::default());
                // What was chosen last, said again or not.
                let said = (fetch || selection != last).then_some(selection.clone());
                let (there, check) = rig.try_open_some(&made, place.clone(), said).unwrap();
                prop_assert_eq!(&rig.wanted, &selection);
                let checked = rig.check(&check);
                let mut all: Vec<u32> = there.into_iter().chain(checked).collect();
                all.sort_unstable();
                prop_assert_eq!(&all, &have);
            } else {
                select(&mut rig, selection.clone());
            }
            last = selection;
            let missing: Vec<u32> = pieces(&made, &chosen).into_iter().filter(|p| !have.contains(p)).collect();
            let some = if fetch { missing.len() } else { missing.len() / 2 };
            rig.download(&made, missing[..some].to_vec());
            have.extend(&missing[..some]);
            have.sort_unstable();
            assert_serves(&mut rig, &made, &have);
        }
        select(&mut rig, Selection::all());
        rig.download(&made, (0..made.pieces()).filter(|p| !have.contains(p)).collect::<Vec<_>>());
        rig.sync().unwrap();
        made.assert_whole(&dir.0);
        prop_assert!(!part(&dir.0, &made).exists());
        let failed = rig.seen.iter().any(|done| matches!(done, Done::WriteFailed { .. } | Done::SyncFailed { .. } | Done::Trouble { .. }));
        prop_assert!(!failed);
    }
}
