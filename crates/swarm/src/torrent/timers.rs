//! What has to be done because time has passed, and when the next of it is due (BEP 3, keepalives; own design).
//!
//! Once a second while anything moves, else every ten, the peers are looked over: stalls, keepalives, idleness, slots. What
//! needs to be exact (limits, syncs, announces) has a deadline of its own. A torrent without peers and work has none.
use super::Torrent;
use super::context::Context;
use super::source::Source;
use super::trust;
use crate::choke::ROUND;
use crate::event::State;
use crate::ids::ConnId;
use crate::job::Job;
use crate::output::{CloseReason, Output};
use crate::picker::pick::Picker;
use crate::throttle::Shared;
use crate::time::Time;
use alloc::vec::Vec;
use core::time::Duration;
use teem_wire::peer::block::BlockRef;
use teem_wire::peer::message::Message;

/// How often peers are looked over while something moves.
pub(super) const BUSY: Duration = Duration::from_secs(1);
/// How often otherwise.
const QUIET: Duration = Duration::from_secs(10);
/// A connection on which nothing came for so long is dead: its other end sends at least keepalives.
const SILENCE_MAX: Duration = Duration::from_secs(120);
/// A connection on which neither side wanted anything for so long is given up.
const IDLE_MAX: Duration = Duration::from_secs(600);
/// We speak at least this often: well under the 120 s of others, and never twice in 60 s.
const KEEPALIVE: Duration = Duration::from_secs(100);
/// Being this late means that the machine slept or the clock jumped: nobody is to blame for the silence.
const SLEPT: Duration = Duration::from_secs(60);

impl Torrent {
    /// A deadline has come.
    pub fn tick<B>(&mut self, cx: &mut Context<'_, B>) {
        self.pump_up(cx);
        self.pump_down(cx);
        if cx.now >= self.housekeeping {
            self.look_over(cx);
        }
        if self.refill.is_some_and(|at| at <= cx.now) {
            self.rechoke(cx, false);
        }
        self.retry_held(cx);
        if self.disk_retry.is_some_and(|(at, _)| at <= cx.now) && self.state == State::DiskTrouble {
            let times = self.disk_retry.map_or(0, |(_, n)| n);
            self.disk_retry = Some((Time(u64::MAX), times));
            self.recovered(cx);
        }
        self.source_tick(cx);
        self.fetch_metadata(cx);
        self.place_due(cx);
        self.give_metadata(cx);
        self.settle(cx);
    }

    /// The machine slept, or has another address than before: trackers are told, those that were peers are dialled again, and a
    /// word is sent on each connection so that those whose other end is gone are found out.
    pub fn rejoin<B>(&mut self, cx: &mut Context<'_, B>) {
        self.announcer.rejoin(cx.now, &mut self.rng);
        self.candidates.rejoin(cx.now);
        for conn in self.connections() {
            self.send(cx, conn, Message::KeepAlive);
        }
        self.settle(cx);
    }

    /// We listen on another port: trackers are told at once, and the order of dialling follows (BEP 40).
    pub fn port_changed<B>(&mut self, cx: &mut Context<'_, B>) {
        self.announcer.port_changed(cx.now);
        self.candidates.set_external(self.candidates.external());
        self.settle(cx);
    }

    /// What is due now anyhow; to be called at the end of each handler.
    pub(super) fn settle<B>(&mut self, cx: &mut Context<'_, B>) {
        if self.durability.deadline().is_some_and(|at| at <= cx.now) && self.is_open() {
            self.durability.begin(self.is_done());
            cx.out.push_back(Output::Disk(Job::Sync { torrent: self.id, facts: self.facts() }));
        }
        self.announce_due(cx);
        self.up.settle(&mut cx.shared.up, cx.now);
        self.down.settle(&mut cx.shared.down, cx.now);
    }

    fn is_open(&self) -> bool {
        matches!(self.state, State::Checking | State::Downloading | State::Seeding | State::DiskTrouble)
    }

