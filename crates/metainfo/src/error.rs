//! Why a torrent is refused (BEP 3, 47, 52), in sentences for the person who wants it.

use core::fmt;

use teem_bencode::ViolationKind;

/// A refused metainfo file or info dictionary.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// Not bencoded, or beyond the limits of size and nesting.
    Bencode(teem_bencode::Error),
    /// Bencoded, but not a dictionary.
    NotADict,
    /// No info dictionary in the file.
    MissingInfo,
    /// The info dictionary has bytes that other clients would hash or read otherwise (BEP 3, "bencoding").
    NotCanonical {
        /// Offset in bytes.
        at: usize,
        /// What is wrong there.
        kind: ViolationKind,
    },
    /// The piece length is missing or not one that this version of torrents allows.
    BadPieceLength {
        /// In bytes; none if it is missing or no integer.
        value: Option<i64>,
    },
    /// No name, or one that is no text.
    BadName,
    /// A path that cannot be made safe.
    BadPath {
        /// Index of the file.
        file: usize,
    },
    /// The list of files is malformed, or both a list and a single length are given.
    BadFiles,
    /// A length is missing, negative or beyond 2^48 in sum.
    BadLength {
        /// Index of the file.
        file: usize,
    },
    /// The piece hashes are missing or no multiple of 20 bytes.
    BadPieces {
        /// Their size in bytes, if they are there.
        size: Option<usize>,
    },
    /// The number of piece hashes does not fit the size of the content.
    WrongPieceCount {
        /// Hashes that the content needs, one a piece.
        expected: u64,
        /// Hashes that stand there.
        found: u64,
    },
    /// More pieces than allowed.
    TooManyPieces {
        /// Pieces of the content.
        count: u64,
        /// The most pieces that are allowed.
        limit: u32,
    },
    /// Neither a file nor a list of files.
    NoFiles,
    /// More paths collide than can be sensibly renamed.
    TooManyDuplicates {
        /// The most paths that are renamed.
        limit: usize,
    },
    /// A path has more parts than allowed.
    PathTooDeep {
        /// Index of the file.
        file: usize,
        /// The most parts that a path may have.
        limit: usize,
    },
    /// The two halves of a hybrid torrent name different content (BEP 52, "Upgrade Path").
    V1V2Mismatch {
        /// Index of the first file that differs.
        file: usize,
    },
    /// The piece layer of a file is missing, of a wrong size, or does not hash to the file's root (BEP 52).
    BadPieceLayer {
        /// Index of the file.
        file: usize,
    },
    /// A file that is not empty has no root of 32 bytes (BEP 52).
    MissingPiecesRoot {
        /// Index of the file.
        file: usize,
    },
    /// A padding file where none belongs (BEP 47, BEP 52).
    BadPadFile {
        /// Index of the file.
        file: usize,
    },
    /// A version of the info dictionary that is not known.
    BadMetaVersion {
        /// What is said; none if it is no integer.
        value: Option<i64>,
    },
    /// A file tree without a version.
    NoMetaVersion,
    /// Version 2 without a file tree.
    NoFileTree,
}

impl Error {
    /// The case as one word that scripts can match on.
    pub fn class(&self) -> &'static str {
        match self {
            Self::Bencode(error) => error.class(),
            Self::NotADict => "not_a_dict",
            Self::MissingInfo => "missing_info",
            Self::NotCanonical { .. } => "not_canonical",
            Self::BadPieceLength { .. } => "bad_piece_length",
            Self::BadName => "bad_name",
            Self::BadPath { .. } => "bad_path",
            Self::BadFiles => "bad_files",
            Self::BadLength { .. } => "bad_length",
            Self::BadPieces { .. } => "bad_pieces",
            Self::WrongPieceCount { .. } => "wrong_piece_count",
            Self::TooManyPieces { .. } => "too_many_pieces",
            Self::NoFiles => "no_files",
            Self::TooManyDuplicates { .. } => "too_many_duplicate_names",
            Self::PathTooDeep { .. } => "path_too_deep",
            Self::V1V2Mismatch { .. } => "v1_v2_mismatch",
            Self::BadPieceLayer { .. } => "bad_piece_layer",
            Self::MissingPiecesRoot { .. } => "missing_pieces_root",
            Self::BadPadFile { .. } => "bad_pad_file",
            Self::BadMetaVersion { .. } => "bad_meta_version",
            Self::NoMetaVersion => "no_meta_version",
            Self::NoFileTree => "no_file_tree",
        }
    }
}

impl From<teem_bencode::Error> for Error {
    fn from(error: teem_bencode::Error) -> Self {
        Self::Bencode(error)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bencode(error) => write!(f, "this is not a torrent: {error}"),
            Self::NotADict => f.write_str("this is not a torrent: no dictionary"),
            Self::MissingInfo => f.write_str("this is not a torrent: it has no info dictionary"),
            Self::NotCanonical { at, kind } => {
                let what = match kind {
                    ViolationKind::UnsortedKey => "an unsorted key",
                    ViolationKind::DuplicateKey => "a key that stands twice",
                    ViolationKind::IntLeadingZero => "a number with a superfluous zero",
                    ViolationKind::LengthLeadingZero => "a string length with a superfluous zero",
                };
                write!(f, "the torrent is ambiguous: its info dictionary has {what} at byte {at}")
            }
            Self::BadPieceLength { value: Some(value) } => {
                write!(f, "the torrent's piece length of {value} bytes is not allowed")
            }
            Self::BadPieceLength { value: None } => f.write_str("the torrent has no piece length"),
            Self::BadName => f.write_str("the torrent has no usable name"),
            Self::BadPath { file } => write!(f, "the path of file {file} is missing or too long"),
            Self::BadFiles => f.write_str("the torrent's list of files is malformed"),
            Self::BadLength { file } => write!(f, "the length of file {file} is missing, negative or too large"),
            Self::BadPieces { size: Some(size) } => {
                write!(f, "the torrent's piece hashes are {size} bytes, which is no multiple of 20")
            }
            Self::BadPieces { size: None } => f.write_str("the torrent has no piece hashes"),
            Self::WrongPieceCount { expected, found } => {
                write!(f, "the torrent has {found} piece hashes, its content needs {expected}")
            }
            Self::TooManyPieces { count, limit } => {
                write!(f, "the torrent has {count} pieces, at most {limit} are allowed")
            }
            Self::NoFiles => f.write_str("the torrent has no files"),
            Self::TooManyDuplicates { limit } => {
                write!(f, "more than {limit} files of the torrent have colliding names")
            }
            Self::PathTooDeep { file, limit } => write!(f, "the path of file {file} has more than {limit} folders"),
            Self::V1V2Mismatch { file } => {
                write!(f, "the two versions in this hybrid torrent differ from file {file} on")
            }
            Self::BadPieceLayer { file } => write!(f, "the piece hashes of file {file} are missing or wrong"),
            Self::MissingPiecesRoot { file } => write!(f, "file {file} has no proper root hash"),
            Self::BadPadFile { file } => write!(f, "the padding at file {file} is wrong"),
            Self::BadMetaVersion { value: Some(value) } => {
                write!(f, "the torrent is of version {value}, only 1 and 2 are known")
            }
            Self::BadMetaVersion { value: None } => f.write_str("the torrent's version is no number"),
            Self::NoMetaVersion => f.write_str("the torrent has a file tree but no version"),
            Self::NoFileTree => f.write_str("the torrent is of version 2 but has no file tree"),
        }
    }
}

impl core::error::Error for Error {}
