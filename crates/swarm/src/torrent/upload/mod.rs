//! Serving peers (BEP 3, 6; bad input, rows 34, 35 and 39): requests, reads and sends here, whom they may come from in [`choking`], how much
//! of the pool of buffers a peer may hold in [`pool`].
//!
//! Invariants: no more peers are unchoked than the slots allow with those that have paused; what is read ahead is the sum over the
//! peers; the peers that wait for the limit are those in its queue.
pub(super) mod choking;
pub(super) mod pool;

use super::context::Context;
use super::ground::Ground;
use crate::choke::ahead::Ahead;
use crate::choke::ledger::Ledger;
use crate::choke::leech::Optimistic;
use crate::choke::order::{self, Waiting};
use crate::choke::slots::Slots;
use crate::event::Event;
use crate::ids::{ConnId, TorrentId};
use crate::job::{Job, Reader};
use crate::output::{CloseReason, Output};
use crate::peer::Peer;
use crate::picker::pick::Picker;
use crate::pool::Pool;
use crate::rate::{CHOKE_SLOTS, Meter, PIPELINE_SLOTS};
use crate::throttle::{Shared, Throttle};
use crate::time::Time;
use alloc::collections::BTreeSet;
use core::time::Duration;
use teem_wire::holder::Network;
use teem_wire::peer::block::BlockRef;

/// Requests that cross our CHOKE on the way are not held against a peer for this long.
const CHOKE_GRACE: Duration = Duration::from_secs(10);
/// Blocks remembered that only we had and that have left: those of some seconds.
const RELAYED_MAX: usize = 4_096;

/// What goes out.
#[derive(Debug)]
pub(super) struct Upload {
    throttle: Throttle,
    sent: Meter,
    /// The owner is told when so many bytes were sent.
    tell_at: Option<u64>,
    slots: Slots,
    optimistic: Optimistic,
    /// All peers belong to one owner: they are served by turns alone.
    cooperative: bool,
    /// An interested peer was choked when the slots were last looked at.
    crowded: bool,
    /// What is owed to each network.
    ledger: Ledger,
    /// What is read ahead for the line.
    ahead: Ahead,
    /// Blocks that only we had and that have left us while others waited.
    relayed: BTreeSet<BlockRef>,
    /// Peers that wait because the pool is scarce.
    short: BTreeSet<ConnId>,
    /// When to look whether a slot lies idle.
    refill: Option<Time>,
}

/// Whether nobody else near us has a block, so that the swarm waits for us to pass it on.
fn is_unique(picker: Option<&Picker>, at: BlockRef) -> bool {
    picker.is_some_and(|picker| picker.availability(at.piece) == 0)
}

impl Upload {
    /// Nobody is served; `rate` is the torrent's own limit in payload bytes a second.
    pub(super) fn new(id: TorrentId, rate: Option<u64>, cooperative: bool) -> Self {
        Self {
            throttle: Throttle::new(id, rate),
            sent: Meter::default(),
            tell_at: None,
            slots: Slots::default(),
            optimistic: Optimistic::default(),
            cooperative,
            crowded: false,
            ledger: Ledger::default(),
            ahead: Ahead::default(),
            relayed: BTreeSet::new(),
            short: BTreeSet::new(),
            refill: None,
        }
    }

    /// Changes the torrent's own limit in payload bytes a second.
    pub(super) fn set_limit(&mut self, now: Time, rate: Option<u64>) {
        self.throttle.set_rate(now, rate);
    }

    /// Payload that went to the kernel.
    pub(super) fn sent_meter(&self) -> &Meter {
        &self.sent
    }

    /// The owner wants to be told when so many bytes were sent.
    pub(super) fn tell_at(&mut self, bytes: u64) {
        self.tell_at = Some(bytes);
    }

    /// Bytes a second that go now.
    pub(super) fn rate(&self, now: Time) -> u64 {
        self.sent.rate(now, PIPELINE_SLOTS)
    }

    /// Whether nothing is queued for any peer.
    pub(super) fn is_idle(&self, ground: &Ground) -> bool {
        !self.throttle.is_waiting() && ground.table.values().all(|p| p.upload().is_idle())
    }

