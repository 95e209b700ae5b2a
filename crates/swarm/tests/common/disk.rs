//! A disk that keeps a bit per block: whether it is right. It asserts its side of the contract of `job`.
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use teem_metainfo::Info;
use teem_swarm::job::{BlockDigest, DiskError, DiskErrorKind, Done, Facts, Job};
use teem_swarm::selection::Selection;
use teem_wire::peer::block::{BLOCK_LEN, BlockRef};

/// Payload: what it should be, and whether it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Block {
    pub at: BlockRef,
    pub good: bool,
}

pub struct Disk {
    info: Arc<Info>,
    start: Vec<u32>,
    /// What outlives a run.
    pub facts: Facts,
    /// What was wanted in an earlier run.
    pub selection: Selection,
    verified: BTreeSet<u32>,
    begun: BTreeMap<u32, BTreeMap<u32, bool>>,
    failed: BTreeSet<u32>,
    /// Pieces that fit; further writes fail for want of space.
    pub room: usize,
    /// So many of the next writes fail with an error of the medium.
    pub bad_writes: usize,
    /// Times that a piece has been judged wrong.
    pub failures: usize,
    pub syncs: usize,
}

impl Disk {
    pub fn new(info: Arc<Info>, start: Vec<u32>) -> Self {
        Self {
            info,
            start,
            facts: Facts::default(),
            selection: Selection::all(),
            verified: BTreeSet::new(),
            begun: BTreeMap::new(),
            failed: BTreeSet::new(),
            room: usize::MAX,
            bad_writes: 0,
            failures: 0,
            syncs: 0,
        }
    }

    /// One that remembers something of an earlier run besides the pieces.
    pub fn remembering(info: Arc<Info>, start: Vec<u32>, (facts, selection): (Facts, Selection)) -> Self {
        Self { facts, selection, ..Self::new(info, start) }
    }

    /// A piece is damaged.
    pub fn forget(&mut self, piece: u32) {
        self.verified.remove(&piece);
    }

    pub fn work(&mut self, job: Job<Block>) -> Vec<Done<Block>> {
        match job {
            Job::Open { torrent, selection, .. } => {
                self.verified = self.start.iter().copied().collect();
                let (have, check) = (self.start.clone(), Vec::new());
                let selection = selection.unwrap_or_else(|| self.selection.clone());
                vec![Done::Opened { torrent, have, check, facts: self.facts.clone(), selection }]
            }
            Job::Check { torrent, pieces } => {
                pieces.into_iter().map(|piece| Done::Checked { torrent, piece, ok: true }).collect()
            }
            Job::Write { torrent, at, data } => self.write(torrent, at, data),
            Job::Select { .. } => Vec::new(),
            Job::Forget { piece, .. } => {
                self.begun.remove(&piece);
                Vec::new()
            }
            Job::Read { torrent, conn, at } => {
                assert!(self.verified.contains(&at.piece), "only verified pieces are read");
                vec![Done::Block { torrent, conn, at, data: Block { at, good: true } }]
            }
            Job::Sync { torrent, facts } => {
                self.syncs += 1;
                self.facts = facts;
                vec![Done::Synced { torrent }]
            }
            Job::Metadata { torrent, .. } => {
                vec![Done::Metadata { torrent, result: Ok(self.info.clone()), hash_ok: true }]
            }
            Job::Close { torrent, facts } => {
                self.facts = facts;
                vec![Done::Closed { torrent }]
            }
        }
    }

    fn write(&mut self, torrent: teem_swarm::ids::TorrentId, at: BlockRef, data: Block) -> Vec<Done<Block>> {
        if self.verified.len() >= self.room {
            self.begun.remove(&at.piece);
            let error = DiskError { kind: DiskErrorKind::NoSpace, message: "needs 1 MiB, has none".into() };
            return vec![Done::Failed { torrent, piece: Some(at.piece), opening: false, error }];
        }
        if self.bad_writes > 0 {
            self.bad_writes -= 1;
            self.begun.remove(&at.piece);
            let error = DiskError { kind: DiskErrorKind::Io, message: "cannot write: I/O error".into() };
            return vec![Done::Failed { torrent, piece: Some(at.piece), opening: false, error }];
        }
        assert_eq!(data.at, at, "the payload is what was said");
        assert!(!self.verified.contains(&at.piece), "a verified piece is not written again");
        let size = self.info.piece_size(at.piece);
        let begun = self.begun.entry(at.piece).or_default();
        assert!(begun.insert(at.begin, data.good).is_none(), "block {at:?} given twice");
        if begun.len() as u32 != size.div_ceil(BLOCK_LEN) {
            return Vec::new();
        }
        let blocks: Vec<bool> = self.begun.remove(&at.piece).unwrap().into_values().collect();
        let ok = blocks.iter().all(|good| *good);
        let tell = !ok || self.failed.contains(&at.piece);
        if ok {
            self.verified.insert(at.piece);
        } else {
            self.failed.insert(at.piece);
            self.failures += 1;
        }
        let digest = |(i, good): (usize, &bool)| BlockDigest([(i as u8) << 1 | u8::from(*good); 16]);
        let blocks = if tell { blocks.iter().enumerate().map(digest).collect() } else { Vec::new() };
        vec![Done::Piece { torrent, piece: at.piece, ok, blocks }]
    }
}
