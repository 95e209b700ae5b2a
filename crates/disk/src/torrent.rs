//! One open torrent as the workers share it (own design): its files, and what is known of its pieces.
//!
//! Invariants: a piece is `verified` only after all of it hashed right and was handed to the file system; `durable` is a
//! subset of it, reached by a successful sync only. A piece that is `suspect` is hashed again before a byte of it leaves.
//! A file that was seen to change makes all its verified pieces suspect.
use crate::bits::Bits;
use crate::content::Content;
use crate::files::Files;
use crate::folders::Kept;
use crate::fs::Stat;
use crate::hole::Zeros;
use crate::mailbox::Mailbox;
use crate::part::Parts;
use crate::place::Place;
use crate::served::Served;
use crate::state::{CHUNK, Saved};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;
use teem_swarm::ids::TorrentId;
use teem_swarm::job::Done;

/// An open torrent.
pub(crate) struct Torrent {
    pub(crate) id: TorrentId,
    /// By which telling of its place it was opened.
    pub(crate) told: u64,
    pub(crate) content: Content,
    pub(crate) place: Place,
    pub(crate) root: Kept,
    pub(crate) files: Arc<Files>,
    mailbox: Arc<Mailbox>,
    pub(crate) parts: Parts,
    pub(crate) zeros: Zeros,
    /// What times are counted from.
    pub(crate) opened: Instant,
    marks: Mutex<Marks>,
    served: Mutex<Served>,
    /// All files have been looked at since the last piece was lost or something else was wanted.
    pub(crate) looked_last: AtomicBool,
    /// One for each file, and one for the part file.
    pub(crate) seen: Vec<Mutex<Seen>>,
    touched: Mutex<Touched>,
    saved: Mutex<Saved>,
    /// Turns at writing, by file: the kernel lets one write into a file at a time, and a second would spin meanwhile.
    turns: [Mutex<()>; TURNS],
}

/// Files that share a turn at writing do not matter; enough that many small files are written side by side.
const TURNS: usize = 8;

/// What is known of the pieces.
#[derive(Default)]
pub(crate) struct Marks {
    /// Hashed right, and in the file system.
    pub(crate) verified: Bits,
    /// Verified, and on the medium for good.
    pub(crate) durable: Bits,
    /// What the sync that runs makes durable, as far as it lies as it did when that began.
    pub(crate) syncing: Bits,
    /// Verified once, in a file that changed since: to be hashed before it is served or claimed.
    pub(crate) suspect: Bits,
    /// May be there, to be checked: a run that ends before they are checked must not forget them.
    pub(crate) doubtful: Bits,
    /// Written before a sync that failed: the medium may have lost them, so they are written again before they are claimed.
    pub(crate) tainted: Bits,
    /// Hashed wrong in this run; their blocks' digests are reported once when they come right.
    pub(crate) failed: BTreeSet<u32>,
}

/// What is known of one file.
#[derive(Default)]
pub(crate) struct Seen {
    /// As it was when last looked at or written by us.
    pub(crate) stat: Option<Stat>,
    /// Writes of ours under way: while there are any, its times mean nothing.
    pub(crate) writers: u16,
    /// Whether it has been made, with its folders and its length.
    pub(crate) prepared: bool,
    /// When its path was last looked at, in milliseconds since the torrent was opened.
    pub(crate) looked: Option<u32>,
    /// Its edges lie in the part file, because it is not wanted or was not.
    pub(crate) apart: bool,
}

/// Files that something is to be done for, so that nobody has to look at all of them. The part file counts as one.
#[derive(Default)]
pub(crate) struct Touched {
    /// Written since the last sync.
    pub(crate) dirty: BTreeSet<usize>,
    /// Made in this run, and their names not durable yet.
    pub(crate) born: BTreeSet<usize>,
    /// Chunks of files of which one is not as the saved state says.
    pub(crate) unsaved: BTreeSet<u32>,
}