    /// A network has given us so many bytes.
    pub(super) fn owe(&mut self, now: Time, to: Network, bytes: u32, piece_len: u32) {
        self.ledger.add(now, to, i64::from(bytes), piece_len);
    }

    /// A peer asks for a block; `there` is whether we have it and it was shown. The error is why the connection has to be closed.
    pub(super) fn request<B>(
        &mut self,
        cx: &mut Context<'_, B>,
        ground: &mut Ground,
        picker: Option<&Picker>,
        conn: ConnId,
        (at, there): (BlockRef, bool),
    ) -> Result<(), CloseReason> {
        let allowed = ground.content.geometry().allows(at);
        let lost_some = ground.content.has_lost_some();
        let Some(peer) = ground.table.get_mut(conn) else { return Ok(()) };
        let open = peer.stance().may_be_asked(at.piece);
        let crossed = peer.stance().has_just_choked(cx.now, CHOKE_GRACE);
        peer.clocks_mut().want(cx.now);
        if there && peer.request(at) {
            self.read_requested(cx, ground, picker, conn);
            return Ok(());
        }
        let excused = (there && (open || crossed)) || (lost_some && allowed);
        let verdict = if excused { Ok(()) } else { peer.conduct_mut().invalid_request() };
        ground.table.reject(cx, conn, at);
        verdict
    }

    /// A peer does not want a block any more.
    pub(super) fn cancel<B>(cx: &mut Context<'_, B>, ground: &mut Ground, conn: ConnId, at: BlockRef) {
        let Some((waiting, addr)) = ground.table.get(conn).map(|p| (p.upload().waiting() as u64, p.who().addr()))
        else {
            return;
        };
        // From one for whom all that was too often looked through the block comes all the same, as it may by BEP 3.
        if !ground.looks.may(conn, addr, waiting) {
            return;
        }
        ground.work += waiting;
        if ground.table.get_mut(conn).is_some_and(|peer| peer.upload_mut().cancel(at)) {
            // BEP 6: each request is answered, a cancelled one too.
            ground.table.reject(cx, conn, at);
        }
    }

    /// Reads what a peer has asked for, as far as its share of bytes in flight and the limit, or the line, allow.
    pub(super) fn read_requested<B>(
        &mut self,
        cx: &mut Context<'_, B>,
        ground: &mut Ground,
        picker: Option<&Picker>,
        conn: ConnId,
    ) {
        while ground.table.get(conn).is_some_and(|p| pool::may_hold(cx, p)) {
            if self.throttle.is_waiting() || !self.may_read(cx) {
                self.wait(cx.now, ground, conn);
                return;
            }
            self.read_one(cx, ground, picker, conn);
        }
        if ground.table.get(conn).is_some_and(|p| p.upload().is_ready(cx.now)) {
            self.short.insert(conn);
        }
    }

    /// Once a second or so: peers for which the pool was too scarce are looked at again.
    pub(super) fn retry_short<B>(&mut self, cx: &mut Context<'_, B>, ground: &mut Ground, picker: Option<&Picker>) {
        for conn in core::mem::take(&mut self.short) {
            self.read_requested(cx, ground, picker, conn);
        }
    }

    /// Whether a block more may be read: by the limit, or, without one, by what the line is about to carry.
    fn may_read<B>(&mut self, cx: &mut Context<'_, B>) -> bool {
        if self.throttle.is_limited(&cx.shared.up) {
            self.throttle.may(&mut cx.shared.up, cx.now)
        } else {
            !self.has_enough(cx.now)
        }
    }

    fn has_enough(&self, now: Time) -> bool {
        // By the better of two rates: when the line pauses, more is to be read, not less.
        self.ahead.is_enough(0)
            && [PIPELINE_SLOTS, CHOKE_SLOTS].iter().all(|slots| self.ahead.is_enough(self.sent.rate(now, *slots)))
    }

