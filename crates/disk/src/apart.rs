//! Where a file's bytes lie now: under its own name, or at its edges in the part file (own design; `part` says where there).
//!
//! Invariant: a file is `apart` only from when it was not wanted and not there, until its edges lie in their place; that changes only
//! in barriers that wait for all other work.
use crate::content::Stored;
use crate::fs::{Folder, Stat};
use crate::part::Spot;
use crate::state::{Claims, Record};
use crate::torrent::Torrent;
use std::io;
use std::path::PathBuf;
use std::sync::PoisonError;
use teem_metainfo::Extent;

impl Torrent {
    /// The slot of the part file.
    pub(crate) fn part_slot(&self) -> usize {
        self.content.info.files().len()
    }

    /// Where an extent lies now; `None` for pads and links, which lie nowhere.
    pub(crate) fn spot(&self, extent: &Extent) -> Option<Spot> {
        if extent.pad {
            return None;
        }
        let own = Spot { slot: extent.file, offset: extent.offset };
        if !self.seen(extent.file).apart {
            return Some(own);
        }
        let offset = self.parts.offset(&self.content.info, extent);
        Some(offset.map_or(own, |offset| Spot { slot: self.part_slot(), offset }))
    }

    /// Beneath the folder: the path of a file, or of the part file by its slot.
    pub(crate) fn path(&self, slot: usize) -> PathBuf {
        self.content.path(slot).unwrap_or_else(|| self.parts.path.clone())
    }

    /// The whole of it, to be told.
    pub(crate) fn whole_path(&self, slot: usize) -> PathBuf {
        self.place.folder.join(self.path(slot))
    }

    /// Whether there can be anything of an extent: only the edges of a file that is kept apart are kept.
    pub(crate) fn is_kept(&self, extent: &Extent) -> bool {
        !self.seen(extent.file).apart || self.parts.offset(&self.content.info, extent).is_some()
    }

    /// How a file was when it was last looked at. One that is kept apart is as the part file is.
    pub(crate) fn stat_of(&self, file: usize) -> Option<Stat> {
        if !self.seen(file).apart {
            return self.seen(file).stat;
        }
        let len = self.content.info.layout().span(file).map_or(0, |span| span.end - span.start);
        self.seen(self.part_slot()).stat.map(|stat| Stat { len, ..stat })
    }

    /// The same, to be saved; of the part file by its slot.
    pub(crate) fn record(&self, file: usize) -> Record {
        let Some(seen) = self.seen.get(file) else { return Record::Missing };
        let seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.apart { Record::Apart } else { Record::own(seen.stat) }
    }

    /// The files that are kept apart.
    pub(crate) fn files_apart(&self) -> impl Iterator<Item = Stored> + '_ {
        self.content.stored().filter(|file| self.seen(file.index).apart)
    }

    /// The files that are kept apart and should not be: those that are wanted, and those that have been begun under their own name.
    pub(crate) fn files_to_move(&self) -> impl Iterator<Item = Stored> + '_ {
        self.files_apart().filter(|file| self.parts.wants(file.index) || self.seen(file.index).stat.is_some())
    }

    /// Whether a file that is wanted is still kept apart: to be put in place before it is called complete.
    pub(crate) fn has_to_move(&self) -> bool {
        let part = self.seen(self.part_slot()).stat.is_some();
        part && self.files_to_move().next().is_some()
    }

    /// Looks for the part file when the torrent is opened. What is not wanted and not there is kept apart from now on, and what
    /// is wanted and not there may be in the part file of an earlier run.
    pub(crate) fn find_parts(&self) -> io::Result<()> {
        if self.place.read_only {
            return Ok(());
        }
        let stat = self.root.stat(&self.parts.path)?;
        self.seen(self.part_slot()).stat = stat;
        if stat.is_some() || !self.parts.wants_all() {
            self.set_apart(stat.is_some());
        }
        Ok(())
    }

    /// What lay in the part file when the state was saved lies there still, also where its own file has been begun since: the power may
    /// have gone while it was being put in place.
    pub(crate) fn recall_parts(&self, then: &Claims) {
        let part = self.seen(self.part_slot()).stat.filter(|part| part.inode != 0);
        if part.is_none_or(|part| then.part().is_none_or(|then| then.inode != part.inode)) {
            return;
        }
        for file in self.content.stored() {
            self.seen(file.index).apart |= then.files.get(file.index) == Some(&Record::Apart);
        }
    }

    /// A file is kept apart no longer.
    pub(crate) fn not_apart(&self, file: usize) {
        self.seen(file).apart = false;
        self.unsaved(file);
    }

    /// What is not there and not wanted (or, where that is said, whatever is not there) is kept apart from now on.
    pub(crate) fn set_apart(&self, wanted_too: bool) {
        for file in self.content.stored() {
            let mut seen = self.seen(file.index);
            let apart = seen.stat.is_none() && !seen.prepared && (wanted_too || !self.parts.wants(file.index));
            if apart && !std::mem::replace(&mut seen.apart, true) {
                drop(seen);
                self.unsaved(file.index);
            }
        }
    }
}
