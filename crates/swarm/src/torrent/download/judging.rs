//! Pieces that the disk has judged, or lost (BEP 3; bad input, rows 37 and 38).
use super::Download;
use super::evidence::sole;
use super::intake::Intake;
use super::retry::Retry;
use crate::event::Event;
use crate::ids::ConnId;
use crate::job::{BlockDigest, Job};
use crate::output::Output;
use crate::time::Time;
use crate::torrent::context::Context;
use crate::torrent::ground::Ground;
use crate::torrent::step::Step;
use alloc::collections::BTreeSet;
use alloc::vec::Vec;
use core::time::Duration;

/// A piece that failed once is fetched anew at once; then the wait doubles from here.
const RETRY: Duration = Duration::from_secs(1);
/// Up to 2^8 times that, four minutes: a swarm that is all corrupt costs next to nothing.
const RETRY_DOUBLINGS_MAX: u32 = 8;

/// What is to be done about a piece that failed.
#[derive(Debug)]
pub(in crate::torrent) struct Failure {
    /// The senders of its blocks, in order.
    pub(in crate::torrent) senders: Vec<ConnId>,
    /// A peer that has sent too many bad pieces alone.
    pub(in crate::torrent) culprit: Option<ConnId>,
}

impl Download {
    /// A piece is right: it is fetched no more, and those that sent of it are trusted the more. Returns who they are.
    pub(in crate::torrent) fn verified(&mut self, ground: &mut Ground, piece: u32) -> BTreeSet<ConnId> {
        self.end_judgement(ground, piece);
        let senders = self.trust_senders(ground, piece);
        self.picker.verified(piece);
        if !self.halted {
            self.retry = Retry::Idle; // it writes
        }
        senders
    }

    /// A piece is here without having been fetched.
    pub(in crate::torrent) fn found(&mut self, piece: u32) {
        self.picker.verified(piece);
    }

    /// A piece has failed: it is fetched anew, at once or after a while, if it is wanted at all.
    pub(in crate::torrent) fn failed<B>(
        &mut self,
        cx: &mut Context<'_, B>,
        ground: &mut Ground,
        intake: &mut Intake,
        piece: u32,
        digests: &[BlockDigest],
    ) -> Failure {
        self.end_judgement(ground, piece);
        let senders: Vec<ConnId> = self.senders(piece).collect();
        intake.waste(ground.content.piece_size(piece));
        cx.tell(Event::PieceFailed { torrent: ground.id, piece });
        self.picker.failed(piece, sole(&senders));
        let (times, culprit) = intake.evidence_mut().failed(piece, &senders, digests);
        if self.drop_unwanted(ground, piece) {
            // Nobody waits for it.
        } else if times > 1 {
            let wait = RETRY * (1 << (times as u32 - 2).min(RETRY_DOUBLINGS_MAX));
            self.held.insert((cx.now + wait, piece));
        } else {
            self.picker.retry(piece, &mut ground.rng);
        }
        Failure { senders, culprit }
    }

    /// Those that had to wait for the disk's judgement may ask again, or those that lack what has failed.
    pub(in crate::torrent) fn end_wait(&mut self, ground: &mut Ground, ok: bool) {
        if self.behind || !ok {
            self.behind = false;
            ground.steps.push_back(Step::Wake);
        }
    }

    /// Lets failed pieces be fetched again whose wait is over.
    pub(in crate::torrent) fn retry_held(&mut self, now: Time, ground: &mut Ground) {
        let mut woken = false;
        while let Some((_, piece)) = self.held.first().copied().filter(|(at, _)| *at <= now) {
            self.held.pop_first();
            self.picker.retry(piece, &mut ground.rng);
            woken = true;
        }
        if woken {
            ground.steps.push_back(Step::Wake);
        }
    }

    /// What the disk had taken of a piece is gone through its own fault: it is fetched anew, if it is wanted.
    pub(in crate::torrent) fn write_failed<B>(&mut self, cx: &mut Context<'_, B>, ground: &mut Ground, piece: u32) {
        self.end_judgement(ground, piece);
        if !ground.content.has(piece) {
            // Blocks that were on their way when it failed must not count as the first of the new attempt.
            cx.out.push_back(Output::Disk(Job::Forget { torrent: ground.id, piece }));
            self.picker.lost(piece, &mut ground.rng);
            self.drop_unwanted(ground, piece);
        }
    }

    /// A piece that was here is damaged: it is fetched anew.
    pub(in crate::torrent) fn lost(&mut self, ground: &mut Ground, piece: u32) {
        self.picker.lost(piece, &mut ground.rng);
        for peer in ground.table.values_mut().filter(|p| p.has().get(piece)) {
            peer.pieces_mut().gain_use();
        }
    }

    /// Lets go of a piece that nobody wants any more; whether it is one.
    fn drop_unwanted(&mut self, ground: &mut Ground, piece: u32) -> bool {
        let unwanted = ground.content.skips(piece);
        if unwanted {
            self.picker.drop_piece(piece);
        }
        unwanted
    }

    /// Whether nothing waits to be judged.
    pub(in crate::torrent) fn is_judged(&self) -> bool {
        self.picker.unjudged() == 0
    }
}
