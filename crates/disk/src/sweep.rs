//! Pieces read from files and hashed on all cores in lanes (own design): what creating and verifying have in common.
//!
//! Each worker takes as many pieces in a row as there are lanes and reads a chunk of each in turn, so that memory stays
//! the same however long pieces are. Files are opened beneath one folder and shared by the workers.
use crate::files::{Files, OPEN_MAX};
use crate::fs::{Access, File, Folder, read_full};
use crate::hash;
use crate::hole::Zeros;
use std::io::{self, IoSliceMut};
use std::num::NonZero;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::thread::{Builder, available_parallelism, scope};
use teem_metainfo::{Extent, Layout};
use teem_swarm::ids::TorrentId;

/// Bytes read of each piece at a time: enough for the medium to stream; with sixteen lanes a worker holds 2 MiB.
const CHUNK: usize = 128 << 10;

/// Bytes that a worker takes at once at least, when pieces are short, so that it reads runs.
const TURN_MIN: u64 = 4 << 20;

/// The files that pieces are read from. No file is known to any other part of the program, so one id names them all.
pub(crate) struct Reader<'a> {
    layout: &'a Layout,
    root: Arc<dyn Folder>,
    files: Files,
    access: Access,
    path: Box<dyn Fn(usize) -> Option<PathBuf> + Sync + 'a>,
}

/// A file that could not be read.
pub(crate) struct Fault {
    pub(crate) file: usize,
    pub(crate) error: io::Error,
}

impl<'a> Reader<'a> {
    /// `path` by the file indices of `layout`, beneath `root`; none for what is not stored.
    pub(crate) fn new(
        layout: &'a Layout,
        root: Arc<dyn Folder>,
        access: Access,
        path: impl Fn(usize) -> Option<PathBuf> + Sync + 'a,
    ) -> Self {
        Self { layout, root, files: Files::new(OPEN_MAX), access, path: Box::new(path) }
    }

    pub(crate) fn open(&self, file: usize) -> Result<Arc<dyn File>, Fault> {
        // What is not stored has a path that leads nowhere.
        let path = || (self.path)(file).unwrap_or_default();
        let opened = self.files.get((TorrentId(0), file), &*self.root, path, self.access);
        opened.map_err(|error| Fault { file, error })
    }

    /// Fills `buffer` with what lies at `begin` in the piece; padding is zeros. A file that ends early is an error. After a file was
    /// read it is shown to `after`.
    pub(crate) fn read<E: From<Fault>>(
        &self,
        piece: u32,
        begin: u32,
        mut buffer: &mut [u8],
        mut after: impl FnMut(usize, &dyn File) -> Result<(), E>,
    ) -> Result<(), E> {
        for extent in self.layout.extents(piece, begin, buffer.len() as u32) {
            let (part, rest) = buffer.split_at_mut(extent.len as usize);
            buffer = rest;
            if extent.pad {
                part.fill(0);
                continue;
            }
            let file = self.open(extent.file)?;
            let read = read_full(&*file, &mut [IoSliceMut::new(part)], extent.offset);
            let whole = read.and_then(|n| {
                if n == u64::from(extent.len) { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
            });
            whole.map_err(|error| Fault { file: extent.file, error })?;
            after(extent.file, &*file)?;
        }
        Ok(())
    }

    /// Whether a piece is known to be zeros because all of it lies in holes and padding.
    pub(crate) fn is_blank(&self, piece: u32) -> bool {
        let hole = |e: Extent| e.pad || self.open(e.file).is_ok_and(|file| file.is_hole(e.offset, e.len.into()));
        self.layout.extents(piece, 0, self.layout.piece_size(piece)).all(hole)
    }
}

/// How pieces are hashed.
pub(crate) struct Sweep<'a> {
    pub(crate) layout: &'a Layout,
    /// The pieces to be checked, ascending.
    pub(crate) pieces: &'a [u32],
    /// Workers; all cores if none.
    pub(crate) threads: Option<usize>,
    /// Set by anyone to end early; what is hashed by then is still told.
    pub(crate) stop: &'a AtomicBool,
}

impl Sweep<'_> {
    /// Hashes all pieces, read by `read(piece, begin, buffer)` unless `blank` knows that they are zeros, and tells of each as it is done, in any order, on the thread
    /// that called. Ends early when `tell` breaks.
    pub(crate) fn run<E: Send>(
        &self,
        blank: impl Fn(u32) -> bool + Sync,
        read: impl Fn(u32, u32, &mut [u8]) -> Result<(), E> + Sync,
        mut tell: impl FnMut(u32, Result<[u8; 20], E>) -> ControlFlow<()>,
    ) {
        let threads = self.threads.unwrap_or_else(|| available_parallelism().map_or(1, NonZero::get));
        let short = (TURN_MIN / u64::from(self.layout.piece_length().max(1))) as usize;
        let share = self.pieces.len().div_ceil(threads.max(1));
        let turn = hash::lanes().max(short).min(share).max(1);
        let (next, halt, zeros) = (AtomicUsize::new(0), AtomicBool::new(false), Zeros::default());
        let work = |results: mpsc::Sender<_>| {
            let mut scratch = Vec::new();
            let ended = || self.stop.load(Ordering::Relaxed) || halt.load(Ordering::Relaxed);
            while !ended() {
                let Some(group) = self.pieces.chunks(turn).nth(next.fetch_add(1, Ordering::Relaxed)) else { return };
                let (blanks, group): (Vec<u32>, Vec<u32>) = group.iter().partition(|&&piece| blank(piece));
                let blanks = blanks.into_iter().map(|piece| (piece, Ok(zeros.digest(self.layout.piece_size(piece)))));
                let sizes: Vec<u32> = group.iter().map(|&piece| self.layout.piece_size(piece)).collect();
                let digests = hash::sha1_streams_in(&mut scratch, &sizes, CHUNK, |i, begin, buffer| {
                    // No error of its own: the piece is just not done.
                    if ended() { Err(None) } else { read(group[i], begin, buffer).map_err(Some) }
                });
                let done = group.iter().zip(digests).filter_map(|(&piece, digest)| match digest {
                    Ok(digest) => Some((piece, Ok(digest))),
                    Err(error) => Some((piece, Err(error?))),
                });
                if results.send(blanks.chain(done).collect::<Vec<_>>()).is_err() {
                    return;
                }
            }
        };
        scope(|scope| {
            let (sender, receiver) = mpsc::channel();
            let mut running = 0;
            for _ in 0..threads.min(self.pieces.len().div_ceil(turn)) {
                let (results, work) = (sender.clone(), &work);
                running += usize::from(Builder::new().spawn_scoped(scope, move || work(results)).is_ok());
            }
            if running == 0 {
                // No thread is to be had: the work is done here, and told afterwards.
                work(sender.clone());
            }
            drop(sender);
            for (piece, result) in receiver.into_iter().flatten() {
                if !halt.load(Ordering::Relaxed) && tell(piece, result).is_break() {
                    halt.store(true, Ordering::Relaxed);
                }
            }
        });
    }
}
