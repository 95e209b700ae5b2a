//! Content held against its torrent: what is said of files that are missing, short, long, damaged or cannot be read.
#![allow(clippy::unwrap_used, clippy::single_range_in_vec_init)] // a test fails by panicking; lists of ranges are meant
mod rig;

use rig::{Made, Scratch, make};
use std::fs;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use teem_disk::Place;
use teem_disk::verify::{Problem, Report, VerifyError, verify};
use teem_metainfo::{Info, Limits};

const PIECE: u64 = 16_384;

/// Five files, padding before the last: `a` is 2.5 pieces, `b` half a piece, `c` one, `d` empty, `e` of 100 bytes.
fn torrent() -> Made {
    let files = [
        ("a", 40_960),
        ("b", 8_192),
        ("sub/c", 16_384),
        ("sub/d", 0),
        (".pad/1", 0),
        ("x", 10_000),
        (".pad/2", 6_384),
        ("e", 100),
    ];
    make("top", PIECE as usize, &files)
}

fn check(made: &Made, dir: &Scratch) -> Report {
    let place = Place::seed(&dir.0, "");
    let done = AtomicU64::new(0);
    let report = verify(&made.info, &place, Some(2), &done, &AtomicBool::new(false)).unwrap();
    assert_eq!(done.load(Ordering::Relaxed), made.info.total());
    assert_eq!(report.pieces, made.pieces());
    report
}

fn files(report: &Report) -> Vec<(&str, Problem, Vec<Range<u64>>)> {
    report.damaged.iter().map(|d| (d.path.as_str(), d.problem.clone(), d.ranges.clone())).collect()
}

fn put(name: &str) -> (Made, Scratch) {
    let (made, dir) = (torrent(), Scratch::new(name));
    made.put(&dir.0);
    (made, dir)
}

#[test]
fn whole() {
    let (made, dir) = put("verify");
    let report = check(&made, &dir);
    assert!(report.whole && report.bad_pieces.is_empty() && report.damaged.is_empty(), "{report:?}");
}

#[test]
fn a_missing_file_takes_the_blame_for_a_shared_piece() {
    let (made, dir) = put("verify");
    fs::remove_file(dir.join("top/b")).unwrap();
    fs::remove_file(dir.join("top/sub/d")).unwrap();
    let report = check(&made, &dir);
    assert!(!report.whole);
    assert_eq!(report.bad_pieces, [2]);
    let (b, d) = (("top/b", Problem::Missing, vec![0..8_192]), ("top/sub/d", Problem::Missing, vec![]));
    assert_eq!(files(&report), [b, d]);
}

#[test]
fn nothing_there() {
    let (made, dir) = (torrent(), Scratch::new("verify"));
    let report = check(&made, &dir);
    assert_eq!(report.bad_pieces.len(), made.pieces() as usize);
    assert!(files(&report).iter().all(|(_, problem, _)| *problem == Problem::Missing));
    assert_eq!(files(&report)[0].2, [0..40_960]);
    assert_eq!(report.damaged.len(), 6);
}

#[test]
fn short_and_long() {
    let (made, dir) = put("verify");
    let a = fs::File::options().write(true).open(dir.join("top/a")).unwrap();
    a.set_len(PIECE + 5).unwrap();
    let e = fs::File::options().write(true).open(dir.join("top/e")).unwrap();
    e.set_len(101).unwrap();
    let report = check(&made, &dir);
    assert_eq!(report.bad_pieces, [1, 2]);
    let short = ("top/a", Problem::Short { have: PIECE + 5 }, vec![PIECE..40_960]);
    assert_eq!(files(&report), [short, ("top/e", Problem::Long { have: 101 }, vec![])]);
    assert!(!report.whole);
}

