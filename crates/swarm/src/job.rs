//! What is asked of the disk, and what it answers (own design; hashes of BEP 3, metadata of BEP 9).
//!
//! Jobs of one piece run first in, first out; `Sync`, `Open`, `Select` and `Close` are barriers within a torrent; answers come in
//! any order. Each job but `Forget` and `Select` is answered exactly once, except that writes are answered together, by the
//! piece: when every block of a piece has been written the piece is hashed and one [`Done::Piece`] comes.
use crate::ids::{ConnId, ReadId, TorrentId};
use crate::selection::Selection;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use teem_metainfo::{Info, TorrentKey};
use teem_wire::peer::block::BlockRef;
use teem_wire::peer::handshake::PeerId;

/// Work for the disk.
#[derive(Debug)]
pub enum Job<B> {
    /// Loads saved state, looks at the files and says which pieces are there: answered by `Opened` or `Failed`.
    /// Where the files lie was told to the disk beforehand, under the torrent's id.
    Open {
        /// The torrent whose content it concerns.
        torrent: TorrentId,
        /// The torrent's metadata.
        info: Arc<Info>,
        /// Which of its files are wanted: the others are not made. `None`: those that were when it was last open, or all.
        selection: Option<Selection>,
    },
    /// Other files are wanted from now on. Not answered, unless what was kept apart of a file cannot be put into its place: `Failed`,
    /// and the next `Sync` tries again.
    Select {
        /// The torrent whose content it concerns.
        torrent: TorrentId,
        /// Which files are wanted.
        selection: Selection,
    },
    /// Hashes these pieces as they lie on the disk; each is answered by a `Checked`, in any order.
    Check {
        /// The torrent whose content it concerns.
        torrent: TorrentId,
        /// Indices of the pieces, ascending.
        pieces: Vec<u32>,
    },
    /// Takes one block of a piece that is being downloaded. When the piece's last block is there: `Piece`.
    Write {
        /// The torrent whose content it concerns.
        torrent: TorrentId,
        /// Where the block lies; never given twice for the same piece unless `Forget` came between.
        at: BlockRef,
        /// The payload of the block.
        data: B,
    },
    /// Drops what has been taken of a piece, so that it can be downloaded anew. Not answered.
    Forget {
        /// The torrent whose content it concerns.
        torrent: TorrentId,
        /// Index of the piece.
        piece: u32,
    },
    /// Reads a block of a verified piece for a reader: `Block` or `ReadFailed`.
    Read {
        /// The torrent whose content it concerns.
        torrent: TorrentId,
        /// The reader of the block.
        reader: Reader,
        /// Where the block lies.
        at: BlockRef,
    },
    /// Makes every piece verified so far durable, then writes the saved state that claims them: `Synced` or `Failed`.
    Sync {
        /// The torrent whose content it concerns.
        torrent: TorrentId,
        /// What is to be remembered besides the pieces.
        facts: Facts,
    },
    /// Parses and validates a fetched info dictionary (BEP 9): `Metadata`.
    Metadata {
        /// The torrent whose content it concerns.
        torrent: TorrentId,
        /// What it has to hash to.
        key: TorrentKey,
        /// The bytes as peers sent them.
        bytes: Vec<u8>,
    },
    /// Syncs, saves and lets go of files and locks: `Closed`.
    Close {
        /// The torrent whose content it concerns.
        torrent: TorrentId,
        /// What is to be remembered besides the pieces; `None`: what is remembered already.
        facts: Option<Facts>,
    },
}

/// What a block is read for. All readers' blocks wait in one queue, and each reader has only few in it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Reader {
    /// A peer that has asked for it.
    Peer(ConnId),
    /// The owner of the torrent, which wants the content for itself.
    Local(ReadId),
}

/// Why the owner of a torrent does not get a block that it wanted to read.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum ReadError {
    /// The torrent is not there.
    NoTorrent,
    /// There is no such range, or its piece is not verified yet.
    NotThere,
    /// As many reads are under way as may be: to be tried again when one of them has been answered.
    Busy,
    /// The disk cannot read it, or it changed since it was verified.
    Disk(DiskError),
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoTorrent => f.write_str("the torrent is not there"),
            Self::NotThere => f.write_str("this part of the content is not verified yet"),
            Self::Busy => f.write_str("too many reads are under way; try again when one of them has ended"),
            Self::Disk(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for ReadError {}

/// What outlives a run besides the pieces.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Facts {
    /// Payload bytes sent, over all runs.
    pub uploaded: u64,
    /// Payload bytes received, over all runs.
    pub downloaded: u64,
    /// Trackers (by URL) that have acknowledged `completed` (BEP 3), at most 100.
    pub completed_at: Vec<String>,
    /// Whether the torrent was complete when these facts were written.
    pub complete: bool,
    /// Peers worth dialling again, at most 200, as text `ip:port`.
    pub peers: Vec<String>,
    /// Pieces that have left this holder whole, as a bitfield (BEP 3, high bit first); empty when nothing was counted.
    pub out: Vec<u8>,
    /// Pieces that were on their way to a peer whom this source had shown them, at most 1,000: a peer that comes again gets them again.
    pub granted: Vec<(PeerId, u32)>,
}

/// The digest by which blocks of a piece that failed are told apart (smart ban): the first 16 bytes of a hash.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct BlockDigest(pub [u8; 16]);

