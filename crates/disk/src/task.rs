//! What workers are given to do, and what they give back (own design).
use crate::lane::Barrier;
use crate::piece::Assembly;
use crate::pool::Block;
use crate::torrent::Torrent;
use std::sync::Arc;
use std::time::{Duration, Instant};
use teem_metainfo::TorrentKey;
use teem_swarm::ids::TorrentId;
use teem_swarm::job::{Done, Reader};
use teem_wire::peer::block::BlockRef;

/// A piece whose blocks are all there.
pub(crate) struct Ready {
    pub(crate) torrent: Arc<Torrent>,
    pub(crate) piece: u32,
    pub(crate) assembly: Assembly,
    pub(crate) seq: u64,
}

/// Something to do.
pub(crate) enum Task {
    Pieces(Vec<Ready>),
    Spill { torrent: Arc<Torrent>, piece: u32, blocks: Vec<(u32, Block)> },
    Reads { torrent: Arc<Torrent>, reads: Vec<(Reader, BlockRef)> },
    Check { torrent: Arc<Torrent>, pieces: Vec<u32>, quiet: bool },
    Barrier { id: TorrentId, torrent: Option<Arc<Torrent>>, barrier: Barrier },
    Metadata { id: TorrentId, key: TorrentKey, bytes: Vec<u8> },
    LookForSpace { torrent: Arc<Torrent>, needed: u64 },
}

/// What a task keeps busy, as far as is known without touching it: a medium that hangs holds the workers of its own tasks and no others.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Device {
    /// No file is touched.
    None,
    /// The device that an open torrent's folder lies on.
    Number(u32),
    /// A torrent that is not open, by its folder.
    Folder(u64),
    /// One of which not even that was told.
    Torrent(TorrentId),
}

/// A task that runs.
pub(crate) struct Ticket {
    pub(crate) owed: Owed,
    pub(crate) device: Device,
}

/// What has to be given back when a task is done.
pub(crate) enum Owed {
    Pieces(Vec<(TorrentId, u32, u64)>, usize),
    Spill(TorrentId, u32, u64, usize),
    Reads(TorrentId, usize),
    Check(u64),
    Barrier(TorrentId),
    Metadata,
    Space,
}

impl Owed {
    /// Whether it may last as long as the medium likes.
    pub(crate) fn is_slow(&self) -> bool {
        matches!(self, Self::Barrier(_) | Self::Metadata)
    }

    /// Whether it keeps a core busy.
    pub(crate) fn hashes(&self) -> bool {
        matches!(self, Self::Pieces(..) | Self::Check(_))
    }
}

/// What comes out at once: answers, and buffers to be dropped outside the lock.
#[derive(Default)]
pub(crate) struct Outbox {
    /// To jobs that took a credit.
    pub(crate) answers: Vec<Done<Block>>,
    /// Answers that no job took a credit for.
    pub(crate) told: Vec<Done<Block>>,
    pub(crate) blocks: Vec<Block>,
    pub(crate) assemblies: Vec<Assembly>,
}

/// A disk that has no room for a torrent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Trouble {
    /// Bytes that have to be free before downloading goes on.
    pub(crate) needed: u64,
    /// When to look again.
    pub(crate) next: Instant,
    /// The time between two looks.
    pub(crate) every: Duration,
}

/// Pieces to be hashed as they lie on the disk.
pub(crate) struct CheckRun {
    pub(crate) torrent: Arc<Torrent>,
    pub(crate) pieces: Vec<u32>,
    pub(crate) next: usize,
    pub(crate) under_way: usize,
    pub(crate) quiet: bool,
}