    /// When something is due: those that wait can go on (without a limit something else has to happen first), or a slot may lie idle.
    pub(super) fn deadline(&self, shared: &Shared, now: Time) -> Option<Time> {
        let serving = if self.throttle.is_limited(&shared.up) {
            self.throttle.deadline(&shared.up, now)
        } else {
            (self.throttle.is_waiting() && !self.has_enough(now)).then_some(now)
        };
        Time::earliest([serving, self.refill])
    }

    /// Leaves the queues for limits that are shared, since others will hold.
    pub(super) fn leave(&mut self, shared: &mut Shared) {
        self.throttle.leave(&mut shared.up);
    }

    /// Joins or leaves the queues for the limits that are shared, as things stand now.
    pub(super) fn settle(&mut self, shared: &mut Shared, now: Time) {
        self.throttle.settle(&mut shared.up, now);
    }

    /// Does something with what a peer has asked for; how much is read ahead may change by that.
    fn with_peer<T>(
        &mut self,
        held: &mut u64,
        ground: &mut Ground,
        conn: ConnId,
        act: impl FnOnce(&mut Peer) -> T,
    ) -> Option<T> {
        let peer = ground.table.get_mut(conn)?;
        let (before, had) = (peer.upload().ahead(), peer.upload().in_flight());
        let outcome = act(peer);
        self.ahead.changed(before, peer.upload().ahead());
        *held = (*held + peer.upload().in_flight()).saturating_sub(had);
        Some(outcome)
    }

    /// Once a second or so: whether a peer takes what is in flight to it.
    pub(super) fn look_at(&mut self, now: Time, peer: &mut Peer) {
        self.ahead.changed(peer.upload().ahead(), peer.upload_mut().look_at(now));
    }

    /// Lets those that wait go on, a block at a time.
    pub(super) fn pump<B>(&mut self, cx: &mut Context<'_, B>, ground: &mut Ground, picker: Option<&Picker>) {
        while self.throttle.is_waiting() && self.may_read(cx) {
            let Some(conn) = self.next(cx.now, ground, picker) else { return };
            self.throttle.forget(conn);
            let Some(peer) = ground.table.get_mut(conn) else { continue };
            peer.end_wait_up();
            if pool::may_hold(cx, peer) {
                self.read_one(cx, ground, picker, conn);
                if ground.table.get(conn).is_some_and(|p| pool::may_hold(cx, p)) {
                    self.wait(cx.now, ground, conn);
                }
            } else if peer.upload().is_ready(cx.now) {
                self.short.insert(conn);
            }
        }
    }

    fn next(&self, now: Time, ground: &Ground, picker: Option<&Picker>) -> Option<ConnId> {
        let waiting = self.throttle.waiting().filter_map(|conn| {
            let peer = ground.table.get(conn)?;
            let next = peer.upload().next();
            Some(Waiting {
                conn,
                round: peer.upload().goes_round(),
                waited: now.since(peer.upload().waits_since()),
                unique: next.is_some_and(|(at, _)| is_unique(picker, at) && !self.relayed.contains(&at)),
                goes_on: next.is_some_and(|(_, goes_on)| goes_on),
                owed: if self.cooperative { 0 } else { self.ledger.owed(now, peer.network()) },
            })
        });
        order::next(waiting)
    }

    fn wait(&mut self, now: Time, ground: &mut Ground, conn: ConnId) {
        if ground.table.get_mut(conn).is_some_and(|peer| peer.wait_up(now)) {
            self.throttle.wait(conn);
        }
    }

    fn read_one<B>(&mut self, cx: &mut Context<'_, B>, ground: &mut Ground, picker: Option<&Picker>, conn: ConnId) {
        let read = self.with_peer(&mut cx.shared.pool.held, ground, conn, |peer| {
            Some((peer.upload_mut().read(cx.now)?, peer.network()))
        });
        if let Some((at, from)) = read.flatten() {
            self.ledger.add(cx.now, from, -i64::from(at.len), ground.content.geometry().piece_len);
            if self.throttle.is_waiting() && is_unique(picker, at) {
                if self.relayed.len() >= RELAYED_MAX {
                    self.relayed.clear();
                }
                self.relayed.insert(at);
            }
            self.throttle.take(&mut cx.shared.up, u64::from(at.len));
            cx.out.push_back(Output::Disk(Job::Read { torrent: ground.id, reader: Reader::Peer(conn), at }));
        }
    }

