//! What is shared, and how much of it is here (BEP 3; padding files of BEP 47 don't count): the metadata, the shape, the verified
//! pieces and the wanted ones.
//!
//! Invariants: bytes and counts follow from the set of verified pieces; without metadata there is no piece.
use super::wanted::Wanted;
use crate::bitfield::Bitfield;
use crate::geometry::Geometry;
use crate::selection::Selection;
use alloc::sync::Arc;
use teem_metainfo::Info;

/// The longest info dictionary that is fetched or given, in bytes.
pub(crate) const METADATA_MAX: u32 = 16 * 1024 * 1024;

/// The content of one torrent.
#[derive(Debug)]
pub(super) struct Content {
    info: Option<Arc<Info>>,
    geometry: Geometry,
    /// Pieces that are verified.
    have: Bitfield,
    have_bytes: u64,
    wanted: Wanted,
    /// It is ours to publish: nothing is ever fetched.
    published: bool,
    /// The owner is to say what is wanted, and has not yet.
    undecided: bool,
    /// Pieces were shown that are there no more: a peer that asks for them does nothing wrong.
    lost_some: bool,
}

impl Content {
    /// Content of which nothing is known but perhaps what the owner wants of it.
    pub(super) fn unknown(selection: Option<Selection>, published: bool) -> Self {
        Self {
            info: None,
            geometry: Geometry::default(),
            have: Bitfield::default(),
            have_bytes: 0,
            wanted: Wanted::unknown(selection),
            published,
            undecided: false,
            lost_some: false,
        }
    }

    /// Leaves it to the owner to say what is wanted, once the files are known.
    pub(super) fn leave_undecided(&mut self) {
        self.undecided = !self.published;
    }

    /// Whether the owner is to say what is wanted, and has not yet.
    pub(super) fn is_undecided(&self) -> bool {
        self.undecided
    }

    /// Takes metadata on.
    pub(super) fn adopt(&mut self, info: Arc<Info>) {
        self.geometry = Geometry::of(&info);
        self.have = Bitfield::new(self.geometry.pieces);
        self.wanted = Wanted::new(self.wanted.said(), &info, &self.have);
        self.info = Some(info);
    }

    /// The metadata, when it is known.
    pub(super) fn info(&self) -> Option<&Arc<Info>> {
        self.info.as_ref()
    }

    /// Whether the metadata is known.
    pub(super) fn is_known(&self) -> bool {
        self.info.is_some()
    }

    /// Whether the metadata is known and says that only the trackers tell of peers (BEP 27).
    pub(super) fn is_private(&self) -> bool {
        self.info.as_ref().is_some_and(|info| info.is_private())
    }

    /// Whether it is ours to publish.
    pub(super) fn is_published(&self) -> bool {
        self.published
    }

    /// Whether other seeds are of no use to us, nor we to them.
    pub(super) fn wants_nothing(&self) -> bool {
        self.is_done() || self.published
    }

    /// The shape; all zero while the metadata is missing.
    pub(super) fn geometry(&self) -> &Geometry {
        &self.geometry
    }

    /// The number of pieces; 0 while the metadata is missing.
    pub(super) fn pieces(&self) -> u32 {
        self.geometry.pieces
    }

    /// The length of a piece in bytes.
    pub(super) fn piece_size(&self, piece: u32) -> u64 {
        u64::from(self.geometry.piece_size(piece))
    }

    /// The verified pieces.
    pub(super) fn have(&self) -> &Bitfield {
        &self.have
    }

    /// Whether a piece is verified.
    pub(super) fn has(&self, piece: u32) -> bool {
        self.have.get(piece)
    }

    /// Whether everything is here.
    pub(super) fn is_full(&self) -> bool {
        self.geometry.pieces > 0 && self.have.is_full()
    }

    /// Whether nothing is here yet.
    pub(super) fn has_nothing(&self) -> bool {
        self.have_bytes == 0
    }

    /// Bytes of the whole content, without pads; 0 while the metadata is missing.
    pub(super) fn whole(&self) -> u64 {
        self.info.as_ref().map_or(0, |info| info.content_size())
    }

    /// Bytes of it that are missing.
    pub(super) fn missing(&self) -> u64 {
        self.whole().saturating_sub(self.have_bytes)
    }

    /// What is wanted.
    pub(super) fn wanted(&self) -> &Wanted {
        &self.wanted
    }

    /// Whether all that is wanted of it is there, which may be less than everything.
    pub(super) fn is_done(&self) -> bool {
        self.info.is_some() && self.wanted.is_done()
    }

    /// Whether a piece is not to be fetched.
    pub(super) fn skips(&self, piece: u32) -> bool {
        self.wanted.skips(piece)
    }

