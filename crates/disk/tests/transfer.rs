//! One block down, one block up, on real files.
mod rig;

use rig::{Rig, Scratch, T, make};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;
use teem_disk::{DiskConfig, Place};
use teem_engine::storage::Storage;
use teem_swarm::ids::ConnId;
use teem_swarm::job::{Done, Facts, Job, Reader, Verdict};
use teem_wire::peer::block::BlockRef;

#[test]
fn a_tree_is_downloaded_and_served() {
    let dir = Scratch::new("tree");
    let made =
        make("tree", 40_000, &[("a", 100_000), ("b/empty", 0), (".pad/20000", 20_000), ("b/c/d", 1), ("e", 70_001)]);
    let mut rig = Rig::start(&DiskConfig::default());
    assert_eq!(rig.open(&made, Place::download(&dir.0, dir.join("state"))), (vec![], vec![]));
    assert!(dir.join("tree/b/empty").is_file(), "files without content are made at once");
    // All blocks in an order that mixes the pieces.
    let mut blocks: Vec<BlockRef> = (0..made.pieces()).flat_map(|p| made.blocks(p)).collect();
    blocks.sort_by_key(|at| (at.begin, at.piece));
    for at in blocks {
        rig.block(at, made.data(at));
    }
    for piece in 0..made.pieces() {
        assert!(rig.piece(piece));
    }
    made.assert_whole(&dir.0);
    assert!(!dir.join("tree/.pad").exists(), "pads are never stored");
    for piece in 0..made.pieces() {
        let all: Vec<BlockRef> = made.blocks(piece);
        rig.submit(all.iter().map(|&at| Job::Read { torrent: T, reader: Reader::Peer(ConnId(9)), at }));
        for at in all {
            rig.wait(|done| match done {
                Done::Block { at: got, data, .. } if *got == at => (data.as_ref() == made.data(at)).then_some(()),
                _ => None,
            });
        }
    }
    rig.close(Facts::default());
}

#[test]
fn corrupt_blocks_are_told_apart_by_digest() {
    let dir = Scratch::new("corrupt");
    let made = make("", 50_000, &[("one", 60_000)]);
    let mut rig = Rig::start(&DiskConfig::default());
    rig.open(&made, Place::download(&dir.0, dir.join("state")));
    let blocks = made.blocks(0);
    for (i, &at) in blocks.iter().enumerate() {
        let mut data = made.data(at).to_vec();
        data[5] ^= u8::from(i == 2);
        rig.block(at, &data);
    }
    let digests = |done: &Done<_>| match done {
        Done::Piece { piece: 0, verdict, digests, .. } => Some((verdict.clone(), digests.clone())),
        _ => None,
    };
    let (verdict, bad) = rig.wait(digests);
    assert_eq!(verdict, Verdict::Wrong { bad_blocks: vec![0, 1, 2, 3] }, "SHA-1 cannot tell which");
    assert!(bad.len() == 4 && !dir.join("one").exists(), "nothing wrong is written");
    rig.write(&made, 0);
    let (verdict, good) = rig.wait(digests);
    assert_eq!(verdict, Verdict::Right);
    let differ: Vec<usize> = (0..4).filter(|&i| bad[i] != good[i]).collect();
    assert_eq!(differ, [2]);
    rig.write(&made, 1);
    assert_eq!(
        rig.wait(|d| match d {
            Done::Piece { piece: 1, verdict, digests, .. } => Some((verdict.is_right(), digests.len())),
            _ => None,
        }),
        (true, 0)
    );
}

#[test]
fn unverified_pieces_and_odd_ranges_are_not_served() {
    let dir = Scratch::new("unverified");
    let made = make("", 32_768, &[("f", 65_536)]);
    let mut rig = Rig::start(&DiskConfig::default());
    rig.open(&made, Place::download(&dir.0, dir.join("state")));
    rig.download(&made, [0]);
    assert!(rig.read(BlockRef { piece: 0, begin: 100, len: 16_000 }).is_ok());
    for (piece, begin, len) in
        [(1, 0, 16), (9, 0, 16), (0, 32_768, 1), (0, 30_000, 16_384), (0, 0, 0), (0, 0, 20_000), (0, u32::MAX, 2)]
    {
        assert!(rig.read(BlockRef { piece, begin, len }).is_err(), "{piece} {begin} {len}");
    }
}

#[test]
fn forgotten_pieces_can_be_fetched_anew() {
    let dir = Scratch::new("forget");
    let made = make("", 49_152, &[("f", 49_152)]);
    let mut rig = Rig::start(&DiskConfig::default());
    rig.open(&made, Place::download(&dir.0, dir.join("state")));
    let first = made.blocks(0)[0];
    rig.block(first, &[1; 16_384]);
    rig.submit([Job::Forget { torrent: T, piece: 0 }]);
    rig.download(&made, [0]);
    made.assert_whole(&dir.0);
}

