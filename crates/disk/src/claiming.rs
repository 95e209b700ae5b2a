//! What may be claimed of a torrent's pieces, now and in the saved state (own design): what is doubted when a file changes, what is noted for
//! the case of a kill, what is saved.
//!
//! Invariant: only what is durable and not doubted is claimed by the saved state; what is verified besides is listed as to be checked.
use crate::bits::Bits;
use crate::state::Claims;
use crate::torrent::Torrent;
use teem_swarm::job::{DiskError, Facts};

impl Torrent {
    /// The verified pieces that have bytes of a file are doubted from now on; of the part file, those of the files in it.
    pub(crate) fn doubt(&self, file: usize) {
        let files: Vec<usize> =
            if file == self.part_slot() { self.files_apart().map(|f| f.index).collect() } else { vec![file] };
        let mut marks = self.marks();
        for piece in files.into_iter().flat_map(|file| self.content.info.pieces_of_file(file)) {
            if marks.verified.has(piece) {
                marks.suspect.insert(piece);
            }
        }
    }

    /// A piece was hashed as it lies on the disk, and is right. Unless nothing has changed since it was verified, it may have been written just before, by
    /// a process that was killed or by another program: the next sync makes it durable.
    pub(crate) fn found(&self, piece: u32) {
        let is_news = {
            let mut marks = self.marks();
            let is_news = !self.place.read_only && (!marks.verified.has(piece) || marks.suspect.has(piece));
            if is_news {
                marks.moved(piece);
            }
            is_news
        };
        if is_news {
            for spot in self.content.extents(piece).filter_map(|extent| self.spot(&extent)) {
                self.lies(spot.slot);
            }
        }
        self.confirm(piece);
    }

    /// Notes, for the case that this process is killed, that a piece was written or that parts of it were spilled.
    pub(crate) fn note(&self, piece: u32, verified: bool) {
        let mut saved = self.saved();
        let mut last = None;
        let files = self.content.extents(piece).filter(|e| last.replace(e.file) != Some(e.file));
        let stats = files.filter_map(|e| Some((e.file, self.stat_of(e.file)?)));
        saved.note(verified.then_some(piece), stats);
    }

    /// Saves what is durable now, and what would have to be checked after an unclean end. The facts stay when none are given.
    pub(crate) fn save(&self, facts: Option<Facts>) -> Result<(), DiskError> {
        let mut saved = self.saved();
        let claims = {
            let marks = self.marks();
            let (mut have, mut doubtful) = (Bits::new(marks.verified.len()), marks.doubtful.clone());
            for piece in marks.verified.iter() {
                let sure = marks.durable.has(piece) && !marks.suspect.has(piece) && !marks.tainted.has(piece);
                if sure {
                    have.insert(piece)
                } else {
                    doubtful.insert(piece)
                };
            }
            // Serving what lies there says nothing about what is wanted of it.
            let selection = if self.place.read_only { saved.selection() } else { self.parts.selection() };
            let (facts, files) = (facts.unwrap_or_else(|| saved.facts()), Vec::new());
            Claims { generation: 0, have, doubtful, files, facts, selection }
        };
        let changed = std::mem::take(&mut self.touched().unsaved);
        let result = saved.save(claims, self.part_slot() + 1, &changed, &|file| self.record(file));
        if result.is_err() {
            self.touched().unsaved.extend(changed);
        }
        result
    }
}