/// What the hash of a downloaded piece has shown.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// The piece is what it should be.
    Right,
    /// The piece is not what it should be.
    Wrong {
        /// The blocks among which the fault lies, by number and ascending. A hash over the whole piece (SHA-1) cannot tell them apart:
        /// all of them.
        bad_blocks: Vec<u32>,
    },
}

impl Verdict {
    /// Whether the piece is what it should be.
    pub fn is_right(&self) -> bool {
        matches!(self, Self::Right)
    }
}

/// The disk's answers.
#[derive(Debug)]
pub enum Done<B> {
    /// Saved state and files have been looked at.
    Opened {
        /// The torrent of the job.
        torrent: TorrentId,
        /// Pieces that are claimed and need no check, ascending.
        have: Vec<u32>,
        /// Pieces that may be there and have to be hashed first, ascending.
        check: Vec<u32>,
        /// What was remembered.
        facts: Facts,
        /// What is wanted: as it was asked for, else as it was when the torrent was last open, else everything.
        selection: Selection,
    },
    /// One piece of a `Check` (or of a piece found damaged later).
    Checked {
        /// The torrent of the job.
        torrent: TorrentId,
        /// Index of the piece.
        piece: u32,
        /// Whether it hashes right.
        ok: bool,
    },
    /// A downloaded piece has been assembled, hashed and, when right, written.
    Piece {
        /// The torrent of the job.
        torrent: TorrentId,
        /// Index of the piece.
        piece: u32,
        /// What its hash has shown. When it is wrong, its blocks are forgotten.
        verdict: Verdict,
        /// A digest for each block in order, when it hashes wrong, or when it is right after it was wrong before; else empty.
        digests: Vec<BlockDigest>,
    },
    /// A block for a reader.
    Block {
        /// The torrent of the job.
        torrent: TorrentId,
        /// The reader of the block.
        reader: Reader,
        /// Where the block lies.
        at: BlockRef,
        /// The payload of the block.
        data: B,
    },
    /// A block for a reader could not be read, or its piece is not what it was.
    ReadFailed {
        /// The torrent of the job.
        torrent: TorrentId,
        /// The reader of the block.
        reader: Reader,
        /// Where the block lies.
        at: BlockRef,
        /// What went wrong.
        error: DiskError,
    },
    /// Everything verified before the `Sync` is durable and claimed in the saved state.
    Synced {
        /// The torrent of the job.
        torrent: TorrentId,
    },
    /// Fetched metadata, judged.
    Metadata {
        /// The torrent of the job.
        torrent: TorrentId,
        /// The metadata, or what is wrong with it in a sentence.
        result: Result<Arc<Info>, String>,
        /// Whether the bytes hash to the info-hash: if not, the peers that sent them are to blame; if they do and `result` is an error, the torrent is.
        hash_ok: bool,
    },
    /// `Open` failed: the torrent cannot start.
    OpenFailed {
        /// The torrent of the job.
        torrent: TorrentId,
        /// What went wrong.
        error: DiskError,
    },
    /// A `Write` failed: what was taken of the piece is forgotten.
    WriteFailed {
        /// The torrent of the job.
        torrent: TorrentId,
        /// The piece whose write failed.
        piece: u32,
        /// What went wrong.
        error: DiskError,
    },
    /// `Sync` or `Close` failed: what was verified since the last one is not claimed.
    SyncFailed {
        /// The torrent of the job.
        torrent: TorrentId,
        /// What went wrong.
        error: DiskError,
    },
    /// A `Check` cannot read, a `Select` cannot put a file into its place, or there is too little space for what is missing.
    Trouble {
        /// The torrent that it concerns.
        torrent: TorrentId,
        /// What went wrong.
        error: DiskError,
    },
    /// Something about the files that the user should know, and that is no trouble.
    Remark {
        /// The torrent that it concerns.
        torrent: TorrentId,
        /// The sentence, ready to be printed.
        text: String,
    },
    /// After trouble with space: there is room again, downloading may go on.
    Recovered {
        /// The torrent of the job.
        torrent: TorrentId,
    },
    /// Files and locks are let go.
    Closed {
        /// The torrent of the job.
        torrent: TorrentId,
    },
}

/// What kind of trouble the disk is in; the policy differs by kind, the words are for the user.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum DiskErrorKind {
    /// No space (or quota): stop downloading, keep seeding, go on after `Recovered`.
    NoSpace,
    /// Another process holds this content.
    Locked,
    /// Files are there that nobody has state for and in which nothing verifies.
    Occupied,
    /// A file is missing, shorter, or changed since it was verified.
    Changed,
    /// The path is a folder, a device, or leads outside through a symbolic link.
    BadPath,
    /// Permission denied or a read-only file system.
    Denied,
    /// The medium failed.
    Io,
    /// A fault of this program in what it did for one torrent, which ends that; the message is what the panic said.
    Fault,
}

impl DiskErrorKind {
    /// One word for scripts.
    pub fn word(self) -> &'static str {
        match self {
            Self::NoSpace => "no_space",
            Self::Locked => "locked",
            Self::Occupied => "occupied",
            Self::Changed => "changed",
            Self::BadPath => "bad_path",
            Self::Denied => "denied",
            Self::Io => "io",
            Self::Fault => "fault",
        }
    }
}

/// Trouble with the disk: a kind for the program, a sentence for the person.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DiskError {
    /// For the policy.
    pub kind: DiskErrorKind,
    /// For the user: what happened, where, what to do.
    pub message: String,
}

impl fmt::Display for DiskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl core::error::Error for DiskError {}