#[test]
fn one_flipped_byte() {
    let (made, dir) = put("verify");
    for (at, ranges) in [(0, vec![0..PIECE]), (20_000, vec![PIECE..2 * PIECE])] {
        let mut bytes = made.bytes[..40_960].to_vec();
        bytes[at] ^= 0x20;
        fs::write(dir.join("top/a"), bytes).unwrap();
        let report = check(&made, &dir);
        assert_eq!(files(&report), [("top/a", Problem::Damaged, ranges)]);
    }
    // In the piece that two files share nobody can tell which it is.
    let mut bytes = made.bytes[..40_960].to_vec();
    bytes[40_959] ^= 1;
    bytes[17_000] ^= 1;
    fs::write(dir.join("top/a"), bytes).unwrap();
    let report = check(&made, &dir);
    assert_eq!(report.bad_pieces, [1, 2]);
    let a = ("top/a", Problem::Damaged, vec![PIECE..40_960]);
    assert_eq!(files(&report), [a, ("top/b", Problem::Damaged, vec![0..8_192])]);
}

#[test]
fn padding_is_zeros_and_blamed_on_nobody() {
    let (made, dir) = put("verify");
    fs::write(dir.join("top/x"), [0; 10_000]).unwrap();
    let report = check(&made, &dir);
    assert_eq!(files(&report), [("top/x", Problem::Damaged, vec![0..10_000])]);
}

#[test]
fn links_are_followed_and_folders_are_no_files() {
    let (made, dir) = put("verify");
    fs::rename(dir.join("top/a"), dir.join("top/real")).unwrap();
    std::os::unix::fs::symlink("real", dir.join("top/a")).unwrap();
    fs::rename(dir.join("top/sub"), dir.join("other")).unwrap();
    std::os::unix::fs::symlink("../other", dir.join("top/sub")).unwrap();
    fs::remove_file(dir.join("top/e")).unwrap();
    fs::create_dir(dir.join("top/e")).unwrap();
    let report = check(&made, &dir);
    assert_eq!(report.damaged.len(), 1, "{report:?}");
    let found = &report.damaged[0];
    assert!(found.path == "top/e" && matches!(found.problem, Problem::Unreadable(_)), "{found:?}");
    fs::remove_file(dir.join("top/real")).unwrap();
    let report = check(&made, &dir);
    let Problem::Unreadable(why) = &report.damaged[0].problem else { panic!("{report:?}") };
    assert!(report.damaged[0].path == "top/a" && why.contains("link that leads to nothing"), "{why}");
}

#[test]
fn under_other_names() {
    let (made, dir) = put("verify");
    fs::rename(dir.join("top"), dir.join("else")).unwrap();
    let place = Place { name: Some("else".into()), ..Place::seed(&dir.0, "") };
    let report = verify(&made.info, &place, None, &AtomicU64::new(0), &AtomicBool::new(false)).unwrap();
    assert!(report.whole);
    // A file under the name that the torrent has, which is not the safe one.
    let made = make("top", PIECE as usize, &[("a:b", 5), ("c", 20_000)]);
    assert_eq!(made.info.files().get(0).unwrap().path(), "a_b");
    let dir = Scratch::new("verify");
    made.put(&dir.0);
    assert!(check(&made, &dir).whole);
    fs::write(dir.join("top/a:b"), b"wrong").unwrap();
    assert_eq!(files(&check(&made, &dir))[0].0, "top/a:b");
}

#[test]
fn stopped_or_impossible() {
    let (made, dir) = put("verify");
    let run = |info: &Arc<Info>, folder: &std::path::Path, stop: bool| {
        verify(info, &Place::seed(folder, ""), Some(1), &AtomicU64::new(0), &AtomicBool::new(stop))
    };
    assert!(matches!(run(&made.info, &dir.0, true), Err(VerifyError::Stopped)));
    let missing = run(&made.info, &dir.join("nowhere"), false).unwrap_err();
    assert!(matches!(missing, VerifyError::Folder { .. }) && missing.to_string().contains("nowhere"));
    let root = format!("d0:d6:lengthi5e11:pieces root32:{}ee", "r".repeat(32));
    let raw = format!("d9:file treed1:f{root}e12:meta versioni2e4:name1:f12:piece lengthi16384ee");
    let info = Arc::new(Info::parse(raw.as_bytes(), &Limits::FILE).unwrap());
    let only_v2 = run(&info, &dir.0, false).unwrap_err();
    assert!(matches!(only_v2, VerifyError::V2Only), "{only_v2}");
}
