//! What a peer will not give, and how long it is left alone for that (BEP 6, REJECT; own design).
//!
//! A rejected piece is not asked for again before a span is over, and in one span only so many are tried. A peer that gives
//! nothing from one span to the next is asked ever more rarely: each span is twice as long as the last and has room for half as
//! many requests, down to one in eleven minutes. One block that comes makes up for everything.
use crate::time::Time;
use alloc::vec::Vec;
use core::time::Duration;

/// Rejects without a block between them in the first span after which nothing more is asked for, and pieces that are kept.
const REJECTS_MAX: usize = 64;
/// The first span.
const SPAN: Duration = Duration::from_secs(10);
/// How often a span doubles; by then there is room for one request.
const DOUBLINGS_MAX: u32 = 6;

/// The rejections of one peer.
#[derive(Clone, Default, Debug)]
pub(crate) struct Refusals {
    /// Those of this span; empty between two spans.
    pieces: Vec<u32>,
    /// Rejects in this span since a block came.
    rejects: usize,
    /// When this span ends.
    until: Time,
    /// Spans in a row, this one too, without a block.
    spans: u32,
}

impl Refusals {
    /// A request for a piece was rejected.
    pub(crate) fn add(&mut self, now: Time, piece: u32) {
        if self.pieces.is_empty() {
            self.until = now + SPAN * (1 << self.spans.min(DOUBLINGS_MAX));
            self.spans = self.spans.saturating_add(1);
            self.rejects = 0;
        }
        self.rejects += 1;
        if !self.pieces.contains(&piece) && self.pieces.len() < REJECTS_MAX {
            self.pieces.push(piece);
        }
    }

    /// Pieces that it is not to be asked for.
    pub(crate) fn pieces(&self) -> &[u32] {
        &self.pieces
    }

    /// Whether it is to be asked for nothing at all.
    pub(crate) fn is_full(&self) -> bool {
        let most = REJECTS_MAX >> self.spans.saturating_sub(1).min(DOUBLINGS_MAX);
        self.pieces.len() >= REJECTS_MAX || self.rejects >= most
    }

    /// A block has come.
    pub(crate) fn delivered(&mut self) {
        (self.spans, self.rejects) = (0, 0);
    }

    /// Whether nothing has come for a whole span or longer.
    pub(crate) fn is_barren(&self) -> bool {
        self.spans > 0
    }

    /// The peer has unchoked us: what it rejected before it may give now, unless it has let us down that way before.
    pub(crate) fn unchoked(&mut self) {
        if self.spans <= 1 {
            self.pieces.clear();
            self.rejects = 0;
        }
    }

    /// Ends a span whose time is over; whether it did.
    pub(crate) fn end(&mut self, now: Time) -> bool {
        let over = !self.pieces.is_empty() && now >= self.until;
        if over {
            self.pieces.clear();
            self.rejects = 0;
        }
        over
    }
}
