//! What a peer has (BEP 3, 6; bad input, rows 32 and 33), and what of it is of use to us.
//!
//! Before the number of pieces is known, what it says is kept as it stands and judged later.
use crate::bitfield::Bitfield;
use crate::output::CloseReason;
use alloc::collections::BTreeSet;
use alloc::vec::Vec;

/// HAVEs that are kept of a peer before the number of pieces is known; a peer with more to say sends a bitfield.
const EARLY_HAVES_MAX: usize = 4_096;

/// HAVEs and DONTHAVEs together before then.
const EARLY_WORDS_MAX: usize = 3 * EARLY_HAVES_MAX;

/// What a peer has shown before the number of pieces was known.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Early {
    /// The last bitfield; its length is bounded by the decoder.
    pub bitfield: Option<Vec<u8>>,
    /// Whether the last word was HAVE_ALL.
    pub all: bool,
    /// Pieces shown one by one.
    pub haves: BTreeSet<u32>,
    /// Pieces of which it has said since that it lacks them.
    pub lost: BTreeSet<u32>,
}

/// The pieces of a peer.
#[derive(Clone, Debug)]
pub struct Pieces {
    /// Of length 0 while the number of pieces is unknown.
    has: Bitfield,
    early: Early,
    /// HAVEs and DONTHAVEs before the number of pieces was known.
    early_words: usize,
    /// Whether the picker counts it among those that have everything.
    counted_as_everything: bool,
    /// How many of its pieces we want.
    useful: u32,
    /// Up to how many of its bytes count as gained by the swarm; `None` before it showed anything.
    counted: Option<u64>,
}

impl Pieces {
    /// Nothing shown yet, of so many pieces; 0 while their number is unknown.
    pub(super) fn new(pieces: u32) -> Self {
        Self {
            has: Bitfield::new(pieces),
            early: Early::default(),
            early_words: 0,
            counted_as_everything: false,
            useful: 0,
            counted: None,
        }
    }

    /// Those it has shown.
    pub fn has(&self) -> &Bitfield {
        &self.has
    }

    /// Whether it has everything.
    pub fn is_complete(&self) -> bool {
        !self.has.is_empty() && self.has.is_full()
    }

    /// It shows one more piece; whether it had not.
    pub fn show(&mut self, piece: u32) -> bool {
        self.has.set(piece)
    }

    /// It says all that it has; what it had said before.
    pub(crate) fn show_all(&mut self, has: Bitfield) -> Bitfield {
        core::mem::replace(&mut self.has, has)
    }

    /// It has a piece no more; whether it had shown it.
    pub fn lose(&mut self, piece: u32) -> bool {
        self.has.clear(piece)
    }

    /// It shows a piece although the number of pieces is not known.
    pub(crate) fn show_early(&mut self, piece: u32) -> Result<(), CloseReason> {
        if self.early.haves.len() >= EARLY_HAVES_MAX {
            return Err(CloseReason::Flood("HAVEs without a bitfield"));
        }
        self.early.haves.insert(piece);
        self.early.lost.remove(&piece);
        self.early_word()
    }

    /// Each word counts, also one that takes back another: they cost us more than the peer.
    fn early_word(&mut self) -> Result<(), CloseReason> {
        self.early_words += 1;
        if self.early_words > EARLY_WORDS_MAX {
            return Err(CloseReason::Flood("pieces shown and lost in turn"));
        }
        Ok(())
    }

    /// It has lost a piece although the number of pieces is not known.
    pub(crate) fn lose_early(&mut self, piece: u32) -> Result<(), CloseReason> {
        if self.early.lost.len() >= EARLY_HAVES_MAX {
            return Err(CloseReason::Flood("pieces that it has lost"));
        }
        self.early.haves.remove(&piece);
        self.early.lost.insert(piece);
        self.early_word()
    }

    /// It says all that it has although the number of pieces is not known; that replaces what it said before.
    pub(crate) fn show_all_early(&mut self, early: Early) {
        self.early = early;
    }

    /// The number of pieces is known now: what it said before, to be judged.
    pub fn begin(&mut self, pieces: u32) -> Early {
        self.has = Bitfield::new(pieces);
        core::mem::take(&mut self.early)
    }

    /// Whether the picker counts it among those that have everything.
    pub(crate) fn is_counted_as_everything(&self) -> bool {
        self.counted_as_everything
    }

    /// The picker has counted it.
    pub fn count(&mut self, as_everything: bool) {
        self.counted_as_everything = as_everything;
    }

    /// How many of its pieces we want.
    pub(crate) fn useful(&self) -> u32 {
        self.useful
    }

    /// So many of its pieces are wanted.
    pub(crate) fn set_useful(&mut self, useful: u32) {
        self.useful = useful;
    }

    /// One more of its pieces is wanted.
    pub(crate) fn gain_use(&mut self) {
        self.useful += 1;
    }

    /// One of its pieces is not wanted any more.
    pub(crate) fn lose_use(&mut self) {
        self.useful = self.useful.saturating_sub(1);
    }

    /// It shows so many bytes: how many of them it has gained since it was last asked. Before the first time `known` were counted.
    pub fn gained(&mut self, bytes: u64, known: impl FnOnce() -> u64) -> u64 {
        let most = self.counted.get_or_insert_with(known);
        let gained = bytes.saturating_sub(*most);
        *most = bytes.max(*most);
        gained
    }

    /// Up to how many of its bytes were counted, if it has shown anything.
    pub(crate) fn counted(&self) -> Option<u64> {
        self.counted
    }
}
