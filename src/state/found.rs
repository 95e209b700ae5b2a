//! What is found to be imported, whoever kept it (own design).
use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use teem_daemon::Exported;

/// Bytes of what is kept of one torrent beside its .torrent: more the daemon does not take.
pub(super) const KEPT_MAX: u64 = 24 << 20;

/// What is to be imported: what it is called in a sentence, and what the daemon is asked for, or why it is not.
pub(super) struct Found {
    pub(super) name: String,
    pub(super) hash: Option<String>,
    pub(super) wanted: Result<Box<Exported>, String>,
}

/// All that a folder holds, read one after the other.
pub(super) type All = Box<dyn Iterator<Item = Found>>;

/// The bytes of a file of at most that many.
pub(super) fn bounded(path: &Path, max: u64) -> Result<Vec<u8>, String> {
    let failed = |e: std::io::Error| format!("{} cannot be read: {e}", path.display());
    let mut bytes = Vec::new();
    File::open(path).and_then(|file| file.take(max + 1).read_to_end(&mut bytes)).map_err(failed)?;
    if bytes.len() as u64 > max { Err(format!("{} has more than {max} bytes", path.display())) } else { Ok(bytes) }
}
