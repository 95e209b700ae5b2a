//! What a piece that was judged says of those who sent it (own design; bad input, rows 37 and 38; how far a peer is trusted with more
//! is [`crate::peer::standing`]).
//!
//! The peer that sent all of a piece that failed is accused. Pieces that come wholly from it are let come, since to throw them away
//! would cost more than they do. An accusation ends at once when nobody else is left to give; there is none where nobody else has
//! the piece.
use super::Download;
use super::evidence::sole;
use super::intake::Intake;
use crate::ids::ConnId;
use crate::job::Job;
use crate::output::Output;
use crate::peer::Peer;
use crate::picker::partial::{Block, Partial};
use crate::time::Time;
use crate::torrent::context::Context;
use crate::torrent::ground::Ground;
use crate::torrent::step::Step;
use crate::torrent::table::Table;
use alloc::collections::BTreeSet;
use alloc::vec::Vec;
use teem_wire::peer::block::{BLOCK_LEN, BlockRef};
use teem_wire::peer::message::Message;

/// While nobody else is left who could give anything, nobody stays accused: one that may lie is better than none.
pub(in crate::torrent) fn end_doubts(now: Time, table: &mut Table) {
    let gives = |p: &Peer| !p.stance().is_choking_us() && p.pieces().useful() > 0 && !p.standing().is_accused(now);
    if !table.values().any(gives) {
        table.values_mut().for_each(|p| p.standing_mut().end_accusation(now));
    }
}

impl Download {
    /// A piece is right: those that sent of it are trusted the more. To be called while its blocks are known; tells who they are.
    pub(super) fn trust_senders(&self, ground: &mut Ground, piece: u32) -> BTreeSet<ConnId> {
        let senders: BTreeSet<ConnId> = self.senders(piece).collect();
        for &conn in &senders {
            if let Some(peer) = ground.table.get_mut(conn) {
                peer.standing_mut().prove();
            }
        }
        senders
    }

    /// A piece has come to be whole: a peer that sent all of it is trusted with less until it is judged.
    pub(super) fn await_judgement(&self, ground: &mut Ground, piece: u32) {
        if let Some(peer) = self.sender_of_whole(ground, piece) {
            peer.standing_mut().await_judgement();
        }
    }

    /// A piece is judged, or its blocks are gone: to be called while these are known.
    pub(super) fn end_judgement(&self, ground: &mut Ground, piece: u32) {
        if let Some(peer) = self.sender_of_whole(ground, piece) {
            peer.standing_mut().end_judgement();
        }
    }

    fn sender_of_whole<'a>(&self, ground: &'a mut Ground, piece: u32) -> Option<&'a mut Peer> {
        let partial = self.picker.partial(piece).filter(|p| p.is_whole())?;
        let first = partial.senders().next()?;
        let alone = partial.senders().all(|conn| conn == first);
        ground.table.get_mut(first).filter(|_| alone)
    }

    /// The senders of the blocks of a piece begun, in order.
    pub(super) fn senders(&self, piece: u32) -> impl Iterator<Item = ConnId> + '_ {
        self.picker.partial(piece).into_iter().flat_map(Partial::senders)
    }

    /// A piece that these sent has failed.
    pub(in crate::torrent) fn doubt<B>(
        &mut self,
        cx: &mut Context<'_, B>,
        ground: &mut Ground,
        intake: &mut Intake,
        piece: u32,
        senders: &[ConnId],
    ) {
        let now = cx.now;
        let Some(conn) = sole(senders) else {
            let distinct: BTreeSet<ConnId> = senders.iter().copied().collect();
            for conn in distinct {
                if let Some(peer) = ground.table.get_mut(conn) {
                    peer.standing_mut().doubt();
                }
                ground.steps.push_back(Step::Fill(conn));
            }
            return;
        };
        let could = |p: &Peer| {
            p.conn() != conn && !p.stance().is_choking_us() && !p.standing().is_accused(now) && p.has().get(piece)
        };
        let others = ground.table.values().any(could);
        let Some(peer) = ground.table.get_mut(conn) else { return };
        peer.standing_mut().lose_trust();
        if others {
            peer.standing_mut().accuse(now);
            self.ask_no_more(cx, ground, intake, conn);
            self.drop_begun(cx, ground, intake, conn);
        } else {
            ground.steps.push_back(Step::Fill(conn));
        }
    }

    /// Takes back what a peer is asked for, but for pieces that come wholly from it: these are under way, and are judged by themselves.
    fn ask_no_more<B>(&mut self, cx: &mut Context<'_, B>, ground: &mut Ground, intake: &mut Intake, conn: ConnId) {
        let Some(peer) = ground.table.get_mut(conn) else { return };
        let its_own = |b: &Block| matches!(b, Block::Asked(one) | Block::Received(one) if *one == conn);
        let coming = |piece| self.picker.partial(piece).is_some_and(|p| p.blocks().iter().all(its_own));
        let back: Vec<BlockRef> = peer.pipeline().asked().filter(|at| !coming(at.piece)).collect();
        peer.leave_piece();
        for at in back {
            if peer.pipeline_mut().cancel(cx.now, at) {
                intake.throttle_mut().refund(&mut cx.shared.down, u64::from(at.len));
                cx.out.push_back(Output::Send { conn, message: Message::Cancel(at) });
            }
            self.picker.give_back(at, conn, &mut ground.rng);
        }
        self.picker.disown(conn);
    }

    /// Lets go of the pieces of which only this peer sent anything and nobody is asked for the rest: with blocks of others they would most likely fail.
    fn drop_begun<B>(&mut self, cx: &mut Context<'_, B>, ground: &mut Ground, intake: &mut Intake, conn: ConnId) {
        let own = |p: &Partial| {
            let settled = p.received() > 0 && (p.received() + p.free()) as usize == p.blocks().len();
            settled && !p.is_whole() && p.senders().all(|sender| sender == conn)
        };
        let begun: Vec<u32> = self.picker.begun().filter(|(_, p)| own(p)).map(|(piece, _)| piece).collect();
        for piece in begun {
            let blocks = self.picker.partial(piece).map_or(0, Partial::received);
            intake.waste(u64::from(blocks) * u64::from(BLOCK_LEN));
            self.picker.lost(piece, &mut ground.rng);
            cx.out.push_back(Output::Disk(Job::Forget { torrent: ground.id, piece }));
        }
    }
}
