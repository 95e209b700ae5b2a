//! A disk with a torrent on it, for tests: content from a seed, jobs in, answers awaited.
#![allow(dead_code, clippy::unwrap_used, clippy::format_push_string, clippy::format_collect)] // each test file uses a part of it
pub(crate) mod seeds;

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;
use teem_disk::fs::Fs;
use teem_disk::{Block, Database, Disk, DiskConfig, DiskHandle, Place};
use teem_engine::storage::Storage;
use teem_metainfo::{Info, InfoHash, Limits};
use teem_swarm::ids::{ConnId, TorrentId};
use teem_swarm::job::{Done, Facts, Job, Reader};
use teem_swarm::selection::Selection;
use teem_wire::peer::block::{BLOCK_LEN, BlockRef};

pub(crate) const T: TorrentId = TorrentId(7);

/// A folder that is removed when dropped.
pub(crate) struct Scratch(pub(crate) PathBuf);

impl Scratch {
    pub(crate) fn new(name: &str) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let n = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("teem-disk-{name}-{}-{n}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(crate) fn join(&self, path: &str) -> PathBuf {
        self.0.join(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Content, and the metadata that describes it.
pub(crate) struct Made {
    pub(crate) bytes: Vec<u8>,
    pub(crate) files: Vec<(String, usize, usize)>,
    pub(crate) info: Arc<Info>,
}

/// Pseudo-random bytes; the same seed gives the same.
pub(crate) fn noise(seed: u64, len: usize) -> Vec<u8> {
    let mut x = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut out = Vec::with_capacity(len + 8);
    while out.len() < len {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        out.extend_from_slice(&x.to_le_bytes());
    }
    out.truncate(len);
    out
}

/// A torrent of these files; a path that begins with `.pad` is padding. One file without a slash is a single-file torrent
/// when `name` is empty.
pub(crate) fn make(name: &str, piece_length: usize, files: &[(&str, usize)]) -> Made {
    use sha1::Digest;
    let mut bytes = Vec::new();
    let mut list = Vec::new();
    let mut coded = String::new();
    for &(path, len) in files {
        let pad = path.starts_with(".pad");
        list.push((path.to_owned(), bytes.len(), len));
        bytes.extend(if pad { vec![0; len] } else { noise(len as u64 + bytes.len() as u64 * 31 + 1, len) });
        let parts: String = path.split('/').map(|p| format!("{}:{p}", p.len())).collect();
        let attr = if pad { "4:attr1:p" } else { "" };
        coded += &format!("d{attr}6:lengthi{len}e4:pathl{parts}ee");
    }
    let mut raw = if name.is_empty() {
        let (path, len) = files[0];
        format!("d6:lengthi{len}e4:name{}:{path}12:piece lengthi{piece_length}e", path.len())
    } else {
        format!("d5:filesl{coded}e4:name{}:{name}12:piece lengthi{piece_length}e", name.len())
    }
    .into_bytes();
    let hashes: Vec<u8> = bytes.chunks(piece_length).flat_map(|p| sha1::Sha1::digest(p).to_vec()).collect();
    raw.extend(format!("6:pieces{}:", hashes.len()).into_bytes());
    raw.extend(hashes);
    raw.push(b'e');
    let info = Arc::new(Info::parse(&raw, &Limits::FILE).unwrap());
    Made { bytes, files: list, info }
}

impl Made {
    pub(crate) fn hash(&self) -> InfoHash {
        self.info.key().wire()
    }

    pub(crate) fn pieces(&self) -> u32 {
        self.info.piece_count()
    }

    pub(crate) fn blocks(&self, piece: u32) -> Vec<BlockRef> {
        let size = self.info.piece_size(piece);
        (0..size)
            .step_by(BLOCK_LEN as usize)
            .map(|begin| BlockRef { piece, begin, len: (size - begin).min(BLOCK_LEN) })
            .collect()
    }

    pub(crate) fn data(&self, at: BlockRef) -> &[u8] {
        let from = at.piece as usize * self.info.piece_length() as usize + at.begin as usize;
        &self.bytes[from..from + at.len as usize]
    }

    /// Writes all content beneath `folder`.
    pub(crate) fn put(&self, folder: &Path) {
        for (path, at, len) in self.stored() {
            let path = self.path(folder, path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, &self.bytes[at..at + len]).unwrap();
        }
    }

    pub(crate) fn stored(&self) -> impl Iterator<Item = (&str, usize, usize)> {
        self.files.iter().filter(|(p, ..)| !p.starts_with(".pad")).map(|(p, a, l)| (p.as_str(), *a, *l))
    }

    pub(crate) fn path(&self, folder: &Path, file: &str) -> PathBuf {
        if self.info.is_single_file() { folder.join(file) } else { folder.join(self.info.name()).join(file) }
    }

    /// Panics unless all content lies beneath `folder`.
    pub(crate) fn assert_whole(&self, folder: &Path) {
        for (path, at, len) in self.stored() {
            let data = std::fs::read(self.path(folder, path)).unwrap();
            assert!(data == self.bytes[at..at + len], "{path} differs");
        }
    }
}

/// A running disk.
pub(crate) struct Rig {
    pub(crate) disk: Disk,
    pub(crate) handle: DiskHandle,
    rung: mpsc::Receiver<()>,
    pub(crate) seen: Vec<Done<Block>>,
    /// What was wanted when the torrent was opened last.
    pub(crate) wanted: Selection,
}

impl Rig {
    pub(crate) fn start(config: &DiskConfig) -> Self {
        Self::of(Disk::start(config))
    }

    pub(crate) fn on(config: &DiskConfig, fs: Arc<dyn Fs>) -> Self {
        Self::of(Disk::start_on(config, fs))
    }

    /// On a file system where all saved state lies in one database.
    pub(crate) fn on_database(config: &DiskConfig, fs: Arc<dyn Fs>) -> Self {
        let opened = Database::open(&*fs, Path::new("/state"), "teem.redb").expect("a database");
        assert!(opened.remarks.is_empty(), "{:?}", opened.remarks);
        Self::of(Disk::start_with(config, fs, Some(Arc::new(opened.database))))
    }

    /// One that was started.
    pub(crate) fn of((mut disk, handle): (Disk, DiskHandle)) -> Self {
        let (ring, rung) = mpsc::channel();
        disk.set_waker(Arc::new(move || _ = ring.send(())));
        Self { disk, handle, rung, seen: Vec::new(), wanted: Selection::all() }
    }

    pub(crate) fn submit(&mut self, jobs: impl IntoIterator<Item = Job<Block>>) {
        let mut jobs: VecDeque<_> = jobs.into_iter().collect();
        loop {
            self.disk.submit(&mut jobs);
            if jobs.is_empty() {
                return;
            }
            self.pump();
        }
    }

    fn pump(&mut self) {
        self.disk.poll(&mut self.seen);
        if self.seen.is_empty() {
            self.rung.recv_timeout(Duration::from_secs(60)).expect("an answer within a minute");
            self.disk.poll(&mut self.seen);
        }
    }

    /// Waits for the first answer that `pick` likes and takes it out.
    pub(crate) fn wait<R>(&mut self, mut pick: impl FnMut(&Done<Block>) -> Option<R>) -> R {
        loop {
            for i in 0..self.seen.len() {
                if let Some(found) = pick(&self.seen[i]) {
                    self.seen.remove(i);
                    return found;
                }
            }
            let before = self.seen.len();
            self.disk.poll(&mut self.seen);
            if self.seen.len() == before {
                self.rung.recv_timeout(Duration::from_secs(60)).expect("an answer within a minute");
            }
        }
    }

    /// Opens the torrent at `place`; which pieces are there, and which to check, or why not.
    pub(crate) fn try_open(&mut self, made: &Made, place: Place) -> Result<(Vec<u32>, Vec<u32>), String> {
        self.try_open_some(made, place, None)
    }

    /// The same, with only some of the files wanted.
    pub(crate) fn try_open_some(
        &mut self,
        made: &Made,
        place: Place,
        selection: impl Into<Option<Selection>>,
    ) -> Result<(Vec<u32>, Vec<u32>), String> {
        let selection = selection.into();
        self.handle.place(T, place);
        self.submit([Job::Open { torrent: T, info: Arc::clone(&made.info), selection }]);
        let (have, check, wanted) = self.wait(|done| match done {
            Done::Opened { have, check, selection, .. } => Some(Ok((have.clone(), check.clone(), selection.clone()))),
            Done::OpenFailed { error, .. } => Some(Err(format!("{:?}: {error}", error.kind))),
            _ => None,
        })?;
        self.wanted = wanted;
        Ok((have, check))
    }

    pub(crate) fn open(&mut self, made: &Made, place: Place) -> (Vec<u32>, Vec<u32>) {
        self.try_open(made, place).unwrap()
    }

    /// Opens, checks what is to be checked, and gives all pieces that are there.
    pub(crate) fn open_checked(&mut self, made: &Made, place: Place) -> Vec<u32> {
        let (mut have, check) = self.open(made, place);
        have.extend(self.check(&check));
        have.sort_unstable();
        have
    }

    /// Closes and opens anew, then checks.
    pub(crate) fn open_checked_again(&mut self, made: &Made, place: &Place) -> Vec<u32> {
        self.close(Facts::default());
        self.open_checked(made, place.clone())
    }

    pub(crate) fn check(&mut self, pieces: &[u32]) -> Vec<u32> {
        self.submit([Job::Check { torrent: T, pieces: pieces.to_vec() }]);
        let answer = |done: &Done<Block>| match done {
            Done::Checked { piece, ok, .. } => Some((*piece, *ok)),
            _ => None,
        };
        let verdicts: Vec<_> = pieces.iter().map(|_| self.wait(answer)).collect();
        verdicts.into_iter().filter_map(|(piece, ok)| ok.then_some(piece)).collect()
    }

    /// Submits one block; waits for a buffer if there is none.
    pub(crate) fn block(&mut self, at: BlockRef, data: &[u8]) {
        let mut buffer = loop {
            match self.disk.alloc(at.len as usize) {
                Some(buffer) => break buffer,
                None => self.rung.recv_timeout(Duration::from_secs(60)).expect("a buffer within a minute"),
            }
        };
        buffer.as_mut().copy_from_slice(data);
        self.submit([Job::Write { torrent: T, at, data: buffer }]);
    }

    pub(crate) fn write(&mut self, made: &Made, piece: u32) {
        for at in made.blocks(piece) {
            self.block(at, made.data(at));
        }
    }

    /// Waits for the verdict on a downloaded piece.
    pub(crate) fn piece(&mut self, wanted: u32) -> bool {
        self.wait(|done| match done {
            Done::Piece { piece, verdict, .. } if *piece == wanted => Some(verdict.is_right()),
            Done::WriteFailed { error, .. } | Done::SyncFailed { error, .. } | Done::Trouble { error, .. } => {
                panic!("{error}")
            }
            _ => None,
        })
    }

    pub(crate) fn download(&mut self, made: &Made, pieces: impl IntoIterator<Item = u32>) {
        for piece in pieces {
            self.write(made, piece);
            assert!(self.piece(piece));
        }
    }

    pub(crate) fn read(&mut self, at: BlockRef) -> Result<Vec<u8>, String> {
        self.submit([Job::Read { torrent: T, reader: Reader::Peer(ConnId(1)), at }]);
        self.wait(|done| match done {
            Done::Block { at: got, data, .. } if *got == at => Some(Ok(data.as_ref().to_vec())),
            Done::ReadFailed { at: got, error, .. } if *got == at => Some(Err(error.message.clone())),
            _ => None,
        })
    }

    pub(crate) fn sync(&mut self) -> Result<(), String> {
        self.submit([Job::Sync { torrent: T, facts: Facts::default() }]);
        self.wait(|done| match done {
            Done::Synced { .. } => Some(Ok(())),
            Done::SyncFailed { error, .. } | Done::Trouble { error, .. } => Some(Err(error.message.clone())),
            _ => None,
        })
    }

    pub(crate) fn close(&mut self, facts: Facts) {
        self.submit([Job::Close { torrent: T, facts: Some(facts) }]);
        self.wait(|done| matches!(done, Done::Closed { .. }).then_some(()));
    }
}
