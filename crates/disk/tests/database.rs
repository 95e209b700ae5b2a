//! The database of saved state (rows 67 and 68 of bad input): whatever the power, the medium or another program does to its file, a record is one that was
//! put, and one that was flushed is there.
#![allow(clippy::unwrap_used)] // helpers of tests are tests
mod rig;

use rig::seeds;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Barrier};
use teem_disk::fs::{Access, Fs};
use teem_disk::root::RealFs;
use teem_disk::{Database, Kind, OpenError, Opened, StateStore};
use teem_faultfs::{Call, Dice, FaultFs, Faults, Odds, Unsteady};

const SEEDS: u64 = 40;
const NAMES: u64 = 40;

fn open(fs: &dyn Fs) -> Database {
    let Opened { database, remarks } = Database::open(fs, Path::new("/state"), "teem.redb").unwrap();
    assert_eq!(remarks, Vec::<String>::new());
    database
}

fn get(database: &Database, name: &str) -> Option<Vec<u8>> {
    database.get(Kind::State, name, &|_| true).unwrap()
}

fn all(database: &Database) -> BTreeMap<String, Vec<u8>> {
    let mut all = BTreeMap::new();
    let mut last = String::new();
    database
        .each(Kind::State, &mut |name, record| {
            assert!(last.as_str() < name, "{name} after {last}");
            name.clone_into(&mut last);
            all.insert(name.to_owned(), record.to_vec());
        })
        .unwrap();
    let (mut by_and_by, mut after) = (BTreeMap::new(), Some(String::new()));
    while let Some(name) = after {
        let part = database.range(Kind::State, &name, None, 2).unwrap();
        assert!(part.records.iter().all(|(of, _)| *of > name));
        by_and_by.extend(part.records);
        after = part.next;
    }
    assert_eq!(by_and_by, all, "the same by and by");
    all
}

#[test]
fn what_is_put_is_seen_at_once_and_kept() {
    let fs = FaultFs::new(1);
    let database = open(&fs);
    database.put(Kind::State, "b", b"1".to_vec()).unwrap();
    database.put(Kind::Row, "b", b"row".to_vec()).unwrap();
    assert_eq!(get(&database, "b"), Some(b"1".to_vec()));
    database.flush().unwrap();
    database.put(Kind::State, "a", b"2".to_vec()).unwrap();
    database.put(Kind::State, "b", b"3".to_vec()).unwrap();
    database.put(Kind::State, "c", b"4".to_vec()).unwrap();
    let want = [("a", "2"), ("b", "3"), ("c", "4")].map(|(name, record)| (name.to_owned(), record.as_bytes().to_vec()));
    assert_eq!(all(&database), BTreeMap::from(want.clone()), "before the commit");
    database.flush().unwrap();
    assert_eq!(all(&database), BTreeMap::from(want), "after it");
    database.remove(Kind::State, "b").unwrap();
    assert_eq!(get(&database, "b"), None);
    assert_eq!(all(&database).len(), 2);
    // What is not flushed is committed at the end.
    drop(database);
    let database = open(&fs);
    assert_eq!(all(&database).into_keys().collect::<Vec<_>>(), ["a", "c"]);
    assert_eq!(database.get(Kind::Row, "b", &|_| true).unwrap(), Some(b"row".to_vec()));
    assert_eq!(database.get(Kind::State, "a", &|_| false).unwrap(), None, "what is not whole is not given");
}

#[test]
fn one_process_has_it() {
    let fs = FaultFs::new(1);
    let held = open(&fs);
    assert!(matches!(Database::open(&fs, Path::new("/state"), "teem.redb"), Err(OpenError::Taken(_))));
    drop(held);
    open(&fs);
}

/// A record that says which it is; its length varies over several pages.
fn record(name: &str, version: u64, dice: &mut Dice) -> Vec<u8> {
    let mut record = format!("{name} {version} ").into_bytes();
    let most = if dice.roll(8) == 0 { 20_000 } else { 600 };
    let len = record.len() + dice.roll(most) as usize;
    record.resize(len, version as u8);
    record
}

/// The version in a record of this name, which must be one that was put.
fn version(name: &str, record: &[u8]) -> u64 {
    let text: Vec<&[u8]> = record.splitn(3, |byte| *byte == b' ').collect();
    assert_eq!(text[0], name.as_bytes());
    let version = std::str::from_utf8(text[1]).unwrap().parse().unwrap();
    assert!(text[2].iter().all(|byte| *byte == version as u8), "a record of two");
    version
}

