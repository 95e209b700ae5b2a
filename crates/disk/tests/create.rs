//! Hashing for a new torrent: against the `sha1` crate, over any tree, interrupted, gone on with, and over files that change.
#![allow(clippy::unwrap_used)] // a test fails by panicking
mod rig;

use proptest::collection::vec;
use proptest::prelude::*;
use rig::{Scratch, noise};
use sha1::{Digest, Sha1};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, SystemTime};
use teem_disk::create::{Change, Digests, HashError, HashFile, HashJob, hash_pieces};

fn job(paths: &[std::path::PathBuf], piece_length: u32, threads: Option<usize>) -> HashJob {
    let file = |path: &std::path::PathBuf| {
        let meta = std::fs::metadata(path).unwrap();
        HashFile { path: path.clone(), length: meta.len(), modified: meta.modified().unwrap() }
    };
    HashJob { files: paths.iter().map(file).collect::<Vec<_>>().into(), piece_length, threads }
}

fn oracle(content: &[u8], piece_length: usize) -> Vec<[u8; 20]> {
    content.chunks(piece_length).map(|piece| Sha1::digest(piece).into()).collect()
}

fn hash(job: &HashJob) -> Result<Vec<[u8; 20]>, HashError> {
    hash_pieces(job, &AtomicU64::new(0), &AtomicBool::new(false), Vec::new(), &mut |_| {})
}

/// Two files, one of them without content, and a job over them.
fn two(dir: &Scratch) -> (HashJob, Vec<u8>) {
    let content = noise(1, 100_000);
    std::fs::write(dir.join("a"), &content).unwrap();
    std::fs::write(dir.join("b"), []).unwrap();
    (job(&[dir.join("a"), dir.join("b")], 1 << 14, Some(1)), content)
}

fn change(result: Result<Vec<[u8; 20]>, HashError>, of: &Path) -> Change {
    match result {
        Err(HashError::Changed { path, change }) if path == of => change,
        other => panic!("not seen to change: {other:?}"),
    }
}

/// Puts the file's time a little off what it was.
fn touch(path: &Path, seconds: u64) {
    let file = std::fs::File::options().write(true).open(path).unwrap();
    file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)).unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn any_tree(lens in vec(0_usize..9_000, 1..30), piece_length in 50_u32..6_000, threads in 1_usize..4, gaps in any::<u64>()) {
        let dir = Scratch::new("create");
        let mut content = Vec::new();
        let mut paths = Vec::new();
        for (i, &len) in lens.iter().enumerate() {
            let path = dir.join(&format!("{}/{i}", i % 3));
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            let bytes = noise(i as u64, len);
            std::fs::write(&path, &bytes).unwrap();
            content.extend(bytes);
            paths.push(path);
        }
        let job = job(&paths, piece_length, Some(threads));
        let expected = oracle(&content, piece_length as usize);
        let (done, stop) = (AtomicU64::new(0), AtomicBool::new(false));
        // Part of it is known already; what is known is believed, so it is marked.
        let known: Vec<Option<[u8; 20]>> = expected.iter().enumerate().map(|(i, d)| (gaps >> (i % 64) & 1 == 1).then_some(*d)).collect();
        let mut kept = Vec::new();
        let digests = hash_pieces(&job, &done, &stop, known, &mut |all: &Digests| kept = all.to_vec()).unwrap();
        prop_assert_eq!(&digests, &expected);
        prop_assert_eq!(done.load(Ordering::Relaxed), content.len() as u64);
        prop_assert_eq!(kept.into_iter().collect::<Option<Vec<_>>>(), Some(expected));
    }
}

#[test]
fn long_pieces_and_no_content() {
    let dir = Scratch::new("create");
    let content = noise(5, 1_300_000);
    std::fs::write(dir.join("long"), &content).unwrap();
    for threads in [None, Some(1), Some(7)] {
        assert_eq!(hash(&job(&[dir.join("long")], 1 << 18, threads)).unwrap(), oracle(&content, 1 << 18));
    }
    std::fs::write(dir.join("empty"), []).unwrap();
    assert_eq!(hash(&job(&[dir.join("empty")], 1 << 14, None)).unwrap(), Vec::<[u8; 20]>::new());
    assert!(matches!(hash(&job(&[dir.join("long")], 0, None)), Err(HashError::BadJob)));
}

#[test]
fn known_pieces_are_not_hashed_again() {
    let dir = Scratch::new("create");
    let (job, content) = two(&dir);
    let mut known: Vec<Option<[u8; 20]>> = vec![None; 2];
    known[1] = Some([9; 20]);
    let stop = AtomicBool::new(false);
    let digests = hash_pieces(&job, &AtomicU64::new(0), &stop, known, &mut |_| {}).unwrap();
    let mut expected = oracle(&content, 1 << 14);
    expected[1] = [9; 20];
    assert_eq!(digests, expected);
}

