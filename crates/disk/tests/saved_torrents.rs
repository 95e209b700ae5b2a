//! Saved state as a person sees it: what there is, how far it is, and that it can be forgotten without touching content.
#![allow(clippy::unwrap_used)] // a test fails by panicking
mod rig;

use rig::{Made, Rig, Scratch, make};
use std::fs;
use std::sync::Arc;
use teem_disk::root::RealFs;
use teem_disk::{Carried, Database, Disk, DiskConfig, ForgetError, Holder, Place, SavedTorrent};
use teem_disk::{forget, put_carried, saved_torrents};
use teem_swarm::job::Facts;

/// A run that ended cleanly with the first pieces.
fn part(made: &Made, place: &Place, pieces: u32) {
    let mut rig = Rig::start(&DiskConfig::default());
    rig.open(made, place.clone());
    rig.download(made, 0..pieces);
    rig.close(Facts { uploaded: 5, downloaded: 6, ..Facts::default() });
}

fn one(place: &Place) -> SavedTorrent {
    let mut all = saved_torrents(&place.state_dir).unwrap();
    assert_eq!(all.len(), 1, "{all:?}");
    all.remove(0)
}

#[test]
fn what_is_saved_is_told_and_forgotten() {
    let dir = Scratch::new("saved");
    let made = make("t", 32_768, &[("a", 100_000), ("b", 100_000)]);
    let place = Place::download(&dir.0, dir.join("state"));
    assert_eq!(saved_torrents(&place.state_dir).unwrap(), []);
    part(&made, &place, 3);
    let told = one(&place);
    assert_eq!((told.info_hash, told.have, told.pieces), (made.hash(), 3, Some(made.pieces())));
    assert_eq!((told.name.as_deref(), told.size), (Some("t"), Some(200_000)));
    assert_eq!(told.folder, Some(fs::canonicalize(&dir.0).unwrap()));
    assert_eq!((told.uploaded, told.downloaded, told.held), (5, 6, None));
    assert!(told.bytes > 0);
    fs::write(place.state_dir.join("notes.txt"), "not ours").unwrap();
    let before = fs::read(dir.join("t/a")).unwrap();
    forget(&place.state_dir, &told).unwrap();
    assert_eq!(saved_torrents(&place.state_dir).unwrap(), []);
    assert_eq!(fs::read(dir.join("t/a")).unwrap(), before);
    assert!(place.state_dir.join("notes.txt").exists());
    forget(&place.state_dir, &told).unwrap();
    let mut rig = Rig::start(&DiskConfig::default());
    let (have, check) = rig.try_open(&made, place).unwrap();
    assert!(have.len() <= 1 && have.len() + check.len() == 3, "what is found is checked anew: {have:?} {check:?}");
}

#[test]
#[cfg(unix)]
fn saved_state_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let dir = Scratch::new("kept-private");
    let made = make("t", 32_768, &[("a", 100_000), ("b", 100_000)]);
    let place = Place::download(&dir.0, dir.join("state"));
    part(&made, &place, 3);
    let files: Vec<_> = fs::read_dir(&place.state_dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(files.len() > 1, "{files:?}");
    for path in files {
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o077, 0, "{}", path.display());
    }
}

#[test]
fn what_is_held_is_not_forgotten() {
    let dir = Scratch::new("saved-held");
    let made = make("t", 32_768, &[("a", 100_000)]);
    let place = Place::download(&dir.0, dir.join("state"));
    part(&made, &place, 2);
    let mut rig = Rig::start(&DiskConfig::default());
    rig.open(&made, place.clone());
    let me = Holder(Some(std::process::id()));
    let told = one(&place);
    assert_eq!(told.held, Some(me));
    assert!(matches!(forget(&place.state_dir, &told), Err(ForgetError::Held(holder)) if holder == me));
    assert_eq!(one(&place).have, 2);
    rig.close(Facts::default());
    forget(&place.state_dir, &told).unwrap();
}

#[test]
fn row_67_damage_costs_what_it_hits() {
    let dir = Scratch::new("saved-damaged");
    let made = make("t", 32_768, &[("a", 100_000)]);
    let place = Place { name: Some("own name".into()), ..Place::download(&dir.0, dir.join("state")) };
    part(&made, &place, 2);
    assert_eq!(one(&place).name.as_deref(), Some("own name"));
    let path = |what: &str| {
        let mut files = fs::read_dir(&place.state_dir).unwrap().map(|e| e.unwrap().path());
        files.find(|p| p.to_string_lossy().ends_with(what)).unwrap()
    };
    fs::write(path(".info"), "damaged").unwrap();
    let told = one(&place);
    assert_eq!((told.pieces, told.have, told.name.as_deref()), (None, 0, Some("own name")));
    fs::write(path(".state"), "damaged").unwrap();
    for old in fs::read_dir(&place.state_dir).unwrap().map(|e| e.unwrap().path()) {
        if old.to_string_lossy().ends_with(".state.old") {
            fs::write(old, "damaged").unwrap();
        }
    }
    let told = one(&place);
    assert_eq!((told.folder.clone(), told.name.clone()), (None, None));
    forget(&place.state_dir, &told).unwrap();
    assert_eq!(saved_torrents(&place.state_dir).unwrap(), []);
}

#[test]
fn what_is_saved_is_carried_into_a_database_as_it_is() {
    // Few files have their records in the state, many in a table.
    let many: Vec<(String, usize)> = (0..200).map(|n| (format!("{n:03}"), 1_000)).collect();
    let many: Vec<(&str, usize)> = many.iter().map(|(name, len)| (name.as_str(), *len)).collect();
    for files in [&[("a", 100_000), ("b", 100_000)][..], &many] {
        let dir = Scratch::new("carried");
        let made = make("t", 32_768, files);
        let place = Place::download(&dir.0, dir.join("state"));
        part(&made, &place, made.pieces() - 1);
        let carried = one(&place).carried(&RealFs, &place.state_dir).unwrap().unwrap();
        let to = Place::download(&dir.0, dir.join("other"));
        fs::create_dir(&to.state_dir).unwrap();
        let database = Database::open(&RealFs, &to.state_dir, "all.redb").unwrap().database;
        // About another place it is no record.
        let elsewhere = Place { name: Some("u".into()), ..to.clone() };
        assert_eq!(put_carried(&RealFs, &database, &elsewhere, &made.info, &carried).unwrap(), None);
        let torn = Carried { state: carried.state[1..].to_vec(), ..carried.clone() };
        assert_eq!(put_carried(&RealFs, &database, &to, &made.info, &torn).unwrap(), None);
        let said = put_carried(&RealFs, &database, &to, &made.info, &carried).unwrap().unwrap();
        assert_eq!((said.have, said.uploaded, said.downloaded), (made.pieces() - 1, 5, 6));
        let again = teem_disk::carried(&RealFs, &database, &to, made.hash()).unwrap();
        assert_eq!(again.unwrap().state, carried.state, "byte for byte");
        let started = Disk::start_with(&DiskConfig::default(), Arc::new(RealFs), Some(Arc::new(database)));
        let mut rig = Rig::of(started);
        let (have, check) = rig.open(&made, to.clone());
        assert_eq!((have.len() as u32, check.len()), (made.pieces() - 1, 0));
        rig.close(Facts::default());
    }
}