    /// When [`Self::tick`] is to be called next, if nothing happens before.
    pub fn deadline(&self, shared: &Shared, now: Time) -> Option<Time> {
        let housekeeping = (!self.peers.is_empty()).then_some(self.housekeeping);
        let metadata = if self.state == State::Metadata && self.info.is_none() { self.fetch.deadline() } else { None };
        let durability = if self.is_open() { self.durability.deadline() } else { None };
        let retry = self.disk_retry.filter(|(at, _)| at.0 != u64::MAX && self.state == State::DiskTrouble);
        [
            housekeeping,
            metadata,
            self.place_deadline(),
            durability,
            retry.map(|(at, _)| at),
            self.refill,
            self.give.deadline(),
            self.source.as_ref().and_then(Source::deadline),
            self.announcer.deadline(),
            self.held.first().map(|(at, _)| *at),
            self.serving_deadline(shared, now),
            self.down.deadline(&shared.down, now),
        ]
        .iter()
        .flatten()
        .min()
        .copied()
    }

    fn look_over<B>(&mut self, cx: &mut Context<'_, B>) {
        if cx.now.since(self.housekeeping) > SLEPT {
            self.peers.values_mut().for_each(|peer| {
                (peer.heard, peer.busy) = (cx.now, cx.now);
                peer.pipeline.woke(cx.now);
            });
        }
        self.measure(cx.now);
        self.find_stuck(cx.now);
        let hurry = !self.hungry.is_empty() && self.picker.as_ref().is_some_and(Picker::is_ending);
        self.end_doubts(cx.now);
        let mut moving = false;
        for conn in self.connections() {
            match self.look_at(cx, conn, hurry) {
                Ok(busy) => moving |= busy,
                Err(why) => self.drop_peer(cx, conn, why),
            }
        }
        self.drop_barren(cx);
        self.wake_hungry(cx);
        if cx.now >= self.next_round {
            self.next_round = cx.now + ROUND;
            for conn in self.connections() {
                self.forgive(cx, conn);
            }
            self.rechoke(cx, true);
        } else {
            self.rechoke(cx, false);
        }
        self.housekeeping = cx.now + if moving { BUSY } else { QUIET };
    }

    /// Tells the picker which blocks wait at peers that hardly send anything.
    fn find_stuck(&mut self, now: Time) {
        let Some(picker) = &mut self.picker else { return };
        let silent = self.peers.values().filter(|p| p.pipeline.is_dribbling(now));
        picker.set_stuck(silent.flat_map(|p| p.pipeline.asked().map(|at| (at, p.conn))).collect());
    }

    /// Begins a new leaf with a peer: what it rejected may be asked for again.
    fn forgive<B>(&mut self, cx: &mut Context<'_, B>, conn: ConnId) {
        let Some(peer) = self.peers.get_mut(&conn) else { return };
        peer.conduct.forgive();
        if peer.refusals.end(cx.now) {
            if peer.refusals.is_barren() {
                // One block at a time until one comes.
                peer.pipeline.stall(cx.now);
            }
            self.fill(cx, conn);
        }
    }

    /// Looks after one peer; whether anything moves between us.
    fn look_at<B>(&mut self, cx: &mut Context<'_, B>, conn: ConnId, hurry: bool) -> Result<bool, CloseReason> {
        let Some(peer) = self.peers.get_mut(&conn) else { return Ok(false) };
        if cx.now.since(peer.heard) >= SILENCE_MAX {
            return Err(CloseReason::TimedOut);
        }
        if peer.interested || peer.am_interested {
            peer.busy = peer.busy.max(cx.now - IDLE_MAX / 2);
        } else if cx.now.since(peer.busy) >= IDLE_MAX && !matches!(self.state, State::Metadata | State::Placing) {
            return Err(CloseReason::Useless);
        }
        let moving = peer.pipeline.under_way() > 0 || !peer.upload.is_idle() || peer.interested || peer.am_interested;
        self.ahead.changed(peer.upload.ahead(), peer.upload.look_at(cx.now));
        let stalling = peer.pipeline.is_stalling(cx.now, hurry);
        let released = trust::release(peer, cx.now);
        if cx.now.since(peer.told) >= KEEPALIVE {
            self.send(cx, conn, Message::KeepAlive);
        }
        if stalling {
            self.stall(cx, conn);
        } else if released {
            self.fill(cx, conn);
        }
        Ok(moving)
    }

    /// Takes back what a peer was asked for, because it could not be stored now.
    pub(super) fn stop_asking<B>(&mut self, cx: &mut Context<'_, B>, conn: ConnId) {
        let asked: Vec<BlockRef> = self.peers.get(&conn).map(|p| p.pipeline.asked().collect()).unwrap_or_default();
        self.give_up_requests(cx, conn);
        for at in asked {
            self.send(cx, conn, Message::Cancel(at));
        }
    }
}
