//! What is wanted of a torrent, and how much of that is there (own design; BEP 21 for one that has all that it wants and not
//! everything: a partial seed).
//!
//! Invariants: `missing` is the number of pieces that are wanted and not there; a piece that is not wanted is never asked for.
use crate::bitfield::Bitfield;
use crate::selection::Selection;
use teem_metainfo::Info;

/// The selection, and what of it is there.
#[derive(Debug, Default)]
pub(super) struct Wanted {
    selection: Selection,
    /// Whether the owner has said so in this run; else what an earlier one left counts, once the disk has told.
    said: bool,
    /// Pieces that are not to be fetched; `None` when all are.
    skipped: Option<Bitfield>,
    /// Pieces that are to be fetched first.
    urgent: Option<Bitfield>,
    /// Pieces that are wanted and not there.
    missing: u32,
    /// Bytes of the wanted files.
    bytes: u64,
    /// Those of them that are there.
    have: u64,
}

impl Wanted {
    /// A selection of files that nobody knows yet.
    pub(super) fn unknown(said: Option<Selection>) -> Self {
        Self { said: said.is_some(), selection: said.unwrap_or_default(), ..Self::default() }
    }

    /// The selection, if the owner has said one in this run.
    pub(super) fn said(&self) -> Option<Selection> {
        self.said.then(|| self.selection.clone())
    }

    /// What a selection means for these pieces.
    pub(super) fn new(said: Option<Selection>, info: &Info, have: &Bitfield) -> Self {
        let (is_said, selection) = (said.is_some(), said.unwrap_or_default());
        let skipped = selection.skipped(info);
        let mut wanted = Self {
            said: is_said,
            urgent: selection.urgent(info),
            missing: info.piece_count() - skipped.as_ref().map_or(0, Bitfield::count),
            bytes: selection.bytes(info),
            have: 0,
            skipped,
            selection,
        };
        have.iter().for_each(|piece| wanted.gained(info, piece));
        wanted
    }

    /// The selection that is in force.
    pub(super) fn selection(&self) -> &Selection {
        &self.selection
    }

    /// Pieces that are to be fetched first.
    pub(super) fn urgent(&self) -> Option<&Bitfield> {
        self.urgent.as_ref()
    }

    /// Bytes of the wanted files, and those of them that are there.
    pub(super) fn bytes(&self) -> (u64, u64) {
        (self.bytes, self.have)
    }

    /// Whether a piece is not to be fetched.
    pub(super) fn skips(&self, piece: u32) -> bool {
        self.skipped.as_ref().is_some_and(|s| s.get(piece))
    }

    /// Whether everything that is wanted is there.
    pub(super) fn is_done(&self) -> bool {
        self.missing == 0
    }

    /// A piece is there that was not.
    pub(super) fn gained(&mut self, info: &Info, piece: u32) {
        self.missing -= u32::from(!self.skips(piece));
        self.have += self.selection.bytes_in(info, piece);
    }

    /// A piece is there no more.
    pub(super) fn lost(&mut self, info: &Info, piece: u32) {
        self.missing += u32::from(!self.skips(piece));
        self.have -= self.selection.bytes_in(info, piece);
    }

    /// How many of these pieces are wanted and not there.
    pub(super) fn useful(&self, has: &Bitfield, have: &Bitfield) -> u32 {
        match &self.skipped {
            None => has.count_without(have),
            Some(skipped) => has.iter_without(have).filter(|p| !skipped.get(*p)).count() as u32,
        }
    }

    /// The pieces that need not be fetched: those that are there, and those that nobody wants.
    pub(super) fn settled(&self, have: &Bitfield) -> Bitfield {
        let mut settled = have.clone();
        for piece in self.skipped.iter().flat_map(Bitfield::iter) {
            settled.set(piece);
        }
        settled
    }

    /// Whether the counts follow from the set of verified pieces.
    pub(super) fn check(&self, info: &Info, have: &Bitfield) -> Result<(), &'static str> {
        let missing = (0..info.piece_count()).filter(|p| !have.get(*p) && !self.skips(*p)).count();
        let bytes: u64 = have.iter().map(|piece| self.selection.bytes_in(info, piece)).sum();
        if (missing, bytes) == (self.missing as usize, self.have) {
            Ok(())
        } else {
            Err("what is missing of the wanted pieces was counted wrong")
        }
    }
}
