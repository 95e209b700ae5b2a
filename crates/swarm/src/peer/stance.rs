//! How both sides stand to each other: choking and interest (BEP 3), and the pieces that may be asked for in spite of a choke (BEP 6).
use crate::time::Time;
use alloc::vec::Vec;
use core::time::Duration;

/// Pieces that are kept of those a peer lets us ask for while it chokes us (bad input, row 39).
const FAST_FROM_MAX: usize = 16;

/// The four words of BEP 3, and the exceptions of BEP 6.
#[derive(Clone, Debug)]
pub(crate) struct Stance {
    /// We have told it INTERESTED.
    am_interested: bool,
    /// We choke it.
    am_choking: bool,
    /// When we last changed that; `None` before the first change.
    choke_changed: Option<Time>,
    /// It chokes us.
    choking_us: bool,
    /// It is interested in us.
    interested: bool,
    /// Pieces that it lets us ask for while it chokes us.
    fast_from: Vec<u32>,
    /// Pieces that we let it ask for while we choke it.
    fast_to: Vec<u32>,
}

impl Default for Stance {
    /// As BEP 3 has it at first: both choke, neither is interested.
    fn default() -> Self {
        Self {
            am_interested: false,
            am_choking: true,
            choke_changed: None,
            choking_us: true,
            interested: false,
            fast_from: Vec::new(),
            fast_to: Vec::new(),
        }
    }
}

impl Stance {
    /// Whether we have told it INTERESTED.
    pub(crate) fn am_interested(&self) -> bool {
        self.am_interested
    }

    /// We are interested, or not; whether that is news to it.
    pub(crate) fn want(&mut self, interested: bool) -> bool {
        core::mem::replace(&mut self.am_interested, interested) != interested
    }

    /// Whether it is interested in us.
    pub(crate) fn is_interested(&self) -> bool {
        self.interested
    }

    /// It says whether it is interested. Only the table calls this, which counts the interested.
    pub(crate) fn set_interested(&mut self, interested: bool) {
        self.interested = interested;
    }

    /// Whether we choke it.
    pub(crate) fn am_choking(&self) -> bool {
        self.am_choking
    }

    /// When we last choked or unchoked it; `None` before the first time.
    pub(crate) fn choke_changed(&self) -> Option<Time> {
        self.choke_changed
    }

    /// We choke or unchoke it. Only the table calls this, which counts the interested.
    pub(crate) fn set_choking(&mut self, now: Time, choking: bool) {
        (self.am_choking, self.choke_changed) = (choking, Some(now));
    }

    /// Whether it chokes us.
    pub(crate) fn is_choking_us(&self) -> bool {
        self.choking_us
    }

    /// It chokes or unchokes us.
    pub(crate) fn set_choking_us(&mut self, choking: bool) {
        self.choking_us = choking;
    }

    /// Whether it lets us ask for anything at all.
    pub(crate) fn lets_us_ask(&self) -> bool {
        !self.choking_us || !self.fast_from.is_empty()
    }

    /// The only pieces that it lets us ask for, while it chokes us.
    pub(crate) fn only(&self) -> Option<&[u32]> {
        self.choking_us.then_some(&self.fast_from[..])
    }

    /// It lets us ask for a piece while it chokes us; whether that is kept.
    pub(crate) fn allow_us(&mut self, piece: u32) -> bool {
        let kept = self.fast_from.len() < FAST_FROM_MAX && !self.fast_from.contains(&piece);
        if kept {
            self.fast_from.push(piece);
        }
        kept
    }

    /// It does not let us ask for these pieces while it chokes us after all.
    pub(crate) fn keep_allowed(&mut self, keep: impl Fn(u32) -> bool) {
        self.fast_from.retain(|piece| keep(*piece));
    }

    /// Whether we have let it ask for pieces while we choke it.
    pub(crate) fn has_allowed(&self) -> bool {
        !self.fast_to.is_empty()
    }

    /// Lets it ask for these pieces while we choke it.
    pub(crate) fn allow(&mut self, pieces: Vec<u32>) {
        self.fast_to = pieces;
    }

    /// Whether it may ask for a piece.
    pub(crate) fn may_be_asked(&self, piece: u32) -> bool {
        !self.am_choking || self.fast_to.contains(&piece)
    }

    /// The pieces that it may ask for while we choke it.
    pub(crate) fn allowed(&self) -> &[u32] {
        &self.fast_to
    }

    /// Whether we have choked it within that time: its requests may have crossed our CHOKE.
    pub(crate) fn has_just_choked(&self, now: Time, within: Duration) -> bool {
        self.am_choking && self.choke_changed.is_some_and(|since| now.since(since) < within)
    }
}
