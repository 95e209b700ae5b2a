//! A storage that has everything or nothing, for the real engine (own design), and the torrent that goes with it.
#![allow(dead_code, clippy::unwrap_used)] // each test takes what it needs; helpers of tests are tests

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};
use teem_engine::storage::Storage;
use teem_metainfo::{Info, Limits};
use teem_swarm::job::{Done, Facts, Job, Verdict};
use teem_swarm::selection::Selection;

use super::content;

pub(crate) const PIECES: u32 = 24;
pub(crate) const PIECE_LEN: u32 = 256 * 1024;

pub(crate) type Pieces = Arc<Mutex<BTreeMap<u32, BTreeMap<u32, Vec<u8>>>>>;

/// Has everything or nothing, keeps what is written, and finds every piece right that is whole.
pub(crate) struct Whole {
    full: bool,
    pub(crate) pieces: Pieces,
    done: Vec<Done<Vec<u8>>>,
    wake: Option<Arc<dyn Fn() + Send + Sync>>,
}

impl Whole {
    pub(crate) fn new(full: bool) -> Self {
        Self { full, pieces: Pieces::default(), done: Vec::new(), wake: None }
    }

    fn answer(&mut self, job: Job<Vec<u8>>) -> Option<Done<Vec<u8>>> {
        Some(match job {
            Job::Open { torrent, .. } => {
                let have = if self.full { (0..PIECES).collect() } else { Vec::new() };
                Done::Opened { torrent, have, check: Vec::new(), facts: Facts::default(), selection: Selection::all() }
            }
            Job::Write { torrent, at, data } => {
                let mut pieces = self.pieces.lock().unwrap();
                let blocks = pieces.entry(at.piece).or_default();
                assert!(blocks.insert(at.begin, data).is_none(), "{at:?} came twice");
                if blocks.values().map(Vec::len).sum::<usize>() < PIECE_LEN as usize {
                    return None;
                }
                Done::Piece { torrent, piece: at.piece, verdict: Verdict::Right, digests: Vec::new() }
            }
            Job::Read { torrent, reader, at } => Done::Block { torrent, reader, at, data: content(at) },
            Job::Sync { torrent, .. } => Done::Synced { torrent },
            Job::Close { torrent, .. } => Done::Closed { torrent },
            other => panic!("{other:?} is not needed here"),
        })
    }
}

impl Storage for Whole {
    type Block = Vec<u8>;
    fn alloc(&mut self, len: usize) -> Option<Vec<u8>> {
        Some(vec![0; len])
    }
    fn submit(&mut self, jobs: &mut VecDeque<Job<Vec<u8>>>) {
        for job in jobs.drain(..) {
            let answer = self.answer(job);
            self.done.extend(answer);
        }
        if let Some(wake) = &self.wake {
            wake();
        }
    }
    fn poll(&mut self, done: &mut Vec<Done<Vec<u8>>>) {
        done.append(&mut self.done);
    }
    fn set_waker(&mut self, wake: Arc<dyn Fn() + Send + Sync>) {
        self.wake = Some(wake);
    }
}

pub(crate) fn info() -> Arc<Info> {
    let mut raw =
        format!("d6:lengthi{}e4:name1:x12:piece lengthi{PIECE_LEN}e6:pieces", PIECES * PIECE_LEN).into_bytes();
    raw.extend_from_slice(format!("{}:", PIECES * 20).as_bytes());
    raw.resize(raw.len() + PIECES as usize * 20, 7);
    raw.push(b'e');
    Arc::new(Info::parse(&raw, &Limits::default()).unwrap())
}