#[test]
fn nothing_flushed_is_lost_and_nothing_is_torn_when_the_power_goes() {
    seeds::each(SEEDS, |seed| {
        let (fs, mut dice) = (FaultFs::new(seed), Dice(seed));
        // Of each name: the version that was flushed last, and the one that was put last.
        let mut known: BTreeMap<String, (u64, u64)> = BTreeMap::new();
        let mut put = 0;
        for life in 0..5 {
            let database = open(&fs);
            let found = all(&database);
            for (name, (flushed, last)) in &mut known {
                let version = found.get(name).map_or(0, |record| version(name, record));
                assert!(
                    (*flushed..=*last).contains(&version),
                    "seed {seed}, life {life}: {name} is {version} of {flushed} to {last}"
                );
                (*flushed, *last) = (version, version);
            }
            fs.faults(Faults {
                power_off_after: Some(dice.roll(400)),
                mischief: dice.roll(2) == 0,
                ..Faults::default()
            });
            while !fs.is_off() {
                let name = format!("name-{}", dice.roll(NAMES));
                put += 1;
                let record = record(&name, put, &mut dice);
                database.put(Kind::State, &name, record).unwrap();
                known.entry(name).or_default().1 = put;
                if dice.roll(10) == 0 && database.flush().is_ok() && !fs.is_off() {
                    for (flushed, last) in known.values_mut() {
                        *flushed = *last;
                    }
                }
            }
            drop(database);
            if dice.roll(3) == 0 {
                fs.kill();
            } else {
                fs.cut();
            }
            fs.faults(Faults::default());
        }
        fs
    });
}

#[test]
fn after_an_error_of_the_medium_it_goes_on() {
    let below = FaultFs::new(3);
    let fs = Unsteady::new(Arc::new(below), 3);
    let database = open(&fs);
    database.put(Kind::State, "a", b"1".to_vec()).unwrap();
    database.flush().unwrap();
    fs.set(Odds { error: 1_000, only: vec![Call::Sync], ..Odds::default() });
    database.put(Kind::State, "a", b"2".to_vec()).unwrap();
    database.flush().unwrap_err();
    assert!(database.trouble().is_some());
    assert_eq!(get(&database, "a"), Some(b"2".to_vec()), "what could not be committed is not forgotten");
    fs.set(Odds::default());
    database.flush().unwrap();
    assert_eq!(database.trouble(), None);
    drop(database);
    assert_eq!(get(&open(&fs), "a"), Some(b"2".to_vec()));
}

#[test]
fn what_was_refused_is_not_committed_later() {
    let fs = Unsteady::new(Arc::new(FaultFs::new(7)), 7);
    let database = open(&fs);
    let exchange = |records: &[(&str, Option<&str>)]| {
        let records = records.iter().map(|(name, record)| ((*name).to_owned(), record.map(|r| r.as_bytes().to_vec())));
        database.exchange(Kind::State, records.collect())
    };
    exchange(&[("kept", Some("1")), ("gone", Some("1"))]).unwrap();
    exchange(&[("gone", None)]).unwrap();
    fs.set(Odds { error: 1_000, only: vec![Call::Sync], ..Odds::default() });
    exchange(&[("kept", None), ("new", Some("1"))]).unwrap_err();
    exchange(&[("kept", Some("2"))]).unwrap_err();
    let want = BTreeMap::from([("kept".to_owned(), b"1".to_vec())]);
    fs.set(Odds::default());
    assert_eq!(all(&database), want);
    drop(database);
    assert_eq!(all(&open(&fs)), want);
}

#[test]
fn what_cannot_be_read_is_put_aside_and_told() {
    let fs = FaultFs::new(4);
    for n in 1..=2 {
        fs.put(Path::new("/state/teem.redb"), &vec![0xA5; 5_000 * n]);
        let Opened { database, remarks } = Database::open(&fs, Path::new("/state"), "teem.redb").unwrap();
        let aside = format!("/state/teem.redb.unreadable-{n}");
        assert_eq!(fs.content(Path::new(&aside)), Some(vec![0xA5; 5_000 * n]));
        assert!(remarks.len() == 1 && remarks[0].contains(&format!("teem.redb.unreadable-{n}")), "{remarks:?}");
        assert_eq!(all(&database).len(), 0);
    }
}

