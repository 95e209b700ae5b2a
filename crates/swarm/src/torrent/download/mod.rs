//! Fetching what is missing (BEP 3, 6): exists while something is wanted and not there.
//!
//! [`Download`] decides what is asked of whom ([`asking`], [`moving`]), takes back what was asked for ([`requests`]) and judges by
//! what the disk says of whole pieces ([`judging`], with [`trust`]). [`intake::Intake`] is what outlives it: the limit, the figures,
//! and the [`evidence`] against those who sent wrong blocks.
//! Invariants: every block that a picker holds for asked is in that connection's pipeline; the picker counts the pieces that the
//! peers show; no piece begun is verified already.
pub(super) mod asking;
pub(super) mod evidence;
pub(super) mod intake;
mod judging;
mod moving;
mod requests;
mod retry;
mod trust;
mod window_floor;

use super::content::Content;
use super::context::Context;
use super::ground::Ground;
use crate::bitfield::Bitfield;
use crate::ids::ConnId;
use crate::job::Job;
use crate::output::Output;
use crate::peer::Peer;
use crate::picker::partial::Partial;
use crate::picker::pick::Picker;
use crate::rate::DISPLAY_SLOTS;
use crate::rng::Rng;
use crate::time::Time;
use alloc::boxed::Box;
use alloc::collections::BTreeSet;
use alloc::vec::Vec;
use intake::Intake;
use retry::Retry;
use window_floor::WindowFloor;

pub(super) use trust::end_doubts;

/// A download under way.
#[derive(Debug)]
pub(super) struct Download {
    picker: Picker,
    /// How much may be under way at each peer at least.
    floor: WindowFloor,
    /// Connections with room in their window that had nothing to be asked for.
    hungry: BTreeSet<ConnId>,
    /// Failed pieces and when they may be fetched again.
    held: BTreeSet<(Time, u32)>,
    /// The disk is behind with judging pieces: nobody is asked for more until it has caught up.
    behind: bool,
    /// The disk is in trouble: nothing is asked for.
    halted: bool,
    retry: Retry,
}

impl Download {
    /// Begins to fetch what is wanted and missing; what the peers have is counted.
    pub(super) fn new(ground: &mut Ground) -> Self {
        let mut picker = Picker::new(*ground.content.geometry(), &ground.content.settled(), &mut ground.rng);
        picker.set_urgent(ground.content.wanted().urgent().cloned());
        let mut download = Self {
            picker,
            floor: WindowFloor::default(),
            hungry: BTreeSet::new(),
            held: BTreeSet::new(),
            behind: false,
            halted: false,
            retry: Retry::Idle,
        };
        ground.table.values_mut().for_each(|p| p.standing_mut().forget_judgements());
        for peer in ground.table.values_mut() {
            download.count(peer, &ground.content, &mut ground.rng);
        }
        download
    }

    /// What is asked for, and what is known of the peers' pieces.
    pub(super) fn picker(&self) -> &Picker {
        &self.picker
    }

    fn count(&mut self, peer: &mut Peer, content: &Content, rng: &mut Rng) {
        let everything = self.picker.peer_came(peer.has(), rng);
        let useful = content.useful(peer.has());
        peer.pieces_mut().count(everything);
        peer.pieces_mut().set_useful(useful);
    }

    /// A peer has said all that it has; `before` was counted of it.
    pub(super) fn shows_all(&mut self, peer: &mut Peer, before: &Bitfield, content: &Content, rng: &mut Rng) {
        if before.is_empty() || peer.pieces().is_counted_as_everything() || peer.has().is_full() {
            self.picker.peer_left(before, peer.pieces().is_counted_as_everything(), rng);
            return self.count(peer, content, rng);
        }
        before.iter_without(peer.has()).for_each(|piece| self.picker.peer_lost(piece, rng));
        peer.has().iter_without(before).for_each(|piece| self.picker.peer_has(piece, rng));
        let useful = content.useful(peer.has());
        peer.pieces_mut().set_useful(useful);
    }

