//! A torrent's states and what leads from one to another: metadata, checking, downloading, seeding, trouble, the end (own design).
use super::Torrent;
use super::address::PeerSource;
use super::asking::Placing;
use super::context::Context;
use super::wanted::Wanted;
use crate::bitfield::Bitfield;
use crate::event::{Event, State};
use crate::geometry::Geometry;
use crate::ids::ConnId;
use crate::job::{DiskError, DiskErrorKind, Done, Facts, Job};
use crate::output::{CloseReason, Output};
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::net::SocketAddr;
use core::time::Duration;
use teem_metainfo::Info;

/// After trouble that is not for want of space the disk is tried again: 10 s, doubling up to 80 s.
const DISK_RETRY: Duration = Duration::from_secs(10);
const DISK_RETRY_DOUBLINGS_MAX: u32 = 3;

impl Torrent {
    /// Begins: the content is opened, or the metadata looked for.
    pub fn start<B>(&mut self, cx: &mut Context<'_, B>) {
        let named = core::mem::take(&mut self.named_peers);
        if self.is_private() && !named.is_empty() {
            self.notice(cx, String::from("the torrent is private: peers that were named by hand are ignored (BEP 27)"));
        } else {
            self.candidates.add(cx.now, PeerSource::User, &named);
        }
        if self.info.is_some() {
            self.open(cx);
        } else {
            self.set_state(cx, State::Metadata);
            self.announcer.start(cx.now);
        }
        self.settle(cx);
    }

    /// Takes metadata on; what peers have said is judged by the caller.
    pub(super) fn adopt(&mut self, info: Arc<Info>) {
        self.geometry = Geometry::of(&info);
        self.have = Bitfield::new(self.geometry.pieces);
        self.wanted = Wanted::new(self.wanted.said(), &info, &self.have);
        self.me.torrent = info.key();
        self.info = Some(info);
    }

    /// The disk has answered.
    pub fn disk<B>(&mut self, cx: &mut Context<'_, B>, done: Done<B>) {
        if self.closing {
            match done {
                Done::Closed { .. } => self.closing = false,
                Done::SyncFailed { error, .. } | Done::Trouble { error, .. } => self.notice(cx, error.message),
                Done::OpenFailed { error, .. } | Done::WriteFailed { error, .. } => self.notice(cx, error.message),
                _ => {}
            }
            return;
        }
        match done {
            Done::Opened { have, check, facts, selection, .. } => {
                if self.state == State::Checking {
                    self.take_up(cx, selection);
                    self.opened(cx, &have, check, facts);
                }
            }
            Done::Checked { piece, ok, .. } => self.checked(cx, piece, ok),
            Done::Piece { piece, verdict, digests, .. } => self.judged(cx, piece, verdict.is_right(), &digests),
            Done::Block { conn, at, data, .. } => self.has_read(cx, conn, at, data),
            Done::ReadFailed { conn, at, error, .. } => self.read_failed(cx, conn, at, error),
            Done::Synced { .. } => {
                let complete = self.durability.done() && self.is_done();
                cx.tell(Event::Durable { torrent: self.id, complete });
            }
            Done::Metadata { result, hash_ok, .. } => self.metadata_judged(cx, result, hash_ok),
            Done::OpenFailed { error, .. } => self.fail(cx, error.message.clone(), Some(error)),
            Done::WriteFailed { piece, error, .. } => self.write_failed(cx, piece, &error),
            Done::SyncFailed { error, .. } | Done::Trouble { error, .. } => {
                let syncing = self.durability.failed(cx.now);
                self.trouble(cx, &error, syncing);
            }
            Done::Recovered { .. } => self.recovered(cx),
            Done::Closed { .. } => {}
        }
        self.settle(cx);
    }

