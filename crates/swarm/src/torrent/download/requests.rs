//! Taking requests back (BEP 3, CANCEL; BEP 6, REJECT): what a peer was asked for is free for others.
use super::Download;
use super::intake::Intake;
use crate::ids::ConnId;
use crate::peer::pipeline::Arrival;
use crate::torrent::context::Context;
use crate::torrent::ground::Ground;
use alloc::vec::Vec;
use teem_wire::peer::block::BlockRef;
use teem_wire::peer::message::Message;

impl Download {
    /// Everything a peer was asked for is free for others. What still comes from it is used when it is wanted.
    pub(in crate::torrent) fn give_up<B>(
        &mut self,
        cx: &mut Context<'_, B>,
        ground: &mut Ground,
        intake: &mut Intake,
        conn: ConnId,
    ) {
        let Some(peer) = ground.table.get_mut(conn) else { return };
        for (at, _) in intake.give_up(&mut cx.shared.down, cx.now, peer) {
            self.picker.give_back(at, conn, &mut ground.rng);
        }
        self.picker.disown(conn);
    }

    /// Takes back what a peer was asked for, because it could not be stored or is not wanted now.
    pub(super) fn stop_asking<B>(
        &mut self,
        cx: &mut Context<'_, B>,
        ground: &mut Ground,
        intake: &mut Intake,
        conn: ConnId,
    ) {
        let asked: Vec<BlockRef> = ground.table.get(conn).map(|p| p.pipeline().asked().collect()).unwrap_or_default();
        self.give_up(cx, ground, intake, conn);
        for at in asked {
            ground.table.send(cx, conn, Message::Cancel(at));
        }
    }

    /// A peer keeps us waiting: its blocks are asked elsewhere, and it is asked one at a time.
    pub(in crate::torrent) fn stall<B>(
        &mut self,
        cx: &mut Context<'_, B>,
        ground: &mut Ground,
        intake: &mut Intake,
        conn: ConnId,
    ) {
        let Some(peer) = ground.table.get(conn) else { return };
        let before: Vec<BlockRef> = peer.pipeline().asked().collect();
        self.give_up(cx, ground, intake, conn);
        if let Some(peer) = ground.table.get_mut(conn) {
            peer.pipeline_mut().stall(cx.now);
        }
        for at in before {
            ground.table.send(cx, conn, Message::Cancel(at));
        }
    }

    /// A peer has rejected a request that was waited for.
    pub(in crate::torrent) fn rejected(&mut self, ground: &mut Ground, conn: ConnId, at: BlockRef) {
        self.picker.give_back(at, conn, &mut ground.rng);
    }
}

impl Intake {
    /// A peer rejects a request: whether it was waited for, which then is charged to no limit. `None` when it never was asked for.
    pub(in crate::torrent) fn reject<B>(
        &mut self,
        cx: &mut Context<'_, B>,
        ground: &mut Ground,
        conn: ConnId,
        at: BlockRef,
    ) -> Option<bool> {
        match ground.table.get_mut(conn)?.reject(cx.now, at) {
            Arrival::Asked => {
                self.throttle_mut().refund(&mut cx.shared.down, u64::from(at.len));
                Some(true)
            }
            Arrival::Late => Some(false),
            Arrival::WrongLength | Arrival::Unasked => None,
        }
    }
}

/// A block that a peer was asked for has come from another, or is asked of another.
pub(super) fn cancel<B>(cx: &mut Context<'_, B>, ground: &mut Ground, intake: &mut Intake, conn: ConnId, at: BlockRef) {
    let Some(peer) = ground.table.get_mut(conn) else { return };
    if peer.pipeline_mut().cancel(cx.now, at) {
        intake.throttle_mut().refund(&mut cx.shared.down, u64::from(at.len));
        ground.table.send(cx, conn, Message::Cancel(at));
    }
}