    /// A peer has one more piece.
    pub(super) fn shows(&mut self, piece: u32, rng: &mut Rng) {
        self.picker.peer_has(piece, rng);
    }

    /// A peer has a piece no more.
    pub(super) fn lost_at(&mut self, peer: &mut Peer, piece: u32, content: &Content, rng: &mut Rng) {
        if peer.pieces().is_counted_as_everything() {
            self.picker.peer_left(peer.has(), true, rng);
            let everything = self.picker.peer_came(peer.has(), rng);
            peer.pieces_mut().count(everything);
        } else {
            self.picker.peer_lost(piece, rng);
        }
        if content.lacks(piece) {
            peer.pieces_mut().lose_use();
        }
    }

    /// A peer is gone.
    pub(super) fn gone(&mut self, peer: &Peer, rng: &mut Rng) {
        self.picker.peer_left(peer.has(), peer.pieces().is_counted_as_everything(), rng);
        self.hungry.remove(&peer.conn());
    }

    /// Whether a peer alone has something that is missing here.
    pub(super) fn needs(&self, peer: &Peer, have: &Bitfield) -> bool {
        peer.has().iter_without(have).any(|piece| self.picker.availability(piece) <= 1)
    }

    /// Once a second: looks anew at what the line delivers and from how many.
    pub(super) fn measure(&mut self, now: Time, ground: &Ground, intake: &Intake) {
        let line = intake.received().rate(now, DISPLAY_SLOTS);
        let stances = ground.table.values().map(Peer::stance);
        let open = stances.filter(|s| !s.is_choking_us() && s.am_interested()).count();
        self.floor = WindowFloor::of(line, open as u64);
        self.picker.set_line(line);
    }

    /// Once a second: tells the picker which blocks wait at peers that hardly send anything. Returns whether somebody waits for work
    /// while all that is missing is asked for.
    pub(super) fn find_stuck(&mut self, now: Time, ground: &Ground) -> bool {
        let silent = ground.table.values().filter(|p| p.pipeline().is_dribbling(now));
        self.picker.set_stuck(silent.flat_map(|p| p.pipeline().asked().map(|at| (at, p.conn()))).collect());
        !self.hungry.is_empty() && self.picker.is_ending()
    }

    /// Other pieces are wanted than before: fetches what has come to be wanted, and nothing more of what is not wanted any longer.
    pub(super) fn rearrange<B>(
        &mut self,
        cx: &mut Context<'_, B>,
        ground: &mut Ground,
        intake: &mut Intake,
        was_skipped: impl Fn(u32) -> bool,
    ) {
        let content = &ground.content;
        let (dropped, added): (Vec<u32>, Vec<u32>) = (0..content.pieces())
            .filter(|p| content.skips(*p) != was_skipped(*p) && !content.has(*p))
            .partition(|p| content.skips(*p));
        let in_vain = |peer: &&Peer| peer.pipeline().asked().any(|at| content.skips(at.piece));
        let stopped: Vec<ConnId> = ground.table.values().filter(in_vain).map(Peer::conn).collect();
        for conn in stopped {
            self.stop_asking(cx, ground, intake, conn);
        }
        for piece in dropped {
            // What the disk has whole is judged whether it is wanted or not, and is there then.
            if self.picker.partial(piece).is_some_and(Partial::is_whole) {
                self.picker.set_wanted(piece, false);
                continue;
            }
            if self.picker.drop_piece(piece) {
                cx.out.push_back(Output::Disk(Job::Forget { torrent: ground.id, piece }));
            }
        }
        self.held.retain(|(_, p)| !ground.content.skips(*p));
        for piece in added {
            self.picker.set_wanted(piece, true);
            if self.picker.partial(piece).is_none() {
                self.picker.lost(piece, &mut ground.rng);
            }
        }
        self.picker.set_urgent(ground.content.wanted().urgent().cloned());
        for peer in ground.table.values_mut() {
            let useful = ground.content.useful(peer.has());
            peer.pieces_mut().set_useful(useful);
        }
        self.hungry.clear();
    }

    /// Whether the disk is in trouble, so that nothing is asked for.
    pub(super) fn is_halted(&self) -> bool {
        self.halted
    }