impl Torrent {
    /// `told` is the number of the telling by which it was opened.
    pub(crate) fn new(
        (id, told): (TorrentId, u64),
        content: Content,
        place: Place,
        root: Kept,
        (files, mailbox): (Arc<Files>, Arc<Mailbox>),
        parts: Parts,
        saved: Saved,
    ) -> Self {
        let n = content.piece_count();
        let marks = Marks {
            verified: Bits::new(n),
            durable: Bits::new(n),
            syncing: Bits::new(n),
            suspect: Bits::new(n),
            doubtful: Bits::new(n),
            tainted: Bits::new(n),
            failed: BTreeSet::new(),
        };
        let seen = (0..=content.info.files().len()).map(|_| Mutex::new(Seen::default())).collect();
        Self {
            id,
            told,
            content,
            place,
            root,
            files,
            mailbox,
            parts,
            zeros: Zeros::default(),
            opened: Instant::now(),
            marks: Mutex::new(marks),
            served: Mutex::default(),
            looked_last: AtomicBool::new(false),
            seen,
            touched: Mutex::default(),
            saved: Mutex::new(saved),
            turns: Default::default(),
        }
    }

    pub(crate) fn marks(&self) -> MutexGuard<'_, Marks> {
        self.marks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `file` is an index of the torrent's own files, or the slot of the part file.
    pub(crate) fn seen(&self, file: usize) -> MutexGuard<'_, Seen> {
        self.seen[file].lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn touched(&self) -> MutexGuard<'_, Touched> {
        self.touched.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A file is left otherwise than the saved state says. To be called after that can be seen.
    pub(crate) fn unsaved(&self, file: usize) {
        self.touched().unsaved.insert((file / CHUNK) as u32);
    }

    /// Held while a file is written to.
    pub(crate) fn turn(&self, file: usize) -> MutexGuard<'_, ()> {
        self.turns[file % TURNS].lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn saved(&self) -> MutexGuard<'_, Saved> {
        self.saved.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn served(&self) -> MutexGuard<'_, Served> {
        self.served.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Nothing is to be written: no file, folder or journal is held until something is.
    pub(crate) fn rest(&self) {
        self.files.close(self.id);
        self.root.rest();
        self.saved().rest();
    }

    /// Says something that the user should know.
    pub(crate) fn remark(&self, text: String) {
        self.mailbox.tell([Done::Remark { torrent: self.id, text }]);
    }

    /// A piece is right, and the file system has it.
    pub(crate) fn confirm(&self, piece: u32) {
        let mut marks = self.marks();
        marks.verified.insert(piece);
        marks.suspect.remove(piece);
        marks.doubtful.remove(piece);
    }

    /// A file has content of which nobody knows whether it is durable; nor is its name known to be.
    pub(crate) fn lies(&self, slot: usize) {
        let mut touched = self.touched();
        touched.dirty.insert(slot);
        touched.born.insert(slot);
    }

    /// A piece is not what it was, or not there.
    pub(crate) fn deny(&self, piece: u32) {
        self.looked_last.store(false, Ordering::Relaxed);
        let mut marks = self.marks();
        marks.verified.remove(piece);
        marks.moved(piece);
        marks.suspect.remove(piece);
        marks.doubtful.remove(piece);
        marks.tainted.remove(piece);
    }
}

impl Marks {
    /// A sync begins: what is verified and not doubted now is durable afterwards.
    pub(crate) fn begin_sync(&mut self) {
        self.syncing = self.verified.clone();
        for piece in self.suspect.iter() {
            self.syncing.remove(piece);
        }
    }

    /// It has come to a good end.
    pub(crate) fn end_sync(&mut self) {
        for piece in self.syncing.iter().filter(|&piece| self.verified.has(piece) && !self.suspect.has(piece)) {
            self.durable.insert(piece);
        }
    }

    /// A sync has failed: the medium may have lost whatever was not durable.
    pub(crate) fn taint(&mut self) {
        for piece in self.verified.iter().filter(|&piece| !self.durable.has(piece)) {
            self.tainted.insert(piece);
        }
    }

    /// The bytes of a piece are, or are about to be, others than those that are durable.
    pub(crate) fn moved(&mut self, piece: u32) {
        self.durable.remove(piece);
        self.syncing.remove(piece);
    }
}
