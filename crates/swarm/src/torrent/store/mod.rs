//! What the disk still owes us (own design): pieces to be hashed at the beginning or again, verified pieces that are not durable, and what
//! outlives the run.
pub(super) mod durability;
mod regain;

use super::content::Content;
use crate::bitfield::Bitfield;
use crate::job::{DiskError, DiskErrorKind, Facts};
use crate::time::Time;
use alloc::boxed::Box;
use alloc::vec::Vec;
use durability::Durability;
use regain::Regain;

/// Pieces that lie on the disk and have to be hashed.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct Checks {
    /// Those still to be hashed.
    left: u32,
    /// How many there were.
    all: u32,
}

/// The content is hashed again because its owner asked.
#[derive(Debug)]
struct Recheck {
    /// The pieces that were verified before.
    had: Bitfield,
    /// Those that the disk has not told of yet.
    left: Bitfield,
}

/// What is stored.
#[derive(Debug, Default)]
pub(super) struct Store {
    durability: Durability,
    checks: Checks,
    /// What earlier runs left.
    before: Facts,
    recheck: Option<Box<Recheck>>,
    /// What a publisher misses.
    regain: Regain,
    /// It is to be hashed again as soon as it is known what is there.
    recheck_wanted: bool,
    /// Want of space that was found while checking: it counts from the download's beginning on.
    ahead: Option<DiskError>,
}

impl Store {
    /// The disk has told what earlier runs left, and how many pieces have to be hashed.
    pub(super) fn opened(&mut self, before: Facts, checks: u32) {
        (self.before, self.checks) = (before, Checks { left: checks, all: checks });
    }

    /// All is hashed again; these pieces were verified before.
    pub(super) fn begin_recheck(&mut self, had: Bitfield, pieces: u32) {
        (self.checks, self.recheck_wanted) = (Checks { left: pieces, all: pieces }, false);
        self.recheck = Some(Box::new(Recheck { had, left: Bitfield::full(pieces) }));
        self.regain = Regain::default();
    }

    /// All is to be hashed again as soon as it is known what is there.
    pub(super) fn want_recheck(&mut self) {
        self.recheck_wanted |= self.recheck.is_none();
    }

    /// Whether all is to be hashed again now that it is known what is there.
    pub(super) fn wants_recheck(&self) -> bool {
        self.recheck_wanted
    }

    /// Whether all is being hashed again, or will be.
    pub(super) fn is_rechecking(&self) -> bool {
        self.recheck_wanted || self.recheck.is_some()
    }

    /// Whether all is being hashed again, and nothing has been told of this piece.
    pub(super) fn is_rechecking_piece(&self, piece: u32) -> bool {
        self.recheck.as_ref().is_some_and(|recheck| recheck.left.get(piece))
    }

    /// All has been hashed again, if it was; how many pieces that were there are so no more.
    pub(super) fn end_recheck(&mut self, have: &Bitfield) -> Option<u32> {
        let recheck = self.recheck.take()?;
        Some(recheck.had.iter_without(have).count() as u32)
    }

    /// A piece was hashed; whether it was the last that is waited for.
    pub(super) fn checked(&mut self, piece: u32) -> bool {
        if let Some(recheck) = &mut self.recheck
            && !recheck.left.clear(piece)
        {
            return false; // found damaged besides
        }
        let some = self.checks.left > 0;
        self.checks.left = self.checks.left.saturating_sub(1);
        some && self.checks.left == 0
    }

    /// A piece of a publisher is not there as it should be: it is looked for again.
    pub(super) fn lost(&mut self, now: Time, piece: u32) {
        self.regain.lost(now, piece);
    }

    /// When a publisher looks for what it misses.
    pub(super) fn regain_deadline(&self) -> Option<Time> {
        self.regain.deadline()
    }

    /// The pieces to be looked for now.
    pub(super) fn look_for_lost(&mut self, now: Time) -> Vec<u32> {
        self.regain.due(now)
    }

    /// A piece was hashed; whether nothing is missed any more by that.
    pub(super) fn regained(&mut self, now: Time, piece: u32, ok: bool) -> bool {
        self.regain.checked(now, piece, ok)
    }

    /// Whether pieces have still to be hashed.
    pub(super) fn is_checking(&self) -> bool {
        self.checks.left > 0
    }

    /// Pieces hashed so far, of how many.
    pub(super) fn progress(&self) -> (u32, u32) {
        (self.checks.all - self.checks.left, self.checks.all)
    }

    /// Payload bytes sent and received in earlier runs.
    pub(super) fn before(&self) -> (u64, u64) {
        (self.before.uploaded, self.before.downloaded)
    }

    /// A piece was verified.
    pub(super) fn verified(&mut self, now: Time, bytes: u64) {
        self.durability.verified(now, bytes);
    }

    /// All is to be made durable soon.
    pub(super) fn ask(&mut self) {
        self.durability.ask();
    }

    /// Whether the disk owes us nothing: no piece is to be hashed, looked for or made durable.
    pub(super) fn is_idle(&self) -> bool {
        self.durability.is_idle() && self.checks.left == 0 && !self.is_rechecking() && self.regain.deadline().is_none()
    }

    /// When the next sync is due.
    pub(super) fn deadline(&self) -> Option<Time> {
        self.durability.deadline()
    }

    /// Whether a sync is due; it is taken to begin.
    pub(super) fn begin_sync(&mut self, now: Time, complete: bool) -> bool {
        let due = self.durability.deadline().is_some_and(|at| at <= now);
        if due {
            self.durability.begin(complete);
        }
        due
    }

    /// A sync is done; whether the torrent was complete when it began, and nothing waits for the next one.
    pub(super) fn synced(&mut self) -> bool {
        self.durability.done()
    }

    /// The sync that was running has failed.
    pub(super) fn sync_failed(&mut self, now: Time) {
        self.durability.failed(now);
    }

    /// There was trouble while checking: want of space is remembered, the rest shows itself again.
    pub(super) fn remember_trouble(&mut self, error: &DiskError) {
        self.ahead = Some(error.clone()).filter(|e| e.kind == DiskErrorKind::NoSpace);
    }

    /// Trouble that was found while checking and is not over.
    pub(super) fn take_trouble(&mut self) -> Option<DiskError> {
        self.ahead.take()
    }

    /// Whether what is to be hashed and what waits to be made durable can be so.
    pub(super) fn check(&self, content: &Content) -> Result<(), &'static str> {
        if self.checks.left > self.checks.all || self.checks.all > content.pieces() {
            return Err("more pieces are to be hashed than there are");
        }
        if self.recheck.as_ref().is_some_and(|recheck| recheck.left.count() != self.checks.left) {
            return Err("other pieces are hashed again than are waited for");
        }
        self.durability.check()
    }
}
