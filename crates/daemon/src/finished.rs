//! What is told of a torrent that is done (own design).
use std::path::PathBuf;

/// A torrent that was downloaded, with every wanted byte on the disk for good, where it stays.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Done {
    /// Its name: text from outside.
    pub name: String,
    /// The file or folder that its content is.
    pub path: PathBuf,
    /// The folder that holds that.
    pub folder: PathBuf,
    /// The 20 bytes that peers know it by, in hexadecimal digits.
    pub info_hash: String,
    /// Bytes of the files that are wanted.
    pub size: u64,
    /// Words of its owner's.
    pub labels: Vec<String>,
}