    /// A block was read for a peer; whether it leaves.
    pub(super) fn has_read<B>(
        &mut self,
        cx: &mut Context<'_, B>,
        ground: &mut Ground,
        picker: Option<&Picker>,
        conn: ConnId,
        (at, data): (BlockRef, B),
    ) -> bool {
        let wanted = self.with_peer(&mut cx.shared.pool.held, ground, conn, |peer| {
            peer.clocks_mut().tell(cx.now);
            peer.upload_mut().has_read(at)
        });
        if wanted == Some(true) {
            cx.out.push_back(Output::SendBlock { conn, at, data });
            return true;
        }
        self.throttle.refund(&mut cx.shared.up, u64::from(at.len));
        self.read_requested(cx, ground, picker, conn);
        self.pump(cx, ground, picker);
        false
    }

    /// A block could not be read for a peer. To be followed by [`Self::go_on`].
    pub(super) fn read_failed<B>(&mut self, cx: &mut Context<'_, B>, ground: &mut Ground, conn: ConnId, at: BlockRef) {
        self.throttle.refund(&mut cx.shared.up, u64::from(at.len));
        if self.with_peer(&mut cx.shared.pool.held, ground, conn, |peer| peer.upload_mut().read_failed(at))
            == Some(true)
        {
            ground.table.reject(cx, conn, at);
        }
    }

    /// Serves a peer, then those that wait.
    pub(super) fn go_on<B>(
        &mut self,
        cx: &mut Context<'_, B>,
        ground: &mut Ground,
        picker: Option<&Picker>,
        conn: ConnId,
    ) {
        self.read_requested(cx, ground, picker, conn);
        self.pump(cx, ground, picker);
    }

    /// Payload of blocks has gone to the kernel.
    pub(super) fn sent<B>(
        &mut self,
        cx: &mut Context<'_, B>,
        ground: &mut Ground,
        picker: Option<&Picker>,
        conn: ConnId,
        bytes: u64,
    ) {
        self.sent.add(cx.now, bytes);
        if self.tell_at.is_some_and(|at| self.sent.total() >= at) {
            self.tell_at = None;
            cx.tell(Event::Sent { torrent: ground.id });
        }
        let dry = self.with_peer(&mut cx.shared.pool.held, ground, conn, |peer| {
            peer.sent(cx.now, bytes);
            peer.upload().is_idle() && !peer.stance().am_choking()
        });
        if let Some(dry) = dry {
            self.go_on(cx, ground, picker, conn);
            if dry {
                self.has_run_dry(cx.now);
            }
        }
    }

    /// A peer is gone.
    pub(super) fn gone(&mut self, pool: &mut Pool, conn: ConnId, peer: &Peer) {
        pool.held = pool.held.saturating_sub(peer.upload().in_flight());
        pool.served = pool.served.saturating_sub(u64::from(!peer.stance().am_choking()));
        self.short.remove(&conn);
        self.ahead.changed(peer.upload().ahead(), 0);
        if peer.waits_up() {
            self.throttle.forget(conn);
        }
    }

    /// Whether the sums agree with the peers. Costs in proportion to the peers.
    pub(super) fn check(&self, ground: &Ground) -> Result<(), &'static str> {
        if self.ahead.bytes() != ground.table.values().map(|p| p.upload().ahead()).sum::<u64>() {
            return Err("what is read ahead differs from the sum over the peers");
        }
        let waiting = ground.table.values().filter(|p| p.waits_up()).count();
        let queued = self.throttle.waiting().filter(|conn| ground.table.get(*conn).is_some_and(Peer::waits_up)).count();
        if (waiting, waiting) != (queued, self.throttle.waiting().count()) {
            return Err("the peers that wait for the upload limit differ from its queue");
        }
        Ok(())
    }
}
