//! Jobs that change where content lies, or that it does (own design): a move or another name, and its removal. Each has its torrent for itself, as a barrier
//! has, and a record in the saved state of how far it has come, so that it is gone on with after a kill or a power cut at any moment.
//!
//! Invariants: all that was verified lies whole in the place that the record names, or can be brought there by renaming alone; what is not the
//! torrent's own is neither changed nor written over nor removed; no link is followed.
mod clear;
mod copy;
mod outcome;
mod record;
mod relocate;
mod watch;

pub use outcome::{JobFailed, Where};
pub use watch::Watch;

use crate::containment::contained;
use crate::disk::DiskHandle;
use crate::place::Place;
use crate::shared::Shared;
use crate::state::{forget_stem, stem_of};
use crate::worker::deliver;
use record::Record;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use teem_metainfo::{Info, InfoHash};
use teem_swarm::ids::TorrentId;
use teem_swarm::job::{DiskError, DiskErrorKind};

/// How long a torrent that is being closed is waited for: a medium may be slow, and one that hangs has its own sentence.
const CLOSED_MAX: Duration = Duration::from_secs(60);

/// A job that an earlier run has left.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Pending {
    /// A move: to be begun again by [`DiskHandle::relocate`] before the torrent is opened.
    Move {
        /// Where the content lay, or lies in part.
        from: Where,
        /// Where it goes.
        to: Where,
        /// Whether all lies there already.
        placed: bool,
    },
    /// A removal: to be gone on with by [`DiskHandle::clear`].
    Clear,
}

impl Pending {
    /// The job in a record of [`Kind::Job`](crate::Kind::Job), if that is whole.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        Some(match Record::decode(bytes)? {
            Record::Move(moving) => {
                let placed = matches!(moving.stage, record::Stage::Placed(_));
                Self::Move { from: moving.from, to: moving.to, placed }
            }
            Record::Clear(_) => Self::Clear,
        })
    }
}

impl DiskHandle {
    /// Copies what a move to another file system has to copy, while the torrent may be open, as long as nothing is written to it: the move itself is
    /// short then. Where that fails nothing is left of it.
    pub fn stage(&self, info: &Arc<Info>, between: (&Place, &Place), watch: &Watch) -> Result<(), JobFailed> {
        may_change(between.0)?;
        caught(|| relocate::stage_open(self.shared(), info, between, watch))
    }

    /// Moves a torrent's content from one place to another, or gives it other names there, and its saved state with it. The torrent is closed by now or
    /// is being closed; nothing of it is opened meanwhile. Where it lies then is given, and is not always `to`: a move that an earlier run has left is ended first.
    ///
    /// The record of the move stays until [`DiskHandle::forget_job`], which is to be called once the place that was given is kept.
    pub fn relocate(
        &self,
        torrent: TorrentId,
        info: &Arc<Info>,
        (from, to): (&Place, &Place),
        watch: &Watch,
    ) -> Result<Where, JobFailed> {
        may_change(from)?;
        let shared = self.shared();
        let _fence = Fence::take(shared, torrent, watch, from)?;
        caught(|| relocate::relocate(shared, torrent, info, (from, to), watch))
    }

    /// Writes down which of a torrent's files are to be removed: those that the saved state knows as its own. From then on they are as good as gone: what
    /// [`DiskHandle::clear`] does not come to is done by the next run. The torrent is closed by now or is being closed.
    pub fn plan_to_clear(&self, torrent: TorrentId, info: &Arc<Info>, place: &Place) -> Result<(), JobFailed> {
        may_change(place)?;
        let shared = self.shared();
        let _fence = Fence::take(shared, torrent, &Watch::default(), place)?;
        caught(|| clear::plan(shared, info, place))
    }

    /// Removes the files that were written down, the folders of the torrent's that are empty then, and its saved state. Sentences about what was left.
    pub fn clear(&self, hash: InfoHash, state_dir: &Path) -> Result<Vec<String>, JobFailed> {
        caught(|| clear::clear(self.shared(), hash, state_dir))
    }

    /// Forgets what is saved of a torrent in a place. It is not open there.
    pub fn forget(&self, hash: InfoHash, place: &Place) -> io::Result<()> {
        let (shared, dir) = (self.shared(), &place.state_dir);
        let store = shared.store(dir)?;
        forget_stem(&*shared.fs, &*store, dir, &stem_of(&*shared.fs, hash, place)?)
    }

    /// A torrent that was being moved is no more: the hidden copies that were made of it go, and the record of the move with them. Its files stay where they
    /// lie.
    pub fn abandon_move(&self, hash: InfoHash, state_dir: &Path) -> io::Result<()> {
        relocate::abandon(self.shared(), hash, state_dir)
    }

    /// The owner has kept what came of a job: its record goes.
    pub fn forget_job(&self, hash: InfoHash, state_dir: &Path) -> io::Result<()> {
        let store = self.shared().store(state_dir)?;
        record::remove(&*store, hash)
    }
}

/// What is served as it lies is nobody's to move.
fn may_change(place: &Place) -> Result<(), JobFailed> {
    if !place.read_only {
        return Ok(());
    }
    let message = format!("{} is only served from where it lies: nothing there is changed", place.folder.display());
    Err(JobFailed::unchanged(DiskError { kind: DiskErrorKind::Denied, message }))
}

/// A fault of ours in a job is an error of it, and its record stands.
fn caught<T>(job: impl FnOnce() -> Result<T, JobFailed>) -> Result<T, JobFailed> {
    let done = contained(|| Ok(job()));
    done.unwrap_or_else(|error| Err(JobFailed::pending(error)))
}

/// A torrent that is kept from being opened.
struct Fence<'a>(&'a Shared, TorrentId);

impl<'a> Fence<'a> {
    fn take(shared: &'a Shared, torrent: TorrentId, watch: &Watch, place: &Place) -> Result<Self, JobFailed> {
        let until = Instant::now() + CLOSED_MAX;
        if shared.queue.hold(torrent, || watch.ended().is_none() && Instant::now() < until) {
            return Ok(Self(shared, torrent));
        }
        let message = format!("{} is still being written to; try again later", place.folder.display());
        Err(JobFailed::unchanged(DiskError { kind: DiskErrorKind::Locked, message }))
    }
}

impl Drop for Fence<'_> {
    fn drop(&mut self) {
        deliver(self.0, self.0.queue.let_on(self.1));
    }
}
