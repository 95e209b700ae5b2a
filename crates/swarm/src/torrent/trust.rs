//! How far a peer is trusted, so that one that corrupts costs little until it is proven (own design; bad input, rows 37 and 38).
//!
//! Who has sent nothing yet that turned out right is asked for one piece until that is judged, or for a second where others hold
//! that up, and for one more at a time with each that was right: about as slow start would have it. Pieces that wait for the
//! disk's judgement count, or a slow disk would let any number of wrong ones come first. Once a piece has failed, whoever sent
//! it, a peer has to have sent two right ones for each that it is asked for at a time.
//!
//! Who sent all of a piece that failed is accused: it is asked for nothing while the piece is fetched whole from somebody else,
//! which proves what it sent. Pieces that come wholly from it are let come, since to throw them away would cost more than
//! they do. An accusation ends by itself after a while, and at once when nobody else is left to give; there is none where nobody
//! else has the piece.
use super::Torrent;
use super::context::Context;
use super::evidence::sole;
use crate::geometry::Geometry;
use crate::ids::ConnId;
use crate::job::Job;
use crate::output::Output;
use crate::peer::Peer;
use crate::peer::pipeline::WINDOW_MIN;
use crate::picker::partial::{Block, Partial};
use crate::time::Time;
use alloc::collections::BTreeSet;
use alloc::vec::Vec;
use core::time::Duration;
use teem_wire::peer::block::BlockRef;
use teem_wire::peer::message::Message;

/// How long a peer is asked for nothing while it is to be proven what it sent.
const ACCUSED_MAX: Duration = Duration::from_secs(60);

/// Whether it is accused of a piece that failed.
pub(super) fn is_accused(peer: &Peer, now: Time) -> bool {
    peer.accused.is_some_and(|until| now < until)
}

/// Whether a peer may be asked for one more block, as far as it is trusted.
pub(super) fn may_ask(peer: &Peer, now: Time, geometry: &Geometry, wary: bool) -> bool {
    let piece = geometry.blocks_in(0).max(WINDOW_MIN);
    let pieces = if wary { (peer.trust / 2).max(1) } else { peer.trust.saturating_add(1) };
    let most = piece.saturating_mul(pieces);
    let proven = peer.trust > 0 || peer.on_trial < piece;
    // One that has just come may be judged while the next are asked for, as long as nobody has sent anything wrong.
    let waits = piece.saturating_mul(peer.unjudged.saturating_sub(u32::from(!wary)));
    proven && peer.pipeline.under_way() + (waits as usize) < most as usize && !is_accused(peer, now)
}

/// Once a second: a trial that others hold up and an accusation that led to nothing are over. Whether one was.
pub(super) fn release(peer: &mut Peer, now: Time) -> bool {
    let acquitted = peer.accused.is_some_and(|until| until <= now);
    if acquitted {
        peer.accused = None;
    }
    let tried = peer.trust == 0 && core::mem::take(&mut peer.on_trial) > 0;
    acquitted || tried
}

impl Torrent {
    /// A piece is right: who sent of it is trusted the more. To be called while its blocks are known; tells who they are.
    pub(super) fn trust_senders(&mut self, piece: u32) -> BTreeSet<ConnId> {
        let senders: BTreeSet<ConnId> = self.senders(piece).collect();
        for &conn in &senders {
            // What was under way from somebody accused may well be right: that proves nothing of the piece that failed.
            if let Some(peer) = self.peers.get_mut(&conn).filter(|p| p.accused.is_none()) {
                peer.trust = peer.trust.saturating_add(1);
                peer.on_trial = 0;
            }
        }
        senders
    }

    /// A piece has come to be whole: who sent all of it is trusted with less until it is judged.
    pub(super) fn await_judgement(&mut self, piece: u32) {
        if let Some(peer) = self.sender_of_whole(piece) {
            peer.unjudged += 1;
        }
    }

    /// A piece is judged, or its blocks are gone: to be called while these are known.
    pub(super) fn end_judgement(&mut self, piece: u32) {
        if let Some(peer) = self.sender_of_whole(piece) {
            peer.unjudged = peer.unjudged.saturating_sub(1);
        }
    }

