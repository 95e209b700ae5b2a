//! Notes of what was written since the last state (own design): which pieces, and how their files were left. Appended
//! without a sync: a killed process leaves them behind because the system keeps them; after a power cut they may be gone
//! or torn, and nothing that they say is a claim.
use crate::fs::{File, Stat, write_full};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, IoSlice};
use std::sync::Arc;

/// Bytes of one note: piece, file, length, time, inode, checksum.
const NOTE_LEN: usize = 4 + 4 + 8 + 8 + 8 + 4;

/// Stands for "no piece": the file was written to, but nothing in it was verified.
const NO_PIECE: u32 = u32::MAX;

/// Bytes of notes that are read: as many as the largest torrent has pieces, twice.
pub(crate) const JOURNAL_MAX: u64 = 2 * 2_097_152 * NOTE_LEN as u64;

/// What the notes say.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Journaled {
    /// Pieces that were written.
    pub(crate) pieces: BTreeSet<u32>,
    /// Files as they were left, by index.
    pub(crate) files: BTreeMap<u32, Stat>,
}

/// The notes being taken.
pub(crate) struct Journal {
    file: Arc<dyn File>,
    len: u64,
}

impl Journal {
    /// Goes on behind what is there, so that nothing is lost before the next state.
    pub(crate) fn new(file: Arc<dyn File>) -> io::Result<Self> {
        let len = file.stat()?.len / NOTE_LEN as u64 * NOTE_LEN as u64;
        Ok(Self { file, len })
    }

    /// Notes that `piece` (or none) was written, and how its files were left.
    pub(crate) fn note(&mut self, piece: Option<u32>, files: impl Iterator<Item = (usize, Stat)>) -> io::Result<()> {
        let notes: Vec<u8> = files.flat_map(|(file, stat)| note(piece, file as u32, &stat)).collect();
        if self.len + notes.len() as u64 > JOURNAL_MAX {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        write_full(&*self.file, &mut [IoSlice::new(&notes)], self.len)?;
        self.len += notes.len() as u64;
        Ok(())
    }

    /// Whether the state holds all that was noted.
    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Begins anew: a state holds all that was noted.
    pub(crate) fn clear(&mut self) -> io::Result<()> {
        if self.len > 0 {
            self.file.set_len(0)?;
            self.len = 0;
        }
        Ok(())
    }
}

fn note(piece: Option<u32>, file: u32, stat: &Stat) -> [u8; NOTE_LEN] {
    let mut note = [0; NOTE_LEN];
    note[..4].copy_from_slice(&piece.unwrap_or(NO_PIECE).to_le_bytes());
    note[4..8].copy_from_slice(&file.to_le_bytes());
    note[8..16].copy_from_slice(&stat.len.to_le_bytes());
    note[16..24].copy_from_slice(&stat.mtime_ns.to_le_bytes());
    note[24..32].copy_from_slice(&stat.inode.to_le_bytes());
    let sum = checksum(&note[..32]);
    note[32..].copy_from_slice(&sum.to_le_bytes());
    note
}

/// Reads notes; those that are torn are skipped.
pub(crate) fn decode(bytes: &[u8]) -> Journaled {
    let mut out = Journaled::default();
    for note in bytes.as_chunks::<NOTE_LEN>().0 {
        let u32_at = |i: usize| u32::from_le_bytes([note[i], note[i + 1], note[i + 2], note[i + 3]]);
        let u64_at = |i: usize| u64::from(u32_at(i)) | u64::from(u32_at(i + 4)) << 32;
        if checksum(&note[..32]) != u32_at(32) {
            continue;
        }
        if u32_at(0) != NO_PIECE {
            out.pieces.insert(u32_at(0));
        }
        let stat = Stat { len: u64_at(8), mtime_ns: u64_at(16).cast_signed(), inode: u64_at(24), ..Stat::default() };
        out.files.insert(u32_at(4), stat);
    }
    out
}

/// FNV-1a: against torn notes, not against anybody. A note of zeros, as a hole reads, does not pass.
fn checksum(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x811c_9dc5, |sum, &b| (sum ^ u32::from(b)).wrapping_mul(0x0100_0193))
}