    fn opened<B>(&mut self, cx: &mut Context<'_, B>, have: &[u32], check: Vec<u32>, facts: Facts) {
        self.announcer.remember(&facts.completed_at);
        if !self.is_private() {
            // Of a private torrent only the tracker says who may take part (BEP 27).
            let saved: Vec<SocketAddr> = facts.peers.iter().filter_map(|p| p.parse().ok()).collect();
            self.candidates.add(cx.now, PeerSource::Saved, &saved);
        }
        self.facts_before = facts;
        if self.publish {
            self.out.begin(&self.geometry); // what is verified leaves while the rest is still being checked
        }
        for piece in have {
            self.gain(*piece);
        }
        if self.publish || self.have.is_full() {
            self.begin_granting(cx);
        }
        let check: Vec<u32> = check.into_iter().filter(|p| *p < self.geometry.pieces && !self.have.get(*p)).collect();
        self.checks = (check.len() as u32, check.len() as u32);
        self.tell_all(cx);
        if check.is_empty() {
            self.ready(cx);
        } else {
            cx.out.push_back(Output::Disk(Job::Check { torrent: self.id, pieces: check }));
        }
    }

    /// Peers that came before the content was looked at are told what is there.
    fn tell_all<B>(&mut self, cx: &mut Context<'_, B>) {
        for piece in self.have.clone().iter() {
            if self.peers.is_empty() || self.is_source() {
                return;
            }
            self.spread(cx, piece);
        }
    }

    fn checked<B>(&mut self, cx: &mut Context<'_, B>, piece: u32, ok: bool) {
        let had = self.have.get(piece);
        if ok && !had {
            self.gain(piece);
            self.durability.verified(cx.now, u64::from(self.geometry.piece_size(piece)));
            self.spread(cx, piece);
        } else if !ok && had {
            self.lose(cx, piece);
        }
        if self.state != State::Checking || self.checks.0 == 0 {
            if self.is_done() && self.picker.is_some() {
                self.complete(cx);
            }
            return;
        }
        self.checks.0 -= 1;
        if self.checks.0 == 0 {
            self.ready(cx);
        }
    }

    /// It is known what is there: the torrent goes to work.
    fn ready<B>(&mut self, cx: &mut Context<'_, B>) {
        let complete = self.is_done();
        if self.have.is_full() || self.publish {
            self.begin_granting(cx);
            self.out.begin(&self.geometry);
            self.set_state(cx, State::Seeding);
        } else if complete {
            self.announcer.set_partial(cx.now, true);
            self.set_state(cx, State::Seeding);
        } else {
            self.begin_download(cx);
        }
        if complete {
            self.durability.ask();
            cx.tell(Event::Complete { torrent: self.id, at_start: true });
            self.drop_seeds(cx);
        }
        self.announcer.start(cx.now);
        self.rechoke(cx, false);
    }

    /// Something is missing: from now on it is asked for.
    pub(super) fn begin_download<B>(&mut self, cx: &mut Context<'_, B>) {
        self.picker = Some(self.new_picker());
        self.peers.values_mut().for_each(|p| p.unjudged = 0);
        self.announcer.set_partial(cx.now, false);
        self.recount();
        self.set_state(cx, State::Downloading);
        for conn in self.connections() {
            self.update_interest(cx, conn);
            self.fill(cx, conn);
        }
        if let Some(error) = self.trouble_ahead.take() {
            self.trouble(cx, &error, false);
        }
    }

    /// The last piece that is wanted is there.
    pub(super) fn complete<B>(&mut self, cx: &mut Context<'_, B>) {
        for conn in self.connections() {
            self.give_up_requests(cx, conn);
        }
        self.picker = None;
        self.hungry.clear();
        self.held.clear();
        self.disk_retry = None;
        self.durability.ask();
        self.set_state(cx, State::Seeding);
        cx.tell(Event::Complete { torrent: self.id, at_start: false });
        if self.have.is_full() {
            self.announcer.completed(cx.now);
        } else {
            self.announcer.set_partial(cx.now, true);
            self.announce_upload_only(cx);
        }
        self.drop_seeds(cx);
        for conn in self.connections() {
            self.update_interest(cx, conn);
        }
        self.rechoke(cx, false);
    }

    fn drop_seeds<B>(&mut self, cx: &mut Context<'_, B>) {
        let seeds: Vec<ConnId> = self.peers.values().filter(|p| p.is_complete()).map(|p| p.conn).collect();
        for conn in seeds {
            self.drop_peer(cx, conn, CloseReason::BothSeeds);
        }
    }

