//! Content held against its torrent (BEP 3): which files are missing, of another length or damaged, and where.
//! Nothing is written; links are followed as when content is served (`root`).
//!
//! A piece can span files. When a part of it is known to be missing, only the file that lacks it is blamed; when all is there
//! and the hash is wrong, every file that the piece touches is named, because nobody can tell which it is.
use crate::content::Content;
use crate::error::explain;
use crate::fs::{Access, Fs as _};
use crate::look::Pass;
use crate::place::Place;
use crate::root::RealFs;
use crate::sweep::{Fault, Reader, Sweep};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::ops::{ControlFlow, Range};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use teem_metainfo::{Extent, Info, PieceHash, Version};

/// What was found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Report {
    /// Number of pieces of the torrent.
    pub pieces: u32,
    /// Those that are not there, or not right; ascending.
    pub bad_pieces: Vec<u32>,
    /// Whether everything is there, right, and nothing more in the files.
    pub whole: bool,
    /// The files that are not as they should be, in the order of the torrent.
    pub damaged: Vec<Damaged>,
}

/// A file that is not as it should be.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Damaged {
    /// Its index in the torrent.
    pub file: usize,
    /// Its path beneath the place's folder, as text to be shown.
    pub path: String,
    /// What is wrong.
    pub problem: Problem,
    /// The bytes of the file that lie in bad pieces: ascending, apart, none beyond the file's length in the torrent.
    pub ranges: Vec<Range<u64>>,
}

/// What is wrong with a file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Problem {
    /// It is not there.
    Missing,
    /// It ends early.
    Short {
        /// Its length, in bytes.
        have: u64,
    },
    /// It goes on after its end; its content may be right or not, as `ranges` say.
    Long {
        /// Its length, in bytes.
        have: u64,
    },
    /// It has the right length, and pieces in it are wrong.
    Damaged,
    /// It cannot be read; a sentence that says why.
    Unreadable(String),
}

