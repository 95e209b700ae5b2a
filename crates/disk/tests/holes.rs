//! What was never written is not read: a sparse file of a tebibyte is hashed, verified and checked in the time that its data takes.
#![cfg(target_os = "linux")] // elsewhere holes are read as the zeros that they stand for
#![allow(clippy::unwrap_used)] // a test fails by panicking
mod rig;

use rig::{Made, Rig, Scratch, noise};
use sha1::{Digest, Sha1};
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use teem_disk::create::{HashFile, HashJob, hash_pieces};
use teem_disk::verify::verify;
use teem_disk::{DiskConfig, Place};
use teem_metainfo::{Info, Limits};

const PIECE: u32 = 16 << 20;

/// A file of that many bytes with `data` at these places, and its digests as we make them.
fn sparse(dir: &Scratch, len: u64, islands: &[u64], data: &[u8]) -> Vec<[u8; 20]> {
    let path = dir.join("sparse");
    let file = File::create(&path).unwrap();
    file.set_len(len).unwrap();
    for &at in islands {
        file.write_all_at(data, at).unwrap();
    }
    let modified = file.metadata().unwrap().modified().unwrap();
    let job =
        HashJob { files: vec![HashFile { path, length: len, modified }].into(), piece_length: PIECE, threads: Some(2) };
    let done = AtomicU64::new(0);
    let digests = hash_pieces(&job, &done, &AtomicBool::new(false), Vec::new(), &mut |_| {}).unwrap();
    assert_eq!(done.load(Ordering::Relaxed), len);
    digests
}

fn torrent(len: u64, digests: &[[u8; 20]]) -> Made {
    let head = format!("d6:lengthi{len}e4:name6:sparse12:piece lengthi{PIECE}e6:pieces{}:", digests.len() * 20);
    let raw = [head.as_bytes(), digests.as_flattened(), b"e"].concat();
    Made { bytes: Vec::new(), files: Vec::new(), info: Arc::new(Info::parse(&raw, &Limits::FILE).unwrap()) }
}

#[test]
fn a_tebibyte_of_holes_with_three_islands() {
    let (dir, data) = (Scratch::new("holes"), noise(5, 5_000));
    let len = (1 << 40) + 7;
    let islands = [0, (9 << 30) + 100, len - 5_000];
    let digests = sparse(&dir, len, &islands, &data);
    let mut piece = vec![0; PIECE as usize];
    assert_eq!(digests[1], <[u8; 20]>::from(Sha1::digest(&piece)), "nothing but a hole");
    piece[100..5_100].copy_from_slice(&data);
    assert_eq!(digests[(9 << 30) / PIECE as usize], <[u8; 20]>::from(Sha1::digest(&piece)), "a hole with an island");
    assert_eq!(digests[65_536], <[u8; 20]>::from(Sha1::digest(&data[4_993..])), "the end");

    let made = torrent(len, &digests);
    let place = Place::seed(&dir.0, dir.join("state"));
    let report = verify(&made.info, &place, Some(2), &AtomicU64::new(0), &AtomicBool::new(false)).unwrap();
    assert!(report.whole, "{report:?}");
    let mut rig = Rig::start(&DiskConfig::default());
    assert_eq!(rig.open_checked(&made, place).len(), 65_537);
}

#[test]
fn a_hole_where_data_should_be_is_not_right() {
    let (dir, data) = (Scratch::new("hole-lost"), noise(6, 5_000));
    let len = u64::from(PIECE) * 4;
    let digests = sparse(&dir, len, &[0, u64::from(PIECE) * 2], &data);
    let made = torrent(len, &digests);
    let file = File::create(dir.join("sparse")).unwrap();
    file.set_len(len).unwrap();
    file.write_all_at(&data, 0).unwrap();
    let place = Place::seed(&dir.0, dir.join("state"));
    let report = verify(&made.info, &place, None, &AtomicU64::new(0), &AtomicBool::new(false)).unwrap();
    assert_eq!(report.bad_pieces, [2]);
    assert_eq!(Rig::start(&DiskConfig::default()).open_checked(&made, place), [0, 1, 3]);
    // A file that ends early has no hole behind its end.
    file.set_len(len - 1).unwrap();
    let place = Place::seed(&dir.0, dir.join("state"));
    let report = verify(&made.info, &place, None, &AtomicU64::new(0), &AtomicBool::new(false)).unwrap();
    assert_eq!(report.bad_pieces, [2, 3]);
}