#[test]
fn no_cut_and_no_flipped_byte_brings_it_down() {
    let fs = FaultFs::new(5);
    let (database, mut dice) = (open(&fs), Dice(5));
    for n in 0..NAMES {
        let name = format!("name-{n}");
        database.put(Kind::State, &name, record(&name, n, &mut dice)).unwrap();
    }
    drop(database);
    let path = Path::new("/state/teem.redb");
    let good = fs.content(path).unwrap();
    seeds::each(SEEDS, |seed| {
        let (fs, mut dice) = (FaultFs::new(seed), Dice(seed));
        let mut bad = good.clone();
        if seed % 2 == 0 {
            bad.truncate(dice.roll(good.len() as u64) as usize);
        } else {
            (0..20).for_each(|_| bad[dice.roll(good.len() as u64) as usize] ^= 1 << dice.roll(8));
        }
        fs.put(path, &bad);
        // What a flip leaves readable may be foreign bytes: the records have a checksum of their own.
        let Opened { database, .. } = Database::open(&fs, Path::new("/state"), "teem.redb").unwrap();
        let _ = database.each(Kind::State, &mut |_, _| {});
        database.put(Kind::State, "new", b"1".to_vec()).unwrap();
        assert_eq!(get(&database, "new"), Some(b"1".to_vec()), "seed {seed}");
        fs
    });
}

#[test]
fn those_that_flush_together_share_commits() {
    let folder = std::env::temp_dir().join(format!("teem-database-{}", std::process::id()));
    let Opened { database, .. } = Database::open(&RealFs, &folder, "teem.redb").unwrap();
    let (threads, each) = (8, 50);
    let barrier = Barrier::new(threads);
    std::thread::scope(|scope| {
        for thread in 0..threads {
            let (database, barrier) = (&database, &barrier);
            scope.spawn(move || {
                barrier.wait();
                for n in 0..each {
                    let name = format!("{thread}-{n}");
                    database.put(Kind::State, &name, name.clone().into_bytes()).unwrap();
                    database.flush().unwrap();
                    assert_eq!(get(database, &name), Some(name.clone().into_bytes()));
                }
            });
        }
    });
    assert_eq!(all(&database).len(), threads * each);
    drop(database);
    let Opened { database, .. } = Database::open(&RealFs, &folder, "teem.redb").unwrap();
    assert_eq!(all(&database).len(), threads * each);
    drop(database);
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn a_file_that_is_half_empty_is_made_smaller_while_it_is_in_use() {
    let fs = FaultFs::new(7);
    let database = open(&fs);
    for n in 0..2_000 {
        database.put(Kind::State, &format!("{n}"), vec![7; 4_000]).unwrap();
    }
    database.flush().unwrap();
    let len = || fs.folder(Path::new("/state"), false).unwrap().stat(Path::new("teem.redb")).unwrap().unwrap().len;
    let full = len();
    for n in 0..1_900 {
        database.remove(Kind::State, &format!("{n}")).unwrap();
    }
    // The thread that commits looks at it after its next commit.
    let begun = std::time::Instant::now();
    while len() >= full / 2 {
        assert!(begun.elapsed() < std::time::Duration::from_secs(60), "{} of {full}", len());
        std::thread::yield_now();
    }
    assert_eq!(all(&database).len(), 100);
    database.put(Kind::State, "new", vec![1]).unwrap();
    drop(database);
    assert_eq!(all(&open(&fs)).len(), 101);
}

#[test]
fn a_file_that_is_half_empty_is_made_smaller() {
    let fs = FaultFs::new(6);
    let database = open(&fs);
    for n in 0..2_000 {
        database.put(Kind::State, &format!("{n}"), vec![7; 4_000]).unwrap();
    }
    database.flush().unwrap();
    let len = || {
        fs.folder(Path::new("/state"), false)
            .unwrap()
            .open(Path::new("teem.redb"), Access::Read)
            .unwrap()
            .stat()
            .unwrap()
            .len
    };
    let full = len();
    for n in 0..1_900 {
        database.remove(Kind::State, &format!("{n}")).unwrap();
    }
    drop(database);
    let database = open(&fs);
    assert!(len() < full / 2, "{} of {full}", len());
    assert_eq!(all(&database).len(), 100);
}
