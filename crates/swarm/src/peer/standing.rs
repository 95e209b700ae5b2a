//! How far a peer is trusted, so that one that corrupts costs little until it is proven (own design; bad input, rows 37 and 38).
//!
//! A peer that has sent nothing yet that turned out right is asked for one piece until that is judged, or for a second where others
//! hold that up, and for one more at a time with each that was right: about as slow start would have it. Pieces that wait for the
//! disk's judgement count, or a slow disk would let any number of wrong ones come first. Once a piece of any peer has failed, a peer
//! has to have sent two right ones for each that it is asked for at a time.
//!
//! A peer that sent all of a piece that failed is accused: it is asked for nothing while the piece is fetched whole from somebody
//! else, which proves what it sent. An accusation ends by itself after a while.
use super::pipeline::WINDOW_MIN;
use crate::time::Time;
use core::time::Duration;

/// How long a peer is asked for nothing while it is to be proven what it sent.
const ACCUSED_MAX: Duration = Duration::from_secs(60);

/// What a peer's blocks have turned out to be.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct Standing {
    /// Pieces that it had a part in and that were right; halved by each that failed, nothing after one that was all its own.
    trust: u32,
    /// Blocks that it was asked for since a piece that it had a part in was judged, or since the peers were last looked over.
    on_trial: u32,
    /// Whole pieces that came from it alone and that the disk has not judged yet.
    unjudged: u32,
    /// It sent all of a piece that failed: until then it is asked for nothing, unless it is acquitted or banned before.
    accused: Option<Time>,
}

impl Standing {
    /// Whether something that it sent has turned out right.
    pub(crate) fn is_trusted(&self) -> bool {
        self.trust > 0
    }

    /// Whether it is accused of a piece that failed.
    pub(crate) fn is_accused(&self, now: Time) -> bool {
        self.accused.is_some_and(|until| now < until)
    }

    /// How many blocks a peer may be asked for at a time, as far as it is trusted; 0 when it is to be asked for nothing. A piece has so
    /// many blocks; `wary` is whether somebody has sent wrong data already.
    pub(crate) fn may_have_under_way(&self, now: Time, blocks: u32, wary: bool) -> usize {
        let piece = blocks.max(WINDOW_MIN);
        let proven = self.trust > 0 || self.on_trial < piece;
        if !proven || self.is_accused(now) {
            return 0;
        }
        let pieces = if wary { (self.trust / 2).max(1) } else { self.trust.saturating_add(1) };
        let most = piece.saturating_mul(pieces);
        // One that has just come may be judged while the next are asked for, as long as nobody has sent anything wrong.
        let waits = piece.saturating_mul(self.unjudged.saturating_sub(u32::from(!wary)));
        most.saturating_sub(waits) as usize
    }

    /// It is asked for a block.
    pub(crate) fn ask(&mut self) {
        self.on_trial += 1;
    }

    /// What it was asked for is not waited for any more.
    pub(crate) fn end_trial(&mut self) {
        self.on_trial = 0;
    }

    /// A piece that it had a part in is right. What was under way from a peer that is accused may well be right: that proves nothing
    /// of the piece that failed.
    pub(crate) fn prove(&mut self) {
        if self.accused.is_none() {
            self.trust = self.trust.saturating_add(1);
            self.on_trial = 0;
        }
    }

    /// A piece that it had a part in has failed.
    pub(crate) fn doubt(&mut self) {
        self.trust /= 2;
        self.on_trial = 0;
    }

    /// A piece that was all its own has failed.
    pub(crate) fn lose_trust(&mut self) {
        (self.trust, self.on_trial) = (0, 0);
    }

    /// It is asked for nothing while others prove what it sent.
    pub(crate) fn accuse(&mut self, now: Time) {
        self.accused = Some(now + ACCUSED_MAX);
    }

    /// An accusation, if there is one, ends now.
    pub(crate) fn end_accusation(&mut self, now: Time) {
        if self.accused.is_some() {
            self.accused = Some(now);
        }
    }

    /// Once a second: a trial that others hold up and an accusation that led to nothing are over. Whether one was.
    pub(crate) fn release(&mut self, now: Time) -> bool {
        let acquitted = self.accused.is_some_and(|until| until <= now);
        if acquitted {
            self.accused = None;
        }
        let tried = self.trust == 0 && core::mem::take(&mut self.on_trial) > 0;
        acquitted || tried
    }

    /// A piece that came from it alone waits to be judged.
    pub(crate) fn await_judgement(&mut self) {
        self.unjudged += 1;
    }

    /// That piece is judged, or its blocks are gone.
    pub(crate) fn end_judgement(&mut self) {
        self.unjudged = self.unjudged.saturating_sub(1);
    }

    /// Nothing waits to be judged.
    pub(crate) fn forget_judgements(&mut self) {
        self.unjudged = 0;
    }
}