    pub(super) fn connections(&self) -> Vec<ConnId> {
        self.peers.keys().copied().collect()
    }

    pub(super) fn set_state<B>(&mut self, cx: &mut Context<'_, B>, state: State) {
        if self.state != state || state == State::Metadata {
            self.state = state;
            cx.tell(Event::State { torrent: self.id, state });
        }
    }

    /// The disk is in trouble: nothing is asked for until it works again; what there is, is served.
    /// `retry` is whether the disk will not say by itself when it is over; it does after a write for want of space.
    pub(super) fn trouble<B>(&mut self, cx: &mut Context<'_, B>, error: &DiskError, retry: bool) {
        if self.state == State::Checking {
            self.trouble_ahead = Some(error.clone()).filter(|e| e.kind == DiskErrorKind::NoSpace);
        }
        if self.state == State::Downloading {
            self.set_state(cx, State::DiskTrouble);
            cx.tell(Event::Disk { torrent: self.id, error: error.clone() });
            self.noticed = Some(error.message.clone());
            for conn in self.connections() {
                self.stop_asking(cx, conn);
            }
            self.hungry.clear();
        } else {
            self.notice(cx, error.message.clone());
        }
        if (retry || error.kind != DiskErrorKind::NoSpace) && self.state == State::DiskTrouble {
            // Of writes that fail together the first counts, or many under way would look like a long trouble.
            if self.disk_retry.is_none_or(|(at, _)| at.0 == u64::MAX) {
                let times = self.disk_retry.map_or(0, |(_, n)| n + 1).min(DISK_RETRY_DOUBLINGS_MAX);
                self.disk_retry = Some((cx.now + DISK_RETRY * (1 << times), times));
            }
        }
    }

    /// The disk works again, or is to be tried.
    pub(super) fn recovered<B>(&mut self, cx: &mut Context<'_, B>) {
        self.trouble_ahead = None;
        if self.state == State::DiskTrouble {
            self.noticed = None;
            cx.tell(Event::DiskRecovered { torrent: self.id });
            self.set_state(cx, State::Downloading);
            for conn in self.connections() {
                self.fill(cx, conn);
            }
        }
    }

    fn fail<B>(&mut self, cx: &mut Context<'_, B>, why: String, disk: Option<DiskError>) {
        self.picker = None;
        self.set_state(cx, State::Failed);
        cx.tell(Event::Failed { torrent: self.id, why, disk });
        for conn in self.connections() {
            self.drop_peer(cx, conn, CloseReason::Stopping);
        }
        self.announcer.stop(cx.now);
    }

    /// The torrent cannot go on although nothing is wrong with the disk.
    pub(super) fn fail_for<B>(&mut self, cx: &mut Context<'_, B>, why: String) {
        self.fail(cx, why, None);
    }

    /// Makes all that is verified durable soon.
    pub fn sync<B>(&mut self, cx: &mut Context<'_, B>) {
        self.durability.ask();
        self.settle(cx);
    }

    /// Ends: peers are let go, `stopped` is announced, state saved. [`Self::is_removed`] tells when it is over.
    pub fn remove<B>(&mut self, cx: &mut Context<'_, B>) {
        if self.state == State::Stopping {
            return;
        }
        let opened = !matches!(self.state, State::Metadata | State::Placing | State::Failed);
        self.set_state(cx, State::Stopping);
        let facts = self.facts();
        for conn in self.connections() {
            self.drop_peer(cx, conn, CloseReason::Stopping);
        }
        self.picker = None;
        self.placing = Placing::Idle;
        self.announcer.stop(cx.now);
        if opened {
            self.closing = true;
            cx.out.push_back(Output::Disk(Job::Close { torrent: self.id, facts }));
        }
        self.settle(cx);
    }

    /// After [`Self::remove`]: everything is saved and the trackers know, or have had their time.
    pub fn is_removed(&self, now: crate::time::Time) -> bool {
        self.state == State::Stopping && !self.closing && self.announcer.is_stopped(now)
    }
}