    fn sender_of_whole(&mut self, piece: u32) -> Option<&mut Peer> {
        let partial = self.picker.as_ref()?.partial(piece).filter(|p| p.is_whole())?;
        let first = partial.senders().next()?;
        let alone = partial.senders().all(|conn| conn == first);
        self.peers.get_mut(&first).filter(|_| alone).map(|peer| &mut **peer)
    }

    /// Who sent the blocks of a piece begun, in order.
    pub(super) fn senders(&self, piece: u32) -> impl Iterator<Item = ConnId> + '_ {
        self.picker.as_ref().and_then(|p| p.partial(piece)).into_iter().flat_map(Partial::senders)
    }

    /// A piece that these sent has failed.
    pub(super) fn doubt<B>(&mut self, cx: &mut Context<'_, B>, piece: u32, senders: &[ConnId]) {
        let Some(conn) = sole(senders) else {
            let distinct: BTreeSet<ConnId> = senders.iter().copied().collect();
            for conn in distinct {
                if let Some(peer) = self.peers.get_mut(&conn) {
                    peer.trust /= 2;
                    peer.on_trial = 0;
                }
                self.fill(cx, conn);
            }
            return;
        };
        let could = |p: &Peer| p.conn != conn && !p.choking_us && !is_accused(p, cx.now) && p.has.get(piece);
        let others = self.peers.values().any(|p| could(p));
        let Some(peer) = self.peers.get_mut(&conn) else { return };
        peer.trust = 0;
        peer.on_trial = 0;
        if others {
            peer.accused = Some(cx.now + ACCUSED_MAX);
            self.ask_no_more(cx, conn);
            self.drop_begun(cx, conn);
        } else {
            self.fill(cx, conn);
        }
    }

    /// While nobody else is left who could give anything, nobody stays accused: who may lie is better than none.
    pub(super) fn end_doubts(&mut self, now: Time) {
        let gives = |p: &Peer| !p.choking_us && p.useful > 0 && !is_accused(p, now);
        if !self.peers.values().any(|p| gives(p)) {
            let accused = self.peers.values_mut().filter_map(|p| p.accused.as_mut());
            accused.for_each(|until| *until = now);
        }
    }

    /// Takes back what a peer is asked for, but for pieces that come wholly from it: these are under way, and are judged by themselves.
    fn ask_no_more<B>(&mut self, cx: &mut Context<'_, B>, conn: ConnId) {
        let (Some(picker), Some(peer)) = (&mut self.picker, self.peers.get_mut(&conn)) else { return };
        let its_own = |b: &Block| matches!(b, Block::Asked(one) | Block::Received(one) if *one == conn);
        let coming = |piece| picker.partial(piece).is_some_and(|p| p.blocks().iter().all(its_own));
        let back: Vec<BlockRef> = peer.pipeline.asked().filter(|at| !coming(at.piece)).collect();
        (peer.current, peer.on_trial) = (None, 0);
        for at in back {
            if peer.pipeline.cancel(cx.now, at) {
                self.down.refund(&mut cx.shared.down, u64::from(at.len));
                cx.out.push_back(Output::Send { conn, message: Message::Cancel(at) });
            }
            picker.give_back(at, conn, &mut self.rng);
        }
        picker.disown(conn);
    }

    /// Lets go of the pieces of which only this peer sent anything and nobody is asked for the rest: with blocks of others they would most likely fail.
    fn drop_begun<B>(&mut self, cx: &mut Context<'_, B>, conn: ConnId) {
        let Some(picker) = &mut self.picker else { return };
        let own = |p: &Partial| {
            let settled = p.received() > 0 && (p.received() + p.free()) as usize == p.blocks().len();
            settled && !p.is_whole() && p.senders().all(|sender| sender == conn)
        };
        let begun: Vec<u32> = picker.begun().filter(|(_, p)| own(p)).map(|(piece, _)| piece).collect();
        for piece in begun {
            let blocks = picker.partial(piece).map_or(0, Partial::received);
            self.wasted += u64::from(blocks) * u64::from(teem_wire::peer::block::BLOCK_LEN);
            picker.lost(piece, &mut self.rng);
            cx.out.push_back(Output::Disk(Job::Forget { torrent: self.id, piece }));
        }
    }
}