    /// The disk is in trouble: nothing is asked for, and what was is taken back.
    pub(super) fn halt<B>(&mut self, cx: &mut Context<'_, B>, ground: &mut Ground, intake: &mut Intake) {
        self.halted = true;
        for conn in ground.table.conns() {
            self.stop_asking(cx, ground, intake, conn);
        }
        self.hungry.clear();
    }

    /// The disk does not say by itself when the trouble is over: it is tried again after a while.
    pub(super) fn try_later(&mut self, now: Time) {
        self.retry.fail(now);
    }

    /// Whether the disk is to be tried now.
    pub(super) fn is_to_be_tried(&mut self, now: Time) -> bool {
        self.halted && self.retry.begin(now)
    }

    /// The disk works again, or is tried: asking goes on.
    pub(super) fn resume(&mut self) {
        self.halted = false;
    }

    /// Ends although something may be missing: the disk forgets what is not whole. Returns the pieces that it is judging still.
    pub(super) fn abandon<B>(&self, cx: &mut Context<'_, B>, ground: &Ground) -> Vec<u32> {
        let (whole, rest): (Vec<_>, Vec<_>) = self.picker.begun().partition(|(_, part)| part.is_whole());
        let forget = |(piece, _)| Output::Disk(Job::Forget { torrent: ground.id, piece });
        cx.out.extend(rest.into_iter().map(forget));
        whole.into_iter().map(|(piece, _)| piece).collect()
    }

    /// When something is due besides the look at the peers.
    pub(super) fn deadline(&self) -> Option<Time> {
        let retry = if self.halted { self.retry.at() } else { None };
        Time::earliest([retry, self.held.first().map(|(at, _)| *at)])
    }

    /// The piece that most is asked of now.
    pub(super) fn busiest(&self) -> Option<u32> {
        self.picker.begun().max_by_key(|(_, part)| part.asked_once()).map(|(piece, _)| piece)
    }

    /// How many connected peers have shown each piece. Costs in proportion to the pieces.
    pub(super) fn availability(&self, pieces: u32) -> Box<[u16]> {
        let of = |piece| u16::try_from(self.picker.availability(piece)).unwrap_or(u16::MAX);
        (0..pieces).map(of).collect()
    }

    /// Blocks of the pieces begun, whatever has become of each.
    #[cfg(debug_assertions)]
    pub(super) fn blocks_begun(&self) -> u64 {
        self.picker.begun().map(|(_, partial)| partial.blocks().len() as u64).sum()
    }

    /// Whether the picker agrees with the peers and with what is here. Costs in proportion to the pieces of all peers and to the
    /// blocks of the pieces begun.
    pub(super) fn check(&self, ground: &Ground) -> Result<(), &'static str> {
        let asked_of = |peer: &Peer| peer.pipeline().asked().map(|at| (peer.conn(), at)).collect::<Vec<_>>();
        let mut asked: Vec<_> = ground.table.values().flat_map(asked_of).collect();
        asked.sort_unstable();
        for (piece, partial) in self.picker.begun() {
            if ground.content.has(piece) {
                return Err("a piece is fetched that is here");
            }
            if ground.content.skips(piece) && !partial.is_whole() {
                return Err("a piece is fetched that nobody wants");
            }
            for (index, block) in partial.blocks().iter().enumerate() {
                let at = ground.content.geometry().block(piece, index as u32);
                if !block.asked().all(|conn| asked.binary_search(&(conn, at)).is_ok()) {
                    return Err("a block is held for asked that is in no pipeline");
                }
            }
        }
        let counted = |piece| ground.table.values().filter(|p| p.has().get(piece)).count() as u32;
        if (0..ground.content.pieces()).any(|p| ground.content.lacks(p) && self.picker.availability(p) != counted(p)) {
            return Err("the picker counts other pieces than the peers show");
        }
        let useful = |p: &Peer| p.pieces().useful() == ground.content.useful(p.has());
        if !ground.table.values().all(useful) {
            return Err("a peer's pieces of use were counted wrong");
        }
        Ok(())
    }
}
