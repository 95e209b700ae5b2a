//! What comes from the peers, over all the downloads of a torrent's life (own design): the limit on it, its figures, and what is known
//! against those who sent it.
use super::evidence::{Evidence, Suspect};
use crate::ids::{ConnId, TorrentId};
use crate::output::CloseReason;
use crate::peer::Peer;
use crate::peer::pipeline::Arrival;
use crate::rate::Meter;
use crate::throttle::{Lanes, Throttle};
use crate::time::Time;
use alloc::collections::VecDeque;
use teem_wire::peer::block::BlockRef;

/// What comes in.
#[derive(Debug)]
pub(in crate::torrent) struct Intake {
    throttle: Throttle,
    received: Meter,
    wasted: u64,
    evidence: Evidence,
}

impl Intake {
    /// Nothing has come; `rate` is the torrent's own limit in payload bytes a second.
    pub(in crate::torrent) fn new(id: TorrentId, rate: Option<u64>) -> Self {
        Self { throttle: Throttle::new(id, rate), received: Meter::default(), wasted: 0, evidence: Evidence::default() }
    }

    /// The limit of what is received.
    pub(in crate::torrent) fn throttle(&self) -> &Throttle {
        &self.throttle
    }

    /// The same, to be charged.
    pub(in crate::torrent) fn throttle_mut(&mut self) -> &mut Throttle {
        &mut self.throttle
    }

    /// Payload that came.
    pub(in crate::torrent) fn received(&self) -> &Meter {
        &self.received
    }

    /// Payload that came and was of no use.
    pub(in crate::torrent) fn wasted(&self) -> u64 {
        self.wasted
    }

    /// Payload was of no use.
    pub(in crate::torrent) fn waste(&mut self, bytes: u64) {
        self.wasted += bytes;
    }

    /// What is known against which peer.
    pub(in crate::torrent) fn evidence(&self) -> &Evidence {
        &self.evidence
    }

    /// The same, to be added to.
    pub(in crate::torrent) fn evidence_mut(&mut self) -> &mut Evidence {
        &mut self.evidence
    }

    /// A block has come from a peer. Whether it may be of use; the error is why the connection has to be closed.
    pub(in crate::torrent) fn arrive(
        &mut self,
        lanes: &mut Lanes,
        now: Time,
        peer: &mut Peer,
        at: BlockRef,
    ) -> Result<bool, CloseReason> {
        let len = u64::from(at.len);
        self.received.add(now, len);
        match peer.deliver(now, at) {
            Arrival::Asked => Ok(true),
            Arrival::Late => {
                // What was charged for it has been given back.
                self.throttle.take(lanes, len);
                let accused = peer.standing().is_accused(now);
                self.wasted += if accused { len } else { 0 };
                Ok(!accused)
            }
            Arrival::WrongLength => Err(CloseReason::Protocol("a block of another length than asked for")),
            Arrival::Unasked => {
                self.wasted += len;
                if peer.who().is_fast() {
                    return Err(CloseReason::Protocol("a block that was never asked for"));
                }
                peer.conduct_mut().unasked_block().map(|()| false)
            }
        }
    }

    /// Nothing is waited for from a peer any more: what was is charged to no limit.
    pub(in crate::torrent) fn give_up(
        &mut self,
        lanes: &mut Lanes,
        now: Time,
        peer: &mut Peer,
    ) -> VecDeque<(BlockRef, Time)> {
        let given_up = peer.give_up(now);
        for (at, _) in &given_up {
            self.throttle.refund(lanes, u64::from(at.len));
        }
        given_up
    }

    /// A peer is gone; who it was is kept for a while, lest it proves to have lied.
    pub(in crate::torrent) fn gone(&mut self, conn: ConnId, peer: &Peer) {
        if peer.waits_down() {
            self.throttle.forget(conn);
        }
        self.evidence.leave(conn, Suspect::of(peer));
    }
}