    /// Whether a piece is wanted and missing.
    pub(super) fn lacks(&self, piece: u32) -> bool {
        !self.have.get(piece) && !self.wanted.skips(piece)
    }

    /// How many of these pieces are wanted and missing.
    pub(super) fn useful(&self, has: &Bitfield) -> u32 {
        self.wanted.useful(has, &self.have)
    }

    /// Pieces that need not be fetched.
    pub(super) fn settled(&self) -> Bitfield {
        self.wanted.settled(&self.have)
    }

    /// The owner chooses what is wanted. Returns what was wanted before, when the metadata is known.
    pub(super) fn select(&mut self, selection: Selection) -> Option<Wanted> {
        self.undecided = false;
        let Some(info) = &self.info else {
            self.wanted = Wanted::unknown(Some(selection));
            return None;
        };
        let wanted = Wanted::new(Some(selection), info, &self.have);
        Some(core::mem::replace(&mut self.wanted, wanted))
    }

    /// What was wanted when the torrent was last open goes on, unless the owner has said something else. Returns how many files that
    /// are, and of how many, where it is not all.
    pub(super) fn take_up(&mut self, selection: Selection) -> Option<(usize, usize)> {
        let info = self.info.as_ref().filter(|_| !self.published && self.wanted.said().is_none())?;
        self.wanted = Wanted::new(Some(selection), info, &self.have);
        let files = || info.files().iter().enumerate().filter(|(_, file)| !file.pad);
        let (wanted, all) = (files().filter(|(i, _)| self.wanted.selection().wants(*i)).count(), files().count());
        (wanted < all).then_some((wanted, all))
    }

    /// A piece is there; whether it was not.
    pub(super) fn gain(&mut self, piece: u32) -> bool {
        let Some(info) = &self.info else { return false };
        let news = self.have.set(piece);
        if news {
            self.have_bytes += content_in(info, piece);
            self.wanted.gained(info, piece);
        }
        news
    }

    /// A piece is there no more; whether it was.
    pub(super) fn lose(&mut self, piece: u32) -> bool {
        let lost = self.have.clear(piece);
        if lost && let Some(info) = &self.info {
            self.lost_some = true;
            self.have_bytes -= content_in(info, piece);
            self.wanted.lost(info, piece);
        }
        lost
    }

    /// Whether something that was shown is there no more.
    pub(super) fn has_lost_some(&self) -> bool {
        self.lost_some
    }

    /// The size of the info dictionary, when we have it and it is short enough to be given (BEP 9).
    pub(super) fn metadata_size(&self) -> Option<u32> {
        let size = self.info.as_ref()?.raw().len();
        u32::try_from(size).ok().filter(|s| *s <= METADATA_MAX)
    }

    /// The file that most of a piece lies in.
    pub(super) fn file_of(&self, piece: u32) -> Option<u32> {
        let info = self.info.as_ref()?;
        let extents = info.extents(piece, 0, info.piece_size(piece));
        extents.filter(|e| !e.pad).max_by_key(|e| e.len).map(|e| e.file as u32)
    }

    /// Whether the counts follow from the set of verified pieces. Costs in proportion to them.
    pub(super) fn check(&self) -> Result<(), &'static str> {
        let Some(info) = &self.info else {
            return if self.have.is_empty() { Ok(()) } else { Err("pieces without metadata") };
        };
        if self.have.iter().map(|piece| content_in(info, piece)).sum::<u64>() != self.have_bytes {
            return Err("bytes that are here differ from the verified pieces");
        }
        self.wanted.check(info, &self.have)
    }
}

/// Bytes of content in a piece, pads left out.
fn content_in(info: &Info, piece: u32) -> u64 {
    let extents = info.extents(piece, 0, info.piece_size(piece));
    extents.filter(|e| !e.pad).map(|e| u64::from(e.len)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_that_do_not_follow_from_the_pieces_are_noticed() {
        let mut content = Content::unknown(None, false);
        content.have = Bitfield::full(1);
        assert_eq!(content.check(), Err("pieces without metadata"));
        content.adopt(teem_sim::lab::info(100_000, 32_768, false));
        assert!(content.gain(3) && !content.gain(3));
        assert_eq!(content.check(), Ok(()));
        assert_eq!(content.missing(), 3 * 32_768);
        content.have_bytes += 1;
        assert_eq!(content.check(), Err("bytes that are here differ from the verified pieces"));
        content.have_bytes -= 1;
        content.wanted = Wanted::new(None, &teem_sim::lab::info(100_000, 32_768, false), &Bitfield::new(4));
        assert_eq!(content.check(), Err("what is missing of the wanted pieces was counted wrong"));
    }
}
