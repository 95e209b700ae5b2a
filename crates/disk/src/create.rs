//! Hashing files for a new torrent (BEP 3): the plain way, one piece after the other.
use sha1::{Digest, Sha1};
use std::fmt;
use std::io::{self, Read};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::SystemTime;

/// One file.
#[derive(Clone, Debug)]
pub struct HashFile {
    /// Where it lies.
    pub path: PathBuf,
    /// Bytes.
    pub length: u64,
    /// When it was last written.
    pub modified: SystemTime,
}

/// What is to be hashed.
#[derive(Clone, Debug)]
pub struct HashJob {
    /// Files in the torrent's order.
    pub files: Vec<HashFile>,
    /// Bytes of a piece.
    pub piece_length: u32,
    /// Threads; `None` is one a core.
    pub threads: Option<usize>,
}

/// Why hashing ended early.
#[derive(Debug)]
pub enum HashError {
    /// It was told to.
    Stopped,
    /// A file cannot be read, or is not what was listed.
    File(PathBuf, io::Error),
}

impl fmt::Display for HashError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stopped => f.write_str("stopped"),
            Self::File(path, e) => write!(f, "{}: {e}", path.display()),
        }
    }
}

impl std::error::Error for HashError {}

/// The SHA-1 of each piece, in order.
pub fn hash_pieces(
    job: &HashJob,
    done: &AtomicU64,
    stop: &AtomicBool,
    _known: Vec<Option<[u8; 20]>>,
    _keep: &mut dyn FnMut(&[Option<[u8; 20]>]),
) -> Result<Vec<[u8; 20]>, HashError> {
    let (mut pieces, mut piece, mut fill) = (Vec::new(), Sha1::new(), 0_u32);
    let mut buffer = vec![0; 64 << 10];
    for file in &job.files {
        let fail = |e| HashError::File(file.path.clone(), e);
        let mut reader = std::fs::File::open(&file.path).map_err(fail)?;
        let mut left = file.length;
        while left > 0 {
            if stop.load(Ordering::Relaxed) {
                return Err(HashError::Stopped);
            }
            let want = left.min(buffer.len() as u64).min(u64::from(job.piece_length - fill)) as usize;
            reader.read_exact(&mut buffer[..want]).map_err(fail)?;
            piece.update(&buffer[..want]);
            (left, fill) = (left - want as u64, fill + want as u32);
            done.fetch_add(want as u64, Ordering::Relaxed);
            if fill == job.piece_length {
                pieces.push(std::mem::take(&mut piece).finalize().into());
                fill = 0;
            }
        }
    }
    if fill > 0 {
        pieces.push(piece.finalize().into());
    }
    Ok(pieces)
}
