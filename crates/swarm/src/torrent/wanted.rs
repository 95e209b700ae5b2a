//! What is wanted of a torrent, and what happens when that changes while it runs (own design; BEP 21 for one that has all that it
//! wants and not everything: a partial seed).
//!
//! Invariants: `missing` is the number of pieces that are wanted and not there; a piece that is not wanted is never asked for.
use super::Torrent;
use super::context::Context;
use crate::bitfield::Bitfield;
use crate::event::State;
use crate::ids::ConnId;
use crate::job::Job;
use crate::output::Output;
use crate::picker::partial::Partial;
use crate::picker::pick::Picker;
use crate::selection::Selection;
use alloc::format;
use alloc::vec::Vec;
use teem_metainfo::Info;

/// The selection, and what of it is there.
#[derive(Debug, Default)]
pub(super) struct Wanted {
    pub(super) selection: Selection,
    /// Whether the owner has said so in this run; else what an earlier one left counts, once the disk has told.
    said: bool,
    /// Pieces that are not to be fetched; `None` when all are.
    skipped: Option<Bitfield>,
    /// Pieces that are to be fetched first.
    pub(super) urgent: Option<Bitfield>,
    /// Pieces that are wanted and not there.
    missing: u32,
    /// Bytes of the wanted files.
    pub(super) bytes: u64,
    /// Those of them that are there.
    pub(super) have: u64,
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
}

impl Torrent {
    /// Whether all that is wanted of it is there, which may be less than everything.
    pub(super) fn is_done(&self) -> bool {
        self.info.is_some() && self.wanted.is_done()
    }

    /// Chooses what is wanted from now on. Ignored where nothing is downloaded anyhow, because the content is ours to publish.
    pub fn select<B>(&mut self, cx: &mut Context<'_, B>, selection: Selection) {
        if self.publish || self.wanted.said().as_ref() == Some(&selection) {
            return;
        }
        let Some(info) = self.info.clone() else {
            self.wanted = Wanted::unknown(Some(selection));
            return;
        };
        let wanted = Wanted::new(Some(selection.clone()), &info, &self.have);
        let before = core::mem::replace(&mut self.wanted, wanted);
        if matches!(self.state, State::Checking | State::Downloading | State::Seeding | State::DiskTrouble) {
            cx.out.push_back(Output::Disk(Job::Select { torrent: self.id, selection }));
        }
        match (self.state, self.is_done()) {
            (State::Downloading | State::DiskTrouble, _) => {
                self.rearrange(cx, &before);
                self.end_if_done(cx);
            }
            (State::Seeding, false) => {
                self.end_granting(cx);
                self.begin_download(cx);
            }
            _ => {}
        }
        self.settle(cx);
    }

    /// The disk has told what was wanted when the torrent was last open: that goes on, unless the owner has said something else.
    pub(super) fn take_up<B>(&mut self, cx: &mut Context<'_, B>, selection: Selection) {
        let Some(info) = self.info.clone().filter(|_| !self.publish && !self.wanted.said) else { return };
        self.wanted = Wanted::new(Some(selection), &info, &self.have);
        let files = || info.files().iter().enumerate().filter(|(_, file)| !file.pad);
        let (wanted, all) = (files().filter(|(i, _)| self.wanted.selection.wants(*i)).count(), files().count());
        if wanted < all {
            let text = format!("{wanted} of {all} files are wanted, as in the last run; --only '*' takes all");
            self.notice(cx, text);
        }
    }

    /// Fetches what has come to be wanted, and nothing more of what is not wanted any longer.
    fn rearrange<B>(&mut self, cx: &mut Context<'_, B>, before: &Wanted) {
        let pieces = 0..self.geometry.pieces;
        let (dropped, added): (Vec<u32>, Vec<u32>) = pieces
            .filter(|p| self.wanted.skips(*p) != before.skips(*p) && !self.have.get(*p))
            .partition(|p| self.wanted.skips(*p));
        let in_vain = |conn: &ConnId| {
            let asked = self.peers.get(conn).map(|p| p.pipeline.asked());
            asked.is_some_and(|mut asked| asked.any(|at| self.wanted.skips(at.piece)))
        };
        let stopped: Vec<ConnId> = self.connections().into_iter().filter(in_vain).collect();
        for conn in stopped {
            self.stop_asking(cx, conn);
        }
        let Some(picker) = &mut self.picker else { return };
        for piece in dropped {
            // What the disk has whole is judged whether it is wanted or not, and is there then.
            if picker.partial(piece).is_some_and(Partial::is_whole) {
                continue;
            }
            if picker.drop_piece(piece) {
                cx.out.push_back(Output::Disk(Job::Forget { torrent: self.id, piece }));
            }
        }
        self.held.retain(|(_, p)| !self.wanted.skips(*p));
        for piece in added {
            if picker.partial(piece).is_none() {
                picker.lost(piece, &mut self.rng);
            }
        }
        picker.set_urgent(self.wanted.urgent.clone());
        self.measure_use();
        self.hungry.clear();
        for conn in self.connections() {
            self.update_interest(cx, conn);
            self.fill(cx, conn);
        }
    }

    /// Ends the download when all that is wanted is there and nothing waits to be judged.
    pub(super) fn end_if_done<B>(&mut self, cx: &mut Context<'_, B>) {
        if self.is_done() && self.picker.as_ref().is_some_and(|p| p.unjudged() == 0) {
            self.complete(cx);
        }
    }

    /// What the disk had whole of a piece is gone; whether nobody wants it any more, so that nothing has to be fetched anew.
    pub(super) fn lost_unwanted<B>(&mut self, cx: &mut Context<'_, B>, piece: u32) -> bool {
        if !self.wanted.skips(piece) {
            return false;
        }
        if let Some(picker) = &mut self.picker {
            picker.drop_piece(piece);
        }
        self.end_if_done(cx);
        true
    }

    /// A picker for what is wanted and not there.
    pub(super) fn new_picker(&mut self) -> Picker {
        let mut picker = Picker::new(self.geometry, &self.wanted.settled(&self.have), &mut self.rng);
        picker.set_urgent(self.wanted.urgent.clone());
        picker
    }

    /// Counts anew how many pieces of use each peer has.
    fn measure_use(&mut self) {
        for peer in self.peers.values_mut() {
            peer.useful = self.wanted.useful(&peer.has, &self.have);
        }
    }
}