#[test]
fn pieces_larger_than_the_pool_are_spilled_and_read_back() {
    let dir = Scratch::new("spill");
    let made = make("", 1 << 20, &[("f", (4 << 20) + 777)]);
    // 64 buffers: 48 for downloads, while one piece has 64 blocks.
    let mut rig = Rig::start(&DiskConfig { pool_bytes: 1 << 20, ..DiskConfig::default() });
    rig.open(&made, Place::download(&dir.0, dir.join("state")));
    let mut blocks: Vec<BlockRef> = (0..made.pieces()).flat_map(|p| made.blocks(p)).collect();
    blocks.sort_by_key(|at| (at.begin / 65_536, at.piece));
    for at in blocks {
        rig.block(at, made.data(at));
    }
    for piece in 0..made.pieces() {
        assert!(rig.piece(piece));
    }
    made.assert_whole(&dir.0);
}

#[test]
fn jobs_for_a_torrent_that_is_not_open_are_refused() {
    let mut rig = Rig::start(&DiskConfig::default());
    let at = BlockRef { piece: 0, begin: 0, len: 1 };
    assert!(rig.read(at).is_err());
    rig.block(at, &[0]);
    rig.wait(|d| matches!(d, Done::WriteFailed { piece: 0, .. }).then_some(()));
    rig.close(Facts::default());
}

#[test]
fn metadata_is_judged() {
    let made = make("", 16_384, &[("f", 5)]);
    let mut rig = Rig::start(&DiskConfig::default());
    let mut bytes = made.info.raw().to_vec();
    rig.submit([Job::Metadata { torrent: T, key: made.info.key(), bytes: bytes.clone() }]);
    let judged = |d: &Done<_>| match d {
        Done::Metadata { result, hash_ok, .. } => Some((result.is_ok(), *hash_ok)),
        _ => None,
    };
    assert_eq!(rig.wait(judged), (true, true));
    bytes[3] ^= 1;
    rig.submit([Job::Metadata { torrent: T, key: made.info.key(), bytes }]);
    assert_eq!(rig.wait(judged), (false, false));
    let bytes = b"de".to_vec();
    rig.submit([Job::Metadata { torrent: T, key: teem_metainfo::InfoHash::of(b"de").into(), bytes }]);
    assert_eq!(rig.wait(judged), (false, true));
}

#[test]
fn credits_bound_what_is_taken() {
    let dir = Scratch::new("credits");
    let made = make("", 16_384, &[("f", 16_384)]);
    let mut rig = Rig::start(&DiskConfig::default());
    rig.open(&made, Place::download(&dir.0, dir.join("state")));
    rig.download(&made, [0]);
    let at = made.blocks(0)[0];
    let read = || Job::Read { torrent: T, reader: Reader::Peer(ConnId(1)), at };
    let mut jobs: std::collections::VecDeque<_> = std::iter::repeat_with(read).take(5000).collect();
    rig.disk.submit(&mut jobs);
    assert_eq!(jobs.len(), 5000 - 4096, "the rest stays with the caller");
    let mut answered = 0;
    while answered < 5000 {
        rig.wait(|d| matches!(d, Done::Block { .. }).then_some(()));
        answered += 1;
        rig.disk.submit(&mut jobs);
    }
}

/// A worker that gives a buffer back waits here each time until the next one is wanted, so that all that it gives back is in use again
/// before it has said that it is done.
#[test]
fn what_came_while_a_piece_was_spilled_is_spilled_in_turn() {
    let dir = Scratch::new("spilled-in-turn");
    let made = make("f", 2 << 20, &[("f", 2 << 20)]);
    // 48 buffers for downloads, while the piece has 128 blocks.
    let mut rig = Rig::start(&DiskConfig { pool_bytes: 1 << 20, ..DiskConfig::default() });
    rig.open(&made, Place::download(&dir.0, dir.join("state")));
    let ((ring, rung), (go_on, waiting)) = (mpsc::channel(), mpsc::channel::<()>());
    let waiting = Mutex::new(waiting);
    rig.disk.set_waker(Arc::new(move || {
        let _ = ring.send(());
        let _ = waiting.lock().unwrap().recv();
    }));
    let mut held_up = false;
    for at in made.blocks(0) {
        let mut data = loop {
            if let Some(buffer) = rig.disk.alloc(at.len as usize) {
                break buffer;
            }
            if std::mem::replace(&mut held_up, true) {
                go_on.send(()).unwrap();
            }
            rung.recv_timeout(Duration::from_secs(60)).expect("a buffer within a minute");
        };
        data.as_mut().copy_from_slice(made.data(at));
        rig.submit([Job::Write { torrent: T, at, data }]);
    }
    drop(go_on);
    while rig.seen.is_empty() {
        rung.recv_timeout(Duration::from_secs(60)).expect("a verdict within a minute");
        rig.disk.poll(&mut rig.seen);
    }
    assert!(rig.piece(0));
    made.assert_whole(&dir.0);
}
