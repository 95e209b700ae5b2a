//! What one task does for one torrent, with a wall around it (own design): a panic there is an error of that torrent's disk, of the kind
//! that ends the torrent, and the task answers for it as for any other. What panics outside of these walls ends the disk.
//!
//! Invariant: behind the wall nothing is owed. Locks let go without their poison, buffers go back to the pool when they are dropped, and
//! credits and tickets are given back by those who call this.
use teem_swarm::job::{DiskError, DiskErrorKind};

/// Does this; a panic is its error.
pub(crate) fn contained<T>(work: impl FnOnce() -> Result<T, DiskError>) -> Result<T, DiskError> {
    teem_fault::contain(work).unwrap_or_else(|what| Err(fault(what)))
}

/// What a panic said, as an error.
pub(crate) fn fault(what: String) -> DiskError {
    DiskError { kind: DiskErrorKind::Fault, message: what }
}