/// Why content could not be verified at all.
#[derive(Debug)]
pub enum VerifyError {
    /// `stop` was set.
    Stopped,
    /// The torrent has hashes of version 2 only (BEP 52).
    V2Only,
    /// The folder cannot be opened.
    Folder {
        /// The folder that was to be opened.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
}

/// What is known of a file before its pieces are hashed.
enum Look {
    Missing,
    Short(u64),
    Long(u64),
    Unreadable(String),
}

/// Holds the content in `place` against `info`, with `threads` workers (all cores if none). Of the place, `folder` and `name`
/// count; files that do not go by their safe names are looked for under the torrent's own. `done` counts bytes of the piece
/// space up to `info.total()`.
pub fn verify(
    info: &Arc<Info>,
    place: &Place,
    threads: Option<usize>,
    done: &AtomicU64,
    stop: &AtomicBool,
) -> Result<Report, VerifyError> {
    if info.version() == Version::V2 {
        return Err(VerifyError::V2Only);
    }
    let root = RealFs.folder(&place.folder, false);
    let root = root.map_err(|error| VerifyError::Folder { path: place.folder.clone(), error })?;
    let place = Place { read_only: true, ..place.clone() };
    let seen = RefCell::new(Pass::new(&*root));
    let is_folder = |path: &Path| root.below(path).is_none_or(|below| below.is_ok());
    let content = Content::new(Arc::clone(info), &place, |path| seen.borrow_mut().identity(path), is_folder);
    // Only what is not as it should be: of a million files most are.
    let mut looks: BTreeMap<usize, Look> = BTreeMap::new();
    let mut pass = Pass::new(&*root);
    for file in content.stored() {
        let path = content.path(file.index).unwrap_or_default();
        let look = match pass.stat(&path) {
            Ok(Some(stat)) if stat.len < file.len => Look::Short(stat.len),
            Ok(Some(stat)) if stat.len > file.len => Look::Long(stat.len),
            Ok(Some(_)) => continue,
            Ok(None) => Look::Missing,
            Err(e) => Look::Unreadable(explain(&e, "read", &place.folder.join(path)).message),
        };
        looks.insert(file.index, look);
    }
    // Pieces of which a part is not there need no hashing.
    let lacks = |e: &Extent| match looks.get(&e.file) {
        Some(Look::Missing | Look::Unreadable(_)) => true,
        Some(Look::Short(have)) => e.offset + u64::from(e.len) > *have,
        _ => false,
    };
    let mut bad: BTreeMap<u32, Vec<Extent>> = BTreeMap::new();
    let mut hashed = Vec::new();
    for piece in 0..content.piece_count() {
        let blamed: Vec<Extent> = content.extents(piece).filter(lacks).collect();
        if blamed.is_empty() {
            hashed.push(piece);
        } else {
            done.fetch_add(info.piece_size(piece).into(), Ordering::Relaxed);
            bad.insert(piece, blamed);
        }
    }
    let reader = Reader::new(info.layout(), Arc::clone(&root), Access::Read, |file| content.path(file));
    let read = |piece: u32, begin: u32, buffer: &mut [u8]| {
        reader.read(piece, begin, buffer, |_, _| Ok::<(), Fault>(()))?;
        done.fetch_add(buffer.len() as u64, Ordering::Relaxed);
        Ok(())
    };
    let blank = |piece: u32| {
        let blank = reader.is_blank(piece);
        done.fetch_add(if blank { info.piece_size(piece).into() } else { 0 }, Ordering::Relaxed);
        blank
    };
    let mut told = bad.len();
    let mut faults: BTreeMap<usize, String> = BTreeMap::new();
    Sweep { layout: info.layout(), pieces: &hashed, threads, stop }.run(blank, read, |piece, digest| {
        told += 1;
        match digest {
            Ok(digest) if info.piece_hash(piece) == Some(PieceHash::Sha1(digest)) => {}
            Ok(_) => _ = bad.insert(piece, content.extents(piece).collect()),
            Err(Fault { file, error }) => {
                bad.insert(piece, content.extents(piece).filter(|e| e.file == file).collect());
                let path = place.folder.join(content.path(file).unwrap_or_default());
                faults.entry(file).or_insert_with(|| explain(&error, "read", &path).message);
            }
        }
        ControlFlow::Continue(())
    });
    if told < content.piece_count() as usize {
        return Err(VerifyError::Stopped);
    }
    let ranges = ranges(&bad);
    let mut damaged = Vec::new();
    for file in content.stored() {
        let ranges = ranges.get(&file.index).cloned().unwrap_or_default();
        let problem = match (faults.remove(&file.index), looks.remove(&file.index)) {
            (Some(why), _) | (None, Some(Look::Unreadable(why))) => Problem::Unreadable(why),
            (None, Some(Look::Missing)) => Problem::Missing,
            (None, Some(Look::Short(have))) => Problem::Short { have },
            (None, Some(Look::Long(have))) => Problem::Long { have },
            (None, _) if !ranges.is_empty() => Problem::Damaged,
            _ => continue,
        };
        let path = content.path(file.index).unwrap_or_default().display().to_string();
        damaged.push(Damaged { file: file.index, path, problem, ranges });
    }
    let bad_pieces: Vec<u32> = bad.into_keys().collect();
    let whole = damaged.is_empty() && bad_pieces.is_empty();
    Ok(Report { pieces: content.piece_count(), bad_pieces, whole, damaged })
}

/// The blamed extents by file, those that touch joined.
fn ranges(bad: &BTreeMap<u32, Vec<Extent>>) -> BTreeMap<usize, Vec<Range<u64>>> {
    let mut all: BTreeMap<usize, Vec<Range<u64>>> = BTreeMap::new();
    for extent in bad.values().flatten() {
        let ranges = all.entry(extent.file).or_default();
        let end = extent.offset + u64::from(extent.len);
        match ranges.last_mut() {
            Some(last) if last.end == extent.offset => last.end = end,
            _ => ranges.push(extent.offset..end),
        }
    }
    all
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("missing"),
            Self::Short { have } => write!(f, "too short, it has {have} bytes"),
            Self::Long { have } => write!(f, "too long, it has {have} bytes"),
            Self::Damaged => f.write_str("damaged"),
            Self::Unreadable(why) => f.write_str(why),
        }
    }
}

impl fmt::Display for VerifyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stopped => f.write_str("verifying was stopped before its end"),
            Self::V2Only => f.write_str(
                "this torrent has hashes of version 2 only, which are not supported yet; \
                 use its version 1 or a hybrid one, if there is any",
            ),
            Self::Folder { path, error } => {
                write!(f, "cannot open the folder {}: {error}; name the folder that holds the content", path.display())
            }
        }
    }
}

impl std::error::Error for VerifyError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Folder { error, .. } => Some(error),
            _ => None,
        }
    }
}