#[test]
fn stopped_and_gone_on_with() {
    let dir = Scratch::new("create");
    let content = noise(3, 2 << 20);
    std::fs::write(dir.join("a"), &content).unwrap();
    let job = job(&[dir.join("a")], 1 << 14, Some(1));
    let (done, stop) = (AtomicU64::new(0), AtomicBool::new(false));
    let mut kept = Vec::new();
    let ended = std::thread::scope(|scope| {
        scope.spawn(|| {
            while done.load(Ordering::Relaxed) == 0 {
                std::thread::yield_now();
            }
            stop.store(true, Ordering::Relaxed);
        });
        hash_pieces(&job, &done, &stop, Vec::new(), &mut |all: &Digests| kept = all.to_vec())
    });
    let expected = oracle(&content, 1 << 14);
    // A machine may be so quick that nothing was left to stop.
    if let Err(error) = ended {
        assert!(matches!(error, HashError::Stopped));
        assert_eq!(kept.len(), expected.len());
    }
    assert!(kept.iter().zip(&expected).all(|(kept, right)| kept.is_none_or(|kept| kept == *right)));
    let left = kept.iter().filter(|digest| digest.is_none()).count() as u64;
    let done = AtomicU64::new(0);
    let (again, before) = (AtomicBool::new(false), kept);
    assert_eq!(hash_pieces(&job, &done, &again, before, &mut |_| {}).unwrap(), expected);
    assert_eq!(done.load(Ordering::Relaxed), content.len() as u64, "{left} were left");
    // Stopped before it began.
    let mut calls = 0;
    let early = hash_pieces(&job, &done, &stop, Vec::new(), &mut |_| calls += 1);
    if stop.load(Ordering::Relaxed) {
        assert!(matches!(early, Err(HashError::Stopped)) && calls == 1);
    }
}

#[test]
fn changes_since_the_plan() {
    let dir = Scratch::new("create");
    let (job, content) = two(&dir);
    let (a, b) = (dir.join("a"), dir.join("b"));
    touch(&a, 1_000);
    assert_eq!(change(hash(&job), &a), Change::Modified);

    let (job, _) = two(&dir);
    std::fs::write(&a, &content[1..]).unwrap();
    assert_eq!(change(hash(&job), &a), Change::Length { was: 100_000, is: 99_999 });

    let (job, _) = two(&dir);
    std::fs::write(&b, b"!").unwrap();
    let result = hash(&job);
    let text = result.as_ref().unwrap_err().to_string();
    assert!(text.contains("changed from 0 to 1 bytes") && text.contains("start again"), "{text}");
    assert_eq!(change(result, &b), Change::Length { was: 0, is: 1 });

    let (job, _) = two(&dir);
    std::fs::remove_file(&a).unwrap();
    assert_eq!(change(hash(&job), &a), Change::Gone);

    let (job, _) = two(&dir);
    std::fs::rename(&a, dir.join("c")).unwrap();
    std::os::unix::fs::symlink("c", &a).unwrap();
    assert_eq!(change(hash(&job), &a), Change::Replaced);
}

/// What is done to a file while it is hashed.
type Harm = fn(&Path);

#[test]
fn changes_while_hashing() {
    let dir = Scratch::new("create");
    let ways: [(&str, Harm); 3] = [
        ("time", |path| touch(path, 7)),
        ("longer", |path| std::fs::write(path, noise(1, 1_000_001)).unwrap()),
        ("replaced", |path| {
            let time = std::fs::metadata(path).unwrap().modified().unwrap();
            std::fs::write(path.with_extension("new"), noise(2, 1_000_000)).unwrap();
            std::fs::rename(path.with_extension("new"), path).unwrap();
            std::fs::File::options().write(true).open(path).unwrap().set_modified(time).unwrap();
        }),
    ];
    for (name, harm) in ways {
        let path = dir.join(name);
        std::fs::write(&path, noise(1, 1_000_000)).unwrap();
        let job = job(std::slice::from_ref(&path), 1 << 14, Some(1));
        let (done, stop, over) = (AtomicU64::new(0), AtomicBool::new(false), AtomicBool::new(false));
        let result = std::thread::scope(|scope| {
            scope.spawn(|| {
                while done.load(Ordering::Relaxed) == 0 && !over.load(Ordering::Relaxed) {
                    std::thread::yield_now();
                }
                harm(&path);
                over.store(true, Ordering::Relaxed);
            });
            let result = hash_pieces(&job, &done, &stop, Vec::new(), &mut |_| {});
            over.store(true, Ordering::Relaxed);
            result
        });
        match result {
            // All was read before the harm was done: then it was right.
            Ok(digests) => assert_eq!(digests, oracle(&noise(1, 1_000_000), 1 << 14), "{name}"),
            changed => _ = change(changed, &path),
        }
    }
}
